"""Find places in Python sources where one small mistake can be planted, and say what each would read.

A place is an exact edit of a few bytes. Only code that decides what a connector does is touched: no docstrings,
annotations, texts for people, logging, decorators, exports or blocks that run only for a type checker.
"""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

LOGGING = {"debug", "info", "warning", "error", "exception", "critical", "log"}
#: Whether these calls happen shows only in resources held a little longer, or not at all.
TIDYING = {"close", "aclose", "collect", "__init__"}
#: Keyword arguments that hold words for people, or choices that no caller can tell apart.
WORDS = {"description", "title", "help", "encoding", "errors", "strict", "indent", "stacklevel", "metavar", "prog"}
#: Text that a program reads: names, paths, codes. Anything with a blank is for people.
CODE_TEXT = re.compile(r"[A-Za-z0-9_./:$\[\]-]{1,60}")
#: Larger whole numbers are sizes and delays, where one more is no mistake.
LARGEST_COUNT = 1000
COMPARISONS: dict[type[ast.cmpop], tuple[str, str, str]] = {
    ast.Lt: ("<", "<=", "boundary"),
    ast.LtE: ("<=", "<", "boundary"),
    ast.Gt: (">", ">=", "boundary"),
    ast.GtE: (">=", ">", "boundary"),
    ast.Eq: ("==", "!=", "comparison"),
    ast.NotEq: ("!=", "==", "comparison"),
    ast.Is: ("is", "is not", "comparison"),
    ast.IsNot: ("is not", "is", "comparison"),
    ast.In: ("in", "not in", "comparison"),
    ast.NotIn: ("not in", "in", "comparison"),
}
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
}
EMPTY = {"list": "[]", "dict": "{}", "str": '""', "int": "0", "tuple": "()", "set": "set()"}
EXCEPTIONS = {"ValueError": "TypeError", "TypeError": "ValueError", "KeyError": "ValueError"}


@dataclass(frozen=True)
class Place:
    """One mistake that can be planted: bytes `start` to `end` of `file` become `text`."""

    file: str
    line: int
    operator: str
    start: int
    end: int
    text: str
    #: First and last line of the function around it; of the whole file where there is none.
    scope: tuple[int, int]


class Finder(ast.NodeVisitor):
    """Collects the places of one file in the order of its text."""

    def __init__(self, file: str, source: bytes) -> None:
        """Read the source; a file that does not parse raises `SyntaxError`."""
        self.file = file
        self.source = source
        self.offsets = [0]
        for line in source.splitlines(keepends=True):
            self.offsets.append(self.offsets[-1] + len(line))
        self.tree = ast.parse(source)
        self.places: list[Place] = []
        self.scopes: list[tuple[int, int]] = [(1, max(1, len(self.offsets) - 1))]
        self.returns: list[str] = []
        self.in_while = 0
        self.raised = sorted(
            {
                node.exc.func.id
                for node in ast.walk(self.tree)
                if isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Call)
                and isinstance(node.exc.func, ast.Name)
            }
        )

    def find(self) -> list[Place]:
        """Return the places. Some may not compile or change nothing: `is_change` tells."""
        self.visit(self.tree)
        return self.places

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Return the first byte of a node and the one after its last."""
        start = self.offsets[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self.offsets[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        """Return what a node reads."""
        start, end = self.span(node)
        return self.source[start:end].decode()

    def add(self, node: ast.AST, operator: str, text: str) -> None:
        """Note that a node may be replaced."""
        start, end = self.span(node)
        self.places.append(
            Place(self.file, node.lineno, operator, start, end, text, self.scopes[-1])  # type: ignore[attr-defined]
        )

    def between(self, left: ast.AST, right: ast.AST, operator: str, text: str, line: int) -> None:
        """Note that what stands between two nodes may be replaced; brackets there stay as they are."""
        start, end = self.span(left)[1], self.span(right)[0]
        found = re.search(rb"[^\s()#]+(?:\s+[^\s()#]+)?", self.source[start:end])
        if found is None or b"#" in self.source[start:end]:
            return
        places = (start + found.start(), start + found.end())
        self.places.append(Place(self.file, line, operator, *places, text, self.scopes[-1]))

    # ------------------------------------------------------------------------------------------- what is left alone

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read the defaults and the body, not decorators and annotations."""
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        self.scopes.append((node.lineno, node.end_lineno or node.lineno))
        self.returns.append(ast.unparse(node.returns) if node.returns is not None else "")
        outside, self.in_while = self.in_while, 0
        self.body(node.body)
        self.in_while = outside
        self.returns.pop()
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Read the body only."""
        self.body(node.body)

    def visit_Module(self, node: ast.Module) -> None:
        """Read the whole file."""
        self.body(node.body)

    def body(self, statements: list[ast.stmt]) -> None:
        """Read statements without a docstring."""
        for statement in statements:
            text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not text:
                self.visit(statement)

    def visit_If(self, node: ast.If) -> None:
        """Read a condition and its branches, unless they are only for a type checker or a program's start."""
        if any(name in ast.unparse(node.test) for name in ("TYPE_CHECKING", "__name__")):
            return
        self.condition(node.test)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Read the value; what is put into an object or a mapping may be forgotten."""
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if "__all__" in names or "__slots__" in names:
            return
        if self.returns and isinstance(node.targets[0], ast.Subscript):
            self.add(node, "statement", "pass")
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Read the value, not the annotation."""
        if node.value is not None:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        """Leave imports alone."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Leave imports alone."""

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Read an index, but not the alternatives of a type."""
        if name_of(node.value) != "Literal":
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave formatted texts alone: most are for people, and their parts have no place of their own."""

    # ------------------------------------------------------------------------------------------------- what is edited

    def condition(self, test: ast.expr) -> None:
        """Turn a condition round where no comparison in it will be."""
        if isinstance(test, (ast.Compare, ast.BoolOp)):
            return
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return
        if not isinstance(test, ast.Constant):
            self.add(test, "condition", f"(not ({self.text(test)}))")

    def visit_While(self, node: ast.While) -> None:
        """Read only the body: a loop that does not end costs a whole time limit."""
        self.in_while += 1
        self.generic_visit(node)
        self.in_while -= 1

    def visit_IfExp(self, node: ast.IfExp) -> None:
        """Turn round what an expression depends on."""
        self.condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Drop what a comprehension leaves out."""
        for test in node.ifs:
            self.add(test, "filter", "True")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Swap comparisons, boundaries first of all."""
        if len(node.ops) == 1:
            was, text, operator = COMPARISONS[type(node.ops[0])]
            del was
            self.between(node.left, node.comparators[0], operator, text, node.left.end_lineno or node.lineno)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Swap `and` and `or`."""
        text = "or" if isinstance(node.op, ast.And) else "and"
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right, "and-or", text, left.end_lineno or node.lineno)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Remove a `not`."""
        if isinstance(node.op, ast.Not):
            self.add(node, "not", f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Swap arithmetic where numbers may stand on both sides."""
        literal = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp, ast.Dict)
        sides = (node.left, node.right)
        texts = any(isinstance(s, literal) or (isinstance(s, ast.Constant) and isinstance(s.value, str)) for s in sides)
        swap = ARITHMETIC.get(type(node.op))
        if swap is not None and not texts:
            self.between(node.left, node.right, "arithmetic", swap[1], node.left.end_lineno or node.lineno)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Change a truth value, a count, or a text that a program reads."""
        if isinstance(node.value, bool):
            self.add(node, "constant", str(not node.value))
        elif isinstance(node.value, int) and abs(node.value) < LARGEST_COUNT:
            self.add(node, "constant", str(node.value + 1))
        elif isinstance(node.value, str) and CODE_TEXT.fullmatch(node.value):
            self.add(node, "text", repr(node.value + "_").replace("'", '"'))

    def visit_Call(self, node: ast.Call) -> None:
        """Read a call's arguments, but not what is logged or said to people."""
        if is_logging(node):
            return
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in WORDS:
                self.visit(keyword.value)

    def visit_Return(self, node: ast.Return) -> None:
        """Return nothing."""
        if node.value is None:
            return
        if not (isinstance(node.value, ast.Constant) or self.text(node.value) in EMPTY.values()):
            kind = self.returns[-1].split("[")[0] if self.returns else ""
            turned = f"not ({self.text(node.value)})"
            if kind != "bool":
                self.add(node.value, "return", EMPTY.get(kind, "None"))
            elif not isinstance(node.value, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
                self.add(node.value, "return", turned)
        self.visit(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Forget a call that is made for its effect."""
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call) and not is_logging(call) and name_of(call.func) not in TIDYING:
            self.add(node, "statement", "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """Forget to count; where a loop waits for it, only turn it round."""
        swap = {ast.Add: "-=", ast.Sub: "+="}.get(type(node.op))
        if not self.in_while:
            self.add(node, "statement", "pass")
        elif swap is not None:
            self.between(node.target, node.value, "arithmetic", swap, node.lineno)
        self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        """Forget an error, or raise another; its words stay."""
        self.add(node, "raise", "pass")
        name = node.exc.func if isinstance(node.exc, ast.Call) else None
        if isinstance(name, ast.Name):
            others = [other for other in self.raised if other != name.id]
            text = EXCEPTIONS.get(name.id) or (others[0] if others else None)
            if text is not None:
                self.add(name, "exception", text)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        """Let an error through that was caught."""
        if node.type is not None:
            self.add(node.type, "except", "ZeroDivisionError")
        self.body(node.body)

    def visit_Continue(self, node: ast.Continue) -> None:
        """Do not skip."""
        if not self.in_while:
            self.add(node, "statement", "pass")

    def visit_Break(self, node: ast.Break) -> None:
        """Do not end a loop that ends anyway."""
        if not self.in_while:
            self.add(node, "statement", "pass")


def name_of(function: ast.expr) -> str:
    """Return the last part of a called name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_logging(call: ast.Call) -> bool:
    """Whether a call writes a line for people."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in LOGGING:
        return False
    return "log" in ast.unparse(function.value).lower()


def planted(source: bytes, place: Place) -> bytes:
    """Return the source with the mistake in it."""
    return source[: place.start] + place.text.encode() + source[place.end :]


def is_change(source: bytes, place: Place) -> bool:
    """Whether the edited source is valid and says something else."""
    try:
        edited = ast.parse(planted(source, place))
    except (SyntaxError, ValueError):
        return False
    return ast.dump(edited) != ast.dump(ast.parse(source))


def places_of(file: str, source: bytes) -> list[Place]:
    """Return the places of one file; none where it is not Python."""
    try:
        return Finder(file, source).find()
    except (SyntaxError, ValueError):
        return []


def sample(
    places: list[Place],
    limit: int,
    wanted: Callable[[Place], bool],
    order: Callable[[Place], str],
    valid: Callable[[Place], bool],
) -> list[Place]:
    """Choose at most `limit` places, one a line.

    Three in five at most are from lines that are `wanted` (hand-written); then each file has one; the rest follow in
    `order`, so that a file has as many as its size gives it. `valid` is asked only of what is about to be chosen.
    """
    ranked = sorted(places, key=order)
    chosen: list[Place] = []
    lines: set[tuple[str, int]] = set()
    files: set[str] = set()

    def take(most: int, fits: Callable[[Place], bool]) -> None:
        for place in ranked:
            if len(chosen) >= most:
                return
            here = (place.file, place.line)
            if here not in lines and fits(place) and valid(place):
                lines.add(here)
                files.add(place.file)
                chosen.append(place)

    take(-(-limit * 3 // 5), wanted)
    take(limit, lambda place: place.file not in files)
    take(limit, lambda place: True)
    return chosen
