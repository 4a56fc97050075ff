"""A live repository keeps its documents, whoever made them first and whatever the repository is called now.

A repository has one lifecycle policy and one policy. Pulumi deletes what a program no longer names after it has made
what is new: where both are the same thing in AWS, the new one would go with the old.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from pulumi_engine import ACCESS, LIFECYCLE, Engine, plain

DOCUMENT = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
            "action": {"type": "expire"},
        }
    ]
}
PLAIN = f"""
import json
import pulumi
import pulumi_aws as aws

options = pulumi.ResourceOptions()
repository = aws.ecr.Repository("api", name="api")
aws.ecr.LifecyclePolicy("api-lifecycle", repository=repository.name, policy=json.dumps({DOCUMENT!r}))
aws.ecr.RepositoryPolicy(
    "api-policy",
    repository=repository.name,
    policy=json.dumps(
        {{
            "Version": "2012-10-17",
            "Statement": [
                {{
                    "Sid": "AllowPull",
                    "Effect": "Allow",
                    "Principal": {{"AWS": "arn:aws:iam::123456789012:role/eks-dev-node-role"}},
                    "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                }}
            ],
        }}
    ),
)
"""
REGISTRY = "from ecr_stack import Registry, stack_settings\n\nsettings = stack_settings()\nRegistry(settings.environment, settings)\n"


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:test::ecr-stack::aws:ecr/{kind}::{name}"


URNS = [
    urn("repository:Repository", "api"),
    urn("lifecyclePolicy:LifecyclePolicy", "api-lifecycle"),
    urn("repositoryPolicy:RepositoryPolicy", "api-policy"),
]


def documents(engine: Engine) -> tuple[int, list[str]]:
    """What the live repository has: how many images its lifecycle keeps, and which roles its policy names."""
    lifecycle = engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    policy = engine.aws.call("ecr", "GetRepositoryPolicy", {"repositoryName": "api"})["policyText"]
    kept = json.loads(lifecycle)["rules"][0]["selection"]["countNumber"]
    return kept, sorted(set(re.findall(r"role/[\w-]+", policy)))


WHOLE = (5, ["role/eks-dev-node-role"])


def settles(engine: Engine) -> None:
    """The deployment and each after it leave the live documents whole."""
    engine.up()
    assert documents(engine) == WHOLE
    engine.up("--refresh")
    assert documents(engine) == WHOLE
    engine.up("--expect-no-changes")
    assert documents(engine) == WHOLE


def is_stopped(engine: Engine, *lost: str) -> str:
    """Preview and update both stop, name what would be lost and the URN that finds it, and change nothing."""
    made = engine.repository("api")["createdAt"]
    for command in (("preview",), ("up", "--yes"), ("up", "--yes", "--skip-preview")):
        answer = engine(*command, code=-1)
        assert "ecr_stack/components" not in answer.said, answer.said
        for words in lost:
            assert words in answer.said
        assert documents(engine) == WHOLE
        assert engine.repository("api")["createdAt"] == made
    return answer.said


@pytest.fixture
def taken(engine: Engine) -> Iterator[Engine]:
    """A stack whose repository was made by plain resources."""
    engine.stack("test", plain())
    engine.write(PLAIN)
    engine.up()
    assert documents(engine) == WHOLE
    engine.write(REGISTRY)
    yield engine


def changes(engine: Engine) -> set[str]:
    """The operations of a preview on AWS's resources."""
    return {operation for name, operation in engine.changes().items() if name.startswith("aws:")}


def repositories(engine: Engine, **settings: object) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS}
    engine.configure("test", plain(repositories={"api": settings}, repositoryDefaults=defaults))


def test_a_repository_that_is_taken_over_without_its_documents_is_not_touched(taken: Engine) -> None:
    repositories(taken, aliases=URNS[:1])
    said = is_stopped(taken, "repository's lifecycle policy", "repository's policy", URNS[1], URNS[2])
    assert "aliases" in said


def test_a_repository_that_is_taken_over_with_its_documents_keeps_them(taken: Engine) -> None:
    repositories(taken, aliases=URNS)
    # the repository gets its tags; AWS's provider makes a changed lifecycle policy anew
    replaced = {name for name, operation in taken.changes().items() if operation == "replace"}
    assert replaced == {"aws:ecr/lifecyclePolicy:LifecyclePolicy test-api"}
    assert changes(taken) == {"update", "replace"}
    settles(taken)


def test_a_repository_that_is_taken_over_without_any_alias_is_not_touched(taken: Engine) -> None:
    repositories(taken)
    is_stopped(taken, "all its images", URNS[0])


def test_a_failed_take_over_is_put_right_by_the_aliases(taken: Engine) -> None:
    repositories(taken, aliases=URNS[:1])
    taken.up(code=-1)
    repositories(taken, aliases=URNS)
    settles(taken)


def test_importing_a_bare_repository_that_another_resource_of_the_stack_stands_for_is_refused(engine: Engine) -> None:
    engine.stack("test", plain())
    engine.write("import pulumi_aws as aws\n\naws.ecr.Repository('api', name='api')\n")
    engine.up()
    engine.write(REGISTRY)
    engine.configure("test", plain(repositories={"api": {"import": True}}))
    for command in (("preview",), ("up", "--yes", "--skip-preview")):
        answer = engine(*command, code=-1)
        assert "all its images" in answer.said
        assert URNS[0] in answer.said
        assert "ecr_stack/components" not in answer.said, answer.said
    assert engine.repository("api")["repositoryName"] == "api"
    engine.configure("test", plain(repositories={"api": {"import": True, "aliases": URNS[:1]}}))
    engine.up()
    engine.up("--expect-no-changes")
    assert engine.repository("api")["repositoryName"] == "api"


def test_importing_what_another_resource_of_the_stack_stands_for_is_refused(taken: Engine) -> None:
    repositories(taken, **{"import": True})
    is_stopped(taken, "all its images", URNS[0])


COMPONENT = """
import pulumi
from ecr_stack import Repository

class Team(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("their:index:Team", name, {{}}, opts)

team = Team("team")
Repository(
    {name!r},
    {{
        "name": "api",
        "environment": "test",
        "lifecycle": [{{"any": True, "keep_last": 5}}],
        "access": {{"pull": ["role/eks-dev-node-role"]}},
    }},
    pulumi.ResourceOptions({options}),
)
"""


@pytest.mark.parametrize(
    ("name", "options", "alias"),
    [
        ("gateway", "", "aliases=[pulumi.Alias(name='api')]"),
        ("api", "parent=team", "parent=team, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]"),
        (
            "gateway",
            "parent=team",
            "parent=team, aliases=['urn:pulumi:test::ecr-stack::ecr-stack:index:Repository::api']",
        ),
    ],
    ids=["renamed", "moved", "renamed and moved"],
)
def test_a_component_that_is_renamed_or_moved_needs_an_alias_and_keeps_its_documents(
    engine: Engine, name: str, options: str, alias: str
) -> None:
    engine.stack("test", plain())
    engine.write(COMPONENT.format(name="api", options=""))
    engine.up()
    engine.write(COMPONENT.format(name=name, options=options))
    is_stopped(engine, "all its images")
    engine.write(COMPONENT.format(name=name, options=alias))
    assert changes(engine) == set()
    settles(engine)


def test_a_rename_that_failed_for_want_of_an_alias_is_put_right_by_it(engine: Engine) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS}
    engine.stack("test", plain(repositoryDefaults=defaults))
    engine.up()
    made = engine.repository("api")["createdAt"]
    engine.configure("test", plain(repositories={"gw": {"name": "api"}}, repositoryDefaults=defaults))
    is_stopped(engine, "all its images")
    renamed = {"gw": {"name": "api", "aliases": ["api"]}}
    engine.configure("test", plain(repositories=renamed, repositoryDefaults=defaults))
    assert changes(engine) == set()
    settles(engine)
    assert engine.repository("api")["createdAt"] == made


def test_another_environment_on_a_standing_stack_is_stopped_in_the_preview(engine: Engine) -> None:
    defaults = {"lifecycle": LIFECYCLE, "access": ACCESS}
    engine.stack("test", {**plain(repositoryDefaults=defaults), "ecr-stack:encryption": {"type": "KMS"}})
    engine.up()
    engine.configure(
        "test", {**plain(repositoryDefaults=defaults, environment="other"), "ecr-stack:encryption": {"type": "KMS"}}
    )
    is_stopped(engine, "all its images", "`environment: test`")
    assert [
        role["RoleName"] for role in engine.aws.call("iam", "ListRoles")["Roles"] if "other" in role["RoleName"]
    ] == []


NODES = """
import pulumi
import pulumi_aws as aws
from ecr_stack import PullAccess

roles = {{
    name: aws.iam.Role(name, name=name, assume_role_policy='{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",'
    '"Principal":{{"Service":"ec2.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}}')
    for name in ("one", "two")
}}
PullAccess("nodes", {{{arguments}}})
"""


def test_attachments_of_roles_whose_order_changes_stay(engine: Engine) -> None:
    def attached() -> list[str]:
        return [
            each["PolicyName"]
            for role in ("one", "two")
            for each in engine.aws.call("iam", "ListAttachedRolePolicies", {"RoleName": role})["AttachedPolicies"]
        ]

    engine.stack("test", plain())
    engine.write(NODES.format(arguments='"named_roles": {"a": roles["one"].name, "b": roles["two"].name}'))
    engine.up()
    engine.write(NODES.format(arguments='"named_roles": {"b": roles["two"].name, "a": roles["one"].name}'))
    assert engine.changes() == {}
    # exchanged, each name would stand for the other's role
    engine.write(NODES.format(arguments='"named_roles": {"b": roles["one"].name, "a": roles["two"].name}'))
    answer = engine("preview", code=-1)
    assert "this stack already has it as another resource" in answer.said
    assert len(attached()) == 2
    # without a preview one or both are deleted by then; that is told, and put right by the next update
    engine.up(code=-1)
    engine.write(NODES.format(arguments='"named_roles": {"a": roles["one"].name, "b": roles["two"].name}'))
    engine.up()
    assert len(attached()) == 2


def test_a_document_that_goes_for_good_is_deleted(engine: Engine) -> None:
    engine.stack("test", plain(repositoryDefaults={"lifecycle": LIFECYCLE, "access": ACCESS}))
    engine.up()
    engine.configure("test", plain(repositoryDefaults={"access": ACCESS}))
    engine.up()
    with pytest.raises(ClientError, match="Lifecycle policy does not exist"):
        engine.aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})
