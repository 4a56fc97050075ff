"""The guardrails in a rehearsal, with a configuration file beside the pack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.errors import InvalidInput
from ecr_stack.rehearsal import rehearse

PACK = Path(__file__).parents[2] / "policies"
CONFIG = {
    "aws:region": "us-east-1",
    "ecr-stack:environment": "prod",
    "ecr-stack:encryption": {"type": "AES256"},
    "ecr-stack:repositories": {"api": {"lifecycle": [{"untagged": True, "expireAfterDays": 1}]}},
}


@pytest.fixture
def guarded_project(project: Callable[[dict[str, Any]], Path]) -> Callable[[Any], Path]:
    """Makes a project with the pack and, unless it is nothing, a configuration of it."""

    def make(config: Any) -> Path:
        folder = project(CONFIG)
        (folder / "policies").mkdir()
        (folder / "policies" / "guardrails").symlink_to(PACK / "guardrails")
        if config is not None:
            text = config if isinstance(config, str) else json.dumps(config)
            (folder / "policies" / "config.json").write_text(text)
        return folder

    return make


def levels(folder: Path) -> dict[str, str]:
    return {each.policy: each.level for each in rehearse("test", folder).violations}


def test_a_rehearsal_goes_by_the_configuration_beside_the_pack(guarded_project: Callable[[Any], Path]) -> None:
    replicated, encrypted = (
        "repositories-in-production-are-replicated",
        "repositories-are-encrypted-with-a-customer-key",
    )
    folder = guarded_project(None)
    unconfigured = levels(folder)
    assert (unconfigured[replicated], unconfigured[encrypted]) == ("mandatory", "mandatory")
    chosen = {
        replicated: {"enforcementLevel": "disabled", "reason": "One Region is enough here"},
        encrypted: {"enforcementLevel": "advisory", "reason": "decided by the platform team"},
    }
    (folder / "policies" / "config.json").write_text(json.dumps(chosen))
    configured = levels(folder)
    assert configured == {name: level for name, level in unconfigured.items() if name != replicated} | {
        encrypted: "advisory"
    }


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", ["line 1, column 2", "must be JSON"]),
        ("[1]", ["the file: [1]", "must be an object"]),
        (
            '{"keys-rotate": "mandatory", "keys-rotate": {"enforcementLevel": "advisory", "reason": "decided by Anna"}}',
            ['keys-rotate: "keys-rotate"', "twice", "remove one of the two"],
        ),
        ({"keys-rotat": "advisory"}, ['keys-rotat: "advisory"', "the name of a policy", "write keys-rotate"]),
        ({"all": "strict"}, ['all: "strict"', "must be one of advisory, mandatory, remediate, disabled"]),
        ({"all": {"enforcementLevel": 7}}, ["all.enforcementLevel: 7", "must be one of"]),
        (
            {"keys-rotate": {"maximumDays": 7}},
            ["keys-rotate.maximumDays: 7", "must be from 90 to 2560", "write e.g. 2560"],
        ),
        (
            {"nothing-crosses-to-those-who-are-not-trusted": {"trustedAccounts": ["111122223333", "me"]}},
            ['nothing-crosses-to-those-who-are-not-trusted.trustedAccounts[1]: "me"', "must match"],
        ),
        (
            {"keys-rotate": "disabled"},
            [
                'keys-rotate.enforcementLevel: "disabled"',
                "must come with a reason",
                '"reason": "decided by NAME',
                "in place of NAME and TICKET",
            ],
        ),
        ({"keys-rotate": "of", "keys-rotat": "off"}, ["2 errors"]),
    ],
    ids=str,
)
def test_mistakes_in_the_configuration_are_told_with_place_and_remedy(
    guarded_project: Callable[[Any], Path], config: Any, said: list[str]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        rehearse("test", guarded_project(config))
    assert "config.json" in str(refused.value)
    for part in said:
        assert part in str(refused.value)


def test_the_report_says_how_the_guardrails_were_configured(guarded_project: Callable[[Any], Path]) -> None:
    chosen = {"keys-rotate": {"maximumDays": 365}}
    folder = guarded_project(chosen)
    assert rehearse("test", folder).guardrails == chosen
    (folder / "policies" / "config.json").unlink()
    assert rehearse("test", folder).guardrails == {}
