"""The durable queues that users would otherwise pick, each from its Debian package, on loopback, in a folder of its own, as durable as it
can be set.  The load is peers/peerload.c."""
import json
import os
import re
import shutil
import socket
import subprocess
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOAD = os.path.join(REPOSITORY, "build", "test", "peerload")
PATIENCE_S = 60
FLUSHES = re.compile(r"(fsync|fdatasync|sync_file_range)(\(| resumed).*= 0")
SYSCALLS = "trace=fsync,fdatasync,sync_file_range,write,writev,sendto,sendmsg"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """Of a process, its threads and its children so far."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(int(child)) for child in children.read().split())


class Peer:
    """What a peer needs: its program, its words, and what its ack looks like in a trace."""
    name = package = ack = means = words = ""
    reads = False

    def __init__(self, folder, traced=False):
        self.folder = os.path.join(folder, self.name)
        os.makedirs(self.folder)
        self.address = self.listen()
        self.trace = os.path.join(self.folder, "trace")
        prefix = ["strace", "-D", "-f", "-s", "16", "-e", SYSCALLS, "-o", self.trace] if traced else []
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen([*prefix, *self.command()], stdout=log, stderr=log, env={**os.environ, **self.environment()})
        try:
            self.wait_ready()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def listen(self):
        return str(free_port())

    def environment(self):
        return {}

    def reachable(self):
        with socket.create_connection(("127.0.0.1", int(self.address)), 1):
            return True

    def wait_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if self.reachable():
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"{self.name} does not start:\n{log.read()[-2000:]}")
            time.sleep(0.05)

    def load(self, *more):
        """Run the load; its figures, and the microseconds of the server's CPU an event."""
        before = cpu_seconds(self.process.pid)
        done = subprocess.run([LOAD, self.name, self.address, *map(str, more)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        figures = json.loads(done.stdout)
        figures["server_us_per_event"] = (cpu_seconds(self.process.pid) - before) * 1e6 / max(figures["events"], 1)
        return figures

    @classmethod
    def flushed_acks(cls, folder):
        """How many of the acks of puts sent one by one left after a flush that began after the ack before: (those, all)."""
        with cls(folder, traced=True) as peer:
            peer.load("--seconds", 1)
            flushed, after_flush, acks = False, 0, 0
            with open(peer.trace, encoding="utf-8", errors="replace") as trace:
                for line in trace:
                    if FLUSHES.search(line):
                        flushed = True
                    elif cls.ack in line:
                        acks, after_flush, flushed = acks + 1, after_flush + flushed, False
        return after_flush, acks


class Redis(Peer):
    name, package = "redis", "redis-server"
    means = "after its fdatasync"
    words = "appendonly yes, appendfsync always, save '', on a Unix socket"
    ack = '"$15\\r\\n'
    reads = True

    def listen(self):
        return os.path.join(self.folder, "s")

    def command(self):
        return ["redis-server", "--port", "0", "--unixsocket", self.address, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                "--no-appendfsync-on-rewrite", "no", "--auto-aof-rewrite-percentage", "0", "--dir", self.folder]

    def reachable(self):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(self.address)
            return True


class JetStream(Peer):
    name, package = "jetstream", "nats-server"
    words = "one stream on files, one replica, everything else as it comes"
    means = "before any fsync: a power cut loses what was acknowledged within sync_interval, two minutes"
    ack = '"MSG i'

    def command(self):
        path = os.path.join(self.folder, "conf")
        with open(path, "w", encoding="ascii") as conf:
            conf.write(f'host: 127.0.0.1\nport: {self.address}\njetstream {{ store_dir: "{self.folder}/store" }}\n')
        return ["nats-server", "-c", path]


class Beanstalkd(Peer):
    name, package = "beanstalkd", "beanstalkd"
    words = "-b DIR -f0"
    means = "after its fsync, one for each put"
    ack = '"INSERTED'

    def command(self):
        return ["beanstalkd", "-l", "127.0.0.1", "-p", self.address, "-b", self.folder, "-f0"]


class RabbitMQ(Peer):
    name, package = "rabbitmq", "rabbitmq-server"
    words = "a quorum queue of one member, publisher confirms"
    means = "after its write-ahead log's flush"
    ack = "\\r\\0<\\0P"

    def environment(self):
        self.names = str(free_port())       # of Erlang's name server, which outlives the node
        return {"HOME": self.folder, "ERL_EPMD_PORT": self.names, "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": self.address, "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODENAME": f"bench{self.address}@localhost", "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": os.path.join(self.folder, "db"), "RABBITMQ_LOG_BASE": os.path.join(self.folder, "logs"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(self.folder, "plugins"), "RABBITMQ_PID_FILE": os.path.join(self.folder, "pid")}

    def command(self):
        with open(os.path.join(self.folder, "plugins"), "w", encoding="ascii") as plugins:
            plugins.write("[].\n")
        # Debian's wrapper changes to a user of its own; this is what it starts.
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def close(self):
        super().close()
        subprocess.run(["epmd", "-port", self.names, "-kill"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


ALL = {peer.name: peer for peer in (Redis, JetStream, Beanstalkd, RabbitMQ)}


def present(names):
    """The peers of these names whose program is there, and the names of those whose is not."""
    there = {name: bool(shutil.which(ALL[name].package) or os.path.exists("/usr/lib/rabbitmq/bin/rabbitmq-server") and name == "rabbitmq")
             for name in names}
    return [ALL[name] for name in names if there[name]], [name for name in names if not there[name]]
