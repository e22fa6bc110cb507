"""Everything a person looks at: reports, model cards, figures, image sheets and the notebook display."""

from optotype.reporting.write import write_report

__all__ = ["write_report"]
