"""Runs of the diffusion network: each follows its own path by one velocity per pass.

A convolution library chooses its algorithm by the shape of the whole batch, and another algorithm
rounds otherwise. So each run is computed in a pass of its own, whose shape depends on its request
alone. What that costs against one shared batch is in docs/families/diffusion.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample
from genmodels.embedding import Embedder
from genmodels.families.diffusion.concepts import ConceptMap, Nearest, embed_prompt
from genmodels.families.diffusion.network import UNet
from genmodels.families.diffusion.objective import predict_data
from genmodels.families.diffusion.picture import encode_png
from genmodels.families.diffusion.samplers import SAMPLERS, Path
from genmodels.randomness import seeded, stacked_normal

_PREVIEW_UPSCALE = 4


class PictureRun:
    """One picture on its way."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        sentence: torch.Tensor,
        nearest: Nearest,
        path: Path,
    ) -> None:
        self._request = request
        self._card = card
        self._nearest = nearest
        self._total = path.num_left
        self._predicted: torch.Tensor | None = None
        self.sentence = sentence
        self.path = path
        self.guidance = float(request.parameters["guidance"])

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        """Counted in evaluations of the network: one a step with Euler, two with Heun."""
        return Progress(
            done=self._total - self.path.num_left, total=self._total, unit="evaluation"
        )

    @property
    def done(self) -> bool:
        return self.path.num_left == 0

    def preview(self) -> Preview | None:
        """Where the path seems to lead, as a small PNG; None before the first pass."""
        if self._predicted is None:
            return None
        content = encode_png(self._predicted, upscale=_PREVIEW_UPSCALE)
        return Preview(media_type="image/png", content=content)

    @property
    def sample(self) -> Sample:
        """The picture with its recipe inside; `extra` names the nearest concept."""
        assert self.done, "a sample is asked for when the run is done"
        similarity = round(self._nearest.similarity, 4)
        extra: dict[str, object] = {
            "nearest_concept": self._nearest.name,
            "similarity": similarity,
            "familiar": self._nearest.familiar,
        }
        if not self._nearest.familiar:
            extra["note"] = (
                f"This prompt is far from everything that {self._card.slug} knows; "
                f"the nearest is {self._nearest.name!r}."
            )
        content = encode_png(
            self.path.x[0],
            upscale=int(self._request.parameters["upscale"]),
            recipe={
                "model": self._card.slug,
                "weights_sha256": self._card.weights_sha256,
                "prompt": self._request.prompt,
                "parameters": dict(self._request.parameters),
                "seed": self._request.seed,
                "pinakes": _product_version(),
            },
        )
        return Sample(
            content=content,
            media_type="image/png",
            metrics={"evaluations": float(self._total), "prompt_similarity": similarity},
            extra=extra,
        )

    def follow(self, velocity: torch.Tensor) -> None:
        """Go on by this velocity (1, 1, Y, X)."""
        self._predicted = predict_data(self.path.x, velocity, self.path.time)[0]
        self.path.follow(velocity)


class DiffusionGenerator:
    """A loaded diffusion checkpoint."""

    #: A pass costs the same for each run in it, so more company would only make each wait longer.
    slots = 8

    def __init__(
        self,
        *,
        card: Card,
        network: UNet,
        concepts: ConceptMap,
        embedder: Embedder,
        device: torch.device,
    ) -> None:
        self._card = card
        self._network = network
        self._concepts = concepts
        self._embedder = embedder
        self._device = device

    @property
    def card(self) -> Card:
        return self._card

    def open(self, request: GenerationRequest) -> PictureRun:
        """Start a run: embed its prompt and draw its noise."""
        vector = embed_prompt(self._embedder, request.prompt)
        side = self._network.config.side
        noise = stacked_normal([seeded(request.seed)], (1, side, side)).to(self._device)
        make_path = SAMPLERS[str(request.parameters["sampler"])]
        return PictureRun(
            request,
            card=self._card,
            sentence=torch.from_numpy(vector)[None].to(self._device),
            nearest=self._concepts.nearest(vector),
            path=make_path(noise, int(request.parameters["steps"])),
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One velocity for each of these runs, opened here and not done."""
        for run in cast("Sequence[PictureRun]", runs):
            assert not run.done, "a run that is done has left"
            run.follow(self._guided_velocity(run))

    def _guided_velocity(self, run: PictureRun) -> torch.Tensor:
        """Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598, eq. 6): (1, 1, Y, X).

        The velocity without the sentence, plus `guidance` times what the sentence changes.
        """
        with_and_without = torch.cat((run.sentence, self._network.no_sentence[None]))
        x = run.path.x.expand(2, -1, -1, -1)
        time = torch.full((2,), run.path.time, device=self._device)
        told, untold = self._network(x, time, with_and_without).chunk(2)
        guided: torch.Tensor = untold + run.guidance * (told - untold)
        return guided


def _product_version() -> str:
    try:
        return version("pinakes")
    except PackageNotFoundError:
        # Running from a source tree that was never installed.
        return "unknown"
