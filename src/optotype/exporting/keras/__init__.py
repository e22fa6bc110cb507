"""Export to and import from Keras model files."""
