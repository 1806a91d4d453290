"""A program that hands lines over to an Outbox of estate.py and sends them, as `estate outbox put --send` does for libestate's.

    outbox_producer.py BOX ENDPOINT

Reads events as JSON lines from stdin, and writes {"line": N, "entry": M} for each on stdout once it is durable.  Ends when stdin has ended and
nothing is pending.
"""
import json
import os
import select
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))

import estate  # noqa: E402


def main():
    path, endpoint = sys.argv[1:]
    client = estate.Client(endpoint, "outbox-py", patience=0.3, timeout=0.5)
    rest, lines, ended = b"", 0, False
    with estate.Outbox(path) as outbox:
        while not ended or outbox.counts()["pending"]["entries"]:
            while not ended and select.select([0], [], [], 0 if outbox.counts()["pending"]["entries"] else None)[0]:
                piece = os.read(0, 65536)
                ended = not piece
                *whole, rest = (rest + piece).split(b"\n")
                if whole:
                    for entry in outbox.put_all(json.loads(line) for line in whole):
                        lines += 1
                        print(json.dumps({"line": lines, "entry": entry}))
                    sys.stdout.flush()
            try:
                for _ in outbox.send(client):
                    pass
            except estate.NoAnswer:
                pass
    client.close()


if __name__ == "__main__":
    main()
