"""Emoji as networks learn them: pictures in two styles, each under several captions.

Unlike the subjects with a handful of kinds, every emoji is a kind of its own with one picture a
style, and a tenth of them is seen by no training. So what a network is told of a held-out one are
words that it knows from others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import torch
from torch.nn import functional

from genmodels.contract import Card, Input, Parameter
from genmodels.course import Described, Preset, PresetCourse
from genmodels.data.emoji import ATTRIBUTION, EMOJI, STYLES, Emoji, EmojiSet
from genmodels.data.location import licence_of_weights
from genmodels.embedding import Embedder
from genmodels.pictures.batches import SENTENCE_NOISE

#: The name that ends the slugs of presets, and that cards remember.
SUBJECT = "emoji"

#: Which of the styles to draw in.
STYLE = Parameter(
    name="style",
    kind="choice",
    default=STYLES[0],
    choices=STYLES,
    label="Style",
    help="Twemoji is flat and even, Noto has shades and outlines.",
    essential=True,
)

EXAMPLE_PROMPTS = (
    "smiling cat with heart eyes",
    "a slice of pizza",
    "yellow sun with a face",
    "green heart",
    "fire engine",
    "a tree in autumn",
    "red apple",
    "snowman in the cold",
)


@dataclass(frozen=True)
class EmojiBatch:
    """Pictures (B, C, Y, X) in -1..1, their styles (B,), and what is said of them (B, S).

    `told` (B,) is false where the sentence is left out; `sentences` has the row all the same.
    """

    pictures: torch.Tensor
    styles: torch.Tensor
    sentences: torch.Tensor
    told: torch.Tensor

    def sentences_or(self, silence: torch.Tensor) -> torch.Tensor:
        """(B, S): the sentences, and `silence` (S,) where none is told."""
        return torch.where(self.told[:, None], self.sentences, silence)


@dataclass(frozen=True)
class EmojiRows:
    """Pictures (n, C, Y, X) uint8 with the style (n,), emoji (n,) and group (n,) of each."""

    levels: torch.Tensor
    styles: torch.Tensor
    owners: torch.Tensor
    groups: torch.Tensor

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def pictures(self) -> torch.Tensor:
        """(n, C, Y, X) float32 in -1..1."""
        return to_unit(self.levels)


class CaptionedEmoji:
    """The pictures of both styles with their captions, to train on and to measure on."""

    def __init__(self, emoji: EmojiSet, embedder: Embedder) -> None:
        self.emoji = emoji
        self.side = emoji.side
        self.group_names = tuple(sorted({each.group for each in emoji.emoji}))
        rows = _to_rows(emoji, self.group_names)
        apart = torch.from_numpy(emoji.held_out)[rows.owners]
        self.train, self.held_out = _choose(rows, ~apart), _choose(rows, apart)
        texts = [captions_of(each) for each in emoji.emoji]
        vectors = torch.from_numpy(embedder.embed([text for each in texts for text in each]))
        self._captions = torch.split(vectors, [len(each) for each in texts])

    @property
    def sentence_width(self) -> int:
        """S, the width of a sentence vector."""
        return self._captions[0].shape[1]

    @property
    def learned_captions(self) -> tuple[str, ...]:
        """The captions of all emoji that are trained on."""
        pairs = zip(self.emoji.emoji, self.emoji.held_out.tolist(), strict=True)
        return tuple(each.caption for each, apart in pairs if not apart)

    def draw(self, count: int, random: torch.Generator, *, silent: float = 0.0) -> EmojiBatch:
        """`count` random training pictures; a share `silent` of them has no caption."""
        chosen = torch.randint(len(self.train), (count,), generator=random)
        return EmojiBatch(
            pictures=to_unit(self.train.levels[chosen]),
            styles=self.train.styles[chosen],
            sentences=self.draw_sentences(self.train.owners[chosen], random),
            told=torch.rand(count, generator=random) >= silent,
        )

    def draw_sentences(self, owners: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """(B, S): for half of these emoji the plain caption, else any, a little moved."""
        dice = torch.rand(len(owners), 2, generator=random).tolist()
        rows = []
        for owner, (plain, which) in zip(owners.tolist(), dice, strict=True):
            captions = self._captions[owner]
            rows.append(captions[0 if plain < 0.5 else int(which * len(captions))])
        sentences = torch.stack(rows)
        noise = torch.randn(sentences.shape, generator=random) * SENTENCE_NOISE
        return functional.normalize(sentences + noise, dim=1)

    def plain_captions(self, owners: torch.Tensor) -> torch.Tensor:
        """(B, S): the plain caption of each emoji."""
        return torch.stack([self._captions[owner][0] for owner in owners.tolist()])


class EmojiCourse(PresetCourse):
    """What the courses of all presets on emoji share."""

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset, made_for=SUBJECT, data=SUBJECT, title=EMOJI.title)

    def make_card(
        self,
        *,
        summary: str,
        tasks: tuple[str, ...],
        parameters: tuple[Parameter, ...],
        inputs: tuple[Input, ...] = (),
        config: Mapping[str, Any],
        provenance: Mapping[str, object],
        prompt_help: str,
        example_prompts: tuple[str, ...],
        training: Mapping[str, Any],
        **described: Unpack[Described],
    ) -> Card:
        """The card of these weights, with what the licence of the pictures asks to be said.

        `provenance` is what there is to say of the data beside where they come from.
        """
        data = {
            **EMOJI.provenance(),
            "subject": SUBJECT,
            "attribution": ATTRIBUTION,
            **provenance,
        }
        return Card(
            slug=self.slug,
            name=self.name,
            summary=summary,
            tasks=tasks,
            modality="image",
            media_type="image/png",
            parameters=parameters,
            inputs=inputs,
            config=config,
            prompt_help=prompt_help,
            max_prompt_length=500,
            data=data,
            licence=licence_of_weights(data),
            example_prompts=example_prompts,
            training={"preset": self._preset.slug, **training},
            **described,
        )


def captions_of(emoji: Emoji) -> tuple[str, ...]:
    """What an emoji is called in training, the plain caption first.

    Keywords widen what can be asked for, and the frame is what people write around a name.
    """
    keywords = [word for word in emoji.keywords if word.lower() not in emoji.caption.lower()]
    said = [emoji.caption, f"an emoji of {emoji.caption}"]
    said += [f"{emoji.caption}, {word}" for word in keywords[:2]]
    if len(keywords) > 1:
        said.append(", ".join(keywords[:3]))
    return tuple(said)


def to_unit(levels: torch.Tensor) -> torch.Tensor:
    """uint8 to float32 in -1..1, of any shape."""
    return levels.float().div_(127.5).sub_(1.0)


def _to_rows(emoji: EmojiSet, group_names: Sequence[str]) -> EmojiRows:
    owners = np.concatenate([emoji.owners[style] for style in STYLES])
    pixels = np.concatenate([emoji.pixels[style] for style in STYLES])
    groups = [group_names.index(emoji.emoji[owner].group) for owner in owners.tolist()]
    counts = torch.tensor([len(emoji.owners[style]) for style in STYLES])
    return EmojiRows(
        levels=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        styles=torch.arange(len(STYLES)).repeat_interleave(counts),
        owners=torch.from_numpy(owners),
        groups=torch.tensor(groups),
    )


def _choose(rows: EmojiRows, mask: torch.Tensor) -> EmojiRows:
    return EmojiRows(rows.levels[mask], rows.styles[mask], rows.owners[mask], rows.groups[mask])
