"""Workers that are asked: in a rehearsal and live the same answers; who waits, who sees what; figures for Prometheus."""
import datetime
import json
import os
import re
import signal
import time

import pytest

import openmetrics
from test_worker import assigned, case, put_all
from wire import packed
from worker import PATIENCE_S, RULES, Worker, parrot, rehearse

SLOW = RULES.replace("300ms", "90d")        # nothing falls due meanwhile


def ask(daemon, *words, expect=0):
    """estate ask: the whole answer, or what was said on stderr."""
    done = daemon.estate("ask", "--json", *words, expect=expect)
    return json.loads(done.stdout) if expect == 0 else done.stderr


def settle(worker):
    """All that is owed soon: SLOW's deadlines are not."""
    worker.settle(until=datetime.date.today() + datetime.timedelta(2))


def rehearsed(worker, question, *arguments, expect=0):
    """The pages that a rehearsal of the log answers."""
    lines, _ = rehearse(worker.log(), "--ask", question, *arguments, program=worker.program, env=worker.env, expect=expect)
    return [json.loads(line) for line in lines if b'"specversion"' not in line]


def rows(pages):
    return [row for page in pages for row in page["answer"]["rows"]]


def test_live_and_rehearsed_the_same_answers(daemon):
    """Page by page, of a log with a dozen cases."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(10, 22)] + [assigned(n) for n in range(10, 14)])[-1]
        live, page = [], []
        while not live or "next" in live[-1]:
            live.append(ask(daemon, "example", "counts", "limit=5", "prefix=C-", "--at-least", last, *page))
            page = ["--page", live[-1].get("next")]
        assert [len(p["answer"]["rows"]) for p in live] == [5, 5, 2] and all(p["seq"] >= last for p in live)
        assert rows(live) == rows(rehearsed(worker, 'counts={"limit":5,"prefix":"C-"}'))
        assert rows(live) == [{"subject": f"C-{n}", "events": 2 if n < 14 else 1} for n in range(10, 22)]
        owed = ask(daemon, "example", "open", "--at-least", "now")["answer"]["rows"]
        assert owed == rows(rehearsed(worker, "open")) and [row["subject"] for row in owed] == [f"C-{n}" for n in range(14, 22)]
        assert [row["due"] for row in owed] == sorted(row["due"] for row in owed)
        text = daemon.estate("ask", "example", "counts", "prefix=C-1", "least=2").stdout
        assert "C-10" in text and "C-14" not in text
        about = {q["name"]: q for q in ask(daemon, "example", "help")["answer"]["questions"]}
        assert about["counts"]["takes"] == "prefix least" and "open" in about
        settle(worker)
        worker.prove()


def test_what_is_asked_wrongly_is_refused_by_its_name(daemon):
    with Worker(daemon) as worker:
        for words, path, detail in ((["count"], "question.name", "estate ask example help"), (["counts", "leest=2"], "question.leest", "prefix least"),
                                    (["counts", "least=many"], "question.least", "whole number"), (["counts", "limit=0"], "question.limit", "1000"),
                                    (["counts", "--page", "+"], "page", "next"), (["status", "limit=1"], "question.limit", "no pages")):
            said = ask(daemon, "example", *words, expect=1)
            assert "bad-argument" in said or path in said, said
            assert path in said and detail in said
        refused, = rehearsed(worker, 'counts={"leest":2}', expect=1)
        assert refused["refused"] == "bad-argument" and refused["path"] == "question.leest"
        for question in ("counts=", "counts=[1]", 'counts={"name":"x"}'):
            _, said = rehearse(b"", "--ask", question, expect=1)
            assert "--ask" in said


def test_at_least_waits_until_the_worker_has_read_so_far(daemon):
    """Stopped, it answers nothing; woken, it first reads on.  Whoever waits for nothing is answered as it stands."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        for n in range(5):
            last, = put_all(daemon, [case(n)])
            answer = ask(daemon, "example", "counts", "--at-least", "now")
            assert answer["seq"] >= last and {"subject": f"C-{n}", "events": 1} in answer["answer"]["rows"]
        worker.signal(signal.SIGSTOP)
        seqs = put_all(daemon, [case(n) for n in range(100, 120)])
        wire = daemon.wire(client="asker")
        assert wire.ask(1, "ask", 6, {"service": "example", "question": {"name": "counts"}, "timeout_ms": 100})[3]["name"] == "deadline"
        wire.send(1, "ask", 7, {"service": "example", "question": {"name": "counts", "prefix": "C-1"}, "at_least": seqs[-1], "timeout_ms": 60000})
        assert not wire.quiet()
        worker.signal(signal.SIGCONT)
        answer = wire.receive()
        assert answer[1] == "answered" and answer[3]["seq"] >= seqs[-1] and len(answer[3]["answer"]["rows"]) == 21
        assert "beyond-end" in ask(daemon, "example", "counts", "--at-least", seqs[-1] + 1000, expect=1)
        # What concerns it not, it has read all the same: parrots want probes only.
        with Worker(daemon, name="parrot", program=parrot(), rules=None):
            last, = put_all(daemon, [case(999)])
            assert ask(daemon, "parrot", "status", "--at-least", last)["answer"]["cursor"] >= last


def test_reading_goes_on_while_it_is_asked(daemon):
    """A few hundred questions on their way, and events in between: all answered, nothing late or lost."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        wire = daemon.wire(client="asker")
        for wave in range(6):
            for n in range(60):         # 64 are the most that may wait
                wire.send(1, "ask", n + 1, {"service": "example", "question": {"name": "counts", "limit": 1000}, "timeout_ms": 60000})
                if n % 20 == 0:
                    put_all(daemon, [case(1000 * wave + n + k) for k in range(10)])
            answers = [wire.receive() for _ in range(60)]
            assert {a[2] for a in answers} == set(range(1, 61)) and {a[1] for a in answers} == {"answered"}
        settle(worker)
        worker.prove()


def test_asked_through_restarts(daemon):
    """The daemon is killed, the worker is killed: whoever asks again is answered; nothing is left over for a session that is gone."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1)])
        before = ask(daemon, "example", "counts", "--at-least", "now")["answer"]
        daemon.kill9()
        daemon.start()
        until_served(daemon, "example")
        assert before["rows"][0] in ask(daemon, "example", "counts")["answer"]["rows"]
        worker.kill9()
        said = ask(daemon, "example", "counts", expect=1)
        assert "no-service" in said or "service-lost" in said
        worker.start()
        until_served(daemon, "example")
        assert {"subject": "C-1", "events": 1} in ask(daemon, "example", "counts")["answer"]["rows"]


def until_served(daemon, service):
    deadline = time.monotonic() + PATIENCE_S
    client = daemon.client("until")
    client.hello()
    while not any(s["service"] == service for s in client.services()):
        assert time.monotonic() < deadline


# --- with the rights of its role

LISTED = """\
clients:
  - name: everybody-here
    uid: %d
    role: %s
"""


def relisted(daemon, role):
    """Everybody of this test has that role now."""
    before = daemon.stderr(1 << 30).count("the list of clients ")
    daemon.write_clients(LISTED % (os.getuid(), role))
    daemon.signal(signal.SIGHUP)
    deadline = time.monotonic() + PATIENCE_S
    while daemon.stderr(1 << 30).count("the list of clients ") == before:
        assert time.monotonic() < deadline


def test_the_rights_of_its_role_are_enough_and_not_more(start_daemon):
    """The example reads, concludes, is asked and rebuilt with its shipped role; what that does not say is refused, in the log too."""
    daemon = start_daemon(clients=LISTED % (os.getuid(), "admin"))
    with Worker(daemon, start=False) as worker:
        put_all(daemon, [case(n) for n in range(5)] + [assigned(n) for n in range(3)])
        relisted(daemon, "example")
        worker.start()
        worker.await_rules(daemon.client("rules"))
        wire = daemon.wire()
        rights = wire.hello()["rights"]
        assert rights["role"] == "example" and not rights["see_personal"] and not rights["operate"] and rights["ask"] == []
        mine = {"subject": "C-1", "data": {"obligation": "X1/C-1", "rule": "X1", "role": "cs_lead", "due": "2026-11-24T10:00:00Z", "level": 1}}
        for number, (source, type_, more, path) in enumerate([
                (worker.source, "case.assigned", {"subject": "C-1", "data": {"to": "clerk-1", "role": "clerk"}}, "type"),
                (worker.source, "case.escalated", {"subject": "C-1", "data": {"level": 1, "to": "cs_lead"}}, None),
                ("/estated/worker/escalate", "obligation.opened", mine, "source"), ("/estated", "obligation.opened", mine, "source")]):
            answer = wire.put(10 + number, packed(type=type_, source=source, **more))
            assert answer[1] == "nak" and (path is None or (answer[3]["name"], answer[3]["path"]) == ("forbidden", path)), answer
        assert wire.ask(1, "ask", 30, {"service": "example", "question": {"name": "status"}})[3]["name"] == "forbidden"
        assert wire.ask(1, "serve", 31, {"service": "escalate"})[3]["name"] == "forbidden"
        assert wire.ask(1, "backup", 32, {"path": "/tmp/x"})[3]["name"] == "forbidden"
        relisted(daemon, "admin")
        last, = put_all(daemon, [case(50)])
        assert ask(daemon, "example", "counts", "prefix=C-50", "--at-least", last)["answer"]["rows"] == [{"subject": "C-50", "events": 1}]
        worker.settle()
        assert len([d for d in worker.prove() if d["type"] == "obligation.opened"]) >= 1
        relisted(daemon, "example")
        worker.stop()
        worker.start("--rebuild")
        assert "different=0 not_in_log=0 only_in_log=0" in worker.stderr() and "cannot be asked" not in worker.stderr()
        relisted(daemon, "admin")


def test_who_may_not_answer_works_all_the_same(start_daemon):
    """And says that it cannot be asked."""
    daemon = start_daemon(clients=LISTED % (os.getuid(), "board") + """\
roles:
  - name: board
    put: ["**"]
    sources: ["*", "/estated/worker/*"]
    read: ["**"]
""")
    with Worker(daemon) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1)])
        worker.settle()
        worker.until_says("it cannot be asked")
        worker.prove()


def test_a_name_that_is_somebody_elses(start_daemon):
    """A worker whose name is taken stops and says whose it is; its role gives it the name back."""
    daemon = start_daemon(clients=LISTED % (os.getuid(), "dunning"), settings={"unlisted": "auditor"}, listen=["tcp://127.0.0.1:0"])
    stranger = daemon.wire(endpoint=daemon.endpoints[1])
    assert stranger.ask(1, "subscribe", 5, {"consumer": "example", "from": "new"})[1] == "subscribed"
    with Worker(daemon, start=False) as worker:
        assert "it is tcp:127.0.0.1's" in worker.refused()
        relisted(daemon, "example")
        worker.start()
        assert stranger.until("ended")[-1][3]["name"] == "taken-over"
        assert stranger.ask(1, "subscribe", 6, {"consumer": "example"})[3]["name"] == "forbidden"


def test_an_operator_cannot_move_a_worker_and_is_told(daemon):
    """Its state is its place: it ends, says so and what would make it begin anew, and started again goes on."""
    with Worker(daemon, start=False) as worker:
        for order in ({"do": "reset", "to": "first"}, {"do": "delete"}):
            worker.start()
            client = daemon.client("operator")
            client.hello()
            worker.await_rules(daemon.client("rules"))
            worker.settle()
            wire = daemon.wire()
            wire.until_answer(1, "consumer", 7, {"name": "example", **order})
            assert worker.wait() == 3
            assert "goes on behind event" in worker.stderr() and "--rebuild" in worker.stderr()
        worker.start()
        worker.settle()
        worker.prove()


# --- a daemon that takes no conclusions

def test_a_full_outbox_stops_reading(start_daemon, tmp_path):
    """Its disk is full, but it goes on telling events: the worker stops reading, goes on being asked, over a restart too, and lets nothing out."""
    daemon, count = start_daemon(), 25000
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(json.dumps(case(n, "probe.recorded", {"n": n})) + "\n" for n in range(count)), encoding="utf-8")
    daemon.estate("put", "--batch", "1000", str(path))
    daemon.stop()
    full = start_daemon(data=daemon.data, settings={"disk_reserve": "900GiB"})
    put_all(full, [case(1)])
    while json.loads(full.estate("status", "--json").stdout)["state"] != "disk-full":       # room is measured behind what was stored
        pass
    worker = Worker(full, name="parrot", program=parrot(), rules=None)
    with worker:
        worker.until_says("reading stops until it does")
        status = ask(full, "parrot", "status")["answer"]
        assert 16384 <= status["outbox_events"] < 16384 + 3 * 2048 and status["cursor"] < count and status["backlog_events"] > 0
        worker.kill9()
        worker.start()
        until_served(full, "parrot")
        again = ask(full, "parrot", "status")["answer"]
        assert again["cursor"] == status["cursor"] and again["outbox_events"] == status["outbox_events"]
        full.stop()
        roomy = start_daemon(data=daemon.data)
        worker.stop()
        worker.daemon = roomy
        worker.start()
        worker.settle()
        assert len(worker.prove()) > count


# --- figures

def test_status_says_how_it_stands(daemon):
    with Worker(daemon, rules=SLOW) as worker:
        at = worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(3)])[-1]
        settle(worker)
        status = ask(daemon, "example", "status", "--at-least", "now")["answer"]
        assert status["cursor"] >= last and status["timers_pending"] >= 3 and status["parked_items"] == status["refused_events"] == 0
        assert status["connected"] == 1 and status["rebuild_target"] == 0 and status["release"] and status["state_version"] == 1
        assert status["in_force"][0]["kind"] == "rules" and status["in_force"][0]["since_event"] == at and len(status["in_force"][0]["digest"]) == 64
        assert status["next_timer"] > status["log_time"] > status["start"]


def page_of(path, condition):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with open(path, "rb") as file:
                families = openmetrics.check_classic(file.read())
            if condition(families):
                return families
        except FileNotFoundError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


def value(families, name, **labels):
    found, = [s.value for s in families[name].samples if s.labels == labels]
    return found


def test_the_page_of_metrics(daemon, tmp_path):
    """Right by the format and by the conventions, whole at each moment, gone with the worker; what it says is what status says."""
    path = str(tmp_path / "example.prom")
    with Worker(daemon, rules=SLOW, start=False) as worker:
        worker.start("--metrics", path)
        worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(3)])[-1]
        families = page_of(path, lambda f: value(f, "estate_worker_cursor", worker="example") >= last)
        for name, family in families.items():
            assert name.startswith("estate_worker_") and family.type in ("counter", "gauge") and family.help and not family.help.endswith("."), name
            assert (family.type == "counter") == any(s.name.endswith("_total") for s in family.samples), name
            assert not re.search(r"_(ns|ms|us|nanoseconds|milliseconds|kib|percent)(_|$)", name), name
            assert all(s.labels["worker"] == "example" for s in family.samples)
        status = ask(daemon, "example", "status")["answer"]
        assert value(families, "estate_worker_timers_pending", worker="example") == status["timers_pending"] >= 3
        assert value(families, "estate_worker_build_info", worker="example", version=status["release"], state_version="1") == 1
        digest = status["in_force"][0]["digest"]
        assert value(families, "estate_worker_in_force_info", worker="example", kind="rules", digest=digest) == 1
        assert value(families, "estate_worker_start_timestamp_seconds", worker="example") == pytest.approx(time.time(), abs=600)
        assert b"C-1" not in open(path, "rb").read()
        worker.stop()
        assert not os.path.exists(path)
        # A page that cannot be written stops nothing.
        worker.start("--metrics", str(tmp_path / "missing" / "x.prom"))
        put_all(daemon, [case(9)])
        settle(worker)
        worker.until_says("the page of metrics cannot be written")
        worker.prove()
