"""The views of `/openai/v1`: they check, accept and hand over to the live side (`live.py`).

What takes time is answered by a 202 that no client sees: the live side keeps it until the end and
then writes the answer that the protocol knows.
"""

from __future__ import annotations

import base64
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Card, Fault
from genmodels.embedding import UnableToEmbed, UnableToLoadEmbedder
from webapp.accounts.authentication import member
from webapp.accounts.models import User
from webapp.accounts.permissions import check_may_submit
from webapp.catalog.queries import UnableToFindCheckpoint, get_checkpoint, list_checkpoints
from webapp.common.interface import StrictSerializer, idempotency_key, parse_body
from webapp.common.problems import Problem, invalid
from webapp.generations.batching import BatchRequest
from webapp.generations.models import Generation
from webapp.generations.operations import submit_batch, submit_generation
from webapp.generations.requests import SubmitRequest
from webapp.grounding import writing
from webapp.grounding.api import refusals_as_problems
from webapp.grounding.chat_server import configured_server
from webapp.grounding.models import Answer
from webapp.grounding.operations import Scope, ask
from webapp.openai_api.errors import answer_error
from webapp.openai_api.pending import Pending, Shape
from webapp.openai_api.representation import describe_model
from webapp.openai_api.requests import (
    ANSWERS_MODEL,
    ChatInput,
    CompletionInput,
    EmbeddingInput,
    ImageInput,
    collection_of,
    no_such_model,
    parameters_for,
    words_of,
)
from webapp.search.embedders import BUILT_IN_NAME, embedder_in_use


class _View(APIView):
    """Refuses in the protocol's own form, and is left out of the site's own schema."""

    schema = None

    def get_exception_handler(self) -> Any:  # noqa: ANN401 -- as the base class
        """The envelope that the clients read."""
        return answer_error


class ModelsApi(_View):
    """`GET /models`."""

    def get(self, request: Request) -> Response:
        """Everything that a `model` may name here."""
        del request
        usable = [describe_model(each) for each in list_checkpoints() if each.usable]
        return Response({"object": "list", "data": [*usable, *_virtual_models()]})


class ModelApi(_View):
    """`GET /models/{id}`."""

    def get(self, request: Request, model: str) -> Response:
        """One of them."""
        del request
        for each in _virtual_models():
            if each["id"] == model:
                return Response(each)
        try:
            return Response(describe_model(get_checkpoint(model)))
        except UnableToFindCheckpoint as error:
            raise no_such_model(model) from error


def _virtual_models() -> list[dict[str, Any]]:
    names = (ANSWERS_MODEL, embedder_in_use().name)
    return [{"id": name, "object": "model", "created": 0, "owned_by": "pinakes"} for name in names]


class EmbeddingsApi(_View):
    """`POST /embeddings`."""

    def post(self, request: Request) -> Response:
        """Vectors of length 1, from the embedder by which this site searches."""
        check_may_submit(member(request))
        body = parse_body(EmbeddingInput, request)
        embedder = embedder_in_use()
        if body["model"] not in {embedder.name, BUILT_IN_NAME}:
            raise no_such_model(body["model"])
        if body.get("dimensions") not in {None, embedder.dims}:
            detail = f"{embedder.name} has {embedder.dims} dimensions"
            raise invalid([Fault("/dimensions", "unsupported_value", detail)])
        try:
            vectors = embedder.embed(body["input"])
        except (UnableToEmbed, UnableToLoadEmbedder) as error:
            raise Problem(503, "embedder_unavailable", str(error)) from error
        as_text = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": place,
                "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if as_text
                else vector.tolist(),
            }
            for place, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return Response({"object": "list", "data": data, "model": embedder.name, "usage": usage})


class _Generating(_View, ABC):
    """What the three that generate have in common."""

    shape: ClassVar[Shape]
    serializer: ClassVar[type[StrictSerializer]]

    def post(self, request: Request) -> Response:
        """Accept it; the answer is made by the live side."""
        user = member(request)
        check_may_submit(user)
        body = parse_body(self.serializer, request)
        return Response(self.accept(request, user, body).to_json(), status=202)

    @abstractmethod
    def accept(self, request: Request, user: User, body: Mapping[str, Any]) -> Pending:
        """Store what the body asks for."""

    def generate(
        self, request: Request, user: User, body: Mapping[str, Any], wish: SubmitRequest
    ) -> Pending:
        """Submit as many generations as the body has choices, all or none."""
        key = idempotency_key(request)
        count = body.get("n") or 1
        if count == 1:
            submitted = submit_generation(owner=user, request=wish, idempotency_key=key)
            ids = [submitted.generation_id]
        else:
            asked = BatchRequest(each=wish, prompts=(wish.prompt,), n=count)
            batch = submit_batch(owner=user, request=asked, idempotency_key=key)
            rows = Generation.objects.filter(batch_id=batch.batch_id)
            ids = list(rows.order_by("batch_place").values_list("id", flat=True))
        return Pending(
            shape=self.shape,
            model=wish.model,
            ids=tuple(map(str, ids)),
            streams=bool(body.get("stream")),
            tells_usage=bool((body.get("stream_options") or {}).get("include_usage")),
            links_start_with=request.build_absolute_uri("/").rstrip("/")
            if body.get("response_format") == "url"
            else "",
        )


#: Which modalities of cards a shape can carry: molecules and music are written as text.
_MODALITIES = {"text": ("text", "molecule", "music"), "image": ("image",)}


def _card_of(name: str, modality: str) -> Card:
    try:
        card = get_checkpoint(name).card
    except UnableToFindCheckpoint as error:
        raise no_such_model(name) from error
    if card.modality not in _MODALITIES[modality]:
        detail = f"{name} makes {card.modality}, not what is asked for here"
        raise invalid([Fault("/model", "unsupported_model", detail)])
    return card


class ChatCompletionsApi(_Generating):
    """`POST /chat/completions`."""

    shape = "chat"
    serializer = ChatInput

    def accept(self, request: Request, user: User, body: Mapping[str, Any]) -> Pending:
        """From the user's documents where a collection is named or `answers` is the model."""
        collection_id = collection_of(body)
        if body["model"] != ANSWERS_MODEL:
            card = _card_of(body["model"], "text")
            if collection_id is None:
                words = words_of(body["messages"], card)
                params = parameters_for(card, body, instruction=words.instruction)
                wish = SubmitRequest(
                    model=card.slug, prompt=words.prompt, params=params, seed=body.get("seed")
                )
                return self.generate(request, user, body, wish)
        question = body["messages"][-1]["content"]
        with refusals_as_problems():
            answer = _ask(
                user,
                question,
                None if collection_id is None else (collection_id,),
                key=idempotency_key(request),
            )
        return Pending(
            shape="chat",
            model=answer.model or ANSWERS_MODEL,
            ids=(str(answer.id),),
            is_answer=True,
            streams=bool(body.get("stream")),
            tells_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        )


def _ask(
    user: User, question: str, collection_ids: tuple[uuid.UUID, ...] | None, *, key: str | None
) -> Answer:
    """Have the language model write where one is configured, else quote."""
    if configured_server() is None:
        return ask(
            user=user, question=question, collection_ids=collection_ids, idempotency_key=key
        )
    scope = Scope(collection_ids=collection_ids)
    return writing.request_answer(user=user, question=question, scope=scope, idempotency_key=key)


class CompletionsApi(_Generating):
    """`POST /completions`."""

    shape = "completion"
    serializer = CompletionInput

    def accept(self, request: Request, user: User, body: Mapping[str, Any]) -> Pending:
        """Go on with a text."""
        card = _card_of(body["model"], "text")
        wish = SubmitRequest(
            model=card.slug,
            prompt=body["prompt"],
            params=parameters_for(card, body),
            seed=body.get("seed"),
        )
        return self.generate(request, user, body, wish)


class ImagesApi(_Generating):
    """`POST /images/generations`."""

    shape = "images"
    serializer = ImageInput

    def accept(self, request: Request, user: User, body: Mapping[str, Any]) -> Pending:
        """Draw what the prompt says."""
        card = _card_of(body["model"], "image")
        wish = SubmitRequest(model=card.slug, prompt=body["prompt"], seed=body.get("seed"))
        return self.generate(request, user, body, wish)
