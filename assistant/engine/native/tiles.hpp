// Products of a few rows in bytes, a tile, with a panel of weights: all their sums stay in registers.

#pragma once

#include "panels.hpp"

constexpr int kTile = 6;  // rows

inline int64_t tiles_of(int64_t rows) { return (rows + kTile - 1) / kTile; }

// Bytes of a block in a tile: the inputs, [block / 16][kTile][16], then their scales and what the sums
// begin with, [2][kTile].
inline int64_t tile_bytes(int64_t block) { return (block + 2 * sizeof(float)) * kTile; }

constexpr int64_t kTileSums = kTile * kUnit * kOutputs;

// An outlier's place in a tile of a block.
struct TileOutlier {
  int32_t row, input;
  float value;
};

// Puts a block of up to `kTile` rows, which are `inputs` apart, into a tile. Rows that are missing are
// zeros.
inline void fill_tile(const uint16_t* x, int64_t inputs, int64_t rows, int64_t first, int64_t block,
                      int8_t* to, std::vector<Outlier>& found, std::vector<TileOutlier>& outliers) {
  float* scales = reinterpret_cast<float*>(to + block * kTile);
  int32_t* starts = reinterpret_cast<int32_t*>(scales + kTile);
  for (int64_t r = 0; r < rows; ++r) {
    const Rounded row = to_bytes(x + r * inputs, first, block, to + r * 16, kTile * 16, found);
    scales[r] = row.scale;
    starts[r] = -128 * row.sum;  // for weights count from 0 and not from -128
    for (const Outlier& one : found)
      outliers.push_back({static_cast<int32_t>(r), static_cast<int32_t>(one.input - first), one.value});
    found.clear();
  }
  for (int64_t r = rows; r < kTile; ++r) {
    for (int64_t k = 0; k < block; k += 16) std::fill_n(to + k * kTile + r * 16, 16, 0);
    scales[r] = 0;
    starts[r] = 0;
  }
}

// Adds the products of a block to the sums of a tile, [kTile][64].
__attribute__((noinline, flatten)) inline void add_tile(const Panel& panel, const int8_t* x,
                                                        int64_t block, float* totals) {
  const float* factors = reinterpret_cast<const float*>(x + block * kTile);
  __m512i part[kTile][kUnit];
  each<kTile>([&](auto r) {
    const __m512i start = broadcast(factors + kTile + r);
    each<kUnit>([&](auto b) { part[r][b] = start; });
  });
  const uint8_t* bytes = panel.bytes;
  for (int64_t k = 0; k < block; k += 16, x += kTile * 16) {
    each<4>([&](auto four) {
      __m512i weights[kUnit];
      each<kUnit>([&](auto b) { weights[b] = _mm512_loadu_si512(bytes + b * 64); });
      each<kTile>([&](auto r) {
        const __m512i inputs = broadcast(x + r * 16 + four * 4);
        each<kUnit>([&](auto b) { add(part[r][b], weights[b], inputs); });
      });
      bytes += kUnit * 64;
    });
  }
  each<kTile>([&](auto r) {
    const __m512 scale = _mm512_castsi512_ps(broadcast(factors + r));
    float* to = totals + r * kUnit * kOutputs;
    each<kUnit>([&](auto b) {
      const __m512 sum = _mm512_mul_ps(_mm512_cvtepi32_ps(part[r][b]), scale);
      const __m512 total = _mm512_load_ps(to + b * kOutputs);
      _mm512_store_ps(to + b * kOutputs, _mm512_fmadd_ps(sum, panel.scales[b], total));
    });
  });
}

// Adds the product of an outlier.
inline void add_outlier(const Panel& panel, const TileOutlier& outlier, float* totals) {
  const int64_t eighth = outlier.input % 8;
  const int64_t place = outlier.input / 8 * 2 + eighth % 4 / 2;  // of four bytes
  const __m512i shift = _mm512_set1_epi32(24 - (eighth % 2 * 2 + eighth / 4) * 8);
  const uint8_t* at = panel.bytes + place * kUnit * 64;
  float* to = totals + outlier.row * kUnit * kOutputs;
  each<kUnit>([&](auto b) {
    const __m512i first = _mm512_sllv_epi32(_mm512_loadu_si512(at + b * 64), shift);
    const __m512i level = _mm512_srli_epi32(first, 24);
    const __m512 weight = _mm512_mul_ps(
        _mm512_cvtepi32_ps(_mm512_sub_epi32(level, _mm512_set1_epi32(128))), panel.scales[b]);
    const __m512 total = _mm512_load_ps(to + b * kOutputs);
    _mm512_store_ps(to + b * kOutputs,
                    _mm512_fmadd_ps(weight, _mm512_set1_ps(outlier.value), total));
  });
}
