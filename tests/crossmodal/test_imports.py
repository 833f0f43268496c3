import subprocess
import sys

import pytest

import sidelight.crossmodal as crossmodal

BLOCK = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "lightning", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_without_torch_all_but_training_works_and_training_says_what_to_install():
    done = run(
        BLOCK
        + "from sidelight.crossmodal import SignalSet, link, patient_split, compare_scores, fit_temperature\n"
        "print(patient_split(['a', 'b']).counts())\n"
        "from sidelight.crossmodal import CrossModalClassifier\n"
    )
    assert done.stdout.startswith("{'train'")
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith('CrossModalClassifier needs torch and lightning: pip install "sidelight[train]"')
    assert "MissingTrainingError" in last


@pytest.mark.parametrize(
    "command", ["train labels.parquet --signals s.npz --out b", "predict b s.npz --out p.csv"]
)
def test_without_torch_the_command_line_says_what_to_install(command, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{BLOCK}\nfrom sidelight.apps.cli.main import main\nsys.exit(main({command.split()}))",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith('needs torch and lightning: pip install "sidelight[train]"')
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_importing_the_folder_loads_neither_torch_nor_pandas():
    done = run(
        "import sys, sidelight.crossmodal\n"
        "print([name for name in ('torch', 'lightning', 'pandas', 'spacy', 'streamlit') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_every_public_name_is_there():
    for name in crossmodal.__all__:
        assert getattr(crossmodal, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = crossmodal.nothing
