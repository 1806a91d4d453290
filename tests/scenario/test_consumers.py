"""Durable consumers and progress: who reads under a name, what is counted as processed, what time is past for good."""
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time

import msgpack
import pytest
import zmq

import daemon as harness
import estate
from test_faults import Control, INTERPOSER
from wire import packed

NS, S = 1_000_000_000, 1_000_000_000
LIMIT_S = 120


@pytest.fixture(autouse=True)
def time_limit():
    def expire(*_):
        raise AssertionError(f"not done after {LIMIT_S} s")
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)


def subscribe(wire, number, **wishes):
    """What `subscribed` tells."""
    wire.send(1, "subscribe", number, {"events": 1000, "bytes": 1 << 20, **wishes})
    answer = wire.until("subscribed")[-1]
    assert answer[2] == number
    return answer[3]


def refused(answer, number, name):
    assert answer[1:3] == ["nak", number] and answer[3]["name"] == name, answer
    return answer[3]


def put(wire, count, number=100):
    """So many events; their numbers."""
    answer = wire.put(number, *(packed() for _ in range(count)))
    assert answer[1] == "ack", answer
    return [seq for first, n, _ in answer[4] for seq in range(first, first + n)]


def asked(wire, verb, *arguments, number=900):
    """The answer to a request, whatever subscriptions send meanwhile."""
    wire.send(1, verb, number, *arguments)
    while True:
        message = wire.receive()
        if message[2] == number:
            return message


def try_send(wire, *message):
    """To a daemon that may be dead."""
    try:
        wire.socket.send(msgpack.packb(message), zmq.NOBLOCK)
    except zmq.Again:
        pass


def settled(wire):
    """Everything sent before has been looked at."""
    assert asked(wire, "ping")[1] == "pong"


# --- names and cursors

def test_a_new_name_begins_with_the_first_event_and_goes_on_behind_its_ack(daemon):
    wire = daemon.wire()
    seqs = put(wire, 10)
    told = subscribe(wire, 5, consumer="stats")
    assert told["next"] == 1 and told["cursor"] == 0 and told["member"] > 0
    wire.delivered(len(seqs))
    wire.until("progress")
    wire.send(1, "ack", 5, seqs[6])
    settled(wire)
    other = daemon.wire()
    told = subscribe(other, 8, consumer="stats")
    assert (told["next"], told["cursor"]) == (seqs[7], seqs[6])
    assert [e[0] for e in other.delivered(3)] == seqs[7:]


def test_an_explicit_place_is_the_truth_and_the_cursor_follows(daemon):
    wire = daemon.wire()
    seqs = put(wire, 10)
    assert subscribe(wire, 5, consumer="w", **{"from": {"seq": seqs[8]}})["cursor"] == seqs[8] - 1
    assert subscribe(wire, 6, consumer="w", **{"from": {"seq": seqs[2]}})["cursor"] == seqs[2] - 1
    # Seen, but processed only so far: what a client says after a lost connection.
    told = subscribe(wire, 7, consumer="w", cursor=seqs[3], **{"from": {"seq": seqs[6]}})
    assert (told["next"], told["cursor"]) == (seqs[6], seqs[3])
    assert subscribe(wire, 8, consumer="w")["next"] == seqs[4]
    assert subscribe(wire, 9, consumer="w", **{"from": "new"})["cursor"] == seqs[-1]


def test_what_no_subscribe_may_ask_of_a_consumer(daemon):
    wire = daemon.wire()
    seqs = put(wire, 3)
    for name in ["", "a b", "x" * 65, "é", 7, None, ["a"]]:
        refused(wire.ask(1, "subscribe", 5, {"consumer": name}), 5, "bad-argument")
    refused(wire.ask(1, "subscribe", 5, {"cursor": 1}), 5, "bad-argument")
    refused(wire.ask(1, "subscribe", 5, {"member": 1}), 5, "bad-argument")
    refused(wire.ask(1, "subscribe", 5, {"consumer": "a", "cursor": -1}), 5, "bad-argument")
    assert refused(wire.ask(1, "subscribe", 5, {"consumer": "a", "cursor": seqs[1], "from": {"seq": seqs[1]}}), 5,
                   "bad-argument")["path"] == "cursor"
    refused(wire.ask(1, "subscribe", 5, {"consumer": "a", "from": {"seq": seqs[-1] + 2}}), 5, "beyond-end")
    refused(wire.ask(1, "subscribe", 5, {"consumer": "a", "type": ["a..b"]}), 5, "bad-pattern")
    # The highest number of all would be nobody's to rise above.
    assert refused(wire.ask(1, "subscribe", 5, {"consumer": "a", "member": 2**64 - 1}), 5, "bad-argument")["path"] == "member"
    # None of these left a name behind: a new one begins at the first event.
    assert subscribe(wire, 5, consumer="a")["next"] == 1


# --- acks

def test_acks_are_cumulative_silent_and_never_go_back(daemon):
    wire = daemon.wire()
    seqs = put(wire, 10)
    subscribe(wire, 5, consumer="a")
    wire.delivered(10)
    wire.until("progress")
    for seq in (seqs[3], seqs[7], seqs[5], 0, seqs[7]):
        wire.send(1, "ack", 5, seq)
    assert wire.quiet() == []
    assert subscribe(wire, 6, consumer="a")["cursor"] == seqs[7]


def test_acks_that_are_refused_change_nothing(daemon):
    wire = daemon.wire()
    seqs = put(wire, 10)
    wire.send(1, "subscribe", 5, {"consumer": "a", "events": 4, "bytes": 1 << 20})
    told = wire.delivered(4)[-1][0]
    refused(wire.ask(1, "ack", 5, told + 1), 5, "not-delivered")
    refused(wire.ask(1, "ack", 5, 2 ** 64 - 1), 5, "not-delivered")
    refused(wire.ask(1, "ack", 5, -1), 5, "bad-argument")
    refused(wire.ask(1, "ack", 5, "1"), 5, "bad-argument")
    refused(wire.ask(1, "ack", 5), 5, "bad-argument")
    refused(wire.ask(1, "ack", 77, 1), 77, "no-subscription")
    subscribe(wire, 6, **{"from": "first"})
    wire.delivered(10, 6)
    wire.until("progress")
    refused(wire.ask(1, "ack", 6, seqs[0]), 6, "no-consumer")
    wire.send(1, "ack", 5, told)
    assert wire.quiet() == []
    assert subscribe(wire, 7, consumer="a")["cursor"] == told


def test_what_was_filtered_out_can_be_acked_once_it_was_told(daemon):
    wire = daemon.wire()
    seqs = put(wire, 5)
    wire.send(1, "subscribe", 5, {"consumer": "a", "type": ["nothing.here"], "events": 10, "bytes": 1000})
    assert wire.until("progress")[-1][3]["seq"] == seqs[-1]
    wire.send(1, "ack", 5, seqs[-1])
    assert wire.quiet() == []
    assert subscribe(wire, 6, consumer="a")["cursor"] == seqs[-1]


def test_credit_does_not_overflow(daemon):
    wire = daemon.wire()
    subscribe(wire, 5, consumer="a", events=2 ** 64 - 1, bytes=2 ** 64 - 1)
    for more in ((2 ** 64 - 1, 2 ** 64 - 1), (2 ** 63, 0), (0, 2 ** 63)):
        wire.send(1, "credit", 5, *more)
    seqs = put(daemon.wire(), 3)
    assert [e[0] for e in wire.delivered(4, 5)][-3:] == seqs
    wire.quiet()
    for wrong in ((-1, 1), (1, "1"), (1,), ()):
        assert refused(asked(wire, "credit", *wrong, number=5), 5, "bad-argument")


# --- one member at a time

def test_a_later_member_takes_over(daemon):
    old, new = daemon.wire(client="old"), daemon.wire(client="new")
    seqs = put(old, 5)
    first = subscribe(old, 5, consumer="a")["member"]
    old.delivered(5)
    old.until("progress")
    second = subscribe(new, 5, consumer="a")
    assert second["member"] > first
    ended = old.receive()
    assert ended[:3] == [1, "ended", 5] and ended[3]["name"] == "taken-over" and ended[3]["retry"] == "never"
    refused(old.ask(1, "ack", 5, seqs[-1]), 5, "no-subscription")
    # Within one session too; and the old member's ack did not count.
    new.send(1, "subscribe", 6, {"consumer": "a"})
    assert new.until("ended")[-1][2] == 5
    assert new.receive()[3]["cursor"] == 0
    # The old one's connection comes back: it goes on only if nobody took over meanwhile.
    assert refused(old.ask(1, "subscribe", 6, {"consumer": "a", "member": first, "from": {"seq": 3}}), 6, "taken-over")["path"] == "member"
    assert not [m for m in new.quiet() if m[1] == "ended"]


def test_a_member_whose_connection_fell_goes_on_as_itself(daemon):
    wire = daemon.wire()
    put(wire, 5)
    first = subscribe(wire, 5, consumer="a")
    again = daemon.wire()
    told = subscribe(again, 5, consumer="a", member=first["member"], cursor=2, **{"from": {"seq": 4}})
    assert (told["member"], told["next"], told["cursor"]) == (first["member"], 4, 2)
    assert wire.until("ended")[-1][3]["name"] == "taken-over"
    # A larger one than the daemon remembers: it was killed before it could note it.
    assert subscribe(wire, 6, consumer="a", member=first["member"] + 7)["member"] == first["member"] + 7


def test_the_python_client_as_a_consumer(daemon):
    client = daemon.client("one", ping_after=0.1)
    for n in range(4):
        client.put(estate.make_event("probe.recorded", "/test", {"n": n}))
    reader = client.subscribe(consumer="py", type=["probe.*"])
    got = [reader.next(5).seq for _ in range(4)]
    with pytest.raises(ValueError):
        reader.ack(got[-1] + 1)
    reader.ack(got[1])
    daemon.restart()
    # The daemon forgot the session; the client goes on behind what it saw.
    other = daemon.client("two")
    seq = other.put(estate.make_event("probe.recorded", "/test", {})).seq
    assert reader.next(30).seq == seq
    assert other.subscribe(consumer="py").acked == got[1]
    with pytest.raises(estate.Fault, match="taken-over"):
        while reader.next(5) is not None:
            pass


# --- progress and wakes

def end_of(wire, number=5, **wishes):
    """Subscribed and at the end; what the progress told."""
    subscribe(wire, number, **wishes)
    while True:
        message = wire.receive()
        if message[1:3] == ["progress", number] and message[3]["end"]:
            return message[3]


def test_progress_at_the_end_tells_the_time_of_now_and_later_events_are_later(daemon):
    wire = daemon.wire()
    for _ in range(20):
        before = time.time_ns()
        told = end_of(wire, 5)
        assert before - S < told["log_time"] <= time.time_ns()
        put(wire, 3)
        events = wire.delivered(3, 5)
        assert all(e[1] > told["log_time"] for e in events)
        wire.send(1, "unsubscribe", 5)
        wire.until("unsubscribed")


def test_a_wake_comes_when_log_time_is_there(daemon):
    wire = daemon.wire()
    end_of(wire)
    late = []
    for ms in (0, 1, 2, 5, 10, 20, 30, 50, 5, 5, 5):
        at = time.time_ns() + ms * 1_000_000
        wire.send(1, "wake", 5, at)
        message = wire.receive()
        late.append((time.time_ns() - at) / 1e6)
        assert message[1] == "progress" and message[3]["log_time"] >= at and message[3]["end"], message
    assert sorted(late)[len(late) // 2] < 3, late
    # In the past: at once.  Withdrawn, or replaced: not at all.
    wire.send(1, "wake", 5, 1)
    assert wire.receive()[1] == "progress"
    wire.send(1, "wake", 5, time.time_ns() + 100_000_000)
    wire.send(1, "wake", 5, 2 ** 63 - 1)
    assert not wire.socket.poll(200)
    at = time.time_ns()
    wire.send(1, "wake", 5, at + 10 * NS)
    wire.send(1, "wake", 5, at + 20_000_000)
    assert wire.receive()[3]["log_time"] >= at + 20_000_000 and not wire.socket.poll(50)


def test_wakes_that_are_refused(daemon):
    wire = daemon.wire()
    end_of(wire)
    refused(wire.ask(1, "wake", 77, 1), 77, "no-subscription")
    for wish in (-1, 2 ** 63, "now", None, 1.5):
        refused(wire.ask(1, "wake", 5, wish), 5, "bad-argument")
    refused(wire.ask(1, "wake", 5), 5, "bad-argument")
    assert wire.quiet() == []


def test_a_wake_is_answered_without_progress_being_wanted(daemon):
    wire = daemon.wire()
    subscribe(wire, 5, progress=False, consumer="a", **{"from": "new"})
    assert wire.quiet() == []
    at = time.time_ns() + 5_000_000
    wire.send(1, "wake", 5, at)
    assert wire.receive()[3]["log_time"] >= at


def test_a_wake_waits_for_what_is_on_its_way_to_the_disk(gated_daemon, gate):
    """A batch may have been stamped before: until it is durable and delivered, the time of now is not past."""
    wire, producer = gated_daemon.wire(), gated_daemon.wire()
    end_of(wire)
    gate.close()
    producer.send(1, "put", 1, [packed()])
    settled(producer)
    wire.send(1, "wake", 5, time.time_ns())
    settled(wire)
    gate.open()
    delivered = wire.receive()
    assert delivered[1] == "events"
    told = wire.receive()
    assert told[1] == "progress" and told[3]["seq"] == delivered[3][-1][0] and told[3]["log_time"] >= delivered[3][-1][1]


def test_a_reader_without_credit_is_not_told_more_than_it_may_know(daemon):
    wire, producer = daemon.wire(), daemon.wire()
    subscribe(wire, 5, **{"from": "new", "events": 2})
    seqs = put(producer, 2) + put(producer, 2, 101)
    wire.send(1, "wake", 5, time.time_ns())
    got = wire.delivered(2)
    assert [m for m in wire.quiet() if m[1] == "progress" and m[3]["seq"] >= seqs[2]] == []
    wire.send(1, "credit", 5, 10, 10000)
    rest = wire.delivered(2)
    told = wire.until("progress")[-1][3]
    assert told["seq"] == seqs[-1] and told["log_time"] >= rest[-1][1] > got[-1][1]


def test_the_heartbeat(daemon):
    """At the end and idle, word comes all the same; not to those who don't want it."""
    wire = daemon.wire()
    subscribe(wire, 6, progress=False)
    first = end_of(wire)
    assert wire.socket.poll(15000)
    message = wire.receive()
    assert message[1:3] == ["progress", 5] and message[3]["seq"] == first["seq"]
    assert 8 * NS < message[3]["log_time"] - first["log_time"] < 14 * NS


def test_nobody_there_no_wakeups(daemon):
    wire = daemon.wire()
    end_of(wire, consumer="a")
    wire.send(1, "wake", 5, time.time_ns() + 50_000_000)
    wire.ask(1, "bye", 9)
    wire.close()

    def switches():
        total = 0
        for task in os.listdir(f"/proc/{daemon.pid}/task"):
            with open(f"/proc/{daemon.pid}/task/{task}/status", encoding="ascii") as file:
                total += int(next(line for line in file if line.startswith("voluntary_ctxt")).split()[1])
        return total
    deadline = time.monotonic() + 30
    while True:
        before = switches()
        select.select([], [], [], 1.0)
        woken = switches() - before
        if woken <= 2:
            break
        assert time.monotonic() < deadline, f"{woken} wake-ups in an idle second"


# --- the promise: every event numbered above seq has a log time above log_time

class Promises:
    """Collects what a subscription tells, and holds it against what comes later."""

    def __init__(self):
        self.told = []                  # (seq, log_time)
        self.events = {}                # seq -> log_time

    def take(self, message):
        if message[1] == "events":
            self.events.update((e[0], e[1]) for e in message[3])
        elif message[1] == "progress":
            self.told.append((message[3]["seq"], message[3]["log_time"]))

    def check(self):
        ordered = sorted(self.events.items())
        least = {}                      # the least log time at or above each number
        low = None
        for seq, when in reversed(ordered):
            low = when if low is None else min(low, when)
            least[seq] = low
        assert self.told
        for seq, when in self.told:
            above = least.get(seq + 1)
            assert above is None or above > when, f"told {when} at {seq}, then {above}"


class Producer(threading.Thread):
    """Puts small batches as fast as they are answered, until told to stop or the daemon is gone."""

    def __init__(self, daemon, name):
        super().__init__(daemon=True)
        self.wire, self.stopping, self.name_ = daemon.wire(client=name), threading.Event(), name

    def run(self):
        n = 0
        while not self.stopping.is_set():
            n += 1
            try_send(self.wire, 1, "put", n, [packed() for _ in range(n % 5 + 1)])
            if not self.wire.socket.poll(100):
                return
            self.wire.socket.recv()


def listen(wire, promises, seconds, number, rng, clock):
    """Ask for wakes at random instants and take in everything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if rng.random() < 0.5:
            wire.send(1, "wake", number, clock() + rng.randrange(-5_000_000, 20_000_000))
        if rng.random() < 0.3:
            wire.send(1, "credit", number, 500, 1 << 19)
        while wire.socket.poll(rng.choice([0, 1, 3])):
            promises.take(wire.receive())


def run_the_promise(daemon, control, rounds, seed, kill):
    rng = random.Random(seed)
    promises = Promises()
    for round_ in range(rounds):
        offset = rng.choice([0, 0, 3600, -3600, 86400, -86400, -90, 90])
        if control is not None:
            control.set(clock=offset)
        if daemon.process is None:
            daemon.start()
        wire, filtered = daemon.wire(), daemon.wire()
        first = max(promises.events, default=0) + 1
        subscribe(wire, 5, **{"from": {"seq": first}})
        subscribe(filtered, 5, type=["nothing.here"], **{"from": "first"})
        clock = lambda: time.time_ns() + offset * NS
        producers = [Producer(daemon, f"p{round_}-{n}") for n in range(rng.choice([0, 1, 2]))]
        for producer in producers:
            producer.start()
        listen(wire, promises, 0.15, 5, rng, clock)
        listen(filtered, promises, 0.05, 5, rng, clock)
        if control is not None:
            control.set(clock=rng.choice([offset, 0, -3600, 80, -80]))
        if rng.random() < 0.3:
            daemon.client().clock_accept()
        listen(wire, promises, 0.1, 5, rng, clock)
        if kill:
            daemon.kill9()
        for producer in producers:
            producer.stopping.set()
            producer.join()
            producer.wire.close()
        # What is still on its way to us was told too.
        for one in (wire, filtered):
            while one.socket.poll(20):
                promises.take(one.receive())
            one.close()
    if daemon.process is None:
        daemon.start()
    client = daemon.client()
    client.put(estate.make_event("probe.recorded", "/test", {}))
    promises.events.update((d.seq, d.log_time) for d in client.subscribe("first", until_end=True))
    promises.check()
    return len(promises.told), len(promises.events)


def test_the_promise_through_kills_and_clock_steps(tmp_path):
    control = Control(str(tmp_path / "control"))
    daemon = harness.Daemon(start=False, preload=INTERPOSER)
    daemon.env.update(INTERPOSE_ROOT=daemon.data, INTERPOSE_CONTROL=control.path)
    with daemon:
        told, events = run_the_promise(daemon, control, rounds=14, seed=3, kill=True)
        print(f"{told} promises, {events} events")
        assert told > 100 and events > 100


def test_told_while_idle_then_killed_with_the_clock_set_back(tmp_path):
    """The last thing told lies beyond the last stored event: only the ceiling remembers it."""
    control = Control(str(tmp_path / "control"))
    daemon = harness.Daemon(start=False, preload=INTERPOSER)
    daemon.env.update(INTERPOSE_ROOT=daemon.data, INTERPOSE_CONTROL=control.path)
    with daemon:
        for step in (-90, -86400, 0):
            control.set(clock=0)
            daemon.start()
            wire = daemon.wire()
            end_of(wire)
            at = time.time_ns() + 300_000_000
            wire.send(1, "wake", 5, at)
            told = wire.until("progress")[-1][3]
            assert told["log_time"] >= at
            daemon.kill9()
            control.set(clock=step)
            daemon.start()
            wire = daemon.wire()
            subscribe(wire, 5, **{"from": {"seq": told["seq"] + 1}})
            assert all(e[1] > told["log_time"] for e in wire.delivered(1)), step
            daemon.stop()


def test_a_damaged_ceiling_is_refused_and_a_missing_one_is_not(daemon):
    wire = daemon.wire()
    end_of(wire)
    daemon.stop()
    path = os.path.join(daemon.data, "ceiling")
    with open(path, "r+b") as file:
        whole = file.read()
        for at in (18, 4096 + 18):
            file.seek(at)
            file.write(b"\xff")
    daemon.launch()
    assert daemon.wait() == 78 and "ceiling is damaged" in daemon.stderr()
    with open(path, "wb") as file:
        file.write(whole)
    daemon.start()
    daemon.stop()
    os.unlink(path)
    daemon.start()


# --- over restarts

def listed(wire, name):
    """The row of one consumer."""
    return next(row for row in asked(wire, "consumers")[3] if row["name"] == name)


def noted(daemon, name):
    """The cursor that the disk has."""
    try:
        with open(os.path.join(daemon.data, "consumers"), encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(name + " ")), None)
    except FileNotFoundError:
        return None


def await_noted(daemon, wire, name, cursor):
    deadline = time.monotonic() + 30
    while noted(daemon, name) != cursor:
        assert time.monotonic() < deadline, f"{name} is noted at {noted(daemon, name)}, not {cursor}"
        wire.socket.poll(20)


def test_cursors_survive_a_stop_and_a_kill(daemon):
    wire = daemon.wire()
    seqs = put(wire, 20)
    member = subscribe(wire, 5, consumer="a")["member"]
    wire.delivered(20)
    wire.send(1, "ack", 5, seqs[3])
    settled(wire)
    daemon.restart()            # a clean stop notes everything
    wire = daemon.wire()
    told = subscribe(wire, 5, consumer="a")
    assert told["cursor"] == seqs[3] and told["member"] > member
    wire.delivered(16)
    wire.send(1, "ack", 5, seqs[9])
    await_noted(daemon, wire, "a", seqs[9])
    wire.send(1, "ack", 5, seqs[15])
    settled(wire)
    daemon.kill9()
    daemon.start()
    again = subscribe(daemon.wire(), 5, consumer="a")
    assert seqs[9] <= again["cursor"] <= seqs[15], "at most slightly old, and never ahead"
    assert again["member"] > told["member"]
    # A member that was there before goes on, and says where.
    assert subscribe(daemon.wire(), 5, consumer="a", member=again["member"], cursor=seqs[15], **{"from": {"seq": seqs[18]}})["cursor"] == seqs[15]


@pytest.mark.parametrize("step", ["before-consumers:2", "after-consumers:2", "before-ceiling:2", "after-ceiling:2"])
def test_killed_at_each_step_of_noting(start_daemon, monkeypatch, step):
    levers = os.path.join(harness.REPOSITORY, "build", "levers", "bin")
    if not os.path.exists(levers):
        pytest.fail("the build with levers is missing: make VARIANT=levers all", pytrace=False)
    monkeypatch.setenv("ESTATE_BIN_DIR", levers)
    daemon = start_daemon(env={"ESTATE_KILL_AT": step})
    promises, acked = Promises(), 0
    wire = daemon.wire()
    seqs = put(wire, 20)
    subscribe(wire, 5, consumer="a")
    wire.delivered(20)
    deadline = time.monotonic() + 30
    while daemon.process.poll() is None:
        assert time.monotonic() < deadline, "it was to die"
        try_send(wire, 1, "ack", 5, seqs[acked])
        acked = min(acked + 1, 19)
        try_send(wire, 1, "wake", 5, time.time_ns() + 130_000_000)
        while wire.socket.poll(200):
            promises.take(wire.receive())
    daemon.wait()
    daemon.env.clear()
    daemon.start()
    wire = daemon.wire()
    told = subscribe(wire, 5, consumer="a")
    assert told["cursor"] <= seqs[19]
    put(daemon.wire(), 1)
    client = daemon.client()
    promises.events.update((d.seq, d.log_time) for d in client.subscribe("first", until_end=True))
    promises.check()
    daemon.stop()
    done = subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_consumers_file_is_verified_backed_up_and_refused_when_damaged(daemon):
    wire = daemon.wire()
    seqs = put(wire, 5)
    subscribe(wire, 5, consumer="a")
    wire.delivered(5)
    wire.send(1, "ack", 5, seqs[2])
    settled(wire)
    copy = os.path.join(daemon.folder, "backup")
    daemon.client().backup(copy)
    daemon.stop()
    for folder in (daemon.data, copy):
        done = subprocess.run([harness.program("estate"), "verify", "--data", folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    with harness.Daemon(data=copy, folder=os.path.join(daemon.folder)) as restored:
        assert subscribe(restored.wire(), 5, consumer="a")["cursor"] == seqs[2]
    path = os.path.join(daemon.data, "consumers")
    with open(path, encoding="ascii") as file:
        whole = file.read()
    for text, why in [(whole.replace("\na ", "\nb "), "damaged"), (whole[:-5], "damaged"), ("", "damaged"), ("\0" * 40, "damaged"),
                      (whole.replace("consumers: 2", "consumers: 3"), "of a newer release")]:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        daemon.launch()
        assert daemon.wait() == 78 and f"consumers is {why}" in daemon.stderr(2000)
        done = subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "consumers" in done.stdout + done.stderr
    # Moved away, as the message says: consumers begin anew.
    os.unlink(path)
    daemon.start()
    assert subscribe(daemon.wire(), 5, consumer="a")["next"] == 1


# --- operators

def own_events(daemon, *types):
    """The daemon's own events of these types, as (type, subject, data)."""
    client = daemon.client()
    return [(d.fields["type"], d.fields["subject"], d.fields["data"]) for d in client.subscribe("first", type=list(types), until_end=True)
            if d.sender == "daemon"]


def test_an_operator_pauses_resumes_resets_and_deletes(daemon):
    wire, operator = daemon.wire(client="reader"), daemon.client("operator")
    seqs = put(wire, 5)
    subscribe(wire, 5, consumer="a", type=["probe.*"])
    wire.delivered(5)
    wire.send(1, "ack", 5, seqs[4])
    settled(wire)
    operator.consumer("a", "pause", reason="the report is wrong")
    assert listed(wire, "a")["paused"]
    wire.quiet()
    more = put(wire, 3)
    wire.send(1, "wake", 5, time.time_ns())
    assert [m for m in wire.quiet() if m[2] == 5] == [], "paused, it gets nothing"
    daemon.restart()
    wire, operator = daemon.wire(client="reader"), daemon.client("operator")
    assert subscribe(wire, 5, consumer="a", type=["probe.*"])["paused"] is True
    assert [m for m in wire.quiet() if m[2] == 5] == []
    operator.consumer("a", "resume")
    assert [e[0] for e in wire.delivered(3)] == more
    for to, cursor in ((({"seq": seqs[1]}), seqs[1] - 1), ("first", 0)):
        operator.consumer("a", "reset", to=to)
        ended = wire.until("ended")[-1]
        assert ended[2] == 5 and ended[3]["name"] == "reset"
        assert subscribe(wire, 5, consumer="a", type=["probe.*"])["cursor"] == cursor
    operator.consumer("a", "delete")
    assert wire.until("ended")[-1][3]["name"] == "no-consumer"
    assert asked(wire, "consumers")[3] == []
    by = f"uid:{os.getuid()}"
    told = own_events(daemon, "consumer.*")
    assert [(kind, name, data["by"]) for kind, name, data in told] == [
        (f"consumer.{what}", "a", by) for what in ("paused", "resumed", "reset", "reset", "deleted")]
    assert told[0][2]["reason"] == "the report is wrong" and told[0][2]["from"] == seqs[4]
    assert (told[2][2]["from"], told[2][2]["to"]) == (seqs[4], seqs[1] - 1)


def test_a_reset_is_not_undone_by_who_was_away(daemon):
    """Who comes back as the member it was would say where it goes on: it learns of the order first, also after a restart."""
    wire, operator = daemon.wire(client="reader"), daemon.client("operator")
    seqs = put(wire, 5)
    member = subscribe(wire, 5, consumer="a", type=["probe.*"])["member"]
    wire.delivered(5)
    wire.send(1, "ack", 5, seqs[4])
    wire.send(1, "bye", 9)
    wire.until("bye")
    operator.consumer("a", "reset", to={"seq": seqs[1]})
    for _ in range(2):
        wire = daemon.wire(client="reader")
        back = {"consumer": "a", "member": member, "cursor": seqs[4], "from": {"seq": seqs[4] + 1}}
        assert str(seqs[1] - 1) in refused(wire.ask(1, "subscribe", 6, back), 6, "reset")["detail"]
        assert listed(wire, "a")["cursor"] == seqs[1] - 1
        daemon.restart()
    wire = daemon.wire(client="reader")
    told = subscribe(wire, 7, consumer="a", type=["probe.*"])
    assert told["next"] == seqs[1] and told["member"] > member
    # From then on it is a member as any other.
    assert subscribe(wire, 8, consumer="a", member=told["member"], cursor=seqs[1] - 1, **{"from": {"seq": seqs[3]}})["next"] == seqs[3]


def test_orders_that_are_refused(start_daemon):
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    wire = daemon.wire()
    seqs = put(wire, 5)
    subscribe(wire, 5, consumer="a", **{"from": "new"})
    wire.until("progress")
    for order, name in [({}, "bad-argument"), ({"name": "a"}, "bad-argument"), ({"do": "pause"}, "bad-argument"),
                        ({"name": "a", "do": "stop"}, "bad-argument"), ({"name": "a b", "do": "pause"}, "bad-argument"),
                        ({"name": "a", "do": "pause", "to": "first"}, "bad-argument"), ({"name": "a", "do": "reset"}, "bad-argument"),
                        ({"name": "a", "do": "reset", "to": "last"}, "bad-argument"), ({"name": "a", "do": "reset", "to": {"seq": -1}}, "bad-argument"),
                        ({"name": "a", "do": "pause", "x": 1}, "bad-argument"), ({"name": "a", "do": "pause", "reason": "x" * 1001}, "bad-argument"),
                        ({"name": "b", "do": "pause"}, "no-consumer"), ({"name": "a", "do": "reset", "to": {"seq": 0}}, "trimmed"),
                        ({"name": "a", "do": "reset", "to": {"seq": seqs[-1] + 100}}, "beyond-end"), ("a", "bad-argument")]:
        assert refused(wire.ask(1, "consumer", 77, order), 77, name), order
    stranger = daemon.wire(endpoint=next(e for e in daemon.endpoints if e.startswith("tcp:")))
    refused(stranger.ask(1, "consumer", 77, {"name": "a", "do": "delete"}), 77, "forbidden")
    assert own_events(daemon, "consumer.*") == []


def test_two_orders_at_once(daemon):
    """The second is stored before the first is carried out: it finds nobody."""
    wire = daemon.wire()
    subscribe(wire, 5, consumer="a", progress=False)
    for number in (70, 71):
        wire.send(1, "consumer", number, {"name": "a", "do": "delete"})
    answers = [m for m in wire.until("nak") if m[2] in (70, 71)]
    assert [(m[1], m[2]) for m in answers] == [("done", 70), ("nak", 71)] and answers[1][3]["name"] == "no-consumer"


def test_the_commands(daemon):
    wire = daemon.wire()
    assert "no consumers" in daemon.estate("consumers").stdout
    put(wire, 5)
    subscribe(wire, 5, consumer="stats", **{"from": "first"})
    wire.until("progress")
    row = daemon.estate("consumers").stdout.splitlines()[1].split()
    assert row[0] == "stats" and int(row[1]) >= 5 and row[-1] == "test"
    daemon.estate("consumer", "stats", "pause", "--reason", "a look")
    assert "paused" in daemon.estate("consumers").stdout
    daemon.estate("consumer", "stats", "reset", "--to", "3")
    assert '"cursor":2' in daemon.estate("consumers", "--json").stdout
    daemon.estate("consumer", "stats", "reset", "--to", "1 hour ago")
    daemon.estate("consumer", "stats", "delete")
    assert "no-consumer" in daemon.estate("consumer", "stats", "resume", expect=1).stderr
    for words in (["stats"], ["stats", "stop"], ["stats", "reset"], ["stats", "pause", "--to", "first"], ["stats", "reset", "--to", "soon"]):
        daemon.estate("consumer", *words, expect=2)


# --- lag

def test_lag_is_a_count_an_age_and_a_size(start_daemon):
    daemon = start_daemon(http=True)
    wire = daemon.wire()
    seqs = put(wire, 50)
    subscribe(wire, 6, consumer="b", **{"from": "new"})
    subscribe(wire, 5, consumer="a")
    wire.delivered(50, 5)
    wire.send(1, "ack", 5, seqs[19])
    daemon.client().backup(os.path.join(daemon.folder, "backup"))       # everything is in LMDB, so sizes are known
    last = asked(wire, "ping")[3]["last"]
    row = listed(wire, "a")
    assert row["lag_events"] == last - seqs[19] and row["connected"] and row["client"] == "test" and not row["released"]
    assert 30 * 50 < row["lag_bytes"] < 60 * 150 and 0 < row["lag_ns"] < 60 * NS and "loss_ns" not in row
    status = daemon.client().status()
    assert status["consumers"] == 2 and status["consumer_worst"] == "a" and status["consumer_lag_events"] == row["lag_events"]
    import urllib.request
    metrics = urllib.request.urlopen(daemon.http + "/metrics", timeout=10).read().decode()
    assert f'estate_consumer_backlog_events{{consumer="a"}} {row["lag_events"]}' in metrics
    assert 'estate_consumer_connected{consumer="b"} 1' in metrics


@pytest.mark.parametrize("age", ["0", "30d", "10s"])
def test_time_to_loss(start_daemon, age):
    """By age, and by the bytes that go on coming: whichever is first; none for who does not lag."""
    limit = 1 << 20
    daemon = start_daemon(settings={"consumer_lag_bytes": "1MiB", "consumer_lag_age": age})
    wire = daemon.wire()
    subscribe(wire, 5, consumer="slow", **{"from": "first"})
    assert listed(wire, "slow").get("loss_ns", 1) >= 0      # whatever is known of a log of one event
    wire.until_answer(1, "put", 100, [packed(data={"text": "x" * 1000}) for _ in range(200)])
    daemon.client().backup(os.path.join(daemon.folder, "backup"))       # everything is in LMDB, so sizes are known
    subscribe(wire, 6, consumer="quick", **{"from": "new"})
    row, quick = listed(wire, "slow"), listed(wire, "quick")
    assert 200_000 < row["lag_bytes"] < 300_000 and row["lag_ns"] < 60 * NS
    by_bytes = 60 * NS * (limit - row["lag_bytes"]) / row["lag_bytes"]
    if age == "10s":
        assert 0 <= row["loss_ns"] <= 10 * NS
    else:
        assert row["loss_ns"] == pytest.approx(by_bytes, rel=0.001)
    assert "loss_ns" not in quick or quick["lag_events"] > 0
    assert daemon.client().status()["consumer_loss_seconds"] <= by_bytes / NS


def test_beyond_its_limit_a_consumer_is_told_of_then_released(start_daemon):
    daemon = start_daemon(settings={"consumer_lag_bytes": "64KiB", "consumer_lag_age": "30d"})
    wire, quick = daemon.wire(client="slow"), daemon.wire(client="quick")
    subscribe(wire, 5, consumer="slow", events=1)
    subscribe(quick, 5, consumer="quick", **{"from": "new"})
    assert 0 < listed(wire, "slow")["loss_ns"] <= 30 * 86400 * NS
    number = 100
    while True:
        number += 1
        quick.send(1, "put", number, [packed(data={"text": "x" * 1000}) for _ in range(10)])
        for message in quick.until("ack"):
            if message[1] == "events":
                quick.send(1, "ack", 5, message[3][-1][0])
                quick.send(1, "credit", 5, 100, 100000)
        if wire.socket.poll(30):
            message = wire.receive()
            if message[1] == "ended":
                break
        assert number < 2000
    assert message[2] == 5 and message[3]["name"] == "released"
    row = listed(wire, "slow")
    assert row["released"] and not row["connected"] and "loss_ns" not in row and not listed(wire, "quick")["released"]
    told = own_events(daemon, "consumer.*")
    assert [(kind, name, data["by"]) for kind, name, data in told] == [("consumer.lagging", "slow", "estated"), ("consumer.released", "slow", "estated")]
    assert told[1][2]["from"] == row["cursor"]
    daemon.kill9()
    daemon.start()
    wire = daemon.wire()
    assert listed(wire, "slow")["released"], "on the disk before it was told"
    # It is there again: nothing was trimmed, so nothing is lost.
    assert subscribe(wire, 5, consumer="slow")["next"] == row["cursor"] + 1
    assert not listed(wire, "slow")["released"]


STOPPED = """
import itertools, sys, msgpack, zmq
context, sockets = zmq.Context(), []
for n in range(100):
    socket = context.socket(zmq.DEALER)
    socket.linger, socket.immediate = 0, 1
    socket.connect(sys.argv[1])
    socket.send(msgpack.packb([1, "hello", 1, {"client": f"stopped-{n}"}]))
    socket.recv()
    socket.send(msgpack.packb([1, "subscribe", 2, {"consumer": f"stopped-{n}", "events": 8192, "bytes": 1 << 20}]))
    socket.recv()
    sockets.append(socket)
print("ready", flush=True)
sys.stdin.readline()
ended = 0
for socket in sockets:
    while socket.poll(20000):
        message = msgpack.unpackb(socket.recv())
        if message[1] == "ended":
            ended += message[3]["name"] == "released"
            break
print(ended, flush=True)
"""


def test_a_hundred_stopped_consumers_cost_little_and_hold_nobody_up(start_daemon):
    daemon = start_daemon(settings={"consumer_lag_bytes": "16MiB"})
    stopped = subprocess.Popen([sys.executable, "-c", STOPPED, daemon.endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert stopped.stdout.readline() == "ready\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        wire, producer = daemon.wire(client="healthy"), daemon.client("producer")
        begin = subscribe(wire, 5, consumer="healthy", events=8192, **{"from": "new"})["next"]
        got, sent = [], 0
        events = (estate.pack(estate.make_event("probe.recorded", "/test", {"text": "x" * 2000})) for _ in range(12000))
        for receipt in producer.put_many(events):
            assert receipt.fault is None
            sent += 1
            while wire.socket.poll(0):
                message = wire.receive()
                if message[1] == "events":
                    got += [e[0] for e in message[3]]
                    wire.send(1, "credit", 5, len(message[3]), 1 << 18)
                    wire.send(1, "ack", 5, got[-1])
        while not got or got[-1] < receipt.seq:
            message = wire.receive()
            if message[1] == "events":
                got += [e[0] for e in message[3]]
                wire.send(1, "credit", 5, len(message[3]), 1 << 18)
                wire.send(1, "ack", 5, got[-1])
        assert got == list(range(begin, got[-1] + 1))
        memory = producer.status()["anonymous_memory_bytes"]
        print(f"{memory >> 20} MiB beside 100 stopped consumers")
        assert memory < 250 << 20 or daemon._sanitized()       # a sanitizer keeps freed memory for a while
        deadline = time.monotonic() + 60
        while sum(row["released"] for row in producer.consumers()) < 100:
            producer.put(estate.make_event("probe.recorded", "/test", {"n": 1}))
            assert time.monotonic() < deadline
        assert not next(row for row in producer.consumers() if row["name"] == "healthy")["released"]
        os.kill(stopped.pid, signal.SIGCONT)
        stopped.stdin.write("\n")
        stopped.stdin.flush()
        assert stopped.stdout.readline() == "100\n", "each was told"
    finally:
        stopped.kill()
        stopped.wait()
        stopped.stdin.close()
        stopped.stdout.close()
