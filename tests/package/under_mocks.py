"""Runs a program as its owner's tests would, under plain mocks, and prints what it made and put out.

python -P under_mocks.py PROGRAM PROJECT CONFIG
"""

from __future__ import annotations

import json
import runpy
import sys
from typing import Any

from pulumi.runtime import mocks, rpc, set_all_config
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await

ACCOUNT = "123456789012"
NOTHING: Any = None
# The outputs of the stack of a registry, and one that a later version might add.
REGISTRY = {
    "registryId": ACCOUNT,
    "region": "us-east-1",
    "repositoryUrls": {"api-gateway": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/api-gateway"},
    "repositoryArns": {"api-gateway": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/api-gateway"},
    "replicationDestinations": [],
    "somethingNewer": True,
}


class Answers(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        return {"accountId": ACCOUNT, "region": "us-east-1"}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.made.append({"type": args.typ, "name": args.name, "inputs": args.inputs})
        name = str(args.inputs.get("name", args.name))
        state = {**args.inputs, "name": name}
        match args.typ:
            case "pulumi:pulumi:StackReference":
                state |= {"outputs": REGISTRY, "secretOutputNames": []}
            case "aws:ecr/repository:Repository":
                state |= {
                    "repositoryUrl": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{name}",
                    "arn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{name}",
                }
            case "aws:kms/key:Key":
                state |= {
                    "keyId": "1",
                    "arn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555",
                }
            case "aws:iam/role:Role":
                state |= {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}
        return f"{args.name}-id", state


class Monitor(mocks.MockMonitor):
    exports: dict[str, Any] = {}

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.exports = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)


def run(program: str, project: str, config: dict[str, str]) -> dict[str, Any]:
    _ensure_event_loop()  # type: ignore[no-untyped-call]
    set_all_config(config)
    answers = Answers()
    monitor = Monitor(answers)
    mocks.set_mocks(answers, project=project, stack="dev", preview=False, monitor=monitor)
    set_root_resource(NOTHING)  # `run_in_stack` makes its own
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()

    async def main() -> None:
        await run_in_stack(lambda: runpy.run_path(program, run_name="__main__") and None)

    _sync_await(main())
    import ecr_stack

    return {"from": ecr_stack.__file__, "made": answers.made, "exports": monitor.exports}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
