"""What estate-stats costs under the shipped measures: measured against the figures it has to keep.

    stats.py [--households N] [--days N] [--folder DIR]

  rehearsal       events a second of all that an estate's log tells
  from the log    the same beside a daemon, from an empty state to the log's end (to keep: 200,000); the size of what it keeps
  reports         `estate report` as a command, of a month and of a year (to keep: 100 ms a month)
  lag             5,000 events/s come in; from the ack of one to an answer that knows it, 400 times (to keep: 50 ms, p99)
"""
import argparse
import datetime
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402
import estate  # noqa: E402
from worker import Worker  # noqa: E402

SHIPPED = os.path.join(REPOSITORY, "config")
PROGRAM = harness.program("estate-stats")
RATE, ASKS, BATCH_S = 5000, 400, 0.01
TODAY = datetime.date.today()


class Counting(Worker):
    def __init__(self, daemon):
        super().__init__(daemon, name="stats", program=PROGRAM, rules=None, start=False)
        self.rules = SHIPPED
        self.start()


def rehearsal(path):
    rates = []
    for _ in range(3):
        begin = time.monotonic()
        done = subprocess.run([PROGRAM, "--rehearse", path, "--config", SHIPPED], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        rates.append(int(done.stderr.split(" events", 1)[0].rsplit(" ", 1)[1]) / (time.monotonic() - begin))
    print(f"rehearsal: {statistics.median(rates):,.0f} events/s, worst {min(rates):,.0f} ({done.stderr.strip()})")


def caught_up(client, last):
    begin = time.monotonic()
    while True:
        try:
            client.ask("stats", "status", at_least=last, timeout=60)
            return time.monotonic() - begin
        except estate.Fault:
            assert time.monotonic() - begin < 3600


def from_the_log(worker, client, last):
    rates = []
    for _ in range(3):
        worker.stop()
        worker.forget()
        worker.start()
        rates.append(last / caught_up(client, last))
        with open(f"/proc/{worker.process.pid}/stat", encoding="utf-8") as file:
            ticks = file.read().rsplit(") ", 1)[1].split()
    cpu = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    size = os.path.getsize(os.path.join(worker.state, "data.mdb"))
    print(f"from the log: {statistics.median(rates):,.0f} events/s, worst {min(rates):,.0f}; {1e6 * cpu / last:.1f} µs of processor an event; {last:,} events, {size / 1e6:,.0f} MB kept")


def reports(daemon):
    month = (TODAY.replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m")
    for words in (["callbacks", "--period", month], ["staff", "--period", month], ["calls", "--period", month], ["contacts", "--period", month], ["backlog", "--period", month],
                  ["callbacks", "--period", month[:4]], ["calls", "--period", month[:4]]):
        times = []
        for _ in range(10):
            begin = time.monotonic()
            daemon.estate("report", *words)
            times.append(1000 * (time.monotonic() - begin))
        print(f"report {' '.join(words)}: {statistics.median(times):.0f} ms, worst {max(times):.0f}")


def lag(daemon, path):
    """The first events of the year once more, as other events."""
    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in itertools.islice(lines, int(RATE * (ASKS * 0.03 + 5)))]
    packed = [estate.pack({**event, "id": f"again-{n}", "subject": "again-" + event.get("subject", "x")[:50], "time": datetime.datetime.now(datetime.timezone.utc)})
              for n, event in enumerate(events)]
    asker, times, last, over = daemon.client("asker"), [], [0], threading.Event()
    asker.hello()

    def feed():
        client, begin, at = daemon.client("feeder", window=4096), time.monotonic(), 0
        client.hello()
        while at < len(packed) and not over.is_set():
            due = min(len(packed), int((time.monotonic() - begin) * RATE))
            if due > at:
                last[0] = client.put_batch(packed[at:due])[-1].seq
                at = due
            time.sleep(BATCH_S)

    thread = threading.Thread(target=feed)
    thread.start()
    while last[0] == 0:
        time.sleep(0.01)
    for _ in range(ASKS):
        seq, begin = last[0], time.monotonic()
        asker.ask("stats", "status", at_least=seq)
        times.append(1000 * (time.monotonic() - begin))
        time.sleep(0.02)
    over.set()
    thread.join()
    times.sort()
    print(f"lag at {RATE:,} events/s: p50 {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f}, worst {times[-1]:.1f} (with the question's way there and back)")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--households", type=int, default=2000)
    arguments.add_argument("--days", type=int, default=360)
    arguments.add_argument("--folder", default=None)
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="sb-", dir=options.folder)
    try:
        path = os.path.join(folder, "in.jsonl")
        subprocess.run([harness.program("estate"), "generate", "--households", str(options.households), "--from", (TODAY - datetime.timedelta(days=options.days + 1)).isoformat(),
                        "--days", str(options.days), "--seed", "1", "--out", path], check=True)
        rehearsal(path)
        with harness.Daemon(folder=folder) as daemon, Counting(daemon) as worker:
            client = daemon.client("bench")
            client.hello()
            stream = client.subscribe("first", type=["config.activated"])
            for _ in range(2):
                stream.next(30)
            stream.close()
            with open(path, "rb") as file:
                subprocess.run([harness.program("estate"), "put", "--connect", daemon.endpoint], stdin=file, stdout=subprocess.DEVNULL, check=True)
            from_the_log(worker, client, json.loads(daemon.estate("status", "--json").stdout)["last_seq"])
            reports(daemon)
            lag(daemon, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
