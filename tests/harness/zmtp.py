"""ZMTP by hand (rfc.zeromq.org/spec/23), for what no ZeroMQ library would send."""
import socket
import struct
from urllib.parse import urlparse

GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
READY_BODY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"


def connect(endpoint, timeout=10):
    """A connected socket, nothing said."""
    if endpoint.startswith("ipc://"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(endpoint.removeprefix("ipc://"))
        return sock
    url = urlparse(endpoint)
    return socket.create_connection((url.hostname, url.port), timeout=timeout)


def read_exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError("closed")
        data += piece
    return data


def ready(**properties):
    """The READY command with further properties; an underscore in a name stands for a hyphen."""
    body = READY_BODY
    for name, value in properties.items():
        name = name.replace("_", "-").encode()
        body += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value.encode()
    return b"\x04" + bytes([len(body)]) + body


def handshake(endpoint, **properties):
    """A socket past the NULL handshake."""
    sock = connect(endpoint)
    sock.sendall(GREETING)
    read_exactly(sock, 64)
    sock.sendall(ready(**properties))
    flags, length = read_exactly(sock, 2)
    assert flags == 4
    read_exactly(sock, length)
    return sock


def frame(body, more=False):
    if len(body) < 256:
        return bytes([1 if more else 0, len(body)]) + body
    return bytes([3 if more else 2]) + struct.pack(">Q", len(body)) + body


def read_frame(sock):
    """The body of the next short or long frame that is no command."""
    while True:
        flags = read_exactly(sock, 1)[0]
        length = struct.unpack(">Q", read_exactly(sock, 8))[0] if flags & 2 else read_exactly(sock, 1)[0]
        body = read_exactly(sock, length)
        if not flags & 4:
            return body


def announce(length):
    """The head of a frame that is never sent."""
    return b"\x02" + struct.pack(">Q", length)


def is_closed(sock, patience=15):
    """Does the other side close within that many seconds?"""
    sock.settimeout(patience)
    try:
        while sock.recv(65536):
            pass
        return True
    except (ConnectionResetError, BrokenPipeError):
        return True
    except socket.timeout:
        return False
