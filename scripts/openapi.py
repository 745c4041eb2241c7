"""Checks openapi/reeve.yaml beyond its form, and embeds it into the sources.

usage: openapi.py check | embed

check: every response has an example, every example fits its schema and has its fields in the schema's order, nothing
stands in the document that nothing refers to, and the copy in the sources is in step. Exit status 1 when not.
"""

import json
import pathlib
import re
import sys

import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker

SOURCE = pathlib.Path("openapi/reeve.yaml")
TARGET = pathlib.Path("Sources/ControlAPI/OpenAPIDocument.swift")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# The compiler takes one literal of any length at once; shorter lines are for those who read a difference.
CHUNK = 1000


class Loader(yaml.SafeLoader):
    """YAML 1.2 as OpenAPI wants it: no dates, no `yes` and `no`, and no key twice."""

    def construct_mapping(self, node, deep=False):
        keys = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is no text", key_node.start_mark)
            if key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands here twice", key_node.start_mark)
            keys.add(key)
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def checksum(data):
    """FNV-1a, 64 bits: enough to see that a file has changed, and short to write again in Swift."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def swift(source, document):
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if "\\#" in text or '"""#' in text:
        raise ValueError("the document has what ends or escapes in a raw Swift string; use more number signs")
    lines = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    literal = "\\#\n".join("        " + line for line in lines)
    return f'''\
// swift-format-ignore-file
// Made by scripts/embed-openapi from {SOURCE}; change that file and run the script again.

/// The OpenAPI document of the control API, which GET /openapi.json answers.
public enum OpenAPIDocument {{
    /// FNV-1a (64 bits) of {SOURCE}, by which a test sees whether this copy is in step.
    public static let checksumOfSource: UInt64 = 0x{checksum(source):016x}

    /// Compact JSON with the keys in the order of {SOURCE}.
    public static let json = [UInt8](
        #"""
{literal}
        """#.utf8
    )
}}
'''


def resolved(document, value):
    """What a reference within the document means."""
    while isinstance(value, dict) and "$ref" in value:
        target = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


class Check:
    def __init__(self, document):
        self.document = document
        self.findings = []

    def add(self, place, text):
        self.findings.append(f"{place}: {text}")

    def fits(self, place, schema, value):
        """Whether a value is valid, and has no field that the schema does not name, nor in another order."""
        whole = {"allOf": [schema], "components": self.document["components"]}
        validator = OAS31Validator(whole, format_checker=oas31_format_checker)
        for error in validator.iter_errors(value):
            where = "/".join(str(part) for part in error.absolute_path)
            self.add(place, f"{where or 'the whole'}: {error.message[:200]}")
        self.ordered(place, schema, value)

    def ordered(self, place, schema, value):
        schema = resolved(self.document, schema)
        if "allOf" in schema:
            parts = [resolved(self.document, part)["properties"] for part in schema["allOf"]]
            schema = {"properties": {name: inner for part in parts for name, inner in part.items()}}
        kind = {dict: "object", list: "array"}.get(type(value))
        for part in schema.get("anyOf", []) + schema.get("oneOf", []):
            target = resolved(self.document, part)
            # Of several kinds of objects the one that it is: it has what that kind requires.
            if kind is not None and target.get("type") == kind and set(target.get("required", [])) <= set(value):
                self.ordered(place, part, value)
        if isinstance(value, list) and "items" in schema:
            for element in value:
                self.ordered(place, schema["items"], element)
        if isinstance(value, dict) and "properties" in schema:
            order = [name for name in schema["properties"] if name in value]
            known = [name for name in value if name in schema["properties"]]
            if order != known:
                self.add(place, f"fields in the order {known}, the schema has {order}")
            for name in value if "additionalProperties" not in schema else ():
                if name not in schema["properties"]:
                    self.add(place, f"the schema has no field {name}")
            for name, inner in value.items():
                if name in schema["properties"]:
                    self.ordered(place, schema["properties"][name], inner)

    def content(self, place, content, status=None):
        for media_type, media in content.items():
            examples = media.get("examples", {})
            if not examples:
                self.add(place, f"{media_type} without an example")
            for name, example in examples.items():
                value = resolved(self.document, example)["value"]
                self.fits(f"{place} {name}", media["schema"], value)
                if media_type == "application/problem+json" and str(value["status"]) != status:
                    self.add(f"{place} {name}", f"a problem of status {value['status']}")

    def response(self, place, status, response):
        response = resolved(self.document, response)
        for name, header in response.get("headers", {}).items():
            header = resolved(self.document, header)
            self.fits(f"{place} header {name}", header["schema"], header["example"])
        self.content(place, response.get("content", {}), status)

    def operation(self, place, path, shared, operation):
        for field in ("operationId", "summary", "description", "tags", "x-role", "responses"):
            if field not in operation:
                self.add(place, f"no {field}")
        names = []
        for parameter in shared + operation.get("parameters", []):
            parameter = resolved(self.document, parameter)
            names.append((parameter["in"], parameter["name"]))
            self.fits(f"{place} {parameter['name']}", parameter["schema"], parameter["example"])
        if len(set(names)) != len(names):
            self.add(place, "a parameter stands here twice")
        if {name for kind, name in names if kind == "path"} != set(self.captures(path)):
            self.add(place, "the parameters of the path are not those of its template")
        if "requestBody" in operation:
            self.content(f"{place} body", operation["requestBody"]["content"])
        for status, response in operation["responses"].items():
            self.response(f"{place} {status}", status, response)

    @staticmethod
    def captures(path):
        return [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]

    def schemas(self):
        """Fields are required, null where they have no value; optional are those that clients send, and flags with one
        value, which are there or not."""
        for name, schema in self.document["components"]["schemas"].items():
            properties = schema.get("properties")
            if properties is None or schema.get("additionalProperties") is False:
                continue
            if [name for name, inner in properties.items() if inner.get("const") is not False] != schema.get("required"):
                self.add(f"schema {name}", "`required` is not the list of its properties in their order")

    def unused(self):
        used = set(references(self.document))
        for kind, entries in self.document["components"].items():
            for name in entries:
                if f"#/components/{kind}/{name}" not in used:
                    self.add(f"components/{kind}/{name}", "nothing refers to it")

    def everything(self):
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    self.operation(f"{method.upper()} {path}", path, item.get("parameters", []), item[method])
        self.schemas()
        self.unused()
        return self.findings


def main(arguments):
    if arguments not in (["check"], ["embed"]):
        print(__doc__, file=sys.stderr)
        return 2
    source = SOURCE.read_bytes()
    document = yaml.load(source, Loader)
    generated = swift(source, document)
    if arguments == ["embed"]:
        TARGET.write_text(generated, encoding="utf-8")
        return 0
    findings = Check(document).everything()
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != generated:
        findings.append(f"{TARGET} is not in step with {SOURCE}; run scripts/embed-openapi")
    for finding in findings:
        print(f"{SOURCE}: {finding}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
