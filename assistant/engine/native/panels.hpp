// Products of many rows in 8 bits with weights in 4 or 8: the codes of a group become bytes once for a
// chunk of rows, of which a tile at a time meets a unit of outputs with all its sums in registers.

#pragma once

#include <algorithm>

#include "bytes.hpp"

constexpr int kTile = 6;        // rows of a tile
constexpr int64_t kTiles = 16;  // of a chunk at most: their sums and a panel share the first cache
constexpr int64_t kChunk = kTile * kTiles;
constexpr int64_t kMostGroup = 256;

// Bytes of a group in a tile: the inputs, [group / 16][kTile][16], then the factors, [3][kTile]. A
// chunk is [groups][tiles] of them.
inline int64_t tile_bytes(int64_t group) { return (group + 3 * sizeof(float)) * kTile; }

// The codes of a group for a unit of outputs as bytes, [group / 4][kUnit][16][4]: `panel` or where they
// are already.
inline const uint8_t* as_panel(const Int8Weights&, const uint8_t* at, uint8_t*) { return at; }

inline const uint8_t* as_panel(const Int4Weights& w, const uint8_t* at, uint8_t* panel) {
  const __m512i low = _mm512_set1_epi8(15);
  uint8_t* to = panel;
  for (int64_t k = 0; k < w.group; k += kInt4Inputs, at += kInt4Step, to += 2 * kInt4Step)
    for (int64_t b = 0; b < kUnit * kInt4Bytes; b += kInt4Bytes) {
      const __m512i word = _mm512_loadu_si512(at + b);
      _mm512_store_si512(to + b, _mm512_and_si512(word, low));
      _mm512_store_si512(to + kInt4Step + b, _mm512_and_si512(_mm512_srli_epi16(word, 4), low));
    }
  return panel;
}

// The scales and zeros of a group for a unit of outputs.
struct Pairs {
  __m512 scale[kUnit], zero[kUnit];
};

// Adds the products of one group to the sums of a tile, [kTile][64]; `middle` is the weights'.
__attribute__((noinline, flatten)) inline void add_tile(const uint8_t* panel, const int8_t* x,
                                                        int64_t group, const Pairs& pairs,
                                                        float middle, float* totals) {
  __m512i part[kTile][kUnit];
  each<kTile>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = _mm512_setzero_si512(); }); });
  for (int64_t k = 0; k < group; k += 16, x += kTile * 16) {
    each<4>([&](auto four) {
      __m512i weights[kUnit];
      each<kUnit>([&](auto b) { weights[b] = _mm512_loadu_si512(panel + b * 64); });
      each<kTile>([&](auto r) {
        const __m512i inputs = broadcast(x + r * 16 + four * 4);
        each<kUnit>([&](auto b) { add(part[r][b], weights[b], inputs); });
      });
      panel += kUnit * 64;
    });
  }
  each<kTile>([&](auto r) {
    const auto factor = [&](int64_t i) {
      return _mm512_castsi512_ps(broadcast(x + (i * kTile + r) * sizeof(float)));
    };
    const __m512 scale = factor(0), inputs = factor(2);
    const __m512 shift = _mm512_mul_ps(factor(1), _mm512_set1_ps(middle));
    float* to = totals + r * kUnit * kOutputs;
    each<kUnit>([&](auto b) {
      const __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[r][b]), scale, shift);
      __m512 total = _mm512_load_ps(to + b * kOutputs);
      total = _mm512_fmadd_ps(sum, pairs.scale[b], total);
      total = _mm512_fmadd_ps(inputs, pairs.zero[b], total);
      _mm512_store_ps(to + b * kOutputs, total);
    });
  });
}

// A unit of outputs for the `tiles` of a chunk: `totals` become [tiles][kTile][64].
template <class Weights>
inline void multiply_chunk(const Weights& w, const int8_t* chunk, int64_t tiles, int64_t unit,
                           float* totals) {
  alignas(64) uint8_t room[kMostGroup * kUnit * kOutputs];
  const int64_t size = tile_bytes(w.group), sums = kTile * kUnit * kOutputs;
  std::fill_n(totals, tiles * sums, 0.0f);
  const int64_t codes = w.group * Weights::kInputBytes;
  const int64_t share = (codes / 64 + tiles - 1) / tiles * 64;
  const uint8_t* at = w.codes + unit * w.inputs * Weights::kInputBytes;
  for (int64_t g = 0; g < w.inputs / w.group; ++g, at += codes) {
    const uint8_t* panel = as_panel(w, at, room);
    Pairs pairs;
    for (int b = 0; b < kUnit; ++b)
      pair_of(w, g, unit * kUnit + b, &pairs.scale[b], &pairs.zero[b]);
    const uint8_t* next = at + codes;
    for (int64_t tile = 0; tile < tiles; ++tile, chunk += size) {
      // The next group's share of the codes, which come from memory while this one is computed.
      for (int64_t k = tile * share; k < std::min((tile + 1) * share, codes); k += 64)
        _mm_prefetch(reinterpret_cast<const char*>(next + k), _MM_HINT_T0);
      add_tile(panel, chunk, w.group, pairs, Weights::kMiddle, totals + tile * sums);
    }
  }
}
