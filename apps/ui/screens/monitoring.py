"""Monitoring: what finished checks of newer exports found, one at a time; no record is named in them."""

from pathlib import Path
from typing import Any

import streamlit as st

from sidelight.apps.project.monitor import FAMILIES, list_monitorings, read_monitoring
from sidelight.apps.ui.desk import Desk


def monitoring_page(desk: Desk) -> None:
    """Show the check that somebody chooses, the newest first."""
    home = project_home(desk.context.workspace.functions_file)
    files = [] if home is None else list_monitorings(home)
    if home is None or not files:
        st.info(
            "No check of a newer export is here yet. In the project's folder: "
            "sidelight monitor NEW_EXPORT --out monitoring/NAME",
            icon=":material/info:",
        )
        return
    names = {str(file.parent.relative_to(home)): file for file in files}
    chosen = st.selectbox("Check", list(names), key="monitoring-check")
    content = read_monitoring(names[chosen])
    alarms = content["alarms"]
    counts = content["records"]
    of = f"{counts['new']:,} new records against {counts['reference']:,} of run {content['run']}"
    if alarms:
        st.error(
            f"Something changed: {len(alarms)} of {content['tests']:,} tests raise an alarm; {of}.",
            icon=":material/notifications_active:",
        )
    else:
        st.success(
            f"No alarm: none of {content['tests']:,} tests shows a change; {of}.", icon=":material/check:"
        )
    for family, title in FAMILIES.items():
        rows = [row for row in alarms if row["family"] == family]
        if rows:
            st.subheader(title, anchor=False)
            st.html(f'<p class="quiet">It seems that {content["means"][family]}.</p>')
            st.dataframe([_shown(row) for row in rows], hide_index=True)
    with st.expander("Everything that was compared"):
        rows = [row for row in content["rows"] if row["family"] != "words"]
        st.dataframe(
            [{"about": FAMILIES[r["family"]], **_shown(r), "verdict": r["verdict"]} for r in rows],
            hide_index=True,
        )
    st.html(
        f'<p class="quiet">If nothing had changed, a check raises any alarm at all in {content["family_error"]:.0%} of cases. '
        f"The same as a page to pass on: {chosen}/monitor.html</p>"
    )


def project_home(file: Path | None) -> Path | None:
    """Return the folder of the project that a file of functions belongs to, None where there is no project."""
    for folder in () if file is None else file.resolve().parents:
        if (folder / "sidelight.toml").is_file():
            return folder
    return None


def _shown(row: dict[str, Any]) -> dict[str, str]:
    """Return a row of a check as people read it."""
    return {
        "what": row["name"],
        "of": row["source"] or row["task"],
        "among": row["slice"] or "all records",
        "compared": row["what"],
        "reference": _number(row, "reference"),
        "new": _number(row, "new"),
        "p, corrected": "–" if row["p"] is None else f"{row['p']:.4f}",
    }


def _number(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if value is None:
        return "–"
    return f"{100 * value:.1f} %" if row["what"] == "share" else f"{value:.3g}"
