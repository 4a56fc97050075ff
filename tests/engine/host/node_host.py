"""A language host for Node.js, as `language_host` is one for Python: it runs compiled programs and generates SDKs.

npm's `@pulumi/pulumi` carries the runner of programs; `node_sdk` is the generator of SDKs.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from language_host import Host, environment_of, main, outcome, run_options
from pulumi.runtime.proto import language_pb2


class NodeHost(Host):
    """One engine's host."""

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program. What it prints is the host's own output, which the engine shows."""
        node = shutil.which("node")
        if node is None:
            return language_pb2.RunResponse(error="node is not on PATH")
        folder = Path(request.info.program_directory)
        options = [
            f"--{name.replace('_', '-')}={value}" for name, value in run_options(request, self.engine).items() if value
        ]
        process = subprocess.Popen(
            [node, folder / "node_modules/@pulumi/pulumi/cmd/run", *options, request.info.entry_point, *request.args],
            env=environment_of(request),
            cwd=folder,
            stdin=subprocess.DEVNULL,
        )
        return outcome(self.running, process)

    def GeneratePackage(self, request: Any, context: Any) -> Any:
        """Write the SDK of a package."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as schema:
            schema.write(request.schema)
            schema.flush()
            subprocess.run(["pulumi-node-sdk", schema.name, request.directory], check=True)
        return language_pb2.GeneratePackageResponse()


if __name__ == "__main__":
    main(NodeHost)
