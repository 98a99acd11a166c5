// Products of a few rows with a matrix in bfloat16 as it is, [outputs][inputs], on processors for which
// PyTorch has nothing of that kind.

#include <omp.h>

#include "bfloat16.hpp"

namespace {

constexpr int kTogether = 4;  // outputs: so many sums, and what goes into them, fit into registers

// The sums of some outputs for one row, to be added up.
inline void sum_some(const uint16_t* weights, const uint16_t* x, int64_t inputs, Floats* sums) {
  Floats own[kTogether];
  each<kTogether>([&](auto o) { own[o] = splat(0); });
  for (int64_t k = 0; k < inputs; k += 16) {
    const Floats value = load16(x + k);
    each<kTogether>([&](auto o) {
      own[o] = multiply_add(load16(weights + o * inputs + k), value, own[o]);
    });
  }
  each<kTogether>([&](auto o) { sums[o] = own[o]; });
}

}  // namespace

// x is [rows][inputs], y [rows][outputs]; inputs and outputs are multiples of 16. A row comes out the
// same whatever others there are.
extern "C" void assistant_multiply_plain(const uint16_t* weights, const uint16_t* x, int64_t rows,
                                         int64_t outputs, int64_t inputs, uint16_t* y) {
#pragma omp parallel for schedule(static)
  for (int64_t first = 0; first < outputs; first += kOutputs)
    for (int64_t r = 0; r < rows; ++r) {
      Floats sums[kOutputs];
      for (int64_t o = 0; o < kOutputs; o += kTogether)
        sum_some(weights + (first + o) * inputs, x + r * inputs, inputs, sums + o);
      store16(y + r * outputs + first, sum_each(sums));
    }
}
