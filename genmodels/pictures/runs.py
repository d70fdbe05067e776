"""What the runs of all families of pictures share: previews, the prompt, and the sample."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Progress, Sample
from genmodels.pictures.concepts import ReadPrompt
from genmodels.pictures.encoding import encode_png


class DrawnRun:
    """The part of a run that does not depend on the family; pictures are (C, Y, X) in -1..1."""

    preview_upscale = 4

    def __init__(self, request: GenerationRequest, *, card: Card) -> None:
        self._request = request
        self._card = card

    @property
    def request(self) -> GenerationRequest:
        return self._request

    def make_preview(self, picture: torch.Tensor) -> Preview:
        """A small PNG of what there is so far."""
        return Preview(
            media_type="image/png", content=encode_png(picture, upscale=self.preview_upscale)
        )

    def make_sample(
        self, picture: torch.Tensor, metrics: Mapping[str, float], extra: Mapping[str, object]
    ) -> Sample:
        """The picture with its recipe inside."""
        content = encode_png(
            picture,
            upscale=int(self._request.parameters["upscale"]),
            recipe=make_recipe(self._card, self._request),
        )
        return Sample(
            content=content, media_type="image/png", metrics=dict(metrics), extra=dict(extra)
        )


class OnePassRun(DrawnRun):
    """A run that takes a single pass, which sets `pictures` (n, C, Y, X)."""

    pictures: torch.Tensor | None = None

    @property
    def progress(self) -> Progress:
        return Progress(done=int(self.done), total=1, unit="pass")

    @property
    def done(self) -> bool:
        return self.pictures is not None

    def preview(self) -> Preview | None:
        """The first picture, once there is one."""
        return None if self.pictures is None else self.make_preview(self.pictures[0])


class PromptedRun(DrawnRun):
    """A run of a network that is told its prompt as a vector."""

    def __init__(self, request: GenerationRequest, *, card: Card, prompt: ReadPrompt) -> None:
        super().__init__(request, card=card)
        self.prompt = prompt

    def make_sample(
        self, picture: torch.Tensor, metrics: Mapping[str, float], extra: Mapping[str, object]
    ) -> Sample:
        """The same, with the nearest concept."""
        return super().make_sample(
            picture,
            {**metrics, "prompt_similarity": self.similarity},
            {**self.tell_nearest(), **extra},
        )

    @property
    def similarity(self) -> float:
        """How near the prompt is to the nearest concept."""
        return round(self.prompt.nearest.similarity, 4)

    def tell_nearest(self) -> dict[str, object]:
        """The nearest concept, with a note where the prompt is far from all."""
        nearest = self.prompt.nearest
        told: dict[str, object] = {
            "nearest_concept": nearest.name,
            "similarity": self.similarity,
            "familiar": nearest.familiar,
        }
        if not nearest.familiar:
            told["note"] = (
                f"This prompt is far from everything that {self._card.slug} knows; "
                f"the nearest is {nearest.name!r}."
            )
        return told


def make_recipe(card: Card, request: GenerationRequest) -> dict[str, object]:
    """What a file says of how it was made."""
    return {
        "model": card.slug,
        "weights_sha256": card.weights_sha256,
        "prompt": request.prompt,
        "parameters": dict(request.parameters),
        "seed": request.seed,
        "pinakes": _product_version(),
        **_given(request.inputs),
    }


def _given(inputs: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """What a recipe says of the files that came with a request: their hashes."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in inputs.items()}
    return {"inputs": hashes} if hashes else {}


def _product_version() -> str:
    try:
        return version("pinakes")
    except PackageNotFoundError:
        # Running from a source tree that was never installed.
        return "unknown"
