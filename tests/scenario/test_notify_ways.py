"""estate-notify's other ways: mail servers that refuse, defer, hang and break off; robots and signed hooks; pages; receipts; Kannel with its fake SMSC."""
import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from outside import PATIENCE_S, Gateway, Notifier, household

MAIL = {"channel": "email", "medium": "email", "from": "service@example.net"}


class MailServer:
    """A real one on loopback.  what: ok, refuse (550 at RCPT), defer (451 at RCPT), full (552 after DATA), hang (after DATA), drop (within DATA)."""

    def __init__(self, what="ok", tls=None):
        from aiosmtpd.smtp import SMTP
        self.what, self.letters, mail = [what] if isinstance(what, str) else list(what), [], self

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                now = mail.now()
                if now in ("refuse", "defer"):
                    mail.next()
                    return "550 no such person" if now == "refuse" else "451 later"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                now = mail.now()
                mail.next()
                mail.letters.append((envelope.rcpt_tos, envelope.content))
                if now == "hang":
                    await asyncio.sleep(60)
                return "552 full" if now == "full" else "250 taken"

        class Server(SMTP):
            async def smtp_DATA(self, arg):
                if mail.now() == "drop":
                    mail.next()
                    await self.push("354 go on")
                    self.transport.abort()
                    return
                await super().smtp_DATA(arg)
        self.loop = asyncio.new_event_loop()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self.socket.getsockname()[1]}"
        self.ready = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(self.loop.create_server(
                lambda: Server(Handler(), hostname="test", tls_context=tls, require_starttls=tls is not None, loop=self.loop), sock=self.socket))
            self.ready.set()
            self.loop.run_forever()
        self.thread = threading.Thread(target=run)
        self.thread.start()
        self.ready.wait()

    def now(self):
        return self.what[0]

    def next(self):
        if len(self.what) > 1:
            self.what.pop(0)

    def channel(self, **more):
        return {**MAIL, "url": self.url, "tls": "no", **more}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join()
        self.loop.close()


pytest.importorskip("aiosmtpd")


def test_a_letter_by_mail(daemon):
    with MailServer() as mail, Notifier(daemon, [mail.channel()]) as notifier:
        notifier.request("N-1", channel="email", params={"obligation": "C1/C-1\r\nBcc: all@example.net", "rule": "一\r\n.\r\nQUIT"})
        notifier.await_fates({"N-1": "sent"})
        ((to, content),) = mail.letters
        letter = email.message_from_bytes(content, policy=email.policy.default)
        assert to == ["lead@example.net"] and letter["To"] == "lead@example.net" and letter["Subject"] == "超时：C-1" and letter["Bcc"] is None
        assert letter["Message-ID"] == "<N-1.0@estated>" and letter["Auto-Submitted"] == "auto-generated"
        # What somebody wrote is one line of text, and no end of it.
        assert "C1/C-1  Bcc: all@example.net" in letter.get_content() and "一  .  QUIT" in letter.get_content()


@pytest.mark.parametrize("script, kinds", [
    (["defer", "ok"], ["requested", "attempted", "failed", "attempted", "sent"]),
    (["refuse"], ["requested", "attempted", "failed", "failed"]),
    (["full"], ["requested", "attempted", "failed", "failed"]),
    (["hang"], ["requested", "attempted", "failed"]),
    (["drop"], ["requested", "attempted", "failed"]),
])
def test_a_mail_server_that(daemon, script, kinds):
    with MailServer(script) as mail, Notifier(daemon, [mail.channel(within="700ms" if script == ["hang"] else "20s")]) as notifier:
        notifier.request("N-1", channel="email")
        deadline = time.monotonic() + PATIENCE_S
        while notifier.kinds("N-1") != kinds:
            assert time.monotonic() < deadline, notifier.history("N-1")
            time.sleep(0.05)
        if script in (["hang"], ["drop"]):
            # It had it all: nobody knows, and it is not repeated.
            assert notifier.history("N-1")[-1][1]["reason"].startswith("outcome-unknown") and len(mail.letters) == (script == ["hang"])


def test_long_letters_leave_as_many_as_there_is_room_for(daemon):
    """A template of 5,000 characters, eight times to one receiver within a moment: no one letter holds them all."""
    with MailServer() as mail, Notifier(daemon, [mail.channel()], settings={"digest": "300ms"}, start=False) as notifier:
        path = os.path.join(notifier.rules, "templates", "obligation-breached.yaml")
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("zh_text")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines([*lines, 'zh_text: "' + "长" * 5000 + '"\n'])
        notifier.start()
        for n in range(8):
            notifier.request(f"N-{n}", channel="email", subject=f"C-{n}")
        notifier.await_fates({f"N-{n}": "sent" for n in range(8)})
        assert all(kind != "failed" for _, kind, _, _ in notifier.events()) and len(mail.letters) >= 4


def test_without_a_good_certificate_nothing_leaves(daemon, tmp_path):
    import ssl
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other.example.net", "-keyout", tmp_path / "key",
                    "-out", tmp_path / "cert"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with MailServer(tls=context) as strange, MailServer() as plain, \
            Notifier(daemon, [strange.channel(channel="a", tls="yes"), plain.channel(channel="b", tls="yes")], settings={"tries": 1}) as notifier:
        notifier.request("N-1", channel="email")
        deadline = time.monotonic() + PATIENCE_S
        while notifier.kinds("N-1") != ["requested", "attempted", "failed", "attempted", "failed", "failed"]:
            assert time.monotonic() < deadline, notifier.history("N-1")
            time.sleep(0.05)
        assert not strange.letters and not plain.letters


def test_a_silent_mail_server_holds_up_nobody(daemon):
    with MailServer("hang") as mail, Gateway() as gateway, \
            Notifier(daemon, [mail.channel(within="3s"), gateway.sms()], routes=[{"wanted": "email", "try": "email"}, {"wanted": "sms", "try": "sms"}]) as notifier:
        notifier.request("N-mail", channel="email")
        deadline = time.monotonic() + PATIENCE_S
        while not mail.letters:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        begin = time.monotonic()
        notifier.request("N-sms", urgency="urgent")
        notifier.await_fates({"N-sms": "sent"})
        assert time.monotonic() - begin < 2 and notifier.kinds("N-mail") == ["requested", "attempted"]
        notifier.await_fates({"N-mail": "failed"})


def test_a_signed_hook(daemon, tmp_path):
    path = tmp_path / "hook.secret"
    path.write_text("secret: s3cret\ntoken: T0KEN\n")
    with Gateway({0: 500, 1: 429}) as gateway:
        hook = {"channel": "hook", "medium": "webhook", "kind": "generic", "url": gateway.url + "/hook", "credentials": str(path)}
        with Notifier(daemon, [hook]) as notifier:
            notifier.request("N-1", channel="webhook")
            notifier.await_fates({"N-1": "sent"})
            _, _, headers, body = gateway.requests[-1]
            expected = hmac.new(b"s3cret", headers["X-Estate-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
            assert headers["X-Estate-Signature"] == "sha256=" + expected and headers["Authorization"] == "Bearer T0KEN"
            assert json.loads(body)["notification"] == "N-1" and len(gateway.requests) == 3


def test_robots_are_groups(daemon, tmp_path):
    """No household is written to there, and no template that is not public."""
    path = tmp_path / "robot.secret"
    path.write_text("secret: abc\n")
    with Gateway() as gateway:
        robots = [{"channel": kind, "medium": "webhook", "kind": kind, "url": gateway.url + "/" + kind, "credentials": str(path)}
                  for kind in ("wecom", "dingtalk", "feishu")]
        routes = [{"wanted": kind, "try": kind} for kind in ("wecom", "dingtalk", "feishu")]
        with Notifier(daemon, robots, routes=routes, start=False) as notifier:
            with open(os.path.join(notifier.rules, "templates", "closed.yaml"), "w", encoding="utf-8") as file:
                file.write('template: closed\npublic: "yes"\nparams: rule\nzh_sms: 电梯停运 {{rule}}\nen_sms: Lift closed {{rule}}\n')
            notifier.start()
            notifier.put(household("3-2-1201"))
            for kind in ("wecom", "dingtalk", "feishu"):
                notifier.request("N-" + kind, channel=kind, template="closed")
            notifier.request("N-private", channel="wecom")
            notifier.request("N-house", channel="wecom", to="3-2-1201", template="closed")
            notifier.await_fates({"N-wecom": "sent", "N-dingtalk": "sent", "N-feishu": "sent", "N-private": "suppressed", "N-house": "suppressed"})
            assert notifier.history("N-house")[-1][1]["reason"] == "a household is not written to in a group"
            assert "is not for groups" in notifier.history("N-private")[1][1]["reason"]
            by = {p.split("?")[0]: (p, json.loads(b)) for _, p, _, b in gateway.requests}
            assert by["/wecom"][1] == {"msgtype": "text", "text": {"content": "电梯停运 C1"}}
            feishu = by["/feishu"][1]
            assert feishu["content"] == {"text": "电梯停运 C1"}
            key = f"{feishu['timestamp']}\nabc".encode()
            assert feishu["sign"] == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
            query = dict(urllib.parse.parse_qsl(by["/dingtalk"][0].split("?")[1]))
            assert query["sign"] == base64.b64encode(hmac.new(b"abc", f"{query['timestamp']}\nabc".encode(), hashlib.sha256).digest()).decode()
            assert len(gateway.requests) == 3


def test_pages_for_people(daemon, tmp_path):
    letter = {"channel": "letter", "medium": "letter", "folder": str(tmp_path / "letters")}
    with Notifier(daemon, [letter]) as notifier:
        notifier.put(household("3-2-1201"))
        params = {"household": "3-2-1201", "bills": "<script>alert(1)</script>", "amount": 12345, "due": "2026-12-01"}
        notifier.request("D-1", channel="letter", to="3-2-1201", template="formal-demand", params=params)
        notifier.await_fates({"D-1": "sent"})
        page = (tmp_path / "letters" / "D-1.0.html").read_text()
        assert "编号 D-1" in page and "123.45" in page and "<script>" not in page and "&lt;script&gt;" in page
        assert os.listdir(tmp_path / "letters") == ["D-1.0.html"]
        # What was written is in the log, and told by its story, whole in JSON.
        page_hash = hashlib.blake2b(page.encode(), digest_size=32).hexdigest()
        assert notifier.history("D-1")[-1][1]["page_hash"] == page_hash and page_hash[:40] in daemon.estate("case", "C-1").stdout
        assert page_hash in daemon.estate("case", "C-1", "--json").stdout
        # F3: signed by the manager; 195: served on a day, by somebody.
        assert all(line in page for line in ("负责人签字", "签收", "送达日期", "送达人"))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def tell(port, path, body=None):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", None if body is None else json.dumps(body).encode(), timeout=PATIENCE_S) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def told(port, path, body=None):
    """As a gateway does it: what is to come later comes later, since the worker may know less by now than the log."""
    deadline = time.monotonic() + PATIENCE_S
    while (status := tell(port, path, body)) == 503:
        assert time.monotonic() < deadline
    return status


def test_receipts(daemon):
    """Early, late, doubled, failed, of nobody."""
    port = free_port()
    with Gateway() as first, Gateway() as second, \
            Notifier(daemon, [first.sms("a"), second.sms("b")], settings={"receipts": f"127.0.0.1:{port}"}) as notifier:
        first.script = {0: lambda path, body: (tell(port, "/json", {"reference": json.loads(body)["reference"], "status": "delivered"}), b'{"id":"p-0"}')}
        notifier.request("N-early")
        notifier.await_fates({"N-early": "sent"})
        assert notifier.kinds("N-early") == ["requested", "attempted", "delivered", "sent"]
        notifier.request("N-1", subject="C-2")
        notifier.await_fates({"N-1": "sent"})
        assert told(port, "/json", {"provider_id": "p-1", "status": "failed"}) == 200
        assert told(port, "/json", {"provider_id": "p-1", "status": "failed"}) == 200
        notifier.await_fates({"N-1": "sent"})
        deadline = time.monotonic() + PATIENCE_S
        while notifier.kinds("N-1") != ["requested", "attempted", "sent", "failed", "attempted", "sent"]:
            assert time.monotonic() < deadline, notifier.history("N-1")
            time.sleep(0.02)
        # A late one of the message before; then the true one, twice.
        assert told(port, "/json", {"reference": "N-1.0", "status": "failed"}) == 200
        assert [told(port, "/kannel?reference=N-1.1&type=1") for _ in range(2)] == [200, 200]
        assert notifier.kinds("N-1") == ["requested", "attempted", "sent", "failed", "attempted", "sent", "delivered"]
        assert told(port, "/json", {"reference": "N-none.0", "status": "delivered"}) == 404
        assert told(port, "/kannel?reference=N-1.1") == 400 and told(port, "/json", {"status": "ok"}) == 400 and told(port, "/json", [1]) == 400
        assert told(port, "/other") == 404


def test_a_receipt_of_several_that_left_as_one(daemon):
    port = free_port()
    with MailServer() as mail, Gateway() as gateway, \
            Notifier(daemon, [gateway.sms(), mail.channel()], routes=[{"wanted": "sms", "try": "sms"}, {"wanted": "email", "try": "email"}],
                     settings={"receipts": f"127.0.0.1:{port}", "digest": "300ms"}) as notifier:
        for n in range(3):
            notifier.request(f"N-{n}", subject=f"C-{n}")
            notifier.request(f"M-{n}", subject=f"C-{n}", channel="email")
        notifier.await_fates({**{f"N-{n}": "sent" for n in range(3)}, **{f"M-{n}": "sent" for n in range(3)}})
        assert told(port, "/json", {"provider_id": "p-0", "status": "delivered"}) == 200
        notifier.await_fates({f"N-{n}": "delivered" for n in range(3)})
        ((_, content),) = mail.letters
        letter = email.message_from_bytes(content, policy=email.policy.default)
        assert letter["Subject"] == "物业：3 条通知" and letter.get_content().count("责任项 C1") == 3 and "\n2. 超时：C-1\n" in letter.get_content()


def test_kannel_with_its_fake_centre(daemon, tmp_path):
    """A bearer box, an smsbox and a fake SMSC, as Debian ships them."""
    bearer, smsbox = shutil.which("bearerbox") or "/usr/sbin/bearerbox", shutil.which("smsbox") or "/usr/sbin/smsbox"
    fake = shutil.which("fakesmsc") or "/usr/lib/kannel/test/fakesmsc"
    if not all(os.access(p, os.X_OK) for p in (bearer, smsbox, fake)):
        pytest.skip("NOT TESTED: kannel and kannel-extras are not installed")
    admin, box, centre, send, receipts = (free_port() for _ in range(5))
    (tmp_path / "kannel.conf").write_text(f"""
group = core
admin-port = {admin}
admin-password = x
smsbox-port = {box}
box-allow-ip = "127.0.0.1"
log-file = "{tmp_path}/bearer.log"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = fake
port = {centre}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
log-file = "{tmp_path}/smsbox.log"

group = sendsms-user
username = estate
password = pass
max-messages = 10
concatenation = true
""")
    (tmp_path / "secret").write_text("user: estate\npassword: pass\n")
    boxes = [subprocess.Popen([bearer, "-v", "4", str(tmp_path / "kannel.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    try:
        await_port(box)
        boxes.append(subprocess.Popen([smsbox, "-v", "4", str(tmp_path / "kannel.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        with open(tmp_path / "fake.log", "wb") as log:
            boxes.append(subprocess.Popen([fake, "-H", "127.0.0.1", "-r", str(centre), "-i", "0.1", "-m", "0", "1 2 text nothing"], stdout=log, stderr=log))
        await_port(send)
        channel = {"channel": "sms", "medium": "sms", "kind": "kannel", "url": f"http://127.0.0.1:{send}/cgi-bin/sendsms", "from": "1069",
                   "credentials": str(tmp_path / "secret")}
        with Notifier(daemon, [channel], settings={"receipts": f"127.0.0.1:{receipts}"}) as notifier:
            notifier.request("N-1")
            notifier.await_fates({"N-1": "sent"})
            deadline = time.monotonic() + PATIENCE_S
            while b"+8613900000001" not in (tmp_path / "fake.log").read_bytes():
                assert time.monotonic() < deadline, (tmp_path / "bearer.log").read_text()[-2000:]
                time.sleep(0.05)
            notifier.await_fates({"N-1": "delivered"}, patience=20)
    finally:
        for process in reversed(boxes):
            process.kill()
            process.wait()


def spool(path):
    for name in ("outbox", "sent", "error", "inbox"):
        (path / name).mkdir(parents=True)
    return {"channel": "modem", "medium": "sms", "kind": "gammu", "folder": str(path)}


def await_file(folder):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := [f for f in folder.iterdir() if f.name.startswith("OUT")]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def test_smsd_by_its_folders(daemon, tmp_path):
    """What lies in sent has left, what lies in error goes the next way, what nobody takes is taken back."""
    with Gateway() as gateway:
        modem = spool(tmp_path / "gammu")
        with Notifier(daemon, [{**modem, "within": "1s"}, gateway.sms()], routes=[{"wanted": "sms", "try": "modem sms"}, {"wanted": "phone", "try": "modem"}]) as notifier:
            notifier.request("N-1:a/b")
            file = await_file(tmp_path / "gammu" / "outbox")
            assert file.name == "OUTC00000000_000000_00_+8613900000001_N-1+a=b.0.txt"
            assert file.read_bytes() == b"\xff\xfe" + "【物业】超时：C-1 已超过期限（C1），请立即处理。".encode("utf-16-le")
            assert notifier.kinds("N-1:a/b") == ["requested", "attempted"]
            file.rename(tmp_path / "gammu" / "sent" / file.name)
            notifier.await_fates({"N-1:a/b": "sent"})
            assert notifier.history("N-1:a/b")[-1][1]["provider_id"] == "N-1+a=b.0.txt"
            notifier.request("N-2", urgency="urgent", subject="C-2")
            file = await_file(tmp_path / "gammu" / "outbox")
            assert file.name.startswith("OUTB")
            file.rename(tmp_path / "gammu" / "error" / file.name)
            notifier.await_fates({"N-2": "sent"})
            assert notifier.kinds("N-2") == ["requested", "attempted", "failed", "attempted", "sent"] and len(gateway.requests) == 1
            notifier.request("N-3", channel="phone", subject="C-3")
            notifier.await_fates({"N-3": "failed"})
            assert notifier.history("N-3")[-1][1]["reason"].startswith("outcome-unknown: SMSD did not move it") and not os.listdir(tmp_path / "gammu" / "outbox")
            # The second of two was not touched, so that it may be tried again.
            (tmp_path / "gammu" / "outbox" / "OUTA_1_2.txt").write_text("x")
            notifier.request("N-4", channel="phone", subject="C-4", expires="2099-01-01T00:00:00+08:00")
            notifier.await_fates({"N-4": "failed"})
            assert notifier.history("N-4")[2][1] == {"notification": "N-4", "reason": "SMSD did not come to it in time, and it was taken back", "permanent": False,
                                                     "as_of_seq": notifier.history("N-4")[2][1]["as_of_seq"]}


def test_smsd_is_not_given_twice_what_it_has_sent(daemon, tmp_path):
    modem = spool(tmp_path / "gammu")
    with Notifier(daemon, [modem]) as notifier:
        notifier.request("N-1", urgency="urgent")
        file = await_file(tmp_path / "gammu" / "outbox")
        notifier.kill9()
        file.rename(tmp_path / "gammu" / "sent" / file.name)
        notifier.start()
        notifier.await_fates({"N-1": "sent"})
        assert notifier.kinds("N-1") == ["requested", "attempted", "failed", "attempted", "sent"] and not os.listdir(tmp_path / "gammu" / "outbox")
        shutil.rmtree(tmp_path / "gammu" / "sent")
        notifier.request("N-2", urgency="urgent", subject="C-2")
        notifier.await_fates({"N-2": "failed"})
        assert "cannot be used: No such file" in notifier.history("N-2")[-1][1]["reason"]


def test_gammu_smsd_with_its_dummy_phone(daemon, tmp_path):
    """As Debian ships it."""
    program = shutil.which("gammu-smsd") or "/usr/bin/gammu-smsd"
    if not os.access(program, os.X_OK):
        pytest.skip("NOT TESTED: gammu-smsd is not installed")
    modem, phone = spool(tmp_path / "gammu"), tmp_path / "phone"
    phone.mkdir()
    (tmp_path / "smsdrc").write_text(f"""
[gammu]
connection = none
model = dummy
device = {phone}

[smsd]
service = files
transmitformat = auto
loopsleep = 1
inboxpath = {tmp_path}/gammu/inbox/
outboxpath = {tmp_path}/gammu/outbox/
sentsmspath = {tmp_path}/gammu/sent/
errorsmspath = {tmp_path}/gammu/error/
logfile = {tmp_path}/smsd.log
debuglevel = 255
""")
    with Notifier(daemon, [modem]) as notifier:
        notifier.request("N-1")
        notifier.request("N-2", subject="C-" + "9" * 60, template="obligation-opened", params={"obligation": "𠮷", "rule": "长" * 60})
        smsd = subprocess.Popen([program, "-c", str(tmp_path / "smsdrc")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"})
        try:
            notifier.await_fates({"N-1": "sent", "N-2": "sent"}, patience=30)
        finally:
            smsd.terminate()
            smsd.wait()
        log = (tmp_path / "smsd.log").read_text(errors="replace")
        assert "【物业】超时：C-1 已超过期限（C1），请立即处理。" in log and 'Recipient number "+8613900000001"' in log
        assert "N-2.0.txt (total: 3)" in log and notifier.history("N-2")[-1][1]["segments"] == 3, log[-2000:]


def await_port(port):
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.05)
