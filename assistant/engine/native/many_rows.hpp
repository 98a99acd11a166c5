// A pass of many tokens, through layers whose products all are in 8 bits. A thread takes a chunk of
// rows as far as it gets without the others' keys and values: threads meet twice in a layer.

#pragma once

#include <omp.h>

#include "blocks.hpp"
#include "chunk.hpp"
#include "model.hpp"

class ManyRows {
 public:
  ManyRows(const Model& model, const Pass& pass)
      : m_(model), p_(pass), wide_(model.layers[0].mixed.outputs),
        states_(room_for<uint16_t>(pass.rows * model.hidden)),
        mixed_(room_for<uint16_t>(pass.rows * wide_)) {
    for (int64_t r = 0; r < pass.rows; ++r) most_ = std::max(most_, pass.positions[r] + 1);
  }

  // Whether it came to its end.
  bool run() {
#pragma omp parallel
    {
      Own own(m_, most_);
#pragma omp for schedule(static)
      for (int64_t r = 0; r < p_.rows; ++r)
        std::copy_n(m_.embedding + p_.ids[r] * m_.hidden, m_.hidden, state(r));
      for (int64_t number = 0; number < m_.number; ++number) {
#pragma omp master
        broken_off_ = p_.interrupt != nullptr && p_.interrupt() != 0;
#pragma omp barrier
        if (broken_off_) break;
        each_chunk(p_.rows, [&](int64_t first, int64_t rows) { read(number, first, rows, own); });
        // Behind the last layer's keys and values only the wanted rows are needed.
        const bool last = number + 1 == m_.number;
        each_chunk(last ? p_.number_kept : p_.rows, [&](int64_t first, int64_t rows) {
          for (int64_t r = 0; r < rows; ++r) own.rows[r] = last ? p_.kept[first + r] : first + r;
          answer(number, rows, own);
          for (int64_t r = 0; last && r < rows; ++r)
            normalize(state(own.rows[r]), m_.norm, m_.hidden, m_.epsilon,
                      p_.out + (first + r) * m_.hidden);
        });
      }
    }
    return !broken_off_;
  }

 private:
  // What one thread needs for itself.
  struct Own {
    Own(const Model& m, int64_t positions)
        : chunk(std::max({m.hidden, m.width, m.heads * m.head_dim})),
          blocks(positions, m.head_dim), shares(m.heads / m.key_heads * (positions + kPositions)),
          totals(m.heads / m.key_heads), x(room_for<uint16_t>(m.hidden)),
          found(room_for<uint16_t>(kChunk * m.heads * m.head_dim)),
          inner(room_for<uint16_t>(kChunk * m.width)) {}

    Chunk chunk;
    Blocks blocks;
    std::vector<float> shares, totals;
    std::unique_ptr<uint16_t[]> x, found, inner;
    int64_t rows[kChunk];
  };

  uint16_t* state(int64_t row) { return states_.get() + row * m_.hidden; }

  // Queries, keys and values of the rows from `first` on.
  void read(int64_t number, int64_t first, int64_t rows, Own& own) {
    const Layer& layer = m_.layers[number];
    own.chunk.begin(layer.mixed, rows);
    for (int64_t r = 0; r < rows; ++r) take_normal(first + r, r, layer.before, own);
    uint16_t* mixed = mixed_.get() + first * wide_;
    product(layer.mixed, own, [&](int64_t row, int64_t block, __m512 sum) {
      store16(mixed + row * wide_ + block * kOutputs, sum);
    });
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t head = 0; head < m_.key_heads; ++head)
        remember(m_, p_, number, mixed + r * wide_, first + r, head);
  }

  // The rest of a layer for `own.rows`.
  void answer(int64_t number, int64_t rows, Own& own) {
    const Layer& layer = m_.layers[number];
    for (int64_t first = 0, end; first < rows; first = end) {
      end = first + 1;
      while (end < rows && p_.texts[own.rows[end]] == p_.texts[own.rows[first]]) ++end;
      for (int64_t head = 0; head < m_.key_heads; ++head)
        look_around(number, head, first, end, own);
    }
    add(layer.output, own.found.get(), rows, own);
    own.chunk.begin(layer.inner, rows);
    for (int64_t r = 0; r < rows; ++r) take_normal(own.rows[r], r, layer.between, own);
    gate(layer.inner, own);
    add(layer.down, own.inner.get(), rows, own);
  }

  // One key head and the query heads that share it, for rows of one text.
  void look_around(int64_t number, int64_t head, int64_t first, int64_t end, Own& own) {
    const int64_t size = m_.head_dim, shared = m_.heads / m_.key_heads;
    const int64_t last = own.rows[end - 1], positions = p_.positions[last] + 1;
    const uint16_t* keys = p_.begin(p_.keys, m_, last, number, head);
    const uint16_t* values = p_.begin(p_.values, m_, last, number, head);
    const auto query = [&](int64_t q) {
      const int64_t place = (head * shared + q % shared) * size, r = first + q / shared;
      return Query{mixed_.get() + own.rows[r] * wide_ + place, p_.positions[own.rows[r]] + 1,
                   own.found.get() + r * m_.heads * size + place};
    };
    const int64_t all = (end - first) * shared;
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

  // A row's state, normalized, into the chunk.
  void take_normal(int64_t row, int64_t place, const uint16_t* norm, Own& own) {
    normalize(state(row), norm, m_.hidden, m_.epsilon, own.x.get());
    own.chunk.take(own.x.get(), place);
  }

  // All of a layer's outputs for the chunk: gives `take(row, block, sixteen outputs)`.
  template <class Take>
  void product(const Linear& w, Own& own, Take&& take) {
    for (int64_t unit = 0; unit < w.outputs / (kUnit * kOutputs); ++unit)
      own.chunk.multiply(unit, [&](int64_t row, int64_t block, __m512 sum) {
        take(row, block, w.finish(block, sum));
      });
  }

  // A product on top of the states; x is [rows][inputs].
  void add(const Linear& w, const uint16_t* x, int64_t rows, Own& own) {
    own.chunk.begin(w, rows);
    for (int64_t r = 0; r < rows; ++r) own.chunk.take(x + r * w.inputs, r);
    product(w, own, [&](int64_t row, int64_t block, __m512 sum) {
      uint16_t* to = state(own.rows[row]) + block * kOutputs;
      store16(to, _mm512_add_ps(load16(to), sum));
    });
  }

  // Gate times up, one unit of both after the other.
  void gate(const Linear& w, Own& own) {
    const int64_t units = m_.width / (kUnit * kOutputs);
    for (int64_t unit = 0; unit < units; ++unit) {
      const auto place = [&](int64_t row, int64_t block) {
        return own.inner.get() + row * m_.width + block % (units * kUnit) * kOutputs;
      };
      own.chunk.multiply(unit, [&](int64_t row, int64_t block, __m512 sum) {
        store16(place(row, block), w.finish(block, sum));
      });
      own.chunk.multiply(units + unit, [&](int64_t row, int64_t block, __m512 sum) {
        uint16_t* to = place(row, block);
        store16(to, gated(load16(to), w.finish(block, sum)));
      });
    }
  }

  const Model& m_;
  const Pass& p_;
  int64_t wide_, most_ = 0;
  std::unique_ptr<uint16_t[]> states_, mixed_;
  bool broken_off_ = false;
};
