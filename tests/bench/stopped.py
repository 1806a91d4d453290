"""What a hundred stopped consumers cost the others: intake and a healthy reader's delivery beside them, as a share of alone.

    stopped.py [--rounds N] [--events N] [--consumers N] [--folder DIR]

A round is a pair within a few seconds, in turns which comes first: delivery.c alone, and beside consumers that granted 8192 events and 1 MiB
of credit and were stopped by SIGSTOP.  Each is a process.  The mean is geometric, so that a pair and its opposite cancel out; the lower bound is
that of this mean with 95 % confidence (one-sided t over the logarithms).

Then the limit: beside a consumer_lag_bytes of 16 MiB, are all of them released, and told when they go on?
"""
import argparse
import json
import math
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402

DELIVERY, STANDBY = (os.path.join(REPOSITORY, "build", "test", name) for name in ("delivery", "standby"))
SETTINGS = {"journal_segment": "16MiB", "journal_segments": 4}
WARM_UP = 20000
# One-sided 95 % of Student's t by degrees of freedom.
T95 = {1: 6.314, 2: 2.920, 4: 2.132, 5: 2.015, 7: 1.895, 9: 1.833, 11: 1.796, 14: 1.761, 19: 1.729, 29: 1.699}


class Standbys:
    """So many stopped consumers."""

    def __init__(self, daemon, count):
        self.all = [subprocess.Popen([STANDBY, daemon.endpoint, f"stopped-{n}"], stdout=subprocess.PIPE, text=True) for n in range(count)]
        for one in self.all:
            assert one.stdout.readline() == "ready\n"
        self.signal(signal.SIGSTOP)

    def signal(self, number):
        for one in self.all:
            one.send_signal(number)

    def told(self, patience=30):
        """What each says when it goes on."""
        self.signal(signal.SIGCONT)
        deadline, said = time.monotonic() + patience, []
        for one in self.all:
            if select.select([one.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                said.append(one.stdout.readline().strip())
        return said

    def close(self):
        for one in self.all:
            one.kill()
            one.wait()
            one.stdout.close()


def deliver(daemon, events):
    done = subprocess.run([DELIVERY, daemon.endpoint, "--events", str(events)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def anonymous(daemon):
    return daemon.client("memory").status()["anonymous_memory_bytes"] / (1 << 20)


def beside(daemon, consumers, events):
    """One half of a round: its figures, and the daemon's memory after it."""
    stopped = Standbys(daemon, consumers)
    try:
        deliver(daemon, WARM_UP)
        return deliver(daemon, events), anonymous(daemon)
    finally:
        stopped.close()


def lower_bound(ratios):
    logs, n = [math.log(ratio) for ratio in ratios], len(ratios)
    t = T95[max(degrees for degrees in T95 if degrees < n)]             # the next smaller one tabled: never too narrow
    return math.exp(statistics.mean(logs) - t * statistics.stdev(logs) / math.sqrt(n))


def pairs(folder, o):
    with harness.Daemon(folder=tempfile.mkdtemp(dir=folder), settings=SETTINGS) as daemon:
        deliver(daemon, o.events)
        print(f"anonymous memory before: {anonymous(daemon):.0f} MiB")
        ratios, memory, rates = {"events_per_s": [], "delivered_per_s": []}, [], []
        for number in range(o.rounds):
            halves = {}
            for consumers in ((0, o.consumers), (o.consumers, 0))[number % 2]:
                halves[consumers], now = beside(daemon, consumers, o.events)
                if consumers:
                    memory.append(now)
            for name, values in ratios.items():
                values.append(halves[o.consumers][name] / halves[0][name])
            rates.append(halves[0]["events_per_s"])
            print(f"\rround {number + 1} of {o.rounds}: " + ", ".join(f"{values[-1]:.2f}" for values in ratios.values()) + "   ", end="",
                  file=sys.stderr, flush=True)
        print(file=sys.stderr)
        print(f"alone {statistics.median(rates):,.0f} events/s; beside {o.consumers} stopped consumers, as a share of alone, {o.rounds} pairs of "
              f"{o.events:,} events:")
        for name, values in ratios.items():
            print(f"  {name.removesuffix('_per_s')}: mean {statistics.geometric_mean(values):.3f}, lower 95 % bound {lower_bound(values):.3f}, "
                  f"median {statistics.median(values):.3f}, {min(values):.2f}–{max(values):.2f}")
        print(f"anonymous memory beside them: {memory[0]:.0f} MiB in the first round, {max(memory):.0f} at its most; after them {anonymous(daemon):.0f} MiB")


def limit(folder, o):
    with harness.Daemon(folder=tempfile.mkdtemp(dir=folder), settings={**SETTINGS, "consumer_lag_bytes": "16MiB"}) as daemon:
        stopped = Standbys(daemon, o.consumers)
        try:
            client = daemon.client("operator")
            deadline, released = time.monotonic() + 60, 0
            while released < o.consumers and time.monotonic() < deadline:
                deliver(daemon, 50000)
                released = sum(row["released"] for row in client.consumers())
            told = stopped.told()
            print(f"limit of 16 MiB: {released} of {o.consumers} released; {told.count('released')} were told when they went on")
        finally:
            stopped.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--events", type=int, default=300_000)
    options.add_argument("--consumers", type=int, default=100)
    options.add_argument("--folder", default=None)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    try:
        pairs(folder, o)
        limit(folder, o)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
