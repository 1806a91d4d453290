"""estate form: the department's record forms, P5 5.1 to 5.4, filled from the log."""
import html
import json
import os
import re
import shutil
import subprocess

import pytest

import daemon as harness
from test_rights import Keyed

HOME = "3-2-1201"
REGISTERED = ("household.registered", HOME, "2026-01-05T02:00:00Z", {"kind": "owner", "name": "业主3-2-1201", "phone": "000-0302-1201", "moved_in": "2025-12-01"})
COMPLAINT = [
    ("complaint.opened", "C-1", "2026-10-09T12:00:00Z", {"household": HOME, "category": "noise", "severity": "ordinary", "via": "phone", "text": "楼上<b>装修</b>\n夜里也不停"}),
    ("case.assigned", "C-1", "2026-10-09T12:10:00Z", {"to": "cs-1", "role": "cs_assistant", "by": "lead-1", "dept": "security"}),
    ("case.replied", "C-1", "2026-10-09T12:11:00Z", {"by": "bot", "automatic": True, "text": "已收到"}),
    ("case.replied", "C-1", "2026-10-10T02:00:00Z", {"by": "cs-1", "text": "已到现场"}),
    ("complaint.handled", "C-1", "2026-10-10T08:00:00Z", {"by": "cs-1", "verify": "deferred", "dept": "security"}),
    ("complaint.signed", "C-1", "2026-10-10T09:00:00Z", {"satisfied": True, "about": "proposal", "signer": "family", "collected_by": "cs-1"}),
    ("callback.attempted", "C-1", "2026-10-13T02:00:00Z", {"by": "cs-2", "result": "unreachable"}),
    ("callback.done", "C-1", "2026-10-13T06:00:00Z", {"kind": "complaint", "household": HOME, "by": "cs-2", "mode": "phone", "grade": "satisfied", "effect": "安静了"}),
]
REPAIR = [
    ("repair.requested", "R-1", "2026-10-02T01:00:00Z", {"household": HOME, "trade": "electrical", "in_home": True, "text": "插座没有电"}),
    ("case.assigned", "R-1", "2026-10-02T01:05:00Z", {"to": "eng-2", "role": "engineering", "by": "clerk-1"}),
    ("repair.finished", "R-1", "2026-10-02T03:00:00Z", {"by": "eng-2", "in_home": True}),
    ("workorder.rated", "R-1", "2026-10-02T03:10:00Z", {"grade": "very_satisfied", "signed": True, "channel": "paper", "signer": "resident", "collected_by": "eng-2"}),
]
ROUTINE = [
    ("callback.done", HOME, "2026-03-03T02:00:00Z", {"kind": "routine", "household": HOME, "by": "cs-1", "mode": "phone", "effect": "三月的", "attitude": "好", "shortcomings": "无",
                                                     "suggestions": "多些充电位"}),
    ("visit.signed", HOME, "2026-10-20T02:05:00Z", {"by": "lead-1", "signer": "resident"}),
    ("callback.done", HOME, "2026-10-20T02:10:00Z", {"kind": "routine", "household": HOME, "by": "lead-1", "mode": "visit", "effect": "好", "attitude": "好", "shortcomings": "无"}),
    ("issue.opened", "I-1", "2026-10-20T02:11:00Z", {"household": HOME, "dept": "engineering", "by": "lead-1"}),
    ("issue.told", "I-1", "2026-10-22T02:11:00Z", {"household": HOME, "dept": "engineering", "by": "lead-1", "satisfied": True}),
    ("issue.opened", "I-2", "2026-10-20T02:11:00Z", {"household": "9-9-9999", "dept": "cleaning", "by": "lead-1"}),
    ("suggestion.decided", HOME, "2026-10-23T02:00:00Z", {"adopted": True, "by": "lead-1", "reason": "列入计划"}),
]


def put(daemon, *events):
    """Their sequence numbers."""
    client = daemon.client("form")
    client.hello()
    first = getattr(daemon, "form_events", 0)
    daemon.form_events = first + len(events)
    return [client.put({"specversion": "1.0", "id": f"f-{first + i}", "source": "/test", "type": type_, "subject": subject, "time": when, "data": data}).seq
            for i, (type_, subject, when, data) in enumerate(events)]


def form(daemon, *arguments, expect=0, language="zh_CN.UTF-8", **env):
    done = subprocess.run([harness.program("estate"), "form", *arguments], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                          env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": language, **env})
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout if expect == 0 else done.stderr


def boxes(page):
    """{label: text} of the labelled boxes, the last of each."""
    return {label: html.unescape(re.sub("<[^>]*>", "", text)) for label, text in re.findall(r"<th>([^<]+)</th><td[^>]*>(.*?)</td>", page)}


def rows(page, title):
    part = page.split(f"<h2>{title}</h2>", 1)[1].split("</table>", 1)[0].split("<tbody>", 1)[1]
    return [[html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.findall("<td[^>]*>(.*?)</td>", row)] for row in re.findall("<tr>(.*?)</tr>", part)]


def missing(daemon, *arguments):
    return json.loads(form(daemon, *arguments, "--json"))["missing"]


def test_a_complaint(daemon):
    put(daemon, REGISTERED, *COMPLAINT)
    page = form(daemon, "C-1")
    told = boxes(page)
    assert "<h1>业户投诉意见处理表</h1>" in page and "编号 C-1" in page
    for label, text in {"房号": HOME, "姓名": "业主3-2-1201", "联系电话": "000-0302-1201", "受理时间": "2026-10-09 20:00", "投诉途径": "电话", "投诉类别": "噪音", "严重程度": "一般",
                        "投诉内容": "楼上<b>装修</b> 夜里也不停", "回复时间": "2026-10-10 10:00", "回复内容": "已到现场", "处理完毕": "2026-10-10 16:00", "验证方式": "日后验证"}.items():
        assert told[label] == text, label
    assert "<b>装修" not in page, "what a resident says is no markup"
    assert rows(page, "回访记录") == [["2026-10-13 10:00", "回访未成", "cs-2", "", "", "联系不上", "", ""], ["2026-10-13 14:00", "回访完成", "cs-2", "电话", "满意", "", "安静了", ""]]
    # The proposal is signed, the result is not; nobody of the department has signed.
    assert missing(daemon, "C-1") == ["satisfied", "Resident", "Lead", "Site manager", "Archived"]
    assert "缺 5 项：是否满意、业户签字、客服组负责人、项目经理、存档。" in page
    assert "家属 cs-1 2026-10-10 17:00（系统记录）" in page


def test_what_is_signed_later_is_on_it(daemon):
    put(daemon, REGISTERED, *COMPLAINT,
        ("complaint.signed", "C-1", "2026-10-14T09:00:00Z", {"satisfied": True, "signer": "resident"}),
        *[(f"form.{step}", "C-1", f"2026-10-1{day}T09:00:00Z", {"form": "complaint_handling", "by": by, "role": role})
          for step, day, by, role in (("completed", 5, "lead-1", "cs_lead"), ("signed", 6, "manager-1", "site_manager"), ("archived", 7, "cs-1", "cs_assistant"))])
    assert missing(daemon, "C-1") == []
    assert "各项齐全" in form(daemon, "C-1") and "Nothing is missing" in form(daemon, "C-1", language="C.UTF-8")


def test_corrections_stand_as_corrected(daemon):
    seqs = put(daemon, REGISTERED, *COMPLAINT)
    retraction = put(daemon, ("record.amended", "C-1", "2026-10-20T01:00:00Z", {"event": seqs[1], "by": "lead-1", "reason": "类别登记错误", "fields": {"category": "security"}}),
        ("record.retracted", "C-1", "2026-10-20T01:00:00Z", {"event": seqs[7], "by": "lead-1", "reason": "不是这个工单"}))[1]
    page = form(daemon, "C-1")
    assert boxes(page)["投诉类别"] == "治安"
    assert len(rows(page, "回访记录")) == 1 and "已计入更正 1 处、撤销 1 处" in page
    put(daemon, ("record.retracted", "C-1", "2026-10-21T01:00:00Z", {"event": retraction, "by": "lead-1", "reason": "撤销有误"}))
    assert len(rows(form(daemon, "C-1"), "回访记录")) == 2


def test_a_repair(daemon):
    put(daemon, REGISTERED, *REPAIR)
    page = form(daemon, "R-1")
    assert "<h1>维修工作单</h1>" in page and "各项齐全" in page
    told = boxes(page)
    assert (told["工种"], told["入户维修"], told["完成时间"], told["满意程度"]) == ("电气", "是", "2026-10-02 11:00", "很满意")
    put(daemon, ("repair.requested", "R-2", "2026-10-02T01:00:00Z", {"trade": "water", "in_home": False, "service": "special"}))
    page = form(daemon, "R-2")
    assert "<h1>特约服务工作单</h1>" in page
    assert missing(daemon, "R-2")[:3] == ["household", "name", "phone"] and "缺 9 项" in page


def test_a_household(daemon):
    put(daemon, REGISTERED, *ROUTINE)
    page = form(daemon, HOME, "--period", "2026-10")
    assert "<h1>业户例行回访调查记录表</h1>" in page and "三月的" not in page and page.count("<h2>回访记录</h2>") == 1
    assert boxes(page)["意见与建议"] == "缺" and "业户本人 lead-1 2026-10-20 10:05" in page
    assert [row[1:] for row in rows(page, "问题与处理结果")] == [["问题登记", "工程维修部", "lead-1", ""], ["结果告知", "工程维修部", "lead-1", "是"]]
    assert missing(daemon, HOME, "--period", "2026-10") == ["suggestions", "Lead"]
    year = form(daemon, HOME, "--period", "2026")
    assert year.count("<h2>回访记录</h2>") == 2 and "多些充电位" in year
    assert missing(daemon, HOME, "--period", "2026-07")[:3] == ["when", "by", "mode"]


def test_corrected_problems_of_a_household(daemon):
    """They are corrected under their own numbers, not the household's."""
    seqs = put(daemon, REGISTERED, *ROUTINE, ("issue.opened", "I-3", "2026-10-21T02:11:00Z", {"household": HOME, "dept": "cleaning", "by": "lead-1"}))
    told, mistaken, other = seqs[5], seqs[-1], seqs[6]
    put(daemon, ("record.amended", "I-1", "2026-10-24T02:00:00Z", {"event": told, "by": "lead-1", "reason": "听错了", "fields": {"satisfied": False}}),
        ("record.retracted", "I-3", "2026-10-24T02:00:00Z", {"event": mistaken, "by": "lead-1", "reason": "不是这一户"}),
        ("record.retracted", "I-2", "2026-10-24T02:00:00Z", {"event": other, "by": "lead-1", "reason": "另一户的"}))
    page = form(daemon, HOME, "--period", "2026-10")
    assert [row[-1] for row in rows(page, "问题与处理结果")] == ["", "否"]
    assert "已计入更正 1 处、撤销 1 处" in page


def test_personal_fields_are_for_who_may_see_them(start_daemon, tmp_path):
    keyed = Keyed(start_daemon, tmp_path, {"desk": ["put: '**'", "sources: '*'", "read: '**'", "see_personal: true"], "stats": ["read: '**'"]})
    access = {}
    for name in ("desk", "stats"):
        (tmp_path / f"{name}.key").write_text(keyed.keys[name].secret, encoding="ascii")
        (tmp_path / f"{name}.key").chmod(0o600)
        access[name] = {"ESTATE_ENDPOINT": keyed.endpoint, "ESTATE_KEY_FILE": str(tmp_path / f"{name}.key"), "ESTATE_SERVER_KEY": keyed.server.public}
    desk, blind = access["desk"], access["stats"]
    lines = "\n".join(json.dumps({"specversion": "1.0", "id": f"k-{i}", "source": "/test", "type": t, "subject": s, "time": w, "data": d})
                      for i, (t, s, w, d) in enumerate([REGISTERED, *COMPLAINT]))
    subprocess.run([harness.program("estate"), "put"], input=lines, text=True, check=True, env={**os.environ, **desk}, stdout=subprocess.DEVNULL, timeout=harness.VERB_S)
    assert boxes(form(keyed.daemon, "C-1", **desk))["姓名"] == "业主3-2-1201"
    page = form(keyed.daemon, "C-1", **blind)
    assert boxes(page)["姓名"] == "***" and "装修" not in page and "标 *** 的个人信息对本次打印者不可见" in page


def test_what_has_no_form(daemon):
    put(daemon, REGISTERED, ("help.requested", "H-1", "2026-10-02T01:00:00Z", {"kind": "inquiry"}))
    for words, status, answer in ((["H-1"], 1, "estate case H-1"), (["C-9"], 1, "没有对应的表格"), ([], 2, "请给出一个编号"), (["a b"], 2, "不是编号"), ([HOME, "--period", "2026-13"], 2, "2026-10"),
                                  ([HOME, "--period", "26"], 2, "2026-10")):
        assert answer in form(daemon, *words, expect=status)


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("pdftotext")), reason="no chromium or pdftotext here: the print is not looked at")
def test_printed(daemon, tmp_path):
    """As print, in a real browser: every Chinese character is there, and a long table goes on with its heading on the next sheet."""
    put(daemon, REGISTERED, *COMPLAINT, *[("callback.attempted", "C-1", f"2026-10-14T{i // 60:02}:{i % 60:02}:00Z", {"by": "cs-2", "result": "busy"}) for i in range(60)])
    page = tmp_path / "page.html"
    page.write_text(form(daemon, "C-1"), encoding="utf-8")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={tmp_path}/profile",
                    f"--print-to-pdf={tmp_path}/page.pdf", str(page)], check=True, capture_output=True, timeout=harness.VERB_S * 3)
    sheets = subprocess.run(["pdftotext", "-layout", f"{tmp_path}/page.pdf", "-"], check=True, capture_output=True, text=True).stdout.split("\f")
    assert len(sheets) >= 3 and "业户投诉意见处理表" in sheets[0]
    for word in ("楼上<b>装修</b>", "回访记录", "安静了", "项目经理", "缺 5 项"):
        assert any(word in sheet for sheet in sheets), word
    assert "未成原因" in sheets[1] and "不方便" in sheets[1], "the table's heading is on each sheet"


def test_english_labels(daemon):
    """No field's name stands on an English form as programs write it: the catalogue has a label, or the name will do with a capital."""
    put(daemon, REGISTERED, *COMPLAINT, *REPAIR, *ROUTINE)
    labels = set()
    for which in (["C-1"], ["R-1"], [HOME, "--period", "2026"]):
        labels |= set(re.findall(r"<th>([^<]+)</th>", form(daemon, *which, language="C.UTF-8")))
    assert [label for label in labels if "_" in label or not label[0].isupper()] == []
    assert {"By whom", "Department", "When to verify", "Received through", "In words", "Telephone", "Household", "Inside the home", "Moved in on"} <= labels
