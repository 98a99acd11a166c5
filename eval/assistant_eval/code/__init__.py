"""HumanEval, and questions in its form: programs that a model writes, put to tests in a sandbox.

`tasks` and `hub` are the questions, `asking` has a model answer them, `programs` makes a program of
an answer, and `sandbox` runs it beside a judge (`inside`). `evaluation` does all of it.
"""
