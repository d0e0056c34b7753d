"""Measurements by formula, each citing its source. NumPy and SciPy only; no network."""
