"""Trained models, their file format, and prediction from pixels to probabilities."""
