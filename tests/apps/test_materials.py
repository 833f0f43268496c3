"""The bill of materials lists what is installed; a wheelhouse installs offline, and not when a byte was changed."""

import importlib.metadata
import json
import subprocess
import sys
import zipfile

import pytest

from sidelight.apps.materials import bill_of_materials, main, pinned
from sidelight.labeling import InputError


def write_wheel(folder, name, version, content="value = 1\n"):
    folder.mkdir(exist_ok=True)
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", content)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(
            f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )


def test_the_bill_lists_every_distribution_once_with_its_version(capsys):
    assert main(["bill"]) == 0
    bill = json.loads(capsys.readouterr().out)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    listed = {entry["name"].lower(): entry["version"] for entry in bill["components"]}
    assert listed["numpy"] == importlib.metadata.version("numpy")
    assert "sidelight" in listed
    links = [entry["purl"] for entry in bill["components"]]
    assert links == sorted(set(links))
    assert bill_of_materials() == bill


def test_pins_name_each_wheel_with_its_hash(tmp_path):
    write_wheel(tmp_path / "wheels", "harbour_a", "1.0")
    write_wheel(tmp_path / "wheels", "harbour_b", "2.0")
    first, second = pinned(tmp_path / "wheels").splitlines()
    assert first.startswith("harbour-a==1.0 --hash=sha256:")
    assert second.startswith("harbour-b==2.0 --hash=sha256:")


def test_a_wheelhouse_without_wheels_or_with_two_versions_is_refused(tmp_path, capsys):
    assert main(["pins", str(tmp_path)]) == 3
    assert "holds no wheel" in capsys.readouterr().err
    write_wheel(tmp_path / "wheels", "harbour_a", "1.0")
    write_wheel(tmp_path / "wheels", "harbour_a", "1.1")
    with pytest.raises(InputError, match="more than one version of harbour-a"):
        pinned(tmp_path / "wheels")


@pytest.mark.slow
def test_a_wheelhouse_installs_without_a_network_unless_a_wheel_was_changed(tmp_path):
    wheels = tmp_path / "wheels"
    write_wheel(wheels, "harbour_a", "1.0")
    (tmp_path / "pins.txt").write_text(pinned(wheels))

    def install(target):
        command = [
            sys.executable, "-m", "pip", "install", "-q", "--no-index", "--find-links", str(wheels), "--require-hashes",
            "-r", str(tmp_path / "pins.txt"), "--target", str(tmp_path / target),
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert install("good").returncode == 0
    assert (tmp_path / "good" / "harbour_a.py").read_text() == "value = 1\n"
    write_wheel(wheels, "harbour_a", "1.0", "value = 2\n")
    changed = install("bad")
    assert changed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in changed.stderr
