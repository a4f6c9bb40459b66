"""Writes the client's types from the OpenAPI document: ``make reference``.

Each schema becomes a TypedDict of the same name, each description the string below its field.
"""

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.tools.reference.document import openapi_document

CLIENT: Final = Path(__file__).parents[3] / "app" / "client"
# objects that the document writes out in their place have no name there
NAMED: Final = {
    ("AllocateRequest", "signals"): "Signal",
    ("OutcomesRequest", "outcomes"): "Outcome",
}
FILTERS: Final = {"list_decisions": "DecisionsQuery", "get_weights_csv": "WeightsQuery"}
_OWNERS: Final = {name: owner for (owner, _), name in NAMED.items()}
_WIDTH: Final = 100
_SCALARS: Final = {"number": "float", "integer": "int", "string": "str", "boolean": "bool"}
_HEAD: Final = '''"""{what}; written from the OpenAPI document.

`python -m tests.tools.reference.python_types` writes this file anew; a test compares it.
"""

from typing import {names}
'''

Schema = Mapping[str, Any]


def main() -> None:
    """Write both files."""
    for path, text in files().items():
        path.write_text(text, "ascii")


def files() -> dict[Path, str]:
    """Text of each file."""
    document = openapi_document()
    asked = dict(_requests(document))
    answered = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name not in asked
    }
    return {
        CLIENT / "schemas_request.py": _file("What callers send", asked),
        CLIENT / "schemas_response.py": _file("What the service answers", answered),
    }


def _requests(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Bodies with what stands inside them, then the filters of queries."""
    schemas = document["components"]["schemas"]
    names = {name for name in schemas if name.endswith("Request")}
    for (owner, field), name in NAMED.items():
        yield name, schemas[owner]["properties"][field]["items"]
    yield from ((name, schemas[name]) for name in schemas if name in names | {"CascadeBody"})
    for operations in document["paths"].values():
        for operation in operations.values():
            if operation["operationId"] in FILTERS:
                yield FILTERS[operation["operationId"]], _as_object(operation)


def _as_object(operation: Schema) -> Schema:
    found = [each for each in operation["parameters"] if each["in"] == "query"]
    fields = {each["name"]: each["schema"] | {"description": each["description"]} for each in found}
    title = f"Filters of {operation['operationId']}; newest first."
    return {"description": title, "properties": fields}


def _file(what: str, schemas: Mapping[str, Schema]) -> str:
    text = "\n".join(_class(name, schema) for name, schema in _in_order(schemas))
    known = ("Any", "Literal", "NotRequired", "TypedDict")
    names = ", ".join(name for name in known if name in text)
    return f"{_HEAD.format(what=what, names=names)}\n{text}"


def _in_order(schemas: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Each after those that it names, so that no name stands in quotes."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, Schema]]:
        if name in done:
            return
        done.add(name)
        text = str(schemas[name])
        for other in sorted(schemas):
            named = _OWNERS.get(other) == name or f"schemas/{other}'" in text
            if other != name and named:
                yield from visit(other)
        yield name, schemas[name]

    for name in sorted(schemas):
        yield from visit(name)


def _class(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    lines = [f"class {name}(TypedDict):", *_quoted(schema["description"]), ""]
    for field, inner in schema["properties"].items():
        kind = _kind(inner, NAMED.get((name, field)))
        lines += _folded(f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}")
        lines += _quoted(inner.get("description", ""))
    return "\n" + "\n".join(lines) + "\n"


def _folded(line: str) -> list[str]:
    """One choice a line where all together are too long."""
    head, choice, rest = line.partition("Literal[")
    if len(line) <= _WIDTH or not choice:
        return [line]
    values, _, tail = rest.partition("]")
    if tail.endswith("]"):
        # as the formatter folds a choice inside of brackets
        nullable = ["        | None"] if "None" in tail else []
        inner = [f"            {value}," for value in values.split(", ")]
        return [head, f"        {choice}", *inner, "        ]", *nullable, "    ]"]
    return [
        f"{head}{choice}",
        *(f"        {value}," for value in values.split(", ")),
        f"    ]{tail}",
    ]


def _quoted(text: str) -> list[str]:
    if not text:
        return []
    line = f'    """{text}"""'
    if len(line) <= _WIDTH and not text.endswith('"'):
        return [line]
    wrapped = textwrap.wrap(f'"""{text}', _WIDTH - 4)
    return [*(f"    {each}" for each in wrapped), '    """']


def _kind(schema: Schema, inner: str | None = None) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(_literal(value) for value in values)}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{inner or _kind(schema.get('items') or schema['prefixItems'][0])}]"
    if kind == "object":
        return f"dict[str, {_values(schema)}]"
    return "None" if kind == "null" else _SCALARS.get(str(kind), "Any")


def _literal(value: str) -> str:
    return f'"{value}"'


def _values(schema: Schema) -> str:
    patterns = list(schema.get("patternProperties", {}).values())
    below = patterns[0] if patterns else schema.get("additionalProperties")
    return _kind(below) if isinstance(below, dict) else "Any"


if __name__ == "__main__":
    main()
