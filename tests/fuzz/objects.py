"""One object of each kind for the requests to meet, all with the mark of their owner."""

from __future__ import annotations

import json
from pathlib import Path

from pinakes_client import Pinakes
from tests.pages.makers import PNG

#: In some text of every object, so that it is recognised wherever it turns up.
MARK = "mine alone"
_SECONDS = 300


def make_objects(pinakes: Pinakes, admin: Pinakes) -> dict[str, str | int]:
    """Make them; returns what goes into the places of the paths, by the names of the places.

    What only reviewers may make, the admin makes of what the owner has.
    """
    generation = pinakes.generations.create(
        model="gpt-shakespeare", prompt=MARK, params={"max_new_tokens": 8}
    ).wait(_SECONDS)
    text = f"The poet Mine Alone was born in London. {MARK}."
    source = pinakes.documents.create(title=MARK, text=text).wait(_SECONDS)
    collection = pinakes.collections.create(name=MARK)
    pinakes.collection_items.add(
        collection["id"], documents=[source["id"]], generations=[generation["id"]]
    )
    chat = pinakes.chats.create(title=MARK)
    turn = pinakes.turns.create(chat["id"], question=f"What is {MARK}?").wait(_SECONDS)
    endpoint = pinakes.webhook_endpoints.create(
        url="https://localhost/mine-alone", description=MARK
    )
    chunk = pinakes.documents.chunks(source["id"]).page()["data"][0]
    entity = pinakes.entities.list().page()["data"]
    chain = pinakes.chains.create(
        name=MARK, steps=[{"name": "Say", "model": "gpt-shakespeare", "text": MARK}]
    )
    queue = admin.review_queues.create(name=f"{MARK} {generation['id']}")
    items = admin.review_items.list(queue["id"]).page()["data"]
    act = admin.review_decisions.create(
        generations=[generation["id"]], verdict="flagged", comment=MARK
    )
    return {
        "generation_id": generation["id"],
        "artifact_id": generation["artifacts"][0]["id"],
        "batch_id": pinakes.batches.create(model="gpt-shakespeare", prompt=MARK, n=2).id,
        "source_id": source["id"],
        "passage_id": chunk["id"],
        "entity_id": entity[0]["id"] if entity else source["id"],
        "collection_id": collection["id"],
        "item_id": source["id"],
        "chat_id": chat["id"],
        "turn_id": turn["id"],
        "answer_id": pinakes.answers.create(question=f"What is {MARK}?").id,
        "template_id": pinakes.prompts.create(name=MARK, text=MARK)["id"],
        "saved_id": pinakes.saved_searches.create(name=MARK, parameters={"q": MARK})["id"],
        "upload_id": pinakes.uploads.create(file=(f"{MARK}.png", PNG))["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": pinakes.webhook_endpoints.test(endpoint["id"]).id,
        "slug": "gpt-shakespeare",
        "number": 1,
        "label": "production",
        "name": "image",
        "space_id": 1,
        "tag_id": pinakes.tags.create(name=MARK)["id"],
        "chain_id": chain["id"],
        "run_id": pinakes.chain_runs.create(chain["id"]).id,
        "comparison_id": pinakes.comparisons.create(
            prompt=f"a dress, {MARK}", models=["flow-fashion", "r3gan-fashion"]
        ).id,
        "queue_id": queue["id"],
        "review_item_id": items[0]["id"],
        "act": act["id"],
    }


def write_settings(path: Path, places: dict[str, str | int]) -> None:
    """Have most requests meet these objects, and the others what is not there."""
    lines = ['hooks = "tests.fuzz.checks"', ""]
    for name, value in places.items():
        lines += [f"[dictionaries.{name}]", f"values = [{json.dumps(value)}]", ""]
    lines.append("[parameters]")
    for name in places:
        lines.append(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
