"""Posts the report of a preview as a comment on its pull request, or writes the one anew that is there.

    python3 .github/comment.py FOLDER

FOLDER holds `report.md` and `number`, which the code of the pull request may have written: the report is a text and
nothing else, and the number is only believed where GitHub itself says that the pull request is of the branch and the
commit that were previewed. Needs Python alone. Reads from the environment:

    GITHUB_TOKEN, GITHUB_API_URL, GITHUB_REPOSITORY   as GitHub sets them
    HEAD   the branch that was previewed, as OWNER:BRANCH
    SHA    the commit that was previewed
    RUN    the page of the run, for the comment
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

MARK = "<!-- ecr-stack: what this change would do -->"
"""By this the comment is found again."""
MOST = 65_536
"""GitHub takes no longer comment, in characters."""
AUTHOR = "github-actions[bot]"


def main(folder: Path) -> None:
    """Post the report that is in a folder.

    Raises:
        SystemExit: where it is not to be posted, with the reason.
    """
    claimed = (folder / "number").read_text(encoding="utf-8", errors="replace")[:20].strip()
    if not re.fullmatch(r"[1-9][0-9]{0,9}", claimed):
        sys.exit(f"{claimed!r} is not the number of a pull request")
    number = int(claimed)
    query = urllib.parse.urlencode({"state": "open", "head": os.environ["HEAD"], "per_page": 100})
    pulls = call("GET", f"pulls?{query}")
    previewed = {pull["number"] for pull in pulls if pull["head"]["sha"] == os.environ["SHA"]}
    if number not in previewed:
        # closed since, or pushed to since: then the next preview comments
        print(f"::notice::Pull request {number} is not open at {os.environ['SHA']}: there is nothing to say")
        return
    report = (folder / "report.md").read_text(encoding="utf-8", errors="replace")
    body = comment(report, os.environ["RUN"])
    former = next((one["id"] for one in comments(number) if is_ours(one)), None)
    if former is None:
        call("POST", f"issues/{number}/comments", {"body": body})
    else:
        call("PATCH", f"issues/comments/{former}", {"body": body})


def comment(report: str, run: str) -> str:
    """Put the mark before a report, and shorten it to what GitHub takes.

    A report that is cut off ends with a line, with what was open closed, and with where the whole is.
    """
    # First, so that nothing in the report can hide it, e.g. by an HTML comment that is not closed.
    head = f"{MARK}\n<sub>Written by the code of this pull request, without credentials: [the run]({run}).</sub>\n\n"
    if len(head) + len(report) <= MOST:
        return head + report
    cut = f"\n\n**The report is too long for a comment: [the whole is in the run]({run}).**\n"
    # room for what closes what is open: a fence, and folds, which reports do not nest
    kept = report[: MOST - len(head) - len(cut) - 100]
    kept = kept[: kept.rfind("\n") + 1]
    fences = re.findall(r"^`{3,}", kept, re.MULTILINE)
    if len(fences) % 2:
        kept += f"{fences[-1][:40]}\n"
    if kept.count("<details>") > kept.count("</details>"):
        kept += "\n</details>\n"
    return head + kept + cut


def comments(number: int) -> Any:
    """Yield the comments of a pull request, page by page."""
    page = 1
    while found := call("GET", f"issues/{number}/comments?per_page=100&page={page}"):
        yield from found
        page += 1


def is_ours(one: Any) -> bool:
    """Whether a comment is of an earlier run; anybody can write the mark."""
    return one["user"]["login"] == AUTHOR and str(one["body"]).startswith(MARK)


def call(method: str, path: str, data: Any = None) -> Any:
    """Call GitHub's API about this repository.

    Raises:
        SystemExit: where GitHub refuses.
    """
    request = urllib.request.Request(
        f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}",
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read()[:500].decode(errors='replace')}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
