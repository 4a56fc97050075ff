"""`ecr-stack scaffold`: a pipeline or a Dockerfile for an application."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ecr_stack.cli.listing import note
from ecr_stack.cli.stacks import OptionalStack, settings_of, stack_names
from ecr_stack.errors import InvalidInput, NotFound, Problem, Unavailable
from ecr_stack.project.stack_file import read_project, read_stack

if TYPE_CHECKING:
    from ecr_stack.operations.application_pipeline import ApplicationPipeline

__all__ = ["app"]

app = typer.Typer(help="Write a pipeline or a Dockerfile for an application.", no_args_is_help=True)

Repository = Annotated[str, typer.Option("--repository", "-r", metavar="NAME", help="The stack's repository.")]
Directory = Annotated[
    Path,
    typer.Option("--directory", "-C", metavar="DIR", help="The application's folder. Default: the current folder."),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
Print = Annotated[bool, typer.Option("--print", help="Print the result without writing files.")]

# The same pins as in the project's own workflows.
_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
_CREDENTIALS = "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3"


class Language(StrEnum):
    """The application's language."""

    NODE = "node"
    PYTHON = "python"
    GO = "go"
    JAVA = "java"


@app.command("github")
def github(
    repository: Repository,
    stack: OptionalStack = None,
    directory: Directory = Path(),
    force: Force = False,
    print_: Print = False,
) -> None:
    """Write a GitHub Actions workflow that builds and pushes through OpenID Connect, runs the scan gate, and then moves
    tags. The role and tags come from the stack file. Default of --stack: `prod`, or the first stack.
    """
    pipeline = _pipeline(stack, repository, "GITHUB")
    account = "${{ vars.AWS_ACCOUNT_ID }}"
    indent = " " * 10
    moving = ""
    if pipeline.moving:
        moves = "\n".join(
            f'{indent}docker buildx imagetools create --tag "$IMAGE:{tag}" "$IMAGE:$TAG"' for tag in pipeline.moving
        )
        condition = "\n        if: github.ref_type == 'tag'" if pipeline.release_tags else ""
        moving = (
            f"      - name: Move {', '.join(pipeline.moving)} to it, now that the gate is open{condition}\n"
            f"        env:\n{indent}TAG: ${{{{ steps.tag.outputs.tag }}}}\n        run: |\n{moves}\n"
        )
    moving += _forbidden(pipeline, "      ")
    text = _filled(
        "github.yml", pipeline, account,
        BRANCHES=_flow(pipeline.branches),
        TAGS=f"\n    tags: {_flow(pipeline.release_tags)}" if pipeline.release_tags else "",
        ENVIRONMENT=f"\n    environment: {pipeline.environment}" if pipeline.environment else "",
        CHECKOUT=_CHECKOUT, CREDENTIALS=_CREDENTIALS,
        TAGGING=_tagging(pipeline, indent, '"$REF_TYPE" = tag', "$REF_NAME", "$SHA"),
        CACHE=_cache(pipeline, "            ", "$BEFORE"),
        MOVING=moving.rstrip("\n"),
    )  # fmt: skip
    name = pipeline.repository.replace("/", "-")
    _write({directory / ".github" / "workflows" / f"image-{name}.yml": text}, force, print_)


@app.command("gitlab")
def gitlab(
    repository: Repository,
    stack: OptionalStack = None,
    directory: Directory = Path(),
    force: Force = False,
    print_: Print = False,
) -> None:
    """Write a GitLab pipeline that builds and pushes through OpenID Connect, runs the scan gate, and then moves tags.
    The role and tags come from the stack file. Default of --stack: `prod`, or the first stack.
    """
    pipeline = _pipeline(stack, repository, "GITLAB")
    rules = [_gitlab_rule("CI_COMMIT_BRANCH", name) for name in pipeline.branches]
    rules += [_gitlab_rule("CI_COMMIT_TAG", name) for name in pipeline.release_tags]
    indent = " " * 6
    moving = ""
    if pipeline.moving:
        moves = "\n".join(
            f'{indent}  docker buildx imagetools create --tag "$IMAGE:{tag}" "$IMAGE:$tag"' for tag in pipeline.moving
        )
        condition = '[ -n "${CI_COMMIT_TAG:-}" ]' if pipeline.release_tags else "true"
        moving = f"{indent}# the gate is open: these tags may move to it\n{indent}if {condition}; then\n{moves}\n{indent}fi\n"
    moving += _forbidden(pipeline, "    ")
    text = _filled(
        "gitlab.yml", pipeline, "$AWS_ACCOUNT_ID",
        RULES="\n".join(rules),
        TAGGING=_tagging(pipeline, indent, '-n "${CI_COMMIT_TAG:-}"', "$CI_COMMIT_TAG", "$CI_COMMIT_SHA"),
        CACHE=_cache(pipeline, "          ", "$CI_COMMIT_BEFORE_SHA"),
        MOVING=moving.rstrip("\n"),
    )  # fmt: skip
    _write({directory / ".gitlab-ci.yml": text}, force, print_)


@app.command("dockerfile")
def dockerfile(
    language: Annotated[Language, typer.Argument(metavar="LANGUAGE", help="The application's language.")],
    directory: Directory = Path(),
    force: Force = False,
    print_: Print = False,
) -> None:
    """Write a multi-stage Dockerfile with caches and a non-root user, and its .dockerignore."""
    ignore = _template("common.dockerignore") + _template(f"{language.value}.dockerignore")
    written = {directory / "Dockerfile": _template(f"{language.value}.Dockerfile"), directory / ".dockerignore": ignore}
    _write(written, force, print_)


def _pipeline(stack: str | None, repository: str, platform: Literal["GITHUB", "GITLAB"]) -> ApplicationPipeline:
    from ecr_stack.operations.application_pipeline import pipeline_of
    from ecr_stack.project.provider_settings import account_in

    if stack is None:
        known = stack_names()
        if not known:
            raise NotFound(
                "there is no Pulumi project here: run this in the registry's project, with -C for the application"
            )
        stack = "prod" if "prod" in known else known[0]
        note(f"using role and tags of stack {stack}; use --stack for another", style="dim")
    config = read_stack(read_project(Path.cwd()), stack).config
    region = config.get("aws:region")
    if region is None:
        rule, remedy = "the pipeline needs the registry's Region", "add `aws:region` to the stack file"
        raise InvalidInput(f"Pulumi.{stack}.yaml", [Problem("aws:region", None, rule, remedy)])
    return pipeline_of(settings_of(stack), repository, platform, region, account_in(config))


def _template(name: str) -> str:
    return (files("ecr_stack") / "scaffolds" / name).read_text(encoding="utf-8")


def _filled(template: str, pipeline: ApplicationPipeline, account: str, **values: str) -> str:
    role = pipeline.role.replace("::ACCOUNT:", f"::{account}:")
    known = pipeline.role.split(":")[4]
    owner = account if known == "ACCOUNT" else known
    values |= {
        "HOST": f"{owner}.dkr.ecr.{pipeline.region}.{pipeline.suffix}", "REPOSITORY": pipeline.repository,
        "REGION": pipeline.region, "ROLE": role, "AUDIENCE": pipeline.audience,
        "VARIABLES": _variables(template, needs_account=known == "ACCOUNT"),
    }  # fmt: skip
    text = _template(template)
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.rstrip("\n") + "\n"


def _variables(template: str, *, needs_account: bool) -> str:
    """Which variables to set, in a sentence."""
    kind = "variable" if template == "github.yml" else "CI/CD variable"
    package = "ECR_STACK_PACKAGE if ecr-stack is not on your index"
    return f"Set the {kind} AWS_ACCOUNT_ID, and {package}." if needs_account else f"Set the {kind} {package}."


def _flow(names: tuple[str, ...]) -> str:
    return "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in names) + "]"


def _tagging(pipeline: ApplicationPipeline, indent: str, is_tag: str, tag: str, sha: str) -> str:
    """A shell script that sets `tag` according to the stack's schemes."""
    commit = f'tag="{pipeline.commit_tag}{sha}"' if pipeline.commit_tag is not None else None
    # A Git tag may contain characters that an image tag cannot, e.g. the + of a build number.
    release = f"tag=\"$(printf '%s' \"{tag}\" | tr -c 'A-Za-z0-9_.-' '-')\""
    if pipeline.release_tags and commit:
        lines = [f"if [ {is_tag} ]; then", f"  {release}", "else", f"  {commit}", "fi"]
    elif pipeline.release_tags:
        lines = [
            f"if [ ! {is_tag} ]; then",
            "  echo 'no tag scheme of the stack matches commits' >&2",
            "  exit 1",
            "fi",
            release,
        ]
    else:
        lines = [str(commit)]
    return "\n".join(indent + line for line in lines)


def _cache(pipeline: ApplicationPipeline, indent: str, before: str) -> str:
    """Options that store the build cache in ECR.

    A separate cache needs a mutable tag. If the repository forbids this, the cache is stored in the images themselves,
    and read from the previous commit's image. https://docs.docker.com/build/cache/backends/
    """
    from ecr_stack.operations.application_pipeline import CACHE_TAG

    if pipeline.cache:
        reference = f'"type=registry,ref=$IMAGE:{CACHE_TAG}'
        # ECR accepts a cache as an image manifest with OCI media types.
        return (
            f' \\\n{indent}--cache-from {reference}" \\\n'
            f'{indent}--cache-to {reference},mode=max,image-manifest=true,oci-mediatypes=true"'
        )
    earlier = [f"{pipeline.commit_tag}{before}"] if pipeline.commit_tag is not None else []
    sources = "".join(
        f' \\\n{indent}--cache-from "type=registry,ref=$IMAGE:{tag}"' for tag in (*earlier, *pipeline.moving)
    )
    return f"{sources} \\\n{indent}--cache-to type=inline"


def _forbidden(pipeline: ApplicationPipeline, indent: str) -> str:
    if not pipeline.forbidden:
        return ""
    return f"{indent}# Not moved, because the repository forbids it: {', '.join(pipeline.forbidden)}\n"


def _gitlab_rule(variable: str, pattern: str) -> str:
    if "*" not in pattern and "?" not in pattern:
        return f'    - if: ${variable} == "{pattern}"'
    import re

    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".").replace("/", r"\/").replace(r"\-", "-")
    return f"    - if: ${variable} =~ /^{expression}$/"


def _write(texts: dict[Path, str], force: bool, print_: bool) -> None:
    if print_:
        for path, text in texts.items():
            if len(texts) > 1:
                typer.echo(f"# {path}")
            typer.echo(text, nl=False)
        return
    taken = [str(path) for path in texts if path.exists()]
    if taken and not force:
        raise Unavailable(f"{', '.join(taken)} already exists, so nothing was written. To overwrite, add --force")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")
