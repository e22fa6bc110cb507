"""Training: data and a recipe in, a run out.

Modules:
    auto_augment: `augment = "auto"`: chooses the augmentation that the data tolerate, measured with a probe network
        before training.
    best_epoch: The best epoch so far with its weights, and the rule of early stopping.
    checkpoint: Checkpointer: selects the weights that become the run's model, and closes the run.
    golden_images: The choice of golden images: images that a model file stores together with the model's logits.
    loop: The training loop: for each epoch a random order, one call into the engine, the validation and a record.
    plan: TrainingPlan: everything that one training needs, assembled once before it starts.
    probe_net: Probe networks: small networks that are trained briefly to measure something about images.
    train: Trains a model from data and a recipe, and writes a run folder.
    uncertainty: The uncertainty of a trained model, fitted when its training ends: calibration and novelty
        detection.
"""

from optotype.training.loop import Progress, epochs
from optotype.training.plan import TrainingPlan, build_network, plan_training
from optotype.training.train import train

__all__ = ["Progress", "TrainingPlan", "build_network", "epochs", "plan_training", "train"]
