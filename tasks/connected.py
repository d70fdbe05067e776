"""Loads models that are connected: those of servers, and those of folders that others trained."""

from __future__ import annotations

from dataclasses import replace

import torch
from django.conf import settings

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Generator
from tasks.served_generator import ServedGenerator
from webapp.catalog.connected_folders import read_folder
from webapp.catalog.model_folders import UnableToReadFolder
from webapp.catalog.models import Checkpoint, Connector, ConnectorKind
from webapp.catalog.pipeline_folders import PipelineFolder
from webapp.catalog.served_models import served_model_of
from webapp.common.encryption import UnableToDecrypt


def load_connected(checkpoint: Checkpoint, *, device: torch.device) -> Generator:
    """The generator of a connected model; raises UnableToLoadCheckpoint."""
    connector: Connector | None = getattr(checkpoint, "connector", None)
    if connector is None:
        raise UnableToLoadCheckpoint("It was disconnected.")
    if connector.kind == ConnectorKind.FOLDER:
        return _load_folder(checkpoint, connector, device)
    try:
        served = served_model_of(connector)
    except UnableToDecrypt as error:
        reason = "Its key was encrypted under a secret key that the site no longer has."
        raise UnableToLoadCheckpoint(reason) from error
    return ServedGenerator(card=checkpoint.card, served=served, slots=connector.max_requests)


def _load_folder(checkpoint: Checkpoint, connector: Connector, device: torch.device) -> Generator:
    # These bring in `transformers` and `diffusers`, which are large; servers need neither.
    from genmodels.pretrained.loading import load_pretrained  # noqa: PLC0415 -- see above
    from genmodels.pretrained.pipeline_loading import load_pipeline  # noqa: PLC0415 -- the same

    try:
        found = read_folder(settings.PINAKES_MODELS, connector.model)
    except UnableToReadFolder as error:
        raise UnableToLoadCheckpoint(str(error)) from error
    # What lies there now decides: a job of what lay there before ends as replaced.
    card = replace(checkpoint.card, weights_sha256=found.fingerprint)
    load = load_pipeline if isinstance(found, PipelineFolder) else load_pretrained
    return load(found.path, card=card, device=device)
