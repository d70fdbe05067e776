"""What a step asks for once the steps that it leans on have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genmodels.contract import InvalidRequest
from webapp.chains.definitions import Definition, FileSource, Output, Source, Step
from webapp.chains.models import ChainRun, ChainRunStep
from webapp.generations.inputs import InputReference
from webapp.generations.models import Generation
from webapp.generations.requests import SubmitRequest
from webapp.prompts.templating import render, variables_of


class UnableToUseOutput(Exception):
    """An earlier step succeeded, but what it made cannot be put where it is to go."""

    code = "no_output"


def request_of_step(
    *, run: ChainRun, definition: Definition, steps: Sequence[ChainRunStep], place: int
) -> SubmitRequest:
    """The request of the step at `place`, with the values that it takes put in.

    Its parent is the last of the steps that it takes something from. Raises UnableToUseOutput, or
    InvalidRequest for a value that does not fit.
    """
    step, row = definition.steps[place], steps[place]
    used = definition.places_used_by(place)
    made = {definition.steps[each].name: _generation_of(steps[each]) for each in used}
    version = row.prompt_version
    text = version.text if version else step.text
    values = _values(step, text, run.inputs, made)
    return SubmitRequest(
        model=step.model,
        task=step.task,
        prompt=render(
            text,
            values=values,
            defaults=version.defaults if version else {},
            pointer=f"/steps/{place}/variables",
        ),
        params=step.params,
        inputs={name: _reference(source, made) for name, source in step.inputs.items()},
        # Trying again means the same again, where no seed was chosen too.
        seed=row.retried.seed if step.seed is None and row.retried else step.seed,
        parent_id=_generation_of(steps[used[-1]]).id if used else None,
        prompt_version_id=version.id if version else None,
        variables=values if version else {},
        retried_from_id=row.retried_id,
    )


def _generation_of(row: ChainRunStep) -> Generation:
    if row.generation is None:
        raise UnableToUseOutput(f"The result of step {row.place + 1} is no more.")
    return row.generation


def _values(
    step: Step, text: str, inputs: Mapping[str, str], made: Mapping[str, Generation]
) -> dict[str, str]:
    """A value for each place that is taken from somewhere; defaults are left to the rendering."""
    found = {}
    for name in variables_of(text):
        source = step.variables.get(name, Source("input", name))
        match source.kind:
            case "value":
                found[name] = source.name
            case "input":
                if source.name in inputs:
                    found[name] = inputs[source.name]
            case "step":
                found[name] = output_of(made[source.name], source.output)
    return found


def output_of(generation: Generation, output: Output) -> str:
    """What a result gives to the steps after it; raises UnableToUseOutput where it has no text."""
    if output == "prompt":
        return generation.prompt
    written = generation.response.text
    if not written.strip():
        raise UnableToUseOutput(f"{generation.accession} has no text.")
    match output:
        case "text":
            return written.strip()
        case "first_line":
            return written.strip().splitlines()[0].strip()
        case "whole":
            return (generation.prompt + written).strip()


def _reference(source: FileSource, made: Mapping[str, Generation]) -> InputReference:
    if source.kind != "step":
        return InputReference.parse(f"{source.kind}:{source.name}")
    generation = made[source.name]
    artifact = generation.response.artifacts.order_by("ordinal").first()
    if artifact is None or not artifact.media_type.startswith("image/"):
        raise UnableToUseOutput(f"{generation.accession} has no picture.")
    return InputReference("artifact", artifact.id)


def describe_refusal(error: InvalidRequest) -> str:
    """Why a request was not taken, in a sentence."""
    return " ".join(f"{_field(fault.pointer)} {fault.detail}." for fault in error.faults)


def _field(pointer: str) -> str:
    names = [part for part in pointer.split("/") if part and not part.isdecimal()]
    return "The " + " ".join(name for name in names if name != "steps").replace("_", " ")
