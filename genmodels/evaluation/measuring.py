"""All figures of a checkpoint: those of its family, and of what it makes beside real ones."""

from __future__ import annotations

from functools import partial
from typing import Protocol, cast

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint
from genmodels.contract import Metric
from genmodels.course import Course
from genmodels.evaluation.inventions import PROMPTS, measure_inventions
from genmodels.evaluation.judge import UnableToFindJudge, load_judge
from genmodels.evaluation.pictures import NUM_SAMPLES, Gallery
from genmodels.pictures.course import PictureCourse
from genmodels.registry import find_family
from genmodels.text.course import LanguageCourse

#: Figures of pictures are drawn with this seed, so that anyone gets the same.
SEED = 1


class PictureFamily(Protocol):
    """What the module `family` of a family of pictures offers beside the rest."""

    def draw_pictures(
        self, network: nn.Module, sentences: torch.Tensor, random: torch.Generator
    ) -> torch.Tensor:
        """One picture (n, C, Y, X) in -1..1 for each sentence (n, S), by the defaults."""
        ...


def measure_checkpoint(
    checkpoint: Checkpoint, course: Course, *, samples: int = NUM_SAMPLES
) -> tuple[Metric, ...]:
    """Every figure that the card gives, measured again; `samples` results are drawn.

    Pictures of a subject without a judge, such as a person's own, are not compared.
    """
    family = find_family(checkpoint.card.family)
    network = family.restore_network(checkpoint).eval()
    metrics = course.measure(network)
    if isinstance(course, LanguageCourse) and course.corpus.kind.name in PROMPTS:
        generator = family.load(checkpoint, device=torch.device("cpu"), embedder=None)
        return (
            *metrics,
            *measure_inventions(generator, course.corpus, samples=samples, seed=SEED),
        )
    if not isinstance(course, PictureCourse):
        return metrics
    try:
        gallery = open_gallery(course, samples=samples)
    except UnableToFindJudge:
        return metrics
    draw = partial(cast("PictureFamily", family).draw_pictures, network)
    return (*metrics, *gallery.measure(gallery.draw(draw)))


def open_gallery(course: PictureCourse, *, samples: int = NUM_SAMPLES) -> Gallery:
    """Held-out pictures of a course's subject to compare with; raises UnableToFindJudge."""
    judge = load_judge(course.subject.name)
    return Gallery(course.subject, course.data, judge, samples=samples, seed=SEED)
