"""A network for pictures and sentences in miniature, and pictures for it to see."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from genmodels.alignment.network import Alignment, AlignmentConfig
from genmodels.alignment.sentences import ALIGNMENT
from genmodels.checkpoint import save_checkpoint
from genmodels.contract import Card, Metric, Sample
from genmodels.embedding import HashingEmbedder
from genmodels.randomness import seeded
from tests.factories import make_card, make_checkpoint
from tests.pages.makers import make_sample
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.looks.models import DIMS

EMBEDDER = HashingEmbedder()

_FOUND = Metric(
    name="emoji_held_out_r1",
    value=0.42,
    unit="share",
    data="Emoji",
    split="held-out",
    protocol="a picture by its plain caption, among 99 others",
    samples=100,
    seed=1,
)


def make_alignment(folder: Path, *, seed: int = 1, dims: int = DIMS, width: int = 0) -> Path:
    """An untrained network, every layer of which has a say, as a checkpoint in half precision."""
    config = AlignmentConfig(
        base_channels=8, hidden=16, dims=dims, sentence_width=width or EMBEDDER.dims
    )
    random = seeded(seed)
    network = Alignment(config, random)
    with torch.no_grad():
        for parameter in network.sentences.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=random))
    weights = {name: value.half() for name, value in network.state_dict().items()}

    def describe(sha256: str) -> Card:
        return make_card(
            slug="clip-pictures",
            family=ALIGNMENT,
            name="Mini-CLIP",
            parameters=(),
            config=asdict(config),
            weights_sha256=sha256,
            metrics=(_FOUND,),
        )

    save_checkpoint(folder, weights=weights, describe=describe)
    return folder


def drawing(seed: int, *, form: str = "PNG", frames: int = 1) -> bytes:
    """A picture of coarse noise; several frames make a clip."""
    random = np.random.default_rng(seed)
    pictures = [
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).resize(
            (64, 64), Image.Resampling.NEAREST
        )
        for _ in range(frames)
    ]
    stream = io.BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(stream, form, **({"lossless": True} if form == "WEBP" else {}), **more)
    return stream.getvalue()


def image_model(slug: str = "toy-image", *, modality: str = "image") -> Checkpoint:
    """A model of pictures."""
    return make_checkpoint(
        make_card(slug=slug, family="diffusion", modality=modality, media_type="image/png")
    )


def make_drawn(
    *, owner: User, content: bytes, media_type: str = "image/png", **wish: Any
) -> Generation:
    """A generation that came to this picture."""
    return make_sample(owner=owner, sample=Sample(content, media_type), **wish)
