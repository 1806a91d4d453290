#!/usr/bin/python3
"""Makes the seed corpora anew: tests/fuzz/corpus/event and tests/fuzz/corpus/frame.

    make && tests/fuzz/seed.py

Events: the first of each type of an invented estate's month, and envelopes with every attribute and kind of value.  Frames: every request of
PROTOCOL.md, good and refused, and sequences of them as the target reads them, with 0xc1 in between.  What was kept of finds (files whose
names begin with `find-`) stays.
"""
import datetime
import glob
import json
import os
import subprocess

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
ESTATE = os.path.join(HERE, "..", "..", "build", "bin", "estate")
EVENT_FILES_MAX = 60
FIRST_ASK = (1 << 52) + (1 << 51)
BASE = {"specversion": "1.0", "id": "a1", "source": "/k", "type": "probe.recorded", "data": {"n": 7}}
INSTANT = datetime.datetime(2026, 11, 23, 8, 0, 0, 123000, datetime.timezone.utc)


def packed(event):
    return msgpack.packb(event, datetime=True)


def estate_events():
    """The first event of each type that the generator writes."""
    lines = subprocess.run([ESTATE, "generate", "--households", "150", "--from", "2026-11-01", "--days", "20", "--seed", "1"],
                           capture_output=True, check=True).stdout.splitlines()
    first = {}
    for line in lines:
        event = json.loads(line)
        first.setdefault(event["type"], event)
    return first


def event_files():
    full = {**BASE, "time": INSTANT, "subject": "c-1", "site": "east", "causation": "a0", "correlation": "x:1", "urgency": "urgent",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "datacontenttype": "application/msgpack",
            "dataschema": "https://example.org/1", "myextension": 3.5}
    files = {
        "envelope-full": packed(full),
        "envelope-time-text": packed({**BASE, "time": "2026-11-23T08:00:00.5+08:00"}),
        "envelope-time-32": packed({**BASE, "time": msgpack.Timestamp(1)}),
        "envelope-time-96": packed({**BASE, "time": msgpack.Timestamp(-1, 5)}),
        "envelope-extensions": packed({**BASE, "a": True, "b": b"\x00\xc1", "c": -1, "d": 1 << 63, "e": 1.5, "f": "水"}),
        "envelope-no-data": packed({k: v for k, v in BASE.items() if k != "data"}),
        "envelope-unknown-field": packed({**BASE, "data": {"n": 1, "deep": [[[[{"a": None}]]]]}}),
        "envelope-unknown-type": packed({**BASE, "type": "probe.recordet"}),
        "envelope-twice": b"\x82\xa2id\xa1a\xa2id\xa1a",
    }
    for kind, event in sorted(estate_events().items()):
        files[kind] = packed(event)
    assert len(files) <= EVENT_FILES_MAX, len(files)
    return files


def frame_files():
    one = packed(BASE)
    other = packed({**BASE, "id": "a2", "subject": "c-1"})
    requests = {
        "hello": [1, "hello", 1, {"client": "kiosk-3", "software": "kiosk 1.2"}],
        "hello-cursor": [1, "hello", 1, {"client": "k", "log": "5e0f0000-0000-4000-8000-000000000000", "epoch": 1, "cursor": 3}],
        "hello-bad-name": [1, "hello", 1, {"client": "not a name"}],
        "ping": [1, "ping", 2],
        "bye": [1, "bye", 3],
        "put": [1, "put", 4, [one]],
        "put-two": [1, "put", 5, [one, other]],
        "puts": [1, "puts", 6, [one, other, one]],
        "put-none": [1, "put", 7, []],
        "put-bad-event": [1, "put", 8, [one, b"\x81\xa2id\x01"]],
        "put-text": [1, "put", 9, ["no bin"]],
        "resume": [1, "resume", 10],
        "subscribe-first": [1, "subscribe", 11, {"from": "first", "events": 1000, "bytes": 1 << 20}],
        "subscribe-new": [1, "subscribe", 12, {"from": "new", "progress": False}],
        "subscribe-seq": [1, "subscribe", 13, {"from": {"seq": 1}, "events": 1, "bytes": 1}],
        "subscribe-time": [1, "subscribe", 14, {"from": {"time": 1790000000000000000}, "events": 9, "bytes": 999}],
        "subscribe-last": [1, "subscribe", 15, {"from": {"last": 5}, "events": 0}],
        "subscribe-filters": [1, "subscribe", 16, {"type": ["complaint.*", "**"], "subject": ["c-1"], "source": ["/k"],
                                                   "urgency": ["urgent", "routine"], "log": "x", "epoch": 1}],
        "subscribe-bad-pattern": [1, "subscribe", 17, {"type": ["a.**.b"]}],
        "credit": [1, "credit", 11, 5, 1000],
        "subscribe-consumer": [1, "subscribe", 18, {"consumer": "stats", "events": 9, "bytes": 999}],
        "subscribe-member": [1, "subscribe", 19, {"consumer": "stats", "from": {"seq": 1}, "cursor": 0, "member": 1790000000000000000}],
        "ack": [1, "ack", 18, 0],
        "wake": [1, "wake", 18, 1790000000000000000],
        "serve": [1, "serve", 30, {"service": "stats"}],
        "ask": [1, "ask", 31, {"service": "stats", "question": {"name": "rates", "days": 3}, "at_least": 0, "timeout_ms": 900, "page": "p"}],
        "answer": [1, "answer", FIRST_ASK, {"answer": msgpack.packb({"a": [{"b": {"~personal": "x"}}, 1.5]}), "next": "n", "seq": 7}],
        "answer-bad": [1, "answer", FIRST_ASK + 1, {"answer": msgpack.packb({"a": {"~persnal": "x"}})}],
        "answer-refused": [1, "answer", FIRST_ASK + 2, {"refused": "not-found", "path": "a", "detail": "b"}],
        "services": [1, "services", 32],
        "unserve": [1, "unserve", 30],
        "consumers": [1, "consumers", 20],
        "consumer-reset": [1, "consumer", 21, {"name": "stats", "do": "reset", "to": {"seq": 1}, "reason": "r"}],
        "unsubscribe": [1, "unsubscribe", 11],
        "get": [1, "get", 18, {"seq": 1}],
        "get-none": [1, "get", 19, {"seq": 1 << 60}],
        "status": [1, "status", 20],
        "backup": [1, "backup", 21, {"path": "/nowhere"}],
        "clock-accept": [1, "clock-accept", 22],
        "version-2": [2, "hello", 23, {}],
        "unknown-verb": [1, "teleport", 24],
        "number-text": [1, "ping", "25"],
        "too-many": [1, "ping", 26, 27],
    }
    files = {name: msgpack.packb(request) for name, request in requests.items()}
    files["map"] = msgpack.packb({"verb": "ping"})
    files["left-over"] = files["ping"] + b"\xc0"
    files["cut"] = files["put"][:20]

    def sequence(*names):
        return b"\xc1".join(files[name] for name in names)

    files["talk-put"] = sequence("put", "puts", "put-bad-event", "put-two")
    files["talk-subscribe"] = sequence("subscribe-first", "credit", "put", "subscribe-filters", "unsubscribe")
    files["talk-consumer"] = sequence("subscribe-consumer", "ack", "wake", "subscribe-member", "ack", "consumers", "consumer-reset")
    files["talk-ask"] = sequence("serve", "ask", "ask", "ask", "ask", "answer", "answer-bad", "services", "answer-refused", "answer", "unserve", "ask")
    files["talk-twice"] = sequence("subscribe-first", "subscribe-first", "hello", "subscribe-first", "bye", "ping")
    files["talk-all"] = sequence("ping", "put", "get", "status", "subscribe-new", "credit", "resume", "bye", "put", "hello", "put")
    return files


def write(kind, files):
    folder = os.path.join(HERE, "corpus", kind)
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(os.path.join(folder, "*")):
        if not os.path.basename(path).startswith("find-"):
            os.unlink(path)
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    print(f"{kind}: {len(files)} files, {sum(map(len, files.values()))} bytes")


if __name__ == "__main__":
    write("event", event_files())
    write("frame", frame_files())
