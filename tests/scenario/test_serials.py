"""F4: the registers of receipts, invoices and cards: what is missing, what is there twice."""
import json
import os
import subprocess

import daemon as harness


class Desk:
    def __init__(self, daemon):
        self.daemon, self.count, self.client = daemon, 0, daemon.client("desk")
        self.client.hello()

    def put(self, type_, subject, when="2026-10-05T02:00:00Z", **data):
        self.count += 1
        base = {"receipt": {"payment": "P-1", "amount": 100, "by": "cashier-1", "kind": "receipt"}, "card": {"household": "1-1-101", "by": "cs-1", "kind": "parking"},
                "record": {"by": "lead-1", "reason": "写错"}}[type_.split(".")[0]]
        return self.client.put({"specversion": "1.0", "id": f"d-{self.count}", "source": "/test", "type": type_, "subject": subject, "time": when, "data": {**base, **data}}).seq

    def serials(self, *arguments, language="C.UTF-8"):
        return subprocess.run([harness.program("estate"), "report", "serials", *arguments], capture_output=True, text=True, check=True, timeout=harness.VERB_S,
                              env={**os.environ, "ESTATE_ENDPOINT": self.daemon.endpoint, "LC_ALL": language}).stdout

    def registers(self, *arguments):
        return {(r["kind"], r["register"]): r for r in json.loads(self.serials("--json", *arguments))["registers"]}


def test_f4_gaps_and_twins(daemon):
    desk = Desk(daemon)
    for number in (1, 2, 4, 9, 10, 10, 11):
        desk.put("receipt.issued", f"R-{number:06}")
    desk.put("receipt.issued", "R-000003", kind="invoice")                    # a register of its own
    desk.put("receipt.voided", "R-000004")
    desk.put("card.issued", "K7")
    desk.put("card.issued", "K8")
    desk.put("card.returned", "K7")
    desk.put("card.issued", "no-number")
    told = desk.registers()
    assert told["receipt", "R-"] == {"kind": "receipt", "register": "R-", "numbered": True, "issued": 6, "over": 1, "missing": 5, "gaps": ["R-000003", "R-000005..R-000008"],
                                     "twice": ["R-000010"]}
    assert told["invoice", "R-"]["missing"] == 0 and told["parking", "K"]["over"] == 1 and not told["parking", "no-number"]["numbered"]
    text = desk.serials(language="zh_CN.UTF-8")
    assert "缺号：R-000003, R-000005–R-000008" in text and "重号：R-000010" in text


def test_f4_by_period_and_corrected(daemon):
    desk = Desk(daemon)
    desk.put("receipt.issued", "A1", when="2026-09-30T15:59:59Z")
    wrong = desk.put("receipt.issued", "A9", when="2026-10-01T02:00:00Z")     # a slip: there is no A9
    desk.put("receipt.issued", "A3", when="2026-10-31T02:00:00Z")
    assert desk.registers("--period", "2026-10")["receipt", "A"]["gaps"] == ["A2", "A4..A8"]
    desk.put("record.retracted", "A9", event=wrong)
    assert desk.registers("--period", "2026-10")["receipt", "A"]["gaps"] == ["A2"]      # below A3, which is of October
    assert desk.registers("--period", "2026-09")["receipt", "A"]["gaps"] == [] and desk.registers("--period", "2026-11") == {}
    assert "Nothing was handed out" in desk.serials("--period", "2026-11")


def test_f4_a_long_register(daemon):
    """36,000 of them, every hundredth missing."""
    lines = "\n".join(json.dumps({"specversion": "1.0", "id": f"r-{n}", "source": "/test", "type": "receipt.issued", "subject": f"R{n}", "time": "2026-10-05T02:00:00Z",
                                  "data": {"kind": "receipt", "payment": f"P-{n}", "amount": 1, "by": "c"}}) for n in range(1, 36001) if n % 100)
    daemon.estate("put", "--batch", "64", stdin=lines)
    one = Desk(daemon).registers()["receipt", "R"]
    assert (one["issued"], one["missing"], len(one["gaps"]), one["gaps"][0]) == (35640, 359, 359, "R100")
    assert "…" in Desk(daemon).serials()
