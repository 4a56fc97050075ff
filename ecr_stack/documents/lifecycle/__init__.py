"""ECR's lifecycle policies, understood outside AWS.

`rules` are those of a stack file, compiled to the document that ECR reads; `document` is that document, parsed;
`lint` finds what ECR would refuse in it, and what it would take and nobody means.
"""

from ecr_stack.documents.lifecycle.document import Document, NativeRule, parse_document
from ecr_stack.documents.lifecycle.findings import KINDS, Finding
from ecr_stack.documents.lifecycle.lint import lint
from ecr_stack.documents.lifecycle.rules import Rule, compile_rules, policy_text, rule_list_problems

__all__ = [
    "KINDS",
    "Document",
    "Finding",
    "NativeRule",
    "Rule",
    "compile_rules",
    "lint",
    "parse_document",
    "policy_text",
    "rule_list_problems",
]
