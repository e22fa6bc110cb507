"""The data doctor: data in, findings out; finds trouble in the pictures and their labels before it is trained on."""

from optotype.checking.check import check
from optotype.checking.findings import Finding, Findings, Picture

__all__ = ["Finding", "Findings", "Picture", "check"]
