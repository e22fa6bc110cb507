"""Diagnosis: likely faults of a run and possible improvements, each with evidence and a command to try next."""

from optotype.diagnosis.diagnose import diagnose
from optotype.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
