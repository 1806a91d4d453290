"""estate-escalate against a second opinion: random histories of cases, concluded by the worker and by brute force."""
import os

import pytest

import daemon as harness
import obligation_model as model
from worker import rehearse

PROGRAM = harness.program("estate-escalate")
HISTORIES = 20000 if os.environ.get("ESTATE_LONG") else 500
AT_ONCE = 250


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """The property's own rules with the shipped calendar and roster."""
    folder = tmp_path_factory.mktemp("config")
    for path in ("calendars/cn.yaml", "roster.yaml"):
        (folder / path).parent.mkdir(exist_ok=True)
        with open(os.path.join(harness.REPOSITORY, "config", path), encoding="utf-8") as file:
            (folder / path).write_text(file.read(), encoding="utf-8")
    (folder / "rules").mkdir()
    (folder / "rules" / "escalate.yaml").write_text(model.rules_yaml(), encoding="utf-8")
    return str(folder)


@pytest.fixture
def calendar(shared_data):
    return model.Calendar.published(shared_data("cn-holidays"), 2023, 2027)


def differences(histories, calendar, config):
    """Cases that the two conclude differently: id, expected, got."""
    until = max(event.log for events in histories.values() for event in events) + 40 * model.DAY
    lines, _ = rehearse(model.as_log(histories).encode(), "--config", config, "--until", model.instant(until), program=PROGRAM)
    got = model.concluded(lines)
    for id, events in histories.items():
        expected = model.conclusions(model.RULES, calendar, events, until, id)
        if expected != got.get(id, []):
            yield id, expected, got.get(id, [])


def compare(histories, calendar, config):
    wrong = list(differences(histories, calendar, config))
    for id, expected, got in sorted(wrong, key=lambda one: len(histories[one[0]]))[:1]:
        missing, extra = [row for row in expected if row not in got], [row for row in got if row not in expected]
        pytest.fail(f"{len(wrong)} of {len(histories)}; {id}:\n{model.as_text(histories[id])}\nnot concluded:\n{model.readable(missing)}\n"
                    f"but:\n{model.readable(extra)}", pytrace=False)


def cases(first, calendar):
    return {f"C-{seed}": model.history(seed, calendar, f"C-{seed}") for seed in range(first, first + AT_ONCE)}


def split(histories, calendar):
    """Those that are read one way only, and those in which a suspension is learnt after the due."""
    plain, other = {}, {}
    for id, events in histories.items():
        told = []
        for model.Obligation.hides, model.Obligation.credits_late in ((True, False), (False, True), (False, False)):
            told.append(model.conclusions(model.RULES, calendar, events, events[-1].log + 40 * model.DAY, id))
        (plain if told[0] == told[1] == told[2] else other)[id] = events
    return plain, other


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_ONCE))
def test_random_histories(calendar, config, first):
    compare(split(cases(first, calendar), calendar)[0], calendar, config)


def test_a_suspension_hides_nothing(calendar, config):
    other = split({**cases(0, calendar), **cases(AT_ONCE, calendar), **cases(2 * AT_ONCE, calendar)}, calendar)[1]
    assert len(other) > 3
    compare(other, calendar, config)


def test_several_ends_before_the_beginning(calendar, config):
    noon = model.midnight(20000) + 12 * model.HOUR
    ends = [model.Event("case.replied", noon, noon, {"by": "S-1"}), model.Event("case.closed", noon, noon, {"by": "S-1", "outcome": "withdrawn"})]
    opened = model.Event("complaint.opened", noon, noon, {"category": "noise", "severity": "ordinary", "via": "phone"})
    compare({"C-1": [*ends, opened]}, calendar, config)


HOUR = model.HOUR
NOON = model.midnight(20000) + 12 * HOUR


def at(hours, type, of=-1, **data):
    return model.Event(type, NOON + hours * HOUR, NOON + hours * HOUR, data or {"by": "S-1", "reason": "r"}, of)


OPENED = at(0, "complaint.opened", category="noise", severity="ordinary", via="phone")


@pytest.mark.parametrize("events, breached", [
    # Two replies, the first taken back: the second one stands.
    ([OPENED, at(1, "case.replied"), at(2, "case.replied"), at(3, "record.retracted", of=1)], None),
    # A reply from before the opening, taken back after it: none is left.
    ([at(-1, "case.replied"), OPENED, at(1, "record.retracted", of=0)], 20),
    # A suspension taken back when it is over: its time counts.
    ([OPENED, at(1, "case.suspended"), at(3, "case.resumed"), at(4, "record.retracted", of=1)], 20),
    # A resumption taken back: it is suspended still.
    ([OPENED, at(1, "case.suspended"), at(3, "case.resumed"), at(4, "record.retracted", of=2)], None),
], ids=["second-reply", "early-reply", "suspension", "resumption"])
def test_what_a_retracted_event_did_never_was(config, events, breached):
    """When P7, 20 hours, is broken: hours after the opening."""
    lines, _ = rehearse(model.as_log({"C-1": events}).encode(), "--config", config, "--until", model.instant(NOON + 100 * HOUR), program=PROGRAM)
    steps = [(step, (instant - NOON) / HOUR) for instant, step, obligation, *_ in model.concluded(lines)["C-1"] if obligation == "P7/C-1"]
    assert [hours for step, hours in steps if step == "breached"] == ([] if breached is None else [breached])


@pytest.mark.parametrize("wrong", ["late", "hours", "credit", "same", "eod", "edge", "reopened", "retracted", "amended"])
def test_it_would_find_a_difference(calendar, config, monkeypatch, wrong):
    """The second opinion, made wrong on purpose, is contradicted: the histories reach these edges."""
    due, breach_at, end = model.Calendar.due, model.Obligation.breach_at, model.Obligation.end
    happened, pauses = model.Obligation.happened, model.Obligation.pauses

    def early(mode):
        return lambda self, m, n, opened, roll=False, close=False: due(self, m, n, opened, roll, close) - (m == mode)

    mutations = {
        "late": (model.Obligation, "end", lambda self, fact, log: end(self, (*fact[:3], fact[3] - 1), log)),
        "hours": (model.Calendar, "due", early("hours")),
        "credit": (model.Obligation, "pauses", lambda self, anew=False: (pauses(self, anew)[0], 0)),
        "same": (model.Calendar, "due", early("same")),
        "eod": (model.Calendar, "due", early("eod")),
        "edge": (model.Obligation, "breach_at", lambda self: None if breach_at(self) is None else breach_at(self) - 1),
        "reopened": (model.Obligation, "happened", lambda self, *fact: setattr(self, "reopened", False) or happened(self, *fact)),
        "retracted": (model.Obligation, "without", lambda self, index, log: None),
        "amended": (model.Obligation, "after_all", lambda self, fact, log: None),
    }
    histories = split(cases(0, calendar), calendar)[0]
    assert list(differences(histories, calendar, config)) == []
    monkeypatch.setattr(*mutations[wrong])
    assert list(differences(histories, calendar, config)) != []
