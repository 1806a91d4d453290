"""What README.md prints runs as it is printed."""
import os
import re
import subprocess
import sys

import daemon as harness

PRINTED = "ipc:///tmp/estate.sock"


def examples():
    with open(os.path.join(harness.REPOSITORY, "README.md"), encoding="utf-8") as file:
        return re.findall(r"^```(\w+)\n(.*?)^```$", file.read(), re.M | re.S)


def the(language, word):
    """The example in that language that holds the word."""
    found = [text for name, text in examples() if name == language and word in text]
    assert len(found) == 1, f"README.md should have one {language} example with {word}"
    return found[0]


def run(command, daemon, **options):
    environment = {**os.environ, "PYTHONPATH": os.path.join(harness.REPOSITORY, "clients", "python"), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=harness.REPOSITORY, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stored(daemon):
    return [int(line) for line in daemon.estate("tail", "--from", "first", "--type", "probe.recorded", "--format", "{data.n}").stdout.split()]


def test_shell(daemon):
    example = the("sh", "estate put").replace(PRINTED, daemon.endpoint).replace("build/bin", os.path.dirname(harness.program("estate")))
    assert '"seq":2,"duplicate":false' in run(["sh", "-ec", example], daemon)
    assert '"seq":2,"duplicate":true' in run(["sh", "-ec", example], daemon)


def test_python(daemon):
    out = run([sys.executable, "-c", the("python", "make_event").replace(PRINTED, daemon.endpoint)], daemon)
    assert out.splitlines()[0] == "2" and stored(daemon) == [7]


def test_python_without_a_library_of_ours(daemon):
    out = run([sys.executable, "-c", the("python", "import msgpack").replace(PRINTED, daemon.endpoint)], daemon)
    assert out.splitlines() == ["1", "[[2, 1, False]]", "2 {'n': 7}"]


def test_c(daemon, tmp_path):
    """Built as an installed library is."""
    root, program = str(tmp_path / "root"), str(tmp_path / "first")
    subprocess.run(["make", "-s", "install", f"DESTDIR={root}"], cwd=harness.REPOSITORY, check=True, capture_output=True)
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{root}/usr/lib/pkgconfig"}
    flags = subprocess.run(["pkg-config", f"--define-variable=prefix={root}/usr", "--cflags", "--libs", "libestate"], env=environment,
                           capture_output=True, text=True, check=True).stdout.split()
    source = tmp_path / "first.c"
    source.write_text(the("c", "estate_open").replace(PRINTED, daemon.endpoint), encoding="utf-8")
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", program, str(source), *flags], check=True)
    assert run([program], daemon) == "2\n"
    assert run([program], daemon) == "2 (sent before)\n"
    assert stored(daemon) == [7]
