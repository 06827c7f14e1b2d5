"""A static site of the lessons: pages that need no server."""
