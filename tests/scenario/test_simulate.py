"""estate simulate: the same events under two configurations, and what they conclude differently."""
import hashlib
import json
import os
import shutil
import subprocess

import pytest

import daemon as harness
from worker import rules_folder

DAY = "2026-11-02"
RULE = "watch:\n  - rule: {0}\n    on: complaint.opened\n    until: case.assigned\n    within: {1}\n    role: {2}\n"


def rules(tmp_path, within="10min", rule="X1", role="cs_lead"):
    return rules_folder(str(tmp_path), RULE.format(rule, within, role))


def event(number, minute, type, subject, data):
    return {"specversion": "1.0", "id": f"s-{number}", "source": "/test/simulate", "type": type, "time": f"{DAY}T09:{minute:02}:00+08:00",
            "subject": subject, "data": data}


def opened(number, minute):
    return event(number, minute, "complaint.opened", f"C-{number}", {"category": "noise", "severity": "ordinary", "via": "phone"})


def assigned(number, minute):
    return event(f"{number}-a", minute, "case.assigned", f"C-{number}", {"to": "S-1", "role": "clerk"})


# C-1 is assigned after 5 minutes, C-2 after 15, C-3 never.
STORY = [opened(1, 0), opened(2, 1), opened(3, 2), assigned(1, 5), assigned(2, 16)]


def lines(events):
    return "".join(json.dumps(one) + "\n" for one in events)


def simulate(*arguments, stdin=None, expect=0, **env):
    done = subprocess.run([harness.program("estate"), "simulate", *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
                          timeout=harness.VERB_S, env={**os.environ, "LC_ALL": "C.UTF-8", **env})
    assert done.returncode == expect, f"exit status {done.returncode}\n{done.stderr}"
    return done


def compared(a, b, *more, events=STORY):
    """The one worker of the answer; times in site time of the day, "09:11"."""
    answer = json.loads(simulate("--worker", "example", "--config", a, "--against", b, "--json", *more, "-", stdin=lines(events)).stdout)
    assert answer["events"] == len(events)
    return answer["workers"][0]


def cases(worker):
    return {(one["type"].split(".")[1], one["subject"], one["difference"], "a" if one["b"] is None else "b" if one["a"] is None else "ab")
            for one in worker["cases"]}


def rows(worker):
    return {row["type"].split(".")[1]: [row[key] for key in ("a", "b", "only_a", "only_b", "moved", "other")] for row in worker["rules"]}


def test_the_same_configuration_concludes_the_same(tmp_path):
    a = rules(tmp_path)
    worker = compared(a, a, "--until", f"{DAY} 12:00")
    assert worker["cases"] == [] and rows(worker) == {"opened": [3, 3, 0, 0, 0, 0], "fulfilled": [1, 1, 0, 0, 0, 0], "breached": [2, 2, 0, 0, 0, 0]}
    assert "Both conclude the same" in simulate("--worker", "example", "--config", a, "--against", a, "-", stdin=lines(STORY)).stdout


def test_a_longer_term(tmp_path):
    """C-2 is in time with 20 minutes; C-3's breach moves; every due moves by 10 minutes."""
    worker = compared(rules(tmp_path), rules(tmp_path, "20min"), "--until", f"{DAY} 12:00")
    assert cases(worker) == {("breached", "C-2", "only", "a"), ("fulfilled", "C-2", "only", "b"), ("breached", "C-3", "moved", "ab"),
                             ("fulfilled", "C-1", "moved", "ab"), ("opened", "C-1", "moved", "ab"), ("opened", "C-2", "moved", "ab"),
                             ("opened", "C-3", "moved", "ab")}
    assert rows(worker) == {"opened": [3, 3, 0, 0, 3, 0], "fulfilled": [1, 2, 0, 1, 1, 0], "breached": [2, 1, 1, 0, 1, 0]}
    assert [worker[side]["breached"] for side in "ab"] == [2, 1]
    assert {one["moved_ns"] for one in worker["cases"] if one["difference"] == "moved"} == {600_000_000_000}
    assert (worker["cases"][0]["subject"], worker["cases"][0]["type"]) == ("C-2", "obligation.breached")


def test_a_deadline_that_only_b_misses_is_the_worst(tmp_path):
    worker = compared(rules(tmp_path), rules(tmp_path, "4min"), "--until", f"{DAY} 12:00")
    worst = worker["cases"][0]
    assert (worst["subject"], worst["type"], worst["a"], worst["b"]["due"]) == ("C-1", "obligation.breached", None, f"{DAY}T01:04:00.000000000Z")


def test_another_rule_and_another_role(tmp_path):
    """Under another rule's name all is another's; another role is neither moved nor missing."""
    renamed = compared(rules(tmp_path), rules(tmp_path, rule="X9"), "--until", f"{DAY} 12:00")
    assert {row["rule"] for row in renamed["rules"]} == {"X1", "X9"}
    assert all(one["difference"] == "only" for one in renamed["cases"]) and len(renamed["cases"]) == 12
    told = compared(rules(tmp_path), rules(tmp_path, role="supervisor"), "--until", f"{DAY} 12:00")
    assert {one["difference"] for one in told["cases"]} == {"other"} and len(told["cases"]) == 6


def test_a_period_knows_what_was_open_before(tmp_path):
    """From 09:12 to 09:20: C-3's breach of 09:12 counts, those before do not, though their cases were opened before."""
    worker = compared(rules(tmp_path), rules(tmp_path), "--from", f"{DAY} 09:12", "--until", f"{DAY} 09:20")
    assert rows(worker) == {"breached": [1, 1, 0, 0, 0, 0]}
    moved = compared(rules(tmp_path), rules(tmp_path, "12min"), "--from", f"{DAY} 09:12", "--until", f"{DAY} 09:13:59")
    # C-2: 09:11 under A, 09:13 under B.  C-3: 09:12 under A, 09:14 under B.  One end within is enough.
    assert cases(moved) == {("breached", "C-2", "moved", "ab"), ("breached", "C-3", "moved", "ab")}


def test_the_log_and_a_file_of_it_compare_alike(daemon, tmp_path):
    a, b = rules(tmp_path), rules(tmp_path, "20min")
    daemon.estate("put", stdin=lines(STORY))            # too late for all of them: no deadline is met, each is moved
    over = ["--worker", "example", "--config", a, "--against", b, "--from", DAY, "--json"]
    live = json.loads(daemon.estate("simulate", *over, "--until", "2100-01-01").stdout)
    file = tmp_path / "log.jsonl"
    file.write_text(daemon.estate("tail", "--from", "first", "--json").stdout, encoding="utf-8")
    stored = json.loads(simulate(*over, "--until", "2100-01-01", file).stdout)
    assert live == stored and cases(live["workers"][0]) == {(step, f"C-{n}", "moved", "ab") for step in ("opened", "breached") for n in (1, 2, 3)}
    now = json.loads(daemon.estate("simulate", *over).stdout)       # without --until: as far as the log has come
    assert now["until"] is not None and now["workers"][0]["cases"] == live["workers"][0]["cases"]


def test_without_config_it_is_what_the_log_activates(daemon, tmp_path):
    text = RULE.format("X1", "10min", "cs_lead")
    activated = {"specversion": "1.0", "id": "rules", "source": "/estated/worker/example", "type": "config.activated", "subject": "example",
                 "data": {"kind": "rules", "digest": hashlib.sha256(text.encode()).hexdigest(), "by": "test", "content": text}}
    daemon.estate("put", stdin=lines([activated, *STORY]))
    same = json.loads(daemon.estate("simulate", "--worker", "example", "--against", rules(tmp_path), "--json").stdout)["workers"][0]
    assert same["cases"] == [] and same["a"] == {"config": None, "concluded": 6, "breached": 3}
    other = json.loads(daemon.estate("simulate", "--worker", "example", "--against", rules(tmp_path, "20min"), "--json").stdout)["workers"][0]
    assert {one["difference"] for one in other["cases"]} == {"moved"} and len(other["cases"]) == 6


def test_the_shipped_rules_with_another_term(tmp_path):
    """estate-escalate, its first reply due at the same time of the next working day: messages are told apart by what they are about."""
    other = str(tmp_path / "config")
    shipped = os.path.join(harness.REPOSITORY, "config")
    shutil.copytree(shipped, other)
    path = os.path.join(other, "rules", "escalate.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.count("    due: eod 1                  # ⚠ the end of the next working day") == 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("    due: eod 1                  # ⚠ the end of the next working day", "    due: same 1"))
    answer = json.loads(simulate("--worker", "escalate", "--config", shipped, "--against", other, "--until", "2026-11-04", "--json", "-",
                                 stdin=lines(STORY)).stdout)
    worker = answer["workers"][0]
    assert worker["a"]["breached"] == worker["b"]["breached"]
    assert {one["rule"] for one in worker["cases"]} == {"C1"} and {row["rule"] for row in worker["rules"]} > {"C1"}
    moved = [one for one in worker["cases"] if (one["type"], one["subject"]) == ("obligation.breached", "C-3")]
    assert [(one["difference"], one["a"]["due"], one["b"]["due"]) for one in moved] == [
        ("moved", "2026-11-03T16:00:00.000000000Z", "2026-11-03T01:02:00.000000000Z")]
    assert {one["object"] for one in worker["cases"] if one["type"] == "notification.requested"} == {"C1/C-1", "C1/C-2", "C1/C-3"}


def test_two_workers_read_the_same_events(tmp_path):
    both = str(tmp_path / "config")
    shutil.copytree(os.path.join(harness.REPOSITORY, "config"), both)
    shutil.copy(os.path.join(rules(tmp_path), "example.yaml"), both)
    done = simulate("--worker", "escalate", "--worker", "example", "--config", both, "--against", both, "--until", "2026-11-04", "--json", "-",
                    stdin=lines(STORY))
    answer = json.loads(done.stdout)
    assert [one["worker"] for one in answer["workers"]] == ["escalate", "example"] and [one["cases"] for one in answer["workers"]] == [[], []]
    assert answer["workers"][1]["a"] == {"config": both, "concluded": 6, "breached": 2}


@pytest.mark.parametrize("language, words", [("C.UTF-8", ["ONLY A", "obligation.breached", "deadlines missed", "only under A", "+10 min"]),
                                             ("zh_CN.UTF-8", ["仅 A", "超时", "次超时", "仅在 A 下", "+10 分"])])
def test_for_people(tmp_path, language, words):
    told = simulate("--worker", "example", "--config", rules(tmp_path), "--against", rules(tmp_path, "20min"), "--until", f"{DAY} 12:00", "-",
                    stdin=lines(STORY), LC_ALL=language).stdout
    assert [word for word in words if word not in told] == [], told
    assert "\033" not in told
    one = simulate("--worker", "example", "--config", rules(tmp_path), "--against", rules(tmp_path, "20min"), "--cases", 1, "-", stdin=lines(STORY)).stdout
    assert one.count("\n  C-") == 1 and "--json lists them" in one


@pytest.mark.parametrize("arguments, status, told", [
    (["--against", "{a}"], 2, "which worker?"),
    (["--worker", "example"], 2, "--against DIR"),
    (["--worker", "Example", "--against", "{a}"], 2, "no worker's name"),
    (["--worker", "example", "--worker", "example", "--against", "{a}"], 2, "twice"),
    (["--worker", "example", "--against", "/nowhere"], 2, "--against: /nowhere is no folder"),
    (["--worker", "example", "--against", "{a}", "--from", "2026-11-03", "--until", "2026-11-02"], 2, "an empty period"),
    (["--worker", "example", "--against", "{a}", "--from", "soon"], 2, "soon is no time"),
    (["--worker", "exampel", "--against", "{a}", "-"], 3, 'did you mean "example"?'),
    (["--worker", "example", "--config", "{a}", "--against", "{a}", "/nowhere"], 3, "/nowhere: No such file"),
    (["--worker", "example", "--config", "{a}", "--against", "{a}", "/dev/null"], 1, "no event in /dev/null"),
    (["--worker", "example", "--config", "{a}", "--against", "{a}", "--from", "2027-01-01", "-"], 1, "nothing is concluded in that period"),
    (["--worker", "example", "--config", "{a}", "--against", "{bad}", "-"], 1, "line 5: within"),
])
def test_what_is_wrong_is_told(tmp_path, arguments, status, told):
    folders = {"a": rules(tmp_path), "bad": rules(tmp_path, "10 apples")}
    done = simulate(*[word.format(**folders) for word in arguments], stdin=lines(STORY), expect=status)
    assert told in done.stderr and done.stdout == "", done.stderr


def test_lines_that_are_no_events_are_named_and_the_rest_is_compared(tmp_path):
    a = rules(tmp_path)
    done = simulate("--worker", "example", "--config", a, "--against", a, "-", stdin="no event\n" + lines(STORY), expect=1)
    assert "standard input:1: column 1" in done.stderr and "Both conclude the same" in done.stdout


def test_nothing_is_left_behind(tmp_path):
    """What it kept of the log lies in no folder afterwards."""
    place = tmp_path / "tmp"
    place.mkdir()
    simulate("--worker", "example", "--config", rules(tmp_path), "--against", rules(tmp_path), "-", stdin=lines(STORY), TMPDIR=str(place))
    assert list(place.iterdir()) == []


def test_both_sides_meet_the_same_people(tmp_path):
    """With answers: a lead who assigns what is open after a quarter of an hour, whichever rules are in force."""
    script = tmp_path / "answers.yaml"
    script.write_text("answers:\n  - name: lead\n    on: obligation.opened\n    after: 15min\n    unless: case.assigned\n    choose:\n"
                      "      type: case.assigned\n      data: { to: lead-1, role: cs_lead }\n", encoding="utf-8")
    worker = compared(rules(tmp_path), rules(tmp_path, "20min"), "--until", "2026-11-03", "--respond", script)
    assert {("breached", "C-3", "only", "a"), ("fulfilled", "C-3", "only", "b")} <= cases(worker)
    said = simulate("--worker", "example", "--config", rules(tmp_path), "--against", rules(tmp_path), "--respond", tmp_path / "none.yaml", "-",
                    stdin=lines(STORY), expect=1).stderr
    assert "none.yaml" in said
