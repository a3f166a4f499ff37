"""Rules 18 to 20, 34 and 35, about vendors' SDKs, and that the data face needs no pandas."""

import ast
import asyncio
import importlib
import inspect
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from .agent_face_subject import Function, Module, agent_modules, face_of, name_of, parents_of, some
from .model import Check, Problem, Subject

_FOR_MODELS = ("to_context", "to_llm", "to_agent_tools")
"""Methods that SDKs have for language models."""

_LONGEST_PAUSE = 0.25
"""Seconds for which the event loop may stand still."""

_TRIES = 3
"""A busy machine pauses the loop now and then, a blocking call every time."""

_WRITES = frozenset(
    [
        "write_text",
        "write_bytes",
        "unlink",
        "rename",
        "replace_file",
        "copyfile",
        "copytree",
        "rmtree",
    ]
)


def _sdk_modules(subject: Subject) -> list[Module]:
    return some(
        [module for module in agent_modules(subject.directory) if module.sdks],
        "No SDK is used: the connector speaks HTTP itself.",
    )


def _calls_of_sdk(module: Module, function: Function) -> list[ast.Call]:
    """Return the calls of what came from an SDK, also of what was made with it in this function."""
    known = set(module.sdks)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and name_of(_bare(node.value)).partition(".")[0] in known:
            known |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and name_of(node).partition(".")[0] in known
    ]


def _bare(node: ast.AST) -> ast.AST:
    return node.value if isinstance(node, ast.Await) else node


def _in_threads(subject: Subject) -> Iterator[Problem]:
    for module in _sdk_modules(subject):
        for function in (
            node for node in ast.walk(module.tree) if isinstance(node, ast.AsyncFunctionDef)
        ):
            parents = parents_of(function)
            for call in _calls_of_sdk(module, function):
                around = list(_around(call, parents))
                # Making an object or naming an exception is quick; what a method or function of it does, is not known.
                made = name_of(call).rpartition(".")[2][:1].isupper()
                apart = any(
                    isinstance(node, (ast.Await, ast.Lambda, ast.FunctionDef)) for node in around
                )
                if not made and not apart:
                    yield Problem(
                        f"{function.name} calls {name_of(call)} on the event loop: use asyncio.to_thread.",
                        module.file,
                        call.lineno,
                    )
    yield from _loop_lag(subject)


def _around(node: ast.AST, parents: dict[int, ast.AST]) -> Iterator[ast.AST]:
    current = parents.get(id(node))
    while current is not None:
        yield current
        current = parents.get(id(current))


def _loop_lag(subject: Subject) -> Iterator[Problem]:
    """Call each operation and see whether the loop stands still meanwhile."""
    for operation in face_of(subject.directory):
        pauses = [asyncio.run(_longest_pause(subject, operation)) for _ in range(_TRIES)]
        if min(pauses) > _LONGEST_PAUSE:
            yield Problem(f"{operation.name} holds the event loop up for {min(pauses):.2f} s.")


async def _longest_pause(subject: Subject, operation: Any) -> float:
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before - 0.01)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    try:
        bound = operation.bind_deps(**dict.fromkeys(operation.dependencies, "unknown"))
        await bound(_smallest(operation))
    except Exception:  # noqa: BLE001, S110 - only the time is measured
        pass
    await asyncio.sleep(0.02)
    beating.cancel()
    return longest


def _smallest(operation: Any) -> dict[str, Any]:
    """Return required parameters of the right types."""
    schema = operation.params.model_json_schema()
    examples = {
        "string": "x",
        "integer": 1,
        "number": 1.0,
        "boolean": True,
        "array": [],
        "object": {},
    }
    properties = schema.get("properties", {})
    return {
        name: examples.get(properties[name].get("type"), "x") for name in schema.get("required", [])
    }


def _one_thread(subject: Subject) -> Iterator[Problem]:
    for module in _sdk_modules(subject):
        for function in module.operations:
            threads = [
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and name_of(node).endswith("to_thread")
            ]
            if len(threads) > 1:
                yield Problem(
                    f"{function.name} changes to a thread {len(threads)} times: put the steps into one function.",
                    module.file,
                    threads[1].lineno,
                )


def _stubbed(subject: Subject) -> Iterator[Problem]:
    for module in _sdk_modules(subject):
        try:
            face_of(subject.directory)
            importlib.import_module(module.name)
        except Exception as error:  # noqa: BLE001 - a broken SDK raises anything
            yield Problem(
                f"It can't be imported: {error!s:.150}. Put a stub of the broken module into sys.modules first.",
                module.file,
                1,
            )
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler) and all(
                isinstance(one, ast.Pass) for one in node.body
            ):
                caught = {name_of(kind) for kind in getattr(node.type, "elts", [node.type])}
                if caught & {"ImportError", "ModuleNotFoundError", "SyntaxError", ""}:
                    yield Problem(
                        "Passes over a broken import: put a stub into sys.modules.",
                        module.file,
                        node.lineno,
                    )
            if isinstance(node, ast.Call) and (
                name_of(node).rpartition(".")[2] in _WRITES or _opens_to_write(node)
            ):
                yield Problem(
                    "Writes to disk where an SDK is used: stub what is broken in memory.",
                    module.file,
                    node.lineno,
                )


def _opens_to_write(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(one.value for one in call.keywords if one.arg == "mode")]
    return name_of(call) == "open" and any(
        isinstance(mode, ast.Constant) and "w" in str(mode.value) for mode in modes
    )


def _for_models(subject: Subject) -> Iterator[Problem]:
    text = "\n".join(module.text for module in agent_modules(subject.directory) if module.sdks)
    for root in sorted(
        {
            origin.partition(".")[0]
            for module in _sdk_modules(subject)
            for origin in module.sdks.values()
        }
    ):
        face_of(subject.directory)
        offered = {
            method: f"{kind.__module__}.{kind.__name__}"
            for part in _parts(root)
            for _, kind in inspect.getmembers(part, inspect.isclass)
            if kind.__module__.partition(".")[0] == root
            for method in _FOR_MODELS
            if callable(getattr(kind, method, None))
        }
        if offered and not any(f".{method}" in text or f'"{method}"' in text for method in offered):
            method, kind = next(iter(sorted(offered.items())))
            yield Problem(
                f"{kind} has {method}(), made for language models, and no operation uses it."
            )


def _parts(root: str) -> Iterator[Any]:
    """Yield the modules of a package that can be imported."""
    package = importlib.import_module(root)
    yield package
    for info in pkgutil.walk_packages(
        getattr(package, "__path__", ()), f"{root}.", onerror=lambda _: None
    ):
        try:
            yield importlib.import_module(info.name)
        except Exception:  # noqa: BLE001, S112 - a broken part offers nothing
            continue


def _low_level(subject: Subject) -> Iterator[Problem]:
    for module in _sdk_modules(subject):
        low = {
            name
            for name, origin in module.sdks.items()
            if name.endswith("Api") or ".api." in f".{origin}."
        }
        for function in (node for node in ast.walk(module.tree) if isinstance(node, Function)):
            asks = [
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and name_of(node) in ("hasattr", "getattr")
            ]
            for call in ast.walk(function):
                if (
                    isinstance(call, ast.Call)
                    and name_of(call).partition(".")[0] in low
                    and not asks
                ):
                    yield Problem(
                        f"{function.name} uses {name_of(call)} without trying the high-level client first.",
                        module.file,
                        call.lineno,
                    )
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.If)
                    and any(one in asks for one in ast.walk(node.test))
                    and not node.orelse
                    and _is_last(node, function)
                ):
                    yield Problem(
                        f"{function.name} has no way where the client lacks what it asks for.",
                        module.file,
                        node.lineno,
                    )


def _is_last(node: ast.stmt, function: Function) -> bool:
    return function.body[-1] is node


# ----------------------------------------------------------------------------------------- package

_WITHOUT_PANDAS = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pandas", "numpy", "pyarrow"):
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
import src, src.connector, src.__main__
"""


def _no_pandas(subject: Subject) -> Iterator[Problem]:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _WITHOUT_PANDAS, str(subject.directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield Problem(f"The data face can't be imported without pandas: {last:.200}")


CHECKS = [
    Check(
        "agent.sync-sdk-in-threads",
        "agent",
        "No call of an SDK holds up the event loop.",
        _in_threads,
        (18,),
    ),
    Check(
        "agent.one-thread-per-operation",
        "agent",
        "An operation changes to a thread once.",
        _one_thread,
        (19,),
    ),
    Check(
        "agent.broken-sdk-is-stubbed",
        "agent",
        "A broken part of an SDK is stubbed in memory.",
        _stubbed,
        (20,),
    ),
    Check(
        "agent.sdk-text-for-models",
        "agent",
        "What an SDK has for models is used.",
        _for_models,
        (34,),
    ),
    Check(
        "agent.low-level-as-fallback",
        "agent",
        "An SDK's low-level API is the fallback.",
        _low_level,
        (35,),
    ),
    Check(
        "package.data-face-without-pandas",
        "package",
        "The data face runs without pandas.",
        _no_pandas,
    ),
]
