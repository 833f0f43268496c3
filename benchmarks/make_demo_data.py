"""Make the sample of PTB-XL that `sidelight demo` uses: 367 ECGs with their reports, in under 5 MB.

    python benchmarks/make_demo_data.py --data ../shared/data --out apps/demo/data

Reads `ptbxl_ecg/records.csv` and `ptbxl_ecg/signals_100hz.npz` below `--data`. The same input gives the same bytes.
"""

import argparse
import csv
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMNS = [
    "ecg_id",
    "patient_id",
    "age",
    "sex",
    "height",
    "weight",
    "device",
    "recording_date",
    "report",
    "superclass",
    "subclass",
    "abnormal",
    "pacemaker",
    "baseline_drift",
    "static_noise",
    "burst_noise",
    "electrodes_problems",
    "extra_beats",
]
WHOLE_NUMBERS = ("patient_id", "age", "sex", "height", "weight")
NOTE = "Edit:"
"""From here on a report holds a later note with the diagnosis code, that is, the answer."""

KEPT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
MAX_BYTES = 5_000_000

README = """\
# A sample of PTB-XL

{n_records} ten-second 12-lead ECGs of {n_patients} patients with their cardiologists' reports, used by `sidelight demo`,
the README and the tutorials so that the first result needs no network.

**Source.** PTB-XL, a large publicly available electrocardiography dataset. Patrick Wagner, Nils Strodthoff, Ralf-Dieter
Bousseljot, Dieter Kreiseler, Fatima I. Lunze, Wojciech Samek, Tobias Schaeffter. *Scientific Data* 7, 154 (2020),
<https://doi.org/10.1038/s41597-020-0495-6>; data at <https://physionet.org/content/ptb-xl/>.

**Licence.** Creative Commons Attribution 4.0 International (CC BY 4.0),
<https://creativecommons.org/licenses/by/4.0/>. The patients are pseudonymous; PTB-XL itself is public.

**What was changed.** Of 21,837 records these are {n_records} of the first 500. The columns of `records.csv` are a selection.
`superclass` and `subclass` are the diagnostic classes of the SCP codes with a likelihood above 0, and `abnormal` is 0
only where the superclass is exactly NORM, and empty where there is no diagnostic code ({n_without_gold} records). From {n_notes} reports the note appended after "{note}" was taken away, because it holds the
code. Numbers such as `56.0` are written `56`, runs of spaces in `device` became one. Signals were rounded to whole
microvolts, and of the twelve leads eight are stored.

**The other four leads** follow from I and II: III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2.
Against the leads of the source the largest deviation is {deviation} microvolt.

**Columns worth a word.** `sex` is 0 for male and 1 for female. `report` is mostly German, some English and
Swedish, as it was written. `patient_id` repeats: split by it.

| file | content | bytes |
| --- | --- | --- |
| `records.csv` | {n_records} rows, {n_columns} columns, UTF-8 | {csv_bytes} |
| `signals.npz` | `ecg_id` ({n_records},), `signals_uV` int16 {shape} microvolt, `lead_names` ({n_leads},), `sampling_hz` | {npz_bytes} |

Made by `python benchmarks/make_demo_data.py`; the same input gives the same bytes.
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the sample and print what it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds ptbxl_ecg/"
    )
    parser.add_argument("--out", type=Path, default=Path("apps/demo/data"))
    options = parser.parse_args(arguments)
    source = options.data / "ptbxl_ecg"
    if not (source / "records.csv").exists():
        print(f"{source}: absent, nothing written")
        return 1

    rows, n_notes = read_rows(source / "records.csv")
    with np.load(source / "signals_100hz.npz", allow_pickle=False) as arrays:
        stored = {name: arrays[name] for name in arrays.files}
    if [row["ecg_id"] for row in rows] != [str(name) for name in stored["ecg_id"]]:
        raise SystemExit("records.csv and signals_100hz.npz name different records")
    names = [str(name) for name in stored["lead_names"]]
    kept = np.stack([stored["signals_uV"][:, :, names.index(lead)] for lead in KEPT_LEADS], axis=1)
    deviation = largest_deviation(kept, stored["signals_uV"], names)

    table = csv_bytes(rows)
    signals = npz_bytes(
        {
            "ecg_id": stored["ecg_id"].astype(np.int32),
            "signals_uV": kept.astype(np.int16),
            "lead_names": np.array(KEPT_LEADS),
            "sampling_hz": np.array(int(stored["sampling_hz"])),
        }
    )
    note = README.format(
        n_records=len(rows),
        n_patients=len({row["patient_id"] for row in rows}),
        n_without_gold=sum(not row["abnormal"] for row in rows),
        n_notes=n_notes,
        note=NOTE,
        deviation=deviation,
        n_columns=len(COLUMNS),
        csv_bytes=f"{len(table):,}",
        npz_bytes=f"{len(signals):,}",
        shape=kept.shape,
        n_leads=len(KEPT_LEADS),
    ).encode()
    total = len(table) + len(signals) + len(note)
    if total > MAX_BYTES:
        raise SystemExit(f"the sample has {total:,} bytes, more than {MAX_BYTES:,}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, content in (("records.csv", table), ("signals.npz", signals), ("README.md", note)):
        (options.out / name).write_bytes(content)
        print(f"{options.out / name}: {len(content):,} bytes")
    print(
        f"{len(rows)} records, {n_notes} notes taken away, derived leads within {deviation} microvolt, {total:,} bytes"
    )
    return 0


def read_rows(path: Path) -> tuple[list[dict[str, str]], int]:
    """Return the chosen columns of each record, and how many reports lost an appended note."""
    with path.open(newline="", encoding="utf-8") as stream:
        source = list(csv.DictReader(stream))
    rows, n_notes = [], 0
    for record in source:
        row = {name: record[name] for name in COLUMNS}
        if NOTE in row["report"]:
            row["report"] = row["report"].split(NOTE)[0].rstrip()
            n_notes += 1
        for name in WHOLE_NUMBERS:
            row[name] = row[name].removesuffix(".0")
        row["device"] = " ".join(row["device"].split())
        rows.append(row)
    return rows, n_notes


def largest_deviation(kept: NDArray[np.int16], stored: NDArray[np.int16], names: list[str]) -> float:
    """Return how far, in microvolt, the four derived limb leads are from the stored ones at most."""
    one, two = kept[:, 0].astype(float), kept[:, 1].astype(float)
    derived = {"III": two - one, "AVR": -(one + two) / 2, "AVL": one - two / 2, "AVF": two - one / 2}
    return max(
        float(np.abs(values - stored[:, :, names.index(lead)]).max()) for lead, values in derived.items()
    )


def csv_bytes(rows: list[dict[str, str]]) -> bytes:
    """Return the rows as CSV, with the line ends that Git leaves alone."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def npz_bytes(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """Return a compressed NPZ whose bytes hold no time of writing, unlike NumPy's own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue(), compresslevel=9)
    return packed.getvalue()


if __name__ == "__main__":
    sys.exit(main())
