"""What a network draws: from a prompt as every family with a latent, and from a person's picture.

Latents are noise: the coordinates in which the prior is round. What starts from a picture goes in
the coordinates of the prior that is told nothing, since a picture comes without a sentence, and
between two pictures everything plausible should be met, not what one sentence says.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from genmodels.contract import Card, Fault, GenerationRequest, InvalidRequest
from genmodels.families.vae.network import Network
from genmodels.families.vae.objective import importance_bound
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture
from genmodels.pictures.latent import LatentGenerator, Rows, circle, require_way, slerp
from genmodels.randomness import seeded

#: For the figure that comes with a reconstruction; more take longer and say little more.
_SAMPLES_OF_A_PICTURE = 200


class NoiseModel:
    """A network as `pictures.latent` asks it: latents are noise (n, L)."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def draw_latents(
        self, sentences: torch.Tensor, *, spread: float, random: torch.Generator
    ) -> torch.Tensor:
        """Noise (n, L) for sentences (n, S), `spread` times as far out as is typical."""
        shape = (len(sentences), self._network.num_latents)
        return spread * torch.randn(shape, generator=random)

    def decode(self, latents: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
        """Pictures (n, C, Y, X) in -1..1 of noise (n, L) under sentences (n, S)."""
        network = self._network
        drawn = network.from_noise(latents, sentences)
        return network.likelihood.picture(network.decode(drawn, sentences))


class VAEGenerator(LatentGenerator):
    """A loaded checkpoint of the family."""

    def __init__(
        self, *, card: Card, network: Network, reader: PromptReader, device: torch.device
    ) -> None:
        super().__init__(card=card, model=NoiseModel(network), reader=reader, device=device)
        self._network = network

    @torch.inference_mode()
    def draw_rows(self, request: GenerationRequest, prompt: ReadPrompt) -> Rows:
        """As told by the prompt alone, or by the pictures that came with it."""
        show = str(request.parameters["show"])
        content, ending = request.inputs.get("image"), request.inputs.get("end")
        if ending is not None and show != "journey":
            detail = f"has no use: only a journey ends at a picture, this is a {show}"
            raise InvalidRequest([Fault("/inputs/end", "unused", detail)])
        if content is None and ending is None and show != "shift":
            return super().draw_rows(request, prompt)
        count, spread = int(request.parameters["frames"]), float(request.parameters["spread"])
        towards = str(request.parameters["towards"]).strip()
        random, told = seeded(request.seed), prompt.vector
        if content is None:
            start = self._draw(told, spread, random)
        else:
            picture = self._read(content, "image")
            if show == "pictures":
                return self._reconstruct(picture, count, spread, random)
            start = self._infer(picture)
        if show == "shift":
            return self._shift(start, told, towards, count)
        require_way(count, show)
        if ending is not None:
            end = self._infer(self._read(ending, "end"))
        else:
            if towards and show == "journey":
                told = self.reader.read(towards).vector
            end = self._draw(told, spread, random)
        ends = torch.cat((start, end))
        noise = self._network.to_noise(ends, self._silence(2)).cpu()
        if show == "walk":
            return self._untold(circle(noise, count))
        return self._untold(slerp(noise[0], noise[1], torch.linspace(0, 1, count)))

    def _reconstruct(
        self, picture: torch.Tensor, count: int, spread: float, random: torch.Generator
    ) -> Rows:
        """The likeliest latents of a picture (1, C, Y, X), then draws of what it may have been."""
        network = self._network
        noise = torch.randn((count, network.num_latents), generator=random)
        noise[0] = 0.0
        said = network.encode(picture).expand(count, -1)
        silence = self._silence(count)
        latents = network.infer(said, silence, (spread * noise).to(said.device)).latents
        bound = importance_bound(
            network, picture, silence[:1], random, samples=_SAMPLES_OF_A_PICTURE
        )
        shown = network.likelihood.picture(network.decode(latents[:1], silence[:1]))
        figures = {
            "nll": round(-bound.item(), 3),
            "squared_error": round((shown - picture).square().mean().item(), 5),
        }
        return self._untold(network.to_noise(latents, silence).cpu(), figures)

    def _shift(self, start: torch.Tensor, told: torch.Tensor, towards: str, count: int) -> Rows:
        """From latents (1, L) under one sentence to those at the same noise under another.

        That is what the prior takes for the same manner of another thing. A single picture shows
        the end of the way.
        """
        if not towards:
            fault = Fault("/params/towards", "required", "must say what the shift leads to")
            raise InvalidRequest([fault])
        manner = self._network.to_noise(start, told)
        end = self._network.from_noise(manner, self.reader.read(towards).vector)
        shares = torch.linspace(0, 1, count) if count > 1 else torch.ones(1)
        way = start + shares[:, None].to(start.device) * (end - start)
        return self._untold(self._network.to_noise(way, self._silence(count)).cpu())

    def _read(self, content: bytes, name: str) -> torch.Tensor:
        """A file as the network sees it (1, C, Y, X): black and white where it knows no grey."""
        config = self._network.config
        try:
            picture = decode_picture(content, side=config.side, colours=config.colours)
        except UnableToReadPicture as error:
            raise InvalidRequest([Fault(f"/inputs/{name}", "unreadable", str(error))]) from error
        if self._network.likelihood.is_binary:
            picture = torch.where(picture > 0, 1.0, -1.0)
        return picture[None].to(self._network.no_sentence.device)

    def _infer(self, picture: torch.Tensor) -> torch.Tensor:
        """The mean latents (1, L) of a picture (1, C, Y, X)."""
        said = self._network.encode(picture)
        still = torch.zeros((1, self._network.num_latents), device=said.device)
        return self._network.infer(said, self._silence(1), still).latents

    def _draw(self, told: torch.Tensor, spread: float, random: torch.Generator) -> torch.Tensor:
        """Latents (1, L) that the prior draws under a sentence (1, S)."""
        noise = spread * torch.randn((1, self._network.num_latents), generator=random)
        return self._network.from_noise(noise.to(told.device), told)

    def _silence(self, count: int) -> torch.Tensor:
        return self._network.no_sentence.expand(count, -1)

    def _untold(self, noise: torch.Tensor, figures: Mapping[str, float] | None = None) -> Rows:
        return Rows(noise, self._silence(len(noise)).cpu(), figures or {})
