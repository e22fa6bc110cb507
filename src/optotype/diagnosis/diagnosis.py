"""Diagnosis: the record of one fault of a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """A fault of a run, or a possible improvement.

    Attributes:
        kind: A short name, for example "overfitting".
        message: The fault, in one sentence.
        evidence: The numbers that it rests on.
        advice: What to try next, usually with a command.
        severe: Whether the fault makes the result misleading.
    """

    kind: str
    message: str
    evidence: str
    advice: str
    severe: bool = False
