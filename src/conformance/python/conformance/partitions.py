"""How the lists of a child stream follow from the rows of its parent, told from the fixtures alone.

The fixtures hold lists with their addresses, and the parent's rows that these were made from. What both have in common
is what the address is made from; that the connector says the same is what is judged, so it is not asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .description import Stream, UnusableConnectorError
from .paths import Path, scalars, value_at

Place = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]
"""Path, query, partition and columns of a list."""


@dataclass(frozen=True)
class _Source:
    """Where a parameter's value comes from: fields of the parent's row, or one of the parent's own parameters."""

    fields: tuple[Path, ...]
    inherited: str | None


@dataclass(frozen=True)
class Child:
    """What leads from a row of the parent to a list of the child."""

    sources: Mapping[str, _Source]
    #: Path with `{name}` for each parameter in it.
    template: str
    #: The character that encloses a parameter in the path, where one does; doubled where the value holds it.
    quotes: Mapping[str, str]
    columns: Mapping[str, str]
    in_query: frozenset[str]

    @property
    def fields(self) -> list[Path]:
        """Return the parent's fields that hold a value of the address."""
        return [path for source in self.sources.values() for path in source.fields]

    @property
    def enclosed(self) -> dict[Path, str]:
        """Return the parent's fields whose values are enclosed in the address, with the character that does it."""
        return {
            path: self.quotes[name]
            for name, source in self.sources.items()
            for path in source.fields
            if self.quotes.get(name)
        }

    def places(self, parents: list[tuple[Any, Mapping[str, Any]]]) -> Iterator[Place]:
        """Yield the place of each list, one for each row of the parent with the parent's own partition."""
        for row, above in parents:
            partition = {
                name: above[source.inherited]
                if source.inherited is not None
                else value_at(row, source.fields[0])
                for name, source in self.sources.items()
            }
            yield self.place(partition)

    def place(self, partition: dict[str, Any]) -> Place:
        """Return the place of the list with these values of its parameters."""
        path = self.template
        for name, value in partition.items():
            path = path.replace(f"{{{name}}}", _enclosed(_text(value), self.quotes.get(name, "")))
        query = {name: value for name, value in partition.items() if name in self.in_query}
        columns = {self.columns[name]: value for name, value in partition.items()}
        return path, query, partition, columns


def child_of(stream: Stream, parent: Stream) -> Child:
    """Return how a child's lists follow from its parent's rows."""
    parents = [(row, each["partition"]) for each in parent.fixture for row in each["rows"]]
    lists = stream.fixture
    if not lists:
        raise UnusableConnectorError(f"The fixture of {stream.name} holds no list.")
    first = _below_the_parent(stream)
    sources = {
        name: _source(name, stream, [each["partition"][name] for each in first], parents)
        for name in lists[0]["partition"]
    }
    columns = dict(zip(lists[0]["partition"], lists[0]["columns"], strict=False))
    in_query = frozenset(lists[0]["query"])
    template, quotes = _template(lists, in_query)
    return Child(sources, template, quotes, columns, in_query)


def _below_the_parent(stream: Stream) -> list[Mapping[str, Any]]:
    """Return the lists that rows of the parent lead to, without those that rows of the stream itself lead to."""
    recursion = stream.recursion
    if recursion is None:
        return list(stream.fixture)
    own = [value_at(row, recursion.field) for each in stream.fixture for row in each["rows"]]
    return [each for each in stream.fixture if each["partition"][recursion.parameter] not in own]


def _source(
    name: str, stream: Stream, values: list[Any], parents: list[tuple[Any, Mapping[str, Any]]]
) -> _Source:
    """Find the fields of the parent's rows that give a parameter's values, in their order."""
    paths = {path for row, _ in parents for path, _ in scalars(row)}
    fields = [
        path
        for path in sorted(paths, key=lambda path: (len(path), path))
        if _present(value_at(row, path) for row, _ in parents) == values
    ]
    if fields:
        return _Source(tuple(fields), None)
    for inherited in {key for _, above in parents for key in above}:
        # A parent whose row lacks another value has no list, so only the values themselves are compared.
        given = [above[inherited] for _, above in parents]
        if set(map(str, values)) <= set(map(str, given)):
            return _Source((), inherited)
    raise UnusableConnectorError(
        f"The fixtures do not show where {name} of {stream.name} comes from in the rows of {stream.parent}."
    )


def _present(values: Iterator[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _template(
    lists: tuple[Mapping[str, Any], ...], in_query: frozenset[str]
) -> tuple[str, dict[str, str]]:
    """Return the path of the lists with its parameters as `{name}`, and what encloses these."""
    rows = [each["path"].split("/") for each in lists]
    segments = list(rows[0])
    quotes: dict[str, str] = {}
    for name in lists[0]["partition"]:
        if name in in_query:
            continue
        values = [_text(each["partition"][name]) for each in lists]
        ways = [(True, ""), (False, "'"), (False, '"'), (False, "")]
        for whole, enclosing in ways:
            shown = [_enclosed(value, enclosing) for value in values]
            found = [
                index
                for index in range(len(segments))
                if all(_holds(row, index, one, whole) for row, one in zip(rows, shown, strict=True))
            ]
            if found:
                quotes[name] = enclosing
                for index in found:
                    segments[index] = segments[index].replace(shown[0], f"{{{name}}}")
                break
    return "/".join(segments), quotes


def _enclosed(text: str, enclosing: str) -> str:
    return enclosing + (text.replace(enclosing, enclosing * 2) if enclosing else text) + enclosing


def _holds(row: list[str], index: int, value: str, whole: bool) -> bool:
    if index >= len(row):
        return False
    return row[index] == value if whole else value in row[index]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
