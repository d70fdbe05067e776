"""One request for many generations: prompts x swept parameters x seeds."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genmodels.contract import (
    MAX_SEED,
    Card,
    Fault,
    GenerationRequest,
    InputFacts,
    InvalidRequest,
    Scalar,
    resolve_request,
)
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import AUTO
from webapp.generations.requests import SubmitRequest, draw_seed

#: The most generations that one request makes.
MAX_GENERATIONS = 256


@dataclass(frozen=True)
class BatchRequest:
    """A wish for many generations, not yet checked against the cards of checkpoints.

    `each` holds what they have in common, and its prompt and seed those of the first. Sweeps are
    crossed with each other, in their order, and with `prompts`; `n` generations of every
    combination have the seeds that follow each other, the same for all combinations, so that
    along every axis one thing changes.
    """

    each: SubmitRequest
    prompts: tuple[str, ...]
    n: int = 1
    sweep: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many generations it makes."""
        return len(self.prompts) * self.n * math.prod(map(len, self.sweep.values()))


@dataclass(frozen=True)
class Cell:
    """One generation of a batch, checked."""

    wish: GenerationRequest
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Expansion:
    """A batch, checked: its axes, and its cells with the last axis changing fastest."""

    axes: tuple[tuple[str, tuple[Scalar, ...]], ...]
    cells: tuple[Cell, ...]

    def axes_as_json(self) -> list[dict[str, Any]]:
        """The axes as they are stored and shown."""
        return [{"name": name, "values": list(values)} for name, values in self.axes]


def size_faults(request: BatchRequest) -> list[Fault]:
    """What is wrong with its size, to be asked before anything else is done with it."""
    if not request.prompts:
        return [Fault("/prompts", "too_few", "must have at least one prompt")]
    empty = [name for name, values in request.sweep.items() if not values]
    if empty:
        return [
            Fault(_sweep_pointer(name), "too_few", "must have at least one value")
            for name in empty
        ]
    if request.total > MAX_GENERATIONS:
        detail = f"this makes {request.total} generations; at most {MAX_GENERATIONS} may be made"
        return [Fault("", "too_many", detail)]
    return []


def expand(
    request: BatchRequest,
    checkpoints: Sequence[Checkpoint],
    inputs: Mapping[str, InputFacts] | None = None,
) -> Expansion:
    """Check the request against the checkpoint of each prompt, and write out its cells.

    All cells start from the same files, of which `inputs` are the facts.

    Raises InvalidRequest with all faults; pointers are those of the REST body.
    """
    seed = draw_seed() if request.each.seed is None else request.each.seed
    faults = list(_circumstantial_faults(request, seed))
    # Faults of common parameters are the same for each prompt: a dict tells them once.
    common: dict[Fault, None] = {}
    wishes = []
    for place, (prompt, checkpoint) in enumerate(zip(request.prompts, checkpoints, strict=True)):
        try:
            wishes.append(
                resolve_request(
                    checkpoint.card,
                    prompt=prompt,
                    parameters=request.each.params,
                    seed=min(seed, MAX_SEED),
                    inputs=inputs,
                )
            )
        except InvalidRequest as error:
            common.update(dict.fromkeys(_with_place(error.faults, place, request)))
    faults += common
    swept: list[tuple[str, tuple[Scalar, ...]]] = []
    for name, values in request.sweep.items():
        parsed, wrong = _parse_sweep(checkpoints[0].card, name, values)
        faults += wrong
        swept.append((name, parsed))
    if faults:
        raise InvalidRequest(faults)
    seeds = tuple(range(seed, seed + request.n))
    axes = (("prompt", request.prompts), *swept, ("seed", seeds))
    return Expansion(axes, tuple(_cells(wishes, checkpoints, swept, seeds)))


def _circumstantial_faults(request: BatchRequest, seed: int) -> Iterator[Fault]:
    if seed + request.n - 1 > MAX_SEED:
        yield Fault("/seed", "out_of_range", f"its last seed must not be over {MAX_SEED}")
    if request.sweep and request.each.model == AUTO:
        yield Fault("/model", "required", "name the model whose parameters are swept")
    for name in request.sweep:
        if name in request.each.params:
            detail = "is given one value in params and several here: leave one of them out"
            yield Fault(_sweep_pointer(name), "conflict", detail)


def _with_place(faults: Sequence[Fault], place: int, request: BatchRequest) -> Iterator[Fault]:
    """Faults of one prompt of several point at that one."""
    for fault in faults:
        if fault.pointer == "/prompt" and len(request.prompts) > 1:
            yield dataclasses.replace(fault, pointer=f"/prompts/{place}")
        else:
            yield fault


def _parse_sweep(
    card: Card, name: str, values: Sequence[object]
) -> tuple[tuple[Scalar, ...], list[Fault]]:
    parameter = next((each for each in card.parameters if each.name == name), None)
    if parameter is None:
        offered = ", ".join(each.name for each in card.parameters) or "none"
        detail = f"{card.slug} has no such parameter; it has: {offered}"
        return (), [Fault(_sweep_pointer(name), "unknown_parameter", detail)]
    parsed: list[Scalar] = []
    faults = []
    for place, value in enumerate(values):
        pointer = f"{_sweep_pointer(name)}/{place}"
        try:
            scalar = parameter.parse(value)
        except ValueError as error:
            faults.append(Fault(pointer, "invalid_parameter", str(error)))
            continue
        if scalar in parsed:
            faults.append(Fault(pointer, "repeated", f"{scalar} comes twice"))
        parsed.append(scalar)
    return tuple(parsed), faults


def _cells(
    wishes: Sequence[GenerationRequest],
    checkpoints: Sequence[Checkpoint],
    swept: Sequence[tuple[str, tuple[Scalar, ...]]],
    seeds: Sequence[int],
) -> Iterator[Cell]:
    names = [name for name, _ in swept]
    for wish, checkpoint in zip(wishes, checkpoints, strict=True):
        for values in itertools.product(*(values for _, values in swept)):
            parameters = {**wish.parameters, **dict(zip(names, values, strict=True))}
            for seed in seeds:
                cell = dataclasses.replace(wish, parameters=parameters, seed=seed)
                yield Cell(cell, checkpoint)


def _sweep_pointer(name: str) -> str:
    return f"/sweep/{name.replace('~', '~0').replace('/', '~1')}"
