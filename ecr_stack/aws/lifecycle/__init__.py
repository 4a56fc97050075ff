"""ECR's lifecycle policies, evaluated outside AWS.

`document` parses the document that ECR reads; `lint` finds what ECR would reject, and what it would accept but is
probably not what was meant; `evaluate` computes what it does to the `images` of a repository, and `explain` says why.
"""

from ecr_stack.aws.lifecycle.document import Document, NativeRule, parse_document, policy_text
from ecr_stack.aws.lifecycle.evaluate import Decision, Evaluation, Tie, evaluate
from ecr_stack.aws.lifecycle.explain import Explanation, Step, explain, find_image
from ecr_stack.aws.lifecycle.findings import KINDS, Finding
from ecr_stack.aws.lifecycle.images import Image, parse_images, parse_time
from ecr_stack.aws.lifecycle.lint import lint

__all__ = [
    "KINDS",
    "Decision",
    "Document",
    "Evaluation",
    "Explanation",
    "Finding",
    "Image",
    "NativeRule",
    "Step",
    "Tie",
    "evaluate",
    "explain",
    "find_image",
    "lint",
    "parse_document",
    "parse_images",
    "parse_time",
    "policy_text",
]
