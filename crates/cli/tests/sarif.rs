//! `metadata lint --format sarif` against what SARIF 2.1.0 (OASIS Standard, 27 March 2020) requires of the objects that are written.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use serde_json::{Value, json};
use support::{Folder, vouchsafe};

/// The content of a property.
#[derive(Clone, Copy)]
enum Holds {
    Object(&'static str),
    /// A list of objects.
    List(&'static str),
    Text,
    /// A number from 1.
    Count,
    Exactly(&'static str),
    Level,
    /// A valid URI reference (3.10.1).
    Uri,
}

use Holds::{Count, Exactly, Level, List, Object, Text, Uri};

/// An object of the standard: its required properties, and the optional ones that the command writes.
struct Shape {
    name: &'static str,
    required: &'static [(&'static str, Holds)],
    optional: &'static [(&'static str, Holds)],
}

const SHAPES: &[Shape] = &[
    // The sarifLog object (3.13).
    Shape {
        name: "sarifLog",
        required: &[("version", Exactly("2.1.0")), ("runs", List("run"))],
        optional: &[("$schema", Uri)],
    },
    // The run object (3.14). The results are present if a scan was made, even if it found nothing.
    Shape { name: "run", required: &[("tool", Object("tool")), ("results", List("result"))], optional: &[] },
    // The tool object (3.18).
    Shape { name: "tool", required: &[("driver", Object("toolComponent"))], optional: &[] },
    // The toolComponent object (3.19).
    Shape {
        name: "toolComponent",
        required: &[("name", Text)],
        optional: &[("version", Text), ("informationUri", Uri), ("rules", List("reportingDescriptor"))],
    },
    // The reportingDescriptor object (3.49).
    Shape {
        name: "reportingDescriptor",
        required: &[("id", Text)],
        optional: &[
            ("shortDescription", Object("multiformatMessageString")),
            ("help", Object("multiformatMessageString")),
        ],
    },
    // The multiformatMessageString object (3.12).
    Shape { name: "multiformatMessageString", required: &[("text", Text)], optional: &[] },
    // The result object (3.27).
    Shape {
        name: "result",
        required: &[("message", Object("message")), ("ruleId", Text)],
        optional: &[("level", Level), ("locations", List("location"))],
    },
    // The message object (3.11).
    Shape { name: "message", required: &[("text", Text)], optional: &[] },
    // The location object (3.28).
    Shape {
        name: "location",
        required: &[],
        optional: &[
            ("physicalLocation", Object("physicalLocation")),
            ("logicalLocations", List("logicalLocation")),
        ],
    },
    // The physicalLocation object (3.29).
    Shape {
        name: "physicalLocation",
        required: &[("artifactLocation", Object("artifactLocation"))],
        optional: &[("region", Object("region"))],
    },
    // The artifactLocation object (3.4).
    Shape { name: "artifactLocation", required: &[("uri", Uri)], optional: &[] },
    // The region object (3.30).
    Shape { name: "region", required: &[("startLine", Count)], optional: &[] },
    // The logicalLocation object (3.33).
    Shape { name: "logicalLocation", required: &[("fullyQualifiedName", Text)], optional: &[] },
];

/// Returns where an object does not follow the standard.
fn misfits(name: &str, value: &Value, at: &str) -> Vec<String> {
    let shape = SHAPES.iter().find(|shape| shape.name == name).unwrap();
    let Some(object) = value.as_object() else { return vec![format!("{at} is no object")] };
    let mut wrong: Vec<String> = shape
        .required
        .iter()
        .filter(|(property, _)| !object.contains_key(*property))
        .map(|(property, _)| format!("{at} has no {property}"))
        .collect();
    for (property, value) in object {
        let at = format!("{at}.{property}");
        let known = shape.required.iter().chain(shape.optional).find(|(known, _)| known == property);
        match known {
            None => wrong.push(format!("{at} is no property of {name}")),
            Some((_, holds)) => wrong.extend(misfits_of_value(*holds, value, &at)),
        }
    }
    wrong
}

fn misfits_of_value(holds: Holds, value: &Value, at: &str) -> Vec<String> {
    let text = value.as_str();
    let is_good = match holds {
        Object(name) => return misfits(name, value, at),
        List(name) => {
            let Some(list) = value.as_array() else { return vec![format!("{at} is no list")] };
            let each = list.iter().enumerate();
            return each.flat_map(|(place, one)| misfits(name, one, &format!("{at}[{place}]"))).collect();
        }
        Text => text.is_some_and(|text| !text.trim().is_empty()),
        Count => value.as_u64().is_some_and(|count| count >= 1),
        Exactly(expected) => text == Some(expected),
        Level => text.is_some_and(|text| ["none", "note", "warning", "error"].contains(&text)),
        Uri => text.is_some_and(is_uri_reference),
    };
    if is_good { Vec::new() } else { vec![format!("{at}: {value}")] }
}

/// Returns whether a text has only the characters of RFC 3986, with two digits after each `%`. The first segment of a
/// relative reference has no colon.
fn is_uri_reference(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let escapes = text.split('%').skip(1);
    let are_whole =
        escapes.into_iter().all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    let first = text.split(['/', '?', '#']).next().unwrap_or_default();
    let is_scheme = |name: &str| ["http", "https", "file"].contains(&name);
    let has_good_colon = first.split_once(':').is_none_or(|(scheme, _)| is_scheme(scheme));
    !text.is_empty() && text.bytes().all(is_allowed) && are_whole && has_good_colon
}

/// Checks the requirements of the standard for several parts of the log together.
fn inconsistencies(log: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for run in log["runs"].as_array().into_iter().flatten() {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let rules = list(&run["tool"]["driver"]["rules"]);
        let ids: Vec<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        if unique.len() != ids.len() {
            wrong.push(format!("a rule stands twice: {ids:?}"));
        }
        for result in list(&run["results"]) {
            if !result["ruleId"].as_str().is_some_and(|id| ids.contains(&id)) {
                wrong.push(format!("no rule has the identifier {}", result["ruleId"]));
            }
        }
    }
    wrong
}

fn lint(file: &str) -> Value {
    let run = vouchsafe(["metadata", "lint", file, "--now", "2026-01-01T00:00:00Z", "--format", "sarif"]);
    assert!(run.status < 2 && run.stderr.is_empty(), "{run:?}");
    run.json()
}

#[test]
fn findings_are_written_as_the_standard_requires() {
    let folder = Folder::new("sarif");
    let okta = vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap();
    let texts = [
        ("good.xml", okta.clone()),
        ("with spaces, a:colon & ünïcode %41.xml", okta.clone()),
        ("no key.xml", okta.replace("X509Certificate>", "X509CRL>")),
        ("padded.xml", okta.replace("entityID=\"", "entityID=\" \u{202e}&lt;b> ")),
        ("lines.xml", okta.replace("><", ">\n\n<")),
        ("expired.xml", okta.replacen("entityID=", "validUntil=\"2020-01-01T00:00:00Z\" entityID=", 1)),
        ("none.xml", "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"/>".to_owned()),
    ];
    let mut results = 0;
    for (name, text) in texts {
        let log = lint(&folder.write(name, text));
        let wrong = [misfits("sarifLog", &log, name), inconsistencies(&log)].concat();
        assert!(wrong.is_empty(), "{wrong:#?}\n{log:#}");
        results += log["runs"][0]["results"].as_array().unwrap().len();
    }
    assert!(results > 8, "{results}");
}

/// A check that accepts everything would be useless, so it must notice violations.
#[test]
fn what_the_standard_forbids_is_noticed() {
    let folder = Folder::new("sarif-wrong");
    let file = folder.write("m.xml", vouchsafe_testkit::IdentityProvider::okta().metadata().unwrap());
    let good = lint(&file);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut log = good.clone();
        change(&mut log);
        [misfits("sarifLog", &log, "log"), inconsistencies(&log)].concat()
    };
    assert!(with(&|_| {}).is_empty());
    let changes: [&dyn Fn(&mut Value); 10] = [
        &|log| log["version"] = json!("2.0.0"),
        &|log| log["runs"] = json!({}),
        &|log| log["more"] = json!(1),
        &|log| log["runs"][0]["tool"]["driver"]["name"] = json!(" "),
        &|log| log["runs"][0]["tool"] = json!({}),
        &|log| log["runs"][0]["results"][0]["level"] = json!("fatal"),
        &|log| log["runs"][0]["results"][0]["message"] = json!({}),
        &|log| log["runs"][0]["results"][0]["ruleId"] = json!("unknown.rule"),
        &|log| {
            log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = json!(0)
        },
        &|log| {
            log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] =
                json!("a b")
        },
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert!(!with(change).is_empty(), "change {place}");
    }
}
