"""Writes the types and resources of the client from the agreed description of the interface.

`python clients/python/generate.py` writes three modules, `--check` only says whether they are as
the description has it. What makes an operation a list, a download or the beginning of work is read
from its schemas, so that a new resource needs no line here.
"""

from __future__ import annotations

import json
import keyword
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE = HERE / "src" / "pinakes_client"
DESCRIPTION = HERE.parents[1] / "docs" / "openapi.json"
ROOT = "/api/v1"

#: Header parameters: the argument of ours, its type, and what puts the header together.
HEADERS = {
    "Idempotency-Key": ("idempotency_key", "str", "key_header(idempotency_key)"),
    "Prefer": ("wait", "float", "prefer_header(wait)"),
    "If-Match": ("if_match", "str", 'header_of("If-Match", if_match)'),
}
#: Those of a cache, which the client does not keep.
UNUSED_HEADERS = {"If-None-Match"}
#: Groups that can do something that the description has no words for.
BASES = {"generations": "GenerationStreams"}
_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_JSON, _FORM = "application/json", "multipart/form-data"
_EVENTS = "text/event-stream"


@dataclass
class Operation:
    """One operation of the description, in the words of the client."""

    group: str
    name: str
    method: str
    path: str
    summary: str
    places: dict[str, str]
    query: dict[str, str]
    required_query: set[str]
    headers: list[str]
    body: str = ""
    form: str = ""
    answer: str = "None"
    row: str = ""
    is_work: bool = False
    is_file: bool = False
    read: str = ""
    read_places: list[str] = field(default_factory=list)

    @property
    def query_type(self) -> str:
        """The name of the type of its parameters."""
        return _pascal(f"{self.group}_{self.name}") + "Query"


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def type_of(schema: dict[str, Any], prefix: str = "") -> str:
    """The annotation of a schema; types of the description are found below `prefix`."""
    if "$ref" in schema:
        return prefix + str(schema["$ref"]).rsplit("/", 1)[-1]
    for word in ("oneOf", "anyOf"):
        if word in schema:
            kinds = dict.fromkeys(type_of(each, prefix) for each in schema[word])
            return " | ".join(kinds)
    if "allOf" in schema:
        (only,) = schema["allOf"]
        return type_of(only, prefix)
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    kinds = schema.get("type", [])
    names = [_type_of_kind(kind, schema, prefix) for kind in _as_list(kinds)]
    return " | ".join(names) or "Any"


def _as_list(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _type_of_kind(kind: str, schema: dict[str, Any], prefix: str) -> str:
    if kind == "array":
        return f"Sequence[{type_of(schema['items'], prefix)}]"
    if kind == "object":
        if "properties" in schema:
            return "Mapping[str, Any]"
        return f"dict[str, {type_of(schema.get('additionalProperties') or {}, prefix)}]"
    return _SIMPLE[kind]


def write_types(description: dict[str, Any], operations: list[Operation]) -> str:
    """The module of types: one for each schema, and one for the parameters of each operation."""
    schemas = description["components"]["schemas"]
    forms = {each.form for each in operations}
    parts = [
        '"""What goes out and what comes back, written by generate.py from docs/openapi.json."""',
        "from __future__ import annotations",
        "from collections.abc import Mapping, Sequence",
        "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict",
        "from pinakes_client.calls import File",
    ]
    # Other names for types come last: unlike the members of classes, they are evaluated at once.
    for name, schema in sorted(schemas.items(), key=lambda pair: "properties" not in pair[1]):
        if "properties" not in schema:
            parts.append(f"{name}: TypeAlias = {type_of(schema)}")
            continue
        required = set(schema.get("required", ()))
        summary = schema.get("description") or f"`{name}`."
        members = {}
        for member, kind in schema["properties"].items():
            # A file is described as a word or an address; what is sent is its content.
            is_file = name in forms and kind.get("format") in {"uri", "binary"}
            written = "File" if is_file else type_of(kind)
            members[member] = written if member in required else f"NotRequired[{written}]"
        parts.append(_typed_dictionary(name, summary, members))
    for each in operations:
        if each.query:
            members = {
                name: kind if name in each.required_query else f"NotRequired[{kind}]"
                for name, kind in each.query.items()
            }
            summary = f"The parameters of `{each.group}.{each.name}`."
            parts.append(_typed_dictionary(each.query_type, summary, members))
    return _formatted("\n\n\n".join(parts) + "\n")


def _typed_dictionary(name: str, summary: str, members: Mapping[str, str]) -> str:
    """A class, or a call where a member is called like a word of the language."""
    if not any(keyword.iskeyword(member) for member in members):
        lines = [f"class {name}(TypedDict):", _docstring(summary)]
        lines += [f"    {member}: {kind}" for member, kind in members.items()]
        return "\n".join(lines)
    comments = [f"# {line}".rstrip() for line in textwrap.wrap(summary, 90)]
    written = ", ".join(f'"{member}": "{kind}"' for member, kind in members.items())
    return "\n".join([*comments, f'{name} = TypedDict("{name}", {{{written}}})'])


def _docstring(text: str, indent: str = "    ") -> str:
    lines = text.replace("\\", "\\\\").strip().splitlines()
    wrapped = [
        part for line in lines for part in textwrap.wrap(line, 92, break_long_words=False) or [""]
    ]
    if len(wrapped) == 1:
        return f'{indent}"""{wrapped[0]}"""'
    # The summary stands alone on the first line.
    if wrapped[1]:
        wrapped.insert(1, "")
    body = "\n".join(f"{indent}{line}".rstrip() for line in wrapped[1:])
    return f'{indent}"""{wrapped[0]}\n{body}\n{indent}"""'


def read_operations(description: dict[str, Any]) -> list[Operation]:
    """Every operation of the description, with the group and the name that it has here."""
    schemas = description["components"]["schemas"]
    found = [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        # Streams are read by hand-written code (`generation_streams.py`).
        if _EVENTS not in operation["responses"].get("200", {}).get("content", {})
    ]
    # `prompt_labels_set` stands below the tag `prompts`, and has a group of its own.
    others = {
        operation["operationId"].rpartition("_")[0]
        for _, _, operation in found
        if not operation["operationId"].startswith(_tag(operation))
    }
    operations = []
    for path, method, operation in found:
        group, name = _place(operation["operationId"], _tag(operation), others)
        each = _read_operation(path.removeprefix(ROOT), method, operation, schemas)
        each.group, each.name = group, name
        operations.append(each)
    _find_readers(operations)
    return sorted(operations, key=lambda each: (each.group, each.name))


def _tag(operation: dict[str, Any]) -> str:
    return str(operation["tags"][0]).replace("-", "_")


def _place(operation_id: str, tag: str, others: set[str]) -> tuple[str, str]:
    if operation_id == tag:
        return tag, "__call__"
    if operation_id.startswith(f"{tag}_"):
        return tag, operation_id.removeprefix(f"{tag}_")
    group = min((each for each in others if operation_id.startswith(f"{each}_")), key=len)
    return group, operation_id.removeprefix(f"{group}_")


def _read_operation(
    path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> Operation:
    parameters = operation.get("parameters", [])
    places = {each["name"]: each["schema"] for each in parameters if each["in"] == "path"}
    query = {_safe(each["name"]): each for each in parameters if each["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    result = Operation(
        group="",
        name="",
        method=method.upper(),
        path=path,
        summary=operation.get("description", ""),
        # In the order of the path, whatever that of the description is.
        places={
            name: type_of(places[name])
            for name in sorted(places, key=lambda name: path.index(f"{{{name}}}"))
        },
        query={name: type_of(each["schema"]) for name, each in query.items()},
        required_query={name for name, each in query.items() if each.get("required")},
        headers=[
            each["name"]
            for each in parameters
            if each["in"] == "header" and each["name"] not in UNUSED_HEADERS
        ],
        body=type_of(content[_JSON]["schema"], "schema.") if _JSON in content else "",
        form=type_of(content[_FORM]["schema"]) if _FORM in content else "",
    )
    _read_answer(result, operation["responses"], schemas)
    return result


def _safe(name: str) -> str:
    return f"{name}_" if name in {"from", "as", "in", "is", "or", "and", "not"} else name


def _read_answer(result: Operation, responses: dict[str, Any], schemas: dict[str, Any]) -> None:
    contents = [
        answer["content"]
        for status, answer in responses.items()
        if status.startswith("2") and answer.get("content")
    ]
    if not contents:
        return
    if _JSON not in contents[0]:
        result.is_file = True
        return
    schema = contents[0][_JSON]["schema"]
    result.answer = type_of(schema, "schema.")
    members = schemas.get(type_of(schema), {}).get("properties", {})
    if result.method == "GET" and {"data", "has_more", "next_cursor"} <= set(members):
        result.row = type_of(members["data"]["items"], "schema.")
    result.is_work = result.method == "POST" and "terminal" in members and "id" in members


def _find_readers(operations: list[Operation]) -> None:
    """Where the object of begun work is read: a GET that ends with an id and answers the same."""
    readers = {
        each.answer: each
        for each in operations
        if each.method == "GET" and each.places and each.path.endswith("}")
    }
    for each in operations:
        reader = readers.get(each.answer)
        if not each.is_work or reader is None:
            each.is_work = False
            continue
        *given, own = reader.places
        each.read = reader.path.replace(f"{{{own}}}", "{id}")
        each.read_places = given


def write_resources(operations: list[Operation], *, is_async: bool) -> str:
    """The module of resources of one of the two transports."""
    start = "Async" if is_async else ""
    module = "async_transport" if is_async else "transport"
    kind = "event loops" if is_async else "threads"
    parts = [
        f'"""The resources for {kind}, written by generate.py from docs/openapi.json."""',
        "from __future__ import annotations",
        "from collections.abc import Sequence\nfrom typing import Unpack",
        "from pinakes_client import schema",
        "from pinakes_client.calls import Call, fill, header_of\n"
        "from pinakes_client.calls import key_header, prefer_header, query_of",
        f"from pinakes_client.generation_streams import {start}GenerationStreams",
        f"from pinakes_client.{module} import (\n    {start}Download,\n    {start}Group,\n"
        f"    {start}Listing,\n    {start}Transport,\n    {start}Work,\n)",
    ]
    groups: dict[str, list[Operation]] = {}
    for each in operations:
        groups.setdefault(each.group, []).append(each)
    for group, members in groups.items():
        base = BASES.get(group, "Group")
        lines = [f"class {start}{_pascal(group)}({start}{base}):"]
        lines.append(f'    """The operations of `{group.replace("_", "-")}`."""')
        for each in members:
            lines += _write_methods(each, is_async=is_async)
        parts.append("\n".join(lines))
    lines = [f"class {start}Resources:", '    """Every group of the interface."""', ""]
    lines.append(f"    def __init__(self, transport: {start}Transport) -> None:")
    lines += [f"        self.{group} = {start}{_pascal(group)}(transport)" for group in groups]
    return _formatted("\n\n\n".join([*parts, "\n".join(lines)]) + "\n")


def _write_methods(each: Operation, *, is_async: bool) -> list[str]:
    if each.body and each.form:
        # The same operation takes a file as a form.
        return [
            *_write_method(each, each.name, form="", is_async=is_async),
            *_write_method(each, f"{each.name}_from_file", form=each.form, is_async=is_async),
        ]
    return _write_method(each, each.name, form=each.form, is_async=is_async)


def _write_method(each: Operation, name: str, *, form: str, is_async: bool) -> list[str]:
    start = "Async" if is_async else ""
    body = "" if form else each.body
    taken = [HEADERS[header] for header in each.headers]
    arguments = ["self", *(f"{place}: {kind}" for place, kind in each.places.items())]
    if each.places:
        arguments.append("/")
    if taken:
        arguments += ["*", *(f"{own}: {kind} | None = None" for own, kind, _ in taken)]
    rest = body or (f"schema.{form}" if form else "")
    if each.query:
        assert not rest, f"{each.group}.{each.name} takes parameters and a body"
        rest = f"schema.{each.query_type}"
    if rest:
        arguments.append(f"**{'query' if each.query else 'body'}: Unpack[{rest}]")
    answer, call, waits = _shape(each, start)
    path = f'"{each.path}"'
    if each.places:
        path = f"fill({path}, {', '.join(f'{place}={place}' for place in each.places)})"
    fields = [f'method="{each.method}"', f"path={path}"]
    if each.query:
        fields.append("query=query_of(query)")
    if taken:
        joined = ", ".join(f"**{expression}" for *_, expression in taken)
        fields.append(f"headers={{{joined}}}")
    if rest and not each.query:
        fields.append(f"{'form' if form else 'body'}=body")
    kind = "bytes" if each.is_file else each.answer
    after = ""
    if each.is_work:
        places = "".join(f", {place}={place}" for place in each.read_places)
        after = f', "{each.read}"{places}'
    wait = "await " if is_async and waits else ""
    define = "async def" if is_async and waits else "def"
    statement = f"{wait}self._transport.{call}(Call[{kind}]({', '.join(fields)}){after})"
    return [
        "",
        f"    {define} {name}({', '.join(arguments)}) -> {answer}:",
        _docstring(each.summary or f"`{each.method} {ROOT}{each.path}`.", "        "),
        f"        {'' if answer == 'None' else 'return '}{statement}",
    ]


def _shape(each: Operation, start: str) -> tuple[str, str, bool]:
    """What the method returns, which call of the transport makes it, and whether that waits."""
    if each.is_file:
        return f"{start}Download", "download", False
    if each.row:
        return f"{start}Listing[{each.answer}, {each.row}]", "listing", False
    if each.is_work:
        return f"{start}Work[{each.answer}]", "start", True
    return each.answer, "read", True


def _formatted(text: str) -> str:
    for options in (("check", "--fix-only", "--select=I,F401", "--quiet"), ("format",)):
        text = subprocess.run(
            (sys.executable, "-m", "ruff", *options, "--stdin-filename", PACKAGE / "x.py", "-"),
            input=text,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return text


def write_all(description: dict[str, Any]) -> dict[Path, str]:
    """The content of each module that is written."""
    operations = read_operations(description)
    return {
        PACKAGE / "schema.py": write_types(description, operations),
        PACKAGE / "resources.py": write_resources(operations, is_async=False),
        PACKAGE / "async_resources.py": write_resources(operations, is_async=True),
    }


def main(arguments: list[str]) -> int:
    """Write the modules, or with `--check` say which of them are stale."""
    modules = write_all(json.loads(DESCRIPTION.read_text(encoding="utf-8")))
    stale = [
        path
        for path, text in modules.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is stale: say make client\n")
        return len(stale)
    for path in stale:
        path.write_text(modules[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
