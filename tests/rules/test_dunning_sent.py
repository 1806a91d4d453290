"""F3 from the bill to the text message, all workers live: estate-dunning asks, estate-callback grants, estate-notify looks at the ledger again and sends."""
import datetime

import daemon as harness
from obligations import SITE
from outside import Gateway, Notifier, household
from test_month_of_kills import FastClock, Shipped, fast_library  # noqa: F401  pylint: disable=unused-import

BEGIN = datetime.datetime(2026, 11, 10, 9, 20, tzinfo=SITE)         # before the daily run; no quiet hour
FACTOR = 3000
OWES, PAYS, RESTS = "3-2-1201", "3-2-1202", "3-2-1203"


def event(number, type_, subject, **data):
    return {"specversion": "1.0", "id": f"f3-{number}", "source": "/test", "type": type_, "subject": subject, "data": data}


def bill(number, home):
    return event(f"b{number}", "bill.issued", f"B-{home}", household=home, fee_kind="management", period="2026-10", amount=12345,
                 due=(BEGIN.date() - datetime.timedelta(days=5)).isoformat())


def test_f3_the_ledger_is_looked_at_again_before_a_reminder_leaves(start_daemon, tmp_path, fast_library):  # noqa: F811  pylint: disable=redefined-outer-name
    clock = FastClock(str(tmp_path / "clock"), BEGIN, 1)
    daemon = start_daemon(preload=fast_library, env={"FASTCLOCK": clock.path})
    with Gateway() as gateway, Shipped(daemon, "callback") as callback, Shipped(daemon, "dunning") as dunning, \
            Notifier(daemon, [gateway.sms()], owners=["dunning", "callback"], start=False) as notifier:
        for one in callback, dunning:
            one.await_rules(daemon.client("rules"))
        notifier.env = {"LD_PRELOAD": fast_library, "FASTCLOCK": clock.path}
        # It knows its settings, and is away when the messages are asked for.
        notifier.start()
        activated = daemon.client("settings").subscribe("first", type=["config.activated"], subject=["notify"])
        assert activated.next(harness.VERB_S) is not None
        notifier.stop()
        for number, home in enumerate((OWES, PAYS, RESTS)):
            notifier.put(household(home, phone=f"+861380000000{number}", party=f"p-{number}", moved_in="2024-05-01"), bill(number, home))
        requests = daemon.client("requests").subscribe("first", type=["notification.requested"])
        clock.slow_down()                       # noted where it stands …
        clock.factor = FACTOR                   # … and on to the daily run
        clock.write()
        asked, ticks = {}, 0
        while len(asked) < 3:
            if (delivery := requests.next(0.1)) is not None:
                asked[delivery.fields["data"]["to"]] = delivery.fields["data"]["notification"]
                continue
            # The daemon's alarms go by the real clock: an event now and then moves the fast one on.
            ticks += 1
            assert ticks < 600, f"only {asked}\n{dunning.stderr()}\n{callback.stderr()}"
            notifier.put(event(f"t{ticks}", "probe.recorded", "tick", n=ticks))
        clock.slow_down()
        # Between the request and the sending one pays, one disputes.
        notifier.put(event("p", "payment.posted", "P-1", household=PAYS, bill=f"B-{PAYS}", amount=12345, method="wechat", received=BEGIN.date().isoformat()),
                     event("d", "dispute.opened", f"B-{RESTS}", reason="wrong area", by="finance-1"))
        end = daemon.client("end").hello()["last"]
        notifier.start()
        notifier.await_fates({asked[OWES]: "sent", asked[PAYS]: "withdrawn", asked[RESTS]: "withdrawn"})
        assert [(to, "123.45" in text) for to, text, _ in gateway.texts()] == [("+8613800000000", True)]
        assert dict(notifier.history(asked[OWES]))["attempted"]["as_of_seq"] >= end
        assert all(notifier.kinds(asked[home]) == ["requested", "withdrawn"] for home in (PAYS, RESTS))
