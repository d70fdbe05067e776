"""A chain of two models in a complete running Pinakes, by its workers alone."""

from __future__ import annotations

import pytest

from pinakes_client import Pinakes, schema
from webapp.embedded.instance import Instance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_one_model_writes_what_another_draws(stack: Instance) -> None:
    write: schema.ChainStepInput = {
        "name": "Write",
        "model": "gpt-shakespeare",
        "text": "I wear {{garment}},",
        "params": {"max_new_tokens": 12},
    }
    draw: schema.ChainStepInput = {
        "name": "Draw",
        "model": "flow-fashion",
        "text": "{{garment}} {{words}}",
        "params": {"steps": 2},
        "variables": {"words": {"step": "Write"}},
    }
    key = stack.manage("create_api_key", "admin").strip()
    with Pinakes(stack.base_url, key) as pinakes:
        chain = pinakes.chains.create(
            name="Live", inputs=[{"name": "garment"}], steps=[write, draw]
        )
        run = pinakes.chain_runs.create(chain["id"], inputs={"garment": "a boot"})
        ended = run.wait(timeout=300)
        assert (ended["status"], ended["status_reason"]) == ("succeeded", None)
        first, second = (
            pinakes.generations.get(str(step["generation"])) for step in ended["steps"]
        )
        # Others of this Pinakes look at the page of who has no chain yet.
        pinakes.chains.trash(chain["id"])
    assert second["parent"] == first["id"]
    assert second["prompt"] == f"a boot {str(first['text']).strip()}"
    assert second["artifacts"][0]["media_type"] == "image/png"
