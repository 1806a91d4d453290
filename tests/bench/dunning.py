"""What estate-dunning costs under the shipped rules, with households that answer its reminders.

    dunning.py [--households N] [--days N]

  whole estate    events a second of a rehearsal, of all that an estate's log tells (to keep: 100,000)
  fees alone      the same of bills and payments only: each of them is an entry in the ledger
  the year        what comes of twelve months: bills, messages, how much came in, how old is what is open
"""
import argparse
import collections
import json
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


def year(path, *, households):
    """Twelve months whose households answer reminders: paid, in part, on its way, taken back."""
    subprocess.run([harness.program("estate"), "generate", "--households", str(households), "--from", "2026-01-01", "--days", "365", "--seed", "1",
                    "--calendar", os.path.join(SHIPPED, "calendars", "cn.yaml"), "--without", "contacts,callbacks,ratings", "--out", path], check=True)
    command = [PROGRAM, "--rehearse", path, "--config", SHIPPED, "--respond", os.path.join(SHIPPED, "respond", "dunning.yaml"), "--until", "2027-01-06"]

    def lines(*arguments):
        return [json.loads(line) for line in subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout.splitlines()]
    # Of what does not fit the first page has the accounts.
    collection, aging, reconcile = (next(line["answer"] for line in lines("--ask", ask) if "answer" in line)
                                    for ask in ('collection={"period":"2026"}', "aging", "reconcile"))
    messages = collections.Counter(line["data"]["template"] for line in lines() if line.get("type") == "notification.requested")
    whole = next(row for row in collection["rows"] if row["kind"] == "all")
    ages = next(row for row in aging["rows"] if row["kind"] == "all")
    print(f"the year of {households} households: billed {-reconcile['accounts']['billed'] / 100:,.2f} yuan, {whole['rate'] / 10} % of what was due for it came in; "
          f"sum of all accounts {reconcile['sum']}")
    print("  messages: " + ", ".join(f"{count} {name}" for name, count in sorted(messages.items())))
    print("  open, by age: " + ", ".join(f"{name} {fen / 100:,.2f}" for name, fen in ages.items() if name not in ("kind", "open") and fen))
    print("  rates: " + ", ".join(f"{row['kind']} {row['rate'] / 10} %" for row in collection["rows"] if row["rate"] != "n/a"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, default=3000)
    parser.add_argument("--days", type=int, default=90)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = os.path.join(folder, "in.jsonl")
        rehearsal("whole estate", path, **vars(arguments))
        rehearsal("fees alone", path, "--without", "contacts,callbacks,ratings", **vars(arguments))
        year(path, households=arguments.households)


main()
