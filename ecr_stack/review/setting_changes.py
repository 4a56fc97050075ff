"""What a change does to settings of a stack that no resource shows: whom the guardrails trust, which accounts are allowed,
which tags are checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ecr_stack.review.comparison import Risk
from ecr_stack.review.report import Record, at, items

__all__ = ["setting_risks"]

_TRUSTED = "ecr-stack:trusted"
_SCHEMES = "ecr-stack:tagSchemes"
_WORDS = {"accounts": "the account", "organizations": "the organization", "issuers": "tokens of"}


def setting_risks(base: Record, head: Record) -> Iterator[Risk]:
    """Yield what the guardrails or the provider would stop today and would let pass.

    Args:
        base: how it is, as `rehearse --format json` prints it; of an older version it has no settings, and nothing is said.
        head: how it would be.
    """
    yield from _provider(base.get("provider"), head.get("provider"))
    old, new = base.get("settings"), head.get("settings")
    if old is None or new is None:
        return
    for kind, words in _WORDS.items():
        known = set(map(str, items(at(old, _TRUSTED, kind))))
        for entry in items(at(new, _TRUSTED, kind)):
            if str(entry) not in known:
                place = f"{_TRUSTED}.{kind}"
                yield Risk("danger", "", place, f"the guardrails would silently accept {words} `{entry}`")
    schemes = {str(at(scheme, "name")): scheme for scheme in items(at(new, _SCHEMES))}
    for scheme in items(at(old, _SCHEMES)):
        name = str(at(scheme, "name"))
        left = schemes.get(name)
        was_kept, is_kept = at(scheme, "kept") is True, at(left, "kept") is True
        if left is None:
            words = f"ecr-stack would no longer check that each repository's lifecycle covers the tags of `{name}`"
        elif is_kept and not was_kept:
            words = (
                f"the images of `{name}` are declared as kept: ecr-stack would no longer check that a rule expires them"
            )
        elif was_kept and not is_kept:
            words = f"the images of `{name}` are no longer declared as kept: rules may expire them"
        elif left != scheme:
            words = f"`{name}` covers different tags than today"
        else:
            continue
        yield Risk("attention", "", _SCHEMES, words)
    for key, event in (("aws:allowedAccountIds", "added"), ("aws:forbiddenAccountIds", "removed")):
        before, after = ({str(each) for each in items(at(settings, key))} for settings in (old, new))
        allows = event == "added"
        weaker = before and (not after or after - before) if allows else before - after
        if weaker:
            shown = " → ".join(", ".join(sorted(each)) or "any account" for each in (before, after)) if allows else ""
            words = (
                f"the provider would deploy to accounts that it rejects today ({shown})"
                if allows
                else (f"the provider would no longer reject {', '.join(sorted(before - after))}")
            )
            yield Risk("attention", "", key, words)


def _provider(old: Any, new: Any) -> Iterator[Risk]:
    """Yield what the AWS provider does differently: a rehearsal asks the embedded AWS, whatever is configured."""
    if old is None or new is None:
        return
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before != after:
            shown = [f"`{_text(value)}`" if value is not None else "none" for value in (before, after)]
            words = f"is not what it was ({' → '.join(shown)}): {_MEANS.get(key, _OTHERWISE)}"
            yield Risk("danger" if key in _MEANS else "attention", "", key, words)


_ELSEWHERE = "the deployment may go to another account, with other permissions"
_MEANS = {
    **dict.fromkeys(
        ("aws:profile", "aws:assumeRoles", "aws:assumeRoleWithWebIdentities", "aws:accessKey", "aws:secretKey",
         "aws:token", "aws:sharedConfigFiles", "aws:sharedCredentialsFiles"),
        _ELSEWHERE,
    ),
    **dict.fromkeys(
        ("aws:endpoints", "aws:insecure", "aws:customCaBundle", "aws:httpProxy", "aws:httpsProxy", "aws:noProxy"),
        "whoever answers there gets the requests, and need not be AWS",
    ),
}  # fmt: skip
_OTHERWISE = "the provider would act differently, and no rehearsal shows how"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return (text if len(text) <= 160 else text[:159] + "…").replace("`", "'")
