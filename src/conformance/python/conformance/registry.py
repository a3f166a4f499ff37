"""All checks of the suite."""

import importlib.util
from importlib import import_module

from .model import Check

_DATA_FACE = (
    "connection",
    "reading",
    "words",
    "bounds",
    "matrices",
    "children",
    "trees",
    "incremental",
    "filters",
    "settings",
    "resuming",
    "full_reads",
    "failures",
    "limits",
    "concurrency",
    "tokens",
    "secrets",
    "telling",
    "processes",
    "memory",
)


def data_checks() -> list[Check]:
    """Return the checks of the data face, in the order in which they are shown."""
    modules = [import_module(f".{name}", __package__) for name in _DATA_FACE]
    return [check for module in modules for check in module.CHECKS]


def agent_checks() -> list[Check]:
    """Return the checks of the agent face and of the package as a whole; none where they are not there."""
    if importlib.util.find_spec(".agent_face", __package__) is None:
        return []
    return list(import_module(".agent_face", __package__).CHECKS)


def all_checks() -> list[Check]:
    """Return every check."""
    return [*data_checks(), *agent_checks()]
