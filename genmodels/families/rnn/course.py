"""How the recurrent networks are trained: data, optimisers, held-out figures and card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from genmodels.contract import Card, Metric
from genmodels.course import Player
from genmodels.families.rnn.carried import CarryingReader, carried_loss
from genmodels.families.rnn.lstm import LSTM
from genmodels.families.rnn.mingru import MinGRU
from genmodels.families.rnn.network import (
    LSTM_CELL,
    MINGRU_CELL,
    RecurrentConfig,
    RecurrentNetwork,
)
from genmodels.families.rnn.presets import RecurrentPreset
from genmodels.randomness import seeded
from genmodels.text.corpus import Corpus
from genmodels.text.course import LanguageCourse
from genmodels.text.objective import next_token_loss, windowed_loss

#: Held-out text is read in so many parts side by side, else a figure would take minutes.
_PARTS = 64
_SHORTEST_PART = 256
#: Windows of this length, as those of a transformer, give a figure to compare with its own.
_WINDOW = 256
_LONGEST = 4000

DETERMINISM = (
    "Weights and states are rounded to binary grids and summed in float64 without rounding, so no "
    "sum depends on its order: the text of a request is the same whoever shares its passes, on "
    "any number of threads."
)

_ARCHITECTURES = {
    LSTM_CELL: "LSTM, {layers} layers of {width} cells, embedding of width {embedding} tied",
    MINGRU_CELL: "minGRU, {layers} blocks of {width} cells on a stream of width {embedding}",
}
_PAPERS = {
    LSTM_CELL: ("arXiv:1512.05287", "arXiv:1608.05859"),
    MINGRU_CELL: ("arXiv:2410.01201",),
}


def make_network(config: RecurrentConfig, random: torch.Generator) -> RecurrentNetwork:
    """An LSTM or a minGRU, as its config says."""
    return LSTM(config, random) if config.cell == LSTM_CELL else MinGRU(config, random)


class RecurrentCourse(LanguageCourse):
    """A recurrent network over the tokens of a corpus.

    Running text is read on and on with the state carried from batch to batch, records each from a
    fresh state.
    """

    def __init__(self, preset: RecurrentPreset, corpus: Corpus) -> None:
        super().__init__(preset, corpus)
        self.preset = preset
        self.config = RecurrentConfig(
            cell=preset.cell,
            vocabulary_size=self.vocabulary.size,
            num_layers=preset.num_layers,
            width=preset.width,
            embedding_width=preset.embedding_width,
            dropout=preset.dropout,
        )
        self._model = make_network(self.config, seeded(preset.recipe.seed))
        self.network = (
            self._model
            if corpus.has_records
            else CarryingReader(self._model, batch=preset.batch, text_length=len(self.text))
        )

    def players(self) -> Sequence[Player]:
        """AdamW for all, or Muon for the matrices between hidden layers where it has a rate.

        Muon's orthogonal updates suit maps of a space onto itself (Jordan et al. 2024), which the
        four stacked gates of an LSTM are not.
        """
        named = dict(self._model.named_parameters())
        hidden = [
            parameter
            for name, parameter in named.items()
            if self.preset.hidden_rate and name.startswith("blocks.") and parameter.ndim == 2
        ]
        outer = [each for each in named.values() if all(each is not other for other in hidden)]
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(outer, lr=self.preset.rate, betas=(0.9, 0.99), weight_decay=0.0)
        ]
        if hidden:
            optimizers.append(
                torch.optim.Muon(hidden, lr=self.preset.hidden_rate, weight_decay=0.1)
            )
        return (Player((*outer, *hidden), tuple(optimizers)),)

    def losses(self, random: torch.Generator) -> Iterator[torch.Tensor]:
        """Nats per token on the next windows of the text, or on random records."""
        if isinstance(self.network, CarryingReader):
            yield self.network.loss(self.text, length=self.preset.context, random=random)
        else:
            yield next_token_loss(self.network, self.draw_batch(random), random)

    def ship(self, network: nn.Module) -> nn.Module:
        """The network without what it carries in training."""
        return network.model if isinstance(network, CarryingReader) else network

    def validate(self, network: nn.Module) -> tuple[Metric, ...]:
        """The loss over all of a text with the state carried on, or over held-out records."""
        assert isinstance(network, RecurrentNetwork), "a course validates networks like its own"
        if self.corpus.has_records:
            return super().validate(network)
        parts = max(1, min(_PARTS, len(self.held_out) // _SHORTEST_PART))
        metric = self.loss_metric(
            carried_loss(network, self.held_out, num_parts=parts),
            samples=len(self.held_out) - 1,
            protocol=(
                f"mean cross-entropy of {parts} parts of equal length, each read from its first "
                f"{self.vocabulary.unit} to its last with the state carried on; averaged weights "
                "in half precision"
            ),
        )
        return (metric,)

    def measure(self, network: nn.Module) -> tuple[Metric, ...]:
        """As in training, and as a transformer is measured that sees no further than a window."""
        if self.corpus.has_records:
            return super().measure(network)
        windows = self.loss_metric(
            windowed_loss(network, self.held_out, length=_WINDOW),
            name="windowed_loss",
            samples=len(self.held_out) - 1,
            protocol=(
                f"mean cross-entropy in consecutive windows of {_WINDOW} {self.vocabulary.unit}s "
                "without overlap or memory between them; averaged weights in half precision"
            ),
        )
        return (*self.validate(network), windows)

    def card(
        self,
        *,
        weights_sha256: str,
        metrics: tuple[Metric, ...],
        training: Mapping[str, Any],
        commit: str,
    ) -> Card:
        """The card of these weights."""
        config = self.config
        return self.make_card(
            family="rnn",
            architecture=_ARCHITECTURES[config.cell].format(
                layers=config.num_layers, width=config.width, embedding=config.embedding_width
            ),
            memory="all of it counts, what is near the end most",
            length=self.preset.length,
            longest=_LONGEST,
            config=asdict(config),
            papers=_PAPERS[config.cell],
            determinism=DETERMINISM,
            weights_sha256=weights_sha256,
            metrics=metrics,
            training=training,
            commit=commit,
        )
