"""What grows with the log and what must not: start-up, memory, bytes on disk, the speed of puts and of replay."""
import glob
import json
import os
import subprocess
import time

import daemon as harness

PATIENCE_S = 1800
PRODUCTION = "log_level: info\n"        # the settings as they are shipped
DELIVERY = os.path.join(harness.REPOSITORY, "build", "test", "delivery")


def bench(daemon, events):
    return [harness.program("estate"), "bench", "put", "--events", str(events), "--connections", "8", "--window", "1024", "--connect",
            daemon.endpoint, "--json"]


def put_bench(daemon, events):
    done = subprocess.run(bench(daemon, events), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["events_per_s"]


def put_estate(days):
    """A generated estate of so many households, through the command and its JSON, as people would."""
    def put(daemon, households):
        estate = harness.program("estate")
        generator = subprocess.Popen([estate, "generate", "--households", str(households), "--from", "2025-11-01", "--days", str(days), "--seed", "1"],
                                     stdout=subprocess.PIPE)
        begin = time.monotonic()
        done = subprocess.run([estate, "put", "--batch", "32", "--connect", daemon.endpoint], stdin=generator.stdout, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE_S)
        seconds = time.monotonic() - begin
        generator.stdout.close()
        assert generator.wait() == 0 and done.returncode == 0, done.stderr
        return last(daemon) / seconds

    return put


def last(daemon):
    client = daemon.client()
    client.hello()
    return client.status()["last_seq"]


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
    # The loop trims its heap in the turn that learns of it.
    least = memory(daemon)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        client.ping()
        least = min(least, memory(daemon))
    return least


def kill_under_load(daemon, more):
    """Kill it when it has stored so many more; the last number it told before."""
    load = subprocess.Popen(bench(daemon, 1_000_000_000), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = daemon.client()
    client.hello()
    told = client.ping()["last"]
    grow = told + more
    deadline = time.monotonic() + PATIENCE_S
    while (told := client.ping()["last"]) < grow:
        assert time.monotonic() < deadline
    daemon.kill9()
    load.kill()
    load.wait()
    return told


def disk(daemon):
    """Bytes that the files of each kind occupy."""
    places = {"log": "months/*/data.mdb", "keys": "keys/data.mdb", "journal": "journal/*", "sealing": "persons/data.mdb", "vault": "vault"}
    return {kind: sum(os.stat(p).st_blocks * 512 for p in glob.glob(os.path.join(daemon.data, place))) for kind, place in places.items()}


def measure(put, size, *, replay=False, folder=None):
    """A daemon's life with that many events: figures by name.  Asserts that nothing it told was lost and that the store is sound."""
    daemon = harness.Daemon(start=False, config=PRODUCTION, folder=folder)
    try:
        f = {"start, empty": start(daemon), "memory, empty": memory(daemon)}
        f["put"] = put(daemon, size)
        f["memory, idle"] = idle_memory(daemon)
        f["events"] = last(daemon)
        if replay:
            # The daemon's own events come beside those of the bench.
            done = subprocess.run([DELIVERY, daemon.endpoint, "--replay", str(size)], capture_output=True, text=True, check=True)
            f["replay"] = json.loads(done.stdout)["events_per_s"]
        daemon.stop()
        f["start, clean"] = start(daemon)
        f["memory, restarted"] = memory(daemon)
        told = kill_under_load(daemon, min(f["events"] // 2, 200_000))
        f["start, killed"] = start(daemon)
        assert last(daemon) >= told
        daemon.stop()
        verdict = json.loads(subprocess.run([harness.program("estate"), "verify", "--data", daemon.data, "--json"], capture_output=True,
                                            text=True, check=False, timeout=PATIENCE_S).stdout)
        assert verdict["sound"], verdict
        used = disk(daemon)
        f["stored"], f["payload"] = verdict["events"], verdict["bytes"]
        f.update({"log": used["log"], "keys": used["keys"], "journal": used["journal"], "persons": used["sealing"] + used["vault"]})
        return f
    finally:
        daemon.close(failed=daemon.process is not None)


def words(f):
    """The figures for people: name, text."""
    mib, each = 1 << 20, f["stored"]
    yield "events", f"{f['events']:,}"
    yield "put, events/s", f"{f['put']:,.0f}"
    if "replay" in f:
        yield "replay to a durable consumer, events/s", f"{f['replay']:,.0f}"
    yield "start: empty; after a clean stop; after kill -9 under load", \
        f"{f['start, empty'] * 1000:.0f}; {f['start, clean'] * 1000:.0f}; {f['start, killed'] * 1000:.0f} ms"
    yield "anonymous memory: empty; idle after the load; after a restart", \
        f"{f['memory, empty'] / mib:.1f}; {f['memory, idle'] / mib:.1f}; {f['memory, restarted'] / mib:.1f} MiB"
    yield "an event: payload; log file; key index; keys of persons", \
        f"{f['payload'] / each:.1f}; {f['log'] / each:.1f}; {f['keys'] / each:.1f}; {f['persons'] / each:.1f} B"
    yield "disk ÷ payload, all indexes included", f"{(f['log'] + f['keys'] + f['persons']) / f['payload']:.2f}"
