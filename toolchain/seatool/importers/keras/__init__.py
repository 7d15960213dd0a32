"""Keras files: version 2.x read directly, version 3 through TensorFlow."""
