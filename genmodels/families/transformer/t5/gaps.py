"""Spans of a text replaced by gaps, and what was in them (Raffel et al. 2019, section 3.1.4).

A source "A man ___ is riding ___ down" has one gap token for each gap; the target lists the gaps
in order, each followed by the pieces that are missing there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmodels.text.blanks import encode_blanks, fill_blanks
from genmodels.text.byte_pairs import END, NUM_GAPS, BytePairs

_MEAN_SPAN = 3
_MISSING_SHARE = 0.2


def make_gaps(
    pieces: Sequence[int], vocabulary: BytePairs, random: torch.Generator
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Source and target of a text in which about a fifth is missing, in spans of whole words.

    Spans begin and end where words do, since people leave out words.
    """
    starts = [place for place, piece in enumerate(pieces) if vocabulary.starts_word(piece)]
    starts = starts or [0]
    ends = [*starts[1:], len(pieces)]
    wanted = max(1, round(_MISSING_SHARE * len(starts)))
    missing: set[int] = set()
    for _ in range(NUM_GAPS):
        if len(missing) >= wanted:
            break
        length = int(torch.randint(1, 2 * _MEAN_SPAN, (), generator=random))
        length = min(length, wanted - len(missing))
        first = int(torch.randint(len(starts), (), generator=random))
        missing.update(range(first, min(first + length, len(starts))))
    source: list[int] = list(pieces[: starts[0]])
    target: list[int] = []
    gap = -1
    for word, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if word not in missing:
            source.extend(pieces[start:end])
            continue
        if word - 1 not in missing:
            gap += 1
            source.append(vocabulary.gap(gap))
            target.append(vocabulary.gap(gap))
        target.extend(pieces[start:end])
    return tuple(source), (*target, END)


def encode_gaps(text: str, vocabulary: BytePairs) -> list[int]:
    """The pieces of a text with a gap token for each of at most NUM_GAPS blanks."""
    return encode_blanks(text, vocabulary.encode, vocabulary.gap)


def fill_gaps(text: str, written: Sequence[int], vocabulary: BytePairs) -> str:
    """The text with what was written for each gap in the place of its blank."""
    fillings: list[list[int]] = []
    gaps = [vocabulary.gap(number) for number in range(NUM_GAPS)]
    for token in written:
        if token in gaps:
            fillings.append([])
        elif fillings:
            fillings[-1].append(token)
    return fill_blanks(text, [vocabulary.decode(filling) for filling in fillings])
