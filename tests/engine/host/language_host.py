"""A language host for Python: it starts programs, policy packs and plugins for the Pulumi engine.

Everybody who installs Pulumi has the stock host. It cannot be built from the Go module proxy, so that a `pulumi` built
from there lacks it: this one takes its place in the tests. It does what they need and no more; in particular it
installs nothing.

https://pulumi-developer-docs.readthedocs.io/latest/proto/README.html
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

ALREADY_TOLD = 32
"""The exit code of a program's runner when the person has been told what is wrong."""


def interpreter(info: Any) -> str:
    """The Python of a program: that of `runtime.options.virtualenv`, relative to the project, else the one on PATH."""
    environment = info.options.fields["virtualenv"].string_value
    if not environment:
        return shutil.which("python3") or sys.executable
    python = Path(info.root_directory, environment, "bin", "python")
    if not python.is_file():
        raise FileNotFoundError(f"the virtual environment {python.parent.parent} does not exist")
    return str(python)


def run_options(request: Any, engine: str) -> dict[str, str]:
    """What the runners of all languages are told, by the names of their options."""
    return {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "stack": request.stack,
        "organization": request.organization,
        "root_directory": request.info.root_directory,
        "pwd": request.info.program_directory,
        "dry_run": "true" if request.dryRun else "",
        "parallel": str(request.parallel),
    }


def environment_of(request: Any) -> dict[str, str]:
    """The environment of a program, with the stack's configuration."""
    return {
        **os.environ,
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def outcome(running: set[subprocess.Popen[Any]], process: subprocess.Popen[Any]) -> Any:
    """Wait for a program, and say how it ended."""
    running.add(process)
    code = process.wait()
    running.discard(process)
    if code in (ALREADY_TOLD, -signal.SIGKILL):
        return language_pb2.RunResponse(bail=True)
    return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}" if code else "")


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    """One engine's host."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.running: set[subprocess.Popen[Any]] = set()

    def Handshake(self, request: Any, context: Any) -> Any:
        self.engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        return language_pb2.RuntimeOptionsResponse()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        yield language_pb2.InstallDependenciesResponse(stdout=b"This host installs nothing\n")

    def About(self, request: Any, context: Any) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        listed = subprocess.run(
            [interpreter(request.info), "-m", "pip", "list", "--format", "json"], capture_output=True, check=True
        )
        found = [language_pb2.DependencyInfo(**each) for each in json.loads(listed.stdout)]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def Cancel(self, request: Any, context: Any) -> Any:
        for process in list(self.running):
            process.kill()
        return empty_pb2.Empty()

    def Run(self, request: Any, context: Any) -> Any:
        """Run a program. What it prints is the host's own output, which the engine shows."""
        runner = shutil.which("pulumi-language-python-exec")
        if runner is None:
            return language_pb2.RunResponse(error="pulumi-language-python-exec is not on PATH")
        try:
            python = interpreter(request.info)
        except FileNotFoundError as error:
            return language_pb2.RunResponse(error=str(error))
        named = [
            part for name, value in run_options(request, self.engine).items() if value for part in (f"--{name}", value)
        ]
        process = subprocess.Popen(
            [python, "-u", runner, *named, request.info.entry_point, *request.args],
            env=environment_of(request),
            cwd=request.info.program_directory,
            stdin=subprocess.DEVNULL,
        )
        return outcome(self.running, process)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        """Run a policy pack or a component package, and pass on what it prints."""
        info = request.info
        command = [interpreter(info), "-u"]
        if request.kind == "analyzer":
            # as `pulumi-analyzer-policy-python` of the stock host: the engine's address, then the pack
            command += ["-m", "pulumi.policy", *request.args, "."]
        else:
            command += [info.entry_point, *request.args]
        process = subprocess.Popen(
            command,
            cwd=info.program_directory,
            env={**os.environ, **dict(pair.split("=", 1) for pair in request.env)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.running.add(process)
        context.add_callback(process.kill)
        said: queue.Queue[tuple[str, bytes] | None] = queue.Queue()

        def listen(name: str, stream: IO[bytes]) -> None:
            while text := stream.read1(1 << 16):  # type: ignore[attr-defined]
                said.put((name, text))
            said.put(None)

        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=listen, args=(name, stream), daemon=True).start()
        open_streams = 2
        while open_streams:
            heard = said.get()
            if heard is None:
                open_streams -= 1
            else:
                yield language_pb2.RunPluginResponse(**{heard[0]: heard[1]})
        code = process.wait()
        self.running.discard(process)
        yield language_pb2.RunPluginResponse(exitcode=code)


def main(kind: type[Host] = Host) -> None:
    """Serve one engine, until it ends this process."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    host = kind(addresses[0] if addresses else "")
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        host.Cancel(None, None)


if __name__ == "__main__":
    main()
