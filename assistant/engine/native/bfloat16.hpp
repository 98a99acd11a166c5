// bfloat16 numbers and sixteen of them at a time, for processors with AVX-512 and its instructions
// for bfloat16.

#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

constexpr int64_t kOutputs = 16;  // outputs of a product that stand together in its weights
constexpr int64_t kUnit = 4;      // blocks of so many outputs that a thread takes at a time
constexpr int kMostRows = 5;      // rows for which a weight is looked at once

template <class Do, int... Numbers>
inline void each_of(Do&& act, std::integer_sequence<int, Numbers...>) {
  (act(std::integral_constant<int, Numbers>{}), ...);
}

// A loop that is written out before the compiler decides what to keep in registers.
template <int Count, class Do>
inline void each(Do&& act) {
  each_of(act, std::make_integer_sequence<int, Count>{});
}

inline __m512 load16(const uint16_t* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

inline float widened(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

inline void store16(uint16_t* to, __m512 values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(values));
}

// Four bytes, sixteen times. Written out, because compilers would hold many of them in registers,
// and have too few left for sums.
inline __m512i broadcast(const void* from) {
  __m512i found;
  asm volatile("vpbroadcastd %1, %0" : "=v"(found) : "m"(*static_cast<const int32_t*>(from)));
  return found;
}

// Adds the products of two inputs each. Written out, because compilers would keep a copy of each sum in
// memory.
inline void add(__m512& sum, __m512bh weights, __m512bh inputs) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
}

// To bfloat16 and back: what is lost when a result is kept in it.
inline __m512 rounded(__m512 values) {
  const __m512i bits = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(values));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

// e to the power of each, from -87 to 87, within 4e-6 of it: x is n ln 2 plus a rest of at most half of
// that, and the rest goes through Taylor's series.
inline __m512 exp16(__m512 x) {
  x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(87.0f));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
  const __m512 rest = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.69314718f), x);
  __m512 sum = _mm512_set1_ps(1.0f / 120);
  for (float factor : {1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(factor));
  return _mm512_scalef_ps(sum, n);
}
