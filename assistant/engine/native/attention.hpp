// Attention of one token to the positions up to its own, for query heads that share a key head.

#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "bfloat16.hpp"

constexpr int64_t kPositions = 16;  // scores that are computed together

// Products of one query with sixteen keys, [16][Parts * 32], of which there are `here`.
template <int Parts>
inline Floats score_some(const Pairs (&query)[Parts], const uint16_t* keys, int64_t here) {
  Floats sums[kPositions];
  each<kPositions>([&](auto p) {
    sums[p] = splat(0);
    if (p < here)
      each<Parts>([&](auto d) {
        add(sums[p], query[d], load_pairs(keys + (p * Parts + d) * 32));
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
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  const Floats factor = splat(scale);
  Pairs parts[Parts];
  each<Parts>([&](auto d) { parts[d] = load_pairs(query + d * 32); });
  Floats greatest = splat(kNothing);
  int64_t start = 0;
  for (; start + kPositions <= positions; start += kPositions) {
    const Floats sums = score_some<Parts>(parts, keys + start * Parts * 32, kPositions);
    const Floats found = sums * factor;
    store(scores + start, found);
    greatest = maximum(greatest, found);
  }
  if (start < positions) {
    const int64_t here = positions - start;
    const Floats sums = score_some<Parts>(parts, keys + start * Parts * 32, here);
    const Floats found = first_of(sums * factor, here, kNothing);
    store(scores + start, found);
    greatest = maximum(greatest, found);
  }
  return greatest_of(greatest);
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
  Floats sum = splat(0);
  for (int64_t p = 0; p < positions; p += kPositions) {
    const int64_t here = positions - p < kPositions ? positions - p : kPositions;
    const Floats share = first_of(exp16(load(scores + p) - splat(greatest)), here, 0);
    store(scores + p, share);
    sum = sum + share;
  }
  return sum_of(sum);
}

// Sixteen times `Vectors` dimensions of the values, rows of [head_dim], in the shares of `Heads`
// queries, [Heads][room]. There are at least eight sums, or each addition would wait for the last.
template <int Heads, int Vectors>
inline void mix_some(const float* shares, int64_t room, const float* sums, const uint16_t* values,
                     int64_t positions, int64_t head_dim, uint16_t* out) {
  Floats total[Heads][Vectors];
  each<Heads>([&](auto h) { each<Vectors>([&](auto v) { total[h][v] = splat(0); }); });
  for (int64_t p = 0; p < positions; ++p) {
    Floats value[Vectors];
    each<Vectors>([&](auto v) { value[v] = load16(values + p * head_dim + v * 16); });
    each<Heads>([&](auto h) {
      const Floats share = splat(shares[h * room + p]);
      each<Vectors>([&](auto v) { total[h][v] = multiply_add(share, value[v], total[h][v]); });
    });
  }
  each<Heads>([&](auto h) {
    const Floats part = splat(1.0f / sums[h]);
    each<Vectors>([&](auto v) {
      store16(out + h * head_dim + v * 16, total[h][v] * part);
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
