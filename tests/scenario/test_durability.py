"""An ack means the event survives a power cut: nothing leaves as an ack before the flush that covers it has returned."""
import os

import pytest

import daemon as harness
import tracefile

INTERPOSER = os.path.join(harness.REPOSITORY, "build", "test", "interpose.so")


def traced(monkeypatch, tmp_path, variant):
    """A daemon of that build whose writes, flushes and acks are written down."""
    monkeypatch.setenv("ESTATE_BIN_DIR", os.path.join(harness.REPOSITORY, "build", variant, "bin"))
    one = harness.Daemon(start=False)
    one.env.update(INTERPOSE_ROOT=one.data, INTERPOSE_TRACE=str(tmp_path / "trace"))
    one.preload = INTERPOSER
    return one


def put_mixed(daemon, count=2000):
    """Batches and singles, from two clients, some of them twice; every seventh holds personal data of somebody new."""
    one, two = daemon.client("one"), daemon.client("two")
    for client in (one, two):
        client.hello()
    events = [harness.estate.pack({"specversion": "1.0", "id": f"{n:06d}", "source": "/test", "type": "case.replied" if n % 7 == 0 else "probe.recorded",
                                   "subject": f"case-{n}" if n % 7 == 0 else f"c-{n % 13}",
                                   "data": {**({"by": "clerk-1"} if n % 7 == 0 else {"n": n}), "text": "x" * (n % 300)}}) for n in range(count)]
    for at in range(0, count, 100):
        one.put_batch(events[at:at + 30])
        list(two.put_many(events[at + 20:at + 100]))
    return events


def test_no_ack_before_its_flush(monkeypatch, tmp_path):
    with traced(monkeypatch, tmp_path, "levers") as daemon:
        daemon.start()
        put_mixed(daemon)
    early, acks = tracefile.unflushed_acks(tmp_path / "trace")
    assert acks > 20 and early == []


def test_the_build_without_flush_is_caught(monkeypatch, tmp_path):
    with traced(monkeypatch, tmp_path, "noflush") as daemon:
        daemon.start()
        put_mixed(daemon, 200)
    early, acks = tracefile.unflushed_acks(tmp_path / "trace")
    assert acks > 0 and early, "the flush was taken out and nobody noticed"


def test_a_start_flushes_before_its_first_ack(monkeypatch, tmp_path):
    """What a killed daemon wrote may be in the page cache only: a duplicate of it must not be acknowledged from there."""
    with traced(monkeypatch, tmp_path, "levers") as daemon:
        daemon.start()
        events = put_mixed(daemon, 400)
        daemon.kill9()
        daemon.env["INTERPOSE_TRACE"] = str(tmp_path / "second")
        daemon.start()
        client = daemon.client("again")
        client.hello()
        assert all(receipt.duplicate for receipt in client.put_many(events))
    assert tracefile.unflushed_files(tmp_path / "second") == set()


@pytest.mark.parametrize("where", ["journal", "keys", "months"])
def test_the_interposer_sees_the_store(monkeypatch, tmp_path, where):
    """The proof is worth nothing if it looks past the files."""
    with traced(monkeypatch, tmp_path, "levers") as daemon:
        daemon.start()
        put_mixed(daemon, 100)
    paths = {payload.rstrip(b"\0").decode() for op, _, _, payload, _, _ in tracefile.records(tmp_path / "trace")
             if op in (tracefile.OPEN, tracefile.CREATE)}
    assert any(path.startswith(where) for path in paths)
