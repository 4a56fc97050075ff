"""What a rehearsal tells, as somebody reads it in a terminal: places with lines, the file's own words, nothing endless."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecr_stack import cli
from ecr_stack.cli import app
from ecr_stack.errors import Problem, counted

FILE = """config:
  aws:region: us-east-1
  ecr-stack:environment: prod
  ecr-stack:namePrefix: shop/
  ecr-stack:lifecycleGuard: {maxExpire: 10}
  ecr-stack:budget: {amount: 120, email: [ops@example.com]}
  ecr-stack:replication: {rules: [{destinations: [{region: eu-west-1}]}]}
  ecr-stack:repositoryDefaults:
    lifecycle:
      - {tagPatterns: ["*"], keepLast: 5}
      - {tagPrefixes: [v, w], keepLast: 10}
  ecr-stack:repositories:
    api: {name: shop/api}
    shop/web: {}
    worker: {}
"""


PROGRAM = """import pulumi
from ecr_stack import Registry, stack_settings

registry = Registry("shop", stack_settings())
for name, value in registry.outputs().items():
    pulumi.export(name, value)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "Pulumi.prod.yaml").write_text(FILE)
    (folder / "__main__.py").write_text(PROGRAM)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, ["rehearse", "--stack", "prod"], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [
        # the second rule makes two rules of ECR, which have the numbers 2 and 3 there
        "warning Pulumi.prod.yaml:11: ecr-stack:repositoryDefaults.lifecycle[1]: images tagged w*: `lifecycle[0]` (images tagged "
        "*) matches them all, so this one never acts; put the narrower rule first, or remove it",
        "warning Pulumi.prod.yaml:9: ecr-stack:repositoryDefaults.lifecycle: no rule selects untagged images, and AWS charges "
        "for them until they are deleted; add `{untagged: true, expireAfterDays: 7}`",
        "warning Pulumi.prod.yaml:13: ecr-stack:repositories.api.name: `namePrefix: shop/` is put in front of it, so the "
        "repository is called `shop/shop/api` in ECR; write `api` if `shop/api` is meant",
        "warning Pulumi.prod.yaml:14: ecr-stack:repositories.shop/web: `namePrefix: shop/`",
        "Stash  lifecycle guard: maxExpire 10",
        "LifecyclePolicy  images tagged *: expires all but the last 5; ",
        "120 USD a month",
        "eu-west-1:\n",
        "  shop/worker: managed by this stack\n",
    ],
)
def test_a_rehearsal_says_it_in_the_files_words(words: str, told: str) -> None:
    assert words in told


def test_nothing_of_ecrs_grammar_is_in_it(told: str) -> None:
    warnings = [line for line in told.splitlines() if line.startswith("warning")]
    assert warnings
    assert not any(
        word in line for line in warnings for word in ("tagStatus", "countNumber", "tagPatternList", "rule 2")
    )
    assert "ecr-stack:repositories.worker" not in told


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "image", "1 image"),
        (0, "image", "0 images"),
        (1200, "repository", "1,200 repositories"),
        (2, "day", "2 days"),
    ],
)
def test_what_is_counted_agrees_with_its_number(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_where_nothing_is_nothing_is_shown() -> None:
    missing = Problem("ecr-stack:replication.rules[0].destinations", None, "the key is required", "add it")
    assert str(missing).splitlines()[0] == "ecr-stack:replication.rules[0].destinations"
    assert ': ""' in str(Problem("a", "", "must not be empty", "write something"))


def test_what_looks_like_an_emoji_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
    cache = f"{{hub: {{upstream: docker-hub, credentialArn: {arn}}}}}"
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(FILE + f"  ecr-stack:pullThroughCache: {cache}\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["rehearse", "--stack", "prod"], catch_exceptions=False)
    assert f"assumed to exist: {arn}\n" in done.stdout


def test_no_command_makes_emojis_of_what_it_prints() -> None:
    made = [
        line.strip()
        for file in Path(cli.__file__).parent.glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(r"(?<!\w)Console\((?!\))", line) and not line.lstrip().startswith(("def ", "from "))
    ]
    assert len(made) > 10
    assert [line for line in made if "emoji=False" not in line] == []
