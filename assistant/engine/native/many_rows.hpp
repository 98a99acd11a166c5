// A pass of many tokens, through layers whose products all are in 8 bits. Threads share the rows of a
// step or its outputs, and meet between two steps.

#pragma once

#include <omp.h>

#include <numeric>

#include "blocks.hpp"
#include "byte_rows.hpp"
#include "model.hpp"

class ManyRows {
 public:
  ManyRows(const Model& model, const Pass& pass)
      : m_(model), p_(pass), wide_(model.layers[0].mixed.outputs), rows_(pass.rows),
        taken_(pass.rows, std::max({model.hidden, model.width, model.heads * model.head_dim})),
        states_(room_for<uint16_t>(pass.rows * model.hidden)),
        mixed_(room_for<uint16_t>(pass.rows * wide_)),
        found_(room_for<uint16_t>(pass.rows * model.heads * model.head_dim)),
        inner_(room_for<uint16_t>(pass.rows * model.width)) {
    for (int64_t r = 0; r < pass.rows; ++r) most_ = std::max(most_, pass.positions[r] + 1);
    std::iota(rows_.begin(), rows_.end(), 0);
  }

  // Whether it came to its end.
  bool run() {
#pragma omp parallel
    {
      const auto own = std::make_unique<Own>(m_, most_);
#pragma omp for schedule(static)
      for (int64_t r = 0; r < p_.rows; ++r)
        std::copy_n(m_.embedding + p_.ids[r] * m_.hidden, m_.hidden, state(r));
      for (int64_t number = 0; number < m_.number; ++number) {
#pragma omp single
        broken_off_ = p_.interrupt != nullptr && p_.interrupt() != 0;
        if (broken_off_) break;
        read(number, *own);
        // Behind the last layer's keys and values only the wanted rows are needed.
#pragma omp single
        if (number + 1 == m_.number) rows_.assign(p_.kept, p_.kept + p_.number_kept);
        answer(number, *own);
      }
#pragma omp for schedule(static)
      for (int64_t k = 0; k < p_.number_kept; ++k)
        normalize(state(p_.kept[k]), m_.norm, m_.hidden, m_.epsilon, p_.out + k * m_.hidden);
    }
    return !broken_off_;
  }

 private:
  // What one thread needs for itself.
  struct Own {
    Own(const Model& m, int64_t positions)
        : scratch(std::max({m.hidden, m.width, m.heads * m.head_dim})),
          blocks(positions, m.head_dim), shares(m.heads / m.key_heads * (positions + kPositions)),
          totals(m.heads / m.key_heads), x(room_for<uint16_t>(kTile * m.hidden)) {}

    Scratch scratch;
    Blocks blocks;
    std::vector<float> shares, totals;
    std::unique_ptr<uint16_t[]> x;
  };

  // Rows of one text for one key head.
  struct Part {
    int64_t first, end, head;
  };

  uint16_t* state(int64_t row) { return states_.get() + row * m_.hidden; }

  // Queries, keys and values of all rows.
  void read(int64_t number, Own& own) {
    const Layer& layer = m_.layers[number];
    take_normal(layer.mixed, layer.before, own);
    product(layer.mixed, own, [&](int64_t row, int64_t block, __m512 sum) {
      store16(mixed_.get() + row * wide_ + block * kOutputs, sum);
    });
#pragma omp for schedule(static)
    for (int64_t r = 0; r < p_.rows; ++r)
      for (int64_t head = 0; head < m_.key_heads; ++head)
        remember(m_, p_, number, mixed_.get() + r * wide_, r, head);
  }

  // The rest of a layer for `rows_`.
  void answer(int64_t number, Own& own) {
    const Layer& layer = m_.layers[number];
#pragma omp single
    part();
#pragma omp for schedule(dynamic, 1)
    for (size_t part = 0; part < parts_.size(); ++part) look_around(number, parts_[part], own);
    add(layer.output, found_.get(), own);
    take_normal(layer.inner, layer.between, own);
    gate(layer.inner, own);
    add(layer.down, inner_.get(), own);
  }

  // Makes `parts_`: those of the longest rows first, for others are soon done.
  void part() {
    parts_.clear();
    const int64_t count = rows_.size();
    for (int64_t first = 0, end; first < count; first = end) {
      end = first + 1;
      while (end < count && end - first < kPart && p_.texts[rows_[end]] == p_.texts[rows_[first]])
        ++end;
      for (int64_t head = 0; head < m_.key_heads; ++head) parts_.push_back({first, end, head});
    }
    std::reverse(parts_.begin(), parts_.end());
  }

  // One key head and the query heads that share it, for rows of one text.
  void look_around(int64_t number, const Part& part, Own& own) {
    const int64_t size = m_.head_dim, shared = m_.heads / m_.key_heads;
    const int64_t last = rows_[part.end - 1], positions = p_.positions[last] + 1;
    const uint16_t* keys = p_.begin(p_.keys, m_, last, number, part.head);
    const uint16_t* values = p_.begin(p_.values, m_, last, number, part.head);
    const auto query = [&](int64_t q) {
      const int64_t place = (part.head * shared + q % shared) * size, r = part.first + q / shared;
      return Query{mixed_.get() + rows_[r] * wide_ + place, p_.positions[rows_[r]] + 1,
                   found_.get() + r * m_.heads * size + place};
    };
    const int64_t all = (part.end - part.first) * shared;
    if (all < kQueries) {  // too few for what it takes to put keys and values into order
      for (int64_t q = 0; q < all; q += shared)
        attend(query(q).head, shared, keys, values, query(q).seen, size, m_.scale,
               own.shares.data(), static_cast<int64_t>(own.shares.size()) / shared,
               own.totals.data(), query(q).out);
      return;
    }
    own.blocks.begin(keys, values, positions);
    for (int64_t q = 0; q < all; q += kQueries) {
      Query queries[kQueries];
      const int64_t count = std::min<int64_t>(kQueries, all - q);
      for (int64_t i = 0; i < count; ++i) queries[i] = query(q + i);
      own.blocks.attend(queries, count, m_.scale);
    }
  }

  // Begins with `rows_` for a layer.
  void begin(const Linear& w) {
#pragma omp single
    taken_.begin(w, rows_.size());
  }

  // The states of `rows_`, normalized, for a layer.
  void take_normal(const Linear& w, const uint16_t* norm, Own& own) {
    begin(w);
#pragma omp for schedule(static)
    for (int64_t tile = 0; tile < taken_.tiles(); ++tile) {
      const int64_t end = std::min<int64_t>(rows_.size(), (tile + 1) * kTile);
      for (int64_t r = tile * kTile; r < end; ++r)
        normalize(state(rows_[r]), norm, m_.hidden, m_.epsilon,
                  own.x.get() + r % kTile * m_.hidden);
      taken_.take(own.x.get(), tile, own.scratch);
    }
  }

  // All of a layer's outputs for what was taken: gives `take(row, block, sixteen outputs)`.
  template <class Take>
  void product(const Linear& w, Own& own, Take&& take) {
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < w.outputs / (kUnit * kOutputs); ++unit)
      multiply(w, unit, own, take);
  }

  template <class Take>
  void multiply(const Linear& w, int64_t unit, Own& own, Take&& take) {
    taken_.multiply(unit, own.scratch, [&](int64_t row, int64_t block, __m512 sum) {
      take(row, block, w.finish(block, sum));
    });
  }

  // A product on top of the states; x is [rows][inputs].
  void add(const Linear& w, const uint16_t* x, Own& own) {
    begin(w);
#pragma omp for schedule(static)
    for (int64_t tile = 0; tile < taken_.tiles(); ++tile)
      taken_.take(x + tile * kTile * w.inputs, tile, own.scratch);
    product(w, own, [&](int64_t row, int64_t block, __m512 sum) {
      uint16_t* to = state(rows_[row]) + block * kOutputs;
      store16(to, _mm512_add_ps(load16(to), sum));
    });
  }

  // Gate times up, one unit of both after the other.
  void gate(const Linear& w, Own& own) {
    const int64_t units = m_.width / (kUnit * kOutputs);
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < units; ++unit) {
      const auto place = [&](int64_t row, int64_t block) {
        return inner_.get() + row * m_.width + block % (units * kUnit) * kOutputs;
      };
      multiply(w, unit, own, [&](int64_t row, int64_t block, __m512 sum) {
        store16(place(row, block), sum);
      });
      multiply(w, units + unit, own, [&](int64_t row, int64_t block, __m512 sum) {
        uint16_t* to = place(row, block);
        store16(to, gated(load16(to), sum));
      });
    }
  }

  static constexpr int64_t kPart = 128;  // rows that look around together, at most

  const Model& m_;
  const Pass& p_;
  int64_t wide_, most_ = 0;
  std::vector<int64_t> rows_;  // that are computed
  ByteRows taken_;
  std::unique_ptr<uint16_t[]> states_, mixed_, found_, inner_;
  std::vector<Part> parts_;
  bool broken_off_ = false;
};
