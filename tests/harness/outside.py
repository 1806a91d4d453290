"""estate-notify beside a real daemon, and what it speaks to: gateways, hooks and mail servers on loopback that behave as a test wants.

    with Gateway() as gateway, Notifier(daemon, channels=[gateway.sms()]) as notifier:
        notifier.request("N-1", to="lead-1")
        notifier.await_fates({"N-1": "sent"})
"""
import http.server
import json
import os
import shutil
import socket
import threading
import time
import urllib.parse

import daemon as harness
from worker import PATIENCE_S, Worker

NOTIFY = harness.program("estate-notify")
TEMPLATES = os.path.join(harness.REPOSITORY, "config", "templates")
STAFF = [("lead-1", "+8613900000001", "lead@example.net"), ("lead-2", "+8613900000002", "second@example.net")]


class Gateway:
    """An HTTP provider.  `script` maps the n-th request (from 0) or "*" to what it does: ok, STATUS, hang (read, never answered), reset (read, then
    broken off), drop (broken off before anything is read), garbage, list, slow, bare (HTTP/0.9: no status, only a body); a function is given the request and answers (status, body)."""

    def __init__(self, script=None):
        self.script, self.requests, self.release, gateway = dict(script or {}), [], threading.Event(), self
        self.lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                at = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with gateway.lock:
                    number = len(gateway.requests)
                    gateway.requests.append((at, self.path, dict(self.headers), body))
                what = gateway.script.get(number, gateway.script.get("*", "ok"))
                if callable(what):
                    self.answer(*what(self.path, body))
                elif what == "hang":
                    gateway.release.wait(PATIENCE_S)
                elif what == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    self.connection.close()
                elif what == "bare":
                    self.wfile.write(b"taken\n")
                    self.close_connection = True
                elif what in ("garbage", "list"):
                    self.answer(200, b"<html>fine</html>" if what == "garbage" else b"[1]")
                elif isinstance(what, int):
                    self.answer(what, b"{}")
                else:
                    self.answer(200, json.dumps({"id": f"p-{number}", "errcode": 0}).encode())
            do_GET = do_POST

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

            def finish(self):
                try:
                    super().finish()
                except (OSError, ValueError):
                    pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, *_):
                pass
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def texts(self):
        """(to, text, reference) of each text message that was asked for, in order."""
        return [(d["to"], d["text"], d["reference"]) for d in (json.loads(body) for _, _, _, body in self.requests)]

    def queries(self):
        return [dict(urllib.parse.parse_qsl(urllib.parse.urlparse(path).query)) for _, path, _, _ in self.requests]

    def counts(self):
        """How often each notification was asked for."""
        found = {}
        for _, _, reference in self.texts():
            name = reference.rpartition(".")[0]
            found[name] = found.get(name, 0) + 1
        return found

    def sms(self, name="sms", **more):
        return {"channel": name, "medium": "sms", "kind": "json", "url": self.url + "/send", **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def flow(entry):
    return "{ " + ", ".join(f"{key}: {json.dumps(value)}" for key, value in entry.items()) + " }"


def write_config(folder, channels, *, routes=None, staff=STAFF, settings=None, owners=()):
    """notify.yaml, contacts.yaml and the shipped templates."""
    os.makedirs(folder, exist_ok=True)
    rows = {"zone": "Asia/Shanghai", "sign": "物业", "quiet": "none", "per_receiver": 1000, "backoff": "100ms", "backoff_max": "1s", **(settings or {})}
    routes = routes or [{"wanted": wanted, "try": " ".join(c["channel"] for c in channels)} for wanted in ("sms", "email", "phone", "webhook", "letter")]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in rows.items()]
    for name, entries in (("channels", channels), ("routes", routes), ("ask_owner", [{"worker": owner} for owner in owners])):
        if entries:
            lines += [name + ":"] + ["  - " + flow(entry) for entry in entries]
    with open(os.path.join(folder, "notify.yaml"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    with open(os.path.join(folder, "contacts.yaml"), "w", encoding="utf-8") as file:
        file.write("contacts:\n" + "".join(f"  - {flow({'id': i, 'phone': p, 'email': e})}\n" for i, p, e in staff))
    if not os.path.exists(os.path.join(folder, "templates")):
        shutil.copytree(TEMPLATES, os.path.join(folder, "templates"))
    return folder


def request(notification, to="lead-1", *, channel="sms", template="obligation-breached", params=None, urgency="routine", source="/estated/worker/escalate",
            subject="C-1", **more):
    return {"specversion": "1.0", "id": f"req-{notification}", "source": source, "type": "notification.requested", "subject": subject, "urgency": urgency,
            "data": {"notification": notification, "to": to, "channel": channel, "template": template,
                     "params": {"obligation": "C1/C-1", "rule": "C1"} if params is None else params, "urgency": urgency, **more}}


def household(name, phone="+8613800001111", email="h@example.net", **more):
    return {"specversion": "1.0", "id": f"house-{name}-{time.time_ns()}", "source": "/estate/desk", "type": "household.registered", "subject": name,
            "data": {"kind": "owner", "name": "住户", "phone": phone, "email": email, **more}}


class Notifier(Worker):
    def __init__(self, daemon, channels, *, start=True, **config):
        super().__init__(daemon, name="notify", program=NOTIFY, rules=None, start=False)
        self.rules = write_config(os.path.join(self.folder, "config"), channels, **config)
        self.client = daemon.client("notifier-test")
        self.client.hello()
        if start:
            self.start()

    def put(self, *events):
        for event in events:
            self.client.put(event)

    def request(self, notification, **more):
        self.put(request(notification, **more))

    def events(self, kind="**"):
        stream = self.client.subscribe("first", type=[f"notification.{kind}"], until_end=True)
        found = [(d.seq, d.fields["type"].split(".")[1], d.fields["data"], d.fields["source"]) for d in stream]
        stream.close()
        return found

    def fates(self):
        """The last event of each notification."""
        found = {}
        for _, kind, data, _ in self.events():
            found[data["notification"]] = kind
        return found

    def await_fates(self, wanted, patience=PATIENCE_S):
        """Wait until the last event of each is of that kind."""
        stream = self.client.subscribe("first", type=["notification.*"])
        left, deadline, last = dict(wanted), time.monotonic() + patience, {}
        while left:
            delivery = stream.next(max(0.05, deadline - time.monotonic()))
            assert delivery is not None, f"never came: {dict(list(left.items())[:5])} of {len(left)}; last {({k: last.get(k) for k in list(left)[:5]})}\n{self.stderr()[-3000:]}"
            name, kind = delivery.fields["data"]["notification"], delivery.fields["type"].split(".")[1]
            last[name] = kind
            if left.get(name) == kind:
                del left[name]
            elif name in wanted and wanted[name] != kind:
                left[name] = wanted[name]
        stream.close()

    def history(self, notification):
        return [(kind, data) for _, kind, data, _ in self.events() if data["notification"] == notification]

    def kinds(self, notification):
        return [kind for kind, _ in self.history(notification)]
