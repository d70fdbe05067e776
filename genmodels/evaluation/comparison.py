"""All checkpoints of one subject side by side: the same figures, the same prompts, one file.

The file is plain JSON with sheets of pictures beside it, so that any page can show it. Figures
that are there already are kept as long as weights, judge and protocol are the same: a comparison
that was cut goes on where it was, and one to which a model is added keeps the others, whose
checkpoints may no longer be at hand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from genmodels.checkpoint import Checkpoint, load_checkpoint, write_bytes_atomically
from genmodels.contract import Card, Metric
from genmodels.evaluation.measuring import find_picture_family, open_gallery
from genmodels.evaluation.pictures import DrawPictures, Gallery
from genmodels.evaluation.sheets import draw_sheet
from genmodels.pictures.course import PictureCourse
from genmodels.pictures.settings import Setting
from genmodels.registry import find_family, list_checkpoints, open_course

FILE_NAME = "comparison.json"

#: Pictures of each kind on a sheet, one below the other.
_ROWS = 3

#: What of a card's own figures says how likely it finds held-out pictures.
_LIKELIHOODS = ("bits_per_dim", "nll")


def compare(
    subject: str,
    *,
    checkpoints: Path,
    out: Path,
    data: Path | None,
    samples: int,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """Measure every checkpoint of `subject` under `checkpoints` and write it all to `out`.

    Raises UnableToFindData, UnableToFindJudge, and ValueError where no checkpoint is of the
    subject.
    """
    chosen = [
        load_checkpoint(folder)
        for folder in list_checkpoints(checkpoints)
        if _subject_of(folder) == subject
    ]
    if not chosen:
        raise ValueError(f"no checkpoint below {checkpoints} draws {subject}")
    course = open_course(_preset_of(chosen[0].card), data=data)
    if not isinstance(course, PictureCourse):
        raise ValueError(f"{subject} has no judge to compare by")  # noqa: TRY004 - a wrong request
    gallery = open_gallery(course, samples=samples)
    compare_checkpoints(chosen, course, gallery, out=out, report=report)


def compare_checkpoints(
    checkpoints: Sequence[Checkpoint],
    course: PictureCourse,
    gallery: Gallery,
    *,
    out: Path,
    report: Callable[[str], None] = lambda _: None,
) -> None:
    """The same for checkpoints and pictures at hand; `course` is any on the subject."""
    _Bench(course, gallery, out, report).compare(checkpoints)


def _subject_of(folder: Path) -> str:
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return str(card["data"].get("subject", ""))


def _preset_of(card: Card) -> str:
    return str(card.training.get("preset", card.slug))


class _Bench:
    """Measures one checkpoint after the other and keeps the file up to date."""

    def __init__(
        self, course: PictureCourse, gallery: Gallery, out: Path, report: Callable[[str], None]
    ) -> None:
        self._course = course
        self._gallery = gallery
        self._out = out
        self._report = report
        self._protocol = {
            "judge": gallery.judge_sha256,
            "samples": gallery.size,
            "seed": gallery.seed,
        }
        kept = _read(out / FILE_NAME)
        self._same = {name: kept.get(name) for name in self._protocol} == self._protocol
        self._rungs: Mapping[str, Any] = kept.get("rungs", {}) if self._same else {}
        self._models: list[dict[str, Any]] = kept.get("models", []) if self._same else []
        self._kept = {model["weights_sha256"]: model for model in self._models}

    def compare(self, checkpoints: Sequence[Checkpoint]) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        if not self._rungs:
            self._report("pictures that no network drew")
            rungs = self._gallery.ladder()
            self._rungs = {name: _values(metrics) for name, metrics in rungs.items()}
        measured = {checkpoint.card.slug for checkpoint in checkpoints}
        models = [model for model in self._models if model["slug"] not in measured]
        for checkpoint in checkpoints:
            model = _describe(checkpoint)
            models.append(model)
            for shown in self._measure(checkpoint):
                model["settings"].append(shown)
                self._write(models)
        self._write(models)
        self._drop_old_sheets(models)

    def _measure(self, checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
        card = checkpoint.card
        family = find_picture_family(card.family)
        network = find_family(card.family).restore_network(checkpoint).eval()
        kept = self._kept.get(card.weights_sha256, {}).get("settings", [])
        for number, setting in enumerate(family.list_settings(card)):
            facts = {"knobs": dict(setting.knobs), "passes": setting.passes}
            known = [each for each in kept if {name: each[name] for name in facts} == facts]
            if known:
                yield known[0]
                continue
            self._report(f"{card.slug} {dict(setting.knobs) or ''}")
            draw = partial(family.draw_pictures, network, **setting.knobs)
            yield self._look(f"{card.slug}-{card.weights_sha256[:8]}-{number}", draw, setting)

    def _look(
        self,
        name: str,
        draw: DrawPictures,
        setting: Setting,
    ) -> dict[str, Any]:
        began, computing = time.monotonic(), time.process_time()
        drawn = self._gallery.draw(draw)
        elapsed, computed = time.monotonic() - began, time.process_time() - computing
        sheet = f"{name}.png"
        write_bytes_atomically(self._out / sheet, self._sheet(draw))
        return {
            "knobs": dict(setting.knobs),
            "passes": setting.passes,
            "figures": _values(self._gallery.measure(drawn)),
            "seconds_a_picture": round(elapsed / len(drawn), 6),
            "cpu_seconds_a_picture": round(computed / len(drawn), 6),
            "sheet": sheet,
        }

    def _sheet(self, draw: DrawPictures) -> bytes:
        kinds = torch.arange(len(self._course.subject.naming.names))
        sentences = self._course.data.plain_names(kinds)
        return draw_sheet(draw, sentences, rows=_ROWS, seed=self._gallery.seed)

    def _write(self, models: Sequence[Mapping[str, Any]]) -> None:
        subject = self._course.subject
        content = {
            "subject": subject.name,
            "title": subject.title,
            "kinds": list(subject.naming.names),
            **self._protocol,
            "threads": torch.get_num_threads(),
            "rungs": self._rungs,
            "models": list(models),
        }
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        write_bytes_atomically(self._out / FILE_NAME, text.encode())

    def _drop_old_sheets(self, models: Sequence[Mapping[str, Any]]) -> None:
        used = {setting["sheet"] for model in models for setting in model["settings"]}
        for path in self._out.glob("*.png"):
            if path.name not in used:
                path.unlink()


def _describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a comparison repeats of a card, since the card may be elsewhere when it is shown."""
    card = checkpoint.card
    likelihoods = [asdict(each) for each in card.metrics if each.name in _LIKELIHOODS]
    return {
        "slug": card.slug,
        "name": card.name,
        "family": card.family,
        "weights_sha256": card.weights_sha256,
        "weights": sum(each.numel() for each in checkpoint.weights.values()),
        "training": {
            name: card.training.get(name)
            for name in ("steps", "seconds", "cpu_seconds", "threads", "curve", "teacher")
        },
        "likelihood": likelihoods[0] if likelihoods else None,
        "settings": [],
    }


def _values(metrics: Sequence[Metric]) -> dict[str, float]:
    return {metric.name: metric.value for metric in metrics}


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
