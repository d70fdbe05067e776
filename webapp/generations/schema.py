"""REST: what the bodies of requests for generations hold, and what the answers do."""

from __future__ import annotations

import uuid
from typing import Any

from rest_framework import serializers

from genmodels.contract import FAMILIES, MAX_SEED
from webapp.catalog.queries import AUTO
from webapp.common.interface import StrictSerializer, Text, WholeNumber
from webapp.generations.inputs import REFERENCE_KINDS
from webapp.generations.models import Standing, Verdict
from webapp.jobs.models import STATUSES, Priority
from webapp.prompts.api import TemplateInput

_PRIORITIES = [priority.name.lower() for priority in Priority]
#: The furthest that a start or an end may be asked for.
_MAX_SECONDS = 30 * 24 * 3600
#: More files than any card names.
_MAX_INPUTS = 16


class InputReferenceInput(StrictSerializer):
    """A file to start from: an upload, a result's artifact, or what a generation started from."""

    upload = serializers.UUIDField(required=False)
    artifact = serializers.UUIDField(required=False)
    generation = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, uuid.UUID]) -> dict[str, uuid.UUID]:
        """Exactly one of them."""
        if len(attrs) != 1:
            kinds = ", ".join(REFERENCE_KINDS)
            raise serializers.ValidationError(f"must have exactly one of {kinds}", "invalid")
        return attrs


class WishInput(StrictSerializer):
    """What the bodies of one generation and of many have in common."""

    model = Text(default=AUTO, max_length=64)
    params = serializers.DictField(default=dict)
    inputs = serializers.DictField(child=InputReferenceInput(), default=dict)
    seed = WholeNumber(required=False, allow_null=True, min_value=0, max_value=MAX_SEED)
    tags = serializers.ListField(child=Text(allow_blank=True), default=list)
    # `parent` is also an attribute of fields, but of their instances: the metaclass takes this
    # away.
    parent = serializers.UUIDField(  # type: ignore[assignment]
        required=False, allow_null=True
    )
    reference = serializers.UUIDField(required=False, allow_null=True)
    priority = serializers.ChoiceField(choices=_PRIORITIES, default="normal")
    expires_in = WholeNumber(required=False, allow_null=True, min_value=1, max_value=_MAX_SECONDS)
    deadline_in = WholeNumber(required=False, allow_null=True, min_value=1, max_value=_MAX_SECONDS)

    def validate_inputs(
        self, value: dict[str, dict[str, uuid.UUID]]
    ) -> dict[str, dict[str, uuid.UUID]]:
        """Refuse what would cost many queries to find out that no card takes it."""
        if len(value) > _MAX_INPUTS:
            raise serializers.ValidationError(f"at most {_MAX_INPUTS} files", "too_many")
        return value


class GenerationInput(WishInput):
    """The body of `POST /generations`: a prompt, or a kept one and the values for its places."""

    prompt = Text(required=False, allow_blank=True, trim_whitespace=False)
    template = TemplateInput(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two."""
        if attrs.get("template") is None and "prompt" not in attrs:
            raise serializers.ValidationError(
                {"prompt": self.fields["prompt"].error_messages["required"]}, "required"
            )
        if attrs.get("template") is not None and "prompt" in attrs:
            raise serializers.ValidationError(
                {"template": "give a prompt or a template, not both"}, "invalid"
            )
        return attrs


class QueueOutput(serializers.Serializer[Any]):
    """Where a waiting generation stands."""

    position = serializers.IntegerField()
    eta_s = serializers.IntegerField(allow_null=True)


class ProgressOutput(serializers.Serializer[Any]):
    """How far a running generation is."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    unit = serializers.CharField()


class ReasonOutput(serializers.Serializer[Any]):
    """Why a generation ended as it did."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ModelReferenceOutput(serializers.Serializer[Any]):
    """The checkpoint that a generation uses."""

    slug = serializers.CharField()
    family = serializers.ChoiceField(choices=FAMILIES)
    modality = serializers.CharField()
    weights_sha256 = serializers.CharField()
    routed = serializers.BooleanField()


class ArtifactOutput(serializers.Serializer[Any]):
    """A file."""

    id = serializers.UUIDField()
    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    url = serializers.CharField()


class InputOutput(serializers.Serializer[Any]):
    """A file that a generation starts from; where it was taken from may be gone by now."""

    media_type = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    upload = serializers.UUIDField(allow_null=True)
    artifact = serializers.UUIDField(allow_null=True)
    url = serializers.CharField()


class PlaceInBatchOutput(serializers.Serializer[Any]):
    """The batch that a generation belongs to, and its place in it."""

    id = serializers.UUIDField()
    place = serializers.IntegerField()


class ReproductionOutput(serializers.Serializer[Any]):
    """What came of making a result again; the verdict is null until there is a result."""

    original = serializers.UUIDField()
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_null=True)
    facts = serializers.DictField()


class ScoreOutput(serializers.Serializer[Any]):
    """What people think of a result: the mean of the newest score of each, from 1 to 5."""

    mean = serializers.FloatField()
    num_scores = serializers.IntegerField()


class UsedTemplateOutput(serializers.Serializer[Any]):
    """The kept prompt that a prompt was made from."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    variables = serializers.DictField(child=serializers.CharField())


class GenerationOutput(serializers.Serializer[Any]):
    """A generation; made by `describe_generation`, written out here for the schema."""

    id = serializers.UUIDField()
    accession = serializers.CharField()
    status = serializers.ChoiceField(choices=STATUSES)
    terminal = serializers.BooleanField()
    status_seq = serializers.IntegerField()
    status_reason = ReasonOutput(allow_null=True)
    progress = ProgressOutput(allow_null=True)
    queue = QueueOutput(allow_null=True)
    model = ModelReferenceOutput()
    prompt = serializers.CharField()
    params = serializers.DictField()
    inputs = serializers.DictField(child=InputOutput())
    seed = serializers.IntegerField()
    tags = serializers.ListField(child=serializers.CharField())
    score = ScoreOutput(allow_null=True)
    standing = serializers.ChoiceField(choices=Standing.choices, allow_null=True)
    provenance = serializers.CharField()
    owner = serializers.CharField()
    parent = serializers.UUIDField(allow_null=True)  # type: ignore[assignment]
    reference = serializers.UUIDField(allow_null=True)
    template = UsedTemplateOutput(allow_null=True)
    retried_from = serializers.UUIDField(allow_null=True)
    batch = PlaceInBatchOutput(allow_null=True)
    reproduction = ReproductionOutput(allow_null=True)
    text = serializers.CharField(allow_null=True)
    artifacts = ArtifactOutput(many=True)
    metrics = serializers.DictField()
    extra = serializers.DictField()
    environment = serializers.DictField()
    attempt = serializers.IntegerField()
    priority = serializers.ChoiceField(choices=_PRIORITIES)
    expires_at = serializers.DateTimeField(allow_null=True)
    deadline_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    trashed_at = serializers.DateTimeField(allow_null=True)
    links = serializers.DictField(child=serializers.CharField())
