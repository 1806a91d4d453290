"""estate import: tables of spreadsheets become events, each line that cannot is named, and the same file again changes nothing."""
import json
import os
import subprocess

import pytest

import daemon as harness

HOUSEHOLDS = """\
房号,住户类别,姓名,联系电话,入住日期,重点客户,面积（㎡）,备注
3-2-1201,业主,张三,138 0013 8000,2019/5/1,否,89.5,x
3-2-1202,租客,李四,13900139000,2021年12月31日,是,120,
"""
BILLS = """\
房号,费用类别,费用月份,金额(元),缴费期限
3-2-1201,物业费,2026年10月,"1,234.50",2026/10/31
3-2-1202,停车费,202610,¥300,20261031
"""
PAYMENTS = """\
收款编号;房号;账单编号;实收金额（分）;支付方式;到账日期
P-1;3-2-1201;3-2-1201/management/2026-10;123450;微信支付;2026-10-05 09:30:00
P-2;3-2-1202;;10000;现金;2026.10.6
"""


@pytest.fixture
def importer(daemon, tmp_path):
    def start(kind, table, *options, **env):
        path = tmp_path / f"{kind}.csv"
        path.write_bytes(table if isinstance(table, bytes) else table.encode())
        return subprocess.Popen([harness.program("estate"), "import", kind, path, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, **env})

    def run(kind, table, *options, expect=0, **env):
        process = start(kind, table, *options, **env)
        out, err = process.communicate(timeout=harness.VERB_S)
        assert process.returncode == expect, out + err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    run.daemon, run.start = daemon, start
    return run


def stored(daemon, type_):
    lines = daemon.estate("tail", "--from", "first", "--until-end", "--type", type_, "--json").stdout.splitlines()
    return [(one["subject"], one["data"]) for one in map(json.loads, lines)]


def summary(done):
    return {key: value for key, value in json.loads(done.stdout).items() if key in ("rows", "stored", "known", "refused")}


def faults(done):
    return {fault["line"]: (fault.get("column"), fault["detail"]) for fault in map(json.loads, done.stderr.splitlines())}


def test_three_tables_in_order(importer):
    importer("households", HOUSEHOLDS)
    importer("bills", BILLS)
    importer("payments", PAYMENTS)
    assert stored(importer.daemon, "household.registered") == [
        ("3-2-1201", {"kind": "owner", "name": "张三", "phone": "138 0013 8000", "moved_in": "2019-05-01", "key": False, "area_m2": 89.5}),
        ("3-2-1202", {"kind": "tenant", "name": "李四", "phone": "13900139000", "moved_in": "2021-12-31", "key": True, "area_m2": 120.0})]
    assert stored(importer.daemon, "bill.issued") == [
        ("3-2-1201/management/2026-10",
         {"household": "3-2-1201", "fee_kind": "management", "period": "2026-10", "amount": 123450, "due": "2026-10-31"}),
        ("3-2-1202/parking/2026-10", {"household": "3-2-1202", "fee_kind": "parking", "period": "2026-10", "amount": 30000, "due": "2026-10-31"})]
    assert stored(importer.daemon, "payment.posted") == [
        ("P-1", {"household": "3-2-1201", "amount": 123450, "bill": "3-2-1201/management/2026-10", "method": "wechat", "received": "2026-10-05"}),
        ("P-2", {"household": "3-2-1202", "amount": 10000, "method": "cash", "received": "2026-10-06"})]


def test_the_same_file_again_changes_nothing(importer):
    for again in (False, True):
        for kind, table in (("households", HOUSEHOLDS), ("bills", BILLS), ("payments", PAYMENTS)):
            got = summary(importer(kind, table, "--json"))
            assert got == {"rows": 2, "stored": 0 if again else 2, "known": 2 if again else 0, "refused": 0}


def test_columns_in_another_order_make_the_same_events(importer):
    importer("households", HOUSEHOLDS)
    importer("bills", BILLS)
    lines = [line.split(",") for line in BILLS.replace('"1,234.50"', "1234.5").splitlines()]
    turned = "\n".join(",".join(reversed(line)) for line in lines)
    assert summary(importer("bills", turned, "--json"))["known"] == 2


def test_a_household_that_changes_back_is_entered_again(importer):
    changed = HOUSEHOLDS.replace("张三", "张三丰")
    for table, new in ((HOUSEHOLDS, 2), (changed, 1), (changed, 0), (HOUSEHOLDS, 1), (HOUSEHOLDS, 0)):
        assert summary(importer("households", table, "--json"))["stored"] == new
    assert [data["name"] for subject, data in stored(importer.daemon, "household.registered") if subject == "3-2-1201"] == ["张三", "张三丰", "张三"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encodings(importer, encoding, ends):
    importer("households", HOUSEHOLDS.replace("\n", ends).encode(encoding))
    assert [data["name"] for _, data in stored(importer.daemon, "household.registered")] == ["张三", "李四"]


def test_mixed_encodings_are_named_by_line(importer):
    head, first, second = HOUSEHOLDS.splitlines()
    table = f"{head}\n{first}\n".encode() + f"{second}\n".encode("gb18030") + "3-2-1203,owner,Ann,,,,,\n".encode()
    done = importer("households", table, "--json", expect=1)
    assert summary(done) == {"rows": 3, "stored": 2, "known": 0, "refused": 1} and faults(done) == {3: (None, "not UTF-8 as the lines before it")}
    done = importer("households", HOUSEHOLDS.encode("utf-16"), expect=2)
    assert "headings" in done.stderr


BAD = [
    ("3-2-120,水费,2026-10,5,2026-10-31", "房号", "it is not registered; did you mean 3-2-1201?"),
    ("3-2-1201,水费,2026-13,5,2026-10-31", "费用月份", "a month is written 2026-10"),
    ("3-2-1201,水费,2026-10,-5,2026-10-31", "金额(元)", "an amount is not negative: what is given back is a reversal or a waiver"),
    ("3-2-1201,水费,2026-10,0.00,2026-10-31", "金额(元)", "an amount of 0 is none: leave the line out"),
    ("3-2-1201,水费,2026-10,9999999999,2026-10-31", "金额(元)", "more than 1000000 yuan; if it is right, --max-amount lets it through"),
    ("3-2-1201,水费,2026-10,99999999999999999999,2026-10-31", "金额(元)", "an amount is written 1234.50, in yuan"),
    ("3-2-1201,水费,2026-10,12.345,2026-10-31", "金额(元)", "yuan have at most two decimals, such as 123.45"),
    ("3-2-1201,水费,2026-10,USD 5,2026-10-31", "金额(元)", "an amount is written 1234.50, in yuan"),
    ("3-2-1201,水费,2026-10,一百元,2026-10-31", "金额(元)", "an amount is written 1234.50, in yuan"),
    ('3-2-1201,水费,2026-10,"1,23",2026-10-31', "金额(元)", "an amount is written 1234.50, in yuan"),
    ("3-2-1201,水费,2026-10,1,234,2026-10-31", None, "6 cells under 5 headings: is a comma not in quotes?"),
    ("3-2-1201,煤气费,2026-10,5,2026-10-31", "费用类别", "it is one of management, vacant, rent, water, electricity, repair_fund, parking, other"),
    ("3-2-1201,水费,2026-10,5,2026-02-30", "缴费期限", "there is no such day"),
    ("3-2-1201,水费,2026-10,5,10/31/2026", "缴费期限", "a day is written 2026-10-31"),
    ("3-2-1201,水费,2026-10,5,", "缴费期限", "it is empty"),
    ("3 2 1201,水费,2026-10,5,2026-10-31", "房号", "an id is 1 to 64 of A-Z a-z 0-9 . _ : / -, such as 3-2-1201"),
    ('3-2-1201,"水费,2026-10,5,2026-10-31', None, "a quote is opened and not closed"),
]


def test_each_bad_line_is_named_and_the_others_go_on(importer):
    importer("households", HOUSEHOLDS)
    head, good, other = BILLS.splitlines()
    table = "\n".join([head, good, *(line for line, _, _ in BAD), other, good]) + "\n"
    done = importer("bills", table, "--json", expect=1)
    assert summary(done) == {"rows": len(BAD) + 3, "stored": 2, "known": 0, "refused": len(BAD) + 1}
    last = len(BAD) + 4
    assert faults(done) == {**{number: (column, detail) for number, (_, column, detail) in enumerate(BAD, 3)},
                            last: (None, "it stands in line 2 already")}
    # In words, and in Chinese.
    shown = importer("bills", table, "--dry-run", expect=1, LC_ALL="zh_CN.UTF-8").stderr
    assert ":5: 金额(元)“-5”：金额不能为负" in shown and f":{last}: 第 2 行已有此编号" in shown


def test_a_bill_made_out_again_with_another_amount(importer):
    importer("households", HOUSEHOLDS)
    importer("bills", BILLS)
    done = importer("bills", BILLS.replace("¥300", "¥301"), expect=1)
    assert ":3: 3-2-1202/parking/2026-10: stored before with other content" in done.stderr
    assert [data["amount"] for _, data in stored(importer.daemon, "bill.issued")] == [123450, 30000]


@pytest.mark.parametrize("table, options, words", [
    (BILLS.replace("费用类别", "费目"), (), "no column is fee_kind (费用类别). There are: 房号, 费目"),
    (BILLS.replace("费用月份", "应收金额"), (), "the columns 应收金额 and 金额(元) mean the same"),
    (BILLS, ("--map", "费目=fee_kind"), "the table has no such column"),
    (BILLS, ("--map", "费用类别=fee_kynd"), "did you mean fee_kind?"),
    (BILLS, ("--map", "费用类别"), "write HEADING=FIELD"),
    ("", (), "no line of headings that can be read: nothing stands there"),
    (BILLS.encode("utf-16"), (), "as UTF-16 does; save the table as CSV UTF-8"),
    (BILLS.encode("utf-16-le"), (), "as UTF-16 does; save the table as CSV UTF-8"),
    (BILLS.split("\n")[0] + ",x" * 100, (), "more than 64 columns"),
    ("x" * 70000, (), "too long for a line"),
])
def test_headings_that_will_not_do(importer, table, options, words):
    assert words in importer("bills", table, *options, expect=2).stderr


def test_a_heading_may_be_named_by_hand(importer):
    importer("households", HOUSEHOLDS)
    importer("bills", BILLS.replace("费用类别", "费目"), "--map", "费目=fee_kind")
    assert len(stored(importer.daemon, "bill.issued")) == 2


def test_a_dry_run_stores_nothing(importer):
    done = importer("households", HOUSEHOLDS, "--dry-run")
    assert "2 would be taken" in done.stdout and stored(importer.daemon, "household.registered") == []
    assert ":2: 房号 \"3-2-1201\": no household is registered yet" in importer("bills", BILLS, expect=1).stderr
    assert summary(importer("bills", BILLS, "--unregistered", "--json"))["stored"] == 2


def test_sums_to_be_held_beside_the_books(importer):
    importer("households", HOUSEHOLDS)
    got = json.loads(importer("bills", BILLS, "--json").stdout)
    assert got["sums"] == [{"fee_kind": "management", "rows": 1, "stored_fen": 123450, "known_fen": 0, "refused_fen": 0, "unread": 0},
                           {"fee_kind": "parking", "rows": 1, "stored_fen": 30000, "known_fen": 0, "refused_fen": 0, "unread": 0}]
    assert importer("bills", BILLS).stdout.splitlines()[-2].split() == ["all", "2", "0.00", "1,534.50", "0.00"]


def test_the_sums_are_of_every_line(importer):
    """A line that is not taken is in them by what of it can be read, so that they are those of the file: in a dry run, live, and when it is repeated."""
    importer("households", HOUSEHOLDS)
    head, good, _ = BILLS.splitlines()
    table = "\n".join([head, good, *(line for line, _, _ in BAD[:-1]), good]) + "\n"
    for more, stored, known in (["--dry-run"], 123450, 0), ([], 123450, 0), ([], 0, 123450):
        got = json.loads(importer("bills", table, "--json", *more, expect=1).stdout)
        sums = {one["fee_kind"]: [one[name] for name in ("rows", "stored_fen", "known_fen", "refused_fen", "unread")] for one in got["sums"]}
        # Of eight water bills the amount cannot be read or is none; one bill has no kind that there is, and one too many cells.
        assert sums["management"] == [2, stored, known, 123450, 0]
        assert sum(one[0] for one in sums.values()) == got["rows"] == len(BAD) + 1 and got["refused"] == len(BAD)
        assert sums["water"][3] == 500 * 6 and sums[""][0] == 2 and sums[""][3] == 500 and sums[""][4] == 1, sums
    shown = importer("bills", table, expect=1).stdout
    assert "(cannot be told)" in shown and f"of {sums['water'][4] + 1} refused lines the amount cannot be read" in shown


def test_a_daemon_that_dies_on_the_way(importer):
    """What is stored is recognised when the same command is repeated, and nothing is missing or double."""
    importer("households", HOUSEHOLDS)
    daemon, count = importer.daemon, 20000 if os.environ.get("ESTATE_LONG") else 4000
    table = "账单编号,房号,费用类别,费用月份,金额,缴费期限\n" + "".join(f"B-{n},3-2-1201,水费,2026-10,{n}.{n % 100:02},2026-10-31\n" for n in range(1, count + 1))
    tail = daemon.client("tail").subscribe("new", type=["bill.issued"])
    run = importer.start("bills", table, "--timeout", "1")
    tail.next(harness.VERB_S)
    daemon.kill9()
    _, err = run.communicate(timeout=harness.VERB_S)
    assert run.returncode == 3 and "repeat the same command" in err
    daemon.start()
    before = len(stored(daemon, "bill.issued"))
    got = summary(importer("bills", table, "--json"))
    assert 0 < before == got["known"] and got["stored"] == count - before
    assert sorted(data["amount"] for _, data in stored(daemon, "bill.issued")) == [n * 100 + n % 100 for n in range(1, count + 1)]
