"""The power is cut at many moments of a recorded run, and of the recovery after such a cut: tests/crash/powercut.c has the proof.

2,000 cuts and more with ESTATE_LONG=1 (make check-long), 300 otherwise.
"""
import os
import shutil
import subprocess

import daemon as harness
from test_durability import put_mixed, traced

POWERCUT = os.path.join(harness.REPOSITORY, "build", "test", "powercut")
LONG = bool(os.environ.get("ESTATE_LONG"))
CUTS, RECOVERY_CUTS = (2400, 400) if LONG else (240, 30)


def cut(*arguments):
    done = subprocess.run([POWERCUT, *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + "\n".join(line for line in done.stderr.splitlines() if "level=" not in line)


def in_memory(tmp_path):
    """A folder for the images: in memory where there is some, since they are written by the gigabyte."""
    folder = f"/dev/shm/powercut-{os.getpid()}-{tmp_path.name}" if os.access("/dev/shm", os.W_OK) else str(tmp_path / "work")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def test_every_acknowledged_event_survives_every_cut(monkeypatch, tmp_path):
    folder = in_memory(tmp_path)
    try:
        with traced(monkeypatch, tmp_path, "levers") as daemon:
            daemon.start()
            put_mixed(daemon, 3000)
            daemon.stop()
            status, said = cut("--trace", tmp_path / "trace", "--truth", daemon.data, "--work", f"{folder}/work", "--states", CUTS,
                               "--seed", 1, "--keep", f"{folder}/kept", "--keep-acked", tmp_path / "acked")
            assert status == 0, said
            print(said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_cuts_during_recovery(monkeypatch, tmp_path):
    """Kill it under load, record the recovery, and cut the power in that."""
    folder = in_memory(tmp_path)
    try:
        for seed in range(3):
            with traced(monkeypatch, tmp_path, "levers") as daemon:
                daemon.env["INTERPOSE_TRACE"] = str(tmp_path / f"first-{seed}")
                daemon.start()
                put_mixed(daemon, 1500)
                daemon.kill9()
                base = f"{folder}/base-{seed}"
                shutil.copytree(daemon.data, base)
                acked = tmp_path / f"acked-{seed}"
                acked.write_text("".join(f"{seq}\n" for seq in range(1, 1501)))
                daemon.env["INTERPOSE_TRACE"] = str(tmp_path / f"second-{seed}")
                daemon.start()
                daemon.stop()
                status, said = cut("--trace", tmp_path / f"second-{seed}", "--truth", daemon.data, "--base", base, "--acked", acked,
                                   "--work", f"{folder}/work", "--states", RECOVERY_CUTS, "--seed", seed)
                assert status == 0, said
                print(said)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_disk_that_forgets_flushes_is_caught(monkeypatch, tmp_path):
    """The same proof must fail for the build whose flush was taken out, or it proves nothing."""
    folder = in_memory(tmp_path)
    try:
        with traced(monkeypatch, tmp_path, "noflush") as daemon:
            daemon.start()
            put_mixed(daemon, 1000)
            daemon.stop()
            status, said = cut("--trace", tmp_path / "trace", "--truth", daemon.data, "--work", f"{folder}/work", "--states", 200, "--seed", 1)
            assert status == 1, said
    finally:
        shutil.rmtree(folder, ignore_errors=True)
