"""Our own code in C++ for few tokens at a time, compiled on the machine where it runs.

It needs a processor with AVX-512 and its instructions for bfloat16, Linux, and GCC, which compiles
it once in a few seconds; without, PyTorch's operations do the same.
"""
