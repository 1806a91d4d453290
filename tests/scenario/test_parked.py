"""estate parked: what workers could not take, why, and the replay of it, with the example worker and with events by hand."""
import json
import os
import subprocess

import daemon as harness
from test_worker import case, put_all
from worker import RULES, Worker, rules_folder


def listed(daemon, *more):
    return [json.loads(line) for line in daemon.estate("parked", *more, "--json").stdout.splitlines()]


def test_nothing_is_parked(daemon):
    assert listed(daemon) == []
    assert daemon.estate("parked").stdout == "nothing is parked\n"
    assert "estate parked lists what is" in daemon.estate("parked", "show", 1, expect=1).stderr
    assert "not parked by example" in daemon.estate("parked", "replay", "example", 1, "--reason", "x", expect=1).stderr


def test_wrong_words(daemon):
    for words, says in ((["shwo"], "list, show SEQ"), (["show"], "list, show SEQ"), (["show", "x"], "SEQ"), (["replay", "example", "0", "--reason", "x"], "SEQ"),
                        (["replay", "example", "1"], "--reason TEXT stays"), (["list", "--reason", "x"], "belongs to replay"),
                        (["replay", "example", "1", "--reason", "x", "--worker", "y"], "list, show SEQ")):
        assert says in daemon.estate("parked", *words, expect=2).stderr


def test_a_worker_parks_and_an_operator_replays(daemon):
    """A wrong rule parks an event; a replay too early parks it again; one after it was mended takes it, and the list is empty."""
    with Worker(daemon, rules=RULES.replace("role: cs_lead", "role: wizard")) as worker:
        worker.await_rules(daemon.client("rules"))
        bad, _ = put_all(daemon, [case(1), case(2, "repair.requested", {"trade": "plumbing", "in_home": False})])
        worker.settle()
        one, = listed(daemon)
        assert (one["event"], one["worker"], one["times"]) == (bad, "example", 1) and "role" in one["reason"]
        assert listed(daemon, "--worker", "example") == [one] and listed(daemon, "--worker", "other") == []
        table = daemon.estate("parked").stdout
        assert str(bad) in table and "example" in table and "role" in table
        shown = daemon.estate("parked", "show", bad).stdout
        assert "complaint.opened" in shown and "C-1" in shown and "role" in shown and "role" not in shown.split("example")[0]
        # Too early.
        answer = json.loads(daemon.estate("parked", "replay", "example", bad, "--reason", "hoping", "--json").stdout)
        worker.settle()
        again, = listed(daemon)
        assert (again["event"], again["times"]) == (bad, 2) and again["parked"] > answer["seq"] > one["parked"]
        event = json.loads(daemon.estate("get", answer["seq"], "--json").stdout)
        assert (event["type"], event["subject"], event["source"], event["id"]) == ("worker.replayed", "example", "/estate/operator", f"replay-{one['parked']}")
        assert event["data"] == {"event": bad, "reason": "hoping", "by": f"uid:{os.getuid()}"}
        # Mended.
        worker.stop()
        worker.rules = rules_folder(worker.folder, RULES)
        worker.start()
        worker.await_rules(daemon.client("rules2"))
        seq = json.loads(daemon.estate("parked", "replay", "example", bad, "--reason", "the rule names a role", "--json").stdout)["seq"]
        assert listed(daemon) == [], "from the replay on, until the worker parks it again"
        worker.settle()
        assert listed(daemon) == []
        assert [d["subject"] for d in worker.prove() if d["causation"] == str(seq) and d["type"] == "obligation.opened"] == ["C-1"]
        assert "is not parked" in daemon.estate("parked", "replay", "example", bad, "--reason", "again", expect=1).stderr
        assert "未被搁置" in zh(daemon, "show", bad).stderr


def zh(daemon, *words):
    return subprocess.run([harness.program("estate"), "parked", *map(str, words)], capture_output=True, text=True, check=False, timeout=30,
                          env={**os.environ, "LC_ALL": "zh_CN.UTF-8", "ESTATE_ENDPOINT": daemon.endpoint})


def by_hand(kind, number, event, time=None, worker="hand"):
    timed = {"time": time} if time else {}
    return {"specversion": "1.0", "id": f"{kind}-{number}", "source": "/estated/worker/hand", "type": f"worker.{kind}", "subject": worker,
            "data": {"event": event, "reason": f"{kind} {number}"}, **timed}


def test_what_a_replay_ends(daemon):
    """What was parked before it, even if the log has that behind it; not what was parked as of it, nor a timer due later."""
    client = daemon.client("hand")
    client.hello()

    def put(*what):
        return client.put(harness.estate.pack(by_hand(*what))).seq
    first, = put_all(daemon, [case(1)])
    put("parked", 1, first, "2026-01-01T00:00:00Z")
    put("parked", 2, first, "2026-01-02T00:00:00Z")
    put("parked", 3, first + 1, "2026-01-02T00:00:00Z")
    put("replayed", 1, 4711)                # of what was never parked
    assert [(p["event"], p["times"]) for p in listed(daemon)] == [(first, 2), (first + 1, 1)]
    replayed = put("replayed", 2, first)
    assert [p["event"] for p in listed(daemon)] == [first + 1]
    put("parked", 4, first, "2026-01-03T00:00:00Z")         # before the replay, and late in the log
    assert [p["event"] for p in listed(daemon)] == [first + 1]
    at = json.loads(daemon.estate("get", replayed, "--json").stdout)["logtime"]
    put("parked", 5, first, at)                             # as of the replay
    assert [(p["event"], p["reason"]) for p in listed(daemon)] == [(first, "parked 5"), (first + 1, "parked 3")]
    # The same number of two workers is two things.
    client.put(harness.estate.pack(by_hand("parked", 6, first, worker="other")))
    assert [(p["event"], p["worker"]) for p in listed(daemon)] == [(first, "hand"), (first + 1, "hand"), (first, "other")]
    assert daemon.estate("parked", "show", first).stdout.count("parked ") == 2
    assert "worker.replayed" not in daemon.estate("parked", "list").stdout


def test_only_operators_replay(start_daemon):
    uid = os.getuid()
    rows = "clients:\n  - name: me\n    uid: %d\n    role: %s\n"
    daemon = start_daemon(clients=rows % (uid, "admin"))
    client = daemon.client("hand")
    client.hello()
    seq = client.put(harness.estate.pack({**by_hand("parked", 1, 1, "2026-01-01T00:00:00Z")})).seq
    daemon.write_clients(rows % (uid, "auditor"))
    daemon.restart()
    assert [p["parked"] for p in listed(daemon)] == [seq]
    assert "forbidden" in daemon.estate("parked", "replay", "hand", 1, "--reason", "x", expect=1).stderr
    daemon.write_clients(rows % (uid, "operator"))
    daemon.restart()
    answer = json.loads(daemon.estate("parked", "replay", "hand", 1, "--reason", "x", "--json").stdout)
    assert json.loads(daemon.estate("get", answer["seq"], "--json").stdout)["data"]["by"] == "me"
    assert listed(daemon) == []
