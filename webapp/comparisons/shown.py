"""What pages show of comparisons; of a blind side, nothing but its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.accounts.models import User
from webapp.common.charts import Mark, Scale
from webapp.comparisons.models import Verdict
from webapp.comparisons.queries import RankedModel, Ranking
from webapp.comparisons.sides import Pair, Seen, Side
from webapp.generations.cards import GenerationCard, make_cards

#: The intervals of a ranking are drawn in this width, in units of the drawing.
BAR_WIDTH, _MARGIN = 260, 8

VERDICT_WORDS = {
    Verdict.FIRST: "{left} is better",
    Verdict.SECOND: "{right} is better",
    Verdict.TIE: "{left} and {right} are equal",
    Verdict.BOTH_BAD: "{left} and {right} are both bad",
}
_TASK_WORDS = {"image": "Pictures", "text": "Texts", "molecule": "Molecules", "music": "Tunes",
               "audio": "Sounds", "video": "Films",
               "mixed": "Results of different kinds"}  # fmt: skip


@dataclass(frozen=True)
class ShownSide:
    """A side; `card` is None as long as the viewer is not to know who made it."""

    letter: str
    card: GenerationCard | None
    status: str
    terminal: bool
    succeeded: bool
    picture_url: str
    sound_url: str
    is_drawing: bool
    text: str

    @property
    def name(self) -> str:
        """Who made it, or the letter alone."""
        return self.letter if self.card is None else f"{self.letter}, {self.card.model_name}"


@dataclass(frozen=True)
class ShownPair:
    """Two sides to choose from, and what the viewer said of them."""

    left: ShownSide
    right: ShownSide
    letters: str
    verdict: str

    @property
    def is_pictures(self) -> bool:
        """Whether one can be laid over the other."""
        return bool(self.left.picture_url and self.right.picture_url)


@dataclass(frozen=True)
class SaidPair:
    """A vote of the viewer in words."""

    letters: str
    words: str


@dataclass(frozen=True)
class ShownComparison:
    """A whole comparison."""

    seen: Seen
    sides: tuple[ShownSide, ...]
    pair: ShownPair | None
    said: tuple[SaidPair, ...]
    own: bool
    changeable: bool

    @property
    def num_done(self) -> int:
        """How many sides have come to an end."""
        return sum(side.terminal for side in self.sides)

    @property
    def num_failed(self) -> int:
        """How many ended without a result."""
        return sum(side.terminal and not side.succeeded for side in self.sides)

    @property
    def can_still_vote(self) -> bool:
        """Whether there are, or will be, two results."""
        return len(self.sides) - self.num_failed > 1


def show_comparisons(seen: Sequence[Seen], viewer: User) -> list[ShownComparison]:
    """Comparisons for a list, without a pair to vote on."""
    rows = [side.generation for each in seen for side in each.sides]
    cards = dict(
        zip((row.id for row in rows), make_cards(generations=rows, viewer=viewer), strict=True)
    )
    return [
        ShownComparison(
            seen=each,
            sides=tuple(
                _show_side(side, cards[side.generation.id], is_revealed=each.is_revealed)
                for side in each.sides
            ),
            pair=None,
            said=(),
            own=each.batch.owner_id == viewer.id,
            changeable=each.batch.owner_id == viewer.id or viewer.runs_the_site,
        )
        for each in seen
    ]


def show_comparison(seen: Seen, viewer: User, wanted: str = "") -> ShownComparison:
    """One comparison with the pair of these letters, or the next to vote on.

    One of two sides alone keeps its pair when it has been voted on.
    """
    [shown] = show_comparisons([seen], viewer)
    sides = {side.letter: side for side in shown.sides}
    by_letters = {pair.letters: pair for pair in seen.pairs}
    pair = by_letters.get(wanted) or seen.next_pair
    if pair is None and len(seen.sides) == 2:
        pair = next(iter(seen.pairs), None)
    return ShownComparison(
        seen=seen,
        sides=shown.sides,
        pair=None
        if pair is None
        else ShownPair(
            sides[pair.left.letter], sides[pair.right.letter], pair.letters, pair.verdict
        ),
        said=tuple(
            SaidPair(each.letters, say_verdict(each, sides))
            for each in seen.pairs
            if each.vote is not None
        ),
        own=shown.own,
        changeable=shown.changeable,
    )


def say_verdict(pair: Pair, sides: dict[str, ShownSide]) -> str:
    """The viewer's vote on a pair as a sentence, with names where they are known."""
    left, right = (_short(sides[side.letter]) for side in (pair.left, pair.right))
    return VERDICT_WORDS[Verdict(pair.verdict)].format(left=left, right=right)


def _short(side: ShownSide) -> str:
    return side.letter if side.card is None else side.card.model_name


def _show_side(side: Side, card: GenerationCard, *, is_revealed: bool) -> ShownSide:
    return ShownSide(
        letter=side.letter,
        card=card if is_revealed else None,
        status=card.status,
        terminal=card.terminal,
        succeeded=card.succeeded,
        picture_url=card.picture_url,
        sound_url=card.sound_url,
        is_drawing=card.is_drawing,
        text=card.text,
    )


@dataclass(frozen=True)
class RankedRow:
    """A model of a ranking with its interval as places of a drawing."""

    place: int
    ranked: RankedModel
    start: float
    middle: float
    end: float


@dataclass(frozen=True)
class ShownRanking:
    """A ranking as a table; `marks` are round ratings along the intervals."""

    ranking: Ranking
    words: str
    rows: tuple[RankedRow, ...]
    marks: tuple[Mark, ...]
    width: int = BAR_WIDTH


def show_ranking(ranking: Ranking) -> ShownRanking:
    """Lay the intervals of a ranking out on one scale."""
    standings = [each.standing for each in ranking.models]
    lowest = min(each.low for each in standings)
    highest = max(each.high for each in standings)
    scale = Scale(lowest, highest, _MARGIN, BAR_WIDTH - _MARGIN)
    return ShownRanking(
        ranking=ranking,
        words=_TASK_WORDS.get(ranking.task, ranking.task.capitalize()),
        rows=tuple(
            RankedRow(
                number + 1,
                each,
                scale.place(each.standing.low),
                scale.place(each.standing.rating),
                scale.place(each.standing.high),
            )
            for number, each in enumerate(ranking.models)
        ),
        marks=scale.marks(),
    )
