"""Whatever is written, the answer is settings or mistakes; and settings that are accepted are ones that AWS takes."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecr_stack.aws import names as constraints
from ecr_stack.errors import InvalidInput
from ecr_stack.schema.registry import RegistrySettings
from ecr_stack.schema.stack import schema, stack_settings_of

MODEL = botocore.session.get_session().get_service_model("ecr")


def shape(name: str) -> Any:
    return MODEL.shape_for(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN = sorted(
    {field.alias or name for model in RegistrySettings.__mro__ if hasattr(model, "model_fields")
     for name, field in model.model_fields.items()}
    | {"type", "rules", "lifecycle", "access", "mutableTags", "keyArn", "destinations", "region", "pull", "untagged"}
)  # fmt: skip
SETTINGS = st.dictionaries(
    st.sampled_from(KNOWN),
    st.recursive(
        JSON, lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=4) | st.lists(inner, max_size=3)
    ),
    max_size=8,
)


@example({"creationTemplates": {"access": {}}}, None)
@given(JSON | SETTINGS, st.none() | st.text(max_size=9) | st.just("us-east-1"))
def test_no_input_of_any_shape_gives_a_traceback(data: Any, region: Any) -> None:
    try:
        stack_settings_of(data, source="Pulumi.test.yaml", region=region)
    except InvalidInput as error:
        assert error.problems
        for problem in error.problems:
            assert problem.place
            assert problem.rule
            assert problem.remedy
            assert str(problem)


NAMES = st.from_regex(r"[a-z0-9]{1,6}([._/-][a-z0-9]{1,6}){0,3}", fullmatch=True).filter(lambda name: len(name) > 1)
TAGS = st.from_regex(r"[a-z0-9]{1,8}-?\*?", fullmatch=True)
PREFIXES = st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), min_size=1, max_size=3, unique=True)
SELECTORS = st.one_of(
    st.fixed_dictionaries({"tagPrefixes": PREFIXES}),
    st.fixed_dictionaries({"tagPatterns": st.lists(TAGS, min_size=1, max_size=3, unique=True)}),
    st.just({"untagged": True}),
)
OUTCOMES = st.one_of(
    st.fixed_dictionaries({"keepLast": st.integers(1, 1000)}),
    st.fixed_dictionaries({"expireAfterDays": st.integers(1, 1000)}),
    st.fixed_dictionaries({"archiveAfterDays": st.integers(1, 1000)}),
    st.fixed_dictionaries({"archiveAfterDaysSincePull": st.integers(1, 1000)}),
    st.fixed_dictionaries({"expireAfterDaysInArchive": st.integers(90, 1000)}),
)
LIFECYCLES = st.lists(
    st.builds(lambda *parts: {key: value for part in parts for key, value in part.items()}, SELECTORS, OUTCOMES),
    min_size=1,
    max_size=4,
)
STACKS = st.fixed_dictionaries(
    {
        "environment": st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
        "repositories": st.dictionaries(NAMES, st.none() | st.just({}), min_size=1, max_size=4),
    },
    optional={
        "encryption": st.fixed_dictionaries({}, optional={"deletionWindowInDays": st.integers(7, 30)}),
        "repositoryDefaults": st.fixed_dictionaries(
            {},
            optional={
                "lifecycle": LIFECYCLES,
                "scanOnPush": st.booleans(),
                "access": st.fixed_dictionaries({}, optional={"pull": st.just(["role/a"]), "push": st.just(["role/b"])}),
            },
        ),
        "tags": st.dictionaries(st.from_regex(r"[A-Z][a-z]{0,8}x", fullmatch=True), st.text("abc 1", max_size=9), max_size=3),
    },
)  # fmt: skip


@given(STACKS)
def test_settings_that_are_accepted_compile_to_documents_of_the_api_model(data: dict[str, Any]) -> None:
    try:
        settings = stack_settings_of(data, source="Pulumi.test.yaml", region="us-east-1")
    except InvalidInput:
        return
    jsonschema.validate({"config": {f"ecr-stack:{key}": value for key, value in data.items()}}, schema())
    name = shape("RepositoryName").metadata
    for repository in settings.names():
        assert re.fullmatch(name["pattern"], repository)
        assert name["min"] <= len(repository) <= name["max"]
    for key in settings.repositories:
        text = settings.lifecycle_text(key)
        if text:
            assert 100 <= len(text) <= 30_720
            assert json.loads(text)["rules"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (constraints.REPOSITORY_NAME, "RepositoryName"),
        (constraints.REPLICATION_FILTER, "RepositoryFilterValue"),
        (constraints.SCAN_FILTER, "ScanningRepositoryFilterValue"),
        (constraints.SIGNING_FILTER, "SigningRepositoryFilterValue"),
        (constraints.SIGNING_PROFILE, "SigningProfileArn"),
        (constraints.EXCLUSION_FILTER, "ImageTagMutabilityExclusionFilterValue"),
    ],
)
def test_patterns_are_those_of_the_installed_api_model(pattern: re.Pattern[str], name: str) -> None:
    assert pattern.pattern.replace("\\", "") == shape(name).metadata["pattern"].replace("\\", "")


def test_regions_are_those_of_the_installed_sdk() -> None:
    session = botocore.session.get_session()
    offered = {
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ecr", partition_name=partition)
    }
    assert set(constraints.REGIONS) == offered


@given(st.text("ab*._-/A ", max_size=12))
def test_a_scan_filter_is_judged_as_the_api_model_does(text: str) -> None:
    from ecr_stack.model import check

    expected = bool(re.fullmatch(shape("ScanningRepositoryFilterValue").metadata["pattern"], text)) and len(text) > 0
    assert check(constraints.ScanFilter, text) == expected


def test_the_shipped_schema_is_the_one_that_the_command_prints() -> None:
    from tests.conftest import PROJECT

    assert json.loads((PROJECT / "schema" / "stack.schema.json").read_text()) == schema()
