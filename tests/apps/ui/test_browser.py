"""The labeling app as its users meet it: a real browser, a keyboard, and what is in the store afterwards."""

import re
import time

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.store import LabelStore

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
    page.wait_for_selector(".top b, [data-testid=stDataFrame], .quiet", timeout=READY)


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


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_no_accessibility_finding_is_serious(chromium, sample, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=theme)
    page = context.new_page()
    found = {}
    for path in ("", "agreement", "workbench"):
        open_page(page, sample, path)
        page.wait_for_timeout(800)
        for violation in axe.Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found.setdefault(
                    (path, violation["id"]), [node["html"][:160] for node in violation["nodes"]][:3]
                )
    context.close()
    assert found == {}
