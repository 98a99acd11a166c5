// Attention of one token to the positions up to its own, for query heads that share a key head.

#pragma once

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

// Scores of one query, [head_dim], against `positions` keys, [positions][head_dim]; what lies
// behind the last up to a multiple of sixteen gets minus infinity. The greatest comes back.
inline float score(const uint16_t* query, const uint16_t* keys, int64_t positions,
                   int64_t head_dim, float scale, float* scores) {
  const __m512 nothing = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 greatest = nothing;
  for (int64_t start = 0; start < positions; start += kPositions) {
    const int64_t here = positions - start < kPositions ? positions - start : kPositions;
    __m512 sums[16];
    for (int p = 0; p < kPositions; ++p) {
      sums[p] = _mm512_setzero_ps();
      if (p >= here) continue;
      const uint16_t* key = keys + (start + p) * head_dim;
      for (int64_t d = 0; d < head_dim; d += 32)
        sums[p] = _mm512_dpbf16_ps(sums[p], (__m512bh)_mm512_loadu_si512(query + d),
                                   (__m512bh)_mm512_loadu_si512(key + d));
    }
    const __m512 found = _mm512_mul_ps(sum_each(sums), _mm512_set1_ps(scale));
    const __mmask16 real = static_cast<__mmask16>((1u << here) - 1);
    const __m512 masked = _mm512_mask_blend_ps(real, nothing, found);
    _mm512_storeu_ps(scores + start, masked);
    greatest = _mm512_max_ps(greatest, masked);
  }
  return _mm512_reduce_max_ps(greatest);
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

// The values, [positions][head_dim], in the shares of `Heads` queries, [Heads][room].
template <int Heads>
inline void mix(const float* shares, int64_t room, const float* sums, const uint16_t* values,
                int64_t positions, int64_t head_dim, uint16_t* out) {
  for (int64_t d = 0; d < head_dim; d += 32) {
    __m512 total[Heads][2];
    for (int h = 0; h < Heads; ++h) total[h][0] = total[h][1] = _mm512_setzero_ps();
    for (int64_t p = 0; p < positions; ++p) {
      const __m512 low = load16(values + p * head_dim + d);
      const __m512 high = load16(values + p * head_dim + d + 16);
      for (int h = 0; h < Heads; ++h) {
        const __m512 share = _mm512_set1_ps(shares[h * room + p]);
        total[h][0] = _mm512_fmadd_ps(share, low, total[h][0]);
        total[h][1] = _mm512_fmadd_ps(share, high, total[h][1]);
      }
    }
    for (int h = 0; h < Heads; ++h) {
      const __m512 part = _mm512_set1_ps(1.0f / sums[h]);
      store16(out + h * head_dim + d, _mm512_mul_ps(total[h][0], part));
      store16(out + h * head_dim + d + 16, _mm512_mul_ps(total[h][1], part));
    }
  }
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
  const auto mix_some = [&](auto number) {
    constexpr int kHeads = decltype(number)::value;
    for (; h + kHeads <= heads; h += kHeads)
      mix<kHeads>(shares + h * room, room, sums + h, values, positions, head_dim,
                  out + h * head_dim);
  };
  mix_some(std::integral_constant<int, 8>{});
  mix_some(std::integral_constant<int, 4>{});
  mix_some(std::integral_constant<int, 1>{});
}
