"""F3 live, beside estate-callback, on a clock that runs fast: killed at random, the log equals its own rehearsal, and what waits is still owed.

Three days and a dozen kills in make test; three weeks and 200 kills with ESTATE_LONG=1 (make check-long).
"""
import datetime
import json
import os
import random
import time

import daemon as harness
from ledger_model import SITE, Ledger
from test_month_of_kills import BEGIN, FACTOR, FastClock, Shipped, fast_library  # noqa: F401  pylint: disable=unused-import

LONG = bool(os.environ.get("ESTATE_LONG"))
DAYS, KILLS, HOUSEHOLDS = (21, 200, 300) if LONG else (3, 12, 150)


def bills_and_payments(draw):
    """Due for each step of the ladder within the days; a third is paid meanwhile, some of it on its way, some of it taken back."""
    events = []

    def at(day, type_, subject, **data):
        when = BEGIN + datetime.timedelta(days=day)
        events.append((int(when.timestamp() * 1e9), {"specversion": "1.0", "id": f"l-{len(events)}", "source": "/test", "type": type_, "subject": subject,
                                                     "time": when.isoformat(), "data": data}))

    for n in range(HOUSEHOLDS):
        home = f"1-1-{n}"
        at(0.01, "household.registered", home, kind="owner", name="***", party=f"p-{n}", moved_in="2024-05-01")
        for kind in "management", "water":
            bill, amount = f"B-{kind}-{n}", draw.randrange(100, 50000)
            due = BEGIN.date() + datetime.timedelta(days=draw.choice([7, 8, 9, -4, -3, -14, -59]))
            at(0.02, "bill.issued", bill, household=home, fee_kind=kind, period="2026-10", amount=amount, due=due.isoformat())
            paid = {"household": home, "bill": bill, "amount": draw.choice([amount, amount // 2])}
            if draw.random() < 0.4:
                day = draw.random() * DAYS
                at(day, "payment.initiated", f"P-{bill}", **paid, expires=(BEGIN + datetime.timedelta(days=day + 0.02)).isoformat())
                at(day + 0.01, "payment.posted", f"P-{bill}", **paid, method="wechat", received=(BEGIN + datetime.timedelta(days=day)).date().isoformat())
                if draw.random() < 0.2:
                    at(day + 0.5, "payment.reversed", f"P-{bill}", reason="test")
    return sorted(events, key=lambda one: one[0])


def test_killed_at_random(start_daemon, tmp_path, fast_library):  # noqa: F811  pylint: disable=redefined-outer-name
    draw, kills, at = random.Random(5), 0, 0
    events = bills_and_payments(draw)
    clock = FastClock(str(tmp_path / "clock"), BEGIN, FACTOR)
    daemon = start_daemon(preload=fast_library, env={"FASTCLOCK": clock.path})
    with Shipped(daemon, "callback") as callback, Shipped(daemon, "dunning") as worker:
        client = daemon.client("feed")
        client.hello()
        for one in callback, worker:
            one.await_rules(daemon.client("rules"))
        begin, span = time.monotonic(), DAYS * 86400 / FACTOR
        while at < len(events) or kills < KILLS:
            ready = []
            while at < len(events) and events[at][0] <= clock.now() and len(ready) < 200:
                ready.append(events[at][1])
                at += 1
            for _ in client.put_many(ready):
                pass
            if kills < KILLS and time.monotonic() - begin >= span * kills / KILLS:
                kills += 1
                worker.kill9()
                if draw.random() < 0.25:
                    daemon.kill9()
                    daemon.start()
                worker.launch(*(["--rebuild"] if draw.random() < 0.2 else []))
                if draw.random() < 0.7:
                    worker.wait_ready()
            elif not ready:
                time.sleep(0.005)
        clock.slow_down()
        now = datetime.datetime.fromtimestamp(clock.now() / 1e9 + 1, SITE)
        callback.settle(until=now.isoformat())
        worker.settle(until=now.isoformat())
        derived = worker.prove()
        assert {"arrears.opened", "arrears.cleared", "dunning.due", "contact.requested", "notification.requested"} <= {e["type"] for e in derived}
        taken = [(e["subject"], e["data"]["step"]) for e in derived if e["type"] == "dunning.due"]
        assert len(taken) == len(set(taken)) > HOUSEHOLDS // 2
        # What it answers is what the log says, and what still waits holds if the bills are owed as they were.
        model = Ledger(event for _, event in events)
        accounts = client.ask("dunning", "reconcile").value["accounts"]
        assert accounts == model.accounts() and sum(accounts.values()) == 0
        said = {True: 0, False: 0}
        for event in (e for e in derived if e["type"] == "notification.requested"):
            answer = client.ask("dunning", "holds", notification=event["data"]["notification"]).value
            bills = event["data"]["params"]["bills"].split()
            owed = [model.bills[bill].open for bill in bills]
            assert answer["holds"] == (all(owed) and sum(owed) == event["data"]["params"]["amount"]), answer
            said[answer["holds"]] += 1
        assert said[True] > 10
        print(f"{len(events)} events, {len(derived)} derived, {kills} kills, holds {said}")


def test_a_month_of_bills_from_a_table(daemon, tmp_path):
    """The same table again changes nothing; each line that will not do is named. 100,000 with ESTATE_LONG=1."""
    count, homes = (100000, 3000) if LONG else (6000, 300)
    (tmp_path / "homes.csv").write_text("房号,住户类别,姓名,缴费主体\n" + "".join(f"1-1-{n},业主,业户,p-{n}\n" for n in range(homes)), encoding="utf-8")
    lines = [f"B-{n},1-1-{n % homes},水费,2026-{n // homes % 9 + 1:02},{n % 900}.{n % 100:02},2026-12-20" for n in range(1, count + 1)]
    lines[count // 2] = lines[count // 2].replace("2026-12-20", "2026-12-32")
    (tmp_path / "bills.csv").write_text("账单编号,房号,费用类别,费用月份,金额,缴费期限\n" + "".join(line + "\n" for line in lines if ",0.00," not in line), encoding="utf-8")
    with Shipped(daemon, "dunning") as worker:
        worker.await_rules(daemon.client("rules"))
        daemon.estate("import", "households", str(tmp_path / "homes.csv"))
        said = []
        for _ in range(2):
            begin = time.monotonic()
            done = daemon.estate("import", "bills", str(tmp_path / "bills.csv"), "--json", expect=1)
            took = time.monotonic() - begin
            told = json.loads(done.stdout)
            said.append(json.loads(daemon.estate("ask", "dunning", "reconcile", "--at-least", "now", "--json").stdout)["answer"])
            print(f"{told['rows']} lines in {took:.2f} s, {told['stored']} stored, {told['known']} known; the ledger has them after {time.monotonic() - begin:.2f} s")
            assert len(done.stderr.splitlines()) == told["refused"] == 1 and "there is no such day" in done.stderr
        sums = sum(row["stored_fen"] + row["known_fen"] for row in told["sums"])
        assert said[0] == said[1] and said[0]["accounts"]["due"] == sums == -said[0]["accounts"]["billed"] and said[0]["rows"] == []


HOUSEHOLDS_CSV = "房号,住户类别,姓名,联系电话,缴费主体\n3-2-1201,业主,张三,13800138000,p-1\n3-2-1202,租客,李四,13900139000,p-2\n"
BILLS_CSV = "房号,费用类别,费用月份,金额(元),缴费期限\n3-2-1201,物业费,2026年10月,\"1,234.50\",2026/10/31\n3-2-1202,停车费,202610,¥300,20261031\n"
PAYMENTS_CSV = """\
收款编号;房号;账单编号;实收金额（分）;支付方式;到账日期
P-1;3-2-1201;3-2-1201/management/2026-10;123450;微信支付;2026-10-05
P-2;3-2-1201;3-2-1201/management/2026-10;123450;微信支付;2026-10-06
P-3;3-2-1202;;10000;现金;2026.10.6
"""


def test_what_the_ledger_makes_of_tables(daemon, tmp_path):
    """estate import, and `reconcile` as its report; the same tables again change nothing."""
    with Shipped(daemon, "dunning"):
        for _ in range(2):
            for kind, table in ("households", HOUSEHOLDS_CSV), ("bills", BILLS_CSV), ("payments", PAYMENTS_CSV):
                path = tmp_path / f"{kind}.csv"
                path.write_text(table, encoding="utf-8")
                daemon.estate("import", kind, str(path))
            said = json.loads(daemon.estate("ask", "dunning", "reconcile", "--at-least", "now", "--json").stdout)["answer"]
            assert said["accounts"] == {"due": 20000, "received": 256900, "unmatched": 0, "credit": -123450, "waived": 0, "cancelled": 0, "billed": -153450}
            assert said["sum"] == 0 and [(row["what"], row["payment"]) for row in said["rows"]] == [("duplicate", "P-2")]
