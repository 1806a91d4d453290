"""Logs for estate-stats, and what it answers about them.

    log = as_log([DAY("10:00", "complaint.opened", "C-1", …), …])       # numbered, with log times
    told = ask(log, figures("complaints", "2026-11", by="category"))     # the answers, one a question, their pages in one
"""
import datetime
import json
import os
import subprocess
import tempfile

import daemon as harness
from obligation_model import Calendar
from stats_model import DAY, OFFSET, instant

PROGRAM = harness.program("estate-stats")
CONFIG = os.path.join(harness.REPOSITORY, "config")
PATIENCE_S = 300
DIMS = {
    "complaint_callbacks": "category severity building staff", "repair_callbacks": "trade building staff", "special_callbacks": "trade building staff",
    "help_callbacks": "kind building staff", "callback_on_time": "kind building staff", "obligations_on_time": "rule role",
    "first_reply": "category severity building staff", "five_minutes": "kind building staff", "consulted_reply": "kind staff",
    "visits_signed": "staff", "call_answered": "queue building staff", "call_return": "queue building", "survey_satisfaction": "item survey building",
    "survey_top_two": "item survey building", "rating_satisfaction": "trade building staff", "callback_satisfaction": "kind building staff",
    "survey_return": "survey building", "complaints": "category severity building via", "cases_closed": "class building staff",
    "reopened": "class building staff", "referrals": "kind to staff", "backlog": "class building category", "last_contact": "building",
    "routine_callbacks": "building staff", "staff_checks": "kind staff", "weekly_checks": "role", "attendance": "staff", "area_checks": "category"}


def utc(ns):
    at = datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns % 10**9:09d}Z"


def as_log(events):
    """Numbered in the order given, each stored when it happened, or after the one before it, whichever is later."""
    lines, now = [], 0
    for number, event in enumerate(events, 1):
        now = max(now, event["logged"] if "logged" in event else instant(event["time"]))
        line = {key: value for key, value in event.items() if key != "logged"}
        lines.append({**line, "seq": number, "logtime": utc(now), "sender": "", "flags": 0})
    return lines


def question(name, **arguments):
    return name + "=" + json.dumps({key: value for key, value in arguments.items() if value is not None}, ensure_ascii=False)


def figures(measure, period, **more):
    return question("figures", measure=measure, period=period, **more)


def explain(measure, period, **more):
    return question("explain", measure=measure, period=period, limit=1000, **more)


def config(measures=None):
    """A folder as --config wants it, with other measures."""
    folder = tempfile.mkdtemp(prefix="estate-stats-")
    os.makedirs(os.path.join(folder, "calendars"))
    os.symlink(os.path.join(CONFIG, "calendars", "cn.yaml"), os.path.join(folder, "calendars", "cn.yaml"))
    with open(os.path.join(folder, "measures.yaml"), "w", encoding="utf-8") as file:
        file.write(measures)
    return folder


def rehearse(log, *arguments, folder=CONFIG, expect=0):
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in log)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([PROGRAM, "--rehearse", file.name, "--config", folder, *arguments], capture_output=True, check=False, timeout=PATIENCE_S)
    assert expect is None or (done.returncode == expect and b" 0 parked, 0 refused" in done.stderr), done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def ask(log, *questions, until=None, folder=CONFIG, expect=0):
    """One answer a question; rows of all its pages in one list."""
    lines, _ = rehearse(log, *(["--until", until] if until else []), *(part for one in questions for part in ("--ask", one)), folder=folder, expect=expect)
    answers, open_ = [], None
    for line in lines:
        if "refused" in line:
            answers.append(line)
        if "answer" not in line:
            continue
        if open_ is None:
            open_ = line["answer"]
        else:
            open_["rows"] += line["answer"]["rows"]
        if "next" not in line:
            answers.append(open_)
            open_ = None
    assert len(answers) == len(questions)
    return answers


def conclusions(log, until, folder=CONFIG):
    return [line for line in rehearse(log, "--until", until, folder=folder)[0] if "type" in line]


class BusinessDays:
    """By the notices as published, not by what the worker reads."""

    def __init__(self, folder, first, last):
        self.published = Calendar.published(folder, first, last)

    def end_of_business_day_after(self, at):
        day = self.published.next_working((at + OFFSET) // DAY, 1)
        return (day + 1) * DAY - OFFSET
