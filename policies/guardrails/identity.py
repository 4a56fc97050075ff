"""Identity: which pipelines and other principals may assume a role, and what its policies allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from pulumi_policy import Severity

from ecr_stack.aws.iam.compact import named_subjects
from ecr_stack.aws.iam.managed import MANAGED
from ecr_stack.aws.iam.reader import Condition
from guardrails.document import Statement, documents, statements
from guardrails.policy import WEAKER, Config, Resource, resource_policy
from guardrails.principals import public
from guardrails.resources import (
    ATTACHMENTS,
    IDENTITY_POLICIES,
    POLICY_ATTACHMENT,
    ROLE,
    UNKNOWN,
    USERS_POLICIES,
    called,
    each,
    look,
    text,
)
from guardrails.subjects import KNOWN_TO_AWS, grammar_of, is_open

_TRUST = {ROLE: "Fix `ecr-stack:pipelines`: specify the repository and its branches, tags or environments."}


@resource_policy(
    types=[ROLE],
    reason="An identity provider such as GitHub signs tokens for everybody's pipelines; the subject identifies the "
    "pipeline.",
    control="AWS Well-Architected SEC03-BP07",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_secure-by-default.html",
    severity=Severity.CRITICAL,
    remedy="Add the condition StringEquals ISSUER:sub with one repository and its branch or environment.",
    stack_file=_TRUST,
    config={
        "subjectKeys": {
            WEAKER: "more",
            "type": "array",
            "items": {"type": "string"},
            "default": ["sub"],
            "description": "The claims that identify the caller: the part of the condition key after the issuer.",
        }
    },
)
def oidc_roles_trust_named_subjects(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report trust in an OIDC provider without a subject, or with a wildcard that makes it too broad."""
    claims = {claim.lower() for claim in config["subjectKeys"]}
    for _, document in documents(resource.props, "assumeRolePolicy"):
        for statement in statements(document):
            if not statement.allows or not _trusts_oidc(statement):
                continue
            telling = claims | _APPLICATIONS if _trusts_applications(statement) else claims
            subjects = [
                condition
                for condition in statement.conditions
                if condition.applies and condition.values and condition.key.rpartition(":")[2] in telling
            ]
            open_ones = [_open_values(condition.key, _named(statement, condition)) for condition in subjects]
            if not subjects:
                report(
                    f"Role {called(resource)} can be assumed with any token of its OIDC provider: {statement.called}"
                    " has no condition on the subject that always applies."
                )
            elif all(open_ones):  # conditions must all hold: one that is closed closes the statement
                grammar = grammar_of(subjects[0].key.rpartition(":")[0])
                example = f" Write e.g. {grammar.example} ({grammar.source})." if grammar else ""
                report(
                    f"Role {called(resource)} can be assumed by unlisted subjects: {statement.called} has"
                    f" {', '.join(repr(value) for value in open_ones[0])}.{example}"
                )


_APPLICATIONS = {"aud", "oaud", "app_id"}


def _open_values(key: str, values: Sequence[str]) -> list[str]:
    issuer, _, claim = key.rpartition(":")
    # The grammar is that of the subject; of any other claim a wildcard may be anything.
    # Under StringEquals a wildcard is only itself and matches nobody: that is not what was meant either.
    return [
        value for value in values if (is_open(issuer, value) if claim == "sub" else re.search(r"[*?]|\$\{|^$", value))
    ]


def _trusts_oidc(statement: Statement) -> bool:
    return any(kind == "Federated" and ":saml-provider/" not in value for kind, value in statement.principals)


def _trusts_applications(statement: Statement) -> bool:
    return all(value in KNOWN_TO_AWS for kind, value in statement.principals if kind == "Federated")


def _named(statement: Statement, condition: Condition) -> Sequence[str]:
    """The subjects that a condition names; together with claims of the repository, patterns name the repositories."""
    if not condition.binds or not condition.key.endswith(":sub"):
        return condition.values
    others = [each for each in statement.conditions if each.binds and each.key.endswith(":sub") and each != condition]
    return condition.values if others else named_subjects(statement)


@resource_policy(
    types=[ROLE],
    reason="A role that everybody may assume is like a password that everybody knows.",
    control="IAM Access Analyzer IAM",
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-resources.html",
    severity=Severity.CRITICAL,
    remedy="List principals, or add the condition StringEquals aws:PrincipalOrgID.",
    stack_file=_TRUST,
)
def roles_are_not_assumed_by_everyone(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report roles with a public trust policy."""
    for _, document in documents(resource.props, "assumeRolePolicy"):
        for statement in statements(document):
            if how := public(statement):
                report(f"Role {called(resource)} can be assumed by everybody: {statement.called} {how}.")


@resource_policy(
    types=IDENTITY_POLICIES,
    reason="A role that may do everything makes every other limit useless for whoever obtains it.",
    control="Security Hub IAM.21",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-21",
    severity=Severity.HIGH,
    remedy="Write out the actions, and the resources of those that read secrets, pass or change roles, or change images.",
    stack_file={ROLE: "Remove the managed policy or the statement from `ecr-stack:pipelines`."},
    config={
        "forbiddenManagedPolicies": {
            WEAKER: "fewer",
            "type": "array",
            "items": {"type": "string"},
            "default": ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"],
            "description": "AWS managed policies that must not be attached.",
        }
    },
)
def identity_policies_allow_no_wildcard(resource: Resource, config: Config, report: Callable[[str], None]) -> None:
    """Report IAM policies that allow everything, a whole service, or sensitive actions on all resources."""
    name = called(resource)
    for arn in _attached(resource):
        if isinstance(arn, str) and (
            arn.rpartition("/")[2] in config["forbiddenManagedPolicies"] or any(map(_too_much, _of_aws(arn)))
        ):
            report(f"{name} attaches {arn}, which allows far more than a registry needs.")
    for document in _identity_documents(resource):
        for statement in statements(document):
            if how := _too_much(statement):
                report(f"The IAM policy of {name} allows too much: {statement.called} {how}.")


@resource_policy(
    types=USERS_POLICIES,
    reason="A user's own permissions are forgotten when the person changes teams; those of a group or role are not.",
    control="Security Hub IAM.2",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/iam-controls.html#iam-2",
    severity=Severity.LOW,
    remedy="Attach the policy to a role or a group.",
)
def iam_policies_belong_to_roles_or_groups(resource: Resource, _config: Config, report: Callable[[str], None]) -> None:
    """Report IAM policies of users."""
    users = [text(resource.props, "user"), *(user for user in each(resource.props, "users") if isinstance(user, str))]
    if resource.resource_type != POLICY_ATTACHMENT or any(users):
        report(f"{called(resource)} gives a policy to the user {', '.join(filter(None, users)) or 'of its program'}.")


def _of_aws(arn: str) -> tuple[Statement, ...]:
    """The statements of a policy that AWS manages, if they are known."""
    name = arn.rpartition("/")[2]
    return statements(MANAGED[name]) if ":iam::aws:policy/" in arn and name in MANAGED else ()


def _attached(resource: Resource) -> Iterator[object]:
    if resource.resource_type in ATTACHMENTS:
        yield look(resource.props, "policyArn")
    yield from each(resource.props, "managedPolicyArns")
    yield from each(resource.props, "policyArns")


def _identity_documents(resource: Resource) -> Iterator[object]:
    if resource.resource_type not in ATTACHMENTS:
        yield from (document for _, document in documents(resource.props, "policy"))
    for inline in each(resource.props, "inlinePolicies"):
        if inline is not UNKNOWN:
            yield from (document for _, document in documents(inline, "policy"))


# What is harmless on one resource and is everything on all of them: the action, and the conditions that limit it as
# well. https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html#kms-1
_NARROW = {
    "kms:decrypt": ("kms:viaservice", "kms:encryptioncontext:", "kms:resourcealiases"),
    "kms:reencryptfrom": ("kms:viaservice", "kms:encryptioncontext:", "kms:resourcealiases"),
    "iam:passrole": ("iam:passedtoservice", "iam:associatedresourcearn"),
    "sts:assumerole": ("aws:resourceorgid", "aws:resourceaccount"),
    "kms:creategrant": ("kms:viaservice", "kms:grantisforawsresource", "kms:resourcealiases"),
    **dict.fromkeys(
        ("secretsmanager:getsecretvalue", "ssm:getparameter", "ssm:getparameters", "ssm:getparametersbypath"),
        ("aws:resourcetag/", "secretsmanager:resourcetag/", "ssm:resourcetag/"),
    ),
    **dict.fromkeys(
        (
            "ecr:putimage",
            "ecr:batchdeleteimage",
            "ecr:deleterepository",
            "ecr:setrepositorypolicy",
            "ecr:putlifecyclepolicy",
        ),
        ("aws:resourcetag/", "ecr:resourcetag/"),
    ),
    **dict.fromkeys(
        (
            "iam:createaccesskey",
            "iam:createloginprofile",
            "iam:updateloginprofile",
            "iam:createpolicyversion",
            "iam:setdefaultpolicyversion",
            "iam:addusertogroup",
            "iam:attachgrouppolicy",
            "iam:putgrouppolicy",
            "iam:attachuserpolicy",
            "iam:putuserpolicy",
            "iam:attachrolepolicy",
            "iam:putrolepolicy",
            "iam:updateassumerolepolicy",
            "iam:deleterolepermissionsboundary",
            "iam:deleteuserpermissionsboundary",
        ),
        ("aws:resourcetag/", "iam:resourcetag/", "iam:permissionsboundary"),
    ),
}

# What a value of these conditions must be to name something; of the others it must not be wildcards alone. A service is
# named by what is before the first full stop: `*.amazonaws.com` is every one.
_NAMED = {
    "kms:viaservice": r"[\w-]+(\..*)?",
    "iam:passedtoservice": r"[\w-]+(\..*)?",
    "kms:resourcealiases": r"alias/\w.*",
    "aws:resourceaccount": r"[0-9]{12}",
    "aws:resourceorgid": r"o-[a-z0-9]{10,32}",
    "iam:associatedresourcearn": r"arn:[\w-]+:[\w-]+:[^*?].*",
    "iam:permissionsboundary": r"arn:[\w*-]+:iam::[\w*]*:policy/\w.*",
}


def _limits(condition: Condition, keys: Sequence[str]) -> bool:
    """Whether a condition is on one of the keys, or on one that begins so, always applies and names something."""
    if not any(condition.key == key or (key[-1] in ":/" and condition.key.startswith(key)) for key in keys):
        return False
    if condition.key == "kms:grantisforawsresource":
        return condition.test == "bool" and set(condition.values) == {"true"}
    pattern = _NAMED.get(condition.key, ".*")
    return condition.binds and all(re.fullmatch(pattern, value, re.DOTALL) for value in condition.values)


def _too_much(statement: Statement) -> str | None:
    if not statement.allows:
        return None
    if statement.not_action:
        return f"allows all actions except a few (NotAction {', '.join(statement.actions)})"
    for action in statement.actions:
        service, _, verb = action.partition(":")
        if "*" in service or "?" in service or not verb.strip("*?"):
            return f"has the action {action}"
    # NotResource is about all but some
    resources = ("*",) if statement.not_resource else statement.resources
    everywhere = [resource for resource in resources if _is_everywhere(resource)]
    for action in statement.actions if everywhere else ():
        for narrow, limits in _NARROW.items():
            if _covers(action, narrow) and not any(_limits(condition, limits) for condition in statement.conditions):
                return f"allows {action} on {everywhere[0]}"
    return None


def _is_everywhere(arn: str) -> bool:
    """Whether a resource covers all of its kind: `*`, or an ARN that does not specify a key, role or repository."""
    kinds = "key|alias|role|user|group|policy|repository|parameter|secret"
    named = arn.split(":", 5)[-1] if arn.startswith("arn:") else arn
    return re.fullmatch(rf"(?:(?:{kinds})(?=[/:*?]))?[*?/:]*", named) is not None


def _covers(action: str, whole: str) -> bool:
    return bool(re.fullmatch(re.escape(action.lower()).replace(r"\*", ".*").replace(r"\?", "."), whole))
