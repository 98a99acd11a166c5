// A pass of a few tokens. One team of threads goes through all layers. Between two steps that need
// each other's results they meet, five times in a layer, which takes a microsecond where they spin.

#pragma once

#include <omp.h>

#include <algorithm>
#include <vector>

#include "attention.hpp"
#include "few_products.hpp"
#include "model.hpp"
#include "places.hpp"

inline int64_t up_to(int64_t number, int64_t multiple) {
  return (number + multiple - 1) / multiple * multiple;
}

// What one thread needs for itself.
struct Own {
  Inputs inputs;
  std::vector<uint16_t> x;  // [rows][hidden]
  std::vector<float> shares, totals;
  int64_t room;
};

// The pass itself. Every row is computed alike, whatever rows there are beside it.
class FewRows {
 public:
  FewRows(const Model& model, const Pass& pass)
      : m_(model), p_(pass), states_(pass.rows * model.hidden),
        mixed_(pass.rows * model.layers[0].mixed.outputs),
        found_(pass.rows * model.heads * model.head_dim), gated_(pass.rows * model.width) {
    most_ = 0;
    for (int64_t r = 0; r < pass.rows; ++r) most_ = std::max(most_, pass.positions[r] + 1);
  }

  void run() {
#pragma omp parallel
    {
      Own own = make_own();
      for (int64_t r = mine(p_.rows).first; r < mine(p_.rows).second; ++r)
        std::copy_n(m_.embedding + p_.ids[r] * m_.hidden, m_.hidden, state(r));
      places_.meet();
      for (int64_t number = 0; number < m_.number; ++number) pass_layer(number, own);
      const auto [first, end] = mine(p_.number_kept);
      for (int64_t k = first; k < end; ++k)
        normalize(state(p_.kept[k]), m_.norm, m_.hidden, m_.epsilon, p_.out + k * m_.hidden);
    }
  }

 private:
  using Range = std::pair<int64_t, int64_t>;

  // The share of this thread.
  static Range mine(int64_t number) {
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    return {number * thread / threads, number * (thread + 1) / threads};
  }

  uint16_t* state(int64_t row) { return states_.data() + row * m_.hidden; }

  Own make_own() const {
    const int64_t inputs = std::max({m_.hidden, m_.width, m_.heads * m_.head_dim});
    const int64_t shared = m_.heads / m_.key_heads, room = up_to(most_, kPositions);
    return {Inputs(p_.rows, inputs), std::vector<uint16_t>(p_.rows * m_.hidden),
            std::vector<float>(shared * room), std::vector<float>(shared), room};
  }

  void pass_layer(int64_t number, Own& own) {
    const Layer& layer = m_.layers[number];
    normalize_all(layer.before, own);
    const int64_t wide = layer.mixed.outputs;
    product(layer.mixed, own.x.data(), own, [&](int64_t row, int64_t block, Floats sum) {
      store16(mixed_.data() + row * wide + block * kOutputs, layer.mixed.finish(block, sum));
    });
#pragma omp barrier
    const auto [first, end] = mine(m_.key_heads);
    for (int64_t head = first; head < end; ++head) look_around(number, layer, head, own);
#pragma omp barrier
    add(layer.output, found_.data(), own);
#pragma omp barrier
    normalize_all(layer.between, own);
    gate(layer.inner, own);
#pragma omp barrier
    add(layer.down, gated_.data(), own);
    places_.meet();
  }

  // Every thread for itself: that is faster than to wait for one another.
  void normalize_all(const uint16_t* weight, Own& own) {
    for (int64_t r = 0; r < p_.rows; ++r)
      normalize(state(r), weight, m_.hidden, m_.epsilon, own.x.data() + r * m_.hidden);
  }

  // This thread's part of a product.
  template <class Take>
  void product(const Linear& w, const uint16_t* x, Own& own, Take&& take) {
    for (int64_t r = 0; r < p_.rows; ++r) own.inputs.take(w, x, r);
    const auto [first, end] = mine(w.outputs / (kUnit * kOutputs));
    for (int64_t unit = first; unit < end; ++unit) multiply(w, own.inputs, p_.rows, unit, take);
  }

  // A product on top of the states.
  void add(const Linear& w, const uint16_t* x, Own& own) {
    product(w, x, own, [&](int64_t row, int64_t block, Floats sum) {
      uint16_t* to = state(row) + block * kOutputs;
      store16(to, load16(to) + w.finish(block, sum));
    });
  }

  // silu(gate) * up: both halves of an output by the same thread.
  void gate(const Linear& w, Own& own) {
    for (int64_t r = 0; r < p_.rows; ++r) own.inputs.take(w, own.x.data(), r);
    const int64_t units = m_.width / (kUnit * kOutputs);
    const auto [first, end] = mine(units);
    for (int64_t unit = first; unit < end; ++unit) {
      multiply(w, own.inputs, p_.rows, unit,
               [&](int64_t row, int64_t block, Floats sum) {
                 store16(gated_.data() + row * m_.width + block * kOutputs, w.finish(block, sum));
               });
      multiply(w, own.inputs, p_.rows, units + unit,
               [&](int64_t row, int64_t block, Floats sum) {
                 const int64_t place = (block - units * kUnit) * kOutputs;
                 uint16_t* to = gated_.data() + row * m_.width + place;
                 store16(to, gated(load16(to), w.finish(block, sum)));
               });
    }
  }

  // One key head and the query heads that share it, for all rows.
  void look_around(int64_t number, const Layer& layer, int64_t head, Own& own) {
    const int64_t size = m_.head_dim, shared = m_.heads / m_.key_heads;
    const int64_t wide = layer.mixed.outputs;
    for (int64_t r = 0; r < p_.rows; ++r) {
      uint16_t* row = mixed_.data() + r * wide;
      remember(m_, p_, number, row, r, head);
      // A text's rows stand in the order of their positions: those before are in the cache by now.
      attend(row + head * shared * size, shared, p_.begin(p_.keys, m_, r, number, head),
             p_.begin(p_.values, m_, r, number, head), p_.positions[r] + 1, size, m_.scale,
             own.shares.data(), own.room, own.totals.data(),
             found_.data() + (r * m_.heads + head * shared) * size);
    }
  }

  const Model& m_;
  const Pass& p_;
  std::vector<uint16_t> states_, mixed_, found_, gated_;
  int64_t most_;
  Places places_;
};
