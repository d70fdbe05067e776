"""What a training leaves to look at while it runs: a log, and a plot that is drawn from it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from genmodels.checkpoint import write_bytes_atomically


@dataclass(frozen=True)
class Report:
    """One line of the log. `validation` is there on the steps that validated.

    `loss` is the first player's; `losses` has all where there are several. `alarms` are sentences
    about what seems to go wrong, `figures` what a course shows of itself.
    """

    step: int
    seconds: float
    cpu_seconds: float
    share: float
    loss: float
    gradient_norm: float
    rate: float
    losses: tuple[float, ...] | None = None
    validation: float | None = None
    best: float | None = None
    alarms: tuple[str, ...] | None = None
    figures: dict[str, float] | None = None


def append_report(path: Path, report: Report) -> None:
    """Add a line to the log."""
    values = {name: value for name, value in asdict(report).items() if value is not None}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")


def read_curve(path: Path) -> list[tuple[float, float]]:
    """Seconds and the validation figure of every line that has one."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(line["seconds"], line["validation"]) for line in lines if "validation" in line]


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that were made after the state was saved: they are made again."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    write_bytes_atomically(path, "".join(kept).encode())


def can_plot() -> bool:
    """Whether the library for plots is installed; it is an extra, since serving needs none."""
    return find_spec("matplotlib") is not None


def draw_plot(log: Path, plot: Path) -> None:
    """Draw the losses and the validation figure of a log over the steps, as SVG."""
    # Here, since it is an extra, and takes a second to load.
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - an extra
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    figure = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasSVG(figure)
    losses, validation = figure.subplots(2, sharex=True)
    steps = [line["step"] for line in lines]
    for player, curve in enumerate(zip(*(_losses(line) for line in lines), strict=True)):
        losses.plot(steps, curve, label=f"player {player + 1}" if player else "loss")
    losses.set_ylabel("training loss")
    losses.legend(frameon=False)
    measured = [line for line in lines if "validation" in line]
    validation.plot(
        [line["step"] for line in measured],
        [line["validation"] for line in measured],
        marker="o",
    )
    validation.set_ylabel("validation")
    validation.set_xlabel("step")
    temporary = plot.with_suffix(".new")
    figure.savefig(temporary, format="svg")
    temporary.replace(plot)


def _losses(line: dict[str, object]) -> list[object]:
    several = line.get("losses")
    return several if isinstance(several, list) else [line["loss"]]
