// One linear layer, in 4 bits, 8 bits or bfloat16.

#pragma once

#include <memory>

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

  DenseWeights dense() const { return {static_cast<const uint16_t*>(weights), inputs}; }

  // A sum as the layer's output in bfloat16, widened again.
  Floats finish(int64_t block, Floats sum) const {
    if (bias == nullptr) return rounded(sum);
    return rounded((group ? rounded(sum) : sum) + load16(bias + block * kOutputs));
  }
};

// Numbers that are written before they are read.
template <class Number>
std::unique_ptr<Number[]> room_for(int64_t count) {
  return std::unique_ptr<Number[]>(new Number[count]);
}
