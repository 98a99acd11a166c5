// bfloat16 numbers and sixteen of them at a time, in the words of the processor.

#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#ifdef __AVX512BF16__
#include "avx512.hpp"
#else
#include "avx2.hpp"
#endif

constexpr int64_t kOutputs = 16;  // outputs of a product that stand together in its weights
constexpr int64_t kUnit = 4;      // blocks of so many outputs that a thread takes at a time

template <class Do, int... Numbers>
inline void each_of(Do&& act, std::integer_sequence<int, Numbers...>) {
  (act(std::integral_constant<int, Numbers>{}), ...);
}

// A loop that is written out before the compiler decides what to keep in registers.
template <int Count, class Do>
inline void each(Do&& act) {
  each_of(act, std::make_integer_sequence<int, Count>{});
}

inline float widened(uint16_t bits) {
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

// e to the power of each, from -87 to 87, within 4e-6 of it: x is n ln 2 plus a rest of at most half of
// that, and the rest goes through Taylor's series.
inline Floats exp16(Floats x) {
  x = minimum(maximum(x, splat(-87.0f)), splat(87.0f));
  const Floats n = nearest(x * splat(1.44269504f));
  const Floats rest = multiply_add(n, splat(-0.69314718f), x);
  Floats sum = splat(1.0f / 120);
  for (float factor : {1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    sum = multiply_add(sum, rest, splat(factor));
  return ldexp(sum, n);
}
