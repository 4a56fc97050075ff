"""A live registry held against its stack and against the best practices: `facts` reads, `checks` judges."""

from ecr_stack.operations.doctor.check import CHECKS, CheckResult, examine
from ecr_stack.operations.doctor.facts import RegistryFacts, read_facts

__all__ = ["CHECKS", "CheckResult", "RegistryFacts", "examine", "read_facts"]
