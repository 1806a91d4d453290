"""Acceptance: the whole incident log of a real service desk goes in and comes out, byte for byte, in order, once."""
import hashlib
import itertools
import random

import estate
import incidents
import pytest

EVENTS = 141_712


def digest(event):
    return hashlib.sha256(event).digest()


@pytest.fixture
def events(shared_data):
    """Every event, packed once."""
    packed = [estate.pack(e) for e in incidents.events(shared_data("incidents"))]
    assert len(packed) == EVENTS
    return packed


def changed(event):
    """The same identity with another content."""
    fields = estate.unpack(event)
    fields["data"]["reassignments"] += 1
    return estate.pack(fields)


def test_every_incident_comes_back_as_it_was_put(start_daemon, events):
    daemon = start_daemon(settings={"journal_segment": "16MiB", "journal_segments": 4})
    client = daemon.client()
    put = [digest(e) for e in events]

    # In, pipelined.  The times are of years ago: kept, with a warning.
    originals = []
    for receipt, event in itertools.zip_longest(client.put_many(events), events):
        assert receipt.event is event and receipt.fault is None and not receipt.duplicate
        assert receipt.warnings == [("time-implausible", "time")]
        originals.append(receipt.seq)
    assert originals == list(range(originals[0], originals[0] + EVENTS))

    # Out, to another client.
    reader = daemon.client("reader")
    delivered = [(d.seq, digest(d.event), d.flags) for d in reader.subscribe("first", type=["incident.changed"], until_end=True)]
    assert [seq for seq, _, _ in delivered] == originals
    assert [bytes_ for _, bytes_, _ in delivered] == put
    assert all(flags == 1 for _, _, flags in delivered)

    # Again: nothing is stored twice, and every ack carries the original number.
    last = client.ping()["last"]
    again = 0
    for receipt, original in itertools.zip_longest(client.put_many(events), originals):
        assert receipt.duplicate and receipt.seq == original
        again += 1
    assert again == EVENTS and client.ping()["last"] == last
    status = client.status()
    assert status["duplicates_total"] == EVENTS and status["conflicts_total"] == 0

    # The same identities with another content.
    for index in random.Random(1).sample(range(EVENTS), 100):
        with pytest.raises(estate.Fault) as refused:
            client.put(changed(events[index]))
        assert refused.value.name == "id-conflict"
    assert client.ping()["last"] == last
    assert client.status()["conflicts_total"] == 100
