"""Our own code in C++ for few tokens at a time, compiled on the machine where it runs.

It needs Linux and GCC, which compiles it once in some ten seconds, and AVX2, or better AVX-512 with
its instructions for bfloat16. Elsewhere PyTorch's operations do the same.
"""
