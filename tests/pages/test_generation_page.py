"""The page of one generation: result, recipe, record, and what can be done with it."""

from __future__ import annotations

import html
import json
import re
import shlex

from django.test import Client

from tests.factories import make_card, make_checkpoint, make_generation
from tests.pages.makers import make_done, make_failed, make_picture
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation, Reproduction
from webapp.jobs.models import JobState


def block(text: str, identity: str) -> str:
    """The text of the code block with this id."""
    match = re.search(rf'<code id="{identity}"[^>]*>(.*?)</code>', text, re.DOTALL)
    assert match is not None
    return html.unescape(match[1])


def test_a_text_stands_with_the_prompt_it_goes_on_from(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="Once", text=" upon a time")
    shown = page.get(f"/generations/{done.id}").content.decode()
    assert '<span class="given">Once</span> upon a time' in shown


def test_an_answer_stands_apart_from_what_was_said(page: Client, author: User) -> None:
    checkpoint = make_checkpoint(make_card(slug="talker", tasks=("conversational",)))
    made = make_done(owner=author, checkpoint=checkpoint, prompt="Good day", text="And to you")
    shown = page.get(f"/generations/{made.id}").content.decode()
    assert "And to you" in shown
    assert '<span class="given">' not in shown


def test_a_text_shows_how_surprising_its_parts_were(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="Once", text=" <b> <b>")
    assert b"heat" not in page.get(f"/generations/{done.id}").content
    done.response.extra = {
        "surprise": {"pieces": [" ", "<", "b> ", "<b>", ""], "nats": [0.1, 0.2, 2.0, 6.0, 9.0]}
    }
    done.response.save()
    shown = page.get(f"/generations/{done.id}").content.decode()
    assert '<span class="heat heat-0"> &lt;</span><span class="heat heat-2">b&gt; </span>' in shown
    assert '<span class="heat heat-4">&lt;b&gt;</span>' in shown
    assert "1 in 403" in shown  # e^6: the same in words, without the end that has no letters
    assert "8103" not in shown


def test_a_picture_is_described_by_its_prompt(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_picture(owner=author, prompt="a red house")
    artifact = done.response.artifacts.get()
    shown = page.get(f"/generations/{done.id}").content.decode()
    assert f'<img src="/api/v1/artifacts/{artifact.id}/content" alt="a red house">' in shown


def test_the_recipe_makes_the_same_request_again(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    prompt = 'it\'s "quoted" & <odd>\nsecond line'
    done = make_done(owner=author, prompt=prompt, seed=5, params={"length": 3})
    shown = page.get(f"/generations/{done.id}").content.decode()
    wanted = {
        "model": "toy-text",
        "prompt": prompt,
        "params": {"length": 3, "temperature": 1.0},
        "seed": 5,
    }
    assert json.loads(block(shown, "recipe-json")) == wanted
    words = shlex.split(block(shown, "recipe-call").replace("\\\n", " "))
    assert words[0] == "curl"
    assert json.loads(words[words.index("-d") + 1]) == wanted


def test_a_failure_has_reason_code_and_retry(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    failed = make_failed(owner=author)
    shown = page.get(f"/generations/{failed.id}").content.decode()
    assert "It ran out of memory." in shown
    assert "out_of_memory" in shown
    assert str(failed.job_id) in shown
    assert "Traceback of the worker" not in shown


def test_a_retry_is_a_new_one_that_names_the_old(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    failed = make_failed(owner=author, seed=9)
    response = page.post(f"/generations/{failed.id}/retry", follow=True)
    again = Generation.objects.get(retried_from=failed)
    assert again.seed == 9
    assert response.redirect_chain[0][0] == f"/generations/{again.id}"
    assert failed.accession in response.content.decode()


def test_what_succeeded_is_not_retried(page: Client, author: User, checkpoint: Checkpoint) -> None:
    done = make_done(owner=author)
    response = page.post(f"/generations/{done.id}/retry", follow=True)
    assert "cannot be tried again" in response.content.decode()
    assert Generation.objects.count() == 1


def test_a_queued_one_is_canceled(page: Client, author: User, checkpoint: Checkpoint) -> None:
    waiting = make_generation(owner=author)
    response = page.post(f"/generations/{waiting.id}/cancel", follow=True)
    waiting.job.refresh_from_db()
    assert waiting.job.state == JobState.CANCELED
    assert f"{waiting.accession} is canceled." in response.content.decode()


def test_canceling_twice_changes_nothing(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    waiting = make_generation(owner=author)
    for _ in range(2):
        assert page.post(f"/generations/{waiting.id}/cancel").status_code == 302


def test_a_script_gets_the_card_back(page: Client, author: User, checkpoint: Checkpoint) -> None:
    waiting = make_generation(owner=author)
    response = page.post(f"/generations/{waiting.id}/cancel", headers={"HX-Request": "true"})
    shown = response.content.decode()
    assert shown.lstrip().startswith("<article")
    assert "Canceled before it was finished" in shown


def test_what_is_deleted_can_be_restored(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author)
    said = page.post(f"/generations/{done.id}/trash", follow=True).content.decode()
    assert f"{done.accession} is in the trash." in said
    assert done.accession not in page.get("/library").content.decode()
    assert done.accession in page.get("/library?trash=1").content.decode()
    assert "Restore" in page.get(f"/generations/{done.id}").content.decode()
    page.post(f"/generations/{done.id}/restore")
    assert done.accession in page.get("/library").content.decode()


def test_a_running_one_is_followed_live(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    waiting = make_generation(owner=author)
    shown = page.get(f"/generations/{waiting.id}").content.decode()
    assert f'data-live-events="/api/v1/generations/{waiting.id}/events"' in shown
    assert 'http-equiv="refresh"' in shown


def test_a_finished_one_is_not_followed(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author)
    shown = page.get(f"/generations/{done.id}").content.decode()
    assert "data-live-events" not in shown
    assert "http-equiv" not in shown


def test_a_very_long_prompt_is_set_smaller(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="word " * 40)
    assert "is-long" in page.get(f"/generations/{done.id}").content.decode()


def test_a_citation_is_marked_in_prompt_or_text(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="Once <b>", text=" upon a time")
    address = f"/generations/{done.id}"
    in_text = page.get(address, {"passage": 1, "start": 1, "end": 5}).content.decode()
    assert "<mark>upon</mark> a time" in in_text
    in_prompt = page.get(address, {"passage": 0, "start": 5, "end": 8}).content.decode()
    assert "Once <mark>&lt;b&gt;</mark>" in in_prompt
    beyond = page.get(address, {"passage": 1, "start": 1, "end": 500}).content.decode()
    assert "<mark>" not in beyond


def test_a_result_is_made_again_and_says_how_near_it_came(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author)
    response = page.post(f"/generations/{done.id}/reproduce", follow=True)
    assert "The verdict comes with the result." in response.content.decode()
    again = Reproduction.objects.get().generation
    for verdict, facts, sentence in (
        ("bit_exact", {}, "Bit for bit the same."),
        ("perceptually_equal", {"largest_difference_levels": 1}, "more than 1 of 255 levels"),
        ("diverged", {"first_other_character": 7}, "part at character 7."),
        ("diverged", {"psnr_db": 31.5}, "ratio 31.5 dB."),
        ("diverged", {"reason": "they differ in size"}, "they differ in size."),
    ):
        Reproduction.objects.update(verdict=verdict, facts=facts)
        shown = " ".join(page.get(f"/generations/{again.id}").content.decode().split())
        assert sentence in shown
        assert done.accession in shown


def test_what_failed_is_not_made_again(page: Client, author: User, checkpoint: Checkpoint) -> None:
    failed = make_failed(owner=author)
    response = page.post(f"/generations/{failed.id}/reproduce", follow=True)
    assert "It cannot be made again: It is failed." in response.content.decode()
    assert "Reproduce" not in page.get(f"/generations/{failed.id}").content.decode()


def test_a_text_shows_what_else_was_considered(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="A ___", text="A dog")
    assert b"What else it considered" not in page.get(f"/generations/{done.id}").content
    done.response.extra = {
        "candidates": [{"text": "A dog"}, {"text": "A <b>"}],
        "gaps": [[{"text": "dog", "probability": 0.5}]],
    }
    done.response.save()
    shown = page.get(f"/generations/{done.id}").content.decode()
    assert '<li dir="auto">A &lt;b&gt;</li>' in shown
    assert '<span class="soft numeral">50.0&nbsp;%</span>' in shown
