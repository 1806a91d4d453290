"""Fixtures for every test below this folder.  tests/harness/daemon.py has the class they are made of.

    def test_x(daemon): …                           a fresh daemon, stopped and examined afterwards
    def test_y(client): …                           a Client of it that has said hello
    def test_z(start_daemon): start_daemon(settings={"journal_segments": 4})
    def test_w(shared_data): folder = shared_data("incidents")      skipped, loudly, where that is missing
"""
import os
import subprocess
import sys

import pytest

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(TESTS, "harness"))

import daemon as harness  # noqa: E402

SHARED_DATA = os.path.normpath(os.path.join(harness.REPOSITORY, "..", "shared", "data"))
_missing = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


def pytest_terminal_summary(terminalreporter):
    """A missing data set must not pass for a passed test."""
    for what, tests in _missing.items():
        terminalreporter.write_line(f"NOT TESTED: {what} is missing; without it were skipped: {', '.join(tests)}", red=True, bold=True)


@pytest.fixture
def start_daemon(request):
    """A function that starts a Daemon with its options; all are stopped and examined at the end of the test."""
    if not os.access(harness.program("estated"), os.X_OK):
        pytest.fail(f"{harness.program('estated')} is missing: build it, or name its folder with ESTATE_BIN_DIR", pytrace=False)
    started = []

    def start(**options):
        started.append(harness.Daemon(**options, start=False))
        return started[-1].start()
    yield start
    report = getattr(request.node, "report_call", None)
    failed = report is None or report.failed
    for one in reversed(started):
        one.close(failed=failed)


@pytest.fixture
def daemon(start_daemon):
    return start_daemon()


@pytest.fixture
def client(daemon):
    client = daemon.client()
    client.hello()
    return client


@pytest.fixture
def shared_data(request):
    """A function from a data set's name to its folder; skips the test, loudly, where it is missing."""
    def folder(name):
        path = os.path.join(SHARED_DATA, name)
        if not os.path.isdir(path):
            _missing.setdefault(path, []).append(request.node.name)
            pytest.skip(f"{path} is missing")
        return path
    return folder


class Gate:
    """Closed, the daemon's flushes wait, and so do its acks."""

    def __init__(self, path):
        self.path = path

    def close(self):
        with open(self.path, "w", encoding="utf-8"):
            pass

    def open(self):
        if os.path.exists(self.path):
            os.unlink(self.path)


@pytest.fixture(scope="session")
def gate_library(tmp_path_factory):
    library = str(tmp_path_factory.mktemp("gate") / "gate.so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, os.path.join(TESTS, "harness", "gate.c"), "-ldl"], check=True)
    return library


@pytest.fixture
def gate(tmp_path):
    gate = Gate(str(tmp_path / "gate"))
    yield gate
    gate.open()


@pytest.fixture
def gated_daemon(start_daemon, gate, gate_library):
    """A daemon whose disk waits while `gate` is closed."""
    return start_daemon(preload=gate_library, env={"GATE": gate.path})


@pytest.fixture
def small_disk(tmp_path):
    """A real ext4 of 48 MiB on a loop device."""
    image, point = str(tmp_path / "image"), str(tmp_path / "disk")
    os.mkdir(point)
    with open(image, "wb") as file:
        file.truncate(48 << 20)
    for command in (["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, point]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no loop device here: {' '.join(command)}: {done.stderr.strip()}")
    yield point
    subprocess.run(["umount", "-l", point], check=True)
