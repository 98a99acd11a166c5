"""The models: what is on this machine, what fits it, and what is asked."""
