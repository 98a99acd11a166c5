"""From examples to samples: token ids and what of them is learned, for one model."""
