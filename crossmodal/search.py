"""Choosing settings of a training by trying some, most of them not to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from sidelight.labeling.faults import UsageError

from .inputs import Inputs

if TYPE_CHECKING:
    from .classifier import CrossModalClassifier

LOG_FROM = 10.0
"""Ratio of a range's ends from which numbers are drawn evenly on the logarithm."""


@dataclass(frozen=True)
class Trial:
    """Settings that were tried.

    Parameters
    ----------
    settings : mapping from argument to value
        What was tried.
    loss : float
        Least validation loss reached; NaN when training failed.
    epochs : int
        Epochs it was given.
    pruned : bool
        Whether it was stopped, others being ahead at the same epoch.
    """

    settings: Mapping[str, Any]
    loss: float
    epochs: int
    pruned: bool


@dataclass(frozen=True)
class Search:
    """What a search found.

    Parameters
    ----------
    best : mapping from argument to value
        Settings of the trial with the least validation loss, for ``set_params``.
    loss : float
        Its validation loss.
    trials : tuple of Trial
        All of them, in the order they were tried.
    again : tuple of float
        Validation losses of the same settings with other seeds.
    """

    best: Mapping[str, Any]
    loss: float
    trials: tuple[Trial, ...]
    again: tuple[float, ...]

    @property
    def optimism(self) -> float:
        """How much better the best trial looked than its settings do with other seeds."""
        return float(np.mean(self.again)) - self.loss if self.again else float("nan")


def search_settings(
    make: Callable[..., CrossModalClassifier],
    space: Mapping[str, Sequence[Any]],
    signals: Inputs | ArrayLike,
    proba: ArrayLike,
    covered: ArrayLike | None = None,
    *,
    validation: Sequence[Any],
    n_trials: int = 40,
    minutes: float = 60.0,
    n_again: int = 3,
    seed: int = 0,
) -> Search:
    """Try settings and return those with the least loss on validation rows, which should have gold labels.

    Settings are proposed by a tree of Parzen estimators after ten drawn at random; successive halving stops those that
    fall behind. Records of the test part must not be among the validation rows: what is chosen on them looks better
    there than it is, by about `Search.optimism`.

    Parameters
    ----------
    make : callable
        Takes the settings as keywords and returns a classifier; `CrossModalClassifier` itself, for example.
    space : mapping from argument to range
        A tuple of two numbers is a range, drawn on the logarithm when its ends are ten times apart or more; whole
        numbers stay whole. A list holds the values to choose from.
    signals, proba, covered, validation
        As for `CrossModalClassifier.fit`.
    n_trials : int, default 40
        Trials at most.
    minutes : float, default 60
        Time after which no new trial is begun.
    n_again : int, default 3
        Trainings of the winner with other seeds.
    seed : int, default 0
        Equal seeds give equal trials, unless the time runs out.

    Raises
    ------
    UsageError
        When Optuna is not installed.

    References
    ----------
    J. Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011; L. Li et al., "Hyperband", JMLR 2018.
    """
    if not space or n_trials < 1:
        raise ValueError("space is empty or n_trials below 1: there is nothing to try")
    optuna = _optuna()
    deadline = time.monotonic() + 60 * minutes
    tried: list[Trial] = []

    def fitted(settings: Mapping[str, Any], trial: Any = None, **more: Any) -> Trial:
        """Train once; with a trial, tell it the loss after each epoch and stop when it is behind."""
        losses: list[float] = []

        def watch(news: Any) -> None:
            if news.dev_loss is None or news.epoch <= len(losses):
                return
            losses.append(news.dev_loss)
            if trial is not None:
                trial.report(news.dev_loss, news.epoch)
                if trial.should_prune():
                    raise optuna.TrialPruned

        pruned = False
        try:
            make(**{**settings, **more}).fit(signals, proba, covered, validation=validation, progress=watch)
        except optuna.TrialPruned:
            pruned = True
        return Trial(dict(settings), min(losses, default=float("nan")), len(losses), pruned)

    def objective(trial: Any) -> float:
        if time.monotonic() > deadline:
            trial.study.stop()
            raise optuna.TrialPruned
        settings = {name: _suggested(trial, name, among) for name, among in space.items()}
        found = fitted(settings, trial)
        tried.append(found)
        if found.pruned:
            raise optuna.TrialPruned
        return found.loss

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        longest = int(getattr(make(), "max_epochs", 30))
        study = optuna.create_study(
            study_name=f"settings {seed}",  # its hash decides each trial's bracket
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=10),
            pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=max(1, longest)),
        )
        study.optimize(objective, n_trials=n_trials)
    finally:
        optuna.logging.set_verbosity(level)
    done = [trial for trial in tried if not trial.pruned and not np.isnan(trial.loss)]
    if not done:
        raise UsageError("no trial was trained to its end within the time; allow more minutes")
    best = min(done, key=lambda trial: trial.loss)
    again = tuple(fitted(best.settings, seed=seed + 1 + run).loss for run in range(n_again))
    return Search(best.settings, best.loss, tuple(tried), again)


def _suggested(trial: Any, name: str, among: Sequence[Any]) -> Any:
    if not isinstance(among, tuple):
        return trial.suggest_categorical(name, list(among))
    if len(among) != 2 or not among[0] < among[1]:
        raise ValueError(f"the range of {name} is {among}; it is (least, greatest)")
    low, high = among
    log = low > 0 and high / low >= LOG_FROM
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high, log=log)
    return trial.suggest_float(name, low, high, log=log)


def _optuna() -> Any:
    """Return Optuna, or say how to get it."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise UsageError('a search of settings needs Optuna: pip install "sidelight[tune]"') from None
    return optuna
