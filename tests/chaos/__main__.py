"""`python -m tests.chaos [--jobs 2000] [--seed 1]`: the long plan; status 1 where it broke one."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.harness import run_chaos
from tests.chaos.plans import long_plan

parser = argparse.ArgumentParser(description="Break everything, and see whether anything is lost.")
parser.add_argument("--jobs", type=int, default=2000)
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


with tempfile.TemporaryDirectory(prefix="pinakes-c", ignore_cleanup_errors=True) as home:
    plan = long_plan(arguments.seed, arguments.jobs)
    report = run_chaos(plan, home=Path(home), say=_say)
_say(str(report))
sys.exit(1 if report.broken else 0)
