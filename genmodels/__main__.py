"""`python -m genmodels`: train, sample, evaluate and describe checkpoints without a web site."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from genmodels.alignment.course import CLIP_PICTURES, open_alignment_course
from genmodels.alignment.loading import restore_alignment
from genmodels.alignment.sentences import ALIGNMENT
from genmodels.checkpoint import (
    SHIPPED_CHECKPOINTS,
    UnableToLoadCheckpoint,
    load_checkpoint,
    read_card,
    write_card,
)
from genmodels.contract import (
    FAMILIES,
    Card,
    InvalidRequest,
    Metric,
    Parameter,
    Progress,
    Sample,
    Scalar,
    resolve_request,
)
from genmodels.course import Course
from genmodels.data.location import UnableToFindData
from genmodels.embedding import UnableToLoadEmbedder
from genmodels.evaluation.comparison import compare
from genmodels.evaluation.judge import JUDGE_PRESETS, UnableToFindJudge, open_judge_course
from genmodels.evaluation.measuring import measure_checkpoint, open_gallery
from genmodels.evaluation.pictures import NUM_SAMPLES
from genmodels.evaluation.sheets import draw_checkpoint_sheet
from genmodels.evaluation.speech_judge import SPEECH_JUDGE, open_speech_judge_course
from genmodels.pictures.course import PictureCourse
from genmodels.registry import (
    list_checkpoints,
    list_presets,
    load_generator,
    open_course,
    open_tuning,
)
from genmodels.text.surprise import SURPRISE
from genmodels.text.tuning import ALL, WAYS
from genmodels.training import Budget, train
from genmodels.training_log import Report
from genmodels.training_state import UnableToTrain

_OWN_HELP = (
    "your own data instead: for pictures a folder with one folder for each kind, named after it; "
    "for text a file, for pairs of texts a .csv or .jsonl with source and target"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it did what was asked, else 1 with a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except InvalidRequest as error:
        for fault in error.faults:
            sys.stderr.write(f"{fault.pointer}: {fault.detail}\n")
        return 1
    except (
        UnableToFindData,
        UnableToFindJudge,
        UnableToLoadCheckpoint,
        UnableToLoadEmbedder,
        UnableToTrain,
        ValueError,
    ) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m genmodels", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the checkpoints at hand and the presets to train")
    listing.set_defaults(run=_list)

    card = commands.add_parser("card", help="print a checkpoint's card")
    card.add_argument("checkpoint", help="slug or folder")
    card.set_defaults(run=_card)

    sample = commands.add_parser("sample", help="generate one sample")
    sample.add_argument("checkpoint", help="slug or folder")
    sample.add_argument("--prompt", required=True)
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    sample.add_argument(
        "--input", action="append", default=[], metavar="NAME=FILE", help="a file for the network"
    )
    sample.add_argument("--out", type=Path, help="file to write; text goes to stdout without it")
    sample.add_argument("--device", default="cpu")
    sample.set_defaults(run=_sample)

    training = commands.add_parser("train", help="train a preset and leave the best checkpoint")
    training.add_argument("preset")
    training.add_argument("--data", type=Path, help="folder of the data sets, else PINAKES_DATA")
    training.add_argument("--own", type=Path, metavar="PATH", help=_OWN_HELP)
    training.add_argument("--out", type=Path, required=True)
    training.add_argument("--minutes", type=float, help="instead of the preset's")
    training.add_argument(
        "--processor-minutes", type=float, help="of all threads, for equal work on a busy machine"
    )
    training.add_argument(
        "--steps", type=int, help="end after so many steps, for exact repetition"
    )
    training.add_argument(
        "--precision", choices=("float32", "bfloat16"), help="instead of a trial"
    )
    training.add_argument(
        "--from",
        dest="start",
        metavar="CHECKPOINT",
        help="slug or folder of a network over tokens to go on from, with its vocabulary",
    )
    training.add_argument(
        "--train",
        dest="way",
        choices=WAYS,
        default=ALL,
        help="what of it moves: its output layers, low-rank differences, or all (the default)",
    )
    training.add_argument("--resume", action="store_true", help="go on from the state in --out")
    training.set_defaults(run=_train)

    evaluation = commands.add_parser(
        "evaluate", help="measure a checkpoint again as its card says"
    )
    evaluation.add_argument("checkpoint", help="slug or folder")
    evaluation.add_argument("--data", type=Path, help="folder of the data sets, else PINAKES_DATA")
    evaluation.add_argument("--own", type=Path, metavar="PATH", help=_OWN_HELP)
    evaluation.add_argument(
        "--samples", type=int, default=NUM_SAMPLES, help="pictures to draw for comparing them"
    )
    evaluation.add_argument("--json", action="store_true")
    evaluation.add_argument("--write", action="store_true", help="put the figures into the card")
    evaluation.set_defaults(run=_evaluate)

    ladder = commands.add_parser(
        "ladder", help="the figures of pictures that no network drew, to compare with"
    )
    ladder.add_argument("preset", help="of a family of pictures; its subject is what counts")
    ladder.add_argument("--data", type=Path, help="folder of the data sets, else PINAKES_DATA")
    ladder.add_argument("--samples", type=int, default=NUM_SAMPLES)
    ladder.set_defaults(run=_ladder)

    comparison = commands.add_parser(
        "compare", help="measure all checkpoints of a subject side by side, for the site to show"
    )
    comparison.add_argument("subject", help="such as fashion or digits")
    comparison.add_argument("--data", type=Path, help="folder of the data sets, else PINAKES_DATA")
    comparison.add_argument("--out", type=Path, required=True, help="folder; goes on where it was")
    comparison.add_argument(
        "--checkpoints", type=Path, default=SHIPPED_CHECKPOINTS, help="instead of those shipped"
    )
    comparison.add_argument("--samples", type=int, default=1000, help="pictures a setting")
    comparison.set_defaults(run=_compare)

    sheet = commands.add_parser("sheet", help="draw a few pictures of each kind, to look at")
    sheet.add_argument("checkpoint", help="a checkpoint that ships, or a folder")
    sheet.add_argument("--out", type=Path, required=True, help="a PNG file")
    sheet.add_argument(
        "--data", type=Path, help="for what redraws pictures: folder of the data sets"
    )
    sheet.set_defaults(run=_sheet)
    return parser


def _list(_: argparse.Namespace) -> None:
    for folder in list_checkpoints():
        card = read_card(folder)
        sys.stdout.write(f"{card.slug:20} {card.family:14} {card.summary}\n")
    trainable = ", ".join([*list_presets(), *JUDGE_PRESETS, SPEECH_JUDGE.slug, CLIP_PICTURES.slug])
    sys.stdout.write(f"presets to train: {trainable}\n")


def _card(options: argparse.Namespace) -> None:
    card = read_card(_folder(options.checkpoint))
    json.dump(card.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _sample(options: argparse.Namespace) -> None:
    folder = _folder(options.checkpoint)
    parameters = _parse_parameters(read_card(folder), options.param)
    inputs = _read_inputs(options.input)
    generator = load_generator(folder, device=options.device)
    request = resolve_request(
        generator.card,
        prompt=options.prompt,
        parameters=parameters,
        seed=options.seed,
        inputs=inputs,
    )
    run = generator.open(request)
    while not run.done:
        generator.advance([run])
        _show_progress(run.progress)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    _deliver(run.sample, options.out)


def _deliver(sample: Sample, out: Path | None) -> None:
    for name, value in sample.extra.items():
        # Figures for every token are for programs and pages.
        if name == SURPRISE:
            continue
        sys.stderr.write(f"{name}: {value}\n")
    if out is not None:
        out.write_bytes(sample.content)
    elif sample.text:
        sys.stdout.write(sample.text + "\n")
    else:
        raise ValueError(f"{sample.media_type} needs a file: give --out")


def _train(options: argparse.Namespace) -> None:
    if options.way != ALL and options.start is None:
        raise ValueError(f"--train {options.way} needs a checkpoint to go on from: give --from")
    if options.preset in JUDGE_PRESETS:
        course: Course = open_judge_course(options.preset, data=options.data)
    elif options.preset == SPEECH_JUDGE.slug:
        course = open_speech_judge_course(data=options.data)
    elif options.preset == CLIP_PICTURES.slug:
        course = open_alignment_course(data=options.data, own=options.own)
    elif options.start is not None:
        start = load_checkpoint(_folder(options.start))
        course = open_tuning(
            options.preset, start, way=options.way, data=options.data, own=options.own
        )
    else:
        course = open_course(options.preset, data=options.data, own=options.own)
    budget = None
    limits = (options.steps, options.minutes, options.processor_minutes)
    if any(limit is not None for limit in limits):
        budget = Budget(*limits)
    outcome = train(
        course,
        out=options.out,
        budget=budget,
        resume=options.resume,
        commit=_source_commit(),
        precision=options.precision,
        report=_show_report,
    )
    sys.stdout.write(
        f"{outcome.folder}: {outcome.steps} steps in {outcome.seconds:.0f} s, "
        f"best validation {outcome.best:.4f}\n"
    )


def _evaluate(options: argparse.Namespace) -> None:
    folder = _folder(options.checkpoint)
    checkpoint = load_checkpoint(folder, families=(*FAMILIES, ALIGNMENT))
    preset = str(checkpoint.card.training.get("preset", checkpoint.card.slug))
    tuning = checkpoint.card.training.get("tuning")
    if checkpoint.card.family == ALIGNMENT:
        network = restore_alignment(checkpoint).eval()
        metrics = open_alignment_course(data=options.data, own=options.own).measure(network)
        _show_metrics(options, checkpoint.card, folder, metrics)
        return
    if tuning is None:
        course = open_course(preset, data=options.data, own=options.own)
    else:
        course = open_tuning(
            preset, checkpoint, way=tuning["train"], data=options.data, own=options.own
        )
    metrics = measure_checkpoint(checkpoint, course, samples=options.samples)
    _show_metrics(options, checkpoint.card, folder, metrics)


def _show_metrics(
    options: argparse.Namespace, card: Card, folder: Path, metrics: tuple[Metric, ...]
) -> None:
    if options.write:
        write_card(folder, replace(card, metrics=metrics))
    if options.json:
        json.dump([asdict(metric) for metric in metrics], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    written = {metric.name: metric.value for metric in card.metrics}
    for metric in metrics:
        before = written.get(metric.name)
        sys.stdout.write(f"{metric.name}: {metric.value} {metric.unit} (card: {before})\n")


def _ladder(options: argparse.Namespace) -> None:
    course = open_course(options.preset, data=options.data)
    if not isinstance(course, PictureCourse):
        raise ValueError(f"{options.preset} draws no pictures")  # noqa: TRY004 - a wrong request
    for rung, metrics in open_gallery(course, samples=options.samples).ladder().items():
        figures = "  ".join(f"{metric.name} {metric.value:g}" for metric in metrics)
        sys.stdout.write(f"{rung}: {figures}\n")


def _compare(options: argparse.Namespace) -> None:
    compare(
        options.subject,
        checkpoints=options.checkpoints,
        out=options.out,
        data=options.data,
        samples=options.samples,
        report=lambda line: _show_line(line, last=True),
    )


def _sheet(options: argparse.Namespace) -> None:
    checkpoint = load_checkpoint(_folder(options.checkpoint))
    picture = draw_checkpoint_sheet(checkpoint, data=options.data)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(picture)


def _folder(name: str) -> Path:
    """A folder as it is, or the shipped checkpoint of that slug."""
    path = Path(name)
    if path.is_dir():
        return path
    shipped = SHIPPED_CHECKPOINTS / name
    if "/" not in name and shipped.is_dir():
        return shipped
    offered = ", ".join(folder.name for folder in list_checkpoints()) or "none"
    raise ValueError(f"no checkpoint {name!r}; shipped: {offered}")


def _parse_parameters(card: Card, pairs: Sequence[str]) -> dict[str, Scalar]:
    """NAME=VALUE texts in the types that the card's parameters have; its own checks come later."""
    known = {parameter.name: parameter for parameter in card.parameters}
    values: dict[str, Scalar] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        if not separator:
            raise ValueError(f"--param takes NAME=VALUE, not {pair!r}")
        values[name] = _typed(known[name], text) if name in known else text
    return values


def _read_inputs(pairs: Sequence[str]) -> dict[str, bytes]:
    """The bytes of NAME=FILE texts, by name."""
    contents: dict[str, bytes] = {}
    for pair in pairs:
        name, separator, file = pair.partition("=")
        if not separator:
            raise ValueError(f"--input takes NAME=FILE, not {pair!r}")
        try:
            contents[name] = Path(file).read_bytes()
        except OSError as error:
            raise ValueError(f"--input {name}: {file} cannot be read: {error.strerror}") from error
    return contents


def _typed(parameter: Parameter, text: str) -> Scalar:
    match parameter.kind:
        case "integer" | "number":
            return float(text)
        case "boolean":
            if text not in {"true", "false"}:
                raise ValueError(f"{parameter.name} must be true or false")
            return text == "true"
        case _:
            return text


def _show_progress(progress: Progress) -> None:
    _show_line(f"{progress.done} of {progress.total} {progress.unit}s", last=False)


def _show_report(report: Report) -> None:
    line = (
        f"{_bar(report.share)} step {report.step}  loss {report.loss:.4f}  "
        f"gradient {report.gradient_norm:.2f}  {_remaining(report)} left"
    )
    if report.validation is not None:
        line += f"  validation {report.validation:.4f} (best {report.best:.4f})"
    _show_line(line, last=report.validation is not None or report.alarms is not None)
    for alarm in report.alarms or ():
        sys.stderr.write(f"  look: {alarm}\n")


def _bar(share: float, width: int = 20) -> str:
    filled = round(min(share, 1.0) * width)
    return f"[{'#' * filled}{'.' * (width - filled)}] {100 * min(share, 1.0):5.1f} %"


def _remaining(report: Report) -> str:
    seconds = max(0.0, report.seconds / max(report.share, 1e-3) - report.seconds)
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _show_line(line: str, *, last: bool) -> None:
    """On a terminal each line overwrites the one before, except the last; a file gets the last."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line}" + ("\n" if last else ""))
    elif last:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _source_commit() -> str:
    """The commit of the source tree, or nothing where this is not one."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
