"""The chat: conversations with the model, kept turn by turn."""
