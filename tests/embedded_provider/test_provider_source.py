"""What the imitation does because the provider's own source says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ecr_stack.embedded_aws import EmbeddedAws
from ecr_stack.embedded_provider import Provider
from ecr_stack.embedded_provider.documents import same_document
from ecr_stack.errors import InvalidInput
from tests.embedded_provider.conftest import Make

LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
TEMPLATE = "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate"
SCANNING = "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration"
REPOSITORY = "aws:ecr/repository:Repository"


def rules(number: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def test_documents_are_sent_without_white_space_and_with_sorted_keys(make: Make, aws: EmbeddedAws) -> None:
    make(REPOSITORY, "api", name="api")
    document = rules(5)
    document["rules"][0]["description"] = "a < b & c"
    _, outputs = make(LIFECYCLE, "api", repository="api", policy=json.dumps(document, indent=4))
    sent = aws.call("ecr", "GetLifecyclePolicy", {"repositoryName": "api"})["lifecyclePolicyText"]
    assert sent == outputs["policy"]
    assert sent.startswith('{"rules":[{"action":{"type":"expire"},"description":"a \\u003c b \\u0026 c",')
    assert json.loads(sent) == document


def test_another_lifecycle_document_replaces_the_resource_and_another_spelling_changes_nothing(
    provider: Provider,
) -> None:
    old = {"repository": "api", "policy": json.dumps(rules(5))}
    assert provider.diff(LIFECYCLE, old, {**old, "policy": json.dumps(rules(6))}).replaces == ("policy",)
    assert provider.diff(LIFECYCLE, old, {**old, "policy": json.dumps(rules(5), indent=2)}).changes == ()


def test_encryption_of_a_template_without_a_key_is_no_difference_to_what_is_read(
    make: Make, provider: Provider
) -> None:
    inputs = {
        "prefix": "team", "appliedFors": ["REPLICATION"], "encryptionConfigurations": [{"encryptionType": "AES256"}],
    }  # fmt: skip
    _, outputs = make(TEMPLATE, "team", **inputs)
    assert outputs["encryptionConfigurations"] == [{"encryptionType": "AES256", "kmsKey": ""}]
    checked = provider.check(TEMPLATE, inputs)
    assert provider.diff(TEMPLATE, checked, checked, outputs).changes == ()
    other = {**checked, "encryptionConfigurations": [{"encryptionType": "KMS"}]}
    assert provider.diff(TEMPLATE, checked, other, outputs).changes == ("encryptionConfigurations",)


def test_where_a_template_applies_and_rules_of_scanning_are_sets(provider: Provider) -> None:
    filters = [{"filter": name, "filterType": "WILDCARD"} for name in ("a*", "b*")]
    one = {"scanType": "ENHANCED", "rules": [
        {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters},
        {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": filters[:1]},
    ]}  # fmt: skip
    other = {**one, "rules": [one["rules"][1], {**one["rules"][0], "repositoryFilters": filters[::-1]}]}  # type: ignore[index]
    assert provider.diff(SCANNING, one, other).changes == ()
    assert provider.diff(SCANNING, one, {**one, "rules": one["rules"][:1]}).changes == ("rules",)
    template = {"prefix": "x", "appliedFors": ["REPLICATION", "PULL_THROUGH_CACHE"]}
    assert provider.diff(TEMPLATE, template, {**template, "appliedFors": template["appliedFors"][::-1]}).changes == ()


def test_an_account_and_its_root_are_one_principal_and_nothing_else_is() -> None:
    def document(principal: str, key: str = "Principal") -> str:
        return json.dumps({"Statement": [{"Effect": "Allow", key: {"AWS": principal}, "Action": "ecr:*"}]})

    root = "arn:aws:iam::111122223333:root"
    assert same_document(document("111122223333"), document(root))
    assert not same_document(document("111122223333"), document("arn:aws:iam::111122223334:root"))
    assert not same_document(document(root, "Resource"), document("111122223333", "Resource"))


def test_other_default_tags_are_a_difference_and_are_put_on_and_taken_off(aws: EmbeddedAws) -> None:
    before, after = Provider(aws, default_tags={"Team": "a"}), Provider(aws, default_tags={"CostCenter": "7"})
    inputs = before.check(REPOSITORY, {"name": "api", "tags": {"Own": "1"}})
    id_, outputs = before.create(REPOSITORY, "api", inputs)
    assert before.diff(REPOSITORY, inputs, inputs, outputs).changes == ()
    assert after.diff(REPOSITORY, inputs, inputs, outputs).changes == ("tagsAll",)
    updated = after.update(REPOSITORY, id_, inputs, inputs, outputs)
    assert updated["tagsAll"] == {"Own": "1", "CostCenter": "7"}
    assert updated["tags"] == {"Own": "1"}


@pytest.mark.parametrize("text", ["v/*", "v*", "release candidate"])
def test_an_exclusion_filter_has_only_the_characters_that_the_provider_takes(provider: Provider, text: str) -> None:
    inputs = {
        "name": "api",
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filter": text, "filterType": "WILDCARD"}],
    }
    if text == "v*":
        assert provider.check(REPOSITORY, inputs)
        return
    with pytest.raises(InvalidInput, match="letters, digits"):
        provider.check(REPOSITORY, inputs)
