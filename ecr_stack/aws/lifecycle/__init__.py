"""ECR's lifecycle policies, understood outside AWS.

`rules` are those of a stack file, compiled to the document that ECR reads; `document` is that document, parsed;
`lint` finds what ECR would refuse in it, and what it would take and nobody means; `evaluate` says what it does to
the `images` of a repository, `explain` why, and `coverage` whether every kind of tag has a rule.
"""

from ecr_stack.aws.lifecycle.coverage import (
    TagScheme,
    Uncovered,
    endangered,
    tag_scheme_problems,
    uncovered,
)
from ecr_stack.aws.lifecycle.document import Document, NativeRule, parse_document
from ecr_stack.aws.lifecycle.evaluate import Decision, Evaluation, evaluate
from ecr_stack.aws.lifecycle.explain import Explanation, Step, explain, find_image
from ecr_stack.aws.lifecycle.findings import KINDS, Finding
from ecr_stack.aws.lifecycle.images import Image, parse_images, parse_time
from ecr_stack.aws.lifecycle.lint import lint
from ecr_stack.aws.lifecycle.rules import Rule, compile_rules, policy_text, rule_list_problems

__all__ = [
    "KINDS",
    "Decision",
    "Document",
    "Evaluation",
    "Explanation",
    "Finding",
    "Image",
    "NativeRule",
    "Rule",
    "Step",
    "TagScheme",
    "Uncovered",
    "compile_rules",
    "endangered",
    "evaluate",
    "explain",
    "find_image",
    "lint",
    "parse_document",
    "parse_images",
    "parse_time",
    "policy_text",
    "rule_list_problems",
    "tag_scheme_problems",
    "uncovered",
]
