"""The command line: one file per verb. Only this package prints, and heavy imports stay inside the verbs."""
