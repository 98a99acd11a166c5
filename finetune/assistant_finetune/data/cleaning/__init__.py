"""Mending what scraped conversations suffer from. No word in them decides about keeping them."""
