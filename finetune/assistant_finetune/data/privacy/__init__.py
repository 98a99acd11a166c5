"""Secrets and personal data in texts, found without a model and without a network."""
