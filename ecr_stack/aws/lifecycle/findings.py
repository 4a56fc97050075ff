"""What can be said against a lifecycle document: each kind of finding, with its reason, its AWS page and its remedy.

An *error* is what ECR refuses; a *warning* is what it takes, and does something else with than its author meant.
Where AWS documents a rule, the kind carries the page. Where it does not, the comment beside the kind says what is
known. Adding a kind touches this file and the one that finds it: `requirements` for errors, `doubts` for warnings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["KINDS", "Finding", "Kind", "Severity"]

Severity = Literal["error", "warning"]

_GUIDE = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/"
PROPERTIES = _GUIDE + "lifecycle_policy_parameters.html"
EVALUATION = _GUIDE + "LifecyclePolicies.html"
EXAMPLES = _GUIDE + "lifecycle_policy_examples.html"
QUOTAS = _GUIDE + "service-quotas.html"
PUT = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or doubtful, in a lifecycle document."""

    rule_priority: int | None
    """The priority of the rule, or nothing where it is about the whole document or the rule has none."""
    code: str
    """The kind: one of `KINDS`."""
    severity: Severity
    """`error`: ECR refuses the document. `warning`: ECR takes it, and its author hardly means it."""
    message: str
    """What is wrong here: the place and the value, a clause without a full stop."""
    reason: str
    """Why that is wrong: what ECR does, a clause without a full stop."""
    source: str
    """The AWS page that says so."""
    remedy: str
    """What to write instead, a clause without a full stop."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    code: str
    severity: Severity
    summary: str
    reason: str
    source: str
    remedy: str

    def found(self, rule: int | None, message: str, remedy: str | None = None) -> Finding:
        """Say that this was found: where and what, and the remedy where it is a particular one."""
        return Finding(rule, self.code, self.severity, message, self.reason, self.source, remedy or self.remedy)


def _error(code: str, summary: str, reason: str, source: str, remedy: str) -> Kind:
    return Kind(code, "error", summary, reason, source, remedy)


def _warning(code: str, summary: str, reason: str, source: str, remedy: str) -> Kind:
    return Kind(code, "warning", summary, reason, source, remedy)


NOT_JSON = _error(
    "not-json",
    "The text is not JSON",
    "ECR reads a lifecycle policy as one JSON object",
    EXAMPLES,
    'write {"rules": [...]}: no comments, no comma after a last entry, numbers without NaN',
)
TEXT_LENGTH = _error(
    "text-length",
    "The text is too short or too long",
    "ECR takes a lifecycle policy of 100 to 30,720 characters",
    PUT,
    "shorten the descriptions, leave out white space, or use fewer rules",
)
WRONG_TYPE = _error(
    "wrong-type",
    "A value is of the wrong JSON type",
    "ECR checks each property against its documented type, and null is of none",
    PROPERTIES,
    "write the type that is needed, or leave the key out",
)
UNKNOWN_KEY = _error(
    "unknown-key",
    "A key is not known",
    "ECR refuses a document with a property that it does not know",
    PROPERTIES,
    "remove it",
)
MISSING_KEY = _error("missing-key", "A required key is missing", "ECR requires the property", PROPERTIES, "add the key")
UNKNOWN_VALUE = _error(
    "unknown-value",
    "A value is not one of those that are allowed",
    "ECR takes only the listed values, in exactly this case",
    PROPERTIES,
    "write one of the allowed values",
)
RULES_COUNT = _error(
    "rules-count",
    "There are no rules, or too many",
    "a lifecycle policy has 1 to 50 rules",
    QUOTAS,
    "write at least one rule, and at most 50",
)
PRIORITY_RANGE = _error(
    "priority-range",
    "A priority is below 1",
    "rule priorities are positive",
    PROPERTIES,
    "number the rules from 1",
)
PRIORITY_DUPLICATE = _error(
    "priority-duplicate",
    "Two rules have the same priority",
    "every rule needs a priority of its own, which says which of two rules is applied first",
    PROPERTIES,
    "number the rules 1, 2, 3 in the order in which they are to be applied",
)
# The pages give no limit and nobody has reported a refusal, so it is no error; the API model and the console have 256
# for every other description of ECR.
DESCRIPTION_LENGTH = _warning(
    "description-length",
    "A description is longer than others of ECR may be",
    "ECR's other descriptions have at most 256 characters; whether it takes a longer one here is not documented",
    PROPERTIES,
    "shorten it",
)
TAG_LIST_MISSING = _error(
    "tag-list-missing",
    "A rule for tagged images does not say which",
    "with tagStatus tagged, ECR requires a tagPrefixList or a tagPatternList with an entry",
    PROPERTIES,
    'add "tagPatternList": ["*"] for every tagged image, or name the tags',
)
TAG_LIST_BOTH = _error(
    "tag-list-both",
    "A rule has both prefixes and patterns",
    "a rule has either a tagPrefixList or a tagPatternList",
    EVALUATION,
    "write the prefixes as patterns with a `*` at the end, or make two rules",
)
TAG_LIST_FORBIDDEN = _error(
    "tag-list-forbidden",
    "A rule for untagged or any images names tags",
    "tagPrefixList and tagPatternList are for tagStatus tagged only",
    EVALUATION,
    "remove the list, even an empty one, or write tagStatus tagged",
)
WILDCARD_LIMIT = _error(
    "wildcard-limit",
    "A pattern has more than four `*`",
    "a tag pattern has at most four wildcards",
    PROPERTIES,
    "write fewer `*`",
)
COUNT_UNIT_MISSING = _error(
    "count-unit-missing",
    "A rule by time has no unit",
    "the count types that measure time require countUnit",
    PROPERTIES,
    'add "countUnit": "days"',
)
COUNT_UNIT_FORBIDDEN = _error(
    "count-unit-forbidden",
    "A rule by number of images has a unit",
    "ECR refuses countUnit beside imageCountMoreThan",
    PROPERTIES,
    "remove countUnit",
)
COUNT_NUMBER_RANGE = _error(
    "count-number-range",
    "A count number is below 1",
    "countNumber is positive; 0 is not accepted",
    PROPERTIES,
    "write 1 or more",
)
PULLED_EXPIRES = _error(
    "pulled-expires",
    "A rule by pull time expires images",
    "sinceImagePulled goes with the action transition only",
    EXAMPLES,
    "archive the images by pull time, and expire them by sinceImageTransitioned in a second rule",
)
TRANSITIONED_ARCHIVES = _error(
    "transitioned-archives",
    "A rule by time in the archive archives images",
    "sinceImageTransitioned goes with the action expire only",
    EXAMPLES,
    "write the action expire, or another countType",
)
STORAGE_CLASS = _error(
    "storage-class",
    "A rule names the wrong storage class for its count type",
    "sinceImageTransitioned requires storageClass archive; all other count types are about standard images",
    PROPERTIES,
    "write storageClass archive with sinceImageTransitioned, and leave it out otherwise",
)
ARCHIVE_MINIMUM = _error(
    "archive-minimum",
    "Archived images expire before 90 days",
    "an image stays in the archive for at least 90 days, and is paid for so long in any case",
    EXAMPLES,
    "write 90 or more",
)
TARGET_STORAGE_CLASS = _error(
    "target-storage-class",
    "An action has a target that does not belong to it, or none where it needs one",
    "the action transition requires targetStorageClass archive; the action expire has no target",
    PROPERTIES,
    "write targetStorageClass archive beside transition, and nothing beside expire",
)
ANY_NOT_LAST = _error(
    "any-not-last",
    "A rule for any image is not the last one of its storage class",
    "a rule with tagStatus any must have the highest priority number of all rules of its storage class",
    PROPERTIES,
    "give it the highest priority number",
)
UNTAGGED_DUPLICATE = _error(
    "untagged-duplicate",
    "Two rules of a storage class are for untagged images",
    "one rule of a storage class may select untagged images",
    EVALUATION,
    "keep one of the two rules",
)
PREFIX_DUPLICATE = _error(
    "prefix-duplicate",
    "Two rules of a storage class have the same prefixes",
    "the rules of a storage class must have a unique set of prefixes",
    EVALUATION,
    "keep one of the two rules, or write the prefix with a `*` under tagPatternList in one of them",
)

# No page says which of two equal keys ECR reads; JSON parsers commonly take the last one without a word.
DUPLICATE_KEY = _warning(
    "duplicate-key",
    "A key stands twice in one object",
    "JSON leaves open which of the two is read, and it is commonly the last",
    EXAMPLES,
    "keep one of the two",
)
SEVERAL_TAGS = _warning(
    "several-tags",
    "Several prefixes or patterns in one list",
    "ECR selects only images that have a tag for each of them, not for any of them",
    EXAMPLES,
    "write one rule for each",
)
PREFIX_SHARED = _warning(
    "prefix-shared",
    "A prefix stands in two rules of a storage class, beside others",
    "whether ECR takes two sets of prefixes that have one in common is not documented: each must be unique",
    EVALUATION,
    "keep the prefix in one of the two rules, or write it with a `*` under tagPatternList",
)
REPEATED_TAG = _warning(
    "repeated-tag",
    "A prefix or pattern stands twice in one list",
    "the second one selects nothing that the first does not",
    PROPERTIES,
    "keep one of the two",
)
SHIELDED = _warning(
    "shielded",
    "A rule can never act, because an earlier one takes all its images",
    "an image that matches the tags of a rule is never touched by a rule with a higher number, even when it is kept",
    EVALUATION,
    "give the narrower rule the lower number, or remove it",
)
LITERAL_WILDCARD = _warning(
    "literal-wildcard",
    "A prefix contains `*`",
    "in a prefix `*` stands for itself, and no tag contains one: the rule selects nothing",
    PROPERTIES,
    "write it under tagPatternList, or leave the `*` out",
)
IMPOSSIBLE_TAG = _warning(
    "impossible-tag",
    "A prefix or pattern that no tag can match",
    "tags are made of letters, digits, `_`, `.` and `-`, at most 128, and begin with neither `.` nor `-`",
    "https://docs.docker.com/reference/cli/docker/image/tag/",
    "write what the tags in this repository look like",
)
# No page says whether an empty entry is accepted.
EMPTY_TAG = _warning(
    "empty-tag",
    "A prefix or pattern is empty",
    "an empty prefix is the beginning of every tag, and an empty pattern matches none",
    PROPERTIES,
    "write `*` under tagPatternList if every tagged image is meant",
)
RELEASES_EXPIRE = _warning(
    "releases-expire",
    "A rule for any image or tag expires releases",
    "tagStatus any and the pattern `*` select releases too, and no earlier rule takes tags such as v1.2.3 out of their reach",
    EXAMPLES,
    "put a rule that keeps enough releases before it, or write tagStatus untagged",
)
UNTAGGED_UNCOVERED = _warning(
    "untagged-uncovered",
    "No rule for untagged images",
    "every push of a tag that exists leaves its old image behind without one, and it is paid for until it is removed",
    EVALUATION,
    "add a rule with tagStatus untagged",
)
NEVER_REACHED = _warning(
    "never-reached",
    "A limit that no repository reaches",
    "a repository holds 100,000 images unless AWS has raised its quota, and in ten years a rule of more days takes nothing",
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html",
    "write the number that you can afford to keep",
)
ARCHIVE_UNFED = _warning(
    "archive-unfed",
    "A rule for archived images, and none that archives",
    "without a rule that moves images to the archive, it meets only what somebody archived by hand",
    EVALUATION,
    "add a rule that archives, or remove this one",
)

KINDS: dict[str, Kind] = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}
"""Every kind of finding, by its code."""
