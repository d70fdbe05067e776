"""Pages of comparisons: choosing models, what a blind one shows, votes, and the ranking."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from genmodels.contract import Sample
from tests.comparisons.makers import MODELS, finish, make_comparison, make_models, prefer
from tests.factories import make_user
from tests.pages.makers import PNG, make_done
from tests.pages.test_studio import SCRIPT
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.comparisons.models import Vote
from webapp.generations.models import Batch

SLUGS = tuple(MODELS)


@pytest.fixture(autouse=True)
def models(db: None) -> list[Checkpoint]:
    return make_models()


def html_of(page: Client, address: str) -> str:
    response = page.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_a_double_click_starts_one_comparison(page: Client) -> None:
    sent = {"key": "k", "prompt": "once", "models": list(SLUGS), "blind": "on", "seed": "7"}
    first, second = page.post("/compare/start", sent), page.post("/compare/start", sent)
    batch = Batch.objects.get()
    assert first["Location"] == second["Location"] == f"/compare/{batch.id}"
    assert (batch.is_blind, batch.total, batch.generations.filter(seed=7).count()) == (True, 3, 3)
    assert "once" in html_of(page, "/compare")
    families = page.post("/compare/start", {"prompt": "once", "which": "families"})
    assert families.status_code == 302


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"models": ["alpha-one"]}, "Models: name at least 2 models"),
        ({"prompt": " "}, "Prompt: must not be empty"),
        ({"seed": "seven"}, "Seed: must be a whole number"),
        ({"models": ["alpha-one", "nobody"]}, "there is no model &#x27;nobody&#x27;"),
    ],
)
def test_what_cannot_be_is_said_and_kept(page: Client, change: dict[str, str], said: str) -> None:
    sent = {"prompt": "Kept words", "models": list(SLUGS), **change}
    refused = page.post("/compare/start", sent)
    html = refused.content.decode()
    assert refused.status_code == 422
    assert said in html
    assert ("Kept words" in html) == ("prompt" not in change)
    assert re.search(r'value="alpha-one"\s+checked', html)
    assert not Batch.objects.exists()


def test_a_prompt_comes_along_from_studio_and_result(page: Client, author: User) -> None:
    sent = {"prompt": "a red house", "model": "beta-two", "seed": ""}
    plain = page.post("/compare/draft", sent)["Location"]
    assert page.post("/compare/draft", sent, headers=SCRIPT)["HX-Redirect"] == plain
    done = make_done(owner=author, prompt="a red house")
    for address in (plain, f"/compare?from={done.id}"):
        html = html_of(page, address)
        assert "a red house</textarea>" in html
        assert len(re.findall(r'name="models"[^>]*checked', html)) == 1
    assert page.get(f"/compare?from={make_done(owner=make_user()).id}").status_code == 404


def test_a_blind_page_tells_nothing_before_the_vote_and_all_after(
    page: Client, author: User
) -> None:
    batch = make_comparison(author, models=SLUGS[:2], is_blind=True)
    here = f"/compare/{batch.id}"
    telling = [
        *SLUGS[:2],
        "Alpha-One",
        *(f"family-{MODELS[slug]}" for slug in SLUGS[:2]),
        *(str(row.id) for row in batch.generations.all()),
    ]
    assert [word for word in telling if word in html_of(page, here)] == []
    texts = finish(batch)
    # The page to start from names all models, above the list of what was compared.
    listed = html_of(page, "/compare").partition('<ul class="batch-list">')[2]
    for html in (html_of(page, here), listed):
        assert [word for word in telling if word in html] == []
        assert all(text in html for text in texts.values())
    assert not any(text in html_of(page, "/") for text in texts.values())
    assert page.post(f"{here}/reveal", follow=True).content.decode().count("Vote on one pair") == 1
    assert page.post(f"{here}/vote", {"pair": "AB", "verdict": "best"}).status_code == 302
    assert page.post(f"{here}/vote", {"pair": "AX", "verdict": "first"}).status_code == 302
    assert not Vote.objects.exists()
    after = page.post(f"{here}/vote", {"pair": "AB", "verdict": "first"}, follow=True)
    assert [word for word in telling if word not in after.content.decode()] == []
    assert 'aria-pressed="true"' in after.content.decode()
    changed = page.post(f"{here}/vote", {"pair": "AB", "verdict": "tie"}, follow=True)
    assert "are equal" in changed.content.decode()


def test_one_that_failed_says_why_and_the_others_stay(page: Client, author: User) -> None:
    batch = make_comparison(author)
    assert "is not running" in html_of(page, f"/compare/{batch.id}")
    finish(batch, fail=("beta-two",))
    html = html_of(page, f"/compare/{batch.id}")
    assert "beta-two ran out of memory." in html
    assert "words number 0" in html
    assert "Which is better?" in html
    lonely = make_comparison(author)
    finish(lonely, fail=SLUGS[1:])
    assert "No two results" in html_of(page, f"/compare/{lonely.id}")


def test_two_pictures_can_be_laid_over_each_other(page: Client, author: User) -> None:
    batch = make_comparison(author, models=SLUGS[:2])
    finish(batch, sample=Sample(PNG, "image/png"))
    html = html_of(page, f"/compare/{batch.id}")
    assert 'type="range"' in html
    assert html.count('alt="Result ') == 2


def test_after_all_pairs_the_ranking_has_them_and_votes_can_be_changed(
    page: Client, author: User
) -> None:
    assert "No votes yet" in html_of(page, "/compare/ranking")
    batch = make_comparison(author)
    finish(batch)
    here = f"/compare/{batch.id}"
    prefer(author, batch, "alpha-one", "beta-two")
    prefer(author, batch, "beta-two", "gamma-three")
    prefer(author, batch, "alpha-one", "gamma-three")
    html = html_of(page, here)
    assert "voted on every pair" in html
    assert "Your 3 votes" in html
    assert "Your vote on A and C" in html_of(page, f"{here}?pair=AC")
    ranking = html_of(page, "/compare/ranking?mine=on")
    places = [ranking.index(f"/models/{slug}") for slug in SLUGS]
    assert places == sorted(places)
    assert "No such votes yet" in html_of(page, "/compare/ranking?blind=on")


def test_reviewers_look_and_vote_but_change_nothing(page: Client) -> None:
    batch = make_comparison(make_user())
    assert page.get(f"/compare/{batch.id}").status_code == 404
    reviewer = Client()
    reviewer.force_login(make_user(Role.REVIEWER))
    assert reviewer.post(f"/compare/{batch.id}/trash").status_code == 403
    owner = Client()
    owner.force_login(batch.owner)
    assert owner.post(f"/compare/{batch.id}/cancel").status_code == 302
    assert owner.post(f"/compare/{batch.id}/trash").status_code == 302
    assert "In the trash" in html_of(owner, f"/compare/{batch.id}")
    assert f"/compare/{batch.id}" in html_of(owner, "/compare?trash=1")
    assert owner.post(f"/compare/{batch.id}/restore").status_code == 302
    assert Batch.objects.get().trashed_at is None
