"""Explanations of predictions: occlusion maps and similar training images."""
