"""Exporting: a model in, a file for other software out, verified before it is kept; and Keras's files in."""
