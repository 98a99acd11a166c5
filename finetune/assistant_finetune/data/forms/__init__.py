"""What records mean: one module for each form that conversations and texts are published in."""
