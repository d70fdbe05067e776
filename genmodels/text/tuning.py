"""Going on with a trained network on other text: its output layers, low-rank differences, or all.

Howard and Ruder 2018 (arXiv:1801.06146) and Hu et al. 2021 (arXiv:2106.09685) describe what is
gained: less is forgotten and less is computed the less is moved, and less can be learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint, fill_network
from genmodels.contract import Card, Metric
from genmodels.course import Course, Player, Recipe
from genmodels.nn.low_rank import LowRank

#: The ways to tune: what moves, and at which full rate.
HEAD, LORA, ALL = "head", "lora", "all"
WAYS = (HEAD, LORA, ALL)
_RATES = {HEAD: 2e-3, LORA: 2e-3, ALL: 3e-4}
_RANK = 8
_SCALE = 16.0


class TunableCourse(Course, Protocol):
    """A course of a network over tokens, opened with the vocabulary of a checkpoint."""

    def output_parameters(self) -> Sequence[nn.Parameter]:
        """Of the last layers of the network, which turn its states into scores."""
        ...


class TuningCourse:
    """Another course whose network begins as a checkpoint and of which `way` says what moves.

    Raises UnableToLoadCheckpoint where the checkpoint is of other sizes than the course's preset.
    """

    def __init__(self, course: TunableCourse, start: Checkpoint, *, way: str) -> None:
        if way not in WAYS:
            raise ValueError(f"no way to train {way!r}; there are {', '.join(WAYS)}")
        self._course = course
        self._start = start.card.slug
        self._way = way
        # What training carries along is no part of a checkpoint.
        fill_network(course.ship(course.network), start)
        self._parameters = self._chosen()
        moving = {id(each) for each in self._parameters}
        for parameter in course.network.parameters():
            parameter.requires_grad = id(parameter) in moving

    def _chosen(self) -> tuple[nn.Parameter, ...]:
        match self._way:
            case "head":
                return tuple(self._course.output_parameters())
            case "lora":
                return tuple(
                    parameter
                    for name, parameter in self._course.network.named_parameters()
                    if parameter.ndim == 2 and not _is_table(name)
                )
            case _:
                return tuple(self._course.network.parameters())

    @property
    def slug(self) -> str:
        return f"{self._course.slug}-{self._way}"

    @property
    def recipe(self) -> Recipe:
        return self._course.recipe

    @property
    def network(self) -> nn.Module:
        return self._course.network

    def players(self) -> Sequence[Player]:
        """One, over what moves."""
        rate = _RATES[self._way]
        optimizer: torch.optim.Optimizer
        if self._way == LORA:
            optimizer = LowRank(
                self._parameters, lr=rate, rank=_RANK, scale=_SCALE, seed=self.recipe.seed
            )
        else:
            optimizer = torch.optim.AdamW(
                self._parameters, lr=rate, betas=(0.9, 0.99), weight_decay=0.0
            )
        return (Player(self._parameters, (optimizer,)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Those of the course."""
        return self._course.losses(random)

    def ship(self, network: nn.Module) -> nn.Module:
        """What the course ships; differences are in the weights already."""
        return self._course.ship(network)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """As the course does."""
        return self._course.validate(network)

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """As the course does."""
        return self._course.alarms(network)

    def figures(self) -> Mapping[str, float]:
        """As the course does."""
        return self._course.figures()

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """As the course does."""
        return self._course.measure(network)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The course's card, which also says where the network began and what moved."""
        tuning = {"from": self._start, "train": self._way}
        if self._way == LORA:
            tuning["rank"] = str(_RANK)
        card = self._course.card(
            weights_sha256=weights_sha256,
            metrics=metrics,
            training={**training, "tuning": tuning},
            commit=commit,
        )
        return replace(card, slug=self.slug, name=f"{card.name} ({self._way})")


def _is_table(name: str) -> bool:
    """Whether a parameter has a row for each token; those are looked up, not multiplied."""
    return name.rpartition(".")[2] in {"embedding", "head"}
