"""Refuses to measure on a machine that is busy with other things.

A neighbour's load changes a figure by more than most improvements do, so a measurement that was
not alone is worth nothing. Only the processors' own counters are read; without them (no /proc) the
load average decides.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

#: The share of all processors that others may use.
MAX_FOREIGN_SHARE = 0.10
_SAMPLE_SECONDS = 2.0


def foreign_share() -> float:
    """The share of all processors' time that is used while we only wait, between 0 and 1."""
    if not Path("/proc/stat").is_file():
        return min(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    before = _counters()
    time.sleep(_SAMPLE_SECONDS)
    after = _counters()
    total = sum(after) - sum(before)
    idle = (after[3] + after[4]) - (before[3] + before[4])
    return 1 - idle / total


def refuse_unless_quiet() -> None:
    """Exit with status 2 and the reason when others use more than MAX_FOREIGN_SHARE."""
    share = foreign_share()
    if share > MAX_FOREIGN_SHARE:
        sys.stderr.write(
            f"Not measured: other programs use {share:.0%} of this machine's processors; "
            f"at most {MAX_FOREIGN_SHARE:.0%} is fair.\n"
        )
        raise SystemExit(2)


def _counters() -> list[int]:
    """Clock ticks by kind; the fourth and fifth are idle and waiting for disks (proc(5))."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        return [int(field) for field in file.readline().split()[1:9]]
