"""Our own checks of a connector's sources, read from their syntax: what no general linter knows about connectors.

Usage: check_connector.py CONNECTOR_DIR. Prints JSON: {"findings": [{rule, severity, category, message, file, line, end}]}.
Runs nothing of the connector.
"""

import ast
import json
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

Finding = dict[str, Any]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

SECRET_NAME = re.compile(
    r"^(api_?key|access_?key|secret_?key|private_?key|secret|token|access_token|refresh_token|auth_token|bearer_token"
    r"|client_secret|password|passwd|passphrase|pat)$"
)
DISPATCH_NAMES = {"endpoint", "http_method", "route"}
#: Each of these alone is a filter as APIs have them (`action`, `path`, `url`); two of them together are a dispatch.
DISPATCH_PAIRS = {"method", "path", "url", "action", "operation"}
#: Numbers that make a call larger: they need an upper bound.
SIZE_NAME = re.compile(
    r"(^|_)(limit|size|count|per_page|page_size|max|top|first|last|rows|results|batch|concurrency|retries|days|hours"
    r"|timeout|requests_per_minute)(_|$)"
)
OTHER_CLIENTS = {"requests", "aiohttp", "urllib3", "http.client", "urllib.request", "pycurl"}
HTTP_CALLS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "Client", "AsyncClient"}
#: Modules that may speak HTTP: the one helper.
HTTP_MODULES = {"client.py"}
MAX_LINES, MAX_LINES_MANY, MANY_OPERATIONS = 400, 600, 15


class Module(NamedTuple):
    """One parsed source file."""

    file: str
    path: Path
    tree: ast.Module
    text: str

    @property
    def name(self) -> str:
        """Dotted name below the package: `client`, or `` for the package itself."""
        parts = Path(self.file).with_suffix("").parts[1:]
        return ".".join(parts[:-1] if parts and parts[-1] == "__init__" else parts)


def dotted(node: ast.AST | None) -> str:
    """Return `a.b.c` for a name or attribute chain, else the last attribute or an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def finding(rule: str, severity: str, category: str, message: str, module: Module, node: ast.AST | int) -> Finding:
    """Make a finding about a node or a line."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    end = node if isinstance(node, int) else (getattr(node, "end_lineno", None) or line)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.With, ast.While, ast.For)):
        end = line  # the head says it; the whole body would hide the editor's other comments
    return {
        "rule": rule,
        "severity": severity,
        "category": category,
        "message": message,
        "file": module.file,
        "line": line,
        "end": end,
    }


def parents_of(tree: ast.AST) -> dict[int, ast.AST]:
    """Return each node's parent by id."""
    return {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def ancestors(node: ast.AST, parents: dict[int, ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes around a node, nearest first."""
    current = parents.get(id(node))
    while current is not None:
        yield current
        current = parents.get(id(current))


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return the keyword arguments of a call."""
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}


def field_calls(statement: ast.AnnAssign) -> list[ast.Call]:
    """Return the `Field(...)` calls of a model's field, in its annotation or as its value."""
    nodes = [statement.annotation, *([statement.value] if statement.value is not None else [])]
    return [
        call
        for node in nodes
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and dotted(call.func).rpartition(".")[2] == "Field"
    ]


def names_in(annotation: ast.expr) -> set[str]:
    """Return the plain names that an annotation mentions, outside of `Field(...)`."""
    found: set[str] = set()
    stack: list[ast.AST] = [annotation]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            continue
        if isinstance(node, ast.Subscript) and dotted(node.value).rpartition(".")[2] == "Literal":
            found.add("Literal")
            continue
        if isinstance(node, ast.Name):
            found.add(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(re.findall(r"[A-Za-z_]\w*", node.value))
        stack.extend(ast.iter_child_nodes(node))
    return found


def classes(module: Module) -> Iterator[ast.ClassDef]:
    """Yield the classes of a module."""
    return (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))


def fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign]]:
    """Yield the public annotated fields of a class."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if not name.startswith("_") and name != "model_config" and "ClassVar" not in names_in(statement.annotation):
                yield name, statement


def is_params(node: ast.ClassDef) -> bool:
    """Whether a class is the parameter model of an operation."""
    return node.name.endswith(("Params", "Parameters")) and any(
        dotted(base).rpartition(".")[2] in {"BaseModel", "Params"} or dotted(base).endswith("Params")
        for base in node.bases
    )


def is_model(node: ast.ClassDef) -> bool:
    """Whether a class is a pydantic model or a dataclass."""
    model = any(re.search(r"(Model|Config|Params|Settings|Credentials)$", dotted(base)) for base in node.bases)
    decorated = any("dataclass" in dotted(getattr(mark, "func", mark)) for mark in node.decorator_list)
    return model or decorated


def check_params(module: Module) -> Iterator[Finding]:
    """Parameter models: no dispatch, nothing extra, every field typed, described and bounded."""
    for node in classes(module):
        if not is_params(node):
            continue
        paired = len(DISPATCH_PAIRS & {name for name, _ in fields(node)}) > 1
        for name, statement in fields(node):
            types = names_in(statement.annotation)
            given = {key: value for call in field_calls(statement) for key, value in keywords(call).items()}
            free_text = "str" in types and "Literal" not in types
            dispatches = name in DISPATCH_NAMES or (paired and name in DISPATCH_PAIRS)
            if dispatches and free_text and "pattern" not in given:
                yield finding(
                    "one-operation",
                    "error",
                    "architecture",
                    f"{node.name}.{name} lets the caller choose what is called: make one operation per task.",
                    module,
                    statement,
                )
            description = given.get("description")
            if description is None or (isinstance(description, ast.Constant) and not str(description.value).strip()):
                message = f"{node.name}.{name} has no description: a model can't tell what to pass."
                yield finding("described-field", "warning", "documentation", message, module, statement)
            if "Any" in types:
                message = f"{node.name}.{name} is typed Any: name its type."
                yield finding("typed-field", "warning", "correctness", message, module, statement)
            if types & {"int", "float"} and SIZE_NAME.search(name) and not given.keys() & {"le", "lt"}:
                message = f"{node.name}.{name} has no upper bound (le=…): one call could ask for everything."
                yield finding("bounded-number", "warning", "correctness", message, module, statement)


def check_extra(module: Module) -> Iterator[Finding]:
    """`extra="allow"` hides misspelt parameters and configuration keys."""
    for node in classes(module):
        for inner in node.body:
            for call in ast.walk(inner):
                found = isinstance(call, ast.keyword) and call.arg == "extra"
                value = call.value if isinstance(call, ast.keyword) else None
                if isinstance(call, ast.Assign) and any(dotted(target) == "extra" for target in call.targets):
                    found, value = True, call.value
                allows = isinstance(value, ast.Constant) and value.value == "allow"
                if found and (allows or dotted(value) == "Extra.allow"):
                    severity = "error" if is_params(node) else "warning"
                    message = f'{node.name} takes unknown names in silence (extra="allow"): use "forbid".'
                    yield finding("no-extra", severity, "architecture", message, module, call.value or node)


def check_secrets_typed(module: Module) -> Iterator[Finding]:
    """Secrets are `SecretStr`, so that no repr, log or traceback shows them."""
    for node in classes(module):
        if not is_model(node):
            continue
        for name, statement in fields(node):
            types = names_in(statement.annotation)
            if SECRET_NAME.match(name) and "str" in types and "SecretStr" not in types:
                message = f"{node.name}.{name} holds a secret as plain text: type it SecretStr."
                yield finding("secret-str", "error", "security", message, module, statement)


def check_secret_shown(module: Module) -> Iterator[Finding]:
    """A secret that is taken out must not go into a log line, an error or standard output."""
    parents = parents_of(module.tree)
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and dotted(node.func).endswith("get_secret_value")):
            continue
        for outer in ancestors(node, parents):
            if isinstance(outer, ast.Call) and outer is not node:
                name = dotted(outer.func)
                last = name.rpartition(".")[2]
                logs = last in {"debug", "info", "warning", "error", "exception", "critical", "print", "log"}
                if logs or name.endswith("stdout.write"):
                    yield finding("secret-shown", "error", "security", "This shows a secret.", module, node)
                    break
            if isinstance(outer, ast.Raise):
                message = "This puts a secret into an error."
                yield finding("secret-shown", "error", "security", message, module, node)
                break
            if isinstance(outer, ast.stmt):
                break


def check_environment(module: Module) -> Iterator[Finding]:
    """Keys come through the configuration or `bind_deps`, never from the process's environment."""
    for node in ast.walk(module.tree):
        reads = isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.environb", "os.getenv"}
        imported = isinstance(node, ast.ImportFrom) and (
            (node.module == "os" and any(alias.name in {"environ", "getenv"} for alias in node.names))
            or (node.module or "").startswith("dotenv")
        )
        plain = isinstance(node, ast.Import) and any(alias.name.startswith("dotenv") for alias in node.names)
        if reads or imported or plain:
            message = "Reads the environment: take it from the configuration (or bind_deps) instead."
            yield finding("no-environment", "error", "architecture", message, module, node)


def check_http(module: Module) -> Iterator[Finding]:
    """Every request goes through the one helper, which retries, throttles and redacts."""
    for node in ast.walk(module.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if any(name == other or name.startswith(f"{other}.") for other in OTHER_CLIENTS):
                message = f"Speaks HTTP through {name}, past the client's retries, limits and redaction."
                yield finding("one-http-helper", "error", "architecture", message, module, node)
                break
        if Path(module.file).name in HTTP_MODULES or not isinstance(node, ast.Call):
            continue
        owner, _, last = dotted(node.func).rpartition(".")
        if owner == "httpx" and last in HTTP_CALLS:
            message = f"httpx.{last} is called past the client: use its one request helper."
            yield finding("one-http-helper", "error", "architecture", message, module, node)


def check_timeouts(module: Module) -> Iterator[Finding]:
    """No request without a time limit."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            timeout = keywords(node).get("timeout")
            if isinstance(timeout, ast.Constant) and timeout.value is None:
                message = "timeout=None waits for ever: give a limit."
                yield finding("time-limit", "warning", "correctness", message, module, node)


def check_raises(module: Module) -> Iterator[Finding]:
    """An exception chain shows the request's URL, which may hold a key."""
    for handler in (node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler)):
        kinds = getattr(handler.type, "elts", [handler.type]) if handler.type else []
        about_http = any(re.search(r"httpx|HTTP|Request|Transport", dotted(kind)) for kind in kinds)
        for node in ast.walk(handler):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            if isinstance(node.cause, (ast.Name, ast.Attribute)):
                message = "The chained exception can show a request with its key: raise outside of the except, or from None."
                yield finding("raise-from", "warning", "security", message, module, node)
            elif about_http and node.cause is None and isinstance(node.exc, ast.Call):
                message = "The original exception stays attached and can show a request with its key: add from None."
                yield finding("raise-from", "warning", "security", message, module, node)


def is_nothing(statement: ast.stmt) -> bool:
    """Whether a statement only goes on or returns something empty."""
    if isinstance(statement, (ast.Pass, ast.Continue, ast.Break)):
        return True
    if isinstance(statement, ast.Expr):
        if isinstance(statement.value, ast.Constant):
            return True
        called = dotted(getattr(statement.value, "func", None)).rpartition(".")[2]
        return called in {"debug", "info", "warning", "error", "exception", "print", "log"}
    if not isinstance(statement, ast.Return):
        return False
    value = statement.value
    empty = isinstance(value, (ast.List, ast.Tuple)) and not value.elts or isinstance(value, ast.Dict) and not value.keys
    return value is None or bool(empty) or (isinstance(value, ast.Constant) and not value.value)


def check_swallowed(module: Module) -> Iterator[Finding]:
    """A failed request is an error, never an empty success."""
    for handler in (node for node in ast.walk(module.tree) if isinstance(node, ast.ExceptHandler)):
        kinds = getattr(handler.type, "elts", [handler.type]) if handler.type else []
        names = [dotted(kind) for kind in kinds]
        broad = not names or any(
            name in {"Exception", "BaseException"} or re.search(r"httpx\.|HTTPError|RequestError|ConnectorError", name)
            for name in names
        )
        if broad and all(is_nothing(statement) for statement in handler.body):
            message = "A failure ends here as if nothing had happened: a failed read must be an error."
            yield finding("swallowed-error", "error", "correctness", message, module, handler)


def check_token_shape(module: Module) -> Iterator[Finding]:
    """Tokens are opaque: their look is the API's business."""
    for node in ast.walk(module.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith"):
            continue
        subject = node.func.value
        subject = subject.func.value if isinstance(subject, ast.Call) and isinstance(subject.func, ast.Attribute) else subject
        last = dotted(subject).rpartition(".")[2].lstrip("_")
        if SECRET_NAME.match(last):
            message = "Tokens are opaque strings: don't judge one by its beginning."
            yield finding("opaque-token", "warning", "correctness", message, module, node)


def check_unfinished(module: Module) -> Iterator[Finding]:
    """Nothing is left to be done later."""
    parents = parents_of(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.dump(node.exc or node):
            function = next((n for n in ancestors(node, parents) if isinstance(n, FunctionNode)), None)
            marks = [dotted(mark) for mark in function.decorator_list] if function else []
            if not any("abstract" in mark for mark in marks):
                yield finding("unfinished", "error", "correctness", "This is not implemented.", module, node)


def check_comments(module: Module) -> Iterator[Finding]:
    """Comments that silence every rule, and promises."""
    with tokenize.open(module.path) as file:
        tokens = list(tokenize.generate_tokens(file.readline))
    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if re.search(r"#\s*(ruff:\s*)?noqa\s*($|[^:\s])", token.string, re.IGNORECASE):
            message = "Silences every rule on this line: name the one that is meant."
            yield finding("blanket-noqa", "warning", "style", message, module, line)
        if re.search(r"#\s*type:\s*ignore\s*($|[^\[\s])|#\s*mypy:\s*ignore-errors", token.string):
            message = "Silences every type error here: name the one that is meant."
            yield finding("blanket-ignore", "warning", "style", message, module, line)
        if re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", token.string):
            yield finding("unfinished", "warning", "style", "Something is left to be done.", module, line)


def operation_count(module: Module) -> int:
    """Return how many operations a module defines."""
    return sum(
        any(dotted(getattr(mark, "func", mark)).rpartition(".")[2] == "connector" for mark in node.decorator_list)
        for node in ast.walk(module.tree)
        if isinstance(node, FunctionNode)
    )


def check_size(module: Module) -> Iterator[Finding]:
    """A module that fits into one reading."""
    lines = module.text.count("\n")
    limit = MAX_LINES_MANY if operation_count(module) >= MANY_OPERATIONS else MAX_LINES
    if lines > limit:
        message = f"{lines} lines: a module has at most {limit}."
        yield finding("module-size", "info", "architecture", message, module, 1)


def check_stdout(module: Module) -> Iterator[Finding]:
    """Standard output belongs to the protocol; `print` breaks a line of it sooner or later."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "print" and "file" not in keywords(node):
            message = "print writes between the protocol's messages: log instead."
            yield finding("no-print", "error", "correctness", message, module, node)


def check_blocking(module: Module) -> Iterator[Finding]:
    """Nothing holds up the event loop."""
    for function in (node for node in ast.walk(module.tree) if isinstance(node, ast.AsyncFunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and dotted(node.func) in {"time.sleep", "subprocess.run", "input"}:
                message = f"{dotted(node.func)} holds up every other request: await asyncio.sleep or use a thread."
                yield finding("blocking-call", "error", "correctness", message, module, node)


def imported_modules(module: Module, known: set[str]) -> Iterator[str]:
    """Yield the connector's own modules that are imported when this one is."""
    package = module.name if module.file.endswith("__init__.py") else module.name.rpartition(".")[0]
    for node in top_level(module.tree):
        if isinstance(node, ast.ImportFrom) and (node.level > 0 or (node.module or "").split(".")[0] == "src"):
            base = node.module or ""
            if node.level == 0:
                base = base.removeprefix("src").lstrip(".")
            else:
                parts = package.split(".") if package else []
                parts = parts[: len(parts) - (node.level - 1)]
                base = ".".join([*parts, base] if base else parts)
            candidates = {base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)}
            yield from candidates & known


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run at import, but for those under TYPE_CHECKING."""
    stack: list[ast.stmt] = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.If):
            stack.extend([*([] if "TYPE_CHECKING" in ast.dump(node.test) else node.body), *node.orelse])
        elif isinstance(node, ast.Try):
            stack.extend([*node.body, *node.orelse, *node.finalbody])
        elif isinstance(node, (ast.With, ast.ClassDef)):
            stack.extend(node.body)


def check_pandas(modules: list[Module]) -> Iterator[Finding]:
    """The data face runs without pandas."""
    by_name = {module.name: module for module in modules}
    reached, queue = set[str](), ["__main__", "connector"]
    while queue:
        name = queue.pop()
        if name in reached or name not in by_name:
            continue
        reached.add(name)
        queue.extend(imported_modules(by_name[name], set(by_name) - {""}))
    for name in sorted(reached):
        for node in top_level(by_name[name].tree):
            plain = isinstance(node, ast.Import) and any(a.name.split(".")[0] == "pandas" for a in node.names)
            if plain or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "pandas"):
                message = "Imports pandas in what the data face loads: import it where a table is made."
                yield finding("no-pandas", "error", "architecture", message, by_name[name], node)


def check_exports(modules: list[Module]) -> Iterator[Finding]:
    """The agent face is found by its two names."""
    names = {
        target.id
        for module in modules
        for node in top_level(module.tree)
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    package = next((module for module in modules if module.name == ""), None)
    for name in ("CONNECTORS", "FETCH_CONNECTORS"):
        if name not in names and package is not None:
            message = f"No module defines {name}: agents find the operations by it."
            yield finding("exports", "error", "architecture", message, package, 1)


def check_tests(module: Module) -> Iterator[Finding]:
    """Tests that take no time and no short cut."""
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        first = node.args[0] if node.args else None
        if name == "time.sleep" or (name == "asyncio.sleep" and isinstance(first, ast.Constant) and first.value):
            message = "Really sleeps: use the fake clock."
            yield finding("real-sleep", "warning", "tests", message, module, node)
        text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
        patched = last in {"patch", "setattr"} and re.match(r"src\.(client|connector|streams|reader)\b", text)
        on_client = last == "object" and "patch" in name and re.search(r"[Cc]lient", dotted(first))
        if patched or on_client:
            message = "Replaces the connector's own code: answer its HTTP requests instead, or bugs in it stay unseen."
            yield finding("mocked-own-code", "warning", "tests", message, module, node)


MODULE_CHECKS: list[Callable[[Module], Iterator[Finding]]] = [
    check_params,
    check_extra,
    check_secrets_typed,
    check_secret_shown,
    check_environment,
    check_http,
    check_timeouts,
    check_raises,
    check_swallowed,
    check_token_shape,
    check_unfinished,
    check_comments,
    check_size,
    check_stdout,
    check_blocking,
]


def load(root: Path, below: str) -> tuple[list[Module], list[Finding]]:
    """Parse the Python files of a folder; what can't be parsed is a finding."""
    modules, broken = [], []
    for path in sorted((root / below).rglob("*.py")):
        # A link may lead out of the connector; it is refused when it would be published.
        if path.is_symlink() or not path.is_file():
            continue
        file = path.relative_to(root).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            modules.append(Module(file, path, ast.parse(text), text))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            stub = Module(file, path, ast.Module(body=[], type_ignores=[]), "")
            broken.append(finding("syntax", "error", "correctness", f"Not valid Python: {error}", stub, line))
    return modules, broken


def main() -> None:
    """Print the findings about the connector in the given folder."""
    root = Path(sys.argv[1])
    sources, findings = load(root, "src")
    tests, broken_tests = load(root, "tests")
    findings.extend(broken_tests)
    for module in sources:
        for check in MODULE_CHECKS:
            findings.extend(check(module))
    for module in tests:
        findings.extend(check_tests(module))
        findings.extend(check_comments(module))
    findings.extend(check_pandas(sources))
    findings.extend(check_exports(sources))
    print(json.dumps({"findings": findings}))


if __name__ == "__main__":
    main()
