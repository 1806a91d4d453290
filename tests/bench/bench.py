"""make bench: `estate bench put` beside the raw disk, in the same run and in turns, round after round.

The physical limit is one pwrite and one fdatasync of as many bytes as there are events outstanding (connections × window × batch, 256
bytes each), on the same filesystem; beside it the O_DIRECT and O_DSYNC variant.  Each figure is the median over the rounds with its
spread, and the ratio is taken within the round, since machines drift.  The naive column is what a one-thread server (ROUTER, LMDB
commit, ack; no validation) and one with a zero-filled journal reached on a machine like this.

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
# connections, window, batch, naive events/s: LMDB commit – journal
CASES = [(1, 1, 1, "2 k"), (1, 64, 1, "83 k – 152 k"), (8, 64, 1, "390 k – 567 k"), (8, 1024, 1, "1.1 M"), (1, 64, 32, "1.2 M – 2.2 M")]
RAW = os.path.join(REPOSITORY, "build", "test", "rawdisk")


def raw(folder, events, seconds, direct):
    """Events a second if each flush covered that many."""
    done = subprocess.run([RAW, "--file", os.path.join(folder, "raw"), "--bytes", str(min(events * SIZE, 32 << 20)), "--seconds", str(seconds),
                           *(["--direct"] if direct else [])], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["appends_per_s"] * events


def put(daemon, connections, window, batch, seconds):
    done = daemon.estate("bench", "put", "--connections", connections, "--window", window, "--batch", batch, "--size", SIZE, "--seconds", seconds,
                         "--json")
    return json.loads(done.stdout)


def spread(values):
    middle = statistics.median(values)
    return f"{middle:,.0f} (±{100 * (max(values) - min(values)) / 2 / middle:.0f} %)"


def one_round(folder, case, seconds):
    connections, window, batch, _ = case
    outstanding = connections * window * batch
    limit, direct = (raw(folder, outstanding, seconds / 2, d) for d in (False, True))
    with harness.Daemon(folder=tempfile.mkdtemp(dir=folder), settings={"journal_segment": "16MiB", "journal_segments": 4}) as daemon:
        result = put(daemon, connections, window, batch, seconds)
        folder_of_daemon = daemon.folder
    shutil.rmtree(folder_of_daemon, ignore_errors=True)
    return result, limit, direct


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--folder", default=None)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    results = {case: [] for case in CASES}
    try:
        for number in range(o.rounds):
            for case in CASES:
                print(f"\rround {number + 1} of {o.rounds}: {case[0]}×{case[1]}, {case[2]} a message   ", end="", file=sys.stderr, flush=True)
                results[case].append(one_round(folder, case, o.seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\r" + " " * 60, file=sys.stderr)
    print(f"256 B events, {o.rounds} rounds of {o.seconds:g} s; medians, half of the range in brackets\n")
    print("| connections × window, events a message | events/s | p50 µs | p99 µs | ratio to raw | raw fdatasync | raw O_DIRECT O_DSYNC | naive servers |")
    print("|---|---|---|---|---|---|---|---|")
    for case, rounds in results.items():
        rates = [r["events_per_s"] for r, _, _ in rounds]
        ratios = [r["events_per_s"] / limit for r, limit, _ in rounds]
        print(f"| {case[0]}×{case[1]}, {case[2]} | {spread(rates)} | {statistics.median(r['p50_us'] for r, _, _ in rounds):,.0f} | "
              f"{statistics.median(r['p99_us'] for r, _, _ in rounds):,.0f} | {statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f}) | "
              f"{spread([limit for _, limit, _ in rounds])} | {spread([direct for _, _, direct in rounds])} | {case[3]} |")


if __name__ == "__main__":
    main()
