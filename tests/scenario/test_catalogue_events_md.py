"""EVENTS.md, the page that fixes names and fields, against `estate types --json`: every type, field, † and ‡ and list of values.

Reads ../shared/EVENTS.md beside the repository; skips, saying so, where it is absent.  Runs build/bin/estate, or the one in the
folder that ESTATE_BIN_DIR names.
"""
import json
import os
import re
import subprocess

import pytest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EVENTS_MD = os.path.normpath(os.path.join(TOP, "..", "shared", "EVENTS.md"))
ESTATE = os.path.join(os.environ.get("ESTATE_BIN_DIR", os.path.join(TOP, "build", "bin")), "estate")

needs_page = pytest.mark.skipif(not os.path.exists(EVENTS_MD), reason=f"{EVENTS_MD} is not there: the catalogue is not compared with it")

NAME = r"[a-z_0-9]+"
GRADES = "very_satisfied satisfied basically_satisfied dissatisfied very_dissatisfied".split()
HOUSEHOLD_KEY, HOUSEHOLD_STEWARD = {"key": ""}, {"to": "", "from": ""}


def rows(page):
    for line in page.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] != "type" and not set(cells[0]) <= {"-"}:
            yield cells


def type_names(cell):
    """'repair.finished', 'call.started · queued; voicemail.left', with (derived …) after those it is said of."""
    names, derived, noun = [], set(), None
    for part in re.split(r"[·;]", cell):
        word = re.match(rf"\s*({NAME}(?:\.{NAME})?)", part).group(1)
        if "." in word:
            noun = word.split(".")[0]
        names.append(word if "." in word else f"{noun}.{word}")
        if "(derived" in part:
            derived |= set(names)
    return names, derived


def field_list(cell):
    """{name: marks} of one data cell, marks being some of † and ‡."""
    fields = {}
    cell = re.sub(r"\[[^\]]*\]", "", cell)                  # [case], [{item, dept}]
    texts_personal = "(texts‡)" in cell
    cell = re.sub(r"\([^)]*\)", "", cell)
    for part in re.split(r"[,;]|\bor\b", cell):
        match = re.match(rf"\s*({NAME})([†‡]*)", part)
        if match:
            fields[match.group(1)] = match.group(2)
    if texts_personal:
        for name in ("effect", "attitude", "shortcomings", "suggestions"):
            fields[name] += "‡"
    return fields


def value_lists(cell):
    """{name: (values, open)} for 'kind: a/b/c' and 'incident†: a/b/…'."""
    lists = {}
    for match in re.finditer(rf"({NAME})[†‡]*: ([a-z_0-9]+(?:/[a-z_0-9]+)+)(/…)?", cell):
        lists[match.group(1)] = (match.group(2).split("/"), match.group(3) is not None)
    return lists


def described():
    """Every type of the page: (name, subject, {field: marks}, {field: values}, derived)."""
    with open(EVENTS_MD, encoding="utf-8") as file:
        page = file.read()
    for types, subject, data in rows(page):
        names, derived = type_names(types)
        for name in names:
            fields = field_list(data)
            if types.startswith("household.tagged_key"):    # the one row whose data is split by the same dots as its types
                fields = HOUSEHOLD_KEY if name.endswith("key") else HOUSEHOLD_STEWARD
            yield name, subject, fields, value_lists(data), name in derived


@pytest.fixture(scope="module", name="catalogue")
def the_catalogue():
    done = subprocess.run([ESTATE, "types", "--json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    told["types"] = {t["name"]: dict(t, fields={f["name"]: f for f in t["fields"]}) for t in told["types"]}
    told["lists"] = {entry["name"]: entry for entry in told["lists"]}
    return told


@needs_page
def test_the_page_is_read():
    page = list(described())
    names = [name for name, *_ in page]
    assert len(names) == len(set(names)) > 150
    whole = {name: fields for name, _, fields, _, _ in page}
    assert whole["voicemail.left"] == {"from": "‡†", "to": "†", "queue": "†", "agent": "†", "wait_s": "†", "talk_s": "†",
                                       "reason": "†", "household": "†"}
    assert whole["case.reclassified"] == {"kind": "", "category": "", "severity": "", "by": "†", "reason": "†"}
    assert whole["household.moved_out"] == {"date": ""}
    assert list(whole["survey.planned"])[-3:] == ["schedule", "staff", "items"]


@needs_page
def test_every_type_is_there(catalogue):
    assert [name for name, *_ in described() if name not in catalogue["types"]] == []


@needs_page
def test_what_the_page_does_not_name(catalogue):
    extra = set(catalogue["types"]) - {name for name, *_ in described()}
    assert extra == {"probe.recorded", "incident.changed", "event.lost", "client.changed", "consumer.lagging", "dispute.extended", "target.endangered", "target.missed"}


# Optional fields that the page doesn't name, behind those that it does.
ADDED = {
    **{f"obligation.{step}": ["reason"] for step in ("opened", "fulfilled", "warned", "breached", "cancelled", "rescheduled")},
    **{f"report.{step}": ["kind", "survey", "reason"] for step in ("generated", "submitted", "approved", "rejected", "reviewed", "distributed")},
    **{f"notification.{fate}": ["with", "page_hash"] for fate in ("attempted", "sent", "delivered", "failed", "suppressed", "withdrawn")},
    "inspection.done": ["area_kind"], "review.requested": ["kind"], "review.done": ["kind"], "promise.made": ["role"],
}


@needs_page
def test_every_field_is_there_and_no_other(catalogue):
    for name, _, fields, _, _ in described():
        assert list(catalogue["types"][name]["fields"]) == list(fields) + ADDED.get(name, []), name
        assert not any(catalogue["types"][name]["fields"][field]["required"] for field in ADDED.get(name, []))


@needs_page
def test_required_and_personal(catalogue):
    for name, _, fields, _, _ in described():
        for field, marks in fields.items():
            told = catalogue["types"][name]["fields"][field]
            if name == "case.reclassified" and "†" not in marks:
                assert told["any_of"] and not told["required"]
            else:
                assert told["required"] == ("†" not in marks), f"{name}.{field}"
                assert not told["any_of"]
            assert told["personal"] == ("‡" in marks), f"{name}.{field}"


@needs_page
def test_values(catalogue):
    checked = 0
    for name, _, fields, lists, _ in described():
        if name in ("household.tagged_key", "household.steward_assigned"):
            continue
        for field, (values, is_open) in lists.items():
            told = catalogue["lists"][catalogue["types"][name]["fields"][field]["list"]]
            codes = [v["code"] for v in told["values"]]
            assert set(values) <= set(codes) if is_open else values == codes, f"{name}.{field}"
            assert told["open"] == is_open, f"{name}.{field}"
            checked += 1
        if "grade" in fields:
            told = catalogue["lists"][catalogue["types"][name]["fields"]["grade"]["list"]]
            assert [v["code"] for v in told["values"]] == GRADES
    assert checked > 50


@needs_page
def test_roles(catalogue):
    with open(EVENTS_MD, encoding="utf-8") as file:
        roles = re.search(r"roles: `([^`]*)`", file.read()).group(1).split()
    assert [v["code"] for v in catalogue["lists"]["role"]["values"]] == roles


@needs_page
def test_kinds_that_the_page_names(catalogue):
    kinds = {"date": "date", "bool": "boolean", "instant": "instant", "party": "id", "id": "id", "seq": "seq"}
    with open(EVENTS_MD, encoding="utf-8") as file:
        page = file.read()
    for types, _, data in rows(page):
        for field, kind in re.findall(rf"({NAME})[†‡]*: ({NAME})(?![/a-z_0-9])", data):
            for name in type_names(types)[0]:
                told = catalogue["types"][name]["fields"].get(field)
                if kind in kinds and told is not None:
                    assert told["kind"] == kinds[kind], f"{name}.{field}"
        if re.search(r"\bamount\b", data):
            for name in type_names(types)[0]:
                assert catalogue["types"][name]["fields"]["amount"]["unit"] == "fen"


@needs_page
def test_subjects_and_derived(catalogue):
    for name, subject, _, _, derived in described():
        told = catalogue["types"][name]
        assert told["derived"] == derived, name
        assert told["subject_required"] == ("†" not in subject), name
        if subject not in ("as due", "same"):
            assert told["subject"] == subject.rstrip("†").replace("call id", "call"), name


def test_released_is_what_it_says():
    """The same facts whatever the language, so that two releases can be compared."""
    outputs = {subprocess.run([ESTATE, "types", "--released"], capture_output=True, check=True, env=dict(os.environ, LC_ALL=locale)).stdout
               for locale in ("C", "zh_CN.UTF-8", "en_GB.UTF-8")}
    assert len(outputs) == 1
    with open(os.path.join(TOP, "proto", "catalogue.released"), "rb") as file:
        assert set(file.read().splitlines()) <= set(outputs.pop().splitlines())


def test_people_and_mistakes():
    def run(*args, **env):
        return subprocess.run([ESTATE, *args], capture_output=True, text=True, check=False, env=dict(os.environ, LC_ALL="C", **env))
    assert "complaint.opened" in run("types").stdout
    assert "severity" in run("types", "complaint.opened").stdout
    assert "严重程度" in subprocess.run([ESTATE, "types", "complaint.opened"], capture_output=True, check=True,
                                    env=dict(os.environ, LC_ALL="zh_CN.UTF-8")).stdout.decode()
    wrong = run("types", "complaint.open")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "complaint.opened" in wrong.stderr
    wrong = run("typse")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "estate types" in wrong.stderr
    assert run("types", "--json", "--markdown").returncode == 2
    assert run("types", "a.b", "c.d").returncode == 2
    assert run("types", "--nonsense").returncode == 2
    assert run("types", "--help").returncode == 0
    assert run("--version").stdout.startswith("estate ")
    assert run().returncode == 2
