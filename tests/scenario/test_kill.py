"""kill -9 at every named step of the pipeline, and at random moments, under four producers and three tails.

Twenty random kills in make test; five hundred with ESTATE_LONG=1 (make check-long).
"""
import os
import random
import re

import pytest

import daemon as harness
from campaign import Campaign

LONG = bool(os.environ.get("ESTATE_LONG"))


# Not on the way of an event: test_consumers.py, test_retention.py and test_personal.py lead the daemon there.
ELSEWHERE = ("ceiling", "consumers", "trim", "slots-overwritten", "slots-rewritten")

# Reached before anybody connects.
EARLY = ("segment", "slots-written")


def named_steps():
    """Every lever_reach("…") on the way of an event, so that a new step is tested from the day it is written."""
    steps, folder = set(), os.path.join(harness.REPOSITORY, "daemon")
    for name in os.listdir(folder):
        if name.endswith(".c"):
            with open(os.path.join(folder, name), encoding="utf-8") as source:
                steps.update(re.findall(r'lever_reach\("([a-z-]+)"\)', source.read()))
    return sorted(step for step in steps if not any(word in step for word in ELSEWHERE))


@pytest.fixture
def levers(monkeypatch):
    monkeypatch.setenv("ESTATE_BIN_DIR", os.path.join(harness.REPOSITORY, "build", "levers", "bin"))


def run(campaign, act):
    try:
        act(campaign)
        campaign.finish()
    except BaseException:
        campaign.abandon()
        raise


@pytest.mark.parametrize("step", named_steps())
def test_killed_at(levers, start_daemon, tmp_path, step):
    rng = random.Random(step)
    # Steps of the applier come a few times a second, those of a batch by the hundred.
    rare = any(word in step for word in ("month", "keys", "vault", "release"))
    early = any(word in step for word in EARLY)
    nth = 1 if early else rng.randint(1, 2) if rare else rng.randint(5, 30)
    daemon = harness.Daemon(start=False, env={"ESTATE_KILL_AT": f"{step}:{nth}"})
    try:
        if early:
            daemon.launch()
            assert daemon.wait() == -9
            daemon.env.pop("ESTATE_KILL_AT")
            daemon.start()
            run(Campaign(daemon, tmp_path, count=50), lambda c: None)
        else:
            daemon.start()
            run(Campaign(daemon, tmp_path, count=6000 if rare else 400, window=8), lambda c: c.restart_dead())
    finally:
        daemon.close(failed=daemon.process is not None)


@pytest.mark.parametrize("seed", range(25 if LONG else 2))
def test_killed_at_random(levers, start_daemon, tmp_path, seed):
    rng, kills = random.Random(seed), 20 if LONG else 10

    def act(campaign):
        while campaign.kills < kills and campaign.progress(rng.randint(1, 12)):
            campaign.kill_and_restart()
    daemon = start_daemon()
    campaign = Campaign(daemon, tmp_path, count=2400 if LONG else 1200)
    run(campaign, act)
    assert campaign.kills >= kills - 2
