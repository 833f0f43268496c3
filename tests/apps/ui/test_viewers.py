"""Pictures and signals beside the note: no grey value is lost, nothing outside the folder is opened, and a browser shows them."""

import base64

import numpy as np
import pytest

pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")

from sidelight.apps.ui.viewers.picture import picture_data, read_picture
from sidelight.apps.ui.viewers.studies import StudyFolder, labels_of
from sidelight.apps.ui.viewers.tracing import montages_of, parts_of, tracing_data
from sidelight.labeling import InputError, Record, UsageError

READY = 60_000


def unpacked(data, kind):
    return np.frombuffer(base64.b64decode(data["pixels" if kind == "<u2" else "samples"]), dtype=kind)


def test_a_ct_slice_keeps_all_its_grey_values_and_the_windows_of_its_file(studies):
    picture = read_picture(studies / "n0.dcm")
    assert picture.values.shape == (256, 320)
    assert picture.values.min() < -1000
    assert picture.values.max() > 700
    assert picture.units == "HU"
    names = [name for name, _, _ in picture.windows]
    assert picture.windows[0] == ("as stored", 50.0, 350.0)
    assert {"lung", "bone", "full range"} <= set(names)
    data = picture_data(picture, "words", "light")
    steps = unpacked(data, "<u2").reshape(256, 320)
    back = data["low"] + steps / 65535 * (data["high"] - data["low"])
    np.testing.assert_allclose(back, picture.values, atol=0.5)


def test_sixteen_bits_of_a_radiograph_are_not_cut_to_eight(studies):
    picture = read_picture(studies / "n1" / "frontal.png")
    assert picture.values.max() > 255
    assert [name for name, _, _ in picture.windows] == ["full range", "contrast"]


def test_a_large_picture_is_made_smaller_and_says_so():
    from sidelight.apps.ui.viewers.picture import Picture

    data = picture_data(Picture(np.zeros((3000, 1500), np.float32), (("w", 0.0, 1.0),)), "words", "dark")
    assert (data["width"], data["height"], data["full"]) == (640, 1280, [1500, 3000])


@pytest.mark.parametrize("suffix", [".dcm", ".png", ".jpg"])
def test_a_damaged_picture_is_named_and_not_quoted(tmp_path, suffix):
    (tmp_path / f"one{suffix}").write_bytes(b"Canary Karl " * 40)
    with pytest.raises(InputError, match=f"one{suffix}") as fault:
        read_picture(tmp_path / f"one{suffix}")
    assert "Canary" not in str(fault.value)


def test_a_record_finds_the_files_that_bear_its_id(studies):
    folder = StudyFolder.open(studies)
    assert [path.name for path in folder.of(Record({"id": "n0"}))] == ["n0.dcm"]
    assert labels_of(folder.of(Record({"id": "n1"}))) == ["frontal", "lateral"]
    assert folder.of(Record({"id": "nobody"})) == ()


@pytest.mark.parametrize(
    "named", ["../secret.png", "/etc/secret.png", "link.png", "text.txt", "", "gone.png"]
)
def test_nothing_outside_the_folder_is_opened(tmp_path, studies, named):
    home = tmp_path / "home"
    home.mkdir()
    (home / "text.txt").write_text("no study")
    for place in (tmp_path / "secret.png", home / "one.png"):
        place.write_bytes((studies / "n1" / "frontal.png").read_bytes())
    (home / "link.png").symlink_to(tmp_path / "secret.png")
    folder = StudyFolder.open(home, "file")
    assert folder.of(Record({"id": "1", "file": named})) == ()
    assert [path.name for path in folder.of(Record({"id": "1", "file": "one.png"}))] == ["one.png"]
    assert "link" not in folder.by_id


def test_a_folder_without_studies_is_refused(tmp_path):
    with pytest.raises(UsageError, match="holds no study"):
        StudyFolder.open(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        StudyFolder.open(tmp_path / "gone")


def test_samples_of_an_ecg_arrive_with_their_gaps_and_derived_leads():
    random = np.random.default_rng(0)
    values = random.normal(0, 0.3, (2, 500))
    values[0, 100:110] = np.nan
    data = tracing_data(values, ["i", "ii"], 250.0, "mV", kind="light")
    assert (data["kind"], data["names"][:3], data["twelve"]) == ("ecg", ["I", "II", "III"], False)
    counts = unpacked(data, "<i2").reshape(len(data["names"]), 500)
    assert (counts[:, 100:110] == -32768)[[0, 2, 3, 4, 5]].all(), (
        "a lead with a gap leaves one in those it makes"
    )
    assert not (counts[1] == -32768).any()
    back = counts * np.array(data["steps"])[:, None]
    expected = values[1] - np.median(values[1])
    np.testing.assert_allclose(back[1], expected, atol=1e-4)


def test_montages_subtract_what_their_names_say():
    names = ["Fp1", "F7", "T7", "P7", "O1", "Fp2"]
    found = {montage["name"]: montage["rows"] for montage in montages_of(names)}
    chain = found["longitudinal bipolar"]
    assert [name for name, _, _ in chain] == ["Fp1-F7", "F7-T7", "T7-P7", "P7-O1"]
    assert all(name == f"{names[plus]}-{names[minus]}" for name, plus, minus in chain)
    assert {minus for _, _, minus in found["common average"]} == {-2}
    assert montages_of(["a", "b", "c"]) == []


def test_channels_called_the_older_way_and_with_a_reference_are_known():
    data = tracing_data(
        np.ones((3, 100)), ["EEG T3-REF", "EEG T5-LE", "EEG Fp1-A1"], 100.0, "mV", kind="light"
    )
    assert (data["kind"], data["names"], data["units"]) == ("eeg", ["T7", "P7", "Fp1"], "µV")


def test_a_long_recording_comes_in_parts_that_cover_it():
    parts = parts_of(100_000, 100.0)
    assert parts == [(0, 30_000), (30_000, 60_000), (60_000, 90_000), (90_000, 100_000)]
    assert parts_of(500, 0.0) == [(0, 500)]


@pytest.fixture(scope="module")
def app(chromium, serve, studies, tmp_path_factory):
    """Three records, each with another kind of study."""
    folder = tmp_path_factory.mktemp("viewers")
    rows = "".join(f"n{n},p{n},No effusion.\n" for n in range(3))
    (folder / "notes.csv").write_text("id,patient_id,text\n" + rows)
    return serve("notes.csv", "--classes", "no,yes", "--studies", str(studies), folder=folder)


GREY = "(c => c.getContext('2d').getImageData(c.width * {x} | 0, c.height * {y} | 0, 1, 1).data[0])(document.querySelector('.sl-stage canvas'))"
INK = """c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
  for (let i = 0; i < d.length; i += 4) n = (n * 31 + d[i]) >>> 0; return n; }"""


def test_viewers_show_each_kind_of_study_and_ask_nobody_for_it(page, app):
    page.goto(app.url)
    page.locator(".top b").wait_for(timeout=READY)
    seen = set()
    for number in range(3):
        page.wait_for_function(
            "n => document.querySelector('.top b').innerText.startsWith(n + ' of')", arg=number
        )
        page.wait_for_function("document.querySelectorAll('.sl-legend').length === 1", timeout=READY)
        page.wait_for_timeout(700)
        name = page.locator(".facts dd").first.inner_text()
        seen.add(name)
        {"n0": look_at_ct, "n1": look_at_radiograph, "n2": look_at_eeg}[name](page)
        for _ in range(10):
            page.wait_for_timeout(600)
            if page.locator(".top b").first.inner_text() != f"{number} of 3":
                break
            page.keyboard.press("2")
    assert seen == {"n0", "n1", "n2"}
    local = (app.url, app.url.replace("http", "ws"), "data:", "blob:")
    assert [url for url in page.requests if not url.startswith(local)] == []
    assert page.faults == []
    assert "Canary" not in page.content() + app.log, "the name in the DICOM header stays where it is"


def look_at_ct(page):
    tissue, lung = GREY.format(x=0.5, y=0.3), GREY.format(x=0.3, y=0.5)
    assert page.evaluate(lung) == 0
    assert 90 < page.evaluate(tissue) < 160, "40 HU through a window of 350 about 50"
    page.get_by_role("combobox", name="Window", exact=True).select_option(label="lung")
    assert 60 < page.evaluate(lung) < 130, "-800 HU through a window of 1500 about -600"
    assert page.evaluate(tissue) > 220
    page.get_by_role("button", name="Invert").click()
    assert page.evaluate(tissue) < 35
    page.get_by_role("slider", name="Level").focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    assert page.get_by_role("combobox", name="Window", exact=True).input_value() == "-1", (
        "a window of one's own"
    )
    page.get_by_role("button", name="Reset").click()
    assert 90 < page.evaluate(tissue) < 160
    assert "level 50 HU, width 350" in page.locator("canvas").get_attribute("aria-label")


def look_at_radiograph(page):
    assert "320 × 256" in page.locator(".sl-legend").inner_text()
    page.get_by_role("radio", name="lateral").click()
    page.get_by_text("level 128, width 255").wait_for(timeout=READY)


def look_at_eeg(page):
    drawn = [page.locator("canvas").evaluate(INK)]
    legend = page.locator(".sl-legend")
    assert "0:00 to 0:10 of 1:30" in legend.inner_text()
    for change in (
        lambda: page.get_by_role("combobox", name="Leads", exact=True).select_option(
            label="longitudinal bipolar"
        ),
        lambda: page.get_by_role("combobox", name="Gain", exact=True).select_option(label="20 µV/mm"),
        lambda: page.get_by_role("button", name="On one page").click(),
    ):
        change()
        page.wait_for_timeout(200)
        drawn.append(page.locator("canvas").evaluate(INK))
    assert len(set(drawn)) == 4, "each changes what is drawn"
    assert "0:10 to 0:20" in legend.inner_text()


def test_an_ecg_is_drawn_at_the_speed_and_gain_chosen(page, serve):
    server = serve()
    page.goto(server.url)
    legend = page.locator(".sl-legend")
    legend.wait_for(timeout=READY)
    assert "25 mm/s · 10 mm/mV" in legend.inner_text()
    page.wait_for_timeout(400)
    before = page.locator("canvas").evaluate(INK)
    page.get_by_role("combobox", name="Speed", exact=True).select_option(label="50 mm/s")
    page.get_by_role("combobox", name="Gain", exact=True).select_option(label="20 mm/mV")
    page.get_by_role("combobox", name="Leads", exact=True).select_option(label="V2")
    page.wait_for_timeout(200)
    assert page.locator("canvas").evaluate(INK) != before
    assert "50 mm/s · 20 mm/mV · 0:00 to 0:05 of 0:10" in legend.inner_text()
    page.locator(".sl-legend").click()
    page.wait_for_timeout(600)
    page.keyboard.press("1")
    page.wait_for_function("document.querySelector('.top b').innerText.startsWith('1 of')", timeout=READY)
    page.wait_for_timeout(500)
    assert page.get_by_role("combobox", name="Speed", exact=True).input_value() == "50", (
        "a reader's choice holds for the next record"
    )
