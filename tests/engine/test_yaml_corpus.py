"""A stack file is read as the real engine reads it: each oddity of YAML is put to `pulumi config --json` as well."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ecr_stack.errors import EcrStackError
from ecr_stack.project.stack_file import ENCRYPTED, read_project, read_stack

PROJECT = "name: registry\nruntime: python\n"

# One plain value each; every one of them stands under a key, in a list and in a map.
SCALARS = (
    """
yes|no|on|off|Yes|NO|y|n|true|True|TRUE|tRUE|false|False|FALSE|null|Null|NULL|nULL|~|None
0|1|-1|+1|00|01|007|010|-010|+010|08|089|0800|012345678901|012345670123|123456789012|0.0|-0|-0.0|+0
0o17|0O17|-0o17|0o18|0b11|0B11|-0b11|0b12|0x10|0X1F|-0x10|+0x10|0xZZ|0x|0b|0o
1_000|1__000|_1|1_|0_7|0x_1F|1_0.5|1e3|1E3|1e+3|1e-3|1.5e300|1e999|-1e999|1e|e1|.5|-.5|+.5|.5e2|._5|.1_5|5.|1.|1.0
1.10|1.50|3.14159265358979|0.1|100000.0|1000000.0|123456789.0|12345678901.5|1e20|1e21|1e22|1.5e21|1e-5|1e-6|1e-7|1.25e-9
9007199254740991|9007199254740993|9223372036854775807|9223372036854775808|18446744073709551615|18446744073709551616
-9223372036854775808|-9223372036854775809|99999999999999999999999|0xFFFFFFFFFFFFFFFF|0xFFFFFFFFFFFFFFFFF
2024-01-01|2024-1-1|2024-02-30|2024-02-29|2023-02-29|24-01-01|2024-01|2024-01-01T10:20:30Z|2024-01-01t10:20:30Z
2024-01-01T10:20:30.5Z|2024-01-01T10:20:30,25Z|2024-01-01T1:2:3Z|2024-01-01T10:20:30+05:30|2024-01-01T10:20:30-08:00
2024-01-01T10:20:30+00:00|2024-01-01 10:20:30|2024-01-01 10:20:30.123456789|2024-01-01 10:20:30 Z|2024-01-01T10:20:30
2024-01-01 24:00:00|2024-13-01|0000-01-01|9999-12-31|2024-01-01T10:20:60Z|2024-01-01T10:20:30.0Z
12:30:45|190:20:30|1:20|1.2.3|v1.0|+|-a|.|..|.a|...a|=|<<a|12e03|0e0|1e0|0x1p3|1,000|١٢|1 000
'012'|"012"|'yes'|'2024-01-01'|"1e3"|''|""|'~'|"null"|"\\x41\\u00e9\\n"|'it''s'
!!str 012|!!str 2024-01-01|!!str yes|!!int 12|!!int "12"|!!float 3|!!float 1e3|!!float "2.5"|!!bool true|!!bool "true"
!!null null|!!null ~|!!timestamp 2024-01-01|!!binary aGVsbG8=|!custom 12|!<tag:yaml.org,2002:str> 12|! 12|! '12'|!!str
arn:aws:iam::123456789012:role/x|a:b|a#b|@a|%a|`a|a, b|[a|é|日本|a  b|a&b|<a>|"<a>&"
""".strip("\n")
    .replace("\n", "|")
    .split("|")
)

# Whole files.
FILES = {
    "nothing": "",
    "a comment": "# nothing\n",
    "null": "~\n",
    "an empty config": "config:\n",
    "an empty map": "config: {}\n",
    "a list for a config": "config: []\n",
    "a string for a config": "config: abc\n",
    "a list for a file": "- 1\n",
    "a string for a file": "abc\n",
    "a number for a file": "12\n",
    "keys without namespace": "config:\n  a: 1\n  registry:b: 2\n",
    "one key written twice in two ways": "config:\n  a: 1\n  registry:c: 3\n  a:b: 2\n",
    "another namespace": "config:\n  aws:region: us-east-1\n",
    "the old form of a key": "config:\n  aws:config:region: us-east-1\n",
    "three colons": "config:\n  a:b:c:d: 1\n",
    "two colons": "config:\n  a:b:c: 1\n",
    "a key that is a number": "config:\n  80: a\n",
    "a key that is true": "config:\n  true: a\n",
    "inner keys that are numbers": "config:\n  a: {80: x, 0x10: y, 010: z, 1.50: w, true: v, ~: u}\n",
    "inner keys that are dates": "config:\n  a: {2024-01-01: x}\n",
    "inner keys that are quoted": "config:\n  a: {'80': x, \"010\": y}\n",
    "large inner keys": "config:\n  a: {1e21: x, 100000000000000000000: y, 1e-5: z}\n",
    "a key twice": "config:\n  a: 1\n  a: 2\n",
    "an inner key twice": "config:\n  a: {b: 1, b: 2}\n",
    "a key twice as number and string": "config:\n  a: {1: x, '1': y}\n",
    "config twice": "config:\n  a: 1\nconfig:\n  b: 2\n",
    "a list as a key": "config:\n  a: {[1]: x}\n",
    "a map as a key": "config:\n  a: {? {b: 1} : x}\n",
    "anchors": "config:\n  a: &x {b: 1}\n  c: *x\n",
    "an anchor for a scalar": "config:\n  a: &x 010\n  c: [*x, *x]\n",
    "an anchor set again": "config:\n  a: &x 1\n  b: *x\n  c: &x 2\n  d: *x\n",
    "an unknown alias": "config:\n  a: *x\n",
    "an anchor in itself": "config:\n  a: &x {b: *x}\n",
    "an anchor in itself, in a list": "config:\n  a: &x [*x]\n",
    "merge": "config:\n  a: &x {b: 1, c: 2}\n  d: {<<: *x, c: 3}\n",
    "merge after": "config:\n  a: &x {b: 1, c: 2}\n  d: {c: 3, <<: *x}\n",
    "merge of a list": "config:\n  a: &x {b: 1}\n  y: &y {b: 2, c: 3}\n  d: {<<: [*x, *y]}\n",
    "merge of a merge": "config:\n  a: &x {b: 1, e: 1}\n  y: &y {<<: *x, b: 2}\n  d: {<<: *y, f: 1}\n",
    "merge written out": "config:\n  a: {<<: {b: 1}, c: 2}\n",
    "merge of a scalar": "config:\n  a: {<<: 1}\n",
    "merge of nothing": "config:\n  a: {<<: }\n",
    "merge of a list of scalars": "config:\n  a: {<<: [1]}\n",
    "merge twice": "config:\n  a: &x {b: 1}\n  d: {<<: *x, <<: *x}\n",
    "merge in quotes": "config:\n  a: {'<<': {b: 1}}\n",
    "merge with number keys": "config:\n  a: &x {010: 1}\n  d: {<<: *x}\n  e: {<<: *x, 5: 6}\n",
    "merge with a null": "config:\n  a: &x {b: ~, c: ~}\n  d: {<<: *x, b: 1}\n",
    "merge into config": "x-common: &x\n  registry:a: 1\nconfig:\n  <<: *x\n  registry:b: 2\n",
    "tab before a key": "config:\n\ta: 1\n",
    "tab after a colon": "config:\n  a:\t1\n",
    "tab after a value": "config:\n  a: 1\t\n",
    "tab in a flow map": "config:\n  a: {\tb: 1}\n",
    "tab before a comment": "config:\n  a: 1\t# c\n",
    "a byte order mark": "\ufeffconfig:\n  a: 1\n",
    "windows line ends": "config:\r\n  a: 1\r\n  b: |\r\n    x\r\n    y\r\n",
    "old mac line ends": "config:\r  a: 1\r",
    "a document start": "---\nconfig:\n  a: 1\n",
    "a document end": "config:\n  a: 1\n...\n",
    "a directive": "%YAML 1.1\n---\nconfig:\n  a: 1\n",
    "a directive of YAML 1.2": "%YAML 1.2\n---\nconfig:\n  a: 1\n",
    "a tag directive": "%TAG !e! tag:example.com,2000:\n---\nconfig:\n  a: !e!x 1\n",
    "a literal": "config:\n  a: |\n    x\n     y\n\n    z\n",
    "a literal, stripped": "config:\n  a: |-\n    x\n\n",
    "a literal, kept": "config:\n  a: |+\n    x\n\n",
    "a literal with an indent": "config:\n  a: |2\n      x\n",
    "folded": "config:\n  a: >\n    x\n    y\n\n    z\n",
    "folded number": "config:\n  a: >-\n    012\n",
    "a plain value on two lines": "config:\n  a: x\n    y\n",
    "a quoted value on two lines": "config:\n  a: \"x\n    y\"\n",
    "a backslash at a line's end": "config:\n  a: \"x\\\n    y\"\n",
    "a bad escape": "config:\n  a: \"\\q\"\n",
    "an explicit key": "config:\n  ? a\n  : 1\n",
    "a list without indent": "config:\n  a:\n  - 1\n  - 2\n",
    "lists in lists": "config:\n  a:\n  - - 1\n    - 2\n  - [3]\n",
    "nulls in a list": "config:\n  a: [~, , x]\n",
    "nulls in a block list": "config:\n  a:\n  -\n  - ~\n  - x\n",
    "trailing commas": "config:\n  a: [1, 2,]\n  b: {x: 1,}\n",
    "a flow map without values": "config:\n  a: {x, y}\n",
    "a pair in a list": "config:\n  a: [x: 1, y: 2]\n",
    "no space after a colon": "config:\n  a:1\n",
    "no space in a flow map": "config:\n  a: {b:1}\n",
    "JSON in a flow map": 'config: {"a":{"b":1,"c":[true,null]}}\n',
    "an unclosed list": "config:\n  a: [1\n",
    "an unclosed quote": "config:\n  a: \"x\n",
    "bad indentation": "config:\n  a: 1\n b: 2\n",
    "a comment without space": "config:\n  a: 1#2\n",
    "a comment in between": "config:\n  # x\n  a: 1\n\n  # y\n  b: 2\n",
    "non-breaking space": "config:\n  a: \u00a01\n",
    "a control character": "config:\n  a: \x01\n",
    "delete": "config:\n  a: \x7f\n",
    "next line": "config:\n  a: x\u0085y\n",
    "a line separator": "config:\n  a: x\u2028y\n",
    "emoji": "config:\n  a: 🚀\n",
    "an object with HTML": "config:\n  a: {x: '<&>', y: \"\\u2028\"}\n",
    "the salt": "encryptionsalt: v1:x:y\nconfig:\n  a: 1\n",
    "an object of all kinds": "config:\n  a: {b: [1, 1.5, x, true, ~, {}, []], c: {d: {e: f}}}\n",
    "big numbers in an object": "config:\n  a: [18446744073709551615, 1e20, 1e21, 9223372036854775807, 1e-7]\n",
    "not a number": "config:\n  a: .nan\n",
    "infinity in an object": "config:\n  a: {b: .inf}\n",
    "an empty name": "config:\n  'registry:': 1\n",
    "an empty namespace": "config:\n  ':a': 1\n",
    "an empty key": "config:\n  '': 1\n",
    "a space in a key": "config:\n  'a b': 1\n",
    "a dotted key": "config:\n  a.b: 1\n",
    "something like a secret": "config:\n  a: {secure: 1}\n  b: {secure: x, y: z}\n",
    "a set": "config:\n  a: !!set {x, y}\n",
    "an ordered map": "config:\n  a: !!omap [x: 1]\n",
    "a tagged map": "config:\n  a: !foo {x: 1}\n",
    "a bad tag": "config:\n  a: !!int x\n",
    "a bad boolean": "config:\n  a: !!bool yes\n",
    "bad base 64": "config:\n  a: !!binary '%%%'\n",
    "a deep list": f"config:\n  a: {'[' * 40}{']' * 40}\n",
    "two documents": "config:\n  a: 1\n---\nconfig:\n  a: 2\n",
    "a key outside of config": "registry:a: 1\n",
    "a misspelt config": "confg:\n  a: 1\n",
    "one key for two numbers": "config:\n  a: {0x10: x, 16: y}\n",
}  # fmt: skip


class Pulumi:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        (folder / "state").mkdir()
        (self.folder / "Pulumi.yaml").write_text(PROJECT)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "x",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "NO_COLOR": "1",
            "TZ": "UTC",
        }
        self.run("stack", "init", "test")
        self.salt = (self.folder / "Pulumi.test.yaml").read_text()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def config(self, stack_file: str) -> tuple[dict[str, Any] | None, str]:
        """What the engine reads, by key; `None` and what it says where it refuses the file."""
        (self.folder / "Pulumi.test.yaml").write_bytes(stack_file.encode())
        done = self.run("config", "--json", "--stack", "test")
        if done.returncode:
            return None, done.stderr
        return {key: _parsed(entry.get("value", "")) for key, entry in json.loads(done.stdout or "{}").items()}, ""

    def ours(self, stack_file: str) -> dict[str, Any] | None:
        (self.folder / "Pulumi.test.yaml").write_bytes(stack_file.encode())
        try:
            file = read_stack(read_project(self.folder), "test")
        except EcrStackError:
            return None
        return {key: _parsed(text) for key, text in file.config.items()}


def _parsed(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


@pytest.fixture(scope="module")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> Pulumi:
    return Pulumi(tmp_path_factory.mktemp("corpus"))


def test_every_scalar_is_read_as_the_engine_reads_it(pulumi: Pulumi) -> None:
    taken = []
    for position, scalar in enumerate(SCALARS):
        lines = f"  k{position}: {scalar}\n  l{position}:\n  - {scalar}\n  m{position}:\n    x: {scalar}\n"
        if pulumi.ours(f"config:\n{lines}") is None:
            theirs, _ = pulumi.config(f"config:\n{lines}")
            assert theirs is None, f"refused here and read by the engine: {scalar}"
        else:
            taken.append(lines)
    assert len(taken) > 190
    text = "config:\n" + "".join(taken)
    theirs, said = pulumi.config(text)
    assert theirs is not None, said
    ours = pulumi.ours(text)
    assert ours is not None
    different = {key: (ours.get(key), theirs.get(key)) for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
    assert different == {}


# Stricter on purpose: the engine drops a part of these files, or keeps one of two keys, and says nothing.
STRICTER = {"two documents", "a key outside of config", "a misspelt config", "one key for two numbers"}


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_read_or_refused_as_the_engine_does(pulumi: Pulumi, name: str) -> None:
    theirs, said = pulumi.config(FILES[name])
    ours = pulumi.ours(FILES[name])
    if name in STRICTER:
        assert ours is None
        assert theirs is not None
    else:
        assert ours == theirs, said


PROJECTS = {
    "defaults and values": (
        "config:\n  aws:region: {value: eu-west-1}\n  size: 3\n  on: true\n  name: {type: string, default: x}\n"
        "  map: {type: object, default: {b: 1, a: [1.5, x]}}\n  list: {type: array, items: {type: string}, default: [a]}\n"
        "  aws:defaultTags: {value: {tags: {A: b}}}\n  registry:own: {default: 012}\n",
        "config:\n  size: 4\n",
    ),
    "a list without more": ("config:\n  a: [1, x]\n", "config: {}\n"),
    "a value of the stack over a map": ("config:\n  a: {type: object, default: {x: 1}}\n", "config:\n  a: {y: 2}\n"),
    "a null over a default": ("config:\n  a: {type: string, default: x}\n", "config:\n  a:\n"),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_what_pulumi_yaml_declares_is_laid_under_a_stack_as_by_the_engine(pulumi: Pulumi, name: str) -> None:
    declared, stack_file = PROJECTS[name]
    (pulumi.folder / "Pulumi.yaml").write_text(PROJECT + declared)
    try:
        theirs, said = pulumi.config(stack_file)
        assert theirs is not None, said
        if "012" in declared:  # which the engine takes for 10, and this refuses
            assert theirs["registry:own"] == "10"
            assert pulumi.ours(stack_file) is None
            (pulumi.folder / "Pulumi.yaml").write_text(PROJECT + declared.replace("012", "10"))
        assert pulumi.ours(stack_file) == theirs
    finally:
        (pulumi.folder / "Pulumi.yaml").write_text(PROJECT)


def test_encrypted_values_are_known_for_what_they_are(pulumi: Pulumi) -> None:
    (pulumi.folder / "Pulumi.test.yaml").write_text(pulumi.salt)
    pulumi.run("config", "set", "--secret", "--stack", "test", "pw", "hunter2")
    pulumi.run("config", "set", "--secret", "--path", "--stack", "test", "db.pw", "hunter3")
    pulumi.run("config", "set", "--path", "--stack", "test", "db.user", "me")
    shown = json.loads(pulumi.run("config", "--json", "--stack", "test").stdout)
    file = read_stack(read_project(pulumi.folder), "test")
    assert file.secret_keys == {key for key, entry in shown.items() if entry["secret"]}
    assert file.config["registry:pw"] == ENCRYPTED
    assert json.loads(file.config["registry:db"]) == {"pw": ENCRYPTED, "user": "me"}
