"""/metrics and /healthz: a checker that is proven with the cases of the formats' own projects, and then the daemon's pages."""
import base64
import gzip
import json
import math
import os
import random
import re
import time
import urllib.error
import urllib.request

import pytest

import daemon as harness
import openmetrics
from test_worker import wallclock_library  # noqa: F401: a fixture

ODD = ["a.b", "a:b/c-d_e", "-", "..", "x" * 64, "0", "le", "A"]


def cases(shared_data, name):
    with open(os.path.join(shared_data("openmetrics"), name), encoding="utf-8") as file:
        return json.load(file)


def verdict(check, page):
    try:
        check(page)
    except ValueError as e:
        return str(e)
    return None


# --- the checker

def test_the_checker_tells_right_from_wrong(shared_data):
    """Every case of OpenMetrics: what must be accepted is, what must be refused is, with a reason."""
    them = cases(shared_data, "openmetrics_parser_cases.json")
    expected = cases(shared_data, "expected.json")["should_parse"]
    assert {str(b): sum(case["shouldParse"] is b for case in them) for b in (True, False)} == expected
    wrong = {case["name"]: said for case in them
             if ((said := verdict(openmetrics.check, base64.b64decode(case["metrics_b64"]))) is None) != case["shouldParse"]}
    assert wrong == {}


def test_the_checker_refuses_the_errors_of_the_classic_format(shared_data):
    them = [case for case in cases(shared_data, "prometheus_expfmt_corpus.json") if not case["should_parse"]]
    assert them and [case["name"] for case in them if verdict(openmetrics.check_classic, base64.b64decode(case["text_b64"])) is None] == []


def test_the_checker_reads_a_real_page(shared_data):
    """A scrape of everything there is: one family clashes there, a gauge whose name is that of a counter without _total.  The rest is right."""
    with gzip.open(os.path.join(shared_data("openmetrics"), "alltypes.237mfs.prom.txt.gz"), "rt", encoding="utf-8") as file:
        text = file.read()
    facts = cases(shared_data, "expected.json")["alltypes_file"]
    text = text.removesuffix("# EOF\n")
    assert "go_memstats_alloc_bytes" in verdict(openmetrics.check_classic, text)
    text, removed = re.subn(r"^(?:# (?:HELP|TYPE) )?go_memstats_alloc_bytes .*\n", "", text, flags=re.M)
    families = openmetrics.check_classic(text)
    assert removed == 3 and len(families) == facts["TYPE_lines"] - 1
    assert sum(len(f.samples) for f in families.values()) == facts["sample_lines"] - 1


# --- the daemon

def fetch(daemon, path, accept=None, status=200):
    request = urllib.request.Request(daemon.http + path, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == status
            return answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as e:
        assert e.code == status
        return e.read(), e.headers["Content-Type"]


OPEN = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"


def both(daemon):
    """Both pages, checked against the formats and the conventions; the families by name."""
    classic, kind = fetch(daemon, "/metrics")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    page, kind = fetch(daemon, "/metrics", OPEN)
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families, same = openmetrics.check(page), openmetrics.check_classic(classic)
    assert {n: (f.type, f.help, [s[:2] for s in f.samples]) for n, f in families.items()} == \
        {n: (f.type, f.help, [s[:2] for s in f.samples]) for n, f in same.items()}
    for name, family in families.items():
        assert name.startswith("estate_") and family.type in ("counter", "gauge") and family.help and family.samples, name
        assert name == name.lower() and not family.help.endswith("."), name
        assert not re.search(r"_(ns|ms|us|nanoseconds|milliseconds|minutes|hours|days|kib|mib|kilobytes|percent|total)(_|$)", name), name
        unit = re.search(r"_(seconds|bytes)$", name)
        assert family.unit == (unit[1] if unit else None), name
        assert not re.search(r"_(seconds|bytes)_", name), f"{name}: the unit is last"
        assert all(math.isfinite(s.value) for s in family.samples)
    return families


def value(families, name, **labels):
    found, = [s.value for s in families[name].samples if s.labels == labels]
    return found


def test_the_page_of_an_empty_log(start_daemon):
    families = both(start_daemon(http=True))
    assert value(families, "estate_last_seq") == 1 and "estate_consumer_cursor" not in families
    assert value(families, "estate_build_info", version="0.1.0") == 1


def test_the_page_under_load_with_odd_names(start_daemon):
    """Consumers whose names have everything that names may have, refusals, a thousand events; counters only rise, and fit the log."""
    daemon = start_daemon(http=True)
    readers = [daemon.wire(client=f"r{n}") for n in range(len(ODD))]
    for reader, name in zip(readers, ODD):
        assert reader.ask(1, "subscribe", 3, {"consumer": name, "from": "first", "events": 1, "bytes": 100000})[1] != "nak", name
    before = both(daemon)
    client = daemon.client()
    client.hello()
    rng = random.Random(3)
    events = [harness.estate.pack({"specversion": "1.0", "id": f"m-{n}", "source": "/t", "type": "probe.recorded",
                                   "data": {"text": "x" * rng.randrange(2000)}}) for n in range(1000)]
    assert all(r.fault is None for r in client.put_many(iter(events)))
    refused = daemon.wire()
    for n in range(3):
        assert refused.ask(1, "put", 10 + n, [b"\x80"])[1] == "nak"
    after = both(daemon)
    for name, family in before.items():
        if family.type == "counter":
            for s in family.samples:
                assert value(after, name, **s.labels) >= s.value, name
    assert value(after, "estate_events_stored") - value(before, "estate_events_stored") == 1000
    assert value(after, "estate_written_bytes") > value(before, "estate_written_bytes") + sum(map(len, events)) / 2
    assert 0 < value(after, "estate_flush_seconds") < 60
    assert value(after, "estate_log_time_timestamp_seconds") > 1.7e9
    assert sum(s.value for s in after["estate_refusals"].samples) - sum(s.value for s in before["estate_refusals"].samples) == 3
    last = value(after, "estate_last_seq")
    assert {s.labels["consumer"] for s in after["estate_consumer_cursor"].samples} == set(ODD)
    for name in ODD:
        assert value(after, "estate_consumer_backlog_events", consumer=name) == last - value(after, "estate_consumer_cursor", consumer=name)
        assert value(after, "estate_consumer_backlog_seconds", consumer=name) > 0
        assert value(after, "estate_consumer_connected", consumer=name) == 1


def test_personal_data_is_in_no_page(start_daemon):
    daemon = start_daemon(http=True)
    client = daemon.client()
    client.hello()
    client.put(harness.estate.pack({"specversion": "1.0", "id": "p-1", "source": "/t", "type": "probe.recorded", "subject": "seeded-subject",
                                    "data": {"text": "seeded-text"}}))
    for path in ("/metrics", "/healthz"):
        assert b"seeded" not in fetch(daemon, path)[0]


# --- /healthz

def health(daemon, status):
    return json.loads(fetch(daemon, "/healthz", status=status)[0])


def test_health(start_daemon):
    daemon = start_daemon(http=True)
    assert health(daemon, 200) == {"status": "ok", "reason": "", "last_seq": 1}


def test_a_full_disk_is_no_health(start_daemon):
    daemon = start_daemon(http=True, settings={"disk_reserve": "900GiB"})
    client = daemon.client()
    client.hello()
    client.put({"specversion": "1.0", "id": "f", "source": "/t", "type": "probe.recorded", "data": {}})
    deadline = time.monotonic() + 30
    while json.loads(daemon.estate("status", "--json").stdout)["state"] != "disk-full":     # room is measured behind what was stored
        assert time.monotonic() < deadline
    body = health(daemon, 503)
    assert body["status"] == "disk-full" and "make room" in body["reason"]
    both(daemon)


def test_a_jumped_clock_is_no_health(start_daemon, tmp_path, wallclock_library):
    clock = tmp_path / "clock"
    clock.write_text("0")
    daemon = start_daemon(http=True, preload=wallclock_library, env={"WALLCLOCK": str(clock)})
    clock.write_text("3600")
    event = {"specversion": "1.0", "id": "j", "source": "/t", "type": "probe.recorded", "data": {}}
    client = daemon.client()
    client.hello()
    client.put(harness.estate.pack(event))
    body = health(daemon, 503)
    assert body["status"] == "clock-jumped" and "estate clock accept" in body["reason"]
    assert value(both(daemon), "estate_clock_jump_seconds") == pytest.approx(3600, abs=5)
    daemon.estate("clock", "accept")
    assert health(daemon, 200)["status"] == "ok"


def test_a_consumer_beyond_its_limit_is_not_the_daemons_health(start_daemon):
    """It is on the page instead: nothing that is done to the daemon mends it."""
    daemon = start_daemon(http=True, settings={"consumer_lag_bytes": 1})
    reader = daemon.wire(client="reader")
    reader.ask(1, "subscribe", 3, {"consumer": "slow", "from": "first", "events": 1, "bytes": 1000})
    assert health(daemon, 200)["status"] == "ok"
    assert value(both(daemon), "estate_consumer_connected", consumer="slow") == 1
