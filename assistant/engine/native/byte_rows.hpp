// Rows that are rounded to 8 bits, for products with layers in 4 or 8. Each thread takes some of the
// outputs: what these have of a block of inputs becomes bytes once for many tiles of rows.

#pragma once

#include <algorithm>

#include "coded_rows.hpp"
#include "tiles.hpp"

constexpr int64_t kManyRows = 64;  // from which on this is the faster way
constexpr int64_t kTiles = 64;     // whose sums a thread holds

// What one thread needs for itself.
struct Scratch {
  explicit Scratch(int64_t inputs) : ordered(room_for<uint16_t>(kTile * inputs)) {}

  std::unique_ptr<uint16_t[]> ordered;
  std::vector<Outlier> outliers;
  alignas(64) float totals[kTiles * kTileSums];
  alignas(64) uint8_t panel[kBlock * kUnit * kOutputs];
};

class ByteRows {
 public:
  // For at most `rows` of at most `inputs`, in groups of at least 32.
  ByteRows(int64_t rows, int64_t inputs)
      : bytes_(room_for<int8_t>(tiles_of(rows) * tile_bytes(32) * (inputs / 32))),
        outliers_(tiles_of(rows)), ends_(tiles_of(rows) * (inputs / 32)) {}

  // Begins with `rows` rows for a layer; all tiles of them are to be taken. For one thread.
  void begin(const Linear& w, int64_t rows) {
    w_ = &w;
    rows_ = rows;
    block_ = w.bits == 8 ? block_of(int8_of(w)) : block_of(int4_of(w));
    blocks_ = (w.inputs + block_ - 1) / block_;
  }

  int64_t tiles() const { return tiles_of(rows_); }

  // The rows of a tile; x is [rows][inputs]. Different tiles may be taken at the same time.
  void take(const uint16_t* x, int64_t tile, Scratch& own) {
    const int64_t rows = std::min<int64_t>(kTile, rows_ - tile * kTile), inputs = w_->inputs;
    if (w_->order != nullptr) {
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t k = 0; k < inputs; ++k)
          own.ordered[r * inputs + k] = x[r * inputs + w_->order[k]];
      x = own.ordered.get();
    }
    outliers_[tile].clear();
    for (int64_t number = 0; number < blocks_; ++number) {
      const int64_t first = number * block_, block = std::min(block_, inputs - first);
      fill_tile(x, inputs, rows, first, block, at(number, tile), own.outliers, outliers_[tile]);
      ends_[tile * blocks_ + number] = outliers_[tile].size();
    }
  }

  // A unit of outputs for all rows: gives `take(row, block, sixteen sums)`.
  template <class Take>
  void multiply(int64_t unit, Scratch& own, Take&& take) const {
    const int64_t parts = (tiles() + kTiles - 1) / kTiles;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t first = tiles() * part / parts, end = tiles() * (part + 1) / parts;
      if (w_->bits == 8)
        sum_up(int8_of(*w_), unit, first, end, own);
      else
        sum_up(int4_of(*w_), unit, first, end, own);
      const float* sums = own.totals;
      for (int64_t r = first * kTile; r < std::min(rows_, end * kTile); ++r)
        for (int b = 0; b < kUnit; ++b, sums += kOutputs)
          take(r, unit * kUnit + b, _mm512_load_ps(sums));
    }
  }

 private:
  int8_t* at(int64_t number, int64_t tile) const {
    const int64_t first = number * block_, block = std::min(block_, w_->inputs - first);
    return bytes_.get() + number * tiles() * tile_bytes(block_) + tile * tile_bytes(block);
  }

  // Makes the totals those of a unit of outputs for the tiles from `begin` to `end`.
  template <class Weights>
  void sum_up(const Weights& w, int64_t unit, int64_t begin, int64_t end, Scratch& own) const {
    std::fill_n(own.totals, (end - begin) * kTileSums, 0.0f);
    for (int64_t number = 0; number < blocks_; ++number) {
      const int64_t first = number * block_, block = std::min(block_, w.inputs - first);
      const Panel panel = as_panel(w, unit, first, block, own.panel);
      // The next block's weights come from memory while this one is computed, a share with each tile.
      const int64_t next = unit * w.inputs + first + block;
      Ahead codes(w.codes + next * Weights::kInputBytes, block * Weights::kInputBytes, end - begin);
      Ahead pairs(w.pairs + next / w.group * kPairs, block / w.group * kPairs * 2, end - begin);
      for (int64_t tile = begin; tile < end; ++tile) {
        codes.fetch();
        pairs.fetch();
        add(panel, number, tile, block, own.totals + (tile - begin) * kTileSums);
      }
    }
  }

  // Adds the products of a tile's block, those of its outliers too.
  void add(const Panel& panel, int64_t number, int64_t tile, int64_t block, float* totals) const {
    add_tile(panel, at(number, tile), block, totals);
    const size_t* end = &ends_[tile * blocks_ + number];
    for (size_t i = number == 0 ? 0 : end[-1]; i < *end; ++i)
      add_outlier(panel, outliers_[tile][i], totals);
  }

  const Linear* w_ = nullptr;
  int64_t rows_ = 0, block_ = 0, blocks_ = 0;
  std::unique_ptr<int8_t[]> bytes_;  // [blocks][tiles] of `tile_bytes`
  std::vector<std::vector<TileOutlier>> outliers_;  // those of a tile's block end where `ends_` says
  std::vector<size_t> ends_;                        // [tiles][blocks]
};
