"""The encoder-decoder: caches, beams, gaps and prompts."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch

from genmodels.checkpoint import Checkpoint
from genmodels.contract import InvalidRequest, Scalar
from genmodels.data import multi30k
from genmodels.families.transformer.t5.course import T5Course
from genmodels.families.transformer.t5.decoder import CachedEncoderDecoder
from genmodels.families.transformer.t5.examples import collate, encode_pairs
from genmodels.families.transformer.t5.gaps import fill_gaps, make_gaps
from genmodels.families.transformer.t5.generator import T5Generator
from genmodels.families.transformer.t5.loading import load_t5
from genmodels.families.transformer.t5.measure import write_all
from genmodels.families.transformer.t5.objective import held_out_loss, target_loss
from genmodels.randomness import seeded
from genmodels.text.beam import BeamSearch
from genmodels.text.byte_pairs import END, PAD
from tests.genmodels.tiny import describe, make_request, stir, tiny_t5


@pytest.fixture
def course() -> T5Course:
    course = tiny_t5()
    stir(course.network)
    return course


@pytest.fixture
def generator(course: T5Course) -> T5Generator:
    checkpoint = Checkpoint(describe(course)("0" * 64), course.network.state_dict())
    return load_t5(checkpoint, device=torch.device("cpu"), slots=4)


def _finish(generator: T5Generator, prompt: str, **parameters: Scalar) -> dict[str, object]:
    run = generator.open(make_request(generator, prompt, parameters, seed=3))
    while not run.done:
        generator.advance([run])
    return {"text": run.sample.text, **run.sample.extra, **run.sample.metrics}


def test_cached_scores_are_those_of_the_whole_network(course: T5Course) -> None:
    [task] = course.corpus.tasks
    examples = encode_pairs(task.validation, task, course.vocabulary, longest=(24, 24))[:3]
    batch = collate(examples)
    with torch.no_grad():
        whole = course.network.score(course.network(batch.source, batch.shown))
    decoder = CachedEncoderDecoder(course.network, torch.device("cpu"))
    memories = decoder.remember([example.source for example in examples], [1, 1, 1])
    shortest = min(len(example.target) for example in examples)
    for place in range(shortest):
        tokens = [[int(row[place])] for row in batch.shown]
        for row, scores in enumerate(decoder.read(memories, tokens)):
            torch.testing.assert_close(scores[0], whole[row, place].double(), atol=1e-3, rtol=1e-3)


def test_beams_with_a_cache_are_those_that_read_everything_again(course: T5Course) -> None:
    source = (course.vocabulary.mark("mirror"), *course.vocabulary.encode("small blue dog"))
    search = BeamSearch(width=4, end=END, longest=8, penalty=1.0)
    decoder = CachedEncoderDecoder(course.network, torch.device("cpu"))
    while not search.done:
        rows = []
        for beginning in search.alive:
            [memory] = decoder.remember([source], [1])
            for token in (PAD, *beginning.tokens):
                [scores] = decoder.read([memory], [[token]])
            rows.append(scores[0])
        search.advance(torch.stack(rows))
    [written] = write_all(decoder, [source], width=4, penalty=1.0, longest=8)
    assert written == search.ranked()[0].tokens


def test_filling_rows_up_changes_no_loss(course: T5Course) -> None:
    [task] = course.corpus.tasks
    examples = encode_pairs(task.validation, task, course.vocabulary, longest=(24, 24))
    one_by_one = held_out_loss(course.network, examples, rows=1)
    assert held_out_loss(course.network, examples, rows=7) == pytest.approx(one_by_one, rel=1e-5)
    smoothed = target_loss(course.network, collate(examples), smoothing=0.1)
    assert smoothed.item() != pytest.approx(one_by_one)


def test_gaps_and_what_was_in_them_make_the_text_again(course: T5Course) -> None:
    vocabulary = course.vocabulary
    pieces = vocabulary.encode("red dog runs small blue cat runs red dog")
    for seed in range(20):
        source, target = make_gaps(pieces, vocabulary, seeded(seed))
        assert target[-1] == END
        text = " ".join(
            "___" if not vocabulary.is_piece(token) else vocabulary.decode([token])
            for token in source
        )
        filled = fill_gaps(text, target, vocabulary)
        assert filled.replace(" ", "") == vocabulary.decode(pieces).replace(" ", "")
        assert "___" in text


def test_tasks_are_drawn_as_often_as_their_shares_say(course: T5Course) -> None:
    random, counts = seeded(0), {course.vocabulary.mark(task): 0 for task in course.tasks}
    for _ in range(200):
        for mark in course._batches.draw(course.vocabulary, random).source[:, 0].tolist():
            counts[mark] += 1
    mirror = counts[course.vocabulary.mark("mirror")] / sum(counts.values())
    assert mirror == pytest.approx(0.7, abs=0.07)


def test_a_task_before_the_text_wins_over_the_parameter(generator: T5Generator) -> None:
    assert _finish(generator, "red dog")["task"] == "mirror"
    found = _finish(generator, "Restore: red ___ runs", task="mirror", beams=2)
    assert found["task"] == "restore"
    text = cast("str", found["text"])
    assert text.startswith("red ")
    assert text.endswith(" runs")
    candidates = cast("list[dict[str, object]]", found["candidates"])
    assert candidates[0]["text"] == text
    assert 1 < len(candidates) <= 2


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("mirror:", "required"),
        ("restore: red dog runs", "gaps"),
        ("restore: " + "___ red " * 9, "gaps"),
        ("red dog " * 20, "too_long"),
    ],
)
def test_a_prompt_that_makes_no_sense_is_refused(
    generator: T5Generator, prompt: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        generator.open(make_request(generator, prompt, {}, seed=0))
    [fault] = caught.value.faults
    assert (fault.pointer, fault.code) == ("/prompt", code)


def test_figures_of_texts_are_measured(course: T5Course) -> None:
    names = {metric.name: metric for metric in course.measure(course.network)}
    assert {"validation_loss", "tokenised_bleu_mirror", "bleu_mirror_greedy"} < set(names)
    assert "case:mixed" in names["bleu_mirror"].protocol
    assert "case:lc" in names["tokenised_bleu_mirror"].protocol


def test_captions_must_stand_line_by_line(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "val.en.gz").write_bytes(gzip.compress("One \u2028 line.\nTwo.\n".encode()))
    assert multi30k._read_lines(tmp_path / "val.en.gz") == ("One \u2028 line.", "Two.")
