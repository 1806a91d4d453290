"""README.md of this folder is true: every row of the rule book is mapped, to tests that exist, rules that are shipped, events of the catalogue."""
import json
import os
import re
import subprocess

import pytest

import daemon as harness

HERE = os.path.dirname(os.path.abspath(__file__))
BOOK = os.path.normpath(os.path.join(harness.REPOSITORY, "..", "shared", "RULES.md"))
WORKERS = {"escalate", "gate", "callback", "dunning", "archive", "retention", "stats", "nobody"}
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.M)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def rows():
    """Row, workers, rules or events, what is said of it."""
    return {row: ([one.strip() for one in workers.split(",")], what, shown) for row, workers, what, shown in ROW.findall(read(HERE, "README.md"))}


def is_built(worker):
    return os.path.isdir(os.path.join(harness.REPOSITORY, "workers", worker))


def shipped():
    return re.findall(r"^  - id: (\S+)", read(harness.REPOSITORY, "config", "rules", "escalate.yaml"), re.M)


def functions_of(file):
    return re.findall(r"^def (test_\w+)", read(HERE, file), re.M)


def test_every_row_of_the_book_is_mapped():
    if not os.path.exists(BOOK):
        pytest.skip(f"{BOOK} is missing")
    book = read(BOOK).split("## A. Rule table", 1)[1].split("\n## B.", 1)[0]
    wanted = re.findall(r"^\| ([A-Z]+\d+) \|", book, re.M)
    assert len(wanted) == 78 and sorted(wanted) == sorted(rows())
    assert len(ROW.findall(read(HERE, "README.md"))) == len(rows()), "a row is there twice"


def test_every_worker_is_known_and_every_row_says_something():
    for row, (workers, what, shown) in rows().items():
        assert set(workers) <= WORKERS and workers, row
        assert shown.strip() and (what.strip() or workers == ["nobody"]), row


@pytest.mark.parametrize("row", rows())
def test_named_tests_exist(row):
    """`file.py` test_name: a test of that name, or several that begin with it."""
    workers, _, shown = rows()[row]
    named = re.findall(r"`(test_\w+\.py)` (test_\w+)", shown)
    for file, name in named:
        assert os.path.exists(os.path.join(HERE, file)), f"{row}: there is no {file}"
        assert any(one.startswith(name) for one in functions_of(file)), f"{row}: {file} has no {name}"
    if "escalate" in workers:
        assert any(f"_{row.lower()}_" in name + "_" for _, name in named), f"{row} is escalate's, and no test of its own is named"
    for worker in set(workers) & {"callback", "dunning", "stats"}:
        assert not (is_built(worker) and "to come" in shown), f"{row}: {worker} is there now"


def test_every_shipped_rule_belongs_to_a_row():
    named = {rule: row for row, (workers, what, _) in rows().items() if "escalate" in workers for rule in what.split() if rule[0] != "`"}
    assert sorted(named) == sorted(shipped())
    assert [rule for rule, row in named.items() if rule.split(".")[0] != row] == []


def test_every_event_named_is_of_the_catalogue():
    done = subprocess.run([harness.program("estate"), "types", "--json"], capture_output=True, text=True, check=True, timeout=harness.VERB_S)
    known = {one["name"] for one in json.loads(done.stdout)["types"]}
    named = {event for _, what, _ in rows().values() for event in re.findall(r"`([a-z_]+\.[a-z_]+)`", what)}
    assert len(named) > 30 and named - known == set()
