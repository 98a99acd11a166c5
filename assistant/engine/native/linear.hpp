// One linear layer, in 4 bits or bfloat16.

#pragma once

#include "dense.hpp"
#include "int4.hpp"

// As `native/layers.py` writes it.
struct Linear {
  const void* weights;
  const uint16_t* pairs;
  const uint16_t* levels;
  const int64_t* order;   // which input comes first, second and so on, or null
  const uint16_t* bias;   // [outputs], or null
  int64_t outputs, inputs;
  int64_t group;          // inputs that share a scale and a zero; 0 for bfloat16 weights

  Int4Weights int4() const {
    return {static_cast<const uint8_t*>(weights), pairs, levels, outputs, inputs, group};
  }
  DenseWeights dense() const { return {static_cast<const uint16_t*>(weights), inputs}; }

  // A sum as the layer's output in bfloat16, widened again.
  __m512 finish(int64_t block, __m512 sum) const {
    if (bias == nullptr) return rounded(sum);
    const __m512 added = load16(bias + block * kOutputs);
    return rounded(_mm512_add_ps(group ? rounded(sum) : sum, added));
  }
};

// A unit of outputs for `Rows` rows from `first` on: gives `take(row, block, sixteen sums)`.
template <int Rows, class Take>
inline void multiply_rows(const Linear& w, const uint16_t* x, const float* sums, int64_t first,
                          int64_t unit, Take&& take) {
  __m512 total[Rows][kUnit];
  const uint16_t* rows = x + first * w.inputs;
  if (w.group) {
    const float* own = sums + first * (w.inputs / w.group);
    multiply_unit<Rows>(w.int4(), rows, own, unit, total);
  } else {
    multiply_unit<Rows>(w.dense(), rows, unit, total);
  }
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < kUnit; ++b) take(first + r, unit * kUnit + b, total[r][b]);
}

// A unit of outputs for all rows, in parts as even as can be: the weights come from memory once, and
// then from the cache. `sums` are those of `sum_groups`, for 4 bits.
template <class Take>
void multiply(const Linear& w, const uint16_t* x, const float* sums, int64_t rows, int64_t unit,
              Take&& take) {
  const int64_t parts = (rows + kMostRows - 1) / kMostRows;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t at = rows * part / parts;
    switch (rows * (part + 1) / parts - at) {
      case 1: multiply_rows<1>(w, x, sums, at, unit, take); break;
      case 2: multiply_rows<2>(w, x, sums, at, unit, take); break;
      case 3: multiply_rows<3>(w, x, sums, at, unit, take); break;
      case 4: multiply_rows<4>(w, x, sums, at, unit, take); break;
      case 5: multiply_rows<5>(w, x, sums, at, unit, take); break;
      default: multiply_rows<kMostRows>(w, x, sums, at, unit, take);
    }
  }
}
