"""What the encoder-decoder learns: each token of a target, given its source and what is before."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from genmodels.families.transformer.t5.examples import Batch, Example, collate
from genmodels.families.transformer.t5.network import EncoderDecoder
from genmodels.text.byte_pairs import PAD


def target_loss(
    network: EncoderDecoder,
    batch: Batch,
    *,
    smoothing: float = 0.0,
    random: torch.Generator | None = None,
) -> torch.Tensor:
    """Mean cross-entropy in nats per token of the targets.

    `smoothing` of each token's probability is spread over all tokens (Szegedy et al. 2015,
    arXiv:1512.00567), which keeps a network that has seen little text from being too sure.
    """
    is_real = batch.wanted != PAD
    states = network(batch.source, batch.shown, random)[is_real]  # (N, C): no work for PAD
    return functional.cross_entropy(
        network.score(states).float(), batch.wanted[is_real], label_smoothing=smoothing
    )


def held_out_loss(
    network: EncoderDecoder, examples: Sequence[Example], *, rows: int = 64
) -> float:
    """Mean nats per token over all targets of the examples, without smoothing or dropout."""
    ordered = sorted(examples, key=lambda example: (len(example.source), len(example.target)))
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(ordered), rows):
            part = ordered[start : start + rows]
            num_tokens = sum(len(example.target) for example in part)
            total += target_loss(network, collate(part)).item() * num_tokens
            count += num_tokens
    return total / count
