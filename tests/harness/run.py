"""Runs the tests, four files at a time since they mostly wait for the disk, and ends with the line `N passed, N failed`.

    run.py                  what every change must pass: unit tests and fuzz corpora under sanitizers, scenarios in the release build, and
                            those that drive the daemon hardest under sanitizers too
    run.py --long           the full campaigns instead, one part after another; a part that passed for this commit is not run again
    run.py NAME …           only tests whose name holds one of these words
"""
import concurrent.futures
import glob
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENARIOS = [os.path.join("tests", "scenario"), os.path.join("tests", "rules")]
WORK = os.path.join(REPOSITORY, "build", "tests")

# Also run with the sanitizer build: the tests that feed the daemon what it must survive.
SANITIZED = ["test_protocol", "test_faults", "test_subscriptions", "test_store", "test_rights", "test_worker", "test_ask", "test_personal", "test_life", "test_hostile", "test_import", "test_notify", "test_notify_ways", "test_ledger_properties", "test_archive", "test_keeping", "test_stats", "test_stats_hostile", "test_report", "test_reports", "test_form"]

# The longest first, so that the lanes end together.
LONGEST_FIRST = ["test_callback_year", "test_store", "test_consumers", "test_kill", "test_alarm", "test_worker", "test_demo", "test_protocol", "test_rights"]

# make check-long, part by part.
LONG_PARTS = ["test_kill", "test_worker", "test_month_of_kills", "test_callback_histories", "test_callback_properties", "test_callback_year", "test_ledger_properties", "test_dunning_year", "test_dunning_live", "test_stats_year", "test_stats_live", "test_powercut", "test_scale", "test_faults", "test_durability", "test_store", "test_subscriptions", "test_outbox", "test_notify"]

PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs"]


class Outcome:
    def __init__(self, name):
        self.name, self.passed, self.failed, self.skipped, self.text, self.seconds = name, 0, 0, 0, "", 0.0


def unit(program):
    """A cmocka program, in the sanitizer build."""
    outcome = Outcome("unit " + os.path.basename(program))
    done = subprocess.run([program], cwd=REPOSITORY, capture_output=True, text=True, check=False, env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
    outcome.text = done.stdout + done.stderr
    # cmocka says "not ok … # SKIP" of what it skipped.
    lines = [line for line in outcome.text.splitlines() if "# SKIP" not in line]
    outcome.skipped = outcome.text.count("# SKIP")
    outcome.passed = sum(line.startswith("ok ") for line in lines)
    outcome.failed = sum(line.startswith("not ok ") for line in lines)
    crashed = done.returncode < 0 or done.returncode != 0 and outcome.failed + outcome.skipped == 0
    if crashed or outcome.passed + outcome.failed + outcome.skipped == 0:
        outcome.failed += 1     # it crashed, or ran nothing
    return outcome


def replay(program):
    """A fuzz target over its kept corpus."""
    outcome = Outcome("fuzz " + os.path.basename(program))
    corpus = os.path.join(REPOSITORY, "tests", "fuzz", "corpus", os.path.basename(program).removeprefix("replay_"))
    done = subprocess.run([program, corpus], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    outcome.text = done.stdout + done.stderr
    if done.returncode == 0 and not outcome.text.startswith("0 "):
        outcome.passed = 1
    else:
        outcome.failed = 1
    return outcome


def scenario(path, variant, long=False):
    name = os.path.basename(path)[:-3]
    outcome = Outcome(f"{name} ({variant or 'release'}{', long' if long else ''})")
    report = os.path.join(WORK, f"{os.path.basename(os.path.dirname(path))}-{name}-{variant or 'release'}.xml")
    environment = {**os.environ, "ESTATE_BIN_DIR": os.path.join(REPOSITORY, "build", variant, "bin"), "PYTHONDONTWRITEBYTECODE": "1"}
    if long:
        environment["ESTATE_LONG"] = "1"
    done = subprocess.run([*PYTEST, f"--junitxml={report}", path], cwd=REPOSITORY, capture_output=True, text=True, check=False, env=environment)
    outcome.text = done.stdout + done.stderr
    try:
        suite = xml.parse(report).getroot().find("testsuite")
        outcome.failed = int(suite.get("failures")) + int(suite.get("errors"))
        outcome.skipped = int(suite.get("skipped"))
        outcome.passed = int(suite.get("tests")) - outcome.failed - outcome.skipped
    except (OSError, xml.ParseError, AttributeError):
        outcome.failed = 1
    if done.returncode != 0 and outcome.failed == 0:
        outcome.failed = 1
    return outcome


def timed(job):
    begin = time.monotonic()
    outcome = job()
    outcome.seconds = time.monotonic() - begin
    return outcome


def jobs_short():
    files = sorted(path for folder in SCENARIOS for path in glob.glob(os.path.join(REPOSITORY, folder, "test_*.py")))
    rank = {name: n for n, name in enumerate(LONGEST_FIRST)}
    runs = [(path, variant) for path in files for variant in ["", "san"]
            if variant == "" or os.path.basename(path)[:-3] in SANITIZED]
    runs.sort(key=lambda run: (rank.get(os.path.basename(run[0])[:-3], 99), run[1]))
    jobs = [(os.path.basename(path), lambda path=path, variant=variant: scenario(path, variant)) for path, variant in runs]
    jobs += [(p, lambda p=p: unit(p)) for p in sorted(glob.glob(os.path.join(REPOSITORY, "build", "san", "test", "test_*")))]
    jobs += [(p, lambda p=p: replay(p)) for p in sorted(glob.glob(os.path.join(REPOSITORY, "build", "san", "test", "replay_*")))]
    return jobs


def show(outcome):
    state = "FAILED" if outcome.failed else "passed"
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"{state}  {outcome.name}: {outcome.passed} passed, {outcome.failed} failed{skipped} ({outcome.seconds:.1f} s)", flush=True)
    for line in outcome.text.splitlines():
        if "NOT TESTED" in line or (outcome.failed == 0 and line.startswith("SKIPPED")):
            print("        " + line, flush=True)
    if outcome.failed:
        print(outcome.text[-20000:], flush=True)


def finish(outcomes):
    passed, failed, skipped = (sum(getattr(o, what) for o in outcomes) for what in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed or not passed else 0


def run_short(words):
    jobs = [job for name, job in jobs_short() if not words or any(word in name for word in words)]
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(4) as lanes:
        for future in concurrent.futures.as_completed([lanes.submit(timed, job) for job in jobs]):
            outcomes.append(future.result())
            show(outcomes[-1])
    return finish(outcomes)


def run_long(words):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    outcomes = []
    for part in LONG_PARTS:
        path = next((path for folder in SCENARIOS for path in glob.glob(os.path.join(REPOSITORY, folder, part + ".py"))), "")
        done = os.path.join(WORK, f"long-{part}-{commit}")
        if words and not any(word in part for word in words) or not os.path.exists(path):
            continue
        if os.path.exists(done):
            print(f"passed before for this commit: {part}", flush=True)
            continue
        print(f"now: {part}", flush=True)
        outcomes.append(timed(lambda path=path: scenario(path, "", long=True)))
        show(outcomes[-1])
        if not outcomes[-1].failed:
            with open(done, "w", encoding="utf-8"):
                pass
    return finish(outcomes)


if __name__ == "__main__":
    wrong = [word for word in sys.argv[1:] if word.startswith("-") and word != "--long"]
    if wrong:
        print(__doc__, end="", file=sys.stdout if wrong[0] in ("--help", "-h") else sys.stderr)
        sys.exit(0 if wrong[0] in ("--help", "-h") else 2)
    os.makedirs(WORK, exist_ok=True)
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sys.exit(run_long(words) if "--long" in sys.argv else run_short(words))
