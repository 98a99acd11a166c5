// Products of rows in 8 bits with weights in 4 or 8: twice as many fit into an instruction as in
// bfloat16. The inputs of a group share a scale, in the rows as in the weights.

#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "int4.hpp"

// Sixteen numbers as bytes, in the order in which the halves of sixteen words of codes come.
inline void store_bytes(int8_t* to, Whole whole) {
  const __m128i order =
      _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(narrowed(whole), order));
}

// An input that is far from all others of its group. It would take their share of the 8 bits, so it
// stands apart, as in LLM.int8() (Dettmers et al. 2022, arXiv 2208.07339).
struct Outlier {
  int64_t input;
  float value;
};
constexpr float kFar = 12.0f;  // times the mean size in its group

// What inputs became: about bytes * scale.
struct Rounded {
  float scale;
  int32_t sum;  // of the bytes
  float total;  // of the inputs
};

// Notes which inputs are greater than `limit`; the greatest of the others comes back.
inline float take_out(const uint16_t* x, int64_t first, int64_t count, float limit,
                      std::vector<Outlier>& outliers) {
  float most = 0;
  for (int64_t k = first; k < first + count; ++k) {
    const float value = widened(x[k]), size = std::fabs(value);
    if (size > limit)
      outliers.push_back({k, value});
    else
      most = std::max(most, size);
  }
  return most;
}

// `count` inputs from `first` on as bytes; of eight, in the order 0 4 1 5 2 6 3 7. Sixteen are `step`
// behind the sixteen before.
inline Rounded to_bytes(const uint16_t* x, int64_t first, int64_t count, int8_t* to, int64_t step,
                        std::vector<Outlier>& outliers) {
  Floats total = splat(0), sizes = total, greatest = total;
  for (int64_t k = first; k < first + count; k += 16) {
    const Floats value = load16(x + k), size = absolute(value);
    total = total + value;
    sizes = sizes + size;
    greatest = maximum(greatest, size);
  }
  const float limit = kFar * sum_of(sizes) / static_cast<float>(count);
  float most = greatest_of(greatest);
  if (most > limit) most = take_out(x, first, count, limit, outliers);
  const Floats factor = splat(most > 0 ? 127.0f / most : 0.0f), near = splat(limit);
  Whole sum = no_whole();
  for (int64_t k = first; k < first + count; k += 16, to += step) {
    const Whole whole = whole_of(load16(x + k), factor, near);
    sum = plus(sum, whole);
    store_bytes(to, whole);
  }
  return {most / 127.0f, sum_of(sum), sum_of(total)};
}

// Adds the product of an outlier to a unit of outputs; its zeros are counted with the group's.
template <class Weights>
inline void add_outlier(const Weights& w, const Outlier& outlier, int64_t unit,
                        Floats (&total)[kUnit]) {
  const uint8_t* at = w.codes + unit * w.inputs * Weights::kInputBytes;
  each<kUnit>([&](auto b) {
    const Floats level = floats_of(codes_at(w, at, outlier.input, b)) - splat(Weights::kMiddle);
    Floats scale, zero;
    pair_of(w, outlier.input / w.group, unit * kUnit + b, &scale, &zero);
    total[b] = multiply_add(level, scale * splat(outlier.value), total[b]);
  });
}

// The sums of one group for a unit of outputs; rows are `stride` apart. A function of its own, because
// compilers would store the sums in each turn of the loop for what comes behind it.
template <int Rows>
__attribute__((noinline, flatten)) void add_group(const Int4Weights&, const uint8_t* at,
                                                  const int8_t* x, int64_t stride, int64_t group,
                                                  Whole (&sums)[Rows][kUnit]) {
  Whole part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = no_whole(); }); });
  for (int64_t k = 0; k < group; k += kInt4Inputs, at += kInt4Step) {
    each<kUnit / 2>([&](auto pair) {
      Bytes first[2], second[2];
      each<2>([&](auto i) {
        const uint8_t* codes = at + (2 * pair + i) * kInt4Bytes;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kAhead), _MM_HINT_T0);
        const Bytes word = load_bytes(codes);
        first[i] = low_codes(word);
        second[i] = high_codes(word);
      });
      each<Rows>([&](auto r) {
        const Bytes four = same_four(x + r * stride + k);
        each<2>([&](auto i) { add(part[r][2 * pair + i], first[i], four); });
        const Bytes others = same_four(x + r * stride + k + 4);
        each<2>([&](auto i) { add(part[r][2 * pair + i], second[i], others); });
      });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}

// Rows [Rows][inputs] times a unit of outputs; `factors` are [Rows][groups][3]. The levels of weights in
// 4 bits are -8 to 7.
template <int Rows, class Weights>
inline void multiply_unit(const Weights& w, const int8_t* x, const float* factors, int64_t unit,
                          Floats (&total)[Rows][kUnit]) {
  const int64_t groups = w.inputs / w.group, step = w.group * Weights::kInputBytes;
  const uint8_t* at = w.codes + unit * groups * step;
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { total[r][b] = splat(0); }); });
  for (int64_t g = 0; g < groups; ++g, at += step) {
    Whole part[Rows][kUnit];
    add_group<Rows>(w, at, x + g * w.group, w.inputs, w.group, part);
    each<kUnit>([&](auto b) {
      Floats scale, zero;
      pair_of(w, g, unit * kUnit + b, &scale, &zero);
      each<Rows>([&](auto r) {
        const float* own = factors + (r * groups + g) * 3;
        const Floats sum = multiply_add(floats_of(part[r][b]), splat(own[0]),
                                        splat(own[1] * Weights::kInSums));
        total[r][b] = multiply_add(sum, scale, total[r][b]);
        total[r][b] = multiply_add(splat(own[2]), zero, total[r][b]);
      });
    });
  }
}
