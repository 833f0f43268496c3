"""Several people through the browser: blind double labelling, adjudication, roles, and no word of a record in a log."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")


from sidelight.apps.cli.main import main
from sidelight.apps.ui.exchange import import_labels
from sidelight.apps.ui.store import LabelStore
from sidelight.labeling import LabelSchema

READY = 60_000
CANARY = "ZEBRAFISH"
SAID_OTHERWISE = "old => [...document.querySelectorAll('.said')].map(e => e.innerText).join() !== old.join()"
SCHEMA = LabelSchema(("calm", "wild"))
FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf, labeling_function

schema = LabelSchema(classes=("calm", "wild"))
says_calm = keyword_lf("says_calm", ["calm"], "calm")
says_wild = keyword_lf("says_wild", ["wild"], "wild")

@labeling_function
def raises(record):
    raise ValueError(record.text)
"""


PROXY = """
import asyncio, sys

target, user = int(sys.argv[1]), sys.argv[2].encode()

async def pump(source, sink):
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()

async def serve(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    first, rest = head.split(b"\\r\\n", 1)
    if b"upgrade: websocket" not in rest.lower():
        rest = rest.replace(b"Connection: keep-alive\\r\\n", b"Connection: close\\r\\n")
    there, on = await asyncio.open_connection("127.0.0.1", target)
    on.write(first + b"\\r\\nX-Remote-User: " + user + b"\\r\\n" + rest)
    await asyncio.gather(pump(reader, on), pump(there, writer))

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


class Proxy:
    """What stands before the app in a hospital: it says who is there, in a header, on every connection."""

    def __init__(self, port, user):
        command = [sys.executable, "-c", PROXY, str(port), user]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def team(chromium, serve, tmp_path_factory):
    """Anna and Ben label, Chief adjudicates, Dev writes functions; every record holds a word that may leak nowhere."""
    folder = tmp_path_factory.mktemp("team")
    rows = "".join(f'n{r},p{r},"{CANARY} {("calm", "wild")[r % 2]} day"\n' for r in range(8))
    (folder / "notes.csv").write_text("id,patient_id,text\n" + rows)
    (folder / "lfs.py").write_text(FUNCTIONS)
    (folder / "people.toml").write_text(
        'annotator = ["anna", "ben"]\nadjudicator = ["chief"]\ndeveloper = ["dev"]\n'
    )
    server = serve(
        "notes.csv",
        "--functions",
        "lfs.py",
        "--roles",
        "people.toml",
        "--login",
        "header:X-Remote-User",
        folder=folder,
    )
    proxies = {name: Proxy(server.port, name) for name in ("anna", "ben", "chief", "dev", "eve")}

    def visit(name, path=""):
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{proxies[name].port}/{path}")
        page.wait_for_selector(
            ".top b, [data-testid=stAlert], [data-testid=stDataFrame], .quiet", timeout=READY
        )
        return page

    yield server, visit
    for proxy in proxies.values():
        proxy.close()


def press(page, key, words):
    """Press a key as a reader does, and again where the page asks for it, until it says these words."""
    from playwright.sync_api import TimeoutError as NotYet

    for _ in range(12):
        page.wait_for_timeout(650)
        page.keyboard.press(key)
        try:
            return done(page, words, seconds=2.5)
        except NotYet:
            continue
    return pytest.fail(f"the page never said {words!r}")


def done(page, words, seconds=READY / 1000):
    page.wait_for_function(
        "words => document.querySelector('.top b')?.innerText.startsWith(words)",
        arg=words,
        timeout=seconds * 1000,
    )


def test_two_label_blind_a_third_adjudicates_and_the_label_model_learns_from_it(team, tmp_path):
    server, visit = team
    for name, keys in (("anna", "121212"), ("ben", "121221")):
        page = visit(name)
        assert not page.get_by_role("link", name="Adjudicate").is_visible()
        for number, key in enumerate(keys, start=1):
            press(page, key, f"{number} of")
        page.context.close()
    with LabelStore(server.labels) as store:
        assert store.ledger().annotators() == ("anna", "ben")
        disputed = store.ledger().in_dispute()
        assert len(disputed) == 2
    page = visit("chief")
    done(page, "2 open")
    assert "annotator A" in page.locator(".said").last.inner_text()
    assert "anna" not in page.locator(".said").last.inner_text()
    press(page, "1", "1 open")
    press(page, "1", "0 open")
    page.get_by_text("Nothing is in dispute").wait_for(timeout=READY)
    page.get_by_role("link", name="Agreement").click()
    page.get_by_text("Krippendorff").wait_for(timeout=READY)
    alpha = page.locator(".said li", has_text="Krippendorff").inner_text()
    assert re.search(r"0\.\d\d \(-?\d\.\d\d to \d\.\d\d\)", alpha), alpha
    with page.expect_download() as started:
        page.get_by_role("button", name="Export 6 labels").click()
    handed_out = Path(started.value.path()).read_text()
    page.context.close()
    out = tmp_path / "labels.jsonl"
    code = main(
        [
            "ui", str(server.folder / "notes.csv"), "--functions", str(server.folder / "lfs.py"), "--labels",
            str(server.labels), "--export-labels", str(out),
        ]
    )  # fmt: skip
    assert code == 0
    exported = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(entry["source"] for entry in exported) == ["adjudicated"] * 2 + ["agreed"] * 4
    assert {entry["label"] for entry in exported if entry["source"] == "adjudicated"} == {"calm"}
    assert CANARY not in out.read_text()
    assert handed_out == out.read_text(), "the page and the command line hand out the same"
    with LabelStore(tmp_path / "back.sqlite") as back:
        assert import_labels(back, out, SCHEMA) == 10
        assert len(back.ledger().decisions()) == 6
    page = visit("dev", "model")
    page.get_by_text("Fitted to votes alone.").wait_for(timeout=READY)
    before = page.locator(".said").all_inner_texts()
    page.get_by_role("button", name="Refit with 6 labels").click()
    page.get_by_text("Fitted with 6 labels of people.").wait_for(timeout=READY)
    page.wait_for_function(SAID_OTHERWISE, arg=before, timeout=READY)  # the probabilities moved
    page.context.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [("anna", "workbench"), ("ben", "model"), ("chief", "workbench"), ("anna", "adjudicate")],
)
def test_a_page_of_another_role_cannot_be_reached(team, name, path):
    _, visit = team
    page = visit(name, path)
    page.wait_for_timeout(500)
    assert page.get_by_label("Words or phrases, one a line").count() == 0
    assert page.get_by_text("What annotators said").count() == 0
    page.context.close()


def test_a_developer_from_afar_finds_the_workbench_closed(team):
    _, visit = team
    page = visit("dev", "workbench")
    page.get_by_text("closed").wait_for(timeout=READY)
    page.context.close()


def test_who_has_no_role_and_who_is_nobody_see_no_record(team, chromium):
    server, visit = team
    page = visit("eve")
    assert CANARY not in page.content()
    assert page.get_by_text("has no role here").is_visible()
    page.goto(server.url)
    page.get_by_text("did not say who you are").wait_for(timeout=READY)
    assert CANARY not in page.content()
    page.context.close()


def test_no_word_of_a_record_is_in_the_log(team):
    server, visit = team
    page = visit("dev", "model")
    page.get_by_text("One record").wait_for(timeout=READY)
    page.context.close()
    assert CANARY not in server.log
    assert CANARY.encode() not in server.labels.read_bytes()
