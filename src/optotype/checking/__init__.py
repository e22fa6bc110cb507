"""The data doctor: finds faults in the images and labels of a data set before training."""

from optotype.checking.check import check
from optotype.checking.findings import Finding, Findings, Picture

__all__ = ["Finding", "Findings", "Picture", "check"]
