"""All policies, in the order in which they are run and written down."""

from __future__ import annotations

from guardrails import (
    access,
    borders,
    encryption,
    environment,
    identity,
    immutability,
    lifecycle,
    protection,
    replacement,
    replication,
    scanning,
    sight,
    tags,
)
from guardrails.policy import ResourceGuardrail, StackGuardrail

NAME = "ecr-guardrails"
DESCRIPTION = "What a security team asks of container registries on Amazon ECR."

POLICIES: list[ResourceGuardrail | StackGuardrail] = [
    encryption.repositories_are_encrypted_with_a_customer_key,
    encryption.keys_rotate,
    encryption.keys_are_enabled,
    encryption.keys_keep_the_lockout_check,
    encryption.keys_in_production_wait_before_deletion,
    immutability.image_tags_in_production_are_immutable,
    lifecycle.every_repository_has_a_lifecycle_policy,
    lifecycle.lifecycle_policies_expire_untagged_images,
    lifecycle.lifecycle_rules_name_one_prefix_each,
    lifecycle.lifecycle_rules_in_production_expire_by_tag,
    scanning.repositories_are_scanned_on_push,
    scanning.account_settings_are_the_supported_ones,
    access.policies_name_no_public_principal,
    access.policies_name_no_wildcard_action,
    access.policies_let_services_act_for_named_sources_only,
    access.repositories_are_private,
    borders.nothing_crosses_to_those_who_are_not_trusted,
    environment.names_in_production_agree,
    identity.oidc_roles_trust_named_subjects,
    identity.roles_are_not_assumed_by_everyone,
    identity.identity_policies_allow_no_wildcard,
    identity.iam_policies_belong_to_roles_or_groups,
    protection.repositories_in_production_are_not_force_deleted,
    protection.repositories_in_production_are_protected,
    replacement.repositories_are_not_replaced,
    replication.repositories_in_production_are_replicated,
    sight.nothing_is_made_out_of_sight,
    sight.each_document_has_one_resource,
    sight.what_is_judged_is_what_is_deployed,
    tags.repositories_and_keys_have_the_required_tags,
]
