"""The reference describes the stack file as the models are. `python tests/schema/test_reference.py` writes it anew."""

from __future__ import annotations

from pathlib import Path

from ecr_stack.schema.reference import reference

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "stack-file.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->"


def test_the_reference_is_current() -> None:
    listed = REFERENCE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert listed == reference(), "write it anew: make docs"


if __name__ == "__main__":
    before, _, rest = REFERENCE.read_text(encoding="utf-8").partition(BEGIN)
    REFERENCE.write_text(before + BEGIN + reference() + END + rest.partition(END)[2], encoding="utf-8")
