"""The store as a thing of its own: backups, damage, repair, refusals at the start, months, stops.  Guarantees 1, 2, 5 and 6."""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time

import pytest

import daemon as harness
import tracefile
from campaign import Campaign
from test_faults import Control, INTERPOSER, event

LONG = bool(os.environ.get("ESTATE_LONG"))
MONTH_S = 35 * 86400            # always into another month
VERIFY_S = 120
CRASH = re.compile(r"Assertion|core dumped|Sanitizer")


# --- what every test here needs

def run_verb(verb, *arguments):
    return subprocess.run([harness.program("estate"), verb, *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=VERIFY_S)


def verify(folder):
    done = run_verb("verify", "--data", folder, "--json")
    assert done.returncode in (0, 1, 3), f"verify ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def assert_sound(folder):
    done = verify(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def put_all(client, events):
    """Their numbers, in order."""
    receipts = list(client.put_many(events))
    assert all(r.fault is None for r in receipts), next(r.fault for r in receipts if r.fault)
    return [r.seq for r in receipts]


def read_all(client, **options):
    return [(d.seq, d.log_time, d.sender, d.flags, d.event) for d in client.subscribe("first", until_end=True, **options)]


def ping_until(client, true, what):
    """The daemon is asked meanwhile, so that its loop turns; an interposer that is missing must not let this last for ever."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, f"not within 30 s: {what}"
        client.ping()


def hello(daemon, name="test", **options):
    client = daemon.client(name, **options)
    client.hello()
    return client


def own(delivery):
    """An event of the daemon itself."""
    return delivery[2] == "daemon"


class TimeTravel:
    """A daemon whose wall clock the test sets before each start."""

    def __init__(self, folder):
        self.control = Control(os.path.join(folder, "control"))
        self.daemon = harness.Daemon(start=False, preload=INTERPOSER, folder=folder)
        self.daemon.env.update(INTERPOSE_ROOT=self.daemon.data, INTERPOSE_CONTROL=self.control.path)

    def start(self, clock=0):
        self.control.set(clock=clock)
        return self.daemon.start()


class Sample:
    """A store of three months whose last events are still in the journal alone, and what is in it."""

    def __init__(self, folder):
        travel = TimeTravel(folder)
        daemon = travel.daemon
        self.data = daemon.data
        for month in (2, 1, 0):
            travel.start(clock=-month * MONTH_S)
            put_all(hello(daemon), [event(month * 10000 + n, 200 + n % 300) for n in range(1200)])
            if month:
                daemon.stop()
        client = hello(daemon)
        # Bring the applier up to date by way of a backup, then leave a few records in the journal.
        client.backup(os.path.join(folder, "backup"))
        for n in range(20):
            put_all(client, [event(90000 + n * 10 + k) for k in range(5)])
        self.last_record = put_all(client, [event(99999)])
        self.content = read_all(client)
        daemon.kill9()
        self.in_journal = assert_sound(self.data)["in_journal"]
        self.months = sorted(os.listdir(os.path.join(self.data, "months")))

    def copy(self, folder):
        return shutil.copytree(self.data, folder)


@pytest.fixture(scope="module")
def sample():
    folder = tempfile.mkdtemp(prefix="estate-sample-")
    one = Sample(folder)
    yield one
    shutil.rmtree(folder)


@pytest.fixture
def travel(tmp_path):
    one = TimeTravel(str(tmp_path))
    yield one
    one.daemon.close(failed=one.daemon.process is not None)


# --- backup

def test_backup_while_loaded(daemon, start_daemon, tmp_path):
    folder = str(tmp_path / "backup")
    operator = hello(daemon, "operator")
    campaign = Campaign(daemon, tmp_path, producers=3, followers=1, count=4000)
    try:
        campaign.progress(30)
        done = operator.backup(folder)
        campaign.progress(10)
        with pytest.raises(harness.estate.Fault) as again:
            operator.backup(folder)
        assert again.value.name == "exists" and "exists" in str(again.value.detail)
        before = read_all(operator)
        welcome = dict(operator.hello())
        campaign.finish()
    except BaseException:
        campaign.abandon()
        raise
    assert done["last"] >= 1
    assert_sound(folder)
    copy = start_daemon(data=folder)
    client = hello(copy)
    assert client.welcome["log"] == welcome["log"] and client.welcome["epoch"] != welcome["epoch"]
    client.put(event(99999999))
    after = read_all(client)
    stored = len(after) - 2                 # and its own daemon.started, and ours
    assert stored >= done["last"] and after[:stored] == before[:stored] and own(after[stored])
    # What it holds is known, what came later is new.
    seq, _, _, _, known = next(d for d in reversed(after[:stored]) if not own(d))
    receipt = client.put(known)
    assert receipt.duplicate and receipt.seq == seq
    # A reader of the old epoch is told.
    stale = copy.client("stale", log=welcome["log"], epoch=welcome["epoch"], cursor=1)
    with pytest.raises(harness.estate.Fault) as refused:
        stale.hello()
    assert refused.value.name == "other-log"
    copy.stop()
    assert_sound(folder)


def test_backup_over_a_months_end(gate, gate_library, travel, tmp_path):
    """A month that begins while the one before is being copied must not leave a gap in the copy."""
    folder = str(tmp_path / "backup")
    daemon = travel.daemon
    preload = f"{gate_library}:{INTERPOSER}"
    daemon.preload = preload
    daemon.env.update(GATE=gate.path, GATE_BELOW=os.path.join(folder, "months"))
    travel.start(clock=-MONTH_S)
    client = hello(daemon)
    put_all(client, [event(n) for n in range(500)])
    gate.close()
    wire = daemon.wire()
    wire.send(1, "backup", 5, {"path": folder})
    assert wire.receive()[:3] == [1, "accepted", 5]
    ping_until(client, lambda: os.path.exists(gate.path + ".waiting"), "the copy stands before the gate")
    # The month's pages are chosen; now it goes on, and another begins.
    put_all(client, [event(n) for n in range(500, 600)])
    travel.control.set(clock=0)
    put_all(client, [event(600)])
    client.clock_accept()
    put_all(client, [event(n) for n in range(601, 700)])
    ping_until(client, lambda: len(os.listdir(os.path.join(daemon.data, "months"))) >= 2, "another month begins")
    gate.open()
    assert wire.until("done")[-1][2] == 5
    daemon.stop()
    assert_sound(folder)
    with harness.Daemon(data=folder) as copy:
        content = read_all(hello(copy))
        assert [d[0] for d in content] == list(range(1, len(content) + 1)) and len(content) >= 500


def test_backup_is_the_operators(start_daemon, tmp_path):
    daemon = start_daemon(listen=["tcp://127.0.0.1:0"])
    stranger = hello(daemon, endpoint=next(e for e in daemon.endpoints if e.startswith("tcp://")))
    with pytest.raises(harness.estate.Fault) as refused:
        stranger.backup(str(tmp_path / "backup"))
    assert refused.value.name == "forbidden"
    assert not os.path.exists(tmp_path / "backup")
    operator = hello(daemon)
    for path in ("relative", "", "/nowhere/at/all"):
        with pytest.raises(harness.estate.Fault) as refused:
            operator.backup(path)
        assert refused.value.name == "bad-argument"


def test_backup_into_the_log_itself_is_refused(daemon, tmp_path):
    """In months it would have been a damaged month at the next start."""
    operator = hello(daemon)
    put_all(operator, [event(1)])
    os.symlink(daemon.data, tmp_path / "other-name")
    for path in ("months/2020-01", "keys/x", "x", "months/2020-01/", "months/../x"):
        for folder in (daemon.data, tmp_path / "other-name"):
            with pytest.raises(harness.estate.Fault) as no:
                operator.backup(f"{folder}/{path}")
            assert no.value.name == "bad-argument" and "inside the log" in str(no.value.detail)
    operator.backup(f"{daemon.data}-beside")
    assert_sound(f"{daemon.data}-beside")
    daemon.restart()


def test_a_backup_that_fails_leaves_nothing_behind(daemon, small_disk):
    """A full disk under the backup costs the backup alone, and the next one of that name has its place."""
    operator = hello(daemon)
    put_all(operator, [event(n) for n in range(100)])
    filler = os.path.join(small_disk, "filler")
    with open(filler, "wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))
            file.flush()
    folder = os.path.join(small_disk, "backup")
    with pytest.raises(harness.estate.Fault) as no:
        operator.backup(folder)
    assert "No space left" in str(no.value.detail)
    assert not os.path.exists(folder)
    os.unlink(filler)
    operator.backup(folder)
    assert_sound(folder)


def test_backup_reaches_the_disk(start_daemon, tmp_path):
    """Every file of a backup is flushed before it is said to be done."""
    trace, folder = str(tmp_path / "trace"), str(tmp_path / "backup")
    daemon = harness.Daemon(start=False, preload=INTERPOSER)
    daemon.env.update(INTERPOSE_ROOT=folder, INTERPOSE_TRACE=trace)
    with daemon:
        daemon.start()
        client = hello(daemon)
        put_all(client, [event(n) for n in range(100)])
        client.backup(folder)
    names, flushed = {}, set()
    for op, number, _, payload, result, _ in tracefile.records(trace):
        if op in (tracefile.OPEN, tracefile.CREATE):
            names[number] = payload.rstrip(b"\0").decode()
        elif op == tracefile.WRITE:
            flushed.discard(names[number])
        elif op == tracefile.FLUSH_END and result == 0:
            flushed.add(names[number])
    wanted = {os.path.relpath(path, folder) for path in glob.glob(folder + "/**/data.mdb", recursive=True)}
    assert len(wanted) == 3
    wanted |= {"..", ".", "months", "vault.new"}
    assert wanted <= flushed, f"not flushed: {wanted - flushed}"


def test_verify_of_a_store_in_use(daemon):
    done = verify(daemon.data)
    assert done.returncode == 3 and "in use" in done.stderr


def test_repair_of_a_store_in_use(daemon, tmp_path):
    """What is put meanwhile would be missing in the new one, and "0 lost" a lie."""
    new = tmp_path / "new"
    done = run_verb("repair", "--data", daemon.data, "--to", new)
    assert done.returncode == 3 and "in use by a daemon" in done.stderr and not new.exists()
    daemon.stop()
    assert run_verb("repair", "--data", daemon.data, "--to", new).returncode == 0


# --- damage

def kinds(sample):
    paths = {f"month {name}": os.path.join("months", name, "data.mdb") for name in sample.months}
    return {**paths, "keys": os.path.join("keys", "data.mdb"), "journal": "journal", "identity": "identity"}


def flip(rng, folder, place):
    """Change one bit where something is written; the file and the offset."""
    path = os.path.join(folder, place)
    if os.path.isdir(path):
        path = rng.choice(sorted(p for p in glob.glob(os.path.join(path, "*.wal")) if used_pages(p)))
        # Mostly in what is not yet in the months: the rest is read by nobody any more.
        page = rng.choice(used_pages(path)[-30:] if rng.random() < 0.8 else used_pages(path))
    else:
        page = rng.choice(used_pages(path))
    with open(path, "r+b") as file:
        file.seek(0, os.SEEK_END)
        at = rng.randrange(page, min(page + 4096, file.tell()))
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << rng.randrange(8)]))
    return os.path.relpath(path, folder), at


def used_pages(path):
    with open(path, "rb") as file:
        content = file.read()
    return [at for at in range(0, len(content), 4096) if content[at:at + 4096].strip(b"\0")]


def assert_genuine(sample, content, whole=True, lost=frozenset()):
    """Of what a reader got, everything is as it was put, under its number; whole: and nothing is missing."""
    true = {d[0]: d for d in sample.content}
    for delivery in content:
        if delivery[0] in lost:
            continue
        if delivery[0] in true and delivery[0] not in sample.last_record:
            assert delivery == true[delivery[0]], f"event {delivery[0]} was altered"
        elif delivery[0] in true and delivery != true[delivery[0]]:
            assert own(delivery)            # the last record looked torn: its number is free again
        else:
            assert delivery[0] in true or own(delivery)
    if whole:
        # The very last record before a cut can't be told from an unacknowledged write (DESIGN.md).
        missing = set(true) - {d[0] for d in content} - set(sample.last_record) - set(lost)
        assert not missing, f"missing: {sorted(missing)[:5]}"


def read_what_it_gives(data):
    """Start it on a damaged store: refused, or all that a reader gets before it fails.  LMDB may crash on a damaged structure
    (DESIGN.md, residual risks); what was delivered until then counts."""
    daemon, content = harness.Daemon(start=False, data=data), []
    try:
        daemon.launch()
        try:
            daemon.wait_ready()
        except AssertionError:
            return content, "refused"
        client = daemon.client(timeout=5.0)
        try:
            client.hello()
            for d in client.subscribe("first", until_end=True):
                content.append((d.seq, d.log_time, d.sender, d.flags, d.event))
        except harness.estate.EstateError as wrong:
            return content, f"failed: {wrong}"
        return content, "read"
    finally:
        if daemon.process is not None:
            daemon.kill9()
        daemon.close(failed=False)


def names_the_file(problem, folder, file):
    """What the index lacks is found on the walk through the months: then it is the index that is spoken of."""
    place = os.path.dirname(file) if file.startswith("journal") else file
    return os.path.join(folder, os.path.dirname(place)) in problem or file.startswith("keys") and "the key index" in problem


def check_damage(sample, folder, file, outcomes):
    """One damaged store through verify, a start, and repair."""
    done = verify(folder)
    assert not CRASH.search(done.stdout) and "Assertion" not in done.stderr
    if done.returncode == 3:
        assert file == "identity", done.stderr
        assert "identity" in done.stderr or "newer" in done.stderr
        outcomes.append("identity refused")
        return
    told = json.loads(done.stdout)
    if done.returncode == 1:
        assert names_the_file(told["problem"], folder, file), told["problem"]
        outcomes.append("reported")
    else:
        assert told["sound"]
        outcomes.append("harmless")
    repaired = folder + ".repaired"
    mended = run_verb("repair", "--data", folder, "--to", repaired, "--json")
    assert mended.returncode in (0, 1), f"{mended.returncode} {mended.stdout}{mended.stderr}"
    figures = json.loads(mended.stdout)
    assert figures["lost"] == 0 or done.returncode == 1, "repair lost something of a sound store"
    assert (figures["lost"] > 0) == (mended.returncode == 1)
    assert_sound(repaired)
    with harness.Daemon(data=repaired) as daemon:
        content = read_all(hello(daemon))
        lost = {d[0] for d in content if own(d) and b"event.lost" in d[4]}
        assert len(lost) == figures["lost"] and content[0][0] == figures["first"]
        # What was lost before the first whole block isn't told (test_repair_tells_of_a_lost_beginning).
        first = content[0][0]
        assert [d[0] for d in content] == list(range(first, first + len(content)))
        lost |= set(range(1, first))
        for seq in lost - set(range(1, first)):
            fields = harness.estate.unpack(next(d[4] for d in content if d[0] == seq))
            assert fields["type"] == "event.lost" and fields["data"]["event"] == seq
        assert_genuine(sample, content, whole=True, lost=lost)
        assert len(lost) <= 1100, "one block and no more"
    shutil.rmtree(repaired)
    content, how = read_what_it_gives(folder)
    assert_genuine(sample, content, whole=done.returncode == 0)
    if done.returncode == 0:
        assert how == "read", how
    outcomes.append("start: " + how.split(":")[0])


@pytest.mark.parametrize("kind", ["month oldest", "month middle", "month newest", "keys", "journal", "identity"])
def test_damage(sample, tmp_path, kind):
    assert len(sample.months) == 3 and sample.in_journal > 0
    names = dict(zip(("month oldest", "month middle", "month newest"), (f"month {m}" for m in sample.months)))
    place = kinds(sample)[names.get(kind, kind)]
    outcomes = []
    for seed in range(300 if LONG else 10):
        rng = random.Random(f"{kind} {seed}")
        folder = sample.copy(str(tmp_path / f"d{seed}"))
        file, at = flip(rng, folder, place)
        try:
            check_damage(sample, folder, file, outcomes)
        except BaseException:
            print(f"seed {seed}: one bit of byte {at} of {file}")
            raise
        shutil.rmtree(folder)
    print(f"{kind}: " + ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes))))


def break_block(data, month, seq):
    """Flip a bit in the block of the month that begins with this number; by the block's header (block.h)."""
    path = os.path.join(data, "months", month, "data.mdb")
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        place = re.search(rb"\x01\x00..[^\0]..." + re.escape(seq.to_bytes(8, "little")), content, re.S).start()
        content[place + 200] ^= 1
        file.seek(0)
        file.write(content)


def first_of_last_block(data, month, last):
    path = os.path.join(data, "months", month, "data.mdb")
    with open(path, "rb") as file:
        content = file.read()
    starts = [int.from_bytes(m.group(1), "little") for m in re.finditer(rb"(?=\x01\x00..[^\0]...(.{8}).{16})", content, re.S)]
    return max(s for s in starts if s <= last)


def broken_and_repaired(stopped, tmp_path, which):
    """A store of one month whose first or last block is broken, repaired; the outcome and what was there."""
    with harness.Daemon(data=stopped.data) as daemon:
        client = hello(daemon)
        for n in range(4):
            put_all(client, [event(n * 1000 + k) for k in range(400)])
        content = read_all(client)
    content += [None] * (assert_sound(stopped.data)["last"] - len(content))
    month = os.listdir(os.path.join(stopped.data, "months"))[0]
    break_block(stopped.data, month, 1 if which == "first" else first_of_last_block(stopped.data, month, len(content)))
    assert verify(stopped.data).returncode == 1
    # The journal's spent segments would save them.
    shutil.rmtree(os.path.join(stopped.data, "journal"))
    done = run_verb("repair", "--data", stopped.data, "--to", tmp_path / "repaired", "--json")
    assert_sound(str(tmp_path / "repaired"))
    return done.returncode, json.loads(done.stdout), len(content)


def test_repair_tells_of_a_lost_beginning(stopped, tmp_path):
    status, figures, _ = broken_and_repaired(stopped, tmp_path, "first")
    assert status == 1 and figures["first"] == 1 and figures["lost"] > 0


def test_repair_tells_of_a_lost_end(stopped, tmp_path):
    status, figures, last = broken_and_repaired(stopped, tmp_path, "last")
    assert status == 1 and figures["last"] == last and figures["lost"] > 0


def test_repair_of_a_store_without_an_index_or_journal(sample, tmp_path):
    folder, repaired = sample.copy(str(tmp_path / "d")), str(tmp_path / "repaired")
    shutil.rmtree(os.path.join(folder, "keys"))
    shutil.rmtree(os.path.join(folder, "journal"))
    done = run_verb("repair", "--data", folder, "--to", repaired, "--json")
    assert done.returncode == 0, done.stderr
    kept = len(sample.content) - sample.in_journal
    assert json.loads(done.stdout) == {"first": 1, "last": kept, "saved": kept, "lost": 0, "masked": 0}
    assert_sound(repaired)
    again = run_verb("repair", "--data", folder, "--to", repaired)
    assert again.returncode == 3 and "exists" in again.stderr


def test_repair_of_nothing(tmp_path):
    done = run_verb("repair", "--data", tmp_path / "none", "--to", tmp_path / "new")
    assert done.returncode == 3 and not os.path.exists(tmp_path / "new")


# --- refusals at the start: one sentence that says what to do, and exit status 78

def refused(daemon, *words):
    """It won't start; returns the sentence."""
    if os.path.exists(daemon.stderr_path):
        os.unlink(daemon.stderr_path)
    daemon.launch()
    assert daemon.wait() == 78, daemon.stderr()
    said = [line for line in daemon.stderr().splitlines() if line.startswith("estated: ")]
    assert len(said) == 1, daemon.stderr()
    for word in words:
        assert word in said[0], said[0]
    daemon.assert_sane()
    return said[0]


@pytest.fixture
def stopped(tmp_path):
    """A daemon that ran once and stopped, with a few events."""
    one = harness.Daemon(folder=str(tmp_path))
    put_all(hello(one), [event(n) for n in range(50)])
    one.stop()
    yield one
    one.close(failed=one.process is not None)


def replace_in(path, old, new):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def test_refused_newer_format(stopped):
    replace_in(os.path.join(stopped.data, "identity"), "format: 1\n", "format: 2\n")
    refused(stopped, stopped.data, "install the newer release")
    assert verify(stopped.data).returncode == 3


def test_refused_damaged_identity(stopped):
    path = os.path.join(stopped.data, "identity")
    for content in ("", "format: one\n", "format: 1\nuuid: xyz\nepoch: 1\nsecret: 00\n", "\0" * 100):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        refused(stopped, path, "restore it from a backup")


def test_refused_missing_identity(stopped):
    os.unlink(os.path.join(stopped.data, "identity"))
    refused(stopped, "identity", "restore")


@pytest.mark.parametrize("part", ["keys", "vault", "journal"])
def test_refused_half_a_backup(stopped, part):
    """The machine went down while it was made: a new log must not begin in it."""
    for name in os.listdir(stopped.data):
        if name != part:
            path = os.path.join(stopped.data, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    refused(stopped, "identity", "never finished")


def test_verify_of_half_a_backup(stopped, tmp_path):
    os.unlink(os.path.join(stopped.data, "identity"))
    done = verify(stopped.data)
    assert done.returncode == 3 and "half a backup" in done.stderr and "take another" in done.stderr
    done = verify(tmp_path)
    assert done.returncode == 3 and "is no log" in done.stderr and "--data" in done.stderr


@pytest.mark.parametrize("part", ["months", "keys", "journal"])
def test_refused_parts_of_another_log(stopped, tmp_path, part):
    with harness.Daemon() as other:
        put_all(hello(other), [event(n) for n in range(100, 110)])
        if part == "journal":
            other.kill9()           # a clean stop leaves an empty one
        else:
            other.stop()
        shutil.rmtree(os.path.join(stopped.data, part))
        shutil.copytree(os.path.join(other.data, part), os.path.join(stopped.data, part))
    refused(stopped, os.path.join(stopped.data, part), "belongs to another log")


def test_refused_missing_month(sample, tmp_path):
    daemon = harness.Daemon(start=False, data=sample.copy(str(tmp_path / "d")))
    shutil.rmtree(os.path.join(daemon.data, "months", sample.months[1]))
    refused(daemon, "a month is missing", "backup")
    daemon.close()


def test_refused_missing_newest_month(sample, tmp_path):
    """The key index remembers that there was more."""
    daemon = harness.Daemon(start=False, data=sample.copy(str(tmp_path / "d")))
    shutil.rmtree(os.path.join(daemon.data, "months", sample.months[2]))
    refused(daemon, "missing", "backup")
    daemon.close()


def test_refused_second_daemon_on_the_same_data(daemon):
    second = harness.Daemon(start=False, data=daemon.data)
    refused(second, daemon.data, "in use", "stop that one")
    second.close()
    assert hello(daemon).put(event(1)).seq


def test_refused_second_daemon_on_the_same_path(daemon):
    """It must not take the first one's socket away."""
    second = harness.Daemon(start=False)
    second.endpoint = daemon.endpoint
    refused(second, daemon.endpoint, "in use", "--listen")
    second.close()
    assert hello(daemon).put(event(1)).seq
    # And what a killed one left behind is no obstacle.
    daemon.kill9()
    daemon.start()
    assert hello(daemon).put(event(1)).duplicate


def test_refused_not_a_directory(tmp_path):
    path = str(tmp_path / "file")
    with open(path, "w", encoding="utf-8"):
        pass
    daemon = harness.Daemon(start=False, data=path)
    refused(daemon, path, "not a directory", "--data")
    daemon.close()


@pytest.mark.parametrize("endpoint,words", [
    ("tcp://0.0.0.0:7400", ["beyond this machine", "loopback"]),
    ("http://x", ["no endpoint", "ipc:///path"]),
    ("ipc:///nowhere/at/all/s", ["/nowhere/at/all/s", "make its folder"]),
    ("tcp://127.0.0.1:99999", ["127.0.0.1:99999", "no port", "tcp://127.0.0.1:7400"]),
    ("tcp://127.0.0.1:x", ["no port"]),
    ("tcp://127.0.0.1", ["no port"]),
    ("tcp://127.0.0.1:", ["no port"]),
    ("tcp://localhost:0", ["write tcp://127.0.0.1:0"]),
])
def test_refused_endpoints(endpoint, words):
    daemon = harness.Daemon(start=False)
    daemon.endpoint = endpoint
    refused(daemon, *words)
    daemon.close()


@pytest.mark.parametrize("config,words", [
    ("jurnal_segment: 4MiB\n", [":1: ", 'nearest is "journal_segment"']),
    ("log_level: info\njournal_segments: many\n", [":2: ", "no number"]),
    ("data: [\n", ["estated.yaml:"]),
    ("timezone: Mars/Olympus\n", ["no zone", "Asia/Shanghai"]),
    ("http: nonsense\n", ["nonsense"]),
])
def test_refused_configurations(config, words):
    daemon = harness.Daemon(start=False, config=config)
    refused(daemon, *words)
    daemon.close()


def test_refused_missing_configuration():
    daemon = harness.Daemon(start=False)
    os.unlink(daemon.config_path)
    refused(daemon, daemon.config_path, "No such file")
    daemon.close()


NOBODY = 65534


@pytest.fixture
def unprivileged(monkeypatch):
    """A folder for anybody, and a Daemon class that runs as nobody."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: not root, so no other uid can be taken")
    folder = tempfile.mkdtemp(prefix="estate-nobody-", dir="/tmp")
    os.chmod(folder, 0o755)
    shutil.copy(harness.program("estated"), folder)

    class Unprivileged(harness.Daemon):
        def command(self, *more):
            drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            return [*drop, os.path.join(folder, "estated"), *super().command(*more)[1:]]
    yield lambda **options: Unprivileged(start=False, folder=folder, **options)
    shutil.rmtree(folder)


def test_refused_no_permission(unprivileged):
    # The folder cannot be made.
    daemon = unprivileged()
    refused(daemon, daemon.data, "Permission denied", "give it to this user")
    # It is there, but somebody else's.
    os.mkdir(daemon.data, 0o755)
    refused(daemon, daemon.data, "Permission denied", "give it to the user")
    os.chmod(daemon.data, 0o700)
    refused(daemon, daemon.data, "Permission denied", "give it to the user")
    # The data is fine, the socket's folder is not.
    os.chown(daemon.data, NOBODY, NOBODY)
    refused(daemon, daemon.endpoint, "Permission denied", "give it to this user")
    # The settings are somebody else's.
    os.chmod(daemon.config_path, 0o600)
    refused(daemon, daemon.config_path, "Permission denied")


def test_refused_parts_without_permission(unprivileged):
    """After a start as root by mistake, parts of the store are root's."""
    daemon = unprivileged()
    os.mkdir(daemon.data)
    os.chown(daemon.data, NOBODY, NOBODY)
    os.chown(daemon.folder, NOBODY, NOBODY)
    daemon.start()
    put_all(hello(daemon), [event(n) for n in range(10)])
    daemon.stop()
    for part in ("identity", "lock", "keys", "months", "journal"):
        path = os.path.join(daemon.data, part)
        mode = os.stat(path).st_mode & 0o777
        os.chown(path, 0, 0)
        os.chmod(path, 0o700 if os.path.isdir(path) else 0o600)
        refused(daemon, "Permission denied")
        os.chown(path, NOBODY, NOBODY)
        os.chmod(path, mode)
    daemon.start()
    daemon.stop()


# --- the index, the months, the stops

def test_deleted_index_is_made_again(sample, tmp_path):
    data = sample.copy(str(tmp_path / "d"))
    shutil.rmtree(os.path.join(data, "keys"))
    with harness.Daemon(data=data) as daemon:
        client = hello(daemon)
        for delivery in sample.content[::97]:
            if own(delivery):
                continue
            receipt = client.put(delivery[4])
            assert receipt.duplicate and receipt.seq == delivery[0]
        changed = harness.estate.unpack(next(d for d in sample.content if not own(d))[4])
        changed["data"]["n"] += 1
        with pytest.raises(harness.estate.Fault) as conflict:
            client.put(changed)
        assert conflict.value.name == "id-conflict"
    assert_sound(data)


def test_two_months(travel):
    daemon = travel.daemon
    contents = []
    for month in (1, 0):
        travel.start(clock=-month * MONTH_S)
        client = hello(daemon)
        put_all(client, [harness.estate.pack({"specversion": "1.0", "id": f"{month}-{n}", "source": "/test/months", "type": "probe.recorded",
                                              "subject": f"case-{n % 50}", "data": {"n": n, "text": "x" * 200}}) for n in range(3000)])
        contents = read_all(client)
        daemon.stop()
    months = sorted(os.listdir(os.path.join(daemon.data, "months")))
    assert len(months) == 2
    assert_sound(daemon.data)
    daemon.start()
    client = hello(daemon)
    client.put(event(99999999))             # behind the daemon's own event of this start
    everything = read_all(client)
    assert everything[:len(contents)] == contents
    assert [d[0] for d in everything] == list(range(1, len(everything) + 1))
    border = next(i for i, d in enumerate(everything) if d[1] - everything[0][1] > MONTH_S * 10**9 // 2)
    for i in (0, border - 1, border, len(everything) - 1):
        got = client.get(everything[i][0])
        assert (got.seq, got.log_time, got.event) == (everything[i][0], everything[i][1], everything[i][4])

    def numbers(from_, **filters):
        return [d.seq for d in client.subscribe(from_, until_end=True, **filters)]
    assert numbers({"seq": border - 5}) == list(range(border - 5, len(everything) + 1))
    assert numbers({"time": everything[border][1]}) == list(range(border + 1, len(everything) + 1))
    assert numbers({"time": everything[border - 1][1] + 1}) == list(range(border + 1, len(everything) + 1))
    assert numbers({"last": len(everything) - border + 3}) == list(range(border - 2, len(everything) + 1))
    wanted = [d[0] for d in everything if harness.estate.unpack(d[4]).get("subject") == "case-7"]
    assert len(wanted) == 120 and numbers("first", subject=["case-7"]) == wanted
    # What the first month holds is known in the second.
    assert client.put(contents[10][4]).duplicate
    daemon.kill9()
    travel.start()
    assert read_all(hello(daemon))[:len(everything)] == everything
    daemon.stop()
    assert_sound(daemon.data)


def test_a_month_begins_while_it_runs(travel):
    daemon = travel.daemon
    travel.start(clock=-MONTH_S)
    client = hello(daemon)
    first = put_all(client, [event(n) for n in range(300)])
    travel.control.set(clock=0)
    client.put(event(300))
    client.clock_accept()
    second = put_all(client, [event(n) for n in range(301, 600)])
    content = read_all(client)
    assert [d[0] for d in content] == list(range(1, second[-1] + 1))
    assert content[second[0] - 1][1] - content[first[-1] - 1][1] > MONTH_S * 10**9 // 2
    daemon.restart()
    assert read_all(hello(daemon))[:len(content)] == content
    assert len(os.listdir(os.path.join(daemon.data, "months"))) == 2
    daemon.stop()
    assert_sound(daemon.data)


def test_restart_after_a_stop_is_quick(daemon):
    put_all(hello(daemon), [event(n) for n in range(20000)])
    begin = time.monotonic()
    daemon.stop()
    stop = time.monotonic() - begin
    assert assert_sound(daemon.data)["in_journal"] == 0, "the journal is empty after a clean stop"
    begin = time.monotonic()
    daemon.start()
    start = time.monotonic() - begin
    print(f"stop {stop:.3f} s, start {start:.3f} s")
    assert stop < 10 and start < 5
    assert "in_journal=0" in daemon.stderr(3000)


@pytest.mark.parametrize("stops", [1, 3])
def test_stop_under_load(daemon, tmp_path, stops):
    campaign = Campaign(daemon, tmp_path, producers=4, followers=0 if stops == 1 else 2, count=3000)
    try:
        for _ in range(stops):
            campaign.progress(20)
            daemon.stop()
            assert assert_sound(daemon.data)["in_journal"] == 0
            daemon.start()
        campaign.finish()
    except BaseException:
        campaign.abandon()
        raise
