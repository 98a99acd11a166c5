// The rows of a product as weights in 4 or 8 bits want them.

#pragma once

#include "int8.hpp"
#include "linear.hpp"

inline Int4Weights int4_of(const Linear& w) {
  return {static_cast<const uint8_t*>(w.weights), w.pairs, w.levels, w.outputs, w.inputs, w.group};
}

inline Int8Weights int8_of(const Linear& w) {
  return {static_cast<const uint8_t*>(w.weights), w.pairs, w.outputs, w.inputs, w.group};
}

class CodedRows {
 public:
  // For `rows` rows of at most `inputs`, in groups of at least 32.
  CodedRows(int64_t rows, int64_t inputs)
      : bytes_(room_for<int8_t>(rows * inputs)), factors_(room_for<float>(rows * (inputs / 32) * 3)),
        outliers_(rows) {}

  // Takes a row, `x` is [inputs] in the order of the weights. Different rows may be taken at the same
  // time.
  void take(const Linear& w, const uint16_t* x, int64_t row) {
    outliers_[row].clear();
    const int64_t groups = w.inputs / w.group, size = w.in_bytes ? 3 : 1;
    for (int64_t g = 0; g < groups; ++g) {
      float* own = factors_.get() + (row * groups + g) * size;
      if (w.in_bytes)
        take_group(x, row, g, w, own);
      else
        *own = sum_group(x + g * w.group, w.group);
    }
  }

  // The sums of `Rows` rows from `first` on, [Rows][inputs] of which are `wide`, for a unit of outputs.
  template <int Rows>
  void multiply(const Linear& w, const uint16_t* wide, int64_t first, int64_t unit,
                Floats (&total)[Rows][kUnit]) const {
    const float* own = factors_.get() + first * (w.inputs / w.group) * (w.in_bytes ? 3 : 1);
    if (!w.in_bytes) return multiply_unit<Rows>(int4_of(w), wide, own, unit, total);
    if (w.bits == 8) return multiply_bytes<Rows>(int8_of(w), first, unit, own, total);
    multiply_bytes<Rows>(int4_of(w), first, unit, own, total);
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
  void multiply_bytes(const Weights& w, int64_t first, int64_t unit,
                      const float* factors, Floats (&total)[Rows][kUnit]) const {
    multiply_unit<Rows>(w, bytes_.get() + first * w.inputs, factors, unit, total);
    for (int r = 0; r < Rows; ++r)
      for (const Outlier& outlier : outliers_[first + r]) add_outlier(w, outlier, unit, total[r]);
  }

  std::unique_ptr<int8_t[]> bytes_;
  std::unique_ptr<float[]> factors_;
  std::vector<std::vector<Outlier>> outliers_;
};
