// Weights in codes, in the words of the processor.

#pragma once

#ifdef __AVX512BF16__
#include "avx512_codes.hpp"
#else
#include "avx2_codes.hpp"
#endif
