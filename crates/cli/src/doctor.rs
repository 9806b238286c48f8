//! `vouchsafe doctor`: examines a message or metadata: what it is, which product made it, what is wrong, what to
//! change.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use vouchsafe::doctor::{
    Answer as Found, Complaint, Diagnosis, Doctor, Event, Exhibit, Kind, Severity, Story, Verdict,
    is_reference,
};

use crate::acceptance::Decryption;
use crate::browse;
use crate::failure::Failure;
use crate::input;
use crate::output::{Answer, Output};
use crate::response_check::instant;
use crate::text::{Line, Style, Text};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Metadata, a message (XML, base64, the posted form, SOAP), an address, an artifact, a HAR file of the browser, a certificate (PEM, DER or
    /// base64), the page of a refusal or its text, the text of another error page, or the log of a service with its refusals (as `tracing` writes
    /// it: text or JSON, one refusal per line); `-` is standard input. The files are examined together. Whole files of metadata determine which identity providers are trusted
    /// and which service we are; certificates add trusted keys. Metadata inside a message or a recording does neither. Give only metadata that
    /// came from the console itself.
    #[arg(required_unless_present_any = ["browse", "reference"], value_name = "FILE")]
    files: Vec<String>,
    /// The reference that a person saw on the page of the refusal: the refusal is looked up in the log of the service among the files. The saved
    /// page, or a file with its text, does the same.
    #[arg(long, value_name = "REFERENCE", value_parser = reference)]
    reference: Option<String>,
    /// Opens a page on this machine to paste texts into and drop files on. The files that are named here are examined together with them. The
    /// page is served at a loopback address only, and nothing leaves the machine.
    #[arg(long)]
    browse: bool,
    /// The loopback address of the page; without it, a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDR", requires = "browse")]
    listen: Option<SocketAddr>,
    /// Entity ID of your service. Default: the one in its metadata among the files; without that, the Audience is not checked.
    #[arg(long, value_name = "URI")]
    entity_id: Option<String>,
    /// Assertion consumer (ACS) of your service. Default: the one in its metadata among the files; without that, Destination and Recipient are not checked.
    #[arg(long, value_name = "URL")]
    acs: Option<String>,
    /// Address for logout messages of your service. Default: the one in its metadata among the files; without that, the Destination of logout messages is not checked.
    #[arg(long, value_name = "URL")]
    slo: Option<String>,
    /// The time for all checks. Default: the time at which each message was recorded or issued, and now for everything else.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    now: Option<DateTime<Utc>>,
    /// How long a request of this service waits for its answer, in seconds. Default: 600.
    #[arg(long, value_name = "SECONDS")]
    request_lifetime: Option<u32>,
    #[command(flatten)]
    decryption: Decryption,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<Answer, Failure> {
    let files = arguments.files.iter().map(|path| Ok((path.clone(), given(path)?)));
    let mut files: Vec<(String, Vec<u8>)> = files.collect::<Result<_, Failure>>()?;
    let reference = arguments.reference.as_ref();
    files.extend(reference.map(|reference| ("--reference".to_owned(), reference.clone().into_bytes())));
    if arguments.browse {
        return browse::run(doctor(arguments)?, files, arguments.listen, output);
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let diagnosis = doctor(arguments)?.examine(&files);
    output.write(&diagnosis, || human(&diagnosis))?;
    Ok(match (diagnosis.is_understood(), diagnosis.is_healthy()) {
        (false, _) => Answer::Unusable,
        (true, false) => Answer::No,
        (true, true) => Answer::Yes,
    })
}

/// Reads a reference, in which people also write capital letters.
fn reference(text: &str) -> Result<String, String> {
    let reference = text.trim().to_ascii_lowercase();
    let expected = "write it as on the page: 8 hexadecimal digits, a hyphen, 8 more";
    if is_reference(&reference) { Ok(reference) } else { Err(expected.to_owned()) }
}

/// Returns the bytes of a file; an address is used as text.
fn given(path: &str) -> Result<Vec<u8>, Failure> {
    let is_address = path.starts_with("https://") || path.starts_with("http://");
    if is_address { Ok(path.as_bytes().to_vec()) } else { input::bytes(path) }
}

fn doctor(arguments: &Arguments) -> Result<Doctor, Failure> {
    let provider = arguments.decryption.provider()?;
    let keys = arguments.decryption.private_keys(&provider)?;
    let mut doctor = Doctor::new(input::now()).with_decryption_keys(keys).with_provider(provider);
    if let Some(entity_id) = &arguments.entity_id {
        doctor = doctor.with_entity_id(entity_id);
    }
    if let Some(url) = &arguments.acs {
        doctor = doctor.with_assertion_consumer(url);
    }
    if let Some(url) = &arguments.slo {
        doctor = doctor.with_single_logout(url);
    }
    if let Some(time) = arguments.now {
        doctor = doctor.judged_at(time);
    }
    if let Some(seconds) = arguments.request_lifetime {
        doctor = doctor.with_request_lifetime(Duration::from_secs(u64::from(seconds)));
    }
    if arguments.decryption.unauthenticated_cbc {
        doctor = doctor.danger_unauthenticated_cbc();
    }
    Ok(doctor)
}

fn human(diagnosis: &Diagnosis) -> Text {
    let mut text = Text::new();
    first_screen(&diagnosis.verdict, &mut text);
    for one in &diagnosis.stories {
        text.line("");
        story(one, &mut text);
    }
    for one in &diagnosis.exhibits {
        text.line("");
        exhibit(one, &mut text);
    }
    text
}

/// The size of the first screen in columns and rows.
const COLUMNS: usize = 80;
const ROWS: usize = 24;
/// The minimum number of rows for the message.
const LEAST: usize = 7;

/// Writes the answer, the cause, and what to change, in this order, within one screen of 24 lines with 80 columns.
/// The rest follows for each file.
fn first_screen(verdict: &Verdict, text: &mut Text) {
    let style = match verdict.answer {
        Found::Wrong | Found::NotUnderstood => Style::Bad,
        Found::LookedAt => Style::Title,
        _ => Style::Good,
    };
    let answer = verdict.answer.in_words();
    match &verdict.cause {
        None => text.push(Line::styled(style, answer)),
        Some(cause) => {
            let parts = parts(verdict, cause);
            // The message receives the rows that the other parts do not use; two fingerprints are long.
            let left = ROWS.saturating_sub(rows_of(&parts)).max(LEAST);
            let what = format!("{answer}: [{}]: {}", cause.code, cause.message);
            let all = (LEAST..=left).rev().map(|rows| broken("", &what, rows));
            let fitting = all.into_iter().find(|lines| rows_of(lines) <= left);
            let mut lines = fitting.unwrap_or_else(|| broken("", &what, LEAST)).into_iter();
            let first = lines.next().unwrap_or_default();
            let rest = first.strip_prefix(answer).unwrap_or_default().to_owned();
            text.push(Line::styled(style, answer).then(rest));
            lines.chain(parts).for_each(|line| text.line(line));
        }
    }
    if verdict.cause.is_none() {
        not_judged(verdict).into_iter().for_each(|line| text.line(line));
    }
}

/// Returns the lines below the message: the setting, what to do, and the file.
fn parts(verdict: &Verdict, cause: &Complaint) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(setting) = &cause.setting {
        lines.extend(match &setting.value {
            Some(value) => broken("change: ", &format!("{} = {value}", setting.name), 3),
            None => broken("see: ", &setting.name, 3),
        });
        lines.extend(broken("where: ", &setting.place, 2));
    }
    lines.extend(broken("remedy: ", &cause.remedy, 7));
    lines.extend(broken("about: ", verdict.source.as_deref().unwrap_or_default(), 2));
    lines.extend(not_judged(verdict));
    lines
}

/// Returns the number of rows that lines need. A word that is longer than a row needs several.
fn rows_of(lines: &[String]) -> usize {
    lines.iter().map(|line| line.chars().count().div_ceil(COLUMNS).max(1)).sum()
}

fn not_judged(verdict: &Verdict) -> Vec<String> {
    match verdict.not_judged.join(", ") {
        none if none.is_empty() => Vec::new(),
        what => broken("not judged: ", &what, 2),
    }
}

/// Breaks a part of the first screen into lines between words. A longer text is cut; it follows in full below.
fn broken(name: &str, what: &str, rows: usize) -> Vec<String> {
    let most = rows.saturating_mul(COLUMNS.saturating_sub(4)).saturating_sub(name.len());
    let mut cut: String = what.chars().take(most).collect();
    if cut.len() < what.len() {
        cut.push('…');
    }
    let mut lines = vec![name.to_owned()];
    for word in cut.split_ascii_whitespace() {
        let begun = if lines.len() == 1 { name.chars().count() } else { 2 };
        let length = lines.last().map_or(0, |line| line.chars().count());
        if length > begun && length.saturating_add(word.chars().count()).saturating_add(1) > COLUMNS {
            lines.push("  ".to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Writes the first cause in the first line, then the events in their order.
fn story(story: &Story, text: &mut Text) {
    let title = Line::styled(Style::Title, &story.source);
    match &story.cause {
        Some(cause) => {
            let Complaint { code, message, remedy, .. } = &cause.complaint;
            let what = format!(" [{code}] at request {}: {message}", cause.request);
            text.push(title.then(": ").then_styled(Style::Bad, "the cause is").then(what));
            text.line(format!("    remedy: {remedy}"));
        }
        None if story.not_judged.is_empty() => text.push(title.then(": the sequence is in order")),
        None => text.push(title.then(": nothing is wrong with the sequence as far as it was judged")),
    }
    for one in &story.events {
        event(one, text);
    }
    text.push(Line::of("  ").then_styled(Style::Quiet, format!("judged: {}", story.judged.join(", "))));
    if !story.not_judged.is_empty() {
        let what = format!("not judged, since it was not recorded: {}", story.not_judged.join(", "));
        text.push(Line::of("  ").then_styled(Style::Quiet, what));
    }
}

fn event(event: &Event, text: &mut Text) {
    let since = event.seconds_since.map(|seconds| format!(" {seconds:+} s")).unwrap_or_default();
    let status = event.status.map_or_else(String::new, |status| format!(" -> {status}"));
    let Event { request, method, address, what, .. } = event;
    text.line(format!("  request {request}{since}: {method} {address}{status}: {what}"));
    for one in &event.complaints {
        let (style, word) = severity(one.severity);
        let what = format!(" [{}]: {}", one.code, one.message);
        text.push(Line::of("    ").then_styled(style, word).then(what));
        text.line(format!("      remedy: {}", one.remedy));
    }
}

fn exhibit(exhibit: &Exhibit, text: &mut Text) {
    text.push(Line::styled(Style::Title, &exhibit.source).then(format!(": {}", exhibit.kind.name())));
    if let Some(product) = &exhibit.product {
        let certainty = if product.certain { "" } else { "probably " };
        text.line(format!("  product: {certainty}{} ({})", product.name, product.because.join("; ")));
    }
    // A reference itself is not judged. The log explains it.
    let is_judged = exhibit.kind != Kind::RefusalReference;
    if is_judged && exhibit.worst().is_none_or(|worst| worst == Severity::Note) {
        let judged = if exhibit.is_good_in_full() {
            "nothing is wrong"
        } else {
            "nothing is wrong with what was judged"
        };
        text.push(Line::of("  ").then_styled(Style::Good, judged));
    }
    if !exhibit.not_judged.is_empty() {
        let what = format!("not judged: {}", exhibit.not_judged.join(", "));
        text.push(Line::of("  ").then_styled(Style::Quiet, what));
    }
    for one in &exhibit.complaints {
        complaint(one, text);
    }
    for fact in &exhibit.facts {
        text.push(Line::of("  ").then_styled(Style::Quiet, format!("{}: {}", fact.name, fact.value)));
    }
}

fn severity(severity: Severity) -> (Style, &'static str) {
    match severity {
        Severity::Error => (Style::Bad, "error"),
        Severity::Warning => (Style::Title, "warning"),
        _ => (Style::Quiet, "note"),
    }
}

fn complaint(complaint: &Complaint, text: &mut Text) {
    let (style, word) = severity(complaint.severity);
    let what = format!("[{}]: {}", complaint.code, complaint.message);
    text.push(Line::of("  ").then_styled(style, word).then(what));
    if let Some(setting) = &complaint.setting {
        text.line(match &setting.value {
            Some(value) => format!("    change: {} = {value}", setting.name),
            None => format!("    see: {}", setting.name),
        });
        text.line(format!("    where: {}", setting.place));
    }
    text.line(format!("    remedy: {}", complaint.remedy));
}
