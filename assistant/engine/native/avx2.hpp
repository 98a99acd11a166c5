// What kernels for bfloat16 are written in, for processors with AVX2 alone: products in float32, and two
// registers for what `avx512.hpp` has in one.

#pragma once

#include <immintrin.h>

#include <cstdint>

// Splitting weights into two numbers costs little beside their products, and registers are few.
constexpr int kMostRows = 1;  // rows for which a weight is looked at once

struct Floats {  // sixteen
  __m256 low, high;
};
struct Pairs {  // sixteen times two numbers in bfloat16 that stand together
  __m256i low, high;
};

inline Floats operator+(Floats a, Floats b) { return {a.low + b.low, a.high + b.high}; }
inline Floats operator-(Floats a, Floats b) { return {a.low - b.low, a.high - b.high}; }
inline Floats operator*(Floats a, Floats b) { return {a.low * b.low, a.high * b.high}; }

inline Floats splat(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
inline Floats load(const float* from) { return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
inline void store(float* to, Floats values) {
  _mm256_storeu_ps(to, values.low);
  _mm256_storeu_ps(to + 8, values.high);
}

// a * b + c, rounded once.
inline Floats multiply_add(Floats a, Floats b, Floats c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline Floats maximum(Floats a, Floats b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline Floats minimum(Floats a, Floats b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}

inline float sum_of(Floats values) {
  const __m256 eight = values.low + values.high;
  const __m128 four = _mm256_castps256_ps128(eight) + _mm256_extractf128_ps(eight, 1);
  const __m128 two = four + _mm_movehl_ps(four, four);
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float greatest_of(Floats values) {
  const __m256 eight = _mm256_max_ps(values.low, values.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// The first `here` of them, and `other` in place of the rest.
inline Floats first_of(Floats values, int64_t here, float other) {
  const __m256i limit = _mm256_set1_epi32(static_cast<int>(here));
  const auto real = [&](int from) {
    const __m256i places = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
                                            _mm256_set1_epi32(from));
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, places));
  };
  const __m256 rest = _mm256_set1_ps(other);
  return {_mm256_blendv_ps(rest, values.low, real(0)), _mm256_blendv_ps(rest, values.high, real(8))};
}

inline Floats nearest(Floats values) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(values.low, kNearest), _mm256_round_ps(values.high, kNearest)};
}
// values * 2 to the power of whole numbers, from -126 to 127.
inline Floats ldexp(Floats values, Floats powers) {
  const auto factor = [](__m256 power) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(power), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  };
  return {values.low * factor(powers.low), values.high * factor(powers.high)};
}

// One over each.
inline Floats inverse(Floats x) {
  const __m256 one = _mm256_set1_ps(1.0f);
  return {one / x.low, one / x.high};
}

inline __m256 widened8(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

// Sixteen numbers in bfloat16.
inline Floats load16(const uint16_t* from) {
  const auto* at = reinterpret_cast<const __m128i*>(from);
  return {widened8(_mm_loadu_si128(at)), widened8(_mm_loadu_si128(at + 1))};
}

// To bfloat16, to the nearest and of two as near to the even one, and back.
inline __m256i rounded8(__m256 values) {
  const __m256i bits = _mm256_castps_si256(values);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i moved = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
  const __m256 real = _mm256_cmp_ps(values, values, _CMP_ORD_Q);  // or it would become a number
  const __m256i found = _mm256_blendv_epi8(bits, moved, _mm256_castps_si256(real));
  return _mm256_and_si256(found, _mm256_set1_epi32(0xFFFF0000));
}
inline Floats rounded(Floats values) {
  return {_mm256_castsi256_ps(rounded8(values.low)), _mm256_castsi256_ps(rounded8(values.high))};
}

inline void store16(uint16_t* to, Floats values) {
  const __m256i low = _mm256_srli_epi32(rounded8(values.low), 16);
  const __m256i high = _mm256_srli_epi32(rounded8(values.high), 16);
  const __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xD8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), both);
}

inline Pairs load_pairs(const uint16_t* from) {
  const auto* at = reinterpret_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
// Four bytes, eight times.
inline __m256i broadcast(const void* from) {
  int32_t four;
  __builtin_memcpy(&four, from, sizeof four);
  return _mm256_set1_epi32(four);
}
inline Pairs same_pair(const uint16_t* from) { return {broadcast(from), broadcast(from)}; }

inline __m256 first_of_pair(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
}
inline __m256 second_of_pair(__m256i pairs) {
  return _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(0xFFFF0000)));
}

// Adds the products of two inputs each.
inline void add(Floats& sum, Pairs weights, Pairs inputs) {
  const auto both = [](__m256 sum, __m256i weights, __m256i inputs) {
    sum = _mm256_fmadd_ps(first_of_pair(weights), first_of_pair(inputs), sum);
    return _mm256_fmadd_ps(second_of_pair(weights), second_of_pair(inputs), sum);
  };
  sum = {both(sum.low, weights.low, inputs.low), both(sum.high, weights.high, inputs.high)};
}

// The sums of sixteen vectors, in order.
inline Floats sum_each(const Floats (&v)[16]) {
  alignas(32) float sums[16];
  for (int i = 0; i < 16; ++i) sums[i] = sum_of(v[i]);
  return load(sums);
}
