"""That rows below rows are read to the lowest level, each list once, also where the API leads in circles."""

import asyncio
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any

import pytest

from src.models import Parent, Partition, PartitionKey, Recursion
from src.recursion import Tree
from tests.conftest import World, in_any_order
from tests.mock_api import STREAMS, expected_records, put, value_at

RECURSIVE = [name for name, stream in STREAMS.items() if "recursive" in stream]
FLAGGED = [name for name in RECURSIVE if STREAMS[name]["recursive"].get("flag")]


def lists_below(world: World, stream: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The rows of a stream that have a list with rows below them, each with that list."""
    recursive = STREAMS[stream]["recursive"]
    lists = world.api.rows[stream]
    by_key = {json.dumps(one["partition"][recursive["parameter"]]): one for one in lists}
    rows = [row for one in lists for row in one["rows"]]
    found = [(row, by_key.get(json.dumps(value_at(row, recursive["field"])))) for row in rows]
    return [(row, below) for row, below in found if below is not None and below["rows"]]


def asked(world: World) -> list[str]:
    """What was asked for, as text."""
    return [f"{one.method} {one.url} {one.content.decode()}" for one in world.api.lists]


@pytest.mark.parametrize("stream", RECURSIVE)
def test_every_level_is_read(world: World, stream: str) -> None:
    assert len(lists_below(world, stream)) > 1
    records = world.read(stream)
    assert in_any_order(records) == in_any_order(expected_records(stream))


@pytest.mark.parametrize("stream", RECURSIVE)
def test_a_circle_is_left_after_one_round(world: World, stream: str) -> None:
    (top, first), (_, second), *_ = lists_below(world, stream)
    more = [first, second]
    for below in more:
        below["rows"].append(deepcopy(top))
    assert len(world.read(stream)) == len(expected_records(stream)) + len(more)
    assert len(asked(world)) == len(set(asked(world)))


@pytest.mark.parametrize("stream", RECURSIVE)
def test_a_row_that_is_gone_takes_only_its_own_rows_along(world: World, stream: str) -> None:
    _, below = lists_below(world, stream)[-1]
    world.api.rows[stream].remove(below)
    expected = len(expected_records(stream)) - len(below["rows"])
    assert len(world.read(stream)) == expected


@pytest.mark.parametrize("stream", FLAGGED)
def test_only_rows_that_have_rows_below_them_are_asked(world: World, stream: str) -> None:
    flag = STREAMS[stream]["recursive"]["flag"]
    (row, below), *_ = lists_below(world, stream)
    path = below["path"]
    put(row, flag, False)
    world.read(stream)
    assert not [one for one in world.api.lists if one.url.path.endswith(path)]
    put(row, flag, None)
    assert in_any_order(world.read(stream)) == in_any_order(
        [{**one["columns"], **each} for one in world.api.rows[stream] for each in one["rows"]]
    )


# ---------------------------------------------------------------------------------------- the tree


def tree_of(*roots: str, flag: str | None = "more") -> Tree:
    """A tree below some rows of a parent."""

    async def partitions() -> AsyncIterator[Partition]:
        for root in roots:
            yield {"place": "here", "node": root}

    keys = (PartitionKey(parameter="node", column="node", field=("id",)),)
    recursion = Recursion(parameter="node", field=("id",), flag=None if flag is None else (flag,))
    return Tree(Parent(stream="roots", keys=keys, recursion=recursion), partitions())


def walk(tree: Tree, lists: dict[str, list[Any]]) -> list[Any]:
    """Read the lists of a tree one after the other; return the nodes in that order."""

    async def read() -> list[Any]:
        order = []
        async for partition in tree:
            assert partition["place"] == "here"
            order.append(partition["node"])
            tree.found(partition, lists.get(str(partition["node"]), []))
            tree.finished()
        return order

    return asyncio.run(read())


def node(key: Any, more: Any = True) -> dict[str, Any]:
    """A row of a tree."""
    return {"id": key, "more": more}


def test_a_tree_is_read_depth_first_and_each_list_once() -> None:
    lists = {
        "a": [node("b"), node("c")],
        "b": [node("d"), node("a"), node("b")],
        "d": [node("c")],
        "e": [node("d")],
    }
    assert walk(tree_of("a", "e", "a"), lists) == ["a", "b", "d", "c", "e"]


def test_a_flag_may_be_a_number_or_a_list_and_without_a_word_the_api_is_asked() -> None:
    rows = [node("true"), node("two", 2), node("list", ["x"]), node("none", None), {"id": "silent"}]
    rows += [node("false", False), node("zero", 0), node("empty", []), node(None), node(""), "text"]
    assert walk(tree_of("a"), {"a": rows}) == ["a", "true", "two", "list", "none", "silent"]
    assert walk(tree_of("a", flag=None), {"a": rows[5:8]}) == ["a", "false", "zero", "empty"]


def test_lists_that_are_read_at_the_same_time_end_together() -> None:
    lists = {"a": [node("a1"), node("a2")], "b": [], "a2": [node("a3")]}
    tree = tree_of("a", "b")
    read: list[Any] = []

    async def list_of(partition: Partition) -> None:
        await asyncio.sleep(0.01)
        tree.found(partition, lists.get(str(partition["node"]), []))
        read.append(partition["node"])
        await asyncio.sleep(0.01)
        tree.finished()

    async def side_by_side() -> None:
        async with asyncio.TaskGroup() as group:
            async for partition in tree:
                group.create_task(list_of(partition))

    asyncio.run(asyncio.wait_for(side_by_side(), timeout=10))
    assert sorted(read) == ["a", "a1", "a2", "a3", "b"]


def test_what_waits_is_no_more_than_the_way_down() -> None:
    wide = {f"n{level}": [node(f"n{level + 1}"), node(f"leaf{level}")] for level in range(2000)}
    assert len(walk(tree_of("n0"), wide)) == 4001
