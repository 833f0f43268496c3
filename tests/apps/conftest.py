"""What tests of apps share: made-up notes on the sea with signals beside them, and a database server of their own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server of the test's own, on a socket in a temporary folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    if program is None:
        pytest.skip("no PostgreSQL server is installed")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    programs = Path(program).parent
    home = Path(tempfile.mkdtemp(prefix="sl-pg-", dir="/tmp"))  # a socket has a short path
    user = {}
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no account called postgres")
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        os.chown(home, account.pw_uid, account.pw_gid)
    run = {"check": True, "capture_output": True, "cwd": home, **user}
    subprocess.run([programs / "initdb", "-D", home / "data", "-U", "sl", "-A", "trust", "-E", "UTF8"], **run)
    options = f"-k {home} -c listen_addresses="
    subprocess.run(
        [programs / "pg_ctl", "-D", home / "data", "-l", home / "log", "-o", options, "-w", "start"], **run
    )
    yield f"postgresql://sl@/postgres?host={home}"
    subprocess.run([programs / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"], **run)
    shutil.rmtree(home, ignore_errors=True)


FUNCTIONS = '''
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(classes=("calm", "wild"))
says_calm = keyword_lf("says_calm", ["calm", "quiet"], "calm")
says_wild = keyword_lf("says_wild", ["wild", "stormy"], "wild")
says_wind = keyword_lf("says_wind", ["gale"], "wild")

@labeling_function
def is_short(record):
    """Few words."""
    return "calm" if len(record.text) < 12 else None
'''

SLICES = """
from sidelight.slicing import slicing_function

@slicing_function
def long_text(record):
    return len(record.text) > 16
"""

PROJECT = """version = 1

[project]
name = "sea"
seed = 3

[data]
export = "notes.csv"
id = "note"
patient = "patient"

[payloads.report]
kind = "text"
column = "note_text"

[payloads.waves]
kind = "signal"
path = "signals.npz"

[tasks.state]
classes = ["calm", "wild"]
target = "waves"

[sources.rules]
task = "state"
functions = "lfs.py"
tags = ["rules"]

[sources.anna]
task = "state"
labels = "anna.csv"
column = "label"

[sources.codes]
task = "state"
role = "gold"
column = "state"

[slices.own]
functions = "slices.py"

[slices.old]
column = "age"
at_least = 60

[splits]
key = "sea"

[monitors]
columns = ["age", "boat"]

[tuning]
max_epochs = 1
"""


class SeaProject:
    """Makes exports of notes on the sea, and projects on them."""

    def notes(self, path, n=160, seed=7, wild=0.5, template="{}", boats=("sloop", "yawl"), canary=""):
        """Write an export; returns who is wild."""
        random = np.random.default_rng(seed)
        states = random.random(n) < wild
        words = {
            True: ["wild and a gale", "stormy, a gale blows", "wild, very wild", "strange noises"],
            False: ["calm", "quiet sea", "calm, quiet all day", "strange silence"],
        }
        lines = ["note,patient,age,boat,note_text,state"]
        for row, state in enumerate(states):
            text = template.format(words[bool(state)][random.integers(4)]) + canary
            boat = boats[random.integers(len(boats))]
            name = "wild" if state else "calm"
            lines.append(f'n{row},p{canary}{row // 2},{random.integers(20, 90)},{boat},"{text}",{name}')
        path.write_text("\n".join(lines) + "\n")
        return states

    def signals(self, path, states, gain=1.0, seed=11):
        """Write signals that are louder where the sea is wild."""
        random = np.random.default_rng(seed)
        values = random.normal(size=(len(states), 2, 64)) * np.where(states, 3.0, 1.0)[:, None, None] * gain
        np.savez(
            path,
            id=np.array([f"n{row}" for row in range(len(states))]),
            signals_mv=values.astype(np.float32),
            lead_names=np.array(["I", "II"]),
            sampling_hz=np.array(100.0),
        )

    def write(self, folder, *, canary="", n=160, template="{}"):
        """Write a whole project and return its folder."""
        folder.mkdir(parents=True, exist_ok=True)
        states = self.notes(folder / "notes.csv", n, template=template, canary=canary)
        self.signals(folder / "signals.npz", states)
        anna = [f"n{row},{'wild' if states[row] else 'calm'}" for row in range(0, n, 5)]
        (folder / "anna.csv").write_text("id,label\n" + "\n".join(anna) + "\n")
        (folder / "lfs.py").write_text(FUNCTIONS)
        (folder / "slices.py").write_text(SLICES)
        (folder / "sidelight.toml").write_text(PROJECT)
        return folder


@pytest.fixture(scope="session")
def sea():
    return SeaProject()
