"""What estate-callback costs under the shipped rules: measured against the figures it has to keep.

    callback.py [--open N] [--days N] [--folder DIR]

  rehearsal       events a second, of a generated year as a log tells it (to keep: 100,000)
  agenda          the question `agenda` with that many callbacks open: its first page of 100 rows, and a day of which nothing is left (10 ms)
  restart         from exec to READY with that many open (1 s)
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
PROGRAM = harness.program("estate-callback")


class Callback(Worker):
    def __init__(self, daemon):
        super().__init__(daemon, name="callback", program=PROGRAM, rules=None, start=False)
        self.rules = SHIPPED
        self.start()


def handled(number):
    """A complaint about which somebody must be called: on the agenda from tomorrow on."""
    return [estate.pack({"specversion": "1.0", "id": f"{number:09d}-{step}", "source": "/bench", "type": type_, "subject": f"C-{number}", "data": data}) for step, type_, data in
            (("o", "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone", "household": f"3-{number % 99 + 1}-{number % 9999 + 1}"}),
             ("h", "complaint.handled", {"by": "eng-1", "verify": "onsite"}))]


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


def asked(client, **arguments):
    times = []
    for _ in range(50):
        begin = time.monotonic()
        answer = client.ask("callback", "agenda", **arguments)
        times.append(1000 * (time.monotonic() - begin))
    return f"{statistics.median(times):.1f} ms, worst {max(times):.1f} ({len(answer.value['rows'])} rows)"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--open", type=int, default=20000)
    arguments.add_argument("--days", type=int, default=365)
    arguments.add_argument("--folder", default=None)
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="cbb-", dir=options.folder)
    try:
        rehearsal(folder, options.days)
        with harness.Daemon(folder=folder) as daemon, Callback(daemon) as worker:
            client = daemon.client("bench", window=4096)
            client.hello()
            stream = client.subscribe("first", type=["config.activated"])
            for _ in range(3):
                stream.next(30)
            stream.close()
            for _ in client.put_many(event for number in range(options.open) for event in handled(number)):
                pass
            daemon.estate("ask", "callback", "status", "--at-least", "now")
            tomorrow = (datetime.date.today() + datetime.timedelta(days=3)).isoformat()
            print(f"agenda, {options.open:,} open: {asked(client, date=tomorrow)}")
            print(f"agenda, a person without any: {asked(client, date=tomorrow, staff='nobody')}")
            times = []
            for _ in range(5):
                worker.kill9()
                begin = time.monotonic()
                worker.start()
                times.append(time.monotonic() - begin)
            print(f"restart: {1000 * statistics.median(times):.0f} ms, worst {1000 * max(times):.0f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
