"""estate-notify against scripted HTTP gateways on loopback: intent before effect, what is repeated and what is not, and kill -9 in between."""
import collections
import json
import os
import random
import re
import subprocess
import threading
import time

import pytest

from outside import NOTIFY, Gateway, Notifier, household, request, write_config
from worker import rehearse

LONG = os.environ.get("ESTATE_LONG") == "1"
DIGEST = {"digest": "300ms"}


def test_it_is_told_before_and_after(daemon):
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": "sent"})
        assert notifier.kinds("N-1") == ["requested", "attempted", "sent"]
        (attempted, sent) = [data for _, data in notifier.history("N-1")][1:]
        assert attempted["reason"] == "sms" and attempted["as_of_seq"] >= 1 and sent["provider_id"] == "p-0" and sent["segments"] == 1
        assert gateway.texts() == [("+8613900000001", "【物业】超时：C-1 已超过期限（C1），请立即处理。", "N-1.0")]
        assert gateway.requests[0][2]["Idempotency-Key"] == "N-1.0"


@pytest.mark.parametrize("first", [500, 503, 429, 408])
def test_a_temporary_refusal_is_tried_again(daemon, first):
    with Gateway({0: first, 1: first}) as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": "sent"})
        assert notifier.kinds("N-1") == ["requested", "attempted", "failed", "attempted", "failed", "attempted", "sent"]
        # An answer ended each: to the provider the next is another message.
        assert [reference for _, _, reference in gateway.texts()] == ["N-1.0", "N-1.1", "N-1.2"]


def test_a_permanent_one_is_not_and_the_next_channel_takes_it(daemon):
    with Gateway({"*": 400}) as bad, Gateway() as good, Notifier(daemon, [bad.sms("a"), good.sms("b")]) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": "sent"})
        assert len(bad.requests) == 1 and len(good.requests) == 1
        assert [d.get("reason") for k, d in notifier.history("N-1") if k == "attempted"] == ["a", "b"]


def test_no_channel_is_left(daemon):
    with Gateway({"*": 404}) as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": "failed"})
        while notifier.history("N-1")[-1][1].get("reason") != "no channel is left":
            time.sleep(0.02)
        assert notifier.history("N-1")[-1][1]["permanent"] is True and len(gateway.requests) == 1


@pytest.mark.parametrize("what", ["hang", "reset", "garbage", "list", "bare", 502, 504, lambda path, body: (200, b'{"id":"' + b"x" * 100000 + b'"}')])
def test_an_unknown_outcome_is_not_repeated_for_routine_and_is_for_urgent(daemon, what):
    with Gateway({"*": what}) as gateway, Notifier(daemon, [gateway.sms(within="1s")]) as notifier:
        notifier.request("N-r")
        notifier.await_fates({"N-r": "failed"})
        assert len(gateway.requests) == 1 and notifier.history("N-r")[-1][1]["reason"].startswith("outcome-unknown")
        gateway.script = {1: what}
        notifier.request("N-u", urgency="urgent")
        notifier.await_fates({"N-u": "sent"})
        # The same key: a provider that knows it sends one.
        assert [reference for _, _, reference in gateway.texts()] == ["N-r.0", "N-u.0", "N-u.0"]
        assert notifier.kinds("N-r") == ["requested", "attempted", "failed"]


@pytest.mark.parametrize("status, body, fate, provider", [
    (200, '{"ok": false}', "failed", None),
    (200, '{"ok": false, "retry": true}', "failed", None),
    (200, '{"id": "a\\nb c"}', "sent", "a_b_c"),
    (200, '{"id": {"x": 1}}', "sent", None),
    (200, '{"id": 9223372036854775807}', "sent", "9223372036854775807"),
    (200, '{"id": "' + "y" * 500 + '"}', "sent", "y" * 99),
    (200, "{}", "sent", None),
    (202, '{"message_id": "m"}', "sent", "m"),
    (302, "", "failed", None),
    (401, "{}", "failed", None),
    (599, "", "failed", None),
])
def test_what_a_provider_may_answer(daemon, status, body, fate, provider):
    with Gateway({"*": lambda *_: (status, body.encode())}) as gateway, Notifier(daemon, [gateway.sms()], settings={"backoff": "1h", "backoff_max": "1h"}) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": fate})
        data = next(data for kind, data in notifier.history("N-1") if kind == fate)
        assert data.get("provider_id") == provider and len(gateway.requests) == 1
        if fate == "failed":
            assert data["permanent"] == (status in (302, 401) or body == '{"ok": false}') and "outcome-unknown" not in data["reason"]


def test_a_number_that_is_none_and_a_text_that_is_too_long(daemon):
    """The next way; and a text of 5,000 characters leaves by none that has no room for it."""
    with Gateway() as gateway, Notifier(daemon, [gateway.sms("a"), gateway.sms("b")], staff=[("lead-1", "+8613900000001", "lead@example.net")]) as notifier:
        notifier.put(household("3-2-1201", phone="12 / 34 #5"), household("3-2-1202", phone="138-0000-1111", id="h-2"))
        notifier.request("N-none", to="3-2-1201")
        notifier.request("N-fine", to="3-2-1202", subject="C-2")
        notifier.request("N-long", subject="C-3", params={"obligation": "C1/C-1", "rule": "长" * 5000})
        notifier.await_fates({"N-none": "suppressed", "N-fine": "sent", "N-long": "suppressed"})
        # Neither way was open, and of each the log says so: the second is not mistaken for the first.
        assert notifier.kinds("N-none") == notifier.kinds("N-long") == ["requested", "failed", "failed", "suppressed"]
        assert notifier.history("N-none")[1][1]["reason"] == "no address: 3-2-1201 has no phone that is one"
        assert notifier.history("N-long")[1][1]["reason"].startswith("too long: 75 segments")
        assert [to for to, _, _ in gateway.texts()] == ["13800001111"]


def test_nothing_was_written_so_it_is_tried_again(daemon):
    with Gateway() as gateway:
        closed = dict(gateway.sms(), url="http://127.0.0.1:9/send")
        with Notifier(daemon, [closed, gateway.sms("b")], settings={"tries": 2}) as notifier:
            notifier.request("N-1")
            notifier.await_fates({"N-1": "sent"})
            assert notifier.kinds("N-1") == ["requested", "attempted", "failed", "attempted", "failed", "attempted", "sent"]
            assert all(not d["permanent"] for k, d in notifier.history("N-1") if k == "failed")


def test_the_policy_may_be_the_next_channel(daemon):
    with Gateway({"*": "reset"}) as bad, Gateway() as good, \
            Notifier(daemon, [bad.sms("a"), good.sms("b")], settings={"unknown_routine": "next"}) as notifier:
        notifier.request("N-1")
        notifier.await_fates({"N-1": "sent"})
        assert len(bad.requests) == 1 and len(good.requests) == 1


def test_who_cannot_be_reached(daemon):
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        notifier.request("N-1", to="nobody")
        notifier.await_fates({"N-1": "suppressed"})
        assert notifier.kinds("N-1") == ["requested", "failed", "suppressed"]
        assert notifier.history("N-1")[1][1]["reason"].startswith("no address") and not gateway.requests


@pytest.mark.parametrize("digest", ["none", "20ms"])
def test_kill9_at_random_moments(daemon, digest):
    """Nothing is lost, and what is sent twice is what the policy repeats; alone or several as one."""
    count = 2000 if LONG else 200
    draw = random.Random(7)
    with Gateway({"*": lambda path, body: (200, b'{"id":"x"}')}) as gateway, Notifier(daemon, [gateway.sms()], settings={"digest": digest}) as notifier:
        names = {f"K-{n}": "urgent" if n % 4 == 0 else "routine" for n in range(count)}
        for n, (name, urgency) in enumerate(names.items()):
            notifier.request(name, to=f"lead-{1 + n % 2}", urgency=urgency, subject=f"C-{n}")
            if n % (count // 20) == count // 20 - 1:
                time.sleep(draw.random() * 0.03)
                notifier.kill9()
                notifier.start()
        deadline = time.monotonic() + 60
        while True:
            history = {}
            for _, kind, data, _ in notifier.events():
                history.setdefault(data["notification"], []).append((kind, data))
            ended = {n for n, h in history.items() if h[-1][0] in ("sent", "suppressed") or
                     (h[-1][0] == "failed" and names[n] == "routine" and h[-1][1]["reason"].startswith("outcome-unknown"))}
            if len(ended) == count:
                break
            assert time.monotonic() < deadline, [(n, [k for k, _ in h], h[-1]) for n, h in history.items() if n not in ended][:5]
            time.sleep(0.1)
        told = collections.Counter(case for _, text, _ in gateway.texts() for case in re.findall(r"C-(\d+) 已超过", text))
        counts = {name: told[name[2:]] for name in names}
        twice = {n for n, c in counts.items() if c > 1}
        assert all(names[n] == "urgent" for n in twice), "a routine one was repeated"
        for name, events in history.items():
            kinds = [kind for kind, _ in events]
            # Each that was sent twice has an unknown outcome between its attempts; each that never reached the gateway says so.
            if name in twice:
                assert any(k == "failed" and d["reason"].startswith("outcome-unknown") for k, d in events), events
            if counts.get(name, 0) == 0:
                assert "sent" not in kinds and kinds[-1] == "failed", events
            assert kinds.count("attempted") >= counts.get(name, 0), "it left without its intent in the log"
        unknown = sum(events[-1][0] == "failed" for events in history.values())
        assert digest == "none" or len(gateway.requests) < count
        print(f"{count} messages in {len(gateway.requests)} requests, {len(twice)} urgent ones twice, {unknown} routine ones of unknown outcome, {sum(c == 0 for c in (counts.get(n, 0) for n in names))} never left")
        notifier.stop()
        notifier.start()
        notifier.prove()


def test_a_lost_state_sends_nothing_again(daemon):
    """It is made again from the log, and the log knows what left."""
    with Gateway({3: 500}) as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        for n in range(20):
            notifier.request(f"N-{n}", subject=f"C-{n}")
        notifier.await_fates({f"N-{n}": "sent" for n in range(20)})
        before = len(gateway.requests)
        notifier.stop()
        notifier.forget()
        notifier.start()
        notifier.request("N-after")
        notifier.await_fates({"N-after": "sent"})
        notifier.stop()
        notifier.start("--rebuild")
        notifier.request("N-last")
        notifier.await_fates({"N-last": "sent"})
        assert before == 21 and len(gateway.requests) == 23
        notifier.prove()


def test_told_to_stop_it_waits_for_what_is_on_its_way(daemon):
    with Gateway({"*": lambda path, body: (time.sleep(0.4), (200, b'{"id":"late"}'))[1]}) as gateway, Notifier(daemon, [gateway.sms(connections=2)]) as notifier:
        for n in range(5):
            notifier.request(f"N-{n}", subject=f"C-{n}")
        deadline = time.monotonic() + 20
        while len(gateway.requests) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        notifier.stop()
        kinds = [notifier.kinds(f"N-{n}") for n in range(5)]
        assert kinds[:2] == [["requested", "attempted", "sent"]] * 2 and kinds[2:] == [["requested"]] * 3
        notifier.start()
        notifier.await_fates({f"N-{n}": "sent" for n in range(5)})
        assert len(gateway.requests) == 5


def test_the_daemon_may_come_and_go(daemon):
    with Gateway({"*": lambda path, body: (200, b'{"id":"x"}')}) as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        for n in range(60):
            notifier.request(f"N-{n}", subject=f"C-{n}")
            if n % 20 == 10:
                daemon.kill9()
                daemon.start()
        notifier.await_fates({f"N-{n}": "sent" for n in range(60)})
        assert set(gateway.counts().values()) == {1}


def test_the_rights_of_its_role_are_enough(start_daemon):
    """And are needed: with a list of clients it is who its uid says."""
    with Gateway({0: 500}) as gateway:
        daemon = start_daemon()
        client = daemon.client("before")
        client.put(household("3-2-1201"))
        client.put(request("N-1", to="3-2-1201"))
        client.put(request("N-2", to="nobody", urgency="urgent"))
        client.put(request("N-3", to="3-2-1201", subject="C-3"))
        daemon.stop()
        with open(daemon.config_path, encoding="utf-8") as file:
            open_to_all = file.read()
        daemon.write_clients(f"clients:\n  - name: notify\n    role: notify\n    uid: {os.getuid()}\n")
        with open(daemon.config_path, "w", encoding="utf-8") as file:
            file.write(open_to_all.replace('clients: ""', f"clients: {daemon.clients_path}"))
        daemon.start()
        # What leaves together is concluded of each by its planner: that it may say, too.
        with Notifier(daemon, [gateway.sms()], settings=DIGEST) as notifier:
            deadline = time.monotonic() + 20
            while len(gateway.requests) < 2 or not any(kind == "suppressed" for _, kind, _, _ in notifier.events()):
                assert time.monotonic() < deadline, notifier.stderr()
                time.sleep(0.05)
            # It may see the number it sends to; nothing of it is in what it says.
            assert gateway.texts()[0][0] == "+8613800001111"
            notifier.await_fates({"N-1": "sent", "N-3": "sent"})
            assert notifier.kinds("N-3") == ["requested", "attempted", "failed", "attempted", "sent"]
            assert "refused" not in notifier.stderr() and "13800001111" not in json.dumps([data for _, _, data, _ in notifier.events()])


def test_what_can_be_asked(daemon):
    with Gateway({"*": 404}) as bad, Gateway() as good, Notifier(daemon, [good.sms("a"), bad.sms("b")], routes=[{"wanted": "sms", "try": "a"}, {"wanted": "phone", "try": "b"}]) as notifier:
        notifier.request("N-1")
        notifier.request("N-2", channel="phone")
        notifier.request("N-3", not_before="2099-01-01T00:00:00+08:00", expires="2099-01-02T00:00:00+08:00")
        notifier.await_fates({"N-1": "sent", "N-2": "failed"})
        notifier.put({"specversion": "1.0", "id": "end", "source": "/test", "type": "probe.recorded", "data": {}})

        def ask(*words):
            return json.loads(daemon.estate("ask", "--at-least", "now", "--json", "notify", *words).stdout)["answer"]
        assert [row["notification"] for row in ask("waiting")["rows"]] == ["N-3"]
        assert ask("notification", "id=N-1")["fate"] == "sent" and ask("waiting", "fate=failed")["rows"][0]["reason"] == "no channel is left"
        assert {row["channel"]: row["breaker"] for row in ask("breakers")["rows"]} == {"a": "closed", "b": "closed"}
        status = daemon.estate("status").stdout.splitlines()
        assert [line.split() for line in status[-2:]] == [["provider", "a", "closed"], ["provider", "b", "closed"]]
        assert "通知渠道 a" in (zh := daemon.estate("status", env={"LC_ALL": "zh_CN.UTF-8"}).stdout) and zh.splitlines()[-1].endswith("正常")
        json.loads(daemon.estate("status", "--json").stdout)
    assert "provider" not in daemon.estate("status").stdout, "nobody to ask, nothing to show"


def test_routine_ones_wait_for_their_owner(daemon):
    """No answer, no routine send; the owner is asked with the log's end."""
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()], owners=["dunning"]) as notifier:
        notifier.put(household("3-2-1201"))
        params = {"household": "3-2-1201", "bills": "B-1", "amount": 12345, "due": "2026-12-01"}
        notifier.request("D-1", to="3-2-1201", template="bill-reminder", params=params, source="/estated/worker/dunning", subject="B-1")
        notifier.request("N-1")
        notifier.await_fates({"N-1": "sent"})
        notifier.until_says("does not say whether it still holds")
        assert notifier.kinds("D-1") == ["requested"]


class Owner(threading.Thread):
    """A worker that is asked `holds`, and knows which do."""

    def __init__(self, daemon, name, held):
        super().__init__()
        self.client, self.held, self.asked, self.over, self.meanwhile = daemon.client("owner"), held, [], False, None
        self.service = self.client.serve(name)
        self.start()

    def run(self):
        while not self.over:
            question = self.service.next(0.1)
            if question is None:
                continue
            if self.meanwhile is not None:
                self.meanwhile()
            self.asked.append(question)
            notification = question.arguments["notification"]
            if notification not in self.held:
                question.refuse("not-found", path="question.notification", detail="no such message")
                continue
            question.answer({"holds": self.held[notification], **({} if self.held[notification] else {"reason": "paid"})}, seq=question.at_least)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()


def test_its_owner_says_whether_it_still_holds(daemon):
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()], owners=["dunning"]) as notifier, Owner(daemon, "dunning", {"D-1": True, "D-2": False}) as owner:
        notifier.put(household("3-2-1201"))
        params = {"household": "3-2-1201", "bills": "B-1", "amount": 12345, "due": "2026-12-01"}
        for name in ("D-1", "D-2"):
            notifier.request(name, to="3-2-1201", template="bill-reminder", params=params, source="/estated/worker/dunning", subject=name)
        notifier.await_fates({"D-1": "sent", "D-2": "withdrawn"})
        assert notifier.history("D-2")[-1][1]["reason"] == "paid" and notifier.kinds("D-2") == ["requested", "withdrawn"]
        # What was sent was owed as of a number behind its request.
        requested, attempted = (seq for seq, kind, data, _ in notifier.events() if data["notification"] == "D-1" and kind in ("requested", "attempted"))
        assert requested <= notifier.history("D-1")[1][1]["as_of_seq"] < attempted and len(owner.asked) == 2
        # Urgent ones are not held up by anybody.
        notifier.request("D-3", to="3-2-1201", template="bill-reminder", params=params, source="/estated/worker/dunning", subject="D-3", urgency="urgent")
        notifier.await_fates({"D-3": "sent"})
        assert len(owner.asked) == 2


def test_what_its_owner_does_not_know_holds_up_nothing(daemon):
    """Eight of them would take every connection again and again."""
    with Gateway() as gateway, Notifier(daemon, [gateway.sms(connections=2)], owners=["dunning"]) as notifier, Owner(daemon, "dunning", {"D-1": True}):
        notifier.put(household("3-2-1201"))
        names = [f"X-{n}" for n in range(8)]
        for name in (*names, "D-1"):
            notifier.request(name, to="3-2-1201", template="bill-reminder", params=PARAMS, source="/estated/worker/dunning", subject=name)
        notifier.await_fates({**{name: "withdrawn" for name in names}, "D-1": "sent"})
        assert notifier.history("X-0")[-1][1]["reason"] == "its owner knows of no such message" and len(gateway.requests) == 1


PARAMS = {"household": "3-2-1201", "bills": "B-1", "amount": 12345, "due": "2026-12-01"}


def test_what_its_owner_said_is_no_older_than_two_seconds(gated_daemon, gate):
    """The intent is durable late, and the ledger may have changed meanwhile: it does not leave, and the owner is asked again."""
    with Gateway() as gateway, Notifier(gated_daemon, [gateway.sms()], owners=["dunning"]) as notifier, Owner(gated_daemon, "dunning", {"D-1": True}) as owner:
        owner.meanwhile = gate.close
        notifier.put(household("3-2-1201"))
        notifier.request("D-1", to="3-2-1201", template="bill-reminder", params=PARAMS, source="/estated/worker/dunning", subject="D-1")
        while not owner.asked:
            time.sleep(0.02)
        time.sleep(2.5)
        owner.meanwhile = None
        gate.open()
        notifier.await_fates({"D-1": "sent"})
        assert notifier.kinds("D-1") == ["requested", "attempted", "failed", "attempted", "sent"]
        assert notifier.history("D-1")[2][1]["reason"].startswith("not-sent") and len(owner.asked) == 2 and len(gateway.requests) == 1


def test_what_expires_while_its_intent_is_written_does_not_leave(gated_daemon, gate):
    with Gateway() as gateway, Notifier(gated_daemon, [gateway.sms()], owners=["dunning"]) as notifier, Owner(gated_daemon, "dunning", {"D-1": True}) as owner:
        owner.meanwhile = gate.close
        notifier.put(household("3-2-1201"))
        expires = time.time() + 1.5
        notifier.request("D-1", to="3-2-1201", template="bill-reminder", params=PARAMS, source="/estated/worker/dunning", subject="D-1",
                         expires=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(expires)) + f".{int(expires % 1 * 1000):03}Z")
        while not owner.asked:
            time.sleep(0.02)
        time.sleep(max(0.0, expires + 0.1 - time.time()))
        gate.open()
        notifier.await_fates({"D-1": "suppressed"})
        while "failed" not in notifier.kinds("D-1"):
            time.sleep(0.02)
        assert not gateway.requests, "the log says that it was not sent"


def test_an_open_breaker_holds_what_was_ready_before(daemon):
    with Gateway({"*": 500}) as gateway, Notifier(daemon, [gateway.sms(connections=1, breaker=3, breaker_rest="1h")], settings={"backoff": "1h", "backoff_max": "1h"}) as notifier:
        notifier.put(*(request(f"N-{n}", subject=f"C-{n}") for n in range(30)))
        while len(gateway.requests) < 3:
            time.sleep(0.02)
        notifier.request("U", urgency="urgent")
        notifier.await_fates({"U": "failed"})
        time.sleep(1)
        routine = {name for name in gateway.counts() if name != "U"}
        # A failure that the worker has not read yet opens no breaker: one or two more were begun by then.
        assert 3 <= len(routine) <= 6, "a provider that fails is left alone"


def test_a_slow_channel_holds_up_no_other(daemon):
    """More are ready for it than the sender looks at in a turn."""
    staff, others = [(f"s-{n}", f"+861390000000{n}", "s@example.net") for n in range(4)], ("a", "c", "d", "e")
    with Gateway({"*": "hang"}) as slow, Gateway() as other, \
         Notifier(daemon, [slow.sms("b", connections=1, within="30s"), *(other.sms(name) for name in others)], staff=staff,
                  routes=[{"wanted": "sms", "try": "b"}, *({"wanted": w, "try": name} for w, name in zip(("phone", "email", "letter", "webhook"), others))]) as notifier:
        notifier.put(*(request(f"N-{n}", f"s-{n % 3}", subject=f"C-{n}") for n in range(1500)))
        for wanted in ("phone", "email", "letter"):
            notifier.request(wanted, to="s-3", channel=wanted)
        notifier.await_fates({"phone": "sent", "email": "sent", "letter": "sent"}, patience=15)
        slow.release.set()


def test_several_to_one_household_leave_as_one(daemon):
    """One text and one intent that names them all; what becomes of it is told of each.  Who no longer holds stays behind."""
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()], settings=DIGEST, owners=["dunning"]) as notifier, \
            Owner(daemon, "dunning", {"D-0": True, "D-1": False, "D-2": True}):
        notifier.put(household("3-2-1201"))
        params = {"household": "3-2-1201", "bills": "B-1", "amount": 12345, "due": "2026-12-01"}
        for n, template in enumerate(("bill-reminder", "bill-notice", "bill-notice")):
            notifier.request(f"D-{n}", to="3-2-1201", template=template, params=params, source="/estated/worker/dunning", subject=f"B-{n}")
        notifier.request("N-3", to="3-2-1201", subject="C-1")
        notifier.request("N-other", subject="C-2")
        notifier.request("N-urgent", to="3-2-1201", subject="C-3", urgency="urgent")
        notifier.await_fates({"D-0": "sent", "D-1": "withdrawn", "D-2": "sent", "N-3": "sent", "N-other": "sent", "N-urgent": "sent"})
        assert gateway.counts() == {"D-0": 1, "N-other": 1, "N-urgent": 1}
        (text,) = (text for _, text, reference in gateway.texts() if reference == "D-0.0")
        lines = text.split("\n")
        assert len(lines) == 3 and lines[0].startswith("【物业】1. 3-2-1201 尚有") and lines[1].startswith("2. 3-2-1201 的物业账单") and lines[2].startswith("3. 超时：C-1")
        assert text.count("【") == 1
        for name in ("D-0", "D-2", "N-3"):
            assert notifier.kinds(name) == ["requested", "attempted", "sent"]
            sent = notifier.history(name)[-1][1]
            assert sent["provider_id"] and ("segments" in sent) == (name == "D-0")     # charged once
        assert sorted(notifier.history("D-0")[1][1]["with"]) == ["D-2", "N-3"] and notifier.kinds("D-1") == ["requested", "withdrawn"]
        notifier.prove()


def test_what_has_no_room_leaves_in_the_next(daemon):
    """Ten segments at most."""
    with Gateway() as gateway, Notifier(daemon, [gateway.sms(per_second=1000)], settings=DIGEST) as notifier:
        for n in range(8):
            notifier.request(f"N-{n}", subject=f"C-{n}", params={"obligation": "C1/C-1", "rule": "长" * 150})
        notifier.await_fates({f"N-{n}": "sent" for n in range(8)})
        assert sorted(text.count("已超过期限") for _, text, _ in gateway.texts()) == [2, 3, 3]
        assert sorted(data.get("segments", 0) for _, kind, data, _ in notifier.events() if kind == "sent")[:5] == [0] * 5
        assert all(data.get("segments", 0) <= 10 for _, kind, data, _ in notifier.events() if kind == "sent")


def test_killed_on_its_way_all_of_it_is_unknown(daemon):
    with Gateway({0: "hang"}) as gateway, Notifier(daemon, [gateway.sms(within="30s")], settings=DIGEST) as notifier:
        for n in range(3):
            notifier.request(f"N-{n}", subject=f"C-{n}")
        deadline = time.monotonic() + 20
        while not gateway.requests:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        notifier.kill9()
        notifier.start()
        notifier.await_fates({f"N-{n}": "failed" for n in range(3)})
        assert all(notifier.history(f"N-{n}")[-1][1]["reason"].startswith("outcome-unknown") for n in range(3)) and len(gateway.requests) == 1
        assert all(notifier.kinds(f"N-{n}") == ["requested", "attempted", "failed"] for n in range(3))
        notifier.prove()


def test_a_refused_digest_is_tried_again_as_one(daemon):
    with Gateway({0: 500}) as gateway, Notifier(daemon, [gateway.sms()], settings=DIGEST) as notifier:
        for n in range(3):
            notifier.request(f"N-{n}", subject=f"C-{n}")
        notifier.await_fates({f"N-{n}": "sent" for n in range(3)})
        assert [reference for _, _, reference in gateway.texts()] == ["N-0.0", "N-0.1"] and gateway.texts()[0][1] == gateway.texts()[1][1]


def test_urgent_ones_overtake(daemon):
    """With so many routine ones waiting, from the put to the provider."""
    count, urgent = (100000, 500) if LONG else (5000, 60)
    with Gateway({"*": lambda path, body: (200, b'{"id":"x"}')}) as gateway, Notifier(daemon, [gateway.sms(connections=2, per_second=20)]) as notifier:
        for begin in range(0, count, 500):
            notifier.client.put_batch([request(f"R-{n}", subject=f"C-{n}") for n in range(begin, min(begin + 500, count))])
        put = {}
        draw = random.Random(3)
        for n in range(urgent):
            put[f"U-{n}"] = time.monotonic()
            notifier.request(f"U-{n}", urgency="urgent" if n % 2 else "emergency", subject=f"U-{n}")
            time.sleep(draw.random() * 0.02)
        notifier.await_fates({name: "sent" for name in put})
        arrived = {json.loads(body)["reference"].rpartition(".")[0]: at for at, _, _, body in gateway.requests}
        delays = sorted((arrived[name] - at) * 1000 for name, at in put.items())
        waiting = count - sum(name.startswith("R-") for name in arrived)
        print(f"{waiting} routine ones waiting: median {delays[len(delays) // 2]:.1f} ms, p99 {delays[int(len(delays) * 0.99)]:.1f} ms, most {delays[-1]:.1f} ms")
        assert waiting > count * 0.8
        # Others use the machine: the median is held to the bound for the p99.
        assert delays[len(delays) // 2] <= 100
        assert not any(count > 1 for count in gateway.counts().values())


def test_the_texts_of_a_household(daemon):
    with Gateway() as gateway, Notifier(daemon, [gateway.sms()]) as notifier:
        notifier.put(household("3-2-1201", language="en"))
        params = {"household": "3-2-1201", "bills": "B-1", "amount": 12345, "due": "2026-12-01"}
        notifier.request("D-1", to="3-2-1201", template="bill-reminder", params=params, source="/estated/worker/dunning", subject="B-1")
        notifier.await_fates({"D-1": "sent"})
        assert gateway.texts()[0][:2] == ("+8613800001111", "【物业】3-2-1201: 123.45 yuan is still open (due 2026-12-01). Please pay soon, or call us if something is wrong.")


def test_dry_run_shows_what_would_leave_together(tmp_path):
    """Routine ones to one receiver within the time of a digest are one text; what is urgent, refused or later stands by itself, all in their order."""
    with Gateway() as gateway:
        folder = write_config(str(tmp_path / "config"), [gateway.sms()], settings={"digest": "10min"})
        asked = [("09:00:00", request("N-1")), ("09:03:00", request("N-2", urgency="urgent")), ("09:05:00", request("N-3", params={"obligation": "C1/C-2", "rule": "C2"})),
                 ("09:06:00", request("N-4", to="manager-1")), ("09:07:00", request("N-5", template="no-such")), ("09:10:00", request("N-6"))]
        text = "".join(json.dumps({**line, "time": f"2026-11-25T{clock}Z"}) + "\n" for clock, line in asked)
        done = subprocess.run([NOTIFY, "--dry-run", "-", "--config", folder], input=text, capture_output=True, text=True, check=True)
        shown = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(one["notification"], one.get("with")) for one in shown] == [("N-1", ["N-3"]), ("N-2", None), ("N-4", None), ("N-5", None), ("N-6", None)]
        assert "（C1）" in shown[0]["text"] and "（C2）" in shown[0]["text"] and shown[0]["text"].count("【物业】") == 1
        assert "refused" in shown[3] and not gateway.requests


def test_dry_run_shows_what_would_leave(tmp_path):
    """To nobody; a rehearsal concludes and sends nothing either."""
    with Gateway() as gateway:
        folder = write_config(str(tmp_path / "config"), [gateway.sms()])
        lines = [household("3-2-1201"), request("N-1"), request("N-2", to="3-2-1201", template="bill-notice",
                 params={"household": "3-2-1201", "bills": "B-1", "amount": 100, "due": "2026-12-01"}), request("N-3", template="no-such"),
                 request("N-4", params={"obligation": "C1/C-1", "rule": "【某银行】 请\n点"})]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        done = subprocess.run([NOTIFY, "--dry-run", "-", "--config", folder], input=text, capture_output=True, text=True, check=True)
        shown = [json.loads(line) for line in done.stdout.splitlines()]
        assert shown[0] == {"notification": "N-1", "channel": "sms", "to": "lead-1", "template": "obligation-breached", "address": "…0001",
                            "encoding": "UCS-2", "units": 27, "segments": 1, "text": "【物业】超时：C-1 已超过期限（C1），请立即处理。"}
        assert shown[1]["address"] == "…1111" and "1.00 元" in shown[1]["text"]
        assert shown[2]["refused"] == "there is no template no-such"
        assert "【" not in shown[3]["text"][4:] and "[某银行] 请 点" in shown[3]["text"], "whoever writes a value signs nothing"
        assert rehearse(text.encode(), "--config", folder, program=NOTIFY)[0] == [] and not gateway.requests
