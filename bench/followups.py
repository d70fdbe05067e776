"""What the rules for follow-up questions are worth, on a SQuAD 2.0 sample.

    python -m bench.followups --data FOLDER

Two questions about one paragraph that share a name make a conversation: the name is taken out of
the second and "it" put in its place. Searched for are the second question as it was (the most that
any rewriting could reach), with "it", and as the rules make it stand alone from the first question
and the quotes that answered that. Counted is how often the paragraph comes first, and how often
the best three quotes hold the gold answer. One number of the rules, how many words of its own make
a question stand alone, was chosen on the two halves of the articles, which agreed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.databases import temporary_site
from bench.loading import make_author, make_sources, store_segments
from bench.remembering import RememberingEmbedder

_NAME = re.compile(r"(?<=\s)(?:the |The )?((?:[A-Z0-9][\w.-]*)(?: [A-Z0-9][\w.-]*)*)(['’]s)?")


@dataclass(frozen=True)
class FollowUp:
    """A question and the one after it, whole and with a pronoun, with the gold of the latter."""

    first: str
    whole: str
    pointing: str
    answers: tuple[str, ...]
    paragraph: int


def read_follow_ups(path: Path) -> tuple[list[tuple[str, str]], list[FollowUp]]:
    """All paragraphs with the titles of their articles, and the pairs that share a name."""
    paragraphs: list[tuple[str, str]] = []
    found: list[FollowUp] = []
    for article in json.loads(path.read_text("utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            rows = [row for row in paragraph["qas"] if not row["is_impossible"]]
            for first, second in itertools.pairwise(rows):
                pointing = _point(first["question"], second["question"])
                if pointing is not None:
                    answers = tuple(answer["text"] for answer in second["answers"])
                    found.append(
                        FollowUp(
                            first["question"],
                            second["question"],
                            pointing,
                            answers,
                            len(paragraphs),
                        )
                    )
            paragraphs.append((article["title"].replace("_", " "), paragraph["context"]))
    return paragraphs, found


def _point(first: str, second: str) -> str | None:
    """The second question with a pronoun for the first name that both have; None without one."""
    for match in _NAME.finditer(second):
        name = match[1].rstrip(".?")
        if len(name) > 2 and not name.isdigit() and name in first:
            end = match.start(1) + len(name)
            rest = second[end:]
            owns = rest.startswith(("'s", "’s"))
            return (
                f"{second[: match.start()]}{'its' if owns else 'it'}{rest[2:] if owns else rest}"
            )
    return None


def main() -> None:
    """Print the shares for each way of searching."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PINAKES_DATA", "data")))
    arguments = parser.parse_args()
    path = arguments.data / "squad_dev_sample" / "squad_dev_sample.json"
    paragraphs, follow_ups = read_follow_ups(path)
    with temporary_site():
        measure(paragraphs, follow_ups)


def measure(paragraphs: Sequence[tuple[str, str]], follow_ups: Sequence[FollowUp]) -> None:
    """Load the paragraphs, put the questions, and print what was found."""
    from genmodels.embedding import load_embedder
    from webapp.grounding.answerers import Exchange
    from webapp.grounding.followups import rewrite_by_rules
    from webapp.grounding.operations import ask
    from webapp.grounding.queries import read_answer

    embedder = RememberingEmbedder(load_embedder())
    user, origins = _load(paragraphs, embedder)
    came_first: dict[str, list[bool]] = {}
    was_held: dict[str, list[bool]] = {}
    changed = 0
    for each in follow_ups:
        before = read_answer(
            user=user, answer=ask(user=user, question=each.first, embedder=embedder)
        )
        topics = tuple(dict.fromkeys(citation.heading for citation in before.citations))
        history = [Exchange(each.first, "", before.text, topics)]
        rewritten = rewrite_by_rules(each.pointing, history)
        changed += rewritten != each.pointing
        for way, query in (
            ("as it was", each.whole),
            ("with it", each.pointing),
            ("by the rules", rewritten),
        ):
            first, held = _look(user, query, each, origins, embedder)
            came_first.setdefault(way, []).append(first)
            was_held.setdefault(way, []).append(held)
    print(f"{len(follow_ups)} follow-ups, {changed} changed by the rules")
    for way, shares in came_first.items():
        print(
            f"{way}: paragraph first {statistics.fmean(shares):.3f}, gold answer within the best "
            f"three quotes {statistics.fmean(was_held[way]):.3f}"
        )


def _load(paragraphs: Sequence[tuple[str, str]], embedder: Any) -> tuple[Any, dict[int, int]]:
    """Store every paragraph under its article's title; by ordinal of a passage its paragraph."""
    from webapp.search.segments import Segment, cut_into_segments

    [source] = make_sources(make_author("bench"), ["bench"])
    segments: list[Segment] = []
    origins: dict[int, int] = {}
    for number, (title, text) in enumerate(paragraphs):
        for piece in cut_into_segments(text):
            origins[len(segments)] = number
            segments.append(Segment(piece.text, piece.start, piece.end, heading=title))
    store_segments(source, segments, embedder=embedder)
    return source.owner, origins


def _look(
    user: Any, query: str, each: FollowUp, origins: dict[int, int], embedder: Any
) -> tuple[bool, bool]:
    """Whether the paragraph comes first, and whether a gold answer is in the best three quotes."""
    from webapp.grounding.operations import DEFAULT_PASSAGES, rank_answers
    from webapp.search.queries import hybrid_search

    hits = hybrid_search(
        user=user,
        query=query,
        limit=DEFAULT_PASSAGES,
        per_origin=DEFAULT_PASSAGES,
        embedder=embedder,
    ).hits
    ranked = rank_answers(question=query, hits=hits, embedder=embedder)
    quotes = [row.sentence.text.casefold() for row in ranked[:3]]
    held = any(answer.casefold() in quote for answer in each.answers for quote in quotes)
    return bool(hits) and origins[hits[0].ordinal] == each.paragraph, held


if __name__ == "__main__":
    main()
