"""What every household owes, counted again from the log alone: no table, no timer, no query of estate-dunning.

    ledger = Ledger(events, order=[…])
    ledger.open_of("B-1", day), ledger.aging(day), ledger.collection(first, behind, day), ledger.accounts()

The journal is a list of (day, bill, what, amount); whatever is asked is a sum over it.
"""
import collections
import datetime

SITE = datetime.timezone(datetime.timedelta(hours=8))
KINDS = ["management", "vacant", "rent", "water", "electricity", "repair_fund", "parking", "other"]
ORDER = ["water", "electricity", "management", "vacant", "rent", "repair_fund", "parking", "other"]
BUCKETS = (("not_due", 0), ("1-30", 30), ("31-60", 60), ("61-90", 90), ("91-180", 180), ("181-365", 365), ("over_365", 10**9))


def day_of(text):
    return datetime.datetime.fromisoformat(text).astimezone(SITE).date()


def date(text):
    return datetime.date.fromisoformat(text)


class Bill:
    def __init__(self, name, data, party, today):
        self.name, self.household, self.party = name, data["household"], party
        self.kind, self.period, self.due, self.amount = data["fee_kind"], data["period"], date(data["due"]), data["amount"]
        self.issued = self.reopened = today
        self.state, self.open, self.paid = "owed", data["amount"], {}


class Payment:
    def __init__(self, name, data, today):
        self.name, self.household, self.amount, self.bill = name, data["household"], data["amount"], data.get("bill")
        self.received = min(date(data["received"]), today)
        self.state, self.rest, self.party, self.paid = "unmatched", data["amount"], None, []


class Ledger:
    def __init__(self, events=(), order=tuple(ORDER)):
        self.order = order
        self.bills, self.payments, self.parties, self.early = {}, {}, {}, {}
        self.of = collections.defaultdict(list)
        self.journal = collections.defaultdict(list)
        self.today = None
        for event in events:
            self.take(event)

    def take(self, event):
        self.today = day_of(event["time"])
        take = getattr(self, "on_" + event["type"].replace(".", "_"), None)
        if take:
            take(event["subject"], event.get("data", {}))

    def note(self, bill, day, what, amount):
        if amount:
            self.journal[bill.name].append((day, what, amount))

    # --- Bills ---

    def on_bill_issued(self, name, data):
        if name in self.bills:
            return
        household = data["household"]
        self.parties.setdefault(household, household)
        bill = self.bills[name] = Bill(name, data, data.get("payer", self.parties[household]), self.today)
        self.of[household, bill.party].append(bill)
        self.note(bill, self.today, "billed", bill.amount)
        bill.state = self.early.get(name, "owed")
        self.settle(bill)
        self.match()
        self.spend(household, bill.party)

    def settle(self, bill):
        if bill.state != "owed":
            self.note(bill, self.today, bill.state, bill.open)
            bill.open = 0

    def on_bill_waived(self, name, _data):
        if name not in self.bills:
            self.early[name] = "waived"
        elif self.bills[name].state != "cancelled":
            self.bills[name].state = "waived"
            self.settle(self.bills[name])

    def on_bill_cancelled(self, name, _data):
        if name not in self.bills:
            self.early[name] = "cancelled"
            return
        bill = self.bills[name]
        if bill.state == "cancelled":
            return
        bill.state = "cancelled"
        for payment in sorted(bill.paid, key=lambda p: p.encode()):
            self.undo(self.payments[payment], bill)
        self.settle(bill)
        self.spend(bill.household, bill.party)

    # --- Money ---

    def on_household_registered(self, name, data):
        self.parties[name] = data.get("party") or self.parties.get(name, name)
        self.match()

    def on_household_transferred(self, name, data):
        self.parties[name] = data["to"]
        self.match()

    def on_payment_posted(self, name, data):
        if name not in self.payments:
            self.payments[name] = Payment(name, data, self.today)
            self.match()

    def on_payment_reversed(self, name, _data):
        payment = self.payments.get(name)
        if payment is None or payment.state == "reversed":
            return
        for bill in sorted({b.name: b for b in payment.paid}.values(), key=lambda b: b.name.encode()):
            self.undo(payment, bill)
        payment.state, payment.rest = "reversed", 0
        if payment.party is not None:
            self.spend(payment.household, payment.party)

    def match(self):
        for payment in sorted((p for p in self.payments.values() if p.state == "unmatched"), key=lambda p: (p.bill is None, p.name.encode())):
            bill = self.bills.get(payment.bill)
            if (payment.bill and bill is None) or (not payment.bill and payment.household not in self.parties):
                continue
            payment.state = "posted"
            if bill is not None:
                payment.household, payment.party = bill.household, bill.party
                self.apply(payment, bill)
            else:
                payment.party = self.parties[payment.household]
            self.spend(payment.household, payment.party)

    def apply(self, payment, bill):
        amount = min(payment.rest, bill.open)
        if amount > 0:
            self.note(bill, max(payment.received, bill.reopened), "received", amount)
            payment.rest -= amount
            bill.open -= amount
            bill.paid[payment.name] = bill.paid.get(payment.name, 0) + amount
            payment.paid.append(bill)

    def undo(self, payment, bill):
        amount = bill.paid.pop(payment.name)
        payment.paid = [b for b in payment.paid if b is not bill]
        self.note(bill, self.today, "received", -amount)
        payment.rest += amount
        bill.open += amount
        bill.reopened = self.today
        self.settle(bill)

    def spend(self, household, party):
        """The first money pays the oldest due bill, of those due on one day the first of the order."""
        mine = [p for p in self.payments.values() if p.state == "posted" and p.rest and (p.household, p.party) == (household, party)]
        for payment in sorted(mine, key=lambda p: (p.received, p.name.encode())):
            for bill in sorted((b for b in self.of[household, party] if b.open), key=lambda b: (b.due, self.order.index(b.kind), b.name.encode())):
                self.apply(payment, bill)

    # --- What is asked ---

    def sums_of(self, name, day):
        sums = collections.Counter()
        for at, what, amount in self.journal[name]:
            if at <= day:
                sums[what] += amount
        return sums

    def open_of(self, name, day):
        sums = self.sums_of(name, day)
        return sums["billed"] - sums["received"] - sums["waived"] - sums["cancelled"]

    def arrears(self, day):
        return {name: amount for name, bill in self.bills.items() if bill.due < day and (amount := self.open_of(name, day))}

    def aging(self, day):
        rows = {kind: dict.fromkeys([name for name, _ in BUCKETS], 0) for kind in KINDS + ["all"]}
        for name, bill in self.bills.items():
            bucket = next(title for title, most in BUCKETS if (day - bill.due).days <= most)
            for kind in bill.kind, "all":
                rows[kind][bucket] += self.open_of(name, day)
        return rows

    def collection(self, first, behind, day):
        """Of months first <= period < behind, as YYYY-MM."""
        rows = {kind: [0, 0, 0, 0] for kind in KINDS + ["all"]}
        before = min(day, date(first + "-01") - datetime.timedelta(days=1))
        for name, bill in self.bills.items():
            now, then = self.sums_of(name, day), self.sums_of(name, before)
            owed = now["billed"] - now["waived"] - now["cancelled"]
            for row in rows[bill.kind], rows["all"]:
                if first <= bill.period < behind:
                    row[0] += owed
                    row[1] += now["received"]
                elif bill.period < first:
                    row[2] += owed - then["received"]
                    row[3] += now["received"] - then["received"]
        return rows

    def accounts(self):
        sums = collections.Counter()
        for name in self.bills:
            sums.update(self.sums_of(name, datetime.date.max))
        money = [p for p in self.payments.values() if p.state != "reversed"]
        return {"received": sum(p.amount for p in money), "unmatched": -sum(p.amount for p in money if p.state == "unmatched"),
                "credit": -sum(p.rest for p in money if p.state == "posted"), "waived": sums["waived"], "cancelled": sums["cancelled"],
                "billed": -sums["billed"], "due": sum(b.open for b in self.bills.values())}
