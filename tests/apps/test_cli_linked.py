"""`sidelight fit --linked`: labels of several tasks whose answers rule each other out."""

import json

import numpy as np
import pytest

from sidelight.apps.cli.main import main
from sidelight.label_model import Labels, MultiTaskLabelModel
from sidelight.labeling import FunctionInfo, LabelSchema, VoteMatrix, write_votes

FINDING, SIDE = LabelSchema(("absent", "present")), LabelSchema(("none", "left", "right"))
LINKS = """
[[never]]
effusion = "absent"
side = ["left", "right"]

[[never]]
effusion = "present"
side = "none"
"""


def written(place, name, schema, values, ids):
    functions = tuple(FunctionInfo(f"{name}_{j}") for j in range(values.shape[1]))
    write_votes(VoteMatrix(values.astype(np.int8), schema, functions, ids=ids), place / name)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Votes on two tasks: of the first 100 records no function speaks of the side, and of the last 5 of nothing."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    ids = np.array([f"r{row}" for row in range(600)])
    for name, schema, right in (("effusion", FINDING, truth > 0), ("side", SIDE, truth)):
        k = schema.cardinality
        wrong = (np.asarray(right, dtype=int)[:, None] + rng.integers(1, k, (600, 4))) % k
        values = np.where(rng.random((600, 4)) < 0.75, np.asarray(right, dtype=int)[:, None], wrong)
        values[rng.random((600, 4)) < 0.3] = -1
        values[595:] = -1
        if name == "side":
            values[:100] = -1
        written(tmp_path, name, schema, values, ids)
    (tmp_path / "links.toml").write_text(LINKS)
    return tmp_path


def test_each_task_gets_a_table_and_no_two_labels_contradict_each_other(place, capsys):
    command = ["fit", "effusion", "side", "--linked", "links.toml", "--out", "labels"]
    assert main([*command, "--model-out", "model", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    effusion, side = (Labels.read(f"labels/{task}.parquet") for task in ("effusion", "side"))
    both = (effusion.label >= 0) & (side.label >= 0)
    assert both.sum() > 450
    np.testing.assert_array_equal(effusion.label[both] == 0, side.label[both] == 0)
    assert told["tasks"]["side"]["covered"] == int(side.covered.sum())
    assert told["tasks"]["effusion"]["labels that the links changed"] > 0
    assert told["tasks"]["side"]["labels"] == "labels/side.parquet"
    assert set(told["tasks"]["side"]["accuracies"]) == {f"side_{j}" for j in range(4)}
    assert [entry["classes"] for entry in told["combinations"]] == [
        {"effusion": "absent", "side": "none"},
        {"effusion": "present", "side": "left"},
        {"effusion": "present", "side": "right"},
    ]
    model = MultiTaskLabelModel.load("model")
    assert model.frequency_.tolist() == [entry["share"] for entry in told["combinations"]]
    assert main(["export", "labels/side.parquet", "--to", "label-studio", "--out", "side.json"]) == 0
    made = [
        task["predictions"] for task in json.loads((place / "side.json").read_text()) if "predictions" in task
    ]
    assert {len(prediction["model_version"]) for predictions in made for prediction in predictions} == {22}
    assert main(command) == 2, "the folder is there already"
    assert main([*command, "--overwrite"]) == 0
    said = capsys.readouterr().out
    assert "side: learned accuracies" in said
    assert "Combinations that can be: 3" in said


def test_votes_on_one_task_label_another_as_far_as_they_tell(place):
    assert main(["fit", "effusion", "side", "--linked", "links.toml", "--out", "labels"]) == 0
    effusion, side = (Labels.read(f"labels/{task}.parquet") for task in ("effusion", "side"))
    silent = np.arange(100)
    absent = silent[effusion.label[:100] == 0]
    present = silent[effusion.label[:100] == 1]
    assert len(absent) > 10
    assert (side.label[absent] == 0).all()
    assert side.covered[absent].all()
    assert len(present) > 10
    assert (side.label[present] == -1).all(), "that there is one says nothing of its side"
    assert not side.covered[present].any()
    assert (side.proba[present, 0] < 0.5).all()
    for labels in (effusion, side):
        assert not labels.covered[595:].any()
        assert (labels.label[595:] == -1).all()
        np.testing.assert_allclose(labels.proba[595:], [labels.lineage["class_balance"]] * 5)


def test_records_in_another_order_are_matched_by_id(place):
    command = ["fit", "effusion", "side", "--linked", "links.toml", "--out"]
    assert main([*command, "labels"]) == 0
    from sidelight.labeling import read_votes

    moved = read_votes("side").take_rows(np.arange(600)[::-1])
    write_votes(moved, place / "other/side")
    assert main(["fit", "effusion", "other/side", "--linked", "links.toml", "--out", "again"]) == 0
    for task in ("effusion", "side"):
        one, two = (Labels.read(f"{folder}/{task}.parquet") for folder in ("labels", "again"))
        assert one.ids.tolist() == two.ids.tolist()
        np.testing.assert_allclose(one.proba, two.proba, atol=1e-9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "links.toml: cannot be read"),
        ("never = [", "links.toml: is no TOML"),
        ("[tasks]\nside = 1", "links.toml: tasks: no such key; it has [[never]] alone"),
        ("", "links.toml: never: needs at least one [[never]]"),
        ("never = 3", "links.toml: never: needs at least one [[never]]"),
        ('[[never]]\nside = "left"', "links.toml: never[1]: names classes of two tasks or more"),
        (LINKS + '[[never]]\nsid = "left"\neffusion = "absent"', "never[3].sid: no such task; did you mean 'side'?"),
        (
            '[[never]]\nside = "lft"\neffusion = "absent"',
            "links.toml: never[1].side: no class 'lft'; did you mean 'left'?",
        ),
        ("[[never]]\nside = 1\neffusion = 'absent'", "never[1].side: is a class or a list of classes"),
        ("[[never]]\nside = []\neffusion = 'absent'", "never[1].side: is a class or a list of classes"),
        (
            '[[never]]\nside = ["none", "left"]\neffusion = "present"\n[[never]]\nside = "right"\neffusion = "present"',
            "no feasible combination has 'present' for effusion",
        ),
        (
            '[[never]]\nside = ["none", "left", "right"]\neffusion = ["absent", "present"]',
            "links.toml: no combination of classes is left",
        ),
    ],
)  # fmt: skip
def test_a_file_of_links_that_cannot_be_names_file_and_field(place, content, said, capsys):
    (place / "links.toml").unlink()
    if content is not None:
        (place / "links.toml").write_text(content)
    assert main(["fit", "effusion", "side", "--linked", "links.toml", "--out", "labels"]) == 3
    assert said in capsys.readouterr().err
    assert not (place / "labels").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["effusion"], "at least two tasks"),
        (["effusion", "effusion"], "two folders are called effusion"),
        (["effusion", "short/side"], "0 are in side alone, 100 in effusion alone"),
        (["effusion", "nameless/side"], "the votes of side carry no record ids"),
        (["effusion", "side", "--model", "majority"], "--linked goes without --model majority"),
        (["effusion", "side", "--class-balance", "none=1"], "--linked goes without --class-balance"),
        (["effusion", "side", "--gold", "g.csv", "--gold-column", "c"], "--linked goes without --gold"),
    ],
)
def test_what_does_not_go_with_links_is_wrong_usage(place, arguments, said, capsys):
    rows = np.zeros((500, 3))
    written(place / "short", "side", SIDE, rows, np.array([f"r{row}" for row in range(500)]))
    written(place / "nameless", "side", SIDE, np.zeros((600, 3)), None)
    assert main(["fit", *arguments, "--linked", "links.toml", "--out", "labels"]) == 2
    assert said in capsys.readouterr().err
    assert not (place / "labels").exists()


@pytest.mark.parametrize(
    ("out", "model", "said"),
    [
        ("both", "both", "--out both would replace both"),
        ("kept/labels", "kept", "--model-out kept would replace kept/labels"),
        ("effusion", "model", "--out effusion would replace effusion"),
        ("labels", ".", "--model-out . would replace effusion"),
        ("links.toml", "model", "--out links.toml would replace links.toml"),
    ],
)
def test_what_is_read_and_what_is_written_are_not_written_over(place, out, model, said, capsys):
    command = ["fit", "effusion", "side", "--linked", "links.toml", "--out", out, "--model-out", model]
    assert main([*command, "--overwrite"]) == 2
    assert said in capsys.readouterr().err
    assert {path.name for path in place.iterdir()} == {"effusion", "side", "links.toml"}
    assert (place / "effusion/manifest.json").exists()


def test_a_file_of_links_may_come_from_windows(place):
    (place / "links.toml").write_bytes(b"\xef\xbb\xbf" + LINKS.replace("\n", "\r\n").encode())
    assert main(["fit", "effusion", "side", "--linked", "links.toml", "--out", "labels"]) == 0


def test_links_want_a_place_for_the_labels(place, capsys):
    assert main(["fit", "effusion", "side", "--linked", "links.toml", "--model-out", "model"]) == 2
    assert "--linked wants --out FOLDER" in capsys.readouterr().err


def test_a_task_of_two_functions_is_named_where_its_accuracies_are_assumed(place, capsys):
    written(place / "few", "side", SIDE, np.full((600, 2), 1), np.array([f"r{row}" for row in range(600)]))
    assert main(["fit", "effusion", "few/side", "--linked", "links.toml", "--out", "labels"]) == 0
    said = capsys.readouterr()
    assert "warning: side: 2 function(s) that ever vote" in said.err
    assert said.out.count("0.700, assumed") == 2
