"""What the planner of estate-notify decides, in rehearsals: quiet hours, limits, expiry, opt-out, duplicates, retries and breakers.  No outside."""
import json
import os
import re
import shutil
import subprocess

import pytest

from outside import NOTIFY, TEMPLATES, household, request, write_config
from worker import rehearse

SMS = {"channel": "sms", "medium": "sms", "kind": "json", "url": "http://127.0.0.1:9/"}
MAIL = {"channel": "email", "medium": "email", "url": "smtp://127.0.0.1:9", "from": "a@example.net"}


@pytest.fixture
def plan(tmp_path):
    """A function: events (each with a time) and settings; what is derived, and how each notification stands at `until`."""
    def run(events, until, channels=(SMS, MAIL), **config):
        config.setdefault("settings", {})
        config["settings"] = {"quiet": "21:00-08:00", "per_receiver": 3, **config["settings"]}
        folder = write_config(str(tmp_path / "config"), list(channels), **config)
        lines = "".join(json.dumps(e) + "\n" for e in events).encode()
        derived, _ = rehearse(lines, "--config", folder, "--until", until, program=NOTIFY)
        stands = {}
        for fate in ("waiting", "ready", "attempting", "sent", "delivered", "failed", "suppressed", "withdrawn"):
            out, _ = rehearse(lines, "--config", folder, "--until", until, "--ask", 'waiting={"fate":"%s"}' % fate, program=NOTIFY)
            for row in json.loads(out[-1])["answer"]["rows"] if out and "answer" in json.loads(out[-1]) else json.loads(out[-1])["rows"]:
                stands[row["notification"]] = row
        return [json.loads(line) for line in derived], stands
    return run


def at(time, event, **changes):
    return {**event, "time": f"2026-11-{time}+08:00", **changes}


def told(kind, notification, time, **data):
    return at(time, {"specversion": "1.0", "id": f"{kind}-{notification}-{time}", "source": "/estated/worker/notify/sender", "type": f"notification.{kind}",
                     "subject": "C-1", "data": {"notification": notification, **data}})


@pytest.mark.parametrize("time, urgency, fate", [
    ("03T20:59:59", "routine", "ready"), ("03T21:00:00", "routine", "waiting"), ("04T07:59:59", "routine", "waiting"), ("04T08:00:00", "routine", "ready"),
    ("03T21:00:00", "urgent", "ready"), ("04T03:00:00", "emergency", "ready"),
])
def test_quiet_hours(plan, time, urgency, fate):
    _, stands = plan([at(time, request("N", urgency=urgency))], f"2026-11-{time}+08:00")
    assert stands["N"]["fate"] == fate
    if fate == "waiting":
        assert stands["N"]["not_before"].startswith("2026-11-04T00:00:00") and stands["N"]["reason"] == "quiet hours"


def test_what_is_ready_when_the_quiet_begins_waits_for_the_morning(plan):
    events = [at("03T20:00:00", request("N"))]
    assert plan(events, "2026-11-03T20:59:59+08:00")[1]["N"]["fate"] == "ready"
    assert plan(events, "2026-11-03T21:00:00+08:00")[1]["N"]["fate"] == "waiting"
    assert plan(events, "2026-11-04T08:00:00+08:00")[1]["N"]["fate"] == "ready"


def test_a_households_own_hours(plan):
    rule = {"specversion": "1.0", "id": "r", "source": "/estate/desk", "type": "household.contact_rule_set", "subject": "3-2-1201", "data": {"quiet": "12:00-15:00", "by": "desk"}}
    events = [at("03T09:00:00", household("3-2-1201")), at("03T09:01:00", rule), at("03T13:00:00", request("N", to="3-2-1201"))]
    _, stands = plan(events, "2026-11-03T14:00:00+08:00")
    assert stands["N"]["not_before"].startswith("2026-11-03T07:00:00")


@pytest.mark.parametrize("words, fate, channel", [(["sms"], "ready", "email"), (["dunning"], "suppressed", None), (["sms", "email"], "suppressed", None), (["survey"], "ready", "sms")])
def test_opt_out(plan, words, fate, channel):
    rule = {"specversion": "1.0", "id": "r", "source": "/estate/desk", "type": "household.contact_rule_set", "subject": "3-2-1201", "data": {"opt_out": words, "by": "desk"}}
    events = [at("03T09:00:00", household("3-2-1201")), at("03T09:01:00", rule), at("03T10:00:00", request("N", to="3-2-1201", source="/estated/worker/dunning"))]
    derived, stands = plan(events, "2026-11-03T10:00:01+08:00")
    assert stands["N"]["fate"] == fate and (channel is None or stands["N"]["channel"] == channel)
    assert [d["data"]["reason"] for d in derived] == (["opt-out"] if fate == "suppressed" else [])


def test_without_a_number_it_is_the_next_channel(plan):
    house = household("3-2-1201")
    del house["data"]["phone"]
    _, stands = plan([at("03T09:00:00", house), at("03T10:00:00", request("N", to="3-2-1201"))], "2026-11-03T10:00:01+08:00")
    assert stands["N"]["channel"] == "email"


def test_expiry(plan):
    """At the instant it is too late."""
    events = [at("03T22:00:00", request("N", expires="2026-11-04T08:00:00+08:00"))]
    assert plan(events, "2026-11-04T07:59:59+08:00")[1]["N"]["fate"] == "waiting"
    derived, stands = plan(events, "2026-11-04T08:00:00+08:00")
    assert stands["N"]["fate"] == "suppressed" and derived[0]["type"] == "notification.suppressed" and derived[0]["data"]["reason"] == "expired"


def test_three_a_day(plan):
    events = [at(f"03T10:00:0{n}", request(f"N-{n}", subject=f"C-{n}")) for n in range(5)] + [at("03T10:01:00", request("U", urgency="urgent"))]
    _, stands = plan(events, "2026-11-03T20:00:00+08:00")
    assert [stands[f"N-{n}"]["fate"] for n in range(5)] == ["ready"] * 3 + ["waiting"] * 2 and stands["U"]["fate"] == "ready"
    for n in range(3):
        events += [told("attempted", f"N-{n}", f"03T10:02:0{n}", reason="sms"), told("sent", f"N-{n}", f"03T10:03:0{n}")]
    _, stands = plan(events, "2026-11-04T09:00:00+08:00")
    assert [stands[f"N-{n}"]["fate"] for n in range(5)] == ["sent"] * 3 + ["ready"] * 2


def test_what_waited_over_night_counts_on_the_day_on_which_it_leaves(plan):
    """Ready before the quiet began and not sent: it disturbs the next day, and that day's limit is for it, too."""
    events = [at("03T20:59:00", request("N-0"))] + [at(f"04T09:00:0{n}", request(f"N-{n}", subject=f"C-{n}")) for n in range(1, 4)]
    _, stands = plan(events, "2026-11-04T20:00:00+08:00")
    assert [stands[f"N-{n}"]["fate"] for n in range(4)] == ["ready"] * 3 + ["waiting"] and stands["N-3"]["reason"] == "the day's limit"


def test_the_same_again_is_a_duplicate(plan):
    one = dict(to="3-2-1201", source="/estated/worker/dunning", template="bill-reminder", subject="B-1")
    events = [at("03T09:00:00", household("3-2-1201"))] + [at(f"03T{10 + n}:00:00", request(f"N-{n}", **one)) for n in range(3)]
    derived, stands = plan(events, "2026-11-03T20:00:00+08:00", settings={"duplicates": "2h"}, owners=["dunning"])
    assert [stands[f"N-{n}"]["fate"] for n in range(3)] == ["ready", "suppressed", "ready"] and derived[0]["data"]["reason"] == "duplicate of N-0"


def test_backoff_doubles_then_the_next_channel(plan):
    events = [at("03T10:00:00", request("N")), told("attempted", "N", "03T10:00:01", reason="sms"), told("failed", "N", "03T10:00:02", permanent=False, reason="answered 500")]
    settings = {"backoff": "1min", "backoff_max": "1h", "tries": 2}
    _, stands = plan(events, "2026-11-03T10:00:03+08:00", settings=settings)
    assert stands["N"]["not_before"].startswith("2026-11-03T02:01:02") and stands["N"]["reason"] == "answered 500"
    events += [told("attempted", "N", "03T10:02:00", reason="sms"), told("failed", "N", "03T10:02:01", permanent=False, reason="answered 500")]
    _, stands = plan(events, "2026-11-03T10:03:00+08:00", settings=settings)
    assert stands["N"]["channel"] == "email" and stands["N"]["fate"] == "ready"


def test_a_breaker_holds_routine_ones_only(plan):
    events = []
    for n in range(2):
        events += [at(f"03T10:0{n}:00", request(f"N-{n}", to=f"lead-{n}")), told("attempted", f"N-{n}", f"03T10:0{n}:01", reason="sms"),
                   told("failed", f"N-{n}", f"03T10:0{n}:02", permanent=False, reason="answered 500")]
    events += [at("03T10:01:03", request("N-r", subject="C-9")), at("03T10:01:03", request("N-u", urgency="urgent"))]
    breaker = {**SMS, "breaker": 2, "breaker_rest": "10min"}
    _, stands = plan(events, "2026-11-03T10:02:00+08:00", channels=[breaker, MAIL])
    assert stands["N-r"]["reason"] == "the provider's breaker is open" and stands["N-u"]["fate"] == "ready"
    assert stands["N-r"]["not_before"].startswith("2026-11-03T02:11:02")
    _, stands = plan(events, "2026-11-03T10:12:00+08:00", channels=[breaker, MAIL])
    assert stands["N-r"]["fate"] == "ready"


def test_withdrawn_delivered_and_what_comes_after(plan):
    events = [at("03T10:00:00", request("N")), told("withdrawn", "N", "03T10:00:01", reason="paid"), told("attempted", "N", "03T10:00:02", reason="sms"),
              at("03T10:00:00", request("M")), told("attempted", "M", "03T10:00:01", reason="sms"), told("delivered", "M", "03T10:00:02"), told("failed", "M", "03T10:00:03", permanent=True)]
    _, stands = plan(events, "2026-11-03T11:00:00+08:00")
    assert stands["N"]["fate"] == "withdrawn" and stands["N"]["reason"] == "paid" and stands["M"]["fate"] == "delivered"


# ---- What the log tells meanwhile ----

def fates(stands, *names):
    return [stands[name]["fate"] for name in names]


def entry(kind, subject, **data):
    return {"specversion": "1.0", "id": f"{kind}-{subject}-{len(data)}", "source": "/estate/desk", "type": kind, "subject": subject, "data": data}


def test_an_opt_out_that_comes_or_goes_while_it_waits(plan):
    waits = [at("03T09:00:00", household("3-2-1201")), at("03T22:00:00", request("N", to="3-2-1201", source="/estated/worker/dunning"))]
    out = at("03T23:00:00", entry("household.contact_rule_set", "3-2-1201", opt_out=["dunning"], by="desk"))
    back = at("04T01:00:00", entry("household.contact_rule_set", "3-2-1201", by="desk"))
    assert fates(plan(waits + [out], "2026-11-04T08:00:01+08:00")[1], "N") == ["suppressed"]
    assert fates(plan(waits + [out, back], "2026-11-04T08:00:01+08:00")[1], "N") == ["ready"]


@pytest.mark.parametrize("event", [entry("household.transferred", "3-2-1201", date="2026-11-03", to="p-2"),
                                   {**household("3-2-1201", party="p-2"), "id": "h-2"}])
def test_what_was_asked_for_one_owner_is_not_told_the_next(plan, event):
    events = [at("03T09:00:00", household("3-2-1201", party="p-1")), at("03T22:00:00", request("N-old", to="3-2-1201")), at("03T23:00:00", event),
              at("04T09:00:00", request("N-new", to="3-2-1201", subject="C-2"))]
    derived, stands = plan(events, "2026-11-04T10:00:00+08:00")
    assert stands["N-old"]["fate"] == "suppressed" and stands["N-old"]["reason"] == "the household has changed hands since"
    # Of the next one no address is known until there is an entry.
    assert fates(stands, "N-new") == ["ready" if event["type"] == "household.registered" else "suppressed"]
    known = events[:-1] + [at("03T23:30:00", {**household("3-2-1201", party="p-2"), "id": "h-3"}), events[-1]]
    assert fates(plan(known, "2026-11-04T10:00:00+08:00")[1], "N-old", "N-new") == ["suppressed", "ready"]


def test_wishes_are_those_of_whoever_had_them(plan):
    events = [at("03T09:00:00", household("3-2-1201", party="p-1")), at("03T09:01:00", entry("household.contact_rule_set", "3-2-1201", opt_out=["sms", "email"], by="desk")),
              at("03T09:02:00", {**household("3-2-1201", party="p-1"), "id": "h-2"}), at("03T09:03:00", request("N-1", to="3-2-1201"))]
    assert fates(plan(events, "2026-11-03T10:00:00+08:00")[1], "N-1") == ["suppressed"]
    events += [at("03T09:04:00", entry("household.transferred", "3-2-1201", date="2026-11-03", to="p-2")), at("03T09:05:00", {**household("3-2-1201", party="p-2"), "id": "h-3"}),
               at("03T09:06:00", request("N-2", to="3-2-1201", subject="C-2"))]
    assert fates(plan(events, "2026-11-03T10:00:00+08:00")[1], "N-1", "N-2") == ["suppressed", "ready"]


@pytest.mark.parametrize("absences, to", [
    ([dict(**{"from": "2026-11-03"}, until="2026-11-04", deputy="lead-2")], "lead-2"),
    ([dict(**{"from": "2026-11-03"}, until="2026-11-03", deputy="lead-2")], "lead-1"),
    ([dict(**{"from": "2026-11-04T08:00:01+08:00"}, deputy="lead-2")], "lead-1"),
    ([dict(**{"from": "2026-11-04T08:00:00+08:00"}, deputy="lead-2")], "lead-2"),
    ([dict(**{"from": "2026-11-03"})], "lead-1"),
])
def test_who_is_away_when_it_leaves_is_stood_in_for(plan, absences, to):
    events = [at("03T22:00:00", request("N", to="lead-1"))] + [at("03T23:00:00", entry("staff.absent", "lead-1", by="desk", **one)) for one in absences]
    _, stands = plan(events, "2026-11-04T08:00:00+08:00")
    assert stands["N"]["fate"] == "ready" and stands["N"]["to"] == to


# ---- Several as one ----

DIGEST = {"digest": "10min"}


def test_routine_ones_to_one_receiver_wait_for_each_other(plan):
    events = [at("03T10:00:00", request("N-0")), at("03T10:04:00", request("N-1", subject="C-2")), at("03T10:04:00", request("other", to="lead-2")),
              at("03T10:05:00", request("U", urgency="urgent")), at("03T10:10:01", request("N-2", subject="C-3"))]
    _, stands = plan(events[:-1], "2026-11-03T10:09:59+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1", "other", "U") == ["waiting", "waiting", "waiting", "ready"]
    assert stands["N-1"]["reason"] == "gathered with others to the same receiver" and stands["N-1"]["not_before"] == stands["N-0"]["not_before"]
    _, stands = plan(events, "2026-11-03T10:10:01+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1", "other", "N-2") == ["ready", "ready", "waiting", "waiting"]


def test_those_that_wait_together_count_once_a_day(plan):
    events = [at(f"03T10:0{n}:00", request(f"N-{n}", subject=f"C-{n}")) for n in range(3)] + [at("03T11:00:00", request("N-3", subject="C-3"))]
    _, stands = plan(events, "2026-11-03T12:00:00+08:00", settings={**DIGEST, "per_receiver": 1})
    assert fates(stands, "N-0", "N-1", "N-2", "N-3") == ["ready"] * 3 + ["waiting"] and stands["N-3"]["reason"] == "the day's limit"


def test_what_comes_by_night_is_gathered_in_the_morning(plan):
    events = [at("03T22:00:00", request("N-0")), at("04T07:00:00", request("N-1", subject="C-2")), at("04T08:05:00", request("N-2", subject="C-3"))]
    _, stands = plan(events, "2026-11-04T08:09:59+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1", "N-2") == ["waiting"] * 3 and len({row["not_before"] for row in stands.values()}) == 1
    _, stands = plan(events, "2026-11-04T08:10:00+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1", "N-2") == ["ready"] * 3


def test_alone_rather_than_too_late(plan):
    events = [at("03T10:00:00", request("N", expires="2026-11-03T10:10:00+08:00"))]
    assert plan(events, "2026-11-03T10:00:01+08:00", settings=DIGEST)[1]["N"]["fate"] == "ready"
    hook = {"channel": "sms", "medium": "sms", "kind": "json", "url": "http://127.0.0.1:9/", "digest": "no"}
    assert plan([at("03T10:00:00", request("N"))], "2026-11-03T10:00:01+08:00", channels=[hook], settings=DIGEST)[1]["N"]["fate"] == "ready"


def together(*later):
    """N-0 leads, N-1 is with it, N-2 goes by itself."""
    return [at("03T10:00:00", request(f"N-{n}", subject=f"C-{n}")) for n in range(3)] + [
        told("attempted", "N-0", "03T10:10:01", reason="sms", as_of_seq=3, **{"with": ["N-1", "N-9"]}), *later]


@pytest.mark.parametrize("kind, data, fate, reason", [
    ("sent", {"provider_id": "p-1", "reason": "sms", "segments": 3}, "sent", None),
    ("delivered", {}, "delivered", None),
    ("failed", {"permanent": True, "reason": "answered 400"}, "ready", None),
    ("failed", {"permanent": False, "reason": "answered 500"}, "waiting", "answered 500"),
    ("failed", {"permanent": False, "reason": "outcome-unknown: lost"}, "failed", "outcome-unknown"),
    ("failed", {"permanent": False, "reason": "not-sent: ended"}, "ready", None),
])
def test_what_becomes_of_one_becomes_of_those_with_it(plan, kind, data, fate, reason):
    derived, stands = plan(together(told(kind, "N-0", "03T10:10:02", **data)), "2026-11-03T10:10:03+08:00", settings={**DIGEST, "backoff": "1min", "backoff_max": "1h"})
    assert fates(stands, "N-0", "N-1", "N-2") == [fate, fate, "ready"] and stands["N-1"].get("reason") == reason == stands["N-0"].get("reason")
    assert [(d["type"], d["data"]["notification"]) for d in derived] == [("notification.attempted", "N-1"), (f"notification.{kind}", "N-1")]
    assert derived[0]["data"] == {"notification": "N-1", "reason": "sms", "as_of_seq": 3} and stands["N-1"]["attempts"] == 1
    assert derived[1]["data"] == {"notification": "N-1", **{key: value for key, value in data.items() if key != "segments"}}
    if fate == "ready" and "permanent" in data and data["permanent"]:
        assert stands["N-1"]["channel"] == "email"


def test_a_receipt_of_one_is_of_all(plan):
    sent = told("sent", "N-0", "03T10:10:02", provider_id="p-1")
    derived, stands = plan(together(sent, told("delivered", "N-0", "03T10:12:00")), "2026-11-03T10:13:00+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1") == ["delivered"] * 2 and [d["type"].split(".")[1] for d in derived] == ["attempted", "sent", "delivered"]
    # One that was tried again by itself is told of by its own.
    again = [told("failed", "N-0", "03T10:10:02", permanent=False, reason="answered 500"), told("attempted", "N-0", "03T10:11:00", reason="sms"),
             told("sent", "N-0", "03T10:11:01")]
    _, stands = plan(together(again[0]), "2026-11-03T10:10:59+08:00", settings={**DIGEST, "backoff": "1h", "backoff_max": "1h"})
    assert fates(stands, "N-0", "N-1") == ["waiting"] * 2
    _, stands = plan(together(*again), "2026-11-03T10:12:00+08:00", settings={**DIGEST, "backoff": "1h", "backoff_max": "1h"})
    assert fates(stands, "N-0", "N-1") == ["sent", "waiting"]


def test_withdrawn_before_it_left_with_another(plan):
    events = together()
    events.insert(3, told("withdrawn", "N-1", "03T10:10:00", reason="paid"))
    derived, stands = plan(events, "2026-11-03T10:11:00+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1") == ["attempting", "withdrawn"] and derived == []


def test_one_that_ended_at_the_last_moment_takes_the_others_with_it(plan):
    """It was on its way: those with it are not begun again."""
    events = together(told("sent", "N-0", "03T10:10:02", provider_id="p-1"))
    events.insert(3, told("withdrawn", "N-0", "03T10:10:00", reason="paid"))
    derived, stands = plan(events, "2026-11-03T10:11:00+08:00", settings=DIGEST)
    assert fates(stands, "N-0", "N-1") == ["withdrawn", "sent"] and [d["type"].split(".")[1] for d in derived] == ["attempted", "sent"]


# ---- Segments ----

def test_segments_of_known_texts(tmp_path, shared_data):
    folder = shared_data("sms")
    cases = [(c["body"], c["segments"]) for c in json.load(open(os.path.join(folder, "twilio_segments.json"), encoding="utf-8"))]
    disagree = json.load(open(os.path.join(folder, "expected.json"), encoding="utf-8"))["gsm_disagree"]
    for name in ("split-sms-gsm.json", "split-sms-unicode.json"):
        cases += [(c["message"], len(c["parts"])) for c in json.load(open(os.path.join(folder, name), encoding="utf-8")) if c["description"] not in disagree]
    # An empty text is no message here, and a line end within a value is a blank: it counts the same.
    cases = [(text, count) for text, count in cases if text.strip() != "" and count <= 10]
    config = write_config(str(tmp_path / "config"), [SMS], settings={"sign": "none"})
    with open(os.path.join(config, "templates", "bare.yaml"), "w", encoding="utf-8") as file:
        file.write('template: bare\nparams: reason\nzh_sms: "{{reason}}"\nen_sms: "{{reason}}"\n')
    lines = "".join(json.dumps(request(f"N-{n}", template="bare", params={"reason": text})) + "\n" for n, (text, _) in enumerate(cases))
    done = subprocess.run([NOTIFY, "--dry-run", "-", "--config", config], input=lines, capture_output=True, text=True, check=True)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(shown) == len(cases) > 20
    assert [(text, row.get("segments", row)) for (text, _), row in zip(cases, shown)] == cases


# ---- What is refused before anything starts ----

def rewrite(path, old, new, count=-1):
    """Put the one for the other in a file; what stood there before."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, count))
    return text


@pytest.mark.parametrize("change, says", [
    (("{{case}} 已超过", "{{cas}} 已超过"), "did you mean case"),
    (("params: obligation rule", "params: obligation rule\npublic: \"yes\""), "must not reach a group"),
    (("params: obligation rule", "params: obligation rule:yuan"), "there is no :yuan"),
    (("params: obligation rule", "params: obligation rul rule"), "no event has a field rul; did you mean rule"),
    (("params: obligation rule", "params: obligation amount rule"), "amount is money: amount:fen"),
    (("params: obligation rule", "params: obligation rule:fen"), "rule is no money"),
    (("params: obligation rule", "public: \"yes\"\nparams: rule reason"), "reason must not reach a group or a notice board: whoever writes it may write a name"),
    (("params: obligation rule", "public: \"yes\"\nparams: rule phone"), "phone must not reach a group or a notice board: it is personal"),
    (("params: obligation rule", "params: obligation rule\nzh_txt: x"), "there is no key zh_txt"),
    (("zh_sms: \"", "zh_sms: \"" + "长" * 5000), "15068 bytes are no text message"),
    (("zh_text: \"", "zh_text: \"" + "长" * 11000), "larger than 32767 bytes"),
])
def test_templates_that_are_refused(tmp_path, change, says):
    config = write_config(str(tmp_path / "config"), [SMS])
    path = os.path.join(config, "templates", "obligation-breached.yaml")
    rewrite(path, *change)
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and says in done.stderr and re.search(r"obligation-breached.yaml: (line \d+: |larger)", done.stderr), done.stderr


@pytest.mark.parametrize("channels, settings, says", [
    ([{**SMS, "medium": "smss"}], {}, "did you mean sms"),
    ([{**SMS, "kind": "wecom"}], {}, "is no kind of sms"),
    ([{**SMS, "url": "ftp://x"}], {}, "url begins with http"),
    ([{**MAIL, "url": "smtp://user:pass@mail"}], {}, "no password"),
    ([SMS], {"quiet": "9-21"}, "hours such as"),
    ([SMS], {"unknown_routine": "repeet"}, "did you mean repeat"),
    ([SMS], {"receipts": "0.0.0.0:80"}, "loopback"),
    ([SMS], {"receipts": "127.0.0.1"}, "127.0.0.1:PORT"),
    ([SMS], {"receipts": "127.0.0.1:99999"}, "127.0.0.1:PORT"),
    ([SMS], {"receipts": "127.0.0.1:0x50"}, "127.0.0.1:PORT"),
    ([SMS], {"receipts": "127.example.net:80"}, "loopback"),
    ([SMS], {"sign": "【物业】"}, "without 【】"),
    ([SMS, SMS], {}, "stands there twice"),
    ([SMS], {"cut_water": "yes"}, "there is no key cut_water"),
])
def test_settings_that_are_refused(tmp_path, channels, settings, says):
    config = write_config(str(tmp_path / "config"), channels, settings=settings)
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and says in done.stderr and re.search(r"notify.yaml: line \d+: ", done.stderr), done.stderr


def test_every_template_that_is_asked_for_is_there():
    shipped = {name[:-5] for name in os.listdir(TEMPLATES)}
    assert {"obligation-opened", "obligation-warned", "obligation-breached", "obligation-forgotten", "role-empty", "bill-notice", "bill-reminder", "arrears-call",
            "arrears-visit", "formal-demand"} <= shipped


def test_the_shipped_settings_and_each_provider_in_their_comments(tmp_path):
    with open(os.path.join(os.path.dirname(TEMPLATES), "notify.yaml"), encoding="utf-8") as file:
        shipped = file.read()
    blocks = ["\n".join("  " + line[2:] for line in block.splitlines()) for block in re.findall(r"^# - channel: .*(?:\n#   .*)*", shipped, re.M)]
    assert [re.search(r"kind: (\w+)", block)[1] for block in blocks] == ["kannel", "gammu", "wecom"]
    config = write_config(str(tmp_path / "config"), [SMS])
    (tmp_path / "x.secret").write_text("user: u\npassword: p\n")
    alone = ["channels:\n" + block + "\nroutes:\n  - { wanted: sms, try: " + re.search(r"channel: (\S+)", block)[1] + " }\n" for block in blocks]
    for text in [shipped, *alone]:
        with open(os.path.join(config, "notify.yaml"), "w", encoding="utf-8") as file:
            file.write(re.sub(r"/etc/estated/notify/\w+\.secret", str(tmp_path / "x.secret"), text))
        done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
        assert done.returncode == 0, text + done.stderr


@pytest.mark.parametrize("name, change", [("bill-reminder", ("请尽快缴纳", "否则将停水停电")), ("formal-demand", ("tell us in writing", "expect us to cut off your water"))])
def test_who_owes_is_not_threatened_with_water_and_power(tmp_path, name, change):
    """民法典 944, in words: a notice of works on the pipes may say it, a reminder may not."""
    config = write_config(str(tmp_path / "config"), [SMS])
    shutil.copytree(os.path.join(os.path.dirname(TEMPLATES), "rules"), os.path.join(config, "rules"))
    path = os.path.join(config, "templates", name + ".yaml")
    text = rewrite(path, *change)
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "民法典 944" in done.stderr and f"template {name}" in done.stderr, done.stderr
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(config, "templates", "works.yaml"), "w", encoding="utf-8") as file:
        file.write('template: works\nzh_sms: "明日停水"\nen_sms: "No water tomorrow"\n')
    assert subprocess.run([NOTIFY, "--check-config", config], check=False).returncode == 0


@pytest.mark.parametrize("change, says", [
    (("template: bill-reminder", "template: bill-remainder"), "dunning.yaml line {line}: there is no template bill-remainder; did you mean bill-reminder"),
    (("template: bill-reminder", "template: role-empty"), "template role-empty: {{role}} is not given by"),
])
def test_what_rules_name_is_there(tmp_path, change, says):
    config = write_config(str(tmp_path / "config"), [SMS])
    shutil.copytree(os.path.join(os.path.dirname(TEMPLATES), "rules"), os.path.join(config, "rules"))
    assert subprocess.run([NOTIFY, "--check-config", config], check=False).returncode == 0
    path = os.path.join(config, "rules", "dunning.yaml")
    line = rewrite(path, *change, 1).split(change[0])[0].count("\n") + 1
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and says.replace("{line}", str(line)) in done.stderr, done.stderr
    os.remove(path)
    os.remove(os.path.join(config, "templates", "role-empty.yaml"))
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "estate-escalate: there is no template role-empty" in done.stderr


@pytest.mark.parametrize("phone, fine", [("+8613800001111", True), ("138 0000-1111", True), ("110", False), ("+86138x00001111", False), ("1380000111122223333", False)])
def test_numbers_that_are_none(tmp_path, phone, fine):
    config = write_config(str(tmp_path / "config"), [SMS], staff=[("lead-1", phone, "a@example.net")])
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == fine, done.stderr


@pytest.mark.parametrize("mail", ["a@b@c", "a b@example.net", "a@example.net\r\nBcc: x@example.net", "<a@example.net>", "@example.net", "a@"])
def test_addresses_that_are_none(tmp_path, mail):
    config = write_config(str(tmp_path / "config"), [SMS], staff=[("lead-1", "+8613900000001", mail)])
    done = subprocess.run([NOTIFY, "--check-config", config], capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "its email is none" in done.stderr
