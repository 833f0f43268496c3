"""A run logged to MLflow: settings, figures and files, once, and no word of a record."""

import json
import shutil
import sys

import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.mlflow_log import figures, log_run
from sidelight.apps.project.runs import find_run
from sidelight.labeling import InputError

CANARY = "zqxcanary"


@pytest.fixture(scope="module")
def home(sea, tmp_path_factory):
    home = sea.write(tmp_path_factory.mktemp("mlflow") / "sea", canary=CANARY, n=120)
    run_project(home)
    return home


def test_figures_have_names_that_tell_part_and_slice(home):
    found = dict(figures(find_run(load_project(home))))
    assert found["records/records"] == 120
    assert 0 <= found["audit/state/network/test/old/auroc"] <= 1
    assert found["fit/state/covered"] == pytest.approx(0.8, abs=0.2)


@pytest.mark.filterwarnings("ignore")
def test_a_run_is_logged_once_with_settings_figures_and_files(home, tmp_path, capsys):
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    from mlflow.tracking import MlflowClient

    store = tmp_path / "mlruns"
    assert main(["run", "--project", str(home), "--mlflow", str(store)]) == 0
    assert "MLflow run" in capsys.readouterr().err
    run = find_run(load_project(home))
    logged = log_run(run, str(store))
    client = MlflowClient(tracking_uri=store.as_uri())
    [number] = [e.experiment_id for e in client.search_experiments() if e.name == "sea"]
    [there] = client.search_runs([number])
    assert there.info.run_id == logged
    assert there.data.params["tuning.max_epochs"] == "1"
    assert there.data.metrics == pytest.approx(dict(figures(run)))
    assert {f.path for f in client.list_artifacts(logged)} >= {"report.html", "manifest.json", "bundle"}
    assert [
        path for path in store.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ] == []


@pytest.mark.filterwarnings("ignore")
def test_a_store_that_cannot_be_written_is_named(home, tmp_path):
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="MLflow does not take the run"):
        log_run(find_run(load_project(home)), str(tmp_path / "file"))


def test_without_mlflow_the_run_is_done_and_the_message_says_what_to_install(
    home, tmp_path, monkeypatch, capsys
):
    copy = shutil.copytree(home, tmp_path / "sea")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.setitem(sys.modules, "mlflow.entities", None)
    assert main(["run", "--project", str(copy), "--mlflow", str(tmp_path / "m"), "--json"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["run"] == "0001"
    assert "pip install mlflow-skinny" in shown.err
