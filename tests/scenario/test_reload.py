"""SIGHUP: what of the settings file is applied at once, what waits for a restart, and what a broken file changes (nothing)."""
import json
import os
import re
import signal

import pytest

import daemon as harness
from test_rights import events_of

ENDS, SILENT = re.compile(r'what="the list of clients .*\n'), re.compile(r'what="the settings were read again".*\n')


class Reloaded:
    """A daemon whose settings change under it."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.probe = daemon.wire()
        with open(daemon.config_path, encoding="utf-8") as file:
            self.rows = dict(line.rstrip("\n").split(": ", 1) for line in file)

    def write(self, text):
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            file.write(text)

    def with_rows(self, **rows):
        self.write("".join(f"{key}: {value}\n" for key, value in {**self.rows, **rows}.items()))

    def reload(self, until=ENDS):
        """What the log says about it, from the signal to the list of clients, which is the last."""
        before = len(self.daemon.stderr(1 << 30))
        self.daemon.signal(signal.SIGHUP)
        while True:
            self.probe.ask(1, "ping", 1)
            said = self.daemon.stderr(1 << 30)[before:]
            if until.search(said):
                return said

    def status(self):
        return json.loads(self.daemon.estate("status", "--json").stdout)


@pytest.fixture
def reloaded(start_daemon):
    return lambda **options: Reloaded(start_daemon(**options))


def told(said, what):
    """name → (before, after) of the settings about which the log said this."""
    return {name: (old, new) for name, old, new in
            re.findall(rf'what="{what}" name=(\w+) \w+="((?:[^"\\]|\\.)*)" \w+="((?:[^"\\]|\\.)*)"', said)}


def test_the_table_and_the_manual_agree():
    """settings.def is the one place; estated.yaml(5) names those that are applied."""
    def source(path):
        with open(os.path.join(harness.REPOSITORY, path), encoding="utf-8") as file:
            return file.read()
    rows = dict(re.findall(r"^SETTING\(\w+,\s*(\w+),\s*(RELOAD|RESTART),", source("daemon/settings.def"), re.M))
    paragraph = re.search(r"\.Pp\nOn SIGHUP.*?is applied at once", source("config/estated.yaml.5"), re.S)[0]
    assert re.findall(r"^\.Cm (\w+)", paragraph, re.M) == [name for name, change in rows.items() if change == "RELOAD"]
    assert len(rows) == len(re.findall(r"^SETTING\(", source("daemon/settings.def"), re.M))


def test_each_change_is_told_and_only_those(reloaded, tmp_path):
    them = reloaded()
    said = them.reload()
    assert "applied=0 need_restart=0" in said and not told(said, "a setting was applied")
    them.with_rows(log_level="debug", recent_memory="4MiB", retention_age="800d", consumer_lag_age="30d", dedup_days=500,
                   journal_segment="8MiB", timezone="Europe/Berlin", http="127.0.0.1:0", data=str(tmp_path))
    said = them.reload()
    assert told(said, "a setting was applied") == {
        "log_level": (r"\"info\"", r"\"debug\""), "recent_memory": ("2097152", "4194304"), "retention_age": ("0s", "69120000s"),
        "consumer_lag_age": ("0s", "2592000s"), "dedup_days": ("400", "500")}
    # What the command line says is in force, whatever the file says.
    assert told(said, "a setting was changed, and needs a restart") == {
        "journal_segment": ("4194304", "8388608"), "timezone": (r"\"Asia/Shanghai\"", r"\"Europe/Berlin\""), "http": (r"\"\"", r"\"127.0.0.1:0\"")}
    assert "applied=5 need_restart=3" in said
    assert re.search(rf'name=log_level .*from="{re.escape(them.daemon.config_path)}:\d+"', said)
    # Applied ones are no news the next time; those that wait are told again, until the restart.
    said = them.reload()
    assert "applied=0 need_restart=3" in said
    # Back to how it is: nothing waits.
    them.with_rows()
    said = them.reload()
    assert "applied=5 need_restart=0" in said


def test_applied_means_in_force(reloaded):
    them = reloaded()
    status = them.status()
    assert status["state"] == "running"
    # More than any disk has: full with the next put, and well again when the wish is taken back.
    them.with_rows(disk_reserve="900GiB")
    them.reload()
    event = harness.estate.pack({"specversion": "1.0", "id": "full-1", "source": "/t", "type": "probe.recorded", "data": {}})
    assert them.probe.ask(1, "put", 5, [event])[1] == "nak"
    assert them.status()["state"] == "disk-full"
    them.with_rows()
    them.reload()
    them.probe.send(1, "resume", 6)
    client = them.daemon.client("again")
    client.hello()
    assert client.put(event).seq > 0
    assert them.status()["state"] == "running"
    # Who is silent at `error` says everything at `debug`, the change itself included.
    them.with_rows(log_level="error")
    assert "applied=1" in them.reload(SILENT)
    them.with_rows(log_level="debug")
    assert told(them.reload(), "a setting was applied")["log_level"] == (r"\"error\"", r"\"debug\"")


BROKEN = [("log_level: loud\n", 1, "none of error, warn, info, debug"), ("disk_reserve: 1MiB\ndisk_reserv: 2MiB\n", 2, "the nearest is"),
          ("log_level: [\n", None, ""), ("timezone: Atlantis/Here\n", 1, "no zone"), ("recent_memory: 1\n", 1, "out of range")]


@pytest.mark.parametrize("text,line,says", BROKEN)
def test_a_broken_file_changes_nothing(reloaded, text, line, says):
    them = reloaded()
    them.write("".join(f"{key}: {value}\n" for key, value in {"log_level": "debug", **them.rows}.items() if key not in text) + text)
    lines = len(them.rows) + 1 - sum(key in text for key in {"log_level": 1, **them.rows})
    said = them.reload()
    assert "the settings were not read again; those in force stay" in said and says in said
    if line is not None:
        assert f"{them.daemon.config_path}:{lines + line}: " in said
    assert "a setting was applied" not in said and "level=debug" not in said
    os.unlink(them.daemon.config_path)
    assert "cannot read" in them.reload()
    them.with_rows(recent_memory="3MiB")
    assert set(told(them.reload(), "a setting was applied")) == {"recent_memory"}


def test_the_list_of_clients_is_read_all_the_same(reloaded):
    """Settings with an error do not hold up a revocation; a list with an error holds up both."""
    uid = os.getuid()
    me = f"clients:\n  - name: me\n    uid: {uid}\n    role: admin\n"
    them = reloaded(clients=me)
    them.write("nonsense: 1\n")
    them.daemon.write_clients(me + "  - name: other\n    uid: 65533\n    role: local\n")
    said = them.reload()
    assert "the settings were not read again" in said and "client=other" in said
    them.daemon.write_clients("clients: [")
    them.with_rows(recent_memory="3MiB")
    said = them.reload()
    assert "the list of clients was not read again" in said and "a setting was applied" not in said
    # Another list by its name, with a role that the settings give to strangers.
    other = os.path.join(them.daemon.folder, "others.yaml")
    with open(other, "w", encoding="utf-8") as file:
        file.write(me)
    them.with_rows(clients=other, unlisted="auditor")
    said = them.reload()
    assert set(told(said, "a setting was applied")) == {"clients", "unlisted"}
    assert ("client.revoked", "other", {"reason": "clients file, role local"}) in events_of(them.daemon, "client.*")


def test_a_limit_that_is_set_is_looked_at_at_once(reloaded):
    """A consumer that lags beyond the new limit is alarmed without any other event."""
    them = reloaded()
    reader = them.daemon.wire(client="reader")
    assert "ended" not in str(reader.ask(1, "subscribe", 3, {"consumer": "slow", "from": "first", "events": 1, "bytes": 1000}))
    event = harness.estate.pack({"specversion": "1.0", "id": "lag-1", "source": "/t", "type": "probe.recorded", "data": {"text": "x" * 2000}})
    them.probe.put(4, event)
    assert events_of(them.daemon, "consumer.lagging") == []
    while (status := them.status())["applied_seq"] < status["last_seq"]:        # what lags is measured in what LMDB has
        them.probe.ask(1, "ping", 5)
    them.with_rows(consumer_lag_bytes="1KiB")
    said = them.reload()
    assert told(said, "a setting was applied") == {"consumer_lag_bytes": ("0", "1024")}
    assert [(kind, name) for kind, name, _ in events_of(them.daemon, "consumer.lagging")] == [("consumer.lagging", "slow")]
