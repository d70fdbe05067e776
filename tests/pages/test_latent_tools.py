"""Walk, vary, shift and interpolate: offered where a model can, and filled so that they run."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from genmodels.contract import Card
from tests.factories import make_checkpoint, make_user
from tests.pages.html import Page
from tests.pages.makers import make_done, make_picture
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation

SHIPPED = settings.BASE_DIR / "genmodels" / "checkpoints"


def ship(slug: str) -> Checkpoint:
    """A checkpoint with the card that it ships with."""
    return make_checkpoint(Card.from_dict(json.loads((SHIPPED / slug / "card.json").read_text())))


@pytest.fixture
def vae(db: None) -> Checkpoint:
    return ship("vae-fashion")


def tools_of(page: Client, generation: Generation) -> dict[str, str]:
    """The addresses on the page of a generation, by how the Studio calls what they do."""
    html = page.get(f"/generations/{generation.id}").content.decode()
    found = re.findall(rf'href="(/\?from={generation.id}&amp;take=(\w+))"', html)
    return {take: unescape(address) for address, take in found}


def press(page: Client, address: str) -> Generation:
    """Send what the Studio holds at this address, as a browser would, and return what is made."""
    studio = page.get(address, follow=True).content.decode()
    fields: dict[str, Any] = {}
    for each in Page(studio).elements:
        name, kind = each.attributes.get("name", ""), each.attributes.get("type", "")
        if not name or each.tag not in {"input", "textarea", "select"} or kind == "file":
            continue
        if each.tag == "select":
            chosen = re.search(rf'name="{name}".*?value="([^"]*)"\s+selected', studio, re.DOTALL)
            fields[name] = unescape(chosen[1]) if chosen else ""
        elif kind not in {"radio", "checkbox"} or "checked" in each.attributes:
            fields[name] = each.attributes.get("value", "on" if kind == "checkbox" else each.text)
    before = set(Generation.objects.values_list("id", flat=True))
    answer = page.post("/studio/generate", fields, follow=True)
    made = Generation.objects.exclude(id__in=before)
    assert made.count() == 1, answer.content.decode()
    return made.get()


def artifact_of(generation: Generation) -> Any:
    return generation.response.artifacts.get().id


def test_a_network_that_encodes_starts_from_the_picture_itself(
    page: Client, author: User, vae: Checkpoint
) -> None:
    coat = make_picture(owner=author, checkpoint=vae, prompt="a coat", params={"spread": 0.5})
    tools = tools_of(page, coat)
    walk = press(page, tools["walk"])
    assert walk.kept_inputs["image"].artifact_id == artifact_of(coat)
    assert walk.parameters["show"] == "walk"
    assert walk.parameters["frames"] == 8
    assert walk.parameters["spread"] == 0.5
    assert walk.reference_id == coat.id
    varied = press(page, tools["vary"])
    assert (varied.parameters["show"], varied.parameters["frames"]) == ("pictures", 4)
    shifted = press(page, tools["shift"])
    assert shifted.parameters["show"] == "shift"
    assert shifted.parameters["towards"] not in {"", "a coat"}


def test_others_start_where_the_seed_leads(page: Client, author: User, db: None) -> None:
    boot = make_picture(owner=author, checkpoint=ship("r3gan-fashion"), prompt="a boot", seed=7)
    tools = tools_of(page, boot)
    assert set(tools) == {"all", "remix", "prompt", "walk"}
    walk = press(page, tools["walk"])
    assert (walk.seed, walk.inputs, walk.parameters["show"]) == (7, {}, "walk")


def test_a_picture_is_varied_where_that_is_a_task(page: Client, author: User, db: None) -> None:
    boot = make_picture(owner=author, checkpoint=ship("flow-fashion"), prompt="a boot")
    tools = tools_of(page, boot)
    assert "walk" not in tools
    varied = press(page, tools["vary"])
    assert varied.parameters["task"] == "vary"
    assert varied.kept_inputs["image"].artifact_id == artifact_of(boot)


def test_texts_and_sheets_of_several_are_offered_nothing(
    page: Client, author: User, vae: Checkpoint, checkpoint: Checkpoint
) -> None:
    sheet = make_picture(owner=author, checkpoint=vae, prompt="a coat", params={"frames": 4})
    text = make_done(owner=author, checkpoint=checkpoint)
    for row in (sheet, text):
        assert not {"walk", "vary", "shift"} & set(tools_of(page, row))
        assert "Interpolate with" not in page.get(f"/generations/{row.id}").content.decode()
    told = page.get(f"/?from={sheet.id}&take=walk", follow=True).content.decode()
    assert "No model here can do that with this result." in told


def test_the_library_is_asked_where_a_way_ends(
    page: Client, author: User, vae: Checkpoint
) -> None:
    boot = make_picture(owner=author, checkpoint=ship("flow-fashion"), prompt="a boot")
    coat = make_picture(owner=author, checkpoint=vae, prompt="a coat")
    sheet = make_picture(owner=author, checkpoint=vae, prompt="coats", params={"frames": 2})
    html = page.get(f"/generations/{boot.id}").content.decode()
    [link] = [each for each in Page(html).all("a") if each.text.strip() == "Interpolate with…"]
    chosen = page.get(link.attributes["href"]).content.decode()
    assert f"Interpolate from {boot.accession} to {coat.accession}" in chosen
    assert f"to {sheet.accession}" not in chosen
    assert f"to {boot.accession}" not in chosen
    [end] = [each for each in Page(chosen).all("a") if each.text.strip() == "Interpolate to here"]
    way = press(page, end.attributes["href"])
    # A diffusion network has no latents to go through; one that learned the same kind has.
    assert way.checkpoint == vae
    assert way.kept_inputs["image"].artifact_id == artifact_of(boot)
    assert way.kept_inputs["end"].artifact_id == artifact_of(coat)
    assert way.parameters["show"] == "journey"
    # Found by its words, the same is offered, and the filters keep what is being done.
    found = page.get(f"/library?start={boot.id}&q=coat").content.decode()
    assert Page(found).value_of("start") == str(boot.id)
    assert "no result to begin at" in page.get("/library?start=x").content.decode()


def test_two_that_are_ticked_become_a_way(page: Client, author: User, vae: Checkpoint) -> None:
    first = make_picture(owner=author, checkpoint=vae, prompt="a coat")
    last = make_picture(owner=author, checkpoint=vae, prompt="a bag")

    def bar(*rows: Generation) -> str:
        sent = {"action": "interpolate", "generation": [str(row.id) for row in rows]}
        return str(page.post("/library/bulk", sent)["Location"])

    address = bar(last, first)
    way = press(page, address)
    assert way.kept_inputs["image"].artifact_id == artifact_of(first)
    assert way.kept_inputs["end"].artifact_id == artifact_of(last)
    assert bar(first) == "/library"
    assert "Select exactly two pictures" in page.get("/library").content.decode()
    digit = make_picture(owner=author, checkpoint=ship("glow-digits"), prompt="a seven")
    bar(digit, first)
    assert "No model here leads from" in page.get("/library").content.decode()


def test_a_strangers_result_is_no_end_of_a_way(
    page: Client, author: User, vae: Checkpoint
) -> None:
    mine = make_picture(owner=author, checkpoint=vae, prompt="a coat")
    theirs = make_picture(owner=make_user(), checkpoint=vae, prompt="a bag")
    take = "take=interpolate"
    assert page.get(f"/?from={mine.id}&{take}&with={theirs.id}").status_code == 404
    assert page.get(f"/?from={theirs.id}&{take}&with={mine.id}").status_code == 404
    assert page.get(f"/?from={mine.id}&{take}&with=x").status_code == 404
    assert theirs.accession not in page.get(f"/library?start={theirs.id}").content.decode()
