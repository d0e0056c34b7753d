"""Pneumonia on the frontal chest film of a child."""
