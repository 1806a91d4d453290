"""Subscriptions against a plain filter in Python: many at once, slow ones, rare ones in a large log."""
import json
import random
import subprocess
import threading

import pytest

import daemon as harness

HOUSEHOLDS, SEED = 400, 5


@pytest.fixture(scope="module")
def day():
    """A day of an invented estate as packed events, in the order in which a daemon would receive them."""
    lines = subprocess.run([harness.program("estate"), "generate", "--households", str(HOUSEHOLDS), "--from", "2026-11-01", "--days", "1",
                            "--seed", str(SEED)], capture_output=True, text=True, check=True).stdout.splitlines()
    return [harness.estate.pack(json.loads(line)) for line in lines]


def pattern_matches(pattern, kind):
    words, parts = pattern.split("."), kind.split(".")
    if words[-1] == "**":
        words, parts = words[:-1], parts[:max(len(words) - 1, 0)] if len(parts) >= len(words) else None
    return parts is not None and len(words) == len(parts) and all(w in ("*", p) for w, p in zip(words, parts))


def wanted(fields, type=None, subject=None, source=None, urgency=None):
    """The definition of PROTOCOL.md, section 5."""
    return ((type is None or any(pattern_matches(p, fields["type"]) for p in type)) and
            (subject is None or fields.get("subject") in subject) and
            (source is None or fields["source"] in source) and
            (urgency is None or fields.get("urgency", "routine") in urgency))


def test_the_model_itself():
    assert pattern_matches("a.**", "a.b.c") and not pattern_matches("a.**", "a") and pattern_matches("**", "a")
    assert pattern_matches("*.b", "a.b") and not pattern_matches("*", "a.b") and not pattern_matches("a.*", "ab.c")


def make_filters(events):
    """Twenty, from nothing to everything, made of what the day holds and of what it doesn't."""
    rng = random.Random(SEED)
    fields = [harness.estate.unpack(e) for e in events]
    types = sorted({f["type"] for f in fields})
    subjects = sorted({f["subject"] for f in fields if "subject" in f})
    sources = sorted({f["source"] for f in fields})
    filters = [{}, {"type": ["**"]}, {"type": ["*.*"]}, {"type": ["*"]}, {"type": ["nothing.here"]}, {"subject": ["nobody"]},
               {"urgency": ["routine"]}, {"urgency": ["urgent", "emergency"]}, {"type": ["complaint.*", "repair.**"]},
               {"type": ["*.opened", "case.*"], "urgency": ["routine"]}, {"source": ["/nowhere"], "type": ["**"]},
               {"subject": subjects[:64]}, {"source": sources[:1]}]
    while len(filters) < 20:
        one = {}
        if rng.random() < 0.6:
            one["type"] = rng.sample(types, rng.randint(1, 4))
        if rng.random() < 0.6:
            one["subject"] = rng.sample(subjects, rng.randint(1, 40))
        if rng.random() < 0.3 or not one:
            one["source"] = rng.sample(sources, rng.randint(1, min(3, len(sources))))
        filters.append(one)
    return filters


def put_all(client, events):
    for receipt in client.put_many(events):
        assert receipt.fault is None, receipt.fault


class Tail(threading.Thread):
    """A client of its own that takes what comes until the event with the last number was handed out or filtered away."""

    def __init__(self, daemon, name, last, options):
        super().__init__(daemon=True)
        self.client = harness.estate.Client(daemon.endpoint, name, patience=2.0)
        self.last, self.options, self.got, self.problem = last, options, [], None
        self.client.hello()
        self.subscription = self.client.subscribe("first", **options)

    def run(self):
        try:
            while (self.subscription.cursor or 0) < self.last:
                delivery = self.subscription.next(timeout=1.0)
                if delivery is not None:
                    self.got.append((delivery.seq, delivery.event))
            self.client.close()
        except Exception as wrong:      # for the test's own thread to raise
            self.problem = wrong


def expected(client, options):
    everything = [(d.seq, d.event) for d in client.subscribe("first", until_end=True)]
    return [one for one in everything if wanted(harness.estate.unpack(one[1]), **options)]


def test_twenty_tails(daemon, day):
    """Half of them are there before the first event, half come when it is all history."""
    client = daemon.client()
    client.hello()
    # A put behind the daemon's own first event, which may not yet be durable when we are welcomed.
    begin = client.put(harness.estate.make_event("probe.recorded", "/test", {}, "begin")).seq
    last = begin + len({harness.estate.unpack(e)["id"] + harness.estate.unpack(e)["source"] for e in day})
    filters = make_filters(day)
    early = [Tail(daemon, f"early-{n}", last, f) for n, f in enumerate(filters[::2])]
    for tail in early:
        tail.start()
    put_all(client, day)
    assert client.ping()["last"] == last
    late = [Tail(daemon, f"late-{n}", last, f) for n, f in enumerate(filters[1::2])]
    for tail in late:
        tail.start()
    sizes = []
    for tail, options in zip(early + late, filters[::2] + filters[1::2]):
        tail.join(60)
        assert not tail.is_alive(), f"{options}: it waits at {tail.subscription.cursor} of {last}"
        if tail.problem is not None:
            raise tail.problem
        assert tail.got == expected(client, options), options
        sizes.append(len(tail.got))
    print(f"{len(day)} lines, deliveries: {sorted(sizes)}")
    assert 0 in sizes and max(sizes) == last


def test_progress_behind_the_last_match(daemon):
    """What is filtered out behind a delivered event is told too, also long after the end was told for the first time."""
    wire, producer = daemon.wire(client="reader"), daemon.wire(client="producer")
    wire.send(1, "subscribe", 7, {"from": "first", "subject": ["mine"], "events": 100, "bytes": 1 << 20})
    assert wire.until("progress")[-1][3]["end"] is True
    for n in range(3):
        subjects = ["other", "mine", "other", "other"]
        answer = producer.put(n + 1, *[harness.estate.pack({"specversion": "1.0", "id": f"{n}-{k}", "source": "/test", "type": "probe.recorded",
                                                            "subject": s, "data": {}}) for k, s in enumerate(subjects)])
        first = answer[4][0][0]
        assert [e[0] for e in wire.delivered(1)] == [first + 1]
        told = wire.until("progress")[-1][3]
        assert told["seq"] == first + 3 and told["end"] is True


def test_a_slow_reader_gets_everything_later(daemon, day):
    """It grants a few events, goes away in its thoughts while the log grows beyond what memory holds, and then takes the rest."""
    client = daemon.client()
    client.hello()
    put_all(client, day[:10])
    wire = daemon.wire(client="slow")
    wire.send(1, "subscribe", 7, {"from": "first", "events": 3, "bytes": 1 << 20})
    got = wire.delivered(3)
    filler = "x" * 1500
    events = list(day) + [harness.estate.pack({"specversion": "1.0", "id": f"{n:08d}", "source": "/test/slow", "type": "probe.recorded",
                                               "data": {"n": n, "text": filler}}) for n in range(4000)]       # 6 MB: thrice the memory
    put_all(client, events)
    assert not [m for m in wire.quiet() if m[1] == "events"], "more than was granted"
    last = client.ping()["last"]
    while len(got) < last:
        step = min(500, last - len(got))
        wire.send(1, "credit", 7, step, 1 << 20)
        got += wire.delivered(1)
    everything = [[d.seq, d.log_time, d.sender, d.flags, d.event] for d in client.subscribe("first", until_end=True)]
    assert got == everything


def test_a_rare_case_among_many(start_daemon):
    """100,000 events; a case with a handful of them is answered from the blocks' filters, whole and in order, also after a restart."""
    daemon = start_daemon()
    client = daemon.client()
    client.hello()
    rng = random.Random(1)
    rare = sorted(rng.sample(range(100000), 7))
    common = [{"specversion": "1.0", "id": f"{n:08d}", "source": "/test/many", "type": "probe.recorded", "subject": f"case-{n // 40}",
               "data": {"n": n}} for n in range(100000)]
    for n in rare:
        common[n]["subject"] = "the-rare-one"
    put_all(client, (harness.estate.pack(e) for e in common))

    def numbers(**filters):
        return [d.fields["data"]["n"] for d in client.subscribe("first", until_end=True, **filters)]
    cases = {"the-rare-one": rare}
    for c in rng.sample(range(2500), 10):
        cases[f"case-{c}"] = [n for n in range(c * 40, c * 40 + 40) if n not in rare]
    for _ in range(2):
        for subject, there in cases.items():
            assert numbers(subject=[subject]) == there, subject
        assert numbers(subject=["not-there"]) == []
        assert numbers(subject=["the-rare-one", "case-3"]) == sorted(rare + [n for n in range(120, 160) if n not in rare])
        assert numbers(subject=["the-rare-one"], type=["complaint.*"]) == []
        assert numbers(subject=["the-rare-one"], source=["/test/many"], type=["probe.recorded"]) == rare
        daemon.restart()
        client = daemon.client()
        client.hello()


def test_many_readers_of_the_past_hold_nobody_up(daemon):
    """512 that look at every old event and want none: the loop goes round between them, however long they take all together."""
    client = daemon.client()
    client.hello()
    put_all(client, (harness.estate.pack({"specversion": "1.0", "id": f"{n:08d}", "source": "/test/many", "type": "probe.recorded",
                                          "data": {"n": n}}) for n in range(20000)))
    readers = [daemon.wire(client="reader") for _ in range(16)]
    for reader in readers:
        for n in range(32):
            reader.send(1, "subscribe", n + 1, {"from": "first", "type": ["*.nothing"], "events": 1, "bytes": 1})
    other = daemon.wire(client="other")
    pings, left = 0, {(id(reader), n + 1) for reader in readers for n in range(32)}
    while left:
        assert other.ask(1, "ping", 1)[1] == "pong"
        pings += 1
        for reader in readers:
            while reader.socket.poll(0):
                message = reader.receive()
                if message[1] == "progress" and message[3]["end"]:
                    left.discard((id(reader), message[2]))
    # One ping a round would be a dozen, each after a tenth of a second and more.
    assert pings > 100
