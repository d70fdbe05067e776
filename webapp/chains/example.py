"""A chain to begin with: it shows how text and pictures go from step to step."""

from __future__ import annotations

from webapp.accounts.models import User
from webapp.catalog.queries import list_checkpoints
from webapp.chains.definitions import Asked, Definition, FileSource, Source, Step
from webapp.chains.models import Chain
from webapp.chains.operations import ChainWish, UnableToNameChain, VersionWish, create_chain

_WRITER, _DRAWER = "gpt-shakespeare", "flow-fashion"
NAME = "A garment in verse and in pictures"
_DESCRIPTION = (
    "Hamlet speaks of a garment, it is drawn with his words, and the drawing is varied: "
    "three steps, two models, one thing to say."
)

_GARMENT = Source("input", "garment")
_DEFINITION = Definition(
    inputs=(Asked("garment", "an ankle boot with a heel"),),
    steps=(
        Step(
            name="Verse",
            model=_WRITER,
            text="HAMLET:\nBehold, I wear {{garment}},",
            params={"max_new_tokens": 80},
            variables={"garment": _GARMENT},
        ),
        Step(
            name="Drawing",
            model=_DRAWER,
            text="{{garment}}, {{verse}}",
            variables={"garment": _GARMENT, "verse": Source("step", "Verse", "first_line")},
        ),
        Step(
            name="Variation",
            model=_DRAWER,
            text="{{garment}}",
            params={"task": "vary"},
            variables={"garment": _GARMENT},
            inputs={"image": FileSource("step", "Drawing")},
        ),
    ),
)


def is_possible() -> bool:
    """Whether the models of the example can be used here."""
    usable = {row.slug for row in list_checkpoints() if row.usable}
    return {_WRITER, _DRAWER} <= usable


def create_example(*, owner: User) -> Chain:
    """Make the example; again gives the one that is there. Raises InvalidRequest."""
    try:
        return create_chain(
            owner=owner, wish=ChainWish(NAME, _DESCRIPTION), steps=VersionWish(_DEFINITION)
        )
    except UnableToNameChain:
        return Chain.objects.get(owner=owner, name__iexact=NAME, trashed_at__isnull=True)
