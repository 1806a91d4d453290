"""A bare DEALER socket for tests of the protocol itself: sends anything, checks nothing, waits with a bound."""
import itertools

import msgpack
import zmq

PATIENCE_MS = 10_000
_numbers = itertools.count(1)


def packed(id=None, type="probe.recorded", source="/test", data=None, **attributes):
    """The bytes of a small valid event, with a new id unless told."""
    return msgpack.packb({"specversion": "1.0", "id": id or f"t{next(_numbers)}", "source": source, "type": type, **attributes,
                          "data": {"n": 1} if data is None else data})


class Keys:
    """A pair of CURVE keys, as text."""

    def __init__(self):
        self.public, self.secret = (key.decode() for key in zmq.curve_keypair())


class Wire:
    """immediate 0: what the daemon said before it closed is kept; with 1 libzmq drops what was not read by then.  keys: ours; server:
    the daemon's public one."""

    def __init__(self, endpoint, immediate=1, keys=None, server=None, connect=True):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        if keys is not None:
            self.socket.curve_secretkey, self.socket.curve_publickey = keys.secret.encode(), keys.public.encode()
            self.socket.curve_serverkey = server.encode()
        self.socket.linger, self.socket.immediate, self.socket.sndtimeo = 0, immediate, PATIENCE_MS
        if connect:
            self.socket.connect(endpoint)

    def close(self):
        self.socket.close()

    def send(self, *message):
        """An array; say the version yourself: send(1, "ping", 7)."""
        self.socket.send(msgpack.packb(message))

    def send_bytes(self, *frames):
        self.socket.send_multipart(frames)

    def receive(self, patience_ms=PATIENCE_MS):
        """The next message as a list."""
        assert self.socket.poll(patience_ms), "no message came"
        frames = self.socket.recv_multipart()
        assert len(frames) == 1, "the daemon sends one frame"
        return msgpack.unpackb(frames[0], strict_map_key=False)

    def ask(self, *message):
        self.send(*message)
        return self.receive()

    def hello(self, client="test", **more):
        """Say hello; what welcome tells."""
        answer = self.ask(1, "hello", 1, {"client": client, **more})
        assert answer[:3] == [1, "welcome", 1], answer
        return answer[3]

    def until(self, verb):
        """Messages up to the first of that verb, which is the last element."""
        messages = [self.receive()]
        while messages[-1][1] != verb:
            messages.append(self.receive())
        return messages

    def until_answer(self, *message):
        """Send it; the message with its number, past those that come in between."""
        self.send(*message)
        while True:
            answer = self.receive()
            if answer[2] == message[2] and answer[1] not in ("events", "progress"):
                return answer

    def acked(self, last):
        """Messages up to the ack whose last number this is."""
        messages = [self.receive()]
        while messages[-1][1] != "ack" or messages[-1][3] != last:
            messages.append(self.receive())
        return messages

    def delivered(self, count, name=None):
        """The events delivered until there are so many (of the subscription of that name), as [seq, log_time, sender, flags, event]."""
        events = []
        while len(events) < count:
            message = self.receive()
            if message[1] == "events" and name in (None, message[2]):
                events += message[3]
        return events

    def quiet(self, rounds=3):
        """What comes before the answers to a few pings: for asserting that something does not come, without waiting for long."""
        messages = []
        for _ in range(rounds):
            self.send(1, "ping", 999_999_999)
            messages += self.until("pong")[:-1]
        return messages

    def put(self, number, *events, verb="put"):
        return self.ask(1, verb, number, list(events))
