import json
import subprocess
import sys

import numpy as np
import pytest

from sidelight.crossmodal import FORMATS, InputContract, StudyFiles, link, read_study
from sidelight.labeling.faults import InputError, UsageError

WAVES = np.random.default_rng(0).normal(size=(2, 300))


def write_wfdb(path, waves=WAVES, fs=100, names=("I", "V1"), units=("mV", "mV")):
    wfdb = pytest.importorskip("wfdb")
    wfdb.wrsamp(
        path.stem, fs=fs, units=list(units), sig_name=list(names), p_signal=waves.T, fmt=["16"] * len(waves),
        write_dir=str(path.parent),
    )  # fmt: skip
    return path.with_suffix(".hea")


def write_edf(path, waves=WAVES, rates=(100, 100), unit="uV"):
    edf = pytest.importorskip("pyedflib")
    with edf.EdfWriter(str(path), len(waves)) as file:
        for channel, rate in enumerate(rates):
            head = {"label": f"Fp{channel}", "dimension": unit, "sample_frequency": rate}
            file.setSignalHeader(channel, {**head, "physical_min": -6000, "physical_max": 6000,
                                           "digital_min": -32768, "digital_max": 32767, "transducer": "", "prefilter": ""})  # fmt: skip
        file.writeSamples([waves[channel][: 3 * rate] * 1000 for channel, rate in enumerate(rates)])
    return path


def write_picture(path, pixels):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(pixels).save(path)
    return path


def write_dicom(path, pixels, accession="A1", **fields):
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3"
    data.StudyInstanceUID, data.AccessionNumber = "1.2.3.4", accession
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.BitsAllocated, data.BitsStored, data.HighBit = 1, 16, 16, 15
    data.PixelRepresentation, data.PhotometricInterpretation = 0, "MONOCHROME2"
    for name, value in fields.items():
        setattr(data, name, value)
    data.PixelData = pixels.astype(np.uint16).tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def test_wfdb_keeps_leads_rate_and_millivolts(tmp_path):
    study = read_study(write_wfdb(tmp_path / "r1.hea", names=("i", "V1")))
    np.testing.assert_allclose(study.values, WAVES, atol=1e-3)
    assert (study.lead_names, study.sampling_hz, study.units) == (("I", "V1"), 100.0, "mV")


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_edf_microvolts_become_millivolts(tmp_path, suffix):
    study = read_study(write_edf(tmp_path / f"e{suffix}"))
    np.testing.assert_allclose(study.values, WAVES, atol=1e-3)
    assert (study.lead_names, study.sampling_hz, study.units) == (("Fp0", "Fp1"), 100.0, "mV")


def test_edf_with_channels_of_different_rates_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"e\.edf: its channels have different sampling rates \(50 to 100 Hz\)"
    ):
        read_study(write_edf(tmp_path / "e.edf", rates=(100, 50)))


@pytest.mark.parametrize(
    ("pixels", "channels", "corner"),
    [
        (np.full((4, 6), 255, np.uint8), ("grey",), 1.0),
        (np.full((4, 6, 3), 51, np.uint8), ("grey",), 0.2),  # three equal planes are one
        (np.tile(np.array([255, 0, 51], np.uint8), (4, 6, 1)), ("red", "green", "blue"), 1.0),
        (np.full((4, 6), 65535, np.uint16), ("grey",), 1.0),
    ],
)
def test_pictures_go_from_0_to_1(tmp_path, pixels, channels, corner):
    study = read_study(write_picture(tmp_path / "p.png", pixels))
    assert study.lead_names == channels
    assert study.values.shape == (len(channels), 4, 6)
    assert study.values[0, 0, 0] == pytest.approx(corner)


def test_white_is_1_in_either_kind_of_dicom(tmp_path):
    ramp = np.linspace(0, 4000, 400).reshape(20, 20)
    white = read_study(write_dicom(tmp_path / "a.dcm", ramp))
    black = read_study(write_dicom(tmp_path / "b.dcm", ramp, PhotometricInterpretation="MONOCHROME1"))
    assert (white.values[0, 0, 0], white.values[0, -1, -1]) == (0, 1)
    np.testing.assert_allclose(black.values, 1 - white.values, atol=1e-6)
    assert white.keys == {"accession": "A1", "study_uid": "1.2.3.4"}


def test_files_are_brought_to_one_shape(tmp_path):
    write_wfdb(tmp_path / "a.hea")
    time = np.arange(600) / 200
    write_wfdb(
        tmp_path / "b.hea", np.stack([np.sin(6 * time), np.cos(6 * time)])[::-1], fs=200, names=("V1", "I")
    )
    write_wfdb(tmp_path / "c.hea", WAVES[:, :100])
    studies = StudyFiles.open(tmp_path)
    assert studies.contract == InputContract(("I", "V1"), (300,), 100.0, "mV")
    assert studies.ids.tolist() == ["a", "b", "c"]
    both = studies.batch([1])[0]
    np.testing.assert_allclose(both[0, 20:280], np.sin(6 * np.arange(300) / 100)[20:280], atol=0.01)
    assert (studies.batch([2])[0, :, 100:] == 0).all()
    chosen = StudyFiles.open(tmp_path, lead_names=["V1"], sampling_hz=50, shape=[100])
    assert chosen.batch([0, 1, 2]).shape == (3, 1, 100)


def test_images_are_resized_and_several_may_share_a_report(tmp_path):
    first = write_picture(tmp_path / "x1.png", np.full((8, 8), 255, np.uint8))
    second = write_picture(tmp_path / "x2.png", np.zeros((16, 12), np.uint8))
    studies = StudyFiles.open({"study 1": [first, second], "study 2": first}, shape=(8, 8))
    linked = link(["study 2", "study 1", "study 3"], studies)
    assert linked.label_rows.tolist() == [0, 1, 1]
    assert linked.ids.tolist() == ["study 2", "study 1", "study 1#2"]
    assert linked.signals.batch([0, 1, 2]).shape == (3, 1, 8, 8)
    assert (linked.report.n_linked, linked.report.unmatched_labels) == (2, (2,))


def test_dicom_headers_tell_the_study(tmp_path):
    pixels = np.arange(400).reshape(20, 20)
    write_dicom(tmp_path / "1.dcm", pixels, accession="A7")
    write_dicom(tmp_path / "2.dcm", pixels, accession="A7")
    write_dicom(tmp_path / "3.dcm", pixels, accession="")
    studies = StudyFiles.open(tmp_path, by="accession")
    assert studies.study_ids.tolist() == ["A7", "A7"]
    assert [entry.reason for entry in studies.set_aside] == ["3.dcm: its header holds no accession"]
    assert len(link(["A7"], studies)) == 2


def test_a_corrupt_file_is_set_aside_by_name_and_not_fatal(tmp_path):
    write_wfdb(tmp_path / "good.hea")
    (tmp_path / "torn.hea").write_text("torn 2 100 300\ntorn.dat 16 a secret diagnosis\n")
    write_wfdb(
        tmp_path / "wide.hea", np.vstack([WAVES, WAVES]), names=("II", "V2", "V3", "V4"), units=["mV"] * 4
    )
    np.save(tmp_path / "z.npy", np.full((2, 3), np.nan))
    studies = StudyFiles.open(tmp_path)
    assert studies.ids.tolist() == ["good"]
    reasons = [entry.reason for entry in studies.set_aside]
    assert [reason.partition(":")[0] for reason in reasons] == ["torn.hea", "wide.hea", "z.npy"]
    assert "secret" not in json.dumps(reasons)
    assert "lacks 2 of the 2 leads (I)" in reasons[1]
    assert link(["good", "torn"], studies).report.set_aside == (1, 2, 3)


def test_files_can_be_read_again_after_the_cache_let_them_go(tmp_path):
    write_wfdb(tmp_path / "a.hea")
    studies = StudyFiles.open(tmp_path)
    before = studies.batch([0, 0])
    studies._cache.values.clear()
    np.testing.assert_array_equal(studies.batch([0, 0]), before)
    (tmp_path / "a.dat").unlink()
    studies._cache.values.clear()
    with pytest.raises(InputError, match=r"^a\.hea: cannot be read"):
        studies.batch([0])


@pytest.mark.parametrize("files", ["absent", {"a": "absent.png"}, {"a": "notes.txt"}])
def test_nothing_to_read_is_one_clear_error(tmp_path, monkeypatch, files):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(InputError, match=r"no such|none of 1 files can be used"):
        StudyFiles.open(files)


def test_a_missing_package_is_named_with_the_extra(tmp_path):
    program = (
        "import sys; sys.modules['wfdb'] = None\n"
        "from sidelight.crossmodal import read_study\n"
        f"read_study({str(tmp_path / 'a.hea')!r})\n"
    )
    (tmp_path / "a.hea").write_text("a 1 100 1\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert 'pip install "sidelight[signals]"' in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("suffix", sorted(FORMATS))
@pytest.mark.parametrize("content", [b"", b"nothing of the kind", bytes(300)])
def test_no_reader_lets_another_error_out(tmp_path, suffix, content):
    file = tmp_path / f"broken{suffix}"
    file.write_bytes(content)
    with pytest.raises((InputError, UsageError)) as caught:
        read_study(file)
    assert "\n" not in str(caught.value)


def test_a_template_tells_the_study_from_the_path(tmp_path):
    for study in ("s1", "s2"):
        (tmp_path / study).mkdir()
        for view in ("frontal", "lateral"):
            np.save(tmp_path / study / f"{view}.npy", np.full((1, 8), len(view), np.float32))
    np.save(tmp_path / "stray.npy", np.zeros((1, 8), np.float32))
    files = StudyFiles.open(tmp_path, by="{study_id}/{view}.npy")
    assert files.study_ids.tolist() == ["s1", "s1", "s2", "s2"]
    assert [entry.row for entry in files.set_aside] == [4]
    assert "does not fit the template" in files.set_aside[0].reason
    linked = link(["s2", "s1"], files)
    assert linked.label_rows.tolist() == [0, 0, 1, 1]
    assert linked.report.n_linked == 2


@pytest.mark.parametrize(
    ("template", "path", "study"),
    [
        ("img_{study_id}_{view}.npy", "img_a.b_pa.npy", "a.b"),
        ("{site}/{study_id}/{study_id}-{n}.npy", "x/s1/s1-2.npy", "s1"),
        ("{site}/{study_id}/{study_id}-{n}.npy", "x/s1/s2-2.npy", None),
        ("{study_id}.npy", "deep/s1.npy", None),
    ],
)
def test_templates_match_whole_paths(tmp_path, template, path, study):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    np.save(tmp_path / path, np.zeros((1, 8), np.float32))
    if study is None:
        with pytest.raises(InputError, match="none of 1 files"):
            StudyFiles.open(tmp_path, by=template)
    else:
        assert StudyFiles.open(tmp_path, by=template).study_ids.tolist() == [study]


def test_a_template_that_names_no_study_is_refused(tmp_path):
    with pytest.raises(ValueError, match="study_id"):
        StudyFiles.open(tmp_path, by="{name}.npy")
