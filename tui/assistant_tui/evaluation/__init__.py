"""Evaluations: those that are kept, two of them compared, new ones, and why a score looks wrong.

`runs`, `scores`, `comparison` and `diagnosis` say what the command line and its files say, as
values; `charts` draws them. Nothing here computes a score: whatever does is a process of its own,
which `jobs` starts and which goes on without the screen.
"""
