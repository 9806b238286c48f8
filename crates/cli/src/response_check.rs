//! `vouchsafe response check`: checks whether a Response would be accepted, and tells the reason if not.

use chrono::{DateTime, Utc};
use vouchsafe::assertion::{
    Check, Correlation, Expectations, Ledger, Login, MessageId, Outcome, OutstandingRequest, SignaturePolicy,
};
use vouchsafe::crypto::base64_decode;
use vouchsafe::doctor::hint_in_the_words_of_the_console;
use vouchsafe::metadata::EntityId;
use vouchsafe::xml::{Document, Limits};
use vouchsafe::{FieldContent, PostedResponse};

use crate::acceptance::Acceptance;
use crate::failure::Failure;
use crate::identity_providers::IdentityProviders;
use crate::input;
use crate::output::{Answer, Output};
use crate::text::{Line, Style, Text};
use crate::verdict::{No, Settings, Verdict, decide};
use crate::verdict_json::{Accepted, Refused, attributes, sessions};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("correlation").required(true).args(["in_response_to", "unsolicited"]))]
pub(crate) struct Arguments {
    /// Metadata of an identity provider to trust. Repeatable; aggregates are allowed.
    #[arg(long, value_name = "FILE", required = true)]
    idp_metadata: Vec<String>,
    /// Entity ID of your service, which must be the audience.
    #[arg(long, value_name = "URI")]
    entity_id: String,
    /// Assertion consumer (ACS) of your service, which must be the recipient.
    #[arg(long, value_name = "URL")]
    acs: String,
    /// ID of the request that it must answer.
    #[arg(long, value_name = "ID")]
    in_response_to: Option<String>,
    /// Entity ID of the identity provider that the request was sent to: nobody else may answer it. Required with --in-response-to when several are
    /// trusted.
    #[arg(long, value_name = "ENTITY-ID", conflicts_with = "unsolicited")]
    asked: Option<String>,
    /// It must answer no request: the sign-in began at the identity provider.
    #[arg(long)]
    unsolicited: bool,
    /// The time for all checks. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    now: Option<DateTime<Utc>>,
    #[command(flatten)]
    acceptance: Acceptance,
    /// FILE is the form field SAMLResponse as posted.
    #[arg(long)]
    base64: bool,
    /// The Response as XML; - is standard input.
    file: String,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let settings = settings(arguments)?;
    let given = input::bytes(&arguments.file)?;
    let (response, verdict) = match message(arguments, given) {
        Ok(response) => {
            let verdict = decide(&response, &settings)?;
            (response, verdict)
        }
        Err(failure) => (Vec::new(), Verdict::Refused(failure.into())),
    };
    match verdict {
        Verdict::Accepted(login) => {
            output.write(&Accepted::of(&login), || accepted(&login))?;
            Ok(Answer::Yes)
        }
        Verdict::Refused(mut no) => {
            let documents: Vec<&[u8]> = std::iter::once(response.as_slice())
                .chain(settings.identity_providers.single_files())
                .collect();
            no.failure.hint =
                hint_in_the_words_of_the_console(&documents, &no.failure.code, &no.failure.hint);
            if let Some(hint) = other_correlation(arguments, &no.failure.code, &response) {
                no.failure.hint = hint;
            }
            let Failure { code, message, hint, .. } = &no.failure;
            output.write(&Refused::new(code, message, hint, &no.ledger), || refused(&no))?;
            Ok(Answer::No)
        }
    }
}

/// Returns the option to give if the Response answers a request, and --unsolicited was given.
fn other_correlation(arguments: &Arguments, code: &str, response: &[u8]) -> Option<String> {
    if !arguments.unsolicited || code != "assertion.in_response_to" {
        return None;
    }
    let document = Document::parse(response, &Limits::default()).ok()?;
    let id = document.root().attribute("InResponseTo")?;
    // The hint is pasted into a shell, so it has no other characters.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
    id.chars().all(is_plain).then(|| {
        format!("The Response answers the request {id}: give `--in-response-to {id}` in the place of `--unsolicited`.")
    })
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let acceptance = &arguments.acceptance;
    let provider = acceptance.decryption.provider()?;
    let entity_id = EntityId::new(arguments.entity_id.as_str())
        .map_err(|error| Failure::unusable("--entity-id", error))?;
    let correlation = match &arguments.in_response_to {
        Some(id) => Correlation::Reply(OutstandingRequest::issued_at_unknown_time(
            MessageId::new(id.as_str()).map_err(|error| Failure::unusable("--in-response-to", error))?,
        )),
        None => Correlation::Unsolicited,
    };
    let mut signatures = SignaturePolicy::default();
    if acceptance.require_signed_response {
        signatures = signatures.require_signed_response();
    }
    if acceptance.require_signed_assertion {
        signatures = signatures.require_signed_assertion();
    }
    let identity_providers = IdentityProviders::load(&arguments.idp_metadata)?;
    Ok(Settings {
        asked: asked(arguments, &identity_providers)?,
        identity_providers,
        unauthenticated_cbc: acceptance.decryption.unauthenticated_cbc,
        expectations: Expectations::new(entity_id, arguments.acs.as_str(), correlation)
            .with_clock_skew(acceptance.skew())
            .map_err(|error| Failure::unusable("--skew", error))?,
        decryption_keys: acceptance.decryption.private_keys(&provider)?,
        signatures,
        provider,
        now: arguments.now.unwrap_or_else(input::now),
        looks_into_signatures: true,
    })
}

/// Returns the identity provider to which the request was sent. Only this one may answer it.
fn asked(arguments: &Arguments, identity_providers: &IdentityProviders) -> Result<Option<EntityId>, Failure> {
    let Some(asked) = &arguments.asked else {
        return match arguments.in_response_to.is_some() && identity_providers.are_several() {
            true => Err(Failure::usage(
                "cli.asked",
                "several identity providers are trusted, and each could answer the request of another",
                "Name the one that the request was sent to: --asked ENTITY-ID.",
            )),
            false => Ok(None),
        };
    };
    let asked = EntityId::new(asked.as_str()).map_err(|error| Failure::unusable("--asked", error))?;
    // If it is in none of the files, the command line is wrong, and not the Response.
    match identity_providers.claimed(Some(&asked)) {
        Ok(_) => Ok(Some(asked)),
        Err(failure) => Err(failure.into_usage()),
    }
}

/// Returns the Response in the input, or the reason why there is none.
fn message(arguments: &Arguments, given: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if arguments.base64 {
        let field = String::from_utf8_lossy(&given);
        PostedResponse::from_base64(&field, &Limits::default()).map_err(Failure::refused)?;
        return base64_decode(field.as_bytes()).map_err(Failure::refused);
    }
    match instead_of_xml(&given) {
        None => Ok(given),
        Some((found, hint)) => {
            let message = format!("{} is not XML; it looks like {found}", arguments.file);
            Err(Failure::usage("cli.not_xml", message, hint).into_refusal())
        }
    }
}

/// Returns a description of input that should be XML and is a known other content, and what to do.
fn instead_of_xml(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_base64 = || {
        let decoded = std::str::from_utf8(bytes).ok().and_then(|text| base64_decode(text.trim()).ok());
        decoded.is_some_and(|decoded| !decoded.is_empty())
    };
    match FieldContent::of(bytes) {
        // For these contents, the error of the XML parser is more exact.
        Some(FieldContent::Xml | FieldContent::OtherEncoding | FieldContent::Empty) => None,
        None if is_base64() => {
            Some(("the form field SAMLResponse as it was posted, in base64", "Give --base64."))
        }
        None => None,
        Some(FieldContent::Form) => Some((
            FieldContent::Form.description(),
            "Give the value of its field SAMLResponse in a file of its own, with --base64; or give the file to `vouchsafe doctor`.",
        )),
        Some(FieldContent::Json) => Some((
            "JSON, such as a recording of a browser (HAR)",
            "Give the Response alone; `vouchsafe doctor` reads recordings.",
        )),
        // Well-formed XML is checked as it is.
        Some(_) if Document::parse(bytes, &Limits::default()).is_ok() => None,
        Some(content) => Some((content.description(), content.hint())),
    }
}

fn accepted(login: &Login) -> Text {
    let mut text = Text::new();
    text.push(Line::styled(Style::Good, "accepted"));
    let mut row = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.line(format!("  {name:<14} {value}"));
        }
    };
    row("issuer", Some(login.issuer().as_str()));
    row("name id", login.name_id().map(|name_id| name_id.value()));
    row("format", login.name_id().and_then(|name_id| name_id.format()));
    row("session index", sessions(login).as_deref());
    row("authn context", login.authn_context());
    for (name, values) in attributes(login) {
        row("attribute", Some(&format!("{name} = {}", values.join(" | "))));
    }
    ledger(login.ledger(), &mut text);
    text
}

fn refused(no: &No) -> Text {
    let Failure { code, message, hint, .. } = &no.failure;
    let mut text = Text::new();
    text.push(Line::styled(Style::Bad, "refused").then(format!(" [{code}]: {message}")));
    text.line(format!("  hint: {hint}"));
    ledger(&no.ledger, &mut text);
    text
}

fn ledger(ledger: &Ledger, text: &mut Text) {
    ledger.checks().iter().for_each(|check| text.push(line(check)));
}

fn line(check: &Check) -> Line {
    let (style, mark) = match check.outcome() {
        Outcome::Passed => (Style::Good, "passed "),
        Outcome::Failed => (Style::Bad, "failed "),
        _ => (Style::Quiet, "skipped"),
    };
    let operands = match (check.outcome(), check.actual_text()) {
        (Outcome::Failed, actual) => format!(": expected {}; actual {actual}", check.expected_text()),
        (_, actual) if actual.is_empty() => String::new(),
        (_, actual) => format!(": {actual}"),
    };
    Line::of("  ")
        .then_styled(style, mark)
        .then(format!(" {} ", check.rule()))
        .then_styled(Style::Quiet, format!("({})", check.clause()))
        .then(operands)
}

pub(crate) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|error| format!("{error}; write it as 2026-11-24T00:01:00Z"))
}
