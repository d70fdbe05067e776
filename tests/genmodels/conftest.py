"""Common fixtures of the generator tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from genmodels.contract import Generator
from tests.genmodels.tiny import FAMILIES, TinyFamily, load_stirred


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on two threads, and tests share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=FAMILIES, ids=lambda family: family.id)
def family(request: pytest.FixtureRequest) -> TinyFamily:
    chosen = request.param
    assert isinstance(chosen, TinyFamily)
    return chosen


@pytest.fixture
def generator(family: TinyFamily, tmp_path: Path) -> Generator:
    """Any family, loaded from a folder."""
    return load_stirred(family, tmp_path / "checkpoint")


@pytest.fixture
def writer(tmp_path: Path) -> Generator:
    """The transformer, loaded from a folder."""
    return load_stirred(FAMILIES[0], tmp_path / "writer")


@pytest.fixture
def painter(tmp_path: Path) -> Generator:
    """The diffusion family, loaded from a folder."""
    return load_stirred(FAMILIES[1], tmp_path / "painter")
