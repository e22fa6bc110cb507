"""Recipes: descriptions of experiments, their files, their overrides, and the built-in ones."""
