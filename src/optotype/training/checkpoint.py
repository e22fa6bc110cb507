"""Which weights become the run's model, however the training ends; and the curves that go with it."""

from contextlib import suppress

from optotype.data.dataset import Dataset
from optotype.engine.frozen import FrozenNetwork
from optotype.engine.network import Network
from optotype.errors import DivergedError, ModelError, RunError
from optotype.models.model import Model
from optotype.models.provenance import Provenance
from optotype.recipes.recipe import Recipe
from optotype.reporting.curves import draw
from optotype.runs.epoch import Epoch
from optotype.runs.run import Run
from optotype.training.best_epoch import Best, Weights, improves, monitored
from optotype.training.golden_images import with_golden
from optotype.training.uncertainty import fit_uncertainty, split_validation


class Checkpointer:
    """Remembers the best epoch while a network trains, and closes the run with a model.

    Args:
        run: A run that has begun.
        network: What is trained.
        data: On what.
        recipe: How.
        curves: Whether there are to be curves.
    """

    def __init__(
        self,
        run: Run,
        network: Network | FrozenNetwork,
        data: Dataset,
        recipe: Recipe,
        *,
        curves: bool = True,
    ) -> None:
        self._run = run
        self._network = network
        self._data = data
        self._recipe = recipe
        self._split = run.split
        self._monitor = monitored(recipe, validated=len(self._split.validation) > 0)
        self._curves = curves
        self._best: Best | None = None

    def see(self, epoch: Epoch) -> Epoch:
        """Take note of an epoch that has just ended.

        Returns:
            The best epoch so far.
        """
        if self._best is None or improves(epoch, self._best.epoch, self._monitor):
            self._best = Best(epoch, self._network.weights())
        return self._best.epoch

    def finish(self) -> None:
        """Keep the model of a training that came to its end, and close the run as finished."""
        done = len(self._run.epochs)
        stopping = self._recipe.early_stopping
        if stopping and stopping.restore_best_weights and self._best:
            self._keep(self._best.weights, self._best.epoch.epoch, "finished")
        else:
            self._keep(self._network.weights(), done, "finished")
        early = done < self._recipe.epochs and self._best
        reason = (
            f"no better {self._monitor} since epoch {self._best.epoch.epoch}" if early and self._best else ""
        )
        self._run.close("finished", reason)

    def save_best(self, error: DivergedError) -> str:
        """Keep the model of the best epoch, if one finished, and close the run as diverged.

        Returns:
            A sentence that says what was kept and where.
        """
        if self._best is None:
            kept = f"No epoch had finished, so no model was kept; the run is {self._run.path}."
        else:
            # Ctrl-C cuts short only what is fitted once the model is kept: the run has ended all the same.
            with suppress(KeyboardInterrupt):
                self._keep(self._best.weights, self._best.epoch.epoch, "diverged")
            kept = f"The weights of epoch {self._best.epoch.epoch}, the best to finish, are kept in {self._run.path}."
        self._run.close("diverged", str(error).partition(". ")[0].removeprefix("Training diverged "))
        return kept

    def save_current(self, reason: str) -> str:
        """Keep the model as the last whole step left it, as far as that is possible, and close the run as interrupted.

        Args:
            reason: Why training stopped.

        Returns:
            A sentence that says what was kept and where.
        """
        try:
            # A second Ctrl-C cuts short only what is fitted once the model is kept.
            with suppress(KeyboardInterrupt):
                self._keep(self._network.weights(), len(self._run.epochs), "interrupted")
            kept = f"What was trained so far is kept in {self._run.path}; the run is marked as interrupted."
        except ModelError as error:
            kept = f"No model was kept: {error}"
        try:
            self._run.close("interrupted", reason)
        except RunError as error:
            kept = f"{kept} Nor could the run be closed: {error}"
        return kept

    def draw_curves(self) -> None:
        """Draw loss and accuracy over the epochs into the run, if that was asked for and an epoch finished."""
        if not (self._curves and self._run.epochs):
            return
        title = f"{self._recipe.name} on {self._data.name}"
        best = self._best.epoch.epoch if self._best and self._recipe.early_stopping else None
        self._run.save_curve("loss", draw(self._run.epochs, "loss", title, best))
        self._run.save_curve("accuracy", draw(self._run.epochs, "accuracy", title, best))

    def _keep(self, weights: Weights, epoch: int, status: str) -> None:
        provenance = Provenance(
            run=self._run.name,
            created=self._run.created,
            status=status,
            epoch=epoch,
            data=self._run.data,
            split=self._split.fingerprint,
            validation_images=len(split_validation(self._recipe, self._data.labels, self._split)[0]),
            environment=self._run.environment,
            transfer=self._run.transfer,
        )
        model = Model(self._recipe, self._data.shape, self._data.class_names, weights, provenance)
        self._run.save_model(model)  # at once, so that nothing that follows can lose it
        network = Network(
            model.layers, model.input_shape, scale=self._recipe.scale, threads=self._network.threads
        )
        network.set_weights(weights)
        model = with_golden(model, self._data, self._split, network)
        self._run.save_model(fit_uncertainty(model, self._data, self._split, network))
