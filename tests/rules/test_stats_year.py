"""Every shipped figure of a year of an estate, by a second opinion (stats_model.py): numerators and denominators, times, ages; what is behind them.

The year is generated, called back and watched by the other workers; then surveys are held, records come late, are corrected, taken back and put
right again, all of it drawn from a seed.
"""
import collections
import json
import os
import random
import subprocess

import counting
import daemon as harness
import pytest
import stats_model
from counting import CONFIG, DIMS, ask, explain, figures
from stats_model import DAY, SECOND, Model, instant, midnight, percentile

LONG = os.environ.get("ESTATE_LONG") == "1"
HOUSEHOLDS, SEED = (400, 3) if LONG else (40, 1)
UNTIL = "2027-01-15"
GRADES = ["very_satisfied", "satisfied", "basically_satisfied", "dissatisfied", "very_dissatisfied"]
MONTHS = [f"2026-{m:02d}" for m in range(1, 13)] + ["2027-01"]
SITE_TEXT = "%Y-%m-%dT%H:%M:%S+08:00"


def pipe(program, path, out, *more):
    done = subprocess.run([harness.program(program), "--rehearse", path, "--config", CONFIG, "--until", UNTIL, "--log", out, *more], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


class Draw:
    """What the generator has not: surveys, referrals, talks that cover other cases, records that are late, wrong, taken back."""

    def __init__(self, lines, seed):
        self.random = random.Random(seed)
        self.lines = lines
        self.count = 0
        self.homes = sorted({line["subject"] for line in lines if line["type"] == "household.registered"})

    def event(self, when, type_, subject, **data):
        self.count += 1
        return {"specversion": "1.0", "id": f"drawn-{self.count}", "source": "/test", "type": type_, "subject": subject,
                "time": counting.utc(when), "data": data}

    def surveys(self):
        for number, begin in enumerate(("2026-05-11", "2026-11-16", "2026-12-21")):
            survey, start = f"S-{number}", midnight(begin) + 9 * 3600 * SECOND
            close = start + 20 * DAY
            for n, home in enumerate(self.homes):
                ticket, at = f"T-{n}", start + self.random.randrange(2 * DAY)
                yield self.event(at, "survey.issued", survey, ticket=ticket, **({"household": home} if self.random.random() < 0.9 else {}))
                if self.random.random() < 0.45:
                    back = at + self.random.randrange(25 * DAY)
                    yield self.event(back, "survey.returned", survey, ticket=ticket)
                    for item in "保洁", "保安", "=收费", "维修":
                        for _ in range(1 + (self.random.random() < 0.1)):
                            grade = {"grade": self.random.choice(GRADES)} if self.random.random() < 0.9 else {}
                            yield self.event(back + self.random.randrange(DAY), "survey.answered", survey, ticket=ticket, item=item, **grade)
            yield self.event(start, "survey.returned", survey, ticket="never-issued")
            if number == 2:         # opened when its forms were out already
                yield self.event(start + DAY, "survey.opened", survey, by="q-1", role="quality_dept")
            if number == 0:
                yield self.event(close, "survey.closed", survey, by="q-1", role="quality_dept")

    def others(self):
        cases = sorted({line["subject"] for line in self.lines if line["type"] in ("complaint.opened", "repair.requested", "help.requested")})
        begin, end = midnight("2026-01-02"), midnight("2026-12-30")
        for _ in range(60):
            to = {"to": self.random.choice(["engineering", "派出所", "street-office"])} if self.random.random() < 0.7 else {}
            yield self.event(self.random.randrange(begin, end), self.random.choice(["case.referred", "case.declined"]), self.random.choice(cases), by="cs-1",
                             reason="test", **to)
        for _ in range(40):
            yield self.event(self.random.randrange(begin, end), "callback.done", self.random.choice(cases), kind=self.random.choice(["complaint", "repair", "help"]),
                             by="cs-9", mode="phone", covers=self.random.sample(cases, 2) + [self.random.choice(self.homes)], grade=self.random.choice(GRADES))
        for n in range(80):
            type_ = self.random.choice(["inspection.done", "evaluation.done", "attendance.recorded"])
            area = {"area_kind": self.random.choice(["cleaning", "greening"])} if type_ == "inspection.done" and n % 2 else {}
            yield self.event(self.random.randrange(begin, end), type_, "area-3" if area else f"cs-{n % 5}", by="lead-1", **area)
        for home in self.random.sample(self.homes, len(self.homes) // 3):
            out = self.random.randrange(40, 300)
            yield self.event(begin + out * DAY, "household.moved_out", home, date=stats_model.datetime.date.fromordinal(738522 + 1100 + out).isoformat())
            if self.random.random() < 0.5:
                yield self.event(begin + (out + 20) * DAY, "household.moved_in", home, date=stats_model.datetime.date.fromordinal(738522 + 1110 + out).isoformat())

    def late(self, lines):
        """One in thirty comes minutes to weeks late."""
        for line in lines:
            if self.random.random() < 0.03 and not line["source"].startswith("/estated"):
                line["logged"] = instant(line["time"]) + self.random.choice([60 * SECOND, 3600 * SECOND, 5 * DAY, 40 * DAY])
        return lines

    FIELDS = {"case.closed": [("outcome", ["done", "withdrawn", "duplicate"]), ("by", ["cs-7"])], "callback.done": [("by", ["cs-8"]), ("household", None), ("grade", GRADES)],
              "contact.received": [("household", None), ("outcome", ["info", "wrong_number"])], "complaint.opened": [("category", ["noise", "parking", "other"]), ("household", None)],
              "repair.finished": [("in_home", [True, False])], "call.abandoned": [("wait_s", [2, 90]), ("household", None)], "call.answered": [("wait_s", [3, 100]), ("household", None)],
              "survey.answered": [("grade", GRADES)], "survey.issued": [("household", None)], "workorder.rated": [("grade", GRADES)], "case.replied": [("automatic", [True])],
              "household.registered": [("moved_in", ["2026-06-01", "2019-01-01"])], "case.reclassified": [("severity", ["major", "ordinary"])], "survey.closed": [], "survey.opened": [], "evaluation.done": [],
              "inspection.done": [("area_kind", ["cleaning", "venue"])], "attendance.recorded": []}

    def corrections(self, log):
        """Of a log with numbers: what is corrected later, and corrected again."""
        def correct(line, after):
            fields = self.FIELDS.get(line["type"], [])
            self.count += 1
            by = {"event": line["seq"], "by": "lead-1", "reason": "test"}
            at = instant(line["logtime"]) + after
            if fields and self.random.random() < 0.6:
                name, values = self.random.choice(fields)
                return {**self.event(at, "record.amended", line["subject"], **by, fields={name: self.random.choice(values or self.homes)}), "logged": at}
            return {**self.event(at, "record.retracted", line["subject"], **by), "logged": at}

        made = []
        for line in log:
            if line["type"] in self.FIELDS and "subject" in line and self.random.random() < (0.5 if line["type"] == "survey.closed" else 0.12):
                made.append(correct(line, self.random.randrange(30 * DAY)))
        return made


def renumber(lines):
    """In the order of the log, with what points at numbers pointing at the new ones."""
    order = sorted(lines, key=lambda line: instant(line["logtime"]) if "logtime" in line and "logged" not in line else line["logged"])
    new = {line["seq"]: number for number, line in enumerate(order, 1) if "seq" in line}
    out = []
    for number, line in enumerate(order, 1):
        data = line.get("data", {})
        if "event" in data and data["event"] in new:
            data = {**data, "event": new[data["event"]]}
        logged = line["logged"] if "logged" in line else instant(line["logtime"])
        out.append({**{k: v for k, v in line.items() if k != "logged"}, "data": data, "seq": number, "logtime": counting.utc(logged), "sender": "", "flags": 0})
    return out


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    holidays = os.path.join(harness.REPOSITORY, "..", "shared", "data", "cn-holidays")
    if not os.path.isdir(holidays):
        pytest.skip(f"{holidays} is missing")
    folder = tmp_path_factory.mktemp("stats")
    path = [str(folder / name) for name in ("0", "1", "2")]
    subprocess.run([harness.program("estate"), "generate", "--households", str(HOUSEHOLDS), "--from", "2026-01-01", "--days", "365", "--seed", str(SEED), "--calendar",
                    os.path.join(CONFIG, "calendars", "cn.yaml"), "--without", "bills", "--out", path[0]], check=True)
    pipe("estate-callback", path[0], path[1])
    pipe("estate-escalate", path[1], path[2])
    with open(path[2], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    draw = Draw(lines, SEED)
    lines = [{**line, "time": line.get("time") or line["logtime"]} for line in lines]
    more = [{**event, "logged": instant(event["time"])} for event in [*draw.surveys(), *draw.others()]]
    log = renumber(draw.late(lines) + more)
    log = renumber(log + draw.corrections(log))
    log = renumber(log + draw.corrections([line for line in log if line["type"].startswith("record.")]) +
                   [{**draw.event(instant(line["logtime"]) + DAY, "record.retracted", line["subject"], event=line["seq"], by="lead-1", reason="no mistake"),
                     "logged": instant(line["logtime"]) + DAY} for line in log if line["type"].startswith("record.") and draw.random.random() < 0.2])
    return log, counting.BusinessDays(holidays, 2025, 2027)


def all_figures(seq=None):
    """The questions for every cell of every measure: (measure, dimension or None)."""
    cells = [(measure, dim) for measure in Model.MONTHLY for dim in [None, *DIMS[measure].split()]]
    return cells, [figures(measure, period, by=dim, split="month", seq=seq) for measure, dim in cells for period in ("2026", "2027-01")]


def check(model, cells, answers):
    """Every cell of every month equals the model's."""
    compared = 0
    for (measure, dim), both in zip(cells, zip(answers[0::2], answers[1::2])):
        expected = collections.defaultdict(list)
        for month, members in model.months(measure).items():
            for member in members:
                if month in MONTHS:
                    expected[month, member.dims.get(dim, "") if dim else ""].append(member)
        told = {(row["month"], row.get("value", "")): row for answer in both for row in answer["rows"]}
        assert told.keys() == expected.keys(), (measure, dim, sorted(told.keys() ^ expected.keys())[:5])
        for cell, members in expected.items():
            row = told[cell]
            assert (row["num"], row["den"]) == (sum(m.num for m in members), len(members)), (measure, dim, cell)
            times = [m.ms for m in members if m.ms is not None]
            if "n" in row:
                assert row["n"] == len(times), (measure, dim, cell)
                assert not times or [row[p] for p in ("p50", "p90", "p95", "p99", "max")] == [percentile(times, p) for p in (50, 90, 95, 99, 100)], (measure, dim, cell)
            compared += 1
        for answer in both:
            assert answer["total"]["den"] == sum(row["den"] for row in answer["rows"]) and answer["total"]["num"] == sum(row["num"] for row in answer["rows"])
    return compared


def test_every_figure_of_the_year(year):
    log, calendar = year
    cells, questions = all_figures()
    compared = check(Model(log, calendar), cells, ask(log, *questions, until=UNTIL))
    print(f"{len(log)} events, {compared} cells equal")
    assert compared > 1500


def test_as_it_was_known_then(year):
    """As of any event: what a log that ended there would have said, with the corrections known by then and no others."""
    log, calendar = year
    draw, cells = random.Random(7), all_figures()[0]
    for seq in draw.sample(range(len(log) // 4, len(log)), 2):
        answers = ask(log, *all_figures(seq)[1], until=UNTIL)
        assert check(Model(log[:seq], calendar), cells, answers) > 500
        at = ask(log, figures("first_reply", "2026-H1", as_of=log[seq - 1]["logtime"]), until=UNTIL)
        last = max(number for number in range(seq, len(log) + 1) if log[number - 1]["logtime"] == log[seq - 1]["logtime"])
        members = [m for month, found in Model(log[:last], calendar).months("first_reply").items() if month <= "2026-06" for m in found]
        assert (at[0]["total"]["num"], at[0]["total"]["den"]) == (sum(m.num for m in members), len(members))


def test_stocks_at_the_end_of_every_month(year):
    log, calendar = year
    model = Model(log, calendar)
    cells = [(measure, dim, month) for measure in Model.STOCKS for dim in [None, *DIMS[measure].split()] for month in MONTHS[:-1]]
    for (measure, dim, month), answer in zip(cells, ask(log, *(figures(measure, month, by=dim) for measure, dim, month in cells), until=UNTIL)):
        at = midnight(MONTHS[MONTHS.index(month) + 1] + "-01") - 1
        assert instant(answer["at"]) == at
        expected = collections.defaultdict(list)
        for member in model.stock(measure, at):
            expected[member.dims.get(dim, "") if dim else None].append(member)
        rows = answer["rows"] if dim else ([answer["total"]] if answer["total"]["den"] else [])
        assert {row.get("value"): (row["num"], row["den"]) for row in rows} == {v: (sum(m.num for m in ms), len(ms)) for v, ms in expected.items()}, (measure, dim, month)
        for row in rows:
            limits = [age["days"] for age in row.get("ages", []) if "days" in age]
            ages = collections.Counter(next((n for n, limit in enumerate(limits) if at - m.base <= limit * DAY), len(limits)) for m in expected[row.get("value")])
            assert [age["num"] for age in row.get("ages", [])] == [ages[n] for n in range(len(limits) + 1)][:len(row.get("ages", []))], (measure, dim, month)


def test_what_is_behind_every_cell_sums_to_it(year):
    """Every cell of every report: members with their events, which exist, and are about them."""
    log, _ = year
    cells = [(measure, dim, month) for measure in Model.MONTHLY for dim in DIMS[measure].split() for month in MONTHS]
    questions = [figures(measure, month, by=dim) for measure, dim, month in cells]
    behind = [(measure, dim, month) for measure in Model.STOCKS for dim in DIMS[measure].split() for month in ("2026-03", "2026-12")]
    answers = ask(log, *questions, until=UNTIL)
    stocks = ask(log, *(figures(m, month, by=dim) for m, dim, month in behind), *(explain(m, month, by=dim) for m, dim, month in behind), until=UNTIL)
    explained = ask(log, *(explain(measure, month, by=dim) for measure, dim, month in cells), until=UNTIL)
    pairs = list(zip(cells, answers, explained)) + list(zip(behind, stocks, stocks[len(behind):]))
    members = 0
    for cell, answer, rows in pairs:
        sums = collections.defaultdict(lambda: [0, 0])
        for row in rows["rows"]:
            sums[row["value"]][0] += row["num"]
            sums[row["value"]][1] += row["den"]
            subject = row["object"].split("/")[0] if cell[0].startswith("survey") else row["object"]
            assert row["events"] and all(1 <= seq <= len(log) for seq in row["events"])
            assert any(subject in json.dumps(log[seq - 1], ensure_ascii=False) for seq in row["events"]), row
            members += 1
        assert {row["value"]: [row["num"], row["den"]] for row in answer["rows"]} == sums, cell
    print(f"{len(pairs)} reports, {members} members")
