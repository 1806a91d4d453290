"""proto/PROTOCOL.md as tests, section by section, with bare sockets where the bytes matter and the Python client where the story does."""
import json
import os
import re
import signal
import subprocess
import sys

import estate
import msgpack
import pytest
from wire import packed

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "proto", "PROTOCOL.md")
EVENT_BYTES, PUT_EVENTS, CREDIT_EVENTS, CREDIT_BYTES = 65536, 4096, 8192, 1 << 20
VERBS = {
    "ping": [], "put": [[packed("x")]], "puts": [[packed("x")]], "resume": [], "subscribe": [{"from": "first"}], "credit": [1, 1], "ack": [1], "wake": [1],
    "unsubscribe": [], "get": [{"seq": 1}], "status": [], "backup": [{"path": "/nowhere"}], "clock-accept": [], "bye": [],
    "consumers": [], "consumer": [{"name": "x", "do": "pause"}],
}


LIMIT_S = 120


@pytest.fixture(autouse=True)
def time_limit():
    """A client waits for a living daemon as long as it takes; a test does not."""
    def expire(*_):
        raise AssertionError(f"not done after {LIMIT_S} s")
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)


@pytest.fixture
def daemon(start_daemon):
    """A daemon whose own first event, daemon.started, is in the log: it is ready a moment before."""
    daemon = start_daemon()
    wire = daemon.wire()
    while wire.ask(1, "ping", 1)[3]["last"] == 0:
        pass
    wire.ask(1, "bye", 2)
    return daemon


@pytest.fixture
def wire(daemon):
    """A bare socket that has said hello."""
    return daemon.wire()


def refusal(answer, number, name):
    """The fault of a nak, after looking at what every fault must have."""
    assert answer[:3] == [1, "nak", number], answer
    fault = answer[3]
    assert fault["name"] == name, fault
    assert isinstance(fault["code"], int) and fault["text"] and fault["retry"] in ("never", "later", "session")
    return fault


def stored(answer, first, last):
    """The runs of an ack of these numbers."""
    assert answer[:4] == [1, "ack", first, last], answer
    return answer[4]


def first_seq(answer):
    assert answer[1] == "ack", answer
    return answer[4][0][0]


def padded(size, id):
    """An event of exactly so many bytes."""
    bare = len(packed(id, data={"n": 1, "pad": "x" * 60000})) - 60000
    event = packed(id, data={"n": 1, "pad": "x" * (size - bare)})
    assert len(event) == size
    return event


def nested(depth, id):
    """An event of so many containers inside each other."""
    value = 1
    for _ in range(depth - 2):
        value = [value]
    return packed(id, data={"n": 1, "x": value})


# --- 1. Transport

@pytest.mark.parametrize("frame", [b"", b"\xc1", b"hello", b"\x93\x01\xa4ping", b"\x93\x01\xa4ping\x05\x00", msgpack.packb({"a": 1}), msgpack.packb(7),
                                   msgpack.packb([]), msgpack.packb([1, 2, 3]), msgpack.packb([1, "ping"]), msgpack.packb([1, "ping", -1]),
                                   msgpack.packb([1, "ping", "7"]), b"\x93\x01\xdb\xff\xff\xff\xffping\x05", b"\xdd\xff\xff\xff\xff"])
def test_what_is_no_request_is_answered_malformed(wire, frame):
    wire.send_bytes(frame)
    answer = wire.receive()
    refusal(answer, answer[2], "malformed")
    assert wire.ask(1, "ping", 9)[:3] == [1, "pong", 9]


def test_two_frames_are_malformed(wire):
    ping = msgpack.packb([1, "ping", 9])
    wire.send_bytes(ping, ping)
    answer = wire.receive()
    refusal(answer, answer[2], "malformed")
    assert wire.quiet() == []


def test_another_version_is_told_which_are_spoken(wire):
    fault = refusal(wire.ask(2, "ping", 9), 9, "version")
    assert "1" in str(fault["detail"])


def test_an_unknown_verb_is_refused(wire):
    refusal(wire.ask(1, "pung", 9), 9, "unknown-verb")


@pytest.mark.parametrize("message", [["put"], ["puts"], ["put", 9, 7], ["put", 9, []], ["put", 9, [7]], ["put", 9, ["text"]], ["get", 9], ["get", 9, {}],
                                     ["get", 9, {"seq": "1"}], ["backup", 9, {}], ["subscribe", 9, 7], ["subscribe", 9, {"from": "middle"}],
                                     ["subscribe", 9, {"type": "**"}], ["subscribe", 9, {"events": -1}], ["subscribe", 9, {"progress": 1}],
                                     ["subscribe", 9, {"typ": ["**"]}], ["get", 9, {"seq": 1, "sek": 1}], ["ping", 9, 7], ["put", 9, [packed("x")], 7],
                                     ["status", 9, {}], ["resume", 9, 1], ["get", 9, {"seq": 1}, 1], ["unsubscribe", 9, 1], ["bye", 9, 1]])
def test_arguments_that_lack_or_are_too_many_are_refused(wire, message):
    message = message if len(message) > 1 else [*message, 9]
    refusal(wire.ask(1, *message), 9, "bad-argument")
    assert wire.ask(1, "status", 10)[1] == "status", "the session goes on"


def test_a_message_above_one_mebibyte_is_answered_and_nothing_of_it_stored(wire):
    before = first_seq(wire.put(5, packed()))
    answer = wire.put(6, *[padded(60000, f"b{i}") for i in range(20)], verb="puts")
    refusal(answer, answer[2], "too-large")
    assert wire.ask(1, "ping", 7)[3]["last"] == before


def test_a_message_above_two_mebibytes_costs_its_sender_the_connection_only(daemon, wire):
    other = daemon.wire()
    wire.send_bytes(b"\xc6\x00\x20\x00\x01" + bytes((2 << 20) + 1))
    assert stored(other.put(5, packed()), 5, 5)
    assert daemon.wire().ask(1, "ping", 9)[1] == "pong"
    daemon.client("after").put(packed())


# --- 2. Session

def test_welcome_has_what_the_page_says(daemon):
    welcome = daemon.wire(hello=False).hello("kiosk-3", software="test 1")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", welcome["log"])
    assert isinstance(welcome["epoch"], int) and welcome["last"] >= welcome["first"] - 1
    assert welcome["credit"] == 4 << 20 and welcome["sender"] == f"uid:{os.getuid()}"
    assert welcome["server"].startswith("estated ") and welcome["version"] == 1 and welcome["versions"] == [1]
    assert welcome["bounds"] == {**welcome["bounds"], "event_bytes": EVENT_BYTES, "message_bytes": 1 << 20, "put_events": PUT_EVENTS,
                                 "credit_events": CREDIT_EVENTS, "credit_bytes": CREDIT_BYTES, "session_idle_s": 60}


def test_tcp_on_loopback_speaks_the_same(start_daemon):
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    tcp, = (e for e in daemon.endpoints if e.startswith("tcp://127.0.0.1:"))
    wire = daemon.wire(hello=False, endpoint=tcp)
    assert wire.hello()["sender"] == "tcp:127.0.0.1"
    seq = first_seq(wire.put(5, packed("over-tcp")))
    assert daemon.wire().ask(1, "get", 6, {"seq": seq})[3][2] == "tcp:127.0.0.1"


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "käse", "a\n", 7, None])
def test_a_bad_client_name_is_refused(daemon, name):
    wire = daemon.wire(hello=False)
    refusal(wire.ask(1, "hello", 1, {"client": name}), 1, "bad-argument")
    refusal(wire.ask(1, "ping", 2), 2, "no-session")


@pytest.mark.parametrize("arguments", [[], [7], [{"client": "a", "clint": "b"}], [{"client": "a", "software": "x" * 65}], [{"client": "a"}, 1],
                                       [{"client": "a", "software": 7}], [{"client": "a", "epoch": "now"}], [{"client": "a", "cursor": -1}]])
def test_a_hello_that_is_not_as_the_page_says_is_refused(daemon, arguments):
    refusal(daemon.wire(hello=False).ask(1, "hello", 1, *arguments), 1, "bad-argument")


def test_a_hello_without_a_name_is_refused(daemon):
    answer = daemon.wire(hello=False).ask(1, "hello", 1, {})
    assert answer[1] == "nak" and answer[3]["name"] in ("bad-argument", "missing-field")


@pytest.mark.parametrize("name", ["k", "x" * 64, "estate/kiosk:3_a.b-C"])
def test_good_client_names(daemon, name):
    daemon.wire(client=name)


def test_a_cursor_of_another_log_is_refused(daemon, wire):
    last = first_seq(wire.put(1, packed()))
    welcome = wire.hello()
    log, epoch = welcome["log"], welcome["epoch"]
    wire.hello(log=log, epoch=epoch, cursor=last)
    wrong = log.replace(log[0], "0" if log[0] != "0" else "1")
    refusal(wire.ask(1, "hello", 2, {"client": "a", "log": wrong, "epoch": epoch}), 2, "other-log")
    refusal(wire.ask(1, "hello", 3, {"client": "a", "log": log, "epoch": epoch + 1}), 3, "other-log")
    refusal(wire.ask(1, "hello", 4, {"client": "a", "log": log, "epoch": epoch, "cursor": last + 1}), 4, "beyond-end")
    with pytest.raises(estate.Fault) as wrong_log:
        daemon.client(log=log, epoch=epoch + 1).hello()
    assert wrong_log.value.name == "other-log"


@pytest.mark.parametrize("verb", VERBS)
def test_before_hello_every_request_is_answered_no_session(daemon, verb):
    fault = refusal(daemon.wire(hello=False).ask(1, verb, 9, *VERBS[verb]), 9, "no-session")
    assert fault["retry"] == "session"


def test_a_put_before_hello_stores_nothing(daemon):
    wire = daemon.wire(hello=False)
    wire.put(1, packed("early"))
    wire.hello()
    (_, _, duplicate), = wire.put(2, packed("early"))[4]
    assert not duplicate


def test_puts_before_hello_are_each_answered_or_as_one(daemon):
    """The page leaves open whether a `puts` is refused once or event by event: its first number is answered either way."""
    wire = daemon.wire(hello=False)
    refusal(wire.put(10, packed(), packed(), verb="puts"), 10, "no-session")


def test_a_restarted_daemon_has_forgotten_the_session(daemon, wire):
    daemon.restart()
    refusal(wire.ask(1, "ping", 9), 9, "no-session")
    wire.hello()
    assert wire.ask(1, "ping", 10)[1] == "pong"


def test_bye_ends_the_session(wire):
    assert wire.ask(1, "bye", 8) == [1, "bye", 8]
    refusal(wire.ask(1, "ping", 9), 9, "no-session")


def test_pong_tells_the_end_of_the_log(wire):
    seq = first_seq(wire.put(5, packed()))
    pong = wire.ask(1, "ping", 6)[3]
    assert pong["last"] == seq
    assert pong["log_time"] == wire.ask(1, "get", 7, {"seq": seq})[3][1]


def test_a_new_hello_starts_afresh(daemon, wire):
    wire.ask(1, "subscribe", 70, {"from": "new", "events": 100, "bytes": 100000})
    wire.until("progress")
    wire.hello()
    daemon.wire().put(5, packed())
    assert wire.quiet() == [], "its subscription has ended"
    assert wire.ask(1, "subscribe", 70, {"from": "new"})[1] == "subscribed", "the name is free again"


def test_a_new_hello_lifts_the_hold(gated_daemon, gate):
    wire = gated_daemon.wire()
    held_by_credit(wire, gate)
    wire.hello()
    gate.open()
    wire.send(1, "put", 5000, [packed("after-hello")])
    assert all(m[1] == "ack" for m in wire.acked(5000))


# --- 3. Put

def test_a_put_is_acknowledged_with_its_numbers(wire):
    last = first_seq(wire.put(4, packed()))
    answer = wire.put(5, packed("a"), packed("b"), packed("c"))
    assert stored(answer, 5, 5) == [[last + 1, 3, False]]
    assert answer[5] == 4 << 20
    assert answer[6:] in ([], [[]])


def test_puts_are_numbered_on(wire):
    last = first_seq(wire.put(4, packed()))
    assert stored(wire.put(10, packed("a"), packed("b"), packed("c"), verb="puts"), 10, 12) == [[last + 1, 3, False]]


def test_duplicates_carry_the_original_numbers(wire):
    a, b, c, d, e = (packed(x) for x in "abcde")
    first = first_seq(wire.put(5, a, b, c))
    assert wire.put(6, a)[4] == [[first, 1, True]]
    assert wire.put(7, d, b, c, e)[4] == [[first + 3, 1, False], [first + 1, 2, True], [first + 4, 1, False]]
    assert wire.put(8, packed("f"), packed("f"))[4] in ([[first + 5, 1, False], [first + 5, 1, True]],)
    assert wire.put(10, b, packed("g"), verb="puts")[4] == [[first + 1, 1, True], [first + 6, 1, False]]
    assert wire.ask(1, "ping", 12)[3]["last"] == first + 6


def test_source_and_site_are_part_of_the_identity(wire):
    seqs = [first_seq(wire.put(5 + i, packed("same", **more))) for i, more in
            enumerate([{}, {"source": "/other"}, {"site": "east"}, {"site": "west"}])]
    assert len(set(seqs)) == 4
    assert wire.put(20, packed("same", site="east"))[4] == [[seqs[2], 1, True]]


def test_the_same_identity_with_other_bytes_is_a_conflict(wire):
    seq = first_seq(wire.put(5, packed("a", data={"n": 1})))
    fault = refusal(wire.put(6, packed("a", data={"n": 2})), 6, "id-conflict")
    assert (fault["retry"], fault["index"]) == ("never", 0)
    fault = refusal(wire.put(7, packed("b"), packed("b", data={"n": 2})), 7, "id-conflict")
    assert fault["index"] == 1
    assert wire.put(8, packed("a"))[4] == [[seq, 1, True]], "a refusal holds nothing"
    assert wire.put(9, packed("b"))[4] == [[seq + 1, 1, False]], "nothing of the refused put was stored"


def test_a_put_is_refused_whole_with_index_and_path(wire):
    good, bad = packed("good"), packed("bad", subject="no spaces please")
    fault = refusal(wire.put(5, good, good, bad), 5, "bad-id")
    assert (fault["index"], fault["path"], fault["retry"]) == (2, "subject", "never")
    assert wire.put(6, good)[4][0][2] is False, "the good ones of the put were not stored"


@pytest.mark.parametrize("events, name", [([], "bad-argument"), ([packed("a")] * (PUT_EVENTS + 1), "too-many"), (7, "bad-argument")])
def test_puts_that_cannot_be_taken_apart_are_answered_once(wire, events, name):
    wire.send(1, "puts", 10, events)
    refusal(wire.receive(), 10, name)
    assert wire.ask(1, "ping", 11)[:3] == [1, "pong", 11]
    # Nothing of them was stored, and nothing is held.
    assert stored(wire.put(12, packed("a")), 12, 12)[0][2] is False


def test_a_refused_hello_leaves_the_session(wire):
    assert wire.ask(1, "subscribe", 5, {"from": "new", "progress": False})[1] == "subscribed"
    refusal(wire.ask(1, "hello", 6, {"client": "no name"}), 6, "bad-argument")
    refusal(wire.ask(1, "hello", 7, {"client": "test", "cursor": 1 << 40}), 7, "beyond-end")
    assert wire.ask(1, "unsubscribe", 5)[1] == "unsubscribed"


def test_of_puts_only_the_bad_ones_are_refused(wire):
    wire.send(1, "puts", 10, [packed("a"), packed("b", type="no.such"), packed("c"), b"\x81", packed("d")])
    messages = wire.acked(14)
    naks = {m[2]: m[3] for m in messages if m[1] == "nak"}
    assert {n: f["name"] for n, f in naks.items()} == {11: "unknown-type", 13: "malformed"}
    assert all(f["index"] == 0 for f in naks.values()), "each is a put of one"
    acked = [n for m in messages if m[1] == "ack" for n in range(m[2], m[3] + 1)]
    assert acked == [10, 12, 14]
    runs = [run for m in messages if m[1] == "ack" for run in m[4]]
    assert sum(count for _, count, _ in runs) == 3 and runs[-1][0] + runs[-1][1] - runs[0][0] == 3


def test_too_many_events_in_a_message(wire):
    assert stored(wire.put(5, *[packed(f"m{i}") for i in range(PUT_EVENTS)]), 5, 5)[0][1] == PUT_EVENTS
    answer = wire.put(6, *[packed(f"n{i}") for i in range(PUT_EVENTS + 1)])
    refusal(answer, answer[2], "too-many")


def test_an_event_of_64_kib_and_one_more_byte(wire):
    assert stored(wire.put(5, padded(EVENT_BYTES, "fits")), 5, 5)
    assert refusal(wire.put(6, packed(), padded(EVENT_BYTES + 1, "too-long")), 6, "too-large")["index"] == 1


def held_by_credit(wire, gate):
    """Fill the credit while the disk waits, so that the put after it is refused.  The events under way, and the refused one's number."""
    gate.close()
    event, number, used = None, 100, 0
    while True:
        event = padded(60000, f"fill{number}")
        frame = msgpack.packb([1, "put", number, [event]])
        if used + len(frame) > 4 << 20:
            break
        used += len(frame)
        wire.send_bytes(frame)
        number += 1
    wire.send_bytes(frame)
    answer = wire.receive()
    assert refusal(answer, number, "busy")["retry"] == "later"
    return number


def test_beyond_the_credit_puts_are_refused_held_and_resumed_in_order(gated_daemon, gate):
    wire = gated_daemon.wire()
    busy = held_by_credit(wire, gate)
    assert refusal(wire.put(busy + 1, packed("after1")), busy + 1, "held")["retry"] == "later"
    wire.send(1, "puts", busy + 2, [packed("after2"), packed("after3")])
    held = wire.quiet()
    assert {m[1] for m in held} == {"nak"} and {m[3]["name"] for m in held} == {"held"} and held[0][2] == busy + 2
    gate.open()
    acked = []
    while not acked or acked[-1][3] < busy - 1:
        acked.append(wire.receive())
    assert [m[1] for m in acked] == ["ack"] * len(acked)
    seq = acked[0][4][0][0]
    assert sum(run[1] for m in acked for run in m[4]) == busy - 100
    assert refusal(wire.put(busy + 4, packed("after4")), busy + 4, "held"), "acks alone do not lift the hold"
    answer = wire.ask(1, "resume", 5000)
    assert answer[:3] == [1, "resumed", 5000] and answer[3]["credit"] == 4 << 20
    assert wire.put(busy, packed("again"))[4] == [[seq + busy - 100, 1, False]]
    assert wire.put(busy + 1, packed("after1"))[4] == [[seq + busy - 99, 1, False]], "nothing held was stored"


def test_a_never_refusal_holds_nothing(wire):
    for frame in (msgpack.packb([1, "put", 5, [packed("bad id")]]), msgpack.packb([1, "put", 6, [packed("good")]])):
        wire.send_bytes(frame)
    assert [(m[1], m[2]) for m in (wire.receive(), wire.receive())] == [("nak", 5), ("ack", 6)]


def test_the_client_keeps_the_order_through_busy_and_held(gated_daemon, gate):
    """It believes in more credit than it has, so that the daemon refuses; the gate opens after the first refusal."""
    client = gated_daemon.client()
    client.hello()
    gate.close()
    client.credit = 64 << 20
    take, naks = client._take, []

    def watch(verb, number, *rest):
        if verb == "nak":
            naks.append(rest[0]["name"])
            gate.open()
        take(verb, number, *rest)
    client._take = watch
    events = [padded(60000, f"e{i:04}") for i in range(150)]
    receipts = list(client.put_many(events))
    assert naks and set(naks) <= {"busy", "held"}
    assert [r.event for r in receipts] == events
    seqs = [r.seq for r in receipts]
    assert seqs == list(range(seqs[0], seqs[0] + 150))


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "2099-12-31T23:59:59+08:00", msgpack.Timestamp(0), msgpack.Timestamp(4102444799, 5)])
def test_an_implausible_time_is_kept_flagged_and_warned(wire, time):
    event = packed(time=time)
    answer = wire.put(5, event)
    seq = stored(answer, 5, 5)[0][0]
    assert answer[6] == [[5, 0, "time-implausible", "time"]]
    _, log_time, _, flags, kept = wire.ask(1, "get", 6, {"seq": seq})[3]
    assert kept == event and flags & 1 and log_time > 1_700_000_000 * 10**9


def test_an_unknown_attribute_is_kept_flagged_and_warned(wire):
    event = packed(colour="blue")
    answer = wire.put(5, packed(), event)
    assert answer[6] == [[5, 1, "unknown-field", "colour"]]
    kept = wire.ask(1, "get", 6, {"seq": first_seq(answer) + 1})[3]
    assert kept[4] == event and kept[3] & 2


def test_warnings_of_puts_name_the_put(wire):
    answer = wire.put(10, packed(), packed(time="1970-01-01T00:00:00Z"), packed(colour="blue"), verb="puts")
    assert stored(answer, 10, 12)
    assert answer[6] == [[11, 0, "time-implausible", "time"], [12, 0, "unknown-field", "colour"]]


def test_identities_outlive_restarts_and_kill(daemon):
    client = daemon.client()
    events = [packed(f"r{i}") for i in range(100)]
    originals = [r.seq for r in client.put_many(events)]
    daemon.restart()
    again = list(daemon.client().put_many(events))
    assert [r.seq for r in again] == originals and all(r.duplicate for r in again)
    daemon.kill9()
    daemon.start()
    again = list(client.put_many(events))
    assert [r.seq for r in again] == originals and all(r.duplicate for r in again)
    with pytest.raises(estate.Fault) as conflict:
        client.put(packed("r7", data={"n": 8}))
    assert conflict.value.name == "id-conflict"


# --- 4. The event

def without(key):
    return msgpack.packb({k: v for k, v in msgpack.unpackb(packed("w")).items() if k != key})


@pytest.mark.parametrize("event, name, path", [
    (without("specversion"), "missing-field", "specversion"),
    (without("id"), "missing-field", "id"),
    (without("source"), "missing-field", "source"),
    (without("type"), "missing-field", "type"),
    (packed(specversion="1.1"), "specversion", "specversion"),
    (packed("x" * 65), "bad-id", "id"),
    (packed("a b"), "bad-id", "id"),
    (packed(source=""), None, "source"),
    (packed(source="/a b"), None, "source"),
    (packed(source="/ä"), None, "source"),
    (packed(source="/" + "x" * 128), None, "source"),
    (packed(source=7), "wrong-kind", "source"),
    (packed(type="no.such.type"), "unknown-type", "type"),
    (packed(type=7), "wrong-kind", "type"),
    (packed(time="yesterday"), "bad-time", "time"),
    (packed(time="2026-02-30T00:00:00Z"), "bad-time", "time"),
    (packed(time="2026-01-01T00:00:00"), "bad-time", "time"),
    (packed(time=1790000000), None, "time"),
    (packed(subject="a b"), "bad-id", "subject"),
    (packed(site="a b"), "bad-id", "site"),
    (packed(causation="a b"), "bad-id", "causation"),
    (packed(correlation=7), None, "correlation"),
    (packed(urgency="soon"), "unknown-value", "urgency"),
    (packed(traceparent="x" * 129), "out-of-range", "traceparent"),
    (packed(data=[1]), "wrong-kind", "data"),
    (packed(BadName=1), "unknown-attribute", "BadName"),
    (packed(**{"a" * 21: 1}), "unknown-attribute", "a" * 21),
    (packed(colour=[1]), None, "colour"),
], ids=lambda v: "" if isinstance(v, bytes) else str(v)[:20])
def test_a_wrong_attribute_is_refused_with_its_path(wire, event, name, path):
    answer = wire.put(5, event)
    fault = refusal(answer, 5, name or answer[3].get("name"))
    assert (fault["retry"], fault["index"], fault["path"]) == ("never", 0, path)


@pytest.mark.parametrize("event", [
    packed("x" * 64), packed(source="/" + "x" * 127), packed(source="urn:x?~!*'();@&=+$,#[]"), packed(subject="3-2-1201", site="east", causation="12", correlation="c:1"),
    packed(urgency="emergency"), packed(traceparent="x" * 128), packed(hops=255), packed(datacontenttype="application/json", dataschema="https://example.org/s"),
    packed(time="2026-01-01T00:00:00.123456789+08:00"), packed(time="2026-01-01T00:00:00Z"), packed(time=msgpack.Timestamp(1767225600, 123456789)),
], ids=range(11))
def test_good_attributes(wire, event):
    seq = stored(wire.put(5, event), 5, 5)[0][0]
    assert wire.ask(1, "get", 6, {"seq": seq})[3][4] == event


@pytest.mark.parametrize("event, name", [
    (b"", "malformed"),
    (b"\x81", "malformed"),
    (packed() + b"\x00", "malformed"),
    (packed()[:-1], "malformed"),
    (b"\xc1", "malformed"),
    (msgpack.packb([1]), None),
    (msgpack.packb({1: 2}), None),
    (packed().replace(b"/test", b"/t\xffst"), "bad-utf8"),
    (packed(data={"n": 1, "text": "abcd"}).replace(b"abcd", b"\xed\xa0\x80a"), "bad-utf8"),
    (packed(data={"n": 1, "text": "abcd"}).replace(b"abcd", b"\xc0\x80ab"), "bad-utf8"),
    (b"\x86" + packed("k")[1:] + b"\xa2id\xa1k", "duplicate-key"),
    (packed(data={"n": 1, "m": 2}).replace(b"\xa1m", b"\xa1n"), "duplicate-key"),
    (nested(9, "n9"), "too-deep"),
    (packed(data={"n": 1, "list": list(range(1025))}), "too-many"),
], ids=range(14))
def test_bytes_that_are_no_event_are_refused(wire, event, name):
    answer = wire.put(5, packed(), event)
    fault = refusal(answer, 5, name or answer[3].get("name"))
    assert (fault["retry"], fault["index"]) == ("never", 1)
    assert wire.ask(1, "ping", 6)[1] == "pong"


def test_events_at_the_bounds_are_stored(wire):
    assert stored(wire.put(5, nested(8, "n8"), packed(data={"n": 1, "list": list(range(1024))})), 5, 5)[0][1] == 2


# --- 5. Subscribe

@pytest.fixture
def ten(daemon):
    """A daemon with ten events more than it had; the Client that put them, and their numbers."""
    client = daemon.client("ten")
    kinds = [{"subject": f"s{i % 3}", "source": f"/src/{i % 2}", "urgency": ("routine", "urgent", "emergency")[i % 3]} for i in range(10)]
    return client, [r.seq for r in client.put_many(packed(f"ten{i}", **kind) for i, kind in enumerate(kinds))]


def delivered(messages):
    return [e[0] for m in messages if m[1] == "events" for e in m[3]]


def numbers(client, from_, **options):
    return [d.seq for d in client.subscribe(from_, until_end=True, **options)]


def test_subscribe_from_each_place(ten):
    client, seqs = ten
    assert numbers(client, "first") == list(range(1, seqs[-1] + 1))
    assert numbers(client, "new") == []
    assert numbers(client, {"seq": seqs[4]}) == seqs[4:]
    assert numbers(client, {"seq": seqs[-1] + 1}) == []
    assert numbers(client, {"last": 3}) == seqs[-3:]
    assert numbers(client, {"last": 100000}) == list(range(1, seqs[-1] + 1))
    assert numbers(client, {"last": 0}) == []
    times = [client.get(s).log_time for s in seqs]
    assert times == sorted(times)
    assert numbers(client, {"time": times[5]}) == [s for s, t in zip(seqs, times) if t >= times[5]]
    assert numbers(client, {"time": 0}) == list(range(1, seqs[-1] + 1))
    assert numbers(client, {"time": times[-1] + 10**18}) == []


def test_subscribe_beyond_the_end_or_in_another_log(ten, daemon):
    client, seqs = ten
    wire = daemon.wire()
    welcome = wire.hello()
    refusal(wire.ask(1, "subscribe", 5, {"from": {"seq": seqs[-1] + 2}}), 5, "beyond-end")
    refusal(wire.ask(1, "subscribe", 6, {"log": welcome["log"], "epoch": welcome["epoch"] + 1}), 6, "other-log")
    answer = wire.ask(1, "subscribe", 7, {"from": {"seq": 3}, "log": welcome["log"], "epoch": welcome["epoch"]})
    assert answer[:3] == [1, "subscribed", 7]
    assert answer[3] == {**answer[3], "next": 3, "first": 1, "last": seqs[-1]}


def test_filters(ten):
    client, seqs = ten

    def places(**filters):
        return [seqs.index(s) for s in numbers(client, {"seq": seqs[0]}, **filters)]
    everything = list(range(10))
    assert places(type=["**"]) == places(type=["probe.*"]) == places(type=["probe.recorded"]) == places(type=["*.recorded"]) == everything
    assert places(type=["probe.**"]) == places(type=["*.*"]) == places(type=["no.such", "probe.recorded"]) == everything
    assert places(type=["*"]) == places(type=["probe"]) == places(type=["probe.recorded.*"]) == places(type=["probe.recorded.**"]) == []
    assert places(type=["prob.*"]) == places(type=["incident.*"]) == []
    assert places(subject=["s1"]) == [1, 4, 7]
    assert places(subject=["s1", "s2"]) == [1, 2, 4, 5, 7, 8]
    assert places(subject=["s"]) == []
    assert places(source=["/src/1"]) == [1, 3, 5, 7, 9]
    assert places(urgency=["emergency"]) == [2, 5, 8]
    assert places(type=["probe.*"], subject=["s1"], source=["/src/1"]) == [1, 7]
    assert places(subject=["s1"], urgency=["routine"]) == []


@pytest.mark.parametrize("pattern", ["", ".", "a.", ".a", "a..b", "**.a", "a.**.b", "a*", "*a", "a.b*", "***", "A b", "x" * 300])
def test_bad_patterns(wire, pattern):
    refusal(wire.ask(1, "subscribe", 5, {"type": [pattern]}), 5, "bad-pattern")
    assert wire.ask(1, "subscribe", 5, {"type": ["**"]})[1] == "subscribed"


def test_delivery_tells_number_time_sender_flags_and_the_bytes(wire):
    event = packed("bytes", colour="red")
    seq = first_seq(wire.put(5, event))
    wire.send(1, "subscribe", 6, {"from": {"seq": seq}, "events": 10, "bytes": 10000})
    subscribed, (version, verb, name, events), progress = wire.receive(), wire.receive(), wire.receive()
    assert (version, verb, name, len(events)) == (1, "events", 6, 1)
    assert events[0] == wire.ask(1, "get", 7, {"seq": seq})[3]
    assert events[0][0] == seq and events[0][2] == f"uid:{os.getuid()}" and events[0][3] == 2 and events[0][4] == event
    assert progress[:3] == [1, "progress", 6]
    assert progress[3] == {**progress[3], "seq": seq, "end": True} and progress[3]["log_time"] >= events[0][1]


def test_without_credit_nothing_comes_and_credit_adds_up(ten, daemon):
    _, seqs = ten
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": {"seq": seqs[0]}, "events": 0, "bytes": 100000})
    assert delivered(wire.quiet()) == []
    wire.send(1, "credit", 6, 3, 0)
    assert [e[0] for e in wire.delivered(3)] == seqs[:3]
    wire.send(1, "credit", 6, 1, 0)
    wire.send(1, "credit", 6, 1, 0)
    assert [e[0] for e in wire.delivered(2)] == seqs[3:5]
    assert delivered(wire.quiet()) == []
    wire.send(1, "credit", 6, 100, 0)
    rest = wire.until("progress")
    assert delivered(rest) == seqs[5:] and rest[-1][3]["end"] is True


def test_bytes_of_credit_may_go_below_zero_by_the_last_event(ten, daemon):
    client, seqs = ten
    lengths = [len(client.get(s).event) for s in seqs]
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": {"seq": seqs[0]}, "events": 100, "bytes": 1})
    assert [e[0] for e in wire.delivered(1)] == seqs[:1]
    wire.send(1, "credit", 6, 0, lengths[0] - 1)
    assert delivered(wire.quiet()) == [], "it stands at 0 now"
    wire.send(1, "credit", 6, 0, lengths[1] + 1)
    assert [e[0] for e in wire.delivered(2)] == seqs[1:3]
    assert delivered(wire.quiet()) == []


def test_more_credit_than_the_bound_is_capped(daemon):
    client = daemon.client()
    seqs = [r.seq for r in client.put_many(packed() for _ in range(CREDIT_EVENTS + 100))]
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": {"seq": seqs[0]}, "events": 10**9, "bytes": 10**12})
    wire.send(1, "credit", 6, 0, 10**12)
    messages = [wire.receive()]
    while len(delivered(messages)) < CREDIT_EVENTS:
        messages.append(wire.receive())
        wire.send(1, "credit", 6, 0, 10**12)
    messages += wire.quiet()
    assert delivered(messages) == seqs[:CREDIT_EVENTS]


def test_new_events_are_delivered_in_order_each_once(daemon, wire):
    wire.send(1, "subscribe", 6, {"source": ["/test"], "events": 1000, "bytes": 1000000})
    wire.until("progress")
    one, two = daemon.client("one"), daemon.client("two")
    put = []
    for i in range(50):
        put += [one.put(packed(f"one{i}")).seq, two.put(packed(f"two{i}")).seq]
    got = [e[0] for e in wire.delivered(100)]
    assert got == put == list(range(put[0], put[0] + 100))


def test_progress_tells_what_was_filtered_out(ten, daemon):
    _, seqs = ten
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": "first", "type": ["no.such"], "events": 5, "bytes": 5})
    progress = wire.until("progress")[-1]
    assert progress[3]["seq"] == seqs[-1] and progress[3]["end"] is True
    last = first_seq(daemon.wire().put(5, packed()))
    progress = wire.until("progress")[-1]
    assert progress[3]["seq"] == last and progress[3]["end"] is True


def test_no_progress_where_none_is_wanted(ten, daemon):
    _, seqs = ten
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": {"seq": seqs[0]}, "events": 100, "bytes": 100000, "progress": False})
    assert len(wire.delivered(10)) == 10
    assert wire.quiet() == []


def test_unsubscribe_exists_and_unknown_subscriptions(daemon, wire):
    wire.send(1, "subscribe", 6, {"events": 10, "bytes": 10000})
    wire.until("progress")
    refusal(wire.ask(1, "subscribe", 6, {}), 6, "exists")
    assert wire.ask(1, "unsubscribe", 6) == [1, "unsubscribed", 6]
    daemon.wire().put(5, packed())
    assert wire.quiet() == []
    refusal(wire.ask(1, "unsubscribe", 6), 6, "no-subscription")
    assert wire.ask(1, "subscribe", 6, {})[1] == "subscribed"


def test_credit_for_a_subscription_that_ended_is_not_fatal(wire):
    """The page says that credit is not answered; an end may cross it on its way."""
    wire.send(1, "credit", 77, 1, 1)
    assert all(m[1] == "nak" and m[3]["name"] == "no-subscription" for m in wire.quiet())


def test_two_subscriptions_of_one_session_are_apart(ten, daemon):
    _, seqs = ten
    wire = daemon.wire()
    wire.send(1, "subscribe", 6, {"from": {"seq": seqs[0]}, "subject": ["s0"], "events": 100, "bytes": 100000})
    wire.send(1, "subscribe", 7, {"from": {"seq": seqs[5]}, "events": 2, "bytes": 100000})
    messages = []
    while len(delivered(messages)) < 6:
        messages.append(wire.receive())
    messages += wire.quiet()
    assert delivered([m for m in messages if m[2] == 6]) == [seqs[0], seqs[3], seqs[6], seqs[9]]
    assert delivered([m for m in messages if m[2] == 7]) == seqs[5:7]


def test_a_subscription_goes_on_after_a_restart(daemon):
    reader, writer = daemon.client("reader", patience=0.3), daemon.client("writer", patience=0.3)
    subscription = reader.subscribe(type=["probe.*"])
    first = writer.put(packed()).seq
    assert subscription.next(10).seq == first
    daemon.kill9()
    daemon.start()
    second = writer.put(packed()).seq
    reader.ping()                                   # notices, says hello and subscribes anew
    assert subscription.next(10).seq == second
    assert subscription.cursor == second


# --- 6. Other requests

def test_get(wire):
    refusal(wire.ask(1, "get", 5, {"seq": 10**12}), 5, "not-found")
    refusal(wire.ask(1, "get", 6, {"seq": 0}), 6, "not-found")
    event = packed()
    seq = first_seq(wire.put(7, event))
    answer = wire.ask(1, "get", 8, {"seq": seq})
    assert answer[:3] == [1, "event", 8] and answer[3][0] == seq and answer[3][4] == event
    refusal(wire.ask(1, "get", 9, {"seq": seq + 1}), 9, "not-found")


def test_status_counts(daemon, client):
    client.put(packed("one"))
    client.put(packed("one"))
    status = client.status()
    assert status["log"] == client.log and status["epoch"] == client.epoch and status["state"] == "running"
    assert status["last_seq"] == client.ping()["last"] and status["sessions"] == 1
    assert status["duplicates_total"] == 1 and status["events_stored_total"] == status["last_seq"]
    assert all(isinstance(v, (int, str)) for v in status.values())


def test_backup_is_a_log_of_another_epoch(daemon, client, start_daemon):
    event = packed("kept")
    seq = client.put(event).seq
    folder = os.path.join(daemon.folder, "backup")
    done = client.backup(folder)
    assert done["last"] >= seq and done["log"] == client.log and done["bytes"] > 0
    with pytest.raises(estate.Fault):
        client.backup(folder)
    with pytest.raises(estate.Fault):
        client.backup("relative/path")
    restored = start_daemon(data=folder).client()
    assert restored.hello()["log"] == client.log and restored.epoch != client.epoch
    assert restored.get(seq).event == event
    with pytest.raises(estate.Fault) as other:
        estate.Client(restored.endpoint, "test", log=client.log, epoch=client.epoch, cursor=seq).hello()
    assert other.value.name == "other-log"


def test_clock_accept_without_an_alarm(wire):
    """The page promises no refusal; the daemon must answer one way or the other."""
    answer = wire.ask(1, "clock-accept", 5)
    assert answer[:3] == [1, "done", 5] or answer[1] == "nak"


# --- the bytes printed on the page

def page_examples():
    """Runs of hexadecimal bytes in the page: (the event's 62 bytes, the head of the put)."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    event = "".join(re.findall(r"^    ((?:[0-9a-f]{2} ?)+)$", page, re.M))
    head = re.search(r"`((?:[0-9a-f]{2} ){5,}[0-9a-f]{2})` followed by those bytes", page)
    text = re.search(r'^`(\{"specversion".*?\})` packs to (\d+) bytes', page, re.M)
    return bytes.fromhex(event), bytes.fromhex(head[1]), text


def test_the_bytes_printed_on_the_page_are_right(daemon):
    event, head, text = page_examples()
    assert len(event) == int(text[2])
    assert msgpack.packb(json.loads(text[1])) == event
    assert msgpack.packb([1, "put", 5, [event]]) == head + event
    wire = daemon.wire()
    wire.send_bytes(head + event)
    seq = stored(wire.receive(), 5, 5)[0][0]
    assert wire.ask(1, "get", 6, {"seq": seq})[3][4] == event


# --- the Python client

def test_ids_sort_by_time():
    ids = [estate.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000 and all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", i) for i in ids)
    assert [i[:10] for i in ids] == sorted(i[:10] for i in ids)


def test_the_client_puts_and_reads(client):
    made = estate.make_event("probe.recorded", "/test", {"n": 3}, subject="p1", urgency="routine")
    receipt = client.put(made)
    assert not receipt.duplicate and receipt.warnings == [] and receipt.event == estate.pack(made)
    assert client.get(receipt.seq).fields == made
    batch = client.put_batch([made, packed("b1"), packed("b2")])
    assert [r.duplicate for r in batch] == [True, False, False] and batch[2].seq == batch[1].seq + 1
    with pytest.raises(estate.Fault) as refused:
        client.put_batch([packed("b3"), packed("b4", urgency="soon")])
    assert (refused.value.index, refused.value.path, refused.value.retry) == (1, "urgency", "never")
    assert client.put_batch([]) == []
    receipts = list(client.put_many([packed("b1"), packed("bad id"), packed("m1")]))
    assert receipts[0].duplicate and receipts[1].fault.name == "bad-id" and receipts[2].seq == batch[2].seq + 1
    assert [d.event for d in client.subscribe({"seq": receipt.seq}, until_end=True)] == \
        [estate.pack(made), packed("b1"), packed("b2"), packed("m1")]


def test_the_client_refuses_itself_what_the_daemon_could_not_answer(client):
    with pytest.raises(estate.Fault) as refused:
        client.put(packed(data={"n": 1, "pad": "x" * (3 << 20)}))
    assert refused.value.name == "too-large"
    with pytest.raises(estate.Fault) as refused:
        client.put_batch(packed() for _ in range(PUT_EVENTS + 1))
    assert refused.value.name == "too-many"
    receipts = list(client.put_many([packed(data={"n": 1, "pad": "x" * size}) for size in (70_000, 2 << 20, 10)]))
    assert [r.fault and r.fault.name for r in receipts] == ["too-large", "too-large", None]


def test_iterating_may_stop_early(client):
    receipts = client.put_many(packed(f"s{i}") for i in range(20000))
    assert next(receipts).fault is None
    receipts.close()
    first = client.put(packed("s0"))
    assert first.duplicate and not client.put(packed("later")).duplicate
    subscription = client.subscribe("first")
    next(subscription)
    subscription.close()
    assert list(subscription) == []
    assert client.ping()["last"] > first.seq


def test_a_client_that_only_puts_goes_on_in_a_restored_log(daemon, client, start_daemon):
    folder = os.path.join(daemon.folder, "backup")
    before = client.put(packed("before")).seq
    client.backup(folder)
    daemon.stop()
    daemon.data = folder
    daemon.start()
    assert client.put(packed("before")).seq == before
    assert not client.put(packed("after")).duplicate


def test_the_demonstration_puts_and_tails(daemon):
    def run(*arguments, stdin=""):
        return subprocess.run([sys.executable, estate.__file__, *arguments], input=stdin, capture_output=True, text=True, check=False, timeout=60)
    assert "put" in run("--help").stdout
    lines = "".join(json.dumps({"type": "probe.recorded", "id": i, "data": {"n": 1}}) + "\n" for i in ("a", "b", "bad id"))
    put = run("--endpoint", daemon.endpoint, "put", stdin=lines)
    assert put.returncode == 1 and "bad-id" in put.stderr
    seqs = [int(line.split()[0]) for line in put.stdout.splitlines()]
    assert len(seqs) == 2
    tail = run("--endpoint", daemon.endpoint, "tail", "--from", str(seqs[0]), "--type", "probe.*", "--until-end")
    assert [(e["seq"], e["id"]) for e in map(json.loads, tail.stdout.splitlines())] == list(zip(seqs, "ab"))


def test_the_client_survives_a_killed_daemon(daemon):
    client = daemon.client(patience=0.3)
    events = [packed(f"k{i}", data={"n": i}) for i in range(3000)]
    receipts = []
    for receipt in client.put_many(events):
        receipts.append(receipt)
        if len(receipts) == 1000:
            daemon.kill9()
            daemon.start()
    assert [r.event for r in receipts] == events
    kept = [d.event for d in daemon.client().subscribe("first", type=["probe.recorded"], until_end=True)]
    assert kept == events, "each once, in order"


def test_the_client_says_so_when_nobody_answers(tmp_path):
    client = estate.Client(f"ipc://{tmp_path}/nobody", "test", patience=0.1, timeout=0.3)
    with pytest.raises(estate.NoAnswer):
        client.put(packed())
    client.close()


def test_a_second_ack_does_no_harm(gated_daemon, gate):
    """Doubted while the disk waits, puts are sent twice with the same numbers and answered twice."""
    client = gated_daemon.client(patience=0.2)
    client.hello()
    gate.close()
    doubt, doubts = client._doubt, []

    def watch():
        doubts.append(1)
        doubt()
        if len(doubts) == 2:
            gate.open()
    client._doubt = watch
    batch = client.put_batch([packed("d1"), packed("d2")])
    assert len(doubts) >= 2 and batch[1].seq == batch[0].seq + 1
    more = list(client.put_many([packed("d3"), packed("d4"), packed("d5")]))
    assert [r.seq for r in more] == [batch[1].seq + i for i in (1, 2, 3)]
