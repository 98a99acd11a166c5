"""The engine: it loads a model and makes text with it. PyTorch lives here and nowhere else.

`load.load_model` gives a `LoadedModel`, `engine.Engine` answers with it. This package itself
imports nothing heavy, so that naming it costs nothing; import the modules where a model is needed.
"""
