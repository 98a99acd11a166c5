// Products of bfloat16 rows with bfloat16 weights: sixteen outputs are a block, with two inputs each
// as the dot-product instruction wants them, and the blocks of a unit take turns.

#pragma once

#include "bfloat16.hpp"

struct DenseWeights {
  const uint16_t* values;  // [outputs / 64][inputs / 2][4][16][2]
  int64_t inputs;
};

// Rows [Rows][inputs] times a unit of outputs.
template <int Rows>
inline void multiply_unit(const DenseWeights& w, const uint16_t* x, int64_t unit,
                          __m512 (&total)[Rows][kUnit]) {
  constexpr int64_t kStep = kUnit * kOutputs * 2;
  const uint16_t* at = w.values + unit * (w.inputs / 2) * kStep;
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < kUnit; ++b) total[r][b] = _mm512_setzero_ps();
  for (int64_t k = 0; k < w.inputs; k += 2, at += kStep) {
    for (int b = 0; b < kUnit; ++b) {
      const __m512bh two = (__m512bh)_mm512_loadu_si512(at + b * kOutputs * 2);
      for (int r = 0; r < Rows; ++r) {
        const __m512bh pair = two_inputs(x + r * w.inputs + k);
        total[r][b] = _mm512_dpbf16_ps(total[r][b], pair, two);
      }
    }
  }
}
