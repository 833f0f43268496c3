"""How the app looks: one palette for light and dark that colour-blind people can tell apart, and its style sheet."""

from typing import Any

import numpy as np
from PIL import Image

SANS = "Source Sans, system-ui, sans-serif"
LIGHT = {
    "primaryColor": "#0b5c7e",
    "backgroundColor": "#fbfaf7",
    "secondaryBackgroundColor": "#f1efe9",
    "textColor": "#1b1f23",
    "borderColor": "#d9d5cb",
    "linkColor": "#0b5c7e",
}
DARK = {
    "primaryColor": "#6cbfe0",
    "backgroundColor": "#14171a",
    "secondaryBackgroundColor": "#1e2226",
    "textColor": "#eceae4",
    "borderColor": "#3a4046",
    "linkColor": "#8fd0ea",
}
# Okabe and Ito's colours, darkened until text on the tint and the line below it both read; a second sign goes with
# each: the line below the mark is solid, double, dashed, dotted in turn.
CLASS_LIGHT = ("#0b67a3", "#b34a00", "#00745a", "#8a3b74", "#7a6000", "#3f7fa6", "#5c5c5c", "#a03030")
CLASS_DARK = ("#63b4ee", "#f2994e", "#3fc9a2", "#dd92c4", "#e3c84b", "#93cdf0", "#b8b8b8", "#f08b8b")
LINES = ("solid", "double", "dashed", "dotted", "solid", "double", "dashed", "dotted")


def theme_options() -> dict[str, Any]:
    """Return Streamlit's options for both themes; which one shows is the reader's own setting."""
    common = {"baseRadius": "6px", "showWidgetBorder": True, "baseFontSize": 16}
    options = {f"theme.{name}": value for name, value in common.items()}
    for kind, colours in (("light", LIGHT), ("dark", DARK)):
        options |= {f"theme.{kind}.{name}": value for name, value in colours.items()}
    options["theme.chartCategoricalColors"] = list(CLASS_LIGHT)
    return options


ECG_LIGHT = {"paper": "#fff8f6", "fine": "#f7dcd7", "bold": "#ecb3aa", "trace": "#14171a"}
ECG_DARK = {"paper": "#1d1716", "fine": "#332421", "bold": "#573833", "trace": "#f3efe8"}


def page_icon() -> Image.Image:
    """Return the picture beside the page's title: a dot with a light from the side, drawn here, not fetched."""
    across, down = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64))
    inside = across**2 + down**2 <= 0.8
    lit = (across + 0.55) ** 2 + down**2 <= 0.95
    picture = np.zeros((64, 64, 4), dtype=np.uint8)
    picture[inside] = (11, 92, 126, 255)
    picture[inside & ~lit] = (230, 159, 0, 255)
    return Image.fromarray(picture)


def style(kind: str) -> str:
    """Return the style sheet of the app's own parts for the theme of that kind ("light" or "dark")."""
    dark = kind == "dark"
    base, classes = (DARK, CLASS_DARK) if dark else (LIGHT, CLASS_LIGHT)
    soft = "#a9a69d" if dark else "#5d5a52"
    variables = "".join(f"--c{n}:{colour};" for n, colour in enumerate(classes))
    variables += "".join(
        f"--ecg-{name}:{colour};" for name, colour in (ECG_DARK if dark else ECG_LIGHT).items()
    )
    marks = "".join(
        f"mark.c{n}{{background:color-mix(in srgb,var(--c{n}) 17%,transparent);border-bottom:3px {line} var(--c{n})}}"
        f".dot.c{n}{{background:var(--c{n})}}"
        for n, line in enumerate(LINES)
    )
    return (
        f"<style>:root{{{variables}--ink:{base['textColor']};--soft:{soft};--line:{base['borderColor']};"
        f"--edge:{'#7d858d' if dark else '#8c877b'};"
        f"--paper:{base['backgroundColor']};--panel:{base['secondaryBackgroundColor']};--accent:{base['primaryColor']}}}"
        f"{marks}{SHEET}</style>"
    )


SHEET = """
[data-testid="stMainBlockContainer"]{max-width:1720px;padding:4.2rem 2.2rem 2rem}
[data-testid="stHeader"]{border-bottom:1px solid var(--line)}
.note{font:400 19px/1.62 Georgia,'Source Serif','Source Serif 4',serif;color:var(--ink);white-space:pre-wrap;
 overflow-wrap:anywhere;max-width:44em;padding:2px 0 4px}
.note.empty{color:var(--soft);font-style:italic}
.note b{font-family:'Source Sans',system-ui,sans-serif;font-size:15px;letter-spacing:.02em}
.note mark{color:inherit;padding:1px 1px 0;border-radius:3px 3px 0 0}
mark.mixed{background:repeating-linear-gradient(45deg,color-mix(in srgb,var(--c0) 22%,transparent) 0 6px,
 color-mix(in srgb,var(--c1) 22%,transparent) 6px 12px);border-bottom:3px solid var(--ink)}
.finding{border-bottom:1.5px dotted var(--soft)}
.sign{display:inline-block;font:600 12px/1.25 'Source Sans',system-ui,sans-serif;color:var(--ink);background:var(--panel);
 border:1px solid var(--edge);border-radius:4px;padding:0 4px;margin-right:4px;vertical-align:2px}
.legend{display:flex;flex-wrap:wrap;gap:2px 16px;font:14px/1.6 'Source Sans',system-ui,sans-serif;color:var(--soft)}
.facts{padding:0!important;margin:0!important;display:flex;flex-wrap:wrap;gap:3px 26px;margin:0;font:15px/1.5 'Source Sans',system-ui,sans-serif}
.facts div{display:flex;gap:7px}.facts dt{color:var(--soft)}.facts dd{margin:0!important;padding:0!important;font-variant-numeric:tabular-nums}
.top{display:flex;align-items:baseline;gap:14px;flex-wrap:wrap;font:15px/1.5 'Source Sans',system-ui,sans-serif;
 color:var(--soft)}
.top b{color:var(--ink);font-size:19px;font-weight:650}
.bar{height:5px;border-radius:3px;background:color-mix(in srgb,var(--ink) 12%,transparent);overflow:hidden;margin:5px 0 0}
.bar i{display:block;height:100%;background:var(--accent)}
.said{list-style:none;margin:0!important;padding:0!important;font:15px/1.5 'Source Sans',system-ui,sans-serif}
.said li{display:flex;gap:9px;align-items:baseline;padding:3px 0!important;border-top:1px solid var(--line);margin:0!important;font-size:15px!important}
.said li:first-child{border-top:0}.said em{font-style:normal;color:var(--soft);margin-left:auto;
 font-variant-numeric:tabular-nums}
.timeline{max-height:330px;overflow:auto;border-left:2px solid var(--line);padding:2px 0 2px 16px;
 font:15px/1.45 'Source Sans',system-ui,sans-serif}
.timeline section{position:relative;margin:0 0 10px}
.timeline section::before{content:"";position:absolute;left:-21px;top:7px;width:8px;height:8px;border-radius:50%;background:var(--accent)}
.timeline h4{font:600 14px/1.5 'Source Sans',system-ui,sans-serif!important;color:var(--soft)!important;margin:0!important;padding:0!important}
.timeline ul{list-style:none;margin:0!important;padding:0!important}
.timeline li{display:flex;gap:9px;align-items:baseline;margin:0!important;padding:2px 0!important;font-size:15px!important}
.timeline em{font-style:normal;margin-left:auto;padding-right:10px;font-variant-numeric:tabular-nums;white-space:nowrap}
.kind{font:600 12px/1.4 'Source Sans',system-ui,sans-serif;color:var(--soft);border:1px solid var(--line);border-radius:4px;
 padding:0 5px;flex:none}
.dot{display:inline-block;width:10px;height:10px;border-radius:50%;flex:none}
.kicker{font:600 13px/1.4 'Source Sans',system-ui,sans-serif;letter-spacing:.06em;text-transform:uppercase;
 color:var(--soft);margin:0}
.narrow{max-width:40em}
.verdict{font:600 19px/1.4 'Source Sans',system-ui,sans-serif;color:var(--ink);margin:0}
.suggestion{border:1.5px dashed var(--line);border-radius:6px;padding:7px 12px;font-size:15px;color:var(--ink)}
.quiet{color:var(--soft);font-size:15px}
.sections{display:flex;flex-wrap:wrap;gap:4px 16px;font:15px/1.5 'Source Sans',system-ui,sans-serif}
.sections a{color:var(--accent);text-decoration:underline;text-underline-offset:3px}
div:has(> .st-key-decide){position:sticky;bottom:0;background:var(--paper);padding:10px 0;z-index:5}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.2em,auto));gap:10px 22px;margin:0 0 6px!important;
 padding:0!important;font:15px/1.35 'Source Sans',system-ui,sans-serif}
.figures dt{color:var(--soft)}.figures dd{margin:0!important;padding:0!important;font-variant-numeric:tabular-nums;font-size:17px}
.figures b{font-weight:600}
.candidate{display:inline-flex;gap:9px;align-items:baseline}.candidate em{font-style:normal;color:var(--soft);font-size:15px}
.st-key-editor textarea{font:14px/1.5 'Source Code','Source Code Pro',ui-monospace,monospace!important;tab-size:4;white-space:pre;
 overflow-x:auto}
.hits{display:grid;gap:10px}.hits .note{font-size:17px;line-height:1.5;border-left:3px solid var(--line);padding-left:14px}
.hits .row em{font-style:normal;margin-left:10px}
.hits .row{font-size:14px;color:var(--soft);font-variant-numeric:tabular-nums}
[class*="st-key-choices"] button{min-height:3.3rem;font-weight:600}
[class*="st-key-choices"] button p{font-size:1.08rem}
.timeline:focus-visible,button:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid var(--accent)!important;outline-offset:2px}
[data-testid=stMain]:focus-visible,[data-testid=stSidebarContent]:focus-visible{outline:3px solid var(--accent)!important;outline-offset:-3px}
[data-testid^=stBaseButton-primary],[data-testid^=stBaseButton-primary] p{color:var(--paper)!important}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
"""

KEYS_AT_REST = """<script>
(() => { if (window.sidelightKeys) return; window.sidelightKeys = true;
  const REST = 400, marker = /st-key-(?:label|adjudicate)-\\d+/;
  let last = -REST, shown = "", since = -REST;
  const watch = () => {
    const choice = document.querySelector('[class*="st-key-label-"], [class*="st-key-adjudicate-"]');
    const now = choice?.className.match(marker)?.[0] ?? "";
    if (now !== shown) { shown = now; since = performance.now(); }
    const side = document.querySelector("[data-testid=stSidebarContent]:not([tabindex])");
    if (side) { side.tabIndex = 0; side.role = "region"; side.ariaLabel = "Queue and guideline"; } };
  new MutationObserver(watch).observe(document.body,
    { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  const early = (time) => {
    watch(); const soon = time - last < REST || time - since < REST; last = time; return soon; };
  const stop = (event) => { event.stopImmediatePropagation(); event.preventDefault(); };
  const within = (event, places) => event.target instanceof Element && event.target.closest(places);
  const loose = "input[type=checkbox], input[type=radio], input[type=range], select";
  window.addEventListener("keydown", (event) => {
    const plain = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && shown && within(event, loose)) { // a switch or slider keeps the focus, but no letters
      stop(event); event.target.blur();
      const { key, code, keyCode, repeat } = event;
      document.body.dispatchEvent(new KeyboardEvent("keydown",
        { key, code, keyCode, which: keyCode, repeat, bubbles: true, cancelable: true }));
      return; }
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey || !shown) return;
    if (within(event, "input, textarea, select, [contenteditable=true], [role=combobox], [role=listbox]")) return;
    if (early(event.timeStamp) || event.repeat) stop(event); }, true);
  window.addEventListener("click", (event) => {
    if (within(event, ".st-key-choices button, .st-key-others button") && early(event.timeStamp)) stop(event);
  }, true); })();
</script>"""
"""Where the times of presses are known, in the browser: a key counts when the record was in sight and the keys were at
rest for 0.4 seconds, and a click likewise. The server's own guard stands behind it."""
