"""What more can be made of results in a network's space of latents: ways, walks, variations.

Families call these things differently: a `task` of one is what another can `show`. Which of them a
checkpoint offers is read from its card, here and nowhere else, and comes out as a filled Studio
that only needs to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from genmodels.contract import Card, Parameter
from webapp.catalog.models import Checkpoint
from webapp.generations.composing import Draft
from webapp.generations.input_fields import picture_of
from webapp.generations.inputs import InputReference
from webapp.generations.models import Artifact, Generation

INTERPOLATE = "interpolate"
WALK = "walk"
VARY = "vary"
SHIFT = "shift"

#: Tools for one result, in the words of their buttons.
WORDS: Mapping[str, str] = MappingProxyType(
    {WALK: "Walk from this", VARY: "Vary this", SHIFT: "Shift to something else"}
)

#: By which parameter and choice cards offer a tool; the first that a card has counts.
_OFFERS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        INTERPOLATE: (("task", "interpolate"), ("show", "journey")),
        WALK: (("task", "walk"), ("show", "walk")),
        VARY: (("task", "vary"), ("task", "sample"), ("show", "pictures")),
        SHIFT: (("task", "shift"), ("show", "shift")),
    }
)

#: How many pictures a way or a set of variations has, where the card lets one choose.
_NUM_PICTURES: Mapping[str, int] = MappingProxyType({INTERPOLATE: 8, WALK: 8, VARY: 4, SHIFT: 5})

#: What cards say of networks that find the latents of a picture, and of ways between two.
_ENCODES, _BLENDS = "reconstruction", "interpolation"
#: What cards say of networks that draw from latents, so that a seed leads back to a picture.
_DRAWS = "text-to-image"


@dataclass(frozen=True)
class LatentTool:
    """One button: `take` is what the Studio's address calls it."""

    take: str
    words: str


def list_tools(generation: Generation) -> tuple[LatentTool, ...]:
    """What can be made of this result, which must come `with_details`, by its own model."""
    return tuple(
        LatentTool(take, words)
        for take, words in WORDS.items()
        if draft_tool(take, generation) is not None
    )


def draft_tool(take: str, generation: Generation) -> Draft | None:
    """The Studio filled for one result and its own model; None where that cannot be.

    From a network that encodes, the way begins at the picture itself. From others it begins at
    the latents that the seed draws, which gives the same picture again.
    """
    checkpoint = generation.checkpoint
    setting = _setting(checkpoint.card, take)
    picture = picture_of(generation)
    if setting is None or picture is None or not checkpoint.usable:
        return None
    changes: dict[str, Any] = {**setting}
    inputs: dict[str, str] = {}
    starts_from_it = _starts_from_pictures(checkpoint.card, take)
    if starts_from_it:
        if not shows_one_picture(generation) or not _takes(checkpoint.card, picture):
            return None
        inputs = {"image": _reference(picture)}
    elif take != WALK or generation.inputs or _DRAWS not in checkpoint.card.tasks:
        return None
    if take == SHIFT:
        changes["towards"] = _another(checkpoint.card, generation.prompt)
    return _fill(take, checkpoint, generation, changes, inputs)


def draft_interpolation(
    first: Generation, last: Generation, checkpoints: Iterable[Checkpoint]
) -> Draft | None:
    """The Studio filled for the way from one result to another; None where no model can.

    The model of the first goes before others. All must have learned from the same kind of
    pictures, or the way would lead through what neither is.
    """
    start, end = picture_of(first), picture_of(last)
    if start is None or end is None:
        return None
    if _subject(first.checkpoint.card) != _subject(last.checkpoint.card):
        return None
    if not (shows_one_picture(first) and shows_one_picture(last)):
        return None
    inputs = {"image": _reference(start), "end": _reference(end)}
    for row, setting in _blenders(first, checkpoints):
        if _takes(row.card, end, name="end"):
            return _fill(INTERPOLATE, row, first, setting, inputs)
    return None


def may_interpolate(first: Generation, checkpoints: Iterable[Checkpoint]) -> bool:
    """Whether some model can lead from this result to another one."""
    return shows_one_picture(first) and any(True for _ in _blenders(first, checkpoints))


def ends_of_ways(first: Generation, checkpoints: Iterable[Checkpoint]) -> frozenset[str]:
    """The slugs of the models whose pictures a way from this result can lead to."""
    subject = _subject(first.checkpoint.card)
    return frozenset(row.slug for row in checkpoints if _subject(row.card) == subject)


def _blenders(
    first: Generation, checkpoints: Iterable[Checkpoint]
) -> Iterator[tuple[Checkpoint, dict[str, str]]]:
    """The models that a way from this result can lead through, with what to set."""
    own, picture = first.checkpoint, picture_of(first)
    for row in sorted(checkpoints, key=lambda row: row.id != own.id):
        knows_its_kind = _subject(row.card) == _subject(own.card)
        takes_an_end = any(each.name == "end" for each in row.card.inputs)
        if not (row.usable and knows_its_kind and takes_an_end and _BLENDS in row.card.tasks):
            continue
        setting = _setting(row.card, INTERPOLATE)
        if setting and picture and _takes(row.card, picture):
            yield row, setting


def shows_one_picture(generation: Generation) -> bool:
    """Whether its file is one picture, not a sheet or a film strip of several."""
    if picture_of(generation) is None:
        return False
    given = generation.parameters
    return given.get("frames", 1) == 1 and given.get("show", "picture") in {"picture", "pictures"}


def _fill(
    take: str,
    checkpoint: Checkpoint,
    generation: Generation,
    changes: Mapping[str, Any],
    inputs: Mapping[str, str],
) -> Draft:
    known = {parameter.name: parameter for parameter in checkpoint.card.parameters}
    kept = generation.parameters if checkpoint.id == generation.checkpoint_id else {}
    params = {**kept, **changes}
    if "frames" in known:
        params["frames"] = _within(known["frames"], _NUM_PICTURES[take])
    return Draft(
        model=checkpoint.slug,
        prompt=generation.prompt,
        seed=str(generation.seed),
        keep_seed=True,
        reference=str(generation.id),
        params=params,
        inputs=dict(inputs),
    )


def _setting(card: Card, take: str) -> dict[str, str] | None:
    """The parameter that makes the card do this, with its value; None where nothing does."""
    choices = {parameter.name: parameter.choices for parameter in card.parameters}
    for name, value in _OFFERS.get(take, ()):
        if value not in choices.get(name, ()):
            continue
        # Pictures as such are shown by every card; they vary one only where one is encoded.
        if value != "pictures" or _ENCODES in card.tasks:
            return {name: value}
    return None


def _starts_from_pictures(card: Card, take: str) -> bool:
    """Whether this tool of the card takes the result as its input."""
    return _ENCODES in card.tasks or (take == VARY and _setting(card, VARY) == {"task": "vary"})


def _takes(card: Card, picture: Artifact, *, name: str = "image") -> bool:
    return any(
        each.name == name and each.check(size=picture.size, media_type=picture.media_type) is None
        for each in card.inputs
    )


def _reference(picture: Artifact) -> str:
    return str(InputReference("artifact", picture.id))


def _subject(card: Card) -> str:
    """What its pictures are of; the checkpoint alone where its card does not tell."""
    return str(card.data.get("subject") or card.slug)


def _another(card: Card, prompt: str) -> str:
    """Something else that the model knows, to be changed at will."""
    others = (each for each in card.example_prompts if each != prompt)
    return next(others, "")


def _within(parameter: Parameter, number: int) -> int:
    least = number if parameter.minimum is None else max(number, int(parameter.minimum))
    return least if parameter.maximum is None else min(least, int(parameter.maximum))
