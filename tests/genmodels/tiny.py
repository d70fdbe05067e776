"""Families in miniature: real code and real formats, sizes and data that train in a second."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from genmodels.checkpoint import Checkpoint, save_checkpoint
from genmodels.clips.corpus import ClipCorpus, Scripts, sort_digits
from genmodels.contract import Card, GenerationRequest, Generator, Scalar, resolve_request
from genmodels.course import Course
from genmodels.data.emoji import STYLES, EmojiSet, arrange
from genmodels.data.pictures import LabelledPictures
from genmodels.embedding import HashingEmbedder
from genmodels.families.autoregressive.course import PIXELCNN_FASHION, PixelCNNCourse
from genmodels.families.autoregressive.wavenet.course import WAVENET_DIGITS, WaveNetCourse
from genmodels.families.diffusion.course import FLOW_FASHION, DiffusionCourse
from genmodels.families.diffusion.distillation import FLOW_FASHION_FAST, DistillationCourse
from genmodels.families.diffusion.speech_course import MELFLOW_DIGITS, MelFlowCourse
from genmodels.families.diffusion.video_course import FLOW_MOTION, MotionCourse
from genmodels.families.flow.course import GLOW_FASHION, GlowCourse
from genmodels.families.flow.tarflow_course import TARFLOW_DIGITS, TarFlowCourse
from genmodels.families.gan.course import GanCourse
from genmodels.families.gan.cycle.course import CycleCourse
from genmodels.families.gan.cycle.presets import CYCLEGAN_EMOJI
from genmodels.families.gan.presets import (
    DCGAN_FASHION,
    R3GAN_FASHION,
    WGAN_FASHION,
    GanPreset,
)
from genmodels.families.gan.style.course import StyleCourse
from genmodels.families.gan.style.presets import STYLEGAN_EMOJI
from genmodels.families.hybrid.latent_course import (
    DIT_SCENES,
    UNET_SCENES,
    LatentCourse,
    LatentPreset,
)
from genmodels.families.hybrid.vaegan_course import VAEGAN_SCENES, VaeGanCourse
from genmodels.families.rnn.course import RecurrentCourse
from genmodels.families.rnn.presets import LSTM_SHAKESPEARE, MINGRU_SHAKESPEARE, RecurrentPreset
from genmodels.families.transformer.bert.course import BERT_CAPTIONS, BertCourse
from genmodels.families.transformer.course import GPT_SHAKESPEARE, TransformerCourse
from genmodels.families.transformer.t5.course import T5_MULTI30K, T5Course
from genmodels.families.vae.course import VAECourse
from genmodels.families.vae.presets import PRESETS as VAE_PRESETS
from genmodels.families.vae.presets import VAEPreset
from genmodels.pictures.captions import FRAMES
from genmodels.pictures.clothing import CLOTHING
from genmodels.pictures.emoji import CaptionedEmoji
from genmodels.pictures.subjects import FASHION, Naming, Subject
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.speech.batches import Utterances
from genmodels.speech.course import SpeechCorpus
from genmodels.text.corpora import SHAKESPEARE
from genmodels.text.corpus import Corpus
from genmodels.text.kinds import find_kind
from genmodels.text.pairs import Pair, PairCorpus, PairTask
from genmodels.text.prose import Prose
from genmodels.text.vocabulary import Characters

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


def tiny_corpus() -> Corpus:
    """One line, several times."""
    return Corpus(
        name=SHAKESPEARE,
        title="A verse",
        kind=find_kind("text"),
        vocabulary=Characters("".join(sorted(set(_VERSE)))),
        train=(_VERSE * 4,),
        validation=(_VERSE * 2,),
        split="two lines",
        provenance={"name": "verse", "title": "A verse"},
        summary="Goes on as Hamlet does.",
        prompt_help="Any beginning",
        example_prompts=("to be",),
    )


def tiny_transformer(*, patience: int = 0) -> TransformerCourse:
    """Two layers over the characters of one line."""
    preset = replace(
        GPT_SHAKESPEARE,
        context=24,
        num_layers=2,
        num_heads=2,
        d_model=16,
        dropout=0.1,
        batch=8,
        recipe=replace(GPT_SHAKESPEARE.recipe, validate_every=4, patience=patience),
    )
    return TransformerCourse(preset, tiny_corpus())


def tiny_pairs() -> PairCorpus:
    """Words and the same words read backwards, and texts whose gaps are filled."""
    words = ("red", "blue", "dog", "cat", "runs", "small")
    lines = [f"{one} {two} {three}" for one in words for two in words for three in words]
    mirror = PairTask(
        name="mirror",
        share=0.7,
        train=tuple(Pair(line, line[::-1]) for line in lines if len(line) % 5),
        validation=tuple(Pair(line, line[::-1]) for line in lines if not len(line) % 5)[:12],
    )
    return PairCorpus(
        name=T5_MULTI30K.corpus,
        title="Mirrored words",
        tasks=(mirror,),
        provenance={"name": "mirrored", "title": "Mirrored words"},
        summary="Reads words backwards.",
        prompt_help="Some words.",
        example_prompts=("red dog",),
        loose=tuple(lines),
        loose_share=0.3,
    )


def tiny_t5() -> T5Course:
    """One narrow layer to read and one to write."""
    preset = replace(
        T5_MULTI30K,
        vocabulary_size=300,
        source_length=24,
        target_length=24,
        encoder_layers=1,
        decoder_layers=1,
        num_heads=2,
        d_model=16,
        d_hidden=32,
        tokens=128,
        recipe=replace(T5_MULTI30K.recipe, validate_every=4),
    )
    return T5Course(preset, tiny_pairs())


def tiny_bert() -> BertCourse:
    """One narrow layer over the sources of the tiny pairs."""
    [task] = tiny_pairs().tasks
    lines = tuple(pair.source for pair in task.train)
    prose = Prose(
        name=BERT_CAPTIONS.corpus,
        title="Some words",
        train=lines,
        validation=tuple(pair.source for pair in task.validation),
        split="some lines",
        provenance={"name": "words", "title": "Some words"},
        summary="Fills in words.",
        prompt_help="Some words with ___ between them.",
        example_prompts=("red ___",),
    )
    preset = replace(
        BERT_CAPTIONS,
        vocabulary_size=300,
        context=24,
        num_layers=1,
        num_heads=2,
        d_model=16,
        d_hidden=32,
        tokens=128,
        recipe=replace(BERT_CAPTIONS.recipe, validate_every=4),
    )
    return BertCourse(preset, prose)


def tiny_recurrent(preset: RecurrentPreset) -> RecurrentCourse:
    """Two narrow layers over the characters of one line."""
    small = replace(
        preset,
        num_layers=2,
        width=32,
        embedding_width=16,
        context=24,
        batch=8,
        rate=1e-2,
        recipe=replace(preset.recipe, validate_every=4),
    )
    return RecurrentCourse(small, tiny_corpus())


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


def tiny_vae(preset: VAEPreset) -> VAECourse:
    """The fewest channels and latents over the tiny subject."""
    small = replace(
        preset,
        channels=8,
        encoder_channels=8,
        width=16,
        latents=8,
        prior_layers=4,
        prior_width=16,
        free_nats=1.0,
        batch=8,
        sentence_dropout=0.5,
        num_validation=8,
        recipe=replace(preset.recipe, validate_every=4),
    )
    return VAECourse(small, tiny_subject(), EMBEDDER)


def tiny_autoregressive() -> PixelCNNCourse:
    """A PixelCNN of the fewest channels and layers over the tiny subject, in sixteen levels."""
    preset = replace(
        PIXELCNN_FASHION,
        channels=16,
        num_layers=3,
        batch=8,
        num_validation=8,
        recipe=replace(PIXELCNN_FASHION.recipe, validate_every=4),
    )
    return PixelCNNCourse(preset, tiny_subject(), EMBEDDER)


def tiny_speech(length: int = 600) -> SpeechCorpus:
    """Eight tones, each of another digit and speaker, the first of `length` samples."""
    lengths = [length - 24 * place for place in range(8)]
    sounds = tuple(
        0.9 * torch.sin(torch.arange(count) * (0.05 + 0.02 * place))
        for place, count in enumerate(lengths)
    )
    tones = Utterances(sounds, torch.arange(8), torch.arange(8) % 6)
    return SpeechCorpus(
        train=tones,
        held_out=tones,
        title="Tones",
        provenance={"name": "tones", "title": "Tones"},
    )


def tiny_wavenet() -> WaveNetCourse:
    """A WaveNet of the fewest channels and layers over tones, in blocks of 16 samples."""
    preset = replace(
        WAVENET_DIGITS,
        channels=16,
        num_layers=4,
        cycle=3,
        hop=16,
        told_width=8,
        hidden_width=16,
        batch=8,
        rate=1e-2,
        recipe=replace(WAVENET_DIGITS.recipe, validate_every=4),
    )
    return WaveNetCourse(preset, tiny_speech(), EMBEDDER)


def tiny_melflow() -> MelFlowCourse:
    """A U-Net of the fewest channels over pictures of tones."""
    preset = replace(
        MELFLOW_DIGITS,
        channels=16,
        batch=8,
        sentence_dropout=0.5,
        recipe=replace(MELFLOW_DIGITS.recipe, validate_every=4),
    )
    return MelFlowCourse(preset, tiny_speech(3000), EMBEDDER)


def tiny_clips() -> ClipCorpus:
    """Two noisy squares for each digit, the same held out."""
    pictures = -torch.ones(20, 1, 28, 28)
    pictures[:, :, 6:22, 6:22] = torch.rand(20, 1, 16, 16, generator=seeded(0))
    digits = sort_digits(pictures, torch.arange(20) % 10)
    provenance = {"name": "squares", "title": "Squares in motion"}
    return ClipCorpus(digits, digits, "Squares in motion", provenance)


def tiny_motion() -> MotionCourse:
    """A U-Net of the fewest channels over clips of squares."""
    preset = replace(
        FLOW_MOTION,
        channels=16,
        batch=2,
        rate=2e-2,
        sentence_dropout=0.5,
        num_validation=2,
        recipe=replace(FLOW_MOTION.recipe, validate_every=4),
    )
    return MotionCourse(preset, tiny_clips(), Scripts(EMBEDDER, num_pairs=8))


def tiny_glow() -> GlowCourse:
    """A Glow of one and two steps over the tiny subject."""
    preset = replace(
        GLOW_FASHION,
        fine_steps=1,
        fine_channels=16,
        coarse_steps=2,
        coarse_channels=16,
        condition_width=16,
        batch=8,
        rate=5e-3,
        num_calibration=1,
        num_validation=8,
        recipe=replace(GLOW_FASHION.recipe, validate_every=4),
    )
    return GlowCourse(preset, tiny_subject(), EMBEDDER)


def tiny_tarflow() -> TarFlowCourse:
    """A TarFlow of two narrow blocks over the tiny subject."""
    preset = replace(
        TARFLOW_DIGITS,
        patch=4,
        num_blocks=2,
        num_layers=1,
        num_heads=2,
        width=16,
        batch=8,
        sentence_dropout=0.5,
        num_validation=8,
        recipe=replace(TARFLOW_DIGITS.recipe, validate_every=4),
    )
    return TarFlowCourse(preset, tiny_subject(), EMBEDDER)


def tiny_gan(preset: GanPreset, *, copies: int = 1, validate_every: int = 4) -> GanCourse:
    """Two networks of the fewest channels over the tiny subject, in the game of a preset."""
    small = replace(
        preset,
        channels=4,
        latent_width=8,
        features=8,
        batch=8,
        critic_turns=min(2, preset.critic_turns),
        penalty_steps=10,
        sentence_dropout=0.5,
        recipe=replace(preset.recipe, validate_every=validate_every),
    )
    return GanCourse(small, tiny_subject(copies=copies), EMBEDDER)


def tiny_emoji(side: int = 32) -> EmojiSet:
    """Discs and squares in the colours of a few captions, in two styles; a seventh is held out."""
    dice = np.random.default_rng(0)
    pictures: dict[str, list[tuple[dict[str, Any], NDArray[np.uint8]]]] = {s: [] for s in STYLES}
    for number in range(48):
        colour, group = dice.integers(0, 200, 3, dtype=np.uint8), number % 2
        axis = np.linspace(-1, 1, side)
        place = np.hypot(axis[:, None], axis)
        shape = place < 0.4 + 0.4 * dice.random() if group else place < 0.6
        line = {
            "hexcode": f"{0x1F300 + number:X}",
            "emoji": chr(0x1F300 + number),
            "text": f"thing {number}",
            "keywords": [f"word {number % 5}", "thing"],
            "group": ("flags", "symbols")[group],
            "subgroup": "shape",
        }
        for style, ground in zip(STYLES, (255, 220), strict=True):
            picture = np.full((side, side, 3), ground, dtype=np.uint8)
            picture[shape] = colour
            pictures[style].append((line, picture))
    return arrange(pictures)


def tiny_stylegan(*, validate_every: int = 4) -> StyleCourse:
    """The fewest channels over a few drawn shapes."""
    preset = replace(
        STYLEGAN_EMOJI,
        channels=4,
        latent_width=8,
        style_width=8,
        features=8,
        batch=8,
        rate=3e-3,
        penalty_every=2,
        penalty_rows=4,
        sentence_dropout=0.5,
        recipe=replace(STYLEGAN_EMOJI.recipe, validate_every=validate_every),
    )
    return StyleCourse(preset, CaptionedEmoji(tiny_emoji(), EMBEDDER))


def tiny_cyclegan(*, validate_every: int = 4) -> CycleCourse:
    """The fewest channels over the same shapes in two styles."""
    preset = replace(
        CYCLEGAN_EMOJI,
        channels=8,
        critic_channels=4,
        batch=4,
        rate=1e-3,
        recipe=replace(CYCLEGAN_EMOJI.recipe, validate_every=validate_every),
    )
    return CycleCourse(preset, tiny_emoji())


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


def tiny_vaegan(*, critic_after: int = 0) -> VaeGanCourse:
    """An autoencoder of the fewest channels over eight scenes, with its critic at once."""
    preset = replace(
        VAEGAN_SCENES,
        channels=8,
        fine_channels=8,
        num_blocks=1,
        critic_channels=4,
        batch=4,
        critic_after=critic_after,
        num_scenes=8,
        num_validation=4,
        recipe=replace(VAEGAN_SCENES.recipe, validate_every=4),
    )
    return VaeGanCourse(preset)


def tiny_latent(preset: LatentPreset) -> LatentCourse:
    """A narrow network over the latents of a tiny autoencoder whose weights were all moved."""
    course = tiny_vaegan()
    stir(course.network, strength=0.05)
    weights = course.ship(course.network).state_dict()
    autoencoder = Checkpoint(card=describe(course)("0" * 64), weights=weights)
    small = replace(
        preset,
        width=16,
        depth=1,
        batch=8,
        rate=1e-2,
        silence=0.5,
        num_scenes=8,
        num_validation=4,
        num_glanced=2,
        num_measured=4,
        recipe=replace(preset.recipe, validate_every=4),
    )
    return LatentCourse(small, autoencoder, EMBEDDER)


@dataclass(frozen=True)
class TinyFamily:
    """A preset with what the contract test needs of it: short runs and a request to make.

    `preset` tells those of one family apart; `previews` is the type of its previews where they
    are of another than the samples.
    """

    name: str
    open_course: Callable[[], Course]
    prompts: tuple[str, str, str]
    short: dict[str, Scalar]
    long: dict[str, Scalar]
    preset: str = ""
    previews: str = ""

    @property
    def id(self) -> str:
        return self.preset or self.name


FAMILIES = (
    TinyFamily(
        name="transformer",
        open_course=tiny_transformer,
        prompts=("to be", "question:", "that is not the question, that is"),
        short={"max_new_tokens": 5},
        long={"max_new_tokens": 40, "temperature": 1.1, "top_k": 9, "top_p": 0.9},
    ),
    TinyFamily(
        name="diffusion",
        open_course=tiny_diffusion,
        prompts=("a coat", "running shoes", "a dress"),
        short={"steps": 2, "guidance": 1.0},
        long={"steps": 7, "sampler": "ddpm", "guidance": 3.0, "show": "filmstrip"},
    ),
    TinyFamily(
        name="diffusion",
        preset="distillation",
        open_course=tiny_distillation,
        prompts=("a coat", "running shoes", "a dress"),
        short={"steps": 2},
        long={"steps": 4, "sampler": "heun", "guidance": 0.0},
    ),
    TinyFamily(
        name="diffusion",
        preset="melflow",
        open_course=tiny_melflow,
        prompts=("a seven", "jackson says three", "nine with a French accent"),
        short={"steps": 1, "guidance": 1.0},
        long={"steps": 3, "sampler": "ddpm", "guidance": 3.0},
        previews="image/png",
    ),
    TinyFamily(
        name="diffusion",
        preset="motion",
        open_course=tiny_motion,
        prompts=("a 3 moving left, fast", "an 8 that moves up", "a 1 going down and right"),
        short={"steps": 1, "guidance": 1.0},
        long={"steps": 3, "sampler": "ddpm", "guidance": 3.0, "upscale": 1},
        previews="image/png",
    ),
    *(
        TinyFamily(
            name="vae",
            preset=preset.slug,
            open_course=partial(tiny_vae, preset),
            prompts=("a coat", "running shoes", "a dress"),
            short={"frames": 1},
            long={"frames": 3, "show": "shift", "towards": "a bag", "spread": 0.9},
        )
        for preset in VAE_PRESETS.values()
    ),
    TinyFamily(
        name="autoregressive",
        open_course=tiny_autoregressive,
        prompts=("a coat", "running shoes", "a dress"),
        short={},
        long={"temperature": 0.8},
    ),
    TinyFamily(
        name="autoregressive",
        preset="wavenet",
        open_course=tiny_wavenet,
        prompts=("a seven", "jackson says three", "nine with a French accent"),
        short={"seconds": 0.15},
        long={"seconds": 0.16, "temperature": 0.8},
        previews="image/svg+xml",
    ),
    TinyFamily(
        name="flow",
        open_course=tiny_glow,
        prompts=("a coat", "running shoes", "a dress"),
        short={"frames": 1},
        long={"frames": 5, "show": "journey", "towards": "a bag", "spread": 1.0},
        preset="glow",
    ),
    TinyFamily(
        name="flow",
        open_course=tiny_tarflow,
        prompts=("a coat", "running shoes", "a dress"),
        short={"frames": 1},
        long={"frames": 3, "spread": 1.2},
        preset="tarflow",
    ),
    *(
        TinyFamily(
            name="gan",
            preset=preset.slug,
            open_course=partial(tiny_gan, preset),
            prompts=("a coat", "running shoes", "a dress"),
            short={"frames": 1},
            long={"frames": 5, "show": "journey", "towards": "a bag", "spread": 1.2},
        )
        for preset in (R3GAN_FASHION, DCGAN_FASHION, WGAN_FASHION)
    ),
    TinyFamily(
        name="gan",
        preset="stylegan",
        open_course=tiny_stylegan,
        prompts=("thing 3", "a thing", "word 2"),
        short={"frames": 1},
        long={"frames": 3, "show": "mixing", "towards": "thing 4", "style": "noto"},
    ),
    TinyFamily(
        name="gan",
        preset="cyclegan",
        open_course=tiny_cyclegan,
        prompts=("a thing", "another thing", "a third thing"),
        short={"task": "to_twemoji"},
        long={"task": "to_noto", "show": "beside"},
    ),
    TinyFamily(
        name="transformer",
        preset="t5",
        open_course=tiny_t5,
        prompts=("red dog", "mirror: small blue cat", "restore: red ___ runs"),
        short={"max_new_tokens": 3},
        long={"max_new_tokens": 9, "temperature": 1.3, "top_k": 50},
    ),
    TinyFamily(
        name="transformer",
        preset="bert",
        open_course=tiny_bert,
        prompts=("red ___ ___ ___", "___ blue", "___ dog ___"),
        short={"candidates": 2},
        long={"temperature": 1.5},
    ),
    TinyFamily(
        name="hybrid",
        preset="vaegan",
        open_course=tiny_vaegan,
        prompts=("a red circle", "a blue star above a pink ring", "a small green heart"),
        short={"task": "reconstruct"},
        long={"task": "sample", "frames": 5, "spread": 2.0},
    ),
    *(
        TinyFamily(
            name="hybrid",
            preset=preset.denoiser,
            open_course=partial(tiny_latent, preset),
            prompts=("a red circle", "a blue star above a pink ring", "something else"),
            short={"steps": 2, "guidance": 1.0},
            long={
                "steps": 4,
                "sampler": "ddpm",
                "guidance": 3.0,
                "show": "filmstrip",
                "without": "a black background",
            },
        )
        for preset in (DIT_SCENES, UNET_SCENES)
    ),
    *(
        TinyFamily(
            name="rnn",
            preset=preset.cell,
            open_course=partial(tiny_recurrent, preset),
            prompts=("to be", "question:", "that is not the question, that is"),
            short={"max_new_tokens": 5},
            long={"max_new_tokens": 40, "temperature": 1.1, "min_p": 0.05},
        )
        for preset in (LSTM_SHAKESPEARE, MINGRU_SHAKESPEARE)
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
    """A request with a picture where the checkpoint asks for one; its shade is the seed's."""
    inputs = {
        each.name: a_picture(shade=seed % 256) for each in generator.card.inputs if each.required
    }
    return resolve_request(
        generator.card, prompt=prompt, parameters=parameters, seed=seed, inputs=inputs
    )


def a_picture(*, shade: int, side: int = 32) -> bytes:
    """A PNG of a grey square with a corner of another colour."""
    picture = Image.new("RGB", (side, side), (shade, shade, shade))
    picture.paste((200, 30, 60), (0, 0, side // 3, side // 2))
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()


def finish(generator: Generator, request: GenerationRequest) -> bytes:
    """The bytes of a request that has the generator to itself."""
    run = generator.open(request)
    while not run.done:
        generator.advance([run])
    return run.sample.content
