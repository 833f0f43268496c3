"""Activation checkpointing: the same training in less memory."""

import copy
import pickle

import numpy as np
import pytest
import torch

from sidelight.crossmodal import ENCODERS, BagEncoder, CrossModalClassifier, fit_privately
from sidelight.crossmodal.recompute import pieces_of, recomputed
from sidelight.labeling import UsageError

SHAPES = {"densenet2d": (6, 1, 48, 48), "resnet2d": (6, 1, 48, 48), "bag": (3, 2, 1, 128)}


def encoder_of(name):
    if name == "bag":
        return BagEncoder(n_leads=1, instance_config={"width": 8, "n_blocks": 2})
    if name.endswith("2d"):
        pytest.importorskip("monai", reason="the images extra is not installed")
    return ENCODERS[name](n_leads=SHAPES.get(name, (6, 2, 256))[1])


def step(encoder, inputs, *, again):
    """Return gradients and buffers after one step, and the bytes kept for it."""
    kept = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    encoder = copy.deepcopy(encoder).train()
    torch.manual_seed(7)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with recomputed(pieces_of(encoder) if again else ()):
            loss = encoder(inputs).square().sum()
        n_bytes = sum(kept.values())
    loss.backward()
    gradients = {name: weights.grad for name, weights in encoder.named_parameters()}
    return gradients, dict(encoder.named_buffers()), n_bytes


@pytest.mark.parametrize("name", sorted({*ENCODERS, "bag"}))
def test_gradients_masks_and_running_means_are_those_of_a_plain_step(name):
    torch.manual_seed(0)
    encoder = encoder_of(name)
    inputs = torch.randn(SHAPES.get(name, (6, 2, 256)))
    plain, buffers, n_plain = step(encoder, inputs, again=False)
    saved, after, n_saved = step(encoder, inputs, again=True)
    for weights in plain:
        torch.testing.assert_close(saved[weights], plain[weights], rtol=1e-5, atol=1e-6)
    for buffer in buffers:
        torch.testing.assert_close(after[buffer], buffers[buffer])
    assert n_saved < 0.6 * n_plain


def test_the_plain_forward_pass_comes_back():
    encoder = ENCODERS["resnet1d"](n_leads=2)
    with pytest.raises(RuntimeError), recomputed(pieces_of(encoder)):
        encoder(torch.zeros(1, 3, 64))
    assert all("forward" not in vars(piece) for piece in pieces_of(encoder))
    pickle.dumps(encoder)


def test_a_training_ends_with_the_same_weights(tmp_path):
    random = np.random.default_rng(0)
    y = np.arange(24) % 2
    signals = random.normal(size=(24, 2, 128)) * (1 + 3 * y[:, None, None])
    settings = {"max_epochs": 2, "batch_size": 8, "accelerator": "cpu"}
    plain = CrossModalClassifier(**settings).fit(signals, y, checkpoint=tmp_path / "training.ckpt")
    saving = CrossModalClassifier(**settings, checkpoint_activations=True).fit(signals, y)
    np.testing.assert_allclose(saving.predict_logits(signals), plain.predict_logits(signals), rtol=1e-4)
    again = CrossModalClassifier(**settings, checkpoint_activations=True)
    again.fit(signals, y, checkpoint=tmp_path / "training.ckpt")
    assert again.history_ == plain.history_, "either may go on from the other's file"


def test_an_encoder_that_names_no_blocks_is_refused_before_training():
    model = CrossModalClassifier(
        lambda n_leads: torch.nn.Flatten(), checkpoint_activations=True, accelerator="cpu"
    )
    with pytest.raises(ValueError, match="Flatten has no method `pieces`"):
        model.fit(np.zeros((4, 1, 8)), [0, 1, 0, 1])


def test_private_training_refuses():
    pytest.importorskip("opacus", reason="the privacy extra is not installed")
    model = CrossModalClassifier(checkpoint_activations=True, accelerator="cpu")
    with pytest.raises(UsageError, match="checkpoint_activations"):
        fit_privately(model, np.zeros((4, 1, 64)), [0, 1, 0, 1], ["a", "b", "c", "d"])
