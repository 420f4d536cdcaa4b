"""Searches that spend more training on better points: ASHA, Hyperband, PBT."""
