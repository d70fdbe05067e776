"""How fast the encoder-decoder writes with its caches, and when it reads everything again.

    python -m bench.translation [--rounds 5] [--anyway]

One torch thread; a network of the sizes of the preset with random weights, which writes texts of
the full length asked for. The ways take turns in one run, and the ratios of medians are the
figures to quote. Reading again is what simple code does: for each token the whole network, in
float32, over the source and what every hypothesis has written.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch

from bench.quiet import refuse_unless_quiet
from genmodels.families.transformer.t5.course import T5_MULTI30K
from genmodels.families.transformer.t5.decoder import CachedEncoderDecoder
from genmodels.families.transformer.t5.measure import BEAMS, write_all
from genmodels.families.transformer.t5.network import EncoderDecoder, T5Config
from genmodels.randomness import seeded
from genmodels.text.beam import BeamSearch
from genmodels.text.byte_pairs import END, PAD

_SOURCE_TOKENS = 17
_LONGEST = 18
_TOGETHER = 16


def main(arguments: Sequence[str]) -> None:
    """Print sentences a second for each way, and what the caches and company gain."""
    parser = argparse.ArgumentParser(prog="python -m bench.translation")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    options = parser.parse_args(arguments)
    if not options.anyway:
        refuse_unless_quiet()
    torch.set_num_threads(1)
    network = _random_network()
    decoder = CachedEncoderDecoder(network, torch.device("cpu"))
    random = seeded(2)
    first = T5_MULTI30K.vocabulary_size // 2
    sources = [
        torch.randint(first, 2 * first, (_SOURCE_TOKENS,), generator=random).tolist()
        for _ in range(_TOGETHER)
    ]
    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "read again, beam 5": (1, lambda: _write_again(network, sources[0])),
        "cached, beam 5": (1, lambda: _write(decoder, sources[:1], BEAMS)),
        "cached, greedy": (1, lambda: _write(decoder, sources[:1], 1)),
        "cached, beam 5, 16 together": (_TOGETHER, lambda: _write(decoder, sources, BEAMS)),
        "cached, greedy, 16 together": (_TOGETHER, lambda: _write(decoder, sources, 1)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds + 1):
        for name, (_, write) in ways.items():
            # Time of this thread: what others on the machine take does not count.
            began = time.thread_time()
            write()
            seconds[name].append(time.thread_time() - began)
    rates = {
        # The first round warms up.
        name: count / statistics.median(seconds[name][1:])
        for name, (count, _) in ways.items()
    }
    slowest = rates["read again, beam 5"]
    for name, rate in rates.items():
        sys.stdout.write(f"{name:30} {rate:8.2f} sentences/s   {rate / slowest:6.1f}x\n")


def _random_network() -> EncoderDecoder:
    preset = T5_MULTI30K
    config = T5Config(
        vocabulary_size=preset.vocabulary_size,
        source_length=preset.source_length,
        target_length=preset.target_length,
        encoder_layers=preset.encoder_layers,
        decoder_layers=preset.decoder_layers,
        num_heads=preset.num_heads,
        d_model=preset.d_model,
        d_hidden=preset.d_hidden,
        dropout=0.0,
    )
    network = EncoderDecoder(config, seeded(1)).requires_grad_(requires_grad=False)
    random = seeded(3)
    for parameter in network.parameters():
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=random))
    # Texts that never end are of the same length in every way of writing them.
    network.embedding[END] = -network.embedding.mean(dim=0)
    return network


def _write(decoder: CachedEncoderDecoder, sources: Sequence[Sequence[int]], width: int) -> object:
    return write_all(decoder, sources, width=width, longest=_LONGEST)


@torch.inference_mode()
def _write_again(network: EncoderDecoder, source: Sequence[int]) -> object:
    search = BeamSearch(width=BEAMS, end=END, longest=_LONGEST, penalty=1.0)
    while not search.done:
        shown = torch.tensor([[PAD, *each.tokens] for each in search.alive])
        repeated = torch.tensor([list(source)]).expand(len(shown), -1)
        search.advance(network.score(network(repeated, shown)[:, -1]))
    return search.ranked()


if __name__ == "__main__":
    main(sys.argv[1:])
