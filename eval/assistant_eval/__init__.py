"""Examinations of a model as it is served: quantized, and with its adapter.

Whatever examines a model stands on four modules here: `model` finds it and says exactly which one
it is, `reading` asks it many texts that begin alike, `runs` keeps what it answered, question by
question, and `statistics` says how sure a score is. `mmlu` is one examination. `import` of this is
light.
"""
