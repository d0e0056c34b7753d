"""Beats of a long ECG: where they are, and whether they are ventricular."""
