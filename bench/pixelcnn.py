"""How fast the shipped PixelCNNs draw, with their cache and with a whole pass for every pixel.

    python -m bench.pixelcnn [--rounds 3] [--naive-pixels 28] [--anyway]

One torch thread. Both ways take turns in one run, and the ratio of the medians is the figure to
quote. It also draws sixteen pictures with the cache and checks every pixel against whole passes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch

from bench.quiet import refuse_unless_quiet
from genmodels.checkpoint import load_checkpoint
from genmodels.families.autoregressive.family import restore_network
from genmodels.families.autoregressive.network import PixelCNN
from genmodels.families.autoregressive.speed import COMPARED, cache_is_exact, measure_speed
from genmodels.registry import list_checkpoints


def main(arguments: Sequence[str]) -> None:
    """Print, for each checkpoint of the family, pictures a second and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.pixelcnn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--naive-pixels", type=int, default=28)
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    options = parser.parse_args(arguments)
    if not options.anyway:
        refuse_unless_quiet()
    torch.set_num_threads(1)
    for folder in list_checkpoints():
        checkpoint = load_checkpoint(folder)
        if checkpoint.card.family != "autoregressive":
            continue
        network = restore_network(checkpoint).requires_grad_(requires_grad=False)
        if not isinstance(network, PixelCNN):
            # The family speaks, too.
            continue
        speed = measure_speed(network, rounds=options.rounds, naive_pixels=options.naive_pixels)
        cached = "   ".join(f"{count}: {value:.2f}/s" for count, value in speed.cached.items())
        verdict = "the same" if cache_is_exact(network) else "OTHER"
        sys.stdout.write(
            f"{checkpoint.card.slug:<20} {cached}   naive {COMPARED}: {speed.naive:.3f}/s   "
            f"ratio {speed.ratio:.0f}   {verdict} pixels\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
