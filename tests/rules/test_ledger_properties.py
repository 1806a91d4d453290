"""F1, F2, F5: random ledgers, a household each, against a model that counts again from the log: money conserved to the fen, as of any date."""
import datetime
import json
import os
import random
import subprocess

import daemon as harness
import pytest
from ledger_model import KINDS, SITE, Ledger

PROGRAM = harness.program("estate-dunning")
CONFIG = os.path.join(harness.REPOSITORY, "config")
BEGIN = datetime.datetime(2025, 11, 1, 9, 0, tzinfo=SITE)
DAYS = 150
HOUSEHOLDS = 250
SEEDS = range(40) if os.environ.get("ESTATE_LONG") == "1" else range(2)


class Life:
    """What happens to one household: every edge there is, far more often than in life."""

    def __init__(self, draw, name):
        self.draw, self.name, self.events, self.bills, self.payments = draw, name, [], [], 0
        self.party = f"p-{name}"

    def put(self, day, type_, subject, **data):
        at = BEGIN + datetime.timedelta(days=day, seconds=self.draw.randrange(36000))
        self.events.append({"specversion": "1.0", "id": f"{self.name}-{len(self.events)}", "source": "/test", "type": type_, "subject": subject,
                            "time": at.isoformat(), "data": data})

    def pay(self, day, bill, amount):
        name = f"P-{self.name}-{self.payments}"
        self.payments += 1
        received = (BEGIN + datetime.timedelta(days=day - self.draw.choice([0, 0, 0, 1, 3, 20, -2]))).date().isoformat()
        data = {"household": self.name, "amount": amount, "method": "bank", "received": received}
        if self.draw.random() < 0.7:
            data["bill"] = bill
        if self.draw.random() < 0.03:
            data["household"] = "9-9-999"
        self.put(day, "payment.posted", name, **data)
        if self.draw.random() < 0.1:
            self.put(day + 1, "payment.posted", name, **data)
        if self.draw.random() < 0.2:
            self.put(max(0, day + self.draw.randrange(-3, 30)), "payment.reversed", name, reason="test")

    def dispute(self, day, of):
        draw = self.draw
        self.put(day, "dispute.opened", of, reason="test", by="c-1")
        if draw.random() < 0.4:
            until = (BEGIN + datetime.timedelta(days=day + draw.choice([-5, 10, 35, 50, 5000]))).date().isoformat()
            self.put(day + draw.choice([0, 20, 29, 31, 40]), "dispute.extended", of, until=until, reason="test", by="lead-1")
        if draw.random() < 0.5:
            self.put(day + draw.choice([0, 3, 29, 30, 31, 60]), draw.choice(["dispute.closed", "dispute.closed", "dispute.opened"]), of, reason="test", by="c-1")

    def live(self):
        draw = self.draw
        if draw.random() < 0.9:
            self.put(draw.choice([0, 0, 40]), "household.registered", self.name, kind="owner", name="***", party=self.party)
        if draw.random() < 0.1:
            self.put(draw.randrange(DAYS), "household.transferred", self.name, date="2026-01-01", to=self.party + "-2")
        for _ in range(draw.randrange(8)):
            day, kind, amount = draw.randrange(DAYS), draw.choice(KINDS), draw.choice([0, 1, 100, 4567, 10**12 - 1000])
            month = (BEGIN + datetime.timedelta(days=day)).strftime("%Y-%m")
            bill = f"B-{self.name}-{len(self.bills)}"
            self.bills.append(bill)
            data = {"household": self.name, "fee_kind": kind, "period": month, "amount": amount,
                    "due": (BEGIN + datetime.timedelta(days=day + draw.choice([-3, 0, 10, 10, 20]))).date().isoformat()}
            if draw.random() < 0.3:
                data["payer"] = draw.choice([self.party, self.party + "-2"])
            self.put(day, "bill.issued", bill, **data)
            if draw.random() < 0.1:
                self.put(day + 2, "bill.issued", bill, **{**data, "amount": draw.choice([amount, amount // 2])})
            for _ in range(draw.choice([0, 1, 1, 2, 3])):
                self.pay(max(0, day + draw.randrange(-5, 60)), bill, draw.choice([amount, amount, max(1, amount // 3), amount + 50, 1, 0]))
            if draw.random() < 0.3:
                self.dispute(max(0, day + draw.randrange(-2, 30)), draw.choice([bill, bill, self.name]))
            if draw.random() < 0.2:
                self.put(max(0, day + draw.randrange(-2, 40)), draw.choice(["bill.waived", "bill.cancelled", "bill.cancelled"]), bill, reason="test")
        return self.events


def ledgers(seed):
    draw = random.Random(seed)
    events = [event for n in range(HOUSEHOLDS) for event in Life(draw, f"{n % 9 + 1}-1-{n}").live()]
    return sorted(events, key=lambda e: (datetime.datetime.fromisoformat(e["time"]), e["id"]))


def ask(path, name, **arguments):
    """All pages of an answer, and every row of them."""
    done = subprocess.run([PROGRAM, "--rehearse", path, "--config", CONFIG, "--until", "2026-08-01T00:00:00+08:00", "--ask", f"{name}={json.dumps(arguments)}"],
                          capture_output=True, check=False)
    assert done.returncode == 0 and b" 0 parked" in done.stderr, done.stderr.decode()
    pages = [json.loads(line)["answer"] for line in done.stdout.splitlines() if b'"answer"' in line]
    return pages[0], [row for page in pages for row in page["rows"]]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_household_owes_what_the_log_says(seed, tmp_path):
    path = str(tmp_path / "log.jsonl")
    events = ledgers(seed)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    model = Ledger(events)
    model.until(datetime.datetime(2026, 8, 1, tzinfo=SITE))
    answer, _ = ask(path, "reconcile")
    assert answer["sum"] == 0 and answer["accounts"] == model.accounts()
    for day in "2025-11-20", "2025-12-31", "2026-02-10", "2026-08-01":
        at = datetime.date.fromisoformat(day)
        _, rows = ask(path, "arrears", as_of=day, limit=1000)
        assert {row["bill"]: row["open"] for row in rows} == model.arrears(at)
        _, rows = ask(path, "aging", as_of=day)
        wanted = model.aging(at)
        assert {row["kind"]: {name: row[name] for name in wanted["all"]} for row in rows} == wanted
        for period, first, behind in ("2026", "2026-01", "2027-01"), ("2025-12", "2025-12", "2026-01"):
            _, rows = ask(path, "collection", period=period, as_of=day)
            assert {row["kind"]: [row[name] for name in ("due", "collected", "prior_due", "prior_recovered")] for row in rows} == \
                model.collection(first, behind, at)
            for row in rows:
                assert row["rate"] == (row["collected"] * 1000 // row["due"] if row["due"] > 0 else "n/a")
        if day == "2026-02-10":
            _, rows = ask(path, "collection", period="2026", as_of=day, by="building")
            buildings = {row["building"]: [row[name] for name in ("due", "collected", "prior_due", "prior_recovered")] for row in rows}
            assert buildings == model.collection("2026-01", "2027-01", at, by="building") and len(buildings) > 2
            _, kinds = ask(path, "collection", period="2026", as_of=day, building=min(buildings))
            assert [kinds[-1][name] for name in ("due", "collected", "prior_due", "prior_recovered")] == buildings[min(buildings)]
    # No account of any household is out of balance, on any day.
    draw = random.Random(seed)
    for household in draw.sample(sorted({e["data"]["household"] for e in events if e["type"] == "bill.issued"}), 4):
        day = draw.choice(["2025-11-15", "2026-01-01", "2026-03-03"])
        done = subprocess.run([PROGRAM, "--rehearse", path, "--config", CONFIG, "--ask", "household=" + json.dumps({"household": household, "as_of": day})],
                              capture_output=True, check=True)
        said = json.loads([line for line in done.stdout.splitlines() if b'"answer"' in line][0])["answer"]
        assert said["sum"] == 0
        for row in said["bills"]:
            assert row["open"] == model.open_of(row["bill"], datetime.date.fromisoformat(day)) >= 0
