"""Networks of the lab: Keras 3 only, so TensorFlow, JAX and PyTorch can all run them.

`models` builds them, `training` trains them. Importing this package loads no framework.
"""
