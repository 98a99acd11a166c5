"""Training an adapter, or a whole model. `import` of this is light; `run` brings PyTorch.

`settings` and `recipes` say what is wanted, `prepare` makes rows of tokens, `base` loads a model
whose gradients are right, `trainer` alone knows TRL and PEFT, and `run` does it all, into a folder.
"""
