"""estate report REPORT: one that is owed, from its generation to its distribution; as a page; and what has changed since."""
import datetime
import html.parser
import json
import os
import shutil
import subprocess
import time

import pytest

import daemon as harness
from worker import PATIENCE_S, Worker

SHIPPED = os.path.join(harness.REPOSITORY, "config")
REPORT = "survey/S-1"


class Stats(Worker):
    """estate-stats under the shipped measures."""

    def __init__(self, daemon):
        super().__init__(daemon, name="stats", program=harness.program("estate-stats"), rules=None, start=False)
        self.count = 0
        self.start("--config", SHIPPED)
        # The measures are in force once their activation has come back from the log.
        deadline = time.monotonic() + PATIENCE_S
        while "no measures are in force" in self.report("callbacks", expect=None):
            assert time.monotonic() < deadline

    def put(self, *events):
        client = self.daemon.client("desk")
        client.hello()
        for type_, subject, data, *when in events:
            self.count += 1
            client.put({"specversion": "1.0", "id": f"s-{self.count}", "source": "/test", "type": type_, "subject": subject, "data": data,
                        **({"time": when[0]} if when else {})})

    def report(self, *arguments, expect=0, language="C.UTF-8"):
        done = subprocess.run([harness.program("estate"), "report", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                              env={**os.environ, "ESTATE_ENDPOINT": self.daemon.endpoint, "LC_ALL": language})
        assert expect in (None, done.returncode), done.stdout + done.stderr
        return done.stdout if expect == 0 else done.stderr

    def states(self):
        return [(row["version"], row["state"]) for row in json.loads(self.report("versions", REPORT, "--json"))["rows"]]


def survey(answers):
    """Ten forms handed out; so many came back, all satisfied but the first."""
    events = [("survey.issued", "S-1", {"ticket": f"T-{i}"}) for i in range(10)]
    for i in range(answers):
        events += [("survey.returned", "S-1", {"ticket": f"T-{i}"}), ("survey.answered", "S-1", {"ticket": f"T-{i}", "item": "保洁", "grade": "satisfied" if i else "dissatisfied"})]
    return events


@pytest.fixture
def stats(daemon):
    with Stats(daemon) as worker:
        yield worker


def test_from_generation_to_distribution(stats):
    assert "No report is owed yet" in stats.report("versions")
    stats.put(*survey(4), ("survey.closed", "S-1", {"by": "q-1", "role": "quality_dept"}))
    assert stats.states() == [(1, "generated")]
    # Each step at its time, with what it needs.
    assert "before approve it must be submitted" in stats.report("approve", REPORT, "--by", "gm-1", expect=1)
    assert "submitted" in stats.report("submit", REPORT, "--by", "q-1")
    assert "--reason" in stats.report("reject", REPORT, "--by", "rep-1", expect=2)
    assert "v2" in stats.report("reject", REPORT, "--by", "rep-1", "--reason", "缺少分项分析")
    assert stats.states() == [(1, "rejected"), (2, "generated")]
    for step, more in (("submit", []), ("review", ["--role", "mgmt_rep"]), ("distribute", ["--to", "总经理、副总经理"])):
        stats.report(step, REPORT, "--by", "rep-1", *more)
    assert stats.states() == [(1, "rejected"), (2, "distributed")]
    assert "已分发" in stats.report("versions", REPORT, language="zh_CN.UTF-8")
    assert "is distributed; before submit it must be generated" in stats.report("submit", REPORT, "--by", "q-1", expect=1)
    # What escalate waits for is in the event.
    reviewed = json.loads(stats.daemon.estate("tail", "--from", "first", "--type", "report.reviewed", "--json").stdout)
    assert reviewed["subject"] == REPORT
    assert {key: reviewed["data"][key] for key in ("kind", "role", "survey", "version", "period")} == {
        "kind": "survey", "role": "mgmt_rep", "survey": "S-1", "version": 2, "period": reviewed["data"]["period"]}


def test_its_figures_stay_those_of_then(stats):
    stats.put(*survey(4), ("survey.closed", "S-1", {"by": "q-1", "role": "quality_dept"}))
    stats.report("submit", REPORT, "--by", "q-1")
    # One that came in before it was closed, and is learnt only now.
    early = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    stats.put(*[(*event, early) for event in survey(5)[-2:]])
    shown = json.loads(stats.report(REPORT, "--version", 1, "--json"))
    figures = {section["measure"]: (section["total"]["num"], section["total"]["den"]) for section in shown["sections"]}
    assert figures == {"survey_return": (4, 10), "survey_satisfaction": (3, 4), "survey_top_two": (3, 4)}
    text = stats.report(REPORT)
    assert "What has changed since (version 1, submitted)" in text
    for line in ("survey forms handed out that came back S-1 4/10 → 5/10", "survey answers satisfied (regulation's formula, top three of five) S-1 3/4 → 4/5"):
        assert line in text
    # A new version is as of then.
    stats.report("reject", REPORT, "--by", "rep-1", "--reason", "新回收一份")
    assert json.loads(stats.report(REPORT, "--json"))["sections"][0]["total"]["num"] == 5
    assert "nothing" in stats.report(REPORT)


def test_wrong_usage(stats):
    for words, status, answer in ((["complaints", "--version", 1], 2, "estate report versions"), (["complaints/1999-01"], 1, "has no such version"), (["submit"], 2, "which report"),
                                  (["submit", "a b", "--by", "x"], 2, "no report's id"), ([REPORT, "--period", "2026"], 2, "of its own"), (["distribute", REPORT, "--by", "x"], 2, "--to"),
                                  (["submit", REPORT, "--by", "x", "--role", "king"], 1, "no such version")):
        assert answer in stats.report(*words, expect=status), words


class Page(html.parser.HTMLParser):
    """Tags that are open, and the text."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.open = "", [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.open, f"</{tag}> closes nothing"
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        self.text += data


COMPLAINTS = [("complaint.opened", f"C-{i}", {"category": category, "severity": "ordinary", "via": "phone"})
              for i, category in enumerate(["noise"] * 8 + ["parking"] * 4 + ["other"] * 9 + ["<b>乱</b>"] * 2)]


def test_as_a_page(stats):
    stats.put(*COMPLAINTS, *survey(4), ("survey.closed", "S-1", {"by": "q-1", "role": "quality_dept"}))
    page = Page(stats.report("complaints", "--format", "html", language="zh_CN.UTF-8"))
    assert page.tags.count("svg") == 1 and "b" not in page.tags, "what somebody typed is no markup"
    for word in ("投诉排列图", "噪音", "停车", "其他", "<b>乱</b>", "累计", "80%", "不四舍五入", "estate report complaints --period"):
        assert word in page.text, word
    # The largest first, "other" last however large.
    assert page.text.index("噪音") < page.text.index("停车") < page.text.index("<b>乱") < page.text.index("其他")
    page = Page(stats.report(REPORT, "--format", "html", language="zh_CN.UTF-8"))
    for word in ("第 1 版 · 已生成 · 数据截止", "此后的更正", "编制：", "批准：", "目标 ≥ 30.00%（原则上）：达到"):
        assert word in page.text, word
    assert "version 1 · generated" in Page(stats.report(REPORT, "--format", "html")).text


def test_the_check_sheet(stats):
    """A line a category, a column a month."""
    stats.put(*[("complaint.opened", f"C-{i}", {"category": category, "severity": "ordinary", "via": "phone"}, when) for i, (category, when) in enumerate(
        [("noise", "2026-01-31T15:59:59Z"), ("noise", "2026-01-31T16:00:00Z"), ("noise", "2026-06-05T02:00:00Z"), ("parking", "2026-06-05T02:00:00Z")])])
    lines = stats.report("check-sheet", "--period", "2026-H1").splitlines()
    assert [line.split() for line in lines[-4:]] == [["category", "01", "02", "03", "04", "05", "06", "total"], ["noise", "1", "1", "1", "3"], ["parking", "1", "1"],
                                                     ["total", "1", "1", "0", "0", "0", "2", "4"]]
    page = stats.report("check-sheet", "--period", "2026-H1", "--format", "html", language="zh_CN.UTF-8")
    assert "<td>停车</td><td class=r></td><td class=r></td><td class=r></td><td class=r></td><td class=r></td><td class=r>1</td><td class=r>1</td>" in page


def test_the_forms_of_figures(stats):
    """业户回访率统计年报表 and the month's cover, of what estate-stats counted."""
    month = json.loads(stats.report("callbacks", "--json"))["sections"][0]["until"]
    year = month[:4]
    for i in range(3):
        stats.put(("repair.requested", f"R-{i}", {"trade": "plumbing", "in_home": True}), ("repair.finished", f"R-{i}", {"by": "eng-1", "in_home": True}))
    stats.put(("callback.done", "R-0", {"kind": "repair", "by": "cs-1", "mode": "phone"}))
    env = {**os.environ, "ESTATE_ENDPOINT": stats.daemon.endpoint, "LC_ALL": "zh_CN.UTF-8"}
    pages = {word: Page(subprocess.run([harness.program("estate"), "form", word], capture_output=True, text=True, check=True, timeout=harness.VERB_S, env=env).stdout).text
             for word in (year, month)}
    assert "业户回访率统计年报表" in pages[year] and "全年31" in pages[year] and "33.33" in pages[year] and "零修回访率 ≥ 30.00%" in pages[year]
    assert "回访记录月度装订封面" in pages[month] and "1 户（件），33.33 %" in pages[month] and "缺 2 项：封存时间、摘要值" in pages[month]


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("pdftotext")), reason="no chromium or pdftotext here: the print is not looked at")
def test_printed(stats, tmp_path):
    stats.put(*[("complaint.opened", f"C-{i}", {"category": f"类别{i % 70}", "severity": "ordinary", "via": "phone"}) for i in range(140)])
    (tmp_path / "page.html").write_text(stats.report("complaints", "--format", "html", language="zh_CN.UTF-8"), encoding="utf-8")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={tmp_path}/profile",
                    f"--print-to-pdf={tmp_path}/page.pdf", str(tmp_path / "page.html")], check=True, capture_output=True, timeout=harness.VERB_S * 3)
    sheets = subprocess.run(["pdftotext", "-layout", f"{tmp_path}/page.pdf", "-"], check=True, capture_output=True, text=True).stdout.split("\f")
    assert len(sheets) >= 3 and all("累计 %" in sheet for sheet in sheets[:2]), "the table's heading is on each sheet"
    for i in range(70):
        assert any(f"类别{i} " in sheet for sheet in sheets), i
