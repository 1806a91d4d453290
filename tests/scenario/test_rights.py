"""Names and rights: who is let in, what each may do, and that nothing of it can be talked around."""
import itertools
import json
import os
import re
import shutil
import signal
import subprocess

import msgpack
import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

import daemon as harness
import zmtp
from wire import Keys, Wire, packed

NOBODY = 65534
FORBIDDEN = 21


# --- what the tests expect, worked out apart from the daemon: from the catalogue and the table of roles

def ask_tool(*arguments):
    return json.loads(subprocess.run([harness.program("estate"), *arguments, "--json"], capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def types():
    return {t["name"]: t for t in ask_tool("types")["types"]}


@pytest.fixture(scope="module")
def lists():
    return {one["name"]: one for one in ask_tool("types")["lists"]}


@pytest.fixture(scope="module")
def roles():
    return {role["name"]: role for role in ask_tool("client", "roles")}


def pattern_matches(pattern, name):
    words, parts = pattern.split("."), name.split(".")
    if words[-1] == "**":
        return len(parts) >= len(words) and all(w in ("*", p) for w, p in zip(words[:-1], parts))
    return len(words) == len(parts) and all(w in ("*", p) for w, p in zip(words, parts))


def allowed(patterns, types):
    return {name for name in types if any(pattern_matches(pattern, name) for pattern in patterns)}


SAMPLES = {"id": "x-1", "boolean": True, "date": "2026-11-24", "month": "2026-11", "period": "2026-11", "when": "2026-11-24",
           "instant": "2026-11-24T08:00:00+08:00", "phone": "13800138000", "email": "a@example.org", "ids": ["x-1"], "map": {"a": 1},
           "seq": 1, "text": "seeded words"}


def sample(field, lists):
    if field["kind"] == "enum":
        return lists[field["list"]]["values"][0]["code"]
    if field["kind"] in ("integer", "number"):
        return max(field["min"], 1)
    if field["kind"] == "items":
        return [{f["name"]: sample(f, lists) for f in field["fields"] if f["required"]}]
    return SAMPLES[field["kind"]]


_ids = itertools.count(1)


def event_of(type, source, lists):
    """A valid event of that type with as little in it as it may have."""
    any_of = [f for f in type["fields"] if f["any_of"]][:1]
    data = {f["name"]: sample(f, lists) for f in [*(f for f in type["fields"] if f["required"]), *any_of]}
    return packed(f"m{next(_ids)}", type["name"], source, data, **({"subject": "3-2-1201"} if type["subject_required"] else {}))


def source_of(role):
    """One that this role may use, and one that it may not."""
    if not role["sources"] or role["sources"][0] == "*":
        return "/anything", "/estated" if "/estated" not in role["sources"] else None
    return role["sources"][0].replace("*", "7"), "/somebody/else"


# --- a daemon with keys

class Keyed:
    """A daemon that listens on TCP with keys; `clients` holds entries by name: (role, further lines)."""

    def __init__(self, start_daemon, tmp_path, entries, roles="", settings=None):
        self.server, self.keys = Keys(), {name: Keys() for name in entries}
        key_file = tmp_path / "server.key"
        key_file.write_text(f"# the daemon's\n{self.server.secret}\n", encoding="ascii")
        key_file.chmod(0o600)
        self.entries, self.roles = dict(entries), roles
        self.daemon = start_daemon(settings={"server_key": key_file, **(settings or {})}, clients=self.text(), listen=["tcp://127.0.0.1:0"])

    def text(self):
        lines = [self.roles, "clients:"]
        for name, more in self.entries.items():
            lines += [f"  - name: {name}", f"    key: '{self.keys[name].public}'", *(f"    {line}" for line in more)]
        return "\n".join(lines) + "\n"

    @property
    def endpoint(self):
        return self.daemon.endpoints[1]

    def wire(self, name, hello=True, keys=None, server=None):
        return self.daemon.wire(hello, self.endpoint, client="test", keys=keys or self.keys[name], server=server or self.server.public)

    def reload(self):
        """Have the list read again; on return it was, or was refused."""
        before = self.daemon.stderr(1 << 30).count("the list of clients ")
        self.daemon.write_clients(self.text())
        self.daemon.signal(signal.SIGHUP)
        admin = self.daemon.wire()
        while self.daemon.stderr(1 << 30).count("the list of clients ") == before:
            admin.ask(1, "ping", 1)
        admin.close()


@pytest.fixture
def keyed(start_daemon, tmp_path):
    return lambda entries, **options: Keyed(start_daemon, tmp_path, entries, **options)


def events_of(daemon, *patterns):
    """What the log holds of these types: (type, subject, data), read by root.  The daemon's own events are durable when two puts that
    came after them are: one for the turn in which they are made, one for their batch."""
    wire = daemon.wire()
    assert wire.put(1, packed())[1] == wire.put(2, packed())[1] == "ack"
    wire.send(1, "subscribe", 77, {"from": "first", "type": list(patterns), "events": 8192, "bytes": 1 << 20})
    found = []
    for message in wire.until("progress"):
        if message[1] == "events":
            found += [msgpack.unpackb(event[4], strict_map_key=False) for event in message[3]]
    wire.close()
    return [(e["type"], e["subject"], e["data"]) for e in found]


def assert_forbidden(answer, *, verb="nak", path=None):
    assert answer[1] == verb and answer[3]["code"] == FORBIDDEN and answer[3]["retry"] == "never", answer
    assert path is None or answer[3]["path"] == path, answer
    assert "seeded" not in json.dumps(answer, default=str), "nothing of what is stored or was sent is repeated"


# --- the matrix: every role, every verb, every type

def put_all(wire, events):
    """Put each by itself, few enough at once that libzmq holds all the answers; those stored, and the refusals, by their place."""
    stored, refused = set(), {}
    for start in range(0, len(events), 32):
        some = events[start:start + 32]
        wire.send(1, "puts", start + 1, some)
        while len(stored) + len(refused) < start + len(some):
            message = wire.receive()
            if message[1] == "ack":
                stored.update(range(message[2] - 1, message[3]))
            else:
                assert message[1] == "nak" and message[3]["retry"] == "never", message
                refused[message[2] - 1] = message
    return stored, refused


def read_all(wire, until):
    """The types that are delivered of the whole log up to that number, in credit's bounds."""
    wire.send(1, "subscribe", 5, {"from": "first", "events": 8192, "bytes": 1 << 20})
    answer = wire.receive()
    if answer[1] == "nak":
        assert_forbidden(answer)
        return None
    seen, reached = {}, 0
    while reached < until:
        message = wire.receive()
        if message[1] == "events":
            seen.update((event[0], msgpack.unpackb(event[4])["type"]) for event in message[3] if event[0] <= until)
            reached = message[3][-1][0]
        else:
            assert message[1] == "progress", message
            reached = message[3]["seq"]
    wire.send(1, "unsubscribe", 5)
    wire.until("unsubscribed")
    return seen


def test_matrix_of_puts(keyed, types, lists, roles):
    """Each role puts every type from its own source and from somebody else's."""
    them = keyed({f"a-{name}": [f"role: {name}", "events_per_s: 1000000"] for name in roles})
    for name, role in roles.items():
        may, (own, other) = allowed(role["put"], types), source_of(role)
        wire = them.wire(f"a-{name}")
        stored, refused = put_all(wire, [event_of(t, own, lists) for t in types.values()])
        expected = may if role["sources"] else set()
        assert {list(types)[n] for n in stored} == expected, name
        for n, message in refused.items():
            assert_forbidden(message, path="source" if list(types)[n] in may else "type")
            assert message[3]["index"] == 0
        if other is not None:
            stored, refused = put_all(wire, [event_of(t, other, lists) for t in types.values()])
            assert stored == set(), name
            for n, message in refused.items():
                assert_forbidden(message, path="source" if list(types)[n] in may else "type")
    # Who put is told by name, whatever the program called itself.
    wire = them.daemon.wire()
    assert wire.ask(1, "get", 9, {"seq": 2})[3][2].startswith("a-")


def test_matrix_of_reads(keyed, types, lists, roles):
    """Each role reads a log that holds every type: by subscription, by number."""
    narrow = {"name": "narrow", "read": ["complaint.*", "call.ended"], "operate": False}
    them = keyed({**{f"a-{name}": [f"role: {name}"] for name in roles}, "narrow": ["read: ['complaint.*', call.ended]"]})
    root = them.daemon.wire()
    stored, _ = put_all(root, [event_of(t, "/matrix", lists) for t in types.values()])
    assert len(stored) == len(types)
    last = root.ask(1, "ping", 2)[3]["last"]
    log = read_all(root, last)
    assert set(log.values()) >= set(types) and len(log) == last
    for name, role in [*roles.items(), ("narrow", narrow)]:
        may = allowed(role["read"], types)
        wire = them.wire(f"a-{name}" if name in roles else name)
        seen = read_all(wire, last)
        assert seen == ({seq: type for seq, type in log.items() if type in may} if role["read"] else None), name
        for seq in log:
            answer = wire.ask(1, "get", seq, {"seq": seq})
            assert answer[2] == seq
            if log[seq] in may:
                assert answer[1] == "event"
            else:
                assert_forbidden(answer, path="seq")


def test_matrix_of_verbs(keyed, roles):
    """Everybody may ask how it is; only operators may operate."""
    them = keyed({f"a-{name}": [f"role: {name}"] for name in roles})
    for name, role in roles.items():
        wire = them.wire(f"a-{name}")
        assert wire.ask(1, "ping", 2)[1] == "pong"
        assert wire.ask(1, "status", 3)[1] == "status"
        for message in ([1, "backup", 4, {}], [1, "client", 5, {}], [1, "clock-accept", 6]):
            answer = wire.ask(*message)
            if role["operate"]:
                assert answer[1] == "done" or answer[3]["name"] == "bad-argument", answer
            else:
                assert_forbidden(answer)


def test_matrix_of_names(keyed, roles):
    """Whose name a consumer's is: the first reader's, and that of the worker whose role says so; an operator only borrows it."""
    workers = [name for name, role in roles.items() if role["answer"] == [name]]
    assert len(workers) >= 5
    entries = {f"c-{name}": [f"role: {name}"] for name in roles} | {"first": ["role: auditor"]}
    them = keyed(entries)
    wires = {name: them.wire(name) for name in entries}
    reading = [name for name, role in roles.items() if role["read"]]

    def owner(name):
        row, = [c for c in wires["first"].until_answer(1, "consumers", 3)[3] if c["name"] == name]
        return row["owner"]
    for n, name in enumerate([*workers, "board"]):
        assert wires["first"].until_answer(1, "subscribe", 100 + n, {"consumer": name})[1] == "subscribed" and owner(name) == "first"
    for n, name in enumerate([*workers, "board"]):
        for k, role in enumerate(reading):
            may = roles[role]["operate"] or role == name or owner(name) == f"c-{role}"
            answer = wires[f"c-{role}"].until_answer(1, "subscribe", 1000 + 20 * n + k, {"consumer": name, "from": "new"})
            if may:
                assert answer[1] == "subscribed", (name, role, answer)
                assert owner(name) == (f"c-{name}" if role == name else owner(name))
                wires[f"c-{role}"].until_answer(1, "unsubscribe", 1000 + 20 * n + k)
            else:
                assert_forbidden(answer, path="consumer")
                assert owner(name) in answer[3]["detail"]
    assert [owner(name) for name in workers] == [f"c-{name}" for name in workers] and owner("board") == "first"
    # What was its own is not any more: the worker's role has the name for good.
    assert_forbidden(wires["first"].until_answer(1, "subscribe", 900, {"consumer": workers[0]}), path="consumer")
    them.daemon.restart()
    wires = {name: them.wire(name) for name in ("first", f"c-{workers[0]}")}
    assert_forbidden(wires["first"].ask(1, "subscribe", 900, {"consumer": workers[0]}), path="consumer")
    assert wires[f"c-{workers[0]}"].ask(1, "subscribe", 900, {"consumer": workers[0]})[1] == "subscribed"
    assert any(data["reason"] == "may not read under that name" for _, _, data in events_of(them.daemon, "client.refused"))


def test_sessions_without_end_leave_room_for_an_operator(start_daemon):
    """Who takes all sessions keeps others out, but not who can end that."""
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    tcp = next(e for e in daemon.endpoints if e.startswith("tcp:"))
    hello = zmtp.frame(msgpack.packb([1, "hello", 1, {"client": "x"}]))
    greedy = []
    try:
        answers = []
        while len(answers) < 4097:              # by hundreds, each step of all together: a handshake alone waits for its peer's kernel
            some = [zmtp.connect(tcp) for _ in range(min(100, 4097 - len(answers)))]
            greedy += some
            for step in (zmtp.GREETING, zmtp.ready(), hello):
                for sock in some:
                    sock.sendall(step)
                if step is zmtp.GREETING:
                    for sock in some:
                        zmtp.read_exactly(sock, 64)
            answers += [msgpack.unpackb(zmtp.read_frame(sock)) for sock in some]
        assert [answer[3]["name"] for answer in answers if answer[1] == "nak"] == ["busy"]
        assert daemon.wire(endpoint=daemon.endpoint).ask(1, "status", 2)[3]["sessions"] == 4097
        assert daemon.estate("status").returncode == 0
    finally:
        for sock in greedy:
            sock.close()


def test_one_client_cannot_take_all_names(keyed):
    """What is made by subscribing stays until an operator deletes it: one client's names must leave room for others'."""
    them = keyed({"greedy": ["role: auditor"], "other": ["role: auditor"], "boss": ["role: admin"]})
    greedy, other, boss = (them.wire(name) for name in ("greedy", "other", "boss"))

    def take(wire, name, n):
        answer = wire.until_answer(1, "subscribe", n, {"consumer": name, "progress": False})
        if answer[1] == "subscribed":
            wire.send(1, "unsubscribe", n)
            wire.until("unsubscribed")
        return answer
    for n in range(256):
        assert take(greedy, f"g{n}", 10 + n)[1] == "subscribed"
    refused = take(greedy, "one-more", 900)
    assert refused[3]["name"] == "too-many" and "256" in refused[3]["detail"]
    assert take(greedy, "g7", 901)[1] == "subscribed", "those it has it may use"
    assert take(other, "o", 902)[1] == "subscribed"
    assert boss.until_answer(1, "consumer", 903, {"name": "g7", "do": "delete"})[1] == "done"
    assert take(greedy, "one-more", 904)[1] == "subscribed"
    for n in range(300):
        assert take(boss, f"b{n}", 1000 + n)[1] == "subscribed"


def test_a_name_taken_before_there_was_a_list(start_daemon):
    """By a uid: it is that client's whose uid that is now."""
    daemon = start_daemon()
    wire = daemon.wire()
    assert wire.ask(1, "subscribe", 5, {"consumer": "mirror"})[1] == "subscribed"
    assert wire.until_answer(1, "consumers", 6)[3][0]["owner"] == f"uid:{os.getuid()}"
    daemon.stop()
    daemon = start_daemon(data=daemon.data, clients=f"clients:\n  - {{name: mirror-1, uid: {os.getuid()}, role: auditor}}\n")
    wire = daemon.wire()
    assert wire.ask(1, "subscribe", 5, {"consumer": "mirror"})[1] == "subscribed"
    assert wire.until_answer(1, "consumers", 6)[3][0]["owner"] == "mirror-1"


def test_welcome_says_who_one_is_and_what_one_may(keyed, roles):
    them = keyed({"k": ["role: kiosk", "sources: [/estate/kiosk/3]", "bytes_in_flight: 131072"]})
    welcome = them.wire("k", hello=False).hello("whatever-I-say")
    assert welcome["sender"] == "k" and welcome["credit"] == 131072
    expected = {**roles["kiosk"], "role": "kiosk", "sources": ["/estate/kiosk/3"], "bytes_in_flight": 131072}
    assert welcome["rights"] == {key: value for key, value in expected.items() if key not in ("name", "for")}


# --- puts in detail

def test_a_forbidden_event_refuses_its_put_whole(keyed):
    them = keyed({"k": ["role: kiosk"]})
    wire = them.wire("k")
    good = packed("g1", "contact.received", "/estate/kiosk/1", {"via": "kiosk", "outcome": "info"})
    assert_forbidden(wire.put(5, good, packed("g2", "probe.recorded", "/estate/kiosk/1", {"text": "seeded"})), path="type")
    answer = wire.put(6, good, packed("g3", "contact.received", "/estate/desk", {"via": "kiosk", "outcome": "info"}))
    assert_forbidden(answer, path="source")
    assert answer[3]["index"] == 1
    assert wire.put(7, good)[4][0][2] is False, "nothing of the refused puts was stored"


def test_events_not_to_be_read_are_passed_by_live(keyed):
    """As if filtered out: progress goes on, also when nothing else comes."""
    them = keyed({"r": ["read: [call.ended]"]})
    reader, root = them.wire("r"), them.daemon.wire()
    reader.send(1, "subscribe", 3, {"from": "new", "events": 100, "bytes": 100000})
    reader.until("progress")
    root.put(1, packed("n1"))
    root.put(2, packed("n2"))
    last = root.ask(1, "ping", 3)[3]["last"]
    messages = [reader.receive()]
    while messages[-1][1] != "progress" or messages[-1][3]["seq"] < last:
        messages.append(reader.receive())
    assert all(message[1] == "progress" for message in messages)
    root.put(4, packed("n3", "call.ended", subject="c1", data={}))
    assert reader.delivered(1, 3)[0][0] == last + 1


# --- who is who

def test_without_a_list_everybody_here_may_all_but_operate(start_daemon):
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    wire = daemon.wire(hello=False, endpoint=daemon.endpoints[1])
    assert wire.hello()["rights"]["role"] == "local"
    assert wire.put(5, packed())[1] == "ack" and wire.ask(1, "get", 6, {"seq": 1})[1] == "event"
    assert_forbidden(wire.ask(1, "clock-accept", 7))
    assert daemon.wire(hello=False).hello()["rights"]["role"] == "admin"


def as_nobody(daemon, *arguments, expect):
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: not root, so no other uid can be taken")
    os.chmod(daemon.folder, 0o755)
    program = os.path.join(daemon.folder, "estate")         # the tree may lie where nobody may look
    shutil.copy(harness.program("estate"), program)
    done = subprocess.run([program, *arguments, "--connect", daemon.endpoint, "--json"], user=NOBODY, group=0, extra_groups=[],
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


EVENT = '{"specversion":"1.0","id":"%s","source":"/nobody","type":"probe.recorded","data":{}}\n'


def test_local_peers_are_their_uid(start_daemon):
    daemon = start_daemon(clients="clients: []\n")
    # Beside the daemon: pytest's own folders are closed to others by every pytest that starts.
    file = os.path.join(daemon.folder, "event")
    with open(file, "w", encoding="utf-8") as out:
        out.write(EVENT % "u1")
    os.chmod(file, 0o644)
    refusal = json.loads(as_nobody(daemon, "ping", expect=1).stderr)
    assert refusal["name"] == "forbidden" and f"--uid {NOBODY}" in refusal["detail"], "it is told how to be added"
    daemon.estate("client", "add", "no-body", "--uid", NOBODY, "--put", "probe.*", "--source", "/nobody")
    assert json.loads(as_nobody(daemon, "put", file, expect=0).stdout)["duplicate"] is False
    assert "forbidden" in as_nobody(daemon, "tail", expect=1).stderr
    assert "forbidden" in as_nobody(daemon, "clock", "accept", expect=1).stderr
    put = [line for line in daemon.estate("tail", "--from", "first", "--type", "probe.*", "--json").stdout.splitlines()]
    assert json.loads(put[0])["sender"] == "no-body"


@pytest.mark.parametrize("unlisted,role", [("auto", None), ("none", None), ("auditor", "auditor")])
def test_the_setting_unlisted(start_daemon, unlisted, role):
    daemon = start_daemon(settings={"unlisted": unlisted}, clients="clients:\n", listen=["tcp://127.0.0.1:0"])
    wire = daemon.wire(hello=False, endpoint=daemon.endpoints[1])
    if role is None:
        assert_forbidden(wire.ask(1, "hello", 1, {"client": "x"}))
        assert_forbidden(wire.ask(1, "ping", 2))
    else:
        assert wire.hello()["rights"]["role"] == role
        assert_forbidden(wire.put(3, packed()), path="type")


def test_root_may_be_listed_as_less(start_daemon):
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: not root")
    daemon = start_daemon(clients="clients:\n  - {name: watcher, uid: root, role: auditor}\n")
    wire = daemon.wire(hello=False)
    assert wire.hello()["sender"] == "watcher"
    assert_forbidden(wire.ask(1, "clock-accept", 7))


def welcome_over(sock):
    sock.sendall(zmtp.frame(msgpack.packb([1, "hello", 1, {"client": "x"}])))
    answer = msgpack.unpackb(zmtp.read_frame(sock))
    sock.close()
    return answer


def test_properties_of_a_handshake_name_nobody(start_daemon, keyed):
    """A peer may write User-Id and Peer-Address into its own handshake."""
    lies = {"User_Id": "root", "Peer_Address": "localhost:0:0:1"}
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    welcome = welcome_over(zmtp.handshake(daemon.endpoints[1], **lies))
    assert welcome[3]["sender"] == "tcp:127.0.0.1" and welcome[3]["rights"]["role"] == "local"
    them = keyed({"k": ["role: kiosk"]})
    lies["User_Id"] = them.keys["k"].public
    assert welcome_over(zmtp.handshake(them.daemon.endpoint, **lies))[3]["sender"] == f"uid:{os.getuid()}"


# --- keys

def is_let_in(endpoint, keys=None, server=None):
    """How a handshake ends."""
    failed = zmq.Event.HANDSHAKE_FAILED_AUTH | zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
    wire = Wire(endpoint, keys=keys, server=server, connect=False)
    monitor = wire.socket.get_monitor_socket(zmq.Event.HANDSHAKE_SUCCEEDED | failed)
    wire.socket.connect(endpoint)
    assert monitor.poll(10_000), "the handshake does not end"
    event = recv_monitor_message(monitor)["event"]
    wire.socket.disable_monitor()
    wire.close()
    return event == zmq.Event.HANDSHAKE_SUCCEEDED


def test_only_known_keys_are_let_in(keyed):
    them = keyed({"k": ["role: kiosk"], "l": ["role: local"]})
    server, mine = them.server.public, them.keys["k"]
    assert is_let_in(them.endpoint, mine, server)
    assert not is_let_in(them.endpoint, Keys(), server), "an unknown key"
    assert not is_let_in(them.endpoint, mine, Keys().public), "another daemon's key"
    mixed = Keys()
    mixed.public = them.keys["l"].public
    assert not is_let_in(them.endpoint, mixed, server), "somebody's public key without the secret one"
    assert is_let_in(them.endpoint, mine, server)
    assert ("client.refused", "tcp:127.0.0.1", {"reason": "no client has its key"}) in events_of(them.daemon, "client.*")


def test_no_way_around_the_keys(keyed):
    """The NULL mechanism, and CURVE in name only, on a listener with keys."""
    them = keyed({"k": ["role: kiosk"]})
    assert not is_let_in(them.endpoint)
    for mechanism in (b"NULL", b"PLAIN", b"CURVE"):
        sock = zmtp.connect(them.endpoint)
        sock.sendall(zmtp.GREETING.replace(b"NULL".ljust(20, b"\0"), mechanism.ljust(20, b"\0")))
        sock.sendall(zmtp.ready(User_Id=them.keys["k"].public) + zmtp.frame(msgpack.packb([1, "hello", 1, {"client": "x"}])))
        assert zmtp.is_closed(sock), mechanism
        sock.close()
    assert events_of(them.daemon, "client.*") == [] and them.daemon.wire().ask(1, "status", 2)[3]["sessions"] >= 1


def test_tcp_beyond_loopback_needs_keys(start_daemon, keyed, tmp_path):
    daemon = harness.Daemon(start=False, listen=["tcp://0.0.0.0:0"])
    done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "without keys (setting server_key)" in done.stderr
    them = keyed({"k": ["role: kiosk"]})
    them.daemon.stop()
    them.daemon.listen = ["tcp://0.0.0.0:0"]
    them.daemon.start()
    port = them.daemon.endpoints[1].rsplit(":", 1)[1]
    wire = them.daemon.wire(endpoint=f"tcp://127.0.0.1:{port}", keys=them.keys["k"], server=them.server.public)
    assert wire.ask(1, "ping", 3)[1] == "pong"
    # A key that others may read is none.
    daemon.listen = []
    for mode, content, says in ((0o640, "x", "others may read the key"), (0o600, "x\n", "holds no secret key"), (None, "", "cannot read the key")):
        key_file = tmp_path / "bad.key"
        key_file.unlink(missing_ok=True)
        if mode is not None:
            key_file.write_text(content, encoding="ascii")
            key_file.chmod(mode)
        with open(daemon.config_path, "w", encoding="utf-8") as file:
            file.write(f"clients: ''\nserver_key: {key_file}\n")
        done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
        assert done.returncode == 78 and says in done.stderr and done.stderr.count("\n") == 1
    daemon.close()


def test_both_clients_use_keys(keyed, tmp_path):
    """keygen, client add, the tool and the Python client, end to end."""
    them = keyed({})
    key_file = str(tmp_path / "mine.key")
    made = json.loads(subprocess.run([harness.program("estate"), "keygen", "--out", key_file, "--json"], capture_output=True, text=True,
                                     check=True).stdout)
    assert os.stat(key_file).st_mode & 0o777 == 0o600
    again = subprocess.run([harness.program("estate"), "keygen", "--out", key_file], capture_output=True, text=True, check=False)
    assert again.returncode == 3 and "never replaced" in again.stderr
    keys = ["--connect", them.endpoint, "--key-file", key_file, "--server-key", them.server.public]
    refused = them.daemon.estate("ping", *keys, "--timeout", 1, expect=3)
    assert "does not let this key in" in refused.stderr
    refused = them.daemon.estate("ping", "--connect", them.endpoint, "--timeout", 1, expect=3)
    assert "ask for keys?" in refused.stderr
    assert "go together" in them.daemon.estate("ping", *keys[:4], expect=2).stderr
    assert "no public key" in them.daemon.estate("ping", *keys[:5], "abc", expect=2).stderr
    them.daemon.estate("client", "add", "mine", "--key", made["public"], "--role", "local")
    them.daemon.estate("put", *keys, stdin=EVENT % "k1")
    client = them.daemon.client(endpoint=them.endpoint, secret_key=harness.estate.read_key(key_file), server_key=them.server.public)
    client.put(packed("k2"))
    assert [d.sender for d in client.subscribe("first", type=["probe.*"], until_end=True)] == ["mine", "mine"]


def test_who_names_himself_is_answered(start_daemon):
    """By the new list the asker is somebody else, and his session ends: behind the answer."""
    daemon = start_daemon()
    wire = daemon.wire()
    wire.send(1, "client", 7, {"do": "add", "name": "me", "uid": os.getuid(), "role": "admin"})
    assert wire.receive()[1:4] == ["done", 7, {"first": True}]
    assert wire.ask(1, "ping", 8)[3]["name"] == "no-session"
    again = daemon.wire()
    again.send(1, "client", 9, {"do": "revoke", "name": "me"})
    assert again.receive()[1:4] == ["done", 9, {"first": False}]
    assert again.ask(1, "ping", 10)[3]["name"] in ("forbidden", "no-session")


# --- the list: broken ones, reloads, revocation

def test_a_broken_list_is_refused_by_name(start_daemon):
    daemon = harness.Daemon(start=False, clients="clients:\n  - name: a\n    uid: 5\n    rolle: kiosk\n")
    done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
    assert done.returncode == 78 and done.stderr == f"estated: {daemon.clients_path}:4: a client has no \"rolle\"; the nearest is \"role\"\n"
    daemon.launch()
    assert daemon.wait() == 78
    daemon.write_clients("roles:\n  - name: board\nclients:\n  - {name: a, uid: 5, role: board}\n")
    done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "# a list of 1 clients and 1 roles of its own; who is not on it: none" in done.stdout
    os.unlink(daemon.clients_path)
    done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
    assert done.returncode == 78 and f"cannot read {daemon.clients_path}" in done.stderr, "a file that was named must be there"
    with open(daemon.config_path, "a", encoding="utf-8") as file:
        file.write("unlisted: auditer\n")
    daemon.write_clients("clients:\n")
    done = subprocess.run(daemon.command("--check-config"), capture_output=True, text=True, check=False)
    assert done.returncode == 78 and "the nearest is \"auditor\"" in done.stderr
    daemon.close()


def test_hangup_reads_the_list_again(keyed):
    them = keyed({"stays": ["role: local"], "changes": ["role: local"], "goes": ["role: local"], "moves": ["role: local"]})
    wires = {name: them.wire(name) for name in them.entries}
    for wire in wires.values():
        wire.send(1, "subscribe", 3, {"from": "new", "events": 100, "bytes": 100000})
        wire.until("progress")
    them.entries["changes"] = ["role: auditor"]
    del them.entries["goes"]
    them.keys["moves"] = Keys()
    them.entries["comes"], them.keys["comes"] = ["role: kiosk"], Keys()
    them.reload()
    assert events_of(them.daemon, "client.*") == [
        ("client.revoked", "goes", {"reason": "clients file, role local"}), ("client.changed", "changes", {"reason": "clients file, role auditor"}),
        ("client.changed", "moves", {"reason": "clients file, role local"}), ("client.added", "comes", {"reason": "clients file, role kiosk"})]
    # New rights without a new hello; who is gone is told so, and only it.
    wires["stays"].send(1, "put", 5, [packed()])
    wires["stays"].until("ack")
    wires["changes"].send(1, "put", 5, [packed()])
    assert_forbidden(wires["changes"].until("nak")[-1], path="type")
    for name in ("goes", "moves"):
        assert_forbidden(wires[name].until("ended")[-1], verb="ended")
        assert_forbidden(wires[name].ask(1, "ping", 9))
        assert_forbidden(wires[name].ask(1, "hello", 10, {"client": "x"}))
    assert them.wire("moves").ask(1, "ping", 2)[1] == "pong" and them.wire("comes").ask(1, "ping", 2)[1] == "pong"
    # A broken list changes nothing.
    them.roles = "rolls: []"
    them.reload()
    assert "the nearest is \\\"roles\\\"" in them.daemon.stderr()
    wires["stays"].send(1, "ping", 11)
    wires["stays"].until("pong")
    assert them.wire("comes").ask(1, "ping", 2)[1] == "pong"


def test_revocation_is_at_once(keyed):
    them = keyed({"victim": ["role: local"], "other": ["role: local"]})
    wire, other, admin = them.wire("victim"), them.wire("other"), them.daemon.wire()
    wire.send(1, "subscribe", 3, {"from": "new", "events": 100, "bytes": 100000})
    wire.until("progress")
    assert admin.ask(1, "client", 5, {"do": "revoke", "name": "victim"})[1] == "done"
    other.put(1, packed("after"))
    ended = wire.until("ended")
    assert_forbidden(ended[-1], verb="ended")
    assert all(message[1] != "events" for message in ended)
    for n, message in enumerate(([1, "ping", 1], [1, "put", 2, [packed("seeded")]], [1, "subscribe", 3, {}], [1, "hello", 4, {"client": "x"}])):
        answer = wire.ask(*message)
        assert answer[2] == n + 1
        assert_forbidden(answer)
    assert not is_let_in(them.endpoint, them.keys["victim"], them.server.public), "and cannot come back"
    assert other.ask(1, "ping", 2)[1] == "pong"
    # It stands across a restart, until it is taken back.
    them.daemon.restart()
    assert not is_let_in(them.endpoint, them.keys["victim"], them.server.public)
    them.daemon.estate("client", "restore", "victim")
    assert is_let_in(them.endpoint, them.keys["victim"], them.server.public)
    told = [(type, subject, data.get("by")) for type, subject, data in events_of(them.daemon, "client.revoked", "client.added")]
    by = f"uid:{os.getuid()}"
    assert told == [("client.revoked", "victim", by), ("client.added", "victim", by)]


def test_the_tool_keeps_its_own_list(keyed, tmp_path):
    them = keyed({"written": ["role: kiosk"]})
    estate, keys = them.daemon.estate, Keys()
    added = estate("client", "add", "added", "--role", "kiosk", "--key", keys.public, "--source", "/estate/kiosk/9", "--events-per-s", 5)
    assert added.stdout == "added may come in\n" and added.stderr == ""
    them.daemon.restart()
    listed = {c["name"]: c for c in json.loads(estate("client", "list", "--json").stdout)}
    assert listed["added"]["key"] == keys.public and listed["added"]["from"] == "added" and listed["written"]["from"] == "file"
    assert listed["added"]["rights"]["sources"] == ["/estate/kiosk/9"] and listed["added"]["rights"]["events_per_s"] == 5
    assert re.search(r"^added +kiosk +added +0  key ", estate("client", "list").stdout, re.M)
    for arguments, says in [(["add", "written", "--uid", 5, "--role", "kiosk"], "exists"), (["add", "x", "--role", "kiosk"], "needs a uid"),
                            (["add", "x", "--uid", 5], "needs a role"), (["add", "x", "--uid", 5, "--role", "kiosc"], "nearest is \"kiosk\""),
                            (["add", "x", "--role", "kiosk", "--key", keys.public], "have the same key"),
                            (["add", "x", "--uid", 5, "--put", "complaint.open"], "nearest is \"complaint.opened\""),
                            (["add", "daemon", "--uid", 5, "--role", "kiosk"], "is taken"), (["revoke", "nobody"], 'there is no client "nobody"; estate client list shows those there are ['),
                            (["restore", "added"], "is revoked")]:
        assert says in estate("client", *arguments, expect=1).stderr, arguments
    for arguments in (["add"], ["add", "a", "b"], ["list", "a"], ["revoke", "a", "--uid", 5], ["dance"], [], ["add", "a", "--uid", 5, "--uid", 6]):
        estate("client", *arguments, expect=2)
    assert estate("client", "revoke", "added").stdout == "added may not come in any more\n"
    assert set(c["name"] for c in json.loads(estate("client", "list", "--json").stdout)) == {"written"}
    # A name that stands in both parts is refused.
    estate("client", "add", "twice", "--uid", 5, "--role", "kiosk")
    them.daemon.stop()
    them.entries["twice"], them.keys["twice"] = ["role: kiosk"], Keys()
    them.daemon.write_clients(them.text())
    them.daemon.launch()
    assert them.daemon.wait() == 78 and "there is a client \"twice\" (of the clients file) already" in them.daemon.stderr()


def test_the_first_client_makes_a_list(daemon):
    added = daemon.estate("client", "add", "x", "--uid", 12345, "--role", "kiosk")
    assert "there is a list of clients now" in added.stderr
    assert [t for t, *_ in events_of(daemon, "client.*")] == ["client.added"]
    assert daemon.wire().ask(1, "status", 3)[3]["clients_listed"] == 1


def test_a_restored_log_knows_its_list(start_daemon, tmp_path):
    """Backup and repair take it along: without it everybody would be let in."""
    daemon = start_daemon()
    daemon.estate("client", "add", "x", "--uid", 12345, "--role", "kiosk")
    copy, saved = str(tmp_path / "copy"), str(tmp_path / "saved")
    daemon.estate("backup", copy)
    daemon.stop()
    daemon.estate("repair", "--data", daemon.data, "--to", saved)
    for folder in (copy, saved):
        again = start_daemon(data=folder)
        assert [c["name"] for c in json.loads(again.estate("client", "list", "--json").stdout)] == ["x"]
        again.stop()


@pytest.mark.parametrize("argument", [None, [], {}, {"do": 5}, {"do": "dance"}, {"do": "add"}, {"do": "revoke"}, {"do": ["add"]}, {"do": "add", "x": 1},
                                      {"do": "add", "name": {}}, {"do": "add", "name": "a", "put": [["x"]]}, {"do": "add", "name": "a" * 200},
                                      {"do": "add", "name": "a\0b"}, {"do": "add", "name": "a", "put": ["x"] * 200}, {5: 6}])
def test_nonsense_about_clients_is_answered(daemon, argument):
    answer = daemon.wire().ask(1, "client", 5, argument)
    assert answer[1] == "nak" and answer[3]["name"] in ("bad-argument", "not-found", "malformed"), answer


# --- limits and refusals

def test_limits_are_of_all_sessions_together(keyed):
    them = keyed({"a": ["role: local", "subscriptions: 2"], "b": ["role: local", "events_per_s: 100"]})
    one, two = them.wire("a"), them.wire("a")
    assert one.ask(1, "subscribe", 1, {"events": 0, "bytes": 0})[1] == two.ask(1, "subscribe", 1, {"events": 0, "bytes": 0})[1] == "subscribed"
    one.until("progress")
    assert one.ask(1, "subscribe", 2, {})[3]["name"] == "too-many"
    two.send(1, "unsubscribe", 1)
    two.until("unsubscribed")
    assert one.ask(1, "subscribe", 2, {"events": 0, "bytes": 0})[1] == "subscribed"
    # A hundred at once, and the next is put off: the session is held until it resumes.
    one, two = them.wire("b"), them.wire("b")
    assert one.put(1, *(packed() for _ in range(300)))[1] == "ack"
    answer = two.put(1, packed())
    assert answer[3]["name"] == "busy" and answer[3]["retry"] == "later" and answer[3]["detail"] == "at most 100 events a second"
    assert two.put(2, packed())[3]["name"] == "held"


def test_bytes_in_flight(start_daemon, gate, gate_library):
    daemon = start_daemon(preload=gate_library, env={"GATE": gate.path},
                          clients=f"clients:\n  - {{name: me, uid: {os.getuid()}, role: admin, bytes_in_flight: 131072}}\n")
    one, two = daemon.wire(), daemon.wire()
    gate.close()
    one.send(1, "put", 1, [packed(data={"text": "x" * 60000}) for _ in range(3)])        # one message alone is always taken
    one.ask(1, "ping", 2)
    answer = two.put(3, packed())
    assert answer[3]["name"] == "busy" and answer[3]["detail"].endswith("bytes unanswered, credit 131072")
    assert two.ask(1, "resume", 4)[3]["credit"] == 131072
    gate.open()
    assert one.receive()[4][0][1] == 3
    assert two.put(5, packed())[1] == "ack"


def test_both_clients_live_within_limits(start_daemon):
    daemon = start_daemon(clients=f"clients:\n  - {{name: me, uid: {os.getuid()}, role: admin, events_per_s: 2000, bytes_in_flight: 131072}}\n")
    lines = "".join(EVENT.replace("{}", '{"text":"%s"}' % ("x" * 1000)) % f"c{n}" for n in range(2500))
    assert daemon.estate("put", stdin=lines).stdout.count('"seq"') == 2500
    client = daemon.client()
    assert all(r.fault is None for r in client.put_many(packed(data={"text": "y" * 1000}) for _ in range(2500)))


def test_refusals_are_counted_not_repeated(keyed):
    """A stranger cannot fill the log."""
    them = keyed({"k": ["role: kiosk", "events_per_s: 1000000"], "l": ["read: [call.ended]"]})
    kiosk, reader = them.wire("k"), them.wire("l")
    _, refused = put_all(kiosk, [packed(source="/estate/kiosk/1") for _ in range(500)])
    assert len(refused) == 500
    for n in range(50):
        assert_forbidden(reader.ask(1, "clock-accept", n))
    reader.ask(1, "get", 99, {"seq": 1})
    first = [("client.refused", "k", {"reason": "may not put that type"}), ("client.refused", "l", {"reason": "may not operate"}),
             ("client.refused", "l", {"reason": "may not read that"})]
    assert sorted(events_of(them.daemon, "client.*"), key=str) == sorted(first, key=str)
    assert them.daemon.wire().ask(1, "status", 3)[3]["forbidden_total"] == 551
    # A stop tells what was counted.
    them.daemon.restart()
    more = [("client.refused", "k", {"reason": "may not put that type: 499 times more"}),
            ("client.refused", "l", {"reason": "may not operate: 49 times more"})]
    assert sorted(events_of(them.daemon, "client.*"), key=str) == sorted(first + more, key=str)


def test_many_strangers_are_few_events(keyed):
    """Names and reasons beyond the bound are told as others."""
    them = keyed({f"n{n}": ["role: kiosk"] for n in range(70)})
    for name in them.entries:
        assert_forbidden(them.wire(name).ask(1, "clock-accept", 2))
    subjects = [subject for _, subject, _ in events_of(them.daemon, "client.*")]
    assert len(subjects) == 65 and subjects[-1] == "others"
