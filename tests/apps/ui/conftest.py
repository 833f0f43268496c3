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
