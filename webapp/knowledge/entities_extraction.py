"""What a piece of text names and says, as exact places in it. Rules only: no model, no download.

A change of what comes out needs a new EXTRACTOR_VERSION; passages that an older one read are then
read again in the background (`graph_operations.fill_graph`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from webapp.knowledge.entities_names import NOUNS_HAVE_CAPITALS, DocumentWords, find_names
from webapp.knowledge.entities_patterns import KINDS_OF
from webapp.knowledge.entities_relations import Statement, find_statements
from webapp.knowledge.entities_spans import (
    Span,
    find_acronyms,
    find_dates,
    find_quantities,
    find_titles,
)
from webapp.knowledge.entities_words import MAX_NAME_LENGTH, NOT_NAMES, EntityKind

EXTRACTOR = "rules"
EXTRACTOR_VERSION = 1

#: A passage has at most 900 characters; one that names more than this is a table or a list.
MAX_MENTIONS = 80

_HEADING_PARTS = " › "
_PLAIN_HEADING = re.compile(r"[^\W\d_][\w’' -]{2,50}")


@dataclass(frozen=True)
class ExtractedText:
    """What was found; spans are sorted by their place, and `same` pairs short form and long."""

    mentions: tuple[Span, ...]
    statements: tuple[Statement, ...]
    same: tuple[tuple[Span, Span], ...]


def extract(
    text: str,
    *,
    words: DocumentWords,
    heading: str = "",
    language: str = "",
    with_statements: bool = True,
) -> ExtractedText:
    """Read one passage of a document of which `words` tells how it writes its words.

    The sentence patterns are English and find nothing in other languages.
    """
    taken: list[Span] = []
    pairs: list[tuple[Span, Span]] = []
    for acronym in find_acronyms(text):
        kind = EntityKind.NAME if acronym.is_name else EntityKind.TERM
        long, short = Span(*acronym.long, kind), Span(*acronym.short, kind)
        taken += _free([long, short], taken)
        pairs.append((short, long))
    for find in (find_titles, find_dates, find_quantities):
        taken += _free(find(text), taken)
    if language not in NOUNS_HAVE_CAPITALS:
        names = list(find_names(text, words=words, taken=[]))
        # The words decide what an expansion is; its place was decided by the acronym.
        kinds = {(span.start, span.end): span.kind for span in names}
        taken = [Span(span.start, span.end, kinds.get((span.start, span.end), span.kind))
                 if span.kind == EntityKind.NAME else span for span in taken]  # fmt: skip
        taken += _free(names, taken)
    taken += _free(_heading_terms(text, heading), taken)
    known = {(span.start, span.end): span for span in taken}
    mentions = sorted(known.values(), key=lambda span: span.start)
    statements: tuple[Statement, ...] = ()
    if with_statements:
        statements = tuple(find_statements(text, mentions))
        for statement in statements:
            hints = KINDS_OF.get(statement.predicate, (None, None))
            for span, hint in zip((statement.subject, statement.object), hints, strict=True):
                place = (span.start, span.end)
                seen = known.setdefault(place, span)
                if hint is not None and seen.kind == EntityKind.NAME:
                    known[place] = Span(*place, hint)
    ordered = sorted(known.values(), key=lambda span: (span.start, span.end))
    kept = [span for span in ordered if span.end - span.start <= MAX_NAME_LENGTH]
    inside = {(span.start, span.end) for span in kept[:MAX_MENTIONS]}
    return ExtractedText(
        mentions=tuple(kept[:MAX_MENTIONS]),
        statements=tuple(
            replace(
                each,
                subject=known[each.subject.start, each.subject.end],
                object=known[each.object.start, each.object.end],
            )
            for each in statements
            if {(each.subject.start, each.subject.end), (each.object.start, each.object.end)}
            <= inside
        ),
        same=tuple(
            (known[short.start, short.end], known[long.start, long.end])
            for short, long in pairs
            if {(short.start, short.end), (long.start, long.end)} <= inside
        ),
    )


def _free(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """Those of the spans that overlap nothing taken, nor each other."""
    found: list[Span] = []
    for span in spans:
        if not any(span.start < each.end and each.start < span.end for each in (*taken, *found)):
            found.append(span)
    return found


def _heading_terms(text: str, heading: str) -> list[Span]:
    """Where the text uses the words of the innermost heading that it stands under."""
    title = heading.rpartition(_HEADING_PARTS)[2].strip()
    if not _PLAIN_HEADING.fullmatch(title) or title.lower() in NOT_NAMES or len(title.split()) > 4:
        return []
    pattern = re.compile(rf"(?<!\w){re.escape(title)}(?!\w)", re.IGNORECASE)
    return [Span(match.start(), match.end(), EntityKind.TERM) for match in pattern.finditer(text)]
