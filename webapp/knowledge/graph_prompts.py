"""What a generation brings into the graph: the things that its prompt asks for, and its recipe.

Checkpoint, family, tags and changed parameters stand nowhere in the prompt, so the whole prompt is
the place that they are cited by: it is what was made with them.
"""

from __future__ import annotations

from collections.abc import Iterator

from webapp.generations.models import Generation
from webapp.knowledge.entities_extraction import ExtractedText, extract
from webapp.knowledge.entities_names import survey_words
from webapp.knowledge.entities_prompts import find_prompt_terms
from webapp.knowledge.entities_relations import Statement
from webapp.knowledge.entities_spans import Span
from webapp.knowledge.entities_words import EntityKind

MADE_WITH = "made with"


def extract_from_prompt(prompt: str, *, generation: Generation) -> ExtractedText:
    """The names or the noun phrases of a prompt, and what the generation was made with.

    A prompt for text is prose and read for names; any other is a caption.
    """
    if generation.checkpoint.modality == "text":
        read = extract(prompt, words=survey_words([prompt]), with_statements=False)
        asked, same = read.mentions, read.same
    else:
        asked, same = tuple(find_prompt_terms(prompt)), ()
    recipe = tuple(_recipe(prompt, generation))
    checkpoint = recipe[0]
    statements = tuple(
        Statement(span, MADE_WITH, checkpoint, 0, len(prompt), 1.0)
        for span in asked
        if span.kind == EntityKind.TERM
    )
    return ExtractedText(mentions=(*asked, *recipe), statements=statements, same=same)


def _recipe(prompt: str, generation: Generation) -> Iterator[Span]:
    """The checkpoint first, then its family, the tags, and the parameters that are not default."""
    checkpoint = generation.checkpoint
    yield Span(0, len(prompt), EntityKind.CHECKPOINT, checkpoint.slug)
    yield Span(0, len(prompt), EntityKind.FAMILY, checkpoint.family)
    for tag in generation.tags:
        yield Span(0, len(prompt), EntityKind.TAG, tag)
    for parameter in checkpoint.card.parameters:
        value = generation.parameters.get(parameter.name, parameter.default)
        if value != parameter.default and value not in {"", None}:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            yield Span(0, len(prompt), EntityKind.SETTING, f"{parameter.label} {shown}"[:200])
