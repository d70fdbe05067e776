"""How the style-based GAN is trained on emoji, what is held against it, and its card."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from genmodels.contract import Card, Metric
from genmodels.course import Player
from genmodels.data.emoji import EMOJI, STYLES
from genmodels.families.gan.distance import Reference
from genmodels.families.gan.objective import annealed, with_fixed_weights
from genmodels.families.gan.style.augmentation import adjust, augment
from genmodels.families.gan.style.generator import draw_emoji, one_hot, parameters_of
from genmodels.families.gan.style.network import (
    MAPPING_RATE,
    StyleAdversaries,
    StyleConfig,
    StyleCriticConfig,
)
from genmodels.families.gan.style.objective import judge_pairs, steepness
from genmodels.families.gan.style.presets import StylePreset
from genmodels.families.gan.watch import (
    CriticFigures,
    attention_to_prompts,
    find_alarms,
    judge,
    mean_diversity,
)
from genmodels.pictures.emoji import (
    EXAMPLE_PROMPTS,
    CaptionedEmoji,
    EmojiBatch,
    EmojiCourse,
    EmojiRows,
)
from genmodels.randomness import seeded

DETERMINISM = (
    "Styles and noise come from the run's own seed. Runs share passes where a trial at loading "
    "finds that pictures have the same bits in passes of every size; elsewhere each run has its "
    "own pass. So the bytes never depend on the runs beside it. They repeat on the same kind of "
    "processor and torch version; elsewhere the last bit of a pixel may differ."
)
_SMALL = 16


class StyleCourse(EmojiCourse):
    """A style-based generator and a critic over captioned emoji, with adaptive augmentation."""

    network: StyleAdversaries

    def __init__(self, preset: StylePreset, data: CaptionedEmoji) -> None:
        super().__init__(preset)
        self.preset = preset
        self.data = data
        colours = data.train.levels.shape[1]
        self.config = StyleConfig(
            side=data.side,
            colours=colours,
            channels=preset.channels,
            latent_width=preset.latent_width,
            style_width=preset.style_width,
            sentence_width=data.sentence_width,
            num_kinds=len(STYLES),
        )
        critic = StyleCriticConfig(
            side=data.side,
            colours=colours,
            channels=preset.channels,
            features=preset.features,
            sentence_width=data.sentence_width,
            num_kinds=len(STYLES),
        )
        self.network = StyleAdversaries(self.config, critic, seeded(preset.recipe.seed))
        self._held_out = data.held_out.pictures
        self._labels, self._names = _kinds_of(data.held_out, data.group_names)
        self._reference = Reference.of(self._held_out, self._labels)

    def players(self) -> Sequence[Player]:
        """The critic, then the generator, whose mapping moves more slowly."""
        return (self._player(self.network.critic), self._player(self.network.generator))

    def _player(self, network: nn.Module) -> Player:
        slow = [each for name, each in network.named_parameters() if name.startswith("mapping.")]
        quick = [each for name, each in network.named_parameters()
                 if not name.startswith("mapping.")]  # fmt: skip
        groups: list[dict[str, Any]] = [{"params": quick}]
        if slow:
            groups.append({"params": slow, "lr": MAPPING_RATE * self.preset.rate})
        optimizer = torch.optim.Adam(
            groups, lr=self.preset.rate, betas=self.preset.betas, fused=True
        )
        return Player(tuple(network.parameters()), (optimizer,))

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The critic's on new pictures, then the generator's on others."""
        step = int(self.network.num_steps)
        self.network.num_steps += 1
        yield self._critic_loss(random, step)
        yield self._generator_loss(random)

    def _critic_loss(self, random: torch.Generator, step: int) -> torch.Tensor:
        preset, network = self.preset, self.network
        batch = self.data.draw(preset.batch, random, silent=preset.sentence_dropout)
        with torch.no_grad():
            drawn = self._draw(batch, random)
        share = float(network.augmentation)
        real, drawn = (augment(x, share, random) for x in (batch.pictures, drawn))
        conditions = self._conditions(batch, network.critic.no_sentence)
        verdict = judge_pairs(
            network.critic,
            real=real,
            drawn=drawn,
            conditions=conditions,
            told=batch.told,
            attention=preset.attention,
        )
        self._adjust(verdict.lead, step)
        if step % preset.penalty_every:
            return verdict.loss
        weight = annealed(
            preset.penalty_start, preset.penalty_end, step=step, num_steps=preset.penalty_steps
        )
        rows = slice(0, preset.penalty_rows)
        slopes = steepness(
            network.critic,
            torch.cat((real[rows], drawn[rows])),
            conditions[rows].repeat(2, 1),
        )
        # The mean over both kinds is half of R1 + R2.
        return verdict.loss + preset.penalty_every * weight * slopes

    def _generator_loss(self, random: torch.Generator) -> torch.Tensor:
        preset, network = self.preset, self.network
        batch = self.data.draw(preset.batch, random, silent=preset.sentence_dropout)
        drawn = self._draw(batch, random)
        share = float(network.augmentation)
        conditions = self._conditions(batch, network.critic.no_sentence.detach())
        critic = with_fixed_weights(network.critic)
        real = critic(augment(batch.pictures, share, random), conditions)
        return functional.softplus(real - critic(augment(drawn, share, random), conditions)).mean()

    def _draw(self, batch: EmojiBatch, random: torch.Generator) -> torch.Tensor:
        """Pictures (B, C, Y, X) float32 under the sentences of a batch."""
        generator, count = self.network.generator, len(batch.styles)
        latents = torch.randn(count, self.config.latent_width, generator=random)
        noise = torch.randn(count, sum(generator.noise_sizes), generator=random)
        sentences = batch.sentences_or(generator.no_sentence)
        kinds = one_hot(batch.styles, self.config)
        drawn: torch.Tensor = generator(latents, sentences, kinds, noise)
        return drawn.float()

    def _conditions(self, batch: EmojiBatch, silence: torch.Tensor) -> torch.Tensor:
        kinds = one_hot(batch.styles, self.config)
        return torch.cat((batch.sentences_or(silence), kinds), dim=1)

    def _adjust(self, lead: float, step: int) -> None:
        """Move the share of augmented pictures by how far the critic is ahead.

        The paper's heuristic is the mean sign of the scores of training pictures
        (arXiv:2006.06676, eq. 1), which a relativistic critic is free to shift; this is that of
        real above drawn ones.
        """
        network, every = self.network, self.preset.adjust_every
        network.leads += lead
        if (step + 1) % every:
            return
        network.overfitting.copy_(network.leads / every)
        network.leads.zero_()
        share = adjust(
            float(network.augmentation), float(network.overfitting), every * self.preset.batch
        )
        network.augmentation.fill_(share)

    def figures(self) -> Mapping[str, float]:
        """What the log shows beside the losses: r_t, and the share of augmented pictures."""
        return {
            "overfitting": round(float(self.network.overfitting), 4),
            "augmentation": round(float(self.network.augmentation), 4),
        }

    def ship(self, network: nn.Module) -> nn.Module:
        """A copy of the generator; the critic stays at home."""
        assert isinstance(network, StyleAdversaries), "a course ships networks like its own"
        return copy.deepcopy(network.generator).eval()

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The kernel distance to held-out pictures under their captions, and diversity."""
        drawn = self._draw_held_out(network)
        return (
            self._metric(
                "kernel_distance",
                self._reference.distance(drawn),
                "squared kernel distance",
                "unbiased cubic-kernel MMD on random-convolution features, half over all pictures "
                "and half within groups of a style (arXiv:1801.01401); a perfect generator has 0",
            ),
            self._metric(
                "diversity",
                mean_diversity(drawn, self._held_out, self._labels),
                "of real",
                "mean pairwise pixel distance of drawn pictures of a group in a style over that "
                "of real ones, mean over those",
            ),
        )

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """What `validate` gives, attention to prompts, and how near training pictures are."""
        drawn = self._draw_held_out(network)
        nearest, usual = (self._nearest(x) for x in (drawn, self._held_out))
        return (
            *self.validate(network),
            self._metric(
                "attention",
                attention_to_prompts(drawn, self._held_out, self._labels),
                "of real",
                "how far apart the mean pictures of groups in a style are, over real ones",
            ),
            self._metric(
                "distance_to_training",
                float(nearest.median() / usual.median()),
                "of real held-out",
                f"median root-mean-square distance to the nearest training picture at {_SMALL} x "
                f"{_SMALL} pixels, over that of held-out pictures; far below 1 is memory",
            ),
        )

    def _nearest(self, pictures: torch.Tensor) -> torch.Tensor:
        """The distance (n,) of each picture to the nearest of the training part."""
        small, train = (
            functional.adaptive_avg_pool2d(x, _SMALL).flatten(1)
            for x in (pictures, self.data.train.pictures)
        )
        return torch.cdist(small, train).min(dim=1).values

    def _draw_held_out(self, network: nn.Module) -> torch.Tensor:
        """One picture (n, C, Y, X) for each held-out one, under its plain caption in its style."""
        rows = self.data.held_out
        sentences = self.data.plain_captions(rows.owners)
        return draw_emoji(network, sentences, rows.styles, seeded(self.recipe.seed))

    def judge_pictures(self, drawn: torch.Tensor) -> CriticFigures:
        """How the critic in training tells the held-out pictures from as many drawn ones."""
        critic = copy.deepcopy(self.network.critic).eval()
        rows = self.data.held_out
        conditions = torch.cat(
            (self.data.plain_captions(rows.owners), one_hot(rows.styles, self.config)), dim=1
        )
        return judge(critic, self._held_out, drawn, conditions)

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """Sentences about a collapse or a divergence; none while all is well."""
        drawn = self._draw_held_out(network)
        return find_alarms(
            drawn,
            self._held_out,
            self._labels,
            names=self._names,
            critic=self.judge_pictures(drawn),
        )

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights; `training` also says how the critic and the changes did."""
        critic = self.judge_pictures(self._draw_held_out(self.ship(self.network)))
        widths = ", ".join(
            f"{width} channels at {side}"
            for side, width in zip(self.config.sides, self.config.widths, strict=True)
        )
        return self.make_card(
            family="gan",
            architecture=(
                f"style-based ConvNet told a sentence vector and a style of drawing: {widths} "
                "pixels, modulated and demodulated, noise at every level, coarse levels exciting "
                "fine ones; relativistic pairs with R1 and R2 against a projection critic, under "
                "adaptive augmentation"
            ),
            summary=(
                f"Draws emoji in {self.config.side} x {self.config.side} pixels in two styles "
                "from free wording, and mixes them."
            ),
            tasks=("text-to-image",),
            parameters=parameters_of(self.config),
            config=asdict(self.config),
            provenance={
                "split": (
                    "by family of code points, both styles together: "
                    f"{len(self.data.train)} pictures to train on, {len(self.data.held_out)} "
                    "held out"
                ),
                # Prompts are compared with these.
                "captions": list(self.data.learned_captions),
            },
            prompt_help=(
                "One thing that an emoji could show, in your own words: a face, an animal, food, "
                "a flag, a person at work."
            ),
            example_prompts=EXAMPLE_PROMPTS,
            papers=(
                "arXiv:1812.04948",
                "arXiv:1912.04958",
                "arXiv:2006.06676",
                "arXiv:2006.10738",
                "arXiv:2101.04775",
                "arXiv:2501.05441",
                "arXiv:1605.05396",
            ),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training={
                **training,
                **self.figures(),
                "critic_gap": round(critic.gap, 4),
                "critic_wins": round(critic.wins, 4),
            },
            commit=commit,
        )

    def _metric(self, name: str, value: float, unit: str, protocol: str) -> Metric:
        count = len(self._held_out)
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=EMOJI.title,
            split=f"{count} held-out pictures",
            protocol=f"{protocol}; plain captions, averaged weights in half precision",
            samples=count,
            seed=self.recipe.seed,
        )


def _kinds_of(
    rows: EmojiRows, group_names: tuple[str, ...]
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """A label for each group in each style (n,), and what the labels are called."""
    names = tuple(f"{group} by {style}" for style in STYLES for group in group_names)
    return rows.styles * len(group_names) + rows.groups, names
