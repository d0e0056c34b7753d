"""Glucose in the next two hours, and whether a low is near."""
