"""The language server: ghost text, completion and code actions, for any editor that speaks LSP.

It holds no model: it asks the model server through `assistant.client`. What an editor sends is
adapted at the edge (`server`, `protocol`); inside are plain texts and offsets.
"""
