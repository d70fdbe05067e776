"""What a family offers to the training loop: a network, a loss, a validation and a card.

It lies below the families so that they can say what they need without knowing the loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypedDict

import torch
from torch import nn

from genmodels.contract import Card, Metric


@dataclass(frozen=True)
class Recipe:
    """The part of training that is the same for every family.

    The learning rates rise over the first `warmup` share of the budget, stay, and fall linearly to
    zero over the last `decay` share (Haegele et al. 2024, arXiv:2405.18392). After `patience`
    validations without a better figure the training ends early; 0 means never. An empty
    `precision` leaves the choice to a trial.
    """

    seed: int
    warmup: float
    decay: float
    clip_norm: float
    average_decay: float
    validate_every: int
    minutes: float
    patience: int = 0
    precision: str = ""


@dataclass(frozen=True)
class Player:
    """Weights that follow one loss, and the optimisers over them, at their full learning rates.

    Most courses have one; adversarial ones have two, whose losses pull against each other.
    """

    parameters: tuple[nn.Parameter, ...]
    optimizers: tuple[torch.optim.Optimizer, ...]


class Course(Protocol):
    """One preset of a family, opened on its data."""

    @property
    def slug(self) -> str: ...

    @property
    def recipe(self) -> Recipe: ...

    @property
    def network(self) -> nn.Module: ...

    def players(self) -> Sequence[Player]:
        """Whose turn it is in a step, in order, with fresh optimisers."""
        ...

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The loss of each player on a batch that is drawn with `random`.

        Each is asked for when the player before has made its update, and may need it.
        """
        ...

    def ship(self, network: nn.Module) -> nn.Module:
        """The part of a network like this one's that a checkpoint holds."""
        ...

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """Held-out figures of what ships; the first is what training minimises."""
        ...

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """What is wrong with what ships, in sentences: such as samples that are all alike."""
        ...

    def figures(self) -> Mapping[str, float]:
        """What the log shows of the training itself, beside losses and validation."""
        ...

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """All figures of what ships by their full protocols, which may take minutes."""
        ...

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The description that goes beside the weights."""
        ...


def adamw_over(
    network: nn.Module, *, rate: float, fused: bool | None = None
) -> tuple[Player, ...]:
    """The one player of most courses: AdamW over every weight of the network."""
    parameters = tuple(network.parameters())
    optimizer = torch.optim.AdamW(
        parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=fused
    )
    return (Player(parameters, (optimizer,)),)


class Preset(Protocol):
    """What the base class of courses needs of a family's preset."""

    @property
    def slug(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def recipe(self) -> Recipe: ...


class Described(TypedDict):
    """The fields of a card that a course of a family fills in, whatever it generates."""

    family: str
    architecture: str
    papers: tuple[str, ...]
    determinism: str
    weights_sha256: str
    metrics: tuple[Metric, ...]
    commit: str


class PresetCourse:
    """What the courses of all presets share.

    A preset is made for public data whose name ends its slug; on a person's own data both the
    slug and the name end with those. A family adds `network`, `players`, `losses`, `validate`,
    `measure` and `card`.
    """

    network: nn.Module

    def __init__(self, preset: Preset, *, made_for: str, data: str, title: str) -> None:
        self._preset = preset
        self.slug = preset.slug
        self.name = preset.name
        if data != made_for:
            ending = re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")
            self.slug = preset.slug.removesuffix(made_for) + (ending or "own")
            self.name = f"{preset.name.partition(',')[0]}, {title}"

    @property
    def recipe(self) -> Recipe:
        return self._preset.recipe

    def ship(self, network: nn.Module) -> nn.Module:
        """All of it; adversarial families leave their critics at home."""
        return network

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """None that the loss would not show."""
        del network
        return ()

    def figures(self) -> Mapping[str, float]:
        """Nothing that the losses and the validation would not show."""
        return {}
