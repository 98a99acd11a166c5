// Products of bfloat16 rows with 4-bit weights.
//
// A weight is levels[code] * scale + zero. Sixteen outputs are a block; for each eight inputs it
// takes 64 bytes, 32 words of 16 bits: word 2 * output + parity holds the codes of the inputs
// parity, 2 + parity, 4 + parity and 6 + parity, lowest bits first. So a shift and a look-up give
// what a dot-product instruction wants, sixteen outputs with two inputs each. Four blocks are a
// unit, whose bytes take turns: one stream from memory, which the processor fetches ahead.

#pragma once

#include "bfloat16.hpp"

struct Int4Weights {
  const uint8_t* codes;    // [outputs / 64][inputs / 8][4][64]
  const uint16_t* pairs;   // [outputs / 64][groups][64][2], scale and zero in bfloat16
  const uint16_t* levels;  // [16] in bfloat16
  int64_t outputs, inputs, group;

  static constexpr int64_t kInputBytes = 32;  // of one input for a unit of outputs
  static constexpr float kMiddle = 8.0f;      // the code of level 0, where levels are -8 to 7
};

constexpr int64_t kPairs = kUnit * kOutputs * 2;  // numbers of a group for a unit of outputs
constexpr int64_t kInt4Inputs = 8;
constexpr int64_t kInt4Bytes = 64;
constexpr int64_t kAhead = 64 * 256;  // bytes, some twenty microseconds' worth

// Where a block begins, and how far it is from one eight of inputs to the next.
inline const uint8_t* codes_of(const Int4Weights& w, int64_t block) {
  const int64_t unit = block / kUnit * (w.inputs / kInt4Inputs) * kUnit;
  return w.codes + (unit + block % kUnit) * kInt4Bytes;
}
constexpr int64_t kInt4Step = kUnit * kInt4Bytes;

// The look-up table twice, so that its fifth bit, which belongs to another code, does not matter.
inline __m512i table_of(const Int4Weights& w) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.levels));
  return _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1);
}

inline __m512bh look_up(__m512i codes, __m512i table) {
  return (__m512bh)_mm512_permutexvar_epi16(codes, table);
}

// The scales and zeros of sixteen outputs.
template <class Weights>
inline void pair_of(const Weights& w, int64_t group, int64_t block, __m512* scale, __m512* zero) {
  const int64_t first = block / kUnit * (w.inputs / w.group) + group;
  const int64_t place = (first * kUnit + block % kUnit) * kOutputs;
  const __m512i both = _mm512_loadu_si512(w.pairs + place * 2);
  *scale = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
  *zero = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(0xFFFF0000)));
}

// What a zero is multiplied with: the sum of a group of inputs.
inline float sum_group(const uint16_t* x, int64_t group) {
  const __m512bh one = (__m512bh)_mm512_set1_epi16(0x3F80);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t k = 0; k < group; k += 32)
    sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(x + k), one);
  return _mm512_reduce_add_ps(sum);
}

// The sums of one group for a unit of outputs; rows are `stride` apart. A function of its own, because
// compilers would store the sums in each turn of the loop for what comes behind it.
template <int Rows>
__attribute__((noinline, flatten)) void add_group(const uint8_t* at, const uint16_t* x, int64_t stride,
                                         int64_t group, __m512i table,
                                         __m512 (&sums)[Rows][kUnit]) {
  __m512 part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = _mm512_setzero_ps(); }); });
  for (int64_t k = 0; k < group; k += kInt4Inputs, at += kInt4Step) {
    each<kUnit / 2>([&](auto pair) {
      __m512i word[2];
      each<2>([&](auto i) {
        const uint8_t* codes = at + (2 * pair + i) * kInt4Bytes;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kAhead), _MM_HINT_T0);
        word[i] = _mm512_loadu_si512(codes);
      });
      each<4>([&](auto j) {
        const __m512bh weights[2] = {look_up(_mm512_srli_epi16(word[0], 4 * j), table),
                                     look_up(_mm512_srli_epi16(word[1], 4 * j), table)};
        each<Rows>([&](auto r) {
          const __m512bh two = (__m512bh)broadcast(x + r * stride + k + 2 * j);
          each<2>([&](auto i) { add(part[r][2 * pair + i], weights[i], two); });
        });
      });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}

// Rows [Rows][inputs] times a unit of outputs; `sums` are those of the groups, [Rows][groups].
template <int Rows>
inline void multiply_unit(const Int4Weights& w, const uint16_t* x, const float* sums,
                          int64_t unit, __m512 (&total)[Rows][kUnit]) {
  const int64_t groups = w.inputs / w.group;
  const __m512i table = table_of(w);
  const uint8_t* at = codes_of(w, unit * kUnit);
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { total[r][b] = _mm512_setzero_ps(); }); });
  for (int64_t g = 0; g < groups; ++g) {
    __m512 part[Rows][kUnit];
    add_group<Rows>(at + g * w.group / kInt4Inputs * kInt4Step, x + g * w.group, w.inputs, w.group,
                    table, part);
    each<kUnit>([&](auto b) {
      __m512 scale, zero;
      pair_of(w, g, unit * kUnit + b, &scale, &zero);
      each<Rows>([&](auto r) {
        const __m512 sum = _mm512_set1_ps(sums[r * groups + g]);
        total[r][b] = _mm512_fmadd_ps(part[r][b], scale, total[r][b]);
        total[r][b] = _mm512_fmadd_ps(sum, zero, total[r][b]);
      });
    });
  }
}

// Two levels for each of sixteen outputs, in bfloat16, with scale and zero.
inline __m512i scaled(__m512i both, __m512 scale, __m512 zero) {
  const __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
  const __m512 odd =
      _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(0xFFFF0000)));
  const __m256i low = (__m256i)_mm512_cvtneps_pbh(_mm512_fmadd_ps(even, scale, zero));
  const __m256i high = (__m256i)_mm512_cvtneps_pbh(_mm512_fmadd_ps(odd, scale, zero));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

inline void store_quarters(__m512i four, uint16_t* to, int64_t inputs) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_extracti32x4_epi32(four, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * inputs),
                   _mm512_extracti32x4_epi32(four, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8 * inputs),
                   _mm512_extracti32x4_epi32(four, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 12 * inputs),
                   _mm512_extracti32x4_epi32(four, 3));
}

// Sixteen outputs as bfloat16, `to` is [16][inputs].
inline void unpack_block(const Int4Weights& w, int64_t block, __m512i table, uint16_t* to) {
  const uint8_t* at = codes_of(w, block);
  __m512 scale, zero;
  for (int64_t k = 0; k < w.inputs; k += kInt4Inputs, at += kInt4Step) {
    if (k % w.group == 0) pair_of(w, k / w.group, block, &scale, &zero);
    __m512i word = _mm512_loadu_si512(at);
    __m512i two[4];  // for sixteen outputs, inputs 2 i and 2 i + 1
    for (int i = 0; i < 4; ++i, word = _mm512_srli_epi16(word, 4))
      two[i] = scaled(_mm512_permutexvar_epi16(word, table), scale, zero);
    const __m512i a = _mm512_unpacklo_epi32(two[0], two[1]);
    const __m512i b = _mm512_unpackhi_epi32(two[0], two[1]);
    const __m512i c = _mm512_unpacklo_epi32(two[2], two[3]);
    const __m512i d = _mm512_unpackhi_epi32(two[2], two[3]);
    // Each quarter of these has all eight inputs of an output: those of one are four apart.
    store_quarters(_mm512_unpacklo_epi64(a, c), to + k, w.inputs);
    store_quarters(_mm512_unpackhi_epi64(a, c), to + k + w.inputs, w.inputs);
    store_quarters(_mm512_unpacklo_epi64(b, d), to + k + 2 * w.inputs, w.inputs);
    store_quarters(_mm512_unpackhi_epi64(b, d), to + k + 3 * w.inputs, w.inputs);
  }
}
