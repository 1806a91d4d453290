#!/usr/bin/env python3
"""Turn the incident log of a real service desk into JSON Lines of CloudEvents.

usage: python3 tests/harness/incidents.py [FOLDER] > out.jsonl

FOLDER holds events.csv.gz (default: ../shared/data/incidents beside the repository).  Each row, a change of an incident's state,
becomes one event of type incident.changed, in the order of the file: by incident, not by time.  Times have minute precision in
the log, so several changes of an incident may share one; their order in the file counts.  Empty group and assignee are left out.
Data: Amaral, Fantinato & Peres, UCI Machine Learning Repository no. 498, CC BY 4.0.
"""
import csv
import gzip
import json
import os
import sys

COLUMNS = ["incident", "seq", "updated", "state", "reassignments", "reopens", "group", "assignee"]
DEFAULT_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data", "incidents")


def event(row, ordinal, ids):
    """One row as an event.  An id seen before gets the row's ordinal, so that no change is taken for a client's retry."""
    event_id = f"{row['incident']}-{row['seq']}"
    if event_id in ids:
        event_id += f"-{ordinal}"
    ids.add(event_id)
    data = {"state": row["state"]}
    for key in ("group", "assignee"):
        if row[key]:
            data[key] = row[key]
    for key in ("reassignments", "reopens"):
        data[key] = int(row[key])
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "/import/service-desk",
        "type": "incident.changed",
        "time": row["updated"] + ":00+08:00",
        "subject": row["incident"],
        "data": data,
    }


def events(folder):
    """All events of the folder's events.csv.gz, one at a time."""
    with gzip.open(os.path.join(folder, "events.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise ValueError(f"events.csv.gz has the columns {rows.fieldnames}, not {COLUMNS}")
        ids = set()
        for ordinal, row in enumerate(rows, 1):
            yield event(row, ordinal, ids)


def main(argv):
    if len(argv) > 2 or argv[1:] in (["-h"], ["--help"]):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if len(argv) == 2 else 2
    folder = argv[1] if len(argv) == 2 else DEFAULT_FOLDER
    if not os.path.exists(os.path.join(folder, "events.csv.gz")):
        print(f"incidents.py: no events.csv.gz in {os.path.normpath(folder)}; name the folder that holds it: "
              "python3 tests/harness/incidents.py FOLDER > out.jsonl", file=sys.stderr)
        return 3
    try:
        for e in events(folder):
            sys.stdout.write(json.dumps(e, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())   # the reader has enough; nothing to say at exit
    except (OSError, EOFError, ValueError) as wrong:
        print(f"incidents.py: reading {os.path.normpath(folder)}/events.csv.gz: {wrong}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
