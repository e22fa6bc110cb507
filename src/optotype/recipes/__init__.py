"""Recipes: descriptions of experiments, their files, their overrides, and the built-in ones.

Modules:
    builtin: The built-in recipes, one TOML file each, and loading of recipes by name or path.
    messages: Error messages for recipes: one sentence on the first problem, instead of pydantic's report.
    overrides: Overrides: settings of a recipe that are changed by key, as on the command line.
    reading: Reading of recipes: TOML from an untrusted file, or JSON from a run folder.
    recipe: A Recipe: all settings that determine the result of a training, in one frozen and validated value.
"""
