"""The lessons in another language: what is translated, whether it still fits, the notebooks."""
