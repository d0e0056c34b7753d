"""Six findings of a twelve-lead ECG."""
