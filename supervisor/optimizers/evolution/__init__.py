"""Searches with populations: genetic, NSGA-II, CMA-ES."""
