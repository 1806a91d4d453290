"""What estate-escalate costs under the shipped rules: measured against the figures it has to keep.

    escalate.py [--open N] [--days N] [--rate N] [--seconds N] [--folder DIR]

  rehearsal       events a second, of a generated year as a log tells it (to keep: 100,000)
  restart         from exec to READY with that many obligations open (1 s)
  open            the first page of the question `open`, 100 rows; the same filtered (20 ms)
  lag             from an event's log time to that of what follows from it, at that rate (p99 50 ms)
"""
import argparse
import datetime
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
from worker import Worker  # noqa: E402

SHIPPED = os.path.join(REPOSITORY, "config")
PROGRAM = harness.program("estate-escalate")


class Escalate(Worker):
    def __init__(self, daemon):
        super().__init__(daemon, name="escalate", program=PROGRAM, rules=None, start=False)
        self.rules = SHIPPED
        self.start()


def event(number, type_, subject, data):
    return estate.pack({"specversion": "1.0", "id": f"{number:09d}-bench", "source": "/bench", "type": type_, "subject": subject, "data": data})


def opened(number):
    return event(number, "complaint.opened", f"C-{number}", {"category": "noise", "severity": "ordinary", "via": "phone", "household": f"3-2-{number % 9999 + 1}"})


def rehearsal(folder, days):
    path, log = os.path.join(folder, "in.jsonl"), os.path.join(folder, "log.jsonl")
    subprocess.run([harness.program("estate"), "generate", "--households", "1000", "--from", "2026-01-01", "--days", str(days), "--seed", "1", "--out", path], check=True)
    with open(path, encoding="utf-8") as lines:
        at = sorted(map(json.loads, lines), key=lambda one: datetime.datetime.fromisoformat(one["time"]))
    with open(log, "w", encoding="utf-8") as out:
        for number, one in enumerate(at, 1):
            out.write(json.dumps({**one, "seq": number, "logtime": one["time"], "sender": "uid:0", "flags": 0}, ensure_ascii=False, separators=(",", ":")) + "\n")
    rates = []
    for _ in range(5):
        begin = time.monotonic()
        done = subprocess.run([PROGRAM, "--rehearse", log, "--config", SHIPPED], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        rates.append(len(at) / (time.monotonic() - begin))
    print(f"rehearsal: {statistics.median(rates):,.0f} events/s, worst {min(rates):,.0f} ({done.stderr.strip()})")


def settled(daemon):
    """Until the worker has read all there is."""
    daemon.estate("ask", "escalate", "status", "--at-least", "now")


def load(client, count):
    begin = time.monotonic()
    for _ in client.put_many(opened(n) for n in range(count)):
        pass
    print(f"loaded {count:,} complaints in {time.monotonic() - begin:.0f} s")


def restart(worker):
    times = []
    for _ in range(5):
        worker.kill9()
        begin = time.monotonic()
        worker.start()
        times.append(time.monotonic() - begin)
    print(f"restart to ready: {statistics.median(times) * 1000:.0f} ms (worst {max(times) * 1000:.0f} ms)")


def ask(client):
    for name, arguments in ("the first page", {}), ("of one case", {"subject": "C-77"}), ("of one rule", {"rule": "C10"}), ("nothing matches", {"role": "finance"}):
        times = []
        for _ in range(30):
            begin = time.monotonic()
            client.ask("escalate", {"name": "open", **arguments})
            times.append((time.monotonic() - begin) * 1000)
        times.sort()
        print(f"open, {name}: p50 {times[15]:.1f} ms, worst {times[-1]:.1f} ms")


def lag(daemon, client, base, rate, seconds):
    """A fifth opens, a fifth ends, the rest concerns nobody."""
    first = client.put(event(base, "probe.recorded", "lag", {})).seq
    window = max(1, rate // 200)
    begin, number = time.monotonic(), base + 1
    while number - base < rate * seconds:
        burst = []
        for _ in range(window):
            kind = number % 5
            if kind == 0:
                burst.append(opened(number))
            elif kind == 4:
                burst.append(event(number, "case.replied", f"C-{number - 4}", {"by": "c-1"}))
            else:
                burst.append(event(number, "contact.received", f"C-{number}", {"via": "phone", "outcome": "info"}))
            number += 1
        for _ in client.put_many(burst):
            pass
        ahead = begin + (number - base) / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    took = time.monotonic() - begin
    settled(daemon)
    time.sleep(0.5)
    logged, lags = {}, []
    for line in daemon.estate("tail", "--from", str(first), "--until-end", "--json").stdout.splitlines():
        one = json.loads(line)
        at = datetime.datetime.fromisoformat(one["logtime"].replace("Z", "+00:00")[:26] + "+00:00").timestamp()
        logged[one["seq"]] = at
        if one["source"] == "/estated/worker/escalate" and int(one.get("causation", 0)) in logged and one["type"] in ("obligation.opened", "obligation.fulfilled"):
            lags.append((at - logged[int(one["causation"])]) * 1000)
    lags.sort()
    print(f"lag at {(number - base) / took:,.0f} events/s: p50 {lags[len(lags) // 2]:.1f} ms, p99 {lags[len(lags) * 99 // 100]:.1f} ms, worst {lags[-1]:.1f} ms ({len(lags):,} conclusions)")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--open", type=int, default=100_000)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--rate", type=int, default=5000)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--folder", default=None)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    try:
        rehearsal(folder, o.days)
        with harness.Daemon(folder=os.path.join(folder), settings={"journal_segment": "16MiB", "journal_segments": 4}) as daemon, Escalate(daemon) as worker:
            client = daemon.client("load", window=4096)
            client.hello()
            stream = client.subscribe("first", type=["config.activated"])
            for _ in range(3):
                stream.next(30)
            stream.close()
            lag(daemon, client, 500_000_000, o.rate, o.seconds)
            load(client, o.open)
            settled(daemon)
            restart(worker)
            asker = daemon.client("asker")
            asker.hello()
            ask(asker)
            lag(daemon, client, 600_000_000, o.rate, o.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
