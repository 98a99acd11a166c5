// What kernels for weights in codes of 4 or 8 bits are written in, for processors with AVX-512 and its
// instructions for bytes and bfloat16. `avx2_codes.hpp` has the same words for others.

#pragma once

#include "bfloat16.hpp"

using Bytes = __m512i;  // 64, or sixteen words of 32 bits, or 32 of 16
using Whole = __m512i;  // sixteen whole numbers of 32 bits
using Table = __m512i;  // sixteen numbers in bfloat16, twice

inline Bytes load_bytes(const void* from) { return _mm512_loadu_si512(from); }
inline Bytes same_four(const void* from) { return broadcast(from); }
inline Bytes low_codes(Bytes codes) { return _mm512_and_si512(codes, _mm512_set1_epi8(15)); }
inline Bytes high_codes(Bytes codes) { return low_codes(_mm512_srli_epi16(codes, 4)); }

inline Whole no_whole() { return _mm512_setzero_si512(); }
inline Whole plus(Whole a, Whole b) { return _mm512_add_epi32(a, b); }
inline int32_t sum_of(Whole numbers) { return _mm512_reduce_add_epi32(numbers); }
inline Floats floats_of(Whole numbers) { return _mm512_cvtepi32_ps(numbers); }

// `mask` of each word of 32 bits behind its `shift` lowest.
inline Whole part_of(Bytes words, int shift, int mask) {
  const __m512i moved = _mm512_srlv_epi32(words, _mm512_set1_epi32(shift));
  return _mm512_and_si512(moved, _mm512_set1_epi32(mask));
}

// Adds the products of four inputs each. Written out, because compilers would keep a copy of each sum
// in memory.
inline void add(Whole& sum, Bytes weights, Bytes inputs) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
}

// The same for weights from 0 to 255, `kTakenOff` of which is taken off each.
constexpr float kTakenOff = 0.0f;
inline void add_wide(Whole& sum, Bytes weights, Bytes inputs) { add(sum, weights, inputs); }

inline Floats absolute(Floats values) { return _mm512_abs_ps(values); }

// The nearest whole numbers to value * factor, and 0 for what is further from 0 than `limit`.
inline Whole whole_of(Floats value, Floats factor, Floats limit) {
  const __mmask16 kept = _mm512_cmp_ps_mask(absolute(value), limit, _CMP_LE_OQ);
  return _mm512_cvtps_epi32(_mm512_maskz_mul_ps(kept, value, factor));
}

// Sixteen numbers as bytes.
inline __m128i narrowed(Whole whole) { return _mm512_cvtsepi32_epi8(whole); }

inline Floats firsts_of(Pairs pairs) {
  return _mm512_castsi512_ps(_mm512_slli_epi32((__m512i)pairs, 16));
}
inline Floats seconds_of(Pairs pairs) {
  return _mm512_castsi512_ps(_mm512_and_si512((__m512i)pairs, _mm512_set1_epi32(0xFFFF0000)));
}
inline Pairs pairs_of(Floats firsts, Floats seconds) {
  const __m256i low = (__m256i)_mm512_cvtneps_pbh(firsts);
  const __m256i high = (__m256i)_mm512_cvtneps_pbh(seconds);
  return (Pairs)_mm512_or_si512(_mm512_cvtepu16_epi32(low),
                                _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

// The table twice, so that its fifth bit, which belongs to another code, does not matter.
inline Table table_of(const uint16_t* levels) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(levels));
  return _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1);
}

// The levels of the codes that begin each word of 16 bits behind `shift` others.
template <int shift>
inline Pairs look_up(Bytes codes, Table table) {
  return (Pairs)_mm512_permutexvar_epi16(_mm512_srli_epi16(codes, shift), table);
}

// Of sixteen outputs, two inputs in each of the four; `to` is [16][inputs], and gets all eight.
inline void store_eights(const Pairs (&two)[4], uint16_t* to, int64_t inputs) {
  const auto quarters = [&](__m512i four, uint16_t* at) {
    const auto put = [](uint16_t* at, __m128i quarter) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), quarter);
    };
    put(at, _mm512_extracti32x4_epi32(four, 0));
    put(at + 4 * inputs, _mm512_extracti32x4_epi32(four, 1));
    put(at + 8 * inputs, _mm512_extracti32x4_epi32(four, 2));
    put(at + 12 * inputs, _mm512_extracti32x4_epi32(four, 3));
  };
  const __m512i a = _mm512_unpacklo_epi32((__m512i)two[0], (__m512i)two[1]);
  const __m512i b = _mm512_unpackhi_epi32((__m512i)two[0], (__m512i)two[1]);
  const __m512i c = _mm512_unpacklo_epi32((__m512i)two[2], (__m512i)two[3]);
  const __m512i d = _mm512_unpackhi_epi32((__m512i)two[2], (__m512i)two[3]);
  // Each quarter of these has all eight inputs of an output: those of one are four apart.
  quarters(_mm512_unpacklo_epi64(a, c), to);
  quarters(_mm512_unpackhi_epi64(a, c), to + inputs);
  quarters(_mm512_unpacklo_epi64(b, d), to + 2 * inputs);
  quarters(_mm512_unpackhi_epi64(b, d), to + 3 * inputs);
}
