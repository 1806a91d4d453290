"""Personal data: sealed in the store, spliced back for who may see it, masked for everybody else, and gone when it is erased."""
import hashlib
import json
import os
import shutil
import signal
import subprocess

import msgpack
import pytest

import daemon as harness
from test_rights import Keyed
from wire import packed

HOUSEHOLD, NEIGHBOUR = "3-2-1201", "3-2-1202"
# Nobody's name or number: words that would be found anywhere.
SEEDS = {"name": "沁园春雪-SEEDNAME", "phone": "13987650001", "email": "seed-mail@example.org", "address": "SEEDADDRESS 7", "text": "SEEDTEXT 请尽快",
         "call": "13987650002", "neighbour": "13987650009"}


def story():
    """A household's events in the order of a day: registered, a call, a case that names it, steps of the case that do not."""
    return [
        packed("h1", "household.registered", "/estate/desk", {"kind": "owner", "name": SEEDS["name"], "phone": SEEDS["phone"], "email": SEEDS["email"]},
               subject=HOUSEHOLD),
        packed("c1", "call.started", "/estate/phone", {"from": SEEDS["call"], "household": HOUSEHOLD}, subject="call-1"),
        packed("r1", "help.requested", "/estate/desk", {"kind": "medical", "household": HOUSEHOLD, "address": SEEDS["address"], "phone": SEEDS["phone"],
                                                        "text": SEEDS["text"]}, subject="case-1"),
        packed("r2", "case.replied", "/estate/desk", {"by": "clerk-1", "text": SEEDS["text"] + " 回复"}, subject="case-1"),
        packed("n1", "household.registered", "/estate/desk", {"kind": "owner", "name": "邻居", "phone": SEEDS["neighbour"]}, subject=NEIGHBOUR),
        packed("p1", "probe.recorded", "/estate/desk", {"n": 1}),
    ]


def read_all(wire, count, last):
    wire.send(1, "subscribe", 50, {"from": "first", "source": ["/estate/desk", "/estate/phone"], "events": 8192, "bytes": 1 << 20})
    events = []
    for message in wire.until("progress"):
        if message[1] == "events":
            events += message[3]
    assert len(events) == count
    wire.ask(1, "unsubscribe", 50)
    return events


def put_story(wire):
    events = story()
    answer = wire.put(1, *events)
    assert answer[1] == "ack", answer
    return events, answer[4][0][0]


def all_bytes(*folders):
    for folder in folders:
        for path, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(path, name), "rb") as file:
                    yield os.path.join(path, name), file.read()


def found_in(seeds, *folders):
    return [(path, seed) for path, content in all_bytes(*folders) for seed in seeds if seed.encode() in content]


@pytest.fixture
def people(start_daemon, tmp_path):
    keyed = Keyed(start_daemon, tmp_path, {"desk": ["put: '**'", "sources: '*'", "read: '**'", "see_personal: true"],
                                           "auditor": ["role: auditor"], "operator": ["role: operator"]})
    return keyed


def test_who_may_see_gets_the_bytes_that_were_put(people):
    desk, auditor = people.wire("desk"), people.wire("auditor")
    events, first = put_story(desk)
    for restarted in (False, True):
        seen = read_all(desk, len(events), first)
        assert [hashlib.sha256(e[4]).digest() for e in seen] == [hashlib.sha256(e).digest() for e in events]
        assert [e[3] for e in seen] == [0] * len(events)
        masked = read_all(auditor, len(events), first)
        assert [e[3] for e in masked] == [4, 4, 4, 4, 4, 0]
        for (_, _, _, _, blank), put in zip(masked, events):
            blank, put = msgpack.unpackb(blank), msgpack.unpackb(put)
            assert {**blank, "data": None} == {**put, "data": None}
            for field, value in put["data"].items():
                assert blank["data"][field] == ("***" if field in ("name", "phone", "email", "from", "address", "text") else value)
        # One event at a time, too; from memory and, after the restart, from the month.
        assert desk.ask(1, "get", 9, {"seq": first + 2})[3][4] == events[2]
        assert SEEDS["phone"].encode() not in auditor.ask(1, "get", 9, {"seq": first + 2})[3][4]
        # Sent again, it is known, though what is stored is not what was put.
        assert desk.put(2, *events)[4] == [[first, len(events), True]]
        assert desk.put(3, packed("r2", "case.replied", "/estate/desk", {"by": "clerk-1", "text": "other"}, subject="case-1"))[3]["name"] == "id-conflict"
        if not restarted:
            for wire in (desk, auditor):
                wire.close()
            people.daemon.stop()
            people.daemon.start()
            desk, auditor = people.wire("desk"), people.wire("auditor")


def test_nothing_leaks_under_a_masked_name(people, tmp_path):
    """Every way out, searched for every seed: deliveries, get, refusals, status, the daemon's own log, its files."""
    desk, auditor = people.wire("desk"), people.wire("auditor")
    events, first = put_story(desk)
    wrong = packed("w1", "help.requested", "/estate/desk", {"kind": "medical", "phone": SEEDS["phone"] + "x" * 40, "text": SEEDS["text"] * 400}, subject="case-9")
    refusal = desk.put(5, wrong)
    assert refusal[1] == "nak"
    out = [msgpack.packb(refusal), *(msgpack.packb(m) for m in read_all(auditor, len(events), first))]
    out += [msgpack.packb(auditor.ask(1, "get", 20 + n, {"seq": first + n})) for n in range(len(events))]
    out.append(msgpack.packb(auditor.ask(1, "status", 40)))
    people.daemon.stop()
    out.append(people.daemon.stderr(1 << 20).encode())
    for seed in SEEDS.values():
        assert not any(seed.encode() in text for text in out), seed
    assert found_in(SEEDS.values(), people.daemon.data) == []


def test_a_stranger_to_the_right_cannot_smuggle_a_seal(people):
    """An ext value in a field of the catalogue is refused; elsewhere it is kept as it is and opened for nobody."""
    desk = people.wire("desk")
    forged = msgpack.ExtType(1, b"\x01" + bytes(80))
    assert desk.put(1, packed("f1", "case.replied", "/estate/desk", {"by": "clerk-1", "text": forged}, subject="case-1"))[3]["name"] == "wrong-kind"
    event = packed("f2", "case.replied", "/estate/desk", {"by": "clerk-1", "text": "x", "note": forged}, subject="case-1")
    seq = desk.put(2, event)[4][0][0]
    assert desk.ask(1, "get", 3, {"seq": seq})[3][4] == event


def erase(people, household=HOUSEHOLD, **more):
    operator = people.wire("operator")
    answer = operator.ask(1, "person", 7, {"household": household, "do": "erase", "reason": "asked by letter", **more})
    operator.close()
    return answer


def test_erased_means_gone(people, tmp_path):
    desk = people.wire("desk")
    events, first = put_story(desk)
    people.daemon.estate("backup", str(tmp_path / "before"))
    assert found_in(SEEDS.values(), people.daemon.data, tmp_path / "before") == []
    keys = [content for path, content in all_bytes(people.daemon.data) if path.endswith("/vault")][0]
    assert erase(people)[1:] == ["done", 7, {"keys": 2}]
    # The keys themselves are nowhere any more.
    after = b"".join(content for path, content in all_bytes(people.daemon.data))
    erased = [keys[4096 + 64 * n + 8:4096 + 64 * n + 40] for n in range(3)]
    assert [key in after for key in erased].count(False) == 2
    seen = read_all(desk, len(events), first)
    for event in seen[:4]:
        assert event[3] == 4
        assert not any(seed.encode() in event[4] for seed in SEEDS.values())
        assert b"(erased)" in event[4]
    assert seen[4][4] == events[4] and seen[5][4] == events[5]
    # It was said, by name, and can be said again.
    said = msgpack.unpackb(desk.ask(1, "get", 60, {"seq": first + 6})[3][4])
    while said["type"] != "person.erased":
        first += 1
        said = msgpack.unpackb(desk.ask(1, "get", 60, {"seq": first + 6})[3][4])
    assert (said["subject"], said["data"]) == (HOUSEHOLD, {"by": "operator", "reason": "asked by letter"})
    assert erase(people)[3] == {"keys": 0}
    # What comes after is theirs again, and a retry of what was erased is still known.
    assert desk.put(8, *events)[4][0][2] is True
    again = packed("h9", "household.registered", "/estate/desk", {"kind": "owner", "name": "新名"}, subject=HOUSEHOLD)
    seq = desk.put(9, again)[4][0][0]
    assert desk.ask(1, "get", 61, {"seq": seq})[3][4] == again
    # A new backup has no key of it; both stores are sound.
    people.daemon.estate("backup", str(tmp_path / "after"))
    people.daemon.stop()
    assert not any(key in content for _, content in all_bytes(tmp_path / "after") for key in erased if key not in after)
    for folder in (people.daemon.data, tmp_path / "after", tmp_path / "before"):
        assert subprocess.run([harness.program("estate"), "verify", "--data", str(folder)], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("step", ["slots-overwritten", "slots-rewritten"])
def test_killed_while_erasing(start_daemon, tmp_path, monkeypatch, step):
    """It may be done or not, but the store is sound, and asking again finishes it."""
    monkeypatch.setenv("ESTATE_BIN_DIR", os.path.join(harness.REPOSITORY, "build", "levers", "bin"))
    daemon = start_daemon()
    wire = daemon.wire()
    events, first = put_story(wire)
    daemon.stop()
    daemon.env["ESTATE_KILL_AT"] = f"{step}:1"
    daemon.start()
    wire = daemon.wire()
    wire.send(1, "person", 7, {"household": HOUSEHOLD, "do": "erase", "reason": "x"})
    assert daemon.wait() == -signal.SIGKILL
    daemon.env.pop("ESTATE_KILL_AT")
    daemon.start()
    wire = daemon.wire()
    assert wire.ask(1, "person", 8, {"household": HOUSEHOLD, "do": "erase", "reason": "x"})[1] == "done"
    for event in read_all(wire, len(events), first)[:4]:
        assert b"(erased)" in event[4]
    daemon.stop()
    assert subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, check=False).returncode == 0


def test_the_index_of_persons_can_be_made_again(start_daemon):
    daemon = start_daemon()
    wire = daemon.wire()
    events, first = put_story(wire)
    daemon.stop()
    shutil.rmtree(os.path.join(daemon.data, "persons"))
    daemon.start()
    wire = daemon.wire()
    assert [e[4] for e in read_all(wire, len(events), first)] == events
    assert wire.ask(1, "person", 8, {"household": HOUSEHOLD, "do": "erase", "reason": "x"})[3] == {"keys": 2}
    daemon.stop()


def test_without_its_keys_it_does_not_start(start_daemon):
    daemon = start_daemon()
    put_story(daemon.wire())
    daemon.stop()
    os.remove(os.path.join(daemon.data, "vault"))
    daemon.launch()
    assert daemon.wait() == 78
    assert "vault" in daemon.stderr()
    verdict = subprocess.run([harness.program("estate"), "verify", "--data", daemon.data], capture_output=True, text=True, check=False)
    assert verdict.returncode != 0 and "vault" in verdict.stdout + verdict.stderr


def test_repair_keeps_the_keys(start_daemon, tmp_path):
    daemon = start_daemon()
    wire = daemon.wire()
    events, first = put_story(wire)
    daemon.stop()
    daemon.estate("repair", "--data", daemon.data, "--to", str(tmp_path / "new"))
    copy = start_daemon(data=str(tmp_path / "new"))
    wire = copy.wire()
    assert [e[4] for e in read_all(wire, len(events), first)] == events
    assert wire.ask(1, "person", 8, {"household": HOUSEHOLD, "do": "erase", "reason": "x"})[3] == {"keys": 2}


def households(count):
    return [packed(f"k{n}", "household.registered", "/estate/desk", {"kind": "owner", "name": f"name {n}"}, subject=f"9-{n}-1") for n in range(count)]


def damage_key(folder, slot):
    with open(os.path.join(folder, "vault"), "r+b") as file:
        file.seek(4096 + 64 * slot + 20)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def masked_names(wire, count):
    """Of the households, those whose name nobody can open."""
    return [n for n, one in enumerate(read_all(wire, count, 0)) if msgpack.unpackb(one[4])["data"]["name"] != f"name {n}"]


def test_one_damaged_key_costs_no_other(start_daemon, tmp_path):
    """Neither a repair nor an index made again may take it for the end of the keys and write others over those behind it."""
    daemon = start_daemon()
    daemon.wire().put(1, *households(20))
    daemon.stop()
    damage_key(daemon.data, 7)
    new = str(tmp_path / "new")
    for data in ("--data", daemon.data, "--to", new), ("--data", new, "--to", new + "2"):
        told = daemon.estate("repair", *data, expect=1).stdout
        assert "0 lost" in told and "personal data of 1 of them" in told and "vault" in told
    with harness.Daemon(data=new + "2") as copy:
        assert masked_names(copy.wire(), 20) == [7]
    shutil.rmtree(os.path.join(daemon.data, "persons"))
    daemon.start()
    wire = daemon.wire()
    assert masked_names(wire, 20) == [7]
    # Whoever comes next gets a key of his own, and the household of the damaged one a new one.
    assert wire.put(2, packed("again", "household.registered", "/estate/desk", {"kind": "owner", "name": "name 20"}, subject="9-7-1"))[1] == "ack"
    assert masked_names(wire, 21) == [7]
    daemon.stop()


def test_a_damaged_key_that_nobody_has_yet_is_passed_by(start_daemon):
    daemon = start_daemon()
    daemon.wire().put(1, *households(5))
    daemon.stop()
    damage_key(daemon.data, 6)
    daemon.start()
    answer = daemon.wire().put(2, *households(12))
    assert answer[1] == "ack", answer
    assert masked_names(daemon.wire(), 12) == []
    daemon.stop()
    daemon.estate("verify", "--data", daemon.data)


def test_repair_without_any_key_says_so(start_daemon, tmp_path):
    daemon = start_daemon()
    put_story(daemon.wire())
    daemon.stop()
    os.remove(os.path.join(daemon.data, "vault"))
    done = daemon.estate("repair", "--data", daemon.data, "--to", str(tmp_path / "new"), "--json", expect=1)
    told = json.loads(done.stdout)
    assert told["lost"] == 0 and told["masked"] == 5
    open(os.path.join(daemon.data, "vault"), "wb").close()
    done = daemon.estate("repair", "--data", daemon.data, "--to", str(tmp_path / "other"), expect=3)
    assert "vault is cut short" in done.stderr and "backup" in done.stderr


@pytest.mark.parametrize("wish, path", [
    ({"household": HOUSEHOLD, "do": "erase"}, "reason"), ({"household": "a b", "do": "erase", "reason": "x"}, "household"),
    ({"household": HOUSEHOLD, "do": "show", "reason": "x"}, "do"), ({"do": "erase", "reason": "x"}, "household"),
    ({"household": HOUSEHOLD, "reason": "x"}, "do"), ({"household": HOUSEHOLD, "do": "erase", "reason": "x", "sure": "yes"}, "person"),
    ([1], "[3]"), ({"household": 7, "do": "erase", "reason": "x"}, "person"),
])
def test_a_wish_that_is_none(daemon, wish, path):
    answer = daemon.wire().ask(1, "person", 7, wish)
    assert (answer[1], answer[3]["name"], answer[3]["path"]) == ("nak", "bad-argument", path)


def test_only_operators_erase(people):
    assert people.wire("desk").ask(1, "person", 7, {"household": HOUSEHOLD, "do": "erase", "reason": "x"})[3]["name"] == "forbidden"


def test_many_people(daemon):
    """More than one batch of keys, one event each and all at once."""
    wire = daemon.wire()
    for start in range(0, 3000, 1000):
        events = [packed(f"m{n}", "case.replied", "/estate/desk", {"by": "clerk-1", "text": f"wort {n}"}, subject=f"case-{n}") for n in range(start, start + 1000)]
        assert wire.put(start + 1, *events)[1] == "ack"
    daemon.kill9()
    daemon.start()
    wire = daemon.wire()
    for n in (0, 1023, 1024, 2999):
        answer = wire.ask(1, "get", 5000 + n, {"seq": n + 2})
        assert msgpack.unpackb(answer[3][4])["data"]["text"] == f"wort {n}"


def test_the_command(daemon):
    """estate person, as an operator sees it."""
    put_story(daemon.wire())
    shown = daemon.estate("person", "show", HOUSEHOLD)
    assert len(shown.stdout.splitlines()) == 4 and SEEDS["name"] in shown.stdout and SEEDS["neighbour"] not in shown.stdout
    assert "no way back" in daemon.estate("person", "erase", "--reason", "x", HOUSEHOLD, expect=2).stderr
    assert "2 keys destroyed" in daemon.estate("person", "erase", "--reason", "x", "--yes", HOUSEHOLD).stdout
    shown = daemon.estate("person", "show", HOUSEHOLD)
    assert SEEDS["name"] not in shown.stdout and "4 of them masked or erased" in shown.stderr
    assert "no personal data" in daemon.estate("person", "show", "9-9-9999", expect=1).stderr
