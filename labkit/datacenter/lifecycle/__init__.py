"""One model from its data to its replacement: the same stages and checks in six fields."""
