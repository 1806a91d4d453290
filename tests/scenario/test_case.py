"""estate case: a case told to people, with what was owed of it."""
import datetime
import json
import os
import re
import subprocess

import pytest

import daemon as harness

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def instant(minutes):
    return (NOW + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(minutes):
    """As a deadline is written: with its year if that is another."""
    site = datetime.timezone(datetime.timedelta(hours=8))
    at = (NOW + datetime.timedelta(minutes=minutes)).astimezone(site)
    return at.strftime("%m-%d %H:%M" if at.year == NOW.astimezone(site).year else "%Y-%m-%d %H:%M")


class Story:
    """Puts events of the case C-1, one at a time; of an obligation with the number of its cause."""

    def __init__(self, daemon):
        self.client, self.count = daemon.client("story"), 0
        self.client.hello()

    def put(self, minutes, type, data, **more):
        self.count += 1
        return self.client.put({"specversion": "1.0", "id": f"c-{self.count}", "source": "/test/case", "type": type, "subject": "C-1",
                                "time": instant(minutes), "data": data, **more}).seq

    def owed(self, minutes, step, cause, rule="C1", due=-60, role="cs_assistant", **more):
        self.put(minutes, f"obligation.{step}", {"obligation": f"{rule}/C-1", "rule": rule, "role": role, "due": instant(due), **more},
                 causation=str(cause))


def told(daemon, **env):
    done = subprocess.run([harness.program("estate"), "case", "C-1"], capture_output=True, text=True, check=True, timeout=harness.VERB_S,
                          env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": "C.UTF-8", **env})
    return [re.sub(r" \((learnt|迟报) .*\)$", "", line) for line in done.stdout.splitlines()]


def whole(daemon):
    """C1 is missed, told and met late; H3 met in time; C2 moved, and open; C7 withdrawn; H6 missed, and open."""
    story = Story(daemon)
    opened = story.put(-300, "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone"})
    for rule, due, role in (("C1", -60, "cs_assistant"), ("H3", -200, "supervisor"), ("C2", 100, "cs_assistant"), ("C7", 500, "site_manager"),
                            ("H6", -10, "supervisor")):
        story.owed(-300, "opened", opened, rule, due, role)
    consulted = story.put(-260, "supervisor.consulted", {"by": "S-2"})
    story.owed(-260, "fulfilled", consulted, "H3", -200, "supervisor")
    story.owed(-90, "warned", opened)
    story.owed(-60, "breached", opened)
    story.put(-60, "case.escalated", {"obligation": "C1/C-1", "rule": "C1", "level": 1, "to": "cs_lead"}, causation=str(opened))
    replied = story.put(-30, "case.replied", {"by": "S-1"})
    story.owed(-30, "fulfilled", replied)
    story.owed(-20, "rescheduled", opened, "C2", 190)
    story.owed(-15, "cancelled", opened, "C7", 500)
    story.owed(-10, "breached", opened, "H6", -10, "supervisor")
    story.put(-10, "case.escalated", {"obligation": "H6/C-1", "rule": "H6", "level": 1, "to": "S-9"}, causation=str(opened))


def test_what_was_owed_is_told_in_words(daemon):
    whole(daemon)
    lines = told(daemon)
    for words in (f"obligation.opened      C1 due {clock(-60)} (cs_assistant)", "obligation.fulfilled   H3 in time, 1 h 00 min to spare",
                  f"obligation.warned      C1 due {clock(-60)}", f"obligation.breached    C1 was due {clock(-60)}",
                  "case.escalated         C1 level 1 → cs_lead", "obligation.fulfilled   C1 late by 30 min 00 s",
                  f"obligation.rescheduled C2 now due {clock(190)}", "obligation.cancelled   C7 no longer owed"):
        assert any(line.endswith(words) for line in lines), f"{words}\n" + "\n".join(lines)
    end = lines.index("Still running")
    assert lines[end + 1].startswith("  H6 overdue for 10 min ") and lines[end + 1].endswith(f"due {clock(-10)}, told to S-9")
    assert lines[end + 2].startswith("  C2 3 h ") and lines[end + 2].endswith(f"left, due {clock(190)}, owed by cs_assistant")
    assert len(lines) == end + 3


def test_in_chinese(daemon):
    whole(daemon)
    text = "\n".join(told(daemon, LC_ALL="zh_CN.UTF-8"))
    for words in ("按时，提前 1 小时 00 分", "期限已过 ", "第 1 级 → 客服组负责人", "逾期 30 分", "期限改为", "不再计时", "仍在计时", "已超时 10 分", "已上报 S-9"):
        assert words in text, text


@pytest.mark.parametrize("language, urgency, words", [
    ("C.UTF-8", "routine", "S-9 by sms: obligation-warned"), ("C.UTF-8", "emergency", "S-9 by sms, emergency: obligation-warned"),
    ("zh_CN.UTF-8", "urgent", "S-9，短信，紧急：obligation-warned")])
def test_who_is_told_is_a_line(daemon, language, urgency, words):
    Story(daemon).put(-10, "notification.requested", {"notification": "N-1", "to": "S-9", "channel": "sms", "template": "obligation-warned",
                                                      "params": {"obligation": "C1/C-1"}, "urgency": urgency}, urgency=urgency)
    assert told(daemon, LC_ALL=language)[0].endswith(words)


def test_learnt_late_counts_from_when_it_was_done(daemon):
    """The reply of before the due is recorded after the breach."""
    story = Story(daemon)
    opened = story.put(-300, "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone"})
    story.owed(-300, "opened", opened)
    story.owed(-60, "breached", opened)
    replied = story.put(-100, "case.replied", {"by": "S-1"})
    story.owed(-5, "fulfilled", replied, late_known=True)
    lines = told(daemon)
    assert any("C1 in time, learnt late" in line for line in lines) and "Still running" not in lines


def test_owed_again_after_it_was_reopened(daemon):
    story = Story(daemon)
    opened = story.put(-300, "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone"})
    story.owed(-300, "opened", opened)
    replied = story.put(-250, "case.replied", {"by": "S-1"})
    story.owed(-250, "fulfilled", replied)
    assert "Still running" not in told(daemon)
    again = story.put(-20, "case.reopened", {"by": "S-1"})
    story.owed(-20, "opened", again, due=400)
    lines = told(daemon)
    assert lines[lines.index("Still running") + 1].startswith("  C1 6 h ")


def test_midnight_belongs_to_the_day_that_it_ends(daemon):
    story = Story(daemon)
    opened = story.put(-300, "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone"})
    due = {"obligation": "C1/C-1", "rule": "C1", "role": "cs_lead"}
    story.put(-300, "obligation.opened", {**due, "due": "2031-03-01T00:00:00+08:00"}, causation=str(opened))
    assert told(daemon)[-1].endswith("left, due 2031-02-28 24:00, owed by cs_lead")


def test_nothing_owed_nothing_told(daemon):
    Story(daemon).put(-300, "complaint.opened", {"category": "noise", "severity": "ordinary", "via": "phone"})
    assert "Still running" not in told(daemon)


@pytest.mark.parametrize("line", [{"obligation": "C1/C-1"}, {"rule": "C1", "due": "soon"}, {}])
def test_an_odd_obligation_is_shown_as_any_event(daemon, line):
    """What another program put under such a type is not taken for one of ours."""
    client = daemon.client("odd")
    client.hello()
    data = {"obligation": "X", "rule": "R", "role": "clerk", "due": instant(5)}
    client.put({"specversion": "1.0", "id": "odd", "source": "/test/case", "type": "obligation.opened", "subject": "C-1", "data": {**data, "more": line}})
    assert "R due" in told(daemon)[0]


def test_json_is_the_log_as_it_stands(daemon):
    whole(daemon)
    done = daemon.estate("case", "--json", "C-1").stdout
    assert [json.loads(line)["id"] for line in done.splitlines()] == [f"c-{n}" for n in range(1, 18)]
