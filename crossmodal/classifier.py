"""The target model: learns classes of signals from labels that are probabilities, with scikit-learn's habits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from sidelight.labeling.seeds import derive_seed

from .augment import augmentation
from .batches import Augment, BatchLoader, RowAugment, Sampler, apply_in_batches, shuffled
from .calibration import fit_temperature, scaled_softmax
from .checkpoint import Checkpoint, training_fingerprint
from .contract import KINDS, InputContract
from .encoders import ENCODERS
from .heads import LinearHead, Network, n_features
from .inputs import Inputs, as_inputs
from .learning_rate import Course, Patience, epochs_of_patience
from .losses import LOSSES
from .multi_label import BinaryCrossEntropy, as_multi_label, fit_multi_label_temperature, scaled_sigmoid
from .parameters import Parameters
from .pooling import BagEncoder
from .randomness import seeded
from .recompute import pieces_of
from .targets import Targets, as_targets
from .training import EpochRecord, Precision, Progress, Schedule, train

EncoderFactory = Callable[[int], nn.Module]
HeadFactory = Callable[[int, int], nn.Module]
PRECISIONS, COURSES = get_args(Precision), get_args(Course)
DEFAULT_LOSS = "soft-cross-entropy"


class CrossModalClassifier(Parameters):
    """A network trained on probabilistic labels; it sees the target modality alone.

    The parts are ordinary modules and are copied before training, so one classifier can be fitted again and again.

    Parameters
    ----------
    encoder : str, Module or callable, default "resnet1d"
        A name in `ENCODERS` or a callable that takes the number of leads: built anew at each fit, from `seed`.
        A module: training starts from its weights. For `Bags` it encodes one instance, and a `BagEncoder` is put
        around it, unless it is one.
    head : Module or callable, optional
        Maps features to logits; a callable takes (n_features, n_classes). Linear by default. See `LinearHead`
        for what a head may do beside that.
    loss : str or Module, default "soft-cross-entropy"
        A name in `LOSSES` or a module that takes logits and a `Batch`.
    sampler : callable, optional
        Chooses the rows of each epoch; takes the usable rows, the targets and a NumPy generator. Every row
        once, shuffled, by default.
    augment : str, callable or RowAugment, optional, default "auto"
        A name in `AUGMENTATIONS` or a callable that takes inputs and a torch generator; a `RowAugment` learns which
        records they are. None for none; "auto" takes the one for the kind of study (signal, image), if there is one.
    max_epochs : int, default 30
        Passes over the training rows.
    batch_size : int, default 32
        Rows a step, at most.
    accumulate : int, default 1
        Pieces in which a step's rows are computed one after the other, for less memory. The gradient is that of the
        whole batch, but for batch norm and for losses whose rows depend on each other, which see one piece.
    checkpoint_activations : bool, default False
        Keep of the encoder's blocks only what enters them, and compute the rest again for the gradient: less memory for
        about half as much time again, and the same weights. An encoder of your own names its blocks in a method `pieces`.
    precision : {"32-true", "bf16-mixed", "16-mixed"}, default "32-true"
        Numbers that the network computes with in training; losses and predictions stay in float32.
    multi_label : bool, default False
        Classes are findings of which several may be present: labels are (n_records, n_findings) with -1 or NaN where a
        finding is not known, probabilities do not sum to 1, and `predict` returns 0 and 1 for each.
    learning_rate : float, default 3e-3
        AdamW's, at its highest.
    schedule : {"one-cycle", "constant", "averaged", "cycles"}, default "one-cycle"
        One cycle of the learning rate (up during the first fifth of the steps, then down to zero), on average half of
        it, or the same throughout, which learns more in few epochs; "averaged" keeps the mean of the newest weights
        then instead of the last (`MovingAverage`). See `trade_off` for cycles.
    weight_decay : float, default 0.05
        AdamW's.
    patience : int or "auto", optional, default "auto"
        Epochs without a better validation loss after which to stop; None trains to the end. By default 10 where the
        rate is constant, else none: a cycle that is stopped early has not come down, and of few records little has
        been learned by then. In any case the weights of the best epoch are kept.
    calibrate : bool, default True
        Fit a temperature to the validation rows.
    accelerator : str, default "auto"
        Lightning's: "cpu", "gpu", "auto".
    devices : int, default 1
        Processes that share each step's rows, on a GPU each or on the CPU; a script that asks for more than one starts
        below ``if __name__ == "__main__":``. `progress` is not called then.
    seed : int, default 0
        Of weights, order, dropout and augmentation. Equal seeds give equal weights on a CPU; torch's own
        generators are left as they were.

    Attributes
    ----------
    network_ : Module
        Encoder and head with the best weights.
    temperature_ : float
        1 without validation rows.
    contract_ : InputContract
        What `predict` accepts.
    n_classes_ : int
        Number of classes.
    history_ : tuple of EpochRecord
        Losses of each epoch.
    best_epoch_ : int
        The epoch whose weights were kept, counted from 1.
    n_rows_ : int
        Rows that taught something.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> y = np.arange(40) % 2
    >>> signals = random.normal(size=(40, 2, 64)) * (1 + 3 * y[:, None, None])
    >>> model = CrossModalClassifier(max_epochs=4, accelerator="cpu").fit(signals, y)
    >>> model.predict_proba(signals).shape
    (40, 2)
    """

    network_: Network
    temperature_: float
    contract_: InputContract
    n_classes_: int
    history_: tuple[EpochRecord, ...]
    best_epoch_: int
    n_rows_: int

    def __init__(
        self,
        encoder: str | nn.Module | EncoderFactory = "resnet1d",
        head: nn.Module | HeadFactory | None = None,
        loss: str | nn.Module = DEFAULT_LOSS,
        sampler: Sampler | None = None,
        *,
        augment: str | Augment | RowAugment | None = "auto",
        max_epochs: int = 30,
        batch_size: int = 32,
        accumulate: int = 1,
        checkpoint_activations: bool = False,
        precision: Precision = "32-true",
        multi_label: bool = False,
        learning_rate: float = 3e-3,
        schedule: Course = "one-cycle",
        weight_decay: float = 0.05,
        patience: Patience = "auto",
        calibrate: bool = True,
        accelerator: str = "auto",
        devices: int = 1,
        seed: int = 0,
    ) -> None:
        self.encoder = encoder
        self.head = head
        self.loss = loss
        self.sampler = sampler
        self.augment = augment
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.accumulate = accumulate
        self.checkpoint_activations = checkpoint_activations
        self.precision = precision
        self.multi_label = multi_label
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.weight_decay = weight_decay
        self.patience = patience
        self.calibrate = calibrate
        self.accelerator = accelerator
        self.devices = devices
        self.seed = seed

    def fit(
        self,
        signals: Inputs | ArrayLike,
        proba: ArrayLike,
        covered: ArrayLike | None = None,
        *,
        validation: Sequence[Any] | None = None,
        membership: ArrayLike | None = None,
        progress: Callable[[Progress], None] | None = None,
        checkpoint: str | Path | None = None,
    ) -> Self:
        """Train on signals and their labels.

        Parameters
        ----------
        signals : SignalSet, StudyFiles, Bags or array-like of shape (n_records, n_leads, length)
            The target modality; images are (n_records, n_channels, height, width).
        proba : array-like of shape (n_records, n_classes) or (n_records,)
            Probabilities of the classes, or class numbers with -1 where there is none.
        covered : array-like of shape (n_records,), optional
            False where no labeling function voted: such a row teaches nothing.
        validation : (signals, labels) or (signals, labels, covered), optional
            For early stopping and calibration: other patients, with gold labels where there are any.
        membership : array-like of shape (n_records, n_slices), optional
            Slices of each record, for heads and losses that use them.
        progress : callable, optional
            Called with a `Progress` after every step and epoch.
        checkpoint : path-like, optional
            A file that is written after every epoch. When it is there already, training goes on from it and ends
            with the weights of a training that was never stopped (on a CPU, bit for bit).
        """
        self._check()
        inputs = as_inputs(signals)
        targets = as_multi_label(proba, covered) if self.multi_label else as_targets(proba, covered)
        dev = None if validation is None else _validation(validation, targets)
        self._agree(inputs, targets, dev)
        slices = None if membership is None else _as_membership(membership, len(inputs))
        loader = BatchLoader(
            inputs,
            targets,
            targets.used,
            self.batch_size,
            membership=slices,
            augment=augmentation(self.augment, inputs.contract),
            accumulate=self.accumulate,
            n_devices=self.devices,
            seed=derive_seed(self.seed, "crossmodal", "batches"),
        )
        dev_rows = None if dev is None else BatchLoader(*dev, dev[1].used, max(64, self.batch_size))
        with seeded(derive_seed(self.seed, "crossmodal", "training")):
            network, loss = self._build(inputs, targets)
            loader.choose = self.sampler or getattr(loss, "sampler", shuffled)
            kept = None
            if checkpoint is not None:
                kept = Checkpoint(checkpoint, self._fingerprint(inputs, targets, dev))
            dev_loss = BinaryCrossEntropy() if self.multi_label else None
            outcome = train(
                network, loss, loader, dev_rows, self._schedule(), progress, kept, dev_loss=dev_loss
            )
        self.network_ = network
        self.contract_ = inputs.contract
        self.n_classes_ = targets.n_classes
        self.n_rows_ = len(targets.used)
        self.history_, self.best_epoch_ = outcome.history, outcome.best_epoch
        self.temperature_ = 1.0
        if dev is not None and self.calibrate:
            logits = self.predict_logits(dev[0])
            self.temperature_ = (
                fit_multi_label_temperature(logits, dev[1])
                if self.multi_label
                else fit_temperature(logits, dev[1].proba, dev[1].weight)
            )
        return self

    def predict_logits(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return logits of shape (n_records, n_classes), before the temperature."""
        return self._run(self._fitted(), signals, batch_size, self.n_classes_)

    def predict_proba(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return calibrated probabilities of shape (n_records, n_classes); `batch_size` changes speed alone."""
        logits = self.predict_logits(signals, batch_size=batch_size)
        return (scaled_sigmoid if self.multi_label else scaled_softmax)(logits, self.temperature_)

    def predict(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.int64]:
        """Return the likeliest class of each record; of several findings, which have more than an even chance."""
        proba = self.predict_proba(signals, batch_size=batch_size)
        return np.asarray(proba > 0.5 if self.multi_label else proba.argmax(axis=1), dtype=np.int64)

    def embed(self, signals: Inputs | ArrayLike, *, batch_size: int = 64) -> NDArray[np.float64]:
        """Return the encoder's features of shape (n_records, n_features), for looking at slices."""
        encoder = self._fitted().encoder
        return self._run(encoder, signals, batch_size, getattr(encoder, "n_features", 0))

    def _run(
        self, module: nn.Module, signals: Inputs | ArrayLike, batch_size: int, width: int
    ) -> NDArray[np.float64]:
        inputs = as_inputs(signals)
        self.contract_.check(inputs.contract)
        return apply_in_batches(module, inputs, batch_size, width)

    def _fitted(self) -> Network:
        if not hasattr(self, "network_"):
            raise ValueError("this CrossModalClassifier is not fitted yet; call fit first")
        return self.network_

    def _check(self) -> None:
        """Refuse arguments that cannot be trained with."""
        for name, known in (("encoder", ENCODERS), ("loss", LOSSES)):
            value = getattr(self, name)
            if isinstance(value, str) and value not in known:
                raise ValueError(f"{name} is {value!r}; known by name: {', '.join(sorted(known))}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision is {self.precision!r}; it is one of {', '.join(PRECISIONS)}")
        if self.schedule not in COURSES:
            raise ValueError(f"schedule is {self.schedule!r}; it is one of {', '.join(COURSES)}")
        if self.multi_label and isinstance(self.loss, str) and self.loss != DEFAULT_LOSS:
            raise ValueError(f"loss {self.loss!r} is for classes that exclude each other; multi_label is set")
        for name in ("max_epochs", "batch_size", "accumulate", "devices"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; at least 1 is needed")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it is above 0")

    def _agree(self, inputs: Inputs, targets: Targets, dev: tuple[Inputs, Targets] | None) -> None:
        """Refuse signals and labels that do not belong together."""
        if len(inputs) != len(targets.proba):
            raise ValueError(f"{len(inputs)} signals but {len(targets.proba)} rows of labels")
        if not len(targets.used):
            raise ValueError("no row is covered: there is nothing to learn from")
        if dev is not None:
            inputs.contract.check(dev[0].contract)
            if len(dev[0]) != len(dev[1].proba):
                raise ValueError(
                    f"validation has {len(dev[0])} signals but {len(dev[1].proba)} rows of labels"
                )

    def _build(self, inputs: Inputs, targets: Targets) -> tuple[Network, nn.Module]:
        """Return fresh modules: named ones from the seed, given ones copied."""
        n_leads = len(inputs.contract.lead_names)
        if isinstance(self.encoder, nn.Module):
            encoder = copy.deepcopy(self.encoder)
        elif isinstance(self.encoder, str):
            encoder = ENCODERS[self.encoder](
                n_leads=n_leads, seed=derive_seed(self.seed, "crossmodal", "encoder")
            )
        else:
            encoder = self.encoder(n_leads)
        if inputs.contract.bag and not getattr(encoder, "takes_bags", False):
            instance = self.encoder if isinstance(self.encoder, str) else encoder
            encoder = BagEncoder(n_leads, instance, seed=derive_seed(self.seed, "crossmodal", "encoder"))
        wanted = getattr(encoder, "n_dimensions", None) or len(inputs.contract.shape)
        if wanted != len(inputs.contract.shape):
            raise ValueError(
                f"the encoder is for {KINDS[wanted]}s; these studies are {inputs.contract.kind}s"
            )
        if self.checkpoint_activations:
            pieces_of(encoder)  # refuses an encoder that does not name them
        width = n_features(encoder, torch.from_numpy(inputs.batch([0])))
        if isinstance(self.head, nn.Module):
            head = copy.deepcopy(self.head)
        elif self.head is None:
            head = LinearHead(width, targets.n_classes, seed=derive_seed(self.seed, "crossmodal", "head"))
        else:
            head = self.head(width, targets.n_classes)
        if self.multi_label and self.loss == DEFAULT_LOSS:
            loss: nn.Module = BinaryCrossEntropy()
        else:
            loss = LOSSES[self.loss]() if isinstance(self.loss, str) else copy.deepcopy(self.loss)
        return Network(encoder, head), loss

    def _fingerprint(self, inputs: Inputs, targets: Targets, dev: tuple[Inputs, Targets] | None) -> str:
        """Return what tells this training from another, for checkpoints."""
        settings = self.get_params() | {"contract": str(inputs.contract)}
        del settings["accelerator"], settings["checkpoint_activations"]
        if dev is not None:
            settings["dev"] = training_fingerprint({}, dev[1], dev[0].batch([0]))
        return training_fingerprint(settings, targets, inputs.batch([0, len(inputs) - 1]))

    def _schedule(self) -> Schedule:
        return Schedule(
            max_epochs=self.max_epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warm_up=0.2,
            patience=epochs_of_patience(self.patience, self.schedule),
            accelerator=self.accelerator,
            accumulate=self.accumulate,
            precision=self.precision,
            course=self.schedule,
            devices=self.devices,
            recompute=self.checkpoint_activations,
        )


def _validation(validation: Sequence[Any], like: Targets) -> tuple[Inputs, Targets]:
    if len(validation) not in (2, 3):
        raise ValueError(
            f"validation has {len(validation)} parts; give (signals, labels) or (signals, labels, covered)"
        )
    read = as_multi_label if like.multi_label else as_targets
    return as_inputs(validation[0]), read(*validation[1:], n_classes=like.n_classes)


def _as_membership(membership: ArrayLike, n_records: int) -> NDArray[np.float32]:
    """Return slices as float32; a slice matrix of `slicing` is taken for its `values`."""
    slices = np.asarray(getattr(membership, "values", membership), dtype=np.float32)
    if slices.ndim != 2 or len(slices) != n_records:
        raise ValueError(
            f"membership has shape {slices.shape}; it is (n_records, n_slices) for {n_records} records"
        )
    return slices
