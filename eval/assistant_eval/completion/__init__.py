"""Completion in a real project: places in its files, asked for as an editor asks.

What a model was trained on is never asked: an adapter says what it has learned from, and when.
"""
