"""The Studio: a form that works without scripts, and answers scripts with parts of the page."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.factories import (
    make_card,
    make_checkpoint,
    make_generation,
    make_user,
    make_worker,
)
from tests.pages.html import Page
from tests.pages.makers import make_done, make_failed
from webapp.accounts.models import User
from webapp.accounts.operations import create_user
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.jobs import operations as jobs

SCRIPT = {"HX-Request": "true"}


def fields(**changes: str) -> dict[str, str]:
    """What the form sends when somebody presses Generate."""
    return {"model": "toy-text", "prompt": "a red house", "seed": "", "key": "1", **changes}


def test_a_submitted_prompt_is_queued_and_shown(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(p_length="12"), follow=True)
    generation = Generation.objects.get()
    assert generation.prompt == "a red house"
    assert generation.parameters == {"length": 12, "temperature": 1.0}
    assert generation.accession in response.content.decode()
    assert response.redirect_chain[0][0].endswith(f"#card-{generation.id}")


def test_an_empty_number_means_the_default(page: Client, checkpoint: Checkpoint) -> None:
    page.post("/studio/generate", fields(p_length="", p_temperature=""))
    assert Generation.objects.get().parameters == {"length": 8, "temperature": 1.0}


def test_line_ends_of_forms_become_those_of_text(page: Client, checkpoint: Checkpoint) -> None:
    page.post("/studio/generate", fields(prompt="one\r\ntwo"))
    assert Generation.objects.get().prompt == "one\ntwo"


def test_every_fault_is_named_and_what_was_typed_stays(
    page: Client, checkpoint: Checkpoint
) -> None:
    response = page.post(
        "/studio/generate", fields(prompt=" ", p_length="999", p_temperature="warm", seed="7")
    )
    html = response.content.decode()
    assert response.status_code == 422
    assert "Prompt must not be empty" in html
    assert "Length must be at most 64" in html
    assert "Temperature must be a number" in html
    shown = Page(html)
    assert shown.value_of("p_length") == "999"
    assert shown.value_of("seed") == "7"
    assert not Generation.objects.exists()


@pytest.mark.parametrize("seed", ["-1", "1e3", "٣", "99999999999999999999"])
def test_a_seed_that_is_no_seed_is_refused(
    page: Client, checkpoint: Checkpoint, seed: str
) -> None:
    response = page.post("/studio/generate", fields(seed=seed))
    assert response.status_code == 422
    assert "Seed must be" in response.content.decode()


def test_a_script_gets_the_new_card_and_a_fresh_key(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(), headers=SCRIPT)
    html = response.content.decode()
    generation = Generation.objects.get()
    assert f'id="card-{generation.id}"' in html
    assert "<html" not in html
    assert Page(html).value_of("key") not in {"", "1"}
    assert response.headers["HX-Trigger"] == "pinakes:queue"


def test_a_script_gets_the_faults_in_their_place(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(prompt=""), headers=SCRIPT)
    assert response.status_code == 422
    assert response.headers["HX-Retarget"] == "#composer-faults"
    assert "must not be empty" in response.content.decode()


def test_a_double_click_makes_one(page: Client, checkpoint: Checkpoint) -> None:
    for _ in range(2):
        page.post("/studio/generate", fields())
    assert Generation.objects.count() == 1


def test_a_form_changed_after_going_back_makes_another(
    page: Client, checkpoint: Checkpoint
) -> None:
    page.post("/studio/generate", fields())
    page.post("/studio/generate", fields(prompt="a blue house"))
    assert Generation.objects.count() == 2


def test_fields_of_another_model_are_left_out(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(p_guidance="3"))
    assert response.status_code == 302
    assert "guidance" not in Generation.objects.get().parameters


def test_a_model_that_cannot_be_used_says_why(page: Client) -> None:
    make_checkpoint(make_card(), available=False, unavailable_reason="The weights are gone.")
    response = page.post("/studio/generate", fields())
    assert response.status_code == 422
    assert "The weights are gone." in response.content.decode()


def test_somebody_without_a_role_may_not_generate(checkpoint: Checkpoint) -> None:
    nobody = Client()
    nobody.force_login(create_user(username="nobody", password="x", roles=frozenset()))
    assert nobody.post("/studio/generate", fields()).status_code == 403
    assert not Generation.objects.exists()


def test_a_kept_seed_stays_in_the_form(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(seed="41", keep_seed="on"), follow=True)
    assert Page(response.content.decode()).value_of("seed") == "41"
    assert Generation.objects.get().seed == 41


@pytest.mark.parametrize(
    ("take", "wanted"),
    [
        ("prompt", {"prompt": "from before", "seed": ""}),
        ("seed", {"prompt": "", "seed": "77"}),
        ("remix", {"prompt": "from before", "seed": "", "p_length": "5"}),
        ("all", {"prompt": "from before", "seed": "77", "p_length": "5"}),
    ],
)
def test_a_result_leads_back_to_its_inputs(
    page: Client, author: User, checkpoint: Checkpoint, take: str, wanted: dict[str, str]
) -> None:
    earlier = make_done(owner=author, prompt="from before", seed=77, params={"length": 5})
    shown = Page(page.get("/", {"from": str(earlier.id), "take": take}).content.decode())
    assert {name: shown.value_of(name) for name in wanted} == wanted


def test_nothing_is_taken_from_a_stranger(stranger: Client, author: User) -> None:
    theirs = make_done(owner=author, prompt="secret")
    response = stranger.get("/", {"from": str(theirs.id)})
    assert response.status_code == 404


@pytest.mark.parametrize("source", ["nonsense", "1"])
def test_an_address_that_names_nothing_is_not_found(page: Client, source: str) -> None:
    assert page.get("/", {"from": source}).status_code == 404


def test_choosing_a_model_brings_its_parameters(page: Client, checkpoint: Checkpoint) -> None:
    html = page.get("/studio/knobs", {"model": "toy-text", "p_length": "3"}).content.decode()
    shown = Page(html)
    assert shown.value_of("p_length") == "3"
    assert shown.value_of("p_temperature") == "1"
    assert "<html" not in html


def test_only_essential_parameters_stand_in_sight(page: Client, checkpoint: Checkpoint) -> None:
    html = page.get("/studio/knobs", {"model": "toy-text"}).content.decode()
    folded = html.index("<details")
    assert html.index('name="p_length"') < folded < html.index('name="p_temperature"')


def test_hostile_prompts_are_text(page: Client, author: User, checkpoint: Checkpoint) -> None:
    make_done(owner=author, prompt='"><script>alert(1)</script>', text="<img src=x onerror=y>")
    html = page.get("/").content.decode()
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert Page(html).breaches() == []


def test_a_waiting_card_says_that_no_worker_runs(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    page.post("/studio/generate", fields())
    html = page.get("/").content.decode()
    assert "The worker for transformer is not running" in html
    assert 'http-equiv="refresh"' in html


def test_a_failed_card_gives_the_reason_and_a_retry(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    failed = make_failed(owner=author, detail="The picture was too large.")
    html = page.get("/").content.decode()
    assert "The picture was too large." in html
    assert f"/generations/{failed.id}/retry" in html
    assert "Traceback" not in html


def test_the_studio_shows_only_ones_own(page: Client, checkpoint: Checkpoint) -> None:
    make_done(owner=make_user(), prompt="somebody else's")
    assert "somebody else" not in page.get("/").content.decode()


def test_the_number_of_queries_does_not_grow(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    make_done(owner=author)
    with CaptureQueriesContext(connection) as few:
        page.get("/")
    for _ in range(6):
        make_done(owner=author)
    with CaptureQueriesContext(connection) as many:
        page.get("/")
    assert len(many) == len(few)


def test_the_queue_chip_counts_mine_and_all(page: Client, checkpoint: Checkpoint) -> None:
    page.post("/studio/generate", fields())
    make_generation(owner=make_user())
    assert 'aria-label="Queue: 1 yours, 2 in all"' in page.get("/queue").content.decode()


def test_a_card_says_why_it_waits(
    page: Client, author: User, checkpoint: Checkpoint, settings: Settings
) -> None:
    worker = make_worker(queues=["family.transformer"])
    make_generation(owner=author)
    make_generation(owner=author)
    [job] = jobs.claim_jobs(worker_id=worker.id, queues=["family.transformer"], limit=1)
    settings.JOBS_MAX_RUNNING_PER_OWNER = 1
    html = page.get("/").content.decode()
    assert "Waiting until one of the 1 that may run at a time has ended" in html
    jobs.fail_job(
        job_id=job.id,
        fence=job.fence,
        code="out_of_memory",
        detail="There was not enough memory.",
        transient=True,
        retry_in_seconds=60,
    )
    assert "There was not enough memory. It is tried again in" in page.get("/").content.decode()
