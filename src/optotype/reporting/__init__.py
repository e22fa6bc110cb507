"""A judgement as something to read: one page with all its pictures, and a model card."""

from optotype.reporting.write import write_report

__all__ = ["write_report"]
