"""The guide's example runs in process and prints what the guide promises, in plain ASCII."""

import re

import pytest

from app.demo import guide


def test_the_guides_example_prints_its_lines_with_real_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert guide.run() == 0
    text = capsys.readouterr().out
    assert text.isascii()
    for pattern in (
        r"Phase 3 Hybrid Example \(Mock RL\)\n={80}\n",
        r"\nTotal Allocated: \$[\d,]+\.\d\d\nUtilization: \d+\.\d%\n",
        r"\nRL Statistics:\n   Total Predictions: 2\n   Successful: [012]\n   Success Rate: \d+%\n",
        r"\n   Total Decisions: 1\n   RL Decisions: [01]\n   RL Usage Rate: \d+%\n",
        r"\n   RL Mean Return: 5\.00%\n   Baseline Mean: 3\.00%\n   RL Advantage: 2\.00%\n",
        r"\[SUCCESS\] All Phase 3 examples completed!\n$",
    ):
        assert re.search(pattern, text), pattern
