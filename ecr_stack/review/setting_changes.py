"""What a change does to settings of a stack that no resource shows: whom the guardrails trust, which accounts are allowed,
which tags are checked."""

from __future__ import annotations

from collections.abc import Iterator

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
    old, new = base.get("settings"), head.get("settings")
    if old is None or new is None:
        return
    for kind, words in _WORDS.items():
        known = set(map(str, items(at(old, _TRUSTED, kind))))
        for entry in items(at(new, _TRUSTED, kind)):
            if str(entry) not in known:
                place = f"{_TRUSTED}.{kind}"
                yield Risk("danger", "", place, f"the guardrails would let in {words} `{entry}` without a word")
    schemes = {str(at(scheme, "name")): scheme for scheme in items(at(new, _SCHEMES))}
    for scheme in items(at(old, _SCHEMES)):
        name = str(at(scheme, "name"))
        left = schemes.get(name)
        was_kept, is_kept = at(scheme, "kept") is True, at(left, "kept") is True
        if left is None:
            words = f"nothing checks any longer that each repository's lifecycle takes care of the tags of `{name}`"
        elif is_kept and not was_kept:
            words = f"the images of `{name}` are to stay for ever: nothing checks any longer that a rule expires them"
        elif was_kept and not is_kept:
            words = f"the images of `{name}` are no longer to stay for ever: rules may expire them"
        elif left != scheme:
            words = f"`{name}` means other tags than today"
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
                f"the provider would deploy to accounts that it refuses today ({shown})"
                if allows
                else (f"the provider would no longer refuse {', '.join(sorted(before - after))}")
            )
            yield Risk("attention", "", key, words)
