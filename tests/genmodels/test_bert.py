"""The masked encoder: what it hides, fills in and weighs."""

from __future__ import annotations

import math

import pytest
import torch

from genmodels.checkpoint import Checkpoint
from genmodels.contract import InvalidRequest
from genmodels.families.transformer.bert.course import BertCourse
from genmodels.families.transformer.bert.generator import BertGenerator, ServedEncoder
from genmodels.families.transformer.bert.ladder import FillIns
from genmodels.families.transformer.bert.loading import load_bert
from genmodels.families.transformer.bert.objective import hide
from genmodels.randomness import seeded
from genmodels.text.byte_pairs import MASK, PAD
from tests.genmodels.tiny import describe, make_request, stir, tiny_bert


@pytest.fixture
def course() -> BertCourse:
    course = tiny_bert()
    stir(course.network)
    return course


@pytest.fixture
def generator(course: BertCourse) -> BertGenerator:
    checkpoint = Checkpoint(describe(course)("0" * 64), course.network.state_dict())
    return load_bert(checkpoint, device=torch.device("cpu"), slots=4)


def test_every_row_loses_a_token_and_nothing_else_changes() -> None:
    rows = [[11, 12, 13], [14], [15, 16]]
    for seed in range(20):
        batch = hide(rows, share=0.1, random=seeded(seed))
        whole = torch.where(batch.hidden != PAD, batch.hidden, batch.shown)
        assert whole.tolist() == [[11, 12, 13], [14, PAD, PAD], [15, 16, PAD]]
        assert (batch.hidden != PAD).any(dim=1).all()
        assert torch.equal(batch.shown == MASK, batch.hidden != PAD)


def test_served_scores_are_those_of_the_network(course: BertCourse) -> None:
    texts = [course.vocabulary.encode("red dog runs"), course.vocabulary.encode("small cat")]
    for text in texts:
        text[1] = MASK
    served = ServedEncoder(course.network, torch.device("cpu")).read(texts)
    for text, scores in zip(texts, served, strict=True):
        with torch.no_grad():
            states = course.network(torch.tensor([text]))
            whole = course.network.score(states)[0, 1]
        torch.testing.assert_close(scores[0], whole.double(), atol=1e-3, rtol=1e-3)


def test_gaps_are_filled_by_words_and_candidates_are_named(generator: BertGenerator) -> None:
    run = generator.open(make_request(generator, "red ___ runs ___.", {"candidates": 3}, seed=0))
    while not run.done:
        generator.advance([run])
    sample = run.sample
    first, second = sample.extra["gaps"]
    assert sample.text == f"red {first[0]['text']} runs {second[0]['text']}."
    assert len(first) == len(second) == 3
    chances = [each["probability"] for each in first]
    assert chances == sorted(chances, reverse=True)
    assert all(each["text"].isalnum() for each in (*first, *second))


def test_a_text_without_gaps_is_weighed(course: BertCourse, generator: BertGenerator) -> None:
    text = "red dog runs small blue cat runs"
    run = generator.open(make_request(generator, text, {}, seed=0))
    while not run.done:
        generator.advance([run])
    tokens = course.vocabulary.encode(text)
    nats = []
    for place in range(len(tokens)):
        shown = [*tokens[:place], MASK, *tokens[place + 1 :]]
        with torch.no_grad():
            scores = course.network.score(course.network(torch.tensor([shown])))[0, place]
        nats.append(-float(scores.log_softmax(0)[tokens[place]]))
    assert run.sample.text == text
    assert "".join(run.sample.extra["surprise"]["pieces"]) == text
    assert run.sample.extra["surprise"]["nats"] == pytest.approx(nats, abs=0.02)
    expected = math.exp(sum(nats) / len(nats))
    assert run.sample.metrics["pseudo_perplexity"] == pytest.approx(expected, rel=0.01)


def test_a_text_that_is_too_long_is_refused(generator: BertGenerator) -> None:
    with pytest.raises(InvalidRequest, match="24 are the most"):
        generator.open(make_request(generator, "red dog " * 20, {}, seed=0))


def test_neighbours_tell_what_stood_between_them() -> None:
    guesses = FillIns([[1, 2, 3], [1, 2, 3], [1, 4, 3], [9, 9, 9, 9], [5, 2, 6], [7, 8, 6]])
    assert guesses.commonest() == 9
    assert guesses.between([1, 0, 3], 1) == 2
    assert guesses.between([5, 0, 6], 1) == 2
    assert guesses.between([1, 0, 6], 1) == 2  # never seen together; 2 follows 1 and precedes 6
    assert guesses.between([77, 0, 78], 1) == 9


def test_figures_stand_beside_those_without_a_network(course: BertCourse) -> None:
    figures = {metric.name: metric.value for metric in course.measure(course.network)}
    assert 0.0 <= figures["masked_accuracy"] <= figures["masked_accuracy_top5"] <= 1.0
    assert {"unigram_accuracy", "trigram_accuracy"} < set(figures)
    assert figures["pseudo_perplexity"] > 1.0
