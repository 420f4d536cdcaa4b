"""Bayesian optimization: its surrogates, and how they choose."""
