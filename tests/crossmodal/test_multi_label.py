import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sidelight.crossmodal import (
    Batch,
    BinaryCrossEntropy,
    Predictions,
    as_multi_label,
    export_onnx,
    load_bundle,
    save_bundle,
)
from sidelight.labeling import LabelSchema
from sidelight.labeling.statistics import auroc

SCHEMA = LabelSchema(("fast", "tall"), task="findings")


@pytest.fixture
def findings(two_views):
    """Signals with two findings of which either, both or none are present."""
    fast, _, signals = two_views(500)
    tall = np.random.default_rng(5).integers(0, 2, 500)
    return signals * (1 + 2 * tall[:, None, None]), np.stack([fast, tall], axis=1).astype(float)


def test_each_finding_is_learned_by_itself(findings, quick):
    signals, labels = findings
    model = quick(multi_label=True, max_epochs=12).fit(
        signals[:350], labels[:350], validation=(signals[350:400], labels[350:400])
    )
    proba = model.predict_proba(signals[400:])
    assert [auroc(labels[400:, k], proba[:, k]) > 0.85 for k in (0, 1)] == [True, True]
    assert not np.allclose(proba.sum(axis=1), 1)
    assert (model.predict(signals[400:]) == (proba > 0.5)).all()


def test_findings_nobody_spoke_of_teach_nothing(findings, quick):
    signals, labels = findings
    covered = np.random.default_rng(0).random(labels.shape) < 0.7
    lies = np.where(covered, labels, 1 - labels)
    models = [
        quick(multi_label=True, max_epochs=2).fit(signals, given, mask)
        for given, mask in ((lies, covered), (labels, covered), (np.where(covered, labels, -1), None))
    ]
    first, *others = [model.predict_logits(signals[:20]) for model in models]
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_loss_is_the_mean_over_known_findings_and_gives_no_gradient_to_the_others():
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 3, generator=draw, requires_grad=True)
    target = torch.rand(5, 3, generator=draw)
    target[1, 2] = target[3, 0] = torch.nan
    target[4] = torch.nan
    batch = Batch(torch.zeros(5, 1, 1), target, torch.tensor([1.0, 1, 1, 1, 0]), torch.arange(5))
    loss = BinaryCrossEntropy([1.0, 2.0, 1.0])(logits, batch)
    loss.backward()
    known = ~torch.isnan(target)
    assert (logits.grad[~known] == 0).all()
    assert (logits.grad[known] != 0).all()
    terms = F.binary_cross_entropy_with_logits(
        logits.detach(), target.nan_to_num(), pos_weight=torch.tensor([1.0, 2.0, 1.0]), reduction="none"
    )
    rows = [terms[row][known[row]].mean() for row in range(4)]
    torch.testing.assert_close(loss.detach(), torch.stack(rows).mean())


def test_bundle_table_and_onnx_know_several_findings(findings, quick, tmp_path):
    pytest.importorskip("onnxscript")
    signals, labels = findings
    model = quick(multi_label=True).fit(signals, labels, validation=(signals, labels))
    bundle = load_bundle(save_bundle(tmp_path / "bundle", model, SCHEMA))
    np.testing.assert_allclose(bundle.predict_proba(signals), model.predict_proba(signals), atol=1e-6)
    table = bundle.predict(signals)
    table.write(tmp_path / "p.parquet")
    again = Predictions.read(tmp_path / "p.parquet")
    assert table.to_table().column_names == ["id", "p_fast", "p_tall", "label_fast", "label_tall"]
    assert (again.label == model.predict(signals)).all()
    assert again.counts() == {"fast": int(again.label[:, 0].sum()), "tall": int(again.label[:, 1].sum())}
    assert export_onnx(bundle, tmp_path / "m.onnx") < 1e-5


@pytest.mark.parametrize(
    ("labels", "covered", "message"),
    [
        ([0, 1], None, "n_records, n_findings"),
        ([[0.5, 2.0]], None, r"labels\[0, 1\] is no probability"),
        ([[0, 1]], [1, 1], "covered has shape"),
    ],
)
def test_what_are_no_findings_is_refused(labels, covered, message):
    with pytest.raises(ValueError, match=message):
        as_multi_label(labels, covered)


def test_losses_for_classes_that_exclude_each_other_are_refused(findings, quick):
    with pytest.raises(ValueError, match="exclude each other"):
        quick(multi_label=True, loss="symmetric-cross-entropy").fit(*findings)
