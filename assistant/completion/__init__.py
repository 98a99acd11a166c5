"""Text at a cursor while somebody types: when to ask a model, what is kept of its answers, and the
record of what became of them.

Pure text and one event loop: no protocol and no widget is known here, so that the language server
and the terminal interface suggest alike.
"""
