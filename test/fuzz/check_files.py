"""Judges compiled files, a connector on each line of standard input: whether they parse, and what is code in them."""

import ast
import json
import re
import sys
import tomllib
import warnings

SCRIPTS = re.compile(r"source-[a-z0-9-]+")
UNSEEN = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
NAMES = {"__import__", "eval", "exec", "compile"}
ATTRIBUTES = {"system", "popen", "__import__"}
warnings.simplefilter("error")


def called(tree: ast.AST) -> set[str]:
    """What no generated file has as code: where it is, a text has got out of its literal."""
    nodes = list(ast.walk(tree))
    names = NAMES & {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | (ATTRIBUTES & {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def python(text: str) -> str | None:
    """What is wrong with a file of Python."""
    if found := called(ast.parse(text)):
        return f"a text became code: {sorted(found)}"
    unseen = UNSEEN.search(text)
    return f"a character that is not seen: {unseen[0]!a}" if unseen else None


def project(text: str) -> str | None:
    """What is wrong with pyproject.toml."""
    found = tomllib.loads(text)
    if set(found) != {"build-system", "project", "tool"}:
        return f"unexpected tables: {sorted(found)}"
    scripts = found["project"]["scripts"]
    if len(scripts) != 1 or not all(SCRIPTS.fullmatch(name) for name in scripts):
        return f"unexpected scripts: {scripts}"
    return None


def judge(path: str, text: str) -> str | None:
    """What is wrong with a file, or nothing."""
    try:
        if path.endswith(".py"):
            return python(text)
        if path.endswith(".toml"):
            return project(text)
        if path.endswith(".json"):
            json.loads(text)
    except (SyntaxError, SyntaxWarning, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return None


seen: set[int] = set()
for line in sys.stdin:
    wrong = []
    for file in json.loads(line):
        mark = hash(file["content"])
        if mark in seen:
            continue
        seen.add(mark)
        problem = judge(file["path"], file["content"])
        if problem is not None:
            wrong.append(f"{file['path']}: {problem}")
    print(json.dumps(wrong), flush=True)
