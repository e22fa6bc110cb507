"""Train every built-in recipe with optotype, in each precision, and with Keras, and render the results.

`make reproduce` (or `python -m reproduce --help`) runs it. Every finished training is saved in results/, so an
interrupted run continues where it stopped; RESULTS.md is a pure function of results/ and never edited by hand.
"""
