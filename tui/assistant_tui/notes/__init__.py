"""Notes: a folder of Markdown files, an editor that loses no keystroke, and a model that polishes.

The modules without widgets (`note_file`, `drafts`, `desk`, `folder`, `merge`, `changes`, `search`)
know nothing of the screen; the others are what is seen.
"""
