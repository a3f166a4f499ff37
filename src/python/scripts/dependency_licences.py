"""Print the licences of the packages that a connector needs, as this environment has them installed.

Usage: dependency_licences.py REQUIREMENTS_FILE. Prints a JSON list of {"name", "version", "licence"}, sorted by name, of the
packages that the file names and of all that these need in turn; `licence` is null where a package names none.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def normalised(name: str) -> str:
    """Spell a package's name as indexes do."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(lines: list[str]) -> list[str]:
    """Name the packages of requirement lines; those of extras are left out."""
    plain = [line for line in lines if "extra ==" not in line and not line.lstrip().startswith(("#", "-"))]
    return [normalised(found[1]) for line in plain if (found := NAME.match(line))]


def licence_of(package: Distribution) -> str | None:
    """Read the licence from the newest form of metadata that names one."""
    metadata = package.metadata
    for field in ("License-Expression", "License"):
        text = str((metadata.get_all(field) or [""])[0]).strip()
        if text and "\n" not in text and text.upper() != "UNKNOWN":
            return text[:100]
    classifiers = metadata.get_all("Classifier") or []
    names = [line.rsplit(" :: ", 1)[-1] for line in classifiers if line.startswith("License :: ")]
    return " or ".join(names) or None


def main() -> None:
    """Follow the requirements through what is installed, and print what was found."""
    waiting = needed(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    found: dict[str, dict[str, str | None]] = {}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = {"name": name, "version": package.version, "licence": licence_of(package)}
        waiting.extend(needed(package.requires or []))
    print(json.dumps([found[name] for name in sorted(found)]))


if __name__ == "__main__":
    main()
