"""What estate-dunning costs under the shipped rules, with households that answer its reminders.

    dunning.py [--households N] [--days N]

  whole estate    events a second of a rehearsal, of all that an estate's log tells (to keep: 100,000)
  fees alone      the same of bills and payments only: each of them is an entry in the ledger
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402

SHIPPED = os.path.join(REPOSITORY, "config")
PROGRAM = harness.program("estate-dunning")


def rehearsal(name, path, *without, households, days):
    subprocess.run([harness.program("estate"), "generate", "--households", str(households), "--from", "2026-01-01", "--days", str(days), "--seed", "1",
                    "--calendar", os.path.join(SHIPPED, "calendars", "cn.yaml"), *without, "--out", path], check=True)
    rates = []
    for _ in range(3):
        begin = time.monotonic()
        done = subprocess.run([PROGRAM, "--rehearse", path, "--config", SHIPPED, "--respond", os.path.join(SHIPPED, "respond", "dunning.yaml")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        rates.append(int(done.stderr.split(" events", 1)[0].rsplit(" ", 1)[1]) / (time.monotonic() - begin))
    print(f"{name}: {statistics.median(rates):,.0f} events/s, worst {min(rates):,.0f} ({done.stderr.splitlines()[0]})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=3000)
    parser.add_argument("--days", type=int, default=90)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = os.path.join(folder, "in.jsonl")
        rehearsal("whole estate", path, **vars(arguments))
        rehearsal("fees alone", path, "--without", "contacts,callbacks,ratings", **vars(arguments))


main()
