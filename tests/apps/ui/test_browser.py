"""The labeling app as its users meet it: a real browser, a keyboard, and what is in the store afterwards."""

import json
import re
import time

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.store import LabelEvent, LabelStore
from sidelight.apps.ui.workspace import Workspace
from sidelight.slicing import as_slices, audit

READY = 60_000


@pytest.fixture(scope="module")
def sample(chromium, serve):
    """The app on the bundled sample."""
    return serve()


def n_done(page):
    return int(re.match(r"\d+", page.locator(".top b").first.inner_text()).group())


def wait_for(page, n, seconds=15):
    """Wait until the page says that n records are done."""
    page.wait_for_function(
        "n => document.querySelector('.top b')?.innerText.startsWith(n + ' of')",
        arg=n,
        timeout=seconds * 1000,
    )


def open_page(page, server, path=""):
    page.goto(f"{server.url}/{path}")
    page.wait_for_selector(".top b, [data-testid=stDataFrame], .quiet, [data-testid=stAlert]", timeout=READY)


def look(page):
    """Wait as long as the guard wants a record to be on screen."""
    page.wait_for_timeout(650)


def press(page, key, n):
    """Press a key as a reader does, and again where the page asks for it, until n records are done."""
    from playwright.sync_api import TimeoutError as NotYet

    for _ in range(12):
        look(page)
        begin = time.perf_counter()
        page.keyboard.press(key)
        try:
            wait_for(page, n, seconds=2.5)
        except NotYet:
            continue
        return time.perf_counter() - begin
    return pytest.fail(f"{n} records were never done; the page says {n_done(page)}")


def labels_in(server):
    with LabelStore(server.labels) as store:
        return store.events()


def outside(page, server):
    local = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
    return [url for url in page.requests if not url.startswith(local)]


def test_twenty_records_are_labeled_by_keyboard_and_one_is_taken_back(page, sample, capsys):
    begin = time.perf_counter()
    open_page(page, sample)
    first = time.perf_counter() - begin
    start = n_done(page)
    waits = [press(page, "12"[number % 2], start + number + 1) for number in range(20)]
    look(page)
    page.keyboard.press("u")
    wait_for(page, start + 19)
    press(page, "2", start + 20)
    events = labels_in(sample)
    assert [event.kind for event in events].count("label") >= 21
    assert [event.kind for event in events].count("undo") == 1
    assert all(event.ms_on_screen >= 400 for event in events if event.kind == "label")
    assert outside(page, sample) == []
    assert page.faults == []
    with capsys.disabled():
        print(  # noqa: T201 - the measurement itself
            f"\nfirst page {first:.1f} s; key to next record p50 {np.median(waits) * 1000:.0f} ms, "
            f"max {max(waits) * 1000:.0f} ms"
        )


def test_skip_flag_and_comment_reach_the_store(page, sample):
    open_page(page, sample)
    done = n_done(page)
    look(page)
    page.keyboard.press("f")
    page.get_by_role("button", name="Unflag").wait_for(timeout=READY)
    box = page.get_by_label("Comment on this record")
    box.fill("1 2 see the old tracing")
    box.press("Enter")
    page.get_by_text("1 2 see the old tracing").wait_for(timeout=READY)
    assert n_done(page) == done, "figures typed into a comment label nothing"
    page.keyboard.press("Escape")
    box.blur()
    press(page, "s", done + 1)
    kinds = [event.kind for event in labels_in(sample)][-3:]
    assert kinds == ["flag", "comment", "skip"]


def test_evidence_is_one_key_away_and_hidden_again_on_the_next_record(page, serve):
    server = serve()
    with LabelStore(server.labels) as store:  # a case for the adjudicator
        for name, value in (("anna", "normal"), ("ben", "abnormal")):
            store.add(LabelEvent(name, Workspace.sample().records.ids[0], name, "label", value))
    open_page(page, server)
    votes = page.get_by_text("What functions say of the text")
    look(page)
    assert votes.count() == 0
    page.keyboard.press("e")
    votes.wait_for(timeout=READY)
    press(page, "2", 1)
    votes.wait_for(state="detached", timeout=READY)
    press(page, "1", 2)
    open_page(page, server, "adjudicate")
    look(page)
    assert page.locator(".note mark").count() == 0
    button = page.get_by_role("button", name="Evidence Shortcut E")
    button.click()
    button.wait_for(state="detached", timeout=READY)
    look(page)
    page.keyboard.press("1")
    page.get_by_text("Nothing is in dispute").wait_for(timeout=READY)
    assert [event.evidence for event in labels_in(server)] == [None, None, True, False, True]


PATTERNS = [
    ("a held key, as browsers send it", [("2", True, 33)] * 30),
    ("a held key, without the mark of a repeat", [("2", False, 33)] * 30),
    ("a slow repeat", [("1", False, 120)] * 12),
    ("a very slow repeat", [("1", False, 300)] * 6),
    ("two presses", [("1", False, 60)] * 2),
    ("three presses", [("2", False, 90)] * 3),
    ("two keys at once", [("1", False, 5), ("2", False, 5)]),
    ("two keys, one after the other", [("1", False, 150), ("2", False, 5)]),
    ("a roll over all keys", [("1", False, 25), ("2", False, 25), ("s", False, 25)]),
    ("skip held down", [("s", False, 40)] * 20),
]


QUICK = ("a held key, without the mark of a repeat", "two keys at once")


@pytest.mark.parametrize(
    "presses",
    [pytest.param(p, id=name, marks=[] if name in QUICK else [pytest.mark.slow]) for name, p in PATTERNS],
)
def test_no_record_is_labeled_that_nobody_read(page, sample, presses):
    open_page(page, sample)
    look(page)
    before, seen = n_done(page), len(labels_in(sample))
    driver = page.context.new_cdp_session(page)
    for key, repeat, pause in presses:
        code = "KeyS" if key == "s" else f"Digit{key}"
        told = {
            "key": key,
            "code": code,
            "text": key,
            "windowsVirtualKeyCode": ord(key.upper()),
            "autoRepeat": repeat,
        }
        driver.send("Input.dispatchKeyEvent", {"type": "keyDown", **told})
        page.wait_for_timeout(pause)
    driver.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "code": code})
    page.wait_for_timeout(900)
    decided = [e for e in labels_in(sample)[seen:] if e.kind in ("label", "skip")]
    assert len({event.item_id for event in decided}) <= 1
    assert n_done(page) <= before + 1
    press(page, "2", n_done(page) + 1)


@pytest.mark.slow
@pytest.mark.parametrize("n_kills", [20])
def test_a_killed_server_loses_no_label_that_the_page_counted(page, serve, n_kills):
    server = serve()
    open_page(page, server)
    random, counted = np.random.default_rng(0), 0
    for _ in range(n_kills):
        for _ in range(2):
            press(page, "12"[int(random.integers(2))], counted + 1)
            counted += 1
        look(page)
        page.keyboard.press("1")  # one more, which may or may not arrive before the end
        page.wait_for_timeout(int(random.integers(0, 60)))
        server.kill()
        stored = len([event for event in labels_in(server) if event.kind == "label"])
        assert stored in (counted, counted + 1), "what the page counted is there"
        counted = stored
        server.start()
        page.goto(server.url)
        wait_for(page, counted, seconds=30)
    assert len({event.item_id for event in labels_in(server)}) == counted


def test_a_keyword_function_shows_its_hits_and_becomes_code(page, sample):
    open_page(page, sample, "workbench")
    page.get_by_role("textbox", name="Name").fill("says_block")
    words = page.get_by_label("Words or phrases, one a line")
    words.fill("schenkelblock\nhemiblock")
    words.press("Control+Enter")
    page.locator(".figures").wait_for(timeout=READY)
    assert page.locator(".hits mark").first.inner_text().lower() in ("schenkelblock", "hemiblock")
    assert "precision" in page.locator(".figures").inner_text()
    page.get_by_role("button", name="Save to lfs.py").click()
    page.get_by_text("Saved to lfs.py").wait_for(timeout=READY)
    assert (
        "says_block = keyword_lf('says_block', ['schenkelblock', 'hemiblock'], 'abnormal')"
        in (sample.folder / "lfs.py").read_text()
    )
    page.get_by_role("button", name="Use it now").click()
    page.get_by_text("says_block votes now.").wait_for(timeout=READY)
    page.get_by_role("link", name="Label model").click()
    page.get_by_text("What each function adds").wait_for(timeout=READY)
    assert outside(page, sample) == []


def test_the_functions_file_is_tried_saved_and_put_to_use(page, serve):
    server = serve()
    (server.folder / "lfs.py").write_text(FILE)
    open_page(page, server, "workbench")
    page.get_by_role("radio", name="Functions file").click()
    editor = page.get_by_label("lfs.py", exact=True)
    editor.wait_for(timeout=READY)
    assert "says_paced" in editor.input_value()
    editor.fill(FILE + 'says_block = keyword_lf("says_block", ["hemiblock"], "abnormal")\n')
    editor.press("Control+Enter")
    page.get_by_role("button", name="Try on a sample").click()
    page.locator(".figures").wait_for(timeout=READY)
    assert "says_block" not in (server.folder / "lfs.py").read_text(), "trying writes nothing"
    page.get_by_role("combobox", name="Hits and misses of").click()
    page.get_by_role("option", name="says_block").click()
    page.locator(".hits mark", has_text="hemiblock").first.wait_for(timeout=READY)
    page.get_by_role("button", name="Save lfs.py").click()
    page.get_by_text("Saved to lfs.py").wait_for(timeout=READY)
    assert "says_block" in (server.folder / "lfs.py").read_text()
    page.get_by_role("button", name="Use the saved file").click()
    page.get_by_text("3 functions vote now").wait_for(timeout=READY)
    page.get_by_role("radio", name="Candidates").click()
    page.get_by_role("button", name="Leave").first.wait_for(timeout=READY)
    words = page.locator(".candidate b")
    first, second = words.nth(0).inner_text(), words.nth(1).inner_text()
    page.get_by_role("button", name="Leave").first.click()
    page.wait_for_function("w => document.querySelector('.candidate b')?.innerText !== w", arg=first)
    assert first not in words.all_inner_texts()
    page.get_by_role("button", name="Take").first.click()
    page.locator(".figures").wait_for(timeout=READY)
    assert page.get_by_label("Words or phrases, one a line").input_value() == second
    assert page.get_by_role("textbox", name="Name").input_value().startswith("says_")
    assert outside(page, server) == []
    assert page.faults == []


def test_a_finished_audit_is_read_and_the_frequency_stands_beside_the_labels(page, serve, tmp_path):
    random = np.random.default_rng(0)
    gold = random.integers(0, 2, 300)
    slices = as_slices({"night_shift": np.arange(300) < 90})
    done = audit(gold, np.clip(gold * 0.4 + random.random(300) * 0.6, 0, 1), slices)
    (tmp_path / "audit.json").write_text(json.dumps(done.to_json()))
    server = serve("--audit", str(tmp_path / "audit.json"))
    open_page(page, server, "slices")
    page.get_by_role("radio", name="Finished audits").click()
    page.locator(".verdict").wait_for(timeout=READY)
    assert page.locator(".verdict").inner_text() == done.verdict
    page.get_by_text("300 records").wait_for(timeout=READY)
    page.get_by_role("link", name="Label", exact=True).click()
    page.get_by_text("Class frequencies").click()
    page.get_by_text("random records").wait_for(timeout=READY)
    for n in range(6):  # the first one while the switch still has the focus
        press(page, "2", n + 1)
    page.get_by_text("How frequent, from 6 random records").wait_for(timeout=READY)
    assert "100% (61% to 100%)" in page.locator(".said").last.inner_text()
    assert outside(page, server) == []


FILE = """from sidelight.labeling import LabelSchema, keyword_lf

schema = LabelSchema(classes=("normal", "abnormal"))
says_paced = keyword_lf("says_paced", ["pacemaker"], "abnormal")
says_normal = keyword_lf("says_normal", ["normales ekg", "normal ecg"], "normal")
"""


PAGES = ("", "adjudicate", "agreement", "workbench", "model", "slices", "monitoring")


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_accessibility_finding_is_serious(chromium, sample, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme)
    page = context.new_page()
    with LabelStore(sample.labels) as store:  # so that there is something to adjudicate and to compare
        for n, item in enumerate(Workspace.sample().records.ids[:6]):
            for name in ("anna", "ben"):
                value = ("normal", "abnormal")[n % 2 if name == "anna" else 0]
                store.add(LabelEvent(f"{item}-{name}", item, name, "label", value))
    found = {}
    for path in PAGES:
        open_page(page, sample, path)
        page.wait_for_timeout(1200)
        examine(axe, page, path, found)
    open_page(page, sample, "workbench")
    for mode in ("Functions file", "Candidates"):
        page.get_by_role("radio", name=mode).click()
        page.wait_for_timeout(2500)
        examine(axe, page, mode, found)
    context.close()
    assert found == {}


def examine(axe, page, name, found):
    for violation in axe.Axe().run(page).response["violations"]:
        if violation["impact"] in ("serious", "critical"):
            found.setdefault((name, violation["id"]), [n["html"][:160] for n in violation["nodes"]][:3])


def test_the_keyboard_alone_reaches_everything_in_reading_order(page, sample):
    """Tab goes through the page: the queue, the switches, the viewer's controls, then the classes; focus can be seen."""
    open_page(page, sample)
    page.locator(".sl-legend").wait_for(timeout=READY)
    page.mouse.click(700, 880)
    page.evaluate("document.activeElement.blur()")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    names = [name for name, _ in seen]
    at = {word: next((n for n, name in enumerate(names) if word in name), -1) for word in ORDER}
    assert -1 not in at.values(), f"never reached: {[word for word, n in at.items() if n < 0]}"
    assert list(at.values()) == sorted(at.values()), at
    assert all(visible for name, visible in seen if name), [name for name, visible in seen if not visible]


ORDER = ("normal", "abnormal", "Skip", "Flag", "Comment", "Keep", "Leads", "Speed", "Gain")
FOCUSED = """() => { const e = document.activeElement; if (!e || e === document.body) return ["", true];
  const name = e.getAttribute("aria-label") || e.closest("label")?.innerText || e.innerText || e.title || e.tagName;
  let seen = false;
  for (let at = e, up = 0; at && up < 4 && !seen; at = at.parentElement, up++) {
    const s = getComputedStyle(at);
    seen = (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"
      || (up > 0 && up < 3 && parseFloat(s.borderTopWidth) > 0); }
  return [name.trim().split("\\n").join(" "), seen]; }"""
