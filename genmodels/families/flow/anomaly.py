"""How unusual a picture is: its likelihood, corrected for its complexity, and what that means.

A flow gives simple pictures a high likelihood even when it never saw their like, so likelihood
alone is no alarm (Nalisnick et al. 2019, arXiv:1810.09136). What is left of the bits after those
that a general compressor needs is one (Serra et al. 2020, arXiv:1909.11480, eq. 2). The scores of
pictures that the flow was not trained on turn a score into a p-value (Vovk et al. 2005, conformal
prediction), so that a person chooses the rate of false alarms and not a threshold.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import torch
from PIL import Image

from genmodels.families.flow.levels import as_levels, dequantise
from genmodels.families.flow.network import Glow

#: Noises that the score of a picture is averaged over; the same for calibration and judgement,
#: which the p-value needs.
NUM_DRAWS = 2

#: Scores are kept as whole numbers of this size, in bits per dimension.
SCORE_UNIT = 1e-4

_BATCH = 100


@dataclass(frozen=True)
class Scores:
    """Bits per dimension (n,) that the flow needs, and the same less a compressor's length."""

    raw: torch.Tensor
    corrected: torch.Tensor


def bits_per_dimension(nats: torch.Tensor, dimensions: int) -> torch.Tensor:
    """(B,) of the nats by place (B, Y, X)."""
    return nats.sum(dim=(1, 2)) / (dimensions * math.log(2))


def complexity(pictures: torch.Tensor) -> torch.Tensor:
    """Length of each picture (n, C, Y, X) as a PNG, in bits per dimension (n,)."""
    levels = as_levels(pictures).to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous().numpy()
    lengths = []
    for each in levels:
        stream = io.BytesIO()
        image = Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each)
        image.save(stream, format="PNG", optimize=True)
        lengths.append(8 * len(stream.getvalue()) / each.size)
    return torch.tensor(lengths)


@torch.no_grad()
def score(network: Glow, pictures: torch.Tensor, random: torch.Generator) -> Scores:
    """The scores of pictures (n, C, Y, X) in -1..1, without any sentence."""
    raw = torch.zeros(len(pictures))
    for start in range(0, len(pictures), _BATCH):
        part = pictures[start : start + _BATCH]
        silence = network.no_sentence.expand(len(part), -1)
        for _ in range(NUM_DRAWS):
            nats = network(dequantise(part, random), silence).nats
            raw[start : start + _BATCH] += bits_per_dimension(nats, part[0].numel()).cpu()
    raw /= NUM_DRAWS
    return Scores(raw=raw, corrected=raw - complexity(pictures))


def as_calibration(scores: torch.Tensor) -> torch.Tensor:
    """Ascending whole numbers (n,) int32 of the scores of pictures that were not trained on."""
    limit = torch.iinfo(torch.int32).max // 2
    units = (scores.double() / SCORE_UNIT).round().clamp(-limit, limit)
    return units.to(torch.int32).sort().values


def p_values(calibration: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Share of calibration scores (m,) that are not below each score (n,), counting it too: (n,).

    For pictures of the known kind these are uniform: at most a share a of them is at most a.
    """
    units = (scores.double() / SCORE_UNIT).round().to(calibration.device)
    below = torch.searchsorted(calibration.double(), units)
    return (1 + len(calibration) - below) / (len(calibration) + 1)


def auroc(usual: torch.Tensor, unusual: torch.Tensor) -> float:
    """Probability that an unusual picture has the higher score, ties counting half."""
    assert not usual.isnan().any(), "scores are numbers"
    assert not unusual.isnan().any(), "scores are numbers"
    ordered = usual.sort().values
    below = torch.searchsorted(ordered, unusual)
    upto = torch.searchsorted(ordered, unusual, right=True)
    return float((below + upto).double().mean() / 2 / len(usual))
