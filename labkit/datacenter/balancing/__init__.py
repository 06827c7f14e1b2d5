"""Many servers: who gets the next request, how many are needed, and what happens when one dies.

Lesson: 24_load_balancing.
"""
