"""How fast the labeling app is and what it keeps: first page, key press to next record, saves of twenty people at once.

    python benchmarks/labeling_app.py [--records 100000] [--keys 60] [--only page,store] [--plain] [--url postgresql://...] [--json]

The page is driven in headless Chromium (the system's, or SIDELIGHT_CHROMIUM) and timed inside the browser, from the key's own
time to the frame that shows the next record. The store is SQLite, and PostgreSQL when a URL is given; each person saves from a
thread of their own and one save in ten is sent twice. Every request of the page that leaves the machine is counted.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WORDS = (
    "effusion",
    "pneumothorax",
    "consolidation",
    "fracture",
    "edema",
    "nodule",
    "opacity",
    "cardiomegaly",
)
FUNCTIONS = """
from sidelight.labeling import LabelSchema, finding_lf, keyword_lf

schema = LabelSchema(classes=("clear", "finding"))
functions = [finding_lf(f"says_{word}", [word], affirmed="finding", negated="clear") for word in %r]
says_clear = keyword_lf("says_clear", ["lungs are clear"], "clear")
"""
WATCH = """() => { window.waits = []; let pressed = 0, before = "";
  const shown = () => document.querySelector(".top b")?.innerText ?? "";
  window.addEventListener("keydown", (e) => { pressed = e.timeStamp; before = shown(); }, true);
  new MutationObserver(() => { if (pressed && shown() !== before && shown()) {
    const from = pressed; pressed = 0;
    requestAnimationFrame(() => window.waits.push(performance.now() - from)); } })
    .observe(document.body, { childList: true, subtree: true, characterData: true }); }"""


def write_records(folder: Path, n: int) -> Path:
    random = np.random.default_rng(0)
    picks, denied = random.integers(0, len(WORDS), (n, 3)), random.random((n, 3)) < 0.5
    texts = [
        "FINDINGS: The lungs are clear otherwise. "
        + " ".join(f"{'No ' if no else 'There is '}{WORDS[w]}." for w, no in zip(*row, strict=True))
        for row in zip(picks.tolist(), denied.tolist(), strict=True)
    ]
    columns = {
        "id": [f"r{k}" for k in range(n)],
        "patient_id": [f"p{k // 2}" for k in range(n)],
        "text": texts,
    }
    pq.write_table(pa.table(columns), folder / "notes.parquet")
    (folder / "lfs.py").write_text(FUNCTIONS % (WORDS,))
    return folder / "notes.parquet"


def measure_page(n_records: int, n_keys: int, *, plain: bool) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    path = (
        os.environ.get("SIDELIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        export = write_records(folder, n_records)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        labels = ["--classes", "clear,finding"] if plain else ["--functions", str(folder / "lfs.py")]
        command = [
            sys.executable, "-m", "sidelight.apps.cli", "ui", str(export), *labels, "--no-browser", "--port", str(port),
            "--labels", str(folder / "labels.sqlite"),
        ]  # fmt: skip
        begin = time.perf_counter()
        with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_until_up(url, server)
                started = time.perf_counter() - begin
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
                    return {"server_up_s": started, **drive(browser, url, n_keys)}
            finally:
                server.kill()


def wait_until_up(url: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(6000):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            if server.poll() is not None:
                raise SystemExit("the server did not start") from None
            time.sleep(0.1)


def drive(browser, url: str, n_keys: int) -> dict[str, float]:
    firsts, asked = [], []
    for visit in range(3):
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("request", lambda sent: asked.append(sent.url))
        begin = time.perf_counter()
        page.goto(url)
        page.locator(".note").wait_for(timeout=120_000)
        firsts.append(time.perf_counter() - begin)
        if visit < 2:
            page.context.close()
    page.evaluate(WATCH)
    begin, n_pressed = time.perf_counter(), 0
    while page.evaluate("window.waits.length") < n_keys and n_pressed < 3 * n_keys:
        page.wait_for_timeout(700)
        page.keyboard.press("12"[n_pressed % 2])
        n_pressed += 1
        seen = n_pressed - 1
        try:
            page.wait_for_function("n => window.waits.length > n", arg=min(seen, n_keys - 1), timeout=4000)
        except Exception as error:
            if "Timeout" not in type(error).__name__:
                raise
    waits = np.array(page.evaluate("window.waits"))
    outside = [one for one in asked if not one.startswith((url, "data:", "blob:"))]
    p50, p95 = np.percentile(waits, [50, 95])
    return {
        "first_visit_s": firsts[0], "first_page_s": float(np.median(firsts)), "key_p50_ms": float(p50),
        "key_p95_ms": float(p95), "key_max_ms": float(waits.max()), "n_keys": len(waits),
        "requests": len(asked), "requests_outside": len(outside),
    }  # fmt: skip


def measure_store(url: str, n_people: int, n_items: int) -> dict[str, float]:
    from sidelight.apps.ui.store import LabelEvent, LabelStore, new_event_id

    task = f"benchmark-{new_event_id()[:8]}"

    def work(person: int) -> list[float]:
        random, waits = np.random.default_rng(person), []
        for row in range(n_items):
            value = ("yes", "no")[int(random.integers(2))]
            event = LabelEvent(new_event_id(), f"n{row}", f"person-{person}", "label", value)
            for _ in range(2 if random.random() < 0.1 else 1):
                begin = time.perf_counter()
                store.add(event)
                waits.append(time.perf_counter() - begin)
        return waits

    with LabelStore(url, task) as store:
        with ThreadPoolExecutor(n_people) as pool:
            waits = np.array([wait for mine in pool.map(work, range(n_people)) for wait in mine]) * 1000
        stored = {(event.item_id, event.annotator) for event in store.events()}
    p50, p99 = np.percentile(waits, [50, 99])
    return {
        "saves": len(waits), "lost": n_people * n_items - len(stored), "p50_ms": float(p50), "p99_ms": float(p99),
        "max_ms": float(waits.max()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--labels", type=int, default=500)
    parser.add_argument("--url", help="PostgreSQL to measure beside SQLite")
    parser.add_argument("--only", default="page,store")
    parser.add_argument("--plain", action="store_true", help="without functions: the server is up sooner")
    parser.add_argument("--json", action="store_true", help="print nothing but the line of JSON")
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    if "store" in options.only:
        with tempfile.TemporaryDirectory() as folder:
            found["sqlite"] = measure_store(f"{folder}/labels.sqlite", options.people, options.labels)
        if options.url:
            found["postgresql"] = measure_store(options.url, options.people, options.labels)
    if "page" in options.only:
        found["page"] = {
            "records": options.records,
            **measure_page(options.records, options.keys, plain=options.plain),
        }
    if not options.json:
        for part, figures in found.items():
            print(f"{part}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
