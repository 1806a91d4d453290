"""A strict checker of metrics pages: OpenMetrics 1.0.0, and Prometheus text 0.0.4 by turning it into that.

    families = check(text)              # OpenMetrics; ValueError("line 7: …") if anything is wrong with it
    families = check_classic(text)      # Prometheus text format 0.0.4

Both return name → Family(type, help, unit, samples), where a sample is (name, labels, value, timestamp, exemplar).
"""
import math
import re
from collections import namedtuple

TYPES = {"counter": ("_total", "_created"), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum", "_created"),
         "gaugehistogram": ("_bucket", "_gcount", "_gsum"), "summary": ("", "_count", "_sum", "_created"), "info": ("_info",),
         "stateset": ("",), "unknown": ("",)}
METRIC, LABEL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*"), re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
REAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
NUMBER = re.compile(REAL.pattern + r"|[+-]?inf(?:inity)?|nan", re.I)
EXEMPLAR_CHARACTERS_MAX = 128

Sample = namedtuple("Sample", "name labels value timestamp exemplar")
Exemplar = namedtuple("Exemplar", "labels value timestamp")


class Family:
    def __init__(self, name):
        self.name, self.type, self.help, self.unit, self.samples = name, None, None, None, []

    @property
    def kind(self):
        return self.type or "unknown"

    def names(self):
        """What it takes for itself: its own name and those of its samples."""
        return {self.name} | {self.name + suffix for suffix in TYPES[self.kind]}


def need(condition, what):
    if not condition:
        raise ValueError(what)


def number(text, pattern=NUMBER):
    need(pattern.fullmatch(text), f"{text!r} is no number")
    return float(text)


class Line:
    """A sample line, read from left to right."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def rest(self):
        return self.text[self.at:]

    def take(self, pattern, what):
        match = pattern.match(self.text, self.at)
        need(match, f"{what} expected at {self.rest()!r}")
        self.at = match.end()
        return match.group(0)

    def skip(self, token):
        found = self.text.startswith(token, self.at)
        self.at += len(token) if found else 0
        return found

    def quoted(self):
        need(self.skip('"'), "a label's value is in double quotes")
        value = ""
        while True:
            need(self.at < len(self.text), "a label's value does not end")
            c = self.text[self.at]
            self.at += 1
            if c == '"':
                return value
            if c == "\\" and self.at < len(self.text):
                following = self.text[self.at]
                self.at += 1
                c = {"n": "\n", "\\": "\\", '"': '"'}.get(following, "\\" + following)
            value += c

    def labels(self):
        labels = {}
        if not self.skip("{"):
            return labels
        while not self.skip("}"):
            if labels:
                need(self.skip(","), "a comma between labels")
            name = self.take(LABEL, "a label's name")
            need(self.skip("="), "an equals sign")
            need(name not in labels, f"the label {name} twice")
            labels[name] = self.quoted()
        return labels

    def figure(self, pattern):
        need(self.skip(" "), "one space before a number")
        word = self.take(re.compile(r"[^ ]*"), "a number")
        return number(word, pattern)


def read_sample(text):
    line = Line(text)
    name = line.take(METRIC, "a name")
    labels, value, timestamp, exemplar = line.labels(), line.figure(NUMBER), None, None
    if line.rest() and not line.rest().startswith(" #"):
        timestamp = line.figure(REAL)
    if line.rest():
        need(line.skip(" # {"), "an exemplar begins with one space, # and one space")
        line.at -= 1
        theirs = line.labels()
        need(sum(len(k) + len(v) for k, v in theirs.items()) <= EXEMPLAR_CHARACTERS_MAX, "an exemplar's labels are too long")
        exemplar = Exemplar(theirs, line.figure(NUMBER), line.figure(REAL) if line.rest() else None)
    need(not line.rest(), f"{line.rest()!r} behind the sample")
    return Sample(name, labels, value, timestamp, exemplar)


# --- what a type asks of its samples

def counts(value):
    need(not math.isnan(value) and value >= 0, "a count is no number below 0 and not NaN")


def check_sample(family, s):
    """One sample by itself."""
    suffix, kind = s.name[len(family.name):], family.kind
    if s.exemplar:
        need((kind, suffix) in {("counter", "_total"), ("histogram", "_bucket"), ("gaugehistogram", "_bucket")}, "an exemplar in the wrong place")
    if (kind, suffix) == ("counter", "_total") or suffix in ("_bucket", "_count", "_gcount") or (kind in ("histogram", "summary") and suffix == "_sum"):
        counts(s.value)
    if suffix == "_gsum":
        need(not math.isnan(s.value), "a sum that is NaN")
    if suffix == "_bucket":
        need("le" in s.labels, "a bucket has the label le")
        need(s.labels["le"] == "+Inf" or REAL.fullmatch(s.labels["le"]), "le is no number")
    if kind == "summary" and suffix == "":
        need(REAL.fullmatch(s.labels.get("quantile", "")) and 0 <= float(s.labels["quantile"]) <= 1, "a quantile is from 0 to 1")
        need(math.isnan(s.value) or s.value >= 0, "a quantile below 0")
    if kind == "info":
        need(s.value == 1, "an info is 1")
    if kind == "stateset":
        need(s.value in (0, 1), "a state is 0 or 1")
        need(family.name in s.labels, "a state has a label of its family's name")


def check_histogram(family, samples):
    """The samples of one set of labels."""
    gauge = family.kind == "gaugehistogram"
    buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
    by = {s.name[len(family.name):]: s.value for s in samples}
    count, total = by.get("_gcount" if gauge else "_count"), by.get("_gsum" if gauge else "_sum")
    need(buckets and buckets[-1][0] == math.inf, "the last bucket is +Inf")
    need(all(a < b for (a, _), (b, _) in zip(buckets, buckets[1:])), "buckets rise")
    need(all(a <= b for (_, a), (_, b) in zip(buckets, buckets[1:])), "buckets are cumulative")
    need(count is None or count == buckets[-1][1], "the count is what +Inf says")
    negative = buckets[0][0] < 0
    if gauge:
        need((count is None) == (total is None), "a count and a sum, or neither")
        need(total is None or total >= 0 or negative, "a sum below 0 without a bucket below 0")
    else:
        need(not (negative and total is not None), "no sum with buckets below 0")
        need(negative or (count is None) == (total is None), "a count and a sum, or neither")


OWN_LABEL = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile"}


def check_family(family):
    """All samples of a family: sets of labels stand together, series once unless they have timestamps, which do not fall."""
    own = family.name if family.kind == "stateset" else OWN_LABEL.get(family.kind)
    groups, series, current = {}, set(), None
    for s in family.samples:
        check_sample(family, s)
        key = frozenset((k, v) for k, v in s.labels.items() if k != own)
        need(key == current or key not in groups, "samples of one set of labels stand together")
        current = key
        group = groups.setdefault(key, [])
        if group:
            need((group[-1].timestamp is None) == (s.timestamp is None), "timestamps on all, or on none")
            need(s.timestamp is None or s.timestamp >= group[-1].timestamp, "timestamps do not fall")
        name = (s.name, frozenset(s.labels.items()))
        need(name not in series or s.timestamp is not None, f"{s.name} twice with the same labels")
        series.add(name)
        group.append(s)
    if family.kind in ("histogram", "gaugehistogram"):
        for group in groups.values():
            check_histogram(family, group)


# --- the page

class Page:
    def __init__(self):
        self.families, self.taken, self.current = {}, set(), None

    def close(self):
        family, self.current = self.current, None
        if family is None:
            return
        if family.unit:
            need(family.name.endswith("_" + family.unit), "a name ends in its unit")
            need(family.kind not in ("info", "stateset"), "a unit where there is none")
        check_family(family)
        need(family.name not in self.families and not family.names() & self.taken, f"{family.name} clashes with another family")
        self.taken |= family.names()
        self.families[family.name] = family

    def open(self, name):
        if self.current is None or self.current.name != name:
            self.close()
            self.current = Family(name)
        return self.current

    def metadata(self, line):
        words = line.split(" ", 3)
        need(len(words) == 4 and words[0] == "#" and words[1] in ("HELP", "TYPE", "UNIT"), "no metadata: # HELP, # TYPE or # UNIT, a name, a text")
        need(METRIC.fullmatch(words[2]), f"{words[2]!r} is no name")
        family, what = self.open(words[2]), words[1].lower()
        need(not family.samples, "metadata stands before the samples")
        need(getattr(family, what) is None, f"{words[1]} twice")
        need(what != "type" or words[3] in TYPES, f"{words[3]!r} is no type")
        setattr(family, what, words[3])

    def sample(self, line):
        s, family = read_sample(line), self.current
        if family is None or s.name not in {family.name + suffix for suffix in TYPES[family.kind]}:
            family = self.open(s.name)
            need(family.kind == "unknown", f"{s.name} is no sample of a {family.kind}")
        family.samples.append(s)


def check(text):
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    need(lines and lines[-1] == "# EOF", "the last line is # EOF")
    page = Page()
    for n, line in enumerate(lines[:-1], 1):
        try:
            page.metadata(line) if line.startswith("#") else page.sample(line)
        except ValueError as e:
            raise ValueError(f"line {n}: {e}: {line!r}") from e
    page.close()
    return page.families


def check_classic(text):
    """0.0.4: the metadata of a counter bears the name of its sample, which must end in _total here; there is no EOF, no unit, and timestamps are
    whole milliseconds."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    need(text == "" or text.endswith("\n"), "the last line ends in a line feed")
    counters = set(re.findall(r"^# TYPE (\S+) counter$", text, re.M))
    lines = []
    for line in text.splitlines():
        words = line.split(" ", 3)
        need(words[0] != "#" or words[1] != "UNIT", "the format knows no units")
        if words[0] == "#" and len(words) == 4 and words[2] in counters:
            need(words[2].endswith("_total"), f"the counter {words[2]} does not end in _total")
            line = " ".join([*words[:2], words[2][:-len("_total")], words[3]])
        lines.append(line)
    families = check("\n".join([*lines, "# EOF"]))
    stamps = [s.timestamp for f in families.values() for s in f.samples if s.timestamp is not None]
    need(all(t.is_integer() for t in stamps), "timestamps are whole milliseconds")
    return families
