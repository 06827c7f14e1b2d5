"""Smaller models: fewer bits, fewer weights, fewer layers, other runtimes.

What gets smaller, what gets faster and what gets worse are three questions.

Lesson: 22_smaller_models.
"""
