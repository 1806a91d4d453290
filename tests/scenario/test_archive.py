"""Binding a month: the bundle says what the log said, anybody can read it, damage is named, and nothing of it goes anywhere before all of it is proven."""
import ctypes
import ctypes.util
import datetime
import fcntl
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

import msgpack
import pytest

import daemon as harness
import estate
from test_faults import Control, INTERPOSER
from test_personal import HOUSEHOLD, SEEDS, found_in, story
from test_rights import Keyed
from wire import packed

BACK_S = 35 * 86400             # always into the month before, or the one before that
SOURCE = "/estate/operator/archive"


def probe(n, size=4000):
    return estate.pack({"specversion": "1.0", "id": f"{n:08d}-a", "source": "/test/archive", "type": "probe.recorded", "subject": f"s{n % 7}",
                        "data": {"n": n, "text": hashlib.sha512(str(n).encode()).hexdigest() * (size // 128)}})


def put_all(daemon, events):
    return list(daemon.client().put_many(events))


class Estate:
    """A daemon whose clock can be set between starts."""

    def __init__(self, start_daemon, folder):
        self.folder = str(folder)
        self.archive = os.path.join(self.folder, "archive")
        os.makedirs(self.archive)
        self.control = Control(os.path.join(self.folder, "control"))
        self.daemon = None
        self.start_daemon = start_daemon

    def begin(self, back=BACK_S, **options):
        data = os.path.join(self.folder, "data")
        self.control.set(clock=-back)
        self.daemon = self.start_daemon(preload=INTERPOSER, data=data, env={"INTERPOSE_ROOT": data, "INTERPOSE_CONTROL": self.control.path}, **options)
        return self.daemon

    def now(self, ahead=0):
        """The month after, or the one after that; or so many seconds from now."""
        self.daemon.stop()
        self.control.set(clock=ahead)
        self.daemon.start()

    @property
    def month(self):
        return sorted(os.listdir(os.path.join(self.daemon.data, "months")))[0]

    @property
    def bundle(self):
        return os.path.join(self.archive, self.month + ".bundle.zst")

    def bind(self, expect=0):
        return self.daemon.estate("archive", "--month", self.month, "--to", self.archive, "--json", expect=expect)


@pytest.fixture
def place(start_daemon, tmp_path):
    return Estate(start_daemon, tmp_path)


def verb(*arguments, expect=0):
    done = subprocess.run([harness.program("estate"), "archive", *arguments], capture_output=True, text=True, check=False, timeout=harness.VERB_S)
    assert expect is None or done.returncode == expect, done.stdout + done.stderr
    return done


# --- a reader of its own, from proto/BUNDLE.md alone

def frames(content):
    """(offset, magic, payload) of the skippable frames; blocks are between them, each as long as its header says."""
    at = 0
    while at < len(content):
        magic, length = struct.unpack_from("<II", content, at)
        assert magic >> 4 == 0x184D2A5, f"no part begins at {at}"
        payload = content[at + 8:at + 8 + length]
        yield at, magic & 15, payload
        at += 8 + length
        if magic & 15 == 1:
            at += struct.unpack_from("<I", payload, 8)[0]


def read_naively(path):
    """The records, the cover, and the digest as counted here."""
    with open(path, "rb") as file:
        content = file.read()
    parts = list(frames(content))
    assert [kind for _, kind, _ in parts] == [0, *[1] * (len(parts) - 4), 2, 3, 4]
    records = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
    cover = parts[-3][2][:-8]
    digest = hashlib.blake2b(parts[0][2][:40] + records + cover, digest_size=32)
    end = parts[-1][2]
    assert end[:8] == b"ESTATEND" and struct.unpack_from("<3Q", end, 8) == (parts[-3][0], parts[-2][0], len(content)) and end[32:64] == digest.digest()
    places = [struct.unpack_from("<Q", parts[-2][2], 40 * n)[0] for n in range(len(parts) - 4)]
    assert places == [at for at, kind, _ in parts if kind == 1]
    unpacker = msgpack.Unpacker(max_buffer_size=1 << 30)
    unpacker.feed(records)
    return list(unpacker), json.loads(cover), "blake2b-256:" + digest.hexdigest()


def test_a_month_is_bound_and_anybody_reads_it(place):
    daemon = place.begin()
    client = daemon.client()
    put = [probe(n) for n in range(900)]
    put_all(daemon, put)
    assert daemon.wire().put(1, *story())[1] == "ack"
    told = [d.seq for d in client.subscribe("first", until_end=True)]
    place.now()
    daemon.client().put(probe(5000))
    said = json.loads(place.bind().stdout)
    records, cover, digest = read_naively(place.bundle)
    assert said["digest"] == digest and said["events"] == len(records) == len(told) and not said["there"]
    assert [r[0] for r in records] == told and [r[4] for r in records if b"/test/archive" in r[4]] == put
    assert cover["month"] == place.month and cover["events"] == len(told) and cover["types"]["probe.recorded"] == 901 and cover["sealed"] == 5
    assert sum(cover["types"].values()) == len(told) and cover["amendments"] == []
    assert verb("verify", place.bundle, "--json").returncode == 0
    # The same lines as of the log itself, for who may not see personal data.
    log = [line for line in daemon.estate("tail", "--from", "first", "--json").stdout.splitlines() if json.loads(line)["seq"] <= told[-1]]
    masked = [line for line in verb("extract", place.bundle).stdout.splitlines()]
    assert len(masked) == len(log) and [m for m, l in zip(masked, log) if m != l and '"***"' not in m] == []
    assert verb("extract", "--keys", daemon.data, place.bundle).stdout.splitlines() == log
    assert found_in(SEEDS.values(), place.archive) == []


def test_the_page_about_the_format_is_true(place):
    """BUNDLE.md's own command reads the records, and its table of a personal field is enough to open one with libsodium and the key's file."""
    daemon = place.begin()
    assert daemon.wire().put(1, *story())[1] == "ack"
    place.now()
    place.bind()
    with open(os.path.join(harness.REPOSITORY, "proto", "BUNDLE.md"), encoding="utf-8") as file:
        command = "\n".join(line[4:] for line in re.search(r"(    zstd .*?)\n\n", file.read(), re.S).group(1).splitlines())
    printed = subprocess.run(["bash", "-c", command.replace("2026-10.bundle.zst", place.bundle).replace("python3", "/usr/bin/python3")],
                             capture_output=True, text=True, check=True).stdout
    records, cover, _ = read_naively(place.bundle)
    assert len(printed.splitlines()) == len(records) == cover["events"] and "household.registered" in printed
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    with open(os.path.join(daemon.data, "vault"), "rb") as file:
        vault = file.read()
    opened = []
    for seq, _, _, flags, event in records:
        for value in msgpack.unpackb(event)["data"].values() if flags & 4 else []:
            if not isinstance(value, msgpack.ExtType):
                continue
            version, slot, _ = struct.unpack_from(">BQQ", value.data)
            at = 4096 + 64 * slot
            assert value.code == 1 and version == 1 and vault[at] == 1
            cipher, number = value.data[41:], struct.pack(">Q", seq)
            clear = ctypes.create_string_buffer(len(cipher) - 16)
            assert sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(clear, None, None, cipher, ctypes.c_ulonglong(len(cipher)), number, ctypes.c_ulonglong(8),
                                                                     value.data[17:41], vault[at + 8:at + 40]) == 0
            opened.append(msgpack.unpackb(clear.raw))
    assert {SEEDS["name"], SEEDS["phone"], SEEDS["email"], SEEDS["address"], SEEDS["text"], SEEDS["call"], SEEDS["neighbour"]} <= set(opened)


def sealed(daemon):
    return [(d.seq, d.fields["type"], d.fields["subject"], d.fields["data"]["digest"], d.fields["data"]["figures"])
            for d in daemon.client().subscribe("first", type=["period.closed", "bundle.sealed"], until_end=True)]


def test_bound_again_it_is_the_same(place):
    daemon = place.begin()
    put_all(daemon, (probe(n) for n in range(300)))
    place.now()
    first = json.loads(place.bind().stdout)
    words = sealed(daemon)
    assert [(kind, subject) for _, kind, subject, _, _ in words] == [("period.closed", place.month), ("bundle.sealed", place.month)]
    assert {digest for _, _, _, digest, _ in words} == {first["digest"]}
    assert words[1][4]["first"] == first["first"] and words[1][4]["last"] == first["last"]
    again = json.loads(place.bind().stdout)
    assert again["there"] and again["digest"] == first["digest"]
    # Lost, and made again: by another release of zstd the bytes may differ, the digest not.
    os.unlink(place.bundle)
    assert json.loads(place.bind().stdout)["digest"] == first["digest"]
    assert sealed(daemon) == words
    verb("verify", "--log", "--connect", daemon.endpoint, place.bundle)
    assert [line.split()[0] for line in daemon.estate("archive", "list", place.archive).stdout.splitlines()] == [place.month]


def test_interrupted_it_goes_on(place):
    daemon = place.begin()
    put_all(daemon, (probe(n) for n in range(900)))
    place.now()
    digest = json.loads(place.bind().stdout)["digest"]
    with open(place.bundle, "rb") as file:
        content = file.read()
    second = [at for at, kind, _ in frames(content) if kind == 1][2]
    for cut in (20, second, second + 30, len(content) - 1):
        os.unlink(place.bundle)
        with open(place.bundle + ".part", "wb") as file:
            file.write(content[:cut])
        done = place.bind()
        assert json.loads(done.stdout)["digest"] == digest and not os.path.exists(place.bundle + ".part")
    # What is there is damaged: named, and not touched.
    with open(place.bundle, "r+b") as file:
        file.seek(second + 70)
        file.write(b"\0\0\0\0")
    assert json.loads(place.bind(expect=1).stdout)["block"] == 2


def test_killed_and_cut_off_while_it_binds(place):
    """kill -9 of the archive, then of the daemon under it: it goes on, and nobody can tell from the bundle."""
    daemon = place.begin()
    put_all(daemon, (probe(n) for n in range(12000)))
    place.now()
    digest = json.loads(place.bind().stdout)["digest"]
    command = [harness.program("estate"), "archive", "--month", place.month, "--to", place.archive, "--connect", daemon.endpoint, "--json"]
    os.unlink(place.bundle)
    part = place.bundle + ".part"
    for kill_daemon in (False, False, True):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        before = os.path.getsize(part) if os.path.exists(part) else 0
        while process.poll() is None and not (os.path.exists(part) and os.path.getsize(part) > before):
            time.sleep(0.001)
        if kill_daemon:
            daemon.kill9()
            daemon.start()
        else:
            process.kill()
        out, _ = process.communicate(timeout=harness.VERB_S)
    assert json.loads(out)["digest"] == digest
    assert json.loads(place.bind().stdout)["there"] and os.listdir(place.archive) == [os.path.basename(place.bundle)]


def test_no_room_and_no_company(place):
    """A full disk leaves what was written for the next run; two at once would spoil each other's blocks."""
    daemon = place.begin()
    put_all(daemon, (probe(n) for n in range(900)))
    place.now()
    digest = json.loads(place.bind().stdout)["digest"]
    size = os.path.getsize(place.bundle)
    os.unlink(place.bundle)

    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    command = [harness.program("estate"), "archive", "--month", place.month, "--to", place.archive, "--connect", daemon.endpoint]
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=little_room, timeout=harness.VERB_S)
    assert done.returncode == 3 and "make room, then the same command again" in done.stderr and not os.path.exists(place.bundle)
    assert 0 < os.path.getsize(place.bundle + ".part") <= size // 2 and sealed(daemon)[1:2] != []
    with open(place.bundle + ".part", "rb") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        assert "another estate archive is writing" in place.bind(expect=3).stderr
    told = place.bind()
    assert json.loads(told.stdout)["digest"] == digest and "going on" not in told.stdout
    assert "make the folder first" in daemon.estate("archive", "--month", place.month, "--to", os.path.join(place.folder, "nowhere"), expect=3).stderr


def test_the_current_month_and_an_empty_one_are_refused(place):
    daemon = place.begin()
    daemon.client().put(probe(1))
    place.now()
    current = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).strftime("%Y-%m")
    assert "is not over" in daemon.estate("archive", "--month", current, "--to", place.archive, expect=1).stderr
    assert "holds nothing of 2001-01" in daemon.estate("archive", "--month", "2001-01", "--to", place.archive, expect=1).stderr
    assert "no month" in daemon.estate("archive", "--month", "2026-13", "--to", place.archive, expect=2).stderr
    assert os.listdir(place.archive) == [] and sealed(daemon) == []


def test_erased_in_the_log_is_erased_in_the_bundle(place):
    daemon = place.begin()
    assert daemon.wire().put(1, *story())[1] == "ack"
    place.now()
    place.bind()
    open_before = verb("extract", "--keys", daemon.data, place.bundle).stdout
    assert all(SEEDS[seed] in open_before for seed in ("name", "phone", "text", "neighbour"))
    daemon.wire().ask(1, "person", 7, {"household": HOUSEHOLD, "do": "erase", "reason": "asked by letter"})
    after = verb("extract", "--keys", daemon.data, place.bundle).stdout
    assert [seed for seed, text in SEEDS.items() if text in after] == ["neighbour"] and '"name":"(erased)"' in after
    verb("verify", "--log", "--connect", daemon.endpoint, place.bundle)


def test_replayed_into_another_log(place, start_daemon):
    daemon = place.begin()
    events = [probe(n, 400) for n in range(500)]
    put_all(daemon, events)
    assert daemon.wire().put(1, *story())[1] == "ack"
    place.now()
    place.bind()
    # Into its own log: everything is there already, under its old number.
    into = ("replay", "--json", "--keys", daemon.data)
    assert json.loads(daemon.estate("archive", *into, place.bundle).stdout) == {"stored": 0, "duplicates": 506, "refused": 0, "left_out": 1}
    other = start_daemon()
    assert "--keys" in other.estate("archive", "replay", place.bundle, expect=2).stderr
    for stored, duplicates in ((506, 0), (0, 506)):
        done = other.estate("archive", *into, place.bundle)
        assert json.loads(done.stdout) == {"stored": stored, "duplicates": duplicates, "refused": 0, "left_out": 1}
    seen = list(other.client().subscribe("first", source=["/test/archive", "/estate/desk", "/estate/phone"], until_end=True))
    assert [d.event for d in seen] == [*events, *story()]


def test_replayed_without_what_nobody_can_open(place, start_daemon):
    """No mask is a telephone number, an e-mail address or a map: records that had one were refused, each household and each call."""
    daemon = place.begin()
    assert daemon.wire().put(1, *story())[1] == "ack"
    assert daemon.wire().put(2, packed("m1", "notification.requested", "/estate/desk", {
        "notification": "n-1", "to": HOUSEHOLD, "channel": "sms", "template": "t", "params": {"name": SEEDS["name"]}, "urgency": "routine", "household": HOUSEHOLD},
        subject="case-1", urgency="routine"))[1] == "ack"
    place.now()
    place.bind()
    for options in (("--masked",), ("--keys", daemon.data)):
        other = start_daemon()
        said = json.loads(other.estate("archive", "replay", "--json", *options, place.bundle).stdout)
        assert (said["stored"], said["refused"]) == (7, 0)
        again = json.loads(other.estate("archive", "replay", "--json", *options, place.bundle).stdout)
        assert (again["stored"], again["duplicates"]) == (0, 7)
        told = {e["id"]: e["data"] for e in map(json.loads, other.estate("tail", "--from", "first", "--until-end", "--json").stdout.splitlines()) if e["id"] in ("h1", "c1", "r1", "n1", "m1")}
        if options == ("--masked",):
            assert told["h1"] == {"kind": "owner", "name": "***"} and told["c1"] == {"household": HOUSEHOLD} and told["m1"]["params"] == {}
            assert told["r1"] == {"kind": "medical", "household": HOUSEHOLD, "address": "***", "text": "***"}
            # Whose key is erased is as if there had never been one.
            daemon.estate("person", "erase", "--reason", "x", "--yes", HOUSEHOLD)
            daemon.stop()
        else:
            assert told["h1"] == {"kind": "owner", "name": "(erased)"} and told["n1"]["phone"] == SEEDS["neighbour"]


def test_nothing_of_a_damaged_one_is_replayed(place, start_daemon):
    daemon = place.begin()
    put_all(daemon, (probe(n) for n in range(900)))
    place.now()
    place.bind()
    with open(place.bundle, "r+b") as file:
        file.seek(-120, os.SEEK_END)
        byte = file.read(1)
        file.seek(-120, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    other = start_daemon()
    last = other.client().status()["last_seq"]
    for what in ("replay", "extract"):
        done = other.estate("archive", what, place.bundle, expect=1)
        assert "index is damaged" in done.stderr and done.stdout == ""
    assert other.client().status()["last_seq"] == last
    assert "index is damaged" in other.estate("archive", "list", place.archive, expect=1).stderr


def test_a_foreign_bundle_and_another_digest_are_named(place, start_daemon, tmp_path):
    daemon = place.begin()
    put_all(daemon, (probe(n, 400) for n in range(50)))
    place.now()
    foreign = shutil.copy(place.bundle if place.bind() else "", tmp_path / "foreign.bundle.zst")
    other = start_daemon()
    assert "but of log" in other.estate("archive", "verify", "--log", foreign, expect=1).stderr
    # A log that was told something else of that month: the word in the log counts, and is not changed.
    liar = Estate(start_daemon, tmp_path / "liar")
    liar.begin()
    liar.daemon.client().put(probe(1))
    liar.now()
    word = packed("2026-10-x", "bundle.sealed", SOURCE, {"digest": "blake2b-256:00", "figures": {"first": 1, "last": 2}}, subject=liar.month)
    assert liar.daemon.wire().put(1, word)[1] == "ack"
    assert "the log was told blake2b-256:00" in liar.bind(expect=1).stderr
    assert "is not what was bound" in liar.daemon.estate("archive", "verify", "--log", liar.bundle, expect=1).stderr


def test_who_may_bind(start_daemon, tmp_path):
    """A sealed subscription is for operators, and gives them ciphertext."""
    keyed = Keyed(start_daemon, tmp_path, {"desk": ["put: '**'", "sources: '*'", "read: '**'", "see_personal: true"],
                                           "operator": ["role: operator"]})
    desk = keyed.wire("desk")
    assert desk.put(1, *story())[1] == "ack"
    refusal = desk.ask(1, "subscribe", 5, {"from": "first", "sealed": True, "events": 10, "bytes": 1 << 20})
    assert refusal[1] == "nak" and refusal[3]["name"] == "forbidden" and refusal[3]["path"] == "sealed"
    operator = keyed.wire("operator")
    operator.send(1, "subscribe", 5, {"from": "first", "sealed": True, "source": ["/estate/desk"], "events": 100, "bytes": 1 << 20})
    events = [e for m in operator.until("progress") if m[1] == "events" for e in m[3]]
    values = msgpack.unpackb(events[0][4])["data"]
    assert events[0][3] == 4 and isinstance(values["phone"], msgpack.ExtType) and values["phone"].code == 1 and values["kind"] == "owner"
    assert not any(seed.encode() in e[4] for e in events for seed in SEEDS.values())


def test_half_a_month_is_no_month(place):
    """Numbers are dense: what this client may not read would be missing without a word."""
    daemon = place.begin(clients=f"clients:\n  - {{ name: half, uid: {os.getuid()}, put: '**', sources: '*', read: 'probe.*', operate: true }}\n")
    wire = daemon.wire()
    assert wire.put(1, probe(1))[1] == wire.put(2, *story())[1] == "ack"
    place.now()
    assert "is not for this client's eyes" in place.bind(expect=1).stderr
    assert not os.path.exists(place.bundle)
