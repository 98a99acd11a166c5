// One linear layer, in 4 bits, 8 bits or bfloat16.

#pragma once

#include <memory>

#include "bytes.hpp"
#include "dense.hpp"

// As `native/layers.py` writes it.
struct Linear {
  const void* weights;
  const uint16_t* pairs;
  const uint16_t* levels;
  const int64_t* order;   // which input comes first, second and so on, or null
  const uint16_t* bias;   // [outputs], or null
  int64_t outputs, inputs;
  int64_t group;          // inputs that share a scale and a zero; 0 for bfloat16 weights
  int64_t in_bytes;       // whether rows are rounded to 8 bits; the levels are -8 to 7 then
  int64_t bits;           // of a code, 4 or 8; with 8, rows are rounded to 8 bits

  Int4Weights int4() const {
    return {static_cast<const uint8_t*>(weights), pairs, levels, outputs, inputs, group};
  }
  Int8Weights int8() const {
    return {static_cast<const uint8_t*>(weights), pairs, outputs, inputs, group};
  }
  DenseWeights dense() const { return {static_cast<const uint16_t*>(weights), inputs}; }

  // A sum as the layer's output in bfloat16, widened again.
  __m512 finish(int64_t block, __m512 sum) const {
    if (bias == nullptr) return rounded(sum);
    const __m512 added = load16(bias + block * kOutputs);
    return rounded(_mm512_add_ps(group ? rounded(sum) : sum, added));
  }
};

// Numbers that are written before they are read.
template <class Number>
std::unique_ptr<Number[]> room_for(int64_t count) {
  return std::unique_ptr<Number[]>(new Number[count]);
}

// The rows of a product as its weights want them.
class Inputs {
 public:
  // For `rows` rows of at most `inputs`, in groups of at least 32.
  Inputs(int64_t rows, int64_t inputs)
      : wide_(room_for<uint16_t>(rows * inputs)), bytes_(room_for<int8_t>(rows * inputs)),
        factors_(room_for<float>(rows * (inputs / 32) * 3)), outliers_(rows) {}

  // Takes row `row` of `x`, [rows][inputs]. Different rows may be taken at the same time.
  void take(const Linear& w, const uint16_t* x, int64_t row) {
    x += row * w.inputs;
    if (w.order != nullptr || !w.in_bytes) {
      uint16_t* wide = wide_.get() + row * w.inputs;
      for (int64_t k = 0; k < w.inputs; ++k) wide[k] = w.order == nullptr ? x[k] : x[w.order[k]];
      x = wide;
    }
    outliers_[row].clear();
    if (w.group == 0) return;
    const int64_t groups = w.inputs / w.group, size = w.in_bytes ? 3 : 1;
    for (int64_t g = 0; g < groups; ++g) {
      float* own = factors_.get() + (row * groups + g) * size;
      if (w.in_bytes)
        take_group(x, row, g, w, own);
      else
        *own = sum_group(x + g * w.group, w.group);
    }
  }

  // The sums of `Rows` rows from `first` on for a unit of outputs.
  template <int Rows>
  void multiply(const Linear& w, int64_t first, int64_t unit, __m512 (&total)[Rows][kUnit]) const {
    const uint16_t* wide = wide_.get() + first * w.inputs;
    if (w.group == 0) return multiply_unit<Rows>(w.dense(), wide, unit, total);
    const float* own = factors_.get() + first * (w.inputs / w.group) * (w.in_bytes ? 3 : 1);
    if (!w.in_bytes) return multiply_unit<Rows>(w.int4(), wide, own, unit, total);
    if (w.bits == 8) return multiply_bytes<Rows>(w.int8(), first, unit, own, total);
    multiply_bytes<Rows>(w.int4(), first, unit, own, total);
  }

 private:
  // The factors of a group are its scale, its sum by the scale and by -1, for codes are taken from 0 and
  // not from the middle, and the sum of all inputs.
  void take_group(const uint16_t* x, int64_t row, int64_t g, const Linear& w, float* own) {
    const int64_t first = g * w.group;
    int8_t* to = bytes_.get() + row * w.inputs + first;
    const Rounded group = to_bytes(x, first, w.group, to, 16, outliers_[row]);
    own[0] = group.scale;
    own[1] = -group.scale * static_cast<float>(group.sum);
    own[2] = group.total;
  }

  template <int Rows, class Weights>
  void multiply_bytes(const Weights& w, int64_t first, int64_t unit, const float* factors,
                      __m512 (&total)[Rows][kUnit]) const {
    multiply_unit<Rows>(w, bytes_.get() + first * w.inputs, factors, unit, total);
    for (int r = 0; r < Rows; ++r)
      for (const Outlier& outlier : outliers_[first + r]) add_outlier(w, outlier, unit, total[r]);
  }

  std::unique_ptr<uint16_t[]> wide_;
  std::unique_ptr<int8_t[]> bytes_;
  std::unique_ptr<float[]> factors_;
  std::vector<std::vector<Outlier>> outliers_;
};

// A unit of outputs for `Rows` rows from `first` on: gives `take(row, block, sixteen sums)`.
template <int Rows, class Take>
inline void multiply_rows(const Linear& w, const Inputs& x, int64_t first, int64_t unit,
                          Take&& take) {
  __m512 total[Rows][kUnit];
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
