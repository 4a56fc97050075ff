"""Whatever is in a stack file or a report, a comment has the same structure: foreign text stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ecr_stack.cli.comparison import markdown
from ecr_stack.cli.review import document
from ecr_stack.rehearsal.report import Report, ResourceRecord, Violation
from ecr_stack.review.branches import StackChange
from ecr_stack.review.compare import compare
from ecr_stack.review.markdown import code, fenced, prose
from ecr_stack.review.retention_changes import retention_changes
from ecr_stack.review.violations import told_in

GITHUB = MarkdownIt("gfm-like", {"linkify": True, "html": True})
HOSTILE = [
    *("\r# heading\r", "a\n\n## heading", "\u2028# x", "\x0b# x", "\x85# x", "![](https://evil.example/x.png)"),
    *(
        "[click](https://evil.example)",
        "<https://evil.example>",
        "https://evil.example",
        "www.evil.example",
        "a@b.example",
    ),
    *("@acme/admins", "#123", "acme/registry#1", "GH-12", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", ":tada:", "<!--"),
    *(
        "--> x",
        "<details>",
        "</details>",
        "<img src=x onerror=y>",
        "</code></summary>",
        "```\n# x",
        "~~~",
        "`",
        "``",
        "` # `",
    ),
    *(
        "|",
        "\\|",
        "a | b\n|---|---|",
        "\\",
        "*a*",
        "__b__",
        "~~c~~",
        "&lt;b&gt;",
        "&#64;acme",
        "$x$",
        "[^1]",
        "[^1]: x",
        "- [ ] a",
    ),
    *(
        "\u202eevil",
        "a\u200bb",
        "\ufeff",
        "\u2066x",
        "> [!NOTE]",
        "> quoted",
        "1. one",
        "- list",
        "    indented",
        "\t",
        "\x1b[31m",
    ),
    *("\u061cx", "\u200ex", "\u2028", "\u2029@acme", "a\u00adb", "\U000e0041", "@acme\u200b/x", "#\u200b1", "\x00"),
    *("http\u200b://evil.example", "HTTPS://EVIL.EXAMPLE", "mailto:a@b.example", "xmpp:a@b.example", "ftp://x.example"),
    *("`` ` ``", "`a`b`c", "\\`x", "`\r# x`", "`\n\n# x`", "<!-- `", "` -->", "<![CDATA[", "<?php", "<!DOCTYPE x>"),
    *("!\n[a](b)", "![a]: http://x.example", "[a]: http://x.example", "***", "===", "\\\n", "  \n# x", "\xa0# x"),
    *('"]; x["', "end", "%%{init: {}}%%", "click r0 href", "<br/>", "\ud800"),
]
PARTS = st.sampled_from([*HOSTILE, " ", "\n", "v1", "word"]) | st.text(max_size=8)
TEXTS = st.lists(PARTS, min_size=1, max_size=6).map("".join)
# A report with half of a character is refused.
REPORTED = TEXTS.map(lambda text: text.encode("utf-8", "replace").decode())

_URN = "urn:pulumi:t::p::{}::{}"


def records(text: str, *, keep: int) -> list[ResourceRecord]:
    """A registry whose every text is the given one."""
    policy = (
        '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPatternList":["v*"],'
        f'"countType":"imageCountMoreThan","countNumber":{keep}}},"action":{{"type":"expire"}}}}]}}'
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": text},
        "Action": text,
        "Condition": {"StringEquals": {"aws:PrincipalArn": [text]}},
    }
    repository = {
        "name": text,
        "imageTagMutability": "MUTABLE" if keep < 5 else "IMMUTABLE",
        "tags": {"x": text * keep},
    }
    repository["imageTagMutabilityExclusionFilters"] = [{"filter": text}]
    destinations = [{"registryId": text, "region": text}]
    replication = {
        "rules": [{"destinations": destinations, "repositoryFilters": [{"filter": text}]}] if keep < 5 else []
    }
    found = [
        ("aws:ecr/repository:Repository", repository),
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": text, "policy": policy}),
        (
            "aws:ecr/repositoryPolicy:RepositoryPolicy",
            {"repository": text, "x": {"Statement": [statement] * (keep < 5)}},
        ),
        ("aws:ecr/replicationConfiguration:ReplicationConfiguration", {"replicationConfiguration": replication}),
        ("aws:kms/key:Key", {"arn": "k", "description": text * keep, "keyId": text}),
        ("aws:kms/alias:Alias", {"name": text, "targetKeyArn": "k"}),
    ]
    if keep < 5:
        found.append(("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": text, "policyArn": text}))
    return [
        ResourceRecord(
            _URN.format(kind, place),
            kind,
            text,
            None,
            inputs,
            {**inputs, "region": "us-east-1"},
            [],
            {"protect": keep > 5},
            text,
        )
        for place, (kind, inputs) in enumerate(found)
    ]


def report(text: str, *, keep: int) -> Report:
    made = records(text, keep=keep)
    # The same twice, in a Region whose name is the text, of a resource that is not there, and more than are written.
    far = replace(made[0], urn=f"{made[0].urn}-{text}", outputs={**made[0].outputs, "region": f"far {text}"})
    found = []
    if keep < 5:
        found += [Violation("p", "mandatory", urn, f"word {text}") for urn in (made[0].urn, far.urn, f"u::{text}", "")]
        found += [Violation(f"p {text}", f"level {text}", made[0].urn, f"word `{text}` {n} {text}.") for n in range(5)]
    warnings = [f"word {text}"] if keep < 5 else []
    return Report(
        text, "p", text, "us-east-1", resources=[*made, far], violations=found, warnings=warnings,
        settings={"ecr-stack:trusted": {"accounts": [text] * keep, "issuers": [text * keep]}}, guardrails={text: {text: text * keep}},
    )  # fmt: skip


def comment(text: str) -> str:
    base, head = report(text, keep=9).as_json(), report(text, keep=3)
    changes = retention_changes(base, head.as_json())
    return markdown(compare(base, head.as_json()), head, changes)


def flat(tokens: list[Token]) -> list[Token]:
    return [each for token in tokens for each in (token, *flat(token.children or []))]


def skeleton(text: str) -> list[str]:
    """Everything in a document but words and code: blocks, HTML, and what only the project itself writes."""
    found = []
    for token in flat(GITHUB.parse(text)):
        if token.type in ("text", "code_inline", "inline"):
            continue
        assert token.type not in ("link_open", "image", "hr", "code_block"), token
        found.append(f"{token.type} {token.tag} {token.content if 'html' in token.type else token.info}")
    return found


# What may be outside of code: words, small numbers, and punctuation without a meaning.
PLAIN = re.compile(r"[A-Za-z0-9 ,.;:!?()'’%→·…≤≥–🛑✅⚠️\[\]-]*")


def assert_only_text(text: str) -> None:
    for token in flat(GITHUB.parse(text)):
        if token.type == "text":
            assert PLAIN.fullmatch(token.content), token.content
            assert not re.search(r"[@#<>&_*~|\\^$`]|://|www\.[a-z]|[A-Za-z]-[0-9]|:[a-z]+:", token.content), (
                token.content
            )


BENIGN = skeleton(comment("benign"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPORTED)
@example("\r# heading <!-- ![](x) @user #123 \u202e")
def test_a_comment_has_the_same_structure_whatever_the_texts_are(text: str) -> None:
    written = comment(text)
    # with other names other things may be said; what they are made of is the same
    assert set(skeleton(written)) <= set(BENIGN)
    assert skeleton(written).count("fence code mermaid") == 1
    assert sum(item.startswith("html_block") for item in skeleton(written)) == sum(
        item.startswith("html_block") for item in BENIGN
    )
    assert sum(item.startswith("heading_open") for item in skeleton(written)) == 2
    assert_only_text(written)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_code(text: str) -> None:
    for written in (code(text), f"x {prose(text)}", f"| a |\n| --- |\n| {code(text)} |"):
        assert_only_text(written)
        assert {item.split()[0] for item in skeleton(written)} <= {
            *("paragraph_open", "paragraph_close", "table_open", "table_close", "thead_open", "thead_close"),
            *("tbody_open", "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close"),
        }


@given(TEXTS)
def test_an_error_message_does_not_leave_its_fence(text: str) -> None:
    assert skeleton("\n".join(fenced(text))) == ["fence code text"]
    shown = document([StackChange(text, mistake=text)])
    assert [item.split()[0] for item in skeleton(shown)].count("fence") == 1
    assert_only_text(shown)


@given(TEXTS)
def test_what_cannot_be_seen_is_shown(text: str) -> None:
    assert all(character.isprintable() for character in code(text, limit=10_000))


@given(st.text(alphabet="abcdefXYZ", min_size=1, max_size=6))
def test_english_words_stay_words(word: str) -> None:
    assert prose(f"the {word}, and") == f"the {word}, and"


@settings(max_examples=40, deadline=None)
@given(REPORTED)
def test_a_diagram_has_the_same_lines_whatever_the_names_are(text: str) -> None:
    def lines(name: str) -> list[str]:
        (diagram,) = re.findall(r"```mermaid\n(.*?)\n```", comment(name), re.DOTALL)
        return [re.sub(r'"[^"]*"', '""', line) for line in diagram.split("\n")]

    assert lines(text) == lines("benign")


def test_what_a_violation_proposes_to_write_is_one_piece_of_code() -> None:
    proposed = '{"p": {"enforcementLevel": "advisory", "reason": "decided by NAME in TICKET"}}'
    spans = [each.content for each in flat(GITHUB.parse(f"- x: {prose(f'To accept this: `{proposed}`.')}"))]
    assert proposed in spans


def test_a_violation_in_several_regions_is_said_once_and_names_them() -> None:
    def made(name: str, region: str) -> ResourceRecord:
        inputs = {"name": name, "region": region}
        return ResourceRecord(
            f"u::{name}@{region}", "aws:ecr/repository:Repository", name, None, inputs, inputs, [], {}, "x"
        )

    resources = [made("api", "us-east-1"), made("api", "us-west-2"), made("web", "us-east-1")]
    head = Report(
        "t", "p", "123456789012", "us-east-1", resources=resources,
        violations=[Violation("p", "mandatory", each.urn, f"{each.name} is open") for each in resources],
    )  # fmt: skip
    compared = compare({"resources": []}, head.as_json())
    assert len(compared.violations["new"]) == 3  # as data, each resource has its own
    written = markdown(compared, head)
    assert written.count("api is open") == written.count("web is open") == 1
    assert "- mandatory `p` in `us-east-1`, `us-west-2`: api is open" in written
    assert "- mandatory `p`: web is open" in written
    api, web = told_in(head)
    assert (api.where, web.where) == ("api (us-east-1, us-west-2)", "web")
    again = compare(head.as_json(), head.as_json())
    assert "Existing guardrail violations: 2 (2 mandatory)." in markdown(again, head)


def test_the_disclaimer_is_the_first_line() -> None:
    assert comment("x").startswith("<sub>Rehearsed in an embedded AWS")
    assert document([StackChange("x", mistake="y")]).startswith("<sub>Rehearsed in an embedded AWS")


def _alike(count: int, protected: int) -> Report:
    made: list[Any] = []
    for number in range(count):
        inputs = {"name": f"service-{number:02}", "imageTagMutability": "IMMUTABLE", "region": "us-east-1"}
        options = {"protect": number >= protected}
        kind = "aws:ecr/repository:Repository"
        made.append(
            ResourceRecord(
                _URN.format(kind, number), kind, f"s{number}", None, inputs, inputs, [], options, f"s{number}"
            )
        )
    return Report("t", "p", "123456789012", "us-east-1", resources=made)


def test_thirty_alike_repositories_are_one_node_and_those_that_differ_another() -> None:
    from ecr_stack.review.diagram import mermaid

    base, head = _alike(31, 0), _alike(30, 2)
    diagram = mermaid(head.as_json(), compare(base.as_json(), head.as_json()))
    nodes = re.findall(r'^    r\d+\["(.*)"\]$', diagram, re.MULTILINE)
    assert len(nodes) == 3
    assert "28 repositories" in diagram
    assert "service-00<br/>service-01<br/><small>immutable tags, not protected</small>" in nodes
    assert "s30" in nodes
    assert 'legend_removed["would be deleted"]:::removed' in diagram
    assert 'legend_changed["changes"]:::changed' in diagram
    assert "legend_added" not in diagram
