"""Checks a live registry against its stack and best practices: `facts` reads, `checks` evaluates."""

from ecr_stack.operations.doctor.check import CHECKS, CheckResult, examine
from ecr_stack.operations.doctor.facts import RegistryFacts, read_facts

__all__ = ["CHECKS", "CheckResult", "RegistryFacts", "examine", "read_facts"]
