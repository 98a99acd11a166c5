// Attention of many tokens of one text: products of blocks with all their sums in registers, for which
// keys and values are put into the order that the dot-product instruction wants.

#pragma once

#include <algorithm>
#include <vector>

#include "attention.hpp"

constexpr int kQueries = 12;      // that are computed together
constexpr int64_t kColumns = 32;  // of a block: positions in scores, numbers of a head in answers

// c [kQueries][kColumns] = a [size / 8][kQueries][8] times b [size / 2][kColumns][2]; the rows of c are
// `stride` apart.
__attribute__((noinline, flatten)) inline void multiply_block(const uint16_t* a, const uint16_t* b,
                                                              int64_t size, float* c,
                                                              int64_t stride) {
  __m512 sums[kQueries][2];
  each<kQueries>([&](auto q) { each<2>([&](auto i) { sums[q][i] = _mm512_setzero_ps(); }); });
  for (int64_t k = 0; k < size; k += 8, a += kQueries * 8) {
    each<4>([&](auto pair) {
      const __m512bh columns[2] = {(__m512bh)_mm512_loadu_si512(b),
                                   (__m512bh)_mm512_loadu_si512(b + kColumns)};
      each<kQueries>([&](auto q) {
        const __m512bh two = (__m512bh)broadcast(a + q * 8 + pair * 2);
        each<2>([&](auto i) { add(sums[q][i], columns[i], two); });
      });
      b += 2 * kColumns;
    });
  }
  each<kQueries>([&](auto q) {
    each<2>([&](auto i) { _mm512_storeu_ps(c + q * stride + i * 16, sums[q][i]); });
  });
}

// Sixteen rows of sixteen words become columns.
inline void transpose(__m512i (&v)[16]) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      b[i + 2 * j] = _mm512_unpacklo_epi64(a[i + j], a[i + j + 2]);
      b[i + 2 * j + 1] = _mm512_unpackhi_epi64(a[i + j], a[i + j + 2]);
    }
  // Now each quarter of b[i + j] has four words of column j, 4 + j, 8 + j or 12 + j.
  for (int j = 0; j < 4; ++j) {
    const __m512i low = _mm512_shuffle_i32x4(b[j], b[4 + j], 0x88);
    const __m512i high = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0x88);
    const __m512i odd_low = _mm512_shuffle_i32x4(b[j], b[4 + j], 0xDD);
    const __m512i odd_high = _mm512_shuffle_i32x4(b[8 + j], b[12 + j], 0xDD);
    v[j] = _mm512_shuffle_i32x4(low, high, 0x88);
    v[8 + j] = _mm512_shuffle_i32x4(low, high, 0xDD);
    v[4 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0x88);
    v[12 + j] = _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD);
  }
}

// Keys, [positions][size], as [positions / 32][size / 2][32][2]; zeros fill the last block.
inline void pack_keys(const uint16_t* keys, int64_t positions, int64_t size, uint16_t* to) {
  for (int64_t p = 0; p < positions; p += 16)
    for (int64_t d = 0; d < size; d += 32) {
      __m512i rows[16];
      for (int64_t i = 0; i < 16; ++i)
        rows[i] = p + i < positions ? _mm512_loadu_si512(keys + (p + i) * size + d)
                                    : _mm512_setzero_si512();
      transpose(rows);
      uint16_t* at = to + p / kColumns * kColumns * size + d * kColumns + p % kColumns * 2;
      for (int64_t i = 0; i < 16; ++i) _mm512_storeu_si512(at + i * kColumns * 2, rows[i]);
    }
}

// Values, [positions][size], as [size / 32][room / 2][32][2]; zeros fill the room.
inline void pack_values(const uint16_t* values, int64_t positions, int64_t size, int64_t room,
                        uint16_t* to) {
  alignas(64) uint16_t order[2][32];
  for (int i = 0; i < 64; ++i) order[i / 32][i % 32] = i % 2 * 32 + i / 2;
  const __m512i low = _mm512_load_si512(order[0]), high = _mm512_load_si512(order[1]);
  for (int64_t d = 0; d < size; d += kColumns)
    for (int64_t p = 0; p < room; p += 2, to += 2 * kColumns) {
      const auto row = [&](int64_t at) {
        return at < positions ? _mm512_loadu_si512(values + at * size + d)
                              : _mm512_setzero_si512();
      };
      const __m512i one = row(p), other = row(p + 1);
      _mm512_storeu_si512(to, _mm512_permutex2var_epi16(one, low, other));
      _mm512_storeu_si512(to + kColumns, _mm512_permutex2var_epi16(one, high, other));
    }
}

// A query that is to see a text up to its position.
struct Query {
  const uint16_t* head;  // [size]
  int64_t seen;          // positions
  uint16_t* out;         // [size]
};

// What queries see of one head of a text.
class Blocks {
 public:
  // For at most `positions` of heads of `size`.
  Blocks(int64_t positions, int64_t size)
      : size_(size), room_((positions + kColumns - 1) / kColumns * kColumns),
        keys_(room_ * size), values_(room_ * size), queries_(kQueries * size),
        shares_(kQueries * room_), scores_(kQueries * room_), found_(kQueries * size) {}

  // The text: keys and values are [positions][size].
  void begin(const uint16_t* keys, const uint16_t* values, int64_t positions) {
    held_ = (positions + 15) / 16 * 16;
    pack_keys(keys, positions, size_, keys_.data());
    pack_values(values, positions, size_, held_, values_.data());
  }

  // Up to `kQueries` of them, the last of which sees the most.
  void attend(const Query* queries, int64_t number, float scale) {
    for (int64_t q = 0; q < number; ++q)
      for (int64_t d = 0; d < size_; d += 8)
        std::copy_n(queries[q].head + d, 8, queries_.data() + (d * kQueries + q * 8));
    const int64_t limit = (queries[number - 1].seen + 15) / 16 * 16;
    for (int64_t p = 0; p < limit; p += kColumns)
      multiply_block(queries_.data(), keys_.data() + p * size_, size_, scores_.data() + p, room_);
    float sums[kQueries];
    for (int64_t q = 0; q < number; ++q) sums[q] = share(q, queries[q].seen, limit, scale);
    for (int64_t d = 0; d < size_; d += kColumns)
      multiply_block(shares_.data(), values_.data() + d * held_, limit, found_.data() + d, size_);
    for (int64_t q = 0; q < number; ++q)
      for (int64_t d = 0; d < size_; d += 16)
        store16(queries[q].out + d, _mm512_mul_ps(_mm512_loadu_ps(found_.data() + q * size_ + d),
                                                  _mm512_set1_ps(1.0f / sums[q])));
  }

 private:
  // The scores of a query become shares up to `limit`, zeros behind what it sees, that still are to be
  // divided by their sum, which comes back.
  float share(int64_t query, int64_t seen, int64_t limit, float scale) {
    const float* scores = scores_.data() + query * room_;
    const auto real = [&](int64_t p) {
      const int64_t here = std::clamp<int64_t>(seen - p, 0, 16);
      return static_cast<__mmask16>((1u << here) - 1);
    };
    __m512 most = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
    for (int64_t p = 0; p < seen; p += 16)
      most = _mm512_mask_max_ps(most, real(p), most, _mm512_loadu_ps(scores + p));
    const __m512 greatest = _mm512_set1_ps(_mm512_reduce_max_ps(most) * scale);
    __m512 sum = _mm512_setzero_ps();
    for (int64_t p = 0; p < limit; p += 16) {
      const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(scores + p), _mm512_set1_ps(scale));
      const __m512 part = _mm512_maskz_mov_ps(real(p), exp16(_mm512_sub_ps(scaled, greatest)));
      sum = _mm512_add_ps(sum, part);
      const __m256i both = (__m256i)_mm512_cvtneps_pbh(part);
      auto* to = reinterpret_cast<__m128i*>(shares_.data() + p * kQueries + query * 8);
      _mm_storeu_si128(to, _mm256_castsi256_si128(both));
      _mm_storeu_si128(to + kQueries, _mm256_extracti128_si256(both, 1));
    }
    return _mm512_reduce_add_ps(sum);
  }

  int64_t size_, room_, held_ = 0;
  std::vector<uint16_t> keys_, values_, queries_, shares_;
  std::vector<float> scores_, found_;
};
