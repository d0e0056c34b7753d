"""P, QRS and T of each lead of an ECG: onset, peak, offset."""
