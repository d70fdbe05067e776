"""Generations as files to take away: lines of JSON, a table, or an archive with the results.

All three are made while they are sent: however many there are, only a few hundred are in memory.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from webapp.common.storage import BlobMissing, open_blob
from webapp.generations.models import Artifact, Generation
from webapp.generations.representation import describe_generation
from webapp.jobs.models import JobState

FORMATS = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
}
#: An archive names all that it holds at its end, and what reads it holds these names in memory.
MAX_IN_ARCHIVE = 10_000

#: What a live answer tells and a file cannot: it would be out of date, or lead nowhere.
_LIVE = ("links", "queue", "progress", "status_seq", "terminal")
_ENDINGS = {
    "image/png": "png",
    "image/svg+xml": "svg",
    "audio/wav": "wav",
    "video/webm": "webm",
    "video/mp4": "mp4",
    "text/plain": "txt",
    "text/vnd.abc": "abc",
}
_PIECE = 64 * 1024


def describe_for_file(generation: Generation) -> dict[str, Any]:
    """Everything kept of a generation, which must come with details, in one object."""
    record = describe_generation(generation, brief=True)
    for name in _LIVE:
        del record[name]
    record["prompt"] = generation.prompt
    if generation.job.state == JobState.SUCCEEDED:
        record["text"] = generation.response.text or None
    record["recipe"] = {
        "model": generation.checkpoint.slug,
        "prompt": generation.prompt,
        "params": generation.parameters,
        "seed": generation.seed,
    }
    record["artifacts"] = [
        {**described, "file": name_in_archive(generation, artifact)}
        for described, artifact in zip(record["artifacts"], _artifacts(generation), strict=True)
    ]
    return record


def _artifacts(generation: Generation) -> list[Artifact]:
    if generation.job.state != JobState.SUCCEEDED:
        return []
    return sorted(generation.response.artifacts.all(), key=lambda artifact: artifact.ordinal)


def name_in_archive(generation: Generation, artifact: Artifact) -> str:
    """A name of our own making: nothing that somebody typed can lead out of a folder."""
    ending = _ENDINGS.get(artifact.media_type.partition(";")[0], "bin")
    place = f"-{artifact.ordinal}" if artifact.ordinal else ""
    return f"files/{generation.accession}{place}.{ending}"


def as_lines(rows: Iterable[Generation]) -> Iterator[bytes]:
    """One object a line."""
    for row in rows:
        yield _line(describe_for_file(row))


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


_COLUMNS = (
    "id", "accession", "status", "model", "family", "modality", "weights_sha256", "prompt",
    "params", "seed", "text", "tags", "score_mean", "num_scores", "metrics", "error_code",
    "error_detail", "created_at", "finished_at", "trashed_at", "files", "sha256",
)  # fmt: skip
#: What a spreadsheet may take for the beginning of a formula, also in full width.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_table(rows: Iterable[Generation]) -> Iterator[bytes]:
    """A line for each below a line of names, by RFC 4180; lists and objects as JSON in a cell."""
    # Without a mark at its start, spreadsheets take UTF-8 for something else.
    yield "\ufeff".encode() + _row(_COLUMNS)
    for row in rows:
        record = describe_for_file(row)
        reason = record["status_reason"] or {}
        score = record["score"] or {}
        yield _row(
            (
                *(record[name] for name in ("id", "accession", "status")),
                *(record["model"][name] for name in ("slug", "family", "modality")),
                record["model"]["weights_sha256"],
                record["prompt"],
                record["params"],
                record["seed"],
                record["text"],
                ", ".join(record["tags"]),
                score.get("mean"),
                score.get("num_scores", 0),
                record["metrics"],
                reason.get("code"),
                reason.get("detail"),
                *(record[name] for name in ("created_at", "finished_at", "trashed_at")),
                ", ".join(each["file"] for each in record["artifacts"]),
                ", ".join(each["sha256"] for each in record["artifacts"]),
            )
        )


def _row(values: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    """Text that begins like a formula gets an apostrophe, which spreadsheets read as: text."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_SIGNS):
        return f"'{value}"
    return value


class _Outlet(io.RawIOBase):
    """Takes what is written and gives it out again; nothing is ever sought in it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        """It takes bytes."""
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 -- buffers have no type in Python 3.11
        """Hold these until they are taken."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._held)
        self._held.clear()
        return taken


def as_archive(rows: Iterable[Generation]) -> Iterator[bytes]:
    """A ZIP of the files of all results, and `generations.jsonl` with everything kept of them.

    The lines wait in a file on the disk while the results are written, since an archive is
    written one member after the other. A file that was lost is left out, and its line says so.
    """
    outlet = _Outlet()
    with (
        tempfile.TemporaryFile() as lines,
        zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive,
    ):
        for row in rows:
            record = describe_for_file(row)
            for artifact, described in zip(_artifacts(row), record["artifacts"], strict=True):
                try:
                    yield from _member(archive, outlet, row, artifact)
                except BlobMissing:
                    described["file"] = None
            lines.write(_line(record))
        lines.seek(0)
        member = zipfile.ZipInfo("generations.jsonl")
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as target:
            while piece := lines.read(_PIECE):
                target.write(piece)
                yield outlet.take()
    yield outlet.take()


def _member(
    archive: zipfile.ZipFile, outlet: _Outlet, row: Generation, artifact: Artifact
) -> Iterator[bytes]:
    with open_blob(artifact.sha256) as source:
        moment = row.created_at.timetuple()[:6]
        member = zipfile.ZipInfo(name_in_archive(row, artifact), date_time=moment)
        member.file_size = artifact.size
        with archive.open(member, "w") as target:
            while piece := source.read(_PIECE):
                target.write(piece)
                yield outlet.take()
    yield outlet.take()


WRITERS = {"jsonl": as_lines, "csv": as_table, "zip": as_archive}
