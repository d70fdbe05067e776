"""Three games between a generator and a critic, each as one loss for either side.

Shapes: B batch, C channels, Y and X height and width, S width of a sentence vector. Real and drawn
pictures of a row stand under the same sentence.

All of it is float32: penalties differentiate a gradient, whose small numbers bfloat16 would lose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional


@dataclass(frozen=True)
class Round:
    """What a critic is shown: `real` and `drawn` (B, C, Y, X) under `sentences` (B, S)."""

    real: torch.Tensor
    drawn: torch.Tensor
    sentences: torch.Tensor


#: Scores (B,) of pictures (B, C, Y, X) under sentences (B, S).
Scorer = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
#: The critic's loss of a round at this weight of its penalty.
CriticLoss = Callable[[Scorer, Round, float, torch.Generator], torch.Tensor]
#: The generator's loss of a round.
GeneratorLoss = Callable[[Scorer, Round], torch.Tensor]


@dataclass(frozen=True)
class Game:
    """A loss for either side, and the papers that propose them."""

    title: str
    critic_loss: CriticLoss
    generator_loss: GeneratorLoss
    papers: tuple[str, ...]


def _non_saturating_critic(
    critic: Scorer, shown: Round, _weight: float, _random: torch.Generator
) -> torch.Tensor:
    """Binary cross-entropy (Goodfellow et al. 2014, arXiv:1406.2661, eq. 1)."""
    # One pass each: BatchNorm must not tell the two by their company.
    real = critic(shown.real, shown.sentences)
    drawn = critic(shown.drawn, shown.sentences)
    return functional.softplus(-real).mean() + functional.softplus(drawn).mean()


def _non_saturating_generator(critic: Scorer, shown: Round) -> torch.Tensor:
    """Be called real (arXiv:1406.2661, section 3, the loss that does not saturate)."""
    return functional.softplus(-critic(shown.drawn, shown.sentences)).mean()


def _wasserstein_critic(
    critic: Scorer, shown: Round, weight: float, random: torch.Generator
) -> torch.Tensor:
    """Score real above drawn, with gradients of length 1 (arXiv:1704.00028, eq. 3)."""
    shares = torch.rand(len(shown.real), 1, 1, 1, generator=random)
    mixed = (shares * shown.real + (1 - shares) * shown.drawn).requires_grad_()
    pictures = torch.cat((shown.real, shown.drawn, mixed))
    scores = critic(pictures, shown.sentences.repeat(3, 1))
    real, drawn, between = scores.chunk(3)
    lengths = _squared_slopes(between, mixed).clamp_min(1e-12).sqrt()
    return drawn.mean() - real.mean() + weight * (lengths - 1).square().mean()


def _wasserstein_generator(critic: Scorer, shown: Round) -> torch.Tensor:
    """Be scored high (arXiv:1704.00028, algorithm 1)."""
    return -critic(shown.drawn, shown.sentences).mean()


def _relativistic_critic(
    critic: Scorer, shown: Round, weight: float, _random: torch.Generator
) -> torch.Tensor:
    """Score each real picture above the drawn one beside it, with flat scores around both.

    The pairs are eq. 2 of Huang et al. 2024 (arXiv:2501.05441); R1 and R2, each at half the
    weight, are eq. 9 and 10 of Mescheder et al. 2018 (arXiv:1801.04406).
    """
    pictures = torch.cat((shown.real, shown.drawn)).requires_grad_()
    scores = critic(pictures, shown.sentences.repeat(2, 1))
    real, drawn = scores.chunk(2)
    slopes_real, slopes_drawn = _squared_slopes(scores, pictures).chunk(2)
    penalty = weight / 2 * (slopes_real.mean() + slopes_drawn.mean())
    return functional.softplus(drawn - real).mean() + penalty


def _relativistic_generator(critic: Scorer, shown: Round) -> torch.Tensor:
    """Be scored above the real picture beside (arXiv:2501.05441, eq. 2)."""
    real = critic(shown.real, shown.sentences)
    drawn = critic(shown.drawn, shown.sentences)
    return functional.softplus(real - drawn).mean()


def _squared_slopes(scores: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """(B,): the squared length of each score's gradient by its picture, to be differentiated."""
    (slopes,) = torch.autograd.grad(scores.sum(), pictures, create_graph=True)
    return slopes.square().sum(dim=(1, 2, 3))


def with_fixed_weights(critic: nn.Module) -> Callable[..., torch.Tensor]:
    """The critic as its opponent sees it: its weights get no gradient, which saves a third."""
    weights = {name: parameter.detach() for name, parameter in critic.named_parameters()}

    def score(*shown: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = functional_call(critic, weights, shown)
        return found

    return score


def annealed(start: float, end: float, *, step: int, num_steps: int) -> float:
    """Half a cosine from `start` to `end` in `num_steps`, then `end` (arXiv:2501.05441)."""
    share = min(1.0, step / num_steps)
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


GAMES: Mapping[str, Game] = {
    "non-saturating": Game(
        "binary cross-entropy, not saturating",
        _non_saturating_critic,
        _non_saturating_generator,
        ("arXiv:1406.2661", "arXiv:1511.06434"),
    ),
    "wasserstein": Game(
        "Wasserstein distance with a gradient penalty",
        _wasserstein_critic,
        _wasserstein_generator,
        ("arXiv:1701.07875", "arXiv:1704.00028"),
    ),
    "relativistic": Game(
        "relativistic pairs with R1 and R2",
        _relativistic_critic,
        _relativistic_generator,
        ("arXiv:2501.05441", "arXiv:1807.00734", "arXiv:1801.04406"),
    ),
}
