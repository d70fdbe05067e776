"""The page of workers and queues: what it says, to whom, and what it costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_generation, make_job, make_worker
from tests.pages.html import Page
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.jobs import operations as jobs
from webapp.jobs.models import Worker


def text_of(client: Client) -> str:
    response = client.get("/workers")
    assert response.status_code == 200
    html = response.content.decode()
    assert Page(html).breaches() == []
    return " ".join(html.split())


def register(**changes: Any) -> Worker:
    values: dict[str, Any] = {
        "queues": ["family.gan"],
        "node": "image@here",
        "slot": 0,
        "pid": 4711,
        "info": {},
    }
    return jobs.register_worker(**{**values, **changes})


def test_a_worker_tells_what_it_is_and_does(page: Client, author: User) -> None:
    worker = register(
        queues=["family.gan", "documents"],
        info={"peak_rss_kib": 400 * 1024, "checkpoints": ["toy-text"], "running": 0},
    )
    make_job(owner=author)
    jobs.claim_jobs(worker_id=worker.id, queues=["family.gan"], limit=1)
    Worker.objects.filter(id=worker.id).update(heartbeat_at=Now() - timedelta(seconds=7))
    text = text_of(page)
    card = text[text.index(f'id="worker-{worker.id}"') :]
    for said in ("image@here", "4711", "Adversarial", "Documents", "400.0 MB", "working"):
        assert said in card, said
    assert 'href="/models/toy-text"' in card
    assert any(f">{seconds} s ago<" in card for seconds in (7, 8, 9))
    assert "<dt>Running jobs</dt> <dd>1</dd>" in card


def test_models_say_whether_one_has_to_be_loaded_first(
    page: Client, checkpoint: Checkpoint
) -> None:
    for address in ("/models", "/models/toy-text"):
        assert "when it is first asked for" in page.get(address).content.decode()
    register(info={"checkpoints": ["toy-text"]})
    assert "in a worker, begins at once" in page.get("/models").content.decode()
    assert "in 1 worker process<" in page.get("/models/toy-text").content.decode()


@pytest.mark.parametrize(
    ("state", "silent", "word"),
    [("active", 0, "ready"), ("draining", 0, "stopping"), ("active", 31, "silent")],
)
def test_the_state_is_a_word(page: Client, state: str, silent: int, word: str) -> None:
    worker = register()
    Worker.objects.filter(id=worker.id).update(
        state=state, heartbeat_at=Now() - timedelta(seconds=silent)
    )
    text = text_of(page)
    assert f"{word}</span>" in text[text.index(f'id="worker-{worker.id}"') :]


def test_those_that_ended_stay_for_an_hour(page: Client) -> None:
    recent, past = register(pid=5001), register(pid=5002)
    for worker, minutes in ((recent, 20), (past, 61)):
        Worker.objects.filter(id=worker.id).update(
            state="dead", heartbeat_at=Now() - timedelta(minutes=minutes)
        )
    text = text_of(page)
    assert "Ended within the last hour" in text
    assert "5001" in text
    assert "20 min ago" in text
    assert "5002" not in text
    assert "No worker is running" in text


def test_queues_tell_what_waits_and_for_how_long(page: Client, author: User) -> None:
    register(queues=["family.vae"])
    for _ in range(3):
        job = make_job(owner=author)
    type(job).objects.filter(id=job.id).update(sched_at=Now() - timedelta(minutes=5))
    text = text_of(page)
    assert "No worker for Adversarial is running. 3 jobs wait and will start when one is." in text
    assert ">5 min</td>" in text
    assert "No worker for Variational" not in text


@pytest.mark.parametrize("silent", [0, 31])
def test_only_a_worker_that_answers_serves_a_queue(
    page: Client, author: User, silent: int
) -> None:
    make_job(owner=author)
    worker = register()
    Worker.objects.filter(id=worker.id).update(heartbeat_at=Now() - timedelta(seconds=silent))
    assert ("No worker for Adversarial is running" in text_of(page)) == (silent > 30)


def test_a_queue_of_no_known_family_has_a_name(page: Client, author: User) -> None:
    make_job(owner=author, queue="family.unheard-of")
    assert "No worker for Family.unheard-of is running. 1 job waits" in text_of(page)


def test_nothing_of_others_is_shown(
    stranger: Client, author: User, checkpoint: Checkpoint
) -> None:
    generation = make_generation(owner=author, prompt="a private wish")
    worker = register(queues=[generation.job.queue])
    jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
    text = text_of(stranger)
    assert "Transformer" in text
    for secret in ("a private wish", str(generation.id), str(generation.job_id), author.username):
        assert secret not in text


def test_it_asks_for_itself_by_morphing(page: Client) -> None:
    """Replacing the elements would take the focus away from a link that somebody is on."""
    elements = Page(page.get("/workers").content.decode()).all("div", id="workers-now")
    assert [each.attributes["hx-swap"] for each in elements] == ["outerMorph"]
    assert elements[0].attributes["hx-get"] == "/workers"


def test_it_has_a_place_in_the_rail_after_the_models(page: Client) -> None:
    links = Page(page.get("/workers").content.decode()).all("a", class_="rail-link plain")
    addresses = [link.attributes["href"] for link in links]
    assert addresses.index("/workers") == addresses.index("/models") + 1
    assert links[addresses.index("/workers")].attributes["aria-current"] == "page"


def test_it_costs_the_same_however_much_there_is(
    page: Client, author: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, user, roles, workers, queues.
    with django_assert_num_queries(5):
        page.get("/workers")
    for number in range(8):
        make_job(owner=author, queue=f"family.{('gan', 'vae')[number % 2]}")
        make_worker(slot=number)
    with django_assert_num_queries(5):
        page.get("/workers")


def test_a_process_names_the_checkpoints_that_it_has_loaded() -> None:
    from tasks.generators import LoadedGenerators

    told: list[list[str]] = []
    loaded = LoadedGenerators(
        lambda checkpoint: checkpoint,  # type: ignore[arg-type, return-value]
        capacity=2,
        tell=lambda keys: told.append(list(keys)),
    )
    for key in ("a", "b", "a", "c"):
        loaded.get(key, Checkpoint(slug=key))
    assert told == [["a"], ["a", "b"], ["a", "c"]]
