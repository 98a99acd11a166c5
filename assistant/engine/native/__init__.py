"""Our own code in C++ for few tokens at a time, compiled on the machine where it runs.

It needs Linux and GCC, which compiles it once in some ten seconds. Processors with AVX-512 and its
instructions for bfloat16 compute layers in bfloat16, 4 bits and 8 bits with it, those with AVX2
layers in bfloat16. Elsewhere PyTorch's operations do the same.
"""
