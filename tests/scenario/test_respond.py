"""--respond: a rehearsal that is answered, and --log: all of it as a log."""
import datetime
import json
import re
import subprocess

import pytest

import daemon as harness
from worker import FAR, RULES, parrot, rehearse, rules_folder

OPENED = {"category": "noise", "severity": "ordinary", "via": "phone"}
SITE = datetime.timezone(datetime.timedelta(hours=8))

SCRIPT = """\
seed: 3
shares:
  forgotten: 25
answers:
  - name: lead
    on: obligation.breached rule=X1
    after: 5min..2h
    within: 09:00-18:00
    unless: case.assigned
    choose:
      - share: forgotten
        type: case.closed
        data: { by: lead-1, outcome: { withdrawn: 60, duplicate: rest } }
      - share: rest
        type: case.assigned
        data: { to: assistant-1, role: "{role|clerk}", by: lead-1 }
  - name: handled
    on: case.assigned by=lead-1
    after: 1h..2h
    times: 1
    choose:
      type: complaint.handled
      data: { by: "{to}", verify: onsite }
"""


def event(number, at, kind="complaint.opened", data=None, subject=None):
    return json.dumps({"specversion": "1.0", "id": f"e-{number}-{kind}", "source": "/test", "type": kind, "time": at, "subject": subject or f"C-{number}",
                       "data": OPENED if data is None else data})


def some(count):
    return "\n".join(event(n, f"2026-11-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00+08:00") for n in range(count)).encode()


@pytest.fixture
def folder(tmp_path):
    return rules_folder(tmp_path, RULES)


class Loop:
    """One rehearsal with answers."""

    def __init__(self, tmp_path, folder, text, script=SCRIPT, *more, expect=0, until=FAR):
        self.script, self.path = tmp_path / "answers.yaml", str(tmp_path / "log.jsonl")
        self.script.write_text(script, encoding="utf-8")
        self.derived, self.said = rehearse(text, "--config", folder, "--until", until, "--respond", self.script, "--log", self.path, *more, expect=expect)
        with open(self.path, encoding="utf-8") as file:
            self.log = [json.loads(line) for line in file]
        self.answers = [e for e in self.log if e["source"] == "/rehearsal/answers"]


def instant(text):
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00"))


def test_answers_come_in_time_and_are_answered_in_turn(tmp_path, folder):
    loop = Loop(tmp_path, folder, some(400))
    kinds = [e["type"] for e in loop.answers]
    # Every breach was answered, a quarter of them by closing; every assignment led to an end.
    assert kinds.count("case.assigned") + kinds.count("case.closed") == 400
    assert 70 <= kinds.count("case.closed") <= 130
    assert kinds.count("complaint.handled") == kinds.count("case.assigned")
    breached = {e["subject"]: instant(e["time"]) for e in loop.log if e["type"] == "obligation.breached"}
    for answer in loop.answers:
        at = instant(answer["time"]).astimezone(SITE)
        assert answer["time"] == answer["logtime"] and answer["sender"] == "answers"
        if answer["type"] != "complaint.handled":
            assert 9 <= at.hour < 18 and at > breached[answer["subject"]]
        if answer["type"] == "case.assigned":
            assert answer["data"]["role"] == "cs_lead"                      # {role} of what is answered
    assert {e["data"].get("outcome") for e in loop.answers if e["type"] == "case.closed"} == {"withdrawn", "duplicate"}


def test_the_log_is_one_and_leads_to_the_same(tmp_path, folder):
    loop = Loop(tmp_path, folder, some(60))
    assert [e["seq"] for e in loop.log] == list(range(1, len(loop.log) + 1))
    assert all(a["logtime"] <= b["logtime"] for a, b in zip(loop.log, loop.log[1:]))
    assert len(loop.log) == 60 + len(loop.answers) + len(loop.derived)
    assert rehearse(loop.path, "--config", folder, "--until", FAR)[0] == loop.derived
    # A log is answered as its events were: numbers don't count.
    inputs = [json.dumps(e) for e in loop.log if e["source"] == "/test"]
    again = Loop(tmp_path, folder, "\n".join(inputs).encode())
    assert [e["id"] for e in again.answers] == [e["id"] for e in loop.answers] and again.derived == loop.derived
    # --log - stands in the place of what is derived.
    whole, _ = rehearse(some(60), "--config", folder, "--until", FAR, "--respond", loop.script, "--log", "-")
    assert [json.loads(line) for line in whole] == loop.log


def test_the_same_answers_at_any_speed_and_beside_others(tmp_path, folder):
    loop = Loop(tmp_path, folder, some(60))
    for batch in ("1", "7"):
        assert Loop(tmp_path, folder, some(60), SCRIPT, "--batch", batch).log == loop.log
    # What becomes of a case doesn't depend on which others there are.
    fewer = Loop(tmp_path, folder, some(30))
    assert {e["id"]: e["time"] for e in fewer.answers}.items() <= {e["id"]: e["time"] for e in loop.answers}.items()
    assert Loop(tmp_path, folder, some(60), SCRIPT.replace("seed: 3", "seed: 4")).answers != loop.answers


def test_what_came_meanwhile_makes_an_answer_pointless(tmp_path, folder):
    text = "\n".join([event(1, "2026-11-02T10:00:00+08:00"), event(2, "2026-11-02T10:00:00+08:00"),
                      event(2, "2026-11-02T10:02:00+08:00", "case.assigned", {"to": "clerk-1", "role": "clerk"})]).encode()
    assert {e["subject"] for e in Loop(tmp_path, folder, text).answers} == {"C-1"}
    # By another field than the subject.
    script = SCRIPT.replace("unless: case.assigned", "unless: [\"notification.withdrawn\", \"obligation.fulfilled @obligation\"]")
    assert {e["subject"] for e in Loop(tmp_path, folder, text, script).answers} == {"C-1", "C-2"}


def test_times_and_until_bound_what_comes(tmp_path, folder):
    script = SCRIPT + "  - { name: on, on: complaint.handled, after: 1d, times: 3, choose: { type: complaint.handled, data: { by: x, verify: onsite } } }\n"
    loop = Loop(tmp_path, folder, event(7, "2026-11-02T10:00:00+08:00").encode(), script, "--share", "forgotten=0")
    assert [e["type"] for e in loop.answers] == ["case.assigned"] + 4 * ["complaint.handled"]
    assert loop.answers[2]["time"][:10] == "2026-11-03" and loop.answers[4]["time"][:10] == "2026-11-05"
    short = Loop(tmp_path, folder, event(7, "2026-11-02T10:00:00+08:00").encode(), script, "--share", "forgotten=0", until="2026-11-04")
    assert [e["type"] for e in short.answers] == ["case.assigned"] + 2 * ["complaint.handled"]
    endless = script.replace("times: 3, ", "")
    said = Loop(tmp_path, folder, event(7, "2026-11-02T10:00:00+08:00").encode(), endless, "--share", "forgotten=0", expect=1).said
    assert "on: more than 1000 answers in a row: the script answers itself" in said


def test_shares_of_the_command(tmp_path, folder):
    for share, least, most in ((0, 0, 0), (100, 200, 200), (60, 95, 145)):
        loop = Loop(tmp_path, folder, some(200), SCRIPT, "--share", f"forgotten={share}")
        assert least <= [e["type"] for e in loop.answers].count("case.closed") <= most


def test_a_question_is_asked_each_day_and_its_rows_answered(tmp_path, folder):
    """Who works by a list asks for it in the morning, as it is then."""
    script = """\
answers:
  - name: list
    ask: open rule=X1
    at: "08:30"
    from: due
    after: 2d
    choose: { type: case.assigned, data: { to: "{rule|nobody}", role: cs_lead } }
"""
    rules = rules_folder(tmp_path, RULES.replace("300ms", "3d"))
    loop = Loop(tmp_path, rules, event(1, "2026-11-02T10:00:00+08:00").encode(), script, until="2026-11-08")
    # Three mornings until it was due; each answers once, two days after the due.
    assert [e["subject"] for e in loop.answers] == 3 * ["C-1"]
    assert {(e["time"][:19], e["data"]["to"]) for e in loop.answers} == {("2026-11-07T02:00:00", "X1")}


def test_answers_for_any_worker(tmp_path):
    """The harness answers, whatever the worker concludes."""
    script = tmp_path / "answers.yaml"
    script.write_text("answers:\n  - name: echo\n    on: complaint.opened\n    choose:\n      type: case.replied\n      data: { by: clerk-1 }\n", encoding="utf-8")
    lines, said = rehearse(some(5), "--until", FAR, "--respond", script, "--log", "-", program=parrot(), expect=None)
    assert sum(json.loads(line)["type"] == "case.replied" for line in lines) == 5, said


@pytest.mark.parametrize("old,new,line,words", [
    ("seed: 3", "seed: three", 1, "seed is a whole number"),
    ("shares:", "share:", 2, "there is no key of the script share; did you mean shares?"),
    ("forgotten: 25", "forgotten: 120", 3, "forgotten is a per cent such as 25 or 12.5, not 120"),
    ("name: lead\n", "nome: lead\n", 5, "there is no key of an answer nome; did you mean name?"),
    ("name: handled", "name: lead", 17, "lead is the name of two answers"),
    ("obligation.breached", "obligation.breach", 6, "there is no type obligation.breach; did you mean obligation.breached?"),
    ("rule=X1", "rulle=X1", 6, "obligation.breached has no field rulle; did you mean rule?"),
    ("5min..2h", "2h..5min", 7, "after is a time such as 90s"),
    ("09:00-18:00", "9-18", 8, "within are hours of a day such as 09:00-18:00 or 09:00-18:00 today, not 9-18"),
    ("unless: case.assigned", "unless: case.asigned", 9, "did you mean case.assigned?"),
    ("unless: case.assigned", "unless: case.assigned @dep", 9, "case.assigned has no field dep; did you mean dept?"),
    ("share: forgotten", "share: forgoten", 11, "not forgoten; did you mean forgotten?"),
    ("share: rest", "share: 80", 11, "these shares are 105.0 per cent together: more than 100"),
    ("withdrawn", "withdrown", 13, "outcome is never withdrown; did you mean withdrawn?"),
    ("role|clerk", "rolle|clerk", 16, "obligation.breached has no field rolle; did you mean role?"),
    ("to: assistant-1, ", "", 14, "case.assigned needs the field to"),
    ("      data: { by: \"{to}\", verify: onsite }\n", "", 22, "complaint.handled needs the field by"),
    ("times: 1", "times: 0", 20, "times is a whole number from 1 to 1000, not 0"),
    ("type: complaint.handled", "typo: complaint.handled", 22, "there is no key of a choice typo; did you mean type?"),
    ("after: 1h..2h", "from: to", 19, "to of case.assigned is no instant"),
    ("on: case.assigned by", "on: complaint.opened text", 18, "text of complaint.opened is personal: nothing may depend on what it says"),
    ("\"{to}\"", "\"{to\"", 23, "{ without }"),
])
def test_a_script_that_is_wrong_is_named_by_its_line(tmp_path, folder, old, new, line, words):
    script = tmp_path / "wrong.yaml"
    assert old in SCRIPT
    script.write_text(SCRIPT.replace(old, new, 1), encoding="utf-8")
    said = rehearse(b"", "--config", folder, "--respond", script, expect=78)[1]
    assert said.startswith(f"{script}:{line}: ") and words in said, said


def test_wrong_usage(tmp_path, folder):
    script = tmp_path / "answers.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    for arguments, status, words in ((["--share", "forgotn=5"], 78, "has no such share; did you mean forgotten?"), (["--share", "5"], 78, "NAME=PERCENT"),
                                     (["--log", str(tmp_path / "no" / "log")], 3, "No such file")):
        assert words in rehearse(b"", "--config", folder, "--respond", script, *arguments, expect=status)[1]
    assert "No such file" in rehearse(b"", "--config", folder, "--respond", tmp_path / "none.yaml", expect=78)[1]
    assert "whose share" in rehearse(b"", "--share", "a=1", expect=2)[1]
    # What the catalogue refuses only when it is made stops the rehearsal and is named.
    script.write_text(SCRIPT.replace("assistant-1", "\"an assistant\""), encoding="utf-8")
    said = rehearse(some(9), "--config", folder, "--until", FAR, "--respond", script, expect=1)[1]
    assert "lead answers obligation.breached about C-" in said and "case.assigned that the catalogue refuses: data.to" in said
    # A question that the worker does not know.
    script.write_text("answers:\n  - { name: a, ask: opens, at: \"08:30\", choose: { type: case.closed, data: { by: x } } }\n", encoding="utf-8")
    assert "asked opens" in rehearse(some(9), "--config", folder, "--until", FAR, "--respond", script, expect=1)[1]
    done = subprocess.run([harness.program("estate-example"), "--respond", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "--rehearse" in done.stderr
