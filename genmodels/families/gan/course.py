"""How a GAN is trained and measured: whose turn it is, what is held against it, and its card."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player
from genmodels.embedding import Embedder
from genmodels.families.gan.distance import Reference
from genmodels.families.gan.generator import draw_pictures, settle
from genmodels.families.gan.network import (
    Adversaries,
    CriticConfig,
    SynthesisConfig,
)
from genmodels.families.gan.objective import GAMES, Round, annealed, with_fixed_weights
from genmodels.families.gan.presets import GanPreset
from genmodels.families.gan.watch import (
    CriticFigures,
    diversity_of_kinds,
    find_alarms,
    judge,
    mean_diversity,
)
from genmodels.pictures.batches import Batch
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.latent import LATENT_PARAMETERS
from genmodels.pictures.subjects import Subject
from genmodels.randomness import seeded

#: Pictures that settle the statistics of BatchNorm.
_NUM_SETTLING = 1000

DETERMINISM = (
    "Runs share passes where a trial at loading finds that pictures have the same bits in passes "
    "of every size; elsewhere each run has its own pass. So the bytes never depend on the runs "
    "beside it. They repeat on the same kind of processor and torch version; elsewhere the last "
    "bit of a pixel may differ."
)


class GanCourse(PictureCourse):
    """A generator and a critic over captioned pictures, in one of three games.

    Everything is computed in float32, in which penalties of gradients need to be.
    """

    network: Adversaries

    def __init__(self, preset: GanPreset, subject: Subject, embedder: Embedder) -> None:
        super().__init__(preset, subject, embedder)
        self.preset = preset
        self.game = GAMES[preset.game]
        self.config = SynthesisConfig(
            side=subject.side,
            colours=subject.colours,
            channels=preset.channels,
            latent_width=preset.latent_width,
            sentence_width=self.data.sentence_width,
            batch_norm=preset.generator_norm,
        )
        critic = CriticConfig(
            side=subject.side,
            colours=subject.colours,
            channels=preset.channels,
            features=preset.features,
            sentence_width=self.data.sentence_width,
            batch_norm=preset.critic_norm,
        )
        self.network = Adversaries(self.config, critic, seeded(preset.recipe.seed))
        self._held_out = self.data.held_out[: preset.num_validation]
        self._held_out_labels = self.data.held_out_labels[: preset.num_validation]
        self._reference = Reference.of(self._held_out, self._held_out_labels)

    def players(self) -> Sequence[Player]:
        """The critic, as often as it has turns, then the generator; Adam over each."""
        critic, generator = (
            Player(
                parameters, (torch.optim.Adam(parameters, self.preset.rate, self.preset.betas),)
            )
            for parameters in (
                tuple(self.network.critic.parameters()),
                tuple(self.network.generator.parameters()),
            )
        )
        return (*[critic] * self.preset.critic_turns, generator)

    def _player(self, parameters: tuple[nn.Parameter, ...]) -> Player:
        optimizer = torch.optim.Adam(parameters, lr=self.preset.rate, betas=self.preset.betas)
        return Player(parameters, (optimizer,))

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """The critic's on new pictures for each of its turns, then the generator's on others."""
        step = int(self.network.num_steps)
        self.network.num_steps += 1
        # No context spans a `yield`: it would reach into the loop.
        for _ in range(self.preset.critic_turns):
            with torch.autocast("cpu", enabled=False):
                loss = self._critic_loss(random, step)
            yield loss
        with torch.autocast("cpu", enabled=False):
            loss = self._generator_loss(random)
        yield loss

    def _critic_loss(self, random: torch.Generator, step: int) -> torch.Tensor:
        preset, critic = self.preset, self.network.critic
        batch = self._draw_batch(random)
        with torch.no_grad():
            drawn = self._draw(batch, random)
        weight = annealed(
            preset.penalty_start, preset.penalty_end, step=step, num_steps=preset.penalty_steps
        )
        shown = Round(batch.pictures, drawn, batch.sentences_or(critic.no_sentence))
        return self.game.critic_loss(critic, shown, weight, random)

    def _generator_loss(self, random: torch.Generator) -> torch.Tensor:
        critic = self.network.critic
        batch = self._draw_batch(random)
        sentences = batch.sentences_or(critic.no_sentence.detach())
        shown = Round(batch.pictures, self._draw(batch, random), sentences)
        return self.game.generator_loss(with_fixed_weights(critic), shown)

    def _draw_batch(self, random: torch.Generator) -> Batch:
        return self.data.draw(self.preset.batch, random, silent=self.preset.sentence_dropout)

    def _draw(self, batch: Batch, random: torch.Generator) -> torch.Tensor:
        """Pictures (B, C, Y, X) under the sentences of a batch."""
        generator = self.network.generator
        latents = torch.randn(len(batch.labels), self.config.latent_width, generator=random)
        drawn: torch.Tensor = generator(latents, batch.sentences_or(generator.no_sentence))
        return drawn

    def ship(self, network: nn.Module) -> nn.Module:
        """A copy of the generator, ready for inference; the critic stays at home."""
        assert isinstance(network, Adversaries), "a course ships networks like its own"
        if not self.config.batch_norm:
            return copy.deepcopy(network.generator).eval()
        random = seeded(self.recipe.seed)
        chosen = torch.randint(len(self.data.train_labels), (_NUM_SETTLING,), generator=random)
        sentences = self.data.draw_sentences(self.data.train_labels[chosen], random)
        return settle(network.generator, sentences, random)

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The kernel distance to held-out pictures under their plain names, and diversity."""
        drawn = self._draw_held_out(network)
        labels = self._held_out_labels
        return (
            self._metric(
                "kernel_distance",
                self._reference.distance(drawn),
                "squared kernel distance",
                "unbiased cubic-kernel MMD on random-convolution features, half over all pictures "
                "and half within kinds (arXiv:1801.01401); a perfect generator has 0",
            ),
            self._metric(
                "diversity",
                mean_diversity(drawn, self._held_out, labels),
                "of real",
                "mean pairwise pixel distance of drawn pictures of a kind over that of real ones, "
                "mean over kinds",
            ),
        )

    def _draw_held_out(self, network: nn.Module) -> torch.Tensor:
        """One picture (n, C, Y, X) for each held-out one, under its plain name."""
        sentences = self.data.plain_names(self._held_out_labels)
        return draw_pictures(network, sentences, seeded(self.recipe.seed))

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """What `validate` gives, diversity kind by kind, and the speed.

        The critic does not ship: how it did is in the card's `training`.
        """
        metrics = list(self.validate(network))
        drawn, labels = self._draw_held_out(network), self._held_out_labels
        names = self.subject.naming.names
        for kind, value in diversity_of_kinds(drawn, self._held_out, labels).items():
            metrics.append(
                self._metric(
                    f"diversity_of_{names[kind].replace(' ', '_')}",
                    value,
                    "of real",
                    "mean pairwise pixel distance of drawn pictures of the kind over that of real "
                    "ones",
                )
            )
        metrics.append(self._measure_speed(network))
        return tuple(metrics)

    def _measure_speed(self, generator: nn.Module) -> Metric:
        count, repeats = 250, 5
        sentences = self.data.plain_names(self._held_out_labels[:count])
        durations = []
        for _ in range(repeats):
            began = time.perf_counter()
            draw_pictures(generator, sentences, seeded(self.recipe.seed))
            durations.append(time.perf_counter() - began)
        return Metric(
            name="images_per_second",
            value=round(len(sentences) / min(durations), 1),
            unit="pictures",
            data=self.subject.title,
            split="none",
            protocol=(
                f"best of {repeats} passes of {len(sentences)} pictures in float32 on the CPU, "
                f"{torch.get_num_threads()} threads"
            ),
            samples=len(sentences) * repeats,
            seed=self.recipe.seed,
        )

    def judge_pictures(self, drawn: torch.Tensor) -> CriticFigures:
        """How the critic in training tells the held-out pictures from as many drawn ones."""
        # A copy, since the mode of a network in training is not ours to change.
        critic = copy.deepcopy(self.network.critic).eval()
        sentences = self.data.plain_names(self._held_out_labels)
        return judge(critic, self._held_out, drawn, sentences)

    def alarms(self, network: nn.Module) -> tuple[str, ...]:
        """Sentences about a collapse or a divergence; none while all is well.

        For the training loop to call at every validation with what ships. Held-out pictures are
        compared with as many drawn ones under their plain names: the variety within a kind and
        between kinds, and the scores of the course's own critic as it is in training.
        """
        drawn = self._draw_held_out(network)
        return find_alarms(
            drawn,
            self._held_out,
            self._held_out_labels,
            names=self.subject.naming.names,
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
        """The card of this preset with these weights; `training` also says how the critic did."""
        figures = self.judge_pictures(self._draw_held_out(self.ship(self.network)))
        normalised = "with BatchNorm" if self.preset.generator_norm else "without normalisation"
        return self.make_card(
            family="gan",
            architecture=(
                f"plain 3x3 ConvNet of {4 * self.preset.channels}, {2 * self.preset.channels} and "
                f"{self.preset.channels} channels {normalised}, told a sentence vector; "
                f"{self.game.title}, against a projection critic"
            ),
            verb="Draws",
            tasks=("text-to-image",),
            parameters=LATENT_PARAMETERS,
            config=asdict(self.config),
            papers=(*self.game.papers, "arXiv:1802.05637"),
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training={
                **training,
                "critic_gap": round(figures.gap, 4),
                "critic_wins": round(figures.wins, 4),
            },
            commit=commit,
        )

    def _metric(self, name: str, value: float, unit: str, protocol: str) -> Metric:
        count = len(self._held_out)
        return Metric(
            name=name,
            value=round(value, 5),
            unit=unit,
            data=self.subject.title,
            split=f"first {count} test pictures",
            protocol=f"{protocol}; plain names as captions, averaged weights in half precision",
            samples=count,
            seed=self.recipe.seed,
        )
