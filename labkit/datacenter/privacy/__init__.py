"""What a model gives away, and what a guarantee costs: attacks and differential privacy."""
