"""F1–F3, F5: which reminder is due when, to whom, and when none is."""
import datetime
import json
import os
import subprocess
import tempfile

import daemon as harness
import pytest
from ledger_model import SITE

PROGRAM = harness.program("estate-dunning")
CONFIG = os.path.join(harness.REPOSITORY, "config")
HOME = "3-2-1201"
MONTH = {"household": HOME, "fee_kind": "management", "period": "2026-10", "amount": 30000, "due": "2026-10-20"}


class Story:
    """Events in order; "10-13 10:00" is of 2026.  The budget grants at once unless a test says otherwise."""

    def __init__(self):
        self.events = []
        self.at("09-01 09:00", "household.registered", HOME, kind="owner", name="***", party="p-1")

    def at(self, when, type_, subject, **data):
        day, clock = when.split()
        at = datetime.datetime.fromisoformat(f"2026-{day}T{clock}").replace(tzinfo=SITE)
        self.events.append({"specversion": "1.0", "id": f"e-{len(self.events)}", "source": "/test", "type": type_, "subject": subject,
                            "time": at.isoformat(), "data": data})
        return self

    def bill(self, when="10-01 09:00", name="B-1", **changes):
        return self.at(when, "bill.issued", name, **{**MONTH, **changes})

    def pay(self, when, amount=30000, name="P-1", bill="B-1", **changes):
        return self.at(when, "payment.posted", name, **{"household": HOME, "amount": amount, "bill": bill, "method": "bank", "received": f"2026-{when[:5]}",
                                                        **changes})

    def run(self, until="12-31 00:00", budget="granted", ask=None):
        with tempfile.TemporaryDirectory() as folder:
            log, script = os.path.join(folder, "log.jsonl"), os.path.join(folder, "answers.yaml")
            with open(log, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(e) + "\n" for e in sorted(self.events, key=lambda e: e["time"]))
            with open(script, "w", encoding="utf-8") as file:
                file.write("seed: 1\nanswers:\n  - name: budget\n    on: contact.requested\n    after: 0s\n    choose: { type: " +
                           {"granted": 'contact.granted, data: { for: dunning, ref: "{ref}" }',
                            "never": 'contact.deferred, data: { for: dunning, ref: "{ref}" }',
                            "silent": "none"}[budget] + " }\n")
            more = ["--ask", ask] if ask else []
            done = subprocess.run([PROGRAM, "--rehearse", log, "--config", CONFIG, "--respond", script, "--until", f"2026-{until.replace(' ', 'T')}:00+08:00", *more],
                                  capture_output=True, check=False)
        assert done.returncode == 0 and b" 0 parked" in done.stderr, done.stderr.decode()
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return lines[-1].get("answer", lines[-1]) if ask else lines


def site(event):
    return datetime.datetime.fromisoformat(event["time"].split(".")[0].rstrip("Z") + "+00:00").astimezone(SITE).strftime("%m-%d %H:%M")


def steps(lines):
    return [f"{site(e)} {e['data']['step']}" for e in lines if e["type"] == "dunning.due"]


def messages(lines):
    return [f"{site(e)} {e['data']['template']} {e['data']['params']['bills']} {e['data']['params']['amount']}" for e in lines if e["type"] == "notification.requested"]


def test_f3_the_whole_ladder_on_working_days():
    """10-25 and 12-19 are days off, and the step waits for the next that is worked; the others keep their distance to it."""
    lines = Story().bill().run(until="12-31 00:00")
    told = steps(lines)
    assert told[0] == "10-13 09:30 -7" and told[1] == "10-26 09:30 5"
    assert [line.split()[-1] for line in told] == ["-7", "5", "15", "30", "60"]
    assert all(line.split()[1] == "09:30" for line in told)
    assert [line.split()[2] for line in messages(lines)] == ["bill-notice", "bill-reminder", "arrears-call", "arrears-visit", "formal-demand"]
    assert [site(e) for e in lines if e["type"] == "arrears.opened"] == ["10-21 09:30"]
    assert {e["data"]["to"] for e in lines if e["type"] == "notification.requested"} == {HOME}


def test_f3_a_payment_ends_it():
    lines = Story().bill().pay("10-26 08:00").run()
    assert steps(lines) == ["10-13 09:30 -7"]
    assert [e["type"] for e in lines if e["type"].startswith("arrears.")] == ["arrears.opened", "arrears.cleared"]


def test_f3_a_part_is_asked_for_as_it_is():
    lines = Story().bill().pay("10-15 08:00", amount=10000).run(until="10-27 00:00")
    assert messages(lines)[-1] == "10-26 09:30 bill-reminder B-1 20000"


def test_f3_a_payment_taken_back_is_owed_again():
    lines = Story().bill().pay("10-15 08:00").at("10-28 10:00", "payment.reversed", "P-1", reason="test").run(until="11-02 00:00")
    assert steps(lines) == ["10-13 09:30 -7", "10-29 09:30 5"]


def test_f3_several_bills_are_one_message_and_one_does_not_silence_others():
    story = Story().bill().bill(name="B-2", fee_kind="water", amount=500).bill("10-02 09:00", "B-3", fee_kind="parking", amount=7, due="2026-10-21")
    lines = story.pay("10-14 08:00", amount=500, name="P-2", bill="B-2").run(until="10-28 00:00")
    assert messages(lines) == ["10-13 09:30 bill-notice B-1 B-2 30500", "10-14 09:30 bill-notice B-3 7", "10-26 09:30 bill-reminder B-1 B-3 30007"]


def test_f3_a_dispute_rests_that_bill_only_thirty_days_once():
    story = Story().bill().bill(name="B-2", fee_kind="water", amount=500).at("10-15 10:00", "dispute.opened", "B-1", reason="test", by="c-1")
    assert messages(story.run(until="10-28 00:00"))[-1] == "10-26 09:30 bill-reminder B-2 500"
    story.at("11-10 10:00", "dispute.opened", "B-1", reason="again", by="c-1")
    assert "11-16 09:30 bill-reminder B-1 30000" in messages(story.run(until="11-17 00:00"))     # 11-14 is the last day of rest, 11-15 a Sunday
    closed = Story().bill().at("10-15 10:00", "dispute.opened", "B-1", reason="test", by="c-1").at("10-27 10:00", "dispute.closed", "B-1", reason="so", by="c-1")
    assert steps(closed.run(until="10-29 00:00"))[-1] == "10-28 09:30 5"


def test_f3_the_lead_gives_a_dispute_more_time():
    story = Story().bill().at("10-15 10:00", "dispute.opened", "B-1", reason="test", by="c-1")
    story.at("11-10 10:00", "dispute.extended", "B-1", until="2026-11-25", reason="survey of the area", by="lead-1")
    assert steps(story.run(until="11-26 00:00")) == ["10-13 09:30 -7"] and steps(story.run(until="11-27 00:00"))[-1] == "11-26 09:30 5"
    # When it was over already, too; of one that nobody disputed: listed.
    late = Story().bill().at("10-15 10:00", "dispute.opened", "B-1", reason="test", by="c-1")
    late.at("11-15 10:00", "dispute.extended", "B-1", until="2026-11-25", reason="test", by="lead-1")
    assert steps(late.run(until="11-27 00:00"))[-1] == "11-26 09:30 5"
    none = Story().bill().at("10-15 10:00", "dispute.extended", "B-1", until="2026-11-25", reason="test", by="lead-1")
    assert steps(none.run(until="10-27 00:00"))[-1] == "10-26 09:30 5" and none.run(ask="reconcile")["rows"][0]["what"] == "extended_undisputed"


def test_f3_what_is_disputed_is_not_paid_by_money_that_does_not_name_it():
    def opens(story, until):
        rows = story.run(until=until, ask="household=" + json.dumps({"household": HOME}))["bills"]
        return {row["bill"]: row["open"] for row in rows}
    story = Story().bill().bill(name="B-2", fee_kind="parking", amount=500).at("10-05 10:00", "dispute.opened", "B-1", reason="test", by="c-1")
    story.at("10-06 09:00", "payment.posted", "P-1", household=HOME, amount=600, method="cash", received="2026-10-06")
    assert opens(story, "11-05 09:00") == {"B-1": 30000, "B-2": 0}
    # Its thirty days are over: what was left pays it, of value from then.
    assert opens(story, "11-05 09:31") == {"B-1": 29900, "B-2": 0}
    as_of = story.run(until="12-01 00:00", ask="household=" + json.dumps({"household": HOME, "as_of": "2026-11-03"}))
    assert [row["open"] for row in as_of["bills"]] == [30000, 0] and as_of["accounts"]["credit"] == -100
    named = story.pay("10-07 08:00", amount=1000, name="P-2")
    assert opens(named, "10-08 00:00") == {"B-1": 29000, "B-2": 0}
    closed = story.at("10-09 10:00", "dispute.closed", "B-1", reason="right", by="c-1")
    assert opens(closed, "10-10 00:00") == {"B-1": 28900, "B-2": 0}


def test_f3_a_promise_rests_until_its_day():
    story = Story().bill().at("10-22 10:00", "promise.made", "B-1", until="2026-10-29", by="c-1")
    assert steps(story.run(until="10-31 00:00")) == ["10-13 09:30 -7", "10-30 09:30 5"]
    of_all = Story().bill().at("10-22 10:00", "promise.made", HOME, until="2026-10-29", by="c-1")
    assert steps(of_all.run(until="10-31 00:00")) == ["10-13 09:30 -7", "10-30 09:30 5"]


def test_f3_promises_are_not_renewed_for_ever():
    """Two, then the ladder goes on; what was promised in vain is listed, begins the limitation anew, and the lead may allow another."""
    story = Story().bill().at("10-21 10:00", "promise.made", "B-1", until="2026-10-29", by="c-1").at("10-29 10:00", "promise.made", "B-1", until="2026-11-05", by="c-1")
    story.at("11-05 10:00", "promise.made", "B-1", until="2026-12-30", by="c-1")
    assert steps(story.run(until="11-07 00:00")) == ["10-13 09:30 -7", "11-06 09:30 5"]
    assert [(row["what"], row["bill"]) for row in story.run(ask="reconcile")["rows"]] == [("promised_again", "B-1")]
    assert story.run(ask='household={"household":"3-2-1201"}')["bills"][0]["limitation"] == "2029-11-05"
    for role, rests in ("cs_lead", True), ("site_manager", True), ("clerk", False):
        allowed = Story()
        allowed.events = story.events + []
        allowed.at("11-05 11:00", "promise.made", "B-1", until="2026-11-12", by="x-1", role=role)
        assert (steps(allowed.run(until="11-12 00:00")) == ["10-13 09:30 -7"]) == rests, role
    # An earlier day than was promised is none of them.
    sooner = Story().bill()
    for n, until in enumerate(("11-20", "11-10", "11-05", "10-29")):
        sooner.at(f"10-2{1 + n} 10:00", "promise.made", "B-1", until=f"2026-{until}", by="c-1")
    assert steps(sooner.run(until="10-31 00:00"))[-1] == "10-30 09:30 5" and sooner.run(until="10-31 00:00", ask="reconcile")["rows"] == []


def test_f3_a_payment_on_its_way_is_waited_for():
    expires = "2026-10-26T09:45:00+08:00"
    story = Story().bill().at("10-26 09:15", "payment.initiated", "P-1", household=HOME, amount=30000, bill="B-1", expires=expires)
    assert steps(story.run(until="10-28 00:00")) == ["10-13 09:30 -7", "10-27 09:30 5"]
    failed = Story().bill().at("10-26 09:15", "payment.initiated", "P-1", household=HOME, amount=30000, bill="B-1", expires=expires)
    failed.at("10-26 09:20", "payment.failed", "P-1", household=HOME, amount=30000, bill="B-1")
    assert steps(failed.run(until="10-28 00:00")) == ["10-13 09:30 -7", "10-26 09:30 5"]


def test_f3_hardship_rests_all():
    story = Story().bill().at("10-10 10:00", "hardship.granted", HOME, by="m-1")
    assert steps(story.run(until="11-20 00:00")) == []
    story.at("11-10 10:00", "hardship.ended", HOME, by="m-1")
    assert steps(story.run(until="11-12 00:00")) == ["11-11 09:30 5"]


def test_f3_a_new_owner_is_never_asked_for_an_old_debt():
    story = Story().bill().at("10-22 10:00", "household.transferred", HOME, date="2026-10-22", to="p-2")
    story.bill("11-01 09:00", "B-2", period="2026-11", due="2026-11-20", amount=400)
    told = messages(story.run())
    assert told[0].endswith("B-1 30000") and told[1:] and all("B-1" not in line for line in told[1:])
    gone = Story().bill().at("10-22 10:00", "household.moved_out", HOME, date="2026-10-22")
    assert steps(gone.run()) == ["10-13 09:30 -7"]


def test_f3_who_pays_by_agreement_is_asked():
    """物业管理条例 41: the tenant pays as agreed, the owner is liable beside him; each has a message of his own."""
    story = Story().bill().bill("10-01 10:00", "B-2", fee_kind="water", amount=500, payer="tenant-1")
    assert messages(story.run(until="10-16 00:00")) == ["10-13 09:30 bill-notice B-1 30000", "10-14 09:30 bill-notice B-2 500"]
    # When the flat is sold, the new owner is not liable for it …
    sold = Story().bill("10-01 10:00", payer="tenant-1").at("10-12 10:00", "household.transferred", HOME, date="2026-10-12", to="p-2")
    assert messages(sold.run()) == []
    # … nor for the last bill of the former one, whenever that is written.
    last = Story().at("10-01 08:00", "household.transferred", HOME, date="2026-10-01", to="p-2").bill("10-02 09:00", payer="p-1").bill("10-02 10:00", "B-2", payer="tenant-1")
    assert messages(last.run(until="10-14 00:00")) == ["10-13 09:30 bill-notice B-2 30000"]
    # Whoever comes back is no former one; and the register may name the owner after the bill.
    back = Story().at("10-01 08:00", "household.transferred", HOME, date="2026-10-01", to="p-2").at("10-02 08:00", "household.transferred", HOME, date="2026-10-02", to="p-1")
    assert messages(back.bill("10-03 09:00", payer="p-1").run(until="10-14 00:00")) == ["10-13 09:30 bill-notice B-1 30000"]
    late = Story()
    late.events.clear()
    late.bill("10-01 10:00", payer="tenant-1").at("10-05 09:00", "household.registered", HOME, kind="owner", name="***", party="p-1")
    assert messages(late.run(until="10-14 00:00")) == ["10-13 09:30 bill-notice B-1 30000"]


def test_f3_a_party_that_is_named_late():
    """A bill before anybody said who pays: the party that the register names; but not the one that a transfer names."""
    story = Story()
    story.events.clear()
    story.bill().at("10-02 09:00", "payment.posted", "P-1", household=HOME, amount=10, method="cash", received="2026-10-02")
    registered = Story()
    registered.events = story.events + []
    registered.at("10-05 09:00", "household.registered", HOME, kind="owner", name="***", party="p-1")
    registered.at("10-06 09:00", "payment.posted", "P-2", household=HOME, amount=90, method="cash", received="2026-10-06")
    assert messages(registered.run(until="10-14 00:00")) == ["10-13 09:30 bill-notice B-1 29900"]
    story.at("10-05 09:00", "household.transferred", HOME, date="2026-10-05", to="p-2")
    assert messages(story.run()) == []


def test_f3_without_the_budget_nobody_is_asked():
    assert [e["type"] for e in Story().bill().run(until="10-20 00:00", budget="silent")] == ["contact.requested"]
    lines = Story().bill().run(until="12-31 00:00", budget="never")
    # Passed over, step by step; the letter asks nobody.
    assert [line.split()[2] for line in messages(lines)] == ["formal-demand"]


def test_f3_holds_looks_at_the_ledger_again():
    story = Story().bill()
    lines = story.run(until="10-27 00:00")
    notice = [e for e in lines if e["type"] == "notification.requested"][-1]["data"]["notification"]
    ask = "holds=" + json.dumps({"notification": notice})
    assert story.run(until="10-27 00:00", ask=ask)["holds"] is True
    part = story.pay("10-26 11:00", amount=1).run(until="10-27 00:00", ask=ask)
    assert (part["holds"], part["reason"]) == (False, "amount_changed")
    whole = Story().bill().pay("10-26 11:00").run(until="10-27 00:00", ask=ask)
    assert (whole["holds"], whole["reason"]) == (False, "settled")
    disputed = Story().bill().at("10-26 11:00", "dispute.opened", "B-1", reason="test", by="c-1").run(until="10-27 00:00", ask=ask)
    assert (disputed["holds"], disputed["reason"]) == (False, "dispute")


def test_f3_withdrawn_and_a_new_message_follows():
    story = Story().bill().pay("10-26 11:00", amount=1)
    notice = [e for e in story.run(until="10-27 00:00") if e["type"] == "notification.requested"][-1]["data"]["notification"]
    story.at("10-26 11:05", "notification.withdrawn", HOME, notification=notice, reason="amount_changed")
    assert messages(story.run(until="10-28 00:00"))[1:] == ["10-26 09:30 bill-reminder B-1 30000", "10-27 09:30 bill-reminder B-1 29999"]


def test_f3_absurd_amounts_wait_for_somebody():
    story = Story().bill(amount=100000001)
    assert steps(story.run()) == []
    assert story.run(ask="reconcile")["rows"][0]["what"] == "absurd"


def test_f3_limitation_is_three_years_from_what_interrupted_it():
    story = Story().bill()
    ask = "household=" + json.dumps({"household": HOME})
    assert story.run(ask=ask)["bills"][0]["limitation"] == "2029-10-20"
    story.at("11-05 10:00", "demand.served", "B-1", amount=30000, method="by hand", evidence="signed", by="m-1")
    bill = story.run(ask=ask)["bills"][0]
    assert (bill["limitation"], bill["interrupted_by"]) == ("2029-11-05", "demand") and bill["interrupted_event"] == bill["demand_event"] > 0


def test_f3_a_formal_demand_names_every_bill():
    """It is the evidence of what was demanded; a text message counts those for which it has no room."""
    story = Story()
    for n in range(24):
        story.bill(name=f"{HOME}/management/2026-10/{n:032}")
    lines = [e["data"] for e in story.run(until="12-31 00:00") if e["type"] == "notification.requested"]
    letter = [d for d in lines if d["template"] == "formal-demand"]
    assert [len(d["params"]["bills"].split()) for d in letter] == [24] and letter[0]["params"]["amount"] == 24 * 30000
    assert "+" in lines[0]["params"]["bills"] and len(lines[0]["params"]["bills"]) < 200


def test_f3_filed_is_no_longer_asked():
    assert len(steps(Story().bill().at("11-01 10:00", "legal.filed", "B-1", amount=30000, method="court", by="m-1").run())) == 2


@pytest.mark.parametrize("type_, subject, data, says", [
    ("bill.issued", "B-1", {**MONTH, "amount": -1}, "data.amount"),
    ("bill.issued", "B-1", {**MONTH, "amount": 12.5}, "data.amount"),
    ("bill.issued", "B-1", {**MONTH, "amount": "300.00 CNY"}, "data.amount"),
    ("bill.issued", "B-1", {**MONTH, "amount": 2**62}, "data.amount"),
    ("bill.issued", "B-1", {**MONTH, "fee_kind": "gas"}, "data.fee_kind"),
    ("bill.issued", "B-1", {**MONTH, "due": "2026-02-30"}, "data.due"),
    ("bill.issued", "B-1", {**MONTH, "household": "3 2\r\nBcc: x"}, "data.household"),
    ("payment.posted", "P-1", {"household": HOME, "amount": -5, "method": "cash", "received": "2026-10-01"}, "data.amount"),
])
def test_what_is_no_bill_never_reaches_the_ledger(type_, subject, data, says):
    story = Story().at("10-01 09:00", type_, subject, **data)
    lines = "".join(json.dumps(e) + "\n" for e in story.events).encode()
    done = subprocess.run([PROGRAM, "--rehearse", "-", "--config", CONFIG, "--ask", "reconcile"], input=lines, capture_output=True, check=False)
    assert done.returncode == 1 and says in done.stderr.decode() and b" 0 parked, 1 refused" in done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])["answer"]
    assert answer["accounts"]["billed"] == answer["accounts"]["received"] == 0


def test_f1_the_monthly_run_twice_changes_nothing():
    story = Story().bill().bill("10-01 10:00")
    account = story.run(ask="reconcile")
    assert account["accounts"]["due"] == 30000 and account["rows"] == []
    odd = story.bill("10-01 11:00", amount=31000).run(ask="reconcile")
    assert odd["accounts"]["due"] == 30000 and [(r["what"], r["amount"], r["expected"]) for r in odd["rows"]] == [("reissued", 31000, 30000)]
    assert story.at("10-02 09:00", "bill.delivered", "B-1").run(ask="household=" + json.dumps({"household": HOME}))["bills"][0]["delivered"] is True


def test_f2_the_order_of_kinds():
    story = Story().bill().bill(name="B-2", fee_kind="water", amount=500)
    story.at("10-05 09:00", "payment.posted", "P-1", household=HOME, amount=600, method="cash", received="2026-10-05")
    bills = {b["bill"]: b["open"] for b in story.run(ask="household=" + json.dumps({"household": HOME}))["bills"]}
    assert bills == {"B-1": 29900, "B-2": 0}


def test_f3_nothing_is_silent():
    """A second payment, one of a cancelled bill, one for nobody's bill: listed, and the money kept."""
    story = Story().bill().pay("10-02 08:00").pay("10-03 08:00", name="P-2").at("10-04 08:00", "bill.cancelled", "B-1", reason="test")
    story.pay("10-05 08:00", name="P-3").pay("10-06 08:00", name="P-4", bill="B-9")
    said = story.run(ask="reconcile")
    assert sorted(row["what"] for row in said["rows"]) == ["cancelled_bill", "duplicate"]
    assert said["sum"] == 0 and said["accounts"]["credit"] == -90000 and said["accounts"]["unmatched"] == -30000
    # Its bill comes after all.
    assert story.bill("10-07 08:00", "B-9", amount=20000).run(ask="reconcile")["accounts"]["unmatched"] == 0


def test_f3_all_that_does_not_fit_is_listed():
    """Several at once: money that waited for its bill, a household's bills that the lead extends without a dispute."""
    story = Story()
    for n in range(3):
        story.pay(f"10-0{n + 1} 08:00", name=f"P-{n}", bill="B-9")
    story.bill("10-07 08:00", "B-9").bill("10-08 08:00", "B-10").bill("10-08 09:00", "B-11", fee_kind="water").bill("10-08 09:30", "B-12", fee_kind="rent")
    story.at("10-09 08:00", "dispute.extended", HOME, until="2026-12-01", reason="test", by="lead-1")
    rows = story.run(ask="reconcile")["rows"]
    # P-1 and P-2 were for a settled bill: a credit, which paid two of the others.
    assert sorted((r["what"], r.get("payment", r.get("bill"))) for r in rows) == [("duplicate", "P-1"), ("duplicate", "P-2"), ("extended_undisputed", "B-12")]
    story = Story().bill("10-08 08:00", "B-10").bill("10-08 09:00", "B-11", fee_kind="water")
    story.at("10-09 08:00", "dispute.extended", HOME, until="2026-12-01", reason="test", by="lead-1")
    assert sorted(r["bill"] for r in story.run(ask="reconcile")["rows"]) == ["B-10", "B-11"]


def test_f3_taken_back_before_it_came_is_not_there():
    """Events overtake each other: a bounced payment whose posting comes late is no money, and both are listed."""
    story = Story().bill().at("10-05 08:00", "payment.initiated", "P-1", household=HOME, amount=30000, bill="B-1", expires="2026-10-19T08:00:00+08:00")
    story.at("10-06 08:00", "payment.reversed", "P-1", reason="bounced").pay("10-06 09:00")
    said = story.run(until="10-14 00:00", ask="reconcile")
    assert said["accounts"]["due"] == 30000 and said["accounts"]["received"] == said["accounts"]["unmatched"] == 0
    assert [r["what"] for r in said["rows"]] == ["posted_again", "reversed_unposted"]
    assert steps(story.run(until="10-14 00:00")) == ["10-13 09:30 -7"], "it is not on its way any more"


def test_f3_a_payment_is_not_on_its_way_for_ever():
    story = Story().bill().at("10-05 08:00", "payment.initiated", "P-1", household=HOME, amount=30000, bill="B-1", expires="2099-01-01T00:00:00+08:00")
    assert steps(story.run(until="11-02 00:00")) == ["10-20 09:30 -7"]


def test_f3_what_came_late_does_not_shorten_the_limitation():
    """A part that was received before the demand and is posted after it."""
    story = Story().bill().at("11-05 10:00", "demand.served", "B-1", amount=30000, method="by hand", evidence="signed", by="m-1")
    story.pay("11-10 08:00", 10000, received="2026-11-01")
    bill = story.run(ask="household=" + json.dumps({"household": HOME}))["bills"][0]
    assert (bill["limitation"], bill["interrupted_by"], bill["open"]) == ("2029-11-05", "demand", 20000)


@pytest.mark.parametrize("type_, subject, data, why, until", [
    ("dispute.opened", "B-1", {"reason": "test", "by": "c-1"}, "dispute", "2026-11-01T16:00:00"),
    ("promise.made", "B-1", {"until": "2026-10-30", "by": "c-1"}, "promise", "2026-10-30T16:00:00"),
    ("hardship.granted", HOME, {"by": "m-1"}, "hardship", None),
    ("household.transferred", HOME, {"date": "2026-10-02", "to": "p-2"}, "former_party", None),
    ("household.moved_out", HOME, {"date": "2026-10-02"}, "moved_out", None),
])
def test_f3_the_account_says_why_nobody_is_asked(type_, subject, data, why, until):
    story = Story().bill().at("10-02 08:00", type_, subject, **data)
    bill = story.run(until="10-05 00:00", ask="household=" + json.dumps({"household": HOME}))["bills"][0]
    assert bill["rests"] == why and (bill.get("rests_until") or "").startswith(until or "") and ("rests_until" in bill) == (until is not None)
    assert "rests" not in Story().bill().run(until="10-05 00:00", ask="household=" + json.dumps({"household": HOME}))["bills"][0]


def test_f5_the_rate_of_a_month():
    story = Story().bill().bill("11-01 09:00", "B-2", period="2026-11", due="2026-11-20").pay("11-10 08:00").pay("12-02 08:00", 10000, "P-2", "B-2",
                                                                                                                     received="2026-11-30")
    rows = {row["kind"]: row for row in story.run(ask='collection={"period":"2026-11","as_of":"2026-11-30"}')["rows"]}
    row = rows["management"]
    assert (row["due"], row["collected"], row["rate"]) == (30000, 10000, 333)        # posted late, counted from when it was received
    assert (row["prior_due"], row["prior_recovered"], row["prior_rate"]) == (30000, 30000, 1000)
    assert rows["rent"]["rate"] == "n/a"
    story.bill("11-02 09:00", "B-3", household="4-1-101", period="2026-11", due="2026-11-20", amount=100)
    said = story.run(ask='collection={"period":"2026-11","as_of":"2026-11-30","by":"building"}')["rows"]
    assert [(row["building"], row["due"], row["collected"], row["rate"]) for row in said] == [("3", 30000, 10000, 333), ("4", 100, 0, 0), ("all", 30100, 10000, 332)]
    only = story.run(ask='collection={"period":"2026-11","as_of":"2026-11-30","building":"4"}')["rows"]
    assert [(row["kind"], row["due"]) for row in only if row["due"]] == [("management", 100), ("all", 100)]
