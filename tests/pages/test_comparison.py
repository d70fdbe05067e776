"""The page that shows all families side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.pages.html import Page
from webapp.common.charts import Scale

_PNG = b"\x89PNG\r\n\x1a\n a sheet"


def _setting(
    distance: float, *, sheet: str, passes: int = 1, **knobs: float | str
) -> dict[str, Any]:
    names = ("coverage", "prompt_accuracy", "fid_random", "fid_pixels")
    return {
        "knobs": knobs,
        "passes": passes,
        "figures": {"fid_classifier": distance, **dict.fromkeys(names, 0.5)},
        "seconds_a_picture": 0.01 * passes,
        "sheet": sheet,
    }


def _model(slug: str, family: str, settings: list[dict[str, Any]]) -> dict[str, Any]:
    curve = {"figure": "loss", "unit": "nats", "points": [[10, 3.0], [20, 2.0], [30, 1.5]]}
    return {
        "slug": slug,
        "name": slug.capitalize(),
        "family": family,
        "weights": 1000,
        "training": {
            "steps": 7,
            "seconds": 700.0,
            "cpu_seconds": 1200.0,
            "curve": curve,
            "teacher": None,
        },
        "likelihood": {"value": 2.5, "unit": "bits/dimension", "protocol": "exact"}
        if family == "flow"
        else None,
        "settings": settings,
    }


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A comparison of three models, one of which was measured at several steps and guidances."""
    swept = [
        _setting(
            1 / steps + guidance,
            sheet=f"d-{steps}-{guidance}.png",
            passes=steps,
            sampler="dpm++",
            steps=steps,
            guidance=guidance,
        )
        for steps, guidance in ((20, 1.0), (4, 1.0), (20, 3.0), (4, 3.0))
    ]
    swept.append(
        _setting(1.5, sheet="d-ddpm.png", passes=1000, sampler="ddpm", steps=1000, guidance=1.0)
    )
    content: dict[str, Any] = {
        "subject": "clothes",
        "title": "Clothes of tests",
        "kinds": ["coat", "bag"],
        "judge": "0" * 64,
        "samples": 12,
        "threads": 1,
        "rungs": {
            "other real pictures": {"fid_classifier": 0.04, "coverage": 0.96},
            "class means with noise": {"fid_classifier": 9.87, "coverage": 0.01},
        },
        "models": [
            _model("painter", "diffusion", swept),
            _model("forger", "gan", [_setting(0.7, sheet="g.png")]),
            _model("changer", "flow", [_setting(2.9, sheet="f.png")]),
        ],
    }
    place = tmp_path / "comparisons" / "clothes"
    place.mkdir(parents=True)
    (place / "comparison.json").write_text(json.dumps(content))
    for model in content["models"]:
        for each in model["settings"]:
            (place / each["sheet"]).write_bytes(_PNG)
    (place / "secret.txt").write_text("not for anyone")
    settings.PINAKES_COMPARISONS = [tmp_path / "none", tmp_path / "comparisons"]
    return place


def _shown(page: Client, query: str = "") -> Page:
    response = page.get(f"/compare/families{query}")
    assert response.status_code == 200
    return Page(response.content.decode())


def _row(shown: Page, slug: str) -> str:
    """The words of a model's row."""
    row = shown.html.partition(f'id="model-{slug}"')[2].partition("</tr>")[0]
    return " ".join(re.sub("<[^>]*>", " ", f"<{row}").split())


def test_every_model_is_there_with_its_figures_and_its_pictures(
    page: Client, folder: Path
) -> None:
    shown = _shown(page)
    assert "1.05" in _row(shown, "painter")
    assert "20 steps, guidance 1" in _row(shown, "painter")
    assert "0.70" in _row(shown, "forger")
    assert "2.50 bits/dimension" in _row(shown, "changer")
    sheets = [image.attributes["src"] for image in shown.all("img")]
    assert [Path(address).name for address in sheets] == ["g.png", "d-20-1.0.png", "f.png"]
    assert all(page.get(address).getvalue() == _PNG for address in sheets)
    assert "Other real pictures" in shown.html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?steps=4", "4 steps, guidance 1"),
        ("?steps=4&guidance=3", "4 steps, guidance 3"),
        ("?steps=7&guidance=2.6", "4 steps, guidance 3"),
        ("?steps=100000", "20 steps, guidance 1"),
        ("?steps=nan&guidance=-1", "20 steps, guidance 1"),
        ("?steps=&guidance=much&subject=nothing", "20 steps, guidance 1"),
    ],
)
def test_the_sliders_choose_the_nearest_that_was_measured(
    page: Client, folder: Path, query: str, said: str
) -> None:
    shown = _shown(page, query)
    assert said in _row(shown, "painter")
    chosen = [
        box.attributes["value"]
        for box in shown.all("input", type="radio")
        if "checked" in box.attributes
    ]
    assert chosen == [said.split(maxsplit=1)[0], said.rsplit(maxsplit=1)[-1]]
    assert "0.70" in _row(shown, "forger"), "a model without knobs stays as it is"


def test_charts_say_what_they_show_and_lead_to_the_row(page: Client, folder: Path) -> None:
    shown = _shown(page)
    titles = [heading.text for heading in shown.all("h3")]
    assert titles == [
        "Quality and speed",
        "Quality and coverage",
        "Steps, Painter",
        "Guidance, Painter",
    ]
    dots = shown.all("a", class_="chart-dot family-gan")
    assert {dot.attributes["aria-label"] for dot in dots} == {"Forger"}
    assert {dot.attributes["href"] for dot in dots} == {"#model-forger"}


def test_only_sheets_are_served(page: Client, folder: Path) -> None:
    for name in ("secret.txt", "comparison.json", "..%2Fcomparison.json", "nothing.png"):
        assert page.get(f"/compare/families/clothes/{name}").status_code == 404
    assert page.get("/compare/families/nothing/g.png").status_code == 404
    data = page.get("/compare/families/clothes/data.json")
    assert json.loads(data.getvalue())["title"] == "Clothes of tests"


def test_nothing_to_compare_is_said(page: Client, settings: Settings, tmp_path: Path) -> None:
    settings.PINAKES_COMPARISONS = [tmp_path]
    assert "Nothing has been compared yet" in _shown(page).html


def test_a_broken_file_is_said_and_breaks_nothing_else(page: Client, folder: Path) -> None:
    (folder / "comparison.json").write_text('{"subject": "clothes"}')
    response = page.get("/compare/families")
    assert response.status_code == 500
    assert "cannot be shown" in response.content.decode()
    assert page.get("/models").status_code == 200


def test_scales_mark_round_numbers_between_their_ends() -> None:
    scale = Scale(0.03, 12.0, start=0.0, end=100.0, is_logarithmic=True)
    assert [mark.label for mark in scale.marks()] == ["0.03", "0.1", "0.3", "1", "3", "10"]
    assert all(0 <= mark.place <= 100 for mark in scale.marks())
    assert [mark.label for mark in Scale(0.0, 1.0, 0, 10).marks()] == [
        "0",
        "0.2",
        "0.4",
        "0.6",
        "0.8",
        "1",
    ]
    assert scale.place(0.0) == 0.0
    assert scale.place(99.0) == 100.0
    assert Scale(3.0, 3.0, 0, 10).place(3.0) == 5.0
