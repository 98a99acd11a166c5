// Attention of one token to the positions up to its own, for query heads that share a key head.

#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "bfloat16.hpp"

constexpr int64_t kPositions = 16;  // scores that are computed together

// The sums of sixteen vectors, in order.
inline __m512 sum_each(const __m512 (&v)[16]) {
  __m512 a[8], b[4];
  for (int i = 0; i < 8; ++i)
    a[i] = _mm512_add_ps(_mm512_unpacklo_ps(v[2 * i], v[2 * i + 1]),
                         _mm512_unpackhi_ps(v[2 * i], v[2 * i + 1]));
  for (int i = 0; i < 4; ++i) {
    const __m512d one = _mm512_castps_pd(a[2 * i]), other = _mm512_castps_pd(a[2 * i + 1]);
    b[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(one, other)),
                         _mm512_castpd_ps(_mm512_unpackhi_pd(one, other)));
  }
  const __m512 low = _mm512_add_ps(_mm512_shuffle_f32x4(b[0], b[1], 0x88),
                                   _mm512_shuffle_f32x4(b[0], b[1], 0xDD));
  const __m512 high = _mm512_add_ps(_mm512_shuffle_f32x4(b[2], b[3], 0x88),
                                    _mm512_shuffle_f32x4(b[2], b[3], 0xDD));
  return _mm512_add_ps(_mm512_shuffle_f32x4(low, high, 0x88),
                       _mm512_shuffle_f32x4(low, high, 0xDD));
}

// Products of one query with sixteen keys, [16][Parts * 32], of which there are `here`.
template <int Parts>
inline __m512 score_some(const __m512bh (&query)[Parts], const uint16_t* keys, int64_t here) {
  __m512 sums[kPositions];
  each<kPositions>([&](auto p) {
    sums[p] = _mm512_setzero_ps();
    if (p < here)
      each<Parts>([&](auto d) {
        const __m512i key = _mm512_loadu_si512(keys + (p * Parts + d) * 32);
        sums[p] = _mm512_dpbf16_ps(sums[p], query[d], (__m512bh)key);
      });
  });
  return sum_each(sums);
}

// Scores of one query, [Parts * 32], against `positions` keys, [positions][Parts * 32]; what lies
// behind the last up to a multiple of sixteen gets minus infinity. The greatest comes back.
template <int Parts>
__attribute__((noinline, flatten)) inline float score(const uint16_t* query, const uint16_t* keys,
                                                      int64_t positions, float scale,
                                                      float* scores) {
  const __m512 nothing = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  const __m512 factor = _mm512_set1_ps(scale);
  __m512bh parts[Parts];
  each<Parts>([&](auto d) { parts[d] = (__m512bh)_mm512_loadu_si512(query + d * 32); });
  __m512 greatest = nothing;
  int64_t start = 0;
  for (; start + kPositions <= positions; start += kPositions) {
    const __m512 sums = score_some<Parts>(parts, keys + start * Parts * 32, kPositions);
    const __m512 found = _mm512_mul_ps(sums, factor);
    _mm512_storeu_ps(scores + start, found);
    greatest = _mm512_max_ps(greatest, found);
  }
  if (start < positions) {
    const int64_t here = positions - start;
    const __m512 sums = score_some<Parts>(parts, keys + start * Parts * 32, here);
    const __mmask16 real = static_cast<__mmask16>((1u << here) - 1);
    const __m512 found = _mm512_mask_mul_ps(nothing, real, sums, factor);
    _mm512_storeu_ps(scores + start, found);
    greatest = _mm512_max_ps(greatest, found);
  }
  return _mm512_reduce_max_ps(greatest);
}

// The same for a size that is known when it runs: a multiple of 32 up to 256.
inline float score(const uint16_t* query, const uint16_t* keys, int64_t positions,
                   int64_t head_dim, float scale, float* scores) {
  switch (head_dim / 32) {
    case 1: return score<1>(query, keys, positions, scale, scores);
    case 2: return score<2>(query, keys, positions, scale, scores);
    case 3: return score<3>(query, keys, positions, scale, scores);
    case 4: return score<4>(query, keys, positions, scale, scores);
    case 5: return score<5>(query, keys, positions, scale, scores);
    case 6: return score<6>(query, keys, positions, scale, scores);
    case 7: return score<7>(query, keys, positions, scale, scores);
    default: return score<8>(query, keys, positions, scale, scores);
  }
}

// Scores become shares that still are to be divided by their sum, which comes back.
inline float exponentiate(float* scores, int64_t positions, float greatest) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t p = 0; p < positions; p += kPositions) {
    const int64_t here = positions - p < kPositions ? positions - p : kPositions;
    const __mmask16 real = static_cast<__mmask16>((1u << here) - 1);
    const __m512 moved = _mm512_sub_ps(_mm512_loadu_ps(scores + p), _mm512_set1_ps(greatest));
    const __m512 share = _mm512_maskz_mov_ps(real, exp16(moved));
    _mm512_storeu_ps(scores + p, share);
    sum = _mm512_add_ps(sum, share);
  }
  return _mm512_reduce_add_ps(sum);
}

// Sixteen times `Vectors` dimensions of the values, rows of [head_dim], in the shares of `Heads`
// queries, [Heads][room]. There are at least eight sums, or each addition would wait for the last.
template <int Heads, int Vectors>
inline void mix_some(const float* shares, int64_t room, const float* sums, const uint16_t* values,
                     int64_t positions, int64_t head_dim, uint16_t* out) {
  __m512 total[Heads][Vectors];
  each<Heads>([&](auto h) { each<Vectors>([&](auto v) { total[h][v] = _mm512_setzero_ps(); }); });
  for (int64_t p = 0; p < positions; ++p) {
    __m512 value[Vectors];
    each<Vectors>([&](auto v) { value[v] = load16(values + p * head_dim + v * 16); });
    each<Heads>([&](auto h) {
      const __m512 share = _mm512_set1_ps(shares[h * room + p]);
      each<Vectors>([&](auto v) { total[h][v] = _mm512_fmadd_ps(share, value[v], total[h][v]); });
    });
  }
  each<Heads>([&](auto h) {
    const __m512 part = _mm512_set1_ps(1.0f / sums[h]);
    each<Vectors>([&](auto v) {
      store16(out + h * head_dim + v * 16, _mm512_mul_ps(total[h][v], part));
    });
  });
}

// All dimensions of them.
template <int Heads>
inline void mix(const float* shares, int64_t room, const float* sums, const uint16_t* values,
                int64_t positions, int64_t head_dim, uint16_t* out) {
  constexpr int kVectors = Heads == 8 ? 2 : Heads == 1 ? 8 : 4;
  int64_t d = 0;
  for (; d + kVectors * 16 <= head_dim; d += kVectors * 16)
    mix_some<Heads, kVectors>(shares, room, sums, values + d, positions, head_dim, out + d);
  for (; d < head_dim; d += 32)
    mix_some<Heads, 2>(shares, room, sums, values + d, positions, head_dim, out + d);
}

// What `heads` queries, [heads][head_dim], see: [heads][head_dim]. `shares` is [heads][room], with
// a room of at least `positions` up to a multiple of sixteen, and `sums` [heads].
inline void attend(const uint16_t* queries, int64_t heads, const uint16_t* keys,
                   const uint16_t* values, int64_t positions, int64_t head_dim, float scale,
                   float* shares, int64_t room, float* sums, uint16_t* out) {
  for (int64_t h = 0; h < heads; ++h) {
    float* own = shares + h * room;
    const float greatest = score(queries + h * head_dim, keys, positions, head_dim, scale, own);
    sums[h] = exponentiate(own, positions, greatest);
  }
  int64_t h = 0;
  const auto mix_each = [&](auto number) {
    constexpr int kHeads = decltype(number)::value;
    for (; h + kHeads <= heads; h += kHeads)
      mix<kHeads>(shares + h * room, room, sums + h, values, positions, head_dim,
                  out + h * head_dim);
  };
  mix_each(std::integral_constant<int, 8>{});
  mix_each(std::integral_constant<int, 4>{});
  mix_each(std::integral_constant<int, 2>{});
  mix_each(std::integral_constant<int, 1>{});
}
