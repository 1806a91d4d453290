"""What somebody sees on a terminal of so many columns."""
import fcntl
import os
import pty
import struct
import subprocess
import termios
import unicodedata

import daemon as harness


def width(text):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def seen(endpoint, columns, *words, expect=0, **env):
    """The lines that a verb of estate writes, without colour."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**os.environ, "ESTATE_ENDPOINT": endpoint, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "TERM": "xterm", **env}
    with subprocess.Popen([harness.program("estate"), *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:                         # the other side is closed
            pass
        os.close(ours)
        status = process.wait(harness.VERB_S)
    assert status == expect, text
    return text.decode().replace("\r\n", "\n").splitlines()


def too_wide(lines, columns):
    """Lines that do not fit, but for those that are one word: an id is never cut."""
    return [line for line in lines if width(line) > columns and len(line.split()) > 1]
