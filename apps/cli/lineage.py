"""`sidelight lineage`: where the votes of a folder come from."""

import click

from .output import json_option, note, print_json, print_table


@click.command(short_help="Say where votes come from.", epilog="Example: sidelight lineage votes")
@click.argument("votes", type=click.Path())
@json_option
def lineage(votes: str, as_json: bool) -> int:
    """Say who made which column of VOTES from which function, on what input, and with which versions."""
    from sidelight.labeling import LimitError
    from sidelight.labeling.engine import read_lineage

    found = read_lineage(votes)
    if as_json:
        print_json(found.to_json())
    else:
        columns = ["function", "fingerprint", "file", "run by", "at", "versions"]
        rows = [
            [
                f["name"],
                f["fingerprint"][:12],
                f.get("file", ""),
                f.get("run_by", ""),
                f.get("at", ""),
                "; ".join(f.get("versions", [])),
            ]
            for f in found.functions
        ]
        print_table("Columns", columns, rows)
        print_table(
            "Input",
            ["file", "bytes", "sha256"],
            [[s["file"], s["bytes"], s["sha256"][:12]] for s in found.sources[:50]],
        )
        if len(found.sources) > 50:
            note(f"and {len(found.sources) - 50} more files (--json lists all)")
        runs = [
            [
                r["event"],
                r["time"],
                r.get("user", ""),
                r.get("host", ""),
                r.get("n_records", r.get("records")),
            ]
            for r in found.runs
            if "event" in r
        ]
        print_table("History", ["event", "at", "by", "on", "records"], runs)
    if found.broken_line:
        raise LimitError(
            f"line {found.broken_line} of the log does not follow from the one before: it was changed"
        )
    return 0
