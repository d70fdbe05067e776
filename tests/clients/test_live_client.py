"""The Python client against a complete running Pinakes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pinakes_client import AsyncPinakes, Invalid, Pinakes
from tests.pages.makers import PNG
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MODEL = "gpt-shakespeare"


@pytest.fixture(scope="module")
def api_key(stack: Instance) -> str:
    return stack.manage("create_api_key", "admin").strip()


def test_text_is_streamed_as_it_is_kept(stack: Instance, api_key: str) -> None:
    async def generate() -> tuple[list[str], str | None]:
        async with AsyncPinakes(stack.base_url, api_key) as pinakes:
            params = {"max_new_tokens": 60}
            work = await pinakes.generations.create(model=MODEL, prompt="ROMEO:", params=params)
            pieces = [piece async for piece in pinakes.generations.tokens(work.id)]
            return pieces, (await work.wait(60))["text"]

    pieces, text = asyncio.run(generate())
    assert "".join(pieces) == text


def test_a_picture_comes_back_as_it_was_sent(
    stack: Instance, api_key: str, tmp_path: Path
) -> None:
    with Pinakes(stack.base_url, api_key) as pinakes:
        upload = pinakes.uploads.create(file=("boot.png", PNG))
        kept = pinakes.uploads.content(upload["id"]).save(tmp_path / "kept.png")
        assert kept.read_bytes().startswith(b"\x89PNG")
        assert upload["id"] in {each["id"] for each in pinakes.uploads.list(limit=1)}
        with pytest.raises(Invalid) as refused:
            pinakes.generations.create(model=MODEL, prompt="", seed=-1)
    assert {each.pointer for each in refused.value.errors} >= {"/seed"}


def test_twenty_at_once_with_one_key_make_one(stack: Instance, api_key: str) -> None:
    async def send_all() -> tuple[set[str], set[str]]:
        async with AsyncPinakes(stack.base_url, api_key) as pinakes:
            works = await asyncio.gather(
                *(
                    pinakes.generations.create(
                        model=MODEL, prompt="JULIET: one", idempotency_key="twenty"
                    )
                    for _ in range(20)
                )
            )
            kept = {
                row["id"]
                async for row in pinakes.generations.list(model=MODEL)
                if row["prompt"] == "JULIET: one"
            }
            return {work.id for work in works}, kept

    answered, kept = asyncio.run(send_all())
    assert len(answered) == 1
    assert kept == answered
