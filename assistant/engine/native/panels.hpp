// Weights of some outputs as bytes, for products of many rows. Weights in 4 bits have a scale and a zero
// for each group. Were these applied to each group's sums, that would be a fifth of all instructions. So
// here the groups of a block are brought to one scale for each output, as far as 8 bits can say it.

#pragma once

#include <algorithm>

#include "bytes.hpp"

constexpr int64_t kBlock = 256;  // inputs of a block at most

// The inputs of a block for weights in groups: as many groups as fit.
inline int64_t block_of(const Int4Weights& w) { return kBlock / w.group * w.group; }
inline int64_t block_of(const Int8Weights& w) { return w.group; }

// The weights of a block for a unit of outputs: (byte - 128) * scale.
struct Panel {
  const uint8_t* bytes;  // [block / 4][kUnit][16][4]; of eight inputs, in the order 0 4 1 5 2 6 3 7
  __m512 scales[kUnit];
};

// Bytes as they are.
inline Panel as_panel(const Int8Weights& w, int64_t unit, int64_t first, int64_t, uint8_t*) {
  Panel panel{w.codes + (unit * w.inputs + first) * Int8Weights::kInputBytes, {}};
  for (int b = 0; b < kUnit; ++b) {
    __m512 zero;
    pair_of(w, first / w.group, unit * kUnit + b, &panel.scales[b], &zero);
  }
  return panel;
}

inline __m512i in_both_halves(__m512i words) {
  words = _mm512_and_si512(words, _mm512_set1_epi32(0xFFFF));
  return _mm512_or_si512(words, _mm512_slli_epi32(words, 16));
}

// How the codes of a group become bytes, in 256ths: code * factor + offset.
struct Rule {
  __m512i factor, offset;
};

// `steps` is how many 256ths of a byte a weight of 1 is.
inline Rule rule_of(const Int4Weights& w, int64_t group, int64_t outputs, __m512 steps) {
  __m512 scale, zero;
  pair_of(w, group, outputs, &scale, &zero);
  const __m512 least = _mm512_fmadd_ps(scale, _mm512_set1_ps(-8.0f), zero);
  // From 0 on and not from -128, and rounded where the lower half will be cut off.
  const __m512 offset = _mm512_fmadd_ps(least, steps, _mm512_set1_ps(128 * 256 + 128));
  return {in_both_halves(_mm512_cvtps_epi32(_mm512_mul_ps(scale, steps))),
          in_both_halves(_mm512_cvtps_epi32(offset))};
}

// Eight inputs of sixteen outputs by their rule.
inline void store_levels(__m512i codes, const Rule& rule, uint8_t* to) {
  const __m512i low = _mm512_set1_epi16(15), upper = _mm512_set1_epi16(-256);
  __m512i level[4];  // of the inputs 0 and 1, 2 and 3, and so on
  each<4>([&](auto j) {
    const __m512i code = _mm512_and_si512(_mm512_srli_epi16(codes, 4 * j), low);
    level[j] = _mm512_add_epi16(_mm512_mullo_epi16(code, rule.factor), rule.offset);
  });
  each<2>([&](auto i) {
    const __m512i lower = _mm512_srli_epi16(level[i], 8);
    const __m512i both = _mm512_ternarylogic_epi64(lower, level[i + 2], upper, 0xF8);
    _mm512_store_si512(to + i * kInt4Step, both);
  });
}

// The greatest weight that a code of these groups could say.
inline __m512 greatest_of(const Int4Weights& w, int64_t begin, int64_t groups, int64_t outputs) {
  __m512 most = _mm512_set1_ps(1e-30f);
  for (int64_t g = begin; g < begin + groups; ++g) {
    __m512 scale, zero;
    pair_of(w, g, outputs, &scale, &zero);
    for (float level : {-8.0f, 7.0f})
      most = _mm512_max_ps(
          most, _mm512_abs_ps(_mm512_fmadd_ps(scale, _mm512_set1_ps(level), zero)));
  }
  return most;
}

inline Panel as_panel(const Int4Weights& w, int64_t unit, int64_t first, int64_t block, uint8_t* to) {
  Panel panel{to, {}};
  const uint8_t* at = w.codes + (unit * w.inputs + first) * Int4Weights::kInputBytes;
  const int64_t begin = first / w.group, groups = block / w.group;
  for (int b = 0; b < kUnit; ++b) {
    const __m512 most = greatest_of(w, begin, groups, unit * kUnit + b);
    panel.scales[b] = _mm512_mul_ps(most, _mm512_set1_ps(1.0f / 127));
    const __m512 steps = _mm512_div_ps(_mm512_set1_ps(127.0f * 256), most);
    for (int64_t g = 0; g < groups; ++g) {
      const Rule rule = rule_of(w, begin + g, unit * kUnit + b, steps);
      for (int64_t k = g * w.group; k < (g + 1) * w.group; k += kInt4Inputs) {
        const int64_t place = k / kInt4Inputs * kInt4Step + b * kInt4Bytes;
        store_levels(_mm512_loadu_si512(at + place), rule, to + 2 * place - b * kInt4Bytes);
      }
    }
  }
  return panel;
}

// A stretch of memory that is fetched into the cache a share at a time.
class Ahead {
 public:
  Ahead(const void* from, int64_t bytes, int64_t shares)
      : at_(static_cast<const uint8_t*>(from)), end_(at_ + bytes),
        share_((bytes / 64 + shares - 1) / shares * 64) {}

  // Written out, because compilers take a function that does nothing else for one that does nothing.
  void fetch() {
    for (const uint8_t* end = std::min(at_ + share_, end_); at_ < end; at_ += 64)
      asm volatile("prefetcht0 %0" : : "m"(*at_));
  }

 private:
  const uint8_t *at_, *end_;
  int64_t share_;
};
