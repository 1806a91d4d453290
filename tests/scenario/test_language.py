"""What the verbs of estate say under zh: each sentence of the sources has its Chinese, and wrong usage is explained in it."""
import errno
import glob
import os
import re
import subprocess

import pytest

import daemon as harness
import sentences
from test_help import VERBS

CONVERSION = re.compile(r"%[-+ 0#]*[\d*]*(?:\.[\d*]+)?(?:lu|ld|zu|[a-zA-Z])")
CHINESE = re.compile(r"[一-鿿？：；]")


def spoken(text):
    """Has it words, or only what is filled in?"""
    return re.search(r"[A-Za-z]{2}", CONVERSION.sub("", re.sub(r"\\[rn]|\\033\[K", "", text)))


def test_each_sentence_has_its_chinese():
    table = dict(sentences.table())
    assert len(table) > 300
    missing = {text: place for text, place in sentences.said() if spoken(text) and text not in table}
    assert missing == {}, "a row of sentences.def for each"


def test_what_is_filled_in_comes_in_the_same_order():
    """vfprintf() takes its arguments by these."""
    rows = list(sentences.table())
    assert [english for english, chinese in rows if CONVERSION.findall(english) != CONVERSION.findall(chinese)] == []
    assert [english for english, chinese in rows if not CHINESE.search(chinese) and spoken(english)] == []
    assert len({english for english, _ in rows}) == len(rows), "one row for each"


def test_no_row_is_left_over():
    pattern = [sentences.FOLDER + "/*.c", os.path.join(harness.REPOSITORY, "clients/libestate/*.c"), os.path.join(harness.REPOSITORY, "proto/errcode.def")]
    known = sentences.macros()
    sources = "".join(sentences.read(path) for each in pattern for path in glob.glob(each))
    texts = set(re.findall(r'"((?:[^"\\]|\\.)*)"', sources)) | {text for text, _ in sentences.said()} | {os.strerror(number) for number in errno.errorcode}
    assert [english for english, _ in sentences.table() if english not in texts] == [], known["PRIu64"]


def wrong(*words):
    """What is said in Chinese, but for what is typed as it stands."""
    done = subprocess.run([harness.program("estate"), *words], capture_output=True, text=True, check=False, timeout=harness.VERB_S, stdin=subprocess.DEVNULL,
                          env={**os.environ, "LC_ALL": "zh_CN.UTF-8", "ESTATE_ENDPOINT": "ipc:///nowhere/at/all", "ESTATE_OUTBOX": ""})
    return done


# Three words in a row, but not of a command to type.
ENGLISH = re.compile(r"(?<!estate )(?<![a-z] )\b(?!estate\b)[a-z]{2,} [a-z]{2,} [a-z]{2,}\b")


@pytest.mark.parametrize("verb", VERBS)
def test_wrong_usage_in_chinese(verb):
    for more in (["--no-such-option"], ["--connect"], ["--help=yes"], ["-Q"], ["one", "two", "three", "four"]):
        done = wrong(verb, *more)
        if more[0].startswith("-"):
            assert done.returncode == 2, done.stderr
        assert CHINESE.search(done.stderr) and not ENGLISH.search(done.stderr), done.stderr


@pytest.mark.parametrize("words, told", [
    (["status", "--conect", "x"], "没有选项 --conect；是否指 --connect？"), (["archive", "--month", "2026"], "装订一个月须同时给出"),
    (["archive", "list", "/nowhere"], "无法读取 /nowhere：没有该文件或目录"), (["archive", "verify"], "verify 哪个？"),
    (["retention"], "plan（计划）还是 apply（执行）？"), (["retention", "apply"], "执行后无法恢复"), (["retention", "plan", "--at", "soon"], "不是时间"),
    (["retention", "plan", "--rules", "/nowhere"], "无法读取保存期限规则 /nowhere：没有该文件或目录"),
    (["report", "complaints", "--period", "x"], "--period：x 不是期间"), (["status", "--timeout", "0"], "--timeout 应为 1 到 86400 的整数，而不是 0"),
    (["status", "--timeout", "1"], "秒内没有答复：没有这个套接字"), (["nothing"], "没有命令“nothing”"), (["callback", "done"], "哪一个？"),
])
def test_errors_in_chinese(words, told):
    done = wrong(*words)
    assert done.returncode != 0 and told in done.stderr and not ENGLISH.search(done.stderr), done.stderr


def test_a_refusal_in_chinese(daemon):
    """The daemon's reason is kept, behind what it means."""
    done = daemon.estate("put", stdin='{"specversion":"1.0","id":"1","source":"/t","type":"no.such"}\n', expect=1, env={"LC_ALL": "zh_CN.UTF-8"})
    assert "unknown-type (30)（字段 type）：没有这种事件类型" in done.stderr and "estate types 列出全部类型 [重试无用]" in done.stderr, done.stderr
    english = daemon.estate("put", stdin='{"specversion":"1.0","id":"1","source":"/t","type":"no.such"}\n', expect=1, env={"LC_ALL": "C.UTF-8"})
    assert "estate types lists the types [retry: never]" in english.stderr, english.stderr
