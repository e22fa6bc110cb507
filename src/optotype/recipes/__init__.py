"""Recipes: the frozen description of an experiment, its files, its overrides, and the built-in ones."""
