"""Checkpointer: selects the weights that become the run's model, and closes the run."""

from contextlib import suppress

from optotype.engine.network import Network
from optotype.engine.trainable import Trainable
from optotype.errors import DivergedError, ModelError, RunError
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.reporting.curves import draw
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run
from optotype.training.best_epoch import BestEpoch, is_improvement
from optotype.training.golden_images import add_golden_images
from optotype.training.plan import TrainingPlan, Weights
from optotype.training.uncertainty import fit_uncertainty


class Checkpointer:
    """Stores the weights of the best epoch during training, and saves a model when training ends.

    Args:
        run: A run with the status "running".
        network: The network in training.
        plan: The plan of the training.
        curves: Whether to draw loss and accuracy over the epochs.
    """

    def __init__(self, run: Run, network: Trainable, plan: TrainingPlan, *, curves: bool = True) -> None:
        self._run = run
        self._network = network
        self._plan = plan
        self._curves = curves
        self._best: BestEpoch | None = None

    def update(self, epoch: Epoch) -> Epoch:
        """Store the network's weights if the epoch that has just ended is the best so far.

        Returns:
            The best epoch so far.
        """
        if self._best is None or is_improvement(epoch, self._best.epoch, self._plan.monitor):
            self._best = BestEpoch(epoch, self._network.weights())
        return self._best.epoch

    def finish(self) -> None:
        """Save the model of a completed training, and close the run as finished."""
        trained_epochs = len(self._run.epochs)
        early_stopping = self._plan.recipe.early_stopping
        if early_stopping and early_stopping.restore_best_weights and self._best:
            self._save_model(self._best.weights, self._best.epoch.epoch, "finished")
        else:
            self._save_model(self._network.weights(), trained_epochs, "finished")
        reason = ""
        if self._best and trained_epochs < self._plan.recipe.epochs:
            reason = f"{self._plan.monitor} did not improve after epoch {self._best.epoch.epoch}"
        self._run.close("finished", reason)

    def save_best(self, error: DivergedError) -> str:
        """Save the model of the best epoch, if an epoch finished, and close the run as diverged.

        Returns:
            A sentence that says what was saved and where.
        """
        if self._best is None:
            message = f"No epoch finished, so no model was saved. The run is {self._run.path}."
        else:
            # The model is saved first, so Ctrl-C cuts short only the fit of its uncertainty; the run has diverged.
            with suppress(KeyboardInterrupt):
                self._save_model(self._best.weights, self._best.epoch.epoch, "diverged")
            message = (
                f"The weights of epoch {self._best.epoch.epoch}, the best finished epoch, were saved in"
                f" {self._run.path}."
            )
        self._run.close("diverged", str(error).partition(". ")[0].removeprefix("Training diverged "))
        return message

    def save_current(self, reason: str) -> str:
        """Save the weights after the last complete step, if possible, and close the run as interrupted.

        Args:
            reason: Why training stopped.

        Returns:
            A sentence that says what was saved and where.
        """
        try:
            # The model is saved first, so a second Ctrl-C cuts short only the fit of its uncertainty.
            with suppress(KeyboardInterrupt):
                self._save_model(self._network.weights(), len(self._run.epochs), "interrupted")
            message = f"The weights so far were saved in {self._run.path}. The run is marked as interrupted."
        except ModelError as error:
            message = f"No model was saved: {error}"
        try:
            self._run.close("interrupted", reason)
        except RunError as error:
            message = f"{message} The run could not be closed: {error}"
        return message

    def draw_curves(self) -> None:
        """Draw loss and accuracy over the epochs into the run folder, if curves are on and an epoch finished."""
        if not (self._curves and self._run.epochs):
            return
        recipe = self._plan.recipe
        title = f"{recipe.name} on {self._plan.data.name}"
        best = self._best.epoch.epoch if self._best and recipe.early_stopping else None
        self._run.save_curve("loss", draw(self._run.epochs, "loss", title, best))
        self._run.save_curve("accuracy", draw(self._run.epochs, "accuracy", title, best))

    def _save_model(self, weights: Weights, epoch: int, status: str) -> None:
        """Save a model with these weights, first alone, then with golden images and uncertainty."""
        plan = self._plan
        provenance = Provenance(
            run=self._run.name,
            created=self._run.created,
            status=status,
            epoch=epoch,
            data=self._run.data,
            split=plan.split.fingerprint,
            validation_images=len(plan.monitored),
            environment=self._run.environment,
            transfer=self._run.transfer,
        )
        model = Model(plan.recipe, plan.data.shape, plan.data.class_names, weights, provenance)
        # Saved at once, so that no later failure can lose the weights.
        self._run.save_model(model)
        network = Network(
            model.layers, model.input_shape, scale=plan.recipe.scale, threads=self._network.threads
        )
        network.set_weights(weights)
        model = add_golden_images(model, plan, network)
        self._run.save_model(fit_uncertainty(model, plan, network))
