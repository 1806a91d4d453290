"""Queries relayed by the daemon: who answers, who asks, what each may see, and everything that can go wrong in between."""
import json
import os
import signal
import subprocess
import sys
import threading

import msgpack
import pytest

import daemon as harness
import estate
from wire import Keys, packed

FIRST_ID = (1 << 52) + (1 << 51)
SECRET = "Seeded-Name-13800138000"


def server(daemon, service="callback", number=50, **options):
    wire = daemon.wire(**{"client": "worker", **options})
    assert wire.ask(1, "serve", number, {"service": service}) == [1, "serving", number, {"service": service}]
    return wire


def ask(wire, number=7, service="callback", name="agenda", **more):
    """Send an ask; arguments of the question with a capital first letter are the request's own."""
    wire.send(1, "ask", number, {"service": service, "question": {"name": name}, **more})


def asked(wire):
    """The next question: (id, question, circumstances)."""
    message = wire.receive()
    assert message[1] == "asked" and len(message) == 6, message
    return message[3:]


def answer(wire, id, value, **more):
    wire.send(1, "answer", id, {"answer": msgpack.packb(value), **more})


def name_of(message):
    assert message[1] in ("nak", "unserved"), message
    return message[3]["name"]


def figures(daemon):
    return {k: v for k, v in daemon.client().status().items() if k.startswith(("ask", "answer", "service"))}


@pytest.fixture
def two(daemon):
    """A worker that serves `callback`, and who asks."""
    return server(daemon), daemon.wire(client="board")


# --- the way it should go

def test_an_ask_is_relayed_and_answered(daemon, two):
    worker, board = two
    question = {"name": "agenda", "days": 3, "of": ["a", "b"], "more": {"x": None}}
    board.send(1, "ask", 7, {"service": "callback", "question": question, "timeout_ms": 30000})
    id, got, about = asked(worker)
    assert got == question and id >= FIRST_ID
    assert about.pop("deadline_ms") in range(20000, 30001)
    assert about == {"asker": f"uid:{os.getuid()}" if os.getuid() else about["asker"], "personal": True}
    answer(worker, id, {"rows": [[1, "a"]]}, seq=5)
    assert board.receive() == [1, "answered", 7, {"answer": {"rows": [[1, "a"]]}, "seq": 5}]
    answer(worker, id, {"rows": []})                            # twice
    assert name_of(worker.receive()) == "no-ask"
    assert not board.quiet()
    told = figures(daemon)
    assert told["asks_total"] == told["asks_answered_total"] == told["answers_refused_total"] == told["services"] == 1
    assert told["asks_pending"] == 0


def test_pages_pass_through_both_ways(two):
    worker, board = two
    cursor = "次页:" + "x" * 249
    ask(board)
    id, _, about = asked(worker)
    assert "page" not in about
    answer(worker, id, {"rows": [1]}, next=cursor)
    assert board.receive()[3] == {"answer": {"rows": [1]}, "next": cursor}
    ask(board, 8, page=cursor)
    id, _, about = asked(worker)
    assert about["page"] == cursor
    answer(worker, id, {"rows": [2]})
    assert board.receive()[3] == {"answer": {"rows": [2]}}


def test_at_least(daemon, two):
    worker, board = two
    last = board.put(1, packed())[4][0][0]
    ask(board, 2, at_least=last + 1)
    refused = board.receive()
    assert name_of(refused) == "beyond-end" and str(last) in refused[3]["detail"]
    ask(board, 3, at_least=last)
    id, _, about = asked(worker)
    assert about["at_least"] == last
    # It waits until it has read that far; meanwhile others are answered.
    ask(board, 4)
    second, _, about = asked(worker)
    assert "at_least" not in about
    answer(worker, second, {"n": 2})
    assert board.receive()[2] == 4
    worker.send(1, "subscribe", 9, {"from": {"seq": last}, "events": 10, "bytes": 100000})
    assert worker.until("events")[-1][3][0][0] == last
    answer(worker, id, {"n": 1}, seq=last)
    assert board.receive() == [1, "answered", 3, {"answer": {"n": 1}, "seq": last}]


def test_services_are_listed(daemon, two):
    _, board = two
    server(daemon, "stats", client="counter")
    rows = board.ask(1, "services", 3)[3]
    assert [(row["service"], row["client"], row["pending"]) for row in rows] == [("callback", "worker", 0), ("stats", "counter", 0)]
    assert all(row["since"] > 1_700_000_000_000_000_000 and row["sender"] for row in rows)


def test_two_askers_and_two_services_of_one_worker(daemon):
    worker, one, two = server(daemon), daemon.wire(), daemon.wire()
    assert worker.ask(1, "serve", 51, {"service": "notify"})[1] == "serving"
    ask(one, 7, name="a")
    first = asked(worker)
    ask(two, 7, "notify", name="b")
    message = worker.receive()
    assert message[2] == 51 and message[4] == {"name": "b"}
    answer(worker, message[3], {"to": "two"})
    answer(worker, first[0], {"to": "one"})
    assert one.receive()[3]["answer"] == {"to": "one"} and two.receive()[3]["answer"] == {"to": "two"}


def test_a_service_may_refuse(two):
    worker, board = two
    for number, reply, told in [
            (1, {"refused": "bad-argument", "path": "days", "detail": "1 to 31"}, ("bad-argument", "days", "1 to 31")),
            (2, {"refused": "not-found"}, ("not-found", None, None)), (3, {"refused": "busy", "detail": "later"}, ("busy", None, "later"))]:
        ask(board, number)
        worker.send(1, "answer", asked(worker)[0], reply)
        message = board.receive()
        assert (message[2], name_of(message)) == (number, told[0])
        assert (message[3].get("path"), message[3].get("detail")) == told[1:]


# --- what may go wrong

def test_there_is_no_such_service(daemon, two):
    worker, board = two
    ask(board, 7, "nobody")
    refused = board.receive()
    assert name_of(refused) == "no-service" and refused[3]["retry"] == "later"
    assert worker.ask(1, "unserve", 50) == [1, "unserved", 50]
    ask(board)
    assert name_of(board.receive()) == "no-service"
    assert name_of(worker.ask(1, "unserve", 50)) == "no-service"
    assert figures(daemon)["asks_refused_total"] == 2


def test_a_deadline_passes_and_the_answer_comes_after_it(daemon, two):
    worker, board = two
    ask(board, 1, timeout_ms=60000)
    ask(board, 2, timeout_ms=40)
    ask(board, 3, timeout_ms=20)
    ids = [asked(worker)[0] for _ in range(3)]
    late = [board.receive() for _ in range(2)]
    assert [(m[2], name_of(m), m[3]["retry"]) for m in late] == [(3, "deadline", "later"), (2, "deadline", "later")]
    answer(worker, ids[1], {"too": "late"})
    assert name_of(worker.receive()) == "no-ask"
    answer(worker, ids[0], {"in": "time"})
    assert board.receive()[3]["answer"] == {"in": "time"}
    assert figures(daemon)["asks_timed_out_total"] == 2


def test_who_leaves_while_asked(daemon, two):
    worker, board = two
    ask(board, 1)
    ask(board, 2)
    asked(worker)
    # The second question was on its way, or was not any more.
    if (left := worker.ask(1, "bye", 9))[1] == "asked":
        left = worker.receive()
    assert left[1] == "bye"
    assert [name_of(board.receive()) for _ in range(2)] == ["service-lost"] * 2
    ask(board, 3)
    assert name_of(board.receive()) == "no-service"
    assert figures(daemon)["asks_lost_total"] == 2


WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
import estate
for question in estate.Client(sys.argv[2], "victim").serve("callback"):
    print(question.name, flush=True)
"""


def test_who_is_killed_while_asked(daemon):
    """Known by its connection's end, long before the deadline."""
    board = daemon.wire()
    worker = subprocess.Popen([sys.executable, "-c", WORKER, os.path.join(harness.REPOSITORY, "clients", "python"), daemon.endpoint],
                              stdout=subprocess.PIPE, text=True)
    while not board.ask(1, "services", 3)[3]:
        pass
    ask(board, 7, timeout_ms=60000)
    assert worker.stdout.readline() == "agenda\n"
    worker.kill()
    worker.communicate()
    assert name_of(board.receive(5000)) == "service-lost"


def test_a_connection_that_ends_while_asked(daemon, two):
    worker, board = two
    other = server(daemon, "stats")
    ask(board, 1, timeout_ms=60000)
    ask(board, 2, "stats", timeout_ms=60000)
    asked(worker)
    id, *_ = asked(other)
    worker.close()
    assert name_of(board.receive(5000)) == "service-lost"
    assert other.receive() == [1, "waiting", 50, {"asks": 1}]
    answer(other, id, {})
    assert board.receive()[2] == 2


def test_an_asker_that_leaves_is_not_waited_for(daemon, two):
    worker, board = two
    ask(board)
    id, *_ = asked(worker)
    board.ask(1, "bye", 9)
    answer(worker, id, {})
    assert name_of(worker.receive()) == "no-ask"
    assert figures(daemon)["asks_pending"] == 0


def test_another_takes_over(daemon, two):
    worker, board = two
    ask(board, 1)
    old, *_ = asked(worker)
    heir = server(daemon, client="heir")
    told = worker.receive()
    assert told[:3] == [1, "unserved", 50] and name_of(told) == "taken-over" and "heir" in told[3]["detail"]
    assert name_of(board.receive()) == "service-lost"
    answer(worker, old, {"from": "the old one"})
    assert name_of(worker.receive()) == "no-ask"
    ask(board, 2)
    id, *_ = asked(heir)
    answer(worker, id, {"from": "the old one"})                 # another's ask
    assert name_of(worker.receive()) == "no-ask"
    answer(heir, id, {"from": "the new one"})
    assert board.receive()[3]["answer"] == {"from": "the new one"}
    worker.ask(1, "bye", 9)                                     # what it had it has no more
    ask(board, 3)
    asked(heir)


def test_who_serves_and_asks_itself(daemon):
    wire = server(daemon)
    ask(wire, 1)
    id, *_ = asked(wire)
    answer(wire, id, {"n": 1})
    assert wire.receive()[3]["answer"] == {"n": 1}
    ask(wire, 2)
    asked(wire)
    assert name_of(wire.ask(1, "unserve", 50)) == "service-lost"
    assert wire.receive() == [1, "unserved", 50]
    assert wire.ask(1, "serve", 51, {"service": "callback"})[1] == "serving"
    ask(wire, 3)
    asked(wire)
    wire.hello()                                                # both ends of it go
    assert wire.ask(1, "services", 4)[3] == []
    assert figures(daemon)["asks_pending"] == 0


WRONG_ASKS = [
    ({}, "service"), ({"service": "callback"}, "question"), ({"service": "no name", "question": {"name": "a"}}, "service"),
    ({"service": "callback", "question": {"days": 1}}, "question"), ({"service": "callback", "question": [1]}, "question"),
    ({"service": "callback", "question": {"name": 7}}, "question"), ({"service": "callback", "question": {"name": ""}}, "question"),
    ({"service": "callback", "question": {"name": "a"}, "timeout_ms": 0}, "timeout_ms"),
    ({"service": "callback", "question": {"name": "a"}, "timeout_ms": 60001}, "timeout_ms"),
    ({"service": "callback", "question": {"name": "a"}, "at_least": -1}, "at_least"),
    ({"service": "callback", "question": {"name": "a"}, "page": ""}, "page"),
    ({"service": "callback", "question": {"name": "a"}, "page": "x" * 257}, "page"),
    ({"service": "callback", "question": {"name": "a"}, "whom": 1}, "ask"), ([1], "[3]")]


def test_asks_that_are_none(two):
    worker, board = two
    for arguments, path in WRONG_ASKS:
        refused = board.ask(1, "ask", 7, arguments)
        assert (name_of(refused), refused[3]["path"]) == ("bad-argument", path)
    assert not worker.quiet()


WRONG_WORDS = [
    ("serve", 60, {"service": "a b"}, "bad-argument"), ("serve", 60, {}, "bad-argument"), ("serve", 60, {"service": "x", "y": 1}, "bad-argument"),
    ("serve", 60, {"service": "callback"}, "exists"), ("serve", 50, {"service": "other"}, "exists"), ("answer", 1, {"answer": b"\x80"}, "no-ask"),
    ("answer", FIRST_ID + 5, {"answer": b"\x80"}, "no-ask")]


def test_what_a_service_says_wrongly(two):
    for verb, number, argument, name in WRONG_WORDS:
        assert name_of(two[0].ask(1, verb, number, argument)) == name


PACKED = msgpack.packb
GARBAGE = {
    "no map": {"answer": PACKED([1])}, "cut short": {"answer": PACKED({"a": "bcd"})[:-1]}, "left over": {"answer": PACKED({}) + b"\0"},
    "empty": {"answer": b""}, "unused byte": {"answer": b"\x81\xa1a\xc1"}, "a huge count": {"answer": b"\x81\xa1a\xdd\xff\xff\xff\xff"},
    "key twice": {"answer": b"\x82\xa1a\x01\xa1a\x02"}, "not UTF-8": {"answer": b"\x81\xa1a\xa1\xff"}, "too deep": {"answer": b"\x81\xa1a" + b"\x91" * 20 + b"\x01"},
    "too many": {"answer": PACKED({"a": [0] * 4097})}, "no bin": {"answer": {"a": 1}}, "nothing": {}, "both": {"answer": PACKED({}), "refused": "busy"},
    "unknown key": {"answer": PACKED({}), "x": 1}, "no code": {"refused": "no-such-code"}, "hello": {"refused": "no-session"},
    "next too long": {"answer": PACKED({}), "next": "x" * 257}, "next no text": {"answer": PACKED({}), "next": 1},
    "misspelt mark": {"answer": PACKED({"a": {"~persnal": SECRET}})}, "mark with more": {"answer": PACKED({"a": {"~personal": SECRET, "b": 1}})},
    "one mark": {"answer": PACKED({"~personal": SECRET})}, "detail too long": {"refused": "busy", "detail": "x" * 256}, "a list": [1],
}


def test_garbage_for_an_answer_ends_the_ask_at_once(two):
    worker, board = two
    for what, reply in GARBAGE.items():
        ask(board)
        id, *_ = asked(worker)
        told = worker.ask(1, "answer", id, reply)
        assert (told[2], name_of(told)) == (id, "bad-answer"), what
        refused = board.receive()
        assert name_of(refused) == "bad-answer" and refused[3]["detail"] == "callback" and SECRET not in repr((told, refused)), what
        answer(worker, id, {})
        assert name_of(worker.receive()) == "no-ask"


def test_answers_and_questions_have_bounds(daemon, two):
    worker, board = two
    largest = (1 << 20) - 4096
    value = {"a": "x" * (largest - 8)}
    assert len(PACKED(value)) == largest
    ask(board, 1)
    answer(worker, asked(worker)[0], value)
    assert board.receive()[3]["answer"] == value
    for number, more in (2, 1), (3, 5000), (4, 900_000):        # beyond the answer's bound, beyond the message's
        ask(board, number)
        answer(worker, asked(worker)[0], {"a": "x" * (largest - 8 + more)})
        assert name_of(worker.receive()) in ("answer-too-large", "too-large")
        assert name_of(board.receive()) == "answer-too-large"
    board.send(1, "ask", 5, {"service": "callback", "question": {"name": "a", "x": "y" * (16 << 10)}})
    refused = board.receive()
    assert (name_of(refused), refused[3]["path"]) == ("too-large", "question")


def test_an_answer_that_is_no_message_ends_the_ask(two):
    worker, board = two
    ask(board)
    id, *_ = asked(worker)
    worker.send_bytes(msgpack.packb([1, "answer", id, {"answer": b""}])[:-1])
    assert name_of(worker.receive()) == "malformed"
    assert name_of(board.receive()) == "bad-answer"


def test_asks_that_wait_are_bounded_for_an_asker(daemon, two):
    worker, board = two
    for number in range(1, 67):
        ask(board, number)
    refused = [board.receive() for _ in range(2)]
    assert [(m[2], name_of(m), m[3]["retry"]) for m in refused] == [(65, "busy", "later"), (66, "busy", "later")]
    ids = [asked(worker)[0] for _ in range(32)]                 # no more at once
    assert not worker.quiet()
    for id in ids:
        answer(worker, id, {})
    assert sorted(board.receive()[2] for _ in range(32)) == list(range(1, 33))
    for id in [asked(worker)[0] for _ in range(32)]:
        answer(worker, id, {})
    assert sorted(board.receive()[2] for _ in range(32)) == list(range(33, 65))
    for number in range(18):                                    # by their bytes: 16 of 16 KiB
        board.send(1, "ask", number, {"service": "callback", "question": {"name": "a", "x": "y" * 16000}})
    assert [name_of(board.receive()) for _ in range(2)] == ["busy"] * 2


def test_who_waits_for_what_is_not_read_yet_leaves_room(daemon, two):
    """A worker that is behind, or stands, can still be asked how it stands, however many wait for it to have read all."""
    worker, board = two
    last = board.put(1, packed())[4][0][0]
    for number in range(60):
        ask(board, 100 + number, at_least=last, timeout_ms=60000)
    waiting = [asked(worker)[0] for _ in range(24)]
    assert not worker.quiet()
    other = daemon.wire(client="operator")
    ask(other, 9, name="status")
    id, question, _ = asked(worker)
    assert question["name"] == "status"
    answer(worker, id, {"backlog": 1})
    assert other.receive()[1:3] == ["answered", 9]
    for n in range(60):                                         # then all of them, in their order
        answer(worker, waiting[n], {})
        assert board.receive()[1:3] == ["answered", 100 + n]
        if len(waiting) < 60:
            waiting.append(asked(worker)[0])


def test_services_are_bounded(daemon):
    wire = daemon.wire()
    for number in range(64):
        assert wire.ask(1, "serve", number, {"service": f"s{number}"})[1] == "serving"
    assert name_of(wire.ask(1, "serve", 99, {"service": "s99"})) == "too-many"


def test_thousands_of_asks(daemon, two):
    """As many on their way as are allowed, for thousands of them, in any order of answers."""
    worker, board = two
    total, window, sent, got = 6000, 64, 0, {}
    held = []
    while len(got) < total:
        while sent < total and sent - len(got) < window:
            ask(board, 1000 + sent, name=f"q{sent}")
            sent += 1
        while worker.socket.poll(0 if held else 1000):
            held.append(asked(worker))
        for id, question, _ in reversed(held):
            answer(worker, id, {"of": question["name"]})
        held = []
        while board.socket.poll(0):
            message = board.receive()
            assert message[1] == "answered", message
            got[message[2] - 1000] = message[3]["answer"]["of"]
    assert got == {n: f"q{n}" for n in range(total)}
    assert figures(daemon)["asks_answered_total"] == total


def test_a_service_that_does_not_read_holds_up_nobody(daemon):
    deaf, worker, board = server(daemon, "deaf"), server(daemon), daemon.wire()
    for number in range(40):
        ask(board, number, "deaf", timeout_ms=100)
    ask(board, 99)
    id, *_ = asked(worker)
    answer(worker, id, {"n": 1})
    messages = [board.receive() for _ in range(41)]
    assert {m[2] for m in messages if m[1] == "nak" and m[3]["name"] == "deadline"} == set(range(40))
    assert [m[2] for m in messages if m[1] == "answered"] == [99]
    deaf.close()


def test_a_daemon_that_stops_leaves_nobody_waiting(daemon, two):
    _, board = two
    patient = daemon.wire(immediate=0)
    ask(patient, timeout_ms=60000)
    ask(board, timeout_ms=60000)
    patient.quiet()
    daemon.stop()
    assert name_of(patient.receive()) == "stopping"


# --- rights and personal fields

ENTRIES = """clients:
  - {name: me, uid: %d, role: admin}
  - {name: worker, key: '%s', answer: [callback], ask: []}
  - {name: blind, key: '%s', ask: [callback]}
  - {name: seeing, key: '%s', ask: ['*'], see_personal: true}
"""


@pytest.fixture
def keyed(start_daemon, tmp_path):
    """A daemon with a list, and a function from a client's name to a wire of its own."""
    own, keys = Keys(), {name: Keys() for name in ("worker", "blind", "seeing")}
    file = tmp_path / "server.key"
    file.write_text(f"# the daemon's\n{own.secret}\n", encoding="ascii")
    file.chmod(0o600)
    text = ENTRIES % (os.getuid(), *(keys[name].public for name in ("worker", "blind", "seeing")))
    daemon = start_daemon(settings={"server_key": file}, clients=text, listen=["tcp://127.0.0.1:0"])
    daemon.list_of_clients = text
    return daemon, lambda name: daemon.wire(endpoint=daemon.endpoints[1], keys=keys[name], server=own.public)


def reload(daemon, text):
    before = daemon.stderr(1 << 30).count("the list of clients ")
    daemon.write_clients(text)
    daemon.signal(1)
    admin = daemon.wire()
    while daemon.stderr(1 << 30).count("the list of clients ") == before:
        admin.ask(1, "ping", 1)


def test_rights_of_both_sides(keyed):
    daemon, wire = keyed
    worker, blind = wire("worker"), wire("blind")
    refused = blind.ask(1, "serve", 1, {"service": "callback"})
    assert name_of(refused) == "forbidden"
    assert name_of(worker.ask(1, "serve", 1, {"service": "stats"})) == "forbidden"
    assert worker.ask(1, "serve", 1, {"service": "callback"})[1] == "serving"
    ask(worker)
    assert name_of(worker.receive()) == "forbidden"
    ask(blind, 2, "stats")                                      # not even whether it is there
    assert name_of(blind.receive()) == "forbidden"
    assert worker.ask(1, "services", 3)[3] == []
    assert [row["service"] for row in blind.ask(1, "services", 3)[3]] == ["callback"]
    ask(blind)
    id, _, about = asked(worker)
    assert (about["asker"], about["personal"]) == ("blind", False)
    refused = [msgpack.unpackb(e[4]) for e in refused_events(daemon, 4)]
    assert sorted((e["subject"], e["data"]["reason"]) for e in refused) == [
        ("blind", "may not answer for that service"), ("blind", "may not ask that service"),
        ("worker", "may not answer for that service"), ("worker", "may not ask that service")]
    # A right that is taken away while it waits.
    reload(daemon, daemon.list_of_clients.replace("ask: [callback]", "ask: []"))
    answer(worker, id, {"secret": 1})
    assert name_of(blind.receive()) == "forbidden"
    reload(daemon, daemon.list_of_clients.replace("answer: [callback]", "answer: []"))
    seeing = wire("seeing")
    ask(seeing)
    assert name_of(seeing.receive()) == "no-service"
    told = worker.receive()
    assert told[1] == "unserved" and name_of(told) == "forbidden"


def refused_events(daemon, count):
    wire = daemon.wire()
    wire.send(1, "subscribe", 77, {"from": "first", "type": ["client.refused"], "events": 100, "bytes": 100000})
    return wire.delivered(count)


def test_a_revoked_worker_serves_no_more(keyed):
    daemon, wire = keyed
    worker, seeing = wire("worker"), wire("seeing")
    worker.ask(1, "serve", 1, {"service": "callback"})
    ask(seeing)
    asked(worker)
    daemon.estate("client", "revoke", "worker")
    assert name_of(seeing.receive()) == "service-lost"
    told = worker.receive()
    assert told[1] == "unserved" and name_of(told) == "forbidden"


MARKED = {"rows": [{"who": {"~personal": SECRET}, "n": 1}, {"who": {"~personal": {"deep": [SECRET, {"~personal": SECRET}]}}, "n": 2}],
          "to": {"~personal": None}}


def test_personal_fields_are_masked_and_nothing_leaks(keyed):
    daemon, wire = keyed
    worker, blind, seeing = wire("worker"), wire("blind"), wire("seeing")
    worker.ask(1, "serve", 1, {"service": "callback"})
    ask(blind)
    answer(worker, asked(worker)[0], MARKED)
    blind.socket.poll(10_000)
    bytes_told = blind.socket.recv()
    assert SECRET.encode() not in bytes_told and b"~personal" not in bytes_told
    assert msgpack.unpackb(bytes_told)[3]["answer"] == {"rows": [{"who": "***", "n": 1}, {"who": "***", "n": 2}], "to": "***"}
    ask(seeing)
    id, _, about = asked(worker)
    assert about["personal"] is True
    answer(worker, id, MARKED)
    assert seeing.receive()[3]["answer"] == {"rows": [{"who": SECRET, "n": 1}, {"who": {"deep": [SECRET, SECRET]}, "n": 2}], "to": None}
    # The right counts as it is when the answer passes, not as it was when it was asked.
    ask(seeing)
    id, *_ = asked(worker)
    reload(daemon, daemon.list_of_clients.replace("see_personal: true", "see_personal: false"))
    answer(worker, id, MARKED)
    assert SECRET not in repr(seeing.receive())
    assert SECRET not in daemon.stderr(1 << 30)


# --- the clients

def run_ask(daemon, *arguments, **env):
    """`estate ask` in the background: it waits for an answer that the test gives."""
    return subprocess.Popen([harness.program("estate"), "ask", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": "C.UTF-8", **env})


def ended(process, expect=0):
    out, err = process.communicate(timeout=30)
    assert process.returncode == expect, (out, err)
    return out if expect == 0 else err


AGENDA = {"date": "2026-11-24", "rows": [{"household": "3-2-1201", "due": 9, "who": {"~personal": "王\x1b[31m五"}}, {"household": "1-1-0101", "note": "早"}],
          "totals": {"open": 2, "by": [1, [2, {}]]}, "none": None}


def test_the_command_asks_and_prints(daemon):
    worker = server(daemon)
    process = run_ask(daemon, "callback", "agenda", "date=2026-11-24", "days=3", "of=[\"a\"]", "n=007")
    id, question, about = asked(worker)
    assert question == {"name": "agenda", "date": "2026-11-24", "days": 3, "of": ["a"], "n": "007"} and about["deadline_ms"] <= 5000
    answer(worker, id, AGENDA, seq=12, next="c-2")
    out = ended(process)
    assert "date: 2026-11-24\n" in out and "household" in out and "3-2-1201   9" in out and "  open: 2\n" in out
    assert "王?[31m五" in out and "\x1b" not in out and "(as of event 12)" in out and "--page 'c-2'" in out
    process = run_ask(daemon, "callback", "agenda", "--page", "c-2", "--at-least", "1", "--timeout", "50", "--json")
    id, _, about = asked(worker)
    assert about["page"] == "c-2" and about["at_least"] == 1 and 40000 < about["deadline_ms"] <= 50000
    answer(worker, id, AGENDA)
    assert json.loads(ended(process)) == {"answer": {**AGENDA, "rows": [{**AGENDA["rows"][0], "who": "王\x1b[31m五"}, AGENDA["rows"][1]]}}
    process = run_ask(daemon, "callback", "x", "--at-least", "now", LC_ALL="zh_CN.UTF-8")
    id, _, about = asked(worker)
    assert about["at_least"] >= 1
    answer(worker, id, {}, next="c")
    assert "还有更多" in ended(process)


def test_the_command_says_what_is_wrong(daemon):
    assert "there is no service" in daemon.estate("ask").stdout
    refused = daemon.estate("ask", "callback", "agenda", expect=1).stderr
    assert "no-service" in refused and "estate ask lists" in refused
    worker = server(daemon)
    listed = daemon.estate("ask").stdout
    assert listed.splitlines()[0].split() == ["SERVICE", "CLIENT", "SENDER", "WAITING", "SINCE"] and "callback" in listed and "worker" in listed
    assert json.loads(daemon.estate("ask", "--json").stdout)[0]["service"] == "callback"
    process = run_ask(daemon, "callback", "agenda", "--json")
    worker.send(1, "answer", asked(worker)[0], {"refused": "bad-argument", "path": "days", "detail": "1 to 31"})
    assert json.loads(ended(process, 1))["path"] == "days"
    assert "--timeout" in daemon.estate("ask", "callback", "agenda", "--timeout", "1", expect=1).stderr
    for wrong in (["a b"], ["callback"], ["callback", "no name"], ["callback", "x", "y"], ["callback", "x", "=1"], ["callback", "x", "a=1", "a=2"],
                  ["callback", "x", "name=y"], ["callback", "x", "--at-least", "soon"]):
        daemon.estate("ask", *wrong, expect=2)
    for option in (["--month", "2026-10"], ["--month=2026-10"]):
        said = daemon.estate("ask", "callback", "quota", *option, expect=2).stderr
        assert "KEY=VALUE, without dashes: month=2026-10\n" in said


def test_an_interrupt_ends_the_command_at_once(daemon, two):
    """Not when its deadline has passed."""
    worker, _ = two
    command = subprocess.Popen([harness.program("estate"), "ask", "callback", "agenda", "--timeout", "60", "--connect", daemon.endpoint],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    asked(worker)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=10)
    assert command.returncode == 1 and "interrupted" in said


def test_python_asks_and_answers(daemon):
    def serve():
        with daemon.client("py-worker") as worker:
            for question in worker.serve("py"):
                if question.name == "end":
                    question.answer({})
                    worker.ping()
                    return
                if question.name == "wrong":
                    question.refuse("bad-argument", path="x")
                else:
                    question.answer({"who": estate.personal("x"), "asker": question.asker, "arguments": question.arguments, "page": question.page},
                                    next="n", seq=3)
    board = daemon.client("board")
    with pytest.raises(estate.Fault, match="no-service"):
        board.ask("py", "agenda")
    thread = threading.Thread(target=serve)
    thread.start()
    while not board.services():
        board.ping()
    board._send("bye", 1)                                       # forgotten by the daemon: asked again, since it was not carried out
    told = board.ask("py", "agenda", days=3, page="p", at_least=1)
    assert (told.next, told.seq) == ("n", 3) and told.value["who"] == "x" and told.value["arguments"] == {"days": 3} and told.value["page"] == "p"
    with pytest.raises(estate.Fault, match="bad-argument"):
        board.ask("py", {"name": "wrong"})
    assert board.ask("py", "end").value == {}
    thread.join(30)


def test_python_serves_on_after_a_restart_and_until_another_does(daemon):
    worker, board = daemon.client("py-worker", ping_after=0.2, patience=1.0), daemon.client("board")
    service = worker.serve("py")
    with pytest.raises(estate.Fault, match="exists"):
        worker.serve("py")
    daemon.restart()
    while service.next(timeout=0.05) is None and not board.services():
        pass
    heir = server(daemon, "py", client="heir")
    with pytest.raises(estate.Fault, match="taken-over"):
        service.next(timeout=30)
    assert [row["client"] for row in board.services()] == ["heir"]
    heir.close()


def test_python_asks_nothing_twice(daemon):
    worker, board, told = server(daemon), daemon.client("board", ping_after=0.2, patience=1.0), []

    def ask_once():
        with pytest.raises(estate.NoAnswer, match="lost"):
            board.ask("callback", "agenda", timeout=60)
        told.append(True)
    thread = threading.Thread(target=ask_once)
    thread.start()
    asked(worker)
    daemon.kill9()
    daemon.start()
    worker.hello()
    assert worker.ask(1, "serve", 50, {"service": "callback"})[1] == "serving"
    thread.join(30)
    assert told and not worker.quiet()
