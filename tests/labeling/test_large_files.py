"""Large single files: cut into pieces or read entry by entry, with the same records as in one go."""

import base64
import bz2
import gzip

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.labeling import InputError, read
from sidelight.labeling.engine import label_export, make_runner
from sidelight.labeling.readers import Reading, bundle, hl7_message, lines, pieces

FUNCTIONS = """
from sidelight.labeling import LabelSchema, keyword_lf

schema = LabelSchema(["no", "yes"])
even = keyword_lf("even", ["0 end", "2 end", "4 end", "6 end", "8 end"], "yes")
"""


def zstd(data):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstd, ".bz2": bz2.compress}


def message(number, separator="\r"):
    segments = [
        f"MSH|^~\\&|a|b|c|d|2020030110{number % 60:02}||ORU^R01|m{number}|P|2.5", f"PID|1||p{number % 7}",
        f"OBR|1||F{number}|x", f"OBX|1|TX|x||Text of {number} end||||||F", "OBX|2|NM|2160-0^C||1.4|mg/dL|||||F|||20200228",
    ]  # fmt: skip
    return separator.join(segments) + separator


def document(number):
    data = base64.b64encode(f'Text "{{[ of {number} end'.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": f"d{number}", "status": "current", "date": "2020-03-01",
        "subject": {"reference": f"Patient/p{number % 7}"}, "description": '}]"\\',
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip


def write_bundle(path, resources, *, first=True):
    whole = {"resourceType": "Bundle", "type": "collection"}
    entries = {"entry": [{"fullUrl": f"urn:{n}", "resource": r} for n, r in enumerate(resources)]}
    whole = whole | entries if first else entries | whole
    path.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    return path


def found(reading):
    return [(record.id, record.patient_id, record.text) for batch in reading for record in batch]


@pytest.mark.parametrize("suffix", sorted(PACKERS))
@pytest.mark.parametrize("separator", ["\r", "\n", "\r\n"])
def test_pieces_of_a_file_of_messages_are_the_whole(tmp_path, monkeypatch, separator, suffix):
    monkeypatch.setattr(pieces, "_UNCUT", 0)
    monkeypatch.setattr(pieces, "_BLOCK", 1 << 12)
    monkeypatch.setattr(lines, "_CHUNK", 1000)
    data = "".join(message(number, separator) for number in range(100)).encode()
    (tmp_path / f"feed.hl7{suffix}").write_bytes(PACKERS[suffix](data))
    whole = read(tmp_path / f"feed.hl7{suffix}")
    parts = pieces.cut_lines(whole.files[0].path, 2000, ends=hl7_message.MESSAGE_ENDS)
    assert len(parts) > 3
    cut = Reading(whole.files, whole.names, parts=[(whole.files[0], piece) for piece in parts])
    assert found(cut) == found(whole)
    assert len(found(whole)) == 100
    backwards = [Reading(whole.files, whole.names, parts=[(whole.files[0], piece)]) for piece in parts[::-1]]
    assert sorted(row for reading in backwards for row in found(reading)) == sorted(found(whole))


@pytest.mark.parametrize("suffix", sorted(PACKERS))
def test_the_engine_cuts_large_files_and_leaves_the_same_votes(tmp_path, monkeypatch, suffix):
    (tmp_path / "lfs.py").write_text(FUNCTIONS)
    feeds = {
        "feed.hl7": "".join(message(number) for number in range(200)),
        "notes.csv": "id,text\n" + "".join(f'{n},"Text\nof {n} end"\n' for n in range(200)),
        "notes.jsonl": "".join(f'{{"id": "{n}", "text": "Text of {n} end"}}\n' for n in range(200)),
    }
    for name, data in feeds.items():
        export = tmp_path / f"{name}{suffix}"
        export.write_bytes(PACKERS[suffix](data.encode()))
        whole = label_export(
            export, tmp_path / "lfs.py", tmp_path / f"whole-{name}", runner=make_runner("serial")
        )
        with monkeypatch.context() as patch:
            patch.setattr(pieces, "_UNCUT", 0)
            patch.setattr(pieces, "_BLOCK", 1 << 11)
            patch.setattr(pieces, "_LONG", 1 << 10)
            for module in (pieces, __import__("sidelight.labeling.engine.plan", fromlist=["plan"])):
                patch.setattr(module, "PIECE_SIZE", 1500)
            patch.setattr(pieces.cut_lines, "__defaults__", (1500,))
            cut = label_export(
                export, tmp_path / "lfs.py", tmp_path / f"cut-{name}", runner=make_runner("serial")
            )
        assert whole.n_parts == 1
        assert cut.n_parts > 1
        for entry in ("n_rows", "n_records", "counts", "reasons"):
            assert cut.manifest[entry] == whole.manifest[entry]
        assert cut.manifest["n_records"] == 200


def test_a_packed_file_is_unpacked_once_when_its_pieces_are_read_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_UNCUT", 0)
    monkeypatch.setattr(lines, "_CHUNK", 1000)
    path = tmp_path / "notes.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"id": "%d"}\n' % n for n in range(3000))))
    cut = pieces.cut_lines(path, 2000)
    opened = []
    real = pa.input_stream
    monkeypatch.setattr(lines.pa, "input_stream", lambda *a, **k: opened.append(1) or real(*a, **k))
    assert b"".join(chunk for piece in cut for chunk in lines.read_chunks(path, piece)).count(b"\n") == 3000
    assert len(cut) > 3
    assert len(opened) == 1


def test_a_line_without_end_in_a_feed_costs_its_message(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST", 2000)
    monkeypatch.setattr(lines, "_CHUNK", 500)
    monkeypatch.setattr(hl7_message, "LONGEST", 2000)
    long = message(1).replace("Text of 1 end", "x" * 5000)
    many = message(2) + "NTE|1||more\r" * 500
    (tmp_path / "a.hl7").write_text(message(0) + long + many + message(3))
    reading = read(tmp_path / "a.hl7")
    assert [name for name, _, _ in found(reading)] == ["F0:x", "F3:x"]
    assert reading.quarantine.counts() == {"too_long": 2}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_large_bundle_gives_what_a_small_one_gives(tmp_path, monkeypatch, suffix, first):
    event = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p1"}, "onsetDateTime": "2019-01-01",
             "code": {"coding": [{"code": "1"}]}}  # fmt: skip
    path = write_bundle(tmp_path / "a.json", [event, *map(document, range(60))], first=first)
    if suffix:
        path = path.rename(tmp_path / f"a.json{suffix}")
        path.write_bytes(PACKERS[suffix](path.read_bytes()))
    small = read(path)
    wanted, events = found(small), [event.code for event in small.events.history("p1")]
    monkeypatch.setattr(bundle, "WHOLE", 700)
    monkeypatch.setattr(lines, "_CHUNK", 97)
    monkeypatch.setattr(lines.read_chunks, "__defaults__", (None, 97))
    large = read(path)
    cut = bundle.cut_entries(large.files[0].path, 3000)
    assert len(cut) > 3
    parts = Reading(large.files, large.names, parts=[(large.files[0], piece) for piece in cut])
    assert found(parts) == wanted
    assert parts.quarantine.counts() == {}
    assert found(large) == wanted
    assert len(wanted) == 60
    assert [event.code for event in large.events.history("p1")] == events == ["1"]
    assert large.quarantine.counts() == {}


def test_each_entry_of_a_large_bundle_stands_where_it_starts(tmp_path, monkeypatch):
    documents = [document(n) for n in range(20)]
    del documents[11]["content"]
    path = write_bundle(tmp_path / "a.json", documents)
    monkeypatch.setattr(bundle, "WHOLE", 300)
    (row,) = read_aside(path)
    data = path.read_bytes()
    assert orjson.loads(data[row.offset : data.index(b"\n    },", row.offset) + 6])["resource"]["id"] == "d11"
    assert row.line == data[: row.offset].count(b"\n") + 1


def read_aside(path):
    reading = read(path)
    found(reading)
    return reading.quarantine.rows


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.77, 0.999])
def test_a_large_bundle_that_breaks_off_gives_what_was_before(tmp_path, monkeypatch, keep):
    path = write_bundle(tmp_path / "a.json", [document(n) for n in range(40)])
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    monkeypatch.setattr(bundle, "WHOLE", 300)
    reading = read(path, format="fhir-bundle")
    names = [name for name, _, _ in found(reading)]
    assert names == [f"d{n}" for n in range(len(names))]
    assert len(names) == data[: int(keep * len(data))].count(b"\n    },")
    assert reading.quarantine.counts() == {"bad_json": 1}


def test_an_entry_that_is_too_long_costs_itself(tmp_path, monkeypatch):
    documents = [document(n) for n in range(5)]
    documents[1]["description"] = "x" * 9000  # one long string
    documents[3]["extension"] = [{"valueString": "y"}] * 400  # many short ones
    path = write_bundle(tmp_path / "a.json", documents)
    monkeypatch.setattr(bundle, "WHOLE", 300)
    monkeypatch.setattr(bundle, "LONGEST", 4000)
    monkeypatch.setattr(lines.read_chunks, "__defaults__", (None, 500))
    reading = read(path)
    assert [name for name, _, _ in found(reading)] == ["d0", "d2", "d4"]
    assert reading.quarantine.counts() == {"too_long": 2}


def test_a_large_resource_that_is_no_bundle_is_one_record(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(orjson.dumps(document(1)))
    monkeypatch.setattr(bundle, "WHOLE", 50)
    assert [name for name, _, _ in found(read(tmp_path / "a.json"))] == ["d1"]


@given(st.binary(max_size=400), st.integers(0, 3000))
def test_damage_costs_rows_and_never_more_than_in_a_small_bundle(tmp_path_factory, noise, at):
    path = write_bundle(tmp_path_factory.mktemp("bundle") / "a.json", [document(n) for n in range(12)])
    data = path.read_bytes()
    path.write_bytes(data[:at] + noise + data[at + len(noise) :])
    small = read_all(path)
    before, bundle.WHOLE = bundle.WHOLE, 100
    try:
        large = read_all(path)
    finally:
        bundle.WHOLE = before
    assert set(small[0]) <= set(large[0])
    try:
        orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        assert large[1] or len(large[0]) == 12  # between entries damage costs nothing


def read_all(path):
    try:
        reading = read(path, format="fhir-bundle")
    except InputError:  # what it holds is no longer told to be a bundle
        return [], {}
    reading.unique = False
    return found(reading), reading.quarantine.counts()
