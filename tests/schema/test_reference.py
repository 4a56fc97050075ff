"""The README describes the stack file as the settings are. `python tests/schema/test_reference.py` writes it anew."""

from __future__ import annotations

from pathlib import Path

from ecr_stack.schema.reference import reference

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->"


def test_the_reference_in_the_readme_is_current() -> None:
    listed = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert listed == reference(), "write it anew: make docs"


if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(before + BEGIN + reference() + END + rest.partition(END)[2], encoding="utf-8")
