"""REST: earlier results that a new prompt may take its parameters or its seed from."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from genmodels.contract import Fault
from webapp.accounts.authentication import member
from webapp.catalog.queries import AUTO, list_checkpoints
from webapp.common.problems import invalid
from webapp.generations.representation import describe_generation
from webapp.generations.schema import GenerationOutput
from webapp.search.references import (
    MAX_PROMPT_LENGTH,
    NUM_REFERENCES,
    find_references,
    kind_of,
)

_MOST = 50
_PARAMETERS = ("prompt", "model", "limit")


class ReferenceOutput(serializers.Serializer[Any]):
    """A result, and how near its prompt comes; scores compare within one answer only."""

    score = serializers.FloatField()
    similarity = serializers.FloatField(help_text="cosine of both prompts")
    generation = GenerationOutput()


class ReferencesOutput(serializers.Serializer[Any]):
    """Results, the nearest first."""

    data = ReferenceOutput(many=True)  # type: ignore[assignment] # the attribute is of instances


class ReferencesApi(APIView):
    """`/api/v1/generations/references`."""

    @extend_schema(
        operation_id="generations_references",
        parameters=[
            OpenApiParameter("prompt", str, required=True),
            OpenApiParameter("model", str, description="results of the kind that it makes"),
            OpenApiParameter("limit", int),
        ],
        responses={200: ReferencesOutput},
    )
    def get(self, request: Request) -> Response:
        """One's own results whose prompts come nearest; a new one may name one as `reference`."""
        query = request.query_params.dict()
        checkpoints = list(list_checkpoints())
        faults = [
            Fault(f"?{name}", "unknown_parameter", f"there is no parameter {name!r}")
            for name in query
            if name not in _PARAMETERS
        ]
        prompt = str(query.get("prompt", ""))
        if not prompt.strip():
            faults.append(Fault("?prompt", "required", "say what is to be made"))
        if len(prompt) > MAX_PROMPT_LENGTH:
            detail = f"must have at most {MAX_PROMPT_LENGTH} characters"
            faults.append(Fault("?prompt", "too_long", detail))
        model = str(query.get("model", AUTO))
        if model != AUTO and model not in {row.slug for row in checkpoints}:
            faults.append(Fault("?model", "unknown_model", f"there is no model {model!r}"))
        raw = str(query.get("limit", NUM_REFERENCES))
        if not (raw.isascii() and raw.isdigit() and 1 <= int(raw[:6]) <= _MOST):
            faults.append(Fault("?limit", "out_of_range", f"must be between 1 and {_MOST}"))
        if faults:
            raise invalid(faults)
        found = find_references(
            user=member(request),
            prompt=prompt,
            kind=kind_of(model, checkpoints),
            limit=int(raw),
        )
        return Response(
            {
                "data": [
                    {
                        "score": round(each.hit.score, 6),
                        "similarity": round(each.hit.similarity, 6),
                        "generation": describe_generation(
                            each.generation, brief=True, viewer=member(request)
                        ),
                    }
                    for each in found
                ]
            }
        )
