// Products of bfloat16 rows with 4-bit weights.
//
// A weight is levels[code] * scale + zero. Sixteen outputs are a block; for each eight inputs it
// takes 64 bytes, 32 words of 16 bits: word 2 * output + parity holds the codes of the inputs
// parity, 2 + parity, 4 + parity and 6 + parity, lowest bits first. So a shift and a look-up give
// what a dot-product instruction wants, sixteen outputs with two inputs each. Four blocks are a
// unit, whose bytes take turns: one stream from memory, which the processor fetches ahead.

#pragma once

#include "codes.hpp"

struct Int4Weights {
  const uint8_t* codes;    // [outputs / 64][inputs / 8][4][64]
  const uint16_t* pairs;   // [outputs / 64][groups][64][2], scale and zero in bfloat16
  const uint16_t* levels;  // [16] in bfloat16
  int64_t outputs, inputs, group;

  static constexpr int64_t kInputBytes = 32;  // of one input for a unit of outputs
  static constexpr float kMiddle = 8.0f;      // the code of level 0, where levels are -8 to 7
  static constexpr float kInSums = kMiddle;   // what sums of codes have too much of for each input
};

constexpr int64_t kPairs = kUnit * kOutputs * 2;  // numbers of a group for a unit of outputs
constexpr int64_t kInt4Inputs = 8;
constexpr int64_t kInt4Bytes = 64;
constexpr int64_t kAhead = 64 * 256;  // bytes, some twenty microseconds' worth

// Where a block begins, and how far it is from one eight of inputs to the next.
inline const uint8_t* codes_of(const Int4Weights& w, int64_t block) {
  const int64_t unit = block / kUnit * (w.inputs / kInt4Inputs) * kUnit;
  return w.codes + (unit + block % kUnit) * kInt4Bytes;
}
constexpr int64_t kInt4Step = kUnit * kInt4Bytes;

// The codes of one input for sixteen outputs, `at` is where its unit begins.
inline Whole codes_at(const Int4Weights&, const uint8_t* at, int64_t input, int64_t block) {
  const int64_t place = input % kInt4Inputs;
  at += input / kInt4Inputs * kInt4Step + block * kInt4Bytes;
  return part_of(load_bytes(at), static_cast<int>(place % 2 * 16 + place / 2 * 4), 15);
}

// The scales and zeros of sixteen outputs.
template <class Weights>
inline void pair_of(const Weights& w, int64_t group, int64_t block, Floats* scale, Floats* zero) {
  const int64_t first = block / kUnit * (w.inputs / w.group) + group;
  const int64_t place = (first * kUnit + block % kUnit) * kOutputs;
  const Pairs both = load_pairs(w.pairs + place * 2);
  *scale = firsts_of(both);
  *zero = seconds_of(both);
}

// What a zero is multiplied with: the sum of a group of inputs.
inline float sum_group(const uint16_t* x, int64_t group) {
  constexpr uint16_t kOnes[] = {0x3F80, 0x3F80};
  const Pairs ones = same_pair(kOnes);
  Floats sum = splat(0);
  for (int64_t k = 0; k < group; k += 32) add(sum, load_pairs(x + k), ones);
  return sum_of(sum);
}

// The sums of one group for a unit of outputs; rows are `stride` apart. A function of its own, because
// compilers would store the sums in each turn of the loop for what comes behind it.
template <int Rows>
__attribute__((noinline, flatten)) void add_group(const uint8_t* at, const uint16_t* x, int64_t stride,
                                         int64_t group, Table table,
                                         Floats (&sums)[Rows][kUnit]) {
  Floats part[Rows][kUnit];
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { part[r][b] = splat(0); }); });
  for (int64_t k = 0; k < group; k += kInt4Inputs, at += kInt4Step) {
    each<kUnit / 2>([&](auto pair) {
      Bytes word[2];
      each<2>([&](auto i) {
        const uint8_t* codes = at + (2 * pair + i) * kInt4Bytes;
        _mm_prefetch(reinterpret_cast<const char*>(codes + kAhead), _MM_HINT_T0);
        word[i] = load_bytes(codes);
      });
      each<4>([&](auto j) {
        const Pairs weights[2] = {look_up<4 * j>(word[0], table), look_up<4 * j>(word[1], table)};
        each<Rows>([&](auto r) {
          const Pairs two = same_pair(x + r * stride + k + 2 * j);
          each<2>([&](auto i) { add(part[r][2 * pair + i], weights[i], two); });
        });
      });
    });
  }
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { sums[r][b] = part[r][b]; }); });
}

// Rows [Rows][inputs] times a unit of outputs; `sums` are those of the groups, [Rows][groups].
template <int Rows>
inline void multiply_unit(const Int4Weights& w, const uint16_t* x, const float* sums,
                          int64_t unit, Floats (&total)[Rows][kUnit]) {
  const int64_t groups = w.inputs / w.group;
  const Table table = table_of(w.levels);
  const uint8_t* at = codes_of(w, unit * kUnit);
  each<Rows>([&](auto r) { each<kUnit>([&](auto b) { total[r][b] = splat(0); }); });
  for (int64_t g = 0; g < groups; ++g) {
    Floats part[Rows][kUnit];
    add_group<Rows>(at + g * w.group / kInt4Inputs * kInt4Step, x + g * w.group, w.inputs, w.group,
                    table, part);
    each<kUnit>([&](auto b) {
      Floats scale, zero;
      pair_of(w, g, unit * kUnit + b, &scale, &zero);
      each<Rows>([&](auto r) {
        const Floats sum = splat(sums[r * groups + g]);
        total[r][b] = multiply_add(part[r][b], scale, total[r][b]);
        total[r][b] = multiply_add(sum, zero, total[r][b]);
      });
    });
  }
}

// Sixteen outputs as bfloat16, `to` is [16][inputs].
inline void unpack_block(const Int4Weights& w, int64_t block, Table table, uint16_t* to) {
  const uint8_t* at = codes_of(w, block);
  Floats scale, zero;
  for (int64_t k = 0; k < w.inputs; k += kInt4Inputs, at += kInt4Step) {
    if (k % w.group == 0) pair_of(w, k / w.group, block, &scale, &zero);
    const Bytes words = load_bytes(at);
    Pairs two[4];  // for sixteen outputs, inputs 2 i and 2 i + 1
    each<4>([&](auto i) {
      const Pairs both = look_up<4 * i>(words, table);
      two[i] = pairs_of(multiply_add(firsts_of(both), scale, zero),
                        multiply_add(seconds_of(both), scale, zero));
    });
    store_eights(two, to + k, w.inputs);
  }
}
