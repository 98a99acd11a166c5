// Weights in 8 bits, which are multiplied with rows in 8 bits. A weight is (code - 128) * scale + zero.
// As 4-bit codes become bytes, so these are: of eight inputs, those that come first are 0 4 1 5.

#pragma once

#include "int4.hpp"

struct Int8Weights {
  const uint8_t* codes;   // [outputs / 64][inputs / 4][4][16][4]
  const uint16_t* pairs;  // as those of `Int4Weights`
  int64_t outputs, inputs, group;

  static constexpr int64_t kInputBytes = 64;
  static constexpr float kMiddle = 128.0f;
};

// The codes of one input for sixteen outputs, `at` is where its unit begins.
inline __m512i codes_at(const Int8Weights&, const uint8_t* at, int64_t input, int64_t block) {
  const int64_t place = input % 4 * 2 + input % 8 / 4;  // among eight
  at += (input / 8 * 2 + place / 4) * kUnit * 64 + block * 64;
  const __m512i words = _mm512_srlv_epi32(_mm512_loadu_si512(at), _mm512_set1_epi32(place % 4 * 8));
  return _mm512_and_si512(words, _mm512_set1_epi32(255));
}

inline __m512i codes_at(const Int4Weights&, const uint8_t* at, int64_t input, int64_t block) {
  const int64_t place = input % kInt4Inputs;
  at += input / kInt4Inputs * kInt4Step + block * kInt4Bytes;
  const __m512i shift = _mm512_set1_epi32(place % 2 * 16 + place / 2 * 4);
  const __m512i words = _mm512_srlv_epi32(_mm512_loadu_si512(at), shift);
  return _mm512_and_si512(words, _mm512_set1_epi32(15));
}
