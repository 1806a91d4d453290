"""As a service: the unit, what systemd is told, and what `make install` leaves."""
import os
import re
import shutil
import socket
import subprocess

import pytest

import daemon as harness

UNITS = os.path.join(harness.REPOSITORY, "systemd")
UNIT = os.path.join(harness.REPOSITORY, "systemd", "estated.service")
PATIENCE_S = 30
MAN_PAGES = ["daemon/estated.8", "config/estated.yaml.5", "config/clients.yaml.5", "clients/estate/estate.1", "clients/alarm/estate-alarm.8",
             "workers/escalate/estate-escalate.8", "workers/callback/estate-callback.8", "workers/notify/estate-notify.8", "workers/dunning/estate-dunning.8", "workers/stats/estate-stats.8"]
# What a machine may lack on which the package isn't installed.
TOLERATED = re.compile(r"man estated|man estated\.yaml|Command 'man |man.*failed with code")


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that exists, in a folder of its own."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: systemd-analyze is missing")
    with open(UNIT, encoding="utf-8") as file:
        text = file.read()
    assert "ExecStart=/usr/bin/estated\n" in text
    path = str(tmp_path / "estated.service")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("/usr/bin/estated", harness.program("estated")))
    return path


def test_the_unit_is_clean(unit):
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip() and not TOLERATED.search(line)]
    assert said == [], "\n".join(said)


def test_the_unit_is_shut_tight(unit):
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", unit], capture_output=True, text=True, check=False,
                          timeout=PATIENCE_S)
    exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    print(f"exposure {exposure.group(1)}")
    assert float(exposure.group(1)) <= 1.5


def test_the_unit_of_a_worker(tmp_path):
    """Clean, shut tight, and of the user that the sysusers file makes."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: systemd-analyze is missing")
    with open(os.path.join(UNITS, "estate-worker@.service"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(UNITS, "estate-workers.sysusers"), encoding="utf-8") as file:
        users = re.findall(r"^u (\S+)", file.read(), re.M)
    assert users == ["estate-example", "estate-escalate", "estate-callback", "estate-notify", "estate-dunning", "estate-stats"] and "User=estate-%i\n" in text and "StateDirectory=estate-%i\n" in text
    path = str(tmp_path / "estate-worker@example.service")
    for needed in ("estated.service", "estate-alarm@.service"):
        with open(os.path.join(UNITS, needed), encoding="utf-8") as file:
            (tmp_path / needed).write_text(re.sub(r"/usr/bin/(\S+)", lambda m: harness.program(m[1]), file.read()), encoding="utf-8")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("/usr/bin/estate-%i", harness.program("estate-example")))
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip() and not re.search(r"man estate|Command 'man |man.*failed with code", line)]
    assert said == [], "\n".join(said)
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", path], capture_output=True, text=True, check=False,
                          timeout=PATIENCE_S)
    exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert exposure and float(exposure.group(1)) <= 1.5, done.stdout + done.stderr
    print(f"exposure {exposure.group(1)}")


class Notify:
    """The other end of sd_notify()."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE_S)
        self.said = []

    def until(self, line):
        """Read up to a message that has a line which begins so; that line."""
        while True:
            lines = self.socket.recv(8192).decode().splitlines()
            self.said += lines
            for one in lines:
                if one.startswith(line):
                    return one

    def rest(self):
        self.socket.setblocking(False)
        try:
            while True:
                self.said += self.socket.recv(8192).decode().splitlines()
        except BlockingIOError:
            return self.said


@pytest.fixture
def notify(tmp_path):
    one = Notify(str(tmp_path / "notify"))
    yield one
    one.socket.close()


def test_what_systemd_is_told(notify, start_daemon):
    daemon = start_daemon(env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "200000"})
    assert notify.until("READY=") == "READY=1"
    assert len(notify.until("STATUS=")) > len("STATUS=")
    for _ in range(3):
        assert notify.until("WATCHDOG=") == "WATCHDOG=1"
        notify.until("STATUS=")
    before = len(notify.said)
    daemon.stop()
    assert notify.until("STOPPING=") == "STOPPING=1"
    assert any(line.startswith("STATUS=stopping") for line in notify.rest()[before:])
    assert notify.said.count("READY=1") == 1
    assert "EXTEND_TIMEOUT_USEC" not in "".join(notify.said), "an empty log needs no more time"


def test_no_watchdog_unless_asked(notify, start_daemon):
    daemon = start_daemon(env={"NOTIFY_SOCKET": notify.path})
    client = daemon.client()
    client.hello()
    client.ping()
    daemon.stop()
    assert "WATCHDOG=1" not in notify.rest() and "READY=1" in notify.said


def test_a_recovery_asks_for_more_time(notify, start_daemon):
    """Before READY, with what it is doing."""
    daemon = start_daemon()
    client = daemon.client()
    client.hello()
    assert all(r.fault is None for r in client.put_many(harness.estate.pack({"specversion": "1.0", "id": f"{n}", "source": "/t",
                                                                             "type": "probe.recorded", "data": {}}) for n in range(3000)))
    daemon.stop()
    shutil.rmtree(os.path.join(daemon.data, "keys"))
    daemon.env["NOTIFY_SOCKET"] = notify.path
    daemon.start()
    notify.until("READY=1")
    ready = notify.said.index("READY=1")
    asked = [n for n, line in enumerate(notify.said) if re.fullmatch(r"EXTEND_TIMEOUT_USEC=\d+", line)]
    assert asked and asked[0] < ready
    assert int(notify.said[asked[0]].split("=")[1]) >= 10_000_000
    assert "STATUS=starting: indexing" in notify.said[:ready]


# --- make install

CLIENT = r"""
#include <estate.h>
#include <inttypes.h>
#include <stdio.h>

static void stored(void *user, const struct estate_ack *a) { (void)user; printf("%" PRIu64 "\n", a->seq); }

int main(int argc, char **argv)
{
	static const char event[] = "\x85\xabspecversion\xa3" "1.0\xa2id\xa9installed\xa6source\xa2/k\xa4type\xaeprobe.recorded\xa4" "data\x81\xa1n\x07";
	struct estate_options o = { .endpoint = argv[1], .client = "installed", .on_ack = stored };
	struct estate *e;

	if (argc != 2 || estate_open(&o, &e) != 0 || estate_put(e, event, sizeof(event) - 1, 1) != 0)
		return (1);
	for (int i = 0; i < 30 && estate_unacked(e) > 0; i++)
		estate_pump(e, 1000);
	estate_close(e);
	return (0);
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    tree = str(tmp_path_factory.mktemp("tree"))
    missing = [page for page in MAN_PAGES if not os.path.exists(os.path.join(harness.REPOSITORY, page))]
    # Without a page make would stop there: everything else is looked at all the same.
    keep_going = ["--ignore-errors"] if missing else []
    done = subprocess.run(["make", "-s", "install", f"DESTDIR={tree}", *keep_going], cwd=harness.REPOSITORY, capture_output=True, text=True,
                          check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return tree, missing


def test_units_name_the_programs_where_they_were_installed(tmp_path):
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/opt/estate"], cwd=harness.REPOSITORY, check=True, capture_output=True)
    programs = set()
    for folder, _, names in os.walk(tmp_path / "opt/estate/lib/systemd/system"):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                programs.update(re.findall(r"^ExecStart=(\S*/estate\S*)", file.read(), re.M))
    assert "/opt/estate/bin/estated" in programs
    for program in programs:
        assert os.path.exists(f"{tmp_path}{program.replace('%i', 'callback')}"), program


def test_install_is_complete(installed):
    tree, missing = installed
    modes = {"usr/bin/estated": 0o755, "usr/bin/estate": 0o755, "usr/bin/estate-alarm": 0o755, "usr/lib/systemd/system/estate-alarm@.service": 0o644,
             "usr/lib/systemd/system/estate-alarm.service": 0o644, "usr/lib/systemd/system/estate-alarm.timer": 0o644, "usr/share/doc/estated/alarm.yaml": 0o644, "usr/lib/libestate.a": 0o644, "usr/lib/libestate-proto.a": 0o644,
             "usr/bin/estate-escalate": 0o755, "usr/lib/systemd/system/estate-worker@escalate.service.d/config.conf": 0o644,
             "etc/estated/rules/escalate.yaml": 0o644, "usr/bin/estate-callback": 0o755, "usr/bin/estate-dunning": 0o755,
             "usr/lib/systemd/system/estate-worker@dunning.service.d/config.conf": 0o644, "etc/estated/rules/dunning.yaml": 0o644, "usr/bin/estate-stats": 0o755, "etc/estated/measures.yaml": 0o644,
             "usr/lib/systemd/system/estate-worker@stats.service.d/config.conf": 0o644,
             "usr/lib/systemd/system/estate-worker@callback.service.d/config.conf": 0o644, "etc/estated/rules/callback.yaml": 0o644, "etc/estated/roster.yaml": 0o644, "etc/estated/calendars/cn.yaml": 0o644, "usr/bin/estate-example": 0o755, "usr/lib/systemd/system/estate-worker@.service": 0o644, "usr/lib/sysusers.d/estate-workers.conf": 0o644,
             "usr/bin/estate-notify": 0o755, "usr/lib/systemd/system/estate-worker@notify.service.d/config.conf": 0o644, "etc/estated/notify.yaml": 0o644, "etc/estated/templates/bill-reminder.yaml": 0o644,
             "etc/estated/example/example.yaml": 0o644, "usr/share/doc/estated/GUIDE.md": 0o644, "usr/include/estate.h": 0o644, "usr/lib/pkgconfig/libestate.pc": None, "usr/share/estated/estate.py": 0o644,
             "usr/lib/systemd/system/estated.service": 0o644, "usr/lib/sysusers.d/estated.conf": 0o644,
             "usr/lib/tmpfiles.d/estated.conf": 0o644, "usr/share/doc/estated/PROTOCOL.md": 0o644, "etc/estated/estated.yaml": 0o644}
    for path, mode in modes.items():
        st = os.stat(os.path.join(tree, path))
        assert mode is None or st.st_mode & 0o777 == mode, path
    if missing:
        pytest.skip(f"NOT TESTED: the manual pages {', '.join(missing)} are not written, so make install fails")
    for page in ("man8/estated.8", "man5/estated.yaml.5", "man5/clients.yaml.5", "man1/estate.1", "man8/estate-alarm.8", "man8/estate-escalate.8", "man8/estate-callback.8", "man8/estate-notify.8", "man8/estate-dunning.8", "man8/estate-stats.8"):
        assert os.path.exists(os.path.join(tree, "usr/share/man", page))


def test_install_leaves_the_operators_settings(installed):
    tree, missing = installed
    path = os.path.join(tree, "etc/estated/estated.yaml")
    with open(path, "a", encoding="utf-8") as file:
        file.write("log_level: warn\n")
    subprocess.run(["make", "-s", "install", f"DESTDIR={tree}", *(["--ignore-errors"] if missing else [])], cwd=harness.REPOSITORY,
                   capture_output=True, check=True, timeout=600)
    with open(path, encoding="utf-8") as file:
        assert file.read().endswith("log_level: warn\n")


def test_installed_programs_work_together(installed, tmp_path, monkeypatch):
    """The daemon with the settings as installed, the tool, and a C client built with pkg-config alone."""
    tree, _ = installed
    monkeypatch.setenv("ESTATE_BIN_DIR", os.path.join(tree, "usr/bin"))
    environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": tree, "PKG_CONFIG_PATH": os.path.join(tree, "usr/lib/pkgconfig")}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libestate"], env=environment, capture_output=True, text=True, check=False)
    assert flags.returncode == 0, flags.stderr
    # The other libraries are the system's, not the tree's.
    words = [w if os.path.join(tree, "usr", "lib") == w[2:] or os.path.join(tree, "usr", "include") == w[2:] else w.replace(tree, "")
             for w in flags.stdout.split()]
    source, program = str(tmp_path / "client.c"), str(tmp_path / "client")
    with open(source, "w", encoding="utf-8") as file:
        file.write(CLIENT)
    built = subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program, source, *words], capture_output=True, text=True,
                           check=False)
    assert built.returncode == 0, built.stderr
    with open(os.path.join(tree, "etc/estated/estated.yaml"), encoding="utf-8") as file:
        settings = file.read()
    with harness.Daemon(config=settings) as daemon:
        done = subprocess.run([program, daemon.endpoint], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == 0 and done.stdout.strip().isdigit(), done.stdout + done.stderr
        client = daemon.client()
        client.hello()
        assert client.get(int(done.stdout)).fields["id"] == "installed"
        assert '"installed"' in daemon.estate("get", done.stdout.strip(), "--json").stdout
        seen = subprocess.run(["/usr/bin/python3", os.path.join(tree, "usr/share/estated/estate.py"), "--endpoint", daemon.endpoint, "tail",
                               "--from", "first", "--until-end"], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        assert '"installed"' in seen.stdout, seen.stderr
