//! Names, and the table that is made from them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use vouchsafe_testkit::attacks::{self, Asked, Kind, Outcome, Target};
use vouchsafe_testkit::keys;

/// Where the table stands in this repository.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ATTACKS.md");

#[test]
fn names_are_unique_and_of_one_form() {
    let mut names = BTreeSet::new();
    let all = attacks::all();
    for attack in attacks::controls().copied().chain(all.iter().copied()) {
        assert!(names.insert(attack.name()), "{} stands twice", attack.name());
        let (kind, name) = attack.name().split_once('/').unwrap();
        let plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
        };
        assert!(plain(kind) && plain(name), "{}", attack.name());
        let description = attack.description();
        assert!(
            !description.is_empty() && !description.contains('\n') && !description.ends_with('.'),
            "{description}"
        );
    }
    let by_kind: usize = Kind::ALL.iter().map(|kind| attacks::of(*kind).iter().count()).sum();
    assert_eq!(by_kind, all.iter().count());
}

#[test]
fn messages_are_the_same_every_time() {
    let target = Target::default();
    let asked = Asked::new("_request").with_relay_state("handle");
    for attack in attacks::all().iter().filter(|attack| attack.kind() != Kind::Encryption) {
        let (Ok(first), Ok(second)) =
            (attack.forms(&target, Some(&asked)), attack.forms(&target, Some(&asked)))
        else {
            continue; // it needs a certificate
        };
        assert_eq!(first, second, "{}", attack.name());
        for form in first {
            assert!(form.to_body().len() < 1_000_000, "{} is not polite", attack.name());
            assert_eq!(form.relay_state(), Some("handle"));
        }
    }
}

#[test]
fn what_cannot_be_run_is_told() {
    let all = attacks::all();
    let report = all.run(|_| Outcome::Refused);
    let left_out: Vec<_> = report.left_out().map(|entry| entry.name).collect();
    assert!(left_out.contains(&"encryption/forged") && left_out.contains(&"cross-tenant/unasked"));
    assert_eq!(report.entries().len(), all.iter().count() + attacks::controls().count());
    let text = report.to_string();
    assert!(text.starts_with("THIS PROVES NOTHING") && text.contains("control/both-signed"), "{text}");
}

#[test]
fn asynchronous_and_synchronous_runs_are_alike() {
    let target = Target::default().certificate(keys::service_provider().certificate());
    let some = attacks::of(Kind::Replay).against(target);
    let post = |form: &attacks::Form| match form.genuine_subject() {
        Some(subject) => Outcome::accepted(subject),
        None => Outcome::Refused,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answered =
        runtime.block_on(some.run_answering(async || Asked::new("_request"), async |form| post(form)));
    let asynchronous = runtime.block_on(some.run_async(async |form| post(form)));
    let synchronous = some.run(post);
    for report in [&answered, &asynchronous, &synchronous] {
        report.assert_none_accepted();
        assert_eq!(report.inconclusive().count(), 0);
    }
    assert_eq!(asynchronous.to_string(), synchronous.to_string());
    assert_eq!(answered.left_out().map(|entry| entry.name).collect::<Vec<_>>(), ["replay/after-another"]);
}

/// Set `VOUCHSAFE_WRITE=1` to write the table.
#[test]
fn the_table_is_in_step() {
    let table = table();
    if std::env::var_os("VOUCHSAFE_WRITE").is_some() {
        std::fs::write(TABLE, &table).unwrap();
    }
    let found = std::fs::read_to_string(TABLE).unwrap_or_default();
    assert!(found == table, "docs/ATTACKS.md is out of step: run this test with VOUCHSAFE_WRITE=1");
}

fn table() -> String {
    let mut text = String::from(
        "# Attacks\n\n\
         What `vouchsafe_testkit::attacks` does to an assertion consumer. Made from the names in the source; a test keeps it in\n\
         step. How to run them: the documentation of that module. A name is stable: it can be left out by it\n\
         (`attacks::all().without(\"algorithm/rsa-sha1\")`) where a service accepts something knowingly.\n\n",
    );
    let all = attacks::all();
    let _ = writeln!(text, "| kind | attacks |\n|---|---|");
    for kind in Kind::ALL {
        let _ = writeln!(text, "| {kind} | {} |", attacks::of(kind).iter().count());
    }
    let _ = writeln!(text, "| all | {} |", all.iter().count());
    let _ = writeln!(
        text,
        "\n## Controls\n\nGenuine messages, which must be accepted first.\n\n| name | message |\n|---|---|"
    );
    for control in attacks::controls() {
        let _ = writeln!(text, "| `{}` | {} |", control.name(), cell(control.description()));
    }
    for kind in Kind::ALL {
        let name = kind.to_string();
        let title = name[..1].to_uppercase() + &name[1..];
        let _ = writeln!(text, "\n## {title}\n\n| name | attack | known from |\n|---|---|---|");
        for attack in attacks::of(kind).iter() {
            let reference = attack.reference().unwrap_or_default();
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                attack.name(),
                cell(attack.description()),
                cell(reference)
            );
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('\\', "\\\\")
}
