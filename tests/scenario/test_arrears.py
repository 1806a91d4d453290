"""estate arrears, estate household: what the ledger of a live estate-dunning says, in words, in sixty columns and for programs."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import unicodedata

import pytest

import daemon as harness

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "rules"))
from test_month_of_kills import Shipped  # noqa: E402  pylint: disable=wrong-import-position

KINDS = ["management", "water", "repair_fund"]


def event(number, type_, subject, **data):
    return {"specversion": "1.0", "id": f"a-{number}", "source": "/test", "type": type_, "subject": subject, "data": data}


@pytest.fixture(scope="module")
def desk():
    """Three households: one owes two bills, one has paid too much, one owes nothing. The year is 2024, which is over."""
    with harness.Daemon() as daemon, Shipped(daemon, "dunning") as worker:
        worker.await_rules(daemon.client("rules"))
        client, number = daemon.client("feed"), 0
        client.hello()
        events = []
        for home in ("3-2-1201", "3-2-1202", "4-1-101"):
            events.append(("household.registered", home, {"kind": "owner", "name": "***", "party": f"p-{home}"}))
            for kind in KINDS:
                events.append(("bill.issued", f"{home}/{kind}", {"household": home, "fee_kind": kind, "period": "2024-10", "amount": 123456, "due": "2024-10-20"}))
        events.append(("payment.posted", "P-1", {"household": "3-2-1201", "bill": "3-2-1201/water", "amount": 123456, "method": "bank", "received": "2024-10-11"}))
        events.append(("payment.posted", "P-2", {"household": "3-2-1202", "amount": 400000, "method": "bank", "received": "2024-10-12"}))
        events.append(("payment.posted", "P-3", {"household": "4-1-101", "amount": 123457, "method": "bank", "received": "2024-10-31"}))
        events.append(("dispute.opened", f"4-1-101/{KINDS[0]}", {"reason": "test", "by": "c-1"}))
        for type_, subject, data in events:
            number += 1
            client.put(event(number, type_, subject, **data))
        yield daemon


def ran(desk, *words, expect=0, **env):
    done = subprocess.run([harness.program("estate"), *words], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                          env={**os.environ, "ESTATE_ENDPOINT": desk.endpoint, "LC_ALL": "C.UTF-8", **env})
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def width(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def on_a_terminal(desk, columns, *words, **env):
    """What somebody sees on one of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen([harness.program("estate"), *words, "--no-color"], stdout=theirs, stderr=theirs,
                          env={**os.environ, "ESTATE_ENDPOINT": desk.endpoint, "LC_ALL": "C.UTF-8", **env}) as process:
        os.close(theirs)
        text = b""
        try:
            while part := os.read(ours, 65536):
                text += part
        except OSError:
            pass
        os.close(ours)
        assert process.wait(harness.VERB_S) == 0, text
    return text.decode().replace("\r\n", "\n").splitlines()


def test_arrears_in_numbers(desk):
    told = json.loads(ran(desk, "arrears", "--period", "2024", "--json").stdout)
    assert told["overdue"] == 123456 * 2 + 123456 * 3 - 123457 == sum(told["ages"].values()) == told["ages"]["over_365"]
    assert [(h["household"], h["bills"], h["overdue"]) for h in told["households"]] == [("3-2-1201", 2, 246912), ("4-1-101", 2, 246911)]
    kinds = {k["kind"]: k for k in told["kinds"]}
    assert kinds["all"]["overdue"] == told["overdue"] and kinds["all"]["due"] == 9 * 123456 and kinds["all"]["collected"] == 123456 + 3 * 123456 + 123457
    assert kinds["water"]["rate"] == 1000 and kinds["rent"]["rate"] is None and kinds["rent"]["overdue"] == 0
    # As of a day; of a building; of a fee.
    told = json.loads(ran(desk, "arrears", "--as-of", "2024-10-31", "--json").stdout)
    assert told["as_of"] == "2024-10-31" and told["households"] == [] and told["overdue"] == 0       # the bills were put later
    told = json.loads(ran(desk, "arrears", "--building", "4", "--json").stdout)
    assert [h["household"] for h in told["households"]] == ["4-1-101"] and "rate" not in told["kinds"][0]
    told = json.loads(ran(desk, "arrears", "--kind", "management", "--json").stdout)
    assert [(k["kind"], k["overdue"]) for k in told["kinds"]] == [("management", told["overdue"])]


@pytest.mark.parametrize("locale, words", [("C.UTF-8", ("over a year", "repair_fund", "4,938.23 yuan of 2 households", "EARLIER RATE")),
                                           ("zh_CN.UTF-8", ("一年以上", "房屋本体维修基金", "逾期 4,938.23 元，2 户", "往年追回率"))])
def test_arrears_in_words(desk, locale, words):
    shown = on_a_terminal(desk, 60, "arrears", LC_ALL=locale)
    assert all(width(line) <= 60 for line in shown), shown
    assert all(any(word in line for line in shown) for word in words), shown
    wide = ran(desk, "arrears", "--period", "2024", LC_ALL=locale).stdout
    assert "11,111.04" in wide and "55.5%" in wide


@pytest.mark.parametrize("locale, words", [("C.UTF-8", ("left over", "paid", "posted")), ("zh_CN.UTF-8", ("预存余额", "已缴", "已入账"))])
def test_a_household_in_words(desk, locale, words):
    shown = on_a_terminal(desk, 60, "household", "3-2-1202", LC_ALL=locale)
    assert all(width(line) <= 60 for line in shown), shown
    assert all(any(word in line for line in shown) for word in words), shown
    assert any("296.32" in line for line in shown)                  # 4,000.00 less three bills
    owing = ran(desk, "household", "3-2-1201", "--open", LC_ALL=locale).stdout
    assert owing.count("2024-10 ") == 2 and "2,469.12" in owing
    # Why nobody is asked.
    resting = on_a_terminal(desk, 60, "household", "4-1-101", LC_ALL=locale)
    assert sum(line.endswith(("disputed", "争议中")) for line in resting) == 1 and all(width(line) <= 60 for line in resting), resting


def test_a_household_for_programs(desk):
    told = json.loads(ran(desk, "household", "4-1-101", "--json").stdout)
    assert sum(b["open"] for b in told["bills"]) == 246911 and len(told["bills"]) == 3
    assert told["sum"] == 0 and told["payments"][0]["payment"] == "P-3" and len(told["payments"]) == 1 and told["seq"] > 0


@pytest.mark.parametrize("words, expect, says", [
    (("arrears", "--as-of", "31.10.2026"), 2, "a day is written 2026-11-30"),
    (("arrears", "--kind", "watter"), 1, "management, vacant, rent"),
    (("arrears", "3-2-1201"), 2, "estate household 3-2-1201"),
    (("arrears", "--building", "3", "--period", "2026"), 2, "not counted by building"),
    (("household", "9-9-999"), 1, "estate-dunning knows none such: no event has told of this household"),
    (("household",), 2, "which household?"),
    (("household", "房"), 2, "is no id"),
])
def test_what_will_not_do(desk, words, expect, says):
    assert says in ran(desk, *words, expect=expect).stderr


def test_nobody_answers(daemon):
    assert "estate-dunning does not run" in ran(daemon, "arrears", expect=1).stderr
