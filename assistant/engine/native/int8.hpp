// Weights in 8 bits, which are multiplied with rows in 8 bits. A weight is (code - 128) * scale + zero.
// As 4-bit codes become bytes, so these are: of eight inputs, those that come first are 0 4 1 5.

#pragma once

#include "bytes.hpp"

struct Int8Weights {
  const uint8_t* codes;   // [outputs / 64][inputs / 4][4][16][4]
  const uint16_t* pairs;  // as those of `Int4Weights`
  int64_t outputs, inputs, group;

  static constexpr int64_t kInputBytes = 64;
  static constexpr float kMiddle = 128.0f;
  static constexpr float kInSums = kMiddle - kTakenOff;
};

// The codes of one input for sixteen outputs, `at` is where its unit begins.
inline Whole codes_at(const Int8Weights&, const uint8_t* at, int64_t input, int64_t block) {
  const int64_t place = input % 4 * 2 + input % 8 / 4;  // among eight
  at += (input / 8 * 2 + place / 4) * kUnit * 64 + block * 64;
  return part_of(load_bytes(at), static_cast<int>(place % 4 * 8), 255);
}

// See `add_group` of weights in 4 bits.
template <int Rows>
__attribute__((noinline, flatten)) void add_group(const Int8Weights&, const uint8_t* at,
                                                  const int8_t* x, int64_t stride, int64_t group,
                                                  Whole (&sums)[Rows][kUnit]) {
  Whole part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = no_whole(); }); });
  for (int64_t k = 0; k < group; k += 4, at += kUnit * 64) {
    Bytes weights[kUnit];
    each<kUnit>([&](auto b) {
      _mm_prefetch(reinterpret_cast<const char*>(at + b * 64 + kAhead), _MM_HINT_T0);
      weights[b] = load_bytes(at + b * 64);
    });
    each<Rows>([&](auto r) {
      const Bytes four = same_four(x + r * stride + k);
      each<kUnit>([&](auto b) { add_wide(part[r][b], weights[b], four); });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}
