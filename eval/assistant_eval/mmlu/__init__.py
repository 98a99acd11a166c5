"""MMLU: 57 subjects, multiple choice, under the protocols that published figures come from.

Hendrycks et al. 2021, "Measuring Massive Multitask Language Understanding", arXiv 2009.03300.

`questions` come from a `folder` or the `hub`, `choosing` takes some of them, `protocols` say how
they are put (`prompts`) and how an answer is read (`answers`), and `evaluation` runs it all.
"""
