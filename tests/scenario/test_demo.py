"""make demo without a terminal: it ends by itself, shows what it stored, and leaves nothing behind."""
import os
import re
import subprocess

import daemon as harness

DEMO = os.path.join(harness.REPOSITORY, "tests", "harness", "demo")


def demo(folder, **env):
    environment = {key: value for key, value in os.environ.items() if key not in ("INPUT", "DEMO_SECONDS")}
    environment.update({"TMPDIR": str(folder), "LC_ALL": "C.UTF-8", "DEMO_SECONDS": "2", **env})
    return subprocess.run([DEMO], capture_output=True, text=True, check=False, timeout=120, env=environment, stdin=subprocess.DEVNULL)


def assert_shown(done, folder):
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^last_seq +[\d ]+$", done.stdout, re.M)
    assert re.search(r"^acknowledged \d+, of these lost 0, stored twice 0$", done.stdout, re.M)
    assert re.search(r"^killed [1-9]\d* times; concluded \d+, of these missing 0, twice 0, otherwise than rehearsed 0$", done.stdout, re.M)
    assert re.search(r"^\(as of event \d+\)$", done.stdout, re.M)
    assert re.search(r"^sound: events 1 to \d+", done.stdout, re.M)
    assert re.search(r"\d+ events/s durable", done.stdout)
    # The day of deadlines was live: told as they fell, and summed up.
    assert re.search(r"^\d\d-\d\d \d\d:\d\d:\d\d obligation\.breached +H\S+/H-", done.stdout, re.M)
    assert re.search(r"^\d\d-\d\d \d\d:\d\d:\d\d notification\.requested +site_manager", done.stdout, re.M)
    owed, met, missed = (sum(numbers) for numbers in zip(*(map(int, row) for row in re.findall(r"^[A-Z]\d+\S* +(\d+) +(\d+) +(\d+)$", done.stdout, re.M))))
    assert owed > 20 and 5 < met <= owed and 0 < missed <= owed
    assert re.search(r"^\d+ running, \d+ overdue", done.stdout, re.M)
    assert re.search(r"^sound, \d{4}-\d\d, events 1 to \d{4,}, \d+ blocks, blake2b-256:[0-9a-f]{64}, as the log says$", done.stdout, re.M)
    assert re.search(r"^At .*: \d+ persons due", done.stdout, re.M)
    assert "How to look around" in done.stdout and "\x1b" not in done.stdout
    assert os.listdir(folder) == []


def test_a_day_arrives(tmp_path):
    done = demo(tmp_path)
    assert_shown(done, tmp_path)
    arrived = re.findall(r"^\d{4}-\d\d-\d\d \S+ \S+ +(\d+) +\d+ (?:us|ms|s) ", done.stdout, re.M)
    assert len(arrived) >= 20
    assert [int(seq) for seq in arrived] == list(range(int(arrived[0]), int(arrived[0]) + len(arrived)))


def test_events_of_a_file(tmp_path):
    """Good lines arrive, the others are named; what is beyond the time given comes at once."""
    data, folder = tmp_path / "in.jsonl", tmp_path / "folder"
    folder.mkdir()
    lines = [f'{{"specversion":"1.0","id":"{n}","source":"/t","type":"probe.recorded","subject":"S-1","data":{{"n":{n}}}}}' for n in range(40)]
    data.write_text("\n".join([*lines[:3], "no json", *lines[3:]]) + "\n", encoding="utf-8")
    done = demo(folder, INPUT=str(data), DEMO_SECONDS="1")
    assert_shown(done, folder)
    assert f"{data}:4:" in done.stdout
    assert re.search(r"^ +40 probe.recorded$", done.stdout, re.M)
    assert "S-1: 40 events" in done.stdout


def test_in_chinese(tmp_path):
    done = demo(tmp_path, DEMO_SECONDS="1", LC_ALL="", LC_MESSAGES="", LANG="zh_CN.UTF-8")
    assert done.returncode == 0 and "丢失 0 个，重复入库 0 个" in done.stdout and "接待记录" in done.stdout


def test_mistakes_name_the_next_step(tmp_path):
    for env, word in (({"INPUT": "/no/such/file"}, "INPUT"), ({"DEMO_SECONDS": "soon"}, "DEMO_SECONDS"),
                      ({"ESTATE_BIN_DIR": "/nowhere"}, "next: make")):
        done = demo(tmp_path, **env)
        assert done.returncode != 0 and word in done.stderr and os.listdir(tmp_path) == []
