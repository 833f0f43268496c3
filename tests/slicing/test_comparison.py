"""What changed between audits: sure changes are told, the others are not."""

import json

import numpy as np
import pytest

from sidelight.slicing import RecordTable, audit, compare_audits, paired_gains, read_audit


def predictions(seed, rate, n=1200):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    paced = random.random(n) < 0.3
    wrong = random.random(n) < np.where(paced, rate, 0.1)
    return y, np.where(wrong, 1 - y, y) * 0.8 + 0.1, {"paced": paced, "tiny": np.arange(n) < 4}


def audited(seed, rate, **keywords):
    y, proba, slices = predictions(seed, rate)
    return audit(y, proba, slices | keywords.pop("more", {}), metrics=["accuracy", "brier"], **keywords)


def test_a_slice_that_got_better_is_told_and_a_tiny_one_is_not_judged():
    found = compare_audits(audited(0, 0.5), audited(1, 0.1))
    verdicts = {(row.slice, row.metric): row.verdict for row in found.rows}
    assert verdicts["paced", "accuracy"] == "better"
    assert verdicts["paced", "brier"] == "better", "a lower Brier score is better"
    assert verdicts["tiny", "accuracy"] == "not assessable"
    assert "paced" in found.verdict


def test_the_other_way_round_it_is_worse_and_the_change_has_the_other_sign():
    first, second = audited(0, 0.5), audited(1, 0.1)
    there, back = compare_audits(first, second), compare_audits(second, first)
    for one, other in zip(there.of("accuracy"), back.of("accuracy"), strict=True):
        if one.verdict == "better":
            assert other.verdict == "worse"
            assert one.change.estimate == pytest.approx(-other.change.estimate)


def test_an_audit_against_itself_has_no_change():
    same = audited(0, 0.3)
    assert {row.verdict for row in compare_audits(same, same).rows} <= {"no evidence", "not assessable"}


def test_slices_in_one_audit_alone_are_named():
    extra = {"new": np.arange(1200) % 2 == 0}
    verdicts = {
        row.slice: row.verdict for row in compare_audits(audited(0, 0.2), audited(1, 0.2, more=extra)).rows
    }
    assert verdicts["new"] == "only after"


def test_a_comparison_travels_as_json():
    first = read_audit(json.loads(json.dumps(audited(0, 0.5).to_json())))
    assert "NaN" not in json.dumps(compare_audits(first, audited(1, 0.1)).to_json())


def test_false_alarms_stay_within_the_level():
    alarms = sum(
        any(
            row.verdict in ("better", "worse")
            for row in compare_audits(audited(seed, 0.2), audited(seed + 500, 0.2)).rows
        )
        for seed in range(60)
    )
    assert alarms <= 8


def test_two_models_on_the_same_records_are_compared_by_patient():
    y, before, slices = predictions(0, 0.5)
    random = np.random.default_rng(1)
    repaired = slices["paced"] & (random.random(1200) < 0.5)
    after = np.where(repaired, y * 0.8 + 0.1, before)
    found = paired_gains(y, before, after, slices, np.arange(1200) // 2)
    rows = {row.slice: row for row in found.rows}
    assert rows["paced"].verdict == "better"
    assert rows["paced"].change.estimate == pytest.approx(
        rows["paced"].after.estimate - rows["paced"].before.estimate
    )
    assert rows["tiny"].verdict == "not assessable"
    repeated = paired_gains(np.tile(y, 3), np.tile(before, 3), np.tile(after, 3),
                            {"paced": np.tile(slices["paced"], 3)}, np.tile(np.arange(1200) // 2, 3))  # fmt: skip
    width = rows["paced"].change.high - rows["paced"].change.low
    again = next(row for row in repeated.rows if row.slice == "paced").change
    assert again.high - again.low == pytest.approx(width, rel=0.01), "copies of a patient bring no certainty"


def tables(n=600, seed=0, rate=(0.3, 0.25), shift=0, repeats=2):
    """Two audits of the same records by two models, with the records."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    late = random.random(n) < 0.4
    ids = np.array([f"r{row}" for row in range(n)])
    luck = np.repeat(
        random.random(n // repeats), repeats
    )  # records of one patient fare alike, in both models
    found = []
    for number, share in enumerate(rate):
        rows = np.arange(n) if number == 0 else np.arange(shift, n)
        proba = np.where(luck < share, 1 - y, y)[rows] * 0.8 + 0.1
        patients = np.array([f"p{row // repeats}" for row in rows])
        result = audit(
            y[rows],
            proba,
            {"late": late[rows]},
            patients,
            metrics=["accuracy", "auroc", "brier"],
            ids=ids[rows],
        )
        kept = RecordTable.of(ids[rows], y[rows], proba, late[rows][:, None], ["late"], patients=patients)
        found.append((result, kept))
    return found


def test_shared_records_are_compared_in_pairs_and_the_interval_is_narrower():
    (old, before), (new, after) = tables()
    alone, paired = compare_audits(old, new), compare_audits(old, new, records=(before, after))
    assert (alone.paired, paired.paired, paired.n_shared) == (False, True, 600)
    for one, other in zip(alone.rows, paired.rows, strict=True):
        assert other.change.estimate == pytest.approx(one.change.estimate, abs=1e-12)
        assert other.change.high - other.change.low < one.change.high - one.change.low
    assert all(row.verdict == "no evidence" for row in alone.rows)
    assert paired.rows[0].verdict == "better"
    assert any("600 records are in both audits" in note for note in paired.notes)


def test_an_audit_of_part_of_the_records_is_paired_where_it_can_be():
    (old, before), (new, after) = tables(shift=200)
    paired = compare_audits(old, new, records=(before, after))
    assert paired.n_shared == 400
    assert "200 are in the earlier one alone" in " ".join(paired.notes)


def test_audits_without_a_record_in_common_are_independent():
    (old, before), _ = tables()
    other = RecordTable.of(["x"], [1], [0.3], np.ones((1, 1), dtype=bool), ["late"])
    assert not compare_audits(old, old, records=(before, other)).paired
    assert not compare_audits(old, old, records=(before, None)).paired


def test_intervals_of_paired_changes_cover():
    held = []
    for seed in range(150):
        (old, before), (new, after) = tables(seed=seed)
        row = compare_audits(old, new, records=(before, after)).rows[0]
        held.append(row.change.low <= 0.05 <= row.change.high)
    assert np.mean(held) >= 0.90


def test_a_table_of_records_comes_back_from_its_file_and_holds_no_id(tmp_path):
    table = tables()[0][1]
    path = table.write(tmp_path / "records.npz")
    again = RecordTable.read(path)
    for name in ("keys", "patients", "gold", "proba", "members"):
        assert np.array_equal(getattr(table, name), getattr(again, name))
    assert again.names == table.names
    assert path.read_bytes() == table.write(tmp_path / "again.npz").read_bytes(), "the same bytes each time"
    assert b"r17" not in path.read_bytes()
    for content in (b"", b"no archive", path.read_bytes()[:200]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(ValueError, match="no table"):
            RecordTable.read(tmp_path / "broken.npz")


def test_what_differs_besides_the_numbers_is_told():
    (old, before), (_, after) = tables()
    stricter = audit(
        after.gold,
        after.proba,
        {"early": ~after.members[:, 0]},
        after.patients,
        metrics=["accuracy"],
        threshold=0.7,
    )
    notes = " ".join(compare_audits(old, stricter, records=(before, after)).notes)
    assert "threshold was 0.5, and is 0.7 now." in notes
    assert "Gone: late." in notes
    assert "New: early." in notes


def test_what_a_comparison_could_not_have_seen_is_told():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 300)
    scores = [np.clip(0.3 + 0.4 * y + random.normal(0, 0.2, 300), 0, 1) for _ in range(2)]
    old, new = (audit(y, p, {"late": np.arange(300) > 200}, metrics=["accuracy"]) for p in scores)
    found = compare_audits(old, new)
    assert found.of("accuracy")[0].verdict == "no evidence"
    (told,) = (note for note in found.notes if note.startswith("Over all records, changes of accuracy 0."))
    least = float(told.split("accuracy ")[1].split(" ")[0])
    change = found.of("accuracy")[0].change
    assert 1.3 < least / ((change.high - change.low) / 2) < 2
