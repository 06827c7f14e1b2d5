"""The warm kernel: a fork server that has imported what lessons need, and the way to it."""
