"""The page of insights: what it says, to whom, and where its figures lead."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_card, make_checkpoint, make_user
from tests.insights.makers import make_past
from tests.pages.html import Page
from webapp.accounts.models import User
from webapp.jobs.models import JobState

_LINK = re.compile(r'<a class="text-link" href="(/library[^"]*)">([\d,]+)</a>')
_BAR = re.compile(
    r'<a class="chart-bar[^>]*href="(/library[^"]*)"[^>]*><title>[^<]* (\d+)</title>'
)


@pytest.fixture
def past(author: User) -> list[User]:
    """Some of everything over four days, by two people; some of it was thrown away since."""
    other = make_user(username="brahms")
    text = make_checkpoint(make_card(slug="toy-text"))
    picture = make_checkpoint(make_card(slug="toy-gan", family="gan"))
    noon = timezone.now().replace(hour=12, minute=0) - dt.timedelta(days=4)
    ends: list[tuple[JobState, str]] = [
        (JobState.SUCCEEDED, ""),
        (JobState.FAILED, "deadline"),
        (JobState.FAILED, "timeout"),
        (JobState.EXPIRED, "expired"),
        (JobState.CANCELED, ""),
    ]
    for day, owner, checkpoint in ((0, author, text), (1, other, text), (3, author, picture)):
        for number, (state, code) in enumerate(ends):
            make_past(
                owner=owner,
                checkpoint=checkpoint,
                at=noon + dt.timedelta(days=day, minutes=number),
                state=state,
                code=code,
                score=4.0 if state == JobState.SUCCEEDED else None,
                trashed=day == 1,
            )
    return [author, other]


def shown(client: Client, query: str = "?span=7d") -> str:
    response = client.get(f"/insights{query}")
    assert response.status_code == 200
    html = response.content.decode()
    assert Page(html).breaches() == []
    return html


@pytest.mark.parametrize("by", ["family", "model", "outcome"])
def test_each_figure_leads_to_exactly_as_many_generations(
    reviewer: Client, past: list[User], by: str
) -> None:
    html = shown(reviewer, f"?span=7d&by={by}").replace("&amp;", "&")
    links = {(href, int(words.replace(",", ""))) for href, words in _LINK.findall(html)}
    links |= {(href, int(words)) for href, words in _BAR.findall(html)}
    assert len(links) > 12
    for href, number in links:
        cards = Page(reviewer.get(href).content.decode()).all("article")
        assert len(cards) == number, href


def test_authors_see_themselves_and_reviewers_who_uses_what(
    page: Client, reviewer: Client, past: list[User]
) -> None:
    own = shown(page)
    assert '<dd class="headline-value numeral">10</dd>' in own
    assert "brahms" not in own
    assert "Who uses what" not in own
    asked = shown(page, f"?span=7d&owner={past[1].pk}")
    assert "this is yours" in asked
    assert '<dd class="headline-value numeral">10</dd>' in asked
    everybody = shown(reviewer)
    assert '<dd class="headline-value numeral">15</dd>' in everybody
    assert "brahms" in everybody


def test_a_day_without_anything_is_a_gap_and_not_a_zero(page: Client, past: list[User]) -> None:
    """The author made something on two of four days, so no line joins them."""
    html = shown(page)
    drawings = html.split("<figure")
    [running] = [each for each in drawings if "<h3>Running</h3>" in each]
    assert running.count('class="chart-point') == 2
    assert "<polyline" not in running


def test_what_is_not_understood_is_said_and_the_rest_shown(page: Client, past: list[User]) -> None:
    html = shown(page, "?span=forever&by=moon&spam=1&zone=Nowhere")
    for word in ("Span: must be one of", "By: must be one of", "Spam: there is no", "Zone: must"):
        assert word in html
    assert '<dd class="headline-value numeral">10</dd>' in html


def test_days_are_those_of_the_reader(page: Client, past: list[User]) -> None:
    page.cookies["pinakes_zone"] = "Pacific/Kiritimati"
    assert "Pacific/Kiritimati time" in shown(page)
    page.cookies["pinakes_zone"] = "../../etc/passwd"
    assert "UTC time" in shown(page)


def test_nothing_yet_is_explained(page: Client) -> None:
    assert "As soon as something is generated" in shown(page, "")
    assert "Take a filter away" in shown(page, "?family=gan")
