"""Pipelines of `diffusers` in the step contract: the same pictures as their own calls."""

from __future__ import annotations

import gc
import inspect
import io
import random as stdlib_random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import (
    Card,
    FailedRuns,
    GenerationRequest,
    InvalidRequest,
    UnableToGenerate,
    resolve_request,
)
from genmodels.pictures.encoding import read_recipe
from genmodels.pretrained.pipeline_loading import load_pipeline
from webapp.catalog.connected_cards import card_of_folder
from webapp.catalog.connected_folders import read_folder
from webapp.catalog.pipeline_classes import PIPELINES

pytest.importorskip("diffusers")

import diffusers

from tests.genmodels.pretrained.pipelines import (
    SIDE,
    save_pixart,
    save_stable_diffusion,
    save_stable_diffusion_3,
)

# What the library says of its own parts and of what it would rather be given.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
PROMPT = "a red house by the sea"
MAKERS: dict[str, Callable[[Path], Path]] = {
    "unet": save_stable_diffusion,
    "flow": save_stable_diffusion_3,
    "older": save_pixart,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pipeline of each kind."""
    root = tmp_path_factory.mktemp("models")
    for name, save in MAKERS.items():
        save(root / name)
    return root


def load(root: Path, name: str) -> Any:
    found = read_folder(root, name)
    card = card_of_folder(found, slug=name, name=name)
    return load_pipeline(found.path, card=card, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def loaded(root: Path) -> dict[str, Any]:
    return {name: load(root, name) for name in MAKERS}


def request_for(
    generator: Any,
    prompt: str = PROMPT,
    seed: int = 3,
    inputs: dict[str, bytes] | None = None,
    **wish: Any,
) -> GenerationRequest:
    return resolve_request(
        generator.card,
        prompt=prompt,
        parameters={"steps": 4, **wish},
        seed=seed,
        inputs=inputs or {},
    )


def finish(generator: Any, request: GenerationRequest) -> Any:
    run = generator.open(request)
    while not run.done:
        generator.advance([run])
    return run


def as_file(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format="PNG")
    return stream.getvalue()


def as_image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


GIVEN = as_file(Image.linear_gradient("L").resize((SIDE, SIDE)).convert("RGB"))


def half_mask() -> bytes:
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).rectangle((0, 0, SIDE // 2 - 1, SIDE - 1), fill=255)
    return as_file(mask)


@pytest.mark.parametrize("name", MAKERS)
def test_it_draws_what_the_pipelines_own_call_draws(
    root: Path, loaded: dict[str, Any], name: str
) -> None:
    generator = loaded[name]
    request = request_for(generator, without="blue", guidance=3.0)
    run = finish(generator, request)
    found = read_folder(root, name)
    own = diffusers.DiffusionPipeline.from_pretrained(found.path, use_safetensors=True)
    # The library's loaders count on nothing else having drawn from the global state.
    torch.manual_seed(request.seed)
    [wanted] = own(
        PROMPT,
        negative_prompt="blue",
        guidance_scale=3.0,
        num_inference_steps=4,
        width=request.parameters["width"],
        height=request.parameters["height"],
        generator=torch.Generator().manual_seed(request.seed),
    ).images
    assert as_image(run.sample.content).tobytes() == wanted.tobytes()
    assert len(set(wanted.getdata())) > 10, "a picture of one colour shows little"
    recipe = read_recipe(run.sample.content)
    assert recipe is not None
    assert (recipe["prompt"], recipe["seed"]) == (PROMPT, 3)


@pytest.mark.parametrize("name", MAKERS)
def test_every_step_is_told_of_and_can_be_seen(loaded: dict[str, Any], name: str) -> None:
    generator = loaded[name]
    run = generator.open(request_for(generator))
    seen, looks = [run.progress], []
    while not run.done:
        generator.advance([run])
        seen.append(run.progress)
        looks.append(run.preview())
    # The sampler of Stable Diffusion takes a step more than it is asked for.
    total = seen[-1].total
    assert total == (5 if name == "unet" else 4)
    assert [progress.done for progress in seen] == list(range(total + 1))
    assert {progress.unit for progress in seen} == {"step"}
    pictures = {look.content for look in looks}
    assert len(pictures) > 1
    assert all(max(as_image(picture).size) == 256 for picture in pictures)


@pytest.mark.parametrize("name", MAKERS)
def test_neither_company_nor_the_global_random_state_changes_a_byte(
    loaded: dict[str, Any], name: str
) -> None:
    generator = loaded[name]
    requests = [
        request_for(generator, seed=seed, steps=steps, prompt=f"{PROMPT} {seed}")
        for seed in (0, 2**63 - 1)
        for steps in (2, 4)
    ]
    alone = [finish(generator, request).sample.content for request in requests]
    assert len(set(alone)) == len(alone)
    dice = stdlib_random.Random(0)
    waiting = [(index, generator.open(request)) for index, request in enumerate(requests)]
    finished: dict[int, bytes] = {}
    while waiting:
        torch.rand(3)
        chosen = dice.sample(waiting, dice.randint(1, min(len(waiting), generator.slots)))
        generator.advance([run for _, run in chosen])
        finished |= {index: run.sample.content for index, run in chosen if run.done}
        waiting = [(index, run) for index, run in waiting if not run.done]
    assert [finished[index] for index in range(len(requests))] == alone


def stepwise_threads() -> int:
    return sum(thread.name == "stepwise" for thread in threading.enumerate())


def wait_for_threads(count: int) -> None:
    give_up_at = time.monotonic() + 30
    while stepwise_threads() != count and time.monotonic() < give_up_at:
        time.sleep(0.01)
    assert stepwise_threads() == count


def test_a_run_that_is_let_go_of_ends_in_the_middle(loaded: dict[str, Any]) -> None:
    generator = loaded["unet"]
    counted = []
    handle = generator._any.unet.register_forward_hook(lambda *_: counted.append(1))
    try:
        wait_for_threads(0)
        run = generator.open(request_for(generator, steps=50))
        assert stepwise_threads() == 0, "nothing runs before the first pass"
        generator.advance([run])
        generator.advance([run])
        assert stepwise_threads() == 1
        del run
        gc.collect()
        wait_for_threads(0)
        assert len(counted) == 2, "a run that is let go of takes no further step"
        finish(generator, request_for(generator))
    finally:
        handle.remove()


def test_one_that_fails_harms_nobody_else(
    loaded: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = loaded["unet"]
    request = request_for(generator)
    alone = finish(generator, request).sample.content
    good, bad = generator.open(request), generator.open(request_for(generator, "broken"))
    encode = type(generator._any).encode_prompt

    def refuse(pipeline: Any, prompt: str, *args: Any, **more: Any) -> Any:
        if prompt == "broken":
            raise ValueError("`prompt` is broken")
        return encode(pipeline, prompt, *args, **more)

    monkeypatch.setattr(type(generator._any), "encode_prompt", refuse)
    with pytest.raises(FailedRuns) as failed:
        generator.advance([good, bad])
    [(run, error)] = failed.value.failures
    assert run is bad
    assert isinstance(error, UnableToGenerate)
    assert (error.code, error.transient) == ("pipeline_refused", False)
    assert "`prompt` is broken" in error.detail
    while not good.done:
        generator.advance([good])
    assert good.sample.content == alone


@pytest.mark.parametrize("name", ["unet", "flow"])
def test_a_picture_is_varied_as_far_as_is_asked(loaded: dict[str, Any], name: str) -> None:
    generator = loaded[name]

    def vary(strength: float) -> Any:
        wish: dict[str, Any] = {"task": "vary", "strength": strength, "steps": 10}
        return finish(generator, request_for(generator, inputs={"image": GIVEN}, **wish))

    little, much = vary(0.2), vary(0.9)
    # A sampler that looks back takes one step more.
    assert little.progress.total in {2, 3}
    assert much.progress.total in {9, 10}
    assert little.sample.content == vary(0.2).sample.content
    assert little.sample.content != much.sample.content
    with pytest.raises(InvalidRequest, match="leaves none of 4 steps"):
        generator.open(request_for(generator, inputs={"image": GIVEN}, task="vary", strength=0.1))


@pytest.mark.parametrize("name", ["unet", "flow"])
def test_what_a_mask_keeps_is_kept_to_the_pixel(loaded: dict[str, Any], name: str) -> None:
    generator = loaded[name]
    inputs = {"image": GIVEN, "mask": half_mask()}
    run = finish(generator, request_for(generator, inputs=inputs, task="inpaint"))
    drawn, given = as_image(run.sample.content), as_image(GIVEN)
    kept, anew = (SIDE // 2, 0, SIDE, SIDE), (0, 0, SIDE // 2, SIDE)
    assert drawn.crop(kept).tobytes() == given.crop(kept).tobytes()
    assert drawn.crop(anew).tobytes() != given.crop(anew).tobytes()


def test_files_that_are_missing_or_of_no_use_are_refused(loaded: dict[str, Any]) -> None:
    generator = loaded["unet"]
    cases: list[tuple[str, dict[str, bytes], tuple[str, str]]] = [
        ("vary", {}, ("/inputs/image", "required")),
        ("inpaint", {"image": GIVEN}, ("/inputs/mask", "required")),
        ("draw", {"image": GIVEN}, ("/inputs/image", "unused")),
        ("vary", {"image": b"no picture"}, ("/inputs/image", "invalid")),
    ]
    for task, inputs, wanted in cases:
        with pytest.raises(InvalidRequest) as refused:
            generator.open(request_for(generator, inputs=inputs, task=task))
        assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [wanted]


def test_sizes_are_rounded_to_what_the_network_can_draw(loaded: dict[str, Any]) -> None:
    run = finish(loaded["flow"], request_for(loaded["flow"], width=47, height=19))
    assert as_image(run.sample.content).size == (44, 16)
    assert run.sample.extra == {"width": 44, "height": 16}


def test_the_card_says_what_the_folder_says(root: Path, loaded: dict[str, Any]) -> None:
    (root / "unet" / "README.md").write_text("---\nlicense: openrail\n---\n")
    card = card_of_folder(read_folder(root, "unet"), slug="unet", name="Tiny")
    assert Card.from_dict(card.to_dict()) == card
    assert (card.architecture, card.licence) == ("StableDiffusionPipeline", "openrail")
    assert card.config["parts"]["scheduler"] == "PNDMScheduler"
    assert card.config["saved_by"] == f"diffusers {diffusers.__version__}"
    assert "first 32 tokens" in card.prompt_help
    assert card.tasks == ("text-to-image", "image-to-image", "inpainting")
    defaults = {each.name: each.default for each in card.parameters}
    assert (defaults["width"], defaults["steps"], defaults["guidance"]) == (SIDE, 50, 7.5)
    assert loaded["older"].card.inputs == ()
    for each in card.parameters:
        assert each.parse(each.default) == each.default
        assert each.help


def test_pictures_of_half_precision_are_found(root: Path, tmp_path: Path) -> None:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(root / "unet", use_safetensors=True)
    pipeline.to(torch.float16).save_pretrained(tmp_path / "half", variant="fp16")
    assert (tmp_path / "half/unet/diffusion_pytorch_model.fp16.safetensors").is_file()
    generator = load(tmp_path, "half")
    assert finish(generator, request_for(generator)).sample.content


def test_weights_for_inpainting_only_do_that(root: Path, tmp_path: Path) -> None:
    pipeline = diffusers.StableDiffusionInpaintPipeline.from_pretrained(root / "unet")
    pipeline.save_pretrained(tmp_path / "filling")
    generator = load(tmp_path, "filling")
    assert generator.card.tasks == ("inpainting",)
    assert all(each.required for each in generator.card.inputs)
    assert "task" not in {each.name for each in generator.card.parameters}
    inputs = {"image": GIVEN, "mask": half_mask()}
    assert finish(generator, request_for(generator, inputs=inputs)).sample.content


def test_what_is_missing_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_folder(root, "unet")
    card = card_of_folder(found, slug="unet", name="unet")
    cpu = torch.device("cpu")
    weights = found.path / "unet/diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    try:
        weights.write_bytes(whole[:200])
        with pytest.raises(UnableToLoadCheckpoint, match="diffusers cannot read it"):
            load_pipeline(found.path, card=card, device=cpu)
        # The web server refuses this before; the worker does not read a pickle either.
        weights.unlink()
        torch.save({}, weights.with_name("diffusion_pytorch_model.bin"))
        with pytest.raises(UnableToLoadCheckpoint, match="diffusers cannot read it"):
            load_pipeline(found.path, card=card, device=cpu)
    finally:
        weights.with_name("diffusion_pytorch_model.bin").unlink(missing_ok=True)
        weights.write_bytes(whole)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(UnableToLoadCheckpoint, match=r"pip install 'pinakes\[diffusers\]'"):
        load_pipeline(found.path, card=card, device=cpu)


@pytest.mark.parametrize("name", PIPELINES)
def test_the_table_agrees_with_the_library(name: str) -> None:
    about = PIPELINES[name]
    known = inspect.signature(getattr(diffusers, name).__call__).parameters
    assert known["num_inference_steps"].default == about.steps
    assert known[about.guided_by].default == about.guidance
    assert {"prompt", "width", "height", "generator", "output_type"} <= set(known)
    assert {"callback_on_step_end", "callback"} & set(known)
    assert not about.has_negative or "negative_prompt" in known
    if about.side is not None and known["height"].default is not None:
        assert known["height"].default == about.side
    for task, other in about.classes.items():
        known = inspect.signature(getattr(diffusers, other).__call__).parameters
        assert {"prompt", "generator", "output_type", "num_inference_steps"} <= set(known)
        assert task == "draw" or {"image", "strength"} <= set(known)
        assert task != "inpaint" or "mask_image" in known
