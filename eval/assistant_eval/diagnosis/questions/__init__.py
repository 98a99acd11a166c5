"""Checks that ask an exam's questions, and what a claimed number may have come from."""
