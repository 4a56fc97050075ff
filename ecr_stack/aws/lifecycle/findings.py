"""The checks of a lifecycle document, each with its reason, its AWS page and its remedy.

An *error* is something that ECR rejects. A *warning* is something that ECR accepts, but that does not do what the
author probably meant. A kind has the AWS page that documents its rule; if the rule is undocumented, the comment beside
the kind says what is known. To add a kind, edit this file and the one that detects it: `requirements` for errors,
`doubts` for warnings.
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
    """An error or a warning about a lifecycle document."""

    rule_priority: int | None
    """The priority of the rule; `None` if the finding is about the whole document, or the rule has no priority."""
    code: str
    """The kind: a key of `KINDS`."""
    severity: Severity
    """`error`: ECR rejects the document. `warning`: ECR accepts it, but it probably does not do what was meant."""
    message: str
    """What is wrong: the place and the value, without a full stop."""
    reason: str
    """Why it is wrong: what ECR does, without a full stop."""
    source: str
    """The AWS page that documents it."""
    remedy: str
    """What to write instead, without a full stop."""


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
        """Return a finding of this kind.

        Args:
            rule: the priority of the rule.
            message: the place and the value.
            remedy: a more specific remedy. Default: the remedy of the kind.
        """
        return Finding(rule, self.code, self.severity, message, self.reason, self.source, remedy or self.remedy)


def _error(code: str, summary: str, reason: str, source: str, remedy: str) -> Kind:
    return Kind(code, "error", summary, reason, source, remedy)


def _warning(code: str, summary: str, reason: str, source: str, remedy: str) -> Kind:
    return Kind(code, "warning", summary, reason, source, remedy)


NOT_JSON = _error(
    "not-json",
    "The text is not JSON",
    "a lifecycle policy is one JSON object",
    EXAMPLES,
    'write {"rules": [...]}, without comments, trailing commas or NaN',
)
TEXT_LENGTH = _error(
    "text-length",
    "The text is too short or too long",
    "ECR accepts a lifecycle policy of 100 to 30,720 characters",
    PUT,
    "shorten the descriptions, remove white space, or use fewer rules",
)
WRONG_TYPE = _error(
    "wrong-type",
    "A value has the wrong JSON type",
    "ECR checks each property against its documented type; null is never accepted",
    PROPERTIES,
    "write a value of the documented type, or remove the key",
)
UNKNOWN_KEY = _error(
    "unknown-key",
    "A key is unknown",
    "ECR rejects a document with an unknown property",
    PROPERTIES,
    "remove it",
)
MISSING_KEY = _error("missing-key", "A required key is missing", "ECR requires the property", PROPERTIES, "add the key")
UNKNOWN_VALUE = _error(
    "unknown-value",
    "A value is not one of the allowed values",
    "ECR accepts only the listed values, and they are case-sensitive",
    PROPERTIES,
    "write one of the allowed values",
)
RULES_COUNT = _error(
    "rules-count",
    "There are no rules or too many",
    "a lifecycle policy has 1 to 50 rules",
    QUOTAS,
    "write 1 to 50 rules",
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
    "every rule needs its own priority, which determines the order of evaluation",
    PROPERTIES,
    "number the rules 1, 2, 3 in the order of evaluation",
)
# AWS documents no limit and no rejection has been reported, so this is not an error. In the API model and the console,
# every other description in ECR is limited to 256 characters.
DESCRIPTION_LENGTH = _warning(
    "description-length",
    "A description is longer than 256 characters",
    "ECR limits its other descriptions to 256 characters, and does not document whether it accepts a longer one here",
    PROPERTIES,
    "shorten it",
)
TAG_LIST_MISSING = _error(
    "tag-list-missing",
    "A rule for tagged images names no tags",
    "with tagStatus tagged, ECR requires a tagPrefixList or a tagPatternList with at least one entry",
    PROPERTIES,
    'add "tagPatternList": ["*"] to select every tagged image, or name the tags',
)
TAG_LIST_BOTH = _error(
    "tag-list-both",
    "A rule has both prefixes and patterns",
    "a rule can have a tagPrefixList or a tagPatternList, not both",
    EVALUATION,
    "write the prefixes as patterns that end with `*`, or write two rules",
)
TAG_LIST_FORBIDDEN = _error(
    "tag-list-forbidden",
    "A rule with tagStatus untagged or any names tags",
    "tagPrefixList and tagPatternList are allowed only with tagStatus tagged",
    EVALUATION,
    "remove the list, even if it is empty, or write tagStatus tagged",
)
WILDCARD_LIMIT = _error(
    "wildcard-limit",
    "A pattern has more than four `*`",
    "a tag pattern can have at most four wildcards",
    PROPERTIES,
    "use at most four `*`",
)
COUNT_UNIT_MISSING = _error(
    "count-unit-missing",
    "A time-based rule has no unit",
    "time-based count types require countUnit",
    PROPERTIES,
    'add "countUnit": "days"',
)
COUNT_UNIT_FORBIDDEN = _error(
    "count-unit-forbidden",
    "A rule based on the number of images has a unit",
    "ECR rejects countUnit with imageCountMoreThan",
    PROPERTIES,
    "remove countUnit",
)
COUNT_NUMBER_RANGE = _error(
    "count-number-range",
    "A count number is below 1",
    "countNumber must be positive; 0 is rejected",
    PROPERTIES,
    "write 1 or more",
)
PULLED_EXPIRES = _error(
    "pulled-expires",
    "A rule based on pull time expires images",
    "sinceImagePulled is allowed only with the action transition",
    EXAMPLES,
    "archive images by pull time, and expire them with sinceImageTransitioned in a second rule",
)
TRANSITIONED_ARCHIVES = _error(
    "transitioned-archives",
    "A rule based on time in the archive archives images",
    "sinceImageTransitioned is allowed only with the action expire",
    EXAMPLES,
    "use the action expire or another countType",
)
STORAGE_CLASS = _error(
    "storage-class",
    "The storage class does not match the count type",
    "sinceImageTransitioned requires storageClass archive; all other count types require standard",
    PROPERTIES,
    "write storageClass archive with sinceImageTransitioned, and omit storageClass otherwise",
)
ARCHIVE_MINIMUM = _error(
    "archive-minimum",
    "Archived images expire before 90 days",
    "archived images have a minimum storage duration of 90 days, for which AWS charges in any case",
    EXAMPLES,
    "write 90 or more",
)
TARGET_STORAGE_CLASS = _error(
    "target-storage-class",
    "An action has a target it does not allow, or lacks a required one",
    "the action transition requires targetStorageClass archive; the action expire has no target",
    PROPERTIES,
    "write targetStorageClass archive with transition, and omit it with expire",
)
ANY_NOT_LAST = _error(
    "any-not-last",
    "A rule with tagStatus any is not the last rule of its storage class",
    "a rule with tagStatus any must have the highest priority number of the rules of its storage class",
    PROPERTIES,
    "give it the highest priority number",
)
UNTAGGED_DUPLICATE = _error(
    "untagged-duplicate",
    "Two rules of a storage class select untagged images",
    "only one rule of a storage class may select untagged images",
    EVALUATION,
    "keep one of the two rules",
)
PREFIX_DUPLICATE = _error(
    "prefix-duplicate",
    "Two rules of a storage class have the same prefixes",
    "each rule of a storage class must have a unique set of prefixes",
    EVALUATION,
    "remove one of the two rules, or write the prefix with a `*` in tagPatternList in one of them",
)

# AWS does not document which of two equal keys ECR reads. Most JSON parsers silently take the last.
DUPLICATE_KEY = _warning(
    "duplicate-key",
    "An object has a key twice",
    "JSON does not define which of the two is used; usually it is the last",
    EXAMPLES,
    "remove one of the two",
)
SEVERAL_TAGS = _warning(
    "several-tags",
    "A list has several prefixes or patterns",
    "ECR selects only images with a tag for each of them, not images with a tag for any of them",
    EXAMPLES,
    "write a separate rule for each",
)
PREFIX_SHARED = _warning(
    "prefix-shared",
    "The prefix sets of two rules of a storage class overlap",
    "each set of prefixes must be unique; whether ECR accepts sets that overlap is not documented",
    EVALUATION,
    "remove the prefix from one of the two rules, or write it with a `*` in tagPatternList",
)
REPEATED_TAG = _warning(
    "repeated-tag",
    "A list has a prefix or pattern twice",
    "the duplicate has no effect",
    PROPERTIES,
    "remove one of the two",
)
SHIELDED = _warning(
    "shielded",
    "A rule never acts because earlier rules match all its images",
    "an image that matches the tags of a rule is never affected by a rule with a higher priority number, even if it is kept",
    EVALUATION,
    "give the narrower rule the lower priority number, or remove it",
)
LITERAL_WILDCARD = _warning(
    "literal-wildcard",
    "A prefix contains `*`",
    "in a prefix `*` is a literal character, which tags cannot contain, so the rule selects nothing",
    PROPERTIES,
    "write it in tagPatternList, or remove the `*`",
)
IMPOSSIBLE_TAG = _warning(
    "impossible-tag",
    "A prefix or pattern cannot match any tag",
    "a tag has 1 to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`",
    "https://docs.docker.com/reference/cli/docker/image/tag/",
    "write a prefix or pattern of the tags in this repository",
)
# AWS does not document whether an empty entry is accepted.
EMPTY_TAG = _warning(
    "empty-tag",
    "A prefix or pattern is empty",
    "an empty prefix matches every tag, and an empty pattern matches none",
    PROPERTIES,
    "to select every tagged image, write `*` in tagPatternList",
)
RELEASES_EXPIRE = _warning(
    "releases-expire",
    "A rule with tagStatus any or the pattern `*` expires releases",
    "tagStatus any and the pattern `*` select releases too, and no earlier rule protects tags such as v1.2.3",
    EXAMPLES,
    "add an earlier rule that keeps enough releases, or write tagStatus untagged",
)
UNTAGGED_UNCOVERED = _warning(
    "untagged-uncovered",
    "No rule covers untagged images",
    "pushing an existing tag leaves the old image untagged, and AWS charges for it until it is deleted",
    EVALUATION,
    "add a rule with tagStatus untagged",
)
NEVER_REACHED = _warning(
    "never-reached",
    "A limit is too high to have an effect",
    "a repository holds at most 100,000 images by default, and a limit of more than ten years expires nothing for ten years",
    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html",
    "write the number that you want to keep",
)
ARCHIVE_UNFED = _warning(
    "archive-unfed",
    "A rule selects archived images, but no rule archives any",
    "without a rule that archives images, it affects only images that were archived manually",
    EVALUATION,
    "add a rule that archives, or remove this one",
)

KINDS: dict[str, Kind] = {kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)}
"""All kinds of findings, by code."""
