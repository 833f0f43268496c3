"""Ways of training that are meant to keep rare subsets from failing, behind one call."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sidelight.crossmodal.classifier import DEFAULT_LOSS, CrossModalClassifier
from sidelight.crossmodal.inputs import Inputs, as_inputs
from sidelight.crossmodal.losses import LOSSES
from sidelight.crossmodal.multi_label import BinaryCrossEntropy, as_multi_label
from sidelight.crossmodal.soft_loss import SoftCrossEntropy
from sidelight.crossmodal.targets import Targets, as_targets
from sidelight.labeling.seeds import derive_seed

from .discovery.clusters import ClusterWithinClass
from .discovery.evidence import as_evidence
from .discovery.rule import members
from .doubt import DoubtedLabels
from .fallback import keep_better
from .group_loss import GroupDRO, label_groups
from .heads import SliceHeads
from .membership import Membership, as_membership
from .noise import SliceNoise
from .retraining import correct_on, retrain_last_layer
from .sampling import Reweighted, SliceSampler
from .shared_heads import ExpertMixture, HardSharing
from .visibility import switch_off_unseen

Recipe = Callable[..., CrossModalClassifier]
"""Takes an unfitted classifier, signals, targets, slices and ``validation=``; returns the fitted classifier."""

SHARE = 0.23
"""Share of the draws that "balanced" gives to slices, their usual draws included."""

OFTENEST = 50.0
"""Most that a row is drawn more often than another by "balanced"."""

SMOOTHING = 0.45
"""Share of each label that "balanced" spreads over the classes."""


def train_robustly(
    classifier: CrossModalClassifier,
    signals: Inputs | ArrayLike,
    proba: ArrayLike,
    slices: Any = None,
    *,
    recipe: str = "balanced",
    covered: ArrayLike | None = None,
    validation: Any = None,
    validation_slices: Any = None,
    fall_back: bool = False,
) -> CrossModalClassifier:
    """Train a copy of `classifier` so that slices do not fail unseen.

    Parameters
    ----------
    classifier : CrossModalClassifier
        What a plain training would be; its encoder, budget and seed are kept.
    signals, proba, covered, validation
        As for `CrossModalClassifier.fit`.
    slices : SliceMatrix, mapping of name to bools, or array of shape (n_records, n_slices), optional
        Membership of the training records, or chances of it in [0, 1]; needed by the recipes that name slices.
    recipe : str, default "balanced"
        A name in `RECIPES`; "balanced" is the one to begin with.
    validation_slices : the same, of the validation records, optional
        With it "slice-heads" switches off experts whose slice cannot be seen in the signal.
    fall_back : bool, default False
        Train plainly too, and return that model where the recipe's does no better on the validation rows (`keep_better`):
        twice the cost, for data so few or so doubtful that emphasis may not pay. Needs `validation_slices`.

    Returns
    -------
    CrossModalClassifier
        Fitted; it predicts without slices.

    Notes
    -----
    - "plain": no more than `fit`.
    - "balanced": 0.23 of the draws go to the slices in turn, less what each has anyway, the rest to all records, each
      class alike (but none more than four times as often as it comes, and no record more than fifty times as often as
      another), and the weights kept are the mean of the newest (`schedule` "averaged"). Signals get noise as the slices'
      own vary, more once their members have come often (`slicing.noise`), before `augment` of the classifier. Where the
      loss is the default one, labels are smoothed by 0.45; after a fifth of the training, or five passes, labels of slices
      with up to 2,000 members are doubted as far as signals do not bear them out, and smoothed by 0.3 (`slicing.doubt`).
      All that keeps few rows that come often from being learned by heart. The one to begin with: one training at nearly
      the plain one's cost, and nothing added to the network. `benchmarks/slice_training.py` compares it with the others.
    - "slice-heads": `SliceHeads`, and draws that meet every label within and without every slice alike (at most 20 times
      as often as the likeliest). For a slice that follows a rule of its own, which draws alone would mend at the
      cost of the others.
    - "up-weighting": members count more, up to a quarter of all weight, at most ten times.
    - "hard-sharing": `HardSharing`. "expert-mixture": `ExpertMixture`.
    - "group-dro": `GroupDRO` over label and slices, groups drawn alike.
    - "just-train-twice": a quarter of the epochs first; rows it gets wrong count five times in the second training.
    - "george": the first model's features are clustered within each class, the clusters are the groups of
      "group-dro". Needs no slices.
    - "last-layer": plain, then the head alone is fitted again to rows balanced by label and slice.
    - "multiaccuracy": plain, then the logits are corrected where features tell a residual. Needs `validation`.

    A slice that the label determines (all members of one class), drawn more often, draws its class more often, and the
    model then calls it oftener: give the recipes slices with members of every class. With few hundred records
    emphasis can cost more than it mends: ask for `fall_back`. Smoothed labels make a model less sure than it is
    right: give validation rows, whose temperature undoes that.

    Recipes that draw rows again and again keep the learning rate constant, whatever `classifier.schedule` is: one cycle
    spends half of the epochs at rates too low to learn a rare subset in, and the rest at learning the few members by
    heart. Of several findings (`multi_label`), the recipes of `MULTI_LABEL` can be had.

    References
    ----------
    "just-train-twice": E. Liu et al., ICML 2021, arXiv 2107.09044. "george": N. Sohoni et al., arXiv 2011.12945.
    "last-layer": P. Kirichenko et al., ICLR 2023, arXiv 2204.02937. "multiaccuracy": M. Kim, A. Ghorbani, J. Zou,
    AIES 2019, arXiv 1805.12317.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> signals = random.normal(size=(40, 2, 64)) * (1 + 3 * y[:, None, None])
    >>> plain = CrossModalClassifier(max_epochs=2, accelerator="cpu")
    >>> train_robustly(plain, signals, y, {"late": np.arange(40) > 30}, recipe="group-dro").predict(signals).shape
    (40,)
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe is {recipe!r}; known by name: {', '.join(sorted(RECIPES))}")
    if classifier.multi_label and recipe not in MULTI_LABEL:
        raise ValueError(
            f"recipe {recipe!r} is for classes that exclude each other; of several findings: "
            + ", ".join(sorted(MULTI_LABEL))
        )
    targets = as_multi_label(proba, covered) if classifier.multi_label else as_targets(proba, covered)
    known = None if slices is None else as_membership(slices, n_records=len(targets.proba))
    if recipe in NEED_SLICES and (known is None or not known.n_slices):
        raise ValueError(f"recipe {recipe!r} needs slices")
    if recipe == "multiaccuracy" and validation is None:
        raise ValueError("recipe 'multiaccuracy' needs validation rows")
    if fall_back and (validation is None or validation_slices is None):
        raise ValueError("fall_back needs validation rows and validation_slices")
    settings = classifier.get_params()
    fitted = RECIPES[recipe](CrossModalClassifier(**settings), signals, targets, known, validation=validation)
    if recipe == "slice-heads" and validation is not None and validation_slices is not None:
        switch_off_unseen(fitted, validation, validation_slices)
    if fall_back and recipe != "plain":
        plain = RECIPES["plain"](
            CrossModalClassifier(**settings), signals, targets, known, validation=validation
        )
        return keep_better(plain, fitted, validation, validation_slices)
    return fitted


def _fit(
    classifier: CrossModalClassifier, signals: Any, targets: Targets, **keywords: Any
) -> CrossModalClassifier:
    keywords = {name: value for name, value in keywords.items() if value is not None}
    return classifier.fit(signals, targets.proba, targets.weight, **keywords)


def _plain(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    return _fit(classifier, signals, targets, validation=validation)


def emphasize(
    classifier: CrossModalClassifier,
    signals: Inputs | ArrayLike,
    targets: Targets,
    slices: Membership,
    recipe: str,
    **head: Any,
) -> bool:
    """Set an unfitted classifier up for "balanced" or "slice-heads", the recipes of one plain training.

    Parameters
    ----------
    classifier : CrossModalClassifier
        Gets a sampler and a constant learning rate; for "balanced" noise on signals, labels that are smoothed and doubted,
        and averaged weights, for "slice-heads" the head.
    signals : SignalSet, StudyFiles, Bags or array-like of shape (n_records, n_leads, length)
        What it will be trained on.
    targets : Targets
        Their labels.
    slices : Membership
        Of the training records.
    recipe : {"balanced", "slice-heads"}
        Its name.
    **head
        More arguments of `SliceHeads`.

    Returns
    -------
    bool
        Whether the head learns who is in which slice: then `fit` needs ``membership=slices``.

    Examples
    --------
    >>> network, signals, targets = CrossModalClassifier(), np.zeros((4, 1, 8)), as_targets([0, 1, 0, 1])
    >>> emphasize(network, signals, targets, as_membership({"late": [0, 0, 1, 1]}, n_records=4), "balanced")
    False
    >>> network.schedule
    'averaged'
    """
    if recipe not in EMPHASES:
        raise ValueError(f"recipe is {recipe!r}; set up beforehand are: {', '.join(sorted(EMPHASES))}")
    classifier.schedule = "averaged" if recipe == "balanced" else "constant"
    if recipe == "balanced":
        classifier.sampler = sampler = SliceSampler(slices, share=SHARE, cap=OFTENEST)
        classifier.augment = SliceNoise(
            as_inputs(signals),
            targets,
            slices,
            sampler.odds(targets.used, targets),
            classifier.augment,
            seed=derive_seed(classifier.seed, "slicing", "noise"),
        )
        if classifier.loss == DEFAULT_LOSS:
            classifier.loss = DoubtedLabels(
                BinaryCrossEntropy() if classifier.multi_label else SoftCrossEntropy(),
                slices,
                np.asarray(targets.used),
                smoothing=SMOOTHING,
                multi_label=classifier.multi_label,
                seed=derive_seed(classifier.seed, "slicing", "doubt"),
            )
        return False
    classifier.sampler = sampler = SliceSampler(slices)
    given = {
        "rates": slices.values[targets.used].mean(axis=0).tolist(),
        "drawn": sampler.drawn_rates(targets).tolist(),
        "multi_label": classifier.multi_label,
        "seed": derive_seed(classifier.seed, "slicing", "head"),
    } | head
    classifier.head = lambda width, n_classes: SliceHeads(width, n_classes, slices.names, **given)
    return True


def _emphasized(recipe: str) -> Recipe:
    def train(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
        membership = slices if emphasize(classifier, signals, targets, slices, recipe) else None
        return _fit(classifier, signals, targets, validation=validation, membership=membership)

    return train


def _up_weighted(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    member = slices.values.max(axis=1)
    mass = float(member[targets.used].sum())
    heavier = min(10.0, max(1.0, 0.25 * (len(targets.used) - mass) / max(mass, 1.0)))
    classifier.loss = Reweighted(_loss(classifier), 1 + (heavier - 1) * member)
    return _fit(classifier, signals, targets, validation=validation)


def _with_head(head: type[nn.Module]) -> Recipe:
    def train(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
        seed = derive_seed(classifier.seed, "slicing", "head")
        classifier.head = lambda width, n_classes: head(width, n_classes, slices.names, seed=seed)
        return _fit(classifier, signals, targets, validation=validation, membership=slices)

    return train


def _group_dro(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    return _over_groups(classifier, signals, targets, label_groups(_classes(targets), slices), validation)


def _over_groups(
    classifier: Any, signals: Any, targets: Targets, groups: NDArray[np.int64], validation: Any
) -> Any:
    classifier.loss, classifier.schedule = GroupDRO(groups), "constant"
    classifier.sampler = SliceSampler(np.eye(int(groups.max()) + 1)[groups], cap=1e9, by_class=False)
    return _fit(classifier, signals, targets, validation=validation)


def _just_train_twice(
    classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any
) -> Any:
    first = CrossModalClassifier(**classifier.get_params())
    first.max_epochs = max(2, classifier.max_epochs // 4)
    wrong = _fit(first, signals, targets).predict(signals) != targets.proba.argmax(axis=1)
    classifier.loss = Reweighted(_loss(classifier), np.where(wrong, 5.0, 1.0))
    return _fit(classifier, signals, targets, validation=validation)


def _george(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    first = _fit(CrossModalClassifier(**classifier.get_params()), signals, targets)
    used = targets.used
    labels = targets.proba.argmax(axis=1)
    evidence = as_evidence(labels[used], targets.proba[used], embeddings=first.embed(signals)[used])
    groups = np.full(len(labels), -1, dtype=np.int64)
    groups[used] = labels[used]
    finder = ClusterWithinClass(n_axes=2, finer=False)
    for number, rule in enumerate(finder.propose(evidence, classifier.seed), start=targets.n_classes):
        groups[used[members(rule, evidence)]] = number
    codes, packed = np.unique(groups[used], return_inverse=True)
    groups[used] = packed.reshape(-1)
    return _over_groups(classifier, signals, targets, groups, validation) if len(codes) > 1 else first


def _last_layer(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    fitted = _fit(classifier, signals, targets, validation=validation)
    rows = targets.used
    weight = SliceSampler(slices).odds(rows, targets)
    return retrain_last_layer(fitted, fitted.embed(signals)[rows], targets.proba[rows], weight)


def _multiaccuracy(classifier: Any, signals: Any, targets: Targets, slices: Any, *, validation: Any) -> Any:
    fitted = _fit(classifier, signals, targets, validation=validation)
    dev = as_targets(*validation[1:], n_classes=targets.n_classes)
    rows = dev.used
    return correct_on(fitted, fitted.embed(validation[0])[rows], dev.proba[rows])


def _loss(classifier: CrossModalClassifier) -> nn.Module:
    if classifier.multi_label and isinstance(classifier.loss, str):
        return BinaryCrossEntropy()
    return LOSSES[classifier.loss]() if isinstance(classifier.loss, str) else copy.deepcopy(classifier.loss)


def _classes(targets: Targets) -> NDArray[np.int64]:
    return np.where(targets.weight > 0, targets.proba.argmax(axis=1), -1).astype(np.int64)


RECIPES: dict[str, Recipe] = {
    "balanced": _emphasized("balanced"),
    "expert-mixture": _with_head(ExpertMixture),
    "george": _george,
    "group-dro": _group_dro,
    "hard-sharing": _with_head(HardSharing),
    "just-train-twice": _just_train_twice,
    "last-layer": _last_layer,
    "multiaccuracy": _multiaccuracy,
    "plain": _plain,
    "slice-heads": _emphasized("slice-heads"),
    "up-weighting": _up_weighted,
}
"""Recipes by name."""

EMPHASES = frozenset({"balanced", "slice-heads"})
"""Recipes of one plain training, with other draws and perhaps another head: what `emphasize` sets up."""

NEED_SLICES = frozenset(
    {
        "balanced",
        "expert-mixture",
        "group-dro",
        "hard-sharing",
        "last-layer",
        "slice-heads",
        "up-weighting",
    }
)
"""Recipes that cannot do without slices."""

MULTI_LABEL = frozenset({"balanced", "hard-sharing", "plain", "slice-heads", "up-weighting"})
"""Recipes for findings that do not exclude one another."""
