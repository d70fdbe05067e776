"""Chains in the browser: the example, the form without scripts, and runs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from genmodels.contract import Input
from tests.factories import make_card, make_checkpoint
from tests.pages.makers import make_done
from webapp.accounts.models import User
from webapp.chains.definitions import Asked, Definition, Source, Step
from webapp.chains.models import Chain, ChainRun
from webapp.chains.operations import ChainWish, VersionWish, create_chain

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _models(checkpoint: Any) -> None:
    make_checkpoint(
        make_card(
            slug="toy-picture",
            family="gan",
            modality="image",
            media_type="image/png",
            inputs=(Input("image", "Picture", "To start from."),),
        )
    )


@pytest.fixture
def chain(author: User) -> Chain:
    definition = Definition(
        inputs=(Asked("idea"),),
        steps=(
            Step("Write", "toy-text", "Tell of {{idea}}"),
            Step("Draw", "toy-picture", "{{words}}", variables={"words": Source("step", "Write")}),
        ),
    )
    return create_chain(owner=author, wish=ChainWish("Sea"), steps=VersionWish(definition))


def fields_of(html: str) -> dict[str, str]:
    """What a browser would send of the chain's form, but for the buttons."""
    form = html[html.index('id="chain-form"') :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = value[1] if value else ""
    for tag, text in re.findall(r"<textarea([^>]*)>([^<]*)</textarea>", form):
        found[re.search(r'name="([^"]*)"', tag)[1]] = text  # type: ignore[index]
    for tag, options in re.findall(r"<select([^>]*)>(.*?)</select>", form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        first = re.search(r'<option value="([^"]*)"', options)
        found[re.search(r'name="([^"]*)"', tag)[1]] = (chosen or first)[1]  # type: ignore[index]
    return found


def press(page: Client, address: str, fields: dict[str, str], action: str) -> Any:
    return page.post(address, {**fields, "action": action})


def test_a_chain_is_written_with_buttons_alone(page, author):
    fields = fields_of(page.get("/chains/add").content.decode())
    [key] = [fields["steps"]]
    fields |= {"name": "Sea", f"s_{key}_name": "Write", f"s_{key}_model": "toy-text"}
    fields[f"s_{key}_text"] = "Tell of {{idea}}"
    fields = fields_of(press(page, "/chains/add", fields, "add").content.decode())
    assert fields["d_idea"] == ""
    first, second = fields["steps"].split(",")
    fields |= {f"s_{second}_model": "toy-picture", f"s_{second}_text": "As in , please"}
    fields |= {f"s_{second}_insert": f"step:{first}:first_line", f"s_{second}_caret": "6"}
    shown = press(page, "/chains/add", fields, f"insert:{second}").content.decode()
    fields = fields_of(shown)
    assert fields[f"s_{second}_text"] == "As in {{write}}, please"
    assert fields[f"s_{second}_v_write"] == f"step:{first}:first_line"
    # A step that moves before what it takes from has lost it, and says so.
    moved = fields_of(press(page, "/chains/add", fields, f"up:{second}").content.decode())
    assert moved["steps"] == f"{second},{first}"
    assert moved[f"s_{second}_v_write"] == ""
    lost = press(page, "/chains/add", moved, "keep")
    assert "Step 2: write must be taken from somewhere." in lost.content.decode()
    refused = press(page, "/chains/add", {**fields, f"s_{first}_p_length": "900"}, "keep")
    assert refused.status_code == 422
    assert "Write: length must be at most 64." in refused.content.decode()
    kept = press(page, "/chains/add", {**fields, "d_idea": "the sea"}, "keep")
    assert kept.status_code == 302
    definition = Chain.objects.get().versions.get().definition
    assert definition.inputs == (Asked("idea", "the sea"),)
    assert definition.steps[1].variables == {"write": Source("step", "Write", "first_line")}
    removed = fields_of(press(page, "/chains/add", fields, f"remove:{first}").content.decode())
    assert removed["steps"] == second


def test_changing_nothing_keeps_the_version(page, chain):
    address = f"/chains/{chain.id}/write"
    fields = fields_of(page.get(address).content.decode())
    assert press(page, address, fields, "keep").status_code == 302
    assert chain.versions.count() == 1
    fields[f"s_{fields['steps'].split(',')[0]}_text"] = "Sing of {{idea}}"
    assert press(page, address, fields, "keep").status_code == 302
    assert chain.versions.count() == 2
    late = press(page, address, {**fields, "note": "late", "steps": fields["steps"]}, "keep")
    assert late.status_code == 422


def test_a_run_is_begun_once_and_shown(page, stranger, chain):
    shown = page.get(f"/chains/{chain.id}").content.decode()
    key = re.search(r'name="key" value="(\w+)"', shown)[1]  # type: ignore[index]
    wish = {"v_idea": "the sea", "key": key}
    refused = page.post(f"/chains/{chain.id}/run", {"key": key})
    assert "Inputs idea must have a value." in refused.content.decode()
    for _ in range(2):
        started = page.post(f"/chains/{chain.id}/run", wish)
    run = ChainRun.objects.get()
    assert started["Location"] == f"/chain-runs/{run.id}"
    seen = page.get(started["Location"]).content.decode()
    assert "Waits for the steps before it" in seen
    unchanged = f"/chain-runs/{run.id}?seq={run.status_seq}"
    assert page.get(unchanged, headers={"HX-Request": "true"}).status_code == 204
    assert stranger.get(started["Location"]).status_code == 404
    page.post(f"{started['Location']}/cancel")
    assert "Go on from here" in page.get(started["Location"]).content.decode()


def test_a_generation_begins_a_chain_and_names_its_run(page, author, chain):
    done = make_done(owner=author, prompt="a red house", params={"length": 16})
    fields = fields_of(page.get(f"/chains/add?from={done.id}").content.decode())
    key = fields["steps"]
    assert fields[f"s_{key}_text"] == "a red house"
    assert (fields[f"s_{key}_model"], fields[f"s_{key}_p_length"]) == ("toy-text", "16")
    page.post(f"/chains/{chain.id}/run", {"v_idea": "the sea"})
    step = ChainRun.objects.get().steps.get(place=0)
    shown = page.get(f"/generations/{step.generation_id}").content.decode()
    assert f"/chain-runs/{step.run_id}" in shown


def test_the_example_is_offered_where_its_models_are(page):
    assert "Make the example" not in page.get("/chains").content.decode()
    make_checkpoint(make_card(slug="gpt-shakespeare", parameters=make_card().parameters))
    assert "Make the example" not in page.get("/chains").content.decode()
