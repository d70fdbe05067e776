"""What the style-based network draws: pictures, ways between them, mixtures and truncations.

A run's row holds everything that its picture needs, so that runs share passes: one style for each
level and the noise of every level, both made when the run is opened.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from genmodels.contract import Card, GenerationRequest, Parameter
from genmodels.data.emoji import STYLES
from genmodels.families.gan.style.network import StyleConfig, StyleNetwork
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.course import UPSCALE
from genmodels.pictures.emoji import STYLE
from genmodels.pictures.latent import FRAMES, TOWARDS, LatentGenerator, Rows, require_way
from genmodels.randomness import seeded

_AT_ONCE = 64
#: Latents whose mean style is called the typical one of a prompt.
_NUM_TYPICAL = 64


def parameters_of(config: StyleConfig) -> tuple[Parameter, ...]:
    """What can be set when such a network draws."""
    last = len(config.sides) - 1
    return (
        STYLE,
        FRAMES,
        Parameter(
            name="show",
            kind="choice",
            default="pictures",
            choices=("pictures", "journey", "mixing", "truncation"),
            label="Show",
            help=(
                "Separate pictures; a journey from one to another, whose wording may change on "
                "the way; mixing, one picture and then its shape in the manner of others; or "
                "truncation, from the typical picture of the prompt to this one."
            ),
            essential=True,
        ),
        Parameter(
            name="truncation",
            kind="number",
            default=0.8,
            minimum=0.0,
            maximum=1.5,
            label="Truncation",
            help="How far from the typical picture of the prompt: 0 always that, 1 as learned.",
            essential=True,
        ),
        replace(
            TOWARDS,
            help=(
                "What the end of a journey shows, or whose manner is mixed in; empty means the "
                "same as the prompt."
            ),
        ),
        Parameter(
            name="other_seed",
            kind="integer",
            default=-1,
            minimum=-1,
            maximum=2**31 - 1,
            label="Other seed",
            help="The seed of the journey's end or of the manner; -1 goes on with the first.",
        ),
        Parameter(
            name="crossover",
            kind="integer",
            default=min(2, last),
            minimum=1,
            maximum=last,
            label="Crossover",
            help=(
                "For mixing, the level from which on the manner is another's: "
                f"{', '.join(f'{n} at {side} pixels' for n, side in enumerate(config.sides) if n)}"
                "."
            ),
        ),
        UPSCALE,
    )


class StyleModel:
    """A loaded network as the room of latent models asks it.

    A latent (K,) is the styles of all levels and then the noise of all levels.
    """

    def __init__(self, network: StyleNetwork) -> None:
        self.network = network
        self._num_levels = len(network.config.sides)

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        """(n, K), one for each sentence (n, S), in the first kind of drawing."""
        kinds = one_hot(torch.zeros(len(sentences), dtype=torch.long), self.network.config)
        return self.draw_rows(sentences, kinds, spread=spread, random=random)

    def draw_rows(
        self,
        sentences: torch.Tensor,
        kinds: torch.Tensor,
        *,
        spread: float,
        random: torch.Generator,
    ) -> torch.Tensor:
        """(n, K) for sentences (n, S) in kinds (n, kinds), on the CPU."""
        styles = self.draw_styles(sentences, kinds, random=random)
        if spread != 1.0:
            styles = torch.lerp(self.typical(sentences, kinds), styles, spread)
        return self.join(styles[:, None].expand(-1, self._num_levels, -1), self._noise(len(styles),
                         random))  # fmt: skip

    @torch.no_grad()
    def draw_styles(
        self, sentences: torch.Tensor, kinds: torch.Tensor, *, random: torch.Generator
    ) -> torch.Tensor:
        """(n, W), one for each sentence (n, S); on the CPU."""
        latents = torch.randn(len(sentences), self.network.config.latent_width, generator=random)
        return self._map(latents, sentences, kinds)

    def typical(self, sentences: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """(n, W): the mean style of each sentence (n, S), over latents that are always the same.

        One mean for all prompts would turn every truncated picture into the same grey one; see
        Dobler et al. 2022 (arXiv:2202.12211) on truncation within a condition.
        """
        width = self.network.config.latent_width
        latents = torch.randn(_NUM_TYPICAL, width, generator=seeded(0))
        return torch.stack([
            self._map(latents, told.expand(_NUM_TYPICAL, -1), kind.expand(_NUM_TYPICAL, -1))
            .mean(dim=0)
            for told, kind in zip(sentences, kinds, strict=True)
        ])  # fmt: skip

    def join(self, styles: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Styles (n, D, W) and noise (n, sum of sizes) to rows (n, K)."""
        return torch.cat((styles.flatten(1), noise), dim=1)

    def draw_noise(self, random: torch.Generator) -> torch.Tensor:
        """The noise of one picture: (1, sum of sizes)."""
        return self._noise(1, random)

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """(n, K) to (n, C, Y, X) in -1..1; sentences are in the styles already."""
        del sentences
        width = self._num_levels * self.network.config.style_width
        styles = latents[:, :width].reshape(len(latents), self._num_levels, -1)
        return self.network.synthesise(styles, latents[:, width:]).float().clamp(-1, 1)

    def _noise(self, count: int, random: torch.Generator) -> torch.Tensor:
        return torch.randn(count, sum(self.network.noise_sizes), generator=random)

    @torch.no_grad()
    def _map(
        self, latents: torch.Tensor, sentences: torch.Tensor, kinds: torch.Tensor
    ) -> torch.Tensor:
        device = self.network.no_sentence.device
        styles: torch.Tensor = self.network.mapping(
            latents.to(device), sentences.to(device), kinds.to(device)
        )
        return styles.float().cpu()


class StyleGenerator(LatentGenerator):
    """A loaded checkpoint."""

    def __init__(
        self, *, card: Card, network: StyleNetwork, reader: PromptReader, device: torch.device
    ) -> None:
        self._styles = StyleModel(network)
        super().__init__(card=card, model=self._styles, reader=reader, device=device)

    def draw_rows(self, request: GenerationRequest, prompt: ReadPrompt) -> Rows:
        """What a request puts into its pass; raises InvalidRequest."""
        parameters = request.parameters
        count, show = int(parameters["frames"]), str(parameters["show"])
        model, random = self._styles, seeded(request.seed)
        told = prompt.vector.cpu()
        kind = self._kind(str(parameters["style"]))
        spread = float(parameters["truncation"])
        if show == "pictures":
            rows = model.draw_rows(
                told.expand(count, -1), kind.expand(count, -1), spread=spread, random=random
            )
            return Rows(rows, told.expand(count, -1))
        require_way(count, show)
        style = model.draw_styles(told, kind, random=random)  # (1, W)
        typical = model.typical(told, kind)
        # A way keeps its noise, so that nothing moves but what the styles say.
        noise = model.draw_noise(random).expand(count, -1)
        if show == "truncation":
            shares = torch.linspace(0, spread, count)[:, None]
            styles = self._everywhere(torch.lerp(typical, style, shares))
        else:
            start = torch.lerp(typical, style, spread)
            towards = str(parameters["towards"]).strip()
            other = self.reader.read(towards).vector.cpu() if towards else told
            other_seed = int(parameters["other_seed"])
            if other_seed >= 0:
                random = seeded(other_seed)
            ends = 1 if show == "journey" else count - 1
            found = model.draw_styles(other.expand(ends, -1), kind.expand(ends, -1), random=random)
            end = torch.lerp(model.typical(other, kind), found, spread)
            if show == "journey":
                shares = torch.linspace(0, 1, count)[:, None]
                styles = self._everywhere(torch.lerp(start, end, shares))
            else:
                fine = self._everywhere(torch.cat((start, end)))
                crossover = int(parameters["crossover"])
                styles = torch.cat(
                    (self._everywhere(start.expand(count, -1))[:, :crossover],
                     fine[:, crossover:]), dim=1,
                )  # fmt: skip
        return Rows(model.join(styles, noise), told.expand(count, -1))

    def _everywhere(self, styles: torch.Tensor) -> torch.Tensor:
        """The same style (n, W) at every level: (n, D, W)."""
        return styles[:, None].expand(-1, len(self._styles.network.config.sides), -1)

    def _kind(self, style: str) -> torch.Tensor:
        return one_hot(torch.tensor([STYLES.index(style)]), self._styles.network.config)


def one_hot(kinds: torch.Tensor, config: StyleConfig) -> torch.Tensor:
    """(n,) to (n, K) float32."""
    return functional.one_hot(kinds, config.num_kinds).float()


@torch.no_grad()
def draw_emoji(
    network: nn.Module,
    sentences: torch.Tensor,
    kinds: torch.Tensor,
    random: torch.Generator,
    *,
    truncation: float = 1.0,
) -> torch.Tensor:
    """One picture for each sentence (n, S) in its kind (n,): (n, C, Y, X) in -1..1."""
    assert isinstance(network, StyleNetwork), "what ships is the generator alone"
    model = StyleModel(network)
    device = network.no_sentence.device
    drawn = []
    for told, kind in zip(
        torch.split(sentences, _AT_ONCE), torch.split(kinds, _AT_ONCE), strict=True
    ):
        hot = one_hot(kind, network.config)
        rows = model.draw_rows(told, hot, spread=truncation, random=random)
        drawn.append(model.decode(rows.to(device), told))
    return torch.cat(drawn)
