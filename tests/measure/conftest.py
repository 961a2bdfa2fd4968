"""Where the measurement is installed alone, test files that use PyTorch throughout are left out, and the last lines say so."""

import importlib.util
import re
from pathlib import Path

HERE = Path(__file__).parent
USES_TORCH = [p.name for p in sorted(HERE.glob("test_*.py")) if re.search(r"^import torch$", p.read_text(), re.M)]
collect_ignore = [] if importlib.util.find_spec("torch") else USES_TORCH


def pytest_terminal_summary(terminalreporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"NOT TESTED, because PyTorch is not installed: {', '.join(collect_ignore)}")
