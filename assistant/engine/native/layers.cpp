// A pass of a few tokens through all layers of a model of Llama's shape.
//
// One team of threads goes through all of it. Between two steps that need each other's results
// they meet, five times in a layer, which takes a microsecond where they spin. Everything is
// rounded to bfloat16 where PyTorch's own operations would do it.

#include <omp.h>

#include <algorithm>
#include <vector>

#include "attention.hpp"
#include "linear.hpp"

namespace {

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
};

int64_t up_to(int64_t number, int64_t multiple) {
  return (number + multiple - 1) / multiple * multiple;
}

// Root-mean-square normalization.
void normalize(const uint16_t* x, const uint16_t* weight, int64_t size, float epsilon,
               uint16_t* y) {
  __m512 squares = _mm512_setzero_ps();
  for (int64_t k = 0; k < size; k += 16) {
    const __m512 value = load16(x + k);
    squares = _mm512_fmadd_ps(value, value, squares);
  }
  const float mean = _mm512_reduce_add_ps(squares) / static_cast<float>(size);
  const __m512 factor = _mm512_set1_ps(1.0f / __builtin_sqrtf(mean + epsilon));
  for (int64_t k = 0; k < size; k += 16) {
    const __m512 value = rounded(_mm512_mul_ps(load16(x + k), factor));
    store16(y + k, _mm512_mul_ps(value, load16(weight + k)));
  }
}

// A head rotated by its position, in place (Su et al. 2021, arXiv 2104.09864).
void rotate(uint16_t* head, const uint16_t* cosines, const uint16_t* sines, int64_t size) {
  const int64_t half = size / 2;
  for (int64_t k = 0; k < half; k += 16) {
    const __m512 first = load16(head + k), second = load16(head + half + k);
    const auto turned = [&](__m512 own, __m512 other, int64_t at) {
      const __m512 kept = rounded(_mm512_mul_ps(own, load16(cosines + at)));
      return _mm512_add_ps(rounded(_mm512_mul_ps(other, load16(sines + at))), kept);
    };
    const __m512 new_first = turned(first, second, k);
    store16(head + half + k, turned(second, first, half + k));
    store16(head + k, new_first);
  }
}

// What one thread needs for itself.
struct Own {
  Inputs inputs;
  std::vector<uint16_t> x;  // [rows][hidden]
  std::vector<float> shares, totals;
  int64_t room;
};

class Run {
 public:
  Run(const Model& model, const Pass& pass)
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
#pragma omp barrier
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
    product(layer.mixed, own.x.data(), own, [&](int64_t row, int64_t block, __m512 sum) {
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
#pragma omp barrier
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
    product(w, x, own, [&](int64_t row, int64_t block, __m512 sum) {
      uint16_t* to = state(row) + block * kOutputs;
      store16(to, _mm512_add_ps(load16(to), w.finish(block, sum)));
    });
  }

  // silu(gate) * up: both halves of an output by the same thread.
  void gate(const Linear& w, Own& own) {
    for (int64_t r = 0; r < p_.rows; ++r) own.inputs.take(w, own.x.data(), r);
    const int64_t units = m_.width / (kUnit * kOutputs);
    const auto [first, end] = mine(units);
    for (int64_t unit = first; unit < end; ++unit) {
      multiply(w, own.inputs, p_.rows, unit,
               [&](int64_t row, int64_t block, __m512 sum) {
                 store16(gated_.data() + row * m_.width + block * kOutputs, w.finish(block, sum));
               });
      multiply(w, own.inputs, p_.rows, units + unit,
               [&](int64_t row, int64_t block, __m512 sum) {
                 const __m512 up = w.finish(block, sum);
                 const int64_t place = (block - units * kUnit) * kOutputs;
                 uint16_t* to = gated_.data() + row * m_.width + place;
                 const __m512 value = load16(to), one = _mm512_set1_ps(1.0f);
                 const __m512 below =
                     _mm512_add_ps(one, exp16(_mm512_sub_ps(_mm512_setzero_ps(), value)));
                 store16(to, _mm512_mul_ps(rounded(_mm512_div_ps(value, below)), up));
               });
    }
  }

  // One key head and the query heads that share it, for all rows.
  void look_around(int64_t number, const Layer& layer, int64_t head, Own& own) {
    const int64_t size = m_.head_dim, shared = m_.heads / m_.key_heads;
    const int64_t wide = layer.mixed.outputs;
    for (int64_t r = 0; r < p_.rows; ++r) {
      uint16_t* row = mixed_.data() + r * wide;
      uint16_t* queries = row + head * shared * size;
      uint16_t* key = row + (m_.heads + head) * size;
      const uint16_t* value = row + (m_.heads + m_.key_heads + head) * size;
      const int64_t position = p_.positions[r], cache = p_.texts[r] * m_.number + number;
      for (int64_t h = 0; h < shared; ++h) turn(queries + h * size, layer.query_norm, position);
      turn(key, layer.key_norm, position);
      const int64_t begin = head * p_.rooms[p_.texts[r]] * size;
      uint16_t* keys = p_.keys[cache] + begin;
      uint16_t* values = p_.values[cache] + begin;
      std::copy_n(key, size, keys + position * size);
      std::copy_n(value, size, values + position * size);
      // A text's rows stand in the order of their positions: those before are in the cache by now.
      attend(queries, shared, keys, values, position + 1, size, m_.scale, own.shares.data(),
             own.room, own.totals.data(),
             found_.data() + (r * m_.heads + head * shared) * size);
    }
  }

  void turn(uint16_t* head, const uint16_t* norm, int64_t position) {
    const int64_t size = m_.head_dim;
    if (norm != nullptr) normalize(head, norm, size, m_.epsilon, head);
    rotate(head, p_.cosines + position * size, p_.sines + position * size, size);
  }

  const Model& m_;
  const Pass& p_;
  std::vector<uint16_t> states_, mixed_, found_, gated_;
  int64_t most_;
};

}  // namespace

extern "C" void assistant_pass(const Model* model, const Pass* pass) { Run(*model, *pass).run(); }

// Rows times one layer, without its bias: x is [rows][inputs], y [rows][outputs].
extern "C" void assistant_multiply(const Linear* w, const uint16_t* x, int64_t rows, uint16_t* y) {
  Inputs inputs(rows, w->inputs);
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) inputs.take(*w, x, row);
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < w->outputs / (kUnit * kOutputs); ++unit)
      multiply(*w, inputs, rows, unit, [&](int64_t row, int64_t block, __m512 sum) {
        store16(y + row * w->outputs + block * kOutputs, sum);
      });
  }
}

// out: [outputs][inputs] in bfloat16.
extern "C" void assistant_unpack(const Linear* w, uint16_t* out) {
  const Int4Weights weights = w->int4();
  const __m512i table = table_of(weights);
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < weights.outputs / kOutputs; ++block)
    unpack_block(weights, block, table, out + block * kOutputs * weights.inputs);
}
