"""The line that tells why a run failed is the error, in whatever order the engine carried the output."""

from __future__ import annotations

import pytest

from harness.replay import faults

TRACEBACK = """Traceback (most recent call last):
  File "train_gpt.py", line 3, in <module>
    main()
RuntimeError: no weights
"""


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("step 1\n" + TRACEBACK, "RuntimeError: no weights"),
        (TRACEBACK + "Total submission size: 72244 bytes\n", "RuntimeError: no weights"),
        (TRACEBACK.replace("    main()\n", "    main()\nTotal size\n"), "RuntimeError: no weights"),
        (TRACEBACK + TRACEBACK.replace("Runtime", "x.Bad"), "x.BadError: no weights"),
        (TRACEBACK.replace("RuntimeError: no weights", "KeyboardInterrupt"), "KeyboardInterrupt"),
        ("step 1\nkilled\n\n", "killed"),
        ("", ""),
    ],
)
def test_the_last_line_is_the_error(tail: str, line: str) -> None:
    assert faults._last_line(tail) == line
