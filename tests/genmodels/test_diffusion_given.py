"""Pictures that a run is given: varied, filled and restored, and what is known stays known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest
import torch

from genmodels.contract import Generator, InvalidRequest, Scalar, resolve_request
from genmodels.families.diffusion.generator import PictureRun
from genmodels.families.diffusion.given import agree, blurring, keep_outside, shrinking
from genmodels.families.diffusion.samplers import REPEATS
from genmodels.pictures.encoding import decode_picture, encode_png, read_recipe
from genmodels.randomness import seeded


def _picture(side: int = 8) -> torch.Tensor:
    levels = torch.randint(0, 256, (1, side, side), generator=seeded(2))
    return levels / 127.5 - 1.0


def _mask() -> torch.Tensor:
    """White in its right half."""
    mask = torch.full((1, 8, 8), -1.0)
    mask[..., 4:] = 1.0
    return mask


_FILES = {"image": encode_png(_picture(), upscale=5), "mask": encode_png(_mask(), upscale=1)}


def _draw(
    painter: Generator, parameters: dict[str, Scalar], inputs: Mapping[str, bytes]
) -> tuple[PictureRun, torch.Tensor]:
    request = resolve_request(
        painter.card,
        prompt="a coat",
        parameters={"steps": 6, "upscale": 1, **parameters},
        seed=4,
        inputs=inputs,
    )
    run = painter.open(request)
    assert isinstance(run, PictureRun)
    while not run.done:
        painter.advance([run])
    return run, decode_picture(run.sample.content, side=8, colours=1)


@pytest.mark.parametrize("sampler", ["automatic", "heun", "dpm++"])
def test_what_is_not_inpainted_keeps_every_level(painter: Generator, sampler: str) -> None:
    drawn = _draw(painter, {"task": "inpaint", "sampler": sampler}, _FILES)[1]
    assert torch.equal(drawn[..., :4], _picture()[..., :4])
    assert not torch.equal(drawn[..., 4:], _picture()[..., 4:])


def test_the_recipe_names_the_given_files_by_their_hashes(painter: Generator) -> None:
    told = read_recipe(_draw(painter, {"task": "inpaint"}, _FILES)[0].sample.content)
    assert told is not None
    assert told["inputs"] == {
        name: hashlib.sha256(content).hexdigest() for name, content in _FILES.items()
    }
    alone = read_recipe(_draw(painter, {}, {})[0].sample.content)
    assert alone is not None
    assert "inputs" not in alone


def test_what_must_fit_is_painted_in_repeated_steps(painter: Generator) -> None:
    drawn, filled = _draw(painter, {}, {})[0], _draw(painter, {"task": "inpaint"}, _FILES)[0]
    assert (drawn.progress.total, filled.progress.total) == (6, 6 * REPEATS)


def test_what_is_inpainted_depends_on_what_is_around_it(painter: Generator) -> None:
    dark = {**_FILES, "image": encode_png(torch.full((1, 8, 8), -1.0), upscale=1)}
    first, second = (
        _draw(painter, {"task": "inpaint"}, files)[1][..., 4:] for files in (_FILES, dark)
    )
    assert not torch.equal(first, second)


def test_an_enlarged_picture_has_the_means_of_the_small_one(painter: Generator) -> None:
    small = _picture(2)
    files = {"image": encode_png(small, upscale=1)}
    run = _draw(painter, {"task": "enlarge"}, files)[0]
    means = torch.nn.functional.avg_pool2d(run.path.x, 4)
    assert torch.allclose(means[0], small, atol=1e-5)
    assert run.path.x.std() > means.std()


def test_a_deblurred_picture_blurs_to_the_given_one(painter: Generator) -> None:
    blur = blurring(8)
    sharp = _picture().double()
    given = (blur @ sharp @ blur.T).float()
    files = {"image": encode_png(given, upscale=1)}
    run = _draw(painter, {"task": "deblur"}, files)[0]
    again = blur @ run.path.x[0].double() @ blur.T
    # Much nearer than any other picture, and not to the last level: that would be its rounding.
    assert (again - given).std() < 0.2 * given.std()


def test_a_little_strength_keeps_the_picture_and_much_does_not(painter: Generator) -> None:
    def distance(strength: float) -> float:
        files = {"image": _FILES["image"]}
        drawn = _draw(painter, {"task": "vary", "strength": strength}, files)[1]
        return (drawn - _picture()).square().mean().item()

    assert distance(0.05) < distance(0.95) / 4


def test_a_picture_to_denoise_is_where_the_path_begins(painter: Generator) -> None:
    request = resolve_request(
        painter.card,
        prompt="a coat",
        parameters={"task": "denoise", "strength": 0.2},
        seed=1,
        inputs={"image": _FILES["image"]},
    )
    run = painter.open(request)
    assert isinstance(run, PictureRun)
    assert run.path.time == pytest.approx(0.8)
    assert torch.allclose(run.path.x[0], 0.8 * _picture(), atol=1e-6)


@pytest.mark.parametrize(
    ("task", "inputs", "fault"),
    [
        ("vary", {}, ("/inputs/image", "required")),
        ("inpaint", {"image": _FILES["image"]}, ("/inputs/mask", "required")),
        ("draw", {"image": _FILES["image"]}, ("/inputs/image", "unused")),
        ("deblur", {"image": b"no picture"}, ("/inputs/image", "unreadable")),
    ],
)
def test_files_that_do_not_fit_the_task_are_refused(
    painter: Generator, task: str, inputs: dict[str, bytes], fault: tuple[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _draw(painter, {"task": task}, inputs)
    assert [(each.pointer, each.code) for each in refused.value.faults] == [fault]


def test_agreement_is_the_nearest_picture_and_a_second_correction_changes_nothing() -> None:
    rows = shrinking(8)
    truth, guess = torch.randn(2, 1, 1, 8, 8, generator=seeded(0), dtype=torch.float64)
    correct = agree(rows, rows, rows @ truth @ rows.T, error=0.0)
    once = correct(guess, 0.5)
    assert torch.allclose(rows @ once @ rows.T, rows @ truth @ rows.T, atol=1e-12)
    assert torch.allclose(correct(once, 0.9), once, atol=1e-12)
    # The change has no part that the measurement cannot see.
    change = once - guess
    seen = rows.T @ (rows @ change @ rows.T) @ rows
    assert torch.allclose(seen * 4**2, change, atol=1e-12)


def test_known_pixels_are_put_back_exactly() -> None:
    given, predicted = torch.randn(2, 1, 3, 4, 4, generator=seeded(0))
    anew = torch.rand(1, 1, 4, 4, generator=seeded(1)) > 0.5
    kept = keep_outside(anew, given)(predicted, 0.5)
    assert torch.equal(kept[~anew.expand_as(kept)], given[~anew.expand_as(kept)])
    assert torch.equal(kept[anew.expand_as(kept)], predicted[anew.expand_as(kept)])
