"""Reads what interpose.so wrote down (tests/crash/trace.h)."""
import struct

import msgpack

OPEN, CREATE, TRUNCATE, WRITE, FLUSH_BEGIN, FLUSH_END, RENAME, UNLINK, MKDIR, ACK = range(1, 11)
RECORD = struct.Struct("=IIQIiII")
JOURNAL_RECORD = struct.Struct("<IIQI")
MAGIC = 0x31525745


def records(path):
    """(op, file, offset, payload, result, durable) in order."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        op, number, offset, length, result, durable, _ = RECORD.unpack_from(data, at)
        at += RECORD.size
        yield op, number, offset, data[at:at + length], result, durable
        at += length


def acked(payload):
    """The sequence numbers of an ack: ranges."""
    _, _, _, _, runs, *_ = msgpack.unpackb(payload)
    return [range(seq, seq + count) for seq, count, _ in runs]


def unflushed_acks(path):
    """Numbers that were acknowledged before the flush that covers them had returned; and how many acks there were."""
    paths, written, pending, durable, early, acks = {}, {}, {}, set(), [], 0
    for op, number, _, payload, result, covered in records(path):
        if op in (OPEN, CREATE):
            paths[number] = payload.rstrip(b"\0").decode()
        elif op == WRITE and paths[number].endswith(".wal") and len(payload) >= 64:
            magic, _, first, count = JOURNAL_RECORD.unpack_from(payload)
            if magic != MAGIC:
                continue
            if covered:
                durable.update(range(first, first + count))
            else:
                written.setdefault(number, []).append(range(first, first + count))
        elif op == FLUSH_BEGIN:
            pending[number] = written.pop(number, [])
        elif op == FLUSH_END and result == 0:
            for events in pending.pop(number, []):
                durable.update(events)
        elif op == ACK:
            acks += 1
            early.extend(seq for run in acked(payload) for seq in run if seq not in durable)
    return early, acks


def unflushed_files(path):
    """Files of the store that were there when the daemon started and not flushed before its first ack."""
    paths, existing, flushed, made = {}, set(), set(), set()
    for op, number, _, payload, result, _ in records(path):
        if op in (OPEN, CREATE):
            name = payload.rstrip(b"\0").decode()
            paths[number] = name
            if op == OPEN and name not in made and (name.endswith(".wal") or name.endswith("data.mdb")):
                existing.add(name)
        elif op == RENAME:
            made.add(payload.split(b"\0")[1].decode())
        elif op == FLUSH_END and result == 0:
            flushed.add(paths[number])
        elif op == ACK:
            return existing - flushed
    raise AssertionError("there was no ack")
