//! Writes findings as SARIF 2.1.0, for tools that show findings next to a file.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::metadata_finding::Finding;

#[derive(Serialize)]
pub(crate) struct Sarif<'f> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'f>; 1],
}

#[derive(Serialize)]
struct Run<'f> {
    tool: Tool<'f>,
    results: Vec<SarifResult<'f>>,
}

#[derive(Serialize)]
struct Tool<'f> {
    driver: Driver<'f>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'f> {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule<'f>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'f> {
    id: &'f str,
    short_description: Words<'f>,
    help: Words<'f>,
}

#[derive(Serialize)]
struct Words<'f> {
    text: &'f str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'f> {
    rule_id: &'f str,
    level: &'f str,
    message: Words<'f>,
    locations: [Location<'f>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'f> {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation<'f>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'f> {
    fully_qualified_name: &'f str,
}

impl<'f> Sarif<'f> {
    pub(crate) fn of(findings: &'f [Finding], file: &str) -> Sarif<'f> {
        let mut rules: Vec<Rule<'f>> = Vec::new();
        for finding in findings {
            if rules.iter().all(|rule| rule.id != finding.code) {
                let (short_description, help) =
                    (Words { text: finding.clause }, Words { text: finding.remedy });
                rules.push(Rule { id: finding.code, short_description, help });
            }
        }
        let driver = Driver {
            name: "vouchsafe",
            version: env!("CARGO_PKG_VERSION"),
            information_uri: env!("CARGO_PKG_REPOSITORY"),
            rules,
        };
        let uri = uri(file);
        let results = findings.iter().map(|finding| SarifResult::of(finding, &uri)).collect();
        Sarif {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [Run { tool: Tool { driver }, results }],
        }
    }
}

impl<'f> SarifResult<'f> {
    fn of(finding: &'f Finding, uri: &str) -> SarifResult<'f> {
        let physical_location = PhysicalLocation {
            artifact_location: Artifact { uri: uri.to_owned() },
            region: Region { start_line: finding.line.unwrap_or(1) },
        };
        let names = finding.entity_id.iter().map(|id| LogicalLocation { fully_qualified_name: id });
        SarifResult {
            rule_id: finding.code,
            level: finding.severity,
            message: Words { text: &finding.message },
            locations: [Location { physical_location, logical_locations: names.collect() }],
        }
    }
}

/// Returns the path as a relative reference (RFC 3986, 4.2).
fn uri(file: &str) -> String {
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(file, ESCAPED).to_string()
}
