"""The tasks of lm-evaluation-harness, asked of the model as it is served.

ARC, HellaSwag, TruthfulQA, Winogrande, GSM8K and hundreds of others are written down there: data,
prompts and what counts as right are the library's, and reading and writing are our engine's.
"""
