"""StyleGAN-lite: a mapping of latent and sentence to styles, and a network that draws by styles.

Shapes: B batch, C channels, Y and X height and width, L width of a latent, S width of a sentence
vector, W width of a style, D number of levels, K kinds of drawing, F width of the critic's
features.

Each level has one style, which weighs the channels that go into its convolutions; their outputs
are brought back to unit variance in expectation (Karras et al. 2019, arXiv:1912.04958, eq. 1 and
3, by scaling activations instead of weights, so that one convolution serves the whole batch).
Coarse levels also say which channels matter in fine ones (Liu et al. 2021, arXiv:2101.04775, eq.
1), which in a small network does much of what depth does in a large one.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from genmodels.nn.company import RowwiseLinear, rowwise

_SLOPE = 0.2
_START = 4
#: Levels between one that excites and the one that it excites: 4 speaks to 16, 8 to 32.
_REACH = 2
_GATE_SIDE = 4
#: How much slower the mapping learns than the rest (arXiv:1812.04948, appendix C).
MAPPING_RATE = 0.1


@dataclass(frozen=True)
class StyleConfig:
    """Sizes of the network that draws; `channels` are those of its finest level.

    That level has half the picture's side and draws squares of 2x2 pixels: a level of full size
    would take half of the time, most of it for additions and multiplications of single numbers.
    """

    side: int
    colours: int
    channels: int
    latent_width: int
    style_width: int
    sentence_width: int
    num_kinds: int
    network: str = "stylegan"

    def __post_init__(self) -> None:
        if self.side < 4 * _START or self.side & (self.side - 1):
            raise ValueError("side must be a power of two from 16 up")

    @property
    def sides(self) -> tuple[int, ...]:
        """Those of the levels, from 4 up."""
        count = (self.side // (2 * _START)).bit_length()
        return tuple(_START * 2**level for level in range(count))

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the levels: twice as many below the finest."""
        return tuple(self.channels * min(2, self.sides[-1] // side) for side in self.sides)


@dataclass(frozen=True)
class StyleCriticConfig:
    """Sizes of the network that judges."""

    side: int
    colours: int
    channels: int
    features: int
    sentence_width: int
    num_kinds: int


class StyleMapping(nn.Module):
    """Latents under sentences in a kind of drawing, to styles."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        told = config.sentence_width + config.num_kinds
        self.told = RowwiseLinear(told, config.latent_width)
        widths = (2 * config.latent_width, config.style_width, config.style_width)
        self.layers = nn.ModuleList(
            RowwiseLinear(narrow, wide) for narrow, wide in itertools.pairwise(widths)
        )

    def forward(
        self, latents: torch.Tensor, sentences: torch.Tensor, kinds: torch.Tensor
    ) -> torch.Tensor:
        """(B, L), (B, S) and (B, K) to (B, W); latents and what is told are of one length."""
        told = self.told(torch.cat((_to_unit_entries(sentences), kinds), dim=1))
        x = torch.cat((_normalise(latents), _normalise(told)), dim=1)
        for layer in self.layers:
            x = _activate(layer(x)) * math.sqrt(2.0)
        return x


class StyleNetwork(nn.Module):
    """The generator: `mapping` makes styles, `synthesise` pictures of them."""

    def __init__(self, config: StyleConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        self.mapping = StyleMapping(config)
        widths, sides = config.widths, config.sides
        self.start = nn.Parameter(torch.zeros(1, widths[0], _START, _START))
        self.levels = nn.ModuleList(
            Styled(width, width, config.style_width, noisy=True) for width in widths
        )
        self.changes = nn.ModuleList(
            Styled(before, width, config.style_width, noisy=False)
            for before, width in itertools.pairwise(widths)
        )
        self.colours = nn.ModuleList(
            Styled(width, 4 * config.colours, config.style_width, noisy=False, kernel=1)
            for width in widths
        )
        self.gates = nn.ModuleList(
            _Gate(widths[level], widths[level + _REACH]) for level in range(len(sides) - _REACH)
        )
        _initialise(self, random)

    @property
    def noise_sizes(self) -> tuple[int, ...]:
        """Pixels of the noise of each level."""
        return tuple(side * side for side in self.config.sides)

    def forward(
        self,
        latents: torch.Tensor,
        sentences: torch.Tensor,
        kinds: torch.Tensor,
        noise: torch.Tensor,
    ) -> torch.Tensor:
        """(B, L), (B, S), (B, K) and (B, sum of noise sizes) to (B, colours, Y, X)."""
        styles = self.mapping(latents, sentences, kinds)
        return self.synthesise(styles[:, None].expand(-1, len(self.levels), -1), noise)

    def synthesise(self, styles: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """One style for each level (B, D, W) and (B, sum of noise sizes) to (B, colours, Y, X).

        About -1..1, without a tanh, which would die where most of a picture is white.
        """
        layers = torch.split(noise, list(self.noise_sizes), dim=1)
        x = self.start.expand(len(styles), -1, -1, -1)
        picture: torch.Tensor | None = None
        seen: list[torch.Tensor] = []
        for level, side in enumerate(self.config.sides):
            style = styles[:, level]
            if level:
                # Channels change before the picture grows, which is four times cheaper.
                x = _grow(self.changes[level - 1](x, style))
            x = self.levels[level](x, style, layers[level].view(-1, 1, side, side))
            if level >= _REACH:
                x = x * self.gates[level - _REACH](seen[level - _REACH])
            seen.append(x)
            drawn = functional.pixel_shuffle(self.colours[level](x, style), 2)
            picture = drawn if picture is None else _grow(picture) + drawn
        assert picture is not None, "there are at least two levels"
        return picture


class StyleCritic(nn.Module):
    """Scores of pictures under sentences; a projection critic as in the plain GANs here.

    It looks at squares of 2x2 pixels from the start: nothing is lost, and the convolutions at full
    size, which would be half of the work, are saved.
    """

    def __init__(self, config: StyleCriticConfig, random: torch.Generator) -> None:
        super().__init__()
        self.config = config
        #: Stands for "no sentence".
        self.no_sentence = nn.Parameter(torch.zeros(config.sentence_width))
        #: Its bias is the judgement that no sentence changes.
        self.expect = nn.Linear(config.sentence_width + config.num_kinds, config.features)
        sides = range((config.side // (2 * _START)).bit_length())
        widths = [config.channels * min(2, 2**level) for level in sides]
        self.stem = nn.Conv2d(4 * config.colours, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for width in widths)
        self.changes = nn.ModuleList(
            nn.Conv2d(before, width, 3, padding=1) for before, width in itertools.pairwise(widths)
        )
        self.describe = nn.Linear(widths[-1] * _START**2, config.features)
        _initialise(self, random)

    def look(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features (B, F) of pictures (B, colours, Y, X) in -1..1."""
        patches = functional.pixel_unshuffle(pictures, 2)
        x = self.stem(patches.contiguous(memory_format=torch.channels_last))
        for level, conv in enumerate(self.levels):
            if level:
                x = self.changes[level - 1](functional.avg_pool2d(_activate(x), 2))
            x = x + conv(_activate(x))
        features: torch.Tensor = self.describe(_activate(x).flatten(1))
        return _activate(features)

    def score(self, features: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """(B, F) under sentences and kinds side by side (B, S + K) to scores (B,) float32."""
        width = self.config.sentence_width
        told = torch.cat((_to_unit_entries(conditions[:, :width]), conditions[:, width:]), dim=1)
        product = features.float() * self.expect(told).float()
        scores: torch.Tensor = product.sum(dim=1) / math.sqrt(self.config.features)
        return scores

    def forward(self, pictures: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """(B, colours, Y, X) and (B, S + K) to (B,)."""
        return self.score(self.look(pictures), conditions)


class StyleAdversaries(nn.Module):
    """Both networks in training, with what the augmentation of pictures has come to.

    `augmentation` is the share of pictures that are changed before the critic sees them,
    `overfitting` by how much the critic was ahead when that was last adjusted, and `leads` the sum
    of that since then.
    """

    num_steps: torch.Tensor
    augmentation: torch.Tensor
    overfitting: torch.Tensor
    leads: torch.Tensor

    def __init__(
        self, synthesis: StyleConfig, critic: StyleCriticConfig, random: torch.Generator
    ) -> None:
        super().__init__()
        self.generator = StyleNetwork(synthesis, random)
        self.critic = StyleCritic(critic, random)
        self.register_buffer("num_steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("augmentation", torch.zeros(()))
        self.register_buffer("overfitting", torch.zeros(()))
        self.register_buffer("leads", torch.zeros(()))


class Styled(nn.Module):
    """A convolution of weighted channels, its result brought back to unit variance.

    Colours are not brought back: they are what they are (arXiv:1912.04958, figure 2).
    """

    def __init__(
        self, narrow: int, wide: int, style_width: int, *, noisy: bool, kernel: int = 3
    ) -> None:
        super().__init__()
        self.weigh = RowwiseLinear(style_width, narrow)
        self.conv = nn.Conv2d(narrow, wide, kernel, padding=kernel // 2, bias=False)
        self.bias = nn.Parameter(torch.zeros(wide))
        #: How much noise each channel takes; none at first.
        self.noisiness = nn.Parameter(torch.zeros(wide)) if noisy else None
        self._gives_colours = kernel == 1

    def forward(
        self, x: torch.Tensor, style: torch.Tensor, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(B, C, Y, X), (B, W) and, where it is noisy, (B, 1, Y, X) to (B, C', Y, X)."""
        weights = self.weigh(style).float() + 1.0  # (B, C)
        x = self.conv(x * weights[:, :, None, None].to(x.dtype))
        bias = self.bias[:, None, None]
        if self._gives_colours:
            return x + bias.to(x.dtype)
        power = self.conv.weight.square().sum(dim=(2, 3))  # (C', C)
        lengths = rowwise(weights.square(), power).float().add(1e-8).rsqrt()
        # A leaky rectifier halves the power, which is made up for here.
        lengths = lengths * math.sqrt(2.0)
        x = x * lengths[:, :, None, None].to(x.dtype) + bias.to(x.dtype)
        if self.noisiness is not None:
            assert noise is not None, "a noisy layer is given its noise"
            # In one step, which keeps the order of `x` in memory.
            x = torch.addcmul(x, self.noisiness[:, None, None].to(x.dtype), noise.to(x.dtype))
        return _activate(x)


class _Gate(nn.Module):
    """What a coarse level says of the channels of a fine one, 0 to 2 (arXiv:2101.04775, eq. 1)."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.read = RowwiseLinear(narrow * _GATE_SIDE**2, wide)
        self.say = RowwiseLinear(wide, wide)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, Y, X) to (B, C', 1, 1)."""
        small = functional.adaptive_avg_pool2d(x, _GATE_SIDE).flatten(1)
        said = 2.0 * torch.sigmoid(self.say(_activate(self.read(small))).float())
        return said[:, :, None, None].to(x.dtype)


def _grow(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear")


def _activate(x: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(x, _SLOPE)


def _normalise(x: torch.Tensor) -> torch.Tensor:
    # Root mean square 1 over the entries of a row (arXiv:1812.04948, appendix C).
    return x * x.float().square().mean(dim=1, keepdim=True).add(1e-8).rsqrt().to(x.dtype)


def _to_unit_entries(sentences: torch.Tensor) -> torch.Tensor:
    # Unit vectors of S entries have entries near 1 / sqrt(S); layers expect them near 1.
    return sentences * math.sqrt(sentences.shape[1])


def _initialise(network: StyleNetwork | StyleCritic, random: torch.Generator) -> None:
    """He et al. 2015 (arXiv:1502.01852, eq. 15); residual convolutions and gates start at zero."""
    gain = math.sqrt(2 / (1 + _SLOPE**2))
    is_critic = isinstance(network, StyleCritic)
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            if name == "start":
                parameter.copy_(torch.randn(parameter.shape, generator=random))
            elif (
                parameter.ndim == 1 or "say" in name or (is_critic and name.startswith("levels."))
            ):
                parameter.zero_()
            else:
                scale = (1.0 if "weigh" in name else gain) / math.sqrt(parameter[0].numel())
                parameter.copy_(scale * torch.randn(parameter.shape, generator=random))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
