"""How the starter model is made: corpus, tokenizer, training, evaluation and export."""
