"""Monitoring: planted changes raise the alarms that name them, and chance alone raises almost none."""

import json
import shutil

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.apps.project import load_project, run_project
from sidelight.apps.project.drift import _gates, compare
from sidelight.apps.project.monitor import monitor
from sidelight.apps.project.profile import Profile, Quantity
from sidelight.apps.project.runs import find_run
from sidelight.labeling import UsageError


@pytest.fixture(scope="module")
def home(sea, tmp_path_factory):
    home = sea.write(tmp_path_factory.mktemp("monitor") / "sea", n=300)
    run_project(home)
    return home


def families(home, export, **studies):
    found = monitor(load_project(home), home / export, studies={k: home / v for k, v in studies.items()})
    return set(found.by_family()), found


def test_records_like_the_old_ones_raise_no_alarm(home, sea):
    states = sea.notes(home / "same.csv", 200, seed=8)
    sea.signals(home / "same.npz", states, seed=5)
    found, result = families(home, "same.csv", waves="same.npz")
    assert found == set()
    assert result.comparison.n_tests > 50


def test_a_new_template_of_notes_is_noticed_in_words_and_shape(home, sea):
    sea.notes(home / "template.csv", 200, seed=8, template="EXAM: BOAT TRIP. FINDINGS: {} END OF REPORT")
    found, result = families(home, "template.csv")
    assert {"text", "words"} <= found
    assert "columns" not in found
    assert {row.name for row in result.by_family()["text"]} >= {"words", "capitals", "punctuation"}


def test_a_changed_device_is_noticed_in_signals_and_columns_and_not_in_texts(home, sea):
    states = sea.notes(home / "device.csv", 200, seed=8, boats=("sloop", "ketch"))
    sea.signals(home / "device.npz", states, gain=1.6, seed=5)
    found, result = families(home, "device.csv", waves="device.npz")
    assert {"signals", "columns"} <= found
    assert not {"text", "words", "votes", "labels"} & found
    assert {"boat = ketch", "boat = yawl"} <= {row.name for row in result.by_family()["columns"]}


def test_a_shifted_prevalence_is_noticed_in_votes_and_labels(home, sea):
    sea.notes(home / "wild.csv", 200, seed=8, wild=0.85)
    found, result = families(home, "wild.csv")
    assert {"votes", "labels"} <= found
    assert not {"columns", "coverage", "slices"} & found
    sources = {row.source for row in result.by_family()["votes"]}
    assert sources == {"rules"}
    assert {row.slice for row in result.by_family()["labels"]} >= {"", "old"}


def halves_that_alarm(profile, n_repeats, **settings):
    random = np.random.default_rng(0)
    patients = np.unique(profile.patients)
    alarms = 0
    for repeat in range(n_repeats):
        first = np.isin(profile.patients, random.permutation(patients)[: len(patients) // 2])
        alarms += bool(compare(profile.take(first), profile.take(~first), seed=repeat, **settings).alarms)
    return alarms


def test_random_halves_hardly_ever_alarm(home):
    run = find_run(load_project(home))
    profile = Profile.read(run.step("profile") / "profile.parquet")
    assert halves_that_alarm(profile, 15, n_draws=500) <= 1


@pytest.mark.slow
def test_of_a_hundred_random_halves_five_alarm_at_most(home):
    run = find_run(load_project(home))
    profile = Profile.read(run.step("profile") / "profile.parquet")
    assert halves_that_alarm(profile, 100) <= 5


def made(n, rate, seed, per_patient=1):
    """Return a profile of one share whose records of a patient are all alike."""
    random = np.random.default_rng(seed)
    patients = np.arange(n) // per_patient
    hits = (random.random(patients.max() + 1) < rate)[patients]
    return Profile((Quantity("votes", "f"),), [hits.astype(float)], {}, patients)


def test_records_of_one_patient_do_not_count_twice():
    many = [
        bool(compare(made(200, 0.3, s, 10), made(200, 0.3, s + 99, 10), seed=s).alarms) for s in range(40)
    ]
    assert sum(many) <= 2


def test_few_tests_do_not_pay_for_many_others():
    random = np.random.default_rng(3)
    noise = [(random.random(300) < 0.3).astype(float) for _ in range(400)]
    shift = np.r_[np.arange(150) % 20 < 5, np.arange(150) % 20 < 8].astype(float)  # 25 %, then 40 %

    def half(rows, n_words):
        words = tuple(Quantity("words", f"w{number}") for number in range(n_words))
        columns = [shift[rows], *(column[rows] for column in noise[:n_words])]
        return Profile((Quantity("labels", "ill"), *words), columns, {}, np.arange(150))

    first, second = np.arange(150), np.arange(150, 300)
    alone, beside = (compare(half(first, n), half(second, n)) for n in (0, 400))
    assert [row.family for row in beside.alarms] == ["labels"]
    assert alone.rows[0].p < beside.rows[0].p < 2.5 * alone.rows[0].p


def test_gates_step_down_and_never_fall():
    p = np.array([[0.2, 0.4, 0.4], [0.4, 0.2, 1.0], [0.6, 0.6, 0.8], [0.8, 0.8, 0.2], [1.0, 1.0, 0.6]])
    np.testing.assert_allclose(_gates(p), [0.6, 0.6, 0.6])
    p = np.array([[0.2, 0.6], [0.4, 0.2], [0.6, 0.4], [0.8, 0.8], [1.0, 1.0]])
    np.testing.assert_allclose(_gates(p), [0.4, 0.6])


def test_what_is_too_rare_is_not_judged_and_what_is_small_is_below_the_margin():
    [row] = compare(made(100, 0.02, 1), made(100, 0.02, 2)).rows
    assert row.verdict == "not assessable"
    [row] = compare(made(4000, 0.2, 1), made(4000, 0.3, 2), margin=0.2).rows
    assert row.verdict == "below margin"
    assert row.p < 0.01


def test_a_profile_holds_no_words_and_no_ids(home):
    run = find_run(load_project(home))
    content = (run.step("profile") / "profile.parquet").read_bytes()
    assert b"gale" not in content
    profile = Profile.read(run.step("profile") / "profile.parquet")
    assert profile.patients.dtype.kind == "i"


def test_a_network_is_compared_on_patients_it_did_not_learn_from(home):
    run = find_run(load_project(home))
    profile = Profile.read(run.step("profile") / "profile.parquet")
    known = [c for q, c in zip(profile.quantities, profile.columns, strict=True) if q.family == "predictions"]
    n_test = run.read_json("records", "records.json")["parts"]["test"]
    assert {int((~np.isnan(column)).sum()) for column in known} == {n_test}


def test_annotators_do_not_make_old_labels_look_surer_than_new_ones(sea, tmp_path):
    home = sea.write(tmp_path / "sea", n=300)
    text = (home / "sidelight.toml").read_text().replace('target = "waves"\n', "")
    (home / "sidelight.toml").write_text(text)
    states = sea.notes(home / "notes.csv", 300)
    lines = [f"n{row},{'wild' if state else 'calm'}" for row, state in enumerate(states)]
    (home / "anna.csv").write_text("id,label\n" + "\n".join(lines) + "\n")
    run_project(home)
    sea.notes(home / "same.csv", 200, seed=8)
    assert families(home, "same.csv")[0] == set()


def test_a_column_that_turns_from_numbers_to_words_is_noticed(home):
    lines = (home / "notes.csv").read_text().splitlines()
    cells = [line.split(",", 3) for line in lines[1:]]
    rows = [",".join([n, p, "old" if int(age) > 55 else "young", rest]) for n, p, age, rest in cells]
    (home / "turned.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    text = (home / "sidelight.toml").read_text()
    (home / "turned.toml").write_text(text.replace('[slices.old]\ncolumn = "age"\nat_least = 60\n', ""))
    found = monitor(load_project(home / "turned.toml"), home / "turned.csv")
    assert {"age = old", "age = young"} <= {row.name for row in found.comparison.alarms}


def test_the_command_writes_both_files_and_ends_with_one_on_alarm(home, sea, tmp_path, capsys):
    sea.notes(home / "cli.csv", 200, seed=8, wild=0.9)
    arguments = ["monitor", str(home / "cli.csv"), "--project", str(home), "--out", str(tmp_path / "m")]
    assert main([*arguments, "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["alarm"]
    assert "differ from run 0001" in captured.err
    content = json.loads((tmp_path / "m" / "monitor.json").read_text())
    assert content["alarm"]
    assert content["means"]["labels"].startswith("classes are given in other proportions")
    page = (tmp_path / "m" / "monitor.html").read_text()
    assert "Something changed" in page
    assert "<script" not in page
    sea.notes(home / "calm.csv", 200, seed=8)
    assert main(["monitor", str(home / "calm.csv"), "--project", str(home)]) == 0
    assert "0 alarms" in capsys.readouterr().out


def test_a_wrong_payload_or_column_is_named(home, tmp_path):
    project = load_project(home)
    with pytest.raises(UsageError, match="no signal or image payload 'wave'"):
        monitor(project, home / "notes.csv", studies={"wave": home / "signals.npz"})
    text = (home / "notes.csv").read_text().replace("boat", "ship", 1)
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UsageError, match=r"monitors\.columns: the export has no column 'boat'"):
        monitor(project, tmp_path / "x.csv")


def test_without_a_run_there_is_nothing_to_compare_with(home, tmp_path):
    fresh = shutil.copytree(home, tmp_path / "fresh", ignore=shutil.ignore_patterns(".sidelight", "runs"))
    with pytest.raises(UsageError, match="there is no run yet"):
        monitor(load_project(fresh), fresh / "notes.csv")
