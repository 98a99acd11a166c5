// Products of bfloat16 rows with bfloat16 weights: sixteen outputs are a block, with two inputs each
// as AVX-512's dot-product instruction wants them, and the blocks of a unit take turns.

#pragma once

#include "bfloat16.hpp"

struct DenseWeights {
  const uint16_t* values;  // [outputs / 64][inputs / 2][4][16][2]
  int64_t inputs;
};

// Rows [Rows][inputs] times a unit of outputs.
template <int Rows>
inline void multiply_unit(const DenseWeights& w, const uint16_t* x, int64_t unit,
                          Floats (&total)[Rows][kUnit]) {
  constexpr int64_t kStep = kUnit * kOutputs * 2;
  const uint16_t* at = w.values + unit * (w.inputs / 2) * kStep;
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { total[r][b] = splat(0); }); });
  for (int64_t k = 0; k < w.inputs; k += 2, at += kStep) {
    each<kUnit / 2>([&](auto pair) {
      const uint16_t* values = at + pair * kOutputs * 4;
      const Pairs weights[2] = {load_pairs(values), load_pairs(values + kOutputs * 2)};
      each<Rows>([&](auto r) {
        const Pairs two = same_pair(x + r * w.inputs + k);
        each<2>([&](auto i) { add(total[r][2 * pair + i], weights[i], two); });
      });
    });
  }
}
