//! Services with every door: a careful one resists the attacks on them, and each careless one is found by name.

use std::collections::BTreeSet;

use vouchsafe_testkit::attacks::{self, Attacks, Kind, Report, Target, Verdict};
use vouchsafe_testkit::{ISSUE_INSTANT, keys};

use crate::careless::{ALLOWED, Careless, HOME, Shop};
use crate::weak::OTHER_ASSERTION_CONSUMER;

/// The attacks on doors, which need more than the messages.
const DOORS: &[&str] = &[
    "account/",
    "browser/",
    "configuration/",
    "pending/",
    "redirect/",
    "relay-state/",
    "replay/",
    "return/",
    "tenancy/",
];

/// The addresses and people of the shop, without an address to return to.
fn shop() -> Target {
    Target::default()
        .at(ISSUE_INSTANT)
        .other_attacker("mallory@example.org")
        .other_assertion_consumer(OTHER_ASSERTION_CONSUMER)
}

fn at_the_doors() -> Attacks {
    let target = shop().certificate(keys::service_provider().certificate()).return_to(ALLOWED);
    attacks::all()
        .against(target)
        .only(|name| DOORS.iter().any(|door| name.starts_with(door)))
        .not_applicable("control/encrypted-inside", "this service decrypts before it verifies")
}

fn run(careless: Careless, solicited: bool) -> Report {
    at_the_doors().run_blocking(&Shop::new(careless, solicited))
}

/// Returns the attacks that a careless service accepts, with and without requests.
fn found(careless: Careless) -> BTreeSet<&'static str> {
    let reports = [true, false].map(|solicited| run(careless, solicited));
    reports.iter().flat_map(Report::accepted).map(|entry| entry.name).collect()
}

/// Asserts that these attacks were found, and that all found attacks are of these kinds.
#[track_caller]
fn assert_caught(careless: Careless, kinds: &[&str], names: &[&str]) {
    let found = found(careless);
    for name in names {
        assert!(found.contains(name), "{name} is not found, but {found:?}");
    }
    for name in &found {
        assert!(kinds.iter().any(|kind| name.starts_with(kind)), "{name} is found, too");
    }
}

#[test]
fn a_careful_service_withstands() {
    let mut run_once = BTreeSet::new();
    for solicited in [true, false] {
        let report = run(Careless::default(), solicited);
        report.assert_none_accepted();
        println!("{report}");
        let of_doors = |name: &&str| DOORS.iter().any(|door| name.starts_with(door));
        let run = report.entries().iter().filter(|entry| {
            !report.not_applicable().any(|other| other.name == entry.name) && of_doors(&entry.name)
        });
        run_once.extend(run.map(|entry| entry.name));
    }
    // Every attack on a door was run in one of the two ways.
    let not_run: Vec<_> =
        at_the_doors().iter().map(|attack| attack.name()).filter(|name| !run_once.contains(name)).collect();
    assert!(not_run.is_empty(), "{not_run:?}");
}

#[test]
fn an_address_that_takes_the_messages_of_another_is_caught() {
    assert_caught(
        Careless { any_address: true, ..Careless::default() },
        &["tenancy/address"],
        &[
            "tenancy/address-of-other",
            "tenancy/address-of-other-named",
            "tenancy/address-of-first",
            "tenancy/address-of-first-named",
            "tenancy/address-recipient",
        ],
    );
}

#[test]
fn no_binding_is_caught() {
    assert_caught(
        Careless { no_binding: true, ..Careless::default() },
        &["browser/"],
        &["browser/without-cookies", "browser/another", "browser/signed-in", "browser/before-the-first"],
    );
}

#[test]
fn accounts_by_address_are_caught() {
    assert_caught(
        Careless { by_address: true, ..Careless::default() },
        &["account/"],
        &[
            "account/same-person",
            "account/same-address",
            "account/address-upper-case",
            "account/address-padded",
            "account/attacker-first",
            "account/attacker-first-address",
            "account/victim-again",
            "account/claimed-address",
            "account/claimed-address-later",
        ],
    );
}

#[test]
fn accounts_by_name_are_caught() {
    assert_caught(
        Careless { by_name: true, ..Careless::default() },
        &["account/"],
        &[
            "account/same-person",
            "account/same-name-id",
            "account/persistent",
            "account/persistent-qualified",
            "account/qualified",
            "account/qualified-for-us",
            "account/other-format",
        ],
    );
}

#[test]
fn replay_in_two_steps_is_caught() {
    assert_caught(
        Careless { two_steps: true, ..Careless::default() },
        &["replay/together"],
        &["replay/together", "replay/together-by-browsers", "replay/together-in-envelopes"],
    );
}

#[test]
fn what_is_never_stored_is_caught() {
    assert_caught(
        Careless { never_stored: true, ..Careless::default() },
        &["replay/"],
        &["replay/same-form", "replay/by-another-browser", "replay/after-a-refusal", "replay/one-time-use"],
    );
}

#[test]
fn a_request_that_any_customer_answers_is_caught() {
    assert_caught(
        Careless { any_customer: true, ..Careless::default() },
        &["pending/", "cross-tenant/"],
        &["pending/other-answers-first", "pending/first-answers-other"],
    );
}

#[test]
fn trust_that_is_never_taken_away_is_caught() {
    assert_caught(
        Careless { trusts_forever: true, ..Careless::default() },
        &["tenancy/disabled"],
        &["tenancy/disabled", "tenancy/disabled-assertion", "tenancy/disabled-encrypted"],
    );
}

#[test]
fn a_redirect_to_anywhere_is_caught() {
    let found = found(Careless { any_return: true, ..Careless::default() });
    let harmless = ["no-slashes", "steps", "escaped-slash", "our-path"];
    let expected = at_the_doors();
    let expected = expected.iter().map(|attack| attack.name()).filter(|name| {
        name.split_once('/').is_some_and(|(kind, what)| {
            ["relay-state", "return"].contains(&kind) && !harmless.contains(&what)
        })
    });
    assert_eq!(found, expected.collect());
}

/// Returns the reasons why the attacks on the return address prove nothing, and how many were accepted.
fn of_return(target: Target, careless: Careless) -> (BTreeSet<String>, usize) {
    let attacks = attacks::of(Kind::Return).against(target).only(|name| name.starts_with("return/"));
    let report = attacks.run_blocking(&Shop::new(careless, true));
    let reasons = report.entries().iter().filter(|entry| entry.kind == Kind::Return).filter_map(|entry| {
        match &entry.verdict {
            Verdict::Inconclusive { reason, .. } => Some(format!("inconclusive: {reason}")),
            Verdict::NotApplicable { reason, runs_with, .. } => {
                Some(format!("not applicable: {reason}: {}", runs_with.unwrap_or_default()))
            }
            _ => None,
        }
    });
    let accepted = report.accepted().count();
    let reasons: BTreeSet<_> = reasons.collect();
    assert!(accepted > 0 || report.withstood() == 0 && reasons.len() == 1, "{report}");
    let is_inconclusive = reasons.iter().any(|reason| reason.starts_with("inconclusive"));
    let panics = std::panic::catch_unwind(|| report.assert_none_accepted()).is_err();
    assert_eq!(panics, is_inconclusive || accepted > 0, "{report}");
    (reasons, accepted)
}

/// Without the control, a test that hands no return address on would count attacks that it never sent.
#[test]
fn attacks_on_a_return_address_that_reaches_no_service_prove_nothing() {
    let not_accepted = BTreeSet::from(["inconclusive: control/return is not accepted either".to_owned()]);
    let no_return = Careless { no_return: true, any_return: true, ..Careless::default() };
    assert_eq!(of_return(shop().return_to(ALLOWED), no_return), (not_accepted.clone(), 0));
    // A service that refuses this address, and one whose sign-ins all end there.
    for path in ["/another", HOME] {
        let told = of_return(shop().return_to(path), Careless::default());
        assert_eq!(told, (not_accepted.clone(), 0), "{path}");
    }
    let unnamed =
        "not applicable: the target has no address to return to: `Target::return_to(..)`".to_owned();
    let (reasons, accepted) = of_return(shop(), Careless::default());
    assert_eq!((reasons, accepted), (BTreeSet::from([unnamed]), 0));
    // What is accepted is a finding, whether the control could be run or not.
    let (_, accepted) = of_return(shop(), Careless { any_return: true, ..Careless::default() });
    assert_eq!(accepted, 15);
}

#[test]
fn the_control_of_the_return_address_says_what_is_wrong() {
    for (path, careless, reason) in [
        (
            ALLOWED,
            Careless { no_return: true, ..Careless::default() },
            "a sign-in that was to return to \"/orders\" ended at \"/home\": hand `return_to` on in \
             `Service::start`, or correct `Target::return_to`",
        ),
        (
            HOME,
            Careless::default(),
            "a sign-in without an address to return to ends at \"/home\" too: give `Target::return_to` another \
             address that the service allows",
        ),
    ] {
        let target = shop().return_to(path);
        let report = attacks::of(Kind::Return).against(target).run_blocking(&Shop::new(careless, true));
        let control = report.entries().iter().find(|entry| entry.name == "control/return").unwrap();
        let Verdict::Inconclusive { reason: told, .. } = &control.verdict else { panic!("{report}") };
        assert_eq!(told, reason);
    }
}

#[test]
fn metadata_without_a_key_is_caught() {
    assert_caught(
        Careless { keyless: true, ..Careless::default() },
        &["configuration/"],
        &["configuration/no-key-unsigned", "configuration/encryption-unsigned", "configuration/key-name"],
    );
    assert_caught(
        Careless { any_key: true, ..Careless::default() },
        &["configuration/"],
        &[
            "configuration/encryption-signed",
            "configuration/unknown-use",
            "configuration/other-role",
            "configuration/extensions",
            "configuration/foreign-descriptor",
            "configuration/second-certificate",
        ],
    );
}

#[test]
fn a_query_that_is_decoded_again_is_caught() {
    assert_caught(
        Careless { decodes_again: true, ..Careless::default() },
        &["redirect/"],
        &["redirect/question-mark-relay-state", "redirect/question-marks"],
    );
}

#[test]
fn a_session_that_a_refusal_leaves_behind_is_caught() {
    let found = found(Careless { opens_early: true, ..Careless::default() });
    assert!(
        found.contains("browser/without-cookies") && found.contains("replay/by-another-browser"),
        "{found:?}"
    );
}
