"""Families in miniature: real code and real formats, sizes and data that train in a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from genmodels.checkpoint import Checkpoint, save_checkpoint
from genmodels.contract import Card, GenerationRequest, Generator, Scalar, resolve_request
from genmodels.course import Course
from genmodels.data.pictures import LabelledPictures
from genmodels.data.tinyshakespeare import CharacterSplit
from genmodels.embedding import HashingEmbedder
from genmodels.families.diffusion.course import FLOW_FASHION, DiffusionCourse
from genmodels.families.diffusion.distillation import FLOW_FASHION_FAST, DistillationCourse
from genmodels.families.transformer.course import GPT_SHAKESPEARE, TransformerCourse
from genmodels.pictures.captions import FRAMES
from genmodels.pictures.clothing import CLOTHING
from genmodels.pictures.subjects import FASHION, Naming, Subject
from genmodels.registry import load_generator

EMBEDDER = HashingEmbedder(dims=32)

_VERSE = "to be, or not to be: that is the question.\n"


def tiny_subject(side: int = 8, copies: int = 1) -> Subject:
    """Noisy squares of `side` pixels, `copies` of each of the first eight kinds of clothing.

    With more than one the held-out pictures are others, else the same.
    """
    train = _noisy_squares(side, copies, seed=0)
    held_out = train if copies == 1 else _noisy_squares(side, copies, seed=1)
    return Subject(
        name=FASHION,
        title="Noisy squares",
        naming=Naming(CLOTHING, FRAMES),
        train=train,
        validation=held_out,
        provenance={"name": "squares", "title": "Noisy squares", "subject": FASHION},
        may_mirror=True,
        summary="squares",
        prompt_help="Any square.",
        example_prompts=("a square",),
    )


def _noisy_squares(side: int, copies: int, *, seed: int) -> LabelledPictures:
    count, edge = 8 * copies, side // 4
    dice = np.random.default_rng(seed)
    pixels = dice.integers(0, 80, (count, side, side), dtype=np.uint8)
    pixels[:, edge:-edge, edge:-edge] += 150
    return LabelledPictures(pixels=pixels, labels=np.arange(count, dtype=np.uint8) % 8)


def tiny_transformer() -> TransformerCourse:
    """Two layers over the characters of one line."""
    preset = replace(
        GPT_SHAKESPEARE,
        context=24,
        num_layers=2,
        num_heads=2,
        d_model=16,
        dropout=0.1,
        batch=8,
        recipe=replace(GPT_SHAKESPEARE.recipe, validate_every=4),
    )
    return TransformerCourse(preset, CharacterSplit(train=_VERSE * 4, validation=_VERSE * 2))


def tiny_diffusion() -> DiffusionCourse:
    """A U-Net of the fewest channels over the tiny subject."""
    preset = replace(
        FLOW_FASHION,
        channels=16,
        batch=8,
        sentence_dropout=0.5,
        num_validation=8,
        num_likelihood=2,
        recipe=replace(FLOW_FASHION.recipe, validate_every=4),
    )
    return DiffusionCourse(preset, tiny_subject(), EMBEDDER)


def tiny_distillation() -> DistillationCourse:
    """A student of a tiny U-Net whose weights were all moved."""
    course = tiny_diffusion()
    stir(course.network, strength=0.05)
    teacher = Checkpoint(card=describe(course)("0" * 64), weights=course.network.state_dict())
    preset = replace(
        FLOW_FASHION_FAST,
        teacher_steps=3,
        pairs=4,
        rate=2e-3,
        sentence_dropout=0.5,
        num_validation=4,
        recipe=replace(FLOW_FASHION_FAST.recipe, validate_every=4),
    )
    return DistillationCourse(preset, tiny_subject(), EMBEDDER, teacher)


@dataclass(frozen=True)
class TinyFamily:
    """A preset with what the contract test needs of it: short runs and a request to make.

    `id` is the preset's name in the reports of tests.
    """

    id: str
    name: str
    open_course: Callable[[], Course]
    prompts: tuple[str, str, str]
    short: dict[str, Scalar]
    long: dict[str, Scalar]


FAMILIES = (
    TinyFamily(
        id="transformer",
        name="transformer",
        open_course=tiny_transformer,
        prompts=("to be", "question:", "that is not the question, that is"),
        short={"max_new_tokens": 5},
        long={"max_new_tokens": 40, "temperature": 1.1, "top_k": 9, "top_p": 0.9},
    ),
    TinyFamily(
        id="diffusion",
        name="diffusion",
        open_course=tiny_diffusion,
        prompts=("a coat", "running shoes", "a dress"),
        short={"steps": 2, "guidance": 1.0},
        long={"steps": 7, "sampler": "ddpm", "guidance": 3.0, "show": "filmstrip"},
    ),
    TinyFamily(
        id="distillation",
        name="diffusion",
        open_course=tiny_distillation,
        prompts=("a coat", "running shoes", "a dress"),
        short={"steps": 2},
        long={"steps": 4, "sampler": "heun", "guidance": 0.0},
    ),
)


def stir(network: nn.Module, *, strength: float = 0.2) -> None:
    """Move every weight, since much of a fresh network is zero and would hide mistakes."""
    random = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(strength * torch.randn(parameter.shape, generator=random))


def describe(course: Course) -> Callable[[str], Card]:
    """What `save_checkpoint` asks for, without figures."""
    return lambda sha256: course.card(
        weights_sha256=sha256, metrics=(), training={"steps": 0}, commit=""
    )


def save_stirred(course: Course, folder: Path) -> Card:
    """A checkpoint of the course's network with every weight moved."""
    stir(course.network)
    weights = course.ship(course.network).state_dict()
    return save_checkpoint(folder, weights=weights, describe=describe(course))


def load_stirred(family: TinyFamily, folder: Path) -> Generator:
    """A generator over a stirred tiny network of the family."""
    save_stirred(family.open_course(), folder)
    return load_generator(folder, embedder=EMBEDDER)


def make_request(
    generator: Generator, prompt: str, parameters: dict[str, Scalar], seed: int
) -> GenerationRequest:
    return resolve_request(generator.card, prompt=prompt, parameters=parameters, seed=seed)


def finish(generator: Generator, request: GenerationRequest) -> bytes:
    """The bytes of a request that has the generator to itself."""
    run = generator.open(request)
    while not run.done:
        generator.advance([run])
    return run.sample.content
