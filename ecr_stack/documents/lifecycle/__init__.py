"""ECR's lifecycle policies: the rules of a stack file and the document that ECR reads."""

from ecr_stack.documents.lifecycle.rules import Rule, compile_rules, policy_text, rule_list_problems

__all__ = ["Rule", "compile_rules", "policy_text", "rule_list_problems"]
