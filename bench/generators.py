"""How fast the shipped checkpoints generate, alone and in company.

    python -m bench.generators [--rounds 3]

One torch thread, as a worker on a small machine uses. Alone and in company take turns in one run,
and the ratio of the medians is the figure to quote: absolute speeds differ between machines.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence

import torch

from bench.quiet import refuse_unless_quiet
from genmodels.contract import Generator, resolve_request
from genmodels.registry import list_checkpoints, load_generator

#: Longest run that is timed, in units of progress (tokens, evaluations).
_MAX_UNITS = 128


def main(arguments: Sequence[str] | None = None) -> None:
    """Print, for each checkpoint, units per second for one run and for a full set of runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.generators")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments if arguments is not None else [])
    refuse_unless_quiet()
    torch.set_num_threads(1)
    for folder in list_checkpoints():
        generator = load_generator(folder)
        _units_per_second(generator, num_runs=1)
        alone, together = [], []
        for _ in range(options.rounds):
            alone.append(_units_per_second(generator, num_runs=1))
            together.append(_units_per_second(generator, num_runs=generator.slots))
        one, full = statistics.median(alone), statistics.median(together)
        sys.stdout.write(
            f"{generator.card.slug:<20} alone {one:8.1f}/s   {generator.slots:>2} runs "
            f"{full:8.1f}/s   ratio {full / one:.2f}\n"
        )


def _units_per_second(generator: Generator, *, num_runs: int) -> float:
    """Advance fresh runs side by side and return their units of progress per second, together."""
    card = generator.card
    prompt = card.example_prompts[0]
    runs = [
        generator.open(resolve_request(card, prompt=prompt, parameters={}, seed=seed))
        for seed in range(num_runs)
    ]
    started_at = time.perf_counter()
    while not any(run.done for run in runs) and runs[0].progress.done < _MAX_UNITS:
        generator.advance(runs)
    units = sum(run.progress.done for run in runs)
    return units / (time.perf_counter() - started_at)


if __name__ == "__main__":
    main(sys.argv[1:])
