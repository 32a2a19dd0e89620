"""The measured facts of the documents: one file, with a section for each program that measures."""

import json
import os
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parent / "facts.json"
NUMBERS, TIMES, COURSE_SIZE = "numbers", "times", "course_size"
DEPENDENCY, SECOND_ENVIRONMENT, TESTING = "dependency", "second_environment", "testing"


def section(name: str) -> dict[str, Any]:
    """What a program has measured; empty if it has not been run."""
    return _all().get(name, {})


def write_section(name: str, facts: dict[str, Any]) -> None:
    """Put what a program has measured in the place of what it measured before."""
    replace_file(FACTS, as_json(_all() | {name: facts}))


def as_json(facts: dict[str, Any]) -> bytes:
    """Facts as they are committed, with nine digits: the last ones differ between machines."""
    text = json.dumps(_rounded(facts), indent=1, ensure_ascii=False)
    return f"{text}\n".encode()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file at once: it is never there by halves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _all() -> dict[str, Any]:
    return json.loads(FACTS.read_text("utf-8")) if FACTS.exists() else {}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return value
