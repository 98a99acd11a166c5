// Products of rows in 8 bits with weights in 4 or 8: twice as many fit into an instruction as in
// bfloat16. The inputs of a group share a scale, in the rows as in the weights.

#pragma once

#include <vector>

#include "int8.hpp"

// Sixteen numbers as bytes, in the order in which the halves of sixteen words of codes come.
inline void store_bytes(int8_t* to, __m512i whole) {
  const __m128i order =
      _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  const __m128i bytes = _mm_shuffle_epi8(_mm512_cvtsepi32_epi8(whole), order);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
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
  __m512 most = _mm512_setzero_ps();
  for (int64_t k = first; k < first + count; k += 16) {
    const __m512 size = _mm512_abs_ps(load16(x + k));
    const __mmask16 far = _mm512_cmp_ps_mask(size, _mm512_set1_ps(limit), _CMP_GT_OQ);
    most = _mm512_mask_max_ps(most, ~far, most, size);
    for (unsigned left = far; left != 0; left &= left - 1) {
      const int64_t input = k + __builtin_ctz(left);
      outliers.push_back({input, widened(x[input])});
    }
  }
  return _mm512_reduce_max_ps(most);
}

// `count` inputs from `first` on as bytes; of eight, in the order 0 4 1 5 2 6 3 7. Sixteen are `step`
// behind the sixteen before.
inline Rounded to_bytes(const uint16_t* x, int64_t first, int64_t count, int8_t* to, int64_t step,
                        std::vector<Outlier>& outliers) {
  __m512 total = _mm512_setzero_ps(), sizes = total, greatest = total;
  for (int64_t k = first; k < first + count; k += 16) {
    const __m512 value = load16(x + k), size = _mm512_abs_ps(value);
    total = _mm512_add_ps(total, value);
    sizes = _mm512_add_ps(sizes, size);
    greatest = _mm512_max_ps(greatest, size);
  }
  const float limit = kFar * _mm512_reduce_add_ps(sizes) / static_cast<float>(count);
  float most = _mm512_reduce_max_ps(greatest);
  if (most > limit) most = take_out(x, first, count, limit, outliers);
  const __m512 factor = _mm512_set1_ps(most > 0 ? 127.0f / most : 0.0f);
  const __m512 near = _mm512_set1_ps(limit);
  __m512i sum = _mm512_setzero_si512();
  for (int64_t k = first; k < first + count; k += 16, to += step) {
    const __m512 value = load16(x + k);
    const __mmask16 kept = _mm512_cmp_ps_mask(_mm512_abs_ps(value), near, _CMP_LE_OQ);
    const __m512i whole = _mm512_cvtps_epi32(_mm512_maskz_mul_ps(kept, value, factor));
    sum = _mm512_add_epi32(sum, whole);
    store_bytes(to, whole);
  }
  return {most / 127.0f, _mm512_reduce_add_epi32(sum), _mm512_reduce_add_ps(total)};
}

// Adds the product of an outlier to a unit of outputs; its zeros are counted with the group's.
template <class Weights>
inline void add_outlier(const Weights& w, const Outlier& outlier, int64_t unit,
                        __m512 (&total)[kUnit]) {
  const uint8_t* at = w.codes + unit * w.inputs * Weights::kInputBytes;
  each<kUnit>([&](auto b) {
    const __m512 codes = _mm512_cvtepi32_ps(codes_at(w, at, outlier.input, b));
    const __m512 level = _mm512_sub_ps(codes, _mm512_set1_ps(Weights::kMiddle));
    __m512 scale, zero;
    pair_of(w, outlier.input / w.group, unit * kUnit + b, &scale, &zero);
    const __m512 value = _mm512_mul_ps(scale, _mm512_set1_ps(outlier.value));
    total[b] = _mm512_fmadd_ps(level, value, total[b]);
  });
}

// Adds the products of four inputs each. Written out, because compilers would keep a copy of each sum
// in memory.
inline void add(__m512i& sum, __m512i weights, __m512i inputs) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
}

// The sums of one group for a unit of outputs; rows are `stride` apart. A function of its own, because
// compilers would store the sums in each turn of the loop for what comes behind it.
template <int Rows>
__attribute__((noinline, flatten)) void add_group(const Int4Weights&, const uint8_t* at,
                                                  const int8_t* x, int64_t stride, int64_t group,
                                                  __m512i (&sums)[Rows][kUnit]) {
  const __m512i low = _mm512_set1_epi8(15);
  __m512i part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = _mm512_setzero_si512(); }); });
  for (int64_t k = 0; k < group; k += kInt4Inputs, at += kInt4Step) {
    each<kUnit / 2>([&](auto pair) {
      __m512i first[2], second[2];
      each<2>([&](auto i) {
        const uint8_t* codes = at + (2 * pair + i) * kInt4Bytes;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kAhead), _MM_HINT_T0);
        const __m512i word = _mm512_loadu_si512(codes);
        first[i] = _mm512_and_si512(word, low);
        second[i] = _mm512_and_si512(_mm512_srli_epi16(word, 4), low);
      });
      each<Rows>([&](auto r) {
        const __m512i four = broadcast(x + r * stride + k);
        each<2>([&](auto i) { add(part[r][2 * pair + i], first[i], four); });
        const __m512i others = broadcast(x + r * stride + k + 4);
        each<2>([&](auto i) { add(part[r][2 * pair + i], second[i], others); });
      });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}

template <int Rows>
__attribute__((noinline, flatten)) void add_group(const Int8Weights&, const uint8_t* at,
                                                  const int8_t* x, int64_t stride, int64_t group,
                                                  __m512i (&sums)[Rows][kUnit]) {
  __m512i part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = _mm512_setzero_si512(); }); });
  for (int64_t k = 0; k < group; k += 4, at += kUnit * 64) {
    __m512i weights[kUnit];
    each<kUnit>([&](auto b) {
      _mm_prefetch(reinterpret_cast<const char*>(at + b * 64 + kAhead), _MM_HINT_T0);
      weights[b] = _mm512_loadu_si512(at + b * 64);
    });
    each<Rows>([&](auto r) {
      const __m512i four = broadcast(x + r * stride + k);
      each<kUnit>([&](auto b) { add(part[r][b], weights[b], four); });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}

// Rows [Rows][inputs] times a unit of outputs; `factors` are [Rows][groups][3]. The levels of weights in
// 4 bits are -8 to 7.
template <int Rows, class Weights>
inline void multiply_unit(const Weights& w, const int8_t* x, const float* factors, int64_t unit,
                          __m512 (&total)[Rows][kUnit]) {
  const int64_t groups = w.inputs / w.group, step = w.group * Weights::kInputBytes;
  const uint8_t* at = w.codes + unit * groups * step;
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { total[r][b] = _mm512_setzero_ps(); }); });
  for (int64_t g = 0; g < groups; ++g, at += step) {
    __m512i part[Rows][kUnit];
    add_group<Rows>(w, at, x + g * w.group, w.inputs, w.group, part);
    each<kUnit>([&](auto b) {
      __m512 scale, zero;
      pair_of(w, g, unit * kUnit + b, &scale, &zero);
      each<Rows>([&](auto r) {
        const float* own = factors + (r * groups + g) * 3;
        const __m512 sum =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[r][b]), _mm512_set1_ps(own[0]),
                            _mm512_set1_ps(own[1] * Weights::kMiddle));
        total[r][b] = _mm512_fmadd_ps(sum, scale, total[r][b]);
        total[r][b] = _mm512_fmadd_ps(_mm512_set1_ps(own[2]), zero, total[r][b]);
      });
    });
  }
}
