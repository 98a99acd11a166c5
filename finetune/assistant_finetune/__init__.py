"""Training on the user's own data: reading it, masks, packing. `import` of this is light."""
