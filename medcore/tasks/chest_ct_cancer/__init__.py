"""Lung cancer on an axial chest CT slice."""
