"""How one knows that a model broke, and why it said what it said."""
