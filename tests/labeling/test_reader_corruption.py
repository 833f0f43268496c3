"""Seeded damage to exports of every text format: no exception, and every row is kept or set aside with a reason."""

import base64
import random

import orjson
import pytest

from sidelight.labeling import InputError, read

WORDS = ["Kein Erguß.", 'He said "hi", left.', "No effusion;\nheart normal", "Größe 5,3 cm\t<b>", "=1+1", ""]


def fhir_line(chance, i):
    text = chance.choice(WORDS) * chance.randint(0, 3)
    data = base64.b64encode(text.encode()).decode()
    return orjson.dumps(
        {
            "resourceType": "DocumentReference", "id": f"d{i}", "date": "2020-01-01", "subject": {"reference": "Patient/p"},
            "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
        }
    )  # fmt: skip


def damage(chance, data):
    """Return bytes with one kind of damage, and no line end more or less."""
    raw = bytearray(data)
    at = chance.randrange(len(raw))
    kind = chance.randrange(9)
    if kind == 0:
        raw[at] = chance.choice([b for b in range(256) if b not in (10, 13)])
    elif kind == 1:
        del raw[at:]
    elif kind == 2:
        raw[at:at] = b"\x00"
    elif kind == 3:
        raw[at:at] = bytes(chance.choice([0xFF, 0xC3, 0x80]) for _ in range(3))
    elif kind == 4:
        raw = raw + raw
    elif kind == 5:
        raw[:0] = b"\xef\xbb\xbf"
    elif kind == 6:
        raw = bytearray(b"[" * chance.randint(1, 3000))
    elif kind == 7:
        raw = raw.replace(b'"', b"", 1)
    else:
        raw = bytearray(b"")
    return bytes(raw)


def check_fhir(folder, n_lines, seed):
    chance = random.Random(seed)
    lines = [fhir_line(chance, i) for i in range(n_lines)]
    damaged = set(chance.sample(range(n_lines), n_lines * 4 // 10))
    path = folder / "DocumentReference.ndjson"
    path.write_bytes(
        b"".join((damage(chance, line) if i in damaged else line) + b"\n" for i, line in enumerate(lines))
    )
    reading = read(path, format="fhir")
    kept = {int(line) - 1 for batch in reading for line in batch.lines}
    aside = {row.line - 1 for row in reading.quarantine.rows}
    assert kept | aside == set(range(n_lines))
    assert not kept & aside
    assert set(range(n_lines)) - damaged <= kept | {
        r.line - 1 for r in reading.quarantine.rows if r.reason == "duplicate_id"
    }
    assert all(row.reason for row in reading.quarantine.rows)
    return reading


def check_csv(folder, seed, n_rows=40):
    """One damaged file: rows without damage, but for a few next to it, come through."""
    chance = random.Random(seed)
    rows = [
        f'{i},"{chance.choice(WORDS).replace(chr(34), chr(34) * 2)}",2020-01-01,{i}' for i in range(n_rows)
    ]
    bad = chance.randrange(1, n_rows)
    body = [row.encode() for row in rows]
    body[bad] = damage(chance, body[bad].replace(b"\n", b" "))
    (folder / f"{seed}.csv").write_bytes(b"id,text,time,n\n" + b"\n".join(body) + b"\n")
    reading = read(folder / f"{seed}.csv", types={"n": int})
    ids = [record.id for batch in reading for record in batch]
    assert reading.n_rows == len(ids) + len(reading.quarantine)
    assert {str(i) for i in range(n_rows)} - set(ids) <= {str(i) for i in range(bad - 2, bad + 3)}
    assert all(row.reason for row in reading.quarantine.rows)
    return reading


MESSAGE = "MSH|^~\\&|LAB|H|||20200301||ORU^R01|M{i}|P|2.5\rPID|1||p1\rOBR|1||F{i}|71020\rOBX|1|TX|x||{text}||||||F\r"


def check_hl7(folder, seed, n_messages=8):
    """One damaged file: every other message gives its report."""
    chance = random.Random(seed)
    messages = [
        MESSAGE.format(i=i, text=chance.choice(WORDS).replace("\n", "\\.br\\")).encode()
        for i in range(n_messages)
    ]
    bad = chance.randrange(1, n_messages)
    messages[bad] = damage(chance, messages[bad]) + b"\r"
    (folder / f"{seed}.hl7").write_bytes(b"\n".join(messages))
    reading = read(folder / f"{seed}.hl7")
    ids = {record.id for batch in reading for record in batch}
    assert reading.n_rows == len(ids) + len(reading.quarantine)
    missing = {f"F{i}:71020" for i in range(n_messages)} - ids
    assert missing <= {f"F{bad}:71020", f"F{bad - 1}:71020"}
    assert all(row.reason for row in reading.quarantine.rows)
    return reading


def test_damaged_lines_cost_themselves(tmp_path):
    assert len(check_fhir(tmp_path, 500, 0).quarantine) > 100


@pytest.mark.parametrize("check", [check_csv, check_hl7])
def test_damaged_files_lose_no_more_than_what_was_damaged(tmp_path, check):
    for seed in range(60):
        check(tmp_path, seed)


@pytest.mark.slow
def test_ten_thousand_lines_and_two_thousand_files(tmp_path, capsys):
    reading = check_fhir(tmp_path, 10_000, 1)
    with capsys.disabled():
        counts = reading.quarantine.counts()
        print(f"\nFHIR: {reading.n_rows} lines, {reading.n_records} kept, 0 crashes, {counts}")  # noqa: T201
    for check in (check_csv, check_hl7):
        kept = rows = 0
        reasons: dict[str, int] = {}
        for seed in range(2000):
            found = check(tmp_path, seed)
            kept, rows = kept + found.n_records, rows + found.n_rows
            for reason, count in found.quarantine.counts().items():
                reasons[reason] = reasons.get(reason, 0) + count
        with capsys.disabled():
            print(f"{check.__name__}: 2000 files, {rows} rows, {kept} kept, 0 crashes, {reasons}")  # noqa: T201


def test_a_file_that_is_no_export_is_refused(tmp_path):
    chance = random.Random(3)
    for suffix in ("csv", "ndjson", "parquet", "hl7", "json", "csv.gz"):
        (tmp_path / f"x.{suffix}").write_bytes(bytes(chance.randrange(256) for _ in range(3000)))
        try:
            n = sum(len(batch) for batch in read(tmp_path / f"x.{suffix}"))
        except InputError:
            continue
        assert n == 0
