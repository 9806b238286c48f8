//! The HTML pages.

use chrono::SecondsFormat;
use vouchsafe::Login;
use vouchsafe::assertion::{Check, Ledger, Outcome};
use vouchsafe::doctor::{Complaint, Exhibit, Severity};

use crate::verdict_json::{attributes, sessions, time};

use super::base::Base;
use super::history::{Event, Refusal, What};
use super::html::{code, definitions, page, text};

/// Shows an event, folded to one line.
pub(super) fn event(event: &Event) -> String {
    let (verdict, short, body) = match &event.what {
        What::Accepted => ("<span class=\"good\">accepted</span>", String::new(), ledger(&event.ledger)),
        What::LoggedOut => {
            ("<b>logged out</b>", String::new(), "<p>The session here has ended.</p>".to_owned())
        }
        What::NameChanged => {
            let body = "<p>The identity provider names this person so no longer, and the sessions of the name have ended.</p>";
            ("<b>name changed</b>", String::new(), body.to_owned())
        }
        What::Refused(refusal) => {
            let body = reasons(refusal) + &ledger(&event.ledger);
            ("<span class=\"bad\">refused</span>", format!(" {}", code(&refusal.code)), body)
        }
    };
    let issuer = event.issuer.as_deref().map(|issuer| format!("<br>{}", text(issuer))).unwrap_or_default();
    format!(
        "<details class=\"event\"><summary>{verdict}{short} <span class=\"soft\">{}{issuer}</span></summary><div>{body}</div></details>",
        text(&event.at.to_rfc3339_opts(SecondsFormat::Secs, true))
    )
}

/// Makes the page of an accepted sign-in, for the person who signed in.
pub(super) fn accepted(base: &Base, login: &Login) -> String {
    let given = [
        ("Issuer", Some(login.issuer().as_str().to_owned())),
        ("NameID", login.name_id().map(|name| name.value().to_owned())),
        ("Format", login.name_id().and_then(|name| name.format().map(str::to_owned))),
        ("Session index", sessions(login)),
        ("Session ends", login.session_not_on_or_after().map(time)),
        ("Authentication", login.authn_context().map(str::to_owned)),
    ];
    let rows: Vec<(&str, String)> =
        given.into_iter().filter_map(|(name, value)| Some((name, text(&value?)))).collect();
    let values: String = attributes(login)
        .into_iter()
        .map(|(name, values)| {
            let values: Vec<String> = values.into_iter().map(text).collect();
            format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", text(name), values.join("<br>"))
        })
        .collect();
    let values = match values.as_str() {
        "" => "<p class=\"soft\">None came.</p>".to_owned(),
        rows => format!(
            "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Values</th></tr></thead><tbody>{rows}</tbody></table>"
        ),
    };
    let body = format!(
        "<p class=\"good\">Every rule accepts this sign-in.</p><section><h2>Who</h2>{}</section>\
         <section><h2>Attributes</h2>{values}</section>{}{}",
        definitions(&rows),
        checks(login.ledger()),
        back(base)
    );
    page(&base.path("/"), "Accepted", &body)
}

/// Makes the page of a refused sign-in.
pub(super) fn refused(base: &Base, refusal: &Refusal, issuer: Option<&str>, ledger: &Ledger) -> String {
    let issuer = issuer
        .map(|issuer| format!("<p class=\"soft\">The response says that it is from {}.</p>", text(issuer)));
    let body = format!(
        "<p class=\"bad\">{}</p>{}<section>{}</section>{}{}",
        code(&refusal.code),
        issuer.unwrap_or_default(),
        reasons(refusal),
        checks(ledger),
        back(base)
    );
    page(&base.path("/"), "Refused", &body)
}

/// Makes the page of a request that cannot be carried out.
pub(super) fn failure(base: &Base, code: &str, message: &str, hint: &str) -> String {
    let body = format!(
        "<p class=\"bad\">{}</p><section><p>{}</p><p>{}</p></section>{}",
        self::code(code),
        text(message),
        text(hint),
        back(base)
    );
    page(&base.path("/"), "Not possible", &body)
}

fn back(base: &Base) -> String {
    format!("<p><a href=\"{}\">All sign-ins</a></p>", text(&base.path("/")))
}

/// Shows the error, what to change, and the doctor's findings.
fn reasons(refusal: &Refusal) -> String {
    let doctor = refusal.doctor.as_ref().map(|exhibit| words(exhibit, refusal)).unwrap_or_default();
    format!("<p>{}</p><p><b>What to change:</b> {}</p>{doctor}", text(&refusal.message), text(&refusal.hint))
}

fn words(exhibit: &Exhibit, refusal: &Refusal) -> String {
    let product = exhibit.product.as_ref().map(|product| {
        let certainty = if product.certain { "" } else { "probably " };
        format!("<p>It is {certainty}a response of {}.</p>", text(&product.name))
    });
    let complaints: String = exhibit.complaints.iter().map(|one| complaint(one, refusal)).collect();
    let nothing = "<p class=\"soft\">Nothing is wrong with the response itself.</p>".to_owned();
    let complaints = if complaints.is_empty() { nothing } else { format!("<ul>{complaints}</ul>") };
    format!("<h3>The doctor's words</h3>{}{complaints}", product.unwrap_or_default())
}

/// Shows a complaint of the doctor. Text that the refusal already contains is not repeated, except for the setting.
fn complaint(complaint: &Complaint, refusal: &Refusal) -> String {
    let severity = match complaint.severity {
        Severity::Error => "<span class=\"bad\">error</span>",
        Severity::Warning => "<b>warning</b>",
        _ => "<span class=\"soft\">note</span>",
    };
    let is_said = complaint.message == refusal.message;
    let what = if is_said { String::new() } else { text(&complaint.message) };
    let remedy = if is_said { String::new() } else { format!("<br>{}", text(&complaint.remedy)) };
    let setting = complaint.setting.as_ref().map(|setting| {
        let value = setting.value.as_ref().map(|value| format!(" = {}", code(value))).unwrap_or_default();
        format!(
            "<br>Setting: {}{value} <span class=\"soft\">{}</span>",
            text(&setting.name),
            text(&setting.place)
        )
    });
    format!("<li>{severity} {} {what}{remedy}{}</li>", code(&complaint.code), setting.unwrap_or_default())
}

/// Shows the ledger, folded below the number of checks.
fn checks(ledger: &Ledger) -> String {
    let count = ledger.checks().len();
    if count == 0 {
        return String::new();
    }
    let failed = ledger.failed().count();
    let open = if failed > 0 { " open" } else { "" };
    format!(
        "<section><details{open}><summary>{count} checks, {failed} failed</summary>{}</details></section>",
        self::ledger(ledger)
    )
}

/// Shows the checks, the failed ones first. Personal values are redacted.
fn ledger(ledger: &Ledger) -> String {
    let is_failed = |check: &&Check| check.outcome() == Outcome::Failed;
    let failed = ledger.checks().iter().filter(is_failed);
    let others = ledger.checks().iter().filter(|check| !is_failed(check));
    let rows: String = failed.chain(others).map(check).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Outcome</th><th scope=\"col\">Expected</th>\
         <th scope=\"col\">Actual</th></tr></thead><tbody>{rows}</tbody></table>"
    )
}

fn check(check: &Check) -> String {
    let outcome = match check.outcome() {
        Outcome::Passed => "<span class=\"good\">passed</span>",
        Outcome::Failed => "<span class=\"bad\">failed</span>",
        _ => "<span class=\"soft\">skipped</span>",
    };
    let cell = |name: &str, value: &str| match value {
        "" => "<td></td>".to_owned(),
        value => format!("<td data-name=\"{name}\">{}</td>", text(value)),
    };
    format!(
        "<tr><th scope=\"row\">{}<br><span class=\"soft\">{}</span></th><td class=\"outcome\">{outcome}</td>{}{}</tr>",
        code(check.rule()),
        text(check.clause()),
        cell("expected:", &check.expected_text()),
        cell("actual:", &check.actual_text())
    )
}
