"""The guard in front of a lifecycle policy.

A record of the document in the stack's state, with a hook that runs before the record is made or changed, in a preview
too. The hook asks ECR which images the document would remove (a lifecycle policy preview) and stops the deployment if
that exceeds a limit. The policy depends on the record, so it is not touched before: AWS's provider makes a changed
lifecycle policy anew, and a hook of the policy itself would run when the old one is gone. Such a hook asks all the same
where the record did not: the record stands already if an earlier deployment ended between the two, and a policy that was
removed outside of the stack comes back without a change of its record. The guard asks with the provider's own
credentials, and stops if it cannot ask, or would ask another account.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/lpp_creation.html
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Optional
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi.runtime.settings import get_monitor

from ecr_stack.components.caller import Caller
from ecr_stack.components.component import Component
from ecr_stack.components.takeover import HOOK_SUFFIX, in_this_context, inputs_in_state, is_created_here
from ecr_stack.errors import EcrStackError, NotFound, Unavailable
from ecr_stack.model import is_unknown
from ecr_stack.schema.guard import RepositoryGuard

__all__ = ["Guard", "NotYetKnown", "known_value", "lifecycle_guard", "provider_config"]

_PROVIDER_SETTINGS = (
    "profile",
    "accessKey",
    "secretKey",
    "token",
    "assumeRoles",
    "assumeRoleWithWebIdentity",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
    "endpoints",
)
"""What an AWS provider's credentials come from; the environment where it has none of these."""
_TOLD = {"profile": "profile", "accessKey": "access_key", "secretKey": "secret_key", "token": "token"}
"""Those that a provider made in the program tells, in plain text."""


@dataclass(frozen=True)
class Guard:
    """The guard of one lifecycle policy."""

    record: pulumi.Resource
    """The policy must depend on it."""
    hook: pulumi.ResourceHook
    """Runs before the policy is made or changed."""


def lifecycle_guard(
    owner: Component,
    where: Caller,
    limits: RepositoryGuard,
    repository: "pulumi.Input[str]",
    document: "pulumi.Input[str]",
    options: Mapping[str, Any],
) -> Guard:
    """Make the guard of one repository's lifecycle policy.

    Args:
        owner: the component that the policy belongs to.
        where: the account and the Region of the repository.
        limits: what the document may remove.
        repository: the repository's name; an Output if it comes from another resource.
        document: the lifecycle document, as JSON.
        options: the options of the policy.
    """
    provider = owner.get_provider("aws::")
    derived = is_unknown(repository)

    asked: set[str] = set()

    async def before_record(args: pulumi.ResourceHookArgs) -> None:
        new, old = ((inputs or {}).get("input") or {} for inputs in (args.new_inputs, args.old_inputs))
        await check((new.get("repository"), new.get("document")), (old.get("repository"), old.get("document")))

    async def before_policy(args: pulumi.ResourceHookArgs) -> None:
        new, old = args.new_inputs or {}, args.old_inputs or {}
        now, before = ((each.get("repository"), each.get("policy")) for each in (new, old))
        await check(now, before, replacing=not pulumi.runtime.is_dry_run())

    async def check(now: tuple[Any, Any], before: tuple[Any, Any], *, replacing: bool = False) -> None:
        name, text = now
        if before[0] == name and _same(before[1], text):
            return
        if not isinstance(text, str) or not isinstance(name, str):
            pulumi.log.warn(f"{owner._label}: the policy is not known yet; the lifecycle guard runs before the change")
            return
        if text in asked or is_created_here("aws:ecr/repository:Repository", name):
            return  # no one has pushed to a new one
        asked.add(text)
        account, region = await known_value(where.account), await known_value(where.region)
        try:
            config = {} if limits.role_arn and provider else await provider_config(provider)
        except NotYetKnown:
            account = config = None
        # threads of its own: those of the loop may all wait for hooks such as this one
        loop = asyncio.get_running_loop()
        ask = partial(copy_context().run, _ask, name, text, limits, config, account, region, derived, replacing)
        await loop.run_in_executor(_THREADS, ask)

    names = _names.setdefault(get_monitor(), {})
    label = f"ecr-stack-lifecycle-guard-{owner._label}"
    names[label] = names.get(label, 0) + 1
    suffix = f"-{names[label]}" if names[label] > 1 else ""

    def hook(what: str, run: Any) -> pulumi.ResourceHook:
        named = f"{label}{what}{suffix}{HOOK_SUFFIX.get()}"
        return pulumi.ResourceHook(named, in_this_context(run), pulumi.ResourceHookOptions(on_dry_run=True))

    own = {name: value for name, value in options.items() if name == "depends_on"}
    record = pulumi.Stash(
        f"{owner._label}-lifecycle-guard",
        input={"repository": repository, "document": document, "limits": limits.as_written()},
        opts=owner._child(name=f"{owner._label}-lifecycle-guard", guards=[hook("", before_record)], **own),
    )
    return Guard(record, hook("-policy", before_policy))


_names: WeakKeyDictionary[Any, dict[str, int]] = WeakKeyDictionary()
_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="lifecycle-guard")


async def known_value(value: Any) -> Optional[str]:
    """What an Output is, in a hook; `None` if it is not known in this preview."""
    if not is_unknown(value):
        return str(value)
    return str(await value.future()) if await value.is_known() else None


def _same(before: Any, after: Any) -> bool:
    """Whether two documents are the same to ECR: white space does not count."""
    try:
        return bool(json.loads(before) == json.loads(after))
    except (TypeError, ValueError):
        return False


class NotYetKnown(Unavailable):
    """A provider's credentials come from what this deployment makes."""


async def provider_config(provider: Optional[pulumi.ProviderResource]) -> Mapping[str, Any]:
    """What the provider's configuration says about credentials, by the names of a stack's configuration.

    Raises:
        NotYetKnown: it depends on what is made yet.
        Unavailable: it cannot be told, so nothing may be asked in the provider's place.
    """
    if provider is None:
        config: dict[str, Any] = {**get_config_env(), **CONFIG.get()}
        return {key: value for key, value in config.items() if key.startswith("aws:")}
    urn = str(await provider.urn.future())
    # a program's provider does not tell what else it was given, and a component package gets a reference only
    inputs = await inputs_in_state(urn)
    if inputs is None:
        raise NotYetKnown(f"{urn.rpartition('::')[2]}: this stack's state does not have the provider yet")
    found = {key: inputs[key] for key in _PROVIDER_SETTINGS if inputs.get(key)}
    for key, name in _TOLD.items():
        value = getattr(provider, name, None)
        if key in found and isinstance(value, pulumi.Output) and await value.is_known():
            found[key] = await value.future()
    if any(isinstance(value, Mapping) for value in found.values()):  # as a secret stands in the state
        raise Unavailable(f"{urn.rpartition('::')[2]}: the provider's credentials are secrets that cannot be read")
    return found


def _ask(
    repository: str,
    document: str,
    limits: RepositoryGuard,
    config: Optional[Mapping[str, Any]],
    account: Optional[str],
    region: Optional[str],
    new: bool,
    replacing: bool,
) -> None:
    """Ask ECR, and stop if a limit is exceeded or the answer would be someone else's.

    Raises:
        EcrStackError: the deployment must stop; says why.
    """
    from ecr_stack.operations.guard import Limits, guard, report
    from ecr_stack.operations.sessions import ProviderSettings, client, session

    preview = pulumi.runtime.is_dry_run()
    if account is None or region is None or config is None:
        if preview:
            pulumi.log.warn(
                f"{repository}: the provider's account and credentials are not known yet; the lifecycle guard runs "
                "before the change"
            )
            return
        raise Unavailable(
            f"{repository}: the provider's account or credentials are unknown, so the lifecycle guard stops the "
            "deployment"
        )
    settings = ProviderSettings.of_config(config)
    try:
        with_roles = session(settings, region, [limits.role_arn] if limits.role_arn else [])
        identity = client(with_roles, "sts", settings).get_caller_identity()["Account"]
    except Exception as error:
        raise Unavailable(
            f"{repository}: the lifecycle guard cannot query ECR, so it stops the deployment: {error}\n{_CREDENTIALS}"
        ) from None
    if identity != account:
        raise EcrStackError(
            f"{repository}: the lifecycle guard would query account {identity}, but the provider uses {account}, so "
            "it stops the deployment"
            f"\n{_CREDENTIALS}"
        )
    try:
        verdict = guard(client(with_roles, "ecr", settings), repository, document, Limits.of(limits), datetime.now(UTC))
    except NotFound:
        # Before the change itself, the repository exists. In a preview it does not if this deployment creates it.
        if preview and new:
            return
        raise NotFound(
            f"{repository}: account {account} has no such repository in {region}, so the lifecycle guard stops the "
            "deployment"
        ) from None
    if verdict.exceeded:
        raise EcrStackError(report(verdict, replacing=replacing))
    pulumi.log.info(report(verdict))


_CREDENTIALS = (
    "  remedy: give the guard a role of that account: `lifecycleGuard: {roleArn: …}`; it needs ecr:DescribeImages, "
    "ecr:StartLifecyclePolicyPreview and ecr:GetLifecyclePolicyPreview"
)
