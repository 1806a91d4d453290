"""Business time: the published days of 22 years, real incidents under the Chinese calendar, the command, and the file that is shipped."""
import csv
import datetime
import gzip
import json
import os
import re
import subprocess
import zoneinfo

import pytest

import daemon as harness

SHIPPED = os.path.join(harness.REPOSITORY, "config", "calendars", "cn.yaml")


def estate(*arguments, stdin=None, expect=0, calendar=SHIPPED, **env):
    done = subprocess.run([harness.program("estate"), "calendar", *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
                          timeout=harness.VERB_S, env={**os.environ, "LC_ALL": "C.UTF-8", "ESTATE_CALENDAR": str(calendar), **env})
    assert done.returncode == expect, (done.returncode, done.stderr)
    return done


def imported(tmp_path, *files, name="calendar.yaml"):
    path = tmp_path / name
    path.write_text(estate("import", *files).stdout, encoding="utf-8")
    return path


def dues(openings, *arguments, **options):
    done = estate("due", *arguments, "--at", "-", "--json", stdin="".join(one + "\n" for one in openings), **options)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def published(shared_data, tmp_path):
    """All years that were published, as one calendar."""
    return imported(tmp_path, os.path.join(shared_data("cn-holidays"), "days.json"))


def expected(folder):
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        return json.load(file)


# ---- Against independent figures ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 5, 10])
def test_every_day_of_the_table(shared_data, published, n):
    with gzip.open(os.path.join(shared_data("cn-holidays"), "workday_table.csv.gz"), "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8309
    answers = dues([row["date"] + " 12:34" for row in rows], "--mode", "eod", "--n", n, calendar=published)
    assert [(row["date"], row[f"next{n}"]) for row in rows] == [(answer["at"][:10], answer["day"]) for answer in answers]
    for answer in answers:
        midnight = datetime.date.fromisoformat(answer["day"]) + datetime.timedelta(1)
        assert answer["due"] == f"{midnight}T00:00:00+08:00"


def test_every_year_as_published(shared_data, published):
    """Which days are worked, what the others are called, and how many there are."""
    with gzip.open(os.path.join(shared_data("cn-holidays"), "workday_table.csv.gz"), "rt", encoding="utf-8") as file:
        table = {row["date"]: row for row in csv.DictReader(file)}
    for year, facts in expected(shared_data("cn-holidays"))["years"].items():
        shown = json.loads(estate("show", year, "--json", calendar=published).stdout)
        assert shown["workdays"] == facts["workdays"] and len(shown["days"]) == facts["days"] and not shown["provisional"]
        # A notice may also name a weekday that is worked as ever, as that of 3 February 2020 does.
        assert [day["date"] for day in shown["days"] if day["kind"] == "makeup" and datetime.date.fromisoformat(day["date"]).weekday() >= 5] == facts["weekend_work_tiaoxiu"]
        for day in shown["days"]:
            row = table.get(day["date"])
            assert row is None or (day["working"], day.get("name", "")) == (row["is_work"] == "1", row["name"]), day


@pytest.mark.parametrize("year", ["2024", "2025", "2026"])
def test_the_shipped_calendar_is_the_published_one(shared_data, published, year):
    ours, theirs = (json.loads(estate("show", year, "--json", calendar=file).stdout) for file in (SHIPPED, published))
    assert ours["days"] == theirs["days"]
    assert re.fullmatch(r"国办发明电〔\d{4}〕\d+号", ours["notice"])


def test_a_calendar_changed_in_the_middle_of_the_year(shared_data, tmp_path):
    folder = shared_data("cn-holidays")
    vectors = expected(folder)["revision_vectors"]
    calendars = {name: imported(tmp_path, os.path.join(folder, "revisions", name + ".json"), name=name + ".yaml")
                 for vector in vectors for name in (vector["first_calendar"], vector["revised_calendar"])}
    assert len(vectors) == 16 and len(calendars) == 4
    for vector in vectors:
        for n in (1, 3):
            days = [dues([vector["opened"] + " 10:00"], "--mode", "eod", "--n", n, calendar=calendars[vector[which]])[0]["day"]
                    for which in ("first_calendar", "revised_calendar")]
            assert days == vector[f"next{n}"], vector


def test_first_replies_of_real_incidents(shared_data, published):
    folder = shared_data("incidents")
    with gzip.open(os.path.join(folder, "incidents.csv.gz"), "rt", encoding="utf-8") as file:
        opened = {row["incident"]: row["opened"] for row in csv.DictReader(file)}
    replied = {}
    with gzip.open(os.path.join(folder, "events.csv.gz"), "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["state"] != "New":
                replied.setdefault(row["incident"], row["updated"])
    assert len(opened) == len(replied) == 24918
    figures = expected(folder)["first_response_under_cn_calendar"]
    for name, arguments in {"eod_1_workday": ["eod", "1"], "same_1_workday_0900_1800": ["same", "1"], "hours_9h_0900_1800": ["hours", "9h"],
                            "wall_5min": ["elapsed", "5min"]}.items():
        done = estate("due", "--mode", arguments[0], "--n", arguments[1], "-", stdin="".join(at + "\n" for at in opened.values()), calendar=published)
        due = dict(zip(opened, done.stdout.splitlines()))
        assert len(due) == 24918
        in_time = sum(replied[incident] + ":00+08:00" <= at.split("\t")[0] for incident, at in due.items())
        assert {"in_time": in_time, "late": len(due) - in_time} == figures[name], name


def test_the_zones_are_those_of_tzdata():
    """A row that differs means that a state has changed its clock: take over the new rule."""
    with open(os.path.join(harness.REPOSITORY, "workers", "harness", "zones.def"), encoding="utf-8") as file:
        rows = re.findall(r'^ZONE\("([^"]+)", "([^"]+)"\)$', file.read(), re.M)
    assert len(rows) > 60
    for name, rule in rows:
        path = os.path.join("/usr/share/zoneinfo", name)
        if os.path.exists(path):
            with open(path, "rb") as file:
                assert (name, file.read().rsplit(b"\n", 2)[1].decode()) == (name, rule)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Chatham"])
def test_midnights_of_another_zone(tmp_path, zone):
    """The end of each day of two years, as Python's zone arithmetic has it."""
    calendar = tmp_path / "c.yaml"
    calendar.write_text(f"zone: {zone}\nhours:\n  mon-sun: 08:00-20:00\n", encoding="utf-8")
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(n) for n in range(730)]
    site = zoneinfo.ZoneInfo(zone)
    for day, answer in zip(days, dues([f"{day} 12:00" for day in days], "--mode", "days", "--n", 1, calendar=calendar)):
        midnight = datetime.datetime.combine(day + datetime.timedelta(2), datetime.time(), site)
        assert datetime.datetime.fromisoformat(answer["due"]) == midnight.astimezone(datetime.timezone.utc), day
        assert answer["at"] == datetime.datetime.combine(day, datetime.time(12), site).isoformat()


# ---- The command ----------------------------------------------------------------------------------------------------------------------------


def test_one_due():
    assert estate("due", "--mode", "eod", "--n", 1, "--at", "2026-09-30 16:00").stdout == "2026-10-09T00:00:00+08:00\n"
    assert estate("due", "--mode", "hours", "--n", "9h", "--at", "2026-09-30T08:00:00Z").stdout == "2026-10-08T16:00:00+08:00\n"
    assert estate("due", "--mode", "eod", "--n", 1).stdout.count("\n") == 1      # now
    # The process's own zone is nobody's business.
    assert estate("due", "--mode", "eod", "--n", 1, "--at", "2026-09-30 16:00", TZ="America/New_York", ESTATE_TZ="Europe/Berlin").stdout == "2026-10-09T00:00:00+08:00\n"


def test_provisional_is_told_everywhere():
    arguments = ["due", "--mode", "eod", "--n", 1, "--at", "2026-12-31 10:00"]
    assert estate(*arguments).stdout == "2027-01-05T00:00:00+08:00\tprovisional\n"
    answer = json.loads(estate(*arguments, "--json", "--explain").stdout)
    assert answer["provisional"] and answer["day"] == "2027-01-04"
    assert [(day["kind"], day["provisional"], day["counted"]) for day in answer["days"]] == [
        ("workday", False, 0), ("holiday", True, 0), ("weekend", True, 0), ("weekend", True, 0), ("workday", True, 1)]
    told = estate(*arguments, "--explain").stdout
    assert "元旦" in told and len(re.findall(r"^  2027-01-0[1-4] \w+\? ", told, re.M)) == 4 and "may change with the notice" in told
    assert "暂定" in estate(*arguments, "--explain", LC_ALL="zh_CN.UTF-8").stdout
    assert json.loads(estate("show", 2027, "--json").stdout)["provisional"]
    assert "provisional: no notice yet" in estate("show", 2027).stdout and "January ?" in estate("show", 2027).stdout
    assert "provisional" not in estate("show", 2026).stdout


def test_explain_names_each_day():
    told = estate("due", "--mode", "days", "--n", 3, "--roll", "--at", "2026-09-29 16:00", "--explain").stdout.splitlines()
    assert told[0] == "opened 2026-09-29T16:00:00+08:00" and told[-1] == "due    2026-10-09T00:00:00+08:00"
    assert told[1].endswith("start") and told[2].endswith("day 1") and "国庆节" in told[3] and "day 3" in told[4]
    assert told[5].endswith("moved on") and told[10].endswith("moved to here")
    worked = json.loads(estate("due", "--mode", "hours", "--n", "10h", "--at", "2026-10-09 16:00", "--explain", "--json").stdout)
    assert [(day["date"], day["kind"], day["worked_ns"] // 10**9) for day in worked["days"]] == [("2026-10-09", "workday", 7200), ("2026-10-10", "makeup", 28800)]


def test_lines_that_are_no_instants():
    done = estate("due", "--mode", "eod", "--n", 1, "-", stdin="2026-11-25 10:00\nnonsense\n\n2026-02-30\r\n1969-01-01\n2026-11-26T00:00:00+08:00\r\n", expect=1)
    assert done.stdout == "2026-11-27T00:00:00+08:00\n\n\n\n\n2026-11-28T00:00:00+08:00\n"
    told = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in told] == ["stdin:2:", "stdin:3:", "stdin:4:", "stdin:5:"]
    assert "\"nonsense\" is no instant: write 2026-11-25T13:20:00+08:00" in told[0] and "1970 to 2100" in told[3]
    done = estate("due", "--mode", "eod", "--n", 1, "-", "--json", stdin="x\"\n", expect=1)
    assert json.loads(done.stderr)["line"] == 1 and done.stdout == "\n"
    assert estate("due", "--mode", "eod", "--n", 1, "-", stdin="").stdout == ""
    assert estate("due", "--mode", "eod", "--n", 1, "--at", "tomorrowish", expect=1).stdout == ""
    assert "far too long" in estate("due", "--mode", "eod", "--n", 1, "-", stdin="1" * (3 << 20) + "\n", expect=1).stderr


@pytest.mark.parametrize("arguments, told", [
    (["due"], "needs --mode and --n"),
    (["due", "--mode", "eods", "--n", "1"], "did you mean eod?"),
    (["due", "--mode", "eod", "--n", "0"], "from 1 to 10000"),
    (["due", "--mode", "eod", "--n", "-1"], "from 1 to 10000"),
    (["due", "--mode", "same", "--n", "99999999999999999999"], "from 1 to 10000"),
    (["due", "--mode", "elapsed", "--n", "5"], "5min"),
    (["due", "--mode", "eod", "--n", "1", "--roll"], "--mode days"),
    (["due", "--mode", "same", "--n", "1", "--close"], "--mode eod and days"),
    (["due", "--mode", "eod", "--n", "1", "x"], "--at"),
    (["show", "1969"], "from 1970 to 2100"),
    (["show", "soon"], "from 1970 to 2100"),
    (["show", "2026", "2027"], "one year"),
    (["show", "--explain"], "belong to due"),
    (["import"], "which file"),
    (["sow"], "neither due, show nor import"),
    ([], "due, show or import"),
])
def test_wrong_usage(arguments, told):
    done = estate(*arguments, expect=2)
    assert told in done.stderr and "estate calendar --help" in done.stderr and done.stdout == ""


def test_bad_calendars(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("zone: Asia/Shanghai\nhours:\n  mon-fri: 22:00-06:00\n", encoding="utf-8")
    assert f"{bad}: line 3: 22:00-06:00 goes past midnight: write 22:00-24:00 here" in estate("show", 2026, "--calendar", bad, expect=2).stderr
    bad.write_text("#" * 61441, encoding="utf-8")
    assert "60 KiB" in estate("show", 2026, "--calendar", bad, expect=2).stderr
    bad.write_bytes(b"zone: UTC\0")
    assert "is no text" in estate("show", 2026, "--calendar", bad, expect=2).stderr
    assert "cannot read" in estate("show", 2026, "--calendar", tmp_path / "none", expect=3).stderr
    assert "cannot read" in estate("show", 2026, "--calendar", tmp_path, expect=3).stderr


@pytest.mark.parametrize("text, told", [
    ("[]", 'there is no "days"'),
    ("{", "line 1: not JSON"),
    ('{"year":1900,"days":[]}', "1970 to 2100"),
    ('{"year":2026,"days":[{"date":"2026-02-30","name":"a","isOffDay":true}]}', "a day needs a date"),
    ('{"year":2026,"days":[{"date":"2026-01-01","name":"a"}]}', "whether it is off"),
    ('{"year":2026,"days":[{"date":"2026-01-01","name":"a","isOffDay":true},{"date":"2026-01-01","name":"a","isOffDay":false}]}', "both off and worked"),
    ('{"year":2026,"days":[{"date":"2024-01-01","name":"a","isOffDay":true}]}', "does not belong under 2026"),
    ('{"days":{"2026-01-01":{"off":true,"name":"a"}}}', "notice_year"),
])
def test_bad_imports(tmp_path, text, told):
    (tmp_path / "days.json").write_text(text, encoding="utf-8")
    done = estate("import", tmp_path / "days.json", expect=2)
    assert told in done.stderr and done.stdout == ""


def test_imports(tmp_path):
    for year, days in ((2026, [{"date": "2026-01-01", "name": "a: #b \"c\"", "isOffDay": True}, {"date": "2025-12-31", "name": "-", "isOffDay": False}]), (2027, [])):
        (tmp_path / f"{year}.json").write_text(json.dumps({"year": year, "papers": [f"https://example.org/{year}"], "days": days}), encoding="utf-8")
    calendar = imported(tmp_path, tmp_path / "2027.json", tmp_path / "2026.json")
    shown = json.loads(estate("show", 2026, "--json", calendar=calendar).stdout)
    assert shown["days"][0]["name"] == 'a: #b "c"' and shown["notice"] == "https://example.org/2026" and not shown["provisional"]
    assert json.loads(estate("show", 2025, "--json", calendar=calendar).stdout)["days"][364]["kind"] == "makeup"
    assert json.loads(estate("show", 2027, "--json", calendar=calendar).stdout)["provisional"]
    assert "a file before it" in estate("import", tmp_path / "2026.json", tmp_path / "2026.json", expect=2).stderr
    assert "cannot read" in estate("import", tmp_path / "2028.json", expect=3).stderr


@pytest.mark.parametrize("language, words", [("C.UTF-8", ["January", "Mo Tu We Th Fr Sa Su", "248 working days", "make-up day"]),
                                             ("zh_CN.UTF-8", ["1 月", "一 二 三 四 五 六 日", "248 个工作日", "调休上班"])])
def test_a_year_for_people(language, words):
    shown = estate("show", 2026, LC_ALL=language).stdout
    assert [word for word in words if word not in shown] == [] and "\033" not in shown
    assert "14+15*" in shown and "16*17*18*19*20*21*22*" in shown and "02-15..02-23  春节" in shown
    assert not re.search(r" $", shown, re.M)


def test_a_closed_pipe_and_a_full_disk():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([harness.program("estate"), "calendar", "show", "2026"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=harness.VERB_S, env={**os.environ, "ESTATE_CALENDAR": SHIPPED})
    assert done.returncode == 3 and "cannot write" in done.stderr
