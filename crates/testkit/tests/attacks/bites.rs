//! Services with known mistakes are vulnerable to the attacks on those mistakes.

use std::collections::BTreeSet;

use vouchsafe_testkit::attacks::{self, Attack, Kind, Target, Verdict, posting};
use vouchsafe_testkit::{ISSUE_INSTANT, keys};

use crate::weak::{Digest, Keys, Read, SOUND, Service, Text, Weak};

const BLIND: &str = "no signature is looked at";

/// The known mistakes, each as a service that makes it.
const MISTAKES: &[(&str, Weak)] = &[
    ("none", SOUND),
    ("the first assertion by name, a signature anywhere", Weak { read: Read::FirstByName, ..SOUND }),
    ("the first assertion of the root, a signature anywhere", Weak { read: Read::FirstChild, ..SOUND }),
    ("the last assertion by name, a signature anywhere", Weak { read: Read::LastByName, ..SOUND }),
    (
        "the first assertion in whatever namespace",
        Weak { read: Read::FirstByName, local_names: true, ..SOUND },
    ),
    ("the assertion around the signature", Weak { read: Read::AroundSignature, ..SOUND }),
    ("the assertion of that ID, looked up again", Weak { read: Read::ById, ..SOUND }),
    ("identifiers in any spelling, looked up again", Weak { read: Read::ById, any_id: true, ..SOUND }),
    (BLIND, Weak { keys: Keys::Nobody, ..SOUND }),
    ("what has no signature needs none", Weak { keys: Keys::OnlyIfThere, ..SOUND }),
    ("what names nothing is no signature", Weak { keys: Keys::OnlyIfReadable, ..SOUND }),
    ("the digest alone", Weak { keys: Keys::DigestAlone, ..SOUND }),
    ("any key that comes along", Weak { keys: Keys::FromMessage, ..SOUND }),
    (
        "any key that comes along, any reference",
        Weak { keys: Keys::FromMessage, any_reference: true, ..SOUND },
    ),
    ("HMAC with a public secret", Weak { keys: Keys::OrHmac, ..SOUND }),
    ("any tenant's key", Weak { keys: Keys::AnyTenant, ..SOUND }),
    ("any tenant's key, the last assertion", Weak { keys: Keys::AnyTenant, read: Read::LastByName, ..SOUND }),
    ("digests are not compared", Weak { digest: Digest::Unchecked, any_reference: true, ..SOUND }),
    ("comments in the digest", Weak { digest: Digest::FirstNode, ..SOUND }),
    ("the first digest of the document", Weak { digest: Digest::FirstInDocument, ..SOUND }),
    ("any reference will do", Weak { any_reference: true, read: Read::FirstByName, ..SOUND }),
    ("old algorithms", Weak { legacy: true, ..SOUND }),
    ("texts up to a comment", Weak { text: Text::First, ..SOUND }),
    ("texts up to a comment, carelessly", Weak { text: Text::First, careless: true, ..SOUND }),
    ("the first name inside the assertion", Weak { search: true, read: Read::FirstByName, ..SOUND }),
    ("the first of everything, carelessly", Weak { read: Read::FirstByName, careless: true, ..SOUND }),
    ("the first child, carelessly", Weak { read: Read::FirstChild, careless: true, ..SOUND }),
    ("texts after a comment", Weak { text: Text::Last, ..SOUND }),
    ("no look at times, audience, addressee, status", Weak { careless: true, ..SOUND }),
    ("no memory", Weak { forgetful: true, ..SOUND }),
    ("entities in one parser and not in the other", Weak { entities: true, ..SOUND }),
    ("entities, the first by name", Weak { entities: true, read: Read::FirstByName, ..SOUND }),
    ("the first of two roots, unsigned", Weak { roots: Some(true), keys: Keys::OnlyIfThere, ..SOUND }),
    ("the last of two roots, unsigned", Weak { roots: Some(false), keys: Keys::OnlyIfThere, ..SOUND }),
    ("the last field", Weak { last_field: true, ..SOUND }),
];

fn target() -> Target {
    Target::default().at(ISSUE_INSTANT).certificate(keys::service_provider().certificate())
}

/// Returns whether it consists of forms that one browser posts. The other attacks have services of their own: see
/// `doors`.
fn is_of_forms(attack: &Attack) -> bool {
    attack.forms(&target(), None).is_ok()
}

/// Posts every form to every service, and returns the attacks that each of them accepts.
fn accepted() -> Vec<(&'static str, BTreeSet<&'static str>)> {
    let target = target();
    let mut accepted: Vec<_> =
        MISTAKES.iter().map(|(mistake, weak)| (*mistake, Service::new(*weak), BTreeSet::new())).collect();
    let all = attacks::all();
    let silent = [Kind::Resource, Kind::Return];
    let all = all.iter().copied().filter(|attack| !silent.contains(&attack.kind()));
    for attack in attacks::controls().copied().chain(all) {
        let Ok(forms) = attack.forms(&target, None) else { continue };
        for form in forms {
            for (mistake, service, found) in &mut accepted {
                match form.verdict(&service.post(&form)) {
                    Verdict::Accepted { .. } => {
                        found.insert(attack.name());
                    }
                    Verdict::Refused if attack.name() == "control/both-signed" => {
                        panic!("{mistake}: no genuine message is accepted")
                    }
                    _ => {}
                }
            }
        }
    }
    accepted.into_iter().map(|(mistake, _, found)| (mistake, found)).collect()
}

#[test]
fn every_mistake_is_found_and_every_kind_finds_one() {
    let mut accepted = accepted();
    // Attacks that the service accepts without any mistake of the table do not count, because it is only a small
    // service.
    let (_, anyway) = accepted.remove(0);
    println!("{:>4} without a mistake: {anyway:?}", anyway.len());
    for (_, found) in &mut accepted {
        found.retain(|name| !anyway.contains(name));
    }
    for (mistake, found) in &accepted {
        println!("{:>4} {mistake}", found.len());
        assert!(!found.is_empty(), "{mistake}: no attack finds it");
    }
    // A service that checks no signature accepts everything, which says nothing about an attack.
    let telling = accepted.iter().filter(|(mistake, _)| *mistake != BLIND);
    let by_mistakes = telling.flat_map(|(_, found)| found);
    let bitten: BTreeSet<_> = by_mistakes.chain(&anyway).copied().collect();
    let all = attacks::all();
    // Messages that cause much work need no mistake to be accepted, only time; and these services redirect nobody.
    for kind in Kind::ALL.into_iter().filter(|kind| ![Kind::Resource, Kind::Return].contains(kind)) {
        let of_kind: Vec<_> =
            all.iter().filter(|attack| attack.kind() == kind && is_of_forms(attack)).collect();
        if of_kind.is_empty() {
            continue;
        }
        let toothless: Vec<_> =
            of_kind.iter().map(|attack| attack.name()).filter(|name| !bitten.contains(name)).collect();
        println!("{kind}: {} of {} bite; not: {toothless:?}", of_kind.len() - toothless.len(), of_kind.len());
        assert!(toothless.len() < of_kind.len(), "{kind}: nobody falls for it");
        let complete = [
            Kind::Wrapping,
            Kind::Stripping,
            Kind::KeySubstitution,
            Kind::Algorithm,
            Kind::Replay,
            Kind::Status,
        ];
        assert!(toothless.is_empty() || !complete.contains(&kind), "{kind}: {toothless:?}");
    }
    // One of two mistakes accepts each of the eight attacks of the paper, and each mistake accepts many more.
    let by = |wanted: &str| accepted.iter().find(|(mistake, _)| *mistake == wanted).unwrap().1.clone();
    let (anywhere, below_the_root) = (by(MISTAKES[1].0), by(MISTAKES[2].0));
    for known in 1..=8 {
        let name = format!("wrapping/xsw{known}");
        let name = name.as_str();
        assert!(anywhere.contains(name) || below_the_root.contains(name), "{name}");
    }
    for found in [anywhere, below_the_root] {
        let wrapped = found.iter().filter(|name| name.starts_with("wrapping/")).count();
        println!("{wrapped} by wrapping");
        assert!(wrapped >= 20, "{wrapped}");
    }
}

#[test]
fn the_report_of_a_weak_service_fails_its_test() {
    let service = Service::new(Weak { read: Read::FirstByName, ..SOUND });
    let report = attacks::of(Kind::Wrapping).run_blocking(&posting(|form| service.post(form)));
    assert!(!report.proves_nothing() && report.accepted().count() >= 20);
    let text = report.to_string();
    assert!(
        text.starts_with("ACCEPTED\n  wrapping/xsw3: ") && text.contains("accepted as “ada@example.com”"),
        "{text}"
    );
    let caught = std::panic::catch_unwind(|| report.assert_none_accepted());
    assert!(caught.is_err());
}
