"""A stack that version 0.1.0 made is this version's, too: nothing is replaced, and nothing goes but the old guards."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from pulumi_engine import PROJECT, Engine

VERSION_0_1_0 = "ddff3adf94b6d0fbccfd1cfa8da0928dcf527259"
OLD_PROGRAM = """
import pulumi
from ecr_stack import Registry, stack_settings

settings = stack_settings()
registry = Registry(settings.environment, settings.arguments())
for name, value in registry.outputs().items():
    pulumi.export(name, value)
"""
MORE = {
    "ecr-stack:pipelines": {
        "main": {"repositories": [{"repository": "octo-org/api", "branches": ["main"], "tags": ["v*"]}]},
    },
    "ecr-stack:nodes": {"roles": ["eks-prod-node-role"]},
    "ecr-stack:registryAccess": {
        "pullThroughCache": [{"principals": ["role/eks-prod-node-role"], "namespaces": ["hub"]}]
    },
}


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """The package of version 0.1.0."""
    archive = subprocess.run(
        ["git", "archive", VERSION_0_1_0, "ecr_stack", "Pulumi.yaml"], cwd=PROJECT, capture_output=True, check=False
    )
    if archive.returncode != 0:
        pytest.skip("this clone does not reach back to version 0.1.0")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


def test_a_stack_of_version_0_1_0_is_taken_on_with_nothing_replaced(engine: Engine, old_code: Path) -> None:
    config = {**engine.shipped("prod"), **MORE}
    # what version 0.1.0 did unless told otherwise; replicas that exist are adopted in a step of their own
    rules = config["ecr-stack:replication"]["rules"]
    for destination in (each for rule in rules for each in rule["destinations"]):
        del destination["replicas"]
    config["ecr-stack:replication"]["creationTemplate"] = True
    engine.stack("prod", config)
    new_program = (engine.project / "__main__.py").read_text()
    new_project = (engine.project / "Pulumi.yaml").read_text()
    engine.write(OLD_PROGRAM)
    (engine.project / "Pulumi.yaml").write_text((old_code / "Pulumi.yaml").read_text())
    engine.environment["PYTHONPATH"] = str(old_code)
    engine.up()
    state = engine.state()
    assert any(name.startswith("command:local:Command ") for name in state)

    del engine.environment["PYTHONPATH"]
    engine.write(new_program)
    (engine.project / "Pulumi.yaml").write_text(new_project)
    changes = engine.changes()
    deleted = {name for name, operation in changes.items() if operation == "delete"}
    assert {name.split()[0] for name in deleted} <= {"command:local:Command"}
    assert set(changes.values()) <= {"delete", "update", "create"}
    created = {name for name, operation in changes.items() if operation == "create"}
    # the guards of this version, and the scanning of destinations, which 0.1.0 left as it was
    scanning = {
        "ecr-stack:index:RegistryScanning",
        "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration",
    }
    assert {name.split()[0] for name in created} <= {"pulumi:index:Stash", *scanning}
    assert {name.split()[1] for name in created if name.split()[0] in scanning} == {"prod-us-west-2", "prod-eu-west-1"}
    engine.up()
    engine("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    engine.up("--expect-no-changes")
    kept = {name: each["id"] for name, each in state.items() if name.startswith("aws:")}
    after = engine.state()
    for name, each in after.items():
        if name in kept:
            assert each["id"] == kept[name], name
