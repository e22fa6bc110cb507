"""Trains every built-in recipe with optotype, in each precision, and with Keras, and renders what came out.

`make reproduce` (or `python -m reproduce --help`) runs it. Every finished training is kept in results/, so a run that
was stopped goes on where it was; RESULTS.md is a pure function of results/ and never edited by hand.
"""
