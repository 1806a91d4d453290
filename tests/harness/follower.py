"""A tail that follows the log from the first event until it has seen a marker, whatever happens to the daemon meanwhile.

    follower.py ENDPOINT NAME MARKER-ID SEEN

Writes `sequence-number log-time sha256` to the file SEEN for each event delivered.
"""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "clients", "python"))

import estate  # noqa: E402


def main():
    endpoint, name, marker, seen = sys.argv[1:]
    client = estate.Client(endpoint, name, patience=0.3, timeout=120, ping_after=0.2)
    client.hello()
    with open(seen, "w", encoding="ascii") as out:
        for delivery in client.subscribe("first"):
            out.write(f"{delivery.seq} {delivery.log_time} {hashlib.sha256(delivery.event).hexdigest()}\n")
            if marker.encode() in delivery.event and delivery.fields["id"] == marker:
                break
    client.close()


if __name__ == "__main__":
    main()
