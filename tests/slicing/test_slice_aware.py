"""Snorkel's slice-aware classifier over arrays."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sidelight.slicing import SliceAwareClassifier  # noqa: E402


def body():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(2, 24),
            torch.nn.ReLU(),
            torch.nn.Linear(24, 24),
            torch.nn.ReLU(),
        )


def flipped(seed, n=3000, rate=0.05):
    """The boundary is the other way round inside a small square."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (n, 2))
    inside = (np.abs(x - 0.5) < np.sqrt(rate)).all(axis=1)
    y = ((x[:, 0] > 0.5) ^ (x[:, 1] > 0.5) & inside | (~inside & (x[:, 0] > 0))).astype(int)
    return x[:, None, :], y, {"corner": inside}


def test_it_learns_three_classes_and_scores_slices():
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 1, 2))
    y = np.digitize(x[:, 0, 0], [-0.4, 0.4])
    S = {"high": x[:, 0, 1] > 1, "unused": np.zeros(300, bool)}
    model = SliceAwareClassifier(
        body(), 24, ["high"], max_epochs=12, learning_rate=0.01, augment=None, accelerator="cpu"
    ).fit(x, y, S)
    assert model.score(x, y)["accuracy"] > 0.85
    assert list(model.score_slices(x, y, S, as_dataframe=True).index) == ["overall", "high", "unused"]
    assert model.predict_proba(x).shape == (300, 3)


def test_membership_without_names_is_taken_in_order():
    x, y, S = flipped(0, 200)
    model = SliceAwareClassifier(body(), 24, ["corner"], max_epochs=1, augment=None, accelerator="cpu")
    assert model.fit(x, y, S["corner"][:, None]).predict(x).shape == (200,)


@pytest.mark.parametrize(
    ("keywords", "S", "message"),
    [
        ({"head_dim": 7}, {"corner": np.zeros(200, bool)}, "head_dim is 7"),
        ({}, {"other": np.zeros(200, bool)}, "no slice called corner"),
    ],
)
def test_what_does_not_fit_is_told(keywords, S, message):
    x, y, _ = flipped(0, 200)
    model = SliceAwareClassifier(
        body(),
        **({"head_dim": 24, "slice_names": ["corner"]} | keywords),
        max_epochs=1,
        augment=None,
        accelerator="cpu",
    )
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, S)


def test_it_says_when_it_is_not_fitted():
    with pytest.raises(ValueError, match="call fit first"):
        SliceAwareClassifier(body(), 24, []).predict(np.zeros((1, 1, 2)))


def test_balanced_draws_leave_the_gates_shut_for_strangers():
    """Members weighed by how rare they are and drawn more often too: then everyone looks like one."""
    x, y, S = flipped(0, 1500, rate=0.02)
    model = SliceAwareClassifier(
        body(), 24, ["corner"], max_epochs=15, learning_rate=0.01, batch_size=128, patience=None, augment=None,
        accelerator="cpu",
    ).fit(x, y, S)  # fmt: skip
    new_x, new_y, new_S = flipped(1, 3000, rate=0.02)
    scores = model.score_slices(new_x, new_y, new_S)
    assert scores["corner"]["accuracy"] > 0.8
    assert scores["overall"]["accuracy"] > 0.96
    features = torch.as_tensor(model.model_.embed(new_x)).float()
    with torch.no_grad():
        gates = model.model_.network_.head.attention(features)[:, 1].numpy()
    assert gates[~new_S["corner"]].mean() < 0.1


def test_experts_that_cannot_see_their_slice_are_named_and_left_out():
    x, y, S = flipped(0, 1500)
    S = {**S, "written": np.random.default_rng(3).random(1500) < 0.2}
    dev_x, dev_y, dev_S = flipped(1, 800)
    dev_S = {"written": np.random.default_rng(4).random(800) < 0.2, **dev_S}
    model = SliceAwareClassifier(
        body(), 24, ["corner", "written"], max_epochs=8, learning_rate=0.01, augment=None, accelerator="cpu"
    )
    model.fit(x, y, S, validation=(dev_x, dev_y), validation_slices=dev_S)
    assert model.areas_["corner"] > 0.8
    assert model.areas_["written"] < 0.6
    assert model.model_.network_.head.active.tolist() == [True, False]
    with pytest.raises(ValueError, match="without validation rows"):
        model.fit(x, y, S, validation_slices=dev_S)


def test_findings_that_do_not_exclude_one_another():
    x, y, S = flipped(0, 400)
    labels = np.column_stack([y, x[:, 0, 1] > 0]).astype(float)
    model = SliceAwareClassifier(
        body(),
        24,
        ["corner"],
        multi_label=True,
        max_epochs=12,
        learning_rate=0.01,
        augment=None,
        accelerator="cpu",
    ).fit(x, labels, S)
    assert np.mean(model.predict(x) == labels) > 0.9
