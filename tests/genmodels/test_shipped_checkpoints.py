"""The checkpoints that come with the product are whole, small and explain themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmodels.checkpoint import WEIGHTS_NAME, load_checkpoint
from genmodels.contract import Scalar
from genmodels.data.fashion_mnist import FASHION_MNIST
from genmodels.data.location import licence_of_weights
from genmodels.data.mnist import MNIST
from genmodels.data.multi30k import MULTI30K
from genmodels.data.tinyshakespeare import TINYSHAKESPEARE
from genmodels.embedding import HashingEmbedder
from genmodels.registry import list_checkpoints, list_presets, load_generator
from tests.genmodels.tiny import make_request

_FOLDERS = list_checkpoints()
#: What makes a run short, for those that have such a knob.
_QUICK: dict[str, float] = {
    "max_new_tokens": 3,
    "steps": 1,
    "frames": 1,
    "beams": 1,
    "seconds": 0.15,
}


@pytest.fixture(params=_FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    chosen = request.param
    assert isinstance(chosen, Path)
    return chosen


#: Under which terms networks pass on what they learned from a public set, as the sets say now.
_TERMS = {
    each.name: each.weights_licence for each in (FASHION_MNIST, MNIST, MULTI30K, TINYSHAKESPEARE)
}


def test_what_ships_can_be_trained_again() -> None:
    shipped = {folder.name for folder in _FOLDERS}
    assert shipped
    assert shipped <= set(list_presets())


def test_a_card_says_all_that_a_user_should_know(folder: Path) -> None:
    card = load_checkpoint(folder).card
    assert card.slug == folder.name
    assert card.metrics
    assert all(metric.protocol and metric.samples for metric in card.metrics)
    assert card.data["source"]
    assert card.data["licence"]
    assert card.licence == licence_of_weights(card.data)
    if card.data["name"] in _TERMS:
        assert card.licence == _TERMS[card.data["name"]], "the terms of its data have changed"
    assert card.data["sha256"]
    assert card.training["steps"] > 0
    assert card.determinism
    assert card.papers
    assert any(parameter.essential for parameter in card.parameters)
    assert len(card.example_prompts) >= 3


def test_weights_are_small(folder: Path) -> None:
    assert (folder / WEIGHTS_NAME).stat().st_size <= 10 * 2**20


def test_every_example_prompt_starts_a_run_that_ends(folder: Path) -> None:
    generator = load_generator(folder, embedder=HashingEmbedder())
    quick: dict[str, Scalar] = {
        knob.name: max(_QUICK[knob.name], knob.minimum or 0)
        for knob in generator.card.parameters
        if knob.name in _QUICK
    }
    for prompt in generator.card.example_prompts:
        request = make_request(generator, prompt, quick, seed=1)
        run = generator.open(request)
        while not run.done:
            generator.advance([run])
        assert run.sample.content
