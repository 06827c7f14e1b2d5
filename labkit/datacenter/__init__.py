"""The data center: training on many workers, what it costs, and how it breaks.

`workers` starts real processes, `network` is what they train. Importing this package
loads no framework; its modules need NumPy alone, so that a worker starts fast.
"""
