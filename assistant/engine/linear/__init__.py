"""Linear layers for the CPU: few rows by a 4-bit kernel, many by bf16 matrix units.

`Int4Linear` holds 4-bit weights, NF4's included, `PackedLinear` bfloat16 in the order that oneDNN
reads fastest, `Nf4Linear` weights for the kernel of bitsandbytes. `convert.convert_linears` puts
them into a loaded model, `quantize` makes 4-bit weights out of 16-bit ones, and `fuse` joins layers
that read the same input. All are for inference: none has a gradient.
"""
