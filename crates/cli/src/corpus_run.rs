//! `vouchsafe corpus run`: checks every case of a manifest on its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vouchsafe::assertion::{
    Correlation, Expectations, Login, MessageId, OutstandingRequest, SignaturePolicy,
};
use vouchsafe::crypto::Provider;
use vouchsafe::metadata::EntityId;

use crate::algorithms::Algorithms;
use crate::failure::Failure;
use crate::identity_providers::IdentityProviders;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style};
use crate::verdict::{Settings, Verdict, decide};
use crate::verdict_json::attributes;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Open AES-CBC that no signature covers.
    #[arg(long)]
    danger_unauthenticated_cbc: bool,
    #[command(flatten)]
    algorithms: Algorithms,
    /// The manifest; files in it are named relative to its folder.
    manifest: String,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    defaults: serde_json::Map<String, serde_json::Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    expect: Expect,
    subject: Option<String>,
    #[serde(default)]
    tolerate: bool,
    attributes: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    unsolicited: bool,
    #[serde(default)]
    settings: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Copy, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Accept,
    Reject,
}

/// The `defaults` with the overrides of one case. Other fields of a manifest are ignored.
#[derive(Deserialize)]
struct Configured {
    sp_entity_id: String,
    acs_url: String,
    idp_metadata: OneOrMore,
    expected_in_response_to: Option<String>,
    #[serde(default)]
    unsolicited: bool,
    now: DateTime<Utc>,
    #[serde(default = "sixty")]
    clock_skew_seconds: u32,
    #[serde(default)]
    sp_decryption_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// The JSON of one case.
#[derive(Serialize)]
struct Judged<'a> {
    file: &'a str,
    expected: Expect,
    verdict: &'static str,
    code: Option<String>,
    name_id: Option<String>,
    passed: bool,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let provider = arguments.algorithms.provider()?;
    let manifest: Manifest = serde_json::from_str(&input::text(&arguments.manifest)?)
        .map_err(|error| malformed(&arguments.manifest, &error))?;
    let folder = Path::new(&arguments.manifest).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut failed = 0_usize;
    for case in &manifest.cases {
        let settings = case
            .settings(&manifest.defaults, &folder, &provider, arguments.danger_unauthenticated_cbc)
            .map_err(|failure| failure.in_case(&case.file))?;
        let bytes = input::bytes(&path(&folder, &case.file))?;
        let verdict = decide(&bytes, &settings).map_err(|failure| failure.in_case(&case.file))?;
        let wrong = case.judge(&verdict);
        failed = failed.saturating_add(usize::from(wrong.is_some()));
        let line = wrong
            .as_ref()
            .map(|why| Line::styled(Style::Bad, "failed").then(format!(" {}: {why}", case.file)));
        output.write_line(&case.judged(&verdict, wrong.is_none()), line)?;
    }
    let count = format!("{} passed, {failed} failed", manifest.cases.len().saturating_sub(failed));
    output.summary(&count)?;
    Ok(if failed == 0 { Answer::Yes } else { Answer::No })
}

impl Case {
    fn settings(
        &self,
        defaults: &serde_json::Map<String, serde_json::Value>,
        folder: &Path,
        provider: &Provider,
        unauthenticated_cbc: bool,
    ) -> Result<Settings, Failure> {
        let mut merged = defaults.clone();
        merged.extend(self.settings.clone());
        let configured: Configured =
            serde_json::from_value(merged.into()).map_err(|error| malformed("the settings", &error))?;
        let metadata = match configured.idp_metadata {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        };
        let here =
            |names: &[String]| -> Vec<String> { names.iter().map(|name| path(folder, name)).collect() };
        let entity_id = EntityId::new(configured.sp_entity_id)
            .map_err(|error| Failure::unusable("sp_entity_id", error))?;
        let correlation = match configured.expected_in_response_to {
            Some(id) if !(self.unsolicited || configured.unsolicited) => {
                Correlation::Reply(OutstandingRequest::issued_at_unknown_time(
                    MessageId::new(id)
                        .map_err(|error| Failure::unusable("expected_in_response_to", error))?,
                ))
            }
            _ => Correlation::Unsolicited,
        };
        Ok(Settings {
            asked: None,
            identity_providers: IdentityProviders::load(&here(&metadata))?,
            unauthenticated_cbc,
            expectations: Expectations::new(entity_id, configured.acs_url, correlation)
                .with_clock_skew(Duration::from_secs(u64::from(configured.clock_skew_seconds)))
                .map_err(|error| Failure::unusable("clock_skew_seconds", error))?,
            decryption_keys: input::private_keys(&here(&configured.sp_decryption_keys), provider)?,
            signatures: SignaturePolicy::default(),
            provider: provider.clone(),
            now: configured.now,
            looks_into_signatures: false,
        })
    }

    /// Returns the difference between the verdict and the expected one, if there is one.
    fn judge(&self, verdict: &Verdict) -> Option<String> {
        match (verdict, self.expect) {
            (Verdict::Refused(_), Expect::Reject) => None,
            (Verdict::Refused(_), Expect::Accept) if self.tolerate => None,
            (Verdict::Refused(no), Expect::Accept) => {
                Some(format!("expected acceptance, refused [{}]: {}", no.failure.code, no.failure.message))
            }
            (Verdict::Accepted(login), Expect::Reject) if !self.tolerate => {
                Some(format!("expected refusal, accepted {:?}", name_id(login)))
            }
            (Verdict::Accepted(login), _) => self.differs(login),
        }
    }

    fn differs(&self, login: &Login) -> Option<String> {
        if name_id(login) != self.subject.as_deref() {
            return Some(format!("expected the subject {:?}, found {:?}", self.subject, name_id(login)));
        }
        let expected = self.attributes.as_ref()?;
        let found: BTreeMap<String, Vec<String>> = attributes(login)
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
            .collect();
        (found != *expected).then(|| format!("expected the attributes {expected:?}, found {found:?}"))
    }

    fn judged(&self, verdict: &Verdict, passed: bool) -> Judged<'_> {
        let (name, code, name_id) = match verdict {
            Verdict::Accepted(login) => ("accepted", None, name_id(login).map(str::to_owned)),
            Verdict::Refused(no) => ("refused", Some(no.failure.code.clone()), None),
        };
        Judged { file: &self.file, expected: self.expect, verdict: name, code, name_id, passed }
    }
}

fn name_id(login: &Login) -> Option<&str> {
    login.name_id().map(|name_id| name_id.value())
}

fn path(folder: &Path, name: &str) -> String {
    let path: PathBuf = folder.join(name);
    path.to_string_lossy().into_owned()
}

fn malformed(what: &str, error: &serde_json::Error) -> Failure {
    Failure::usage(
        "cli.manifest",
        format!("{what}: {error}"),
        "A manifest has defaults and cases; each case has file, expect and subject.",
    )
}

fn sixty() -> u32 {
    60
}
