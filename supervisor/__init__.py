"""Supervisor: hyperparameter searches, ensembles and workflows on MPI ranks."""

__all__ = ["__version__"]

__version__ = "0.1.0"
