// What Python calls for weights in 4 or 8 bits. Many rows are computed in another way with AVX-512.

#include <omp.h>

#include "few_products.hpp"

#ifdef __AVX512BF16__
#include "many_rows.hpp"

// A pass of many rows through layers whose products all are in 8 bits. Returns whether it came to its
// end.
extern "C" int64_t assistant_pass_many(const Model* model, const Pass* pass) {
  return ManyRows(*model, *pass).run();
}
#endif

namespace {

void multiply_few(const Linear& w, const uint16_t* x, int64_t rows, uint16_t* y) {
  Inputs inputs(rows, w.inputs);
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (int64_t row = 0; row < rows; ++row) inputs.take(w, x, row);
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < w.outputs / (kUnit * kOutputs); ++unit)
      multiply(w, inputs, rows, unit, [&](int64_t row, int64_t block, Floats sum) {
        store16(y + row * w.outputs + block * kOutputs, sum);
      });
  }
}

#ifdef __AVX512BF16__
void multiply_many(const Linear& w, const uint16_t* x, int64_t rows, uint16_t* y) {
  ByteRows taken(rows, w.inputs);
  taken.begin(w, rows);
#pragma omp parallel
  {
    const auto own = std::make_unique<Scratch>(w.inputs);
#pragma omp for schedule(static)
    for (int64_t tile = 0; tile < taken.tiles(); ++tile)
      taken.take(x + tile * kTile * w.inputs, tile, *own);
#pragma omp for schedule(static)
    for (int64_t unit = 0; unit < w.outputs / (kUnit * kOutputs); ++unit)
      taken.multiply(unit, *own, [&](int64_t row, int64_t block, __m512 sum) {
        store16(y + row * w.outputs + block * kOutputs, sum);
      });
  }
}
#endif

}  // namespace

// Rows times one layer, without its bias: x is [rows][inputs], y [rows][outputs].
extern "C" void assistant_multiply(const Linear* w, const uint16_t* x, int64_t rows, uint16_t* y) {
#ifdef __AVX512BF16__
  if (w->in_bytes && rows >= kManyRows) return multiply_many(*w, x, rows, y);
#endif
  multiply_few(*w, x, rows, y);
}

// out: [outputs][inputs] in bfloat16.
extern "C" void assistant_unpack(const Linear* w, uint16_t* out) {
  const Int4Weights weights = int4_of(*w);
  const Table table = table_of(weights.levels);
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < weights.outputs / kOutputs; ++block)
    unpack_block(weights, block, table, out + block * kOutputs * weights.inputs);
}
