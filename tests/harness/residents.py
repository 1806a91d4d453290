"""Residents who complain and are or are not attended to: load for a worker with deadlines.

    residents.py ENDPOINT NAME COUNT SEED

Cases open several at the same instant, so that their deadlines are one instant too; some are told of seconds or hours late, some are
settled in time; one event in twenty is sent twice.  Writes `acks N` on stdout now and then.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))

import estate  # noqa: E402

MS = 1_000_000


def instant(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 1_000_000_000)) + f".{ns % 1_000_000_000:09d}Z"


def events(name, count, seed):
    rng = random.Random(seed)
    open_cases, number = [], 0
    while number < count:
        # One instant for a handful of cases: now, cut to a tenth of a second, or long ago.
        ago = rng.choice([0, 0, 0, 0, 200 * MS, 5_000 * MS, 3 * 3600_000 * MS])
        at = (time.time_ns() - ago) // (100 * MS) * (100 * MS)
        for _ in range(rng.randint(1, 6)):
            number += 1
            settle = open_cases and rng.random() < 0.4
            case, opened = open_cases.pop(rng.randrange(len(open_cases))) if settle else (f"{name}-{number}", rng.choice(["complaint", "repair"]))
            event = {"specversion": "1.0", "id": f"{seed}-{number:06d}", "source": f"/test/{name}", "subject": case}
            if rng.random() < 0.95:
                event["time"] = instant(at)
            if not settle:
                open_cases.append((case, opened))
            if opened == "complaint":
                event.update({"type": "case.assigned", "data": {"to": "clerk-1", "role": "clerk"}} if settle else
                             {"type": "complaint.opened", "data": {"category": "noise", "severity": "ordinary", "via": "phone"}})
            else:
                event.update({"type": "repair.finished", "data": {"by": "eng-1", "in_home": False}} if settle else
                             {"type": "repair.requested", "data": {"trade": "plumbing", "in_home": False}})
            packed = estate.pack(event)
            yield packed
            if rng.random() < 0.05:
                yield packed


def main():
    endpoint, name, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    client = estate.Client(endpoint, name, patience=0.3, timeout=60, window=16)
    client.hello()
    for number, receipt in enumerate(client.put_many(events(name, count, seed))):
        assert receipt.fault is None, receipt.fault
        if number % 16 == 0:
            print("acks", number, flush=True)
    client.close()


if __name__ == "__main__":
    main()
