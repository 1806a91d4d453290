"""make bench: `estate bench put` beside the raw disk, in the same run and in turns, round after round.

The physical limit is one pwrite and one fdatasync of as many bytes as there are events outstanding (connections × window × batch, 256
bytes each), on the same filesystem; beside it the O_DIRECT and O_DSYNC variant, and the naive servers of naive.c: one thread, no
validation, no de-duplication, no readers, with LMDB or with a bare journal.  Each figure is the median over the rounds with its spread,
and ratios are taken within the round, since machines drift.

Then the outbox of libestate: hand-overs a second, one flush each and one flush for many.

    bench.py [--rounds N] [--seconds S] [--folder DIR]
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402

SIZE = 256
# connections, window, batch
CASES = [(1, 1, 1), (1, 64, 1), (8, 64, 1), (8, 1024, 1), (1, 64, 32)]
RAW, NAIVE, HANDOVER = (os.path.join(REPOSITORY, "build", "test", name) for name in ("rawdisk", "naive", "handover"))
GROUPS = [1, 64, 1024]          # hand-overs to the outbox between two flushes


def raw(folder, events, seconds, direct):
    """Events a second if each flush covered that many."""
    done = subprocess.run([RAW, "--file", os.path.join(folder, "raw"), "--bytes", str(min(events * SIZE, 32 << 20)), "--seconds", str(seconds),
                           *(["--direct"] if direct else [])], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["appends_per_s"] * events


def naive(folder, case, seconds, *more):
    inner = tempfile.mkdtemp(dir=folder)
    done = subprocess.run([NAIVE, "--folder", inner, "--connections", str(case[0]), "--window", str(case[1]), "--batch", str(case[2]),
                           "--seconds", str(seconds), *more], capture_output=True, text=True, check=True)
    shutil.rmtree(inner)
    return json.loads(done.stdout)["events_per_s"]


def handover(folder, group, seconds):
    """Durable hand-overs a second to an outbox."""
    inner = tempfile.mkdtemp(dir=folder)
    done = subprocess.run([HANDOVER, os.path.join(inner, "box"), "--group", str(group), "--seconds", str(seconds), "--size", str(SIZE)],
                          capture_output=True, text=True, check=True)
    shutil.rmtree(inner)
    return json.loads(done.stdout)["handovers_per_s"]


def put(daemon, connections, window, batch, seconds):
    done = daemon.estate("bench", "put", "--connections", connections, "--window", window, "--batch", batch, "--size", SIZE, "--seconds", seconds,
                         "--json")
    return json.loads(done.stdout)


def spread(values):
    middle = statistics.median(values)
    return f"{middle:,.0f} (±{100 * (max(values) - min(values)) / 2 / middle:.0f} %)"


def ratio(ours, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def one_round(folder, case, seconds):
    connections, window, batch = case
    outstanding = connections * window * batch
    limit, direct = (raw(folder, outstanding, seconds / 2, d) for d in (False, True))
    lmdb, journal = (naive(folder, case, seconds, *more) for more in ([], ["--journal"]))
    with harness.Daemon(folder=tempfile.mkdtemp(dir=folder), settings={"journal_segment": "16MiB", "journal_segments": 4}) as daemon:
        result = put(daemon, connections, window, batch, seconds)
        folder_of_daemon = daemon.folder
    shutil.rmtree(folder_of_daemon, ignore_errors=True)
    return result["events_per_s"], result["p50_us"], result["p99_us"], limit, direct, lmdb, journal


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--folder", default=None)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    results, handed = {case: [] for case in CASES}, {group: [] for group in GROUPS}
    try:
        for number in range(o.rounds):
            for case in CASES:
                print(f"\rround {number + 1} of {o.rounds}: {case[0]}×{case[1]}, {case[2]} a message   ", end="", file=sys.stderr, flush=True)
                results[case].append(one_round(folder, case, o.seconds))
            for group in GROUPS:
                handed[group].append(handover(folder, group, o.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\r" + " " * 60, file=sys.stderr)
    print(f"256 B events, {o.rounds} rounds of {o.seconds:g} s; medians, half of the range in brackets\n")
    print("| connections × window, events a message | events/s | p50 µs | p99 µs | ÷ raw | ÷ naive LMDB | ÷ naive journal | raw fdatasync | "
          "raw O_DIRECT O_DSYNC | naive LMDB | naive journal |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for case, rounds in results.items():
        rate, p50, p99, limit, direct, lmdb, journal = (list(column) for column in zip(*rounds))
        print(f"| {case[0]}×{case[1]}, {case[2]} | {spread(rate)} | {statistics.median(p50):,.0f} | {statistics.median(p99):,.0f} | "
              f"{ratio(rate, limit)} | {ratio(rate, lmdb)} | {ratio(rate, journal)} | {spread(limit)} | {spread(direct)} | {spread(lmdb)} | "
              f"{spread(journal)} |")
    print("\n| outbox, hand-overs between two flushes | hand-overs/s |")
    print("|---|---|")
    for group, rates in handed.items():
        print(f"| {group} | {spread(rates)} |")


if __name__ == "__main__":
    main()
