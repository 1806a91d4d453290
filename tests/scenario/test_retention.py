"""Retention: whole months go, oldest first, never the current one, never what a consumer must still read, and at every step a cut does no harm."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import daemon as harness
import estate
from test_faults import Control, INTERPOSER
from test_consumers import asked, listed, own_events, put, refused, subscribe, try_send
from wire import packed

DAY_S, NS = 86400, 1_000_000_000
MONTH_S = 35 * DAY_S            # always into another month
MONTHS = 5                      # in the sample, the current one included
LIMIT_S = 120


@pytest.fixture(autouse=True)
def time_limit():
    def expire(*_):
        raise AssertionError(f"not done after {LIMIT_S} s")
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)


def event(n):
    """Always the same bytes for the same number."""
    return estate.pack({"specversion": "1.0", "id": f"{n:08d}-r", "source": "/test/retention", "type": "probe.recorded", "subject": f"s{n % 7}",
                        "data": {"n": n, "text": "x" * 300}})


def verify(folder):
    done = subprocess.run([harness.program("estate"), "verify", "--data", folder, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def word(month, first, last, id=None):
    """That the month is bound, as estate archive says it."""
    return estate.pack({"specversion": "1.0", "id": id or f"{month}-bundle.sealed", "source": "/estate/operator/archive", "type": "bundle.sealed", "subject": month,
                        "data": {"digest": "blake2b-256:00", "figures": {"first": first, "last": last}}})


class Sample:
    """A log of five months, made by a clock that was set back before each start, and what each month holds.  All but the current one are bound."""

    def __init__(self, folder):
        self.data = os.path.join(folder, "data")
        control = Control(os.path.join(folder, "control"))
        daemon = harness.Daemon(start=False, preload=INTERPOSER, folder=folder)
        daemon.env.update(INTERPOSE_ROOT=daemon.data, INTERPOSE_CONTROL=control.path)
        self.last = []              # of each month
        for month in reversed(range(MONTHS)):
            control.set(clock=-month * MONTH_S)
            daemon.start()
            client = daemon.client()
            seqs = [r.seq for r in client.put_many(event(month * 1000 + n) for n in range(200))]
            self.last.append(seqs[-1])
            daemon.stop()
        self.months = sorted(os.listdir(os.path.join(self.data, "months")))
        assert len(self.months) == MONTHS
        self.unbound = shutil.copytree(self.data, os.path.join(folder, "unbound"))
        daemon.start()
        for n, month in enumerate(self.months[:-1]):
            daemon.client().put(self.word(n))
        daemon.close()

    def word(self, n, last=None, id=None):
        return word(self.months[n], self.last[n - 1] + 1 if n > 0 else 1, last or self.last[n], id)

    def copy(self, folder):
        return shutil.copytree(self.data, folder)


@pytest.fixture(scope="module")
def sample():
    folder = tempfile.mkdtemp(prefix="estate-retention-")
    yield Sample(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def aged(sample, start_daemon, tmp_path):
    """A function that starts a daemon on a copy of the sample."""
    def start(**options):
        return start_daemon(data=sample.copy(str(tmp_path / "data")), **options)
    return start


def months(daemon):
    return sorted(os.listdir(os.path.join(daemon.data, "months")))


def await_months(daemon, wire, wanted):
    """Retention looks when something was applied: so put something."""
    deadline = time.monotonic() + 30
    while months(daemon) != wanted:
        assert time.monotonic() < deadline, f"{months(daemon)}, not {wanted}"
        put(wire, 1, number=int(time.monotonic() * 1000))
        wire.socket.poll(100)


# --- what goes and what stays

def test_nothing_goes_by_default(aged, sample):
    daemon = aged()
    wire = daemon.wire()
    for n in range(3):
        put(wire, 1, 100 + n)
        daemon.client().backup(os.path.join(daemon.folder, f"b{n}"))
    assert months(daemon) == sample.months
    status = daemon.client().status()
    assert status["first_seq"] == 1 and status["trimming_held_by"] == "" and status["runway_full_seconds"] > 0 and "runway_trim_seconds" not in status


def test_old_months_go_and_the_log_goes_on(aged, sample):
    daemon = aged(settings={"retention_age": "60d"})
    wire = daemon.wire()
    await_months(daemon, wire, sample.months[3:])
    first = sample.last[2] + 1
    client = daemon.client()
    status = client.status()
    assert status["first_seq"] == first and status["months"] == 2 and 0 < status["runway_trim_seconds"] < 30 * DAY_S
    assert client.hello()["first"] == first
    # What was trimmed is told with where the log begins now.
    for fault in (refused(asked(wire, "get", {"seq": first - 1}), 900, "trimmed"),
                  refused(asked(wire, "subscribe", {"from": {"seq": 1}}, number=5), 5, "trimmed")):
        assert str(first) in fault["detail"]
    assert client.get(first).seq == first
    seqs = [d.seq for d in client.subscribe("first", until_end=True)]
    assert seqs == list(range(first, seqs[-1] + 1))
    assert [d.fields["data"]["n"] for d in client.subscribe("first", type=["probe.*"], source=["/test/retention"], until_end=True)] == [
        month * 1000 + n for month in (1, 0) for n in range(200)]
    assert next(client.subscribe({"time": 0})).seq == first
    # Duplicates of trimmed events are still known.
    receipt = client.put(event(4007))
    assert receipt.duplicate and receipt.seq < first
    daemon.stop()
    told = verify(daemon.data)
    assert told["first"] == first
    daemon.start()
    assert daemon.client().hello()["first"] == first
    daemon.kill9()
    verify(daemon.data)
    daemon.start()


def test_the_current_month_stays(aged, sample):
    daemon = aged(settings={"retention_age": "1s"})
    await_months(daemon, daemon.wire(), sample.months[4:])
    assert daemon.client().status()["months"] == 1
    daemon.restart()
    put(daemon.wire(), 5)
    assert months(daemon) == sample.months[4:]


def test_by_size_the_oldest_go_first(aged, sample):
    size = sum(os.stat(os.path.join(sample.data, "months", m, "data.mdb")).st_blocks * 512 for m in sample.months)
    daemon = aged(settings={"retention_bytes": size * 2 // 3})
    wire = daemon.wire()
    deadline = time.monotonic() + 30
    while len(months(daemon)) == MONTHS:
        assert time.monotonic() < deadline
        put(wire, 1, int(time.monotonic() * 1000))
        wire.socket.poll(100)
    left = months(daemon)
    assert left == sample.months[-len(left):] and 3 <= len(left) <= 4


def test_a_clock_that_jumps_trims_nothing_until_it_is_accepted(aged, sample, tmp_path):
    control = Control(str(tmp_path / "control"))
    daemon = aged(settings={"retention_age": "300d"}, preload=INTERPOSER,
                  env={"INTERPOSE_ROOT": str(tmp_path / "data"), "INTERPOSE_CONTROL": control.path})
    wire = daemon.wire()
    control.set(clock=300 * DAY_S)
    deadline = time.monotonic() + 30
    while not own_events(daemon, "clock.jumped"):
        assert time.monotonic() < deadline
        put(wire, 1)
    for n in range(3):
        wire.socket.poll(500)
        put(wire, 1, 200 + n)
    assert months(daemon) == sample.months
    daemon.client().clock_accept()
    # What is stored now begins a month of its own, so all before it may go, once that is bound.
    put(wire, 1, 300)
    last = daemon.client().status()["last_seq"]
    assert wire.put(301, word(sample.months[4], sample.last[3] + 1, last))[1] == "ack"
    deadline = time.monotonic() + 30
    while len(months(daemon)) != 1:
        assert time.monotonic() < deadline, months(daemon)
        put(wire, 1, int(time.monotonic() * 1000))
        wire.socket.poll(100)


def test_a_month_that_is_not_bound_stays(sample, start_daemon, tmp_path):
    daemon = start_daemon(data=shutil.copytree(sample.unbound, str(tmp_path / "data")), settings={"retention_age": "60d"})
    wire = daemon.wire()
    # Word of too little of it, and of another month, bind nothing.
    for n, one in enumerate((sample.word(0, last=sample.last[0] - 1), sample.word(2))):
        assert wire.put(50 + n, one)[1] == "ack"
    deadline = time.monotonic() + 30
    while "it is not bound" not in daemon.stderr():
        assert time.monotonic() < deadline
        put(wire, 1, int(time.monotonic() * 1000))
        wire.socket.poll(100)
    assert months(daemon) == sample.months
    assert daemon.client().status()["trimming_unbound"] == sample.months[0]
    # As it is bound in truth, it goes, and the next one is what it waits for.
    assert wire.put(60, sample.word(0, id="bound"))[1] == "ack"
    await_months(daemon, wire, sample.months[1:])
    assert daemon.client().status()["trimming_unbound"] == sample.months[1]
    assert daemon.stderr().count("it is not bound") == 2


# --- readers

def test_a_consumer_holds_back_what_it_must_read_and_a_tail_does_not(aged, sample):
    daemon = aged()
    wire = daemon.wire()
    subscribe(wire, 5, consumer="holder", **{"from": {"seq": sample.last[1] + 1}}, events=0)
    daemon.stop()
    with open(daemon.config_path, "a", encoding="utf-8") as file:
        file.write("retention_age: 60d\nconsumer_lag_age: 3000d\n")
    daemon.start()
    wire, tail = daemon.wire(), daemon.wire()
    subscribe(tail, 6, **{"from": "first", "events": 1})        # without a name: it stands in the first month
    await_months(daemon, wire, sample.months[2:])
    ended = tail.until("ended")[-1]
    assert ended[2] == 6 and ended[3]["name"] == "trimmed" and str(sample.last[1] + 1) in ended[3]["detail"]
    status = daemon.client().status()
    assert status["trimming_held_by"] == "holder" and status["runway_trim_seconds"] == 0
    # It reads on, and the next month goes.
    told = subscribe(wire, 5, consumer="holder")
    assert told["next"] == sample.last[1] + 1
    wire.delivered(told["last"] - told["next"] + 1, 5)
    wire.send(1, "ack", 5, sample.last[2])
    assert asked(wire, "ping")[1] == "pong"
    wire.send(1, "unsubscribe", 5)
    wire.until("unsubscribed")
    await_months(daemon, wire, sample.months[3:])


def test_a_consumer_slower_than_retention_is_released_and_told_what_it_missed(aged, sample):
    daemon = aged()
    subscribe(daemon.wire(), 5, consumer="dead")
    subscribe(daemon.wire(), 5, consumer="paused", **{"from": {"seq": sample.last[3] + 1}})
    daemon.stop()
    with open(daemon.config_path, "a", encoding="utf-8") as file:
        file.write("retention_age: 60d\n")
    daemon.start()
    wire = daemon.wire()
    await_months(daemon, wire, sample.months[3:])
    assert listed(wire, "dead")["released"] and not listed(wire, "paused")["released"]
    assert [kind for kind, name, _ in own_events(daemon, "consumer.*") if name == "dead"] == ["consumer.lagging", "consumer.released"]
    fault = refused(asked(wire, "subscribe", {"consumer": "dead"}, number=5), 5, "trimmed")
    assert str(sample.last[2] + 1) in fault["detail"]
    assert listed(wire, "dead")["released"], "it was refused, so nothing is kept for it yet"
    assert subscribe(wire, 5, consumer="dead", **{"from": "first"})["next"] == sample.last[2] + 1
    assert not listed(wire, "dead")["released"]


# --- keys

def test_keys_of_trimmed_events_expire_after_their_days(aged, sample):
    daemon = aged(settings={"retention_age": "60d", "dedup_days": 120})
    wire = daemon.wire()
    await_months(daemon, wire, sample.months[3:])
    client = daemon.client()
    # Months 4 is 140 days old, month 3 105, month 2 70.
    deadline = time.monotonic() + 30
    while "forgotten" not in daemon.stderr():
        assert time.monotonic() < deadline
        put(wire, 1, int(time.monotonic() * 1000))
        wire.socket.poll(100)
    assert not client.put(event(4007)).duplicate, "too old: a new event"
    assert client.put(event(3007)).duplicate and client.put(event(2007)).duplicate
    daemon.stop()
    verify(daemon.data)
    with open(os.path.join(daemon.data, "trimmed"), encoding="ascii") as file:
        assert sum(line.startswith("keys ") for line in file) == 2
    daemon.start()
    assert daemon.client().put(event(3008)).duplicate


# --- cuts

LEVERS = os.path.join(harness.REPOSITORY, "build", "levers", "bin")


@pytest.mark.parametrize("step", ["before-trim-mark:1", "after-trim-mark:1", "after-trim-unlink:1", "after-trim-unlink:2", "after-trim:1"])
def test_killed_at_each_step_of_trimming(aged, sample, monkeypatch, step):
    if not os.path.exists(LEVERS):
        pytest.fail("the build with levers is missing: make VARIANT=levers all", pytrace=False)
    monkeypatch.setenv("ESTATE_BIN_DIR", LEVERS)
    daemon = aged(settings={"retention_age": "60d"}, env={"ESTATE_KILL_AT": step})
    wire = daemon.wire()
    deadline = time.monotonic() + 30
    while daemon.process.poll() is None:
        assert time.monotonic() < deadline, "it was to die"
        try_send(wire, 1, "puts", int(time.monotonic() * 1000), [packed()])
        wire.socket.poll(100)
    daemon.wait()
    verify(daemon.data)
    daemon.env.clear()
    daemon.start()
    await_months(daemon, daemon.wire(), sample.months[3:])
    seqs = [d.seq for d in daemon.client().subscribe("first", until_end=True)]
    assert seqs == list(range(sample.last[2] + 1, seqs[-1] + 1))
    daemon.stop()
    assert verify(daemon.data)["first"] == sample.last[2] + 1


def test_a_month_that_is_missing_without_the_mark_is_a_loss(aged, sample):
    daemon = aged()
    daemon.stop()
    shutil.rmtree(os.path.join(daemon.data, "months", sample.months[0]))
    daemon.launch()
    assert daemon.wait() == 78 and "a month is missing" in daemon.stderr()
    done = subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr


def test_a_damaged_mark_is_named_and_repaired(aged, sample):
    daemon = aged(settings={"retention_age": "60d"})
    client = daemon.client()
    await_months(daemon, daemon.wire(), sample.months[3:])
    content = [(d.seq, d.event) for d in client.subscribe("first", until_end=True)]
    daemon.stop()
    path = os.path.join(daemon.data, "trimmed")
    with open(path, "r+", encoding="ascii") as file:
        whole = file.read()
        for spoilt in (whole.replace("through 2", "through 3"), whole[:-3], "nonsense\n"):
            file.seek(0)
            file.truncate()
            file.write(spoilt)
            file.flush()
            daemon.launch()
            assert daemon.wait() == 78 and "trimmed is damaged" in daemon.stderr(1000)
            done = subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, text=True, check=False)
            assert done.returncode == 1 and "trimmed" in done.stdout + done.stderr
    fresh = os.path.join(daemon.folder, "repaired")
    subprocess.run([harness.program("estate"), "repair", "--data", daemon.data, "--to", fresh], check=True, capture_output=True)
    verify(fresh)
    with harness.Daemon(data=fresh, folder=daemon.folder) as repaired:
        again = [(d.seq, d.event) for d in repaired.client().subscribe("first", until_end=True)]
        assert again[:len(content)] == content


def test_backup_and_repair_of_a_trimmed_log(aged, sample):
    daemon = aged(settings={"retention_age": "60d"})
    client = daemon.client()
    await_months(daemon, daemon.wire(), sample.months[3:])
    copy, fresh = (os.path.join(daemon.folder, name) for name in ("copy", "fresh"))
    client.backup(copy)
    daemon.stop()
    done = subprocess.run([harness.program("estate"), "repair", "--data", daemon.data, "--to", fresh, "--json"], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["lost"] == 0
    for folder in (copy, fresh):
        assert verify(folder)["first"] == sample.last[2] + 1
        with harness.Daemon(data=folder, folder=daemon.folder) as other:
            wire = other.wire()
            assert asked(wire, "get", {"seq": sample.last[2] + 1})[1] == "event"
            refused(asked(wire, "get", {"seq": 1}), 900, "trimmed")
    with harness.Daemon(data=copy, folder=daemon.folder) as other:
        assert other.client().put(event(4007)).duplicate
