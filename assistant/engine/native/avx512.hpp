// What kernels for bfloat16 are written in, for processors with AVX-512 and its instructions for bfloat16.
// `avx2.hpp` has the same words for others.

#pragma once

#include <immintrin.h>

#include <cstdint>

constexpr int kMostRows = 5;  // rows for which a weight is looked at once

using Floats = __m512;    // sixteen
using Pairs = __m512bh;   // sixteen times two numbers in bfloat16 that stand together

inline Floats splat(float value) { return _mm512_set1_ps(value); }
inline Floats load(const float* from) { return _mm512_loadu_ps(from); }
inline void store(float* to, Floats values) { _mm512_storeu_ps(to, values); }

// a * b + c, rounded once.
inline Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
inline Floats maximum(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats minimum(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline float sum_of(Floats values) { return _mm512_reduce_add_ps(values); }
inline float greatest_of(Floats values) { return _mm512_reduce_max_ps(values); }

// The first `here` of them, and `other` in place of the rest.
inline Floats first_of(Floats values, int64_t here, float other) {
  return _mm512_mask_mov_ps(splat(other), static_cast<__mmask16>((1u << here) - 1), values);
}

inline Floats nearest(Floats values) { return _mm512_roundscale_ps(values, 8); }
// values * 2 to the power of whole numbers.
inline Floats ldexp(Floats values, Floats powers) { return _mm512_scalef_ps(values, powers); }

// One over each, within two units in the last place: a first guess and a step of Newton's.
inline Floats inverse(Floats x) {
  const Floats about = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(about, _mm512_fnmadd_ps(x, about, _mm512_set1_ps(2.0f)));
}

// Sixteen numbers in bfloat16.
inline Floats load16(const uint16_t* from) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

inline void store16(uint16_t* to, Floats values) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(values));
}

// To bfloat16 and back: what is lost when a result is kept in it.
inline Floats rounded(Floats values) {
  const __m512i bits = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(values));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

// Four bytes, sixteen times. Written out, because compilers would hold many of them in registers,
// and have too few left for sums.
inline __m512i broadcast(const void* from) {
  __m512i found;
  asm volatile("vpbroadcastd %1, %0" : "=v"(found) : "m"(*static_cast<const int32_t*>(from)));
  return found;
}

inline Pairs load_pairs(const uint16_t* from) { return (Pairs)_mm512_loadu_si512(from); }
inline Pairs same_pair(const uint16_t* from) { return (Pairs)broadcast(from); }

// Adds the products of two inputs each. Written out, because compilers would keep a copy of each sum in
// memory.
inline void add(Floats& sum, Pairs weights, Pairs inputs) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
}

// The sums of sixteen vectors, in order.
inline Floats sum_each(const Floats (&v)[16]) {
  __m512 a[8], b[4];
  for (int i = 0; i < 8; ++i)
    a[i] = _mm512_add_ps(_mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]),
                         _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]));
  for (int i = 0; i < 4; ++i) {
    const __m512d one = _mm512_castps_pd(a[2 * i]), other = _mm512_castps_pd(a[2 * i + 1]);
    b[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(one, other)),
                         _mm512_castpd_ps(_mm512_unpackhi_pd(one, other)));
  }
  const __m512 low = _mm512_add_ps(_mm512_shuffle_f32x4(b[0], b[1], 0x88),
                                   _mm512_shuffle_f32x4(b[0], b[1], 0xDD));
  const __m512 high = _mm512_add_ps(_mm512_shuffle_f32x4(b[2], b[3], 0x88),
                                    _mm512_shuffle_f32x4(b[2], b[3], 0xDD));
  return _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88),
                       _mm512_shuffle_f32x4(low, high, 0xDD));
}
