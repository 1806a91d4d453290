"""Readable sequences of events for estate-escalate, and what it concludes from them.

    at = Day("2026-11-23")                          # a Monday
    told = rehearse([at("10:00", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone")], until="2026-11-26")
    assert told.of("C1/C-1") == ["opened 11-23 10:00 due 11-25 00:00", ...]

Instants are site time, 11-23 10:00 or 11-23 10:00:00.5; an event's own time may differ from when it is logged: at("13:00", …, own="10:00").
"""
import datetime
import itertools
import json
import os
import subprocess
import tempfile

import daemon as harness

PROGRAM = harness.program("estate-escalate")
SHIPPED = os.path.join(harness.REPOSITORY, "config")
SITE = datetime.timezone(datetime.timedelta(hours=8))
PATIENCE_S = 60
CALENDAR = os.path.join(SHIPPED, "calendars", "cn.yaml")


def instant(text, day=None):
    """Site time as RFC 3339."""
    if day is not None and len(text) <= 15 and text[2:3] == ":":
        text = f"{day} {text}"
    return datetime.datetime.fromisoformat(text).replace(tzinfo=SITE).isoformat()


def site(text):
    """RFC 3339 as 11-23 10:00, with seconds if there are any."""
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(SITE)
    return at.strftime("%m-%d %H:%M" if not at.second else "%m-%d %H:%M:%S")


class Day:
    """Makes events of a day of the site; a time beyond it is written with its date."""
    _ids = itertools.count(1)

    def __init__(self, day):
        self.day = day

    def __call__(self, clock, type_, subject, *, own=None, **data):
        logged = instant(clock, self.day)
        return {"specversion": "1.0", "id": f"e{next(self._ids)}", "source": "/test", "type": type_, "subject": subject,
                "time": instant(own, self.day) if own else logged, "data": data, "logtime": logged}


class Told:
    def __init__(self, lines, stderr):
        self.lines, self.stderr = lines, stderr

    def texts(self, keep):
        out = []
        for line in self.lines:
            data, kind = line["data"], line["type"]
            if not keep(line):
                continue
            if kind == "notification.requested":
                text = f"tell {data['to']} {data['template'].removeprefix('obligation-')} {site(line['time'])} {data['urgency']}"
            elif kind == "case.escalated":
                text = f"level {data['level']} {data['to']} {site(line['time'])}"
            elif kind == "rule.violated":
                text = f"violated {data['rule']} {data['event']} {site(line['time'])}"
            else:
                text = f"{kind.split('.')[1]} {site(line['time'])}"
                if kind in ("obligation.opened", "obligation.rescheduled"):
                    text += f" due {site(data['due'])}"
                text += " late_known" if data.get("late_known") else ""
                text += f" ({data['reason']})" if "reason" in data else ""
            out.append(text)
        return out

    def of(self, obligation, messages=False):
        """What becomes of one obligation, in words; with messages, who was told too."""
        def keep(line):
            meant = line["data"].get("obligation") or line["data"].get("params", {}).get("obligation")
            return meant == obligation and (messages or line["type"] != "notification.requested")
        return self.texts(keep)

    def messages(self, obligation):
        return self.texts(lambda line: line["type"] == "notification.requested" and line["data"]["params"].get("obligation") == obligation)

    def violations(self):
        return self.texts(lambda line: line["type"] == "rule.violated")

    def obligations(self):
        return sorted({line["data"]["obligation"] for line in self.lines if "obligation" in line["data"]})


def config(rules=None, calendar=None, roster=None):
    """A folder as --config wants it: texts, or None for what is shipped."""
    folder = tempfile.mkdtemp(prefix="estate-rules-")
    for name, text in ("rules/escalate.yaml", rules), ("calendars/cn.yaml", calendar), ("roster.yaml", roster):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is None:
            os.symlink(os.path.join(SHIPPED, name), path)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return folder


def lines_of(events):
    """As a log tells them: by log time, numbered."""
    events = sorted(events, key=lambda event: datetime.datetime.fromisoformat(event["logtime"]))
    return "".join(json.dumps({**event, "seq": number, "sender": "uid:0", "flags": 0}, ensure_ascii=False) + "\n"
                   for number, event in enumerate(events, 1)).encode()


def run(data, *arguments, folder=SHIPPED, expect=0):
    done = subprocess.run([PROGRAM, "--rehearse", "-", *(["--config", folder] if folder else []), *arguments], input=data, capture_output=True,
                          check=False, timeout=PATIENCE_S)
    assert expect is None or done.returncode == expect, done.stderr.decode()
    return done


def rehearse(events, until, folder=SHIPPED, **options):
    done = run(lines_of(events), "--until", instant(until), folder=folder, **options)
    told = Told([json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode())
    assert " 0 parked" in told.stderr, told.stderr
    return told


def ask(events, until, name, folder=SHIPPED, **arguments):
    done = run(lines_of(events), "--until", instant(until), "--ask", f"{name}={json.dumps(arguments)}", folder=folder)
    return json.loads(done.stdout.splitlines()[-1])["answer"]
