"""A plugin of pytest: what a test prints is kept to its beginning and its end, however much it is.

A result file that holds all of it could not be written or read.
"""

from collections.abc import Generator
from typing import Any

import pytest

HEAD, TAIL = 16_384, 65_536


def kept(text: str) -> str:
    """Return the text, without its middle where it is long."""
    left_out = len(text) - HEAD - TAIL
    if left_out <= 0:
        return text
    return f"{text[:HEAD]}\n… {left_out} characters of output are not kept …\n{text[-TAIL:]}"


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    """Cut each section of a test's report."""
    outcome = yield
    report = outcome.get_result()
    report.sections[:] = [(name, kept(text)) for name, text in report.sections]
