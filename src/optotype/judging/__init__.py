"""Judging of a finished run: scores on every split, uncertainty checks, baselines and diagnoses.

Modules:
    baselines: Accuracies of three simple classifiers on the same images, for comparison with the model.
    judge: Judging of a trained model: on training, validation and test images, or on new labelled images.
    judgement: Judgement: the scores of a model with intervals, checks of its uncertainty, and diagnoses.
    judgement_formats: Reading of judgement.json in its current and its older format.
    new_images: Labelled images that the model was not trained on, with labels in the order of the model's classes.
    notes: Notes of a judgement: sentences on what limits the scores.
    robustness: Robustness curves: accuracy on images that are changed more and more.
    run_accuracy: The accuracy of a run on its validation and test images, and the number of openings of its test
        set.
    scores: The score of one split, computed from its predictions.
    uncertainty: Checks of a model's uncertainty estimates: calibration, label sets and novelty detection on
        labelled images.
"""

from optotype.judging.judge import judge
from optotype.judging.judgement import Judgement, Score

__all__ = ["Judgement", "Score", "judge"]
