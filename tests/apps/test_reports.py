import itertools
import math
import re
import stat
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from sidelight.apps.reports import (
    DataRow,
    Example,
    FunctionRow,
    ReportContent,
    ScoredModel,
    draw_ecg,
    report_page,
    write_report,
)
from sidelight.apps.reports.curves import roc_points
from sidelight.crossmodal.evaluation import compare_scores
from sidelight.labeling.statistics import proportion
from sidelight.slicing import audit

WORDS = "Herr <b>Meier</b>, Sinusrhythmus & Linkstyp"
STORED = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]


def beats(n_leads=8, seconds=10.0, rate=100.0):
    """A made-up rhythm: a spike of one millivolt every second, of the lead's number in tenths more."""
    signal = np.zeros((n_leads, int(seconds * rate)))
    for lead in range(n_leads):
        signal[lead, 50 :: int(rate)] = 1 + lead / 10
    return signal


def content(**changes):
    rng = np.random.default_rng(0)
    gold = np.where(rng.random(90) < 0.1, -1, (rng.random(90) < 0.5).astype(int))
    scores = [1 / (1 + np.exp(-(2.5 * (gold > 0) - 1.2 + rng.normal(size=90)))) for _ in range(4)]
    patients = np.repeat(np.arange(45), 2).astype(str)
    report = audit(
        gold, scores[0], {"women": rng.random(90) < 0.5, "paced": np.arange(90) < 3}, patients, n_draws=100
    )
    plain = ReportContent(
        title="Normal or not",
        task="From the signal alone.",
        classes=("normal", "abnormal"),
        gold=gold,
        models=[
            ScoredModel("network on labels", scores[0], trained_on="label model"),
            ScoredModel("network on majority", scores[1]),
            ScoredModel("network on gold", scores[2]),
        ],
        labels=ScoredModel("labels", scores[3], reads="report"),
        patients=patients,
        audit=report,
        functions=[
            FunctionRow("says_normal", "normal", 0.4, 0.2, 0.05, proportion(30, 32), 0.93),
            FunctionRow("says_af", "abnormal", 0.06, 0.01, 0.0, None, None, n_errors=2),
        ],
        data=[DataRow("training", 2000, 1800, n_labeled=1900), DataRow("test", 90, 45, 85, 81, 40)],
        examples=[
            Example("Missed", beats(), STORED, 100.0, 0.2, "abnormal", "abnormal (0.97)", "Why.", WORDS)
        ],
        provenance={"votes": "ab" * 32},
        caveats=["One split only."],
        n_draws=200,
    )
    return replace(plain, **changes)


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.seen = []
        self.open = []
        self.wrong = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link", "img", "input", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]


# -- what is on the page -------------------------------------------------------------------------------


def test_page_tells_its_story_in_order():
    page = report_page(content())
    places = [page.index(f'id="{name}"') for name in ("overall", "slices", "labels", "examples", "methods")]
    assert places == sorted(places)
    for words in (
        "Normal or not",
        "says_af",
        "network on majority",
        "One split only.",
        "ab" * 32,
        "not a medical device",
        "1\u202f900",
    ):
        assert words in page


def test_numbers_are_those_the_command_line_prints():
    made = content()
    columns = [made.models[0], made.labels, *made.models[1:]]
    table = compare_scores(made.gold, {m.name: m.proba for m in columns}, made.patients, n_draws=200)
    area = table["network on labels"].auroc
    page = report_page(made)
    assert f"{area.estimate:.3f} [{area.low:.3f}, {area.high:.3f}]" in page
    assert f"{area.estimate:.2f} [{area.low:.2f}, {area.high:.2f}]" in page


def test_parts_that_were_not_given_are_not_there():
    bare = content(
        audit=None, functions=(), data=(), examples=(), labels=None, patients=None, provenance={}, caveats=()
    )
    page = report_page(bare)
    for name in ("slices", "labels", "examples"):
        assert f'id="{name}"' not in page
    assert "No patients were given" in page


def test_one_class_only_is_said_and_not_a_crash():
    page = report_page(content(gold=np.ones(90, dtype=int), audit=None))
    assert "no negative record" in page
    assert "needs records of both classes" in page


def test_wrong_content_is_refused():
    with pytest.raises(ValueError, match="probabilities of shape"):
        content(models=[ScoredModel("m", [0.1])])
    with pytest.raises(ValueError, match="reference"):
        content(reference="nobody")
    with pytest.raises(ValueError, match="share a name"):
        content(labels=ScoredModel("network on gold", np.zeros(90), reads="report"))
    with pytest.raises(ValueError, match="models is empty"):
        content(models=[])


# -- standing alone ------------------------------------------------------------------------------------


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs():
    page = report_page(content(with_text=True))
    tags = Tags(page)
    assert not tags.all("script")
    assert not tags.all("link")
    assert not tags.all("img")
    assert not tags.all("iframe")
    loads = [
        value
        for _, attrs in tags.seen
        for key, value in attrs.items()
        if key in ("src", "href", "data", "action")
    ]
    assert all(value.startswith("#") for value in loads)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"\son\w+=", page)


def test_page_is_well_formed_and_ids_are_unique():
    tags = Tags(report_page(content(with_text=True)))
    assert tags.wrong == []
    assert tags.open == []
    ids = [attrs["id"] for _, attrs in tags.seen if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in tags.seen:
        for name in attrs.get("aria-labelledby", "").split():
            assert name in ids


def test_page_can_be_heard():
    tags = Tags(report_page(content()))
    assert tags.all("html")[0]["lang"] == "en"
    assert len(tags.all("h1")) == 1
    for attrs in tags.all("svg"):
        assert attrs["role"] == "img"
        assert attrs["aria-labelledby"]
    assert len(tags.all("title")) == 1 + len(tags.all("svg"))
    assert all("scope" in attrs for attrs in tags.all("th"))
    levels = [int(name[1]) for name, _ in tags.seen if re.fullmatch(r"h[1-6]", name)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_light_dark_and_paper_are_provided_for():
    page = report_page(content())
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def contrast(one, two):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_colours_can_be_read_on_their_paper_in_light_and_dark():
    blocks = re.findall(r":root \{(.*?)\}", report_page(content()), flags=re.DOTALL)
    for block in blocks[:2]:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for name in ("ink", "soft", "blue", "red", "green", "amber"):
            assert contrast(colours[name], colours["paper"]) >= 4.5, name


# -- words of reports ----------------------------------------------------------------------------------


def test_no_text_without_permission():
    page = report_page(content())
    assert "Meier" not in page
    assert "patient text" not in page


def test_text_is_escaped_and_the_page_says_that_it_is_private():
    page = report_page(content(with_text=True))
    assert "<b>Meier" not in page
    assert "Herr &lt;b&gt;Meier&lt;/b&gt;, Sinusrhythmus &amp; Linkstyp" in page
    assert "holds patient text and is not for sharing" in page


def test_public_data_are_called_public():
    page = report_page(content(with_text=True, public_data=True, attribution="PTB-XL, CC BY 4.0"))
    assert "not for sharing" not in page
    assert "The data are public: PTB-XL, CC BY 4.0" in page


@pytest.mark.parametrize("place", ["title", "task", "caveats", "functions", "provenance", "models"])
def test_every_string_is_escaped(place):
    bad = '<img src=x onerror="a">'
    values = {
        "title": bad, "task": bad, "caveats": [bad], "provenance": {bad: bad},
        "functions": [FunctionRow(bad, bad, 0.1, 0.1, 0.1)],
        "models": [ScoredModel(bad, np.linspace(0, 1, 90), reads=bad, trained_on=bad)],
    }  # fmt: skip
    page = report_page(content(**{place: values[place]}))
    assert "<img" not in page
    assert "&lt;img" in page


def test_file_is_for_its_owner_alone_and_the_same_each_time(tmp_path):
    first = write_report(tmp_path / "a.html", content(with_text=True))
    second = write_report(tmp_path / "b.html", content(with_text=True))
    assert first.read_bytes() == second.read_bytes()
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "b.html"]


# -- pictures ------------------------------------------------------------------------------------------

NAMESPACE = {"s": "http://www.w3.org/2000/svg"}


def traces(svg):
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    paths = [path.get("d") for path in root.iterfind("s:path", NAMESPACE) if path.get("class") == "ecg-trace"]
    return [np.array([[float(v) for v in step.split()] for step in path[1:].split("L")]) for path in paths]


def test_ecg_is_drawn_to_scale():
    svg = draw_ecg(beats(), STORED, 100.0, name="e")
    drawn = traces(svg)
    assert len(drawn) == 13
    rhythm = drawn[-1]
    assert rhythm[-1, 0] - rhythm[0, 0] == pytest.approx(25 * 9.99, abs=0.02)  # 25 mm a second
    assert rhythm[:, 1].max() - rhythm[:, 1].min() == pytest.approx(11, abs=0.02)  # 1.1 mV in lead II
    assert "25 mm/s" in svg
    assert "10 mm/mV" in svg
    mark = re.search(r'd="M4 ([\d.]+)L5 \1L5 ([\d.]+)L10 \2L10 \1', svg)
    assert float(mark.group(1)) - float(mark.group(2)) == 10  # one millivolt, a fifth of a second


def test_limb_leads_follow_from_two():
    signal = beats()
    svg = draw_ecg(signal, STORED, 100.0, name="e")
    words = re.findall(r'class="ecg-lead">(\w+)<', svg)
    assert words == ["I", "aVR", "V1", "V4", "II", "aVL", "V2", "V5", "III", "aVF", "V3", "V6", "II"]
    avr = traces(svg)[1]
    assert avr[:, 1].max() - avr[:, 1].min() == pytest.approx(10.5, abs=0.02)  # -(1 + 1.1) / 2 mV
    assert avr[np.argmax(avr[:, 1]), 1] > np.median(avr[:, 1])  # downward


def test_all_twelve_stored_leads_are_taken_as_they_are():
    names = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    third = traces(draw_ecg(beats(12), names, 100.0, name="e"))[8]
    assert third[:, 1].max() - third[:, 1].min() == pytest.approx(12, abs=0.02)


def test_other_channels_get_a_row_each_and_gaps_stay_gaps():
    signal = beats(2)
    signal[0, 300:400] = math.nan
    drawn = traces(draw_ecg(signal, ["C3", "C4"], 100.0, name="e"))
    assert [len(part) for part in drawn] == [300, 600, 1000]


def test_rows_of_tall_complexes_are_kept_apart():
    tall = draw_ecg(beats() * 2.4, STORED, 100.0, name="e")
    small = draw_ecg(beats() * 0.5, STORED, 100.0, name="e")
    height = [float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg).group(1)) for svg in (tall, small)]
    assert height[0] > height[1]


def test_wrong_signals_are_refused():
    with pytest.raises(ValueError, match="3 leads"):
        draw_ecg(beats(), ["I", "II", "III"], 100.0, name="e")
    with pytest.raises(ValueError, match="sampling_hz"):
        draw_ecg(beats(), STORED, 0, name="e")


def test_roc_points_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    gold, score = rng.random(50) < 0.4, rng.integers(8, size=50) / 8
    false, true = roc_points(gold, score)
    expected = roc_curve(gold, score, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])
