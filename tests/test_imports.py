"""What an import costs, and what it must not load."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "torch",
    "lightning",
    "spacy",
    "pandas",
    "streamlit",
    "matplotlib",
    "sklearn",
    "sqlalchemy",
    "IPython",
)


def run(code, folder):
    """Run code in a fresh process in `folder`, as `python script.py` would, and return what it printed."""
    script = Path(folder) / "script.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "statement",
    [
        "import sidelight",
        "import sidelight.labeling",
        "import sidelight.label_model",
        "from sidelight.labeling import LFApplier, keyword_lf, read",
        "from sidelight.label_model import LabelModel, MajorityLabelVoter",
    ],
)
def test_an_import_loads_nothing_heavy(tmp_path, statement):
    loaded = run(f"{statement}\nimport sys\nprint(*sys.modules)", tmp_path)
    assert {name.partition(".")[0] for name in loaded} & set(HEAVY) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from sidelight.slicing import slicing_function, audit",
        "import sidelight.crossmodal",
    ],
)
def test_slicing_and_linking_need_no_torch(tmp_path, statement):
    loaded = run(f"{statement}\nimport sys\nprint(*sys.modules)", tmp_path)
    assert {name.partition(".")[0] for name in loaded} & {"torch", "lightning", "spacy", "streamlit"} == set()


def test_a_users_own_files_named_like_our_folders_break_nothing(tmp_path):
    for name in ("labeling", "label_model", "crossmodal", "slicing", "apps", "votes", "record", "schema"):
        (tmp_path / f"{name}.py").write_text("MINE = True\n")
    code = (
        "import labeling, label_model, schema\n"
        "from sidelight.labeling import LFApplier, keyword_lf\n"
        "from sidelight.label_model import MajorityLabelVoter\n"
        "votes = LFApplier([keyword_lf('k', ['a'], 1)]).apply(['a', 'b'])\n"
        "print(labeling.MINE, label_model.MINE, schema.MINE, MajorityLabelVoter().fit(votes).predict(votes).tolist())\n"
    )
    assert run(code, tmp_path) == ["True", "True", "True", "[1,", "-1]"]


def test_labels_from_votes_in_a_few_lines_need_no_torch(tmp_path):
    code = (
        "import sys\n"
        "from sidelight.labeling import LFApplier, keyword_lf, write_votes, read_votes\n"
        "from sidelight.label_model import LabelModel\n"
        "lfs = [keyword_lf(w, [w], v) for w, v in (('a', 0), ('b', 1), ('c', 1))]\n"
        "votes = LFApplier(lfs).apply(['a', 'b c', 'a b', 'c', 'b', ''] * 20)\n"
        "write_votes(votes, 'votes')\n"
        "print(LabelModel().fit(read_votes('votes')).predict_proba(votes).shape)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    printed = run(code, tmp_path)
    assert printed[:2] == ["(120,", "2)"]
    assert not set(printed) & (set(HEAVY) - {"pandas"})  # Arrow may load pandas, which is always there


def seconds_of_help(folder):
    """Return the processor seconds `sidelight --help` takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "import sys; from sidelight.apps.cli.main import main; sys.exit(main(['--help']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "sidelight" in done.stdout
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_needs_under_a_third_of_a_second(tmp_path):
    assert min(seconds_of_help(tmp_path) for _ in range(3)) < 0.3


def test_help_of_what_is_public_can_be_read(tmp_path):
    code = (
        "import importlib, pydoc\n"
        "for package in ('labeling', 'label_model', 'crossmodal', 'slicing'):\n"
        "    package = importlib.import_module('sidelight.' + package)\n"
        "    for name in package.__all__:\n"
        "        if 'numpy._typing' in pydoc.render_doc(getattr(package, name), renderer=pydoc.plaintext):\n"
        "            print(f'{package.__name__}.{name}')\n"
    )
    assert run(code, tmp_path) == []
