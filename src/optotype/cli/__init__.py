"""The command line: one file a verb, and the only code that prints. Nothing heavy is imported before a verb runs."""
