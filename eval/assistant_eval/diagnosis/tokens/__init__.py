"""Checks of a model's tokenizer, and of how likely it holds text."""
