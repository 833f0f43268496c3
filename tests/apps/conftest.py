"""What tests of apps share: a database server of their own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_server():
    """A PostgreSQL server of the test's own, on a socket in a temporary folder."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = str(found[-1]) if found else shutil.which("initdb")
    if program is None:
        pytest.skip("no PostgreSQL server is installed")
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    programs = Path(program).parent
    home = Path(tempfile.mkdtemp(prefix="sl-pg-", dir="/tmp"))  # a socket has a short path
    user = {}
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no account called postgres")
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        os.chown(home, account.pw_uid, account.pw_gid)
    run = {"check": True, "capture_output": True, "cwd": home, **user}
    subprocess.run([programs / "initdb", "-D", home / "data", "-U", "sl", "-A", "trust", "-E", "UTF8"], **run)
    options = f"-k {home} -c listen_addresses="
    subprocess.run(
        [programs / "pg_ctl", "-D", home / "data", "-l", home / "log", "-o", options, "-w", "start"], **run
    )
    yield f"postgresql://sl@/postgres?host={home}"
    subprocess.run([programs / "pg_ctl", "-D", home / "data", "-m", "immediate", "stop"], **run)
    shutil.rmtree(home, ignore_errors=True)
