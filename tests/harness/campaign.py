"""Producers and followers around a daemon that is killed, and the proof at the end.

The proof, from the log itself, the producers' receipts and what the followers saw:
  0 acknowledged events lost, each under the number that was acknowledged; 0 stored twice; numbers 1, 2, 3 … without gap or reuse;
  log time never decreases; every follower saw every event once, in order, byte for byte; estate verify finds the store sound.
"""
import hashlib
import os
import select
import subprocess
import sys

import daemon as harness

HERE = os.path.dirname(os.path.abspath(__file__))
MARKER = "99999999-marker"
PATIENCE_S = 120


def script(name, *arguments):
    return subprocess.Popen([sys.executable, os.path.join(HERE, name), *map(str, arguments)], stdout=subprocess.PIPE)


class Campaign:
    def __init__(self, daemon, folder, producers=4, followers=3, count=400, size=120, window=64):
        self.daemon, self.folder = daemon, str(folder)
        self.names = [f"p{n}" for n in range(producers)]
        self.producers = [script("producer.py", daemon.endpoint, name, count, self.path("acks", name), "--size", size, "--window", window)
                          for name in self.names]
        self.followers = [script("follower.py", daemon.endpoint, f"f{n}", MARKER, self.path("seen", n)) for n in range(followers)]
        self.count, self.kills = count, 0

    def path(self, kind, name):
        return os.path.join(self.folder, f"{kind}-{name}")

    def progress(self, lines):
        """Wait until the producers have reported that many times more; False when all are done."""
        while lines > 0:
            open_ends = [p.stdout for p in self.producers if not p.stdout.closed]
            if not open_ends:
                return False
            ready, _, _ = select.select(open_ends, [], [], PATIENCE_S)
            assert ready, "the producers make no progress\n" + self.daemon.stderr()
            for end in ready:
                if not os.read(end.fileno(), 4096):
                    end.close()
                lines -= 1
        return True

    def kill_and_restart(self):
        self.daemon.kill9()
        self.kills += 1
        self.daemon.start()

    def restart_dead(self):
        """It killed itself at a named step: bring it back without that order."""
        status = self.daemon.wait()
        assert status == -9, f"it ended with {status}\n{self.daemon.stderr()}"
        self.kills += 1
        self.daemon.env.pop("ESTATE_KILL_AT", None)
        self.daemon.start()

    def finish(self):
        """Let everybody finish; the proof."""
        while self.progress(1):
            pass
        for process in self.producers:
            assert process.wait(PATIENCE_S) == 0
        client = self.daemon.client("marker")
        client.hello()
        client.put({"specversion": "1.0", "id": MARKER, "source": "/test", "type": "probe.recorded", "data": {}})
        for process in self.followers:
            assert process.wait(PATIENCE_S) == 0
            process.stdout.close()
        self.prove(client)
        self.daemon.stop()
        done = subprocess.run([harness.program("estate"), "verify", "--data", self.daemon.data], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def prove(self, client):
        log, ids, before = {}, {}, 0
        for delivery in client.subscribe("first", until_end=True):
            assert delivery.seq == len(log) + 1, "a gap, or a number used twice"
            assert delivery.log_time >= before, "log time decreased"
            before = delivery.log_time
            fields = delivery.fields
            key = fields["source"], fields["id"]
            assert key not in ids, f"stored twice: {key}"
            ids[key] = delivery.seq
            log[delivery.seq] = f"{delivery.seq} {delivery.log_time} {hashlib.sha256(delivery.event).hexdigest()}"
        for name in self.names:
            with open(self.path("acks", name), encoding="ascii") as acks:
                receipts = [line.split() for line in acks]
            assert len(receipts) == self.count
            for identity, seq, _ in receipts:
                assert ids.get((f"/test/{name}", identity)) == int(seq), f"acknowledged and lost: {identity} as {seq}"
        for n in range(len(self.followers)):
            with open(self.path("seen", n), encoding="ascii") as seen:
                lines = seen.read().splitlines()
            assert lines == [log[seq] for seq in range(1, len(lines) + 1)], "a follower saw something else than the log"
            assert len(lines) >= len(log) - 1

    def abandon(self):
        for process in self.producers + self.followers:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
