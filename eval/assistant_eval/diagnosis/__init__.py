"""Why a score is what it is: checks of a model and of how it was measured, the cheapest first.

`checks` says what a check is and `case` what it may look at. The checks stand by what they look at:
`weights` (the folder, the weights and the kernels), `tokens` (the tokenizer and what text costs)
and `questions` (an exam). `verdict` weighs what they found and says one line.
"""
