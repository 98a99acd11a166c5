"""OpenAI's API: what its requests ask for, and how its answers are written."""
