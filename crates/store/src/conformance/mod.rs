//! What every store must do, as functions that anybody runs over a store of their own (feature `conformance`).
//!
//! [`conformance!`](crate::conformance!) makes a test of each, in a crate that has `tokio` with `macros` and `rt-multi-thread`:
//!
//! ```ignore
//! async fn mine() -> (MyStore, ()) {
//!     (MyStore::empty(), ()) // and what must live as long as the store, such as a folder
//! }
//!
//! vouchsafe_store::conformance!(mine);
//! ```
//!
//! Each function takes an empty store, and panics where the store does something else than it should.

#![expect(missing_docs, reason = "the name of each function says what it demands")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "these are tests: one that cannot go on must stop"
)]

pub mod api_tokens;
pub mod audit_feed;
pub mod claims;
pub mod configuration;
pub mod connecting;
pub mod connections;
pub mod customers;
pub mod directory;
pub mod ended_sessions;
pub mod forms;
pub mod key_history;
pub mod logouts;
pub mod members;
pub mod memoranda;
pub mod others;
pub mod provisioning;
pub mod record_budget;
pub mod renewals;
pub mod scenarios;
pub mod scim;
pub mod scim_tokens;
pub mod session_epochs;
pub mod session_index;
pub mod set_up_links;
pub mod sign_in;
pub mod sign_in_history;

use crate::{
    Applied, AuditDetail, AuditRecord, Author, ClaimStore, ConnectionStore, Decision, Directory, LogoutStore,
    PendingStore, ReplayStore, SessionStore, SignInError,
};
use chrono::{DateTime, Utc};
use vouchsafe::{
    ConnectionId, EntityId, Provider,
    provisioning::{
        AccountId, Actor, Change, ChangeByHand, LoginFacts, Organization, OrganizationId, Plan, Policy,
        Project, ProjectId, Snapshot, Team, TeamId,
    },
};

/// What every store is.
pub trait Store:
    ReplayStore + PendingStore + SessionStore + LogoutStore + ConnectionStore + Directory + Clone + 'static
{
}
impl<
    S: ReplayStore + PendingStore + SessionStore + LogoutStore + ConnectionStore + Directory + Clone + 'static,
> Store for S
{
}

/// What a store without a directory is.
pub trait Memoranda: ClaimStore + PendingStore + SessionStore + Clone + 'static {}
impl<S: ClaimStore + PendingStore + SessionStore + Clone + 'static> Memoranda for S {}

/// Makes a test of each function of the conformance suite.
///
/// `conformance!(make)`: `make` is an async function that gives an empty store and what keeps it alive.
/// `conformance!(of api_tokens: make)` makes those of an [`ApiTokenStore`](crate::ApiTokenStore).
/// `conformance!(of audit_feed: make)` makes those of an [`AuditFeed`](crate::AuditFeed).
/// `conformance!(of ended_sessions: make)` makes those of an [`EndedSessionStore`](crate::EndedSessionStore).
/// `conformance!(of forms: make)` makes those of a [`FormStore`](crate::FormStore).
/// `conformance!(of sign_in_history: make)` makes those of a [`SignInHistory`](crate::SignInHistory).
/// `conformance!(of key_history: make)` makes those of a [`KeyHistory`](crate::KeyHistory).
/// `conformance!(of set_up_links: make)` makes those of a [`SetUpStore`](crate::SetUpStore).
/// `conformance!(of scim: make)` makes those of a [`ScimStore`](crate::ScimStore).
/// `conformance!(memoranda where available: make)`: a store of replays, pending requests and sessions alone, which end by themselves.
/// `conformance!(where available: make)`: it gives `Some` of both, or `None` where there is no server to test against, and then says so.
#[macro_export]
macro_rules! conformance {
    (of scim: $make:path) => {
        $crate::conformance!(@scim always $make);
    };
    (of scim where available: $make:path) => {
        $crate::conformance!(@scim available $make);
    };
    (@scim $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, scim, resources_are_found_at_their_connection, resources_are_found_by_their_values, pages_follow_the_order_of_making,
            a_resource_is_changed_at_its_revision_only, members_and_sessions_go_with_the_plan,
            of_writers_of_one_resource_one_succeeds);
        $crate::conformance!(@each $way $make, scim_tokens, tokens_are_rotated_and_revoked,
            tokens_end_with_their_connection, a_token_that_is_revoked_during_a_rotation_stays_revoked,
            a_request_whose_token_has_ended_changes_nothing, nothing_is_written_after_the_revocation_of_its_token,
            over_a_paused_connection_access_only_ends, a_token_is_of_a_connection_of_its_organization);
    };
    (of ended_sessions: $make:path) => {
        $crate::conformance!(@ended_sessions always $make);
    };
    (of ended_sessions where available: $make:path) => {
        $crate::conformance!(@ended_sessions available $make);
    };
    (@ended_sessions $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, ended_sessions, a_session_that_ended_is_remembered,
            a_session_that_is_written_back_is_found_to_have_ended);
    };
    (of forms: $make:path) => {
        $crate::conformance!(@forms always $make);
    };
    (of forms where available: $make:path) => {
        $crate::conformance!(@forms available $make);
    };
    (@forms $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, forms, a_form_is_taken_once_by_its_browser, of_many_who_take_a_form_one_gets_it,
            a_form_ends_at_its_time, forms_are_swept, the_oldest_forms_give_way, the_forms_of_one_network_give_way_to_its_own,
            the_only_form_of_a_network_stays_longest, of_equal_networks_the_oldest_form_gives_way, a_form_that_is_over_takes_no_place,
            a_form_that_is_kept_anew_replaces_the_earlier_one,
            forms_that_are_kept_at_the_same_time_stay_within_the_limits);
    };
    (of sign_in_history: $make:path) => {
        $crate::conformance!(@sign_in_history always $make);
    };
    (of sign_in_history where available: $make:path) => {
        $crate::conformance!(@sign_in_history available $make);
    };
    (@sign_in_history $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, sign_in_history, what_came_and_what_was_made_of_it_is_kept,
            no_more_sign_ins_are_kept_than_the_limits_say, sign_ins_go_with_a_deleted_person,
            a_sign_in_is_of_an_account_of_its_organization, sign_ins_are_kept_at_the_same_time,
            what_is_kept_of_a_sign_in_is_bounded);
    };
    (of set_up_links: $make:path) => {
        $crate::conformance!(@set_up_links always $make);
    };
    (of set_up_links where available: $make:path) => {
        $crate::conformance!(@set_up_links available $make);
    };
    (@set_up_links $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, set_up_links, a_link_is_found_by_what_is_shown, a_link_is_of_an_organization_that_there_is,
            every_write_of_a_link_is_at_its_revision, of_writers_of_one_link_one_succeeds, what_never_changes_of_a_link_is_refused,
            links_are_listed_and_audited, links_are_swept, a_draft_goes_with_its_link, a_draft_stays_if_its_link_is_renewed_meanwhile, a_paused_connection_stays_when_its_link_goes, a_link_that_was_revoked_meanwhile_changes_nothing,
            of_a_link_and_its_revocation_the_last_word_is_the_revocation);
    };
    (of api_tokens: $make:path) => {
        $crate::conformance!(@api_tokens always $make);
    };
    (of api_tokens where available: $make:path) => {
        $crate::conformance!(@api_tokens available $make);
    };
    (of audit_feed: $make:path) => {
        $crate::conformance!(@audit_feed always $make);
    };
    (of audit_feed where available: $make:path) => {
        $crate::conformance!(@audit_feed available $make);
    };
    (of key_history: $make:path) => {
        $crate::conformance!(@key_history always $make);
    };
    (of key_history where available: $make:path) => {
        $crate::conformance!(@key_history available $make);
    };
    (@key_history $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, key_history, sightings_of_keys_add_up, no_sign_in_is_lost_among_many_writers,
            keys_of_metadata_are_seen_when_it_is_written,
            keys_are_noted_while_their_connection_is_written, every_change_of_keys_and_endpoints_is_audited,
            staged_metadata_waits_for_approval, refused_metadata_stays_refused);
    };
    (@audit_feed $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, audit_feed, pages_of_the_audit_are_the_whole, the_audit_is_exported_as_lines,
            a_reader_misses_nothing_that_is_written_meanwhile, how_far_it_was_delivered_is_kept);
    };
    (@api_tokens $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, api_tokens, a_token_is_found_by_what_is_shown, a_token_ends_at_its_time,
            tokens_are_listed_and_revoked, tokens_end_with_their_account, a_token_is_of_an_account_of_its_organization);
    };
    (where available: $make:path) => {
        $crate::conformance!(@all available $make);
    };
    (@all $way:ident $make:path) => {
        $crate::conformance!(@each $way $make, claims, of_many_holders_one_gets_the_record);
        $crate::conformance!(@each $way $make, session_index, an_index_finds_a_session_whose_name_has_other_parts);
        $crate::conformance!(@each $way $make, session_epochs, sessions_begin_again_after_all_were_ended);
        $crate::conformance!(@each $way $make, memoranda, one_of_a_hundred_records_is_the_first, a_record_is_looked_up_without_being_made,
            a_session_that_nobody_uses_ends, use_is_noted_now_and_then, use_brings_no_session_back,
            sessions_that_nobody_uses_are_swept, records_are_swept_a_margin_after_their_time,
            a_clock_that_went_ahead_and_came_back_accepts_nothing_twice,
            a_record_without_end_does_not_keep_the_others, a_record_lasts_to_its_last_nanosecond,
            an_assertion_is_confirmed_once, a_pending_request_is_found_until_it_is_removed,
            a_pending_request_ends_at_its_time, pending_requests_are_swept, sessions_are_swept,
            a_session_lasts_until_its_end_and_no_longer,
            sessions_end_by_id_by_name_and_by_account, a_name_ends_the_sessions_of_its_own_person_only, an_index_ends_the_sessions_without_one, any_of_several_indexes_ends_a_session,
            a_negative_lifetime_ends_a_session, a_suspended_account_gets_no_session);
        $crate::conformance!(@each $way $make, connections, a_connection_is_kept_whole,
            active_connections_are_walked_page_by_page, every_write_of_a_connection_is_a_new_revision, of_writers_at_one_revision_one_succeeds,
            what_never_changes_of_a_connection_is_refused, an_identity_provider_is_found_by_what_artifacts_name_it, connections_are_found_by_identity_provider_and_address,
            drafts_and_retired_connections_hide_no_active_one, an_organization_has_several_connections,
            the_active_connections_to_an_identity_provider_are_found_page_by_page);
        $crate::conformance!(@each $way $make, renewals, a_renewal_is_no_revision_and_no_record, what_decides_is_never_a_renewal,
            a_write_keeps_the_renewals_before_it, a_sooner_end_is_a_revision);
        $crate::conformance!(@each $way $make, record_budget, a_source_that_changes_at_each_fetch_fills_no_audit,
            a_change_of_keys_or_addresses_is_recorded_however_much_was_before, what_was_counted_is_told_with_the_next_record,
            of_sooner_ends_so_many_are_recorded, values_of_metadata_are_shortened_in_records);
        $crate::conformance!(@each $way $make, customers, a_customer_is_added_whole, a_customer_that_is_refused_leaves_nothing,
            of_many_who_add_a_customer_one_does);
        $crate::conformance!(@each $way $make, connecting, a_conversion_is_one_decision,
            a_conversion_that_is_refused_leaves_nothing, of_ten_conversions_at_once_one_succeeds,
            a_connection_is_tried_and_replaces_another, several_connections_are_active_until_one_is_retired,
            connections_are_in_the_order_of_their_activation,
            the_configuration_is_audited_with_its_actor, a_disconnected_organization_signs_nobody_in,
            an_organization_has_so_many_connections, metadata_of_an_organization_is_so_large_at_most,
            a_connection_named_as_another_organization_stops_nobody,
            a_stored_connection_of_another_organization_signs_nobody_in, whether_a_token_is_required_is_the_connections_setting);
        $crate::conformance!(@each $way $make, configuration, a_slug_is_found_and_unique_whatever_its_case,
            every_change_of_the_configuration_is_audited, a_policy_that_locks_everybody_out_is_not_kept,
            sessions_end_with_the_connection_they_began_over,
            sessions_end_with_a_connection_that_is_retired_by_a_write, no_token_is_in_the_audit,
            a_policy_that_was_read_is_replaced_and_no_other);
        $crate::conformance!(@each $way $make, directory, organizations_are_found_and_their_names_are_unique,
            an_organization_is_updated_at_its_version_only, policies_are_kept,
            names_are_unique_in_an_organization, a_snapshot_has_what_the_login_needs,
            a_trial_reads_what_its_login_means_over_a_draft,
            a_foreign_token_leads_to_its_own_organization, a_domain_belongs_to_one_organization, a_connection_belongs_to_one_organization,
            discovery_asks_domains_and_never_accounts, addresses_are_compared_by_one_grammar,
            what_another_organization_verified_is_in_the_snapshot);
        $crate::conformance!(@each $way $make, sign_in, a_first_sign_in_makes_an_account_and_the_second_nothing,
            as_many_groups_as_a_login_may_bring_make_their_teams,
            three_persons_of_one_name_get_three_accounts, nobody_gets_an_address_of_a_domain_of_another_organization,
            two_first_sign_ins_of_one_person_make_one_account, many_people_sign_in_at_the_same_time,
            suspension_ends_sessions_and_is_recorded, the_audit_says_what_and_why_and_no_secret,
            the_store_and_the_planner_agree_on_what_a_plan_makes, the_audit_from_its_beginning_gives_the_state,
            who_is_refused_is_audited_by_which_rule, a_stranger_leaves_one_record_in_the_audit_of_another_organization, a_change_that_is_refused_is_audited_with_its_actor,
            what_is_added_is_audited_with_its_actor, groups_whose_names_fold_to_one_are_one_team);
        $crate::conformance!(@each $way $make, others, a_token_counts_before_the_connection,
            another_connections_state_and_setting_do_not_count, suspended_people_and_those_of_others_take_no_seat,
            the_last_owner_by_a_group_stays_whoever_else_there_is, refusals_of_one_organization_leave_room_for_those_of_another,
            the_earlier_address_of_an_account_is_free);
        $crate::conformance!(@each $way $make, logouts, a_pending_logout_is_found_until_it_is_removed, the_longest_names_and_indexes_are_kept,
            a_logout_that_omits_parts_of_the_name_ends_the_session_of_its_index, a_logout_by_session_index_alone_ends_sessions_of_any_name,
            the_latest_logout_of_a_session_is_remembered, when_a_logout_was_received_is_remembered,
            a_logout_that_was_received_last_counts_although_another_was_issued_later,
            whoever_signs_in_again_within_the_second_of_a_logout_is_let_in, what_is_over_of_logouts_is_swept,
            a_sign_in_whose_session_was_logged_out_leaves_nothing, a_sign_in_without_an_index_heeds_every_logout, a_sign_in_of_several_sessions_heeds_the_logout_of_any,
            of_several_logouts_of_a_sign_in_the_latest_counts,
            a_logout_during_a_sign_in_ends_its_session);
        $crate::conformance!(@each $way $make, members, another_organizations_people_have_no_part_in_a_change, the_last_owner_is_safe_at_every_door, an_owner_by_a_group_goes_with_it_while_there_is_another,
            a_seat_is_needed_to_be_active_again, an_account_is_linked_while_the_session_lasts_that_asked, a_membership_goes_with_its_last_source,
            a_connection_takes_over_the_people_of_another);
        $crate::conformance!(@each $way $make, provisioning, a_change_of_one_persons_names_leaves_those_of_others, an_account_that_waits_for_approval_is_written_and_not_signed_in,
            accounts_are_found_by_a_key, a_session_lasts_as_long_as_the_policy_says, a_session_is_idle_as_long_as_the_policy_says,
            people_and_groups_of_scim_are_kept);
        $crate::conformance!(@each $way $make, scenarios, two_hundred_first_sign_ins_at_once_succeed,
            first_sign_ins_of_one_person_at_once_make_one_account,
            of_first_sign_ins_at_once_no_more_succeed_than_there_are_seats,
            an_owner_suspends_somebody_while_forty_people_sign_in, a_refused_sign_in_leaves_nothing_behind,
            one_response_is_accepted_once, an_assertion_is_accepted_once_over_all_connections, a_sign_in_answers_its_request_and_replaces_a_session,
            a_stale_write_loses_no_membership, the_last_owner_survives_every_change,
            a_large_organization_costs_what_the_person_means, a_sign_in_over_a_connection_that_was_retired_leaves_nothing,
            a_connection_that_is_retired_meanwhile_keeps_no_session, settings_are_changed_while_people_sign_in,
            changes_by_hand_name_their_actor, a_domain_that_is_verified_meanwhile_counts);
    };
    (memoranda where available: $make:path) => {
        $crate::conformance!(@each available $make, claims, of_many_holders_one_gets_the_record);
        $crate::conformance!(@each available $make, session_index, an_index_finds_a_session_whose_name_has_other_parts);
        $crate::conformance!(@each available $make, session_epochs, sessions_begin_again_after_all_were_ended);
        $crate::conformance!(@each available $make, memoranda, one_of_a_hundred_records_is_the_first, a_record_is_looked_up_without_being_made, an_assertion_is_confirmed_once,
            a_pending_request_is_found_until_it_is_removed, a_pending_request_ends_at_its_time,
            a_session_lasts_until_its_end_and_no_longer, sessions_end_by_id_by_name_and_by_account,
            a_name_ends_the_sessions_of_its_own_person_only, an_index_ends_the_sessions_without_one, any_of_several_indexes_ends_a_session, a_negative_lifetime_ends_a_session,
            a_session_that_nobody_uses_ends, use_is_noted_now_and_then, use_brings_no_session_back);
    };
    (@each $way:ident $make:path, $module:ident, $($name:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                $crate::conformance!(@run $way $make, $module, $name);
            }
        )*
    };
    (@run always $make:path, $module:ident, $name:ident) => {
        let (store, _kept) = $make().await;
        $crate::conformance::$module::$name(store).await;
    };
    (@run available $make:path, $module:ident, $name:ident) => {
        if let Some((store, _kept)) = $make().await {
            $crate::conformance::$module::$name(store).await;
        }
    };
    ($make:path) => {
        $crate::conformance!(@all always $make);
    };
}

pub fn now() -> DateTime<Utc> {
    "2026-01-15T09:00:00Z".parse().unwrap()
}

/// Who changes the configuration, where it does not matter.
pub fn author() -> Author {
    Author::new(Actor::Operator, now())
}

pub fn okta() -> EntityId {
    EntityId::new(vouchsafe_testkit::OKTA_ENTITY_ID).unwrap()
}

/// The connection of Acme, which has the organization's id as its name.
pub fn connection() -> ConnectionId {
    ConnectionId::new("acme").unwrap()
}

pub fn acme() -> OrganizationId {
    OrganizationId::new("acme")
}

pub const POLICY: &str = "
    [attributes]
    groups = 'department'
    [defaults]
    teams = [{ name = 'All hands' }]
    projects = [{ name = 'Sandbox' }]
    [groups]
    create_teams = true
";

/// Acme, converted, with a team and a project; its token.
pub async fn with_acme(store: &impl Store) -> String {
    let mut organization = Organization::new(acme(), "acme", "Acme");
    organization.entitled = true;
    organization.verified_domains = vec!["Example.com".to_owned()];
    let token = organization.convert(okta(), &Provider::rustcrypto(), now()).unwrap().reveal();
    store.add_organization(&organization, &author()).await.unwrap();
    store.add_team(&Team::new(TeamId::new("t1"), acme(), "All hands"), &author()).await.unwrap();
    store.add_project(&Project::new(ProjectId::new("p1"), acme(), "Sandbox"), &author()).await.unwrap();
    store.set_policy(&acme(), POLICY, &author()).await.unwrap();
    token
}

/// Globex, converted, with an identity provider and a verified domain of its own; its token.
pub async fn with_globex(store: &impl Store) -> String {
    let mut organization = Organization::new(globex(), "globex", "Globex");
    organization.entitled = true;
    organization.verified_domains = vec!["globex.example".to_owned()];
    let token = organization.convert(globex_idp(), &Provider::rustcrypto(), now()).unwrap().reveal();
    store.add_organization(&organization, &author()).await.unwrap();
    token
}

pub fn globex() -> OrganizationId {
    OrganizationId::new("globex")
}

pub fn globex_idp() -> EntityId {
    EntityId::new("http://www.okta.com/exk2").unwrap()
}

/// A login of somebody at Acme.
pub fn login(person: &str, token: &str, assertion: &str) -> LoginFacts {
    LoginFacts::new(connection(), okta(), person, now())
        .with_assertion_id(assertion)
        .with_attribute("user.email", [format!("{person}@example.com")])
        .with_attribute("department", ["Engineering"])
        .with_attribute("token", [token])
}

/// What a login that was confirmed elsewhere makes.
pub async fn provision(store: &impl Store, login: impl Into<LoginFacts>) -> Result<Provisioned, SignInError> {
    store.decide(Decision::login(login)).await.map(Provisioned::from)
}

/// What a decision about one account made.
#[derive(Debug)]
pub struct Provisioned {
    /// The account.
    pub account: AccountId,
    /// The plan.
    pub plan: Plan,
}

impl From<Applied> for Provisioned {
    fn from(applied: Applied) -> Provisioned {
        Provisioned { account: applied.account.unwrap(), plan: applied.plan }
    }
}

/// The audit of Acme as far as plans changed accounts.
pub async fn audit_of_people(store: &impl Store) -> Vec<AuditRecord> {
    let is_step = |record: &AuditRecord| matches!(record.detail, Some(AuditDetail::Step { .. }));
    let records = store.audit(&acme()).await.unwrap();
    records.into_iter().filter(|record| record.account.is_some() && is_step(record)).collect()
}

/// A change by hand at Acme.
pub async fn change(
    store: &impl Store,
    account: &AccountId,
    change: Change,
    actor: Actor,
) -> Result<Provisioned, SignInError> {
    let decision = Decision::change(acme(), by_hand(account, change, actor, "a test"));
    store.decide(decision).await.map(Provisioned::from)
}

/// The plan of a change by hand, on a state that may be another than the store's.
pub fn planned(on: &Snapshot, account: &AccountId, change: &Change, because: &str) -> Plan {
    Policy::default().plan(by_hand(account, change.clone(), Actor::Operator, because), on).unwrap()
}

/// A change by hand.
pub fn by_hand(account: &AccountId, change: Change, actor: Actor, because: &str) -> ChangeByHand {
    ChangeByHand { account: account.clone(), change, actor, because: because.to_owned(), at: now() }
}
