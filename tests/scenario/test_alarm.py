"""estate-alarm against real daemons and real HTTP gateways on loopback: told once, told again, told when well; gateways that fail, hang and break off."""
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse

import pytest

import daemon as harness
from wire import packed

PHONES = ["+8613900000001", "+8613900000002"]


class Gateway:
    """An SMS gateway.  behaviour: ok, refuse (500), hang, reset."""

    def __init__(self, behaviour="ok"):
        self.behaviour, self.requests, gateway = behaviour, [], self
        self.release = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                gateway.requests.append((self.command, self.path, dict(self.headers), body))
                if gateway.behaviour == "hang":
                    gateway.release.wait(30)
                elif gateway.behaviour == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                else:
                    self.send_response(200 if gateway.behaviour == "ok" else 500)
                    self.end_headers()
            do_GET = do_POST

            def log_message(self, *_):
                pass

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def texts(self):
        """(phone, text) of what came, and forget it."""
        told = [(json.loads(body)["to"], json.loads(body)["text"]) for _, _, _, body in self.requests]
        self.requests.clear()
        return told

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Alarm:
    def __init__(self, folder, endpoint):
        self.folder, self.endpoint, self.gateways = folder, endpoint, []
        self.config, self.state = str(folder / "alarm.yaml"), str(folder / "state")

    def gateway(self, behaviour="ok"):
        self.gateways.append(Gateway(behaviour))
        return self.gateways[-1]

    def write(self, language="en", repeat="1h", consumers=(), entries=None, answer="1s"):
        if entries is None:
            entries = [{"url": f"{g.url}/send", "type": "application/json", "body": '{"to":"{{phone}}","text":"{{text}}"}', "authorization": "Bearer s3cret",
                        "within": "1s", "tries": 2} for g in self.gateways]

        def rows(name, items):
            return f"{name}:\n" + "".join("  - " + "\n    ".join(f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in item.items()) + "\n"
                                          for item in items) if items else ""
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(rows("watch", [{"endpoint": self.endpoint, "site": "Site \"7\"", "language": language, "answer_within": answer, "repeat": repeat}]) +
                       rows("consumers", [{"name": n, "lag": lag} for n, lag in consumers]) + rows("gateways", entries) +
                       rows("phones", [{"number": p} for p in PHONES]))

    def run(self, *more, expect=0):
        done = subprocess.run([harness.program("estate-alarm"), "--config", self.config, "--state", self.state, *more], capture_output=True, text=True,
                              check=False, timeout=60)
        assert done.returncode == expect, done.stdout + done.stderr
        assert not any(p in done.stdout + done.stderr for p in PHONES) and "s3cret" not in done.stdout + done.stderr
        return done


@pytest.fixture
def alarm(daemon, tmp_path):
    one = Alarm(tmp_path, daemon.endpoint)
    yield one
    for gateway in one.gateways:
        gateway.close()


def to_all(text):
    return [(phone, text) for phone in PHONES]


def test_down_is_told_once_and_again_and_well_once(daemon, alarm):
    gateway = alarm.gateway()
    alarm.write()
    alarm.run()
    assert gateway.texts() == [] and not os.path.exists(alarm.state)
    daemon.kill9()
    alarm.run()
    told = gateway.texts()
    assert [phone for phone, _ in told] == PHONES and told[0][1].startswith('[Site "7"] the daemon does not answer')
    alarm.run()
    assert gateway.texts() == [], "it is no news"
    with open(alarm.state, "w", encoding="utf-8") as file:
        file.write("told 1000\n")
    alarm.run()
    assert gateway.texts()[0][1].endswith("(still)")
    with open(alarm.state, "w", encoding="utf-8") as file:
        file.write("told 99999999999\n")             # the clock was set back since
    alarm.run()
    assert len(gateway.texts()) == 2
    daemon.start()
    alarm.run()
    assert gateway.texts() == to_all('[Site "7"] all clear')
    alarm.run()
    assert gateway.texts() == []


def test_a_stopped_daemon_is_down(daemon, alarm):
    gateway = alarm.gateway()
    alarm.write(language="zh")
    daemon.signal(signal.SIGSTOP)
    try:
        alarm.run()
        assert "没有应答" in gateway.texts()[0][1]
    finally:
        daemon.signal(signal.SIGCONT)
    alarm.run()
    assert gateway.texts() == to_all('【Site "7"】已恢复正常')


def test_a_consumer_that_is_behind(daemon, alarm):
    gateway = alarm.gateway()
    alarm.write(consumers=[("slow", "1ms")])
    alarm.run()
    assert gateway.texts() == to_all('[Site "7"] there is no consumer slow')
    wire = daemon.wire(client="reader")
    wire.ask(1, "subscribe", 3, {"consumer": "slow", "from": "new", "events": 10, "bytes": 10000})
    alarm.run()
    assert gateway.texts() == to_all('[Site "7"] all clear')
    client = daemon.client()
    client.hello()
    seq = client.put({"specversion": "1.0", "id": "b", "source": "/t", "type": "probe.recorded", "data": {}}).seq
    wire.until("events")
    alarm.run()
    assert re.fullmatch(r'\[Site "7"\] slow is \d+ s behind', gateway.texts()[0][1])
    alarm.write(consumers=[("slow", "1h")])
    alarm.run()
    assert gateway.texts() == to_all('[Site "7"] all clear'), f"{seq} is not that old"


def test_with_the_rights_of_its_role(start_daemon, tmp_path):
    """Enough to see a consumer that is behind; not on the list, it says what to do."""
    clients = "clients:\n  - {name: alarm, uid: %d, role: %s}\n"
    daemon = start_daemon(clients=clients % (os.getuid(), "admin"))
    wire = daemon.wire()
    wire.ask(1, "subscribe", 3, {"consumer": "slow", "from": "first", "events": 10, "bytes": 10000})
    daemon.stop()
    daemon = start_daemon(data=daemon.data, clients=clients % (os.getuid(), "alarm"), listen=["tcp://127.0.0.1:0"])
    alarm = Alarm(tmp_path, daemon.endpoint)
    gateway = alarm.gateway()
    try:
        alarm.write(consumers=[("slow", "1ms")])
        alarm.run()
        assert re.fullmatch(r'\[Site "7"\] slow is \d+ s behind', gateway.texts()[0][1])
        assert daemon.wire().ask(1, "subscribe", 3, {"consumer": "slow"})[3]["name"] == "forbidden"
        assert daemon.wire().put(4, packed())[3]["name"] == "forbidden"
        alarm.endpoint, alarm.state = daemon.endpoints[1], str(tmp_path / "another")        # a stranger there
        alarm.write()
        assert "the role alarm" in alarm.run("--dry-run").stdout
    finally:
        gateway.close()


@pytest.mark.parametrize("behaviour", ["refuse", "hang", "reset"])
def test_the_second_gateway_takes_over(daemon, alarm, behaviour):
    first, second = alarm.gateway(behaviour), alarm.gateway()
    alarm.write()
    daemon.kill9()
    done = alarm.run()
    assert len(second.texts()) == 2 and len(first.requests) == 4, "two tries a phone"
    assert "phone 1, gateway 1: " in done.stderr
    daemon.start()


def test_what_nobody_was_told_is_tried_again(daemon, alarm):
    gateway = alarm.gateway("refuse")
    alarm.write()
    daemon.kill9()
    for _ in range(2):
        alarm.run(expect=1)
        assert len(gateway.texts()) == 4 and not os.path.exists(alarm.state)
    gateway.behaviour = "ok"
    alarm.run()
    assert len(gateway.texts()) == 2
    daemon.start()
    gateway.behaviour = "refuse"
    alarm.run(expect=1)
    gateway.texts()
    gateway.behaviour = "ok"
    alarm.run()
    assert gateway.texts() == to_all('[Site "7"] all clear')


def test_templates_are_escaped(daemon, alarm):
    gateway = alarm.gateway()
    alarm.write(language="zh", entries=[{"url": gateway.url + "/a?to={{phone}}&t={{text}}", "method": "GET", "within": "2s", "tries": 1}])
    alarm.run("--test")
    method, path, headers, body = gateway.requests.pop()
    assert method == "GET" and body == b"" and "Authorization" not in headers
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(path).query) == {"to": [PHONES[1]], "t": ['【Site "7"】这是一条测试短信']}
    gateway.requests.clear()
    alarm.write(entries=[{"url": gateway.url, "type": "application/x-www-form-urlencoded", "body": "to={{phone}}&t={{text}}", "authorization": "Basic s3cret",
                          "within": "2s", "tries": 1}])
    alarm.run("--failed", "estated.service")
    method, path, headers, body = gateway.requests.pop()
    assert method == "POST" and headers["Authorization"] == "Basic s3cret" and headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert urllib.parse.parse_qs(body.decode()) == {"to": [PHONES[1]], "t": ['[Site "7"] this unit has failed: estated.service']}


def test_dry_runs_tell_nobody(daemon, alarm):
    gateway = alarm.gateway()
    alarm.write()
    daemon.kill9()
    assert "does not answer" in alarm.run("--dry-run").stdout
    assert "this is a test" in alarm.run("--test", "--dry-run").stdout
    assert gateway.requests == [] and not os.path.exists(alarm.state)
    daemon.start()


def test_wrong_files_are_refused(daemon, alarm):
    alarm.gateway()
    alarm.write()
    assert alarm.run("--check").stdout == "0 consumers, 1 gateways, 2 phones\n"
    good = {"url": "http://127.0.0.1:1/", "within": "1s", "tries": 1}
    for entry, says in (({**good, "body": "{{name}}"}, "{{text}} and {{phone}}"), ({**good, "url": "ftp://x"}, "http://"), ({**good, "type": "text/html"}, "type is"),
                        ({**good, "tries": 99}, "tries"), ({**good, "wthin": "1s"}, "wthin"), ({**good, "within": "soon"}, "within")):
        alarm.write(entries=[entry])
        said = alarm.run("--check", expect=2).stderr
        assert says in said and alarm.config in said, said
    for wrong, says in (({"language": "fr"}, "none of zh, en"), ({"repeat": "never"}, "repeat"), ({"consumers": [(f"c{n}", "1s") for n in range(33)]}, "name"),
                        ({"consumers": [("c", "0s")]}, "lag")):
        alarm.write(**wrong)
        assert says in alarm.run("--check", expect=2).stderr
    with open(alarm.config, "w", encoding="utf-8") as file:
        file.write("watch: [\n")
    assert alarm.config in alarm.run(expect=2).stderr
    assert "cannot read" in alarm.run("--config", "/nowhere", expect=2).stderr


def test_help_and_the_shipped_file():
    program = harness.program("estate-alarm")
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=True, timeout=30)
    assert "Examples" in done.stdout and "Exit status" in done.stdout
    assert subprocess.run([program, "--nonsense"], capture_output=True, check=False, timeout=30).returncode == 2
    shipped = os.path.join(harness.REPOSITORY, "config", "alarm.yaml")
    checked = subprocess.run([program, "--config", shipped, "--check"], capture_output=True, text=True, check=True, timeout=30)
    assert checked.stdout == "1 consumers, 2 gateways, 1 phones\n"


@pytest.mark.parametrize("name", ["estate-alarm.service", "estate-alarm@.service", "estate-alarm.timer"])
def test_the_units(name, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: systemd-analyze is missing")
    for unit in os.listdir(os.path.join(harness.REPOSITORY, "systemd")):
        if unit.startswith("estate-alarm"):
            with open(os.path.join(harness.REPOSITORY, "systemd", unit), encoding="utf-8") as file:
                (tmp_path / unit).write_text(file.read().replace("/usr/bin/estate-alarm", harness.program("estate-alarm")), encoding="utf-8")
    path = str(tmp_path / name.replace("@", "@x"))
    if "@" in name:
        os.rename(tmp_path / name, path)
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in (done.stdout + done.stderr).splitlines() if line.strip() and not re.search(r"man estate-alarm|Command 'man |man.*failed with code", line)] == []
    if name.endswith(".service"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path], capture_output=True, text=True, check=False, timeout=60)
        exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
        assert exposure and float(exposure.group(1)) <= 1.5, done.stdout + done.stderr
