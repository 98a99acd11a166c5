"""The terminal home: one Textual app, a package for each of its rooms.

Workers post messages, handlers touch widgets, and nothing that reads a disk or waits for a model
runs in the event loop. No model is held here: `assistant.client` finds or starts a server.
"""
