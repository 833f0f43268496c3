import os
import tracemalloc

import numpy as np
import pytest

from sidelight.crossmodal import Predictions, SignalSet, SignalStream, load_bundle, save_bundle, score_studies
from sidelight.labeling import LabelSchema
from sidelight.labeling.faults import InputError, UsageError


class Killed(Exception):
    """Stands for the plug being pulled."""


@pytest.fixture
def bundle(two_views, quick, tmp_path):
    gold, _, signals = two_views(60)
    model = quick(max_epochs=1).fit(SignalSet.of(signals, lead_names=["a", "b", "c"], sampling_hz=100), gold)
    return load_bundle(save_bundle(tmp_path / "bundle", model, LabelSchema(("no", "yes"))))


@pytest.fixture
def file(two_views, tmp_path):
    """53 signals, one of which holds samples that are no numbers."""
    signals = two_views(53, seed=3)[2]
    signals[17, 1, 5] = np.nan
    return saved(tmp_path / "signals.npz", signals)


def saved(path, signals, **arrays):
    given = {
        "signals": signals,
        "ids": np.arange(len(signals)) + 100,
        "lead_names": ["a", "b", "c"],
        "sampling_hz": 100,
    }
    np.savez_compressed(path, **{**given, **arrays})
    return path


@pytest.mark.parametrize("part_size", [1, 7, 53, 1000])
def test_parts_change_nothing(bundle, file, tmp_path, part_size):
    whole = bundle.predict(SignalSet.read(file))
    scored = score_studies(bundle, file, tmp_path / "p.parquet", part_size=part_size)
    table = Predictions.read(tmp_path / "p.parquet")
    assert table.ids.tolist() == whole.ids.tolist()
    assert table.bundle == bundle.fingerprint
    np.testing.assert_allclose(table.proba, whole.proba, atol=1e-6)
    assert (scored.n_studies, scored.n_set_aside, scored.n_resumed) == (52, 1, 0)
    assert scored.counts == whole.counts()
    assert sorted(os.listdir(tmp_path)) == ["bundle", "p.parquet", "signals.npz"]
    assert (tmp_path / "p.parquet").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(bundle, file, tmp_path, suffix, monkeypatch):
    score_studies(bundle, file, tmp_path / f"whole.{suffix}", part_size=10)

    def kill(done, total):
        if done >= 30:
            raise Killed

    out = tmp_path / f"p.{suffix}"
    with pytest.raises(Killed):
        score_studies(bundle, file, out, part_size=10, progress=kill)
    assert not out.exists()
    torn = sorted((tmp_path / f"p.{suffix}.parts").iterdir())
    torn[1].write_bytes(torn[1].read_bytes()[:100])  # a part that the disk lost
    scored = score_studies(bundle, file, out, part_size=10)
    assert scored.n_resumed == 20
    assert out.read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()
    assert not (tmp_path / f"p.{suffix}.parts").exists()


def test_parts_of_another_run_are_not_taken_over(bundle, file, two_views, tmp_path):
    def kill(done, total):
        raise Killed

    out = tmp_path / "p.parquet"
    with pytest.raises(Killed):
        score_studies(bundle, file, out, part_size=10, progress=kill)
    saved(file, two_views(53, seed=4)[2])
    assert score_studies(bundle, file, out, part_size=10).n_resumed == 0


def test_memory_does_not_grow_with_the_file(bundle, two_views, tmp_path):
    peaks = []
    signals = np.zeros((6000, 3, 64), dtype=np.float32)
    for n in (600, 6000):
        path = saved(tmp_path / f"{n}.npz", signals[:n])
        tracemalloc.start()
        score_studies(bundle, path, tmp_path / f"{n}.parquet", part_size=100, batch_size=50)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 0.5 * signals.nbytes  # ids are all held, samples are not


def test_a_folder_of_files_is_scored_too(two_views, quick, tmp_path):
    gold, _, signals = two_views(20)
    model = quick(max_epochs=1).fit(signals, gold)
    bundle = load_bundle(save_bundle(tmp_path / "b", model, LabelSchema(("no", "yes"))))
    folder = tmp_path / "studies"
    folder.mkdir()
    for number in range(5):
        np.save(folder / f"s{number}.npy", signals[number])
    (folder / "bad.npy").write_bytes(b"nothing")
    scored = score_studies(bundle, folder, tmp_path / "p.parquet", part_size=2)
    assert (scored.n_studies, scored.n_set_aside) == (5, 1)
    table = Predictions.read(tmp_path / "p.parquet")
    assert table.ids.tolist() == [f"s{number}" for number in range(5)]
    np.testing.assert_allclose(table.proba, model.predict_proba(signals[:5]), atol=1e-6)


def test_input_that_breaks_the_contract_or_is_text_is_refused(bundle, two_views, tmp_path):
    path = saved(tmp_path / "s.npz", two_views(5)[2], sampling_hz=250)
    with pytest.raises(UsageError, match="250"):
        score_studies(bundle, path, tmp_path / "p.parquet")
    (tmp_path / "reports.csv").write_text("id,text\n1,secret words\n")
    with pytest.raises(InputError, match="no readable NPZ") as caught:
        score_studies(bundle, tmp_path / "reports.csv", tmp_path / "p.parquet")
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        score_studies(bundle, tmp_path / "none.npz", tmp_path / "p.parquet")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("turned", [False, True])
def test_a_stream_reads_what_the_set_reads(tmp_path, order, save, turned):
    values = np.random.default_rng(0).normal(size=(9, 2, 30)).astype(np.float32)
    stored = np.asarray(values.transpose(0, 2, 1) if turned else values, order=order)
    save(tmp_path / "s.npz", signals_uv=stored, study_id=np.arange(9), leads=["I", "II"], fs=50)
    whole, pieces = SignalSet.read(tmp_path / "s.npz"), list(SignalStream(tmp_path / "s.npz").pieces(4))
    assert [len(piece) for piece in pieces] == [4, 4, 1]
    assert pieces[0].contract == whole.contract
    np.testing.assert_array_equal(np.concatenate([piece.values for piece in pieces]), whole.values)


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path / "s.npz", np.random.default_rng(0).normal(size=(20, 3, 64)))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="no readable NPZ"):
        SignalStream(path)
    np.savez(path, signals=np.zeros((2, 1, 5)), ids=np.array(["same", "same"]))
    with pytest.raises(InputError, match="twice"):
        SignalStream(path)


def test_studies_of_another_kind_leave_nothing_behind(bundle, file, two_views, tmp_path):
    other = saved(tmp_path / "other.npz", two_views(9)[2], sampling_hz=500)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(UsageError, match=r"500\.0 Hz; the model needs 100\.0"):
        score_studies(bundle, other, tmp_path / "p.csv")
    assert sorted(os.listdir(tmp_path)) == before
