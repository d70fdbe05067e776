"""How long four pictures of one prompt take beside one, drawn in shared passes.

    python -m bench.pictures [FOLDER ...] [--rounds 5] [--threads 2]

What the Studio's *How many* and a batch of seeds come to in the worker: as many runs, each with
a seed of its own, that share every pass. Without folders, the shipped checkpoints that draw step
by step; a folder may hold any other, such as one that is still being trained. One and four take
turns, and the ratio of the medians is the figure to quote: absolute times differ between machines.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.quiet import refuse_unless_quiet
from genmodels.contract import Generator, resolve_request
from genmodels.registry import list_checkpoints, load_generator

PICTURES = 4
STEPS = 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Print, for each checkpoint, the seconds of one picture and of four, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.pictures")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    refuse_unless_quiet()
    torch.set_num_threads(options.threads)
    for folder in options.folders or list_checkpoints():
        generator = load_generator(folder)
        if not draws_in_steps(generator):
            continue
        draw(generator, pictures=1)
        one, four = [], []
        for _ in range(options.rounds):
            one.append(draw(generator, pictures=1))
            four.append(draw(generator, pictures=PICTURES))
        alone, together = statistics.median(one), statistics.median(four)
        sys.stdout.write(
            f"{generator.card.slug:<20} 1 picture {alone:6.2f} s   {PICTURES} pictures "
            f"{together:6.2f} s   ratio {together / alone:.2f}   ({STEPS} steps)\n"
        )


def draws_in_steps(generator: Generator) -> bool:
    """Whether a checkpoint makes pictures in a number of steps that can be asked for."""
    names = {parameter.name for parameter in generator.card.parameters}
    return generator.card.modality == "image" and "steps" in names


def draw(generator: Generator, *, pictures: int, steps: int = STEPS) -> float:
    """Seconds from opening runs with the seeds 0, 1, ... until the bytes of the last are there."""
    prompt = generator.card.example_prompts[0]
    started_at = time.perf_counter()
    runs = [
        generator.open(
            resolve_request(generator.card, prompt=prompt, parameters={"steps": steps}, seed=seed)
        )
        for seed in range(pictures)
    ]
    while active := [run for run in runs if not run.done]:
        generator.advance(active[: generator.slots])
    for run in runs:
        assert run.sample.content, "a picture that is done has bytes"
    return time.perf_counter() - started_at


if __name__ == "__main__":
    main(sys.argv[1:])
