"""Checks of a model's folder, its weights and the kernels that multiply them."""
