"""The reference describes the stack file as the models are. `python tests/schema/test_reference.py` writes it anew."""

from __future__ import annotations

from pathlib import Path

from ecr_stack.schema.reference import project_config, reference

PROJECT = Path(__file__).parents[2]
REFERENCE = PROJECT / "docs" / "reference" / "stack-file.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->"


def test_the_reference_is_current() -> None:
    listed = REFERENCE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert listed == reference(), "write it anew: make docs"


def test_pulumi_knows_every_key_that_it_can() -> None:
    head, _, declared = (PROJECT / "Pulumi.yaml").read_text(encoding="utf-8").partition("config:\n")
    assert head
    assert "config:\n" + declared == project_config(), "write it anew: make docs"


if __name__ == "__main__":
    project = PROJECT / "Pulumi.yaml"
    project.write_text(
        project.read_text(encoding="utf-8").partition("config:\n")[0] + project_config(), encoding="utf-8"
    )
    before, _, rest = REFERENCE.read_text(encoding="utf-8").partition(BEGIN)
    REFERENCE.write_text(before + BEGIN + reference() + END + rest.partition(END)[2], encoding="utf-8")
