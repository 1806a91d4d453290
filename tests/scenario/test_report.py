"""estate report: tables, files and JSON of what a live estate-stats counts, and what is behind each figure."""
import csv
import datetime
import io
import json
import os

import pytest

import daemon as harness
from terminal import seen, too_wide
from worker import Worker

SITE = datetime.timezone(datetime.timedelta(hours=8))
NOW = datetime.datetime.now(SITE)
# Of last month: it is over, and none of its events is from the future.
MONTH = (NOW.replace(day=1) - datetime.timedelta(days=1)).strftime("%Y-%m")
CONFIG = os.path.join(harness.REPOSITORY, "config")
CATEGORIES = ["noise"] * 8 + ["parking"] * 4 + ["fees"] * 4 + ["cleaning"] * 2 + ["other"] * 5 + ["greening"]


class Counted:
    def __init__(self, daemon):
        self.daemon, self.number = daemon, 0
        self.worker = Worker(daemon, name="stats", program=harness.program("estate-stats"), rules=None, start=False)
        self.worker.start("--config", CONFIG)
        stream = daemon.client("activated").subscribe("first", type=["config.activated"])
        assert {stream.next(harness.VERB_S).fields["data"]["kind"] for _ in range(2)} == {"rules", "calendar"}

    def put(self, *events):
        lines = []
        for day, type_, subject, data in events:
            self.number += 1
            lines.append(json.dumps({"specversion": "1.0", "id": f"r-{self.number}", "source": "/test", "type": type_, "subject": subject,
                                     "time": f"{MONTH}-{day:02d}T10:00:00+08:00", "data": data}))
        return [json.loads(line)["seq"] for line in self.daemon.estate("put", stdin="\n".join(lines)).stdout.splitlines()]

    def report(self, *words, expect=0):
        return self.daemon.estate("report", *words, expect=expect)


@pytest.fixture(scope="module")
def counted():
    with harness.Daemon() as daemon:
        counted = Counted(daemon)
        events = []
        for n in range(10):
            household = f"{1 + n % 2}-1-{n}"
            events += [(2, "repair.requested", f"R-{n}", {"trade": "plumbing", "in_home": True, "household": household}), (3, "repair.finished", f"R-{n}", {"by": "eng-1", "in_home": True})]
        events += [(4, "callback.done", f"R-{n}", {"kind": "repair", "by": "cs-1", "mode": "phone", "household": f"{1 + n % 2}-1-{n}"}) for n in range(3)]
        events += [(5, "complaint.opened", f"C-{n}", {"category": category, "severity": "ordinary", "via": "phone", "household": "3-1-1"}) for n, category in enumerate(CATEGORIES)]
        events += [(6, "survey.answered", "S-1", {"ticket": "T-1", "item": "=1+1", "grade": "satisfied"}), (6, "survey.answered", "S-1", {"ticket": "T-1", "item": "a,\"b", "grade": "dissatisfied"})]
        counted.seqs = counted.put(*events)
        yield counted
        counted.worker.stop()


def test_a_table(counted):
    text = counted.report("repair_callbacks", "--period", MONTH, "--by", "building").stdout
    assert "Z3  target >= 30.00 %: reached" in text
    assert [line.split() for line in text.splitlines()[-3:]] == [["1", "2", "5", "40.00"], ["2", "1", "5", "20.00"], ["total", "3", "10", "30.00"]]
    assert text.startswith("in-home repairs finished that were called back  " + MONTH)


def test_n_a_and_cut_shares(counted):
    text = counted.report("repair_callbacks", "--period", "2020-02").stdout
    assert text.splitlines()[-1].split() == ["total", "0", "0", "n/a"] and "target >= 30.00 %: n/a" in text
    # Two of three are 66.66, never 66.67.
    told = json.loads(counted.report("survey_satisfaction", "--period", MONTH, "--json").stdout)["sections"][0]
    assert (told["total"]["num"], told["total"]["den"]) == (1, 2) and told["reached"] is False and told["least"] == 800


def test_a_report_of_several_measures(counted):
    told = json.loads(counted.report("callbacks", "--period", MONTH, "--format", "json").stdout)
    assert [section["measure"] for section in told["sections"]] == ["complaint_callbacks", "repair_callbacks", "routine_callbacks", "help_callbacks", "special_callbacks"]
    assert told["sections"][1]["total"] == {"num": 3, "den": 10} and told["sections"][1]["reached"] is True
    by_trade = json.loads(counted.report("callbacks", "--period", MONTH, "--by", "trade", "--json").stdout)["sections"]
    assert by_trade[1]["rows"] == [{"value": "plumbing", "num": 3, "den": 10}] and "by" not in by_trade[0]


def test_months_and_years(counted):
    year = MONTH[:4]
    told = json.loads(counted.report("repair_callbacks", "--period", year, "--months", "--json").stdout)["sections"][0]
    assert told["rows"] == [{"month": MONTH, "num": 3, "den": 10}] and (told["from"], told["until"]) == (year + "-01", year + "-12")
    half = f"{year}-H{1 if int(MONTH[5:]) <= 6 else 2}"
    assert json.loads(counted.report("repair_callbacks", "--period", half, "--json").stdout)["sections"][0]["total"]["den"] == 10


def test_pareto(counted):
    """The most first, names where they are equal, others last whatever their number; A up to 80 % of all."""
    told = json.loads(counted.report("complaints", "--period", MONTH, "--json").stdout)
    assert told["form"] == "pareto"
    assert [(row["value"], row["den"], row["cumulative"], row["class"]) for row in told["sections"][0]["rows"]] == [
        ("noise", 8, 8, "A"), ("fees", 4, 12, "A"), ("parking", 4, 16, "A"), ("cleaning", 2, 18, "A"), ("greening", 1, 19, "A"), ("other", 5, 24, "C")]
    assert "CUM. %" in counted.report("complaints", "--period", MONTH).stdout
    sheet = json.loads(counted.report("complaints", "--period", MONTH[:4], "--months", "--json").stdout)
    assert sheet["form"] == "table" and {(row["value"], row["month"], row["den"]) for row in sheet["sections"][0]["rows"]} >= {("fees", MONTH, 4), ("other", MONTH, 5)}


def test_a_file_for_spreadsheets(counted):
    text = counted.report("survey_satisfaction", "--period", MONTH, "--by", "item", "--format", "csv").stdout
    assert text.startswith("\ufeffmeasure,name,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    # What a spreadsheet would take for a formula is text.
    assert [(row["value"], row["num"], row["den"], row["percent"]) for row in rows] == [("'=1+1", "1", "1", "100.00"), ('a,"b', "0", "1", "0.00"), ("", "1", "2", "50.00")]
    assert rows[-1]["value_name"] == "total"


def test_a_file_that_is_looked_at_on_a_terminal(counted):
    counted.put(*((7, "case.declined", f"H-{n}", {"by": "cs-1", "reason": "x", "to": to}) for n, to in enumerate(("＝1+1", "a\x1b[31m\nb"))))
    text = counted.report("referrals", "--by", "to", "--period", MONTH, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row["value"] for row in rows] == ["a?[31m b", "'＝1+1", ""] and "\x1b" not in text


def test_what_is_behind_it(counted):
    text = counted.report("repair_callbacks", "--period", MONTH, "--by", "building", "--value", "1", "--explain").stdout
    lines = [line.split() for line in text.splitlines() if line[:2] in ("+ ", "- ")]
    assert [(line[0], line[1]) for line in lines] == [("+", "R-0"), ("+", "R-2"), ("-", "R-4"), ("-", "R-6"), ("-", "R-8")] and text.rstrip().endswith("together 2 of 5")
    told = json.loads(counted.report("callbacks", "--period", MONTH, "--explain", "--json").stdout)["sections"]
    assert [(s["measure"], s["num"], s["den"]) for s in told][1] == ("repair_callbacks", 3, 10)
    seqs = next(row["events"] for row in told[1]["rows"] if row["object"] == "R-0")
    assert seqs == [counted.seqs[0], counted.seqs[1], counted.seqs[20]]
    event = json.loads(counted.daemon.estate("get", str(seqs[2]), "--json").stdout)
    assert event["type"] == "callback.done" and event["subject"] == "R-0"


def test_what_is_behind_it_has_heads_and_is_whole(counted):
    """Of one repair with 250 events all are named; in Chinese, too."""
    repair = [(8, "repair.requested", "R-long", {"trade": "plumbing", "in_home": True, "household": "9-1-1"}),
              *((9, "case.replied", "R-long", {"by": "cs-1", "text": str(n)}) for n in range(248)), (10, "repair.finished", "R-long", {"by": "eng-1", "in_home": True})]
    seqs = counted.put(*repair)
    words = ["report", "repair_callbacks", "--period", MONTH, "--by", "building", "--value", "9", "--explain"]
    told = json.loads(counted.daemon.estate(*words, "--json").stdout)["sections"][0]["rows"]
    assert [(row["object"], row["events"]) for row in told] == [("R-long", seqs)] and "more" not in told[0]
    lines = counted.daemon.estate(*words, env={"LC_ALL": "C.UTF-8"}).stdout.splitlines()
    assert lines[3].split() == ["OBJECT", "building", "WHEN", "EVENTS"] and lines[4].split()[:3] == ["-", "R-long", "9"]
    assert lines[4].split()[-250:] == [str(seq) for seq in seqs]
    lines = seen(counted.daemon.endpoint, 60, *words, LC_ALL="zh_CN.UTF-8")
    assert lines[lines.index("零修回访率  repair_callbacks") + 1].split() == ["对象", "楼栋", "时间"] and too_wide(lines, 60) == []
    assert " ".join(lines).split("事件 ")[-1].split()[:250] == [str(seq) for seq in seqs]


def test_as_it_was_known(counted):
    before = counted.seqs[20] - 1
    told = json.loads(counted.report("repair_callbacks", "--period", MONTH, "--seq", str(before), "--json").stdout)
    assert told["sections"][0]["total"] == {"num": 0, "den": 10} and told["seq"] == before
    behind = json.loads(counted.report("repair_callbacks", "--period", MONTH, "--seq", str(before), "--explain", "--json").stdout)["sections"][0]
    assert (behind["num"], behind["den"]) == (0, 10) and all(seq <= before for row in behind["rows"] for seq in row["events"])
    yesterday = (NOW - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    assert json.loads(counted.report("repair_callbacks", "--period", MONTH, "--as-of", yesterday, "--json").stdout)["sections"][0]["total"] == {"num": 0, "den": 0}


def test_lists(counted):
    told = json.loads(counted.report("list", "--json").stdout)
    assert {"callbacks", "complaints", "staff"} <= {row["name"] for row in told["reports"]} and {"first_reply", "backlog"} <= {row["name"] for row in told["measures"]}
    assert "投诉回访率" in in_chinese(counted, "list")
    assert {name for row in told["reports"] for name in row["measures"].split()} <= {row["name"] for row in told["measures"]}


def in_chinese(counted, *words):
    os.environ["LC_ALL"] = "zh_CN.UTF-8"
    try:
        return counted.report(*words).stdout
    finally:
        del os.environ["LC_ALL"]


def test_in_chinese(counted):
    text = in_chinese(counted, "complaints", "--period", MONTH)
    assert "投诉排列图" in text and "停车" in text and "合计" in text
    assert "未知" in in_chinese(counted, "repair_callbacks", "--period", MONTH, "--by", "staff")


def test_bars_that_stand_close(counted):
    """Their rates ran into each other; and a drawing stood alone on the next sheet, of nobody knew what."""
    counted.put(*((8, "case.declined", f"G-{n}", {"by": "cs-1", "reason": "x", "to": f"dept {n:02d}"}) for n in range(20)))
    page = counted.report("referrals", "--by", "to", "--period", MONTH, "--format", "html").stdout
    drawing = page.split("<svg", 1)[1].split("</svg>", 1)[0]
    assert drawing.count(">100%</text>") >= 20 and "100.00%" not in drawing and "<div><h2>" in page
    page = counted.report("callbacks", "--by", "building", "--period", MONTH, "--format", "html").stdout
    assert page.count("<div class=k><h2>") == 5 and page.count("</div>") == 5


@pytest.mark.parametrize("words, status, why", [
    (["calbacks"], 1, "did you mean callbacks?"), ([], 2, "estate report list names them"), (["callbacks", "--period", "2026-1"], 2, "is none"),
    (["callbacks", "--by", "colour"], 2, "no measure of callbacks goes by colour"), (["repair_callbacks", "--by", "category"], 1, "repair_callbacks goes by: trade building staff"),
    (["callbacks", "--format", "pdf"], 2, "table, csv, json or html"), (["callbacks", "--value", "3"], 2, "goes with --explain"), (["callbacks", "more"], 2, "one report at a time"),
    (["callbacks", "--period", "2026-13"], 2, "is none"), (["callbacks", "--as-of", "soon"], 1, "a date, to its end, or an instant"),
    (["collection", "--by", "trade"], 2, "goes by fee_kind or building")])
def test_what_will_not_do_is_said(counted, words, status, why):
    assert why in counted.report(*words, expect=status).stderr


def test_nothing_personal_is_kept(counted):
    """What it keeps outlives an erasure: neither name nor number nor what was said is in it, even for a worker that may see them."""
    number, said = "000-7788-9900", "楼上深夜装修"
    counted.put((7, "household.registered", "9-1-1", {"kind": "owner", "name": "业主九", "phone": number, "email": "nine@example.org", "moved_in": "2024-05-01"}),
                (7, "call.abandoned", "call-9", {"from": number, "household": "9-1-1", "wait_s": 30}), (7, "contact.received", "C-901", {"via": "phone", "household": "9-1-1", "text": said, "outcome": "case"}),
                (7, "complaint.opened", "C-901", {"category": "noise", "severity": "ordinary", "via": "phone", "household": "9-1-1", "text": said}),
                (8, "case.replied", "C-901", {"by": "cs-1", "text": said}), (8, "callback.done", "C-901", {"kind": "complaint", "by": "cs-1", "mode": "phone", "household": "9-1-1", "effect": said}),
                (8, "case.referred", "C-901", {"by": "cs-1", "to": "engineering", "reason": said}))
    counted.daemon.estate("ask", "stats", "status", "--at-least", "now")
    with open(os.path.join(counted.worker.state, "data.mdb"), "rb") as file:
        kept = file.read()
    assert b"C-901" in kept and b"engineering" in kept
    for personal in number, said, "业主九", "nine@example.org":
        assert personal.encode() not in kept, personal


def test_collection_is_the_ledgers(counted):
    bill = {"household": "3-1-1", "payer": "p-1", "fee_kind": "management", "period": MONTH, "amount": 12345, "due": f"{MONTH}-20"}
    with Worker(counted.daemon, name="dunning", program=harness.program("estate-dunning"), rules=None, start=False) as ledger:
        ledger.start("--config", CONFIG)
        counted.put((1, "bill.issued", "B-1", bill), (2, "payment.posted", "P-1", {"household": "3-1-1", "amount": 2345, "bill": "B-1", "method": "cash", "received": f"{MONTH}-02"}))
        told = json.loads(counted.report("collection", "--period", MONTH, "--json").stdout)["sections"]
        assert told[0]["unit"] == "fen" and told[0]["total"] == {"num": 2345, "den": 12345}
        assert [row for row in told[0]["rows"] if row["den"]] == [{"value": "management", "num": 2345, "den": 12345}]
        assert told[1]["measure"] == "arrears_recovery" and told[1]["total"]["den"] == 0
        text = counted.report("collection", "--period", MONTH).stdout
        assert [line.split() for line in text.splitlines() if line.startswith("total")][0] == ["total", "23.45", "123.45", "18.99"]
        behind = json.loads(counted.report("collection", "--period", MONTH, "--explain", "--json").stdout)["sections"]
        assert [(s["num"], s["den"]) for s in behind] == [(2345, 12345), (0, 0)] and behind[0]["rows"][0]["bill"] == "B-1" and len(behind[0]["rows"][0]["events"]) == 2
        assert "together 23.45 of 123.45" in counted.report("collection", "--period", MONTH, "--by", "fee_kind", "--value", "management", "--explain").stdout
        counted.put((3, "bill.issued", "B-2", {**bill, "household": "4-1-1", "amount": 100}))
        told = json.loads(counted.report("collection", "--by", "building", "--period", MONTH, "--json").stdout)["sections"][0]
        assert told["rows"] == [{"value": "3", "num": 2345, "den": 12345}, {"value": "4", "num": 0, "den": 100}] and told["total"] == {"num": 2345, "den": 12445}
        # The ledger outlives an erasure: of a person it has the ids, and nothing of what is sealed.
        counted.put((3, "household.registered", "4-1-1", {"kind": "tenant", "party": "p-4", "name": "租户四", "phone": "000-7788-9944", "email": "four@example.org"}),
                    (4, "dispute.opened", "B-2", {"reason": "水表读数不对", "by": "cs-1"}))
        counted.daemon.estate("ask", "dunning", "status", "--at-least", "now")
        with open(os.path.join(ledger.state, "data.mdb"), "rb") as file:
            kept = file.read()
        assert b"4-1-1" in kept and b"B-2" in kept
        assert [one for one in ("租户四", "000-7788-9944", "four@example.org", "水表读数不对") if one.encode() in kept] == []
        assert "together 0.00 of 1.00" in counted.report("collection", "--period", MONTH, "--by", "building", "--value", "4", "--explain").stdout
