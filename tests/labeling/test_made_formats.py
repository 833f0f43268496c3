"""The script that makes exports in rare forms: all are read back whole, and it notices when one is not."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytest.importorskip("pydicom", reason="the DICOM reader is not installed")

FILE = Path(__file__).parents[2] / "benchmarks" / "make_formats.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_formats", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(script, monkeypatch, out, n=14):
    monkeypatch.setattr(sys, "argv", [str(FILE), "--out", str(out), "--notes", str(n)])
    return script.main()


def test_every_form_is_read_back_and_comes_out_the_same_twice(script, monkeypatch, tmp_path, capsys):
    assert run(script, monkeypatch, tmp_path / "a") == run(script, monkeypatch, tmp_path / "b") == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 * len(script.WRITERS)
    assert all("14 written, 14 read back" in line for line in told)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert {file.parts[0] for file in files} == set(script.WRITERS)
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


@pytest.mark.parametrize("name", ["fhir_bundle", "csv_zstd", "omop_note", "dicom"])
def test_a_lost_note_is_noticed(script, monkeypatch, tmp_path, name, capsys):
    whole = script.WRITERS[name]
    monkeypatch.setattr(script, "WRITERS", {name: lambda notes, folder: whole(notes[1:], folder)})
    assert run(script, monkeypatch, tmp_path / "out") == 1
    assert "14 written" in capsys.readouterr().out
