"""make bench: estated beside other durable queues and beside the disk, in the same run and in turns, round after round.

The physical limit is one pwrite and one fdatasync of as many bytes as there are events outstanding (connections × window × batch, 256
bytes each), on the same filesystem; beside it the O_DIRECT and O_DSYNC variant, and the naive servers of naive.c: one thread, no
validation, no de-duplication, no readers, with LMDB or with a bare journal.  Each figure is the median over the rounds with its spread,
and ratios are taken within the round, since machines drift.  Writes RESULTS.md beside this file.

    bench.py [--peers "redis …"] [--rounds N] [--seconds S] [--sizes "10000 …"] [--folder DIR] [--out FILE]
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import peers
from ours import SIZE, Estated
import scale

# connections, window, batch
CASES = [(1, 1, 1), (1, 64, 1), (8, 64, 1), (8, 1024, 1), (1, 64, 32)]
RATE, OPEN_CONNECTIONS, REPLAYED = 5000, 8, 1_000_000
RAW, NAIVE, HANDOVER = (os.path.join(peers.REPOSITORY, "build", "test", name) for name in ("rawdisk", "naive", "handover"))
OPEN_FIGURES = {"p50_us": "ack p50", "p99_us": "ack p99", "delivery_p50_us": "delivered p50", "delivery_p99_us": "delivered p99",
                "server_us_per_event": "server's CPU", "client_us_per_event": "client's CPU"}
FLOOR = "naive journal"         # what ZeroMQ and a flush cost, and nothing else
MISSED = os.path.join(peers.REPOSITORY, "tests", "bench", "missed.md")  # why what is missed is missed, and what was tried
GROUPS = [1, 64, 1024]          # hand-overs to the outbox between two flushes
APPENDS = {"by the thread that asks, which waits": [], "by another thread, as in estated": ["--via", "thread"], "by the kernel, io_submit": ["--via", "aio"]}


def program(path, *options):
    done = subprocess.run([path, *map(str, options)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{os.path.basename(path)}: {done.stderr}")
    return json.loads(done.stdout)


def raw(folder, events, seconds, *direct):
    """Events a second if each flush covered that many."""
    return program(RAW, "--file", os.path.join(folder, "raw"), "--bytes", min(events * SIZE, 32 << 20), "--seconds", seconds,
                   *direct)["appends_per_s"] * events


def one_append(folder, seconds, *via):
    """Median microseconds of a flushed append of 4 KiB until whoever asked for it knows, and those of CPU."""
    done = program(RAW, "--file", os.path.join(folder, "raw"), "--bytes", 4096, "--seconds", seconds, "--direct", *via)
    return done["p50_us"], done["cpu_us"]


def in_folder(folder, measure):
    inner = tempfile.mkdtemp(dir=folder)
    try:
        return measure(inner)
    finally:
        shutil.rmtree(inner, ignore_errors=True)


def naive(folder, case, seconds, *more):
    return in_folder(folder, lambda inner: program(NAIVE, "--folder", inner, "--connections", case[0], "--window", case[1], "--batch", case[2],
                                                   "--seconds", seconds, *more))


def handover(folder, group, seconds):
    """Durable hand-overs a second to an outbox."""
    return in_folder(folder, lambda inner: program(HANDOVER, os.path.join(inner, "box"), "--group", group, "--seconds", seconds, "--size",
                                                   SIZE)["handovers_per_s"])


class Series:
    """Figures by name, one a round."""

    def __init__(self):
        self.of = {}

    def add(self, name, value):
        self.of.setdefault(name, []).append(value)

    def spread(self, name, form="{:,.0f}"):
        values = self.of[name]
        middle = statistics.median(values)
        return form.format(middle) + (f" (±{100 * (max(values) - min(values)) / 2 / middle:.0f} %)" if middle else "")

    def ratio(self, ours, theirs):
        ratios = [a / b for a, b in zip(self.of[ours], self.of[theirs])]
        return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def fresh(folder, make, measure):
    """A measure on a server that was just started, in a folder that goes away with it."""
    def with_server(inner):
        with make(inner) as server:
            return measure(server)

    return in_folder(folder, with_server)


def round_of_puts(folder, series, contenders, seconds):
    for case in CASES:
        connections, window, batch = case
        outstanding = connections * window * batch
        one = series.setdefault(case, Series())
        one.add("raw", raw(folder, outstanding, seconds / 2))
        one.add("direct", raw(folder, outstanding, seconds / 2, "--direct"))
        one.add("naive LMDB", naive(folder, case, seconds)["events_per_s"])
        one.add("naive journal", naive(folder, case, seconds, "--journal")["events_per_s"])
        for peer in contenders:
            # A peer has no message of several events: the same window, one by one.
            figures = fresh(folder, peer, lambda server, c=connections, w=window: server.load("--connections", c, "--window", w, "--size", SIZE,
                                                                                             "--seconds", seconds))
            one.add(peer.name, figures["events_per_s"])
        for name, workers in (("estated", False), ("with workers", True)):
            figures = fresh(folder, lambda inner, w=workers: Estated(inner, workers=w),
                            lambda server, c=case: server.put(*c, seconds=seconds))
            one.add(name, figures["events_per_s"])
            if not workers:
                one.add("p50", figures["p50_us"])
                one.add("p99", figures["p99_us"])


def round_of_latency(folder, one, contenders, seconds):
    def note(name, figures):
        for key in OPEN_FIGURES:
            if figures.get(key):            # a peer without a reader has no delivery, and says 0
                one.add(f"{name} {key}", figures[key])

    for peer in contenders:
        more = ["--deliver"] if peer.reads else []
        note(peer.name, fresh(folder, peer, lambda server, m=more: server.load("--connections", OPEN_CONNECTIONS, "--window", 1 << 16, "--size", SIZE,
                                                                              "--rate", RATE, "--seconds", seconds, *m)))
    note(FLOOR, naive(folder, (OPEN_CONNECTIONS, 1, 1), seconds, "--journal", "--rate", RATE))
    note("estated", fresh(folder, Estated, lambda server: server.deliver(OPEN_CONNECTIONS, RATE, seconds)))


def replay_peer(server):
    server.load("--connections", 8, "--window", 1024, "--size", SIZE, "--events", REPLAYED)
    return server.load("--replay", REPLAYED, "--size", SIZE)["events_per_s"]


def replay_ours(server):
    server.put(8, 1024, events=REPLAYED)
    return server.replay(REPLAYED)["events_per_s"]


def round_of_replay(folder, one, contenders):
    for peer in contenders:
        if peer.reads:
            one.add(peer.name, fresh(folder, peer, replay_peer))
    one.add("estated", fresh(folder, Estated, replay_ours))


def round_of_rest(folder, one, seconds):
    for group in GROUPS:
        one.add(f"outbox {group}", handover(folder, group, seconds))
    for name, keys in (("ipc", False), ("CURVE", True)):
        one.add(name, fresh(folder, lambda inner, k=keys: Estated(inner, keys=k), lambda server: server.put(8, 64, seconds=seconds)["events_per_s"]))
    for name, via in APPENDS.items():
        for what, value in zip(("p50", "CPU"), one_append(folder, seconds / 2, *via)):
            one.add(f"{name} {what}", value)
    one.add("idle", fresh(folder, Estated, lambda server: server.wakeups()))


# --- the page

def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def machine(folder):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True, check=False).stdout.strip()
    return f"{os.cpu_count()} × {model}, Linux {platform.release().partition('-')[0]}, {kind}"


def targets(puts, latency, replayed, rest, sizes):
    """What this has to keep, beside Redis and the raw limit: (what, at least or at most, must, aim, measured)."""
    def ratio(one, ours, theirs):
        return statistics.median(a / b for a, b in zip(one.of[ours], one.of[theirs]))

    first = next(iter(CASES[1:2]))
    for case, must, aim in ((CASES[0], 0.7, 1), (CASES[1], 1.3, 2), (CASES[2], 2, 3), (CASES[3], 3, 4)):
        yield f"{case[0]}×{case[1]}, ÷ Redis", ">=", must, aim, ratio(puts[case], "estated", "redis")
    yield "32 events a message, ÷ Redis 1×64", ">=", 8, 12, statistics.median(
        a / b for a, b in zip(puts[CASES[4]].of["estated"], puts[first].of["redis"]))
    yield "the best of these, ÷ raw at its batch size", ">=", 0.25, 0.5, max(ratio(one, "estated", "raw") for one in puts.values())
    for key, must, aim in (("p50_us", 0.8, 0.5), ("p99_us", 0.8, 0.5), ("delivery_p50_us", 0.8, 0.5), ("delivery_p99_us", 0.8, 0.5),
                           ("server_us_per_event", 1, 0.7)):
        yield f"{RATE:,}/s: {OPEN_FIGURES[key]}, ÷ Redis", "<=", must, aim, ratio(latency, f"estated {key}", f"redis {key}")
    yield "replay, ÷ Redis", ">=", 10, 15, ratio(replayed, "estated", "redis")
    last = sizes[-1]
    yield f"start with {last['events']:,} events after a clean stop, ms", "<=", 100, 30, last["start, clean"] * 1000
    yield "the same after kill -9 under load, ms", "<=", 1000, 300, last["start, killed"] * 1000
    yield "anonymous memory with them, idle, MiB", "<=", 48, 24, last["memory, idle"] / (1 << 20)
    yield "disk ÷ payload, all indexes included", "<=", 1.4, 1.25, disk_share(last)
    yield "wake-ups a second with nobody connected", "<=", 0.1, 0, statistics.median(rest.of["idle"])


def disk_share(f):
    return float(dict(scale.words(f))["disk ÷ payload, all indexes included"])


def page(folder, o, contenders, absent, puts, latency, replayed, rest, sizes, flushed):
    names = [peer.name for peer in contenders]
    yield "# What was measured"
    yield ""
    yield (f"By `make bench`, on {machine(folder)}; {o.rounds} rounds of {o.seconds} s, everything in turns within a round. Medians; in brackets half "
           "of the range, or for ratios the range. Events of 256 bytes that do not compress. An estated ack comes after its flush; duplicate checks and sealing are on.")
    yield ""
    if absent:
        yield f"Not measured, since not installed: {', '.join(absent)}.\n"
    if "redis" in names:
        yield "## The targets"
        yield ""
        yield from table(["", "must", "aim", "measured", ""], [[what, f"{sign.replace('>=', '≥').replace('<=', '≤')} {must:,}", f"{aim:,}", f"{got:,.2f}",
                         "met" if (got >= must if sign == ">=" else got <= must) else "**missed**"]
                         for what, sign, must, aim, got in targets(puts, latency, replayed, rest, sizes)])
        with open(MISSED, encoding="utf-8") as file:
            yield file.read()
    yield "## Durable puts, closed loop: events a second"
    yield ""
    yield from table(["connections × window, events a message", "estated", *(f"÷ {name}" for name in names), "÷ raw", "÷ naive LMDB", "÷ naive journal",
                      "with all five workers beside", "ack p50 µs", "p99 µs", *names, "raw fdatasync", "raw O_DIRECT O_DSYNC"],
                     [[f"{c}×{w}, {b}", one.spread("estated"), *(one.ratio("estated", name) for name in names), one.ratio("estated", "raw"),
                       one.ratio("estated", "naive LMDB"), one.ratio("estated", "naive journal"), one.spread("with workers"), one.spread("p50"),
                       one.spread("p99"), *(one.spread(name) for name in names), one.spread("raw"), one.spread("direct")]
                      for (c, w, b), one in puts.items()])
    yield f"## Open loop: {RATE:,} events a second over {OPEN_CONNECTIONS} connections"
    yield ""
    yield ("Microseconds from when an event was due, and of CPU an event; delivery to one durable consumer that acknowledges by up to 1000. "
           "The naive journal is the floor of the transport: ZeroMQ on both sides, one thread, one flush, nothing else; no reader beside it.\n")
    beside = [*names, FLOOR]
    yield from table(["", "estated", *beside, *(f"÷ {name}" for name in beside)],
                     [[words, latency.spread(f"estated {key}"), *(latency.spread(f"{name} {key}") if f"{name} {key}" in latency.of else "" for name in beside),
                       *(latency.ratio(f"estated {key}", f"{name} {key}") if f"{name} {key}" in latency.of else "" for name in beside)]
                      for key, words in OPEN_FIGURES.items()])
    reading = [peer.name for peer in contenders if peer.reads]
    yield f"## Replay of {REPLAYED:,} events to a durable consumer, acknowledged by 1000"
    yield ""
    yield from table(["", "events/s", "estated ÷ it"],
                     [["estated", replayed.spread("estated"), ""], *([name, replayed.spread(name), replayed.ratio("estated", name)] for name in reading)])
    yield "## Growth"
    yield ""
    grown = [dict(scale.words(f)) for f in sizes]
    yield from table(["", *(f"{f['events']:,} events" for f in sizes)], [[what, *(one[what] for one in grown)] for what in list(grown[0])[1:]])
    yield "## The rest"
    yield ""
    yield from table(["", ""], [["8×64 over TCP with CURVE, events/s", f"{rest.spread('CURVE')}, {rest.ratio('CURVE', 'ipc')} of ipc"],
                                *([f"outbox, {group} hand-overs between two flushes: hand-overs/s", rest.spread(f"outbox {group}")] for group in GROUPS),
                                *([f"one append of 4 KiB, O_DIRECT and O_DSYNC, {name}: µs; CPU", f"{rest.spread(f'{name} p50')}; {rest.spread(f'{name} CPU')}"]
                                  for name in APPENDS),
                                ["wake-ups a second with nobody connected, all threads", rest.spread("idle", "{:.1f}")]])
    yield "## The peers"
    yield ""
    for peer in contenders:
        yield f"- **{peer.name}** ({peer.words}) acknowledges {peer.means}. By strace, of {flushed[peer.name][1]} puts one by one " \
              f"{flushed[peer.name][0]} acks left after a flush."


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peers", default="redis")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--sizes", default="10000 1000000 10000000")
    options.add_argument("--folder", default=None)
    options.add_argument("--out", default=os.path.join(peers.REPOSITORY, "tests", "bench", "RESULTS.md"))
    o = options.parse_args()
    contenders, absent = peers.present(o.peers.split())
    folder = tempfile.mkdtemp(prefix="estate-bench-", dir=o.folder)
    puts, latency, replayed, rest = {}, Series(), Series(), Series()
    try:
        flushed = {peer.name: in_folder(folder, peer.flushed_acks) for peer in contenders}
        for number in range(o.rounds):
            for what, measure in (("puts", lambda: round_of_puts(folder, puts, contenders, o.seconds)),
                                  ("latency", lambda: round_of_latency(folder, latency, contenders, o.seconds)),
                                  ("replay", lambda: round_of_replay(folder, replayed, contenders)),
                                  ("the rest", lambda: round_of_rest(folder, rest, o.seconds))):
                print(f"\rround {number + 1} of {o.rounds}: {what}          ", end="", file=sys.stderr, flush=True)
                measure()
        sizes = []
        for size in map(int, o.sizes.split()):
            print(f"\r{size:,} events                              ", end="", file=sys.stderr, flush=True)
            sizes.append(in_folder(folder, lambda inner, n=size: scale.measure(scale.put_bench, n, replay=True, folder=inner)))
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
        text = "\n".join(page(folder, o, contenders, absent, puts, latency, replayed, rest, sizes, flushed)) + "\n"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with open(o.out, "w", encoding="utf-8") as out:
        out.write(text)
    print(text)


if __name__ == "__main__":
    main()
