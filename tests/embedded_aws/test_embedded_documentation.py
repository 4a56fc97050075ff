from __future__ import annotations

import re

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "reference" / "embedded-aws.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_run(example: str) -> None:
    # the public name is another module's
    exec(example.replace("from ecr_stack.testing import EmbeddedAws\n", ""), {"EmbeddedAws": EmbeddedAws})


def test_the_page_names_what_exists() -> None:
    assert len(EXAMPLES) == 3
    for method in re.findall(r"`([a-z_]+)\(", PAGE):
        assert hasattr(EmbeddedAws, method), method
