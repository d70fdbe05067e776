"""What is measured as four pictures at a time does share its passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.pictures import draw, draws_in_steps
from tests.genmodels.tiny import FAMILIES, load_stirred


def test_four_pictures_take_as_many_passes_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = next(each for each in FAMILIES if each.name == "diffusion")
    generator = load_stirred(family, tmp_path / "painter")
    assert draws_in_steps(generator)
    passes: list[int] = []
    advance = generator.advance

    def counted(runs: Sequence[Any]) -> None:
        passes.append(len(runs))
        advance(runs)

    monkeypatch.setattr(generator, "advance", counted)
    assert draw(generator, pictures=1, steps=3) > 0
    alone = len(passes)
    draw(generator, pictures=4, steps=3)
    assert passes == [1] * alone + [4] * alone
