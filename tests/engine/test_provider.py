"""The provider that the engine sees, through programs that are not this project's."""

from __future__ import annotations

import textwrap

from pulumi_engine import Engine

REPOSITORY = "aws:ecr/repository:Repository r"


def programmed(engine: Engine, program: str, config: dict[str, object] | None = None) -> None:
    """Make a stack of a program of its own, without the project's configuration."""
    (engine.project / "Pulumi.yaml").write_text(
        "name: theirs\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n"
    )
    rewritten(engine, program)
    engine.stack("test", config or {"aws:region": "us-east-1"})


def rewritten(engine: Engine, program: str) -> None:
    head = "import pulumi, pulumi_aws as aws, pulumi_command as command\n"
    (engine.project / "__main__.py").write_text(head + textwrap.dedent(program))


def test_a_name_that_the_provider_makes_up_stays_over_updates_and_changes_with_a_replacement(engine: Engine) -> None:
    programmed(engine, "aws.ecr.Repository('r', image_tag_mutability='MUTABLE')")
    engine.up()
    name = engine.state()[REPOSITORY]["id"]
    assert name.startswith("r-")
    assert len(name) == len("r-") + 7
    rewritten(engine, "aws.ecr.Repository('r', image_tag_mutability='IMMUTABLE')")
    engine.up()
    assert engine.state()[REPOSITORY]["id"] == name
    assert engine.repository(name)["imageTagMutability"] == "IMMUTABLE"
    rewritten(
        engine,
        "aws.ecr.Repository('r', encryption_configurations=[{'encryption_type': 'KMS'}])",
    )
    engine.up()
    left = engine.aws.call("ecr", "DescribeRepositories")["repositories"]
    assert [each["repositoryName"] for each in left] == [engine.state()[REPOSITORY]["id"]]
    assert left[0]["repositoryName"] != name


def test_each_provider_resource_has_its_own_region_and_default_tags(engine: Engine) -> None:
    programmed(
        engine,
        """
        west = aws.Provider('west', region='us-west-2', default_tags={'tags': {'Owner': 'west'}})
        r = aws.ecr.Repository('r', name='here', tags={'A': 'b'})
        s = aws.ecr.Repository('s', name='there', tags={'A': 'b'}, opts=pulumi.ResourceOptions(provider=west))
        t = aws.ecr.Repository('t', name='abroad', region='eu-west-1')
        pulumi.export('all', s.tags_all)
        pulumi.export('where', aws.get_region(opts=pulumi.InvokeOptions(provider=west)).region)
        """,
    )
    engine.up()
    for region, name in {"us-east-1": "here", "us-west-2": "there", "eu-west-1": "abroad"}.items():
        found = engine.aws.call("ecr", "DescribeRepositories", {}, region)["repositories"]
        assert [each["repositoryName"] for each in found] == [name]
    state = engine.state()
    assert state["aws:ecr/repository:Repository s"]["outputs"]["tagsAll"] == {"A": "b", "Owner": "west"}
    assert state["aws:ecr/repository:Repository s"]["outputs"]["tags"] == {"A": "b"}
    assert state[REPOSITORY]["outputs"]["tagsAll"] == {"A": "b"}
    assert '"us-west-2"' in engine("stack", "output", "--json").out
    engine.up("--expect-no-changes")


def test_what_a_program_ignores_stays_as_it_was_changed_elsewhere(engine: Engine) -> None:
    ignoring = """
    aws.ecr.Repository('r', name='app', image_tag_mutability='MUTABLE', tags={'A': 'b'},
                       opts=pulumi.ResourceOptions(ignore_changes=['imageTagMutability', 'tags.B']))
    """
    programmed(engine, ignoring)
    engine.up()
    arn = engine.repository("app")["repositoryArn"]
    engine.aws.call("ecr", "PutImageTagMutability", {"repositoryName": "app", "imageTagMutability": "IMMUTABLE"})
    engine.aws.call("ecr", "TagResource", {"resourceArn": arn, "tags": [{"Key": "B", "Value": "c"}]})
    engine("refresh", "--yes", "--skip-preview")
    engine.up("--expect-no-changes")
    assert engine.repository("app")["imageTagMutability"] == "IMMUTABLE"


def test_a_secret_stays_one_in_the_state(engine: Engine) -> None:
    programmed(
        engine,
        """
        r = aws.ecr.Repository('r', name='app', tags={'Token': pulumi.Output.secret('hidden')})
        pulumi.export('tags', r.tags)
        """,
    )
    engine.up()
    assert "hidden" not in engine("stack", "export").out
    assert "hidden" not in engine("stack", "output", "--json").out
    arn = engine.repository("app")["repositoryArn"]
    tags = engine.aws.call("ecr", "ListTagsForResource", {"resourceArn": arn})["tags"]
    assert tags == [{"Key": "Token", "Value": "hidden"}]
    engine.up("--expect-no-changes")


def test_what_follows_from_an_unknown_value_is_unknown_in_a_preview(engine: Engine) -> None:
    programmed(
        engine,
        """
        key = aws.kms.Key('k')
        r = aws.ecr.Repository('r', name='app',
                               encryption_configurations=[{'encryption_type': 'KMS', 'kms_key': key.arn}])
        # a number that is unknown, in a place where the provider wants one
        aws.kms.Key('l', deletion_window_in_days=r.arn.apply(lambda arn: 7 if arn else 8))
        pulumi.export('url', r.repository_url)
        pulumi.export('name', r.name)
        """,
    )
    preview = engine("preview", "--diff").out
    assert "deletionWindowInDays          : [unknown]" in preview
    assert 'name: "app"' in preview
    engine.up()
    assert "dkr.ecr.us-east-1.amazonaws.com/app" in engine("stack", "output", "url").out


def test_mistakes_of_a_program_are_told_property_by_property(engine: Engine) -> None:
    programmed(engine, "aws.ecr.Repository('r', name='app', image_tag_mutability='SOMETIMES')")
    refused = engine("preview", code=-1)
    assert "imageTagMutability" in refused.said
    assert "SOMETIMES" in refused.said
    assert "MUTABLE, IMMUTABLE" in refused.said
    assert "Traceback" not in refused.said


def test_a_command_runs_when_it_is_made_changed_and_destroyed_but_not_in_a_preview(engine: Engine) -> None:
    log = engine.project / "log"
    program = f"""
    c = command.local.Command('c', create='echo made >> {log}; echo out', update='echo updated >> {log}; echo new',
                              delete='echo deleted >> {log}', environment={{'A': '%s'}})
    pulumi.export('out', c.stdout)
    """
    programmed(engine, program % "1")
    engine("preview")
    assert not log.exists()
    engine.up()
    assert engine("stack", "output", "out").out.strip() == "out"
    rewritten(engine, program % "2")
    engine.up()
    assert engine("stack", "output", "out").out.strip() == "new"
    engine("destroy", "--yes", "--skip-preview")
    assert log.read_text().split() == ["made", "updated", "deleted"]


def test_what_is_not_rehearsed_is_told(engine: Engine) -> None:
    programmed(engine, "aws.s3.Bucket('b')")
    refused = engine("preview", code=-1)
    assert "does not support the resource type `aws:s3/bucket:Bucket`" in refused.said
