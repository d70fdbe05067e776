"""Work that a tour can show: results of every model, scored and compared, and answers."""

from __future__ import annotations

from dataclasses import dataclass

from pinakes_client import Pinakes

_PATIENCE = 900
_QUESTION = "What happens to a job when its worker dies?"


@dataclass(frozen=True)
class Shown:
    """What has a page of its own."""

    generation: str
    comparison: str
    chat: str


def do_work(pinakes: Pinakes) -> Shown:
    """Generate example prompts of every model, score some, compare models, ask."""
    models = [model for model in pinakes.models.list() if model["available"]]
    works = [
        pinakes.generations.create(model=model["slug"], prompt=prompt, seed=seed)
        for seed in range(3)
        for model in models
        for prompt in model["card"]["example_prompts"][seed : seed + 1]
    ]
    done = [work.wait(timeout=_PATIENCE) for work in works]
    for number, made in enumerate(done[::2]):
        pinakes.feedback.put(made["id"], score=3 + number % 3)
    clothing = [model["slug"] for model in models if model["slug"].endswith("-fashion")]
    comparison = pinakes.comparisons.create(prompt="an ankle boot", models=clothing)
    comparison.wait(timeout=_PATIENCE)
    chat = pinakes.chats.create(title="Keeping jobs safe")
    pinakes.turns.create(chat["id"], question=_QUESTION).wait(timeout=_PATIENCE)
    drawn = next(made for made in done if made["model"]["slug"] == "flow-fashion")
    return Shown(generation=drawn["id"], comparison=comparison.id, chat=chat["id"])
