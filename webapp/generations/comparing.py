"""One prompt to several models: a batch whose generations differ by the model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from genmodels.contract import MAX_SEED, Fault, InvalidRequest, resolve_request
from webapp.catalog.models import Checkpoint
from webapp.catalog.queries import UnableToFindCheckpoint, get_checkpoint
from webapp.generations.batching import Cell, Expansion
from webapp.generations.requests import SubmitRequest, draw_seed

MIN_MODELS, MAX_MODELS = 2, 12

#: In place of slugs: of every family the model that suits the prompt best.
FAMILIES_WISH: Literal["families"] = "families"


@dataclass(frozen=True)
class ComparisonRequest:
    """A wish to see what several models make of one prompt, each with its usual parameters.

    `each` holds what the generations have in common. With `same_seed` all have its seed, otherwise
    those that follow each other. With `is_blind` nobody is told who made what before voting.
    """

    each: SubmitRequest
    models: tuple[str, ...] | Literal["families"]
    same_seed: bool = True
    is_blind: bool = False


def find_models(slugs: Sequence[str]) -> tuple[list[Checkpoint | None], list[Fault]]:
    """The checkpoint of each slug, None where it cannot be used, and what is wrong with each."""
    faults = []
    if len(slugs) < MIN_MODELS:
        faults.append(Fault("/models", "too_few", f"name at least {MIN_MODELS} models"))
    if len(slugs) > MAX_MODELS:
        faults.append(Fault("/models", "too_many", f"name at most {MAX_MODELS} models"))
    found: list[Checkpoint | None] = []
    for place, slug in enumerate(slugs[:MAX_MODELS]):
        found.append(None)
        pointer = f"/models/{place}"
        if slug in slugs[:place]:
            faults.append(Fault(pointer, "repeated", f"{slug} comes twice"))
            continue
        try:
            checkpoint = get_checkpoint(slug)
        except UnableToFindCheckpoint:
            faults.append(Fault(pointer, "unknown_model", f"there is no model {slug!r}"))
            continue
        if checkpoint.usable:
            found[place] = checkpoint
        else:
            detail = f"{checkpoint.name}: {checkpoint.why_unusable}"
            faults.append(Fault(pointer, "unavailable", detail))
    return found, faults


def expand_comparison(
    request: ComparisonRequest, checkpoints: Sequence[Checkpoint | None]
) -> Expansion:
    """Check the prompt against the card of each model, and write out one cell for each.

    None stands for a model that was not found, of which the caller tells.

    Raises InvalidRequest with all faults; what one model alone refuses points at that model.
    """
    seed = draw_seed() if request.each.seed is None else request.each.seed
    last = seed if request.same_seed else seed + len(checkpoints) - 1
    faults: dict[Fault, None] = {}
    if last > MAX_SEED:
        detail = f"its last seed must not be over {MAX_SEED}"
        faults[Fault("/seed", "out_of_range", detail)] = None
    cells = []
    for place, checkpoint in enumerate(checkpoints):
        if checkpoint is None:
            continue
        own_seed = min(seed if request.same_seed else seed + place, MAX_SEED)
        try:
            wish = resolve_request(
                checkpoint.card, prompt=request.each.prompt, parameters={}, seed=own_seed
            )
        except InvalidRequest as error:
            faults.update(dict.fromkeys(_of_model(error.faults, place, checkpoint)))
            continue
        cells.append(Cell(wish, checkpoint))
    if faults:
        raise InvalidRequest(list(faults))
    axes: list[tuple[str, tuple[str | int, ...]]] = [
        ("model", tuple(cell.checkpoint.slug for cell in cells)),
        ("prompt", (request.each.prompt,)),
    ]
    if request.same_seed:
        axes.append(("seed", (seed,)))
    return Expansion(tuple(axes), tuple(cells))


def _of_model(faults: Sequence[Fault], place: int, checkpoint: Checkpoint) -> Iterator[Fault]:
    """An empty prompt is every model's fault and told once; what else, of the one it concerns."""
    for fault in faults:
        if fault.pointer == "/prompt" and fault.code in {"required", "invalid_character"}:
            yield fault
        else:
            what = fault.pointer.removeprefix("/").replace("/", " ")
            detail = f"{checkpoint.name} cannot take it: {what} {fault.detail}"
            yield dataclasses.replace(fault, pointer=f"/models/{place}", detail=detail)
