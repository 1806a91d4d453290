"""A real worker beside a real daemon, and the oracle: a rehearsal of the log derives what the log holds, each once.

    with Worker(daemon, rules=RULES) as worker:         # estate-example with a state folder of its own
        worker.kill9(); worker.start()
        worker.settle()                                 # until all that is due was concluded and stored
        worker.prove()
"""
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import daemon as harness

PATIENCE_S = 60
UNDER_WAY_S = 5
FAR = "2100-01-01"

RULES = """\
watch:
  - rule: X1
    on: complaint.opened
    until: case.assigned
    within: 300ms
    role: cs_lead
  - rule: X2
    on: repair.requested
    until: repair.finished
    within: 700ms
    role: supervisor
"""


def rules_folder(parent, text):
    folder = tempfile.mkdtemp(prefix="rules-", dir=parent)
    with open(os.path.join(folder, "example.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    return folder


EXAMPLE = harness.program("estate-example")


def parrot():
    """The worker of parrot.c."""
    return os.path.join(os.path.dirname(os.path.dirname(EXAMPLE)), "test", "parrot")


def rehearse(path_or_text, *arguments, program=EXAMPLE, env=None, expect=0):
    """What a worker's --rehearse prints: (lines, stderr).  A path, or bytes for its standard input."""
    pipe = isinstance(path_or_text, bytes)
    done = subprocess.run([program, "--rehearse", "-" if pipe else path_or_text, *map(str, arguments)],
                          input=path_or_text if pipe else None, capture_output=True, check=False, timeout=PATIENCE_S,
                          env={**os.environ, **(env or {})})
    assert expect is None or done.returncode == expect, done.stderr.decode()
    return done.stdout.splitlines(), done.stderr.decode()


class Worker:
    def __init__(self, daemon, *, name="example", program=EXAMPLE, rules=RULES, state=None, start=True, env=None):
        self.daemon, self.name, self.program = daemon, name, program
        self.folder = tempfile.mkdtemp(prefix="worker-", dir=daemon.folder)
        self.state = state or os.path.join(self.folder, "state")
        self.rules = rules_folder(self.folder, rules) if rules else None
        self.source = "/estated/worker/" + name
        self.stderr_path = os.path.join(self.folder, "stderr")
        self.env = dict(env or {})
        self.process = None
        if start:
            self.start()

    # --- life

    def launch(self, *more):
        assert self.process is None, "it runs already"
        config = ["--config", self.rules] if self.rules else []
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen([self.program, "--connect", self.daemon.endpoint, "--state", self.state,
                                             *config, *more], stdout=subprocess.PIPE, stderr=stderr, env={**os.environ, **self.env})

    def wait_ready(self, patience=PATIENCE_S):
        ready, _, _ = select.select([self.process.stdout], [], [], patience)
        line = self.process.stdout.readline() if ready else b""
        assert line == b"ready\n", f"not ready\n{self.stderr()}"

    def start(self, *more):
        self.launch(*more)
        self.wait_ready()
        return self

    def wait(self, patience=PATIENCE_S):
        status = self.process.wait(patience)
        self.process.stdout.close()
        self.process = None
        return status

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self, expect=0):
        if self.process is None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == expect, f"exit status {status}\n{self.stderr()}"

    def kill9(self):
        self.process.kill()
        self.wait()

    def refused(self, *more, status=78):
        """Start it where it must not start; what it says."""
        self.launch(*more)
        got = self.wait()
        assert got == status, f"exit status {got}\n{self.stderr()}"
        return self.stderr()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None and self.process is not None:
            self.kill9()
        self.stop()
        assert not harness.SANITIZER.search(self.stderr()), self.stderr()

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def until_says(self, text):
        """Wait until that stands on its stderr; the file has no events, so the log is asked for progress meanwhile."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.stderr():
            assert time.monotonic() < deadline, f"it never said {text}\n{self.stderr()}"
            self.daemon.estate("ping")

    # --- the oracle

    def log(self):
        """The log as `estate tail --json` prints it: bytes."""
        return self.daemon.estate("tail", "--from", "first", "--until-end", "--json").stdout.encode()

    def own(self, log):
        """What the log holds of this worker, activations apart: lines without what the daemon adds."""
        lines = []
        for line in log.splitlines():
            if b'"source":"%s"' % self.source.encode() in line and b'"type":"config.activated"' not in line:
                lines.append(line[:line.rindex(b',"seq":')] + b"}")
        return lines

    def rehearse(self, log, *arguments):
        return rehearse(log, *arguments, program=self.program, env=self.env)

    def settle(self, client=None, until=FAR):
        """Wait until everything that is due, now or soon, is in the log: the ids are known from a rehearsal to the end of time, or to `until`."""
        client = client or self.daemon.client("settle")
        client.hello()
        if self.rules:
            self.await_rules(client)
        expected = {json.loads(line)["id"] for line in self.rehearse(self.log(), "--until", until)[0]}
        deadline = time.monotonic() + PATIENCE_S
        stream = client.subscribe("first", source=[self.source])
        while expected:
            delivery = stream.next(max(0.1, deadline - time.monotonic()))
            assert delivery is not None, f"never stored: {sorted(expected)[:5]} and {len(expected)} in all\n{self.stderr()}"
            expected.discard(delivery.fields["id"])
        stream.close()
        client.put({"specversion": "1.0", "id": f"settled-{time.time_ns()}", "source": "/test", "type": "probe.recorded", "data": {}})

    def await_rules(self, client):
        """Its rules are in force, as a number in the log says."""
        with open(os.path.join(self.rules, "example.yaml"), encoding="utf-8") as file:
            text = file.read()
        stream = client.subscribe("first", type=["config.activated"])
        while True:
            delivery = stream.next(PATIENCE_S)
            assert delivery is not None, f"its rules were never activated\n{self.stderr()}"
            if delivery.fields["subject"] == self.name and delivery.fields["data"]["content"] == text:
                stream.close()
                return delivery.seq

    def prove(self):
        """The oracle.  Returns the derived events.  A worker that answers the event by which settle() ends may still be at that."""
        deadline = time.monotonic() + UNDER_WAY_S
        while True:
            log = self.log()
            own, derived = self.own(log), self.rehearse(log)[0]
            if not set(derived) - set(own) or time.monotonic() > deadline:
                break
        ids = [json.loads(line)["id"] for line in own]
        assert len(ids) == len(set(ids)), "stored twice"
        if sorted(own) != sorted(derived):
            missing, extra = set(derived) - set(own), set(own) - set(derived)
            kept = os.path.join(tempfile.gettempdir(), f"oracle-{os.getpid()}.jsonl")
            with open(kept, "wb") as file:
                file.write(log)
            raise AssertionError(f"the log lacks {len(missing)}, has {len(extra)} too many; log in {kept}\n" +
                                 "\n".join(x.decode() for x in [*sorted(missing)[:3], *sorted(extra)[:3]]) + "\n" + self.stderr()[-3000:])
        return [json.loads(line) for line in derived]

    def forget(self):
        shutil.rmtree(self.state)
