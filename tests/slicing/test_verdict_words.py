"""What one sentence may say of all slices: a slice that only some metrics can be told of is no slice assessed."""

import numpy as np

from sidelight.slicing import audit


def test_a_slice_assessed_by_some_metrics_only_is_said_to_be_so(tmp_path):
    random = np.random.default_rng(0)
    y = (random.random(400) < 0.5).astype(int)
    ill = np.zeros(400, dtype=bool)
    ill[np.flatnonzero(y == 1)[:60]] = True  # sixty positive records and no negative one: no AUROC
    score = (0.3 + 0.4 * y + random.normal(0, 0.2, 400)).clip(0, 1)
    report = audit(y, score, {"ill": ill, "odd": np.arange(400) % 2 == 1}, metrics=["auroc", "sensitivity"])
    assert report.partly_assessed == ("ill",)
    assert report.verdict.endswith("1 could be assessed by some metrics only.")
    page = report.to_html(tmp_path / "audit.html").read_text()
    assert "1 by some metrics only" in page
    assert "all slices could be assessed" not in page
