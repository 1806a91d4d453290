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


class Dispute:
    """Money that does not name the bill waits until the run of the day behind it, and is of value from that day."""

    def __init__(self):
        self.opened, self.until, self.spent = 0, None, True

    def runs(self, today):
        return self.until is not None and self.until >= today

    def ends(self):
        return datetime.datetime.combine(self.until + datetime.timedelta(days=1), datetime.time(9, 30), SITE)


class Bill:
    def __init__(self, name, data, party, today):
        self.name, self.household, self.party = name, data["household"], party
        self.kind, self.period, self.due, self.amount = data["fee_kind"], data["period"], date(data["due"]), data["amount"]
        self.issued = self.reopened = today
        self.state, self.open, self.paid = "owed", data["amount"], {}
        self.dispute = Dispute()


class Payment:
    def __init__(self, name, data, today):
        self.name, self.household, self.amount, self.bill = name, data["household"], data["amount"], data.get("bill")
        self.received = min(date(data["received"]), today)
        self.state, self.rest, self.party, self.paid = "unmatched", data["amount"], None, []


class Ledger:
    def __init__(self, events=(), order=tuple(ORDER)):
        self.order = order
        self.bills, self.payments, self.parties, self.early, self.early_disputes, self.early_reversed = {}, {}, {}, {}, {}, set()
        self.disputed = {}
        self.of, self.money = collections.defaultdict(list), collections.defaultdict(list)
        self.waiting = {}
        self.journal = collections.defaultdict(list)
        self.today = None
        for event in events:
            self.take(event)

    def until(self, at):
        """Nothing but time passes."""
        for bill in sorted((b for b in self.disputed.values() if b.dispute.ends() <= at), key=lambda b: b.dispute.ends()):
            self.today = bill.dispute.ends().date()
            self.undisputed(bill)
        self.today = at.astimezone(SITE).date()

    def undisputed(self, bill):
        del self.disputed[bill.name]
        bill.dispute.spent = True
        self.spend(bill.household, bill.party)

    def take(self, event):
        if self.disputed:
            self.until(datetime.datetime.fromisoformat(event["time"]))
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
        bill.dispute = self.early_disputes.get(name, bill.dispute)
        if not bill.dispute.spent:
            self.disputed[name] = bill
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

    # --- Disputes ---

    def each_dispute(self, name):
        if name in self.bills or name not in self.parties:
            bill = self.bills.get(name)
            return [(bill, bill.dispute if bill else self.early_disputes.setdefault(name, Dispute()))]
        return [(bill, bill.dispute) for bill in self.of[name, self.parties[name]] if bill.open > 0]

    def dispute_until(self, bill, dispute, until):
        dispute.until, dispute.spent = until, False
        if bill is not None:
            self.disputed[bill.name] = bill

    def on_dispute_opened(self, name, _data):
        for bill, dispute in self.each_dispute(name):
            if dispute.opened == 0:
                dispute.opened = 1
                self.dispute_until(bill, dispute, self.today + datetime.timedelta(days=30))

    def on_dispute_extended(self, name, data):
        for bill, dispute in self.each_dispute(name):
            until = min(date(data["until"]), self.today + datetime.timedelta(days=366))
            if dispute.opened and until >= self.today and (dispute.spent or until > dispute.until):
                self.dispute_until(bill, dispute, until)

    def on_dispute_closed(self, name, _data):
        accounts = {}
        for bill, dispute in self.each_dispute(name):
            if not dispute.spent:
                dispute.until, dispute.spent = min(dispute.until, self.today - datetime.timedelta(days=1)), True
                if bill is not None:
                    del self.disputed[bill.name]
                    accounts[bill.household, bill.party] = True
        for household, party in accounts:
            self.spend(household, party)

    # --- Money ---

    def on_household_registered(self, name, data):
        before, self.parties[name] = self.parties.get(name, name), data.get("party") or self.parties.get(name, name)
        self.match()
        if before == name != self.parties[name]:
            # Nobody had said who the party is: what stood under the household's name is the party's.
            for lists in self.of, self.money:
                for one in lists.pop((name, name), []):
                    one.party = self.parties[name]
                    lists[name, one.party].append(one)
            self.spend(name, self.parties[name])

    def on_household_transferred(self, name, data):
        self.parties[name] = data["to"]
        self.match()

    def on_payment_posted(self, name, data):
        if name not in self.payments and name not in self.early_reversed:
            self.payments[name] = self.waiting[name] = Payment(name, data, self.today)
            self.match()

    def on_payment_reversed(self, name, _data):
        payment = self.payments.get(name)
        if payment is None:
            self.early_reversed.add(name)
        if payment is None or payment.state == "reversed":
            return
        self.waiting.pop(name, None)
        for bill in sorted({b.name: b for b in payment.paid}.values(), key=lambda b: b.name.encode()):
            self.undo(payment, bill)
        payment.state, payment.rest = "reversed", 0
        if payment.party is not None:
            self.spend(payment.household, payment.party)

    def match(self):
        for payment in sorted(self.waiting.values(), key=lambda p: (p.bill is None, p.name.encode())):
            bill = self.bills.get(payment.bill)
            if (payment.bill and bill is None) or (not payment.bill and payment.household not in self.parties):
                continue
            payment.state = "posted"
            del self.waiting[payment.name]
            if bill is not None:
                payment.household, payment.party = bill.household, bill.party
                self.money[payment.household, payment.party].append(payment)
                self.apply(payment, bill)
            else:
                payment.party = self.parties[payment.household]
                self.money[payment.household, payment.party].append(payment)
            self.spend(payment.household, payment.party)

    def apply(self, payment, bill):
        amount = min(payment.rest, bill.open)
        if amount > 0:
            day = max(payment.received, bill.reopened)
            if bill.dispute.until is not None and payment.bill != bill.name:
                day = max(day, bill.dispute.until + datetime.timedelta(days=1))
            self.note(bill, day, "received", amount)
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
        """What is disputed is paid by none but what names it.  The first money pays the oldest due bill, of those due on one day the first of the order."""
        mine = [p for p in self.money[household, party] if p.state == "posted" and p.rest]
        for payment in sorted(mine, key=lambda p: (p.received, p.name.encode())):
            for bill in sorted((b for b in self.of[household, party] if b.open > 0 and not b.dispute.runs(self.today)), key=lambda b: (b.due, self.order.index(b.kind), b.name.encode())):
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

    def collection(self, first, behind, day, by="kind"):
        """Of months first <= period < behind, as YYYY-MM; by kind of fee, or by building."""
        rows = collections.defaultdict(lambda: [0, 0, 0, 0], {kind: [0, 0, 0, 0] for kind in (KINDS if by == "kind" else []) + ["all"]})
        before = min(day, date(first + "-01") - datetime.timedelta(days=1))
        for name, bill in self.bills.items():
            now, then = self.sums_of(name, day), self.sums_of(name, before)
            owed = now["billed"] - now["waived"] - now["cancelled"]
            if by == "building" and (bill.period >= behind or not any(at <= day for at, _, _ in self.journal[name])):
                continue
            for row in rows[bill.kind if by == "kind" else bill.household.split("-")[0]], rows["all"]:
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


class Rests:
    """What nobody is asked for, told from the log alone: why_not("B-1", today, now)."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.until, self.disputes, self.promises, self.flights, self.filed = {}, collections.Counter(), collections.Counter(), {}, set()

    def take(self, event):
        kind, subject, data = event["type"], event["subject"], event.get("data", {})
        if kind == "promise.made":
            self.promised(subject, min(date(data["until"]), self.ledger.today + datetime.timedelta(days=60)), data.get("role"))
        elif kind == "dispute.opened" and not self.disputes[subject]:
            self.disputes[subject] += 1
            self.until["dispute", subject] = self.ledger.today + datetime.timedelta(days=30)
        elif kind == "dispute.extended":
            self.until["dispute", subject] = max(date(data["until"]), self.until.get(("dispute", subject), datetime.date.min))
        elif kind == "dispute.closed":
            self.until.pop(("dispute", subject), None)
        elif kind == "payment.initiated":
            self.flights[subject] = (data["bill"], datetime.datetime.fromisoformat(data["expires"]))
        elif kind in ("payment.failed", "payment.posted"):
            self.flights.pop(subject, None)
        elif kind == "legal.filed":
            self.filed.add(subject)

    def promised(self, bill, until, role):
        """Two that make it rest longer; the lead and the manager may allow more."""
        before, allowed = self.until.get(("promise", bill), datetime.date.min), role in ("cs_lead", "supervisor", "site_manager")
        if until > before and not allowed:
            if self.promises[bill] == 2:
                return
            self.promises[bill] += 1
        self.until["promise", bill] = until

    def why_not(self, bill, today, now):
        for why in "promise", "dispute":
            if self.until.get((why, bill), datetime.date.min) >= today:
                return why
        if any(named == bill and expires > now for named, expires in self.flights.values()):
            return "in flight"
        return "filed" if bill in self.filed else None


class Year:
    """A log with what estate-dunning concluded in it: failures() is what should not be there."""

    def __init__(self, events):
        self.ledger = Ledger()
        self.rests = Rests(self.ledger)
        self.wrong, self.messages, self.steps, self.overdue = [], collections.Counter(), collections.Counter(), set()
        self.notices, self.recent = {}, collections.deque(maxlen=64)
        for event in events:
            self.ledger.take(event)
            self.rests.take(event)
            judge = getattr(self, "on_" + event["type"].replace(".", "_"), None)
            if judge:
                judge(event, event["data"])

    def check(self, event, said, good):
        if not good:
            self.wrong.append((event["time"], event["subject"], said))

    def on_arrears_opened(self, event, data):
        bill = self.ledger.bills[event["subject"]]
        self.check(event, "not overdue", bill.open == data["amount"] > 0 and bill.due < self.ledger.today and bill.name not in self.overdue)
        self.overdue.add(bill.name)

    def on_arrears_cleared(self, event, _data):
        self.check(event, "not settled", self.ledger.bills[event["subject"]].open == 0 and event["subject"] in self.overdue)
        self.overdue.discard(event["subject"])

    def on_dunning_due(self, event, data):
        bill, step = event["subject"], data["step"]
        self.check(event, "a step twice", (bill, step) not in self.steps)
        self.check(event, "before its day", self.ledger.today >= self.ledger.bills[bill].due + datetime.timedelta(days=step))
        self.check(event, "not owed", self.ledger.bills[bill].open == data["amount"] > 0)
        self.check(event, "it rests", self.rests.why_not(bill, self.ledger.today, datetime.datetime.fromisoformat(event["time"][:19] + "+00:00")) is None)
        self.steps[bill, step] += 1
        self.recent.append((bill, step))

    def on_notification_requested(self, event, data):
        now = datetime.datetime.fromisoformat(event["time"][:19] + "+00:00")
        bills = data["params"]["bills"].split()
        self.messages[data["template"]] += 1
        self.notices[data["notification"]] = [(bill, step) for bill in bills for (name, step) in self.recent if name == bill]
        self.check(event, "by night", 8 <= now.astimezone(SITE).hour < 21)
        if "+" not in data["params"]["bills"]:
            self.check(event, "another amount", sum(self.ledger.bills[bill].open for bill in bills) == data["params"]["amount"])
        self.check(event, "debts of two parties", len({self.ledger.bills[bill].party for bill in bills if not bill.startswith("+")}) == 1)
        for bill in bills:
            if not bill.startswith("+"):
                self.check(event, "settled", self.ledger.bills[bill].open > 0 and data["to"] == self.ledger.bills[bill].household)
                self.check(event, "it rests", self.rests.why_not(bill, self.ledger.today, now) is None)

    def on_notification_withdrawn(self, _event, data):
        for one in self.notices.get(data["notification"], ()):
            self.steps.pop(one, None)

    def failures(self):
        return self.wrong
