//! The kinds of faults that users of SAML software report in public: several examples of each kind, with the exact
//! first line.
//!
//! The first line is the code and the message: for `response check` the text after "refused", for the doctor the
//! first complaint about the first file, and for `metadata show` the text about the first entity. Fingerprints of the
//! test kit's keys are replaced by the keys' names.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod messages;
mod metadata;
mod responses;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{Folder, check, vouchsafe};
use vouchsafe_testkit::{ResponseBuilder, keys};

/// A kind, an example of it, and its first line.
type Told = (&'static str, &'static str, String);

#[test]
fn the_first_line_of_each_member_of_each_kind() {
    let folder = Folder::new("kinds");
    let bench = Bench(&folder);
    let mut told: Vec<Told> = Vec::new();
    bench.statuses(&mut told);
    bench.correlation(&mut told);
    bench.fields(&mut told);
    bench.by_redirect(&mut told);
    bench.white_space(&mut told);
    bench.references(&mut told);
    bench.queries(&mut told);
    bench.requests(&mut told);
    bench.keys_in_metadata(&mut told);
    bench.names_in_metadata(&mut told);
    bench.aggregates(&mut told);
    bench.files_of_keys(&mut told);
    bench.recordings(&mut told);
    bench.confirmations(&mut told);
    bench.fingerprints(&mut told);

    let expected: Vec<Vec<String>> = serde_json::from_str(include_str!("kinds.json")).unwrap();
    let found: Vec<Vec<String>> = told
        .into_iter()
        .map(|(kind, member, line)| vec![kind.to_owned(), member.to_owned(), bench.plain(&line)])
        .collect();
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found);
    }
    if expected.len() != found.len() {
        panic!("{}", serde_json::to_string_pretty(&found).unwrap());
    }
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &found {
        *members.entry(row[0].as_str()).or_default() += 1;
    }
    assert_eq!(members.len(), 22, "{members:?}");
    assert!(members.values().all(|count| *count >= 3), "{members:?}");
}

struct Bench<'f>(&'f Folder);

impl Bench<'_> {
    /// Replaces the parts that differ in each run.
    fn plain(&self, line: &str) -> String {
        let folder = self.0.path("");
        let mut line = line.replace(&folder, "");
        let pairs = [
            ("idp", keys::identity_provider()),
            ("attacker", keys::attacker()),
            ("other", keys::other_identity_provider()),
            ("p256", keys::identity_provider_p256()),
            ("sp", keys::service_provider()),
        ];
        for (name, pair) in pairs {
            line = line.replace(&pair.certificate().fingerprint_sha256(), &format!("{{{name}}}"));
            line = line.replace(pair.private_key().public_key().fingerprint(), &format!("{{key of {name}}}"));
        }
        let mut plain = String::new();
        let mut rest = line.as_str();
        // Identifiers of the test kit, and digests.
        while let Some((before, after)) = rest.split_once("“#id") {
            plain.push_str(before);
            plain.push_str("“#id…”");
            rest = after.split_once('”').map_or("", |(_, rest)| rest);
        }
        plain.push_str(rest);
        if let (Some(start), Some(end)) = (plain.find(": digest expected"), plain.find("=; ")) {
            plain.replace_range(start..=end, ": digests");
        }
        plain
    }

    fn checked(&self, kind: &'static str, member: &'static str, xml: &str, more: &[&str]) -> Told {
        let file = self.0.write("response", xml);
        let mut arguments = more.to_vec();
        arguments.extend(["--format", "json"]);
        let run = check(self.0, &file, &arguments);
        let human = check(self.0, &file, more);
        if run.status == 2 {
            let error: Value = serde_json::from_str(&run.stderr).unwrap();
            return (kind, member, line(&error));
        }
        let found = run.json();
        if found["verdict"] == "refused" {
            let expected = format!("refused {}", line(&found));
            assert_eq!(human.stdout.lines().next(), Some(expected.as_str()));
        }
        (kind, member, if found["verdict"] == "accepted" { "accepted".to_owned() } else { line(&found) })
    }

    fn issued(&self, kind: &'static str, member: &'static str, response: ResponseBuilder) -> Told {
        self.checked(kind, member, response.issue().unwrap().xml(), &[])
    }

    fn run(&self, kind: &'static str, member: &'static str, arguments: &[&str]) -> Told {
        let run = vouchsafe(["--format", "json"].iter().chain(arguments));
        let answer = if run.stdout.is_empty() { &run.stderr } else { &run.stdout };
        let found: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let told = match (found.get("exhibits"), found.get("entities")) {
            (Some(exhibits), _) => match exhibits[0]["complaints"].get(0) {
                Some(complaint) => format!("[{}]: {}", text(&complaint["code"]), text(&complaint["message"])),
                None => "nothing".to_owned(),
            },
            (_, Some(_)) => of_metadata(&found),
            _ if found.get("code").is_some() => line(&found),
            _ => "accepted".to_owned(),
        };
        (kind, member, told)
    }

    /// Asks the doctor about one text.
    fn doctor(&self, kind: &'static str, member: &'static str, content: &str) -> Told {
        let file = self.0.write("file", content);
        self.run(kind, member, &["doctor", &file])
    }

    fn show(&self, kind: &'static str, member: &'static str, metadata: &str) -> Told {
        let file = self.0.write("metadata.xml", metadata);
        self.run(kind, member, &["metadata", "show", &file])
    }
}

/// Returns the text about the first entity, or the number of its keys.
fn of_metadata(found: &Value) -> String {
    if let Some(left_out) = found["left_out"].get(0) {
        return line(left_out);
    }
    let trust = &found["identity_provider"];
    if trust.get("code").is_some() {
        return line(trust);
    }
    let entities = || found["entities"].as_array().into_iter().flatten();
    if let Some(refused) = entities().find_map(|entity| entity.get("refused")) {
        return line(refused);
    }
    let roles = || entities().flat_map(|entity| entity["roles"].as_array().into_iter().flatten());
    let endpoints = roles().flat_map(|role| role["endpoints"].as_array().into_iter().flatten());
    if let Some(unusable) = endpoints.into_iter().find_map(|endpoint| endpoint.get("unusable")) {
        return format!("an endpoint: {}", text(unusable));
    }
    let of_roles = roles().flat_map(|role| role["warnings"].as_array().into_iter().flatten());
    let of_entities = entities().flat_map(|entity| entity["warnings"].as_array().into_iter().flatten());
    let mut warnings = trust["warnings"].as_array().into_iter().flatten().chain(of_entities).chain(of_roles);
    let count: usize = roles().map(|role| role["keys"].as_array().map_or(0, Vec::len)).sum();
    match warnings.next() {
        Some(warning) => format!("{}; keys: {count}", line(warning)),
        None => format!("keys: {count}"),
    }
}

fn line(found: &Value) -> String {
    format!("[{}]: {}", text(&found["code"]), text(&found["message"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}
