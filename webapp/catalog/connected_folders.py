"""Folders of either kind, told apart by what lies in them: a network that writes, a pipeline."""

from __future__ import annotations

from pathlib import Path

from webapp.catalog.model_folders import PIPELINE_INDEX, find_folder
from webapp.catalog.pipeline_folders import PipelineFolder, read_pipeline
from webapp.catalog.pretrained_folders import PretrainedFolder, read_pretrained

ConnectedFolder = PretrainedFolder | PipelineFolder


def read_folder(root: Path, name: str) -> ConnectedFolder:
    """What the folder of this name holds; raises UnableToReadFolder."""
    if (find_folder(root, name) / PIPELINE_INDEX).is_file():
        return read_pipeline(root, name)
    return read_pretrained(root, name)
