// Products of a few rows with a layer.

#pragma once

#include "coded_rows.hpp"

// The rows of a product as its weights want them.
class Inputs {
 public:
  // For `rows` rows of at most `inputs`.
  Inputs(int64_t rows, int64_t inputs)
      : wide_(room_for<uint16_t>(rows * inputs)), coded_(rows, inputs) {}

  // Takes row `row` of `x`, [rows][inputs]. Different rows may be taken at the same time.
  void take(const Linear& w, const uint16_t* x, int64_t row) {
    x += row * w.inputs;
    if (w.order != nullptr || !w.in_bytes) {
      uint16_t* wide = wide_.get() + row * w.inputs;
      for (int64_t k = 0; k < w.inputs; ++k) wide[k] = w.order == nullptr ? x[k] : x[w.order[k]];
      x = wide;
    }
    if (w.group != 0) coded_.take(w, x, row);
  }

  // The sums of `Rows` rows from `first` on for a unit of outputs.
  template <int Rows>
  void multiply(const Linear& w, int64_t first, int64_t unit, Floats (&total)[Rows][kUnit]) const {
    const uint16_t* wide = wide_.get() + first * w.inputs;
    if (w.group == 0) return multiply_unit<Rows>(w.dense(), wide, unit, total);
    coded_.multiply<Rows>(w, wide, first, unit, total);
  }

 private:
  std::unique_ptr<uint16_t[]> wide_;
  CodedRows coded_;
};

// A unit of outputs for `Rows` rows from `first` on: gives `take(row, block, sixteen sums)`.
template <int Rows, class Take>
inline void multiply_rows(const Linear& w, const Inputs& x, int64_t first, int64_t unit,
                          Take&& take) {
  Floats total[Rows][kUnit];
  x.multiply<Rows>(w, first, unit, total);
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < kUnit; ++b) take(first + r, unit * kUnit + b, total[r][b]);
}

// A unit of outputs for all rows, in parts as even as can be: the weights come from memory once, and
// then from the cache.
template <class Take>
void multiply(const Linear& w, const Inputs& x, int64_t rows, int64_t unit, Take&& take) {
  const int64_t parts = (rows + kMostRows - 1) / kMostRows;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t at = rows * part / parts;
    switch (rows * (part + 1) / parts - at) {
      case 1: multiply_rows<1>(w, x, at, unit, take); break;
      case 2: multiply_rows<2>(w, x, at, unit, take); break;
      case 3: multiply_rows<3>(w, x, at, unit, take); break;
      case 4: multiply_rows<4>(w, x, at, unit, take); break;
      default: multiply_rows<kMostRows>(w, x, at, unit, take);
    }
  }
}
