"""The comment on a pull request: one, written anew; and never on a pull request that was not previewed."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT

SCRIPT = PROJECT / ".github" / "comment.py"
SHA = "a" * 40

_spec = importlib.util.spec_from_file_location("comment", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
script: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


class GitHub:
    """As much of GitHub as the script asks for: one pull request from a fork, and comments."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.url = ""

    def answer(self, method: str, path: str, data: Any) -> Any:
        self.asked.append(f"{method} {path}")
        where, _, query = path.removeprefix("/repos/acme/registry/").partition("?")
        if where == "pulls":
            assert "head=somebody%3Amain" in query
            return [{"number": 7, "head": {"sha": SHA}}, {"number": 8, "head": {"sha": "b" * 40}}]
        if method == "GET":
            page = int(query.rpartition("page=")[2])
            return self.comments[100 * (page - 1) : 100 * page]
        if method == "POST":
            self.said("github-actions[bot]", data["body"])
        else:
            (one,) = [one for one in self.comments if one["id"] == int(where.rpartition("/")[2])]
            one["body"] = data["body"]
        return {}

    def said(self, login: str, body: str) -> None:
        self.comments.append({"id": 1000 + len(self.comments), "user": {"login": login}, "body": body})


@pytest.fixture
def github() -> Iterator[GitHub]:
    fake = GitHub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _any(self) -> None:
            assert self.headers["Authorization"] == "Bearer token"
            length = int(self.headers.get("Content-Length") or 0)
            answer = fake.answer(self.command, self.path, json.loads(self.rfile.read(length)) if length else None)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = _any  # noqa: N815  (the names of http.server)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fake.url = f"http://127.0.0.1:{server.server_port}"
        yield fake
        server.shutdown()


Post = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def post(github: GitHub, tmp_path: Path) -> Post:
    def run(report: str, number: str = "7\n") -> subprocess.CompletedProcess[str]:
        (tmp_path / "number").write_text(number)
        (tmp_path / "report.md").write_text(report)
        return subprocess.run(
            [sys.executable, "-I", SCRIPT, tmp_path],
            env={
                "PATH": os.environ["PATH"],
                "GITHUB_TOKEN": "token",
                "GITHUB_API_URL": github.url,
                "GITHUB_REPOSITORY": "acme/registry",
                "HEAD": "somebody:main",
                "SHA": SHA,
                "RUN": "https://github.com/acme/registry/actions/runs/1",
                "NO_PROXY": "127.0.0.1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_comment_is_posted_once_and_then_written_anew(post: Post, github: GitHub) -> None:
    github.said("somebody", f"{script.MARK}\nnot the comment of a run")
    for _ in range(100):
        github.said("somebody", "a long talk")
    for report in ("## ✅ dev\n", "## 🛑 dev\n"):
        done = post(report)
        assert (done.returncode, done.stderr) == (0, "")
    assert len(github.comments) == 102
    assert github.comments[0]["body"].endswith("not the comment of a run")
    assert "## 🛑 dev\n" in github.comments[-1]["body"]
    assert "✅" not in github.comments[-1]["body"]


@pytest.mark.parametrize("number", ["", "0", "7; echo", "../7", "７", "7" * 11, "-7"])
def test_what_is_no_number_is_refused_before_github_is_asked(post: Post, github: GitHub, number: str) -> None:
    done = post("## ✅ dev\n", number)
    assert done.returncode == 1
    assert "not the number of a pull request" in done.stderr
    assert github.asked == []


@pytest.mark.parametrize("number", ["8", "9"])
def test_another_pull_request_than_the_previewed_one_gets_no_comment(post: Post, github: GitHub, number: str) -> None:
    done = post("## ✅ dev\n", number)
    assert done.returncode == 0
    assert f"Pull request {number} is not open at {SHA}" in done.stdout
    assert github.comments == []


@pytest.mark.parametrize(
    ("line", "opened"),
    [
        ("| a | row |\n", "<details><summary>rows</summary>\n\n"),
        ("r0 --> r1\n", "<details>\n\n```mermaid\n"),
        ("é" * 79 + "\n", ""),
    ],
)
def test_a_report_that_is_too_long_is_cut_at_a_line_and_closed(line: str, opened: str) -> None:
    report = "## 🛑 prod\n" + opened + line * 20_000
    body = script.comment(report, "https://example.org/run")
    assert 65_000 < len(body) <= 65_536
    assert "[the whole is in the run](https://example.org/run)" in body
    assert body.count("<details>") == body.count("</details>")
    assert body.count("```") % 2 == 0
    assert (
        body.split("\n**The report")[0].replace("```\n", "").replace("</details>\n", "").rstrip().endswith(line.strip())
    )


@pytest.mark.parametrize("report", ["<!-- ", "<details>\n", "```\n", "x\n" * 40_000])
def test_the_disclaimer_is_the_first_that_is_read(report: str) -> None:
    lines = script.comment(report, "https://example.org/run").splitlines()
    assert lines[0] == script.MARK
    assert "Written by the code of this pull request" in lines[1]
    assert lines[2] == ""


def test_a_report_that_just_fits_is_whole() -> None:
    empty = len(script.comment("", "run"))
    assert len(script.comment("x" * (65_536 - empty), "run")) == 65_536
    assert "too long" not in script.comment("x" * (65_536 - empty), "run")
    assert "too long" in script.comment("x\n" * 40_000, "run")
