"""What a project may declare of its studies and sources: ids of their own, several files, annotators, no network at all."""

import json
import shutil

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.monitor import monitor
from sidelight.apps.project.runs import find_run
from sidelight.crossmodal import Predictions, SignalSet, load_bundle

WITHOUT_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from sidelight.apps.project import run_project
print(run_project(sys.argv[1]).number)
"""


def test_studies_may_have_ids_of_their_own_and_lie_in_several_files(home, declare, tmp_path):
    plain = run_project(home)
    other = shutil.copytree(home, tmp_path / "other", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    head, *lines = (other / "notes.csv").read_text().splitlines()
    numbered = [f"{line},{1000 + row}" for row, line in enumerate(lines)]
    (other / "notes.csv").write_text("\n".join([f"{head},study_uid", *numbered]) + "\n")
    signals = SignalSet.read(other / "signals.npz")
    (other / "signals.npz").unlink()
    for part, rows in {"a": slice(0, 90), "b": slice(90, 160)}.items():
        np.savez(
            other / f"waves-{part}.npz", id=np.arange(1000, 1160)[rows], signals_mv=signals.stored[rows],
            lead_names=np.array(["I", "II"]), sampling_hz=np.array(100.0),
        )  # fmt: skip
    declare(('path = "signals.npz"', 'path = "waves-*.npz"\nstudy = "study_uid"'), at=other)
    run = run_project(other)
    old, new = (Predictions.read(r.step("train:state") / "predictions.parquet") for r in (plain, run))
    np.testing.assert_allclose(old.proba, new.proba, atol=1e-6)
    assert new.ids[0] == "1000"
    assert [f["file"] for f in load_bundle(run.folder / "bundle/state").lineage["target"]] == [
        "waves-a.npz",
        "waves-b.npz",
    ]
    found = monitor(load_project(other), other / "notes.csv", studies={"waves": other / "waves-a.npz"})
    assert {
        row.n_new for row in found.comparison.rows if row.name == "waves amplitude" and not row.slice
    } == {90}


def test_records_of_one_study_are_counted_and_left_out(home, declare):
    head, *lines = (home / "notes.csv").read_text().splitlines()
    numbered = [f"{line},n{max(row, 2)}" for row, line in enumerate(lines)]
    (home / "notes.csv").write_text("\n".join([f"{head},study_uid", *numbered]) + "\n")
    declare(('path = "signals.npz"', 'path = "signals.npz"\nstudy = "study_uid"'))
    run = run_project(home)
    figures = {m["metric"]: m["value"] for m in run.metrics() if m["step"] == "train:state"}
    assert figures["records that share a study"] == 3
    assert figures["linked"] == 157


def test_studies_of_other_kinds_in_one_payload_are_refused(home, declare, capsys):
    declare(('path = "signals.npz"', 'path = "waves-*.npz"'))
    for name, n_leads in (("waves-a.npz", 2), ("waves-b.npz", 3)):
        np.savez(home / name, id=np.array([f"n{n_leads}"]), signals_mv=np.ones((1, n_leads, 64), np.float32))
    assert main(["run", "--project", str(home)]) == 3
    assert "waves-b.npz: holds other signals" in capsys.readouterr().err


def test_annotators_and_older_labels_keep_their_lineage(home, declare):
    older = '\n[sources.registry]\ntask = "state"\nlabels = "registry.csv"\ncolumn = "code"\nauthor = "harbour"\ntags = ["2019"]\nmap = {"1" = "wild", "2" = "calm"}\n\n[slices.own]'
    declare(("[slices.own]", older.lstrip()))
    rows = [f"n{row},{1 + row % 2}" for row in range(0, 160, 3)]
    (home / "registry.csv").write_text("id,code\n" + "\n".join(rows) + "\n")
    run = run_project(home, select=[])
    told = {row["name"]: row for row in json.loads((run.folder / "functions/state.json").read_text())}
    assert (told["registry"]["author"], told["registry"]["tags"]) == ("harbour", ["2019"])
    assert told["registry"]["coverage"] == pytest.approx(len(rows) / 160)
    assert told["says_calm"]["source"] == "rules"
    assert find_run(load_project(home)).number == run.number


def test_a_project_that_trains_no_network_needs_no_torch(home, declare, in_another_process):
    declare(('target = "waves"\n', ""))
    done = in_another_process(WITHOUT_TORCH, home)
    assert done.stdout.strip() == "0001", done.stderr
