"""A generated month under the shipped rules, on a clock that runs fast: killed at random, the log equals its own rehearsal.

Three days and a dozen kills in make test; the month and 200 kills with ESTATE_LONG=1 (make check-long).
"""
import datetime
import json
import os
import random
import struct
import subprocess
import time

import pytest

import daemon as harness
from obligations import SHIPPED, SITE
from worker import Worker

LONG = bool(os.environ.get("ESTATE_LONG"))
DAYS, KILLS, FACTOR, HOUSEHOLDS = (30, 200, 25000, 300) if LONG else (3, 12, 30000, 300)
BEGIN = datetime.datetime(2026, 11, 1, tzinfo=SITE)
HERE = os.path.dirname(os.path.abspath(harness.__file__))


class FastClock:
    def __init__(self, path, begin, factor):
        self.path, self.factor = path, factor
        self.real, self.wall = time.clock_gettime_ns(time.CLOCK_BOOTTIME), int(begin.timestamp()) * 10**9
        self.boot = self.real
        self.write()

    def write(self):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("=qqqq", self.real, self.wall, self.boot, self.factor))

    def now(self):
        return self.wall + (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - self.real) * self.factor

    def slow_down(self):
        """From here on as fast as any other; it never goes back."""
        real = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 10**6
        passed = (real - self.real) * self.factor
        self.real, self.wall, self.boot, self.factor = real, self.wall + passed, self.boot + passed, 1
        self.write()


class Shipped(Worker):
    """A worker under what is shipped."""

    def __init__(self, daemon, name, **options):
        super().__init__(daemon, name=name, program=harness.program(f"estate-{name}"), rules=None, start=False, **options)
        self.rules = SHIPPED
        self.start()

    def await_rules(self, client):
        with open(os.path.join(SHIPPED, "rules", f"{self.name}.yaml"), encoding="utf-8") as file:
            text = file.read()
        stream = client.subscribe("first", type=["config.activated"])
        while True:
            delivery = stream.next(60)
            assert delivery is not None, f"its rules were never activated\n{self.stderr()}"
            if delivery.fields["data"].get("content") == text:
                stream.close()
                return


@pytest.fixture(scope="module")
def fast_library(tmp_path_factory):
    library = str(tmp_path_factory.mktemp("fast") / "fastclock.so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "fastclock.c"), "-ldl"], check=True)
    return library


def month(tmp_path, registry):
    path = str(tmp_path / "month.jsonl")
    subprocess.run([harness.program("estate"), "generate", "--households", str(HOUSEHOLDS), "--from", BEGIN.date().isoformat(), "--days", str(DAYS), "--seed", "7",
                    *([] if registry else ["--no-registry"]), "--out", path], check=True)
    with open(path, encoding="utf-8") as lines:
        events = {(e["source"], e["id"]): e for e in map(json.loads, lines)}.values()
    return sorted(((int(datetime.datetime.fromisoformat(e["time"]).timestamp() * 1e9), e) for e in events), key=lambda one: one[0])


def open_obligations(client):
    answer = client.ask("escalate", "open")
    rows = answer.value["rows"]
    while answer.next:
        answer = client.ask("escalate", "open", page=answer.next)
        rows += answer.value["rows"]
    dues = [row["due"] for row in rows]
    assert dues and dues == sorted(dues, key=str) and {row["state"] for row in rows} <= {"running", "breached", "paused", "acknowledged"}


def agenda(client):
    answer = client.ask("callback", "agenda", limit=1000)
    dues = [row["due"] for row in answer.value["rows"]]
    assert dues and dues == sorted(dues, key=str) and {row["kind"] for row in answer.value["rows"]} <= {"complaint", "repair", "routine", "call", "help"}


# What a worker concludes in any three days, how much of it a day, and what it must be able to answer afterwards.
WORKERS = [
    ("escalate", {"obligation.opened", "obligation.fulfilled", "obligation.warned", "obligation.breached", "case.escalated", "notification.requested"}, 50, open_obligations),
    ("callback", {"callback.due", "contact.granted"}, 10, agenda),
]


@pytest.mark.parametrize("name, expected, a_day, ask", WORKERS, ids=[one[0] for one in WORKERS])
def test_a_month_of_kills(start_daemon, tmp_path, fast_library, name, expected, a_day, ask):
    events, rng, kills = month(tmp_path, name == "callback"), random.Random(11), 0
    clock = FastClock(str(tmp_path / "clock"), BEGIN, FACTOR)
    daemon = start_daemon(preload=fast_library, env={"FASTCLOCK": clock.path})
    with Shipped(daemon, name) as worker:
        client = daemon.client("feed")
        client.hello()
        worker.await_rules(daemon.client("rules"))
        clock.factor, begin, at = FACTOR, time.monotonic(), 0
        span = DAYS * 86400 / FACTOR
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
                if rng.random() < 0.25:
                    daemon.kill9()
                    daemon.start()
                worker.launch(*(["--rebuild"] if rng.random() < 0.1 else []))
                if rng.random() < 0.7:
                    worker.wait_ready()
            elif not ready:
                time.sleep(0.005)
        clock.slow_down()
        worker.settle(until=datetime.datetime.fromtimestamp(clock.now() / 1e9 + 1, SITE).isoformat())
        derived = worker.prove()
        kinds = {event["type"] for event in derived}
        assert expected <= kinds
        assert len(derived) > a_day * DAYS and kills == KILLS
        ask(client)
        print(f"{len(events)} events, {len(derived)} derived, {kills} kills")
