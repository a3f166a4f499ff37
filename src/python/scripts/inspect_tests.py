"""Read a test suite without running it: which tests there are, what each can fail by, what keeps tests from running.

Usage: inspect_tests.py TESTS_DIR. Prints JSON: {"files": [{"path", "error", "tests", "skips", "hooks"}]}.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
#: Calls that fail a test by themselves: `pytest.raises`, `mock.assert_called_with`, `response.raise_for_status` …
CHECKING_NAMES = {"raises", "warns", "fail", "deprecated_call", "raise_for_status", "check_call", "array_equal"}
SKIP_MARKS = {"skip", "skipif", "xfail"}
SKIP_CALLS = {"skip", "xfail", "importorskip", "skipTest", "skipif"}
#: Names with which a suite leaves tests out without a hook.
BENDING = {"collect_ignore", "collect_ignore_glob", "__test__"}
#: Any hook can: pytest takes what is called so, and `specname` gives a hook another name.
HOOK = re.compile(r"pytest_\w+")
#: What pytest is made of.
INNARDS = {"_pytest", "pluggy"}


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a name or attribute chain, else an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
        return ".".join(reversed(parts))
    return parts[0] if parts else ""


def own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """Walk a function's body, but not the functions defined inside it."""
    stack = list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))


def is_constant_truth(test: ast.expr) -> bool:
    """Whether an asserted expression is true whatever the code does."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, (ast.Tuple, ast.List, ast.Set)):
        return len(test.elts) > 0
    if isinstance(test, ast.Dict):
        return len(test.keys) > 0
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return isinstance(test.operand, ast.Constant) and not test.operand.value
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(is_constant_truth(value) for value in test.values)
    if isinstance(test, ast.BoolOp):
        return all(is_constant_truth(value) for value in test.values)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = test.left, test.comparators[0]
        same = ast.dump(left) == ast.dump(right) and not any(isinstance(n, ast.Call) for n in ast.walk(left))
        if same and isinstance(test.ops[0], (ast.Eq, ast.Is, ast.LtE, ast.GtE)):
            return True
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            return isinstance(test.ops[0], (ast.Eq, ast.Is)) and left.value == right.value
        return is_length(left) and isinstance(test.ops[0], ast.GtE) and is_zero(right)
    return False


def is_length(node: ast.expr) -> bool:
    """Whether an expression is `len(...)`, which is never negative."""
    return isinstance(node, ast.Call) and dotted(node.func) == "len"


def is_zero(node: ast.expr) -> bool:
    """Whether an expression is the number 0."""
    return isinstance(node, ast.Constant) and node.value == 0


def swallowed(function: ast.AST) -> set[int]:
    """Return ids of nodes in a `try` whose handler catches a failed assert and goes on."""
    inside: set[int] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Try):
            continue
        for handler in node.handlers:
            names = [dotted(t) for t in getattr(handler.type, "elts", [handler.type])] if handler.type else [""]
            catches = any(name in {"", "Exception", "BaseException", "AssertionError"} for name in names)
            leaves = any(isinstance(n, (ast.Raise, ast.Assert)) or is_fail_call(n) for n in ast.walk(handler))
            if catches and not leaves:
                inside.update(id(n) for statement in node.body for n in ast.walk(statement))
    return inside


def is_fail_call(node: ast.AST) -> bool:
    """Whether a node is a call of `pytest.fail`."""
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "fail"


class Checks:
    """Counts what a function can fail by, following helpers that are defined in the suite."""

    def __init__(self, helpers: dict[str, list[FunctionNode]]) -> None:
        """Take the functions of the whole suite by name."""
        self.helpers = helpers
        self.known: dict[int, bool] = {}

    def of(self, function: FunctionNode) -> tuple[int, int, int]:
        """Return how many checks, constant asserts and swallowed checks stand in a function."""
        lost = swallowed(function)
        real = constant = hidden = 0
        for node in own_nodes(function):
            if isinstance(node, ast.Assert):
                if is_constant_truth(node.test):
                    constant += 1
                elif id(node) in lost:
                    hidden += 1
                else:
                    real += 1
            elif isinstance(node, ast.Call) and self.is_check(node):
                if id(node) in lost:
                    hidden += 1
                else:
                    real += 1
            elif isinstance(node, ast.Raise) and id(node) not in lost:
                real += 1
        return real, constant, hidden

    def is_check(self, call: ast.Call) -> bool:
        """Whether a call fails by itself when something is wrong."""
        name = dotted(call.func).rpartition(".")[2]
        if name in CHECKING_NAMES or name.lower().startswith(("assert", "check_that", "expect")):
            return True
        return any(self.helper_checks(helper) for helper in self.helpers.get(name, []))

    def helper_checks(self, helper: FunctionNode) -> bool:
        """Whether a helper of the suite checks something itself."""
        if id(helper) not in self.known:
            self.known[id(helper)] = False  # ends a recursion
            self.known[id(helper)] = self.of(helper)[0] > 0
        return self.known[id(helper)]


def why_vacuous(checks: tuple[int, int, int]) -> str | None:
    """Return why a test with these checks can't fail, or None."""
    real, constant, hidden = checks
    if real > 0:
        return None
    if hidden > 0:
        return "its checks stand in a try whose handler swallows their failure"
    if constant > 0:
        return "what it asserts is true whatever the code does"
    return "it asserts nothing"


def tests_of(body: list[ast.stmt], prefix: str, checks: Checks) -> Iterator[dict[str, Any]]:
    """Yield the tests of a module or class."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from tests_of(node.body, f"{prefix}{node.name}::", checks)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            counted = checks.of(node)
            yield {
                "name": f"{prefix}{node.name}",
                "line": node.lineno,
                "end": node.end_lineno,
                "checks": counted[0],
                "vacuous": why_vacuous(counted),
            }


def skips_of(tree: ast.Module) -> Iterator[dict[str, Any]]:
    """Yield what keeps tests from running or from counting."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SKIP_MARKS and "mark" in dotted(node).split("."):
            yield {"line": node.lineno, "what": dotted(node)}
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            owner, _, last = name.rpartition(".")
            if last in SKIP_CALLS and "mark" not in owner.split(".") and owner in {"", "pytest", "unittest", "self"}:
                yield {"line": node.lineno, "what": name}


def named(node: ast.AST) -> list[str]:
    """Return names that a node makes, and texts and options that could make one at run time."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return []


def innards(node: ast.AST) -> list[str]:
    """Return what a node takes of pytest's own inside, or puts into it."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.partition(".")[0] in INNARDS]
    if isinstance(node, ast.ImportFrom):
        return [node.module] if node.module and node.module.partition(".")[0] in INNARDS else []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and node.value.partition(".")[0] in INNARDS else []
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and dotted(node).startswith("pytest."):
        return [dotted(node)]
    return []


def hooks_of(tree: ast.Module) -> Iterator[dict[str, Any]]:
    """Yield hooks and names that leave tests out or bend their outcome."""
    for node in ast.walk(tree):
        bending = [name for name in named(node) if name in BENDING or HOOK.fullmatch(name)]
        for name in bending + innards(node):
            yield {"line": getattr(node, "lineno", 1), "what": name}


def main() -> None:
    """Print what the suite in the given folder holds."""
    folder = Path(sys.argv[1])
    trees: dict[str, ast.Module | str] = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        try:
            trees[name] = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError) as error:
            trees[name] = f"{type(error).__name__}: {error}"
    helpers: dict[str, list[FunctionNode]] = {}
    for tree in trees.values():
        if isinstance(tree, str):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("test"):
                helpers.setdefault(node.name, []).append(node)
    checks = Checks(helpers)
    files = []
    for name, tree in trees.items():
        if isinstance(tree, str):
            files.append({"path": name, "error": tree, "tests": [], "skips": [], "hooks": []})
            continue
        is_suite = Path(name).name.startswith("test_") or name.endswith("_test.py")
        files.append(
            {
                "path": name,
                "error": None,
                "tests": list(tests_of(tree.body, "", checks)) if is_suite else [],
                "skips": list(skips_of(tree)),
                "hooks": list(hooks_of(tree)),
            }
        )
    print(json.dumps({"files": files}))


if __name__ == "__main__":
    main()
