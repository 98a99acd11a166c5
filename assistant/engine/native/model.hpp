// A model of Llama's shape, a pass through it, and the small steps between its products. Everything is
// rounded to bfloat16 where PyTorch's own operations would do it.

#pragma once

#include "linear.hpp"

// As `native/layers.py` writes them.
struct Layer {
  Linear mixed;   // queries, keys and values
  Linear output;
  Linear inner;   // gate, then up
  Linear down;
  const uint16_t *before, *between;         // norms, [hidden]
  const uint16_t *query_norm, *key_norm;    // norms of heads, [head_dim], or null
};

struct Model {
  const Layer* layers;
  const uint16_t* embedding;  // [vocabulary][hidden]
  const uint16_t* norm;       // [hidden]
  int64_t number, hidden, heads, key_heads, head_dim, width;
  float scale, epsilon;
};

struct Pass {
  const int64_t* ids;        // [rows]
  const int64_t* positions;  // [rows], of each token in its text
  const int64_t* texts;      // [rows], whose caches it has
  const uint16_t *cosines, *sines;  // [positions][head_dim]; the first halves of sines are negative
  uint16_t* const* keys;     // [texts][layers], each [key_heads][room][head_dim]
  uint16_t* const* values;
  const int64_t* rooms;      // [texts]
  const int64_t* kept;       // the rows that are wanted
  int64_t rows, number_kept;
  uint16_t* out;             // [number_kept][hidden]
  // Asked before each layer whether to break off, or null.
  int64_t (*interrupt)();

  // Where a text's keys and values of one head begin.
  uint16_t* begin(uint16_t* const* which, const Model& model, int64_t row, int64_t layer,
                  int64_t head) const {
    const int64_t text = texts[row];
    return which[text * model.number + layer] + head * rooms[text] * model.head_dim;
  }
};

// Root-mean-square normalization.
inline void normalize(const uint16_t* x, const uint16_t* weight, int64_t size, float epsilon,
               uint16_t* y) {
  Floats squares = splat(0);
  for (int64_t k = 0; k < size; k += 16) {
    const Floats value = load16(x + k);
    squares = multiply_add(value, value, squares);
  }
  const float mean = sum_of(squares) / static_cast<float>(size);
  const Floats factor = splat(1.0f / __builtin_sqrtf(mean + epsilon));
  for (int64_t k = 0; k < size; k += 16) {
    const Floats value = rounded(load16(x + k) * factor);
    store16(y + k, value * load16(weight + k));
  }
}

// A head rotated by its position, in place (Su et al. 2021, arXiv 2104.09864).
inline void rotate(uint16_t* head, const uint16_t* cosines, const uint16_t* sines, int64_t size) {
  const int64_t half = size / 2;
  for (int64_t k = 0; k < half; k += 16) {
    const Floats first = load16(head + k), second = load16(head + half + k);
    const auto turned = [&](Floats own, Floats other, int64_t at) {
      const Floats kept = rounded(own * load16(cosines + at));
      return rounded(other * load16(sines + at)) + kept;
    };
    const Floats new_first = turned(first, second, k);
    store16(head + half + k, turned(second, first, half + k));
    store16(head + k, new_first);
  }
}

// A head with its norm, if it has one, and its rotation.
inline void turn(const Model& model, const Pass& pass, uint16_t* head, const uint16_t* norm,
                 int64_t position) {
  const int64_t size = model.head_dim;
  if (norm != nullptr) normalize(head, norm, size, model.epsilon, head);
  rotate(head, pass.cosines + position * size, pass.sines + position * size, size);
}

// Turns one key head of a row and the queries that share it, and puts key and value into the cache.
// `mixed` is what the layer made of the row.
inline void remember(const Model& model, const Pass& pass, int64_t number, uint16_t* mixed,
                     int64_t row, int64_t head) {
  const Layer& layer = model.layers[number];
  const int64_t size = model.head_dim, shared = model.heads / model.key_heads;
  uint16_t* key = mixed + (model.heads + head) * size;
  const uint16_t* value = key + model.key_heads * size;
  const int64_t position = pass.positions[row];
  for (int64_t h = head * shared; h < (head + 1) * shared; ++h)
    turn(model, pass, mixed + h * size, layer.query_norm, position);
  turn(model, pass, key, layer.key_norm, position);
  std::copy_n(key, size, pass.begin(pass.keys, model, row, number, head) + position * size);
  std::copy_n(value, size, pass.begin(pass.values, model, row, number, head) + position * size);
}

// silu(gate) * up, sixteen of each.
inline Floats gated(Floats gate, Floats up) {
  const Floats below = splat(1) + exp16(splat(0) - gate);
  return rounded(gate * inverse(below)) * up;
}
