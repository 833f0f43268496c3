"""Lightning's part: one training run over batches, with early stopping on dev, quiet and leaving no files."""

import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from .averaging import MovingAverage
from .batches import Batch, BatchLoader
from .checkpoint import Checkpoint
from .devices import check_portable, faults_told, state_brought_back
from .heads import Network
from .learning_rate import CONSTANT, Course, one_cycle, restarts
from .quiet import hush, quiet
from .recompute import pieces_of, recomputed
from .soft_loss import RowLoss, SoftCrossEntropy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Lightning's dependencies say on import is not the user's business
    import lightning.pytorch as lightning
    from lightning.pytorch.utilities.types import OptimizerLRScheduler

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class Progress:
    """Where a training stands; handed to the `progress` callable of `fit` after every step and every epoch.

    Parameters
    ----------
    step, n_steps : int
        Steps done, and steps there are if training is not stopped early.
    epoch, n_epochs : int
        Epochs done, and epochs there are.
    train_loss : float
        Mean loss of the epoch so far.
    dev_loss : float or None
        Loss on the validation rows after the newest complete epoch.
    best_epoch : int
        The epoch with the best validation loss so far, counted from 1; 0 before the first.
    """

    step: int
    n_steps: int
    epoch: int
    n_epochs: int
    train_loss: float
    dev_loss: float | None = None
    best_epoch: int = 0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    max_epochs: int
    learning_rate: float
    weight_decay: float
    warm_up: float
    patience: int | None
    accelerator: str
    accumulate: int = 1
    precision: Precision = "32-true"
    course: Course = "one-cycle"
    devices: int = 1
    recompute: bool = False


@dataclass(frozen=True)
class EpochRecord:
    """Losses of one epoch, and how long it took.

    Parameters
    ----------
    epoch : int
        Counted from 1.
    train_loss : float
        Mean over its steps.
    dev_loss : float or None
        None without validation rows.
    seconds : float
        On the clock, since training began, without validation; with what was spent before a kill.
    """

    epoch: int
    train_loss: float
    dev_loss: float | None
    seconds: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class Outcome:
    """What a run leaves beside the weights in the network."""

    history: tuple[EpochRecord, ...]
    best_epoch: int


def train(
    network: Network,
    loss: nn.Module,
    loader: BatchLoader,
    dev: BatchLoader | None,
    schedule: Schedule,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    dev_loss: RowLoss | None = None,
) -> Outcome:
    """Train `network` in place and leave it with its best weights, on the CPU, ready to predict."""
    n_steps = max(1, len(loader) // schedule.accumulate * schedule.max_epochs)
    for name, argument in (("begin", n_steps * schedule.accumulate), ("attach", network)):
        if hasattr(loss, name):
            getattr(loss, name)(argument)
    recipe = _Recipe(network, loss, dev_loss or SoftCrossEntropy(), schedule, n_steps)
    if schedule.devices > 1:
        check_portable(
            sampler=loader.choose, augment=loader.augment, encoder=network.encoder, head=network.head
        )
        with state_brought_back(checkpoint) as kept, faults_told():
            watch = _Watch(schedule, n_steps, loader, None, kept)
            _run(recipe, watch, loader, dev)
            watch.load_state_dict(kept.read() or {})
        network.load_state_dict(watch.last_weights or {})
    else:
        watch = _Watch(schedule, n_steps, loader, progress, checkpoint)
        with faults_told():
            _run(recipe, watch, loader, dev)
    network.cpu()
    if watch.best_weights is not None:
        network.load_state_dict(watch.best_weights)
    elif watch.last_weights is not None:
        network.load_state_dict(watch.last_weights)
    network.eval()
    return Outcome(tuple(watch.history), watch.best_epoch)


def _run(recipe: "_Recipe", watch: "_Watch", loader: BatchLoader, dev: BatchLoader | None) -> None:
    """Train from the start, or from the checkpoint if there is one; one that is complete is only read."""
    schedule, checkpoint = recipe.schedule, watch.checkpoint
    found = None if checkpoint is None else checkpoint.read()
    if found is not None and watch.is_complete(found):
        watch.load_state_dict(found)
        recipe.network.load_state_dict(watch.best_weights or watch.last_weights or {})
        return
    with quiet():
        trainer = lightning.Trainer(
            accelerator=schedule.accelerator,
            devices=schedule.devices,
            strategy="auto" if schedule.devices == 1 else "ddp_spawn",
            use_distributed_sampler=False,
            max_epochs=schedule.max_epochs,
            accumulate_grad_batches=schedule.accumulate,
            precision=schedule.precision,
            callbacks=[watch],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        resume = None if checkpoint is None or found is None else checkpoint.path
        trainer.fit(
            recipe, train_dataloaders=loader, val_dataloaders=dev, ckpt_path=resume, weights_only=True
        )


class _Recipe(lightning.LightningModule):
    """One step of training and of validation."""

    def __init__(
        self, network: Network, loss: nn.Module, dev_loss: RowLoss, schedule: Schedule, n_steps: int
    ) -> None:
        super().__init__()
        self.network = network
        self.loss = loss
        self.dev_loss = dev_loss
        self.schedule = schedule
        self.n_steps = n_steps
        self.n_threads = torch.get_num_threads()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrive in the process of another device, which is to be as quiet as this one."""
        hush()
        super().__setstate__(state)  # type: ignore[no-untyped-call]

    def setup(self, stage: str) -> None:
        """Compute with as many threads in another process as in the one that asked."""
        torch.set_num_threads(self.n_threads)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of one batch."""
        with recomputed(pieces_of(self.network.encoder) if self.schedule.recompute else ()):
            return self._loss_of(batch)

    def _loss_of(self, batch: Batch) -> Tensor:
        prepare: Any = getattr(self.loss, "prepare", None)
        if prepare is not None:
            batch = prepare(self.network, batch)
        features = self.network.encoder(batch.inputs)
        observe: Any = getattr(self.loss, "observe", None)
        if observe is not None:
            observe(features.detach(), batch)
        logits = self.network.head(features)
        loss: Tensor = self.loss(logits, batch)
        beside: Any = getattr(self.loss, "beside", None)
        if beside is not None:
            loss = loss + beside(self.network, batch)
        extra = getattr(self.network.head, "extra_loss", None)
        if extra is not None:
            loss = loss + extra(features, logits, batch, self.loss)
        return loss if batch.share == 1 else loss * batch.share

    def validation_step(self, batch: Batch, _: int) -> dict[str, Tensor]:
        """Return the summed loss and the weight of one batch."""
        weight = batch.weight.sum()
        return {"sum": self.dev_loss(self.network(batch.inputs), batch) * weight, "weight": weight}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return AdamW, and what moves its learning rate at every step, if it moves."""
        parameters = [*self.network.parameters(), *self.loss.parameters()]
        rate = self.schedule.learning_rate
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=self.schedule.weight_decay)
        if self.schedule.course in CONSTANT:
            return optimizer
        course = partial(one_cycle, n_steps=self.n_steps, warm_up=self.schedule.warm_up)
        if self.schedule.course == "cycles":
            course = partial(restarts, steps_per_epoch=self.n_steps / self.schedule.max_epochs)
        cycle = torch.optim.lr_scheduler.LambdaLR(optimizer, course)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


class _Watch(lightning.Callback):
    """Keeps the losses and the best weights, stops when dev gets no better, and tells who wants to know."""

    def __init__(
        self,
        schedule: Schedule,
        n_steps: int,
        loader: BatchLoader,
        progress: Callable[[Progress], None] | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.schedule = schedule
        self.n_steps = n_steps
        self.loader = loader
        self.progress = progress
        self.checkpoint = checkpoint
        self.history: list[EpochRecord] = []
        self.best_epoch = 0
        self.best_weights: dict[str, Tensor] | None = None
        self.last_weights: dict[str, Tensor] | None = None
        self._best = float("inf")
        self._stopped = False
        self._random: list[Tensor] = []
        self._average = MovingAverage(n_steps) if schedule.course == "averaged" else None
        self._averaged: dict[str, Any] | None = None
        self._sum, self._steps = 0.0, 0
        self._dev_sum, self._dev_weight = 0.0, 0.0
        self._dev: float | None = None
        self._seconds = 0.0
        self._since: float | None = None

    def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def on_validation_start(self, trainer: Any, module: Any) -> None:
        """Stop the clock: looking is not learning. What is looked at are the weights that would be kept."""
        self._stop_clock()
        self._exchange(module)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        """Go on with the weights that are learned with."""
        self._exchange(module)

    def _exchange(self, module: Any) -> None:
        if self._average is not None:
            self._average.exchange(module.network)

    def _weights_to_keep(self, module: Any) -> dict[str, Tensor]:
        """Return a copy of the weights that predict: the mean's, where there is one."""
        self._exchange(module)
        weights: dict[str, Tensor] = copy.deepcopy(module.network.state_dict())
        self._exchange(module)
        return weights

    def _stop_clock(self) -> None:
        if self._since is not None:
            self._seconds += time.perf_counter() - self._since
            self._since = None

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
        """Add the batch's loss to the epoch's mean, and after a whole step the weights to theirs."""
        self._sum += float(outputs["loss"])
        self._steps += 1
        step = trainer.global_step
        if self._average is not None and step > self._average.n_seen:
            self._average.update(module.network)
        self._tell(step, len(self.history))

    def on_validation_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int, dataloader_idx: int = 0
    ) -> None:
        """Add the batch's loss to dev's."""
        self._dev_sum += float(outputs["sum"])
        self._dev_weight += float(outputs["weight"])

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        """Compare the epoch with the best one so far; Lightning has run validation by now."""
        train_loss = self._sum / max(1, self._steps)
        if self.schedule.devices > 1:
            parts = torch.tensor(train_loss, device=module.device)
            train_loss = float(trainer.strategy.reduce(parts, reduce_op="mean"))
        if not train_loss < float("inf"):
            raise ValueError(
                f"the training loss is no finite number after epoch {len(self.history) + 1}; "
                "lower learning_rate or check the signals' units"
            )
        self._dev = self._dev_sum / self._dev_weight if self._dev_weight > 0 else None
        if self.schedule.devices > 1:  # all must decide alike
            self._dev = trainer.strategy.broadcast(self._dev)
        self._stop_clock()
        self.history.append(EpochRecord(len(self.history) + 1, train_loss, self._dev, self._seconds))
        self._sum, self._steps = 0.0, 0
        self._dev_sum, self._dev_weight = 0.0, 0.0
        if self._dev is None:
            self.best_epoch = len(self.history)
        elif self._dev < self._best:
            self._best, self.best_epoch = self._dev, len(self.history)
            self.best_weights = self._weights_to_keep(module)
        elif self.schedule.patience and len(self.history) - self.best_epoch >= self.schedule.patience:
            trainer.should_stop = self._stopped = True
        if self._average is not None or self.checkpoint is not None:
            self.last_weights = self._weights_to_keep(module)
        if self.checkpoint is not None:
            if trainer.is_global_zero:
                self.checkpoint.write(trainer.save_checkpoint)
            else:  # all take part, the first one writes
                trainer.save_checkpoint(self.checkpoint.path)
        self._tell(trainer.global_step, len(self.history), train_loss)

    def on_train_start(self, trainer: Any, module: Any) -> None:
        """Go on with the random numbers, and the epoch's order of rows, where a resumed training stood."""
        if self._random:
            torch.set_rng_state(self._random[0])
            if len(self._random) > 1:
                torch.cuda.set_rng_state_all(self._random[1:])
        self.loader.epoch = len(self.history)
        if self._average is not None and self._averaged is not None:
            self._average.load_state_dict(self._averaged, module.network)
        if self.schedule.devices > 1:
            self.loader.device = trainer.global_rank
            torch.manual_seed(self.loader.dropout_seed())

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold beside weights and optimizer."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {
            "training": self.checkpoint.training if self.checkpoint else "",
            "history": [[epoch.train_loss, epoch.dev_loss, epoch.seconds] for epoch in self.history],
            "best_epoch": self.best_epoch,
            "best": self._best,
            "best_weights": self.best_weights,
            "last_weights": self.last_weights,
            "stopped": self._stopped,
            "averaged": None if self._average is None else self._average.state_dict(),
            "random": [torch.get_rng_state(), *cuda],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        self.history = [EpochRecord(row + 1, *losses) for row, losses in enumerate(state["history"])]
        self._seconds = self.history[-1].seconds if self.history else 0.0
        self.best_epoch, self._best = state["best_epoch"], state["best"]
        self.best_weights, self.last_weights = state["best_weights"], state["last_weights"]
        self._stopped, self._random = state["stopped"], state["random"]
        self._averaged = state.get("averaged")

    def is_complete(self, state: dict[str, Any]) -> bool:
        """Return whether the checkpoint's training had come to its end."""
        return bool(state["stopped"]) or len(state["history"]) >= self.schedule.max_epochs

    def _tell(self, step: int, epoch: int, train_loss: float | None = None) -> None:
        if self.progress is None:
            return
        loss = self._sum / max(1, self._steps) if train_loss is None else train_loss
        n_epochs = self.schedule.max_epochs
        self.progress(Progress(step, self.n_steps, epoch, n_epochs, loss, self._dev, self.best_epoch))
