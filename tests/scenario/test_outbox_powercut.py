"""The outbox of libestate on a disk that loses power, or fails to flush: what was handed over with success is there, and nothing else is success.

300 cuts in make test, 3,000 with ESTATE_LONG=1 (make check-long); tests/crash/boxcut.c has the proof.
"""
import errno
import json
import os
import shutil
import struct
import subprocess

import pytest

import daemon as harness
import tracefile
from test_durability import INTERPOSER

BOXCUT = os.path.join(harness.REPOSITORY, "build", "test", "boxcut")
CUTS = 3000 if os.environ.get("ESTATE_LONG") else 300


def preload():
    """Under a sanitizer its own library must come first."""
    with open(harness.program("estate"), "rb") as file:
        sanitized = b"__asan_init" in file.read()
    asan = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{asan}:{INTERPOSER}" if sanitized else INTERPOSER


@pytest.fixture
def trace(tmp_path):
    """A run of hand-overs and drops, written down."""
    root, path = tmp_path / "root", tmp_path / "trace"
    root.mkdir()
    subprocess.run([BOXCUT, "record", root], check=True, env={**os.environ, "INTERPOSE_ROOT": str(root), "INTERPOSE_TRACE": str(path),
                                                              "LD_PRELOAD": INTERPOSER})
    return path


@pytest.fixture
def work(tmp_path):
    folder = f"/dev/shm/boxcut-{os.getpid()}-{tmp_path.name}" if os.access("/dev/shm", os.W_OK) else str(tmp_path / "work")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def prove(trace, work, cuts):
    done = subprocess.run([BOXCUT, "prove", trace, work, str(cuts), "1"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_was_handed_over_survives_every_cut(trace, work):
    status, said = prove(trace, work, CUTS)
    assert status == 0, said
    print(said)


def test_an_outbox_that_does_not_flush_is_caught(trace, work, tmp_path):
    """The same proof must fail for a run without its flushes, or it proves nothing."""
    without = tmp_path / "without"
    with open(without, "wb") as file:
        for op, number, offset, payload, result, durable in tracefile.records(trace):
            if op not in (tracefile.FLUSH_BEGIN, tracefile.FLUSH_END):
                file.write(tracefile.RECORD.pack(op, number, offset, len(payload), result, durable, 0) + payload)
    status, said = prove(without, work, 300)
    assert status == 1 and ("is lost" in said or "does not open" in said or "was dropped and is there" in said), said


def lines(first, last):
    return "".join(json.dumps({"specversion": "1.0", "id": f"flush-{n}", "source": "/test", "type": "probe.recorded", "data": {"n": n}}) + "\n"
                   for n in range(first, last + 1))


def outbox(box, *arguments, stdin=None, **env):
    return subprocess.run([harness.program("estate"), "outbox", *arguments, "--path", str(box)], input=stdin, capture_output=True, text=True,
                          check=False, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", **env})


@pytest.mark.parametrize("what", ["flushes", "writes"])
def test_what_the_disk_refuses_is_told_and_not_handed_over(tmp_path, what):
    box, control = tmp_path / "box", tmp_path / "control"
    done = outbox(box, "put", stdin=lines(1, 3))
    assert [json.loads(one)["entry"] for one in done.stdout.splitlines()] == [1, 2, 3]
    failing = {"writes": 0, "flushes": 0, what: errno.EIO}
    control.write_bytes(struct.pack("=II56sq", failing["writes"], failing["flushes"], b"box/box", 0))
    done = outbox(box, "put", stdin=lines(4, 5), INTERPOSE_ROOT=str(tmp_path), INTERPOSE_CONTROL=str(control), LD_PRELOAD=preload())
    assert done.returncode == 3 and done.stdout == "" and "Input/output error" in done.stderr, done.stderr
    # It may be in the box or not, but it opens, and what was handed over is there.
    done = outbox(box, "put", stdin=lines(6, 6))
    assert done.returncode == 0 and json.loads(done.stdout)["entry"] > 3
    entries = [json.loads(one) for one in outbox(box, "list", "--json").stdout.splitlines()]
    assert [e["id"] for e in entries][:3] == ["flush-1", "flush-2", "flush-3"] and entries[-1]["id"] == "flush-6"
    assert len({e["entry"] for e in entries}) == len(entries)
