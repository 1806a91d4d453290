"""tests/harness/incidents.py: one event per row, in the file's order, no two with the same id."""
import gzip
import json
import os
import subprocess
import sys

CONVERTER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness", "incidents.py")
HEADER = "incident,seq,updated,state,reassignments,reopens,group,assignee\n"


def convert(*args):
    return subprocess.run([sys.executable, CONVERTER, *args], capture_output=True, text=True, check=False)


def test_rows_become_events_in_order(tmp_path):
    with gzip.open(tmp_path / "events.csv.gz", "wt") as file:
        file.write(HEADER + "INC1,1,2016-02-29T01:23,New,0,0,56,\nINC1,2,2016-02-29T08:53,Awaiting User Info,1,0,,89\n"
                   "INC1,2,2016-02-29T08:53,Closed,1,0,,89\nINC0,1,2016-02-28T00:00,-100,0,2,7,8\n")
    done = convert(str(tmp_path))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0] == {
        "specversion": "1.0", "id": "INC1-1", "source": "/import/service-desk", "type": "incident.changed",
        "time": "2016-02-29T01:23:00+08:00", "subject": "INC1",
        "data": {"state": "New", "group": "56", "reassignments": 0, "reopens": 0}}
    assert [e["id"] for e in events] == ["INC1-1", "INC1-2", "INC1-2-3", "INC0-1"]
    assert events[1]["data"] == {"state": "Awaiting User Info", "assignee": "89", "reassignments": 1, "reopens": 0}


def test_a_missing_folder_is_named(tmp_path):
    done = convert(str(tmp_path / "nowhere"))
    assert done.returncode == 3
    assert done.stdout == ""
    assert "nowhere" in done.stderr and "FOLDER" in done.stderr


def test_other_columns_are_refused(tmp_path):
    with gzip.open(tmp_path / "events.csv.gz", "wt") as file:
        file.write("incident,when\nINC1,now\n")
    done = convert(str(tmp_path))
    assert done.returncode == 3
    assert "columns" in done.stderr
