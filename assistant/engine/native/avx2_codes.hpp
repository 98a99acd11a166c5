// What kernels for weights in codes of 4 or 8 bits are written in, for processors with AVX2 alone: two
// registers for what `avx512_codes.hpp` has in one.

#pragma once

#include "bfloat16.hpp"

struct Bytes {  // 64, or sixteen words of 32 bits, or 32 of 16
  __m256i low, high;
};
struct Whole {  // sixteen whole numbers of 32 bits
  __m256i low, high;
};
struct Table {  // sixteen numbers in bfloat16, by their bytes, twice
  __m256i low, high;
};

inline Bytes load_bytes(const void* from) {
  const auto* at = static_cast<const __m256i*>(from);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
inline Bytes same_four(const void* from) { return {broadcast(from), broadcast(from)}; }
inline Bytes low_codes(Bytes codes) {
  const __m256i low = _mm256_set1_epi8(15);
  return {_mm256_and_si256(codes.low, low), _mm256_and_si256(codes.high, low)};
}
inline Bytes high_codes(Bytes codes) {
  return low_codes({_mm256_srli_epi16(codes.low, 4), _mm256_srli_epi16(codes.high, 4)});
}

inline Whole no_whole() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline Whole plus(Whole a, Whole b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
inline int32_t sum_of(Whole numbers) {
  const __m256i eight = _mm256_add_epi32(numbers.low, numbers.high);
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}
inline Floats floats_of(Whole numbers) {
  return {_mm256_cvtepi32_ps(numbers.low), _mm256_cvtepi32_ps(numbers.high)};
}

// `mask` of each word of 32 bits behind its `shift` lowest.
inline Whole part_of(Bytes words, int shift, int mask) {
  const __m128i count = _mm_cvtsi32_si128(shift);
  const __m256i kept = _mm256_set1_epi32(mask);
  return {_mm256_and_si256(_mm256_srl_epi32(words.low, count), kept),
          _mm256_and_si256(_mm256_srl_epi32(words.high, count), kept)};
}

// Sums of the products of four bytes each, where two products fit into 16 bits.
inline __m256i sums_of_four(__m256i without_sign, __m256i with_sign) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(without_sign, with_sign), _mm256_set1_epi16(1));
}

// Adds the products of four inputs each, of weights from 0 to 127.
inline void add(Whole& sum, Bytes weights, Bytes inputs) {
  sum = plus(sum, {sums_of_four(weights.low, inputs.low), sums_of_four(weights.high, inputs.high)});
}

// The same for weights from 0 to 255, `kTakenOff` of which is taken off each. An input may not be -128.
constexpr float kTakenOff = 128.0f;
inline void add_wide(Whole& sum, Bytes weights, Bytes inputs) {
  const __m256i middle = _mm256_set1_epi8(static_cast<char>(0x80));
  const auto sums = [&](__m256i weights, __m256i inputs) {
    const __m256i level = _mm256_xor_si256(weights, middle);
    return sums_of_four(_mm256_abs_epi8(level), _mm256_sign_epi8(inputs, level));
  };
  sum = plus(sum, {sums(weights.low, inputs.low), sums(weights.high, inputs.high)});
}

inline Floats absolute(Floats values) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, values.low), _mm256_andnot_ps(sign, values.high)};
}

// The nearest whole numbers to value * factor, and 0 for what is further from 0 than `limit`.
inline Whole whole_of(Floats value, Floats factor, Floats limit) {
  const Floats size = absolute(value), scaled = value * factor;
  const auto kept = [](__m256 scaled, __m256 size, __m256 limit) {
    return _mm256_cvtps_epi32(_mm256_and_ps(scaled, _mm256_cmp_ps(size, limit, _CMP_LE_OQ)));
  };
  return {kept(scaled.low, size.low, limit.low), kept(scaled.high, size.high, limit.high)};
}

// Sixteen numbers as bytes.
inline __m128i narrowed(Whole whole) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(whole.low, whole.high), 0xD8);
  return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

inline Floats firsts_of(Pairs pairs) {
  return {first_of_pair(pairs.low), first_of_pair(pairs.high)};
}
inline Floats seconds_of(Pairs pairs) {
  return {second_of_pair(pairs.low), second_of_pair(pairs.high)};
}
inline Pairs pairs_of(Floats firsts, Floats seconds) {
  const auto both = [](__m256 first, __m256 second) {
    return _mm256_or_si256(_mm256_srli_epi32(rounded8(first), 16), rounded8(second));
  };
  return {both(firsts.low, seconds.low), both(firsts.high, seconds.high)};
}

inline Table table_of(const uint16_t* levels) {
  alignas(16) uint8_t low[16], high[16];
  for (int i = 0; i < 16; ++i) {
    low[i] = static_cast<uint8_t>(levels[i]);
    high[i] = static_cast<uint8_t>(levels[i] >> 8);
  }
  const auto twice = [](const uint8_t* half) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(half)));
  };
  return {twice(low), twice(high)};
}

// The levels of the codes that begin each word of 16 bits behind `shift` others.
template <int shift>
inline Pairs look_up(Bytes codes, Table table) {
  const auto found = [&](__m256i words) {
    const __m256i place = _mm256_and_si256(_mm256_srli_epi16(words, shift), _mm256_set1_epi16(15));
    // A place of 128 and more stands for 0: each look-up gives one byte of a word.
    const __m256i first = _mm256_or_si256(place, _mm256_set1_epi16(static_cast<int16_t>(0x8000)));
    const __m256i second = _mm256_or_si256(_mm256_slli_epi16(place, 8), _mm256_set1_epi16(0x0080));
    return _mm256_or_si256(_mm256_shuffle_epi8(table.low, first),
                           _mm256_shuffle_epi8(table.high, second));
  };
  return {found(codes.low), found(codes.high)};
}

// Of sixteen outputs, two inputs in each of the four; `to` is [16][inputs], and gets all eight.
inline void store_eights(const Pairs (&two)[4], uint16_t* to, int64_t inputs) {
  const auto half = [&](__m256i first, __m256i second, __m256i third, __m256i fourth,
                        uint16_t* to) {
    const auto put = [&](__m256i both, uint16_t* at) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at), _mm256_castsi256_si128(both));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(at + 4 * inputs),
                       _mm256_extracti128_si256(both, 1));
    };
    const __m256i a = _mm256_unpacklo_epi32(first, second);
    const __m256i b = _mm256_unpackhi_epi32(first, second);
    const __m256i c = _mm256_unpacklo_epi32(third, fourth);
    const __m256i d = _mm256_unpackhi_epi32(third, fourth);
    put(_mm256_unpacklo_epi64(a, c), to);
    put(_mm256_unpackhi_epi64(a, c), to + inputs);
    put(_mm256_unpacklo_epi64(b, d), to + 2 * inputs);
    put(_mm256_unpackhi_epi64(b, d), to + 3 * inputs);
  };
  half(two[0].low, two[1].low, two[2].low, two[3].low, to);
  half(two[0].high, two[1].high, two[2].high, two[3].high, to + 8 * inputs);
}
