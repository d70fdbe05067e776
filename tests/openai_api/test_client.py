"""The official `openai` client, unmodified, against a complete running Pinakes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Iterator

import numpy as np
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from pinakes_client import Pinakes
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TEXT_MODEL = "gpt-shakespeare"
IMAGE_MODEL = "r3gan-fashion"
OPENING = "ROMEO:\nWhat light"


@pytest.fixture(scope="module")
def api_key(stack: Instance) -> str:
    return stack.manage("create_api_key", "admin").strip()


@pytest.fixture(scope="module")
def client(stack: Instance, api_key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.base_url}/openai/v1", api_key=api_key, max_retries=12) as made:
        yield made


def test_models_are_listed_and_found(client: OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {TEXT_MODEL, IMAGE_MODEL, "answers"} <= names
    assert client.models.retrieve(IMAGE_MODEL).id == IMAGE_MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9000")


def test_a_chat_says_the_same_streamed_and_whole(client: OpenAI) -> None:
    messages: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": OPENING}]
    whole = client.chat.completions.create(
        model=TEXT_MODEL, messages=messages, max_tokens=40, seed=3
    )
    [choice] = whole.choices
    assert choice.finish_reason == "length"
    assert choice.message.content
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 40
    stream = client.chat.completions.create(
        model=TEXT_MODEL,
        messages=messages,
        max_completion_tokens=40,
        seed=3,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == choice.message.content
    assert chunks[-2].choices[0].finish_reason == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 40


def test_several_choices_differ_and_keep_their_places(client: OpenAI) -> None:
    made = client.completions.create(
        model=TEXT_MODEL, prompt=OPENING, max_tokens=24, n=2, temperature=1.1, seed=7
    )
    assert [choice.index for choice in made.choices] == [0, 1]
    assert made.choices[0].text != made.choices[1].text
    streamed = {0: "", 1: ""}
    for chunk in client.completions.create(
        model=TEXT_MODEL, prompt=OPENING, max_tokens=24, n=2, temperature=1.1, seed=7, stream=True
    ):
        streamed[chunk.choices[0].index] += chunk.choices[0].text
    assert streamed == {choice.index: choice.text for choice in made.choices}


def test_pictures_come_as_bytes_or_as_links(client: OpenAI, stack: Instance, api_key: str) -> None:
    made = client.images.generate(model=IMAGE_MODEL, prompt="an ankle boot", n=2)
    pictures = [base64.b64decode(each.b64_json or "") for each in made.data or ()]
    assert len(set(pictures)) == 2
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    linked = client.images.generate(
        model=IMAGE_MODEL, prompt="an ankle boot", response_format="url"
    )
    assert linked.data is not None
    [picture] = linked.data
    assert picture.url is not None
    assert picture.url.startswith(f"{stack.base_url}/api/v1/artifacts/")


def test_embeddings_have_length_one_in_both_encodings(client: OpenAI) -> None:
    [model] = [each.id for each in client.models.list() if "minilm" in each.id.lower()]
    texts = ["a boat", "a ship", "an apple pie"]
    encoded = client.embeddings.create(model=model, input=texts)
    plain = client.embeddings.create(model=model, input=texts, encoding_format="float")
    rows = np.array([each.embedding for each in encoded.data])
    assert np.allclose(rows, [each.embedding for each in plain.data], atol=1e-6)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]


def test_a_chat_is_grounded_in_the_collection_that_metadata_names(
    client: OpenAI, stack: Instance, api_key: str
) -> None:
    text = "The lamp of the old harbour was fed with whale oil until 1871."
    with Pinakes(stack.base_url, api_key) as pinakes:
        document = pinakes.documents.create(title="Harbour", text=text).wait(120)
        collection = pinakes.collections.create(name="Harbours")
        pinakes.collection_items.add(collection["id"], documents=[document["id"]])
    answered = client.chat.completions.create(
        model=TEXT_MODEL,
        messages=[{"role": "user", "content": "What was the lamp of the old harbour fed with?"}],
        metadata={"collection": collection["id"]},
    )
    assert "whale oil" in (answered.choices[0].message.content or "")
    annotations = answered.choices[0].message.annotations or []
    assert [each.url_citation.title for each in annotations] == ["Harbour"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temperature": 99}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "prompt"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"model": IMAGE_MODEL}, "model"),
    ],
)
def test_bad_input_is_told_in_the_words_of_the_protocol(
    client: OpenAI, change: dict[str, object], said: str
) -> None:
    body: dict[str, object] = {
        "model": TEXT_MODEL,
        "messages": [{"role": "user", "content": OPENING}],
        **change,
    }
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**body)  # type: ignore[call-overload] # on purpose wrong
    assert caught.value.param == said
    assert caught.value.type == "invalid_request_error"


def test_a_wrong_key_is_told_so(stack: Instance) -> None:
    stranger = OpenAI(base_url=f"{stack.base_url}/openai/v1", api_key="pk_wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught, stranger:
        stranger.models.list()
    assert caught.value.code == "invalid_api_key"


def test_a_client_that_leaves_stops_what_it_asked_for(stack: Instance, api_key: str) -> None:
    async def leave_early() -> None:
        client = AsyncOpenAI(base_url=f"{stack.base_url}/openai/v1", api_key=api_key)
        async with client:
            stream = await client.chat.completions.create(
                model=TEXT_MODEL,
                messages=[{"role": "user", "content": "HERMIT:\nI leave"}],
                max_tokens=2000,
                stream=True,
            )
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    break
            with contextlib.suppress(openai.APIConnectionError):
                await stream.close()

    asyncio.run(leave_early())
    with Pinakes(stack.base_url, api_key) as pinakes:
        newest = next(iter(pinakes.generations.list(limit=1)))
        assert newest["prompt"] == "HERMIT:\nI leave"
        finished = list(pinakes.generations.events(newest["id"]))[-1]
    assert finished.data["status"] == "canceled"
