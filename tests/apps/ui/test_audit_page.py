"""An audit's page in a real browser: nothing sticks out, nothing is asked for, and no accessibility finding is serious."""

import numpy as np
import pytest

from sidelight.slicing import Findings, audit, contrast_errors, fairness, slice_calibration
from sidelight.slicing.embedding_map import embedding_map

STICKING_OUT = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text:not([transform])")].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 3 || box.right > frame.right + 3 || box.top < frame.top - 3;
    }).map(text => text.textContent);
})"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    random = np.random.default_rng(0)
    y, failing = random.integers(0, 2, 4000), random.random(4000) < 0.1
    p = (np.where(failing, 0.5, 0.2 + 0.6 * y) + random.normal(0, 0.1, 4000)).clip(0, 1)
    slices = {
        "failing": failing,
        "m" * 200: random.random(4000) < 0.3,
        "<script>alert(1)</script> & co": random.random(4000) < 0.3,
        "a site of a long name in a town of a long name": random.random(4000) < 0.2,
        "tiny": np.arange(4000) < 3,
    }
    wrong = (p >= 0.5) != y
    findings = Findings(
        audit(y, p, slices),
        title="w" * 120,
        classes=("normal", "abnormal"),
        calibration=slice_calibration(y, p, slices),
        fairness={"sex": fairness(y, p, np.array(["f", "m", "x"])[random.integers(0, 3, 4000)])},
        contrast=contrast_errors(y, p, slices, classes=("normal", "abnormal")),
        map=embedding_map(random.normal(size=(4000, 3)), y, wrong, [("failing", failing)]),
    )
    return findings.to_html(tmp_path_factory.mktemp("page") / "audit.html")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_asks_for_nothing_and_can_be_used_by_all(chromium, page_file, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(STICKING_OUT) == []
    assert axe.Axe().run(page).response["violations"] == []
    assert asked == [page_file.as_uri()]
    context.close()
