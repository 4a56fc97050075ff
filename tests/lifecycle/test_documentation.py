"""docs/reference/lifecycle.md says what lint finds."""

from __future__ import annotations

from pathlib import Path

from ecr_stack.aws.lifecycle import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lifecycle.md"
BEGIN, END = "<!-- findings: begin -->\n", "<!-- findings: end -->"


def table() -> str:
    rows = [
        f"| `{kind.code}` | {kind.severity} | {kind.summary} | [{kind.reason}]({kind.source}) | {kind.remedy} |\n"
        for kind in KINDS.values()
    ]
    head = "| code | severity | what | why | remedy |\n|---|---|---|---|---|\n"
    return head + "".join(rows)


def test_the_page_lists_every_kind_of_finding_as_it_is_in_the_code() -> None:
    listed = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert listed == table(), "write the table anew: python tests/lifecycle/test_documentation.py"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")
