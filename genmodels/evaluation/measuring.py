"""All figures of a checkpoint: those of its family, and of what it makes beside real ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, cast

import torch
from torch import nn

from genmodels.checkpoint import Checkpoint
from genmodels.clips.course import ClipCourse
from genmodels.contract import Card, Metric
from genmodels.course import Course
from genmodels.evaluation.clips import measure_clips
from genmodels.evaluation.inventions import PROMPTS, measure_inventions
from genmodels.evaluation.judge import UnableToFindJudge, load_judge
from genmodels.evaluation.pictures import NUM_SAMPLES, Gallery
from genmodels.evaluation.speech import measure_speech
from genmodels.evaluation.speech_judge import SPEECH
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.settings import Setting
from genmodels.pictures.subjects import HANDWRITING
from genmodels.registry import find_family
from genmodels.speech.course import SpeechCourse
from genmodels.text.course import LanguageCourse

#: Figures of pictures are drawn with this seed, so that anyone gets the same.
SEED = 1


class PictureFamily(Protocol):
    """What the module `family` of a family of pictures offers beside the rest."""

    @property
    def draw_pictures(self) -> Callable[..., torch.Tensor]:
        """`(network, sentences, random, **knobs)`: a picture (n, C, Y, X) a sentence (n, S)."""
        ...

    def list_settings(self, card: Card) -> tuple[Setting, ...]:
        """The knobs worth comparing; the first setting is that of the card's figures."""
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
        inventions = measure_inventions(generator, course.corpus, samples=samples, seed=SEED)
        return (*metrics, *inventions)
    if isinstance(course, SpeechCourse):
        return (*metrics, *_hear(checkpoint, course, samples=samples))
    if isinstance(course, ClipCourse):
        generator = family.load(checkpoint, device=torch.device("cpu"), embedder=None)
        judge = load_judge(HANDWRITING)
        found = measure_clips(generator, course.corpus, judge, samples=samples, seed=SEED)
        return (*metrics, *found)
    if isinstance(course, PictureCourse):
        return (*metrics, *_compare_pictures(checkpoint, network, course, samples=samples))
    return metrics


def _hear(checkpoint: Checkpoint, course: SpeechCourse, *, samples: int) -> tuple[Metric, ...]:
    """What the judge of speech hears; nothing where there is none."""
    try:
        judge = load_judge(SPEECH)
    except UnableToFindJudge:
        return ()
    family = find_family(checkpoint.card.family)
    generator = family.load(checkpoint, device=torch.device("cpu"), embedder=None)
    return measure_speech(generator, course.corpus, judge, samples=samples, seed=SEED)


def _compare_pictures(
    checkpoint: Checkpoint, network: nn.Module, course: PictureCourse, *, samples: int
) -> tuple[Metric, ...]:
    """Drawn pictures beside real ones; none of a subject without a judge."""
    try:
        gallery = open_gallery(course, samples=samples)
    except UnableToFindJudge:
        return ()
    family = find_picture_family(checkpoint.card.family)
    setting = family.list_settings(checkpoint.card)[0]
    draw = partial(family.draw_pictures, network, **setting.knobs)
    return gallery.measure(gallery.draw(draw))


def find_picture_family(name: str) -> PictureFamily:
    """A family that draws; ValueError for a name that no family has."""
    return cast("PictureFamily", find_family(name))


def open_gallery(course: PictureCourse, *, samples: int = NUM_SAMPLES) -> Gallery:
    """Held-out pictures of a course's subject to compare with; raises UnableToFindJudge."""
    judge = load_judge(course.subject.name)
    return Gallery(course.subject, course.data, judge, samples=samples, seed=SEED)
