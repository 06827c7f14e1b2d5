"""A model behind HTTP: the server, the load that comes to it, and what theory says of both.

`server` needs the extra `serve` and is loaded by the server's own process alone.

Lesson: 23_serving.
"""
