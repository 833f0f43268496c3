"""A gazetteer of a million terms: time to build, time a note, memory.

    python benchmarks/gazetteer_scale.py [--data DIR] [--terms 1000000]

Terms are made of the words of `DIR/lexicons` (disease_terms.csv, chemical_terms.csv, icd10cm_categories.csv): every term
is one to four words drawn with a fixed seed, without repeats. It is built, and read where its tables were kept. Notes are 100 words drawn from the same vocabulary, so that
nearly every word begins a term: the worst case. Prints a table and, last, one line of JSON.
"""

import argparse
import csv
import json
import os
import random
import re
import resource
import tempfile
import time
from pathlib import Path

from sidelight.labeling import Gazetteer, Record, gazetteer_lf


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--terms", type=int, default=1_000_000)
    parser.add_argument("--notes", type=int, default=2_000)
    parser.add_argument("--quick", action="store_true", help="100,000 terms")
    parser.add_argument("--json", action="store_true", help="the line of JSON alone")
    options = parser.parse_args(arguments)
    if not (options.data / "lexicons").is_dir():
        print(json.dumps({"absent": "lexicons"}))
        return
    n_terms = 100_000 if options.quick else options.terms
    draw = random.Random(0)
    vocabulary = words_of(options.data / "lexicons")
    terms = make_terms(vocabulary, n_terms, draw)
    notes = [" ".join(draw.choices(vocabulary, k=100)) for _ in range(options.notes)]
    before = peak_mb()
    os.environ["SIDELIGHT_CACHE"] = "off"
    begin = time.process_time()
    gazetteer = Gazetteer.of(terms)
    build = time.process_time() - begin
    memory = peak_mb() - before
    begin = time.process_time()
    assert Gazetteer.of(terms) is gazetteer  # noqa: S101 - what the table says
    again = time.process_time() - begin
    begin = time.process_time()
    n_found = sum(len(list(gazetteer.find(note))) for note in notes)
    spans = (time.process_time() - begin) / len(notes)
    read = seconds_to_read(terms, gazetteer)
    function = gazetteer_lf("terms", gazetteer, 1)
    records = [Record({"text": note}) for note in notes]
    begin = time.process_time()
    n_votes = sum(function(record) is not None for record in records)
    votes = (time.process_time() - begin) / len(notes)
    figures = {
        "terms": len(gazetteer), "vocabulary": len(vocabulary), "build_cpu_s": build, "build_again_cpu_s": again, "read_cpu_s": read,
        "added_mb": memory, "us_per_note_all_spans": 1e6 * spans, "us_per_note_vote": 1e6 * votes,
        "spans_per_note": n_found / len(notes), "notes_with_a_vote": n_votes / len(notes),
    }  # fmt: skip
    if not options.json:
        for name, value in figures.items():
            print(f"{name:24}{value:14,.2f}")
    print(json.dumps(figures))


def seconds_to_read(terms: list[str], built: Gazetteer) -> float:
    """Return the CPU seconds that an equal gazetteer takes when its tables are on disk."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIDELIGHT_CACHE"] = folder
        other = Gazetteer.of([*terms, terms[0]])  # another content, so that this process does not know it
        del other
        begin = time.process_time()
        read = Gazetteer.of([*terms, terms[0]])
        seconds = time.process_time() - begin
    assert len(read) == len(built)  # noqa: S101 - what the table says
    return seconds


def words_of(folder: Path) -> list[str]:
    """Return the words of the lexicons, each once, sorted."""
    words: set[str] = set()
    for name in ("disease_terms.csv", "chemical_terms.csv", "icd10cm_categories.csv"):
        with (folder / name).open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                for cell in row:
                    words.update(re.findall(r"[a-z]{3,}", cell.lower()))
    return sorted(words)


def make_terms(vocabulary: list[str], n_terms: int, draw: random.Random) -> list[str]:
    """Return different terms of one to four words."""
    terms: dict[str, None] = {}
    while len(terms) < n_terms:
        terms[" ".join(draw.choices(vocabulary, k=draw.choice((1, 2, 2, 3, 3, 4))))] = None
    return list(terms)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
