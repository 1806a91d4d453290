"""A client that puts numbered events until it has put them all, whatever happens to the daemon meanwhile.

    producer.py ENDPOINT NAME COUNT ACKS [--size N] [--same]

Writes `id sequence-number duplicate` to the file ACKS for each receipt, and `acks N` on stdout now and then, so that whoever watches
can act at a random amount of progress.  --same: put everything twice, one right after the other, as a client in doubt would.
"""
import argparse
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))

import estate  # noqa: E402


def event(name, number, size):
    """The same bytes for the same name and number.  Every fifth holds personal data of somebody new."""
    filler = hashlib.shake_128(f"{name} {number}".encode()).hexdigest(size // 2)
    if number % 5 == 0:
        return estate.pack({"specversion": "1.0", "id": f"{number:08d}-{name}", "source": f"/test/{name}", "type": "case.replied",
                            "subject": f"case-{name}-{number}", "data": {"by": "clerk-1", "text": filler}})
    return estate.pack({"specversion": "1.0", "id": f"{number:08d}-{name}", "source": f"/test/{name}", "type": "probe.recorded",
                        "subject": f"c-{number % 97}", "data": {"n": number, "text": filler}})


def main():
    options = argparse.ArgumentParser()
    options.add_argument("endpoint")
    options.add_argument("name")
    options.add_argument("count", type=int)
    options.add_argument("acks")
    options.add_argument("--size", type=int, default=120)
    options.add_argument("--window", type=int, default=64)
    options.add_argument("--same", action="store_true")
    o = options.parse_args()
    events = (event(o.name, number, o.size) for number in range(o.count) for _ in range(2 if o.same else 1))
    ids = (f"{number:08d}-{o.name}" for number in range(o.count) for _ in range(2 if o.same else 1))
    client = estate.Client(o.endpoint, o.name, patience=0.3, timeout=60, window=o.window)
    client.hello()
    with open(o.acks, "w", encoding="ascii") as acks:
        for number, (receipt, name) in enumerate(zip(client.put_many(events), ids)):
            assert receipt.fault is None, receipt.fault
            acks.write(f"{name} {receipt.seq} {int(receipt.duplicate)}\n")
            if number % 16 == 0:
                acks.flush()
                print("acks", number, flush=True)
    client.close()


if __name__ == "__main__":
    main()
