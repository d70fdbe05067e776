"""What pulling by the alignment does to pictures, judged by a network that had no part in it.

    python -m bench.alignment [--checkpoint flow-fashion] [--seeds 5] [--guidance 2 1 0]

Clothing is drawn for the plain name of every kind, at several strengths of the pull, under the
network's own guidance and without (guidance 0: then the pull alone knows the prompt). For
each the share that the frozen judge takes for what was asked, and the mean cosine by which the
pull itself measures. Both are counts of pictures, so a busy machine changes nothing but the time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch

from genmodels.alignment.loading import load_alignment
from genmodels.checkpoint import SHIPPED_CHECKPOINTS
from genmodels.contract import Generator, Run, resolve_request
from genmodels.evaluation.judge import load_judge
from genmodels.pictures.encoding import decode_picture
from genmodels.pictures.subjects import naming_of
from genmodels.registry import load_generator

_STRENGTHS = (0.0, 0.1, 0.2, 0.5, 1.0)


def main(arguments: Sequence[str]) -> None:
    """Print a line for each guidance and strength."""
    parser = argparse.ArgumentParser(prog="python -m bench.alignment")
    parser.add_argument("--checkpoint", default="flow-fashion")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--guidance", type=float, nargs="+", default=[2.0, 1.0, 0.0])
    options = parser.parse_args(arguments)
    generator = load_generator(SHIPPED_CHECKPOINTS / options.checkpoint)
    judge = load_judge(str(generator.card.data["subject"])).network
    space = load_alignment()
    names = naming_of(generator.card).names
    labels = torch.arange(len(names)).repeat(options.seeds)
    for guidance in options.guidance:
        for strength in _STRENGTHS:
            files = [
                file
                for seed in range(options.seeds)
                for file in _draw(generator, names, guidance, strength, seed)
            ]
            small = torch.stack([decode_picture(each, side=28, colours=1) for each in files])
            with torch.no_grad():
                taken = judge.classify(small).argmax(dim=1)
            said = space.embed_sentences(names).repeat(options.seeds, 1)
            fit = (space.embed_files(files) * said).sum(dim=1)
            sys.stdout.write(
                f"guidance {guidance:g}  alignment {strength:g}  "
                f"as asked {float((taken == labels).double().mean()):.3f}  "
                f"cosine {float(fit.mean()):.3f}  of {len(files)}\n"
            )
            sys.stdout.flush()


def _draw(
    generator: Generator, names: Sequence[str], guidance: float, strength: float, seed: int
) -> list[bytes]:
    runs: list[Run] = [
        generator.open(
            resolve_request(
                generator.card,
                prompt=name,
                parameters={"guidance": guidance, "alignment": strength, "upscale": 1},
                # Each kind has noise of its own, the same at every strength.
                seed=seed * len(names) + place,
            )
        )
        for place, name in enumerate(names)
    ]
    for start in range(0, len(runs), generator.slots):
        group = runs[start : start + generator.slots]
        while not group[0].done:
            generator.advance(group)
    return [run.sample.content for run in runs]


if __name__ == "__main__":
    main(sys.argv[1:])
