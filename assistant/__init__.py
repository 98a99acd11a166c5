"""A private code and note assistant that runs on the user's own machine.

Importing this package loads no model library: everything heavy lives in `assistant.engine` and
`assistant.server` and is imported when a model is actually needed.
"""

__version__ = "0.1.0"
