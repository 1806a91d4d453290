"""Whatever a person asks for, something helpful comes: --help of everything, wrong words, the manual, the settings."""
import os
import re
import subprocess

import pytest

import daemon as harness

VERBS = ["put", "import", "outbox", "tail", "get", "case", "obligations", "agenda", "callback", "report", "form", "arrears", "household", "person", "retention", "types", "status", "consumers", "consumer", "ask", "calendar", "simulate", "parked", "ping", "verify", "backup", "archive", "repair", "clock", "client", "keygen", "generate", "bench"]
MANUALS = ["daemon/estated.8", "clients/estate/estate.1", "config/estated.yaml.5", "config/clients.yaml.5", "clients/alarm/estate-alarm.8"]


def run(program, *arguments, **env):
    return subprocess.run([harness.program(program), *arguments], capture_output=True, text=True, check=False, timeout=30,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **env})


def source(path):
    with open(os.path.join(harness.REPOSITORY, path), encoding="utf-8") as file:
        return file.read()


def settings():
    """The rows of settings.def: name and default."""
    return re.findall(r'^SETTING\(\w+,\s*(\w+),\s*\w+,\s*"([^"]*)"', source("daemon/settings.def"), re.M)


def test_verbs_are_all_listed():
    listed = re.findall(r"^  (\w+) {2,}", run("estate", "--help").stdout, re.M)
    assert listed == VERBS
    assert re.findall(r"^  (\w+) {2,}", run("estate", "--help", LC_ALL="zh_CN.UTF-8").stdout, re.M) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_verb_help(verb):
    done = run("estate", verb, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.search(rf"^  (.*\b)?estate {verb}", done.stdout.split("sage:", 1)[1], re.M), "no example"
    assert "xit status" in done.stdout
    assert run("estate", verb, "--no-such-option").returncode == 2


def parts(text):
    """The options a help names, and the commands of its examples without what is said behind them."""
    examples = re.split(r"^(?:[Ee]xamples?|示例)$", text, maxsplit=1, flags=re.M)
    commands = [re.sub(r"\s{2,}.*", "", line.strip()) for line in examples[1].splitlines() if line.startswith("  ")] if len(examples) > 1 else []
    return sorted(set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", examples[0]))), commands


@pytest.mark.parametrize("words", [[verb] for verb in VERBS] + [["callback", "show"], ["callback", "quota"], ["callback", "year"]], ids=" ".join)
def test_help_in_chinese_has_the_same_options_and_examples(words):
    english, chinese = (run("estate", *words, "--help", LC_ALL=language).stdout for language in ("C.UTF-8", "zh_CN.UTF-8"))
    assert chinese.startswith("用法：estate " + words[0]) and "退出码：" in chinese
    assert parts(chinese) == parts(english)


def test_estated_help():
    done = run("estated", "--help")
    assert done.returncode == 0 and "Try it:" in done.stdout
    wrong = run("estated", "--no-such-option")
    assert wrong.returncode == 2 and "--help" in wrong.stderr
    assert run("estated", "word").returncode == 2


def test_unknown_verb_names_the_nearest():
    done = run("estate", "tial")
    assert done.returncode == 2 and "estate tail" in done.stderr and done.stdout == ""
    assert run("estate").returncode == 2


@pytest.mark.parametrize("manual", MANUALS)
def test_manual_renders_without_warnings(manual):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", manual], cwd=harness.REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout + done.stderr == ""
    page = subprocess.run(["mandoc", "-Tutf8", manual], cwd=harness.REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert "EXAMPLES" in re.sub(".\b", "", page)       # bold is overstruck


def test_manual_has_every_verb():
    manual = source("clients/estate/estate.1")
    assert [verb for verb in VERBS if not re.search(rf"^\.It Ic {verb}\b", manual, re.M)] == []


def test_manual_has_every_option_of_estated():
    usage = run("estated", "--help").stdout
    manual = source("daemon/estated.8")
    options = set(re.findall(r"--([a-z-]+)", usage.split("Try it")[0]))
    assert [option for option in options if not re.search(rf"^\.It Fl Fl {option}\b", manual, re.M)] == []


def test_every_setting_is_in_the_manual_and_the_file():
    manual, file = source("config/estated.yaml.5"), source("config/estated.yaml")
    assert settings()
    for name, default in settings():
        entry = re.search(rf"^\.It Cm {name}\n(.*?)(?=^\.It |^\.El)", manual, re.M | re.S)
        assert entry, f"estated.yaml(5) lacks {name}"
        assert f"\n.Cm {default} ." in entry[1] if default else "Default: empty" in entry[1], f"estated.yaml(5): the default of {name}"
        assert re.search(rf"^#{name}:", file, re.M), f"estated.yaml lacks {name}"
        assert default in file
    named = set(re.findall(r"^\.It Cm (\w+)$", manual, re.M)) | set(re.findall(r"^#(\w+):", file, re.M))
    assert named == {name for name, _ in settings()}


def test_the_shipped_file_is_accepted_and_says_the_defaults(tmp_path):
    text = source("config/estated.yaml")
    config = tmp_path / "estated.yaml"
    config.write_text(re.sub(r"^#((?:\w+:|  - ).*)$", r"\1", text, flags=re.M), encoding="utf-8")
    for path in (os.path.join(harness.REPOSITORY, "config/estated.yaml"), str(config)):
        done = run("estated", "--config", path, "--check-config")
        assert done.returncode == 0, done.stderr
