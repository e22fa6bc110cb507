"""Labelled images added by users: corrections and additional training images."""
