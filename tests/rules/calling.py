"""Readable sequences of events for estate-callback, and what it concludes from them.

    MON = Day("2026-11-23")
    told = rehearse([MON("10:00", "complaint.opened", "C-1", …), MON("12:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")], until="2026-11-30")
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 cs-2 phone"]

Instants are site time; the roster is one of a small department, whose assistants are cs-1 to cs-3.
"""
import json
import os
import subprocess
import tempfile

import daemon as harness
import obligations
from obligations import Day, instant, lines_of, site  # noqa: F401

PROGRAM = harness.program("estate-callback")
SHIPPED = os.path.join(harness.REPOSITORY, "config")
RULES = os.path.join(SHIPPED, "rules", "callback.yaml")
PATIENCE_S = 60

ROSTER = """\
zone: Asia/Shanghai
roles:
  clerk: { staff: clerk-1 }
  cs_assistant: { staff: [cs-1, cs-2, cs-3] }
  cs_lead: { staff: [lead-1] }
  site_manager: { staff: m-1 }
otherwise: [cs_lead, site_manager]
"""
COMPLAINT = {"category": "noise", "severity": "ordinary", "via": "phone", "household": "3-2-1201"}
REPAIR = {"trade": "plumbing", "in_home": True, "household": "3-2-1201"}
SATISFIED = {"grade": "satisfied", "signed": True, "channel": "paper"}


def rules(**changes):
    """The shipped rules with some figures changed: rules(due_days=…) changes every key of that name; section__key one."""
    with open(RULES, encoding="utf-8") as file:
        lines = file.read().splitlines()
    section = ""
    for number, line in enumerate(lines):
        if line and not line.startswith((" ", "#")):
            section = line.split(":")[0]
        for name, value in changes.items():
            where, _, key = name.rpartition("__")
            if line.strip().startswith(key + ":") and (not where or where == section):
                lines[number] = line[:len(line) - len(line.lstrip())] + f"{key}: {value}"
    return "\n".join(lines) + "\n"


def config(text=None, roster=ROSTER):
    """A folder as --config wants it."""
    folder = tempfile.mkdtemp(prefix="estate-callback-")
    for name, content in ("rules/callback.yaml", text), ("calendars/cn.yaml", None), ("roster.yaml", roster):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is None:
            os.symlink(os.path.join(SHIPPED, name), path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(content)
    return folder


STANDARD = config()


class Told:
    def __init__(self, lines, stderr):
        self.lines, self.stderr = lines, stderr

    def of(self, callback):
        """What becomes of one callback, in words."""
        return [self.text(line) for line in self.lines if line["data"].get("callback") == callback]

    def type(self, name):
        return [line for line in self.lines if line["type"] == name]

    def due(self, kind=None):
        """The callbacks that were said, in their order, each once."""
        seen = dict.fromkeys(line["data"]["callback"] for line in self.type("callback.due") if kind in (None, line["data"]["kind"]))
        return list(seen)

    def violations(self):
        return [f"{line['data']['rule']} {line['subject']} {line['data'].get('by', '')}".strip() for line in self.type("rule.violated")]

    @staticmethod
    def text(line):
        data, kind = line["data"], line["type"].split(".")[1]
        if kind == "due":
            opens = "" if data["opens"] == line["time"] else f" opens {site(data['opens'])}"
            return f"due {site(line['time'])}{opens} by {site(data['due'])} {data.get('staff', data['role'])} {data['mode']}"
        if kind == "reassigned":
            return f"reassigned {site(line['time'])} {data.get('staff', data['role'])} ({data['reason']})"
        return f"{kind} {site(line['time'])} ({data['reason']})"

    def reason(self, callback):
        return [line["data"]["reason"] for line in self.type("callback.due") if line["data"]["callback"] == callback][-1]


def run(data, *arguments, folder=STANDARD, expect=0):
    done = subprocess.run([PROGRAM, "--rehearse", "-", "--config", folder, *arguments], input=data, capture_output=True, check=False, timeout=PATIENCE_S)
    assert expect is None or done.returncode == expect, done.stderr.decode()
    return done


def rehearse(events, until, folder=STANDARD):
    done = run(lines_of(events), "--until", instant(until), folder=folder)
    told = Told([json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode())
    assert " 0 parked" in told.stderr, told.stderr
    return told


def ask(events, until, name, folder=STANDARD, **arguments):
    """The answer, the rows of all pages together."""
    done = run(lines_of(events), "--until", instant(until), "--ask", f"{name}={json.dumps(arguments)}", folder=folder)
    pages = [json.loads(line)["answer"] for line in done.stdout.splitlines() if line.startswith(b'{"answer"')]
    if "rows" in pages[0]:
        pages[0]["rows"] = [row for page in pages for row in page["rows"]]
    return pages[0]


def complaint(day, case, opened="09:00", handled="12:00", by="cs-1", verify="onsite", **more):
    """Opened and handled on a day."""
    data = {**COMPLAINT, **more}
    return [day(opened, "complaint.opened", case, **data), day(handled, "complaint.handled", case, by=by, verify=verify)]


def repair(day, case, finished="11:00", by="eng-1", rating=None, rated=None, **more):
    """Asked for and finished on a day, rated right away if a rating is given."""
    data = {**REPAIR, **more}
    events = [day("08:00", "repair.requested", case, **data), day(finished, "repair.finished", case, by=by, in_home=data["in_home"])]
    if rating is not None:
        events.append(day(rated or finished, "workorder.rated", case, **rating))
    return events


def done(day, clock, subject, by="cs-2", kind="complaint", **more):
    return day(clock, "callback.done", subject, by=by, kind=kind, mode=more.pop("mode", "phone"), **more)


def tried(day, clock, subject, by="cs-2", result="unreachable", **more):
    return day(clock, "callback.attempted", subject, by=by, result=result, **more)
