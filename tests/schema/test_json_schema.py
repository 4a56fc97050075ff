"""What editors know: the JSON Schema catches what a schema can say, and refuses nothing that the program takes.

Each wrong file has one mistake. `CAUGHT` are those that the schema names too; for the others, the reason is beside them.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecr_stack.errors import InvalidInput
from ecr_stack.project.document import read_document
from ecr_stack.project.stack_file import read_project, read_stack
from ecr_stack.schema.stack import NAMESPACE, schema

PROJECT = Path(__file__).parents[2]
SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b"
ROLE = "arn:aws:iam::111122223333:role/ci"
PUSHER: dict[str, Any] = {"repositories": [{"repository": "octo-org/api", "branches": ["main"]}]}
ALLOW: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": "role/ci"}, "Action": "ecr:BatchGetImage"}

GOOD: dict[str, Any] = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "prod",
    "ecr-stack:repositories": {"api": {}, "team/web": None},
}


def rule(**keys: Any) -> dict[str, Any]:
    """A file whose only lifecycle rule is this one."""
    return {"repositoryDefaults": {"lifecycle": [keys]}}


def access(**keys: Any) -> dict[str, Any]:
    return {"repositories": {"api": {"access": keys}}}


def cache(**keys: Any) -> dict[str, Any]:
    return {"pullThroughCache": {"hub": {"upstream": "docker-hub", "credentialArn": SECRET} | keys}}


SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf"
DESTINATION = {"region": "us-west-2"}
RULE = {"tagPrefixes": ["v"], "keepLast": 5}

CAUGHT: dict[str, dict[str, Any]] = {
    "a Region that is none": {"aws:region": "us-east-9"},
    "an environment with capitals": {"environment": "Prod"},
    "an environment with 33 letters": {"environment": "x" * 33},
    "a key with a typing mistake": {"enviroment": "prod"},
    "a prefix that begins with a separator": {"namePrefix": "/dev"},
    "no repositories": {"repositories": {}},
    "repositories as a list": {"repositories": ["api"]},
    "a repository name with capitals": {"repositories": {"Api": {}}},
    "a repository name of one letter": {"repositories": {"a": {}}},
    "a repository name that ends in a slash": {"repositories": {"team/": {}}},
    "another name with capitals": {"repositories": {"api": {"name": "API"}}},
    "a repository's setting with a typing mistake": {"repositories": {"api": {"tagMutabilty": "MUTABLE"}}},
    "a mode in small letters": {"repositories": {"api": {"tagMutability": "immutable"}}},
    "a number of a wrong type": rule(tagPrefixes=["v"], keepLast="5"),
    "exclusions of the other mode": {"repositoryDefaults": {"tagMutability": "IMMUTABLE", "mutableTags": ["latest"]}},
    "three wildcards in an exclusion": {
        "repositoryDefaults": {"tagMutability": "IMMUTABLE_WITH_EXCLUSION", "mutableTags": ["a*b*c*"]}
    },
    "an exclusion twice": {
        "repositoryDefaults": {"tagMutability": "IMMUTABLE_WITH_EXCLUSION", "mutableTags": ["a", "a"]}
    },
    "protected and deleted": {"repositories": {"api": {"protect": True, "forceDelete": True}}},
    "a lifecycle and a document": {
        "repositoryDefaults": {"lifecycle": [RULE], "lifecycleDocument": {"rules": []}},
    },
    "the defaults' own encryption": {"repositoryDefaults": {"encryption": {"type": "AES256"}}},
    "a rule without a selector": rule(keepLast=5),
    "a rule with two selectors": rule(tagPrefixes=["v"], untagged=True, keepLast=5),
    "a rule without an outcome": rule(tagPrefixes=["v"]),
    "a rule with two outcomes": rule(tagPrefixes=["v"], keepLast=5, expireAfterDays=3),
    "a rule that keeps none": rule(tagPrefixes=["v"], keepLast=0),
    "untagged: false": rule(untagged=False, expireAfterDays=1),
    "a prefix with a wildcard": rule(tagPrefixes=["v*"], keepLast=5),
    "a pattern with five wildcards": rule(tagPatterns=["a*b*c*d*e*"], keepLast=5),
    "89 days in the archive": rule(any=True, expireAfterDaysInArchive=89),
    "a description of 257 characters": rule(**RULE, description="x" * 257),
    "a rule of a native document": rule(**RULE, rulePriority=1),
    "a tag of the program": {"tags": {"Environment": "x"}},
    "a tag of AWS": {"tags": {"AWS:team": "x"}},
    "a tag with an exclamation mark": {"tags": {"Team": "us!"}},
    "a tag that is a number": {"tags": {"Cost": 12}},
    "an alias for a key": {"encryption": {"keyArn": "alias/prod"}},
    "a window of 31 days": {"encryption": {"deletionWindowInDays": 31}},
    "AES256 with a key": {"encryption": {"type": "AES256", "keyArn": KEY}},
    "AES256 with a window": {"encryption": {"type": "AES256", "deletionWindowInDays": 7}},
    "a window for an existing key": {"encryption": {"keyArn": KEY, "deletionWindowInDays": 7}},
    "an account that is a number": {"trusted": {"accounts": [111122223333]}},
    "an account of 11 digits": access(accounts=["11112222333"]),
    "an account twice": access(accounts=["111122223333", "111122223333"]),
    "an organization that is none": access(organizations=["r-abcd"]),
    "everybody": access(pull=["*"]),
    "a session": access(pull=["arn:aws:sts::111122223333:assumed-role/ci/me"]),
    "a role with an accent": access(pull=["role/café"]),
    "a Lambda function by its name": access(**{"lambda": ["resize"]}),
    "a service without a source": access(services=[{"service": "codebuild.amazonaws.com"}]),
    "a service that is none": access(services=[{"service": "codebuild", "sourceAccounts": ["111122223333"]}]),
    "an action with a wildcard": access(statements=[{**ALLOW, "Action": "ecr:*"}]),
    "a login as an action": access(statements=[{**ALLOW, "Action": ["ecr:GetAuthorizationToken"]}]),
    "NotPrincipal": access(statements=[{**ALLOW, "NotPrincipal": {"AWS": "role/x"}}]),
    "a condition operator that is none": access(statements=[{**ALLOW, "Condition": {"StringIs": {"aws:a": "b"}}}]),
    "a condition key without its service": access(statements=[{**ALLOW, "Condition": {"StringEquals": {"a": "b"}}}]),
    "nobody in a statement": access(statements=[{**ALLOW, "Principal": {}}]),
    "a Sid with a hyphen": access(statements=[{**ALLOW, "Sid": "let-in"}]),
    "a destination without a Region": {"replication": {"rules": [{"destinations": [{"registryId": "111122223333"}]}]}},
    "a destination in no Region": {"replication": {"rules": [{"destinations": [{"region": "mars-1"}]}]}},
    "a filter with a wildcard": {
        "replication": {"rules": [{"destinations": [DESTINATION], "repositoryFilters": ["api*"]}]}
    },
    "no destinations": {"replication": {"rules": [{"destinations": []}]}},
    "eleven rules": {"replication": {"rules": [{"destinations": [DESTINATION]}] * 11}},
    "a key for unmanaged replicas": {
        "replication": {"rules": [{"destinations": [{**DESTINATION, "replicas": "none", "keyArn": KEY}]}]}
    },
    "adoption by a template": {
        "replication": {"rules": [{"destinations": [{**DESTINATION, "replicas": "template", "import": ["api"]}]}]}
    },
    "scanning rules without a type": {"scanning": {"rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["*"]}]}},
    "a frequency of the other type": {
        "scanning": {"type": "BASIC", "rules": [{"frequency": "CONTINUOUS_SCAN", "filters": ["*"]}]}
    },
    "a scan filter with two slashes": {
        "scanning": {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["a//b", "*"]}]}
    },
    "Inspector without ECR": {"scanning": {"type": "ENHANCED", "inspector": ["EC2"]}},
    "a percentage of 101": {"lifecycleGuard": {"maxExpirePercent": 101}},
    "an override without a reason": {"lifecycleGuard": {"maxExpire": 1, "overrides": {"api": {"maxExpire": 5}}}},
    "an override of nothing": {"lifecycleGuard": {"maxExpire": 1, "overrides": {"api": {"reason": "Ada, OPS-1"}}}},
    "a role by its name": {"lifecycleGuard": {"maxExpire": 1, "roleArn": "guard"}},
    "a pipeline without a branch": {"pipelines": {"ci": {"repositories": [{"repository": "octo-org/api"}]}}},
    "a wildcard in a source repository": {
        "pipelines": {"ci": {"repositories": [{"repository": "octo-org/*", "branches": ["main"]}]}}
    },
    "a role that everybody may take": {"pipelines": {"ci": {}}},
    "every branch": {"pipelines": {"ci": {"repositories": [{"repository": "octo-org/api", "branches": ["*"]}]}}},
    "another platform without its issuer": {"pipelines": {"ci": {"platform": "OTHER", "subjects": ["x"]}}},
    "an environment at GitLab": {
        "pipelines": {"ci": {"platform": "GITLAB", "repositories": [{"repository": "g/p", "environments": ["prod"]}]}}
    },
    "a role name with a slash": {"pipelines": {"ci": {**PUSHER, "roleName": "ci/push"}}},
    "no nodes": {"nodes": {"roles": []}},
    "a policy for nodes without roles": {"nodes": {"policy": "PULL_ONLY"}},
    "a budget of nothing": {"budget": {"amount": 0, "email": ["ops@example.com"]}},
    "a budget of which nobody hears": {"budget": {"amount": 10}},
    "an e-mail address without a domain": {"budget": {"amount": 10, "email": ["ops"]}},
    "a FIFO topic": {"budget": {"amount": 10, "snsTopicArn": "arn:aws:sns:us-east-1:111122223333:costs.fifo"}},
    "notifications of nothing": {"notifications": {"email": ["ops@example.com"]}},
    "a channel's name": {"notifications": {"pushes": True, "slack": {"workspace": "T07EZ1", "channel": "#ops"}}},
    "an endpoint without TLS": {"notifications": {"pushes": True, "https": ["http://example.com"]}},
    "an upstream that is none": cache(upstream="dockerhub"),
    "an upstream without its login": {"pullThroughCache": {"hub": {"upstream": "docker-hub"}}},
    "an upstream with a needless login": cache(upstream="quay"),
    "two logins": cache(credentials={"username": "a", "accessToken": {"secure": "AAAB"}}),
    "a secret with another name": cache(credentialArn=SECRET.replace("ecr-pullthroughcache/", "")),
    "a registry without its URL": {"pullThroughCache": {"other": {"upstream": "ecr"}}},
    "another URL than an upstream has": cache(url="hub.docker.com"),
    "a prefix with a slash behind it": {"pullThroughCache": {"quay/": {"upstream": "quay"}}},
    "what a template cannot say": cache(repositories={"forceDelete": True}),
    "a template for nothing": {"creationTemplates": {"team": {"appliedFor": []}}},
    "a template for one thing twice": {"creationTemplates": {"team": {"appliedFor": ["REPLICATION", "REPLICATION"]}}},
    "an encrypted value where none belongs": {"tags": {"Team": {"secure": "AAAB"}}},
    "a scheme of two looks": {"tagSchemes": [{"name": "a", "tagPatterns": ["v*"], "commitHashes": True}]},
    "a signing profile with its version": {
        "signing": {"rules": [{"signingProfileArn": "arn:aws:signer:us-east-1:111122223333:/signing-profiles/a/b"}]}
    },
    "a public name with two underscores": {"publicRepositories": {"base__image": {}}},
    "an account as a pull-time exclusion": {"accountSettings": {"pullTimeExclusions": ["111122223333"]}},
}

PROGRAM_ONLY: dict[str, tuple[dict[str, Any], str]] = {
    "a destination in the home Region": (
        {"replication": {"rules": [{"destinations": [{"region": "us-east-1"}]}]}}, "compares with `aws:region`",
    ),
    "a key of another Region": ({"encryption": {"keyArn": KEY.replace("us-east-1", "us-west-2")}}, "compares with `aws:region`"),
    "a filter that selects nothing": (
        {"replication": {"rules": [{"destinations": [DESTINATION], "repositoryFilters": ["zz"]}]}},
        "compares with the repositories",
    ),
    "one name twice": ({"repositories": {"api": {}, "web": {"name": "api"}}}, "compares names with keys"),
    "a profile that is none": ({"repositories": {"api": {"profile": "big"}}}, "compares with `profiles`"),
    "an override for no repository": (
        {"lifecycleGuard": {"maxExpire": 1, "overrides": {"apj": {"maxExpire": 5, "reason": "Ada, OPS-1"}}}},
        "compares with the repositories",
    ),
    "exclusions without the mode of the defaults": (
        {"repositoryDefaults": {"tagMutability": "IMMUTABLE"}, "repositories": {"api": {"mutableTags": ["latest"]}}},
        "depends on what is below a repository",
    ),
    "a rule for any image that is not the last": (
        {"repositoryDefaults": {"lifecycle": [{"any": True, "keepLast": 5}, RULE]}}, "depends on the order",
    ),
    "one prefix in two rules": (
        {"repositoryDefaults": {"lifecycle": [RULE, {"tagPrefixes": ["v"], "expireAfterDays": 5}]}}, "compares entries",
    ),
    "a native document that ECR refuses": (
        {"repositoryDefaults": {"lifecycleDocument": {"rules": []}}}, "the grammar of another language",
    ),
    "one account in two forms": (
        access(accounts=["111122223333"], pull=["111122223333", "arn:aws:iam::111122223333:root"]), "two forms of one value",
    ),
    "everybody without a condition": (access(statements=[{**ALLOW, "Principal": "*"}]), "the meaning of a policy"),
    "a reason that is none": (
        {"lifecycleGuard": {"maxExpire": 1, "overrides": {"api": {"maxExpire": 5, "reason": "TODO"}}}}, "the meaning of a text",
    ),
    "a tag scheme without a rule": ({"tagSchemes": [{"name": "a", "tagPatterns": ["v*"]}]}, "compares with the lifecycle"),
    "a budget with three decimals": (
        {"budget": {"amount": 1.005, "email": ["a@example.com"]}}, "no multiple can be told in binary fractions",
    ),
    "a scanning rule that covers too little": (
        {"scanning": {"type": "BASIC", "rules": [{"frequency": "SCAN_ON_PUSH", "filters": ["web"]}]}},
        "compares with the repositories",
    ),
    "tags that differ in case alone": ({"tags": {"team": "a", "Team": "b"}}, "compares entries"),
    "an alias that is a repository": (
        {"repositories": {"api": {}, "web": {"aliases": ["api"]}}}, "compares with the repositories",
    ),
    "a registry that caches itself": (
        {"pullThroughCache": {"self": {"upstream": "ecr", "url": "111122223333.dkr.ecr.us-east-1.amazonaws.com",
                                       "credentialArn": None}},
         "aws:allowedAccountIds": ["222233334444"], "encryption": {"type": "KMS_DSSE"}},
        "compares with the account and Region",
    ),
    "a role name that is too long with its key": ({"pipelines": {"c" * 60: PUSHER}}, "is made of two values"),
}  # fmt: skip


def file(said: dict[str, Any]) -> dict[str, Any]:
    """The data of a stack file: GOOD with these keys, whose namespace is ours unless they have another."""
    config = copy.deepcopy(GOOD)
    for key, value in said.items():
        config[key if ":" in key else NAMESPACE + key] = value
    return {"config": config}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("project")
    shutil.copy(PROJECT / "Pulumi.yaml", where)
    return where


def accepted(folder: Path, text: str) -> tuple[bool, str]:
    """Whether the program takes a stack file, and what it says if it does not."""
    (folder / "Pulumi.test.yaml").write_text(text, encoding="utf-8")
    try:
        read_stack(read_project(folder), "test")
    except InvalidInput as error:
        return False, str(error)
    return True, ""


def written(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def mistakes(data: Any) -> list[jsonschema.ValidationError]:
    return list(VALIDATOR.iter_errors(data))


def test_the_corpus_is_large_and_its_base_is_right(folder: Path) -> None:
    assert len(CAUGHT) + len(PROGRAM_ONLY) >= 120
    assert accepted(folder, written(file({}))) == (True, "")
    assert mistakes(file({})) == []


@pytest.mark.parametrize("what", CAUGHT)
def test_the_schema_catches(what: str, folder: Path) -> None:
    data = file(CAUGHT[what])
    taken, _ = accepted(folder, written(data))
    assert not taken
    found = mistakes(data)
    assert found, "the schema does not"
    # one mistake is one message, at its place or at the map that is wrong as a whole
    assert len(found) == 1, [error.message for error in found]
    assert "is not of type 'null'" not in found[0].message


@pytest.mark.parametrize("what", PROGRAM_ONLY)
def test_only_the_program_catches(what: str, folder: Path) -> None:
    data, why = file(PROGRAM_ONLY[what][0]), PROGRAM_ONLY[what][1]
    taken, _ = accepted(folder, written(data))
    assert not taken
    assert mistakes(data) == [], f"the schema catches it as well, although it {why}"


def stack_files() -> Iterator[Path]:
    yield from sorted(PROJECT.glob("Pulumi.*.yaml"))
    yield from sorted(PROJECT.glob("examples/*/Pulumi.*.yaml"))


@pytest.mark.parametrize("path", list(stack_files()), ids=lambda path: "-".join(path.parts[-2:]))
def test_a_shipped_stack_file_has_no_mistakes(path: Path) -> None:
    config = {key: value for key, value in (read_document(path).value or {}).get("config", {}).items() if ":" in key}
    if any(key.startswith(NAMESPACE) for key in config):
        assert mistakes({"config": config}) == []


def test_the_documentations_sections_have_no_mistakes(folder: Path) -> None:
    seen = 0
    for page in sorted((PROJECT / "docs").rglob("*.md")):
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            try:
                data = yaml.safe_load(block)
            except yaml.YAMLError:
                continue
            data = data.get("config", data) if isinstance(data, dict) else None
            own = {key: value for key, value in (data or {}).items() if str(key).startswith(NAMESPACE)}
            for key, value in own.items():
                text = file({key.removeprefix(NAMESPACE): value})
                if accepted(folder, written(text))[0]:
                    seen += 1
                    assert mistakes(text) == [], f"{page.name}: {key}"
    assert seen > 30


@pytest.mark.parametrize(
    "said",
    [
        {"nodes": {}, "notifications": {}, "registryAccess": {}},
        {"repositories": {"api": {"tagMutability": None, "mutableTags": None, "lifecycle": None, "access": None}}},
        {"repositoryDefaults": {"lifecycle": [{"tagPrefixes": None, "untagged": True, "keepLast": 5, "description": None}]}},
        {"namePrefix": 12},
        {"environment": True},
        {"tags": {"Équipe": "приложение 日本"}},
        {"encryption": {"deletionWindowInDays": 7.0}},
        cache(credentialArn=None, credentials={"username": {"secure": "AAAB"}, "accessToken": {"secure": "AAAB"}}),
        cache(repositories=None),
        access(statements=[{**ALLOW, "Principal": "*", "Action": ["ecr:BatchGetImage"],
                            "Condition": {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}, "Bool": {"aws:SecureTransport": True}}}]),
        {"pipelines": {"ci": {"repositories": [{"repository": "octo-org/api", "branches": ["refs/heads/release/*"]}]}}},
        {"publicRepositories": {"base-image": None}},
        {"other:key": {"secure": "AAAB"}, "aws:allowedAccountIds": ["111122223333"]},
    ],
)  # fmt: skip
def test_what_is_unusual_and_right_is_right_in_an_editor_too(said: dict[str, Any], folder: Path) -> None:
    data = file(said)
    assert accepted(folder, written(data)) == (True, "")
    assert mistakes(data) == []


def from_schema(node: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of about the shape that a part of the schema describes; many are wrong elsewhere."""
    node = (
        {**node, **SCHEMA["$defs"].get(node.get("$ref", "").rpartition("/")[2], {})} if isinstance(node, dict) else {}
    )
    kinds = node.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "const" in node:
        return st.just(node["const"])
    options: list[st.SearchStrategy[Any]] = []
    for kind in kinds:
        match kind:
            case "object" if depth < 6:
                options.append(_map(node, depth))
            case "array" if depth < 6:
                items = st.lists(
                    from_schema(node.get("items", {}), depth + 1), min_size=node.get("minItems", 0), max_size=2
                )
                options.append(items)
            case "string":
                options.append(_text(node))
            case "integer" | "number":
                low = node.get("minimum", 1)
                options.append(st.integers(int(low), int(min(node.get("maximum", low + 50), low + 50))))
            case "boolean":
                options.append(st.booleans())
            case "null":
                options.append(st.none())
    return st.one_of(options) if options else st.none()


SAMPLES = [
    "api", "team/api", "v", "latest", "release-*", "role/ci", "111122223333", "o-a1b2c3d4e5", "us-west-2", KEY, ROLE, SECRET,
    "octo-org/api", "main", "USD", "ops@example.com", "https://example.com/x", "T07EZ1", "C07EZ1", "codebuild.amazonaws.com",
    "lambda.amazonaws.com", "StringEquals", "aws:PrincipalOrgID", "dev/", "ci", "ROOT", "Why not", "",
    "arn:aws:signer:us-east-1:111122223333:/signing-profiles/images", "arn:aws:sns:us-east-1:111122223333:costs",
    "arn:aws:codebuild:us-east-1:111122223333:project/x", "111122223333.dkr.ecr.us-west-2.amazonaws.com",
    "arn:aws:ecr:us-east-1:111122223333:repository/api", "*", "sts.amazonaws.com",
    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
]  # fmt: skip


def _text(node: dict[str, Any]) -> st.SearchStrategy[str]:
    pattern = node.get("pattern", "")
    fitting = [sample for sample in SAMPLES if re.search(pattern, sample)]
    return st.sampled_from(fitting or SAMPLES)


def _map(node: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    properties = node.get("properties")
    if properties:
        required = set(node.get("required", []))
        parts = {key: from_schema(value, depth + 1) for key, value in properties.items()}
        return st.fixed_dictionaries(
            {key: value for key, value in parts.items() if key in required},
            optional={key: value for key, value in parts.items() if key not in required},
        )
    inner = node.get("additionalProperties")
    names = {"type": "string", **node.get("propertyNames", {})}
    return st.dictionaries(from_schema(names, depth + 1), from_schema(inner, depth + 1), max_size=2)


SECTIONS: dict[str, Any] = {
    key.removeprefix(NAMESPACE): value
    for key, value in SCHEMA["properties"]["config"]["properties"].items()
    if key.startswith(NAMESPACE) and key != f"{NAMESPACE}environment"
}


@pytest.mark.parametrize("section", SECTIONS)
def test_whatever_the_program_takes_the_schema_takes(section: str, folder: Path) -> None:
    taken = 0

    @settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
    @given(from_schema(SECTIONS[section]))
    def holds(value: Any) -> None:
        nonlocal taken
        data = file({section: value})
        if accepted(folder, written(data))[0]:
            taken += 1
            assert mistakes(data) == []

    holds()
    assert taken


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for value in node.values():
            yield from patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from patterns(value)


def test_patterns_are_understood_by_editors() -> None:
    """They read ECMA-262 with its flag u, in which a needless backslash is an error."""
    found = sorted(set(patterns(SCHEMA)))
    assert len(found) > 30
    for pattern in found:
        assert "(?P<" not in pattern
        assert "\\-" not in pattern or "[" in pattern
    node = shutil.which("node")
    if node is None:
        return
    script = "for (const p of JSON.parse(process.argv[1])) new RegExp(p, 'u')"
    done = subprocess.run(
        [node, "-e", script, json.dumps(found)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert '"type": "null"}]' not in json.dumps(SCHEMA)


def test_a_key_at_the_left_margin_is_caught(folder: Path) -> None:
    data = {**file({}), "ecr-stack:tags": {"Team": "x"}}
    assert not accepted(folder, written(data))[0]
    assert mistakes(data)
