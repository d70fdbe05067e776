"""The step contract: what a generator is, seen from outside.

A generator advances a set of runs by one forward pass at a time. Progress, previews, cancelling
within a step, fair sharing and batching between steps follow from that, the same way for every
family.

This module is read by the web process too, so it imports the standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

FAMILIES = (
    "rnn",
    "transformer",
    "autoregressive",
    "vae",
    "gan",
    "flow",
    "diffusion",
    "hybrid",
    # Large models of others: behind a server, or in a folder that `transformers` or `diffusers`
    # reads.
    "connected",
)

#: Seeds are non-negative and fit a signed 64-bit column.
MAX_SEED = 2**63 - 1

ParameterKind = Literal["integer", "number", "string", "boolean", "choice"]
InputKind = Literal["image", "mask"]
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request: a JSON pointer to it, a closed code and a sentence."""

    pointer: str
    code: str
    detail: str


class InvalidRequest(ValueError):
    """A request that cannot be generated; carries every fault found, not only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Parameter:
    """One knob of a checkpoint, with all that a form needs to draw it.

    `essential` parameters are shown at once, the others are folded away.
    """

    name: str
    kind: ParameterKind
    default: Scalar
    label: str
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    max_length: int | None = None
    unit: str = ""
    essential: bool = False

    def parse(self, value: object) -> Scalar:
        """Return the value in the parameter's own type, or raise ValueError with a sentence."""
        match self.kind:
            case "boolean":
                if not isinstance(value, bool):
                    raise ValueError("must be true or false")  # noqa: TRY004 - one refusal for all
                return value
            case "integer" | "number":
                return self._parse_number(value)
            case "choice":
                if value not in self.choices:
                    raise ValueError(f"must be one of {', '.join(self.choices)}")
                return str(value)
            case "string":
                if not isinstance(value, str):
                    raise ValueError("must be a string")  # noqa: TRY004 - one refusal for all
                if self.max_length is not None and len(value) > self.max_length:
                    raise ValueError(f"must have at most {self.max_length} characters")
                return value

    def _parse_number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("must be a number")  # noqa: TRY004 - one refusal for all
        # JSON allows integers that no float holds, which `isfinite` cannot look at.
        if abs(value) > MAX_SEED or not math.isfinite(value):
            raise ValueError("must be finite and of a reasonable size")
        if self.kind == "integer" and value != int(value):
            raise ValueError("must be a whole number")
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"must be at least {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"must be at most {self.maximum:g}")
        return int(value) if self.kind == "integer" else float(value)


@dataclass(frozen=True)
class Input:
    """One file that a checkpoint takes beside the prompt; `help` tells which tasks use it.

    A `mask` is a picture laid over the input of kind `image`: white is what the checkpoint makes
    anew, black is what it keeps.
    """

    name: str
    label: str
    help: str
    kind: InputKind = "image"
    media_types: tuple[str, ...] = ("image/png",)
    required: bool = False
    max_bytes: int = 8 * 2**20

    def check(self, *, size: int, media_type: str | None) -> Fault | None:
        """What is wrong with a file of that many bytes; a type of None is not known yet."""
        pointer = f"/inputs/{_escape(self.name)}"
        if size > self.max_bytes:
            return Fault(pointer, "too_large", f"must have at most {self.max_bytes} bytes")
        if media_type is not None and media_type not in self.media_types:
            detail = f"must be {' or '.join(self.media_types)}, not {media_type}"
            return Fault(pointer, "unsupported_media_type", detail)
        return None


@dataclass(frozen=True)
class InputFacts:
    """A file that lies elsewhere, as far as a request can be checked without its bytes."""

    size: int
    media_type: str


@dataclass(frozen=True)
class Metric:
    """A measured figure with everything needed to measure it again."""

    name: str
    value: float
    unit: str
    data: str
    split: str
    protocol: str
    samples: int
    seed: int


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself (`card.json`). The web form is built from it."""

    slug: str
    name: str
    family: str
    architecture: str
    summary: str
    tasks: tuple[str, ...]
    modality: Literal["text", "image", "audio", "video", "molecule", "music"]
    media_type: str
    parameters: tuple[Parameter, ...]
    config: Mapping[str, Any]
    prompt_help: str
    max_prompt_length: int
    data: Mapping[str, Any]
    licence: str
    weights_sha256: str
    commit: str = ""
    papers: tuple[str, ...] = ()
    example_prompts: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    determinism: str = ""
    inputs: tuple[Input, ...] = ()

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], *, families: Collection[str] = FAMILIES) -> Card:
        """Build a card from parsed JSON; raise ValueError naming what is missing or unknown."""
        try:
            values = dict(raw)
            values["parameters"] = tuple(
                Parameter(**{**item, "choices": tuple(item.get("choices", ()))})
                for item in raw["parameters"]
            )
            values["inputs"] = tuple(
                Input(**{**item, "media_types": tuple(item["media_types"])})
                for item in raw.get("inputs", ())
            )
            values["metrics"] = tuple(Metric(**item) for item in raw.get("metrics", ()))
            for name in ("tasks", "papers", "example_prompts"):
                values[name] = tuple(raw.get(name, ()))
            card = cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"card is not valid: {error}") from error
        if card.family not in families:
            raise ValueError(f"card names an unknown family {card.family!r}")
        return card

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; `Card.from_dict(card.to_dict()) == card`."""
        return asdict(self)


@dataclass(frozen=True)
class GenerationRequest:
    """A validated request: nothing in it is left to be decided later.

    `parameters` holds every parameter of the card, in its own type; `seed` is concrete. `inputs`
    holds the bytes of the files that came with it, by the names of the card's inputs. They are
    there where a generator runs, not in the web process.
    """

    prompt: str
    parameters: Mapping[str, Scalar]
    seed: int
    inputs: Mapping[str, bytes] = field(default_factory=dict)


def resolve_request(
    card: Card,
    *,
    prompt: str,
    parameters: Mapping[str, object],
    seed: int,
    inputs: Mapping[str, bytes | InputFacts] | None = None,
) -> GenerationRequest:
    """Check a request against a card and fill in the defaults.

    `inputs` may hold facts instead of bytes; those are checked and left out of the result. The
    type of bytes is not looked at here: the family that decodes them finds it out.

    Raises InvalidRequest with all faults; pointers are those of the REST body.
    """
    faults = _prompt_faults(card, prompt)
    if not 0 <= seed <= MAX_SEED:
        faults.append(Fault("/seed", "out_of_range", f"must be between 0 and {MAX_SEED}"))
    known = {parameter.name: parameter for parameter in card.parameters}
    values: dict[str, Scalar] = {name: parameter.default for name, parameter in known.items()}
    for name, value in parameters.items():
        pointer = f"/params/{_escape(name)}"
        if name not in known:
            offered = ", ".join(known) or "none"
            faults.append(
                Fault(
                    pointer,
                    "unknown_parameter",
                    f"{card.slug} has no such parameter; it has: {offered}",
                )
            )
            continue
        try:
            values[name] = known[name].parse(value)
        except ValueError as error:
            faults.append(Fault(pointer, "invalid_parameter", str(error)))
    files = inputs or {}
    faults += _input_faults(card, files)
    if faults:
        raise InvalidRequest(faults)
    contents = {name: file for name, file in files.items() if isinstance(file, bytes)}
    return GenerationRequest(prompt=prompt, parameters=values, seed=seed, inputs=contents)


def _prompt_faults(card: Card, prompt: str) -> list[Fault]:
    faults = []
    if not prompt.strip():
        faults.append(Fault("/prompt", "required", "must not be empty"))
    if len(prompt) > card.max_prompt_length:
        faults.append(
            Fault("/prompt", "too_long", f"must have at most {card.max_prompt_length} characters")
        )
    if "\x00" in prompt:
        faults.append(Fault("/prompt", "invalid_character", "must not contain the NUL character"))
    return faults


def _input_faults(card: Card, files: Mapping[str, bytes | InputFacts]) -> list[Fault]:
    known = {each.name: each for each in card.inputs}
    faults = [
        Fault(f"/inputs/{_escape(name)}", "required", "must be given")
        for name, each in known.items()
        if each.required and name not in files
    ]
    for name, file in files.items():
        if name not in known:
            offered = ", ".join(known) or "none"
            detail = f"{card.slug} has no such input; it has: {offered}"
            faults.append(Fault(f"/inputs/{_escape(name)}", "unknown_input", detail))
            continue
        if isinstance(file, InputFacts):
            fault = known[name].check(size=file.size, media_type=file.media_type)
        else:
            fault = known[name].check(size=len(file), media_type=None)
        if fault is not None:
            faults.append(fault)
    return faults


def _escape(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True)
class Progress:
    """How far a run is: `done` of `total`, counted in `unit` (step, token, row)."""

    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class Preview:
    """What a run looks like so far: the text written, or a small encoded picture."""

    media_type: str
    text: str = ""
    content: bytes = b""


@dataclass(frozen=True)
class Sample:
    """The finished bytes of a run. For text families `content` is the text in UTF-8."""

    content: bytes
    media_type: str
    text: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Run(Protocol):
    """One request on its way through a generator; made by `Generator.open`."""

    @property
    def request(self) -> GenerationRequest: ...

    @property
    def progress(self) -> Progress: ...

    @property
    def done(self) -> bool: ...

    def preview(self) -> Preview | None:
        """What there is to see now, or None where the family has nothing to show."""
        ...

    @property
    def sample(self) -> Sample:
        """The result; only to be asked for when `done`."""
        ...


class UnableToGenerate(Exception):
    """A run came to no result for a reason that has a name.

    The message is for who asked; `transient` where the same request may succeed later. Notes that
    are added to it (`add_note`) are for operators.
    """

    def __init__(self, code: str, detail: str, *, transient: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.transient = transient


class FailedRuns(Exception):
    """Some runs of a pass failed, through no fault of the others, which have advanced."""

    def __init__(self, failures: Sequence[tuple[Run, Exception]]) -> None:
        super().__init__("; ".join(str(error) for _, error in failures))
        self.failures = tuple(failures)


class Generator(Protocol):
    """A loaded checkpoint.

    The bytes of a run depend on its request alone, never on the runs it shared a pass with.
    """

    @property
    def card(self) -> Card: ...

    @property
    def slots(self) -> int:
        """How many runs one pass may hold at most."""
        ...

    def open(self, request: GenerationRequest) -> Run:
        """Start a run with its own randomness; raises InvalidRequest for what only it can see."""
        ...

    def advance(self, runs: Sequence[Run]) -> None:
        """One forward pass for all of these runs, each at its own position.

        Raises FailedRuns where only some of them cannot go on; anything else failed them all.
        """
        ...
