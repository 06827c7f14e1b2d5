"""The mathematics, one module a topic: NumPy alone, no state, no files, no pictures."""
