"""Training under differential privacy, with the patient as the unit that is protected."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from sidelight.labeling.faults import UsageError
from sidelight.labeling.seeds import derive_seed, generator

from .augment import augmentation
from .batches import Batch, RowAugment
from .classifier import CrossModalClassifier
from .group_norm import without_batch_norm
from .heads import Network
from .inputs import Inputs, as_inputs
from .multi_label import as_multi_label
from .randomness import seeded
from .soft_loss import RowLoss
from .split import patients_as_text
from .targets import Targets, as_targets

CAVEAT = (
    "covers the network's training alone: a label model fitted on the same patients, settings chosen on them and published "
    "figures are not covered"
)


@dataclass(frozen=True)
class PrivacySpent:
    """What a private training gave away, for bundles and reports.

    Parameters
    ----------
    epsilon, delta : float
        The guarantee, for adding or removing one patient with all studies.
    noise : float
        Standard deviation of the noise, in units of `clip`.
    clip : float
        Largest length of one patient's gradient.
    n_patients, n_steps : int
        Patients, and steps taken.
    scope : str
        What is covered and what is not.
    """

    epsilon: float
    delta: float
    noise: float
    clip: float
    n_patients: int
    n_steps: int
    scope: str = CAVEAT

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def fit_privately(
    model: CrossModalClassifier,
    signals: Inputs | ArrayLike,
    proba: ArrayLike,
    patient_ids: ArrayLike,
    covered: ArrayLike | None = None,
    *,
    epsilon: float = 3.0,
    delta: float | None = None,
    clip: float = 1.0,
    most_rows: int = 64,
) -> PrivacySpent:
    """Fit a classifier so that no patient's presence can be told from it, up to `epsilon` and `delta`.

    Each step draws patients, each with the same chance; the gradient of a patient's mean loss is cut to length `clip`,
    and noise is added to their sum. Batch norm, which mixes patients, becomes group norm. There is no early stopping and
    no calibration: every look at private records would have to be paid for.

    Parameters
    ----------
    model : CrossModalClassifier
        Its encoder, head, loss, augmentation, epochs, batch size (patients a step, on average), rate and seed are used.
        Fitted in place.
    signals, proba, covered
        As for `CrossModalClassifier.fit`.
    patient_ids : array-like of shape (n_records,)
        A record without one counts as a patient of its own.
    epsilon : float, default 3.0
        Guarantee to meet.
    delta : float, optional
        One over ten times the number of patients by default.
    clip : float, default 1.0
        Largest length of one patient's gradient.
    most_rows : int, default 64
        Studies of a patient that are used at most, the first ones.

    Raises
    ------
    UsageError
        When Opacus is not installed, or loss, sampler or head make rows depend on each other.

    References
    ----------
    M. Abadi et al., "Deep learning with differential privacy", CCS 2016; A. Yousefpour et al., "Opacus", arXiv 2109.12298.
    """
    if not epsilon > 0 or not clip > 0 or most_rows < 1:
        raise ValueError("epsilon and clip are above 0, most_rows at least 1")
    validator, grad_samples, accountant_of, noise_for = _opacus()
    inputs = as_inputs(signals)
    targets = as_multi_label(proba, covered) if model.multi_label else as_targets(proba, covered)
    patients = _patients(patient_ids, targets, most_rows)
    if not patients:
        raise ValueError("no row is covered: there is nothing to learn from")
    model._check()
    if model.checkpoint_activations:
        raise UsageError("private training keeps each record's activations; leave out checkpoint_activations")
    model._agree(inputs, targets, None)
    with seeded(derive_seed(model.seed, "crossmodal", "private")), _quiet():
        network, loss = model._build(inputs, targets)
        _refuse_coupled(model, network, loss)
        without_batch_norm(network.encoder)
        network = validator.fix(network)
        chance = min(1.0, model.batch_size / len(patients))
        n_steps = max(1, round(model.max_epochs / chance))
        share = 1 / (10 * len(patients)) if delta is None else delta
        noise = noise_for(target_epsilon=epsilon, target_delta=share, sample_rate=chance, steps=n_steps)
        accountant = accountant_of()
        wrapped = grad_samples(network, loss_reduction="sum")
        optimizer = torch.optim.Adam(network.parameters(), lr=model.learning_rate)
        random = generator(model.seed, "crossmodal", "private patients")
        draw = torch.Generator().manual_seed(derive_seed(model.seed, "crossmodal", "private views"))
        augment = augmentation(model.augment, inputs.contract)
        for _ in range(n_steps):
            chosen = [rows for rows in patients if random.random() < chance]
            summed = _clipped_sum(wrapped, loss, inputs, targets, chosen, clip, augment, draw)
            for parameter, total in summed.items():
                spread = torch.randn(parameter.shape) * noise * clip
                parameter.grad = (total + spread) / (chance * len(patients))
            optimizer.step()  # also without patients: a step left out would break the guarantee
            accountant.step(noise_multiplier=noise, sample_rate=chance)
        wrapped.to_standard_module()
        spent = float(accountant.get_epsilon(share))
    for parameter in network.parameters():
        parameter.grad = None
    network.eval()
    model.network_, model.contract_, model.n_classes_ = network, inputs.contract, targets.n_classes
    model.n_rows_ = sum(len(rows) for rows in patients)
    model.history_, model.best_epoch_, model.temperature_ = (), model.max_epochs, 1.0
    return PrivacySpent(spent, share, float(noise), clip, len(patients), n_steps)


def _clipped_sum(
    wrapped: Any,
    loss: nn.Module,
    inputs: Inputs,
    targets: Targets,
    patients: list[NDArray[np.intp]],
    clip: float,
    augment: Any,
    draw: torch.Generator,
) -> dict[nn.Parameter, Tensor]:
    """Return the sum over patients of their gradients, each cut to length `clip`."""
    wrapped.train()
    parameters = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
    if not patients:
        return {parameter: torch.zeros_like(parameter) for parameter in parameters}
    rows = np.concatenate(patients)
    sizes = torch.tensor([len(patient) for patient in patients])
    owner = torch.repeat_interleave(torch.arange(len(patients)), sizes)
    values = torch.from_numpy(inputs.batch(rows))
    batch = Batch(
        inputs=values if augment is None else augment(values, draw),
        target=torch.from_numpy(targets.proba[rows]),
        weight=torch.from_numpy(targets.weight[rows]),
        rows=torch.from_numpy(rows.astype(np.int64)),
    )
    # a patient's gradient is that of the mean over the patient's rows: the sum of its rows' gradients, each divided
    costs = loss.per_row(wrapped(batch.inputs), batch) * batch.weight / sizes[owner]  # type: ignore[operator]
    wrapped.zero_grad()
    costs.sum().backward()
    of_patient = {
        parameter: torch.zeros(len(patients), *parameter.shape).index_add_(0, owner, parameter.grad_sample)
        for parameter in parameters
    }
    square = sum(gradient.flatten(1).square().sum(dim=1) for gradient in of_patient.values())
    factor = (clip / torch.as_tensor(square).sqrt().clamp_min(1e-12)).clamp_max(1.0)
    return {
        parameter: torch.einsum("p,p...->...", factor, gradient) for parameter, gradient in of_patient.items()
    }


def _patients(patient_ids: ArrayLike, targets: Targets, most_rows: int) -> list[NDArray[np.intp]]:
    """Return the covered rows of each patient."""
    names = patients_as_text(patient_ids)
    if len(names) != len(targets.proba):
        raise ValueError(f"patient_ids has {len(names)} entries for {len(targets.proba)} records")
    found: dict[str, list[int]] = {}
    for row in targets.used.tolist():
        found.setdefault(names[row] or f"\x1f{row}", []).append(row)
    return [np.array(rows[:most_rows], dtype=np.intp) for rows in found.values()]


def _refuse_coupled(model: CrossModalClassifier, network: Network, loss: nn.Module) -> None:
    """Raise where one patient's gradient would depend on another's records, or on how they were drawn."""
    whole = isinstance(loss, RowLoss) and type(loss).forward is RowLoss.forward
    if not whole or any(hasattr(loss, name) for name in ("prepare", "beside")):
        raise UsageError(
            f"{type(loss).__name__} lets rows depend on each other: no privacy can be promised with it"
        )
    if model.sampler is not None:
        raise UsageError(
            "a sampler draws patients with other chances than privacy is reckoned with; leave it out"
        )
    if isinstance(model.augment, RowAugment):
        raise UsageError(
            "an augmentation that knows the records cannot be trained with privately; give another"
        )
    if hasattr(network.head, "extra_loss"):
        raise UsageError("a head with a loss of its own cannot be trained privately; give a plain one")


def _opacus() -> tuple[Any, Any, Any, Any]:
    """Return what is needed of Opacus, or say how to get it."""
    try:
        with _quiet():
            from opacus import GradSampleModule
            from opacus.accountants import RDPAccountant
            from opacus.accountants.utils import get_noise_multiplier
            from opacus.validators import ModuleValidator
    except ModuleNotFoundError:
        raise UsageError('private training needs Opacus: pip install "sidelight[privacy]"') from None

    def noise_for(**asked: Any) -> float:
        return float(get_noise_multiplier(**asked, accountant="rdp"))

    return ModuleValidator, GradSampleModule, RDPAccountant, noise_for


def _quiet() -> warnings.catch_warnings[None]:
    """Keep what Opacus and torch's hooks say of themselves from the user."""
    return warnings.catch_warnings(action="ignore")
