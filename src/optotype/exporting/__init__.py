"""Export: write a model as a file for other software and verify it before saving; import Keras models."""
