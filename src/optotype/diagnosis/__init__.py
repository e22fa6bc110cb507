"""Diagnosis: likely faults of a run and possible improvements, each with evidence and a command to try next.

Modules:
    accuracy: Checks of the judged accuracy: is it known precisely, and is it better than a baseline's?
    advice: Commands to try next, ready to be typed.
    context: DiagnosisContext: a finished run and its judgement, with the quantities that several checks use.
    diagnose: Runs every check in order, and skips those that an earlier diagnosis explains or rules out.
    diagnosis: Diagnosis: the record of one fault of a run.
    fitting: Checks for overfitting and underfitting.
    images: Checks for faults of the images and labels: leaks, label noise and class imbalance.
    layers: Checks for dead and saturated units, which contribute nothing to the network.
    learning: Checks whether the network learns, and whether the learning rate or the layers prevent it.
    probes: Experiments on the network of a run: its gradient, features and units, and short trainings at other
        learning rates.
"""

from optotype.diagnosis.diagnose import diagnose
from optotype.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
