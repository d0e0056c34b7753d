"""Rhythm of a single-lead ECG."""
