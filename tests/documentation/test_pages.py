"""What the documentation shows is true: stack files are accepted, programs run, commands exist, messages are AWS's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name
from botocore.exceptions import ClientError

from ecr_stack.aws.lifecycle import evaluate, lint, parse_images
from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.stack import NAMESPACE, settings_in
from ecr_stack.schema.stack import schema as stack_schema
from ecr_stack.testing import rehearse_program
from tests.conftest import PROJECT
from tests.documentation.reference_pages import FOLDER, pages

DOCS = PROJECT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NEW = [
    page
    for page in [*PAGES, PROJECT / "README.md"]
    if page.parent != DOCS / "reference" and page.name not in ("testing.md", "engine.md", "local.md")
]


def blocks(language: str, among: list[Path]) -> Iterator[Any]:
    for page in among:
        text = re.sub(r"(?m)^ {1,3}(?=```)", "", page.read_text())
        for number, block in enumerate(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)):
            yield pytest.param(block, id=f"{page.stem} {number}")


# The reference


@pytest.mark.parametrize("name", ["command-line.md", "components.md", "checks.md"])
def test_a_page_of_the_reference_is_the_codes_own_words(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "run `make docs`"


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = {page.relative_to(tmp_path).with_suffix(".md") for page in tmp_path.rglob("*.html")} - {Path("404.md")}
    assert built == {page.relative_to(DOCS) for page in PAGES}
    for page in tmp_path.rglob("*.html"):
        text = page.read_text()
        loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link\b(?=[^>]*rel=\"?(?:stylesheet|preconnect|icon))[^>]*href=\"?([^\" >]+)", text)
        assert loaded
        assert not [each for each in loaded if each.startswith(("http:", "https:", "//"))], page
        assert 'class="mermaid"' not in text  # the theme would load a script for it


# Stack files


@pytest.mark.parametrize("block", [each for each in blocks("yaml", NEW) if "ecr-stack:" in each.values[0]])
def test_a_stack_file_that_is_shown_is_accepted(block: str, tmp_path: Path) -> None:
    if "the destination, its own stack file" in block:
        pytest.skip("two stack files side by side, in two columns")
    data = yaml.safe_load(block)
    config = {"aws:region": "us-east-1", "ecr-stack:environment": "test", **data.get("config", data)}
    named = {
        each if each[-1] not in "-/" else f"{each}x"
        for rule in config.get("ecr-stack:replication", {}).get("rules", ())
        for each in rule.get("repositoryFilters", ())
    }
    config.setdefault("ecr-stack:repositories", {name: {} for name in ["api", *sorted(named - {"api"})]})
    (tmp_path / "Pulumi.yaml").write_text("name: ecr-stack\nruntime: python\n")
    (tmp_path / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    stack = read_stack(read_project(tmp_path), "test")
    assert settings_in(stack.config, source="the page").repositories


MOVES = [page for page in PAGES if page.name.startswith("from-")]


@pytest.mark.parametrize("page", MOVES, ids=lambda page: page.stem)
def test_a_table_for_those_who_move_names_keys_that_exist(page: Path) -> None:
    text = json.dumps(stack_schema())
    known = set(re.findall(r'"(?:ecr-stack:)?(\w+)": \{', text)) | {"AES256", "KMS", "MUTABLE", "any", "untagged"}
    program = "awsx" in page.name
    rows = [row.split("|")[2] for row in page.read_text().splitlines() if row.startswith("| `")]
    assert len(rows) > 8
    for row in rows:
        for word in re.findall(r"`([^`]+)`", row):
            for part in re.split(r"[.:]\s*", word):
                if part in ("aws", "region", "true", "RegistryReference") or "(" in part or part == "PrincipalOrgID":
                    continue
                key = re.sub(r"_(\w)", lambda match: match[1].upper(), part) if program else part
                assert key in known, f"{word} in {row}"


# Programs


@pytest.mark.parametrize("block", [each for each in blocks("python", NEW) if "import pulumi" in each.values[0]])
def test_a_program_that_is_shown_can_be_rehearsed(block: str) -> None:
    assumed = ["arn:aws:iam::123456789012:role/eks-prod-node-role"]
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
    outputs = {
        "keyArn": key,
        "repositoryUrls": {},
        "registryId": "123456789012",
        "region": "us-east-1",
        "repositoryArns": {},
        "keyAlias": "alias/prod-ecr",
    }
    report = rehearse_program(
        lambda: exec(compile(block, "the page", "exec"), {"__name__": "__main__"}),
        assume=[*assumed, key],
        stack_references={"acme/registry/prod": outputs},
    )
    assert report.resources
    assert report.outputs


# Commands


def aws_commands() -> Iterator[Any]:
    for page in [*PAGES, PROJECT / "README.md"]:
        text = page.read_text().replace("\\\n", " ")
        for match in re.finditer(r"(?:^|`|\$ |\()aws ([a-z][a-z0-9-]+) ([a-z][a-z-]+)([^`|\n)]*)", text, re.MULTILINE):
            if match[1] not in ("sso", "configure") and match[2] != "wait":
                yield pytest.param(match[1], match[2], match[3], id=f"{page.stem}: aws {match[1]} {match[2]}")


@pytest.mark.parametrize(("service", "operation", "rest"), list(aws_commands()))
def test_a_command_of_the_aws_cli_exists_with_its_options(service: str, operation: str, rest: str) -> None:
    if operation in ("get-login", "get-login-password"):  # the CLI's own
        assert service == "ecr"
        return
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names
    members = model.operation_model(names[operation]).input_shape.members
    known = {xform_name(name, "-") for name in members} | {"output", "query", "region", "cli-input-json"}
    assert set(re.findall(r"--([a-z-]+)", rest)) <= known


def test_the_options_of_pulumi_are_ones_that_the_pages_agree_on() -> None:
    words = {"preview", "up", "stack", "login", "refresh", "config", "state", "package", "destroy", "version", "plugin"}
    for page in [*PAGES, PROJECT / "README.md"]:
        for word in re.findall(r"(?m)^\$? ?pulumi ([a-z]+)", page.read_text()):
            assert word in words, page


# Lifecycle


@pytest.mark.parametrize(
    "block",
    [each for each in blocks("json", [DOCS / "explanation" / "lifecycle.md"]) if "rulePriority" in each.values[0]],
)
def test_a_lifecycle_document_that_is_shown_is_one_that_ecr_takes(block: str) -> None:
    assert [each for each in lint(block) if each.severity == "error"] == []


def test_the_picture_of_the_lifecycle_shows_what_ecr_does() -> None:
    page = (DOCS / "explanation" / "lifecycle.md").read_text()
    (document,) = [block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if "rulePriority" in block]
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "tagPrefixes: [dev-]" in block]
    config = {
        **yaml.safe_load(block),
        "aws:region": "us-east-1",
        "ecr-stack:environment": "x",
        "ecr-stack:repositories": {"api": {}},
    }
    settings = settings_in(
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}, source="page"
    )
    assert json.loads(settings.lifecycle_text("api") or "") == json.loads(document)

    texts = re.findall(r"<text[^>]*>([^<]*)</text>", (DOCS / "explanation" / "first-rule.svg").read_text())
    drawn = {
        texts[place]: (int(texts[place + 1].split()[0]), texts[place + 2], texts[place + 3])
        for place, text in enumerate(texts[:-3])
        if re.fullmatch(r"\d+ days?", texts[place + 1])
    }
    assert len(drawn) == 6
    now = datetime(2026, 11, 1, tzinfo=UTC)
    digests = {f"sha256:{number:064d}": tag for number, tag in enumerate(drawn)}
    images = [
        {"imageDigest": digest, "imageTags": [tag], "imagePushedAt": (now - timedelta(days=drawn[tag][0])).isoformat()}
        for digest, tag in digests.items()
    ]
    result = evaluate(document, parse_images(json.dumps({"imageDetails": images})), now)
    gone = {digests[each.image.digest]: f"rule {each.rule_priority}" for each in result.expire}
    assert gone == {tag: why for tag, (_, verdict, why) in drawn.items() if verdict == "expires"}


# Messages


HEADINGS = re.findall(r"(?m)^### (.+)$", (DOCS / "how-to" / "troubleshooting.md").read_text())


def test_every_error_code_in_the_troubleshooting_is_one_of_aws() -> None:
    session = botocore.session.get_session()
    known = {"ExpiredTokenException", "UnrecognizedClientException", "ThrottlingException"}  # of every service
    known |= {"MalformedPolicyDocument", "EntityAlreadyExists"}  # IAM's shapes end in Exception, its codes do not
    for service in ("ecr", "kms"):
        known |= {shape.name for shape in session.get_service_model(service).error_shapes}
    codes = {code for heading in HEADINGS for code in re.findall(r"`([A-Z]\w+)`", heading)}
    assert len(codes) > 15
    assert codes <= known


def policy(role: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "ecr:BatchGetImage"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


LIFECYCLE = {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "tagged", "countType": "imageCountMoreThan",
                                                         "countNumber": 5}, "action": {"type": "expire"}}]}  # fmt: skip
FILTERED = {
    "rules": [
        {
            "destinations": [{"region": "us-west-2", "registryId": "123456789012"}],
            "repositoryFilters": [{"filter": "*", "filterType": "PREFIX_MATCH"}],
        }
    ]
}
REFUSALS: dict[str, Callable[[EmbeddedAws], Any]] = {
    "RepositoryNotFoundException": lambda aws: aws.call("ecr", "DescribeImages", {"repositoryName": "none"}),
    "ImageTagAlreadyExistsException": lambda aws: aws.push_image("api", "v1", platforms=["linux/arm64"]),
    "ImageNotFoundException": lambda aws: aws.call(
        "ecr", "DescribeImages", {"repositoryName": "api", "imageIds": [{"imageTag": "v9"}]}
    ),
    "RepositoryAlreadyExistsException": lambda aws: aws.call("ecr", "CreateRepository", {"repositoryName": "api"}),
    "RepositoryNotEmptyException": lambda aws: aws.call("ecr", "DeleteRepository", {"repositoryName": "api"}),
    "Principal not found": lambda aws: aws.call(
        "ecr",
        "SetRepositoryPolicy",
        {"repositoryName": "api", "policyText": policy("arn:aws:iam::123456789012:role/none")},
    ),
    "'repositoryName' failed to satisfy": lambda aws: aws.call("ecr", "CreateRepository", {"repositoryName": "API"}),
    "Lifecycle policy validation failure": lambda aws: aws.call(
        "ecr", "PutLifecyclePolicy", {"repositoryName": "api", "lifecyclePolicyText": json.dumps(LIFECYCLE)}
    ),
    "repositoryFilters.1.member.filter": lambda aws: aws.call(
        "ecr", "PutReplicationConfiguration", {"replicationConfiguration": FILTERED}
    ),
    "LifecyclePolicyNotFoundException": lambda aws: aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"}),
    "KmsException": lambda aws: aws.call(
        "ecr",
        "CreateRepository",
        {
            "repositoryName": "enc",
            "encryptionConfiguration": {
                "encryptionType": "KMS",
                "kmsKey": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000",
            },
        },
    ),
    "scan quota per image": lambda aws: [
        aws.call("ecr", "StartImageScan", {"repositoryName": "api", "imageId": {"imageTag": "v1"}}) for _ in range(2)
    ],
}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(account="123456789012", region="us-east-1") as aws:
        aws.call("ecr", "CreateRepository", {"repositoryName": "api", "imageTagMutability": "IMMUTABLE"})
        aws.push_image("api", "v1")
        yield aws


@pytest.mark.parametrize("words", REFUSALS)
def test_a_message_in_the_troubleshooting_is_what_aws_says(aws: EmbeddedAws, words: str) -> None:
    (heading,) = [each for each in HEADINGS if words in each]
    with pytest.raises(ClientError) as refused:
        REFUSALS[words](aws)
    code, message = refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]
    assert code in heading
    quoted = heading.partition("`: ")[2].replace("`", "")
    for part in quoted.split(" … "):
        assert part.strip() in message


def test_no_key_of_the_reference_is_missing_from_where_it_is_spoken_of() -> None:
    top = {key.removeprefix(NAMESPACE) for key in stack_schema()["properties"]["config"]["properties"]}
    for page in NEW:
        for key in re.findall(r"`ecr-stack:(\w+)", page.read_text()):
            assert key in top, f"{page.name}: {key}"
