"""What grows with the log and what must not: start-up, memory, bytes on disk.  Prints figures; asserts only that nothing is out of hand.

10,000 events in make test; 10,000, 1 million and 10 million with ESTATE_LONG=1 (some GB below the temporary folder, removed afterwards).
Beside them a generated estate, whose names, phones and texts are sealed: some days of it, or its year of 1.2 million events.
"""
import os
import sys

import pytest

import daemon as harness

sys.path.insert(0, os.path.join(harness.REPOSITORY, "tests", "bench"))
import scale  # noqa: E402

LONG = bool(os.environ.get("ESTATE_LONG"))
SIZES = [10_000, 1_000_000, 10_000_000] if LONG else [10_000]
HOUSEHOLDS, DAYS = (3000, 365) if LONG else (300, 10)


@pytest.mark.parametrize("put,size", [*((scale.put_bench, size) for size in SIZES), (scale.put_estate(DAYS), HOUSEHOLDS)],
                         ids=[*(f"events-{size}" for size in SIZES), f"households-{HOUSEHOLDS}"])
def test_scale(put, size, record_property):
    f = scale.measure(put, size)
    for what, figure in scale.words(f):
        record_property(what, figure)
        print(f"{what}: {figure}")
    assert f["start, clean"] < 5 and f["start, killed"] < 30, "a start takes what waits in the journal, not what the log holds"
    assert f["memory, idle"] < 256 << 20 and f["memory, restarted"] < 64 << 20
    assert f["log"] + f["keys"] < 2 * f["payload"] + (1 << 20)
