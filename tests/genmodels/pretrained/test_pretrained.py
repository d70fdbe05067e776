"""Folders of `transformers` in the step contract: the same tokens as its own `generate`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import (
    GenerationRequest,
    InvalidRequest,
    Preview,
    Progress,
    resolve_request,
)
from genmodels.pretrained import generator as module
from genmodels.pretrained.loading import load_pretrained
from webapp.catalog.connected_cards import card_of_folder
from webapp.catalog.pretrained_folders import read_pretrained

pytest.importorskip("transformers")

from tests.genmodels.pretrained.folders import (
    TEMPLATE,
    save_causal,
    save_seq2seq,
    save_without_cache,
)

PROMPT = "a red house by the sea"
MAKERS = {
    "causal": lambda folder: save_causal(folder, template=TEMPLATE),
    "seq2seq": save_seq2seq,
    "no-cache": save_without_cache,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of each kind."""
    root = tmp_path_factory.mktemp("models")
    for name, save in MAKERS.items():
        save(root / name)
    return root


def load(root: Path, name: str) -> Any:
    found = read_pretrained(root, name)
    card = card_of_folder(found, slug=name, name=name)
    return load_pretrained(found.path, card=card, device=torch.device("cpu"))


def request_for(
    loaded: Any, prompt: str = PROMPT, seed: int = 3, **wish: Any
) -> GenerationRequest:
    parameters = {"max_new_tokens": 12, **wish}
    return resolve_request(loaded.card, prompt=prompt, parameters=parameters, seed=seed)


def finish(loaded: Any, *requests: GenerationRequest) -> list[Any]:
    """The runs of these requests, all opened at first and advanced together."""
    runs = [loaded.open(request) for request in requests]
    while active := [run for run in runs if not run.done]:
        loaded.advance(active)
    return runs


@pytest.mark.parametrize("name", MAKERS)
def test_it_writes_what_generate_of_the_library_writes(root: Path, name: str) -> None:
    loaded = load(root, name)
    request = request_for(loaded, temperature=0.0)
    [run] = finish(loaded, request)
    tokens = torch.tensor([loaded._encode(request)])
    whole = loaded._network.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=12, do_sample=False
    )
    start = 1 if name == "seq2seq" else tokens.shape[1]
    ends = loaded._ends
    wanted = [token for token in whole[0, start:].tolist() if token not in ends]
    assert run.sample.text == loaded._tokenizer.decode(wanted, skip_special_tokens=True)
    assert len(set(wanted)) > 1 or name == "no-cache", "a network that repeats shows little"


@pytest.mark.parametrize("name", MAKERS)
def test_neither_company_nor_parts_change_a_text(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(root, name)
    requests = [request_for(loaded, seed=seed, temperature=1.5) for seed in (3, 4)]
    alone = [finish(loaded, request)[0].sample for request in requests]
    assert alone[0].content != alone[1].content
    assert [run.sample for run in finish(loaded, *requests)] == alone
    monkeypatch.setattr(module, "READ_AT_ONCE", 3)
    assert [run.sample.text for run in finish(loaded, *requests)] == [s.text for s in alone]


def test_a_text_grows_token_by_token_and_stops_where_it_is_told(root: Path) -> None:
    loaded = load(root, "causal")
    [whole] = finish(loaded, request_for(loaded, temperature=1.5))
    run = loaded.open(request_for(loaded, temperature=1.5))
    loaded.advance([run])
    assert run.progress == Progress(done=1, total=12, unit="token")
    assert isinstance(run.preview(), Preview)
    stop = whole.sample.text[4:6]
    [stopped] = finish(loaded, request_for(loaded, temperature=1.5, stop=stop))
    assert stopped.sample.text == whole.sample.text.partition(stop)[0]
    assert stopped.sample.extra["finish_reason"] == "stop"
    assert whole.sample.extra["finish_reason"] == "length"
    told = whole.sample.extra["surprise"]
    assert "".join(told["pieces"]) == whole.sample.text.rstrip("\ufffd")
    assert len(told["nats"]) == 12


def test_a_prompt_is_wrapped_as_the_model_was_taught(root: Path) -> None:
    loaded = load(root, "causal")
    wrapped = loaded._encode(request_for(loaded, "red", system="sea"))
    said = loaded._tokenizer.decode(wrapped)
    assert said == "<|system|>sea<|user|>red<|reply|>"
    plain = loaded._encode(request_for(loaded, "red", chat=False))
    assert loaded._tokenizer.decode(plain) == "red"
    loaded._tokenizer.chat_template = "{{ raise_exception('no instruction, please') }}"
    with pytest.raises(InvalidRequest, match="no instruction, please"):
        loaded.open(request_for(loaded, "red", system="sea"))


def test_a_prompt_leaves_room_or_is_refused(root: Path) -> None:
    loaded = load(root, "causal")
    run = loaded.open(request_for(loaded, "x" * 55, chat=False, max_new_tokens=64))
    assert run.progress.total == 9, "64 positions"
    with pytest.raises(InvalidRequest, match="70 tokens"):
        loaded.open(request_for(loaded, "x" * 70, chat=False))


def test_what_is_missing_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_pretrained(root, "causal")
    card = card_of_folder(found, slug="causal", name="causal")
    cpu = torch.device("cpu")
    weights = found.path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:200])
    try:
        with pytest.raises(UnableToLoadCheckpoint, match="transformers cannot read it"):
            load_pretrained(found.path, card=card, device=cpu)
    finally:
        weights.write_bytes(whole)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UnableToLoadCheckpoint, match=r"pip install 'pinakes\[transformers\]'"):
        load_pretrained(found.path, card=replace(card, slug="other"), device=cpu)
