"""The cards of connected models, made of what is known about them."""

from __future__ import annotations

import hashlib

from genmodels.contract import Card, Parameter
from webapp.catalog.connected_folders import ConnectedFolder
from webapp.catalog.models import CONNECTED, Protocol
from webapp.catalog.pipeline_cards import card_of_pipeline
from webapp.catalog.pipeline_folders import PipelineFolder
from webapp.catalog.pretrained_folders import PretrainedFolder
from webapp.catalog.served_models import ServedModel

#: The longest prompt in characters: what the form and the database are made for.
_MAX_PROMPT_LENGTH = 100_000
_MAX_NEW_TOKENS = 4096
#: A token holds about so many characters in the languages that models know well.
_TOKEN_CHARACTERS = 4

# The names are those of our own families' knobs (`genmodels.text.knobs`), which are read by the
# same functions in the workers; the web server does without torch, and so without that module.
_TEMPERATURE = Parameter(
    name="temperature",
    kind="number",
    default=0.8,
    label="Temperature",
    help="Low is careful, high is daring; 0 always takes the likeliest token.",
    minimum=0.0,
    maximum=2.0,
    essential=True,
)
_TOP_P = Parameter(
    name="top_p",
    kind="number",
    default=1.0,
    label="Top p",
    help="Choose among the fewest tokens that hold this share of the probability.",
    minimum=0.05,
    maximum=1.0,
)
_TOP_K = Parameter(
    name="top_k",
    kind="integer",
    default=0,
    label="Top k",
    help="Choose among the k likeliest tokens only; 0 allows all.",
    minimum=0,
    maximum=1000,
)
_MIN_P = Parameter(
    name="min_p",
    kind="number",
    default=0.0,
    label="Min p",
    help="Leave out tokens that are less likely than this share of the likeliest.",
    minimum=0.0,
    maximum=1.0,
)
_REPETITION_PENALTY = Parameter(
    name="repetition_penalty",
    kind="number",
    default=1.0,
    label="Repetition penalty",
    help="Above 1, what was said lately becomes rarer; below 1, likelier.",
    minimum=0.5,
    maximum=3.0,
)
_STOP = Parameter(
    name="stop",
    kind="string",
    default="",
    label="Stop at",
    help="End before the first of these texts; put | between several, and \\n for a line break.",
    max_length=200,
)
_SYSTEM = Parameter(
    name="system",
    kind="string",
    default="",
    label="Instruction",
    help="Told to the model before the prompt, such as a manner or a role.",
    max_length=4000,
)
_AS_MESSAGE = Parameter(
    name="chat",
    kind="boolean",
    default=True,
    label="As a message",
    help="Wraps the prompt as a message to an assistant, as the model was taught.",
)


def _length(most: int) -> Parameter:
    return Parameter(
        name="max_new_tokens",
        kind="integer",
        default=min(256, most),
        label="Length",
        help="How much to write at most.",
        minimum=1,
        maximum=most,
        unit="tokens",
        essential=True,
    )


def card_of_server(
    served: ServedModel, *, slug: str, name: str, max_new_tokens: int = _MAX_NEW_TOKENS
) -> Card:
    """The card of a model on a server; whoever reads it learns where prompts are sent."""
    is_chat = served.protocol == Protocol.CHAT
    identity = "\n".join(("server", served.url, served.model, served.protocol))
    parameters = (_length(max_new_tokens), _TEMPERATURE, _TOP_P, _STOP)
    return Card(
        slug=slug,
        name=name,
        family=CONNECTED,
        architecture=served.model,
        summary=f"{served.model} on {served.host}, which is sent every prompt.",
        tasks=("conversational",) if is_chat else ("text-generation",),
        modality="text",
        media_type="text/plain",
        parameters=(*parameters, _SYSTEM) if is_chat else parameters,
        config={"server": served.url, "model": served.model, "protocol": served.protocol},
        prompt_help="What to say to the model." if is_chat else "A text to go on with.",
        max_prompt_length=_MAX_PROMPT_LENGTH,
        data={"known": "nothing; ask whoever runs the server"},
        licence="not stated",
        weights_sha256=hashlib.sha256(identity.encode()).hexdigest(),
        determinism="Not promised: the seed is sent along, and the server does with it as it can.",
    )


def card_of_folder(found: ConnectedFolder, *, slug: str, name: str) -> Card:
    """The card of a model in a folder, of either kind."""
    if isinstance(found, PipelineFolder):
        return card_of_pipeline(found, slug=slug, name=name)
    is_causal = found.task == "causal"
    most = min(_MAX_NEW_TOKENS, found.context or _MAX_NEW_TOKENS)
    parameters = [_length(most), _TEMPERATURE, _TOP_K, _TOP_P, _MIN_P, _REPETITION_PENALTY, _STOP]
    if found.has_chat_template:
        parameters += [_AS_MESSAGE, _SYSTEM]
    verb = "Continues a text" if is_causal else "Turns one text into another"
    length = (found.context or _MAX_PROMPT_LENGTH) * _TOKEN_CHARACTERS
    return Card(
        slug=slug,
        name=name,
        family=CONNECTED,
        architecture=found.architecture,
        summary=f"{verb}: {found.name}, a {found.architecture} of {_size(found)}.",
        tasks=("text-generation",) if is_causal else ("text2text-generation",),
        modality="text",
        media_type="text/plain",
        parameters=tuple(parameters),
        config={
            "folder": found.name,
            "task": found.task,
            "context": found.context,
            "has_chat_template": found.has_chat_template,
        },
        prompt_help=_help_of(found),
        max_prompt_length=min(_MAX_PROMPT_LENGTH, length),
        data={"known": "what the model's own card says"},
        licence=found.licence,
        weights_sha256=found.fingerprint,
        determinism="The same bytes on the same machine with the same versions.",
    )


def _size(found: PretrainedFolder) -> str:
    megabytes = found.num_bytes / 1e6
    return f"{megabytes / 1e3:.1f} GB" if megabytes >= 1e3 else f"{megabytes:.1f} MB"


def _help_of(found: PretrainedFolder) -> str:
    if found.has_chat_template:
        return "What to say to the model."
    if found.task == "causal":
        return "A text to go on with."
    return "The text to turn, with the prefix that the model was taught, if it has any."
