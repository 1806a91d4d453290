"""The command-line tool where its surroundings are bad: output that cannot be written, files as editors leave them, refused ids."""
import fcntl
import json
import os
import re
import signal
import subprocess
import time

import msgpack
import pytest

import daemon as harness
from test_obligations import on_a_terminal

RULE = "1 to 64 characters of A-Z a-z 0-9"


def line(number, **members):
    return json.dumps({"specversion": "1.0", "id": f"e{number}", "source": "/test/cli", "type": "probe.recorded", "data": {"n": number},
                       **members})


def lines(count):
    return "".join(line(number) + "\n" for number in range(count))


def estate(daemon, *arguments, stdout, stdin=None):
    """Run `estate` with a standard output of one's own."""
    return subprocess.run([harness.program("estate"), *map(str, arguments)], input=stdin, stdout=stdout, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=harness.VERB_S, env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint})


def estate_full(daemon, *arguments, stdin=None):
    with open("/dev/full", "wb") as full:
        return estate(daemon, *arguments, stdout=full, stdin=stdin)


def estate_closed(daemon, *arguments, stdin=None):
    """The same into a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return estate(daemon, *arguments, stdout=writer, stdin=stdin)
    finally:
        os.close(writer)


def stored(daemon):
    """The ids of this test's events, in the log's order."""
    shown = daemon.estate("tail", "--from", "first", "--source", "/test/cli", "--json").stdout
    return [json.loads(one)["id"] for one in shown.splitlines()]


def cursor_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["seq"]


def test_a_cursor_stays_where_writing_failed(daemon, tmp_path):
    cursor = tmp_path / "cursor"
    daemon.estate("put", stdin=lines(20))
    options = ["tail", "--cursor", cursor, "--source", "/test/cli", "--json"]
    done = estate_full(daemon, *options)
    assert done.returncode == 3 and done.stderr.count("cannot write") == 1
    assert not cursor.exists()
    assert estate_closed(daemon, *options).returncode == 0
    assert not cursor.exists()
    first = [json.loads(one) for one in daemon.estate(*options, "-n", 5).stdout.splitlines()]
    assert [one["id"] for one in first] == [f"e{number}" for number in range(5)]
    assert cursor_of(cursor) == first[-1]["seq"]
    assert estate_full(daemon, *options).returncode == 3
    assert cursor_of(cursor) == first[-1]["seq"]
    rest = [json.loads(one)["id"] for one in daemon.estate(*options).stdout.splitlines()]
    assert rest == [f"e{number}" for number in range(5, 20)]
    assert daemon.estate(*options).stdout == ""


def test_a_cursor_is_never_ahead_of_a_reader_that_left(daemon, tmp_path):
    """Much more than a pipe holds, and a reader that takes a little of it: the cursor may be behind what it took, never ahead of what
    was written."""
    cursor = tmp_path / "cursor"
    daemon.estate("put", "--batch", 100, stdin="".join(line(number, data={"n": number, "text": "x" * 1000}) + "\n" for number in range(2000)))
    tail = subprocess.Popen([harness.program("estate"), "tail", "--cursor", str(cursor), "--source", "/test/cli", "--json"],
                            stdout=subprocess.PIPE, env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint})
    taken = [json.loads(tail.stdout.readline()) for _ in range(10)]
    tail.stdout.close()
    assert tail.wait(harness.VERB_S) == 0
    # 64 KiB in the pipe, and what Python's reader took ahead.
    assert not cursor.exists() or cursor_of(cursor) < taken[-1]["seq"] + 300


def test_put_says_when_its_acks_cannot_be_written(daemon):
    done = estate_full(daemon, "put", stdin=lines(3))
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "events were stored, but their acks could not be written: No space left" in done.stderr
    assert stored(daemon) == ["e0", "e1", "e2"]
    again = [json.loads(one) for one in daemon.estate("put", stdin=lines(3)).stdout.splitlines()]
    assert [one["duplicate"] for one in again] == [True] * 3


def test_put_into_a_closed_pipe_stores_and_exits_3(daemon):
    done = estate_closed(daemon, "put", stdin=lines(3))
    assert done.returncode == 3 and done.stderr == ""
    assert stored(daemon) == ["e0", "e1", "e2"]


def started(daemon, *arguments, stdout=subprocess.PIPE):
    return subprocess.Popen([harness.program("estate"), *map(str, arguments)], stdout=stdout, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint})


def await_asleep(process, reached):
    """Until it has come so far, the same each time, and waits for something outside of itself."""
    deadline, seen, before = time.monotonic() + harness.VERB_S, 0, 0
    while seen < 10:
        assert time.monotonic() < deadline and process.poll() is None
        now = reached()
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
            seen = seen + 1 if now > 0 and now == before and stat.read().rpartition(")")[2].split()[0] == "S" else 0
        before = now
        time.sleep(0.02)


def read_to_the_end(process, path):
    for fd in os.listdir(f"/proc/{process.pid}/fd"):
        if os.path.realpath(f"/proc/{process.pid}/fd/{fd}") == str(path):
            with open(f"/proc/{process.pid}/fdinfo/{fd}", encoding="ascii") as info:
                return int(info.readline().split()[1]) == path.stat().st_size
    return False


def interrupted(process):
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=harness.VERB_S)[1]


def test_an_interrupted_put_counts_lines_not_batches(daemon, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text(lines(35), encoding="utf-8")
    daemon.process.send_signal(signal.SIGSTOP)
    put = started(daemon, "put", "--batch", 10, file)
    try:
        await_asleep(put, lambda: read_to_the_end(put, file))
        told = interrupted(put)
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    assert put.returncode == 1
    assert f"every line up to 0 was answered (0 stored, 0 refused), 35 are unanswered; go on with: estate put --skip 0 {file}" in told
    acks = [json.loads(one) for one in daemon.estate("put", "--batch", 10, file).stdout.splitlines()]
    assert [one["line"] for one in acks] == list(range(1, 36))
    assert stored(daemon) == [f"e{number}" for number in range(35)]


def test_a_put_stopped_while_nobody_reads_its_acks_skips_no_line(daemon, tmp_path):
    """Lines whose acks were not written must not be skipped: nobody would ever be told their numbers."""
    file = tmp_path / "events.jsonl"
    file.write_text(lines(3000), encoding="utf-8")
    reader, writer = os.pipe()
    os.write(writer, b"x" * fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ))
    watcher = daemon.client()
    watcher.hello()
    put = started(daemon, "put", "--batch", 10, file, stdout=writer)
    os.close(writer)
    await_asleep(put, lambda: max(0, watcher.status()["last_seq"] - 10))
    told = interrupted(put)
    os.close(reader)
    assert put.returncode == 3
    assert "could not be written: stopped while nobody read them; put the same lines again to get them" in told
    assert "--skip" not in told and "put the same lines again, what is stored already" in told
    acks = [json.loads(one) for one in daemon.estate("put", file).stdout.splitlines()]
    assert [one["line"] for one in acks] == list(range(1, 3001)) and acks[0]["duplicate"]
    assert stored(daemon) == [f"e{number}" for number in range(3000)]


def test_put_without_anything_to_say_needs_no_output(daemon):
    assert estate_full(daemon, "put", stdin="").returncode == 0


def test_put_skips_a_byte_order_mark(daemon, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text("\ufeff" + lines(2), encoding="utf-8")
    acks = [json.loads(one) for one in daemon.estate("put", file).stdout.splitlines()]
    assert [(one["line"], one["id"]) for one in acks] == [(1, "e0"), (2, "e1")]
    file.write_text("\ufeff\n" + line(2) + "\n\ufeff" + line(3) + "\n", encoding="utf-8")
    done = daemon.estate("put", file, expect=1)     # only at the very beginning
    assert json.loads(done.stdout)["id"] == "e2"
    assert ":3:" in done.stderr and "not JSON" in done.stderr


def test_a_bad_id_is_explained_once(daemon):
    bad = line(0, id="no id") + "\n" + line(1, subject="no id") + "\n"
    done = daemon.estate("put", stdin=bad, expect=1)
    assert done.stdout == ""
    for told, path in zip(done.stderr.splitlines(), ["id", "subject"]):
        assert f"bad-id (35) at {path}: " in told and told.count(RULE) == 1, told
    done = daemon.estate("put", "--json", stdin=bad, expect=1)
    for told, path in zip(done.stderr.splitlines(), ["id", "subject"]):
        assert json.loads(told)["path"] == path and told.count(RULE) == 1, told


def test_who_waits_at_a_terminal_is_told_for_what(tmp_path):
    """Not only after half a minute that it was in vain; programs read one line at the end, as ever."""
    words = [harness.program("estate"), "status", "--connect", f"ipc://{tmp_path}/nobody", "--timeout", "2"]
    ours, its = os.openpty()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=its)
    os.close(its)
    told = os.read(ours, 4096).decode()
    assert "waiting up to 2 s" in told and "is estated running" in told and process.poll() is None
    assert process.wait(30) == 3
    process.stdout.close()
    os.close(ours)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr.count("\n") == 1 and "no answer" in done.stderr


def test_status_is_chinese_throughout(daemon):
    lines = daemon.estate("status", env={"LC_ALL": "zh_CN.UTF-8"}).stdout.splitlines()
    assert [line for line in lines if line[:1].isascii()] == [] and any(line.split() == ["状态", "运行中"] for line in lines)


def exactly(number, size):
    """A line whose event has that many bytes when it is packed."""
    bare = len(msgpack.packb(json.loads(line(number, note=""))))
    head = 1 if size - bare < 32 else 2 if size - bare < 256 else 3            # of the text: fixstr has one byte already
    made = line(number, note="x" * (size - bare - head + 1))
    while len(msgpack.packb(json.loads(made))) < size:
        made = made.replace('"note": "', '"note": "x')
    assert len(msgpack.packb(json.loads(made))) == size
    return made + "\n"


def test_events_at_the_bound_are_put_and_one_byte_more_is_refused(daemon, tmp_path):
    """Each alone, together, by way of an outbox, and by bench: none may wait for ever in the client."""
    sizes = [65530, 65531, 65532, 65533, 65535, 65536, 65537]
    all_lines = "".join(exactly(number, size) for number, size in enumerate(sizes))
    done = daemon.estate("put", "--timeout", 10, stdin=all_lines, expect=1)
    assert [json.loads(one)["line"] for one in done.stdout.splitlines()] == [1, 2, 3, 4, 5, 6]
    assert "too-large" in done.stderr and "65537 bytes packed" in done.stderr
    done = daemon.estate("put", "--timeout", 10, "--batch", 6, stdin=all_lines, expect=1)
    assert [json.loads(one)["duplicate"] for one in done.stdout.splitlines()] == [True] * 6
    daemon.estate("outbox", "put", "--send", "--path", tmp_path / "box", stdin=exactly(7, 65536))
    assert "e7" in stored(daemon)
    shown = json.loads(daemon.estate("bench", "put", "--size", 65536, "--events", 3, "--json").stdout)
    assert shown["events"] == 3 and shown["errors"] == 0


@pytest.mark.parametrize("words", [["status"], ["get", 1], ["consumers"], ["types"], ["status", "--json"]])
def test_output_that_cannot_be_written_is_no_success(daemon, words):
    done = estate_full(daemon, *words)
    assert done.returncode == 3 and "No space left" in done.stderr


@pytest.mark.parametrize("place", ["-1", "18446744073709551616", "99999999999999999999999", "+5", "0", ""])
def test_a_place_that_is_no_number_is_wrong_usage(daemon, place):
    assert "--from" in daemon.estate("tail", f"--from={place}", expect=2).stderr


def test_a_cursor_that_cannot_be_kept_is_told_before_anything_is_shown(daemon, tmp_path):
    """What is shown without it would be shown again."""
    for path in (tmp_path, tmp_path / "missing" / "cursor"):
        done = daemon.estate("tail", "--cursor", path, expect=3)
        assert done.stdout == "" and str(path) in done.stderr
    assert os.listdir(tmp_path) == []
    for text in ("", "{", "\0\0", "[1]", '{"log":"x","epoch":1,"seq":-1}', '{"log":"' + "x" * 64 + '","epoch":1,"seq":1}'):
        (tmp_path / "cursor").write_text(text)
        done = daemon.estate("tail", "--cursor", tmp_path / "cursor", expect=3)
        assert done.stdout == "" and "begin anew" in done.stderr
        assert (tmp_path / "cursor").read_text() == text


def closing(*numbers):
    return lambda: [os.close(number) for number in numbers]


def test_closed_descriptors_are_not_taken_by_files(daemon, tmp_path):
    """Else what is said on stderr would be written into the file that got its number, and put would read from a socket."""
    command = [harness.program("estated"), "--config", daemon.config_path, "--data", tmp_path / "data", "--listen", f"ipc://{tmp_path}/s"]
    other = subprocess.Popen(command, preexec_fn=closing(0, 1, 2))
    try:
        daemon.estate("ping", "--connect", f"ipc://{tmp_path}/s")
        assert [os.readlink(f"/proc/{other.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
    finally:
        other.terminate()
        assert other.wait(harness.STOP_S) == 0
    done = subprocess.run([harness.program("estate"), "put", "--connect", daemon.endpoint], preexec_fn=closing(0), stderr=subprocess.PIPE,
                          timeout=harness.VERB_S, check=False)
    assert done.returncode == 0, done.stderr


def estated(*arguments):
    return subprocess.run([harness.program("estated"), *map(str, arguments)], capture_output=True, text=True, check=False,
                          timeout=harness.VERB_S)


@pytest.mark.parametrize("text, line, says", [
    ("timezone: Atlantis/Here", 2, "no zone"),
    ("http: nowhere", 2, ""),
    ("listen: udp://x", 2, "is no endpoint"),
    ("listen: [ipc:///a, ipc:///a]", 2, "named twice"),
    ("server_key: /nowhere/key", 2, "/nowhere/key"),
    ("data: ~", 2, "no value"),
    ("---\nhttp: ''", 2, "second document"),
])
def test_every_refused_setting_has_its_line(tmp_path, text, line, says):
    config = tmp_path / "estated.yaml"
    config.write_text(f"log_level: info\n{text}\n", encoding="utf-8")
    done = estated("--config", config, "--check-config")
    assert done.returncode != 0 and done.stderr.startswith(f"estated: {config}:{line}: ") and says in done.stderr, done.stderr


def test_settings_from_a_pipe_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = estated("--config", tmp_path / "pipe", "--check-config")
    assert done.returncode != 0 and "is no regular file" in done.stderr and "--config" in done.stderr


def test_one_endpoint_twice_on_the_command_line(tmp_path):
    config = tmp_path / "estated.yaml"
    config.write_text("log_level: info\n", encoding="utf-8")
    done = estated("--config", config, "--check-config", "--listen", "ipc:///a", "--listen", "ipc:///a")
    assert done.returncode != 0 and done.stderr.startswith("estated: listen: ipc:///a is named twice")


def test_a_folder_where_the_socket_would_be(daemon, tmp_path):
    (tmp_path / "way").mkdir()
    done = estated("--config", daemon.config_path, "--data", tmp_path / "data", "--listen", f"ipc://{tmp_path}/way")
    assert done.returncode != 0 and "there is a folder of that name" in done.stderr and f"ipc://{tmp_path}/way/estated.sock" in done.stderr
    assert not os.path.exists(tmp_path / "way.lock")


def test_put_of_a_folder(daemon, tmp_path):
    missing = daemon.estate("put", tmp_path / "none", expect=3)
    folder = daemon.estate("put", tmp_path, expect=3)
    assert missing.stderr and "is a folder, not a file of events" in folder.stderr and "--skip" not in folder.stderr


@pytest.mark.parametrize("columns", [20, 30, 39])
def test_tail_on_a_tiny_terminal(daemon, columns):
    """The number whole, the minute, and the beginning of what it is."""
    daemon.estate("put", stdin=lines(3))
    text = on_a_terminal(daemon, columns, 24, "C.UTF-8", "tail", "--from", "first", "--until-end", "--source", "/test/cli", "--no-color")
    shown = text.replace("\r", "").splitlines()
    assert len(shown) == 3 and all(re.match(r"\d+ \d\d:\d\d pro", row) and len(row) <= columns for row in shown), text
