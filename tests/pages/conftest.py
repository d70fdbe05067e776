"""People with browsers, and templates that fail on a name which nobody set."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import make_card, make_checkpoint, make_user
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint


class UndefinedVariable(str):
    """Stands in for `string_if_invalid`: Django fills the name in, and here that is an error."""

    def __mod__(self, name: object) -> NoReturn:
        raise AssertionError(f"the template asks for {name}, which is not set")


@pytest.fixture(autouse=True)
def strict_pages(settings: Settings, tmp_path: Path) -> None:
    """Undefined names fail; static files are named plainly, since nothing was gathered."""
    templates: list[dict[str, Any]] = copy.deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["string_if_invalid"] = UndefinedVariable("%s")
    settings.TEMPLATES = templates
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.STATIC_ROOT = tmp_path
    # Passwords of people who live for one test need no slow hash.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.PINAKES_BLOBS = tmp_path / "blobs"


@pytest.fixture
def author(db: None) -> User:
    """Somebody who writes prompts."""
    return make_user(username="ada")


@pytest.fixture
def checkpoint(db: None) -> Checkpoint:
    """The one model on offer."""
    return make_checkpoint(make_card())


def browser_of(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def page(author: User) -> Client:
    """The author's browser."""
    return browser_of(author)


@pytest.fixture
def stranger(db: None) -> Client:
    """The browser of another author."""
    return browser_of(make_user())


@pytest.fixture
def reviewer(db: None) -> Client:
    """The browser of somebody who sees everything and owns nothing."""
    return browser_of(make_user(Role.REVIEWER))
