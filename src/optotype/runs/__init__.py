"""Runs: the run folder, and the only code that reads or writes it."""
