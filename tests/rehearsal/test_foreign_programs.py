"""Somebody else's program, as it is: other providers, stack references, secrets, hooks, output of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest

from ecr_stack.embedded_provider.property_values import REDACTED
from ecr_stack.rehearsal import Report, rehearse, rehearse_program
from ecr_stack.rehearsal.monitor import AwsRefused, HookFailed
from ecr_stack.rehearsal.program import ProgramFailed
from tests.conftest import PROJECT

COMMAND = Path(sys.executable).parent / "ecr-stack"


def project(folder: Path, program: str, config: str = "", name: str = "theirs", stack: str = "dev") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
    (folder / f"Pulumi.{stack}.yaml").write_text(f"config:\n  aws:region: us-east-1\n{config}")
    (folder / "__main__.py").write_text(program)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    return subprocess.run(
        [COMMAND, "rehearse", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def text_of(report: Report) -> str:
    return json.dumps(report.as_json())


# other providers


def test_what_is_not_imitated_passes_through_and_is_reported_as_not_checked() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("logs")
        zones = aws.get_availability_zones()
        role = aws.iam.Role(
            "writer",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": pulumi.Output.concat(bucket.arn, "/*")}
        policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})
        # AWS's own rules hold for what is made of the bucket's ARN
        aws.iam.RolePolicy("writer", role=role.name, policy=policy)
        pulumi.export("arn", bucket.arn)
        pulumi.export("zones", len(zones.names))

    report = rehearse_program(program)
    assert str(report.outputs["arn"]).startswith("arn:aws:s3:::logs-")
    assert {each.type for each in report.unchecked} == {
        "aws:s3/bucket:Bucket",
        "aws:index/getAvailabilityZones:getAvailabilityZones",
    }
    (bucket,) = [each for each in report.as_json()["unchecked"] if each["urn"]]
    assert bucket["urn"] == report.named("Bucket", "logs").urn
    assert "iam:PutRolePolicy" in report.calls


def test_a_package_that_is_not_installed_passes_through_too() -> None:
    class Deployment(pulumi.CustomResource):
        ready: pulumi.Output[bool]

        def __init__(self, name: str, replicas: int) -> None:
            super().__init__("kubernetes:apps/v1:Deployment", name, {"replicas": replicas, "ready": None})

    report = rehearse_program(lambda: pulumi.export("id", Deployment("web", 3).id))
    assert report.named("Deployment", "web").outputs == {"replicas": 3}
    assert str(report.outputs["id"]).startswith("web-")
    assert [each.type for each in report.unchecked] == ["kubernetes:apps/v1:Deployment"]


def test_an_explicit_provider_moves_what_has_a_region_and_leaves_iam_alone() -> None:
    def program() -> None:
        ireland = pulumi.ResourceOptions(
            provider=aws.Provider("ireland", region="eu-west-1", default_tags={"tags": {"Team": "x"}})
        )
        aws.ecr.Repository("api", name="api", opts=ireland)
        aws.iam.OpenIdConnectProvider(
            "github", url="https://token.actions.githubusercontent.com", client_id_lists=["x"], opts=ireland
        )

    report = rehearse_program(program)
    repository = report.named("Repository", "api").outputs
    assert (repository["region"], repository["tagsAll"]) == ("eu-west-1", {"Team": "x"})
    assert "region" not in report.named("OpenIdConnectProvider", "github").outputs


def test_default_tags_of_the_configuration_are_on_everything() -> None:
    report = rehearse_program(
        lambda: pulumi.export("tags", aws.ecr.Repository("api", tags={"Own": "1"}).tags_all),
        config={"aws:defaultTags": {"tags": {"Team": "platform"}}},
    )
    assert report.outputs["tags"] == {"Own": "1", "Team": "platform"}


# stack references


def test_a_stack_reference_reads_values_that_are_given() -> None:
    def program() -> None:
        network = pulumi.StackReference("acme/network/prod")
        pulumi.export("vpc", network.require_output("vpc"))
        pulumi.export("token", network.get_output("token"))

    report = rehearse_program(program, stack_references={"acme/network/prod": {"vpc": "vpc-1", "token": "[secret]"}})
    assert report.outputs == {"token": "[secret]", "vpc": "vpc-1"}


def test_a_stack_reference_that_is_given_and_not_read_is_warned_of() -> None:
    report = rehearse_program(lambda: None, stack_references={"acme/netwrok/prod": {"vpc": "vpc-1"}})
    assert report.warnings == ["--stack-reference acme/netwrok/prod: the program reads no stack of this name"]


def test_a_project_without_guardrails_is_not_said_to_pass_any(tmp_path: Path) -> None:
    verdict = run(project(tmp_path, "import pulumi\n")).stdout.splitlines()[-1]
    assert verdict.startswith("✓ This stack would deploy")
    assert "no guardrails" in verdict
    shipped = run(PROJECT, "--stack", "dev").stdout
    assert "no guardrails" not in shipped


def test_a_stack_reference_that_nothing_answers_says_what_to_give() -> None:
    with pytest.raises(AwsRefused, match=r"--stack-reference acme/network/prod=FILE"):
        rehearse_program(lambda: pulumi.export("x", pulumi.StackReference("acme/network/prod").get_output("x")))


def test_the_consumer_example_reads_the_rehearsal_of_the_registry() -> None:
    report = rehearse("dev", PROJECT / "examples" / "consumer")
    assert report.outputs["image"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com/api-gateway:v1.2.3"


def test_a_file_or_a_folder_answers_a_stack_reference_on_the_command_line(tmp_path: Path) -> None:
    theirs = project(
        tmp_path / "a" / "theirs",
        "import pulumi\npulumi.export('seen', pulumi.StackReference('acme/base/dev').require_output('name'))\n",
    )
    base = project(tmp_path / "b" / "elsewhere", "import pulumi\npulumi.export('name', 'api')\n", name="base")
    outputs = tmp_path / "outputs.json"
    outputs.write_text('{"name": "web"}')
    for path, value in ((outputs, "web"), (base, "api")):
        done = run(theirs, "--format", "json", "--stack-reference", f"acme/base/dev={path}")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["outputs"] == {"seen": value}
    outputs.write_text("[1]")
    done = run(theirs, "--stack-reference", f"acme/base/dev={outputs}")
    assert done.returncode == 2
    assert "must be an object of outputs" in done.stderr


def test_stacks_that_read_one_another_are_told(tmp_path: Path) -> None:
    program = "import pulumi\npulumi.export('x', pulumi.StackReference('acme/theirs/{0}').get_output('x'))\n"
    folder = project(tmp_path, "import pulumi, runpy\nrunpy.run_path(f'{pulumi.get_stack()}.py')\n")
    (folder / "Pulumi.prod.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "dev.py").write_text(program.format("prod"))
    (folder / "prod.py").write_text(program.format("dev"))
    done = run(folder, "--stack", "dev")
    assert done.returncode == 2
    assert "theirs/dev → theirs/prod → theirs/dev" in done.stderr


# output and secrets


def test_json_is_alone_on_standard_output_whatever_the_program_prints(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        "import atexit, os, subprocess, threading, time\n"
        "print('from print')\n"
        "os.write(1, b'from write\\n')\n"
        "subprocess.run(['echo', 'from a child'])\n"
        "atexit.register(print, 'at the very end')\n"
        "threading.Thread(target=lambda: (time.sleep(1), print('from a thread'))).start()\n",
    )
    done = run(folder, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stack"] == "dev"
    for line in ("from print", "from write", "from a child", "at the very end", "from a thread"):
        assert line in done.stderr


SECRET_PROGRAM = """
import pulumi, pulumi_aws as aws
config = pulumi.Config()
password = config.require_secret("password")
token = pulumi.Output.secret("t0ken-value")
repository = aws.ecr.Repository("api", name="api", tags={"Token": token})
bucket = aws.s3.Bucket("logs", bucket=password.apply(lambda text: f"logs-{text}"))
pulumi.export("tags", repository.tags_all)
pulumi.export("bucket", bucket.bucket)
pulumi.export("list", [password, "open"])
pulumi.export("plain", "say " + config.require("password"))
pulumi.export("count", pulumi.Output.secret(42))
"""


@pytest.mark.parametrize("arguments", [("--format", "json"), (), ("--format", "markdown"), ("--preview",)])
def test_secrets_are_in_no_output(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = project(tmp_path, SECRET_PROGRAM, "  theirs:password:\n    secure: v1:abc:def\n")
    done = run(folder, "--config-secret", "password=hunter2!", *arguments)
    assert done.returncode == 0, done.stderr
    assert "hunter2!" not in done.stdout + done.stderr
    assert "t0ken-value" not in done.stdout + done.stderr


def test_secrets_are_told_where_they_stand(tmp_path: Path) -> None:
    folder = project(tmp_path, SECRET_PROGRAM, "  theirs:password:\n    secure: v1:abc:def\n")
    report = rehearse("dev", folder, secrets={"password": "hunter2!"})
    assert report.outputs == {
        "bucket": REDACTED,
        "count": REDACTED,
        "list": [REDACTED, "open"],
        "plain": f"say {REDACTED}",
        "tags": REDACTED,
    }
    repository = report.named("Repository", "api")
    assert repository.inputs["tags"] == {"Token": REDACTED}
    assert repository.outputs["tagsAll"] == {"Token": REDACTED}
    assert repository.outputs["repositoryUrl"].endswith("/api")


def test_encrypted_values_are_rehearsed_with_a_placeholder(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        "import pulumi\nvalue = pulumi.Config().require_secret_object('db')\n"
        "pulumi.export('host', value.apply(lambda db: len(db['password'])))\n",
        "  theirs:db:\n    host: example.org\n    password:\n      secure: v1:abc:def\n",
    )
    report = rehearse("dev", folder)
    assert report.outputs == {"host": REDACTED}


def test_a_refusal_does_not_tell_a_secret() -> None:
    def program() -> None:
        aws.ecr.Repository("api", name=pulumi.Output.secret("Not-Lower-Case"))

    with pytest.raises(AwsRefused) as refused:
        rehearse_program(program)
    assert "Not-Lower-Case" not in str(refused.value)


def test_a_malformed_secret_is_refused_without_repeating_it(tmp_path: Path) -> None:
    done = run(project(tmp_path, ""), "--config-secret", "hunter2")
    assert done.returncode == 2
    assert "hunter2" not in done.stderr
    assert "NAME=VALUE" in done.stderr


# AWS clients of the program's own, profiles


def test_clients_of_the_program_meet_the_embedded_aws_under_any_profile(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        "import boto3, pulumi, pulumi_aws as aws, pulumi_command as command\n"
        "session = boto3.Session(profile_name='company')\n"
        "pulumi.export('repositories', session.client('ecr').describe_repositories()['repositories'])\n"
        "script = '''python -c \"import boto3; print(boto3.client('sts').get_caller_identity()['Account'])\"'''\n"
        "made = command.local.Command('ask', create=script, environment={'AWS_PROFILE': 'company'})\n"
        "pulumi.export('account', made.stdout)\n",
        "  aws:profile: company\n",
    )
    report = rehearse("dev", folder, account="210987654321")
    assert report.outputs == {"account": "210987654321", "repositories": []}


def test_a_profile_goes_together_with_the_lifecycle_guard(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        (folder / name).write_text((PROJECT / name).read_text())
    (folder / "Pulumi.test.yaml").write_text(
        "config:\n  aws:region: us-east-1\n  aws:profile: company\n  ecr-stack:environment: test\n"
        "  ecr-stack:repositories: {api: {lifecycle: [{untagged: true, expireAfterDays: 1}]}}\n"
        "  ecr-stack:lifecycleGuard: {maxExpire: 5}\n"
    )
    assert rehearse("test", folder).passes


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    seen: dict[str, Any] = {}

    def program() -> None:
        seen.update(os.environ)
        seen["account"] = boto3.client("sts").get_caller_identity()["Account"]

    before = dict(os.environ)
    rehearse_program(program, account="210987654321")
    assert "AWS_PROFILE" not in seen
    assert seen["account"] == "210987654321"
    assert dict(os.environ) == before


# hooks


def test_hooks_before_creation_see_the_inputs_and_may_refuse() -> None:
    seen: list[Any] = []

    def program(refused: str = "") -> None:
        def look(args: pulumi.ResourceHookArgs) -> None:
            seen.append((args.name, (args.new_inputs or {})["name"]))
            if args.name == refused:
                raise ValueError("not this one")

        hook = pulumi.ResourceHook("look", look, opts=pulumi.ResourceHookOptions(on_dry_run=True))
        bound = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook]))
        aws.ecr.Repository("api", name="team/api", opts=bound)

    for preview in (False, True):
        report = rehearse_program(program, preview=preview)
        assert report.named("Repository", "api").options["hooks"] == {"before_create": ["look"]}
    assert seen == [("api", "team/api")] * 2
    with pytest.raises(HookFailed, match="not this one"):
        rehearse_program(lambda: program("api"))


def test_a_hook_that_is_not_for_previews_does_not_run_in_one() -> None:
    seen: list[str] = []

    def program() -> None:
        hook = pulumi.ResourceHook("look", lambda args: seen.append(args.name))
        bound = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook], after_create=[hook]))
        aws.ecr.Repository("api", opts=bound)

    rehearse_program(program, preview=True)
    assert seen == []
    rehearse_program(program)
    assert seen == ["api", "api"]


def test_functions_of_a_provider_with_unknown_configuration_are_unknown_in_a_preview() -> None:
    def program() -> None:
        role = aws.iam.Role("deploy", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
        provider = aws.Provider("there", region="us-east-1", assume_roles=[{"role_arn": role.arn}])
        identity = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
        pulumi.export("account", identity.account_id)

    assert rehearse_program(program, preview=True).outputs.get("account") is None


# several projects in one process


def test_each_project_has_its_own_modules_and_guardrails(tmp_path: Path) -> None:
    check = (
        "def mistakes(config): return []\n"
        "def violations(resources, stack, config, stack_config):\n"
        "    return [{{'policy': '{0}', 'level': 'advisory', 'urn': '', 'message': '{0}'}}]\n"
    )
    for name in ("one", "two"):
        folder = project(tmp_path / name, "import pulumi, settings\npulumi.export('name', settings.NAME)\n", name=name)
        (folder / "settings.py").write_text(f"NAME = '{name}'\n")
        (folder / "policies" / "guardrails").mkdir(parents=True)
        (folder / "policies" / "guardrails" / "__init__.py").write_text("")
        (folder / "policies" / "guardrails" / "check.py").write_text(check.format(name))
    for name in ("one", "two", "one"):
        report = rehearse("dev", tmp_path / name)
        assert report.outputs == {"name": name}
        assert [each.policy for each in report.violations] == [name]
    assert "settings" not in sys.modules


def test_a_pack_that_is_laid_out_otherwise_is_reported_as_not_run(tmp_path: Path) -> None:
    folder = project(tmp_path, "")
    (folder / "policies").mkdir()
    (folder / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (note,) = rehearse("dev", folder).unchecked
    assert note.type == "policies"
    assert "pulumi preview --policy-pack policies" in note.reason


def test_a_failing_program_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match=r"ZeroDivisionError.*__main__.py, line 2"):
        rehearse("dev", project(tmp_path, "import pulumi\n1 / 0\n"))
