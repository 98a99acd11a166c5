// Up to 96 rows that one thread multiplies with layers in 4 or 8 bits, rounded to 8 bits.

#pragma once

#include <omp.h>

#include "linear.hpp"
#include "panels.hpp"

constexpr int64_t kManyRows = 64;  // from which on this is the faster way

class Chunk {
 public:
  // For layers of at most `inputs`, in groups of at least 32.
  explicit Chunk(int64_t inputs)
      : bytes_(room_for<int8_t>(kTiles * tile_bytes(32) * (inputs / 32))),
        ordered_(room_for<uint16_t>(inputs)), outliers_(kChunk) {}

  // Begins with `rows` rows for a layer; all of them are to be taken.
  void begin(const Linear& w, int64_t rows) {
    w_ = &w;
    rows_ = rows;
    tiles_ = (rows + kTile - 1) / kTile;
    step_ = tiles_ * tile_bytes(w.group);
    // What the last tile has too many would be computed with whatever there was.
    if (rows % kTile != 0) std::fill_n(bytes_.get(), step_ * (w.inputs / w.group), 0);
  }

  // x is [inputs].
  void take(const uint16_t* x, int64_t row) {
    if (w_->order != nullptr) {
      for (int64_t k = 0; k < w_->inputs; ++k) ordered_[k] = x[w_->order[k]];
      x = ordered_.get();
    }
    outliers_[row].clear();
    const int64_t group = w_->group;
    int8_t* tile = bytes_.get() + row / kTile * tile_bytes(group);
    for (int64_t k = 0; k < w_->inputs; k += group, tile += step_) {
      float* factors = reinterpret_cast<float*>(tile + group * kTile) + row % kTile;
      to_bytes(x, k, group, {tile + row % kTile * 16, kTile * 16, factors, kTile}, outliers_[row]);
    }
  }

  // A unit of outputs for all rows: gives `take(row, block, sixteen sums)`.
  template <class Take>
  void multiply(int64_t unit, Take&& take) {
    if (w_->bits == 8)
      multiply_by(w_->int8(), unit, take);
    else
      multiply_by(w_->int4(), unit, take);
  }

 private:
  template <class Weights, class Take>
  void multiply_by(const Weights& weights, int64_t unit, Take&& take) {
    multiply_chunk(weights, bytes_.get(), tiles_, unit, totals_);
    for (int64_t r = 0; r < rows_; ++r) {
      const float* from = totals_ + r * kUnit * kOutputs;
      __m512 total[kUnit];
      for (int b = 0; b < kUnit; ++b) total[b] = _mm512_load_ps(from + b * kOutputs);
      for (const Outlier& outlier : outliers_[r]) add_outlier(weights, outlier, unit, total);
      for (int b = 0; b < kUnit; ++b) take(r, unit * kUnit + b, total[b]);
    }
  }

  const Linear* w_ = nullptr;
  int64_t rows_ = 0, tiles_ = 0, step_ = 0;
  std::unique_ptr<int8_t[]> bytes_;
  std::unique_ptr<uint16_t[]> ordered_;
  std::vector<std::vector<Outlier>> outliers_;
  alignas(64) float totals_[kChunk * kUnit * kOutputs];
};

// Gives `act(first, rows)` for parts of `rows`, few enough for a chunk, as even as can be, and as many
// for each thread: to be called by all of them.
template <class Act>
void each_chunk(int64_t rows, Act&& act) {
  const int64_t threads = omp_get_num_threads();
  const int64_t tiles = (rows + kTile - 1) / kTile;
  const int64_t parts = (tiles + threads * kTiles - 1) / (threads * kTiles) * threads;
#pragma omp for schedule(dynamic, 1)
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t first = tiles * part / parts * kTile;
    const int64_t count = std::min(tiles * (part + 1) / parts * kTile, rows) - first;
    if (count > 0) act(first, count);
  }
}
