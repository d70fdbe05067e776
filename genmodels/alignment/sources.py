"""Captioned pictures of every subject as one network learns them: colour, 64 x 64.

Each source hands out batches of its own. Learning from one source at a time makes every other
picture of a batch a near miss; a mixed batch now and then keeps the subjects apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn import functional

from genmodels.embedding import Embedder
from genmodels.pictures.batches import SENTENCE_NOISE, CaptionedPictures
from genmodels.pictures.emoji import CaptionedEmoji, EmojiRows, to_unit
from genmodels.pictures.subjects import Subject
from genmodels.scenes.drawing import as_network_sees
from genmodels.scenes.pool import SEEN, TRAIN, Captioned, draw_part, make_part

#: Height and width of every picture, in pixels.
SIDE = 64

#: What differs by more than this many meanings is never the same.
_LABELS = 1_000_000


@dataclass(frozen=True)
class Matched:
    """Pictures (B, 3, SIDE, SIDE) in -1..1, sentences (B, S), and what both mean (B,)."""

    pictures: torch.Tensor
    sentences: torch.Tensor
    meanings: torch.Tensor

    def __len__(self) -> int:
        return len(self.meanings)


class Source(Protocol):
    """One subject."""

    @property
    def title(self) -> str: ...

    def draw(self, count: int, random: torch.Generator) -> Matched:
        """Random pictures of the training part, each with one of its captions."""
        ...

    @property
    def held_out(self) -> Matched:
        """Pictures that no training sees, with their plain captions."""
        ...


class SceneSource:
    """Scenes that are drawn by rule; two mean the same if the same is asked for."""

    title = "Scenes"

    def __init__(self, embedder: Embedder, *, train: int, held_out: int) -> None:
        self._train = _Scenes(make_part(TRAIN, train), embedder)
        self._held_out = _Scenes(make_part(SEEN, held_out), embedder)

    def draw(self, count: int, random: torch.Generator) -> Matched:
        """Captions keep the wording that the scene came with, a little moved."""
        chosen = torch.randint(len(self._train), (count,), generator=random)
        found = self._train.take(chosen)
        return Matched(found.pictures, _move(found.sentences, random), found.meanings)

    @property
    def held_out(self) -> Matched:
        return self._held_out.take(torch.arange(len(self._held_out)))


class _Scenes:
    def __init__(self, scenes: Sequence[Captioned], embedder: Embedder) -> None:
        numbers: dict[object, int] = {}
        self._levels = draw_part(list(scenes))
        self._sentences = torch.from_numpy(embedder.embed([each.caption for each in scenes]))
        self._meanings = torch.tensor(
            [numbers.setdefault(each.asked, len(numbers)) for each in scenes]
        )

    def __len__(self) -> int:
        return len(self._meanings)

    def take(self, rows: torch.Tensor) -> Matched:
        return Matched(
            as_network_sees(self._levels[rows]), self._sentences[rows], self._meanings[rows]
        )


class EmojiSource:
    """Emoji in both styles; the two drawings of one mean the same."""

    title = "Emoji"

    def __init__(self, emoji: CaptionedEmoji) -> None:
        self._emoji = emoji

    def draw(self, count: int, random: torch.Generator) -> Matched:
        train = self._emoji.train
        chosen = torch.randint(len(train), (count,), generator=random)
        owners = train.owners[chosen]
        return Matched(
            enlarge(to_unit(train.levels[chosen])),
            self._emoji.draw_sentences(owners, random),
            owners,
        )

    @property
    def held_out(self) -> Matched:
        return self._match(self._emoji.held_out)

    @property
    def train(self) -> Matched:
        """Every training picture with its plain caption."""
        return self._match(self._emoji.train)

    def _match(self, rows: EmojiRows) -> Matched:
        return Matched(
            enlarge(rows.pictures), self._emoji.plain_captions(rows.owners), rows.owners
        )


class KindSource:
    """A subject of a few kinds, such as clothing; all pictures of a kind mean the same."""

    def __init__(self, subject: Subject, embedder: Embedder, *, held_out: int) -> None:
        self.title = subject.title
        self._data = CaptionedPictures(subject, embedder)
        self._num_held_out = held_out

    @property
    def kinds(self) -> torch.Tensor:
        """(kinds, S): the plain name of each."""
        labels = self._data.train_labels.unique()  # type: ignore[no-untyped-call]
        return self._data.plain_names(labels)

    def draw(self, count: int, random: torch.Generator) -> Matched:
        batch = self._data.draw(count, random)
        return Matched(enlarge(batch.pictures), batch.sentences, batch.labels)

    @property
    def held_out(self) -> Matched:
        rows = slice(self._num_held_out)
        labels = self._data.held_out_labels[rows]
        return Matched(enlarge(self._data.held_out[rows]), self._data.plain_names(labels), labels)


def enlarge(pictures: torch.Tensor) -> torch.Tensor:
    """(B, C, Y, X) of any size, C 1 or 3, to (B, 3, SIDE, SIDE)."""
    if pictures.shape[-2:] != (SIDE, SIDE):
        pictures = functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear")
    return pictures.expand(-1, 3, -1, -1)


def mix(parts: Sequence[Matched]) -> Matched:
    """Several batches as one, in which nothing of one means anything of another."""
    return Matched(
        torch.cat([each.pictures for each in parts]),
        torch.cat([each.sentences for each in parts]),
        torch.cat([each.meanings + _LABELS * at for at, each in enumerate(parts)]),
    )


def disturb(pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Each picture (B, 3, Y, X) moved and scaled a little; some blurred, some noisy.

    Pictures that networks draw are no clean drawings, and those on their way even less.
    """
    count = len(pictures)
    around = torch.rand(count, 3, generator=random) * 2.0 - 1.0
    moves = torch.zeros(count, 2, 3)
    moves[:, 0, 0] = moves[:, 1, 1] = 1.0 + 0.08 * around[:, 0]
    moves[:, :, 2] = 0.08 * around[:, 1:]
    grid = functional.affine_grid(moves, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    dice = torch.rand(count, 1, 1, 1, generator=random)
    half = functional.avg_pool2d(moved, 2)
    blurred = functional.interpolate(half, scale_factor=2.0, mode="bilinear")
    moved = torch.where(dice < 0.25, blurred, moved)
    strength = 0.4 * torch.rand(count, 1, 1, 1, generator=random) * (dice > 0.7)
    return moved + strength * torch.randn(moved.shape, generator=random)


def _move(sentences: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    noise = torch.randn(sentences.shape, generator=random) * SENTENCE_NOISE
    return functional.normalize(sentences + noise, dim=1)
