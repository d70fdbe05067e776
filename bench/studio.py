"""How long a start takes, how much the web process weighs, how soon a prompt's first step is done.

    python -m bench.studio [--generations 30]

Runs a complete Pinakes twice on a temporary home, as `make up` does. An idle worker is prompted
one generation at a time; the time runs from the row's `created_at` to the identifier of the first
progress event, which Redis stamps on the same machine. Processor time stands beside the elapsed
time, because it says how busy the machine was with other things.
"""

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from bench.quiet import refuse_unless_quiet
from pinakes_client import Pinakes
from webapp.embedded.instance import Instance, running_instance

_SECONDS = 120.0
_PAUSE_SECONDS = 0.3  # long enough for the worker to be idle again
_BUDGETS = {
    "first start": 60.0,
    "later start": 15.0,
    "web resident MB": 250.0,
    "first step ms": 50.0,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print one line per figure, and return 1 when one is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.studio")
    parser.add_argument("--generations", type=int, default=30)
    options = parser.parse_args(arguments)
    refuse_unless_quiet()
    home = Path(tempfile.mkdtemp(prefix="pinakes-b"))
    figures: dict[str, float] = {}
    try:
        with running_instance(home=home) as first:
            figures["first start"] = first.ready_after_seconds
        before = _processor_seconds()
        with running_instance(home=home) as later:
            figures["later start"] = later.ready_after_seconds
            starts, steps = _first_steps(later, num_generations=options.generations)
            figures["web resident MB"] = _resident_megabytes(later.process_ids()["web"])
        figures["processor seconds of the later run"] = _processor_seconds() - before
        figures["claimed ms"] = statistics.median(starts)
        figures["first step ms"] = statistics.median(steps)
        figures["first step ms, 95th percentile"] = statistics.quantiles(steps, n=20)[-1]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    over = [name for name, budget in _BUDGETS.items() if figures[name] > budget]
    for name, value in figures.items():
        budget = f"  (budget {_BUDGETS[name]:g})" if name in _BUDGETS else ""
        sys.stdout.write(f"{name:<38} {value:8.1f}{budget}\n")
    return 1 if over else 0


def _first_steps(instance: Instance, *, num_generations: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds from submission to claim, and to the end of the first step."""
    key = instance.manage("create_api_key", "admin", "--name", "bench").strip()
    addresses = json.loads((instance.home / "addresses.json").read_text(encoding="utf-8"))
    starts, steps = [], []
    with (
        Redis.from_url(addresses["REDIS_URL"], decode_responses=True) as redis,
        Pinakes(instance.base_url, key) as client,
    ):
        # The first ones load the checkpoint and warm every path.
        for round_number in range(-3, num_generations):
            accepted = client.generations.create(
                model="gpt-shakespeare", prompt="ROMEO:", seed=1, params={"max_new_tokens": 20}
            )
            ended = accepted.wait(_SECONDS)
            created_at, started_at = (
                datetime.fromisoformat(at).timestamp() * 1000
                for at in (ended["created_at"], ended["started_at"] or "")
            )
            if round_number >= 0:
                starts.append(started_at - created_at)
                steps.append(_first_progress(redis, ended["id"]) - created_at)
            time.sleep(_PAUSE_SECONDS)
    return starts, steps


def _first_progress(redis: Redis, generation_id: str) -> float:
    """Return when the first step's progress was published, in milliseconds since 1970."""
    events: Any = redis.xrange(f"live:{generation_id}")
    for identifier, event in events:
        # Progress comes with what there is to see, where there is something.
        if "done" in json.loads(event["data"]):
            return float(identifier.split("-")[0])
    raise LookupError(f"no progress of {generation_id} is in Redis")


def _resident_megabytes(process_id: int) -> float:
    """Of the largest web process; that of the identifier only holds the port for the others."""
    first = psutil.Process(process_id)
    sizes = [each.memory_info().rss for each in (first, *first.children(recursive=True))]
    return float(max(sizes)) / 2**20


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
