"""What tests of the labeling app share: a server of their own, and a browser that looks at it."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`sidelight ui` in a process of its own; `log` is what it wrote."""

    def __init__(self, folder: Path, *arguments: str, port: int = 0) -> None:
        self.folder = folder
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.labels = folder / "labels.sqlite"
        self.arguments = arguments
        self.log_file = folder / "server.log"
        self.start()

    def start(self):
        command = [
            sys.executable, "-m", "sidelight.apps.cli", "ui", *self.arguments, "--no-browser",
            "--port", str(self.port), "--labels", str(self.labels),
        ]  # fmt: skip
        with self.log_file.open("a") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        for _ in range(600):
            if self.answers():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        pytest.fail("the server did not start:\n" + self.log)

    def answers(self):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/_stcore/health")
                return connection.getresponse().status == 200
        return False

    @property
    def log(self):
        return self.log_file.read_text()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


@pytest.fixture(scope="session")
def free_port():
    """A function that returns a port nobody listens on."""
    return _free_port


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """A function that starts `sidelight ui` in a folder of its own, with further arguments."""
    servers = []

    def start(*arguments, folder=None, port=0):
        server = Server(folder or tmp_path_factory.mktemp("ui"), *arguments, port=port)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium of the system's, with nothing to phone home to."""
    pytest.importorskip("streamlit", reason="the ui extra is not installed")
    pytest.importorskip("sqlalchemy", reason="the ui extra is not installed")
    pytest.importorskip("playwright", reason="playwright is not installed")
    path = (
        os.environ.get("SIDELIGHT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if path is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, request):
    """A page that notes every request and every fault; a picture of its end is kept where SIDELIGHT_SHOTS says."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.requests, page.faults = [], []
    page.on("request", lambda sent: page.requests.append(sent.url))
    page.on("websocket", lambda socket: page.requests.append(socket.url))
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    yield page
    if shots := os.environ.get("SIDELIGHT_SHOTS"):
        page.screenshot(path=str(Path(shots) / f"{request.node.name}.png"))
    context.close()


@pytest.fixture(scope="session")
def studies(tmp_path_factory):
    """A folder of made-up studies: a CT slice in 16 bits, a radiograph in two views, an EEG of 90 seconds, an ECG."""
    pydicom = pytest.importorskip("pydicom", reason="the images extra is not installed")
    edf = pytest.importorskip("pyedflib", reason="the signals extra is not installed")
    from PIL import Image

    folder = tmp_path_factory.mktemp("studies")
    random = np.random.default_rng(0)
    down, across = np.mgrid[-1:1:256j, -1:1:320j]
    body = (across / 0.9) ** 2 + (down / 0.8) ** 2 < 1
    lungs = ((np.abs(across) - 0.4) / 0.28) ** 2 + (down / 0.5) ** 2 < 1
    spine = across**2 + (down - 0.55) ** 2 < 0.015
    ct = np.where(spine, 700, np.where(lungs, -800, np.where(body, 40, -1000)))
    write_ct(pydicom, folder / "n0.dcm", (ct + random.normal(0, 15, ct.shape)).round().astype(np.int16))
    (folder / "n1").mkdir()
    shade = (200 - 120 * lungs + 40 * spine + random.normal(0, 6, ct.shape)).clip(0, 255) * 257
    Image.fromarray(shade.astype(np.uint16)).save(folder / "n1" / "frontal.png")
    Image.fromarray((shade / 257).astype(np.uint8)).save(folder / "n1" / "lateral.jpg")
    sites = [
        "Fp1",
        "Fp2",
        "F7",
        "F3",
        "Fz",
        "F4",
        "F8",
        "T3",
        "C3",
        "Cz",
        "C4",
        "T4",
        "T5",
        "P3",
        "Pz",
        "P4",
        "T6",
        "O1",
        "O2",
    ]
    time = np.arange(90 * 128) / 128
    waves = [
        30 * np.sin(2 * np.pi * (9 + k % 3) * time + k) + random.normal(0, 8, len(time)) for k in range(19)
    ]
    with edf.EdfWriter(str(folder / "n2.edf"), 19) as writer:
        about = {"dimension": "uV", "sample_frequency": 128, "physical_max": 200, "physical_min": -200,
                 "digital_max": 32767, "digital_min": -32768, "transducer": "", "prefilter": ""}  # fmt: skip
        writer.setSignalHeaders([{**about, "label": f"EEG {site}-REF"} for site in sites])
        writer.writeSamples(waves)
    return folder


def write_ct(pydicom, path, values):
    """Write one slice of computed tomography as a signed 16-bit DICOM file."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    header = pydicom.Dataset()
    header.file_meta = meta
    header.SOPClassUID, header.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    header.Modality, header.PhotometricInterpretation = "CT", "MONOCHROME2"
    header.PatientName = "Canary^Karl"
    header.Rows, header.Columns, header.SamplesPerPixel = *values.shape, 1
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 16, 15, 1
    header.RescaleSlope, header.RescaleIntercept = 1, 0
    header.WindowCenter, header.WindowWidth = 50, 350
    header.PixelData = values.tobytes()
    header.save_as(path, enforce_file_format=True)
