"""The outbox of libestate, through `estate outbox`, and that of estate.py: what was handed over is in the log once, whatever dies.

Three clients and some two thousand events in make test; a hundred thousand with ESTATE_LONG=1 (make check-long).
"""
import json
import os
import random
import select
import signal
import subprocess
import sys
import threading

import pytest

import daemon as harness

estate = harness.estate
LONG = bool(os.environ.get("ESTATE_LONG"))
COUNT = 34000 if LONG else 700          # events of each client
CLIENT_KILLS, DAEMON_KILLS = (120, 80) if LONG else (12, 8)
REFUSED_EVERY = 50
PATIENCE_S = 60
DAY_S = 86400
PRODUCER = os.path.join(harness.REPOSITORY, "tests", "harness", "outbox_producer.py")


def fields(name, number, **more):
    return {"specversion": "1.0", "id": f"{number:08d}-{name}", "source": f"/test/{name}", "type": "probe.recorded", "data": {"n": number}, **more}


def line(name, number, **more):
    return json.dumps(fields(name, number, **more)) + "\n"


def refused(number):
    return number % REFUSED_EVERY == 7


def outbox(box, *arguments, stdin=None, expect=0, endpoint="ipc:///nowhere/s", **env):
    done = subprocess.run([harness.program("estate"), "outbox", *map(str, arguments), "--path", str(box), "--connect", endpoint], input=stdin,
                          capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={**os.environ, "LC_ALL": "C.UTF-8", **env})
    assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def listed(box, *arguments):
    return [json.loads(one) for one in outbox(box, "list", "--json", *arguments).stdout.splitlines()]


def stored(daemon, name):
    """The ids of that client in the log, in order."""
    client = daemon.client("reader")
    return [d.fields["id"] for d in client.subscribe("first", source=[f"/test/{name}"], until_end=True)]


# --- kill -9 of everything


class Producer(threading.Thread):
    """Feeds one client its events in small pieces, kills it now and then, and starts it again behind what it said was handed over."""

    def __init__(self, name, command, rng, progressed):
        super().__init__()
        self.name, self.command, self.rng, self.progressed = name, command, rng, progressed
        self.handed, self.kills, self.wrong = 0, CLIENT_KILLS, None
        self.process, self.base, self.said = None, 0, b""

    def run(self):
        try:
            while self.handed < COUNT:
                self.one_life()
            self.process.stdin.close()
            while self.take():
                pass
            assert self.process.wait(PATIENCE_S) in (0, 1)
        except BaseException as wrong:              # told by the test's own thread
            self.wrong = wrong
            self.process.kill()
        finally:
            self.process.wait()
            self.process.stdout.close()

    def one_life(self):
        with open(os.devnull, "wb") as nothing:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=nothing)
        self.base, self.said = self.handed, b""
        while self.handed < COUNT:
            end = min(COUNT, self.handed + self.rng.randint(1, 120 if LONG else 30))
            kill = self.kills > 0 and self.rng.random() < 3 * CLIENT_KILLS / (COUNT / (60 if LONG else 15))
            text = "".join(line(self.name, n, **({"type": "no.such"} if refused(n) else {})) for n in range(self.handed, end))
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
            if kill:
                # Anywhere between the first byte it reads and the last it says.
                for _ in range(self.rng.randint(0, 2)):
                    self.take()
                self.process.kill()
                self.kills -= 1
                while self.take():
                    pass
                self.process.wait()
                self.process.stdin.close()
                self.process.stdout.close()
                return
            while self.handed < end:
                assert self.take(), f"{self.name} ended with {self.process.wait()}"

    def take(self):
        """One line of what it says; False at the end."""
        while b"\n" not in self.said:
            assert select.select([self.process.stdout], [], [], PATIENCE_S)[0], f"{self.name} says nothing"
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return False
            self.said += piece
        said, self.said = self.said.split(b"\n", 1)
        number = json.loads(said).get("line")
        if number is not None:
            self.handed = self.base + number
            self.progressed()
        return True


def test_exactly_once_and_in_order_whatever_is_killed(start_daemon, tmp_path):
    daemon, rng = start_daemon(), random.Random(20261124)
    moved, changed = [0], threading.Condition()

    def progressed():
        with changed:
            moved[0] += 1
            changed.notify_all()
    c_client = [harness.program("estate"), "outbox", "put", "--send", "--timeout", str(PATIENCE_S), "--connect", daemon.endpoint, "--path"]
    boxes = {name: str(tmp_path / name) for name in ("c1", "c2", "py")}
    commands = {name: [*c_client, box] if name != "py" else [sys.executable, PRODUCER, box, daemon.endpoint] for name, box in boxes.items()}
    producers = [Producer(name, command, random.Random(name), progressed) for name, command in commands.items()]
    for producer in producers:
        producer.start()
    try:
        for number in range(DAEMON_KILLS):
            target = (number + 1) * len(producers) * COUNT // (DAEMON_KILLS + 2) + rng.randint(0, 20)
            with changed:
                assert changed.wait_for(lambda target=target: moved[0] >= target or any(p.wrong for p in producers), 10 * PATIENCE_S)
            daemon.kill9()
            daemon.start()
    finally:
        for producer in producers:
            producer.join()
    for producer in producers:
        if producer.wrong is not None:
            raise producer.wrong
    killed = sum(CLIENT_KILLS - producer.kills for producer in producers)
    assert killed >= CLIENT_KILLS, "the clients were hardly killed"
    all_ids = {name: [fields(name, n)["id"] for n in range(COUNT)] for name in boxes}
    for name, box in boxes.items():
        assert stored(daemon, name) == [one for n, one in enumerate(all_ids[name]) if not refused(n)], f"{name}: not each once, in order"
        wrong = {one for n, one in enumerate(all_ids[name]) if refused(n)}
        if name == "py":
            with estate.Outbox(box) as opened:
                left = [(e.box, estate.unpack(e.event)["id"], e.fault.name) for e in opened.entries()]
        else:
            left = [(e["box"], e["id"], e["fault"]["name"]) for e in listed(box)]
        # One that was handed over twice, because its client died before it said so, was refused twice.
        assert {one for _, one, _ in left} == wrong and {(b, why) for b, _, why in left} == {("rejected", "unknown-type")}


# --- libestate's, through the command


def test_without_a_daemon_it_keeps_and_later_sends(start_daemon, tmp_path):
    box = tmp_path / "box"
    done = outbox(box, "put", stdin="".join(line("away", n) for n in range(600)))
    assert [json.loads(one)["entry"] for one in done.stdout.splitlines()] == list(range(1, 601))
    done = outbox(box, "send", "--timeout", 1, expect=3)
    assert "no answer" in done.stderr and "what is pending stays" in done.stderr
    assert [e["entry"] for e in listed(box)] == list(range(1, 601))
    daemon = start_daemon()
    done = outbox(box, "send", endpoint=daemon.endpoint)
    sent = [json.loads(one) for one in done.stdout.splitlines()]
    assert [one["entry"] for one in sent] == list(range(1, 601)) and not any(one["duplicate"] for one in sent)
    assert listed(box) == [] and "pending 0, rejected 0, review 0" in outbox(box).stdout
    assert stored(daemon, "away") == [fields("away", n)["id"] for n in range(600)]


def test_bad_lines_are_told_and_the_others_kept(tmp_path):
    done = outbox(tmp_path / "box", "put", "--json", stdin="nonsense\n[1]\n\n" + line("bad", 1), expect=1)
    assert [json.loads(one)["line"] for one in done.stderr.splitlines()] == [1, 2]
    assert json.loads(done.stdout) == {"line": 4, "id": fields("bad", 1)["id"], "entry": 1}


def test_a_refused_one_is_replayed_after_mending(start_daemon, tmp_path):
    rights = "clients:\n  - name: kiosk\n    uid: {uid}\n    put: [{put}]\n    sources: ['*']\n    read: ['**']\n    operate: true\n"
    daemon = start_daemon(clients=rights.format(uid=os.getuid(), put="complaint.*"))
    box = tmp_path / "box"
    done = outbox(box, "put", "--send", stdin=line("mend", 1) + line("mend", 2), endpoint=daemon.endpoint, expect=1)
    assert "entry 1 was moved to rejected: forbidden (21) at type" in done.stderr
    one, two = listed(box, "--box", "rejected")
    assert one["fault"]["name"] == "forbidden" and one["fault"]["path"] == "type" and one["put_ms"] <= one["moved_ms"]
    shown = outbox(box, "show", 1).stdout
    assert "rejected" in shown and "man clients.yaml" in shown and one["id"] in shown
    assert "entry 1：" not in shown and "被拒" in outbox(box, "show", 1, LC_ALL="zh_CN.UTF-8").stdout
    assert json.loads(outbox(box, "show", 1, "--json").stdout)["event"] == fields("mend", 1)
    read = daemon.stderr(1 << 30).count("the list of clients ")
    daemon.write_clients(rights.format(uid=os.getuid(), put="'**'"))
    daemon.signal(signal.SIGHUP)
    wire = daemon.wire()
    while daemon.stderr(1 << 30).count("the list of clients ") == read:
        wire.ask(1, "ping", 1)
    outbox(box, "put", stdin=line("mend", 3))
    assert "is pending already" in outbox(box, "replay", 3, expect=1).stderr
    assert outbox(box, "replay", "all", "--json").stdout.splitlines() == ['{"entry":1,"replayed_as":4}', '{"entry":2,"replayed_as":5}']
    outbox(box, "send", endpoint=daemon.endpoint)
    assert stored(daemon, "mend") == [fields("mend", n)["id"] for n in (3, 1, 2)]
    assert two["entry"] == 2 and listed(box) == []


def test_drop_is_asked_twice(tmp_path):
    box = tmp_path / "box"
    outbox(box, "put", stdin=line("drop", 1) + line("drop", 2))
    assert "lost for good" in outbox(box, "drop", 1, expect=2).stderr
    outbox(box, "drop", 1, "--yes")
    assert [e["entry"] for e in listed(box)] == [2]
    assert "nothing is stored under that" in outbox(box, "drop", 1, "--yes", expect=1).stderr


def test_a_second_process_is_refused_but_may_look(tmp_path):
    box = tmp_path / "box"
    first = subprocess.Popen([harness.program("estate"), "outbox", "put", "--path", str(box)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first.stdin.write(line("second", 1).encode())
    first.stdin.flush()
    assert json.loads(first.stdout.readline())["entry"] == 1
    done = outbox(box, "put", stdin=line("second", 2), expect=3)
    assert f"in use by process {first.pid}" in done.stderr
    assert f"in use by process {first.pid}" in outbox(box, "drop", 1, "--yes", expect=3).stderr
    assert [e["entry"] for e in listed(box)] == [1]
    first.communicate()
    assert first.returncode == 0
    outbox(box, "put", stdin=line("second", 2))


def test_a_damaged_one_is_refused_with_a_sentence(tmp_path):
    box = tmp_path / "box"
    outbox(box, "put", stdin=line("damage", 1))
    outbox(box, "put", stdin=line("damage", 2))
    with open(box / "box", "r+b") as file:
        file.seek(48 + 56 + 10)
        file.write(b"\xff")
    for deed in (["list"], ["send"], ["put"]):
        done = outbox(box, *deed, stdin=line("damage", 3), expect=3)
        assert "damaged" in done.stderr and "byte 48" in done.stderr
    assert "no outbox in" in outbox(tmp_path / "none", "list", expect=3).stderr


def test_a_full_disk_keeps_what_was_told_and_nothing_half(small_disk):
    box, ballast = os.path.join(small_disk, "box"), os.path.join(small_disk, "ballast")
    with open(ballast, "wb") as file:
        file.write(os.urandom(20 << 20))
        os.fsync(file.fileno())
    text = "".join(line("full", n, data={"n": n, "text": "x" * 8000}) for n in range(5000))
    done = outbox(box, "put", stdin=text, expect=3)
    told = [json.loads(one)["entry"] for one in done.stdout.splitlines()]
    assert "No space left on device" in done.stderr and told
    assert [e["entry"] for e in listed(box)] == told
    os.unlink(ballast)
    assert json.loads(outbox(box, "put", stdin=line("full", 9999)).stdout)["entry"] == told[-1] + 1
    assert len(listed(box)) == len(told) + 1


# --- estate.py's


class Clock:
    def __init__(self):
        self.now = 1795470575.0

    def __call__(self):
        return self.now


def ids(entries):
    return [estate.unpack(e.event)["id"] for e in entries]


def test_python_keeps_sends_and_sets_aside(daemon, tmp_path):
    path, clock = str(tmp_path / "box"), Clock()
    with estate.Outbox(path, now=clock) as outbox:
        first = outbox.put(fields("py", 1))
        outbox.put_all([fields("py", 2, type="no.such"), fields("py", 3)])
    clock.now += 3600                                               # an hour without a daemon
    with estate.Outbox(path, now=clock) as outbox:
        assert outbox.counts()["pending"] == {"entries": 3, "bytes": outbox.counts()["pending"]["bytes"], "oldest": clock.now - 3600}
        seen = [(entry.number, receipt.fault and receipt.fault.name) for entry, receipt in outbox.send(daemon.client())]
        assert seen == [(first, None), (first + 1, "unknown-type"), (first + 2, None)]
        (aside,) = outbox.entries("rejected")
        assert aside.fault.path == "type" and aside.moved_at == clock.now and aside.put_at == clock.now - 3600
        again = outbox.replay(aside.number)
        assert again > first + 2 and [e.box for e in outbox.entries()] == ["pending"]
        with pytest.raises(ValueError):
            outbox.replay(again)
        outbox.drop(again)
        with pytest.raises(KeyError):
            outbox.entry(again)
    assert stored(daemon, "py") == [fields("py", n)["id"] for n in (1, 3)]


def test_python_too_old_goes_to_review(daemon, tmp_path):
    clock = Clock()
    with estate.Outbox(str(tmp_path / "box"), now=clock) as outbox:
        outbox.put(fields("old", 1))
        clock.now += 200 * DAY_S
        outbox.put(fields("old", 2))
        clock.now += 171 * DAY_S
        seen = {entry.box: receipt.fault and receipt.fault.name for entry, receipt in outbox.send(daemon.client())}
        assert seen == {"pending": None, "review": "too-old"}
        assert stored(daemon, "old") == [fields("old", 2)["id"]]
        (old,) = outbox.entries("review")
        outbox.replay(old.number)
        list(outbox.send(daemon.client()))
        assert list(outbox.entries()) == []
    assert stored(daemon, "old") == [fields("old", n)["id"] for n in (2, 1)]


def test_python_an_unset_clock_makes_nothing_old(daemon, tmp_path):
    clock = Clock()
    now, clock.now = clock.now, 60.0
    with estate.Outbox(str(tmp_path / "box"), now=clock) as outbox:
        outbox.put(fields("unset", 1))
        clock.now = now
        assert [entry.box for entry, _ in outbox.send(daemon.client())] == ["pending"]
    assert stored(daemon, "unset") == [fields("unset", 1)["id"]]


def test_python_bounds_lock_and_format(tmp_path):
    path = str(tmp_path / "box")
    with estate.Outbox(path, entries_max=2, group_flush=True) as outbox:
        outbox.put(b"one")
        with pytest.raises(estate.OutboxFull):
            outbox.put_all([b"two", b"three"])
        outbox.put(b"two")
        outbox.flush()
        with pytest.raises(estate.OutboxError, match=f"in use by process {os.getpid()}"):
            estate.Outbox(path)
        outbox.drop(1)
        assert outbox.put(b"three") == 3
        outbox._db.execute("PRAGMA user_version = 99")
    with pytest.raises(estate.OutboxError, match="newer release"):
        estate.Outbox(path)


def test_python_damaged(tmp_path):
    path = str(tmp_path / "box")
    with estate.Outbox(path) as outbox:
        outbox.put(b"a word that is easily found")
    with open(path, "r+b") as file:
        text = file.read()
        file.seek(text.index(b"easily"))
        file.write(b"weasel")
    with estate.Outbox(path) as outbox, pytest.raises(estate.OutboxError, match="damaged"):
        list(outbox.entries())
    with open(path, "r+b") as file:
        file.write(b"nonsense" * 20)
    with pytest.raises(estate.OutboxError, match="damaged"):
        estate.Outbox(path)


def test_python_full_disk(small_disk):
    path, told = os.path.join(small_disk, "box"), []
    with open(os.path.join(small_disk, "ballast"), "wb") as file:
        file.write(os.urandom(24 << 20))
        os.fsync(file.fileno())
    with estate.Outbox(path) as outbox:
        with pytest.raises(estate.OutboxError, match="full"):
            while True:
                told += outbox.put_all([bytes(60000)] * 10)
                assert len(told) < 5000
        assert [e.number for e in outbox.entries()] == told and outbox.counts()["pending"]["bytes"] == 60000 * len(told)


# --- a damaged one of libestate's

HEAD, FRAME = 48, 56


def frames(box):
    """(place, length with payload) of each frame of a sound file."""
    with open(box / "box", "rb") as file:
        data = file.read()
    at = HEAD
    while at < len(data):
        length = FRAME + int.from_bytes(data[at + 8:at + 12], "little")
        yield at, length
        at += length


def spoil(box, at, what=b"\xff\x00\xff"):
    with open(box / "box", "r+b") as file:
        file.seek(at)
        file.write(what)


def salvage(box, to, expect=1):
    return json.loads(outbox(box, "salvage", "--to", to, "--json", expect=expect).stdout)


def test_salvage_saves_what_is_whole_and_names_what_is_not(daemon, tmp_path):
    box, new = tmp_path / "box", tmp_path / "new"
    outbox(box, "put", stdin="".join(line("save", n) for n in range(1, 11)))
    outbox(box, "drop", 9, "--yes")
    places = list(frames(box))
    for at, _ in (places[2], places[8]):                # the third event, and one that is dropped later
        spoil(box, at + FRAME + 5)
    done = outbox(box, "list", expect=3)
    assert f"byte {places[2][0]} " in done.stderr and "salvage" in done.stderr
    before = (box / "box").read_bytes()
    told = salvage(box, new)
    assert told == {"pending": 8, "rejected": 0, "review": 0, "lost": [3], "uncounted": False,
                    "damaged": [[at, at + length] for at, length in (places[2], places[8])]}
    assert (box / "box").read_bytes() == before
    assert [e["entry"] for e in listed(new)] == [1, 2, 4, 5, 6, 7, 8, 10]
    assert json.loads(outbox(new, "show", 4, "--json").stdout)["event"] == fields("save", 4)
    assert json.loads(outbox(new, "put", stdin=line("save", 11)).stdout)["entry"] == 11
    assert "there already" in outbox(box, "salvage", "--to", new, expect=3).stderr
    outbox(new, "send", endpoint=daemon.endpoint)
    assert stored(daemon, "save") == [fields("save", n)["id"] for n in (1, 2, 4, 5, 6, 7, 8, 10, 11)]


def test_salvage_keeps_the_boxes_and_their_reasons(daemon, tmp_path):
    box, new = tmp_path / "box", tmp_path / "new"
    outbox(box, "put", "--send", stdin=line("why", 1, type="no.such") + line("why", 2), endpoint=daemon.endpoint, expect=1)
    outbox(box, "put", stdin=line("why", 3) + line("why", 4))
    spoil(box, list(frames(box))[-2][0])
    assert salvage(box, new)["lost"] == [3]
    left = {e["entry"]: (e["box"], e.get("fault", {}).get("name")) for e in listed(new)}
    assert left == {1: ("rejected", "unknown-type"), 4: ("pending", None)}
    assert [(e["put_ms"], e["moved_ms"]) for e in listed(new, "--box", "rejected")][0][0] > 0


def test_salvage_of_a_head_and_of_an_end(tmp_path):
    """A head whose checksum fails is believed as far as frames prove it; without its generation nothing can be proven."""
    box = tmp_path / "box"
    outbox(box, "put", stdin="".join(line("head", n) for n in range(1, 5)))
    spoil(box, 24, b"\x00\x01\x02")                     # the number it knows
    assert "its head" in outbox(box, "list", expect=3).stderr
    assert salvage(box, tmp_path / "one", expect=0)["pending"] == 4
    spoil(box, list(frames(box))[-1][0], b"\x00")
    told = salvage(box, tmp_path / "two")
    assert told["pending"] == 3 and told["uncounted"], "what followed the last whole frame nobody can count"
    spoil(box, 16, b"generation")
    assert "nothing" in outbox(box, "salvage", "--to", tmp_path / "three", expect=3).stderr
    assert not (tmp_path / "three").exists()


def test_salvage_says_it_to_people_too(tmp_path):
    box = tmp_path / "box"
    outbox(box, "put", stdin=line("tell", 1) + line("tell", 2))
    spoil(box, HEAD)
    done = outbox(box, "salvage", "--to", tmp_path / "en", expect=1)
    assert f"bytes {HEAD} to " in done.stdout and "entry 1 is lost" in done.stdout and "pending 1" in done.stdout
    assert "条目 1 已丢失" in outbox(box, "salvage", "--to", tmp_path / "zh", expect=1, LC_ALL="zh_CN.UTF-8").stdout
    assert "--to" in outbox(box, "salvage", expect=2).stderr
