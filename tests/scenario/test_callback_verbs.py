"""estate callback: results recorded from the command line beside a live estate-callback, and how a month stands."""
import glob
import json
import os
import re

import pytest

import daemon as harness
from callback_desk import TODAY, Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with harness.Daemon() as daemon:
        desk = Desk(daemon, tmp_path_factory.mktemp("desk"))
        desk.household()
        desk.household("3-2-1202", "000-0302-1202")
        yield desk
        desk.stop()


def told(desk, *words, expect=0):
    return json.loads(desk.estate("callback", *words, "--json", expect=expect).stdout)


def data(desk, seq):
    return json.loads(desk.estate("get", str(seq), "--json").stdout)


def violated(desk, subject):
    log = desk.estate("tail", "--from", "first", "--until-end", "--json", "--type", "rule.violated").stdout.splitlines()
    return [e["data"]["rule"] for e in map(json.loads, log) if e["subject"] == subject]


def test_done(desk):
    callback = desk.complaint("C-1")
    assert callback in desk.estate("agenda", "--json").stdout
    answer = told(desk, "done", callback, "--by", "cs-7", "--grade", "satisfied", "--conforms", "yes", "--covers", "C-90,R-91", "--effect", "门已修好")
    assert answer["state"] == "done" and answer["notes"] == [{"what": "done", "detail": ""}]
    event = data(desk, answer["seq"])
    assert event["type"] == "callback.done" and event["subject"] == "C-1"
    # What the callback tells needn't be typed.
    assert event["data"] == {"kind": "complaint", "household": "3-2-1201", "mode": "phone", "callback": callback, "by": "cs-7", "grade": "satisfied",
                             "conforms": True, "covers": ["C-90", "R-91"], "effect": "门已修好"}
    assert callback not in desk.estate("agenda", "--json").stdout
    # A second one is a mistake until it is meant.
    refused = desk.estate("callback", "done", callback, "--by", "cs-7", expect=1).stderr
    assert "it is done already" in refused and "--anyway" in refused and "cs-7" in refused
    again = told(desk, "done", callback, "--by", "cs-7", "--anyway", expect=1)
    assert again["state"] == "done" and again["notes"][0]["what"] == "repeated"


def test_attempted_is_never_done(desk):
    callback = desk.complaint("C-2")
    answer = told(desk, "attempted", callback, "--by", "cs-7", "--result", "unreachable")
    assert answer["state"] == "open" and answer["notes"][0]["what"] == "tried"
    assert data(desk, answer["seq"])["data"] == {"callback": callback, "by": "cs-7", "result": "unreachable"}
    assert "did you mean unreachable?" in desk.estate("callback", "attempted", callback, "--by", "cs-7", "--result", "unreachabl", expect=2).stderr


def test_ones_own_case_does_not_count(desk):
    callback = desk.complaint("C-3", by="eng-4")
    text = desk.estate("callback", "done", callback, "--by", "eng-4", "--grade", "very_satisfied", expect=1).stdout
    assert "it does not count: nobody calls back about a case of his own (C4)" in text
    assert violated(desk, "C-3") == ["C4"] and '"state":"open"' in desk.estate("callback", "show", callback, "--json").stdout
    assert "不计入" in desk.estate("callback", "done", callback, "--by", "eng-4", expect=1, LC_ALL="zh_CN.UTF-8").stdout


def test_before_it_can_be_verified(desk):
    callback = desk.complaint("C-4", verify="deferred")
    refused = desk.estate("callback", "done", callback, "--by", "cs-7", expect=1).stderr
    assert "not open yet" in refused and "(C6)" in refused and "--anyway" in refused
    answer = told(desk, "done", callback, "--by", "cs-7", "--anyway", expect=1)
    assert answer["notes"][0]["what"] == "early" and answer["state"] == "planned" or answer["state"] == "open"


def test_extended_with_a_reason(desk):
    callback = desk.complaint("C-5", verify="deferred")
    answer = told(desk, "extend", callback, "--by", "cs-7", "--until", "2099-01-05", "--reason", "雨后再看", expect=None)
    assert data(desk, answer["seq"])["data"]["until"][:19] == "2099-01-05T16:00:00"          # the end of that day
    assert "reason: required" in desk.estate("callback", "extend", callback, "--by", "cs-7", "--until", "2099-01-05", expect=2).stderr


def test_a_visit(desk):
    callback = desk.complaint("C-6", household="3-2-1202", severity="major")
    tomorrow = str(TODAY + TODAY.resolution)
    assert told(desk, "appoint", callback, "--by", "lead-1", "--at", tomorrow + " 15:00")["notes"][0]["what"] == "requested"
    assert "appointment asked for" in desk.estate("agenda", "--staff", "lead-1").stdout
    agreed = told(desk, "appoint", callback, "--by", "lead-1", "--agreed")
    event = data(desk, agreed["seq"])
    assert event["type"] == "appointment.agreed" and event["data"]["at"][:19] == tomorrow + "T07:00:00"      # as proposed
    # Today nobody agreed to.
    breach = desk.estate("callback", "visit", callback, "--by", "lead-1", expect=1).stdout
    assert "a breach: a visit without an agreed appointment (V4)" in breach and violated(desk, "C-6") == ["V4"]
    signed = told(desk, "visit", callback, "--by", "lead-1", "--signed", "--signer", "family", expect=None)
    assert data(desk, signed["seq"])["type"] == "visit.signed"
    assert told(desk, "done", callback, "--by", "lead-1", "--grade", "satisfied")["state"] == "done"
    assert "--agreed or --refused, not both" in desk.estate("callback", "appoint", callback, "--by", "lead-1", "--agreed", "--refused", expect=2).stderr


def test_v4_an_hour_at_which_nobody_can_come(desk):
    callback = desk.complaint("C-20", severity="major")
    tomorrow = str(TODAY + TODAY.resolution)
    for wrong, right in (("2026-02-31 10:00", "no such day as 2026-02-31: the last of that month is 2026-02-28"), ("2028-02-30", "is 2028-02-29"),
                         (tomorrow + " 24:30", "is no time"), ("2027-13-01", "is no time")):
        assert right in desk.estate("callback", "appoint", callback, "--by", "lead-1", "--at", wrong, expect=2).stderr, wrong
    # Nothing of it was recorded; what the worker concludes meanwhile is another matter.
    assert desk.estate("tail", "--from", "first", "--until-end", "--json", "--type", "appointment.*", "--subject", "C-20").stdout == ""
    # Over, at night, on New Year's day: recorded, and said.
    over = desk.estate("callback", "appoint", callback, "--by", "lead-1", "--at", "2020-01-05 10:00", expect=1).stdout
    assert "no appointment" in over and "(V4.time)" in over and "V4.time" in violated(desk, "C-20")
    night = desk.estate("callback", "appoint", callback, "--by", "lead-1", "--at", tomorrow + " 23:00", expect=1).stdout
    assert "nobody is visited (V4.hours)" in night and "V4.hours" in violated(desk, "C-20")
    assert "不得上门（V4.hours）" in desk.estate("callback", "appoint", callback, "--by", "lead-1", "--at", "2027-02-06 10:00", expect=1, LC_ALL="zh_CN.UTF-8").stdout
    assert told(desk, "appoint", callback, "--by", "lead-1", "--at", tomorrow + " 10:00")["notes"] == [{"what": "requested", "detail": ""}]


def test_v4_what_is_by_telephone_becomes_a_visit_and_says_so(desk):
    callback = desk.complaint("C-21")
    tomorrow = str(TODAY + TODAY.resolution)
    assert "now by visit" in desk.estate("callback", "appoint", callback, "--by", "cs-7", "--at", tomorrow + " 10:00").stdout
    assert "改为电话" in desk.estate("callback", "appoint", callback, "--by", "cs-7", "--refused", LC_ALL="zh_CN.UTF-8").stdout
    # A call is returned by telephone, at once: nobody would wait until tomorrow for it.
    desk.put(("call.abandoned", "T-1", 0, "00:00", {"waited_s": 40}))
    refused = desk.estate("callback", "appoint", "T-1/1", "--by", "cs-7", "--at", tomorrow + " 10:00", expect=1).stderr
    assert "to be returned by telephone" in refused and "--anyway" in refused
    due = json.loads(desk.estate("callback", "show", "T-1/1", "--json").stdout)["due"]
    answer = told(desk, "appoint", "T-1/1", "--by", "cs-7", "--at", tomorrow + " 10:00", "--anyway", expect=1)
    assert [note["what"] for note in answer["notes"]] == ["apart"]
    after = json.loads(desk.estate("callback", "show", "T-1/1", "--json").stdout)
    assert after["mode"] == "phone" and after["due"] == due and "appointment" not in after


def test_c6_an_extension_that_is_none_says_so(desk):
    callback = desk.complaint("C-22", verify="deferred")
    told(desk, "extend", callback, "--by", "cs-7", "--until", "2099-01-05", "--reason", "雨后再看")
    earlier = desk.estate("callback", "extend", callback, "--by", "cs-7", "--until", "2099-01-04", "--reason", "再看", expect=1).stdout
    assert "the limit stays as it is (C6): no later than it is due" in earlier
    assert "期限不变（C6）：不晚于现有期限" in desk.estate("callback", "extend", callback, "--by", "cs-7", "--until", "2099-01-04", "--reason", "再看", expect=1, LC_ALL="zh_CN.UTF-8").stdout


def test_no_english_is_left_in_chinese(desk):
    """Every reason that the worker gives, as agenda, show and the gaps have it."""
    folder = os.path.join(harness.REPOSITORY, "workers", "callback")
    sources = "".join(open(path, encoding="utf-8").read() for path in sorted(glob.glob(os.path.join(folder, "*.c"))))
    with open(os.path.join(harness.REPOSITORY, "clients", "estate", "agenda.c"), encoding="utf-8") as file:
        known = set(re.findall(r'\{ "([^"]+)", "[^"]*[\u4e00-\u9fff][^"]*" \}', file.read()))
    given = set(re.findall(r'snprintf\(c[.>-]+reason, sizeof\(c[.>-]+reason\), "([^"]+)"', sources)) | \
        set(re.findall(r'(?:owe_reassign|owe_cancel|owe_give_up|to_the_lead|owe_again|visit_by_telephone|mandatory)\(t, &?c[^;]*?"([^"]{3,})"', sources)) | \
        set(re.findall(r'book_note\([^;]*?, "\w+", [^,]+, "([^"]+)"', sources))
    given -= {"%s", "%s: %s", "%.*s", "%s: complaint handled%s"}
    plain = {re.sub(r"%(\.\*)?[a-z0-9]+", "*", text.removeprefix("attempted: ")) for text in given}
    assert len(plain) > 30 and plain - known - {"*, draw *"} == set()
    # As people see it.
    callback = desk.complaint("C-23", severity="major")
    desk.put(("case.reopened", "C-23", -1, "11:00", {"by": "eng-1"}), ("complaint.handled", "C-23", -1, "12:00", {"by": "eng-1", "verify": "onsite"}))
    for chinese in (desk.estate("agenda", LC_ALL="zh_CN.UTF-8").stdout, desk.estate("agenda", "--print", LC_ALL="zh_CN.UTF-8").stdout,
                    desk.estate("callback", "show", "C-23/2", LC_ALL="zh_CN.UTF-8").stdout, desk.estate("callback", "show", callback, LC_ALL="zh_CN.UTF-8").stdout):
        assert not re.search(r"times|complaint|handled|major|reopened|due", chinese), chinese
    assert "重开 1 次" in desk.estate("callback", "show", "C-23/2", LC_ALL="zh_CN.UTF-8").stdout


def test_what_was_heard(desk):
    callback = desk.complaint("C-7")
    issue = data(desk, told(desk, "noted", callback, "--by", "cs-7", "--dept", "engineering")["seq"])
    assert issue["type"] == "issue.opened" and re.match(r"I-[0-9a-f]{12}\Z", issue["subject"])
    assert issue["data"] == {"household": "3-2-1201", "callback": callback, "by": "cs-7", "dept": "engineering"}
    complaint = data(desk, told(desk, "noted", callback, "--by", "cs-7", "--complaint", "noise", "--text", "楼上装修")["seq"])
    assert complaint["type"] == "complaint.opened" and complaint["data"]["via"] == "callback" and complaint["data"]["severity"] == "ordinary"
    assert "--dept engineering opens an issue" in desk.estate("callback", "noted", callback, "--by", "cs-7", expect=2).stderr


def test_what_cannot_be_done_is_said(desk):
    callback = desk.complaint("C-8")
    assert "there is no such callback" in desk.estate("callback", "done", "C-999/1", "--by", "cs-7", expect=1).stderr
    for words, hint in ((["dne", callback], "did you mean done?"), (["done", callback], "who did it? --by STAFF"), (["done"], "which one?"), ([], "what became of it?"),
                        (["done", callback, "--by", "a b"], "no staff id"), (["done", callback, "--by", "cs-1", "--when", "2099-01-01"], "still to come"),
                        (["done", callback, "--by", "cs-1", "--conforms", "perhaps"], "yes or no"), (["done", "a b", "--by", "cs-1"], "no callback's id"),
                        (["appoint", callback, "--by", "cs-1", "--at", "soon"], "is no time"), (["quota", "--month", "2026-13"], "is no month"),
                        (["show"], "which one?"), (["appoint", callback, "--by", "cs-1", "--agreed"], "at: required")):
        assert hint in desk.estate("callback", *words, expect=2).stderr, words
    assert "estate callback done CALLBACK" in desk.estate("callback", "--help").stdout
    assert "estate callback done CALLBACK" in desk.estate("callback", "done", "--help").stdout
    assert "n/a: there was nothing" in desk.estate("callback", "quota", "--help").stdout


def test_how_a_month_stands(desk):
    before = json.loads(desk.estate("callback", "quota", "--month", "2026-11", "--json").stdout)
    rows = {row["kind"]: row for row in json.loads(desk.estate("callback", "quota", "--json").stdout)["quota"]}
    assert set(rows) == {"complaint", "repair", "routine", "call", "help"} and rows["complaint"]["n"] >= rows["complaint"]["done"]
    assert rows["repair"]["n"] == 0 and rows["repair"]["required"] == 0 and "rate" not in rows["repair"] and before["seq"] > 0
    text = desk.estate("callback", "quota").stdout
    assert re.search(r"^repair +0 +0 +0 +n/a", text, re.MULTILINE)
    chinese = desk.estate("callback", "quota", LC_ALL="zh_CN.UTF-8").stdout
    assert "类别" in chinese and "零修回访" in chinese


def test_all_about_one(desk):
    callback = desk.complaint("C-10")
    told(desk, "attempted", callback, "--by", "cs-7", "--result", "busy")
    text = desk.estate("callback", "show", callback).stdout
    assert re.search(r"why +C2: complaint handled\n", text) and re.search(r"tried +cs-7 +busy", text)
    assert "投诉已处理" in desk.estate("callback", "show", callback, LC_ALL="zh_CN.UTF-8").stdout
    assert json.loads(desk.estate("callback", "show", callback, "--json").stdout)["callback"] == callback


def test_nobody_answers(daemon):
    done = daemon.estate("callback", "show", "C-1/1", expect=1)
    assert "estate-callback does not run" in done.stderr
