//! The names of the attacks, and the table that is made from them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;

use vouchsafe_testkit::attacks::{
    self, Asked, Browser, Customer, Endpoint, Form, Kind, Listed, Outcome, Service, Started, Target, Verdict,
    posting,
};
use vouchsafe_testkit::keys;

/// The path of the table in this repository.
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
            continue; // it needs a certificate, or more than one browser
        };
        assert_eq!(first, second, "{}", attack.name());
        for form in first {
            assert!(form.to_body().len() < 1_000_000, "{} is not polite", attack.name());
            let given = !attack.name().contains("relay-state");
            assert!(!given || form.relay_state() == Some("handle"), "{}", attack.name());
        }
    }
}

#[test]
fn what_cannot_be_run_is_told() {
    let all = attacks::all();
    let report = all.run_blocking(&posting(|_| Outcome::Refused));
    let told: Vec<_> = report.not_applicable().map(|entry| entry.name).collect();
    for name in ["encryption/forged", "cross-tenant/unasked", "browser/another", "redirect/escaped-first"] {
        assert!(told.contains(&name), "{name}");
    }
    assert_eq!(report.entries().len(), all.iter().count() + attacks::controls().count());
    let text = report.to_string();
    assert!(text.starts_with("THIS PROVES NOTHING"), "{text}");
    // The genuine messages that were refused, and the usual causes, are before the hundreds of attacks.
    let at = |part| text.find(part).unwrap();
    assert!(
        at("control/both-signed") < at("Usual causes") && at("Usual causes") < at("Inconclusive"),
        "{text}"
    );
    assert!(text.contains("the service starts no sign-in for this customer"), "{text}");
}

#[test]
fn what_was_left_out_is_counted_with_the_method_that_runs_it() {
    let report = attacks::all().run_blocking(&posting(|_| Outcome::Refused));
    let text = report.to_string();
    for (method, reason) in [
        ("`Target::certificate(..)`", "the target has no certificate to encrypt to"),
        ("`Service::start`", "the service starts no sign-in for this customer"),
        ("`Service::receive_query`", "the service does not accept signed messages by redirect"),
    ] {
        let is_one = |verdict: &Verdict| matches!(verdict, Verdict::NotApplicable { runs_with: Some(found), .. } if *found == method);
        let count = report.not_applicable().filter(|entry| is_one(&entry.verdict)).count();
        assert!(count > 1, "{method}: {count}");
        assert!(text.contains(&format!("\n  {count} more with {method}: {reason}\n    ")), "{text}");
    }
    let counted =
        text.lines().filter_map(|line| line.split_once(" more with ")?.0.trim().parse::<usize>().ok());
    assert_eq!(counted.sum::<usize>(), report.not_applicable().count(), "{text}");
}

#[test]
fn no_browser_of_a_run_is_one_of_another_run() {
    /// Keeps the browsers that posted.
    struct Seen(Mutex<BTreeSet<Browser>>);

    impl Service for Seen {
        async fn post(&self, browser: Browser, _: &Form) -> Outcome {
            self.0.lock().unwrap().insert(browser);
            Outcome::Refused
        }
    }

    let replays = attacks::of(Kind::Replay);
    let [first, second] = [(), ()].map(|()| {
        let seen = Seen(Mutex::default());
        let _ = replays.run_blocking(&seen);
        seen.0.into_inner().unwrap()
    });
    assert!(first.len() > 1 && first.is_disjoint(&second), "{first:?} {second:?}");
    assert!(!second.contains(&Browser::new()));
}

/// A service that believes only genuine messages, which it recognises by the form.
struct Knowing {
    solicited: bool,
}

impl Service for Knowing {
    async fn post(&self, _: Browser, form: &Form) -> Outcome {
        form.genuine_subject().map_or(Outcome::Refused, Outcome::accepted)
    }

    async fn start(&self, _: Browser, _: Customer, _: Option<&str>) -> Started {
        match self.solicited {
            true => Asked::new("_request").into(),
            false => Started::NoDoor,
        }
    }
}

#[test]
fn asynchronous_and_synchronous_runs_are_alike() {
    let target = Target::default().certificate(keys::service_provider().certificate());
    let some = attacks::of(Kind::Replay).against(target).only(|name| !name.starts_with("replay/together"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answered = runtime.block_on(some.run(&Knowing { solicited: true }));
    let asynchronous = runtime.block_on(some.run(&Knowing { solicited: false }));
    let synchronous = some.run_blocking(&Knowing { solicited: false });
    for report in [&answered, &asynchronous, &synchronous] {
        assert!(report.accepted().next().is_none() && report.inconclusive().next().is_none(), "{report}");
        assert!(!report.proves_nothing());
    }
    assert_eq!(asynchronous.to_string(), synchronous.to_string());
    assert_eq!(
        answered.not_applicable().map(|entry| entry.name).collect::<Vec<_>>(),
        ["replay/after-another", "replay/after-a-refusal"]
    );
}

/// Refuses messages of which only the Assertion is signed.
fn wants_the_response_signed(form: &Form) -> Outcome {
    match form.genuine_subject() {
        Some(subject) if form.xml().matches("<ds:Signature ").count() != 1 => Outcome::accepted(subject),
        _ => Outcome::Refused,
    }
}

#[test]
fn what_shows_nothing_must_be_declared() {
    let some = || attacks::of(Kind::Replay).only(|name| name == "replay/new-envelope");
    let refused =
        |report: attacks::Report| std::panic::catch_unwind(|| report.assert_none_accepted()).is_err();
    let control = "control/assertion-signed";
    let declare = |name: &str| some().not_applicable(name, "the Response must be signed");

    let report = some().run_blocking(&posting(wants_the_response_signed));
    assert_eq!(report.inconclusive().map(|entry| entry.name).collect::<Vec<_>>(), ["replay/new-envelope"]);
    assert!(refused(report), "an attack that shows nothing");

    let report = declare("replay/new-envelope").run_blocking(&posting(wants_the_response_signed));
    assert!(refused(report), "the controls show nothing either");

    let service = posting(wants_the_response_signed);
    let report =
        declare(control).not_applicable("control/response-signed", "as above").run_blocking(&service);
    assert_eq!(report.inconclusive().count(), 0, "{report}");
    assert_eq!(report.not_applicable().map(|entry| entry.name).collect::<Vec<_>>(), ["replay/new-envelope"]);
    let told = "\n  1 declared by the test: the Response must be signed\n    replay/new-envelope: ";
    assert!(report.to_string().contains(told), "{report}");
    report.assert_none_accepted();

    // These declarations are wrong: an unknown name, and an attack that proves something.
    for wrong in ["replay/unknown", "control/both-signed"] {
        let report = declare(control)
            .not_applicable("control/response-signed", "as above")
            .not_applicable(wrong, "wrongly")
            .run_blocking(&posting(wants_the_response_signed));
        assert_eq!(report.wrongly_declared().collect::<Vec<_>>(), [wrong]);
        assert!(refused(report), "{wrong}");
    }
}

#[test]
fn what_is_declared_and_accepted_all_the_same_is_a_finding() {
    let post = |form: &Form| match form.xml().matches("<ds:Signature ").count() {
        2 => Outcome::accepted(attacks::ATTACKER),
        _ if form.genuine_subject().is_none() => Outcome::accepted(attacks::VICTIM),
        _ => Outcome::Refused,
    };
    let report = attacks::of(Kind::Replay)
        .only(|name| name == "replay/new-envelope")
        .not_applicable("control/assertion-signed", "both are wanted")
        .run_blocking(&posting(post));
    assert_eq!(report.accepted().map(|entry| entry.name).collect::<Vec<_>>(), ["replay/new-envelope"]);
}

/// The number of attacks in the README is right.
#[test]
fn the_readme_counts_right() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let count = attacks::all().iter().count();
    assert!(readme.contains(&format!("[{count} attacks](docs/ATTACKS.md)")), "there are {count}");
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
         This page lists the attacks of `vouchsafe_testkit::attacks`. It is generated from the source, and a test compares it with the\n\
         source. [TESTING.md](TESTING.md) describes how to run the attacks. The names are stable. Use a name to leave out an attack that your\n\
         service accepts on purpose (`attacks::all().without(\"algorithm/rsa-sha1\")`), or to declare that an attack cannot show anything about\n\
         your service (`not_applicable(\"control/assertion-signed\", \"both signatures are wanted\")`). If another attack shows nothing, because\n\
         the genuine message that it is made from is refused, the test fails. An attack that needs a door which your service does not have is\n\
         not run, and the report lists it.\n\n\
         Every attack needs the assertion consumer. Some attacks need another door of the service. Most doors are a method of\n\
         `attacks::Service`:\n\n\
         | door | item | attacks |\n|---|---|---|\n\
         | the start of a sign-in, in several browsers and for two customers | `start` | `browser/`, `pending/`, `return/`, some of `request/` |\n\
         | an address to return to that the service allows | `Target::return_to` | `return/` |\n\
         | the account of a sign-in, and who is signed in | `post`, `session` | `account/` |\n\
         | several posts at the same time | `post_together` | `replay/together` |\n\
         | an identity provider that is no longer trusted | `set_trusted` | `tenancy/disabled` |\n\
         | an address for each customer | `Target::other_assertion_consumer` | `tenancy/address` |\n\
         | the configuration of metadata | `post_trusting` | `configuration/` |\n\
         | the query of a redirect | `receive_query` | `redirect/` |\n\
         | the identity provider for an e-mail address that somebody enters | `discover` | `account/claimed` |\n\
         | the address to which the browser is sent | `Outcome::leading_to` | `return/`, `relay-state/` |\n\n\
         Other endpoints have their own traits: `attacks::logout::LogoutService` for single logout and `SignOutService` for the answers to\n\
         logout requests of the service, `attacks::names::NameService` and `NameOrderService` for messages about names,\n\
         `attacks::availability::SharedService` for what one customer's connection may not do to another's, and\n\
         `attacks::artifact::ArtifactService` for sign-ins by artifact, for which the kit runs a resolution service on loopback. Their attacks\n\
         are at the end of this page. Each of them is sent over every door (binding) that the table names. `attacks::catalogue` returns all\n\
         attacks, with the endpoint of each.\n\n\
         There are no attacks on SCIM and on metadata that is fetched.\n\n",
    );
    let all = attacks::all();
    let _ = writeln!(text, "| kind | attacks |\n|---|---|");
    for kind in Kind::ALL {
        let _ = writeln!(text, "| {kind} | {} |", attacks::of(kind).iter().count());
    }
    let _ = writeln!(text, "| all of the assertion consumer | {} |", all.iter().count());
    let others = Endpoint::ALL.into_iter().filter(|one| *one != Endpoint::AssertionConsumer);
    for endpoint in others.clone() {
        let _ = writeln!(text, "| {endpoint} | {} |", listed(endpoint).len());
    }
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
    for endpoint in others {
        let name = endpoint.to_string();
        let title = name[..1].to_uppercase() + &name[1..];
        let _ = writeln!(text, "\n## {title}\n\n| name | doors | attack | known from |\n|---|---|---|---|");
        let mut rows: Vec<(String, Vec<&str>, Listed)> = Vec::new();
        for attack in listed(endpoint) {
            let door = attack.door.unwrap_or_default();
            let name = attack.name.strip_suffix(&format!("/{door}")).unwrap().to_owned();
            match rows.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, doors, _)) => doors.push(door),
                None => rows.push((name, vec![door], attack)),
            }
        }
        for (name, doors, attack) in rows {
            let (what, reference) = (cell(attack.description), cell(attack.reference.unwrap_or_default()));
            let _ = writeln!(text, "| `{name}` | {} | {what} | {reference} |", doors.join(", "));
        }
    }
    text
}

fn listed(endpoint: Endpoint) -> Vec<Listed> {
    attacks::catalogue().into_iter().filter(|listed| listed.endpoint == endpoint).collect()
}

fn cell(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('\\', "\\\\")
}
