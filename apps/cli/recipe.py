"""How `sidelight train` trains: its options, and the network fitted as they say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from .studies import ENCODERS, LOSSES

F = TypeVar("F", bound=Callable[..., Any])

SPACE: dict[str, Any] = {
    "learning_rate": (3e-4, 1e-2),
    "weight_decay": (1e-3, 0.3),
    "batch_size": [16, 32, 64],
}
"""What `--search` tries."""


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell what a classifier refuses in one line; its messages name settings and shapes alone."""
    from sidelight.labeling import UsageError

    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from None


@dataclass(frozen=True)
class Recipe:
    """The options of `recipe_options`, under their names."""

    encoder: str
    loss: str
    epochs: int
    batch_size: int
    accumulate: int
    checkpoint_activations: bool
    precision: str
    learning_rate: float
    schedule: str
    device: str
    devices: int
    checkpoint: str | None
    search: int
    minutes: float
    epsilon: float | None
    delta: float | None
    clip: float
    seed: int

    def check(self, multi_label: bool) -> None:
        """Refuse options that do not go together."""
        from sidelight.labeling import UsageError

        for option, value in (("--epochs", self.epochs), ("--batch-size", self.batch_size),
                              ("--accumulate", self.accumulate), ("--devices", self.devices)):  # fmt: skip
            if value < 1:
                raise UsageError(f"{option} is {value}; it is at least 1")
        if not self.learning_rate > 0:
            raise UsageError(f"--learning-rate is {self.learning_rate}; it is above 0")
        if multi_label and self.loss != "soft-cross-entropy":
            raise UsageError(
                f"--loss {self.loss} is for classes that exclude each other, not for several findings"
            )
        if self.search < 0 or not self.minutes > 0:
            raise UsageError("--search is a number of trials, and --minutes is above 0")
        if self.search and (self.checkpoint or self.devices > 1):
            raise UsageError("--search trains many networks: leave out --checkpoint and --devices")
        if self.epsilon is None:
            if self.delta is not None:
                raise UsageError("--delta is for private training; give --epsilon")
            return
        if not self.epsilon > 0 or not self.clip > 0:
            raise UsageError("--epsilon and --clip are above 0")
        if self.delta is not None and not 0 < self.delta < 1:
            raise UsageError(f"--delta is {self.delta}; it is above 0 and below 1")
        given = {"--checkpoint": self.checkpoint, "--search": self.search, "--accumulate": self.accumulate > 1,
                 "--checkpoint-activations": self.checkpoint_activations,
                 "--devices": self.devices > 1, "--precision": self.precision != "32-true",
                 "--schedule": self.schedule != "one-cycle", "--device gpu": self.device == "gpu"}  # fmt: skip
        if unusable := [option for option, used in given.items() if used]:
            raise UsageError(f"private training knows no {', '.join(unusable)}")

    def make(self, encoder: str, multi_label: bool, **settings: Any) -> Any:
        """Return the network, untrained."""
        from sidelight.crossmodal import CrossModalClassifier

        given = {
            "max_epochs": self.epochs,
            "checkpoint_activations": self.checkpoint_activations,
            "batch_size": self.batch_size,
            "learning_rate": self.learning_rate,
            "seed": self.seed,
            **settings,
        }
        return CrossModalClassifier(
            encoder, loss=self.loss, accumulate=self.accumulate, precision=self.precision,  # type: ignore[arg-type]
            schedule=self.schedule, accelerator=self.device, devices=self.devices, multi_label=multi_label, **given,  # type: ignore[arg-type]
        )  # fmt: skip

    @_refusals()
    def fit(
        self,
        encoder: str,
        studies: Any,
        proba: Any,
        covered: Any,
        patients: Any,
        validation: Any,
        progress: Callable[[Any], None],
        *,
        multi_label: bool,
    ) -> tuple[Any, dict[str, Any]]:
        """Return the trained network, and what searching or privacy say of it.

        Raises
        ------
        UsageError
            Also where the classifier refuses a setting.
        """
        from sidelight.crossmodal import fit_privately, search_settings
        from sidelight.labeling import UsageError

        if self.epsilon is not None:
            model = self.make(encoder, multi_label)
            spent = fit_privately(
                model,
                studies,
                proba,
                patients,
                covered,
                epsilon=self.epsilon,
                delta=self.delta,
                clip=self.clip,
            )
            return model, {"privacy": spent.to_json()}
        about: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        if self.search:
            if validation is None:
                raise UsageError("--search compares on the development part, and it holds no labeled record")
            found = search_settings(
                lambda **tried: self.make(encoder, multi_label, **tried), SPACE, studies, proba, covered,
                validation=validation, n_trials=self.search, minutes=self.minutes, seed=self.seed,
            )  # fmt: skip
            settings = dict(found.best)
            about["search"] = {
                "settings": settings,
                "trials": len(found.trials),
                "stopped early": sum(trial.pruned for trial in found.trials),
                "development loss": found.loss,
                "with other seeds": list(found.again),
            }
        model = self.make(encoder, multi_label, **settings)
        model.fit(
            studies, proba, covered, validation=validation, progress=progress, checkpoint=self.checkpoint
        )
        return model, about


def recipe_options(command: F) -> F:
    """Add the options that `Recipe` holds."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


OPTIONS = (
    click.option(
        "--encoder",
        type=click.Choice(["auto", *ENCODERS]),
        default="auto",
        show_default=True,
        help="Network; auto takes a residual one for the kind of study.",
    ),
    click.option(
        "--loss",
        type=click.Choice(LOSSES),
        default="soft-cross-entropy",
        show_default=True,
        help="Training loss.",
    ),
    click.option("--epochs", default=30, show_default=True, help="Most passes over the training records."),
    click.option("--batch-size", default=32, show_default=True, help="Records a step; patients, if private."),
    click.option(
        "--accumulate", default=1, show_default=True, help="Pieces of a step, computed one by one; saves memory."
    ),
    click.option(
        "--checkpoint-activations",
        is_flag=True,
        help="Compute the network's blocks twice instead of keeping them; saves memory.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["32-true", "bf16-mixed", "16-mixed"]),
        default="32-true",
        show_default=True,
        help="Numbers the network computes with in training.",
    ),
    click.option("--learning-rate", default=3e-3, show_default=True, help="Highest learning rate."),
    click.option(
        "--schedule",
        type=click.Choice(["one-cycle", "constant", "averaged", "cycles"]),
        default="one-cycle",
        show_default=True,
        help="How the rate moves; cycles also show what shorter trainings would have reached.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        default="auto",
        show_default=True,
        help="Where to compute.",
    ),
    click.option("--devices", default=1, show_default=True, help="Processes or GPUs that share each step."),
    click.option(
        "--checkpoint", type=click.Path(), help="File to go on from after a kill; written after every epoch."
    ),
    click.option(
        "--search", default=0, metavar="TRIALS",
        help="Settings to try on the development part first: rate, weight decay and batch size.",
    ),
    click.option("--minutes", default=60.0, show_default=True, help="Time after which --search tries no more."),
    click.option(
        "--epsilon", type=float,
        help="Train with differential privacy by patient, at this epsilon; no early stopping, no calibration.",
    ),
    click.option("--delta", type=float, help="Of --epsilon [default: one over ten times the patients]."),
    click.option("--clip", default=1.0, show_default=True, help="Largest gradient of a patient, if private."),
    click.option("--seed", default=0, show_default=True, help="Seed of weights, order and augmentation."),
)  # fmt: skip
