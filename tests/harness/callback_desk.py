"""What tests of callbacks share: the configuration of an estate, a year of it with answers, and a live worker with something on its agenda."""
import datetime
import json
import os
import shutil
import subprocess
import tempfile

import daemon as harness
from callback_model import SITE, CallbackYear
from worker import Worker

CONFIG = os.path.join(harness.REPOSITORY, "config")
SCRIPT = os.path.join(CONFIG, "respond", "callback.yaml")
ASSISTANTS = {f"cs-{n}" for n in range(1, 9)}
TODAY = datetime.datetime.now(SITE).date()


def config(parent, rules=None, roster=None):
    """The shipped rules and calendar with the staff of the invented estate; (old, new) pairs change the rules."""
    folder = tempfile.mkdtemp(prefix="callback-", dir=parent)
    for name in ("rules", "calendars"):
        shutil.copytree(os.path.join(CONFIG, name), os.path.join(folder, name))
    shutil.copy(os.path.join(CONFIG, "respond", "estate", "roster.yaml"), folder)
    if roster is not None:
        with open(os.path.join(folder, "roster.yaml"), "w", encoding="utf-8") as file:
            file.write(roster)
    path = os.path.join(folder, "rules", "callback.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in rules or ():
        assert old in text, old
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return folder


def generate(path, *, households=3000, start="2026-01-01", days=365, seed=1, in_home=250, complaints=40):
    subprocess.run([harness.program("estate"), "generate", "--households", str(households), "--from", start, "--days", str(days), "--seed", str(seed),
                    "--calendar", os.path.join(CONFIG, "calendars", "cn.yaml"), "--in-home", str(in_home), "--complaints", str(complaints),
                    "--without", "contacts,bills,callbacks,ratings", "--out", path], check=True)


def rehearse_log(path, folder, *arguments, script=SCRIPT, until="2027-01-06", expect=0):
    """Everything of a rehearsal with answers, as events in their order."""
    done = subprocess.run([harness.program("estate-callback"), "--rehearse", path, "--config", folder, "--respond", script, "--until", until, "--log", "-",
                           *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == expect, done.stderr.decode()
    assert b" 0 parked" in done.stderr, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def year(path, folder, *arguments, **more):
    return CallbackYear(rehearse_log(path, folder, *arguments, **more))


class Desk:
    """A live estate-callback, in whose log cases were handled yesterday, so that they stand on today's agenda."""

    def __init__(self, daemon, parent):
        self.daemon, self.number = daemon, 0
        self.worker = Worker(daemon, name="callback", program=harness.program("estate-callback"), rules=None, start=False)
        self.worker.start("--config", config(parent))
        stream = daemon.client("activated").subscribe("first", type=["config.activated"])
        assert {stream.next(harness.VERB_S).fields["data"]["kind"] for _ in range(3)} == {"rules", "calendar", "roster"}

    def put(self, *events):
        lines = []
        for kind, subject, days, clock, data in events:
            self.number += 1
            at = datetime.datetime.combine(TODAY + datetime.timedelta(days=days), datetime.time.fromisoformat(clock), SITE)
            lines.append(json.dumps({"specversion": "1.0", "id": f"d-{self.number}", "source": "/test", "type": kind, "subject": subject,
                                     "time": at.isoformat(), "data": data}))
        return [json.loads(line)["seq"] for line in self.daemon.estate("put", stdin="\n".join(lines)).stdout.splitlines()]

    def household(self, name="3-2-1201", phone="000-0302-1201"):
        self.put(("household.registered", name, 0, "00:00", {"kind": "owner", "name": f"业主{name}", "phone": phone, "moved_in": "2024-05-01"}))

    def complaint(self, case, *, household="3-2-1201", by="eng-1", severity="ordinary", verify="onsite", handled=-1):
        """Its callback is case + "/1"."""
        self.put(("complaint.opened", case, handled - 1, "09:00", {"household": household, "category": "noise", "severity": severity, "via": "phone"}),
                 ("case.assigned", case, handled - 1, "09:05", {"to": by, "role": "engineering"}),
                 ("complaint.handled", case, handled, "10:00", {"by": by, "verify": verify}))
        return case + "/1"

    def estate(self, *words, expect=0, **env):
        done = subprocess.run([harness.program("estate"), *map(str, words)], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                              env={**os.environ, "ESTATE_ENDPOINT": self.daemon.endpoint, "LC_ALL": "C.UTF-8", **env})
        assert expect is None or done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def stop(self):
        self.worker.stop()
