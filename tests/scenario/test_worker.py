"""Workers: the same log leads to the same derived events, at any speed and through any kill.

A dozen random kills in make test; three hundred with ESTATE_LONG=1 (make check-long).
"""
import datetime
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys

import pytest

import daemon as harness
from worker import EXAMPLE, FAR, PATIENCE_S, RULES, Worker, parrot, rehearse, rules_folder

LONG = bool(os.environ.get("ESTATE_LONG"))
HERE = os.path.dirname(os.path.abspath(harness.__file__))


def case(number, type_="complaint.opened", data=None, **more):
    return {"specversion": "1.0", "id": f"c-{number}-{type_}", "source": "/test", "type": type_, "subject": f"C-{number}",
            "data": data or {"category": "noise", "severity": "ordinary", "via": "phone"}, **more}


def assigned(number):
    return case(number, "case.assigned", {"to": "clerk-1", "role": "clerk"})


def replay(seq, number=1):
    return {"specversion": "1.0", "id": f"replay-{seq}-{number}", "source": "/operator", "type": "worker.replayed", "subject": "example",
            "data": {"event": seq, "reason": "the rules are mended", "by": "admin-1"}}


def line(**members):
    return json.dumps({"specversion": "1.0", "source": "/test", **members}).encode()


def numbered(seq, log_time, **members):
    return line(id=f"n{seq}", **members)[:-1] + f',"seq":{seq},"logtime":"{log_time}","sender":"uid:0","flags":0}}'.encode()


def types(lines):
    return [json.loads(text)["type"].split(".")[1] for text in lines]


# --- rehearsal

@pytest.fixture(scope="module")
def month(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("month") / "month.jsonl")
    subprocess.run([harness.program("estate"), "generate", "--households", "200", "--from", "2026-11-01", "--days", "30", "--seed", "5", "--out", path],
                   check=True)
    return path


@pytest.fixture(scope="module")
def shipped():
    return os.path.join(harness.REPOSITORY, "workers", "example")


def test_a_rehearsal_is_deterministic(month, shipped):
    first = rehearse(month, "--config", shipped, "--until", "2027-01-01")[0]
    assert {"opened", "fulfilled", "breached"} == set(types(first)) and len(first) > 50
    for batch in (1, 7, 65536):
        assert rehearse(month, "--config", shipped, "--until", "2027-01-01", "--batch", batch)[0] == first
    with open(month, "rb") as file:
        assert rehearse(file.read(), "--config", shipped, "--until", "2027-01-01")[0] == first
    assert len({json.loads(text)["id"] for text in first}) == len(first)


def test_a_rehearsal_without_rules_concludes_nothing(month):
    assert rehearse(month, "--until", "2027-01-01")[0] == []


def test_a_timer_fires_after_all_of_its_instant_and_before_what_is_later(tmp_path):
    """Due at 10:00:00.300: an event of that very log time still counts, one a nanosecond later does not."""
    config = rules_folder(tmp_path, RULES)
    opened = numbered(1, "2026-11-24T10:00:00.000000000Z", type="complaint.opened", subject="C-1",
                      data={"category": "noise", "severity": "ordinary", "via": "phone"})
    for at, expect in (("300000000", ["opened", "fulfilled"]), ("300000001", ["opened", "breached"])):
        settled = numbered(2, f"2026-11-24T10:00:00.{at}Z", type="case.assigned", subject="C-1", data={"to": "clerk-1", "role": "clerk"})
        assert types(rehearse(opened + b"\n" + settled + b"\n", "--config", config)[0]) == expect
    # Nothing fires that time has not passed; and at the very instant it has.
    assert types(rehearse(opened + b"\n", "--config", config)[0]) == ["opened"]
    for until, count in (("2026-11-24T10:00:00.299999999Z", 1), ("2026-11-24T10:00:00.300Z", 2)):
        assert len(rehearse(opened + b"\n", "--config", config, "--until", until)[0]) == count


def test_a_derived_event_bears_its_cause(tmp_path):
    config = rules_folder(tmp_path, RULES)
    opened = numbered(255, "2026-11-24T10:00:00.000000000Z", type="complaint.opened", subject="C-1", time="2026-11-24T17:59:59+08:00",
                      data={"category": "noise", "severity": "ordinary", "via": "phone"})
    first, second = map(json.loads, rehearse(opened, "--config", config, "--until", FAR)[0])
    assert first["time"] == "2026-11-24T10:00:00Z" and second["time"] == "2026-11-24T09:59:59.300000000Z"
    for event in (first, second):
        assert event["id"][:16] == f"{255:016x}" and len(event["id"]) == 48 and event["causation"] == "255"
        assert event["source"] == "/estated/worker/example" and event["hops"] == 1
    assert first["id"] != second["id"]


@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0, reason="no mount namespace to be had here")
def test_a_rehearsal_on_a_full_disk_says_what_to_do(tmp_path, month, shipped):
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=256k none "$TMPDIR" && exec "$@"', "sh", EXAMPLE, "--rehearse", month,
                           "--config", shipped], capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={**os.environ, "TMPDIR": str(small)})
    assert done.returncode == 3 and "TMPDIR" in done.stderr, done.stderr


def test_lines_that_are_none_are_named(tmp_path):
    config = rules_folder(tmp_path, RULES)
    good = line(id="a", type="complaint.opened", subject="C-1", time="2026-11-24T10:00:00Z", data={"category": "x", "severity": "ordinary", "via": "phone"})
    text = b"\n".join([b"{nonsense", good, b"", line(id="b", type="no.such", data={}), good, b"[1]", b'{"a":"\xff"}', good[:-1],
                       numbered(7, "2026-11-24T10:00:00Z", type="probe.recorded", data={})]) + b"\n"
    lines, said = rehearse(text, "--config", config, "--until", FAR, expect=1)
    assert types(lines) == ["opened", "breached"]
    for number in (1, 4, 6, 7, 8, 9):
        assert f"standard input:{number}:" in said
    assert "input:2:" not in said and "input:5:" not in said


def test_wrong_usage_names_the_right_one(tmp_path):
    for arguments, word in ((["--rehearse", "-", "--state", "x"], "live"), (["--until", "2026-01-01"], "--rehearse"), (["word"], "word"),
                            (["--rehearse", "-", "--until", "soon"], "soon"), (["--nonsense"], "--help")):
        done = subprocess.run([harness.program("estate-example"), *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 2 and word in done.stderr, done.stderr
    done = subprocess.run([harness.program("estate-example"), "--help"], capture_output=True, text=True, check=True)
    assert "--rehearse" in done.stdout and "Examples" in done.stdout
    for text, word in ((RULES.replace("within", "whithin"), "line 2: within is missing"),
                       (RULES.replace("repair.finished", "repair.finish"), "there is no type repair.finish; did you mean repair.finished"),
                       (RULES.replace("X2", "x" * 40), "rule must be 1 to 31 characters"), (RULES + "    colour: red\n", "colour"),
                       (RULES.replace("300ms", "soon"), "line 5"), ("{", "line")):
        done = subprocess.run([harness.program("estate-example"), "--rehearse", "-", "--config", rules_folder(tmp_path, text)], capture_output=True,
                              text=True, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 78 and word in done.stderr, done.stderr


def test_two_cases_never_share_an_obligation(tmp_path):
    """Its id is the rule's and the case's; where that is too long for one it is parked, not cut."""
    line = json.dumps({"specversion": "1.0", "id": "%s", "source": "/t", "type": "complaint.opened", "subject": "%s",
                       "data": {"household": "1-1-101", "category": "noise", "severity": "ordinary", "via": "phone"}})
    names = ["x" * 61, "x" * 62 + "1", "x" * 62 + "2"]
    out, said = rehearse("\n".join(line % (n, n) for n in names).encode(), "--config", rules_folder(tmp_path, RULES))
    told = [json.loads(one)["data"] for one in out]
    assert {data["obligation"] for data in told if "obligation" in data} == {"X1/" + "x" * 61}
    assert "2 parked" in said and sum("at most 64 characters" in data.get("reason", "") for data in told) == 2


# --- live

def put_all(daemon, events):
    client = daemon.client("events")
    client.hello()
    return [client.put(event).seq for event in events]


def test_live_equals_its_rehearsal(daemon):
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(n) for n in range(20)] + [assigned(n) for n in range(0, 20, 2)])
        worker.settle()
        derived = worker.prove()
        # Fulfilled or breached, as the machine's speed has it; never both, never neither.
        assert len(derived) == 40 and sum(d["type"] == "obligation.opened" for d in derived) == 20
        assert len({d["subject"] for d in derived if d["type"] != "obligation.opened"}) == 20
        assert worker.stderr().count("level=error") == 0


def run_residents(daemon, count, seeds):
    return [subprocess.Popen([sys.executable, os.path.join(HERE, "residents.py"), daemon.endpoint, f"r{seed}", str(count), str(seed)],
                             stdout=subprocess.PIPE) for seed in seeds]


def progress(residents, lines):
    """Wait until they have reported so many times more; False when all are done."""
    while lines > 0:
        open_ends = [r.stdout for r in residents if not r.stdout.closed]
        if not open_ends:
            return False
        ready, _, _ = select.select(open_ends, [], [], PATIENCE_S)
        assert ready, "the residents make no progress"
        for end in ready:
            if not os.read(end.fileno(), 4096):
                end.close()
            lines -= 1
    return True


def finish(residents):
    while progress(residents, 1):
        pass
    for resident in residents:
        assert resident.wait(PATIENCE_S) == 0


def shape(event):
    """What must not depend on speed: numbers and log times aside."""
    return event["type"], event["subject"], json.dumps(event["data"], sort_keys=True)


def test_speeds_and_batchings_agree(start_daemon, tmp_path):
    """One input in several live runs: each log equals its rehearsal, and all conclude the same."""
    today = datetime.date.today()
    done = subprocess.run([harness.program("estate"), "generate", "--households", "300", "--from", str(today - datetime.timedelta(10)), "--days", "3",
                           "--seed", "8", "--no-registry"], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    rules = RULES.replace("700ms", "300d")          # some deadlines long past when the event comes, some far away
    runs = [(1, 1, None), (64, 256, None), (1, 64, 1500), (4096, 1, None), (7, 3, None), (1, 1, 3000), (100, 2, 20000), (3, 50, None), (1, 1024, None),
            (500, 500, None)][:10 if LONG else 3]
    shapes = []
    for batch, window, rate in runs:
        daemon = start_daemon()
        with Worker(daemon, rules=rules) as worker:
            worker.await_rules(daemon.client("rules"))
            daemon.estate("put", "--batch", batch, "--window", window, *(["--rate", rate] if rate else []), "-", stdin="".join(lines))
            worker.settle(until=today + datetime.timedelta(100))
            shapes.append(sorted(map(shape, worker.prove())))
        daemon.stop()
    assert len(shapes[0]) > 20 and {"obligation.fulfilled", "obligation.breached"} <= {s[0] for s in shapes[0]}
    assert all(s == shapes[0] for s in shapes)


@pytest.fixture(scope="module")
def wallclock_library(tmp_path_factory):
    library = str(tmp_path_factory.mktemp("wallclock") / "wallclock.so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "wallclock.c"), "-ldl"], check=True)
    return library


def test_the_wall_clock_is_set(start_daemon, wallclock_library, tmp_path):
    """An hour and a day, ahead and back, accepted and not, with a restart between: no timer fires early, none twice, none is lost."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    daemon = start_daemon(preload=wallclock_library, env={"WALLCLOCK": str(clock)})
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        number = 0
        for seconds, accept, restart in ((3600, False, False), (0, False, False), (-3600, False, True), (86400, False, False), (-86400, True, False),
                                         (0, True, True)):
            put_all(daemon, [case(number + n) for n in range(4)])
            clock.write_text(str(seconds))
            put_all(daemon, [assigned(number), case(number + 4)])
            if accept:
                daemon.estate("clock", "accept")
            if restart:
                daemon.kill9()
                daemon.start()
            number += 5
        # However log time went, once it moves on everything that is due is concluded.
        clock.write_text("0")
        daemon.estate("clock", "accept")
        worker.settle()
        derived = worker.prove()
        assert len([d for d in derived if d["type"] == "obligation.opened"]) == number


@pytest.mark.parametrize("seed", range(10 if LONG else 1))
def test_killed_at_random(start_daemon, seed):
    """kill -9 of worker, daemon or both under load, rebuilds in between that are killed too, then the oracle."""
    rng, kills, want, bursts = random.Random(seed), 0, 30 if LONG else 12, 0
    daemon = start_daemon()
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        residents = []
        try:
            while kills < want:
                if not progress(residents, rng.randint(1, 8)):
                    finish(residents)
                    bursts += 1
                    residents = run_residents(daemon, 1200, [1000 * seed + 2 * bursts, 1000 * seed + 2 * bursts + 1])
                    continue
                what = rng.choice(["worker", "worker", "daemon", "both", "rebuild"])
                if what != "daemon":
                    worker.kill9()
                if what in ("daemon", "both"):
                    daemon.kill9()
                    daemon.start()
                if what != "daemon":
                    worker.launch(*(["--rebuild"] if what == "rebuild" else []))
                    if rng.random() < 0.7:
                        worker.wait_ready()
                kills += 1
            finish(residents)
        finally:
            for resident in residents:
                resident.kill()
                resident.wait()
                resident.stdout.close()
        worker.settle()
        derived = worker.prove()
        assert len(derived) > 500 and {"opened", "fulfilled", "breached"} <= set(types(json.dumps(d) for d in derived))
        worker.stop()
        # And made again from the log, it concludes the same.
        worker.start("--rebuild")
        assert "different=0 not_in_log=0 only_in_log=0" in worker.stderr()
        assert not re.search("concluded otherwise|does not hold it|not concluded any more|level=error", worker.stderr())
        worker.prove()


def test_stopped_for_a_while(daemon):
    """SIGSTOP: deadlines pass and the daemon restarts meanwhile; nothing is early, late or twice in the data."""
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1), case(2)])
        worker.signal(signal.SIGSTOP)
        put_all(daemon, [case(3), assigned(1), case(4)])
        daemon.kill9()
        daemon.start()
        put_all(daemon, [assigned(3)])
        worker.signal(signal.SIGCONT)
        worker.settle()
        worker.prove()


def test_another_instance_takes_over(daemon):
    """Two with a state each: the later one reads on, the former leaves; between them everything once."""
    with Worker(daemon) as first:
        first.await_rules(daemon.client("rules"))
        put_all(daemon, [case(n) for n in range(10)])
        with Worker(daemon) as second:
            assert first.wait() == 4 and "taken over" in first.stderr()
            put_all(daemon, [case(n) for n in range(10, 20)] + [assigned(n) for n in range(20)])
            second.settle()
            second.prove()


def test_one_state_one_process(daemon):
    with Worker(daemon) as worker:
        other = Worker(daemon, state=worker.state, start=False)
        said = other.refused()
        assert f"in use by process {worker.process.pid}" in said


def test_new_rules_in_the_middle(daemon):
    """Each event is judged by the rules in force at its number, in a rehearsal and a rebuild too."""
    with Worker(daemon) as worker:
        first = worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1), case(2)])
        worker.stop()
        worker.rules = rules_folder(worker.folder, RULES.replace("X1", "Y1").replace("300ms", "50ms"))
        worker.start()
        second = worker.await_rules(daemon.client("rules2"))
        assert second > first
        put_all(daemon, [case(3), assigned(1)])
        worker.settle()
        rules = {(d["subject"], d["data"]["rule"]) for d in worker.prove()}
        assert rules == {("C-1", "X1"), ("C-2", "X1"), ("C-3", "Y1")}
        worker.stop()
        worker.start("--rebuild")
        assert "different=0 not_in_log=0 only_in_log=0" in worker.stderr()
        # The same rules again are no news.
        worker.stop()
        worker.start()
        put_all(daemon, [case(4)])
        worker.settle()
        worker.prove()
        assert worker.log().count(b'"type":"config.activated"') == 2


def test_poison_is_parked_and_replayed(daemon):
    """A role that is none makes the conclusion invalid: the event is parked, the stream goes on, and mended rules take it."""
    with Worker(daemon, rules=RULES.replace("role: cs_lead", "role: wizard")) as worker:
        worker.await_rules(daemon.client("rules"))
        bad, good = put_all(daemon, [case(1), case(2, "repair.requested", {"trade": "plumbing", "in_home": False})])
        worker.settle()
        parked = [d for d in worker.prove() if d["type"] == "worker.parked"]
        assert [d["data"]["event"] for d in parked] == [bad] and "role" in parked[0]["data"]["reason"] and parked[0]["subject"] == "example"
        assert any(d["causation"] == str(good) for d in worker.prove())
        put_all(daemon, [replay(bad)])          # too early: parked again, as of the operator's event
        worker.settle()
        worker.stop()
        worker.rules = rules_folder(worker.folder, RULES)
        worker.start()
        worker.await_rules(daemon.client("rules2"))
        again, nothing = put_all(daemon, [replay(bad, 2), replay(bad, 3)])
        worker.settle()
        derived = worker.prove()
        assert sum(d["type"] == "worker.parked" for d in derived) == 2
        assert [d["subject"] for d in derived if d["causation"] == str(again) and d["type"] == "obligation.opened"] == ["C-1"]
        assert not any(d["causation"] == str(nothing) for d in derived)
        assert worker.stderr().count("asked to replay what is not parked") >= 1


def test_a_loop_is_cut(daemon):
    """Sixteen derived events in a row, and no more; what stands beyond is nobody's business."""
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        last, beyond, far = put_all(daemon, [case(1, hops=15), case(2, hops=16), case(3, hops=17)])
        worker.settle()
        derived = worker.prove()
        assert {d["type"] for d in derived if d["causation"] == str(last)} == {"obligation.opened", "obligation.breached"}
        assert all(d["hops"] == 16 for d in derived if d["causation"] == str(last))
        cut = [d for d in derived if d["causation"] == str(beyond)]
        assert [d["type"] for d in cut] == ["worker.parked"] and "loop" in cut[0]["data"]["reason"]
        assert not any(d["causation"] == str(far) for d in derived)


def test_two_workers_that_answer_each_other(daemon):
    """Neither knows of the other; the chain ends all the same, and the log says so."""
    a = Worker(daemon, name="a", program=parrot(), rules=None, env={"PARROT_NAME": "a"})
    b = Worker(daemon, name="b", program=parrot(), rules=None, env={"PARROT_NAME": "b"})
    with a, b:
        put_all(daemon, [case(1, "probe.recorded", {"n": 0})])
        client = daemon.client("parked")
        stream = client.subscribe("first", type=["worker.parked"])
        parked = [stream.next(PATIENCE_S).fields for _ in range(2)]
        assert all("loop" in event["data"]["reason"] and event["hops"] == 17 for event in parked)
        for worker in (a, b):
            counts = sorted(d["data"]["n"] for d in worker.prove() if d["type"] == "probe.recorded")
            assert counts == list(range(1, 17)) and [d["hops"] for d in worker.prove()][-1] == 17


def test_state_of_another_worker_or_version(daemon):
    with Worker(daemon, name="parrot", program=parrot(), rules=None) as worker:
        put_all(daemon, [case(n, "probe.recorded", {"n": n}) for n in range(50)])
        worker.settle()
        before = worker.prove()
        worker.stop()
        worker.env = {"PARROT_NAME": "other"}
        assert 'is the state of the worker "parrot", not of "other"' in worker.refused()
        # Of another version it is made again, silently.
        worker.env = {"PARROT_VERSION": "2"}
        worker.start()
        assert "made again from the log" in worker.stderr() and "different=0 not_in_log=0 only_in_log=0" in worker.stderr()
        put_all(daemon, [case(99, "probe.recorded", {"n": 99})])
        worker.settle()
        assert len(worker.prove()) == len(before) + 2         # that one, and the one that settle() put


def test_a_refused_conclusion_is_never_silent(daemon):
    """Somebody else has taken the id: an error in the log of the worker, again at each start; and a rebuild tells the difference."""
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        worker.stop()
        seq, = put_all(daemon, [case(1)])
        opened = json.loads(rehearse(worker.log())[0][0])
        put_all(daemon, [{**case(9, "probe.recorded", {"n": 1}), "id": opened["id"], "source": worker.source},
                         {**case(9, "probe.recorded", {"n": 2}), "id": opened["id"][:-1] + "x", "source": worker.source}])
        worker.start()
        worker.until_says("id-conflict")
        assert opened["id"] in worker.stderr() and opened["id"].startswith(f"{seq:016x}")
        worker.stop()
        worker.start()
        worker.stop()
        worker.start("--rebuild")
        assert "concluded otherwise" in worker.stderr() and "different=1 " in worker.stderr() and "only_in_log=1" in worker.stderr()


BLIND = """\
clients:
  - name: everybody-here
    uid: %d
    put: ["**"]
    sources: ["*", "/estated/*"]
    read: ["**"]
    ask: ["*"]
    answer: ["*"]
    operate: true
"""


@pytest.mark.parametrize("sees", [True, False])
def test_a_rebuild_and_what_is_personal(start_daemon, sees):
    """What the log shows as a mask is compared in all the rest: no false difference, and no true one hidden beside it."""
    daemon = start_daemon(clients=None if sees else BLIND % os.getuid())
    with Worker(daemon, name="parrot", program=parrot(), rules=None, env={"PARROT_TEXT": "SEEDTEXT"}) as worker:
        put_all(daemon, [{**case(1, "help.requested", {"kind": "medical", "household": "3-2-1201", "text": "SEEDTEXT"})},
                         *(case(n, "probe.recorded", {"n": n}) for n in range(1, 11))])
        worker.settle()
        assert sum(d["type"] == "case.replied" for d in map(json.loads, worker.own(worker.log()))) == 10
        asked = json.loads(daemon.estate("ask", "--json", "parrot", "heard", "--at-least", "now").stdout)["answer"]
        assert asked["said"] == ("SEEDTEXT" if sees else "***") and asked["heard"] >= 10

        def rebuilt(**env):
            worker.stop()
            worker.env.update(env)
            worker.start("--rebuild")
            report = [line for line in worker.stderr().splitlines() if "compared with the log" in line][-1]
            return {key: int(n) for key, n in re.findall(r"(\w+)=(\d+)", report)}
        right = {"different": 0, "not_in_log": 0, "only_in_log": 0}
        report = rebuilt()
        assert right.items() <= report.items() and report["without_personal"] == (0 if sees else 10)
        daemon.estate("person", "erase", "--reason", "asked to", "--yes", "3-2-1201")
        report = rebuilt()
        assert right.items() <= report.items() and report["without_personal"] == (1 if sees else 10)
        # Other personal values: seen by who may see them, where they still are.  Another value beside them: by all.
        assert rebuilt(PARROT_TEXT="OTHERTEXT")["different"] == (9 if sees else 0)
        assert rebuilt(PARROT_TEXT="SEEDTEXT", PARROT_BY="jackdaw")["different"] == 10


def test_state_of_another_log_or_a_restored_backup(start_daemon, tmp_path):
    daemon, other = start_daemon(), start_daemon()
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1)])
        worker.settle()
        backup = str(tmp_path / "backup")
        daemon.estate("backup", backup)
        put_all(daemon, [case(2)])
        worker.settle()
        worker.stop()
        worker.daemon = other
        assert "move that folder away" in worker.refused()
        worker.daemon = restored = start_daemon(data=backup)
        assert "--rebuild" in worker.refused()
        worker.start("--rebuild")
        put_all(restored, [case(3)])
        worker.settle()
        worker.prove()


def test_what_is_lost_with_the_state_is_made_again(daemon):
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(n) for n in range(5)] + [assigned(2)])
        worker.settle()
        before = worker.prove()
        worker.stop()
        worker.forget()
        worker.start()
        put_all(daemon, [case(9)])
        worker.settle()
        after = worker.prove()
        assert after[:len(before)] == before or {d["id"] for d in before} < {d["id"] for d in after}


# --- as a service

class Notify:
    """The other end of sd_notify()."""

    def __init__(self, path):
        self.path, self.said = str(path), []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE_S)

    def until(self, line):
        while not any(said.startswith(line) for said in self.said):
            self.said += self.socket.recv(65536).decode().splitlines()


def test_what_systemd_is_told(start_daemon, tmp_path):
    """Waiting for the daemon it asks for more time; then ready, alive, how it stands, and stopping."""
    daemon = start_daemon()
    daemon.stop()
    notify = Notify(tmp_path / "notify")
    worker = Worker(daemon, start=False, env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "1000000"})
    worker.launch()
    notify.until("EXTEND_TIMEOUT_USEC=")
    assert "READY=1" not in notify.said
    daemon.start()
    worker.wait_ready()
    notify.until("READY=1")
    notify.until("WATCHDOG=1")
    notify.until("STATUS=event ")
    worker.stop()
    notify.until("STOPPING=1")


def test_the_guide_is_true(daemon, tmp_path):
    """Its commands run as they are printed, and the example it is built around is what it says: short."""
    with open(os.path.join(harness.REPOSITORY, "workers", "GUIDE.md"), encoding="utf-8") as file:
        guide = file.read()
    blocks = [block for block in re.findall(r"(?:^ {4}\S.*\n(?: {4}.*\n)*)", guide, re.M) if "build/bin" in block]
    bin_dir = os.path.dirname(harness.program("estate"))
    for rehearsal, shown in zip([block for block in blocks if "--rehearse" in block], ['"obligation.breached"', '{"answer":{"rows":['], strict=True):
        done = subprocess.run(["sh", "-ec", rehearsal.replace("build/bin", bin_dir)], cwd=harness.REPOSITORY, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0 and shown in done.stdout, done.stderr
    live, = [block for block in blocks if "estated --data" in block]
    put = next(line for line in live.splitlines() if "generate" in line)
    put = put.replace("build/bin", bin_dir).replace("ipc:///tmp/estate.sock", daemon.endpoint)
    with open(os.path.join(harness.REPOSITORY, "workers", "example", "example.yaml"), encoding="utf-8") as file:
        rules = file.read()
    with Worker(daemon, rules=rules) as worker:
        worker.await_rules(daemon.client("rules"))
        subprocess.run(["sh", "-ec", put], check=True)
        worker.settle()
        assert worker.prove()
        replayed = re.search(r"^echo '.*worker.replayed.*\| estate put$", guide, re.M).group(0)
        subprocess.run(["sh", "-ec", replayed], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "PATH": bin_dir + ":" + os.environ["PATH"]})
        worker.until_says("asked to replay what is not parked")
    with open(os.path.join(harness.REPOSITORY, "workers", "example", "example.c"), encoding="utf-8") as file:
        assert sum(bool(line.strip()) for line in file) <= 180
