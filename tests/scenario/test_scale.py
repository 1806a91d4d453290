"""What grows with the log and what must not: start-up, memory, bytes on disk.  Prints figures; asserts only that nothing is out of hand.

10,000 events in make test; 10,000, 1 million and 10 million with ESTATE_LONG=1 (some GB below the temporary folder, removed afterwards).
Beside them a generated estate, whose names, phones and texts are sealed: some days of it, or its year of 1.2 million events.
"""
import glob
import json
import os
import subprocess
import time

import pytest

import daemon as harness

LONG = bool(os.environ.get("ESTATE_LONG"))
SIZES = [10_000, 1_000_000, 10_000_000] if LONG else [10_000]
HOUSEHOLDS, DAYS = (3000, 365) if LONG else (300, 10)
PATIENCE_S = 1800
PRODUCTION = "log_level: info\n"        # the settings as they are shipped


def bench(daemon, events):
    return [harness.program("estate"), "bench", "put", "--events", str(events), "--connections", "8", "--window", "1024", "--connect",
            daemon.endpoint, "--json"]


def put_bench(daemon, events):
    done = subprocess.run(bench(daemon, events), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["events_per_s"]


def put_estate(daemon, households):
    """Through the command and its JSON, as people would."""
    estate = harness.program("estate")
    generator = subprocess.Popen([estate, "generate", "--households", str(households), "--from", "2025-11-01", "--days", str(DAYS), "--seed", "1"],
                                 stdout=subprocess.PIPE)
    begin = time.monotonic()
    done = subprocess.run([estate, "put", "--batch", "32", "--connect", daemon.endpoint], stdin=generator.stdout, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE_S)
    seconds = time.monotonic() - begin
    generator.stdout.close()
    assert generator.wait() == 0 and done.returncode == 0, done.stderr
    client = daemon.client()
    client.hello()
    return client.status()["last_seq"] / seconds


def start(daemon):
    """Seconds from launch to `ready`."""
    begin = time.monotonic()
    daemon.launch()
    daemon.wait_ready(PATIENCE_S)
    return time.monotonic() - begin


def memory(daemon):
    """Anonymous resident memory in bytes."""
    with open(f"/proc/{daemon.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) * 1024


def idle_memory(daemon):
    """Once everything is in LMDB the heap is given back."""
    client = daemon.client()
    client.hello()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = client.status()
        if status["applied_seq"] == status["last_seq"]:
            break
    return memory(daemon)


def disk(daemon):
    """Bytes that the files of each kind occupy."""
    places = {"log": "months/*/data.mdb", "keys": "keys/data.mdb", "journal": "journal/*", "sealing": "persons/data.mdb", "vault": "vault"}
    return {kind: sum(os.stat(p).st_blocks * 512 for p in glob.glob(os.path.join(daemon.data, place))) for kind, place in places.items()}


@pytest.mark.parametrize("put,size", [*((put_bench, size) for size in SIZES), (put_estate, HOUSEHOLDS)],
                         ids=[*(f"events-{size}" for size in SIZES), f"households-{HOUSEHOLDS}"])
def test_scale(put, size, record_property):
    daemon = harness.Daemon(start=False, config=PRODUCTION)
    try:
        first = start(daemon)
        empty = memory(daemon)
        rate = round(put(daemon, size))
        idle = idle_memory(daemon)
        daemon.stop()
        clean = start(daemon)
        after_clean = memory(daemon)
        client = daemon.client()
        client.hello()
        events = client.ping()["last"]
        # And killed while it is loaded.
        load = subprocess.Popen(bench(daemon, 1_000_000_000), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        grow = events + min(events // 2, 200_000)
        deadline = time.monotonic() + PATIENCE_S
        while client.ping()["last"] < grow:
            assert time.monotonic() < deadline
        daemon.kill9()
        load.kill()
        load.wait()
        crashed = start(daemon)
        last = client.status()["last_seq"]
        assert last >= grow
        daemon.stop()
        verdict = json.loads(subprocess.run([harness.program("estate"), "verify", "--data", daemon.data, "--json"], capture_output=True,
                                            text=True, check=False, timeout=PATIENCE_S).stdout)
        assert verdict["sound"], verdict
        used = disk(daemon)
        stored, payload = verdict["events"], verdict["bytes"]
        figures = {
            "events put": events, "put, events/s": rate, "start, empty": f"{first:.3f} s", "start after a clean stop": f"{clean:.3f} s",
            "start after kill -9 under load": f"{crashed:.3f} s", "memory, empty": f"{empty / 2**20:.1f} MiB",
            "memory, idle after the load": f"{idle / 2**20:.1f} MiB", "memory after a restart": f"{after_clean / 2**20:.1f} MiB",
            "payload an event": f"{payload / stored:.1f} B", "log file an event": f"{used['log'] / stored:.1f} B",
            "key index an event": f"{used['keys'] / stored:.1f} B", "journal": f"{used['journal'] / 2**20:.1f} MiB",
            "keys of persons": f"{(used['sealing'] + used['vault']) / 2**20:.2f} MiB", "events at the end": stored,
        }
        for what, figure in figures.items():
            record_property(what, str(figure))
            print(f"{what}: {figure}")
        assert clean < 5 and crashed < 30, "a start takes what waits in the journal, not what the log holds"
        assert idle < 256 << 20 and after_clean < 64 << 20
        assert used["log"] + used["keys"] < 2 * payload + (1 << 20)
    finally:
        daemon.close(failed=daemon.process is not None)
