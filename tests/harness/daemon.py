"""A real estated for one test: own folder, own endpoint, killed by its own process id, its stderr shown when a test fails.

    with Daemon() as daemon:                        # or the fixture `daemon`
        client = daemon.client()                    # clients/python/estate.py
        raw = daemon.wire()                         # a bare socket, wire.py
        daemon.kill9(); daemon.start()              # the same data, another process
        daemon.estate("status", "--json")           # the command-line tool

The programs are those of the folder ESTATE_BIN_DIR, by default build/bin of this repository.  Nothing here sleeps: start() waits for the
line `ready`, stop() for the process to end.  Leaving the `with` stops the daemon and asserts a clean end: exit status 0 and no
report of a sanitizer.  ESTATE_KEEP=1 keeps the folders.
"""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(REPOSITORY, "clients", "python"))

import estate  # noqa: E402
from wire import Wire  # noqa: E402

RETENTION = os.path.join(REPOSITORY, "config", "retention.yaml")       # where an installed `estate` finds /etc/estated/retention.yaml
START_S, STOP_S, VERB_S = 30, 60, 60        # patience for what normally takes milliseconds: slow machines, sanitizers
SMALL = {"journal_segment": "4MiB", "journal_segments": 3, "disk_reserve": "1MiB"}      # so that a start costs little disk
SANITIZER = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def program(name):
    """The path of a program under test."""
    return os.path.join(os.environ.get("ESTATE_BIN_DIR") or os.path.join(REPOSITORY, "build", "bin"), name)


class Daemon:
    """settings: rows of the settings file (over SMALL).  clients: the text of a list of clients; without, there is none.  config: the whole file as text instead.  env: added to the environment.
    preload: a library for LD_PRELOAD.  listen: endpoints besides its own.  data: an existing data folder, such as a backup; folder: one for everything.
    Folders that were there before are not removed."""

    def __init__(self, *, settings=None, clients=None, config=None, env=None, preload=None, listen=(), http=False, data=None, folder=None,
                 start=True):
        self.folder = folder or tempfile.mkdtemp(prefix="estated-")
        self._own_folder = folder is None
        self.data = data or os.path.join(self.folder, "data")
        self.endpoint = "ipc://" + os.path.join(self.folder, "s")
        self.stderr_path = os.path.join(self.folder, "stderr")
        self.config_path = os.path.join(self.folder, "estated.yaml")
        self.clients_path = os.path.join(self.folder, "clients.yaml")
        self.env, self.preload, self.listen, self.want_http = dict(env or {}), preload, list(listen), http
        self.endpoints, self.http = [], None            # as the daemon printed them
        self.process = None
        self._clients = []
        if config is None:
            list_of_clients = {"clients": self.clients_path if clients is not None else '""'}
            config = "".join(f"{key}: {value}\n" for key, value in {**SMALL, **list_of_clients, **(settings or {})}.items())
        if clients is not None:
            self.write_clients(clients)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config)
        if start:
            try:
                self.start()
            except BaseException:
                self.close(failed=True)
                raise

    def write_clients(self, text):
        with open(self.clients_path, "w", encoding="utf-8") as file:
            file.write(text)

    # --- life

    def command(self, *more):
        listens = [word for endpoint in [self.endpoint, *self.listen] for word in ("--listen", endpoint)]
        http = ["--http", "127.0.0.1:0"] if self.want_http else []
        return [program("estated"), "--data", self.data, "--config", self.config_path, *listens, *http, *more]

    def start(self):
        """Start it and wait until it is ready."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self, *more):
        """Start it and return at once, for tests of a start that fails or is slow."""
        assert self.process is None, "it runs already"
        environment = {**os.environ, **self.env}
        preload = [self.preload] if self.preload else []
        if preload and self._sanitized():
            preload.insert(0, subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout.strip())
        if preload:
            environment["LD_PRELOAD"] = ":".join(preload)
        self.endpoints, self.http = [], None
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(self.command(*more), stdout=subprocess.PIPE, stderr=stderr, env=environment)

    def wait_ready(self, patience=START_S):
        """Read its standard output up to `ready`."""
        deadline = time.monotonic() + patience
        text = b""
        while b"ready\n" not in text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.kill9()
                raise AssertionError(f"not ready after {patience} s\n{self.stderr()}")
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                status = self.wait()
                raise AssertionError(f"it ended with {status} before it was ready\n{self.stderr()}")
            text += piece
        for line in text.decode().splitlines():
            word, _, endpoint = line.partition(" ")
            if word == "listening" and endpoint.startswith("http://"):
                self.http = endpoint
            elif word == "listening":
                self.endpoints.append(endpoint)

    def wait(self, patience=STOP_S):
        """Wait for its end; the exit status, negative for a signal."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"it did not end within {patience} s\n{self.stderr()}") from None
        self.process.stdout.close()
        self.process = None
        return status

    def signal(self, number):
        os.kill(self.process.pid, number)

    def stop(self, expect=0):
        """Ask it to end, and assert that it did so cleanly."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == expect, f"exit status {status}, not {expect}\n{self.stderr()}"
        self.assert_sane()

    def kill9(self):
        """As a power cut for the process: nothing is flushed, nothing said."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def close(self, failed=False):
        """Stop and clear away.  failed: the test did, so show what the daemon said and assert nothing more."""
        for client in self._clients:
            client.close()
        try:
            if failed and self.process is not None:
                self.kill9()
            else:
                self.stop()
        finally:
            if failed:
                sys.stderr.write(f"\n--- stderr of estated ({self.folder})\n{self.stderr()}")
            if self._own_folder and not os.environ.get("ESTATE_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(failed=kind is not None)

    # --- looking at it

    @property
    def pid(self):
        return self.process.pid

    def stderr(self, characters=20000):
        """The end of what it wrote on stderr, over all its starts."""
        if not os.path.exists(self.stderr_path):
            return ""
        with open(self.stderr_path, "rb") as file:
            return file.read().decode(errors="replace")[-characters:]

    def assert_sane(self):
        text = self.stderr(1 << 30)
        assert not SANITIZER.search(text), f"a sanitizer found something\n{text[-20000:]}"

    def _sanitized(self):
        with open(program("estated"), "rb") as file:
            return b"__asan_init" in file.read()

    # --- talking to it

    def client(self, name="test", **options):
        """A Client, closed with the daemon.  Short patience: a test that restarts the daemon shouldn't wait."""
        client = estate.Client(options.pop("endpoint", self.endpoint), name, **{"patience": 2.0, **options})
        self._clients.append(client)
        return client

    def wire(self, hello=True, endpoint=None, client="test", immediate=1, keys=None, server=None):
        """A bare socket that has said hello."""
        wire = Wire(endpoint or self.endpoint, immediate, keys, server)
        self._clients.append(wire)
        if hello:
            wire.hello(client)
        return wire

    def estate(self, verb, *arguments, stdin=None, expect=0, env=None):
        """Run `estate VERB ARGUMENTS` against this daemon; its CompletedProcess.  expect: the exit status, None for any."""
        done = subprocess.run([program("estate"), verb, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
                              timeout=VERB_S, env={"ESTATE_RETENTION": RETENTION, **os.environ, "ESTATE_ENDPOINT": self.endpoint, **(env or {})})
        assert expect is None or done.returncode == expect, f"estate {verb}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done
