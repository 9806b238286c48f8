//! The result as text: its parts, and what it never contains.

use crate::common::{good, okta};
use vouchsafe_assertion::{Outcome, Refusal};
use vouchsafe_testkit::{Part, Signed, keys};

const NOW: &str = "2026-01-01T00:01:00Z";

#[test]
fn a_refusal_as_text() {
    let issued = good(|r| r)
        .audience("https://app.example.com/saml")
        .recipient("https://app.example.com/acs")
        .not_on_or_after("2020-01-01T00:00:00Z")
        .issue()
        .unwrap();
    let refusal = okta(NOW).receive(issued.xml().as_bytes()).unwrap_err();
    let text = refusal.explain();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "refused: SubjectConfirmationData/@Recipient: expected “https://app.example.com/saml/acs”, found \
             “https://app.example.com/acs”; they differ only in the path [assertion.recipient]"
        )
    );
    assert_eq!(lines.next(), Some("  rule      subject.recipient (saml-profiles-2.0-os 4.1.4.3)"));
    assert_eq!(lines.next(), Some("  expected  “https://app.example.com/saml/acs”"));
    assert_eq!(lines.next(), Some("  actual    “https://app.example.com/acs”"));
    assert_eq!(lines.next(), Some(format!("  change    {}", refusal.hint()).as_str()));
    assert_eq!(
        lines.next(),
        Some("  failed    as well: conditions.not_on_or_after, conditions.window, conditions.audience")
    );
    assert_eq!(lines.next(), Some(""));
    assert_eq!(lines.next(), Some("checks: 28 passed, 4 failed, 8 not applicable"));
    let row = lines.find(|line| line.contains("conditions.audience")).unwrap();
    let operands = "“https://app.example.com/saml” instead of “https://app.example.com/saml/metadata”";
    assert_eq!(row, format!("  FAILED  {:<29}  {operands}", "conditions.audience"));
    assert!(!text.contains("ada@example.com"), "{text}");
    assert!(text.contains(&format!("  ok      {:<29}  “(redacted)”\n", "subject.name_id")), "{text}");
}

#[test]
fn a_login_as_text() {
    let login = okta(NOW).receive(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap();
    let text = login.explain();
    assert!(
        text.starts_with("accepted: a login vouched for by “http://www.okta.com/exk1vouchsafe0kit0h7”\n")
    );
    assert!(text.contains("  answers   “_request”\n"));
    assert!(
        text.contains("  signed    Response by “http://www.okta.com/exk1vouchsafe0kit0h7, signing key 1”\n")
    );
    assert!(text.contains("  signed    Assertion by "));
    assert!(text.contains(" 0 failed, "));
    let last = format!("  ok      {:<29}  “not seen before”\n", "assertion.first_use");
    assert!(text.ends_with(&last), "{text}");
    assert!(!text.contains("ada@"), "{text}");
    assert!(text.ends_with(&login.ledger().explain()));
}

/// Wherever the path ends, the ledger has the check that decided.
#[test]
fn every_refusal_names_the_check_that_decided() {
    let receiver = okta(NOW);
    let refusals = [
        (
            "response.or_assertion_signed",
            receiver.receive(good(|r| r.sign(Signed::Neither)).issue().unwrap().xml().as_bytes()),
        ),
        (
            "response.signature",
            receiver.receive(good(|r| r.key(keys::attacker())).issue().unwrap().xml().as_bytes()),
        ),
        (
            "response.assertion_count",
            receiver.receive(good(|r| r.omit(Part::Assertion)).issue().unwrap().xml().as_bytes()),
        ),
        (
            "conditions.audience",
            receiver.receive(good(|r| r.omit(Part::Conditions)).issue().unwrap().xml().as_bytes()),
        ),
        // The issue time fails first, but the time of validity explains the fault better.
        (
            "conditions.not_before",
            receiver.receive(
                good(|r| r).at(receiver.now + chrono::TimeDelta::hours(1)).issue().unwrap().xml().as_bytes(),
            ),
        ),
        ("document.xml", receiver.receive(b"<a>")),
    ];
    let refusals = refusals.into_iter().map(|(rule, outcome)| (rule, outcome.unwrap_err()));
    let made = [
        ("response.trusted_issuer", Refusal::unknown_issuer("https://x.example", [])),
        ("response.asked_issuer", Refusal::unexpected_issuer("https://a.example", "https://b.example")),
        ("request.lifetime", Refusal::request_expired(receiver.now)),
        ("assertion.first_use", {
            let valid = receiver.validate(good(|r| r).issue().unwrap().xml().as_bytes()).unwrap();
            let again = valid.replay_key().recorded(false);
            valid.confirm(again).unwrap_err()
        }),
        ("connection.state", Refusal::connection_state(&crate::common::connection(), "draft")),
        ("connection.unsolicited", Refusal::unsolicited(&crate::common::connection())),
        ("request.browser", Refusal::other_browser("no binding cookie came")),
        ("request.trial", Refusal::trial(true)),
    ];
    for (rule, refusal) in refusals.chain(made) {
        let check = refusal.check().unwrap_or_else(|| panic!("{rule}: none"));
        assert_eq!((check.rule(), check.outcome()), (rule, Outcome::Failed));
        let text = refusal.explain();
        assert!(text.contains(&format!("  rule      {rule} (")), "{text}");
        assert!(
            text.starts_with("refused: ") && !text.contains("as well: ") || rule == "conditions.not_before"
        );
    }
}

#[test]
fn the_ledger_tells_a_trial_from_a_sign_in() {
    for (asked_as_trial, expected, actual) in
        [(true, "a trial", "a sign-in"), (false, "a sign-in", "a trial")]
    {
        let refusal = Refusal::trial(asked_as_trial);
        let check = refusal.check().unwrap();
        assert_eq!((&*check.expected_text(), &*check.actual_text()), (expected, actual));
    }
}

#[test]
fn nothing_is_printed_as_it_came() {
    let issued = good(|r| r)
        .audience("evil\u{202e}\u{9b}31m")
        .destination(format!("https://x.example/{}", "y".repeat(5000)))
        .status_message("line one\nline two")
        .status(["urn:x\nfake line"])
        .issue()
        .unwrap();
    let text = okta(NOW).receive(issued.xml().as_bytes()).unwrap_err().explain();
    assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{1b}']), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("fake") && !line.starts_with("line two")), "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 700), "{text}");
}
