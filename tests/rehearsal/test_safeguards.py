"""Whatever weakens a safeguard is a risk that a reviewer reads, by whichever property it is weakened."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from ecr_stack.review.compare import compare
from ecr_stack.review.comparison import Comparison

ACCOUNT = "123456789012"
LIFECYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "tagged",
                    "tagPatternList": ["v*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": 10,
                },
                "action": {"type": "expire"},
            }
        ]
    }
)
ALLOW = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def record(type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:test::p::{type_}::{name}",
        "type": type_,
        "name": name,
        "id": name,
        "parent": None,
        "inputs": inputs,
        "outputs": {**inputs, "region": "us-east-1"},
        "dependencies": [],
        "options": {"protect": True, "retainOnDelete": True, "aliases": []},
    }


REPOSITORY = "aws:ecr/repository:Repository"
KEY = "aws:kms/key:Key"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
ROLE = "aws:iam/role:Role"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
REPLICATION = "aws:ecr/replicationConfiguration:ReplicationConfiguration"
GUARD = "command:local:Command"
SIGNING = "aws:cloudcontrol/resource:Resource"
BUDGET = "aws:budgets/budget:Budget"
EVENTS = "aws:cloudwatch/eventRule:EventRule"
PROFILE = f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/images"


COSTS = {"threshold": 80, "notificationType": "ACTUAL", "subscriberEmailAddresses": ["a@example.com"]}


def signed(*rules: dict[str, Any]) -> str:
    return json.dumps({"Rules": list(rules)})


def registry() -> dict[str, Any]:
    repository = record(
        REPOSITORY,
        "api",
        name="api",
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filter": "latest", "filterType": "WILDCARD"}],
        imageScanningConfiguration={"scanOnPush": True},
        forceDelete=False,
        tags={"Environment": "prod"},
    )
    component = record("ecr-stack:index:Repository", "api-component")
    component["id"] = None
    limits = {"maxExpire": 50, "maxExpirePercent": 25, "protectPulledWithinDays": 30}
    record_of_guard = record(
        "pulumi:index:Stash", "api-guard", input={"repository": "api", "document": LIFECYCLE, "limits": limits}
    )
    record_of_guard["parent"] = component["urn"]
    lifecycle = record("aws:ecr/lifecyclePolicy:LifecyclePolicy", "api-lifecycle", repository="api", policy=LIFECYCLE)
    lifecycle["parent"] = component["urn"]
    key = record(
        KEY,
        "key",
        enableKeyRotation=True,
        rotationPeriodInDays=365,
        isEnabled=True,
        deletionWindowInDays=30,
        policy=policy(ALLOW),
    )
    rules = [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "a*", "filterType": "WILDCARD"}]}]
    scanning = record(SCANNING, "scanning", scanType="ENHANCED", rules=rules)
    destination = {"registryId": ACCOUNT, "region": "us-west-2"}
    replication = record(REPLICATION, "copies", replicationConfiguration={"rules": [{"destinations": [destination]}]})
    template = record(
        TEMPLATE,
        "replicas",
        prefix="ROOT",
        imageTagMutability="IMMUTABLE",
        lifecyclePolicy=LIFECYCLE,
        encryptionConfigurations=[{"encryptionType": "KMS", "kmsKey": "k"}],
        appliedFors=["REPLICATION"],
    )
    role = record(
        ROLE,
        "ci",
        name="ci",
        permissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/boundary",
        maxSessionDuration=3600,
        assumeRolePolicy=policy({**ALLOW, "Action": "sts:AssumeRole"}),
    )
    rule = {"SigningProfileArn": PROFILE, "RepositoryFilters": [{"Filter": "a*", "FilterType": "WILDCARD_MATCH"}]}
    signing = record(SIGNING, "signing", typeName="AWS::ECR::SigningConfiguration", desiredState=signed(rule))
    budget = record(BUDGET, "budget", limitAmount="100.0", limitUnit="USD", notifications=[COSTS])
    events = record(EVENTS, "events", eventPattern=json.dumps({"source": ["aws.ecr"]}), state="ENABLED")
    resources = [repository, component, record_of_guard, lifecycle, key, scanning, replication, template, role]
    resources += [signing, budget, events]
    return {"stack": "test", "account": ACCOUNT, "region": "us-east-1", "resources": resources, "violations": []}


Edit = Callable[[dict[str, dict[str, Any]]], Any]


def changed(edit: Edit, also: list[dict[str, Any]] | None = None, without: str = "") -> Comparison:
    base, head = registry(), registry()
    edit({each["name"]: each for each in head["resources"]})
    head["resources"] = [each for each in head["resources"] if each["name"] != without] + (also or [])
    return compare(base, head)


def said(comparison: Comparison) -> str:
    return "\n".join(f"{risk.level} {risk.name}: {risk.message}" for risk in comparison.risks)


def put(name: str, **values: Any) -> Edit:
    """Set properties of a resource, both what is asked for and what AWS answers."""

    def edit(resources: dict[str, dict[str, Any]]) -> None:
        for part in ("inputs", "outputs"):
            resources[name][part].update(values)

    return edit


def drop(name: str, key: str) -> Edit:
    def edit(resources: dict[str, dict[str, Any]]) -> None:
        for part in ("inputs", "outputs"):
            del resources[name][part][key]

    return edit


def guard(**values: Any) -> Edit:
    return lambda resources: resources["api-guard"]["inputs"]["input"]["limits"].update(values)


def option(name: str, **values: Any) -> Edit:
    return lambda resources: resources[name]["options"].update(values)


def exclusions(*patterns: str, mutability: str = "IMMUTABLE_WITH_EXCLUSION") -> Edit:
    filters = [{"filter": pattern, "filterType": "WILDCARD"} for pattern in patterns]
    return put("api", imageTagMutability=mutability, imageTagMutabilityExclusionFilters=filters)


def scanning(type_: str, *rules: tuple[str, str]) -> Edit:
    return put(
        "scanning",
        scanType=type_,
        rules=[{"scanFrequency": how, "repositoryFilters": [{"filter": which}]} for how, which in rules],
    )


def copies(*destinations: tuple[str, str], prefix: str = "") -> Edit:
    rule: dict[str, Any] = {"destinations": [{"registryId": a, "region": r} for a, r in destinations]}
    if prefix:
        rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"}]
    return put("copies", replicationConfiguration={"rules": [rule] if destinations else []})


ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (guard(maxExpire=100_000), "attention api: the lifecycle guard allows more: maxExpire (50 → 100000)"),
        (guard(maxExpirePercent=100), "allows more: maxExpirePercent (25 → 100)"),
        (guard(protectPulledWithinDays=1), "allows more: protectPulledWithinDays (30 → 1)"),
        (guard(maxExpire=51, reason="a big clean-up"), "(50 → 51, because: a big clean-up)"),
        (put("api-guard", input=None), "attention api: loses its lifecycle guard"),
        (lambda r: r["api-lifecycle"].update(parent=None), "attention api: loses its lifecycle guard"),
        (exclusions("main*", "prod*"), "become movable, for example `prod`, `production`, `main`"),
        (exclusions("latest", "v*.*"), "become movable, for example `v1.2.3`"),
        (exclusions("*"), "`v1.2.3`"),
        (exclusions("latest", "team-x-*"), "for example `team-x-`, `team-x-x1`"),
        (exclusions("latest", mutability="MUTABLE_WITH_EXCLUSION"), "attention api: immutable tags would"),
        (drop("api", "imageTagMutability"), "attention api: immutable tags would become movable"),
        (drop("api", "imageScanningConfiguration"), "attention api: is no longer scanned on push"),
        (put("api", imageScanningConfiguration={"scanOnPush": False}), "is no longer scanned on push"),
        (put("api", forceDelete=True), "could be deleted together with its images"),
        (
            put("api", tags={"Environment": "dev"}),
            "danger api: no longer counts as production (the tag `Environment`: prod → dev)",
        ),
        (drop("api", "tags"), "danger api: no longer counts as production (the tag `Environment`: prod → none)"),
        (
            scanning("ENHANCED", ("SCAN_ON_PUSH", "a*")),
            "scanned less often by the registry (enhanced CONTINUOUS_SCAN → enhanced",
        ),
        (scanning("BASIC", ("SCAN_ON_PUSH", "*")), "(enhanced CONTINUOUS_SCAN → basic SCAN_ON_PUSH)"),
        (scanning("ENHANCED", ("CONTINUOUS_SCAN", "b*")), "(enhanced CONTINUOUS_SCAN → enhanced MANUAL)"),
        (scanning("ENHANCED"), "(enhanced CONTINUOUS_SCAN → enhanced MANUAL)"),
        (copies(), "attention api: is no longer replicated to `123456789012/us-west-2`"),
        (copies((ACCOUNT, "us-west-2"), prefix="web"), "is no longer replicated to"),
        (
            copies((ACCOUNT, "us-west-2"), ("999999999999", "us-west-2")),
            "danger copies: replicates images to another account",
        ),
        (
            drop("key", "enableKeyRotation"),
            "attention key: is rotated less often or not at all (every 365 days → never)",
        ),
        (put("key", enableKeyRotation=False), "(every 365 days → never)"),
        (put("key", rotationPeriodInDays=2560), "(every 365 days → every 2560 days)"),
        (put("key", isEnabled=False), "danger key: the key is disabled"),
        (put("key", deletionWindowInDays=7), "less time to cancel the key's deletion (30 days → 7 days)"),
        (put("key", bypassPolicyLockoutSafetyCheck=True), "danger key: its key policy may lock everybody out"),
        (put("key", policy=policy(ALLOW, ANYBODY)), "danger key: grants access to everyone"),
        (put("replicas", imageTagMutability="MUTABLE"), "attention replicas: immutable tags would"),
        (put("replicas", encryptionConfigurations=[{"encryptionType": "AES256"}]), "weaker encryption (KMS → AES256)"),
        (put("replicas", appliedFors=["PULL_THROUGH_CACHE"]), "no longer get these settings for `REPLICATION`"),
        (
            put("replicas", lifecyclePolicy=LIFECYCLE.replace("10", "1")),
            "danger replicas: the lifecycle of new replicas",
        ),
        (put("replicas", repositoryPolicy=policy(ANYBODY)), "danger replicas: grants access to"),
        (put("ci", permissionsBoundary=None), "danger ci: loses its permissions boundary"),
        (put("ci", maxSessionDuration=43200), "attention ci: its sessions may last longer (3600 seconds → 43200"),
        (put("ci", managedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]), "policy/AdministratorAccess"),
        (put("ci", inlinePolicies=[{"name": "x", "policy": policy(ANYBODY)}]), "danger ci: grants access to"),
        (
            put("ci", assumeRolePolicy=policy({**ALLOW, "Action": "sts:AssumeRole"}, ANYBODY)),
            "danger ci: grants access to",
        ),
        (put("api-lifecycle", policy=LIFECYCLE.replace("10", "3")), "danger api-lifecycle: the lifecycle changes"),
        *((option(name, protect=False), f"attention {name}: is no longer protected") for name in ("api", "key", "ci")),
        (option("api", protect=None), "attention api: is no longer protected"),
        (option("api", retainOnDelete=False), "attention api: would no longer be kept in AWS"),
        (lambda r: r["api"]["outputs"].update(region="eu-west-1"), "danger api: AWS cannot change region"),
        (put("signing", desiredState=signed()), f"attention api: new images are no longer signed with `{PROFILE}`"),
        (
            put(
                "signing", desiredState=signed({"SigningProfileArn": PROFILE, "RepositoryFilters": [{"Filter": "pi"}]})
            ),
            "attention api: new images are no longer signed",
        ),
        (
            put("budget", limitAmount="100000"),
            "attention budget: the budget is higher, so its notifications come later",
        ),
        (
            put("budget", notifications=[{**COSTS, "threshold": 99}]),
            "nobody is notified any more when costs reach `80% ACTUAL`",
        ),
        (
            put("budget", notifications=[{**COSTS, "subscriberEmailAddresses": ["b@example.com"]}]),
            "attention budget: `a@example.com` no longer receives cost alerts",
        ),
        (put("events", eventPattern='{"source": ["aws.s3"]}'), "attention events: matches other events than today"),
        (put("events", state="DISABLED"), "attention events: is disabled"),
    ],
)
def test_a_weaker_safeguard_is_a_risk(edit: Edit, words: str) -> None:
    assert words in said(changed(edit))


def test_a_guard_that_is_gone_is_one_risk_and_a_limit_that_is_gone_another() -> None:
    assert said(changed(put("api-guard", input=None))).count("lifecycle guard") == 1
    without_limit = changed(
        lambda resources: resources["api-guard"]["inputs"]["input"]["limits"].pop("maxExpirePercent")
    )
    assert "the lifecycle guard allows more: maxExpirePercent (25 → none)" in said(without_limit)


@pytest.mark.parametrize(
    "edit",
    [
        guard(maxExpire=10, maxExpirePercent=5, protectPulledWithinDays=90),
        exclusions("latest", mutability="IMMUTABLE"),
        exclusions("latest"),
        scanning("ENHANCED", ("CONTINUOUS_SCAN", "*"), ("SCAN_ON_PUSH", "a*")),
        copies((ACCOUNT, "us-west-2"), (ACCOUNT, "eu-west-1")),
        put("key", rotationPeriodInDays=90),
        put("ci", maxSessionDuration=1800),
        put("signing", desiredState=signed({"SigningProfileArn": PROFILE})),
        put("budget", limitAmount="50", notifications=[COSTS, {**COSTS, "threshold": 50}]),
        put("events", eventPattern='{"source":["aws.ecr"]}'),
        lambda resources: None,
    ],
)
def test_a_stronger_safeguard_is_not_a_risk(edit: Edit) -> None:
    assert said(changed(edit)) == ""


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (
            record(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                "x",
                role="ci",
                policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
            ),
            "danger x: the role ci gets the managed policy `arn:aws:iam::aws:policy/AdministratorAccess`",
        ),
        (record("aws:iam/policyAttachment:PolicyAttachment", "x", roles=["ci"], policyArn="a:b"), "policy `a:b`"),
        (record("aws:iam/userPolicy:UserPolicy", "x", user="u", policy=policy(ANYBODY)), "danger x: "),
        (record("aws:kms/keyPolicy:KeyPolicy", "x", keyId="k", policy=policy(ANYBODY)), "danger x: "),
        (
            record("aws:kms/grant:Grant", "x", granteePrincipal="arn:x", operations=["Decrypt"]),
            "danger x: ",
        ),
        (record("aws:ecrpublic/repository:Repository", "x", repositoryName="x"), "danger x: is public"),
        (record("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "x", clientIdLists=["y"]), "tokens for `y`"),
        (record("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", "x", upstreamRegistryUrl="q.io"), "`q.io`"),
        (
            record("aws:ecr/pullTimeUpdateExclusion:PullTimeUpdateExclusion", "x", principalArn="arn:scanner"),
            "attention x: pulls by `arn:scanner` are no longer recorded",
        ),
    ],
)
def test_what_opens_by_being_there_is_a_risk(new: dict[str, Any], words: str) -> None:
    assert words in said(changed(lambda resources: None, also=[new]))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("api-guard", "attention api: loses its lifecycle guard"),
        ("scanning", "danger scanning: the registry's scanning would revert"),
        ("copies", "danger copies: replication would end"),
        ("replicas", "danger replicas: the template would be removed"),
        ("ci", "danger ci: the role would be deleted"),
        ("key", "danger key: the key would be deleted; data encrypted with it could no longer be read"),
        ("signing", "attention signing: the signing configuration would be deleted"),
        ("signing", f"attention api: new images are no longer signed with `{PROFILE}`"),
        ("budget", "attention budget: the budget would be deleted"),
        ("api-lifecycle", "attention api-lifecycle: the lifecycle would be removed"),
    ],
)
def test_what_is_removed_is_a_risk(name: str, words: str) -> None:
    assert words in said(changed(lambda resources: None, without=name))


def test_the_key_of_images_is_another_loss_than_the_key_of_something_else() -> None:
    base, head = registry(), registry()
    key = next(each["urn"] for each in base["resources"] if each["name"] == "key")
    next(each for each in base["resources"] if each["name"] == "api")["dependencies"] = [key]
    head["resources"] = [each for each in head["resources"] if each["name"] != "key"]
    assert "danger key: the key would be deleted, and images encrypted with it could no longer be pulled" in said(
        compare(base, head)
    )


def test_a_lifecycle_that_is_new_on_a_repository_with_images_is_a_danger() -> None:
    base, head = registry(), registry()
    base["resources"] = [each for each in base["resources"] if each["name"] != "api-lifecycle"]
    assert "danger api-lifecycle: the lifecycle changes" in said(compare(base, head))


def test_a_policy_that_goes_takes_its_denial_with_it() -> None:
    denial = {"Effect": "Deny", "Principal": "*", "Action": "ecr:*"}
    base, head = registry(), registry()
    base["resources"].append(
        record("aws:ecr/repositoryPolicy:RepositoryPolicy", "p", repository="api", policy=policy(denial))
    )
    assert "danger p: no longer denies" in said(compare(base, head))


def test_a_renamed_key_is_the_same_key() -> None:
    base, head = registry(), registry()
    key = next(each for each in head["resources"] if each["name"] == "key")
    key["options"]["aliases"] = [key["urn"]]
    key.update(urn="urn:pulumi:test::p::aws:kms/key:Key::other", name="other")
    key["inputs"]["enableKeyRotation"] = key["outputs"]["enableKeyRotation"] = False
    comparison = compare(base, head)
    assert comparison.removed == []
    assert "attention other: is rotated less often" in said(comparison)


def violation(policy: str, urn: str, message: str, level: str = "mandatory") -> dict[str, str]:
    return {"policy": policy, "urn": urn, "message": message, "level": level}


def violations(old: list[dict[str, str]], new: list[dict[str, str]]) -> dict[str, int]:
    base, head = registry(), registry()
    base["violations"], head["violations"] = old, new
    return {key: len(items) for key, items in compare(base, head).violations.items()}


def test_a_violation_is_the_same_if_policy_and_resource_are_whatever_its_text_counts() -> None:
    old, new = [violation("p", "key", "29 of 30")], [violation("p", "key", "28 of 29")]
    assert violations(old, new) == {"new": 0, "resolved": 0, "remaining": 1}


@pytest.mark.parametrize(("policy_", "urn"), [("q", "key"), ("p", "other")])
def test_another_policy_or_resource_is_another_violation(policy_: str, urn: str) -> None:
    counts = violations([violation("p", "key", "text")], [violation(policy_, urn, "text")])
    assert counts == {"new": 1, "resolved": 1, "remaining": 0}


def test_one_violation_more_of_the_same_policy_and_resource_is_new() -> None:
    old = [violation("p", "key", "statement A")]
    base, head = registry(), registry()
    base["violations"], head["violations"] = old, [violation("p", "key", "statement B"), *copy.deepcopy(old)]
    comparison = compare(base, head)
    assert [item["message"] for item in comparison.violations["new"]] == ["statement B"]
    assert comparison.stops


def test_a_comparison_needs_no_moto() -> None:
    import subprocess
    import sys

    program = (
        "import sys; import ecr_stack.review.compare, ecr_stack.review.branches, ecr_stack.cli.comparison;"
        "print([name for name in ('moto', 'boto3', 'botocore', 'pulumi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_cannot_change_in_place_is_what_the_provider_says() -> None:
    from ecr_stack.embedded_provider.provider import RESOURCE_TYPES
    from ecr_stack.review.replacements import FIXED

    declared = {token: kind.replaces_on for token, kind in RESOURCE_TYPES.items() if token != GUARD}
    assert {token: names for token, names in declared.items() if names} == FIXED


NODES, CI = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("nodes", "ci"))


def deny(*, principals: list[str], actions: list[str]) -> str:
    everything = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "ecr:*"}
    return policy(everything, {"Sid": "No", "Effect": "Deny", "Principal": {"AWS": principals}, "Action": actions})


@pytest.mark.parametrize(
    ("before", "after", "level", "words"),
    [
        (
            ([NODES, CI], ["ecr:PutImage"]),
            ([CI], ["ecr:PutImage"]),
            "danger",
            f"no longer denies {NODES}: ecr:PutImage",
        ),
        (([CI], ["ecr:PutImage"]), ([NODES, CI], ["ecr:PutImage"]), "attention", f"denies {NODES}: ecr:PutImage"),
        (([CI], ["ecr:PutImage", "ecr:DeleteRepository"]), ([CI], ["ecr:PutImage"]), "danger", "no longer denies"),
        (([CI], ["ecr:PutImage"]), ([CI], ["ecr:PutImage", "ecr:DeleteRepository"]), "attention", "denies"),
    ],
)
def test_a_denial_is_told_the_right_way_round(before: Any, after: Any, level: str, words: str) -> None:
    base, head = registry(), registry()
    for report, (principals, actions) in ((base, before), (head, after)):
        text = deny(principals=principals, actions=actions)
        report["resources"].append(
            record("aws:ecr/repositoryPolicy:RepositoryPolicy", "p", repository="api", policy=text)
        )
    (risk,) = compare(base, head).risks
    assert (risk.level, risk.name) == (level, "p")
    assert risk.message.startswith(words)


def test_dangers_come_first() -> None:
    head = registry()
    guard(maxExpire=100_000)({each["name"]: each for each in head["resources"]})
    trusted = {"ecr-stack:trusted": {"accounts": ["999999999999"]}}
    risks = compare({**registry(), "settings": {}}, {**head, "settings": trusted}).risks
    assert [risk.level for risk in risks] == ["danger", "attention", "attention"]
