"""Connecting models of others, over REST, on the page and on the command line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from genmodels.embedding import HashingEmbedder, install_embedder
from tests.catalog.model_server import MODEL, ModelServer, running_model_server
from tests.factories import make_checkpoint, make_generation, make_user
from tests.pages.html import Page
from webapp.accounts.models import Role
from webapp.catalog.connector_operations import check_folders
from webapp.catalog.models import Checkpoint, Connector
from webapp.catalog.operations import sync_checkpoints
from webapp.catalog.queries import UnableToUseCheckpoint, checkpoint_for
from webapp.common.encryption import decrypt

pytestmark = pytest.mark.django_db
CONNECTORS = "/api/v1/connectors"
KEY = "a secret of the server"


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user(*roles))
    return client


@pytest.fixture
def client() -> APIClient:
    return client_of(Role.ADMIN)


def wish(server: ModelServer, **changes: object) -> dict[str, Any]:
    return {"kind": "server", "url": server.url, "model": MODEL, "key": KEY, **changes}


def write_folder(root: Path, **config: object) -> Path:
    """The folder `small`, which looks like a model as far as the web server looks."""
    folder = root / "small"
    folder.mkdir(parents=True)
    facts = {"architectures": ["GPT2LMHeadModel"], "n_positions": 64, **config}
    (folder / "config.json").write_text(json.dumps(facts))
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Path:
    settings.PINAKES_MODELS = tmp_path / "models"
    return tmp_path / "models"


def test_a_model_on_a_server_from_connecting_to_letting_go(
    client: APIClient, server: ModelServer
) -> None:
    server.key = KEY
    made = client.post(CONNECTORS, wish(server), format="json")
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["slug"], body["available"], body["has_key"]) == ("tiny-chat-1b", True, True)
    assert KEY.encode() not in made.content
    row = Connector.objects.get()
    assert KEY not in row.key
    assert decrypt(row.key) == KEY
    card = client.get("/api/v1/models/tiny-chat-1b").json()["card"]
    assert f"127.0.0.1:{server.port}, which is sent every prompt" in card["summary"]
    assert client.post(CONNECTORS, wish(server), format="json").status_code == 409

    address = f"{CONNECTORS}/tiny-chat-1b"
    changed = client.patch(address, {"key": "another", "seconds": 20}, format="json").json()
    assert (changed["seconds"], changed["max_requests"]) == (20, 4)
    checked = client.post(f"{address}/check").json()
    assert not checked["available"]
    assert "refused by the server (status 401)" in checked["unavailable_reason"]
    client.patch(address, {"key": KEY}, format="json")
    assert client.post(f"{address}/check").json()["available"]

    make_generation(owner=make_user(), checkpoint=row.checkpoint)
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404
    left = Checkpoint.objects.get(slug="tiny-chat-1b")
    assert (left.available, left.unavailable_reason) == (False, "It was disconnected.")
    assert not Connector.objects.exists()
    again = client.post(CONNECTORS, wish(server), format="json")
    assert again.status_code == 201
    assert Checkpoint.objects.get(slug="tiny-chat-1b").pk == left.pk, "it goes on"


def test_only_those_who_run_the_site_may(server: ModelServer) -> None:
    stranger = client_of(Role.AUTHOR)
    assert stranger.post(CONNECTORS, wish(server), format="json").status_code == 403
    assert stranger.get(CONNECTORS).status_code == 403
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"url": "http://localhost:8099/v1"}, "/url", "private network"),
        ({"url": "file:///etc/passwd"}, "/url", "must begin with"),
        ({"model": "no-such"}, "/model", f"the server has: {MODEL}, other"),
        ({"slug": "Not A Slug"}, "/slug", "small letters"),
        ({"seconds": 0}, "/seconds", "1 to 3000"),
        ({"kind": "folder"}, "/kind", "leave out url and key"),
        ({"kind": "folder", "url": "", "key": "", "model": "../etc"}, "/model", "no folder"),
        ({"colour": "red"}, "/colour", "no such member"),
    ],
)
@pytest.mark.usefixtures("root")
def test_a_wrong_wish_leaves_nothing_behind(
    client: APIClient, server: ModelServer, change: dict[str, object], pointer: str, said: str
) -> None:
    answer = client.post(CONNECTORS, wish(server, **change), format="json")
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]
    assert not Checkpoint.objects.exists()


def test_a_server_that_is_away_is_told_of(client: APIClient, settings: Settings) -> None:
    with running_model_server() as server:
        settings.OUTBOUND_ALLOW = server.allowed
    answer = client.post(CONNECTORS, wish(server), format="json")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/url", "unreachable")
    assert "does not answer" in error["detail"]


def test_a_folder_is_described_by_what_lies_in_it(client: APIClient, root: Path) -> None:
    folder = write_folder(root)
    body = {"kind": "folder", "model": "small"}
    assert client.post(CONNECTORS, body, format="json").status_code == 201
    row = Checkpoint.objects.get(slug="small")
    assert (row.card.architecture, row.card.licence) == ("GPT2LMHeadModel", "mit")
    assert row.card.config["context"] == 64
    (folder / "model.safetensors").write_bytes(b"others!")
    assert check_folders(root=root) == 1
    assert Checkpoint.objects.get(slug="small").revision != row.revision
    (folder / "model.safetensors").unlink()
    assert check_folders(root=root) == 0
    reason = Checkpoint.objects.get(slug="small").unavailable_reason
    assert "Pickled weights are never loaded" in reason


@pytest.mark.parametrize(
    ("config", "task"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, "causal"),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, "seq2seq"),
        ({"architectures": ["LlavaForConditionalGeneration"]}, None),
        ({"architectures": ["BertForMaskedLM"]}, None),
    ],
)
def test_only_what_writes_text_is_taken(
    client: APIClient, root: Path, config: dict[str, object], task: str | None
) -> None:
    write_folder(root, **config)
    answer = client.post(CONNECTORS, {"kind": "folder", "model": "small"}, format="json")
    if task is None:
        assert "neither continues a text nor" in answer.json()["errors"][0]["detail"]
    else:
        assert Checkpoint.objects.get().card.config["task"] == task


def write_pipeline(root: Path, **index: object) -> Path:
    """The folder `painter`, which looks like a pipeline as far as the web server looks."""
    folder = root / "painter"
    parts = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "PNDMScheduler"],
    }
    configs = {"unet": {"sample_size": 64}, "vae": {"block_out_channels": [1, 2, 4, 4]}}
    for part in parts:
        (folder / part).mkdir(parents=True)
        if part in configs:
            (folder / part / "config.json").write_text(json.dumps(configs[part]))
            (folder / part / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    facts = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.42.1", **parts}
    (folder / "model_index.json").write_text(json.dumps({**facts, **index}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def test_a_pipeline_is_described_by_what_lies_in_its_parts(client: APIClient, root: Path) -> None:
    folder = write_pipeline(root)
    body = {"kind": "folder", "model": "painter"}
    assert client.post(CONNECTORS, body, format="json").status_code == 201
    row = Checkpoint.objects.get(slug="painter")
    assert (row.modality, row.card.architecture) == ("image", "StableDiffusionPipeline")
    assert row.card.licence == "mit"
    defaults = {each.name: each.default for each in row.card.parameters}
    assert (defaults["width"], defaults["steps"]) == (512, 50)
    assert [each.name for each in row.card.inputs] == ["image", "mask"]
    (folder / "vae/diffusion_pytorch_model.safetensors").write_bytes(b"others!")
    assert check_folders(root=root) == 1
    assert Checkpoint.objects.get(slug="painter").revision != row.revision
    browser = Client()
    browser.force_login(make_user(Role.ADMIN))
    shown = browser.get("/models/painter").content.decode()
    assert Page(shown).breaches() == []
    assert "StableDiffusionPipeline" in shown


@pytest.mark.parametrize(
    ("index", "pickled", "said"),
    [
        ({}, "unet", "part 'unet' has no weights in safetensors"),
        ({"_class_name": ["own", "Pipeline"]}, "", "wants a program of its own"),
        ({"_class_name": "StableVideoDiffusionPipeline"}, "", "no pipeline that draws a picture"),
        ({"unet": ["own_program", "Network"]}, "", "programs that lie in a folder are never run"),
        ({"unet": ["diffusers", "a.b"]}, "", "programs that lie in a folder are never run"),
        ({"../unet": ["diffusers", "Network"]}, "", "never run"),
        ({"text_encoder": ["transformers", "CLIPTextModel"]}, "", "'text_encoder' is missing"),
    ],
)
def test_a_pipeline_that_may_not_be_used_is_refused(
    client: APIClient, root: Path, index: dict[str, object], pickled: str, said: str
) -> None:
    folder = write_pipeline(root, **index)
    if pickled:
        weights = folder / pickled / "diffusion_pytorch_model.safetensors"
        weights.rename(weights.with_suffix(".bin"))
    answer = client.post(CONNECTORS, {"kind": "folder", "model": "painter"}, format="json")
    assert answer.status_code == 422
    assert said in answer.json()["errors"][0]["detail"]
    assert not Checkpoint.objects.exists()


def test_a_network_that_knows_no_guidance_has_no_knob_for_it(
    client: APIClient, root: Path
) -> None:
    folder = write_pipeline(
        root, _class_name="FluxPipeline", transformer=["diffusers", "FluxTransformer2DModel"]
    )
    (folder / "unet").rename(folder / "transformer")
    index = json.loads((folder / "model_index.json").read_text())
    del index["unet"]
    (folder / "model_index.json").write_text(json.dumps(index))
    for embeds, wanted in ((True, (28, True)), (False, (4, False))):
        (folder / "transformer/config.json").write_text(json.dumps({"guidance_embeds": embeds}))
        body = {"kind": "folder", "model": "painter", "slug": f"painter-{wanted[0]}"}
        assert client.post(CONNECTORS, body, format="json").status_code == 201
        card = Checkpoint.objects.get(slug=body["slug"]).card
        defaults = {each.name: each.default for each in card.parameters}
        assert (defaults["steps"], "guidance" in defaults) == wanted
        assert "without" not in defaults


def test_a_start_leaves_connected_models_as_they_are(
    client: APIClient, server: ModelServer, tmp_path: Path
) -> None:
    client.post(CONNECTORS, wish(server), format="json")
    make_checkpoint()
    sync_checkpoints(roots=[tmp_path])
    assert Checkpoint.objects.get(slug="tiny-chat-1b").available
    assert not Checkpoint.objects.get(slug="toy-text").available


def test_no_prompt_is_sent_to_one_unasked(client: APIClient, server: ModelServer) -> None:
    client.post(CONNECTORS, wish(server), format="json")
    previous = install_embedder(HashingEmbedder())
    try:
        with pytest.raises(UnableToUseCheckpoint):
            checkpoint_for("auto", prompt="a red house")
        own = make_checkpoint()
        assert checkpoint_for("auto", prompt="tiny-chat") == own
    finally:
        install_embedder(previous)


def test_the_page_shows_and_does_the_same(server: ModelServer, root: Path) -> None:
    write_folder(root)
    browser = Client()
    browser.force_login(make_user(Role.ADMIN))
    refused = browser.post("/connectors/add", wish(server, model="no-such"))
    assert refused.status_code == 422
    assert server.url in refused.content.decode(), "what was typed is kept"
    assert browser.post("/connectors/add", wish(server)).status_code == 302
    browser.post("/connectors/add", {"kind": "folder", "model": "small"})
    shown = browser.get("/connectors").content.decode()
    assert Page(shown).breaches() == []
    assert KEY not in shown
    assert "with a key" in shown
    server.key = "changed since"
    checked = browser.post("/connectors/tiny-chat-1b", {"act": "check"}, follow=True)
    assert "Its key is refused by the server" in checked.content.decode()
    form = {"act": "change", "name": "Tiny", "key": "changed since", "seconds": "x"}
    assert (
        "must be 1 to 3000"
        in browser.post("/connectors/tiny-chat-1b", form, follow=True).content.decode()
    )
    browser.post("/connectors/tiny-chat-1b", {**form, "seconds": "60"})
    row = Connector.objects.get(checkpoint__slug="tiny-chat-1b")
    assert (row.checkpoint.card.name, decrypt(row.key), row.seconds) == (
        "Tiny",
        "changed since",
        60,
    )
    browser.post("/connectors/small", {"act": "disconnect"})
    assert not Checkpoint.objects.filter(slug="small").exists(), "it had made nothing"
    assert browser.post("/connectors/small", {"act": "disconnect"}).status_code == 404


def test_the_command_line_connects_and_refuses(root: Path) -> None:
    write_folder(root)
    said = io.StringIO()
    call_command("connect_model", "folder", "small", "--slug", "mine", stdout=said)
    assert said.getvalue() == "mine\n"
    with pytest.raises(CommandError, match="There is a model mine already"):
        call_command("connect_model", "folder", "small", "--slug", "mine")
    with pytest.raises(CommandError, match="no id of the hub"):
        call_command("connect_model", "hub", "../../etc", stderr=io.StringIO())
