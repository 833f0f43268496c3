import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.crossmodal import InputContract, SignalSet, twelve_leads
from sidelight.labeling.faults import InputError, UsageError

EIGHT = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"]


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def values(n=3, leads=8, length=20, dtype=np.int16):
    return np.random.default_rng(0).integers(-2000, 2000, (n, leads, length)).astype(dtype)


def test_twelve_leads_follow_from_eight(tmp_path):
    stored = values()
    file = saved(tmp_path / "s.npz", signals_uV=stored, ecg_id=[1, 2, 3], lead_names=EIGHT, sampling_hz=100)
    signals = SignalSet.read(file)
    assert signals.lead_names == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (signals.units, signals.sampling_hz, signals.ids.tolist()) == ("mV", 100.0, ["1", "2", "3"])
    leads = dict(zip(signals.lead_names, np.moveaxis(signals.values, 1, 0), strict=True))
    np.testing.assert_allclose(leads["I"] + leads["III"], leads["II"], atol=1e-6)
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=1e-6)
    np.testing.assert_allclose(leads["V6"], stored[:, 7] / 1000, rtol=1e-6)
    assert signals.values.dtype == np.float32


def test_bundled_ecgs_hold_twelve_leads_in_millivolt(request):
    signals = SignalSet.read(request.config.rootpath / "apps/demo/data/signals.npz")
    assert len(signals) == 367
    assert signals.contract == InputContract(tuple(twelve_leads(EIGHT)[0]), (1000,), 100.0, "mV")


@given(st.permutations(EIGHT))
def test_order_of_stored_leads_does_not_matter(order):
    stored = values()
    one = SignalSet.of(stored, lead_names=EIGHT)
    place = [EIGHT.index(lead) for lead in order]
    other = SignalSet.of(stored[:, place], lead_names=[lead.lower() for lead in order])
    assert one.lead_names == other.lead_names
    np.testing.assert_array_equal(one.values, other.values)


def test_time_may_come_before_leads(tmp_path):
    stored = values()
    file = saved(tmp_path / "s.npz", x=stored.transpose(0, 2, 1), id=["a", "b", "c"], leads=EIGHT, fs=500.0)
    np.testing.assert_array_equal(SignalSet.read(file).values, SignalSet.of(stored, lead_names=EIGHT).values)


def test_unusual_names_of_arrays_can_be_told(tmp_path):
    file = saved(tmp_path / "s.npz", traces=values(), other=np.zeros((1, 1, 1)), study=["a", "b", "c"])
    signals = SignalSet.read(file, keys={"values": "traces", "ids": "study"})
    assert signals.lead_names == tuple("01234567")


def test_a_study_with_samples_that_are_no_numbers_is_set_aside_and_counted(tmp_path):
    stored = values(dtype=np.float32)
    stored[1, 0, 3] = np.nan
    signals = SignalSet.read(saved(tmp_path / "s.npz", signals=stored, ids=["a", "b", "c"], lead_names=EIGHT))
    assert signals.ids.tolist() == ["a", "c"]
    assert [(entry.row, entry.reason) for entry in signals.set_aside] == [(1, "samples are not finite")]
    np.testing.assert_array_equal(signals.batch([1])[0, 0], stored[2, 0])
    np.testing.assert_array_equal(signals.take([1]).values, signals.batch([1]))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"ids": ["a"]}, "holds no values"),
        ({"signals": values(), "lead_names": EIGHT}, "holds no ids"),
        ({"signals": values(), "ids": ["a", "b"]}, "ids have shape (2,) for 3 signals"),
        ({"signals": values(), "ids": ["a", "b", "a"]}, "ids[0] stands there twice"),
        ({"signals": values(), "ids": ["a", "", "c"]}, "ids[1] is empty"),
        ({"signals": values(), "ids": [1.0, 2.5, 3.0]}, "fractions"),
        ({"signals": values(), "ids": ["a", "b", "c"], "lead_names": EIGHT[:5]}, "no axis has the 5 leads"),
        ({"signals": values(), "ids": ["a", "b", "c"], "lead_names": ["I"] * 8}, "holds a lead twice"),
        ({"signals": values(leads=20), "ids": ["a", "b", "c"]}, "which axis is which is unclear"),
        ({"signals": values()[0], "ids": ["a"]}, "signals is int16 of shape (8, 20)"),
        ({"signals": np.full((1, 2, 3), "x"), "ids": ["a"]}, "signals is <U1"),
        (
            {"signals": values(), "ids": ["a", "b", "c"], "sampling_hz": [1, 2]},
            "sampling_hz is not one positive",
        ),
    ],
)
def test_a_file_at_fault_is_named_with_the_array(tmp_path, arrays, words):
    with pytest.raises(InputError, match=r"^s\.npz: ") as caught:
        SignalSet.read(saved(tmp_path / "s.npz", **arrays))
    assert words in str(caught.value)


def test_ragged_signals_are_refused_without_unpickling(tmp_path):
    ragged = np.empty(2, dtype=object)
    ragged[:] = [np.zeros(3), np.zeros(4)]
    np.savez(tmp_path / "s.npz", signals=ragged, ids=["a", "b"], allow_pickle=True)
    with pytest.raises(InputError, match=r"s\.npz: signals is ragged"):
        SignalSet.read(tmp_path / "s.npz")


@pytest.mark.parametrize("content", [None, b"", b"no archive", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_archive_is_one_clear_error(tmp_path, content):
    if content is not None:
        (tmp_path / "s.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"^s\.npz: "):
        SignalSet.read(tmp_path / "s.npz")


def test_a_damaged_archive_is_one_clear_error(tmp_path):
    file = saved(tmp_path / "s.npz", signals=values(length=4000), ids=["a", "b", "c"])
    whole = bytearray(file.read_bytes())
    whole[500:600] = bytes(100)
    file.write_bytes(whole)
    with pytest.raises(InputError, match=r"s\.npz: signals is damaged"):
        SignalSet.read(file)


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        (InputContract(("I",), (50,), 100.0, "mV"), "have 1 leads; the model needs 2"),
        (InputContract(("II", "I"), (50,), 100.0, "mV"), "['II', 'I'] as leads"),
        (InputContract(("I", "II"), (50,), 500.0, "mV"), "500.0 Hz; the model needs 100.0"),
        (InputContract(("I", "II"), (50, 50)), "are images; the model needs signals"),
        (InputContract(("I", "II"), (51,), 100.0, "mV"), "51 samples a study; the model needs 50"),
        (InputContract(("I", "II"), (50,), 100.0, "V"), "V as units; the model needs mV"),
    ],
)
def test_a_contract_says_in_one_line_what_differs(given_, words):
    contract = InputContract(("I", "II"), (50,), 100.0, "mV")
    contract.check(InputContract(("I", "II"), (50,), 0.0))  # what is not known is not compared
    with pytest.raises(UsageError) as caught:
        contract.check(given_)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
