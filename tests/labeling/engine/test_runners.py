"""Every runner gives the same bytes, survives killed workers, and sets aside rows that kill."""

import os
import signal
import subprocess
import sys
import threading
import time

import orjson
import pytest

from sidelight.labeling import UsageError, read_votes
from sidelight.labeling.engine import RUNNERS, PoolRunner, label_export, make_runner

from .conftest import content, write_parts

NEEDED = {"dask": "distributed", "spark": "pyspark"}


def runner_named(name):
    if name in NEEDED:
        pytest.importorskip(NEEDED[name], reason=f"{NEEDED[name]} is not installed")
    return make_runner(name, workers=2)


slow_ones = [pytest.param(n, marks=pytest.mark.slow) if n in NEEDED else n for n in sorted(RUNNERS)]


@pytest.mark.parametrize("name", slow_ones)
@pytest.mark.filterwarnings("ignore")
def test_every_runner_leaves_the_same_bytes(export, functions, tmp_path, name):
    label_export(export, functions, tmp_path / "whole", runner=make_runner("serial"))
    report = label_export(export, functions, tmp_path / name / "votes", runner=runner_named(name))
    assert len(report.reasons) == 6
    assert content(tmp_path / name / "votes") == content(tmp_path / "whole")


POISON = """

@labeling_function
def deadly(record):
    if record.id == "57":
        import os
        os.kill(os.getpid(), 9)
    return "yes"
"""


@pytest.mark.parametrize("name", ["pool", *slow_ones[:1], *slow_ones[3:]])
@pytest.mark.filterwarnings("ignore")
def test_rows_that_kill_their_process_are_set_aside(tmp_path, functions, name):
    export = write_parts(tmp_path / "export", 3)
    functions.write_text(functions.read_text() + POISON)
    report = label_export(export, functions, tmp_path / "votes", runner=runner_named(name))
    assert report.manifest["reasons"] == {"worker_died": 1}
    votes = read_votes(tmp_path / "votes")
    assert sorted(set(map(str, range(150))) - set(votes.ids.tolist())) == ["57"]
    lines = (tmp_path / "votes" / "quarantine.jsonl").read_bytes().splitlines()
    assert [(row["source"], row["offset"]) for row in map(orjson.loads, lines)] == [
        ("p001.parquet", 7),
    ]
    assert label_export(export, functions, tmp_path / "votes").reasons == {}


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.parametrize("name", ["pool", *slow_ones[:1], *slow_ones[3:]])
@pytest.mark.filterwarnings("ignore")
def test_a_run_outlives_its_workers(tmp_path, functions, name):
    import psutil

    export = write_parts(tmp_path / "export", 8, 20)
    nap = 0.004 if name == "pool" else 0.05
    functions.write_text(
        functions.read_text()
        + f"\n@labeling_function\ndef slow(record):\n    import time\n    time.sleep({nap})\n"
    )
    killed = []

    def kill():
        while len(killed) < 2:
            time.sleep(0.4)
            for process in psutil.Process().children(recursive=True):
                try:
                    if "sidelight.labeling.engine.runners.child" in process.cmdline():
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    report = label_export(export, functions, tmp_path / "votes", runner=runner_named(name))
    assert len(killed) == 2
    killer.join(5)
    assert report.manifest["n_records"] == 160
    assert report.manifest["reasons"] == {}
    label_export(export, functions, tmp_path / "fresh", runner=make_runner("serial"))
    assert content(tmp_path / "votes") == content(tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_of_processes_outlives_two_killed_workers(tmp_path, functions):
    import psutil

    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    export = write_parts(tmp_path / "export", 12, 20)
    functions.write_text(
        functions.read_text()
        + "\n@labeling_function\ndef slow(record):\n    import time\n    time.sleep(0.05)\n"
    )
    killed = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        workers = [worker.pid for worker in cluster.workers.values()]

        def kill():
            for pid in workers:
                time.sleep(3)
                psutil.Process(pid).kill()
                killed.append(pid)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        report = label_export(
            export,
            functions,
            tmp_path / "votes",
            runner=make_runner("dask", scheduler=cluster.scheduler_address),
        )
        assert len(killed) == 2
        killer.join(5)
    assert report.manifest["n_records"] == 240
    label_export(export, functions, tmp_path / "fresh", runner=make_runner("serial"))
    assert content(tmp_path / "votes") == content(tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_spark_cluster_outlives_a_killed_executor_and_a_killed_process(tmp_path, functions):
    import psutil

    pytest.importorskip("pyspark", reason="pyspark is not installed")
    export = write_parts(tmp_path / "export", 12, 20)
    functions.write_text(
        functions.read_text()
        + "\n@labeling_function\ndef slow(record):\n    import time\n    time.sleep(0.05)\n"
    )
    killed = []

    def kill():
        # an executor's JVM once it has begun on a part, later a process that runs one
        victims = [
            "org.apache.spark.executor.CoarseGrainedExecutorBackend",
            "sidelight.labeling.engine.runners.child",
        ]
        while len(killed) < 2:
            time.sleep(0.4)
            if not list((tmp_path / "votes").glob("parts/*/rows.json")):
                continue
            for process in psutil.Process().children(recursive=True):
                try:
                    if victims[len(killed)] in process.cmdline():
                        process.kill()
                        killed.append(process.pid)
                        break
                except psutil.Error:
                    continue

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    runner = make_runner("spark", master="local-cluster[2,1,1024]")
    report = label_export(export, functions, tmp_path / "votes", runner=runner)
    assert len(killed) == 2
    killer.join(5)
    assert report.manifest["n_records"] == 240
    label_export(export, functions, tmp_path / "fresh", runner=make_runner("serial"))
    assert content(tmp_path / "votes") == content(tmp_path / "fresh")


def test_a_runaway_pattern_costs_its_note_a_second_and_no_more(tmp_path, functions):
    export = write_parts(tmp_path / "export", 1, 10)
    functions.write_text(
        functions.read_text()
        + "\nimport re\n@labeling_function\ndef runaway(record):\n"
        + "    text = 'a' * 60 + '!' if record.id == '3' else 'a'\n    return 'yes' if re.match(r'^(\\w+\\s?)+$', text) else None\n"
    )
    begin = time.perf_counter()
    report = label_export(export, functions, tmp_path / "votes", runner=PoolRunner(1), note_seconds=0.3)
    assert report.errors == {"runaway": 1}
    assert time.perf_counter() - begin < 20


def test_what_functions_print_goes_nowhere(tmp_path, functions, capfd):
    export = write_parts(tmp_path / "export", 4, 5)
    functions.write_text(
        functions.read_text()
        + "\n@labeling_function\ndef loud(record):\n    print('ZEBRAFISH', record.text)\n"
    )
    label_export(export, functions, tmp_path / "votes", runner=PoolRunner(1))
    assert "ZEBRAFISH" not in "".join(capfd.readouterr())


def test_functions_given_as_objects_stay_in_this_process(export, tmp_path):
    from sidelight.labeling import LabelSchema, keyword_lf

    lf = keyword_lf("fever", ["fever"], "yes")
    schema = LabelSchema(["no", "yes"])
    assert label_export(export, [lf], tmp_path / "votes", schema=schema).manifest["n_records"] == 300
    with pytest.raises(UsageError, match="this process only"):
        label_export(export, [lf], tmp_path / "more", schema=schema, runner=PoolRunner(1))


def test_settings_of_another_runner_are_refused():
    for name, settings in [
        ("pool", {"master": "x"}),
        ("spark", {"scheduler": "x"}),
        ("pool", {"workers": 0}),
        ("ray", {}),
    ]:
        with pytest.raises(UsageError):
            make_runner(name, **settings)


KILLED = """
import sys
from sidelight.labeling.engine import PoolRunner, label_export
print("loaded", flush=True)
label_export(sys.argv[1], sys.argv[2], sys.argv[3], runner=PoolRunner(2))
"""


def kill_often(tmp_path, functions, n_kills, seed):
    """Kill runs or their workers at random moments, resume each, and return the folder once it is whole."""
    import random

    chance = random.Random(seed)
    export = write_parts(tmp_path / "export", 12, 40)
    functions.write_text(
        functions.read_text()
        + "\n@labeling_function\ndef slow(record):\n    import time\n    time.sleep(0.0005)\n"
    )
    label_export(export, functions, tmp_path / "whole", runner=make_runner("serial"))
    kills = rounds = 0
    while kills < n_kills:
        rounds += 1
        votes = tmp_path / f"votes{rounds}"
        for attempt in range(100):
            command = [sys.executable, "-c", KILLED, str(export), str(functions), str(votes)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            with process.stdout as said:
                said.readline()
            patience = chance.uniform(0.05, 1.2) * min(
                20, 1.1**attempt
            )  # a busy machine gets nowhere in a second
            try:
                process.wait(patience if kills < n_kills else None)
            except subprocess.TimeoutExpired:
                workers = children_of(process.pid)
                victim = chance.choice([process.pid, process.pid, *workers])
                try:
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
                if victim == process.pid:
                    process.wait()
                    continue
                process.wait()
            if process.returncode == 0:
                break
        else:
            pytest.fail("a hundred attempts did not finish the job")
        assert content(votes) == content(tmp_path / "whole")
        ids = read_votes(votes).ids.tolist()
        assert len(ids) == len(set(ids)) == 480
    return kills, rounds


def test_a_run_killed_before_its_first_file_was_in_place_is_begun_again(tmp_path, functions):
    export = write_parts(tmp_path / "export", 2, 10)
    (tmp_path / "votes").mkdir()
    for name in (".lock", ".sidelight-inputs.json-329773aa"):
        (tmp_path / "votes" / name).touch()
    assert label_export(export, functions, tmp_path / "votes").manifest["n_records"] == 20
    assert not list((tmp_path / "votes").glob(".sidelight-*"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(UsageError, match="no folder of votes"):
        label_export(export, functions, tmp_path / "other")


def test_killed_runs_lose_nothing_and_double_nothing(tmp_path, functions):
    assert kill_often(tmp_path, functions, 10, seed=0)[0] >= 10


@pytest.mark.slow
def test_two_hundred_kills(tmp_path, functions, capsys):
    kills, rounds = kill_often(tmp_path, functions, 200, seed=1)
    with capsys.disabled():
        print(f"{kills} kills over {rounds} jobs: 0 rows lost, 0 doubled, files identical")  # noqa: T201


LEAN = """
import json, sys
from sidelight.labeling.engine.lean import make_lean
make_lean()
import pyarrow as pa
pa.array(["a"])
before = "pandas" in sys.modules
import pandas as pd
frame = pa.table({"a": [1, None]}).to_pandas()
print(json.dumps([before, int(frame.a.isna().sum()), pa.Table.from_pandas(frame).num_rows]))
"""


def test_a_worker_does_not_load_pandas_and_its_functions_may():
    pytest.importorskip("pandas", reason="pandas is not installed")
    found = subprocess.run([sys.executable, "-c", LEAN], capture_output=True, text=True, check=True)
    assert orjson.loads(found.stdout) == [False, 1, 2]


def test_the_engine_runs_where_the_system_offers_less(tmp_path, functions, monkeypatch):
    export = write_parts(tmp_path / "export", 2, 10)
    label_export(export, functions, tmp_path / "whole", runner=make_runner("serial"))
    really_open = os.open

    def open_no_folder(path, flags, *mode, **place):
        if not place and os.path.isdir(path):  # as on Windows
            raise PermissionError(13, "Permission denied")
        return really_open(path, flags, *mode, **place)

    monkeypatch.setattr(os, "open", open_no_folder)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "pread", raising=False)
    label_export(export, functions, tmp_path / "votes", runner=PoolRunner())
    assert content(tmp_path / "votes") == content(tmp_path / "whole")
