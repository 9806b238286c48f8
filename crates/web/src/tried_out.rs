//! The result of a trial, and the page that shows it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use vouchsafe::assertion::Outcome;
use vouchsafe::xml::escape_markup;
use vouchsafe::{
    BoundRequest, ClaimedResponse, Connection, ConnectionId, Expect, Ledger, PendingRequest, Refusal,
    ServiceProvider, Trial,
};

use crate::page_look::STYLE;
use crate::return_path::ReturnPath;

/// The result of a trial. Only the browser that started the trial sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct TriedOut {
    /// The connection of the trial.
    pub connection: ConnectionId,
    /// The [revision](Connection::revision) of the connection that judged the response; `None` if there was no response, or if
    /// the connection is in no store. Mark a connection as tested only if its record still has this revision.
    pub revision: Option<u64>,
    /// When the response came.
    pub at: DateTime<Utc>,
    /// The result of the sign-in, or the refusal.
    pub outcome: Result<Trial, Refusal>,
    /// Where the person wanted to go afterwards: a path from the list of allowed paths.
    pub back: ReturnPath,
    /// The value that the application stored with the request: [`LoginOptions::context`](vouchsafe::LoginOptions::context).
    pub context: Option<String>,
}

impl TriedOut {
    pub(crate) fn judge(
        service_provider: &ServiceProvider,
        claimed: ClaimedResponse,
        connection: &Connection,
        request: Option<BoundRequest>,
        back: ReturnPath,
        now: DateTime<Utc>,
    ) -> TriedOut {
        let expect = request.as_ref().map_or(Expect::Unsolicited, Expect::Reply);
        let outcome = service_provider.try_out(claimed, connection, expect, now);
        let context = request.and_then(|request| request.request().context().map(str::to_owned));
        TriedOut {
            connection: connection.id().clone(),
            revision: connection.revision(),
            at: now,
            outcome,
            back,
            context,
        }
    }

    /// Makes the result of an answer that contained no response.
    pub(crate) fn refused(
        request: &PendingRequest,
        refusal: Refusal,
        back: ReturnPath,
        at: DateTime<Utc>,
    ) -> TriedOut {
        let context = request.context().map(str::to_owned);
        TriedOut {
            connection: request.connection().clone(),
            revision: None,
            at,
            outcome: Err(refusal),
            back,
            context,
        }
    }

    /// Every check that was made.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        match &self.outcome {
            Ok(trial) => trial.ledger(),
            Err(refusal) => refusal.ledger(),
        }
    }
}

/// Makes the page that shows the result of a trial.
#[derive(Clone)]
pub(crate) struct TrialPage(pub(crate) Arc<Render>);

pub(crate) type Render = dyn Fn(TriedOut) -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync;

impl TrialPage {
    pub(crate) fn new<F: Future<Output = String> + Send + 'static>(
        render: impl Fn(TriedOut) -> F + Send + Sync + 'static,
    ) -> TrialPage {
        TrialPage(Arc::new(move |tried| Box::pin(render(tried))))
    }
}

impl Default for TrialPage {
    fn default() -> TrialPage {
        TrialPage::new(|tried| std::future::ready(plain_page(&tried)))
    }
}

impl fmt::Debug for TrialPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrialPage(…)")
    }
}

/// Shows only the names of attributes, since a value may be a secret of the customer.
fn plain_page(tried: &TriedOut) -> String {
    let (title, what) = match &tried.outcome {
        Ok(trial) => {
            let name = trial.name_id().map(|name| escape_markup(name.value())).unwrap_or_default();
            let attributes = trial.attributes().iter();
            let attributes: Vec<String> = attributes
                .map(|one| format!("{} ({})", escape_markup(one.name()), one.values().len()))
                .collect();
            let what = format!(
                "<p>Nobody was signed in, and nothing has changed.</p><dl><dt>Name</dt><dd>{name}</dd>\
                 <dt>Attributes, and how many values each has</dt><dd>{}</dd></dl>",
                attributes.join(", ")
            );
            ("The sign-in would be accepted", what)
        }
        Err(refusal) => {
            let text = refusal.to_string();
            let what = format!(
                "<p><code>{}</code></p><p>{}</p><p>{}</p>",
                refusal.code(),
                escape_markup(&text),
                escape_markup(refusal.hint())
            );
            ("The sign-in would be refused", what)
        }
    };
    let rows: String = tried
        .ledger()
        .checks()
        .iter()
        .filter(|check| check.outcome() != Outcome::Skipped)
        .map(|check| {
            let outcome = if check.outcome() == Outcome::Passed { "passed" } else { "FAILED" };
            let cells =
                [check.rule(), outcome, &check.expected_text(), &check.actual_text()].map(escape_markup);
            format!("<tr><td>{}</td></tr>", cells.join("</td><td>"))
        })
        .collect();
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body class=\"wide\"><main>\
         <h1>{title}</h1>{what}<p><a href=\"{}\">Back</a></p><details><summary>Every check</summary><div class=\"scroll\"><table>\
         <thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Outcome</th><th scope=\"col\">Expected</th>\
         <th scope=\"col\">Found</th></tr></thead><tbody>{rows}</tbody></table></div></details></main></body></html>",
        escape_markup(tried.back.as_str())
    )
}
