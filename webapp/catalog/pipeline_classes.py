"""What the classes of `diffusers` that draw pictures from text are asked, without importing them.

The web server makes cards and has no torch, so what it needs of each signature stands here. A test
holds this table against the library that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: What a picture's class is asked to do; the words are those of our own families.
DRAW, VARY, INPAINT = "draw", "vary", "inpaint"


@dataclass(frozen=True)
class PipelineClass:
    """A class that draws from text: its own defaults, and those that work on a given picture.

    `guided_by` is what it calls its guidance. `side` is its size in pixels where its networks'
    configs do not tell. `vary` and `inpaint` are the classes that share its weights.
    """

    name: str
    steps: int
    guidance: float
    guided_by: str = "guidance_scale"
    has_negative: bool = True
    side: int | None = None
    vary: str = ""
    inpaint: str = ""

    @property
    def classes(self) -> Mapping[str, str]:
        """The class of each task that it offers."""
        found = {DRAW: self.name, VARY: self.vary, INPAINT: self.inpaint}
        return {task: name for task, name in found.items() if name}


_CLASSES = (
    PipelineClass("AuraFlowPipeline", 50, 3.5, side=1024),
    PipelineClass("BriaPipeline", 30, 5.0, side=1024),
    PipelineClass(
        "ChromaPipeline",
        35,
        5.0,
        side=1024,
        vary="ChromaImg2ImgPipeline",
        inpaint="ChromaInpaintPipeline",
    ),
    PipelineClass("CogView3PlusPipeline", 50, 5.0),
    PipelineClass("CogView4Pipeline", 50, 5.0),
    PipelineClass("ErnieImagePipeline", 50, 4.0, side=1024),
    PipelineClass("Flux2KleinPipeline", 50, 4.0, has_negative=False, side=1024),
    PipelineClass("Flux2Pipeline", 50, 4.0, has_negative=False, side=1024),
    # It takes what to avoid only together with a second guidance, which doubles its time.
    PipelineClass(
        "FluxPipeline",
        28,
        3.5,
        has_negative=False,
        side=1024,
        vary="FluxImg2ImgPipeline",
        inpaint="FluxInpaintPipeline",
    ),
    PipelineClass("HiDreamImagePipeline", 50, 5.0, side=1024),
    PipelineClass("HunyuanDiTPipeline", 50, 5.0),
    PipelineClass("Kandinsky3Pipeline", 25, 3.0, side=1024, vary="Kandinsky3Img2ImgPipeline"),
    PipelineClass("Kandinsky5T2IPipeline", 50, 3.5, side=1024),
    PipelineClass("Krea2Pipeline", 28, 4.5, side=1024),
    PipelineClass(
        "LatentConsistencyModelPipeline",
        4,
        8.5,
        has_negative=False,
        vary="LatentConsistencyModelImg2ImgPipeline",
    ),
    PipelineClass("Lumina2Pipeline", 30, 4.0, side=1024),
    PipelineClass("LuminaPipeline", 30, 4.0, side=1024),
    PipelineClass("NucleusMoEImagePipeline", 50, 4.0, side=1024),
    PipelineClass("OvisImagePipeline", 50, 5.0, side=1024),
    PipelineClass("PRXPipeline", 28, 4.0, side=512),
    PipelineClass("PixArtAlphaPipeline", 20, 4.5),
    PipelineClass("PixArtSigmaPipeline", 20, 4.5),
    PipelineClass(
        "QwenImagePipeline",
        50,
        4.0,
        guided_by="true_cfg_scale",
        side=1024,
        vary="QwenImageImg2ImgPipeline",
        inpaint="QwenImageInpaintPipeline",
    ),
    PipelineClass("SanaPipeline", 20, 4.5, side=1024),
    PipelineClass(
        "SanaSprintPipeline",
        2,
        4.5,
        has_negative=False,
        side=1024,
        vary="SanaSprintImg2ImgPipeline",
    ),
    PipelineClass(
        "StableDiffusion3Pipeline",
        28,
        7.0,
        vary="StableDiffusion3Img2ImgPipeline",
        inpaint="StableDiffusion3InpaintPipeline",
    ),
    PipelineClass(
        "StableDiffusionPipeline",
        50,
        7.5,
        vary="StableDiffusionImg2ImgPipeline",
        inpaint="StableDiffusionInpaintPipeline",
    ),
    PipelineClass(
        "StableDiffusionXLPipeline",
        50,
        5.0,
        vary="StableDiffusionXLImg2ImgPipeline",
        inpaint="StableDiffusionXLInpaintPipeline",
    ),
    PipelineClass(
        "ZImagePipeline",
        50,
        5.0,
        side=1024,
        vary="ZImageImg2ImgPipeline",
        inpaint="ZImageInpaintPipeline",
    ),
)

PIPELINES: Mapping[str, PipelineClass] = MappingProxyType({each.name: each for each in _CLASSES})


@dataclass(frozen=True)
class Offer:
    """What a folder of a class can be asked: the class of the library for each task."""

    about: PipelineClass
    classes: Mapping[str, str]


def offer_of(name: str) -> Offer | None:
    """What a folder whose index names this class offers; None for a class that is not known.

    Weights that were taught to vary or to inpaint do that and nothing else.
    """
    about = PIPELINES.get(name)
    if about is not None:
        return Offer(about, about.classes)
    for each in PIPELINES.values():
        for task, found in each.classes.items():
            if found == name:
                return Offer(each, {task: name})
    return None
