"""A site that can see, with a network of a few thousand weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from genmodels.embedding import install_embedder
from tests.factories import make_user
from tests.looks.makers import EMBEDDER, image_model, make_alignment
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.looks import queries


@pytest.fixture(scope="session")
def alignment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network."""
    return make_alignment(tmp_path_factory.mktemp("alignment") / "clip-pictures")


@pytest.fixture
def seeing(
    alignment: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A site with this network and an empty store of files."""
    # A network that has learned nothing finds nothing very near.
    monkeypatch.setattr(queries, "LEAST_SIMILARITY", 1e-9)
    settings.PINAKES_ALIGNMENT = alignment
    settings.PINAKES_BLOBS = tmp_path / "blobs"
    previous = install_embedder(EMBEDDER)
    yield alignment
    install_embedder(previous)


@pytest.fixture
def owner(db: None) -> User:
    """Somebody with pictures."""
    return make_user()


@pytest.fixture
def model(db: None) -> Checkpoint:
    """The model that draws them."""
    return image_model()
