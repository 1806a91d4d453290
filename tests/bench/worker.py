"""What a worker costs: measured against the figures it has to keep.

    worker.py [--timers N] [--instant N] [--days N] [--rate N] [--folder DIR]

  rehearsal       events a second, of generated lines and of a log's
  restart         from exec to READY with a million timers pending; anonymous memory at its worst and then
  lateness        a thousand timers due at one instant: how long after it each conclusion had its log time; the flush that makes it durable comes
                  behind that (the first row of bench.py)
  delivery        at 5,000 events a second, beside three workers: from the instant an event was due to be put until a reader had it
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402
import estate  # noqa: E402
from worker import RULES, Worker  # noqa: E402

SHIPPED = os.path.join(REPOSITORY, "workers", "example")
DELIVERY, TALLY = (os.path.join(REPOSITORY, "build", "test", name) for name in ("delivery", "tally"))
SETTINGS = {"journal_segment": "16MiB", "journal_segments": 4}


def instant(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 1_000_000_000)) + f".{ns % 1_000_000_000:09d}Z"


def opened(number, **more):
    return estate.pack({"specversion": "1.0", "id": f"{number:08d}-bench", "source": "/bench", "type": "complaint.opened", "subject": f"C-{number}",
                        "data": {"category": "noise", "severity": "ordinary", "via": "phone"}, **more})


def rehearsal(folder, days):
    path = os.path.join(folder, "in.jsonl")
    subprocess.run([harness.program("estate"), "generate", "--households", "1000", "--from", "2026-01-01", "--days", str(days), "--seed", "1", "--out",
                    path], check=True)
    log = os.path.join(folder, "log.jsonl")
    with open(path, encoding="utf-8") as lines:
        at = [json.loads(line) for line in lines]
    at.sort(key=lambda event: event["time"])
    with open(log, "w", encoding="utf-8") as out:
        for number, event in enumerate(at, 1):
            out.write(json.dumps({**event, "seq": number, "logtime": event["time"], "sender": "uid:0", "flags": 0}, ensure_ascii=False,
                                 separators=(",", ":")) + "\n")
    for name, file in (("generated lines", path), ("a log's lines", log)):
        rates = []
        for _ in range(3):
            begin = time.monotonic()
            done = subprocess.run([harness.program("estate-example"), "--rehearse", file, "--config", SHIPPED, "--until", "2028-01-01"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
            rates.append(len(at) / (time.monotonic() - begin))
        print(f"rehearsal of {name}: {statistics.median(rates):,.0f} events/s (of {len(at):,}; {done.stderr.strip()})")


def anonymous(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as smaps:
        return sum(int(line.split()[1]) for line in smaps if line.startswith("Anonymous")) / 1024


def pending(daemon, worker, count):
    """Load that many cases whose deadlines are far away."""
    client = daemon.client("load", window=4096)
    client.hello()
    last, begin = 0, time.monotonic()
    for receipt in client.put_many(opened(n) for n in range(count)):
        last = receipt.seq
    print(f"loaded {count:,} cases in {time.monotonic() - begin:.0f} s")
    stream = client.subscribe("first", source=[worker.source], events=8000)
    seen = 0
    while seen < count + 1:
        assert stream.next(120) is not None, worker.stderr()[-2000:]
        seen += 1
    stream.close()
    print(f"all concluded after {time.monotonic() - begin:.0f} s; anonymous {anonymous(worker.process.pid):.0f} MiB at the end of the load")
    return last


def restart(worker):
    times = []
    for _ in range(5):
        worker.kill9()
        begin = time.monotonic()
        worker.start()
        times.append(time.monotonic() - begin)
    print(f"restart to ready: {statistics.median(times) * 1000:.0f} ms (worst {max(times) * 1000:.0f} ms); "
          f"anonymous {anonymous(worker.process.pid):.0f} MiB")


def lateness(daemon, worker, count, round_):
    """Log time of each conclusion minus its due."""
    client = daemon.client("instant", window=4096)
    client.hello()
    stream = client.subscribe("new", source=[worker.source], type=["obligation.breached"], events=8000)
    at = time.time_ns() // 1_000_000_000 * 1_000_000_000
    base = 50_000_000 + round_ * 1_000_000
    kind = {"type": "repair.requested", "data": {"trade": "plumbing", "in_home": False}}
    for _ in client.put_many(opened(base + n, time=instant(at), **kind) for n in range(count)):
        pass
    late = []
    while len(late) < count:
        delivery = stream.next(30)
        assert delivery is not None, worker.stderr()[-2000:]
        late.append((delivery.log_time - (at + 2_000_000_000)) / 1e6)
    stream.close()
    late.sort()
    print(f"{count} timers due at one instant: stored after p50 {late[count // 2]:.1f} ms, p99 {late[count * 99 // 100]:.1f} ms, "
          f"worst {late[-1]:.1f} ms; the first, behind wake and promise, after {late[0]:.1f} ms; in {len(set(late))} writes of the daemon's")


def delivery(folder, rate):
    """Open loop, five times five seconds."""
    with harness.Daemon(folder=tempfile.mkdtemp(dir=folder), settings=SETTINGS) as daemon, contextlib.ExitStack() as stack:
        for number in range(3):
            name = f"tally-{number}"
            stack.enter_context(Worker(daemon, name=name, program=TALLY, rules=None, env={"TALLY_NAME": name}))
        rounds = []
        for _ in range(5):
            done = subprocess.run([DELIVERY, daemon.endpoint, "--seconds", "5", "--rate", str(rate)], stdout=subprocess.PIPE, check=True)
            rounds.append(json.loads(done.stdout))
        for name, what in (("", "put to ack"), ("delivery_", "put to delivery"), ("since_log_", "log time to delivery")):
            each = {part: [one[f"{name}{part}_us"] / 1000 for one in rounds] for part in ("p50", "p99", "max")}
            print(f"{rate:,} events/s beside three workers, {what}: p50 {statistics.median(each['p50']):.2f} ms, p99 "
                  f"{statistics.median(each['p99']):.2f} ms ({min(each['p99']):.2f}–{max(each['p99']):.2f}), worst {max(each['max']):.1f} ms")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--timers", type=int, default=1_000_000)
    options.add_argument("--instant", type=int, default=1000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--rate", type=int, default=5000)
    options.add_argument("--folder", default=None)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    try:
        rehearsal(folder, o.days)
        delivery(folder, o.rate)
        with harness.Daemon(folder=os.path.join(folder), settings=SETTINGS) as daemon:
            rules = RULES.replace("300ms", "300d").replace("700ms", "2s")
            with Worker(daemon, rules=rules) as worker:
                worker.await_rules(daemon.client("rules"))
                for round_ in range(3):
                    lateness(daemon, worker, o.instant, round_)
                pending(daemon, worker, o.timers)
                restart(worker)
                for round_ in range(3, 6):
                    lateness(daemon, worker, o.instant, round_)
                print(f"anonymous {anonymous(worker.process.pid):.0f} MiB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
