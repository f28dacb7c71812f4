"""Writes docs/failures.md from the cases: ``python tests/deployment/explain/document.py``.

Every case is played for real; the document shows what was reported and what was said.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[2] / "docs" / "failures.md"

HEAD = """\
# What can go wrong, and what is said of it

Each row is a test: the failure was made with a real server, and this is what came of it. Machine
paths are shortened (`APP` is the folder the server runs in, `SOURCE` the one that was deployed).
Written by `python tests/deployment/explain/document.py`; do not edit.

| What happens | What is said | What to do | Fix for programs |
| --- | --- | --- | --- |
"""


def row(case, outcome) -> str:
    """Return a case's line of the table."""
    from failing import without_places

    fix = outcome.explanation.fix
    machine = f"`{fix.kind}` {json.dumps(fix.arguments)}" if fix else ""
    said = outcome.problem.what
    if outcome.problem.file:
        said += f" ({outcome.problem.file}:{outcome.problem.line})"
    cells = [case.seen, said, outcome.problem.hint, machine]
    return "| " + " | ".join(_cell(without_places(text, outcome)) for text in cells) + " |\n"


def _cell(text: str) -> str:
    text = re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|").replace("<", "&lt;")
    return text.strip()


def main() -> None:
    sys.path[:0] = [str(HERE), str(HERE.parents[1] / "serving")]
    from cases import CASES
    from failing import Stage

    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        rows = []
        for case in CASES:
            print(case.name, flush=True)
            rows.append(row(case, stage.play(case)))
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(HEAD + "".join(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
