"""Counts of sample exports as sidelight reads them, beside what jq, wc, grep and pandas count in the same files.

    python benchmarks/sample_counts.py --data FOLDER

FOLDER holds FHIR (bulk and laboratory), OMOP, HL7 v2 and CSV samples, one folder a set; the bundled reports come with the
package. Each line is one resource type, table or message type. Ends with exit code 1 when one count differs.
"""

import argparse
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import sidelight.apps.demo
from sidelight.crossmodal.formats import read_study
from sidelight.labeling import InputError, read
from sidelight.labeling.readers.hl7_message import parse_message, split_messages
from sidelight.labeling.readers.lines import iter_segments

Row = tuple[str, str, int, str, int, int | None]
"""Sample, what is counted, our count, the tool, its count, that of pandas."""


def main() -> None:
    options = _options()
    data = Path(options.data)
    rows = [
        row
        for count in (count_fhir, count_omop, count_messages, count_tables, count_signals)
        for row in count(data)
    ]
    print(f"{'sample':18} {'what':46} {'sidelight':>9} {'tool':>8} {'count':>7} {'pandas':>7}")
    wrong = 0
    for sample, what, ours, tool, count, frame in rows:
        same = ours == count and frame in (None, ours)
        wrong += not same
        shown = "-" if frame is None else str(frame)
        print(f"{sample:18} {what:46} {ours:9} {tool:>8} {count:7} {shown:>7}{'' if same else '  DIFFERS'}")
    print(f"{len(rows)} counts, {wrong} of them differ")
    raise SystemExit(1 if wrong else 0)


def count_fhir(data: Path) -> Iterator[Row]:
    """Count documents, events and resources that are only lines to us, type by type."""
    for sample in ("fhir_bulk_synthea", "fhir_lab_synthea"):
        reading = read(data / sample)
        records = Counter(r.resource for batch in reading for r in batch)
        aside = Counter(Path(row.source).name.partition(".")[0] for row in reading.quarantine.rows)
        reading.build_events()
        events = {source: counts["rows"] for source, counts in reading.scan.to_json().items()}
        for path in sorted((data / sample).glob("*.ndjson")):
            kind = path.name.partition(".")[0]
            frame = len(pd.read_json(path, lines=True))
            tool, count = _jq(path, kind)
            if kind in records or kind == "DiagnosticReport":
                yield sample, f"{kind} (records)", records[kind] + aside[kind], tool, count, frame
            if path.name in events:
                yield sample, f"{kind} (events)", events[path.name], tool, count, frame
            elif kind not in records and kind != "DiagnosticReport":
                lines = read(path, format="jsonl")
                n = sum(len(batch) for batch in lines) + len(lines.quarantine)
                yield sample, f"{kind} (no record, no event)", n, tool, count, frame


def count_omop(data: Path) -> Iterator[Row]:
    """Count visits, events and the rows of all other tables."""
    folder = data / "omop_synthea27"
    reading = read(folder)
    visits = sum(len(batch) for batch in reading) + len(reading.quarantine)
    reading.build_events()
    events = {source: counts["rows"] for source, counts in reading.scan.to_json().items()}
    for path in sorted(folder.glob("*.csv")):
        frame, lines = len(pd.read_csv(path, low_memory=False)), _lines(path) - 1
        if path.name == "VISIT_OCCURRENCE.csv":
            yield "omop_synthea27", f"{path.stem} (records)", visits, "wc", lines, frame
        if path.name in events:
            yield "omop_synthea27", f"{path.stem} (events)", events[path.name], "wc", lines, frame
        else:
            yield "omop_synthea27", f"{path.stem} (no record, no event)", _rows(path), "wc", lines, frame


def count_messages(data: Path) -> Iterator[Row]:
    """Count messages by type, and the reports in them."""
    folder = data / "hl7v2_samples"
    files = sorted(folder.glob("*.hl7"))
    ours: Counter[str] = Counter()
    for file in files:
        for raw in split_messages(iter_segments(file)):
            header = parse_message(raw)[0]
            ours["^".join(filter(None, (header.part(9), header.part(9, 2))))] += 1
    heads = subprocess.run(["grep", "-hE", "^.{0,3}MSH", *map(str, files)], capture_output=True, check=True)
    theirs: Counter[str] = Counter()
    for line in heads.stdout.decode("utf-8", errors="replace").splitlines():
        kind = line[line.index("MSH") :].split("|")[8].split("^")
        theirs["^".join(part for part in kind[:2] if part)] += 1
    for kind in sorted(ours | theirs):
        yield "hl7v2_samples", f"{kind} (messages)", ours[kind], "grep", theirs[kind], None
    reading = read(folder)
    n_reports = sum(len(batch) for batch in reading)
    n_reports += sum(row.reason not in ("no_report",) for row in reading.quarantine.rows)
    wanted = 0
    for file in files:
        for message in re.split(r"(?m)^.{0,3}MSH", file.read_text(errors="replace"))[1:]:
            segments = [line[:3] for line in re.split(r"[\r\n]+", message)]
            wanted += 1 if "TXA" in segments else segments.count("OBR")
    yield "hl7v2_samples", "reports: TXA, else OBR (records)", n_reports, "split", wanted, None


def count_tables(data: Path) -> Iterator[Row]:
    """Count the rows of samples in CSV, quoted line breaks and all."""
    bundled = Path(sidelight.apps.demo.__file__).parent / "data" / "records.csv"
    named = {
        data / "mtsamples_subset" / "notes.csv": {"id": "doc_id", "text": "transcription"},
        data / "mts_dialog" / "dialogues.csv": {},
        data / "openi_reports" / "reports.csv": {},
        data / "ptbxl_ecg" / "records.csv": {},
        data / "covid_cxr" / "metadata.csv": {},
        bundled: {},
    }
    for path, names in named.items():
        sample = "bundled" if path == bundled else path.parent.name
        frame = pd.read_csv(path, low_memory=False)
        reading = read(path, **(names or {"id": _unique(frame)}))
        n = sum(len(batch) for batch in reading) + len(reading.quarantine)
        yield sample, f"{path.name} (records)", n, "csv", _csv_rows(path), len(frame)


def count_signals(data: Path) -> Iterator[Row]:
    """Count leads and samples of WFDB files and leads of EDF files, beside what their headers say."""
    for path in sorted((data / "signal_formats").iterdir()):
        if path.suffix not in (".hea", ".edf", ".bdf"):
            continue
        try:
            found = read_study(path).values.shape
        except InputError as error:
            print(f"signal_formats: refused: {error}")
            continue
        head = path.read_bytes()
        if path.suffix == ".hea":
            first = next(line for line in head.decode().splitlines() if not line.startswith("#")).split()
            yield "signal_formats", f"{path.name} (samples a lead)", found[1], "header", int(first[3]), None
            leads = int(first[1])
        else:
            labels = [head[256 + 16 * n : 272 + 16 * n].decode("latin-1") for n in range(int(head[252:256]))]
            leads = sum(not label.strip().endswith("Annotations") for label in labels)
        yield "signal_formats", f"{path.name} (leads)", found[0], "header", leads, None


def _unique(frame: pd.DataFrame) -> str:
    """Return a column that can be the id, else the first: rows of an id met before are set aside and counted."""
    found = (name for name in frame.columns if frame[name].is_unique and frame[name].notna().all())
    return str(next(found, frame.columns[0]))


def _rows(path: Path) -> int:
    """Count the rows of a table that is neither record nor event with the reader of CSV."""
    frame = pd.read_csv(path, low_memory=False, nrows=0)
    reading = read(path, format="csv", id=frame.columns[0])
    try:
        return sum(len(batch) for batch in reading) + len(reading.quarantine)
    except InputError:  # holds no rows
        return 0


def _csv_rows(path: Path) -> int:
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _jq(path: Path, kind: str) -> tuple[str, int]:
    """Count the resources of one type with jq, or the lines with wc where there is no jq."""
    if shutil.which("jq") is None:
        return "wc", _lines(path)
    query = f'select(.resourceType == "{kind}") | 1'
    return "jq", len(subprocess.run(["jq", query, str(path)], capture_output=True, check=True).stdout.split())


def _lines(path: Path) -> int:
    data = subprocess.run(["wc", "-l", str(path)], capture_output=True, text=True, check=True).stdout
    return int(data.split()[0]) + (not path.read_bytes().endswith(b"\n"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="folder of samples")
    return parser.parse_args()


if __name__ == "__main__":
    main()
