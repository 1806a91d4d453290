#!/usr/bin/env python3
"""A client of estated in one file, written from proto/PROTOCOL.md.  Copy it beside your program; it needs pyzmq and msgpack.

    from estate import Client, make_event

    with Client("ipc:///run/estated/estated.sock", "kiosk-3") as client:
        receipt = client.put(make_event("probe.recorded", "/estate/kiosk/3", {"n": 7}))
        print(receipt.seq, receipt.duplicate)           # on return the event survives a power cut
        for delivery in client.subscribe("first", type=["probe.*"], until_end=True):
            print(delivery.seq, delivery.fields["data"])

Putting.  `put` stores one event, `put_batch` several or none, `put_many` takes an iterable of any length, keeps many events under way
and yields one Receipt each, in the order given.  An event is a dict, packed here once, or packed bytes: what you keep for a retry
should be bytes (`pack`), because the daemon tells a retry from a conflict by its bytes.  `put` and `put_batch` raise Fault when the
daemon refuses; `put_many` hands the refused event back with `receipt.fault` set and goes on.  Putting the same bytes again is always safe:
the receipt then carries the original number and `duplicate`.

Doubt.  Whatever is unanswered is sent again, unchanged and in order: after a forgotten session, after a connection was lost, and when
an answer takes longer than `patience` although the daemon lives.  When the daemon says "later", the client waits (100 ms, doubling to 10 s),
lifts the hold and sends again.  A call that finds no daemon for `timeout` seconds raises NoAnswer: its events may or may not be stored,
so put the same bytes again.

Reading.  `subscribe` returns an iterator of Delivery; credit is granted as you go.  Store `delivery.seq` together with `client.log` and
`client.epoch`, and come back with Client(..., log=, epoch=, cursor=) and subscribe({"seq": cursor + 1}).  The fault `other-log` or
`beyond-end` means that the cursor belongs to another log: stop and ask a human.

Consumers.  `subscribe(consumer="name")` reads under a name whose cursor the daemon keeps: it begins behind what was acked last.  Call
`subscription.ack(delivery.seq)` when everything up to there is processed.  One program at a time reads under a name: Fault `taken-over`
says that another one does now.  `subscription.wake(t)` asks to be told when log time is `t`: `next` then returns None, and
`subscription.log_time` says what time is past for good.

Asking.  `ask("callback", "agenda", days=3)` asks the program that serves `callback`, through the daemon; Fault `no-service`, `service-lost` or
`deadline` when there is no answer.  `serve("callback")` is the other side: an iterator of Question; `personal(value)` marks what only
some askers may see.

Outbox.  What must survive a crash of this program, or a daemon that is away for long, goes into an `Outbox`: a file that keeps events until the
daemon has them, sends them in their order, each stored exactly once, and sets aside what was refused.

    with Outbox("/var/lib/kiosk/outbox.db") as outbox:
        outbox.put(make_event("probe.recorded", "/estate/kiosk/3", {"n": 7}))       # on return it survives a power cut of this machine
        with Client("ipc:///run/estated/estated.sock", "kiosk-3") as client:
            for entry, receipt in outbox.send(client):
                print(entry.number, receipt.seq or receipt.fault)

There are no threads: pings, resends and reconnections happen inside calls.  A program that pauses for a minute is forgotten by the daemon,
which its next call notices and mends.  A Client belongs to one thread.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import datetime
import fcntl
import itertools
import json
import os
import secrets
import sqlite3
import sys
import time
import zlib
from typing import Any, Iterable, Iterator, Optional, Union

import msgpack
import zmq

VERSION = 1
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BACKOFF_S, BACKOFF_MAX_S = 0.1, 10.0
PING_AFTER_S = 20.0             # a third of the silence after which the daemon forgets a session
POLL_S = 0.2                    # how long one turn waits at most: the grain of all timers here
MESSAGE_BYTES, PUT_EVENTS = 1 << 20, 4096       # bounds of one put
PUTS_BYTES, PUTS_EVENTS = 256 << 10, 1024       # of one `puts` message, made of many puts: a quarter of that
REQUESTS_FROM = 1 << 40         # numbers of requests, apart from those of puts: an ack names a range, and only puts may lie in it
ASK_S = 5.0                     # how long an answer is waited for unless told
WIDE_MAX = 1024                 # batches whose length is remembered, for an ack that comes twice

Event = Union[dict, bytes]


class EstateError(Exception):
    """Anything this module raises."""


class NoAnswer(EstateError):
    """The daemon was not heard of in time.  What was put may or may not be stored: put it again, unchanged."""


class Fault(EstateError):
    """The daemon refused.  `name` is the error, such as "id-conflict"; `index` and `path` say where, `detail` what, when it is known."""

    def __init__(self, fault: dict):
        self.fault = fault
        self.code: int = fault.get("code", 0)
        self.name: str = fault.get("name", "unknown")
        self.text: str = fault.get("text", "")
        self.retry: str = fault.get("retry", "never")
        self.detail: Any = fault.get("detail")
        self.index: Optional[int] = fault.get("index")
        self.path: Optional[str] = fault.get("path")
        where = [f"event {self.index}"] if self.index is not None else []
        where += [str(x) for x in (self.path, self.detail) if x is not None]
        super().__init__(f"{self.name}: {self.text}" + (f" ({', '.join(where)})" if where else ""))


@dataclasses.dataclass(slots=True)
class Receipt:
    """What became of one event: `seq` is its number in the log, or `fault` why it was refused."""
    event: bytes
    seq: Optional[int] = None
    duplicate: bool = False                     # it was stored before, under this number
    warnings: list[tuple[str, str]] = dataclasses.field(default_factory=list)     # (name, path): stored, but odd
    fault: Optional[Fault] = None


@dataclasses.dataclass(slots=True)
class Delivery:
    """One event of a subscription, or of `get`."""
    seq: int
    log_time: int               # nanoseconds since 1970
    sender: str
    flags: int                  # 1: the sender's time is implausible, 2: unknown fields
    event: bytes                # as it was put, byte for byte

    @property
    def fields(self) -> dict:
        return unpack(self.event)


@dataclasses.dataclass(slots=True)
class Answer:
    """What a service answered."""
    value: dict
    next: Optional[str] = None  # there is more: ask again with page=next
    seq: Optional[int] = None   # the answer knows the log up to here


def personal(value: Any) -> dict:
    """Mark a value of an answer: who may not see personal data gets a mask in its place."""
    return {"~personal": value}


def pack(event: Event) -> bytes:
    """The bytes of an event.  A datetime with a zone becomes a msgpack timestamp."""
    return event if isinstance(event, bytes) else msgpack.packb(event, datetime=True)


def unpack(event: bytes) -> dict:
    """The fields of packed bytes.  A msgpack timestamp comes back as msgpack.Timestamp, with all its nanoseconds."""
    return msgpack.unpackb(event, strict_map_key=False)


def read_key(path: str) -> str:
    """The secret key in a file that `estate keygen` made."""
    with open(path, encoding="ascii") as file:
        return next(line.strip() for line in file if line.strip() and not line.startswith("# "))


def new_id() -> str:
    """A new id that sorts by time, which keeps the daemon's index small: 10 characters of milliseconds, then 16 of chance."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def make_event(type: str, source: str, data: dict, subject: Optional[str] = None, **attributes: Any) -> dict:
    """An event with a new id and the time now; further envelope attributes by name."""
    event = {"specversion": "1.0", "id": new_id(), "source": source, "type": type,
             "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")}
    if subject is not None:
        event["subject"] = subject
    return {**event, **attributes, "data": data}


class _Put:
    """A put from hand-over to answer.  `puts` messages are made of neighbouring singles when they are sent."""
    __slots__ = ("number", "single", "receipts", "bytes", "sent_at")

    def __init__(self, number: int, single: bool, events: list[bytes]):
        self.number = number
        self.single = single
        self.receipts = [Receipt(e) for e in events]
        self.bytes = sum(map(len, events)) + 5 * len(events) + 32      # at least what it adds to the credit in use
        self.sent_at: Optional[float] = None                            # None: not under way


class Subscription:
    """An iterator of Delivery.  `cursor`: everything up to this number was handed to you or filtered out; `at_end`: it was the end of
    the log then; `log_time`: every event behind the cursor has a later log time.  Ends by itself with until_end; raises Fault when the
    daemon ends it."""

    def __init__(self, client: Client, name: int, options: dict, until_end: bool):
        self.cursor: Optional[int] = None
        self.at_end = False
        self.log_time = 0
        self.acked: Optional[int] = None                                # with a consumer: processed up to here
        self._member: Optional[int] = None
        self._wake: Optional[int] = None
        self._client, self._name, self._options, self._until_end = client, name, options, until_end
        self._received: Optional[int] = None                            # like cursor, but of what waits below
        self._waiting: collections.deque = collections.deque()          # Delivery, a dict of progress, Fault
        self._events, self._bytes = 0, 0                                # handed out, credit not yet given back
        self._opened = False

    def __iter__(self) -> Iterator[Delivery]:
        return self

    def __next__(self) -> Delivery:
        if self._until_end and self.at_end:
            raise StopIteration
        delivery = self.next(timeout=None)
        if delivery is None:
            raise StopIteration
        return delivery

    def next(self, timeout: Optional[float]) -> Optional[Delivery]:
        """The next event; None after timeout seconds without one (None: wait for ever), at the end with until_end, and when log time has
        come to what `wake` asked for."""
        until = None if timeout is None else time.monotonic() + timeout
        left = timeout
        while True:
            while self._waiting:
                item = self._waiting.popleft()
                if isinstance(item, Fault):
                    self.close()
                    raise item
                if isinstance(item, Delivery):
                    self.cursor, self.at_end = item.seq, False
                    self._give_back(item)
                    return item
                self.cursor, self.at_end = max(self.cursor or 0, item["seq"]), bool(item.get("end"))
                self.log_time = max(self.log_time, item["log_time"])
                woken = self._wake is not None and self.log_time >= self._wake
                if woken:
                    self._wake = None
                if woken or self.at_end and self._until_end:
                    return None
            if self._name not in self._client._subscriptions or left is not None and left < 0:
                return None
            self._client._turn(left)
            left = None if until is None else until - time.monotonic()

    def ack(self, seq: int) -> None:
        """Everything up to seq is processed.  Cumulative; one that is lost means only that events come again."""
        if "consumer" not in self._options or seq > (self.cursor or 0):
            raise ValueError(f"{seq} was not handed out, or there is no consumer")
        if seq > (self.acked or 0):
            self.acked = seq
            self._client._send("ack", self._name, seq)

    def wake(self, log_time: int) -> None:
        """Let `next` return None as soon as log time has reached this instant, nanoseconds since 1970; replaces the wish before."""
        self._wake = log_time
        self._client._send("wake", self._name, log_time)

    def close(self) -> None:
        """Unsubscribe.  What was not yet handed out is dropped."""
        if self._client._subscriptions.pop(self._name, None) is not None:
            self._client._send("unsubscribe", self._name)
        self._waiting.clear()

    def _give_back(self, delivery: Delivery) -> None:
        """Grant credit once half of it is used up: fewer messages, and the daemon never waits for us."""
        self._events += 1
        self._bytes += len(delivery.event)
        if 2 * self._events >= self._options["events"] or 2 * self._bytes >= self._options["bytes"]:
            if self._client._send("credit", self._name, self._events, self._bytes):
                self._events = self._bytes = 0

    def _open(self) -> None:
        """Subscribe, or after a new hello subscribe from where we are."""
        options = dict(self._options)
        if self._received is not None:
            options["from"] = {"seq": self._received + 1}
            if self._member is not None:            # what was received is not yet processed; and whoever took over is not fought
                options.update(cursor=self.acked, member=self._member)
        waiting = [x for x in self._waiting if isinstance(x, Delivery)]
        self._events = self._bytes = 0
        options["events"] = max(0, options["events"] - len(waiting))
        options["bytes"] = max(0, options["bytes"] - sum(len(x.event) for x in waiting))
        self._client._send("subscribe", self._name, options)
        if self._wake is not None:
            self._client._send("wake", self._name, self._wake)


class Question:
    """What a service was asked.  `answer` it or `refuse` it, once, now or later; `deadline` (time.monotonic) is when nobody waits any more."""

    def __init__(self, client: Client, id: int, fields: dict, about: dict):
        self.name: str = fields["name"]
        self.arguments = {k: v for k, v in fields.items() if k != "name"}
        self.asker: str = about["asker"]                                # verified by the daemon
        self.sees_personal: bool = about.get("personal", False)
        self.at_least: Optional[int] = about.get("at_least")            # answer when you have read up to here
        self.page: Optional[str] = about.get("page")                    # the `next` of an answer of yours
        self.deadline = time.monotonic() + about["deadline_ms"] / 1000
        self._client, self._id = client, id

    def answer(self, value: dict, *, next: Optional[str] = None, seq: Optional[int] = None) -> bool:
        """False: the connection is lost, and the asker was told.  `next`: what to give as page for the rest."""
        return self._reply({"answer": msgpack.packb(value, datetime=True), "next": next, "seq": seq})

    def refuse(self, name: str, *, path: Optional[str] = None, detail: Optional[str] = None) -> bool:
        """With an error's name, such as "bad-argument" or "not-found"."""
        return self._reply({"refused": name, "path": path, "detail": detail})

    def _reply(self, reply: dict) -> bool:
        return self._client._send("answer", self._id, {k: v for k, v in reply.items() if v is not None})


class Service:
    """An iterator of Question.  Registered again after every reconnect; raises Fault `taken-over` when another one serves under this name."""

    def __init__(self, client: Client, number: int, service: str):
        self.service = service
        self._client, self._number = client, number
        self._waiting: collections.deque = collections.deque()          # Question, Fault
        self._opened = False

    def __iter__(self) -> Iterator[Question]:
        return self

    def __next__(self) -> Question:
        question = self.next(timeout=None)
        if question is None:
            raise StopIteration
        return question

    def next(self, timeout: Optional[float]) -> Optional[Question]:
        """The next question that somebody still waits for; None after timeout seconds without one, or when closed."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            while self._waiting:
                item = self._waiting.popleft()
                if isinstance(item, Fault):
                    self._client._services.pop(self._number, None)
                    raise item
                if item.deadline > time.monotonic():
                    return item
            left = None if until is None else until - time.monotonic()
            if self._number not in self._client._services or left is not None and left < 0:
                return None
            self._client._turn(left)

    def close(self) -> None:
        if self._client._services.pop(self._number, None) is not None:
            self._client._send("unserve", self._number)
        self._waiting.clear()

    def _open(self) -> None:
        self._waiting.clear()                                           # of an older session: their askers were told
        self._client._send("serve", self._number, {"service": self.service})


class Client:
    """A session with one daemon.  `endpoint`: ipc://PATH or tcp://HOST:PORT; `name`: of the program.

    patience: seconds after which an unanswered put is doubted, and the daemon asked whether it lives.
    timeout: seconds without an answer to hello after which a call raises NoAnswer.  A daemon that lives is waited for, however slow.
    ping_after: seconds of our own silence after which the daemon is asked whether it still knows us; a reader notices a restart no sooner.
    secret_key, server_key: for tcp:// of a daemon with keys: ours and its public one, 40 characters of Z85 (read_key reads a file).
    log, epoch, cursor: where a stored cursor belongs; hello refuses if that is not this log.
    """

    def __init__(self, endpoint: str, name: str, *, patience: float = 5.0, timeout: float = 30.0, log: Optional[str] = None,
                 epoch: Optional[int] = None, cursor: Optional[int] = None, window: int = 8192,
                 ping_after: float = PING_AFTER_S, secret_key: Optional[str] = None, server_key: Optional[str] = None):
        self.endpoint, self.name, self.patience, self.timeout, self.window = endpoint, name, patience, timeout, window
        self.log, self.epoch, self.ping_after = log, epoch, ping_after
        self._keys = (secret_key.encode(), server_key.encode()) if secret_key and server_key and endpoint.startswith("tcp://") else None
        self.welcome: dict = {}
        self.credit = 0
        self._cursor, self._bound = cursor, log is not None
        self._generation = 0                    # of the session: an unanswered request of an older one is sent again
        self._lost = True                       # no session, as far as we know
        self._put_numbers, self._numbers = itertools.count(1), itertools.count(REQUESTS_FROM)
        self._outbox: collections.OrderedDict[int, _Put] = collections.OrderedDict()     # unanswered, by number
        self._unsent: collections.deque[_Put] = collections.deque()                      # those of them to be sent, in order
        self._under_way = 0                     # bytes of sent puts without an answer
        self._wide: collections.OrderedDict[int, int] = collections.OrderedDict()        # number of a batch -> its events
        self._resume_at: Optional[float] = None                                          # held until then
        self._backoff = BACKOFF_S
        self._answers: dict[int, Optional[list]] = {}                                    # of requests: None while awaited
        self._unasked: Optional[int] = None                                              # the last one that was told no-session
        self._subscriptions: dict[int, Subscription] = {}
        self._services: dict[int, Service] = {}
        self._socket: Optional[zmq.Socket] = None
        self._connect()

    def __enter__(self) -> Client:
        self.hello()
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    # --- session

    def hello(self) -> dict:
        """Say hello, afresh if there is a session already; the answer is kept in `welcome`.  Every other call does this when needed."""
        self._lost = True
        self._greet()
        return self.welcome

    def close(self) -> None:
        """End the session and the connection.  Call nothing afterwards."""
        if self._socket is not None:
            if not self._lost:
                self._send("bye", next(self._numbers))
            self._socket.close(linger=200)
            self._socket = None

    def ping(self) -> dict:
        return self._ask("ping")[1]

    # --- put

    def put(self, event: Event) -> Receipt:
        """Store one event."""
        return self._settle(self._new(True, [pack(event)]))[0]

    def put_batch(self, events: Iterable[Event]) -> list[Receipt]:
        """Store these events as one, all of them or none; they get consecutive numbers unless stored before."""
        packed = [pack(e) for e in events]
        return self._settle(self._new(False, packed)) if packed else []

    def put_many(self, events: Iterable[Event]) -> Iterator[Receipt]:
        """Store events one by one with up to `window` under way; yields their receipts in order, refused ones with `fault` set.
        Of events handed over but not yet yielded when you stop iterating, nothing is known: put them again."""
        pending: collections.deque[_Put] = collections.deque()
        source = iter(events)
        more = True
        try:
            while more or pending:
                if len(pending) < self.window // 2 or not pending:
                    for event in itertools.islice(source, self.window - len(pending)):
                        pending.append(self._new(True, [pack(event)]))
                    more = len(pending) >= self.window
                if pending and pending[0].number in self._outbox:
                    self._turn()
                while pending and pending[0].number not in self._outbox:
                    yield pending.popleft().receipts[0]
        finally:
            for put in pending:
                self._forget(put)

    def _settle(self, put: _Put) -> list[Receipt]:
        try:
            while put.number in self._outbox:
                self._turn()
        finally:
            self._forget(put)
        if put.receipts[0].fault is not None:
            raise put.receipts[0].fault
        return put.receipts

    def _new(self, single: bool, events: list[bytes]) -> _Put:
        put = _Put(next(self._put_numbers), single, events)
        if put.bytes > MESSAGE_BYTES or len(events) > PUT_EVENTS:
            # Said here: the daemon could not tell which put it was, and beyond twice the bound would end the connection.
            name = "too-large" if put.bytes > MESSAGE_BYTES else "too-many"
            for receipt in put.receipts:
                receipt.fault = Fault({"name": name, "text": "larger than one message may be", "retry": "never"})
            return put
        if len(events) != 1:
            self._wide[put.number] = len(events)
            if len(self._wide) > WIDE_MAX:
                self._wide.popitem(last=False)
        self._outbox[put.number] = put
        self._unsent.append(put)
        return put

    def _forget(self, put: _Put) -> None:
        """It was answered, or its caller gave up."""
        if self._outbox.pop(put.number, None) is not None:
            if put.sent_at is not None:
                self._under_way -= put.bytes
            else:
                self._unsent.remove(put)

    def _rewind(self) -> None:
        """What is to be sent is again everything unanswered that is not under way, in order."""
        self._unsent = collections.deque(p for p in self._outbox.values() if p.sent_at is None)

    def _doubt(self) -> None:
        """Send everything unanswered again."""
        for put in self._outbox.values():
            put.sent_at = None
        self._under_way = 0
        self._rewind()

    def _flush(self) -> None:
        """Send what the credit allows, neighbouring single puts in one message."""
        while self._unsent and not self._lost and self._resume_at is None:
            run, size = [self._unsent[0]], self._unsent[0].bytes
            if run[0].single:
                for put in itertools.islice(self._unsent, 1, PUTS_EVENTS):
                    if not put.single or put.number != run[-1].number + 1 or size + put.bytes > PUTS_BYTES:
                        break
                    run.append(put)
                    size += put.bytes
            if self._under_way > 0 and self._under_way + size > self.credit:
                return
            if not self._send("puts" if run[0].single else "put", run[0].number, [r.event for p in run for r in p.receipts]):
                return
            self._under_way += size
            for put in run:
                self._unsent.popleft()
                put.sent_at = self._sent_at

    # --- read

    def subscribe(self, from_: Union[str, dict, None] = None, *, consumer: Optional[str] = None, type: Optional[list[str]] = None, subject: Optional[list[str]] = None,
                  source: Optional[list[str]] = None, urgency: Optional[list[str]] = None, until_end: bool = False, events: int = 1000,
                  bytes: int = 1 << 20, sealed: bool = False) -> Subscription:
        """Follow the log from "first", "new", {"seq": N}, {"time": ns} or {"last": N}; None: behind the cursor of the consumer (of a new one:
        from the first event), without one from "new".  `events` and `bytes` are how much may be on its way.
        sealed: personal fields as they are stored, for an archive; for operators."""
        wishes = {"from": from_, "consumer": consumer, "type": type, "subject": subject, "source": source, "urgency": urgency}
        options = {"events": events, "bytes": bytes, **{k: v for k, v in wishes.items() if v is not None}, **({"sealed": True} if sealed else {})}
        if self._lost:
            self._greet()
        subscription = Subscription(self, next(self._numbers), options, until_end)
        self._subscriptions[subscription._name] = subscription
        subscription._open()
        while not subscription._opened:
            self._turn()
            if subscription._waiting and isinstance(subscription._waiting[0], Fault):
                del self._subscriptions[subscription._name]
                raise subscription._waiting[0]
        return subscription

    def get(self, seq: int) -> Delivery:
        """The event with that number; Fault `not-found` or `trimmed`."""
        return Delivery(*self._ask("get", {"seq": seq})[1][:5])

    def status(self) -> dict:
        return self._ask("status")[1]

    def consumers(self) -> list[dict]:
        """The readers with names, and how far behind each is."""
        return self._ask("consumers")[1]

    def consumer(self, name: str, do: str, *, to: Union[str, dict, None] = None, reason: Optional[str] = None) -> None:
        """Order a consumer to "pause", "resume", "reset" (to a place as in subscribe) or "delete": for operators, and an event in the log."""
        self._ask("consumer", {k: v for k, v in (("name", name), ("do", do), ("to", to), ("reason", reason)) if v is not None})

    def ask(self, service: str, question: Union[str, dict], *, at_least: Optional[int] = None, timeout: float = ASK_S, page: Optional[str] = None,
            **arguments: Any) -> Answer:
        """Ask the program that serves under that name: a question is a name with arguments, or a dict with both.  at_least: the answer shall
        know the log up to that number; timeout: seconds, up to 60; page: the `next` of an answer before.  Asked once: NoAnswer when the
        connection is lost."""
        fields = {**({"name": question} if isinstance(question, str) else question), **arguments}
        wishes = {"service": service, "question": fields, "timeout_ms": round(timeout * 1000), "at_least": at_least, "page": page}
        answer = self._ask("ask", {k: v for k, v in wishes.items() if v is not None}, within=timeout)[1]
        return Answer(answer["answer"], answer.get("next"), answer.get("seq"))

    def serve(self, service: str) -> Service:
        """Be the one who answers for a service: `for question in client.serve("callback"): question.answer({...})`."""
        if self._lost:
            self._greet()
        one = Service(self, next(self._numbers), service)
        self._services[one._number] = one
        one._open()
        while not one._opened:
            self._turn()
            if one._waiting and isinstance(one._waiting[0], Fault):
                del self._services[one._number]
                raise one._waiting[0]
        return one

    def services(self) -> list[dict]:
        """Who can be asked: service, client, sender, since, pending."""
        return self._ask("services")[1]

    def backup(self, path: str) -> dict:
        """A hot backup into the new folder `path`, absolute, on the daemon's machine; returns when it is done."""
        return self._ask("backup", {"path": path})[1]

    def clock_accept(self) -> None:
        """After a clock.jumped alarm: the wall clock is right."""
        self._ask("clock-accept")

    def _ask(self, verb: str, *arguments: Any, within: Optional[float] = None) -> list:
        """Send a request and wait: [verb, argument, …] of its answer.  A new session asks again; but what the daemon answers within
        so many seconds, or not at all, is asked once."""
        number, generation = next(self._numbers), -1
        self._answers[number] = None
        try:
            while self._answers[number] is None:
                if generation != self._generation and self._unasked == number:
                    generation, self._unasked = -1, None        # not carried out, so it may be asked again
                if within is not None and generation != -1:
                    if generation != self._generation or time.monotonic() - asked > within + self.patience:
                        raise NoAnswer(f"{self.endpoint}: the connection was lost before the answer")
                elif generation != self._generation and not self._lost:
                    if self._send(verb, number, *arguments):
                        generation, asked = self._generation, time.monotonic()
                self._turn()
        finally:
            answer = self._answers.pop(number)
        if answer[0] == "nak":
            raise Fault(answer[1])
        return answer

    # --- the machinery: one turn waits for a message, takes in all there are, then does what has fallen due

    def _turn(self, wait_s: Optional[float] = None) -> None:
        if self._lost:
            return self._greet()
        self._flush()
        wait_s = POLL_S if wait_s is None else max(0.0, min(wait_s, POLL_S))
        if self._resume_at is not None:
            wait_s = max(0.0, min(wait_s, self._resume_at - time.monotonic()))
        self._receive(wait_s)
        now = time.monotonic()
        if self._resume_at is not None and now >= self._resume_at and not self._lost:
            self._send("resume", next(self._numbers))
            self._resume_at = now + self.patience               # asked; again if that is lost
        awaited = bool(self._outbox) or None in self._answers.values()
        if self._pinged_at is not None:
            if now - self._pinged_at > self.patience:
                self._connect()
        elif now - self._sent_at > self.ping_after or awaited and now - max(self._heard_at, self._sent_at) > self.patience:
            self._pinged_at = now
            self._send("ping", next(self._numbers))
        oldest = next(iter(self._outbox.values()), None)
        if oldest is not None and oldest.sent_at is not None and self._heard_at - oldest.sent_at > self.patience:
            self._doubt()                                       # pongs come, but no answer

    def _connect(self) -> None:
        """A new socket: the daemon takes us for a new peer, and nothing of the old connection can reach us."""
        if self._socket is not None:
            self._socket.close(linger=0)
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.linger, self._socket.immediate, self._socket.sndhwm = 0, 1, 0
        if self._keys:
            self._socket.curve_secretkey, self._socket.curve_serverkey = self._keys
            self._socket.curve_publickey = zmq.curve_public(self._keys[0])
        self._socket.connect(self.endpoint)
        self._lost, self._pinged_at = True, None
        self._sent_at = self._heard_at = time.monotonic()

    def _greet(self) -> None:
        """Say hello until it is answered, then carry on where the last session ended."""
        hello: dict = {"client": self.name, "software": "estate.py 1"}
        if self._bound or self._subscriptions:                  # who reads must not go on in another log; who only puts may
            hello.update((k, v) for k, v in (("log", self.log), ("epoch", self.epoch), ("cursor", self._cursor)) if v is not None)
        started, backoff = time.monotonic(), BACKOFF_S
        while self._lost:
            number, asked = next(self._numbers), time.monotonic()
            self._answers[number] = None
            sent = False
            while self._answers[number] is None and time.monotonic() - asked < self.patience:
                if time.monotonic() - started > self.timeout:
                    del self._answers[number]
                    raise NoAnswer(f"{self.endpoint}: no answer to hello for {self.timeout:g} s")
                sent = sent or self._send("hello", number, hello)
                self._receive(POLL_S if sent else POLL_S / 10)
            answer = self._answers.pop(number)
            if answer is None:
                self._connect()
            elif answer[0] == "welcome":
                self._begin(answer[1])
            elif answer[1].get("retry") != "later":
                raise Fault(answer[1])
            else:
                time.sleep(backoff)
                backoff = min(2 * backoff, BACKOFF_MAX_S)

    def _begin(self, welcome: dict) -> None:
        self.welcome, self.log, self.epoch, self.credit = welcome, welcome["log"], welcome["epoch"], welcome["credit"]
        self._cursor = None                     # the caller's has been checked
        self._lost, self._resume_at = False, None
        self._generation += 1
        self._doubt()
        for subscription in list(self._subscriptions.values()):
            subscription._open()
        for service in list(self._services.values()):
            service._open()

    def _send(self, verb: str, number: int, *rest: Any) -> bool:
        """False when there is no connection now: nothing was sent."""
        try:
            self._socket.send(msgpack.packb([VERSION, verb, number, *rest]), zmq.NOBLOCK)
        except zmq.Again:
            return False
        self._sent_at = time.monotonic()
        return True

    def _receive(self, wait_s: float) -> None:
        if not self._socket.poll(int(wait_s * 1000)):
            return
        self._heard_at, self._pinged_at = time.monotonic(), None
        while True:
            try:
                message = msgpack.unpackb(self._socket.recv(zmq.NOBLOCK), strict_map_key=False)
            except zmq.Again:
                return
            self._take(*message[1:])

    def _take(self, verb: str, number: int, *rest: Any) -> None:
        subscription = self._subscriptions.get(number)
        if verb == "ack":
            self._take_ack(number, *rest[:4])
        elif verb == "nak" and rest[0].get("retry") == "session":
            self._lost = True                                   # hello again; every unanswered thing is then sent again
            self._unasked = number
        elif verb == "nak" and number in self._outbox:
            self._take_put_nak(self._outbox[number], rest[0])
        elif verb == "nak" and number == 0:
            raise Fault(rest[0])                                # the daemon could not read us
        elif verb == "resumed":
            self._resume_at, self.credit = None, rest[0]["credit"]
            self._rewind()
        elif subscription is not None and verb == "events":
            subscription._waiting.extend(Delivery(*x[:5]) for x in rest[0])
            subscription._received = rest[0][-1][0]
        elif subscription is not None and verb == "progress":
            subscription._waiting.append(rest[0])
            subscription._received = max(subscription._received or 0, rest[0]["seq"])
        elif subscription is not None and verb == "subscribed":
            subscription._opened = True
            subscription._member = rest[0].get("member")
            if subscription._received is None:
                subscription._received = subscription.cursor = rest[0]["next"] - 1
                subscription.acked = rest[0].get("cursor")
        elif subscription is not None and verb in ("ended", "nak"):
            subscription._waiting.append(Fault(rest[0]))
        elif number in self._services:
            service = self._services[number]
            if verb == "serving":
                service._opened = True
            elif verb == "asked":
                service._waiting.append(Question(self, *rest[:3]))
            elif verb in ("unserved", "nak") and rest:
                service._waiting.append(Fault(rest[0]))
        elif number in self._answers and verb != "accepted":
            self._answers[number] = [verb, *rest]

    def _take_ack(self, first: int, last: int, runs: list, credit: int, warnings: Optional[list] = None) -> None:
        self.credit, self._backoff = credit, BACKOFF_S
        stored = ((seq + i, duplicate) for seq, count, duplicate in runs for i in range(count))
        odd: dict[int, list] = {}
        for number, index, name, path in (w[:4] for w in warnings or ()):
            odd.setdefault(number, []).append((index, name, path))
        for number in range(first, last + 1):
            places = list(itertools.islice(stored, self._wide.get(number, 1)))
            put = self._outbox.get(number)
            if put is None:
                continue                                        # answered before, or given up
            self._forget(put)
            for receipt, (seq, duplicate) in zip(put.receipts, places):
                receipt.seq, receipt.duplicate = seq, duplicate
            for index, name, path in odd.get(number, ()):
                put.receipts[index].warnings.append((name, path))

    def _take_put_nak(self, put: _Put, fault: dict) -> None:
        if fault.get("retry") != "later":
            self._forget(put)
            for receipt in put.receipts:
                receipt.fault = Fault(fault)
            return
        for later in reversed(self._outbox.values()):           # refused are this one and all sent after it, told or not
            if later.number < put.number:
                break
            if later.sent_at is not None:
                self._under_way -= later.bytes
                later.sent_at = None
        if self._resume_at is None:
            self._rewind()
            self._resume_at = time.monotonic() + self._backoff
            self._backoff = min(2 * self._backoff, BACKOFF_MAX_S)


# --- the outbox

class OutboxError(EstateError):
    """The outbox cannot be used: another process has it, it is damaged or of a newer release, or the disk said no.  Nothing was done."""


class OutboxFull(OutboxError):
    """The outbox has as many entries or bytes as it may.  Nothing was thrown away to make room."""


@dataclasses.dataclass(slots=True)
class Entry:
    """One event in an outbox."""
    number: int
    box: str                    # "pending", "rejected" or "review"
    event: bytes
    put_at: float               # when it was handed over, seconds since 1970
    moved_at: float             # when it came into this box
    fault: Optional[Fault] = None       # why it is there, unless pending


BOXES = ("pending", "rejected", "review")
OUTBOX_FORMAT = 1               # user_version; a change makes it one more, and __init__ brings what is older up to it in one transaction
CLOCK_UNSET_S = 1577836800      # before 2020 a clock was not set: what it dated has no known age, and is sent
OUTBOX_CHUNK = 256              # receipts that are noted together
OUTBOX_ROW = "number, box, event, sum, put_at, moved_at, fault"
TOO_OLD = {"name": "too-old", "text": "older than the daemon remembers duplicates for: whether it is in the log already, somebody must look"}


class Outbox:
    """Events kept in one SQLite file until the daemon has them.  The rules are those of libestate's (estate_outbox.h):

    pending   sent in the order of hand-over, gone with the ack.  What was acked just before a crash is sent again, and the daemon tells it
              from new ones by (source, id): so an event needs an id that is its own for good.
    rejected  refused for good, with the reason; what came behind went on.  `replay` puts it to the end of the queue once the cause was mended.
    review    older than horizon_days when it was to be sent: the daemon knows duplicates for 400 days.  Look, then `replay` or `drop` it.

    Nothing leaves a box but by an ack, `replay` or `drop`; numbers rise and are never used again.  One process at a time.  With group_flush `put`
    returns before the flush: it survives a crash of this program at once, a power cut after `flush`, which `send` calls first."""

    def __init__(self, path: str, *, entries_max: int = 1_000_000, bytes_max: int = 1 << 30, horizon_days: int = 370, group_flush: bool = False,
                 now: Any = time.time):
        if not 1 <= horizon_days <= 400:
            raise ValueError("horizon_days is 1 to 400")
        self.path, self.entries_max, self.bytes_max, self.horizon_days, self.group_flush = path, entries_max, bytes_max, horizon_days, group_flush
        self._now, self._unflushed = now, False
        self._entries = self._bytes = 0
        self._lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._db: Optional[sqlite3.Connection] = None
        try:
            self._take_lock()
            self._db = sqlite3.connect(path, isolation_level=None)
            self._open()
        except sqlite3.Error as wrong:
            self.close()
            raise OutboxError(f"{path} is damaged, or cannot be opened: {wrong}") from wrong
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """What is pending stays."""
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    # --- hand over

    def put(self, event: Event) -> int:
        """Hand over one event: its number.  On return it is durable; nothing is sent before `send`."""
        return self.put_all([event])[0]

    def put_all(self, events: Iterable[Event]) -> list[int]:
        """Several with one flush, all or none."""
        packed = [pack(e) for e in events]
        if any(not 0 < len(e) <= 65536 for e in packed):
            raise ValueError("an event has 1 to 65536 bytes")
        if self._entries + len(packed) > self.entries_max or self._bytes + sum(map(len, packed)) > self.bytes_max:
            raise OutboxFull(f"{self.path}: {self._entries} entries, {self._bytes} bytes")
        now = self._now()
        with self._transaction() as db:
            numbers = [self._insert(db, e, now, now) for e in packed]
        self._unflushed = self.group_flush
        self._weigh(len(packed), sum(map(len, packed)))
        return numbers

    def flush(self) -> None:
        """With group_flush: make durable what was put."""
        if self._unflushed:
            self._db.execute("PRAGMA synchronous = FULL")
            try:
                with self._transaction() as db:         # a commit that flushes covers all before it
                    db.execute("UPDATE flushed SET at = ?", (self._now(),))
                self._unflushed = False
            finally:
                self._db.execute("PRAGMA synchronous = NORMAL")

    # --- send

    def send(self, client: Client) -> Iterator[tuple[Entry, Receipt]]:
        """Send what is pending, in order, until nothing is: yields each entry with its receipt; `receipt.fault` says that it was set aside.  Raises
        NoAnswer when the daemon is away: call it again later.  Stop whenever you like: nothing is lost."""
        self.flush()
        asked: collections.deque[Entry] = collections.deque()
        aside: list[Entry] = []
        settled: list[tuple[Entry, Optional[Fault]]] = []
        try:
            for receipt in client.put_many(self._due(asked, aside)):
                entry = asked.popleft()
                settled.append((entry, receipt.fault))
                if len(settled) >= OUTBOX_CHUNK:
                    self._settle(settled)
                yield entry, receipt
        finally:
            self._settle(settled)
        for entry in aside:
            yield entry, Receipt(entry.event, fault=entry.fault)

    # --- look, mend

    def entries(self, box: Optional[str] = None, after: int = 0) -> Iterator[Entry]:
        """What is in a box, or in all, by number."""
        while True:
            rows = self._read(f"SELECT {OUTBOX_ROW} FROM entries WHERE number > ?1 AND (?2 IS NULL OR box = ?2) ORDER BY number LIMIT 256", (after, box))
            if not rows:
                return
            for row in rows:
                yield self._entry(row)
            after = rows[-1][0]

    def entry(self, number: int) -> Entry:
        """One of them; KeyError if there is none."""
        rows = self._read(f"SELECT {OUTBOX_ROW} FROM entries WHERE number = ?", (number,))
        if not rows:
            raise KeyError(number)
        return self._entry(rows[0])

    def counts(self) -> dict[str, dict]:
        """For each box: entries, bytes, and when the oldest was handed over (None if there is none)."""
        counts: dict[str, dict] = {box: {"entries": 0, "bytes": 0, "oldest": None} for box in BOXES}
        for box, entries, size, oldest in self._read("SELECT box, count(*), sum(length(event)), min(put_at) FROM entries GROUP BY box"):
            counts[box] = {"entries": entries, "bytes": size, "oldest": oldest}
        return counts

    def replay(self, number: int) -> int:
        """Put a rejected or reviewed entry, the same bytes, to the end of the queue: its new number.  Its age counts from now."""
        entry = self.entry(number)
        if entry.box == "pending":
            raise ValueError(f"{number} is pending already")
        with self._transaction() as db:
            db.execute("DELETE FROM entries WHERE number = ?", (number,))
            return self._insert(db, entry.event, entry.put_at, self._now())

    def drop(self, number: int) -> None:
        """Throw an entry away for good."""
        entry = self.entry(number)
        with self._transaction() as db:
            db.execute("DELETE FROM entries WHERE number = ?", (number,))
        self._weigh(-1, -len(entry.event))

    # --- the machinery

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            raise OutboxError(f"{self.path} is in use by process {owner or '?'}; one at a time may have it") from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)

    def _open(self) -> None:
        db = self._db
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > OUTBOX_FORMAT:
            raise OutboxError(f"{self.path} was written by a newer release (format {version}, this one reads up to {OUTBOX_FORMAT}): install it")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if version == 0:
            with self._transaction():
                db.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY AUTOINCREMENT, box TEXT NOT NULL, event BLOB NOT NULL, sum INTEGER NOT NULL,"
                           " put_at REAL NOT NULL, since REAL NOT NULL, moved_at REAL NOT NULL, fault TEXT)")
                db.execute("CREATE INDEX by_box ON entries (box, number)")
                db.execute("CREATE TABLE flushed (at REAL NOT NULL)")
                db.execute("INSERT INTO flushed VALUES (0)")
                db.execute(f"PRAGMA user_version = {OUTBOX_FORMAT}")
        elif db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise OutboxError(f"{self.path} is damaged; keep a copy of it, and open a new one")
        if self.group_flush:
            db.execute("PRAGMA synchronous = NORMAL")
        self._weigh(*self._read("SELECT count(*), coalesce(sum(length(event)), 0) FROM entries")[0])

    def _read(self, query: str, values: tuple = ()) -> list:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as wrong:
            raise OutboxError(f"{self.path}: {wrong}") from wrong

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, durable, or none."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as wrong:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(wrong, sqlite3.Error):
                raise OutboxError(f"{self.path}: {wrong}") from wrong
            raise

    def _weigh(self, entries: int, size: int) -> None:
        """What the bounds count: adding it up anew for each put would take longer than its flush."""
        self._entries += entries
        self._bytes += size

    @staticmethod
    def _insert(db: sqlite3.Connection, event: bytes, put_at: float, since: float) -> int:
        return db.execute("INSERT INTO entries (box, event, sum, put_at, since, moved_at) VALUES ('pending', ?, ?, ?, ?, ?)",
                          (event, zlib.crc32(event), put_at, since, since)).lastrowid

    def _entry(self, row: tuple) -> Entry:
        number, box, event, checksum, put_at, moved_at, fault = row
        if zlib.crc32(event) != checksum:
            raise OutboxError(f"{self.path} is damaged: entry {number} is not what was put")
        return Entry(number, box, event, put_at, moved_at, Fault(json.loads(fault)) if fault else None)

    def _due(self, asked: collections.deque, aside: list) -> Iterator[bytes]:
        """The bytes to be sent, in order; what is too old is moved instead."""
        after = 0
        while True:
            horizon = self._now() - self.horizon_days * 86400
            rows = self._read(f"SELECT {OUTBOX_ROW}, since FROM entries WHERE box = 'pending' AND number > ? ORDER BY number LIMIT 256", (after,))
            if not rows:
                return
            for row in rows:
                after, entry = row[0], self._entry(row[:-1])
                if row[-1] >= horizon or row[-1] < CLOCK_UNSET_S:
                    asked.append(entry)
                    yield entry.event
                    continue
                with self._transaction() as db:
                    self._set_aside(db, entry, "review", Fault(TOO_OLD))
                aside.append(entry)

    def _set_aside(self, db: sqlite3.Connection, entry: Entry, box: str, fault: Fault) -> None:
        entry.box, entry.moved_at, entry.fault = box, self._now(), fault
        db.execute("UPDATE entries SET box = ?, moved_at = ?, fault = ? WHERE number = ?",
                   (box, entry.moved_at, json.dumps(fault.fault, default=str), entry.number))

    def _settle(self, settled: list) -> None:
        """Acked ones go, refused ones step aside."""
        if settled and self._db is not None:
            with self._transaction() as db:
                for entry, fault in settled:
                    if fault is None:
                        db.execute("DELETE FROM entries WHERE number = ?", (entry.number,))
                    else:
                        self._set_aside(db, entry, "rejected", fault)
            gone = [entry for entry, fault in settled if fault is None]
            self._weigh(-len(gone), -sum(len(entry.event) for entry in gone))
            settled.clear()


# --- a small demonstration

def _put_lines(client: Client, lines: Iterable[str]) -> int:
    """JSON lines from a file or pipe; what an event lacks of specversion, id and time is filled in."""
    refused = 0
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    events = ({"specversion": "1.0", "id": new_id(), "source": "/estate.py", "time": now, **json.loads(line)} for line in lines if line.strip())
    for receipt in client.put_many(events):
        if receipt.fault is not None:
            print(f"{unpack(receipt.event).get('id')}: {receipt.fault}", file=sys.stderr)
            refused += 1
        else:
            print(receipt.seq, "duplicate" if receipt.duplicate else "stored", *(f"{name}:{path}" for name, path in receipt.warnings))
    return 1 if refused else 0


def _tail(client: Client, from_: Union[str, dict], types: Optional[list[str]], until_end: bool) -> int:
    for delivery in client.subscribe(from_, type=types, until_end=until_end):
        print(json.dumps({"seq": delivery.seq, "sender": delivery.sender, **delivery.fields}, ensure_ascii=False, default=str), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="estate.py", description="Put events into estated, or read them.")
    parser.add_argument("--endpoint", default="ipc:///run/estated/estated.sock", help="where the daemon listens (%(default)s)")
    parser.add_argument("--key-file", metavar="FILE", help="our secret key, for tcp:// with keys")
    parser.add_argument("--server-key", metavar="KEY", help="the daemon's public key")
    verbs = parser.add_subparsers(dest="verb", required=True)
    put = verbs.add_parser("put", help="put JSON lines from a file or standard input, print number and outcome of each")
    put.add_argument("file", nargs="?", type=argparse.FileType("r", encoding="utf-8"), default=sys.stdin)
    tail = verbs.add_parser("tail", help="print events as JSON lines as they come")
    tail.add_argument("--from", dest="from_", default="new", metavar="WHERE", help="first, new or a number (%(default)s)")
    tail.add_argument("--type", action="append", metavar="PATTERN", help="such as complaint.*; may be repeated")
    tail.add_argument("--until-end", action="store_true", help="stop at the end of the log")
    arguments = parser.parse_args()
    try:
        key = read_key(arguments.key_file) if arguments.key_file else None
        with Client(arguments.endpoint, "estate.py", timeout=10, secret_key=key, server_key=arguments.server_key) as client:
            if arguments.verb == "put":
                return _put_lines(client, arguments.file)
            start = {"seq": int(arguments.from_)} if arguments.from_.isdigit() else arguments.from_
            return _tail(client, start, arguments.type, arguments.until_end)
    except EstateError as wrong:
        print(f"estate.py: {wrong}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
