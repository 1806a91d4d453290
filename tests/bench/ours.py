"""estated, measured as peers.py measures the others: the settings as shipped, a folder of its own, `estate bench put` and delivery.c."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

from peers import REPOSITORY, cpu_seconds

sys.path.insert(0, os.path.join(REPOSITORY, "tests", "harness"))
import daemon as harness  # noqa: E402
from worker import Worker  # noqa: E402

SIZE = 256
DELIVERY = os.path.join(REPOSITORY, "build", "test", "delivery")
SHIPPED = {"journal_segment": "16MiB", "journal_segments": 4, "disk_reserve": "64MiB"}
IDLE_S = 5
WORKERS = ["escalate", "callback", "dunning", "stats", "notify"]     # all of the department


class Estated:
    name = "estated"

    def __init__(self, folder, workers=False, keys=False):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.where, self.clients = [], None
        if keys:
            self._make_keys()
        self.daemon = harness.Daemon(folder=self.folder, settings={**SHIPPED, **self._settings()}, clients=self.clients,
                                     listen=["tcp://127.0.0.1:0"] if keys else [])
        if keys:
            self.where = ["--connect", self.daemon.endpoints[1], "--key-file", self.key, "--server-key", self.server["public"]]
        self.workers = [self._worker(name) for name in WORKERS] if workers else []

    def _worker(self, name):
        """With its shipped rules."""
        worker = Worker(self.daemon, name=name, program=harness.program("estate-" + name), rules=None, start=False)
        return worker.start("--config", os.path.join(REPOSITORY, "config"))

    def _make_keys(self):
        def keygen(path):
            return json.loads(subprocess.run([harness.program("estate"), "keygen", "--out", path, "--json"], capture_output=True, check=True).stdout)

        self.key, self.server_key = os.path.join(self.folder, "client.key"), os.path.join(self.folder, "server.key")
        mine, self.server = keygen(self.key), keygen(self.server_key)
        self.clients = f"clients:\n  - name: bench\n    key: '{mine['public']}'\n    role: local\n"

    def _settings(self):
        return {"server_key": self.server_key} if self.clients else {}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for worker in self.workers:
            worker.kill9()
        self.daemon.close(failed=kind is not None)

    def _cpu(self, run):
        before = cpu_seconds(self.daemon.pid)
        figures = run()
        figures["server_us_per_event"] = (cpu_seconds(self.daemon.pid) - before) * 1e6 / max(figures["events"], 1)
        return figures

    def put(self, connections, window, batch=1, **more):
        options = [word for key, value in more.items() for word in ("--" + key, value)]
        return self._cpu(lambda: json.loads(self.daemon.estate("bench", "put", *self.where, "--connections", connections, "--window", window,
                                                               "--batch", batch, "--size", SIZE, *options, "--json").stdout))

    def _delivery(self, *options):
        done = subprocess.run([DELIVERY, self.daemon.endpoint, "--size", str(SIZE), *map(str, options)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"delivery: {done.stderr}")
        return json.loads(done.stdout)

    def deliver(self, connections, rate, seconds):
        return self._cpu(lambda: self._delivery("--connections", connections, "--rate", rate, "--seconds", seconds))

    def replay(self, events):
        return self._cpu(lambda: self._delivery("--replay", events))

    def wakeups(self):
        """A second, with nobody connected."""
        def switches():
            total = 0
            for path in glob.glob(f"/proc/{self.daemon.pid}/task/*/status"):
                with open(path, encoding="ascii") as status:
                    total += sum(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))
            return total

        time.sleep(4)           # what the start stored is applied, and the last noting is behind it
        before = switches()
        time.sleep(IDLE_S)
        return (switches() - before) / IDLE_S
