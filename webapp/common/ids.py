"""UUIDs of version 7: sortable by time, hard to guess (RFC 9562, section 5.7)."""

import secrets
import time
import uuid

_NANOSECONDS = 1_000_000


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, 12 of their fraction, 62 random bits.

    With the fraction (section 6.2, method 3) those that one process makes one after the other
    sort in that order: making one takes longer than the 244 ns that it counts.
    """
    milliseconds, rest = divmod(time.time_ns(), _NANOSECONDS)
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= (rest * 2**12 // _NANOSECONDS) << 64
    value |= 0b10 << 62
    value |= secrets.randbits(62)
    return uuid.UUID(int=value)
