// Products of bfloat16 rows with 4-bit weights, for processors with AVX-512 and its bfloat16
// instructions. Compiled where it is used: see native.py.
//
// A weight is levels[code] * scale + zero. Sixteen outputs stand together; for each eight inputs
// they take 64 bytes, 32 words of 16 bits: word 2 * output + parity holds the codes of the inputs
// parity, 2 + parity, 4 + parity and 6 + parity, lowest bits first. So a shift and a look-up give
// what a dot-product instruction wants, sixteen outputs with two inputs each, and codes are looked
// up once for up to eight rows.

#include <immintrin.h>

#include <cstdint>
#include <vector>

namespace {

constexpr int64_t kOutputs = 16;
constexpr int64_t kInputs = 8;
constexpr int64_t kBytes = 64;
constexpr int kMostRows = 8;

struct Weights {
  const uint8_t* codes;     // [outputs / 16][inputs / 8][64]
  const uint16_t* pairs;    // [groups][outputs][2], scale and zero in bfloat16
  const uint16_t* levels;   // [16] in bfloat16
  int64_t outputs, inputs, group;
};

// The look-up table twice, so that its fifth bit, which belongs to another code, does not matter.
inline __m512i table_of(const Weights& w) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(w.levels));
  return _mm512_inserti64x4(_mm512_castsi256_si512(half), half, 1);
}

inline __m512bh look_up(__m512i codes, __m512i table) {
  return (__m512bh)_mm512_permutexvar_epi16(codes, table);
}

inline void pair_of(const Weights& w, int64_t group, int64_t block, __m512* scale, __m512* zero) {
  const __m512i both = _mm512_loadu_si512(w.pairs + (group * w.outputs + block * kOutputs) * 2);
  *scale = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
  *zero = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(0xFFFF0000)));
}

template <int Rows, int Blocks>
void multiply_blocks(const Weights& w, const uint16_t* x, const float* sums, uint16_t* y,
                     int64_t block, __m512i table) {
  const int64_t groups = w.inputs / w.group, stride = w.inputs / kInputs * kBytes;
  const uint8_t* codes = w.codes + block * stride;
  __m512 total[Rows][Blocks];
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b) total[r][b] = _mm512_setzero_ps();
  for (int64_t g = 0; g < groups; ++g) {
    __m512 part[Rows][Blocks];
    for (int r = 0; r < Rows; ++r)
      for (int b = 0; b < Blocks; ++b) part[r][b] = _mm512_setzero_ps();
    for (int64_t k = g * w.group; k < (g + 1) * w.group; k += kInputs) {
      for (int b = 0; b < Blocks; ++b) {
        const uint8_t* at = codes + b * stride + k / kInputs * kBytes;
        _mm_prefetch(reinterpret_cast<const char*>(at + 16 * kBytes), _MM_HINT_T0);
        const __m512i word = _mm512_loadu_si512(at);
        const __m512bh w0 = look_up(word, table);
        const __m512bh w1 = look_up(_mm512_srli_epi16(word, 4), table);
        const __m512bh w2 = look_up(_mm512_srli_epi16(word, 8), table);
        const __m512bh w3 = look_up(_mm512_srli_epi16(word, 12), table);
        for (int r = 0; r < Rows; ++r) {
          const int32_t* two = reinterpret_cast<const int32_t*>(x + r * w.inputs + k);
          __m512 sum = part[r][b];
          sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(two[0]), w0);
          sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(two[1]), w1);
          sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(two[2]), w2);
          part[r][b] = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(two[3]), w3);
        }
      }
    }
    for (int b = 0; b < Blocks; ++b) {
      __m512 scale, zero;
      pair_of(w, g, block + b, &scale, &zero);
      for (int r = 0; r < Rows; ++r) {
        const __m512 sum = _mm512_set1_ps(sums[r * groups + g]);
        total[r][b] = _mm512_fmadd_ps(part[r][b], scale, total[r][b]);
        total[r][b] = _mm512_fmadd_ps(sum, zero, total[r][b]);
      }
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int b = 0; b < Blocks; ++b)
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(y + r * w.outputs + (block + b) * kOutputs),
          (__m256i)_mm512_cvtneps_pbh(total[r][b]));
}

template <int Rows, int Blocks>
void multiply_rows(const Weights& w, const uint16_t* x, const float* sums, uint16_t* y) {
  const int64_t blocks = w.outputs / kOutputs, whole = blocks / Blocks;
  const __m512i table = table_of(w);
#pragma omp parallel for schedule(static)
  for (int64_t n = 0; n < whole; ++n)
    multiply_blocks<Rows, Blocks>(w, x, sums, y, n * Blocks, table);
  for (int64_t block = whole * Blocks; block < blocks; ++block)
    multiply_blocks<Rows, 1>(w, x, sums, y, block, table);
}

// The sums of each row's groups: what a zero is multiplied with.
void sum_groups(const Weights& w, const uint16_t* x, int64_t rows, float* sums) {
  const int64_t groups = w.inputs / w.group;
  const __m512bh one = (__m512bh)_mm512_set1_epi16(0x3F80);
  for (int64_t at = 0; at < rows * groups; ++at) {
    const uint16_t* start = x + at * w.group;
    __m512 sum = _mm512_setzero_ps();
    for (int64_t k = 0; k < w.group; k += 32)
      sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(start + k), one);
    sums[at] = _mm512_reduce_add_ps(sum);
  }
}

// Two levels for each of sixteen outputs, in bfloat16, with scale and zero.
inline __m512i scaled(__m512i both, __m512 scale, __m512 zero) {
  const __m512 even = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
  const __m512 odd =
      _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(0xFFFF0000)));
  const __m256i low = (__m256i)_mm512_cvtneps_pbh(_mm512_fmadd_ps(even, scale, zero));
  const __m256i high = (__m256i)_mm512_cvtneps_pbh(_mm512_fmadd_ps(odd, scale, zero));
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

inline void store_quarters(__m512i four, uint16_t* to, int64_t inputs) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_extracti32x4_epi32(four, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 4 * inputs),
                   _mm512_extracti32x4_epi32(four, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8 * inputs),
                   _mm512_extracti32x4_epi32(four, 2));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 12 * inputs),
                   _mm512_extracti32x4_epi32(four, 3));
}

}  // namespace

// x: [rows][inputs], y: [rows][outputs], both bfloat16. Groups are multiples of 32 inputs.
extern "C" void assistant_int4_multiply(const uint16_t* x, int64_t rows, const uint8_t* codes,
                                        const uint16_t* pairs, const uint16_t* levels,
                                        int64_t outputs, int64_t inputs, int64_t group,
                                        uint16_t* y) {
  const Weights w{codes, pairs, levels, outputs, inputs, group};
  const int64_t groups = inputs / group;
  std::vector<float> all(rows * groups);
  sum_groups(w, x, rows, all.data());
  const float* sums = all.data();
  while (rows > 0) {
    const int64_t now = rows < kMostRows ? rows : kMostRows;
    switch (now) {
      case 1: multiply_rows<1, 4>(w, x, sums, y); break;
      case 2: multiply_rows<2, 4>(w, x, sums, y); break;
      case 3: multiply_rows<3, 4>(w, x, sums, y); break;
      case 4: multiply_rows<4, 4>(w, x, sums, y); break;
      case 5: multiply_rows<5, 2>(w, x, sums, y); break;
      case 6: multiply_rows<6, 2>(w, x, sums, y); break;
      case 7: multiply_rows<7, 2>(w, x, sums, y); break;
      default: multiply_rows<8, 2>(w, x, sums, y);
    }
    rows -= now;
    x += now * inputs;
    sums += now * groups;
    y += now * outputs;
  }
}

// out: [outputs][inputs] in bfloat16.
extern "C" void assistant_int4_unpack(const uint8_t* codes, const uint16_t* pairs,
                                      const uint16_t* levels, int64_t outputs, int64_t inputs,
                                      int64_t group, uint16_t* out) {
  const Weights w{codes, pairs, levels, outputs, inputs, group};
  const __m512i table = table_of(w);
#pragma omp parallel for schedule(static)
  for (int64_t block = 0; block < outputs / kOutputs; ++block) {
    const uint8_t* at = codes + block * (inputs / kInputs) * kBytes;
    uint16_t* to = out + block * kOutputs * inputs;
    __m512 scale, zero;
    for (int64_t k = 0; k < inputs; k += kInputs, at += kBytes) {
      if (k % group == 0) pair_of(w, k / group, block, &scale, &zero);
      __m512i word = _mm512_loadu_si512(at);
      __m512i two[4];  // for sixteen outputs, inputs 2 i and 2 i + 1
      for (int i = 0; i < 4; ++i, word = _mm512_srli_epi16(word, 4))
        two[i] = scaled(_mm512_permutexvar_epi16(word, table), scale, zero);
      const __m512i a = _mm512_unpacklo_epi32(two[0], two[1]);
      const __m512i b = _mm512_unpackhi_epi32(two[0], two[1]);
      const __m512i c = _mm512_unpacklo_epi32(two[2], two[3]);
      const __m512i d = _mm512_unpackhi_epi32(two[2], two[3]);
      // Each quarter of these has all eight inputs of an output: those of one are four apart.
      store_quarters(_mm512_unpacklo_epi64(a, c), to + k, inputs);
      store_quarters(_mm512_unpackhi_epi64(a, c), to + k + inputs, inputs);
      store_quarters(_mm512_unpacklo_epi64(b, d), to + k + 2 * inputs, inputs);
      store_quarters(_mm512_unpackhi_epi64(b, d), to + k + 3 * inputs, inputs);
    }
  }
}
