"""How the CycleGAN is trained without pairs, measured on held-out pairs, and described."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player
from genmodels.data.emoji import EMOJI, STYLES, EmojiSet
from genmodels.families.gan.cycle.generator import (
    INPUTS,
    PARAMETERS,
    TASKS,
    TO_NOTO,
    TO_TWEMOJI,
    redraw,
)
from genmodels.families.gan.cycle.measures import (
    PixelComponents,
    hit_rates,
    mean_error,
    structural_similarity,
)
from genmodels.families.gan.cycle.network import (
    CycleAdversaries,
    CycleConfig,
    PatchCritic,
    Translators,
)
from genmodels.families.gan.cycle.presets import CyclePreset
from genmodels.families.gan.distance import RandomFeatures, Reference
from genmodels.families.gan.objective import with_fixed_weights
from genmodels.families.gan.watch import compare_scores, find_alarms
from genmodels.pictures.emoji import EmojiCourse, to_unit
from genmodels.pictures.encoding import lay_out
from genmodels.randomness import seeded

DETERMINISM = (
    "Nothing is drawn at random: the same picture and task give the same bytes whatever the seed, "
    "but for the seed that the file's recipe names. Runs share passes where a trial at loading "
    "finds that pictures have the same bits in passes of every size. Elsewhere the last bit of a "
    "pixel may differ."
)
_AT_ONCE = 32
#: Of the sheet to look at.
_COLUMNS = 12
#: A translation that changes less than this share of what styles differ by hardly is one.
_LEAST_CHANGE = 0.1


@dataclass(frozen=True)
class HeldOutPairs:
    """Both drawings (n, C, Y, X) of each held-out emoji, and the group (n,) of each."""

    twemoji: torch.Tensor
    noto: torch.Tensor
    groups: torch.Tensor
    group_names: tuple[str, ...]

    @classmethod
    def of(cls, emoji: EmojiSet) -> HeldOutPairs:
        """All that are drawn in both styles and trained on in neither."""
        first, second = emoji.paired()
        owners = emoji.owners[STYLES[0]][first]
        kept = emoji.held_out[owners]
        names = tuple(sorted({each.group for each in emoji.emoji}))
        groups = [names.index(emoji.emoji[owner].group) for owner in owners[kept].tolist()]
        twemoji, noto = (
            to_unit(_to_levels(emoji, style)[rows[kept]])
            for style, rows in zip(STYLES, (first, second), strict=True)
        )
        return cls(twemoji, noto, torch.tensor(groups), names)

    def __len__(self) -> int:
        return len(self.groups)


class CycleCourse(EmojiCourse):
    """Four networks over the pictures of two styles, drawn from each by chance.

    What the losses hold against each other is section 3 of the paper: least-squares critics, a way
    there and back that ends where it began, and pictures of the own style that stay as they are.
    """

    network: CycleAdversaries

    def __init__(self, preset: CyclePreset, emoji: EmojiSet) -> None:
        super().__init__(preset)
        self.preset = preset
        self.emoji = emoji
        self._levels = [
            _to_levels(emoji, style)[~emoji.held_out[emoji.owners[style]]] for style in STYLES
        ]
        colours = self._levels[0].shape[1]
        self.config = CycleConfig(side=emoji.side, colours=colours, channels=preset.channels)
        self.network = CycleAdversaries(
            self.config, preset.critic_channels, seeded(preset.recipe.seed)
        )
        self.pairs = HeldOutPairs.of(emoji)
        self._references = {
            TO_NOTO: Reference.of(self.pairs.noto, self.pairs.groups),
            TO_TWEMOJI: Reference.of(self.pairs.twemoji, self.pairs.groups),
        }

    def players(self) -> Sequence[Player]:
        """Both generators with one loss, then both critics."""
        network = self.network
        critics = (*network.of_noto.parameters(), *network.of_twemoji.parameters())
        return tuple(
            Player(
                parameters,
                (
                    torch.optim.Adam(
                        parameters, lr=self.preset.rate, betas=self.preset.betas, fused=True
                    ),
                ),
            )
            for parameters in (tuple(network.translators.parameters()), critics)
        )

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The generators' on pictures of either style, then the critics' on the same."""
        network, preset = self.network, self.preset
        twemoji, noto = (self._draw(levels, random) for levels in self._levels)
        ways = network.translators
        as_noto, as_twemoji = ways.to_noto(twemoji), ways.to_twemoji(noto)
        back = _apart(ways.to_twemoji(as_noto), twemoji) + _apart(ways.to_noto(as_twemoji), noto)
        same = _apart(ways.to_noto(noto), noto) + _apart(ways.to_twemoji(twemoji), twemoji)
        believed = _squares(with_fixed_weights(network.of_noto)(as_noto), 1.0) + _squares(
            with_fixed_weights(network.of_twemoji)(as_twemoji), 1.0
        )
        yield believed + preset.cycle_weight * back + preset.identity_weight * same
        yield self._critic_loss(network.of_noto, noto, network.noto_pool.exchange(as_noto, random)
                                ) + self._critic_loss(
            network.of_twemoji, twemoji, network.twemoji_pool.exchange(as_twemoji, random)
        )  # fmt: skip

    def _draw(self, levels: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        chosen = torch.randint(len(levels), (self.preset.batch,), generator=random)
        return to_unit(levels[chosen])

    @staticmethod
    def _critic_loss(critic: PatchCritic, real: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Half of the least squares, which slows critics down (arXiv:1703.10593, section 7.1)."""
        return (_squares(critic(real), 1.0) + _squares(critic(drawn), 0.0)) / 2

    def ship(self, network: nn.Module) -> nn.Module:
        """A copy of both generators; the critics stay at home."""
        assert isinstance(network, CycleAdversaries), "a course ships networks like its own"
        return copy.deepcopy(network.translators).eval()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The kernel distance to the other style, which needs no pairs, and the way back."""
        drawn = self._redraw_held_out(network)
        distances = [self._references[task].distance(drawn[task]) for task in TASKS]
        return (
            self._metric(
                "kernel_distance",
                sum(distances) / 2,
                "squared kernel distance",
                "redrawn pictures against real ones of the style, not as pairs: unbiased "
                "cubic-kernel MMD on random-convolution features, half over all pictures and half "
                "within groups (arXiv:1801.01401), mean of both ways",
            ),
            self._metric("cycle_error", self._cycle_error(network, drawn), "of 2",
                         "mean absolute difference after the way there and back; it can be small "
                         "by hidden messages, so it says little alone"),
        )  # fmt: skip

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """Redrawn held-out pictures against their true partners, beside pictures as they are."""
        drawn, pairs = self._redraw_held_out(network), self.pairs
        metrics = list(self.validate(network))
        for task, given, real, levels in (
            (TO_NOTO, pairs.twemoji, pairs.noto, self._levels[1]),
            (TO_TWEMOJI, pairs.noto, pairs.twemoji, self._levels[0]),
        ):
            for whose, pictures in (("", drawn[task]), ("identity_", given)):
                metrics += self._compare(f"{whose}{task}", pictures, real, to_unit(levels))
        return tuple(metrics)

    def _compare(
        self, name: str, drawn: torch.Tensor, real: torch.Tensor, learned: torch.Tensor
    ) -> list[Metric]:
        floor = "the given pictures unchanged" if name.startswith("identity") else "redrawn ones"
        found = [
            self._metric(f"l1_{name}", mean_error(drawn, real), "of 2",
                         f"mean absolute difference of {floor} to the true partners"),
            self._metric(f"ssim_{name}", structural_similarity(drawn, real), "similarity",
                         f"SSIM of {floor} with the true partners, 11 x 11 Gaussian windows, "
                         "colours apart"),
        ]  # fmt: skip
        random = RandomFeatures(self.config.colours)
        for eye, seen, said in (
            ("random", _standardised(random, learned), "random convolutions, standardised"),
            ("pixels", PixelComponents(learned), "64 principal components at 16 x 16 pixels"),
        ):
            rates = hit_rates(seen(drawn), seen(real))
            for rank, rate in zip((1, 5), rates, strict=True):
                found.append(
                    self._metric(
                        f"hit{rank}_{eye}_{name}", rate, "share",
                        f"true partner among the {rank} nearest of {len(self.pairs)} held-out "
                        f"pictures of the style, {floor}, by {said} on training pictures",
                    )
                )  # fmt: skip
        return found

    @torch.no_grad()
    def _redraw_held_out(self, network: nn.Module) -> dict[str, torch.Tensor]:
        assert isinstance(network, Translators), "what ships are the generators alone"
        given = {TO_NOTO: self.pairs.twemoji, TO_TWEMOJI: self.pairs.noto}
        return {task: _redraw_all(network, given[task], task) for task in TASKS}

    @torch.no_grad()
    def _cycle_error(self, network: nn.Module, drawn: Mapping[str, torch.Tensor]) -> float:
        assert isinstance(network, Translators), "what ships are the generators alone"
        back = _redraw_all(network, drawn[TO_NOTO], TO_TWEMOJI)
        again = _redraw_all(network, drawn[TO_TWEMOJI], TO_NOTO)
        return (mean_error(back, self.pairs.twemoji) + mean_error(again, self.pairs.noto)) / 2

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """Sentences about translations that are all alike, or that change nothing."""
        drawn, pairs = self._redraw_held_out(network), self.pairs
        found: list[str] = []
        for task, given, real, critic in (
            (TO_NOTO, pairs.twemoji, pairs.noto, self.network.of_noto),
            (TO_TWEMOJI, pairs.noto, pairs.twemoji, self.network.of_twemoji),
        ):
            with torch.no_grad():
                scores = [
                    torch.cat([critic(some).mean(dim=1) for some in torch.split(x, _AT_ONCE)])
                    for x in (real, drawn[task])
                ]
            alarms = find_alarms(
                drawn[task],
                real,
                pairs.groups,
                names=pairs.group_names,
                critic=compare_scores(*scores),
            )
            found += [f"{task}: {alarm}" for alarm in alarms]
            change = mean_error(drawn[task], given) / mean_error(real, given)
            if change < _LEAST_CHANGE:
                found.append(f"{task}: pictures hardly change ({change:.0%} of what styles do)")
        return tuple(found)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights."""
        side, channels = self.config.side, self.config.channels
        return self.make_card(
            provenance={
                "split": (
                    "by family of code points, both styles together: "
                    f"{len(self._levels[0])} Twemoji and {len(self._levels[1])} Noto pictures to "
                    f"train on, unpaired; {len(self.pairs)} pairs held out"
                )
            },
            family="gan",
            architecture=(
                f"two ResNets of six blocks of {2 * channels} channels at {side // 4} pixels, "
                "instance normalisation; least squares against critics of patches with a pool of "
                "older drawings, cycle and identity losses"
            ),
            summary=f"Redraws Twemoji as Noto and back, in {side} x {side} pixels.",
            tasks=("image-to-image",),
            parameters=PARAMETERS,
            inputs=INPUTS,
            config=asdict(self.config),
            prompt_help=(
                "A note for the catalogue, such as what the picture shows; the network looks at "
                "the picture alone."
            ),
            example_prompts=("a smiling face", "a red apple", "a house with a garden"),
            papers=("arXiv:1703.10593", "arXiv:1611.07004", "arXiv:1612.07828"),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )

    def _metric(self, name: str, value: float, unit: str, protocol: str) -> Metric:
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=EMOJI.title,
            split=f"{len(self.pairs)} held-out pairs",
            protocol=f"{protocol}; averaged weights in half precision",
            samples=len(self.pairs),
            seed=self.recipe.seed,
        )


@torch.no_grad()
def draw_translations(network: Translators, emoji: EmojiSet) -> torch.Tensor:
    """A sheet (C, Y, X) of four rows to look at, of held-out pairs.

    Twemoji as given, redrawn as Noto, the true Noto, and that redrawn as Twemoji.
    """
    pairs = HeldOutPairs.of(emoji)
    chosen = torch.linspace(0, len(pairs) - 1, _COLUMNS).round().long()
    twemoji, noto = pairs.twemoji[chosen], pairs.noto[chosen]
    there, back = redraw(network, twemoji, TO_NOTO), redraw(network, noto, TO_TWEMOJI)
    return lay_out(torch.cat((twemoji, there, noto, back)), columns=_COLUMNS)


def _to_levels(emoji: EmojiSet, style: str) -> torch.Tensor:
    """(n, C, Y, X) uint8."""
    return torch.from_numpy(emoji.pixels[style]).permute(0, 3, 1, 2).contiguous()


def _redraw_all(network: Translators, pictures: torch.Tensor, task: str) -> torch.Tensor:
    parts = [redraw(network, some, task) for some in torch.split(pictures, _AT_ONCE)]
    return torch.cat(parts)


def _standardised(
    eye: RandomFeatures, real: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    features = eye(real)
    mean, scale = features.mean(dim=0), features.std(dim=0).clamp_min(1e-3)
    return lambda pictures: (eye(pictures) - mean) / scale


def _apart(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first.float() - second).abs().mean()


def _squares(scores: torch.Tensor, target: float) -> torch.Tensor:
    return (scores - target).square().mean()
