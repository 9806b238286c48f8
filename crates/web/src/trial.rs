//! The trial of a connection in the browser: the whole sign-in is checked and shown, nobody is signed in, and nothing
//! changes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use vouchsafe::assertion::Outcome;
use vouchsafe::xml::escape_markup;
use vouchsafe::{
    BoundRequest, ClaimedResponse, Connection, ConnectionId, Expect, Ledger, PendingRequest, Refusal,
    ServiceProvider, Trial,
};

use crate::answers::answer;
use crate::refusal_page::STYLE;
use crate::return_path::ReturnPath;
use crate::single_sign_on::SingleSignOn;

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
pub(crate) struct TrialPage(Arc<Render>);

type Render = dyn Fn(TriedOut) -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync;

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

impl SingleSignOn {
    /// Starts a sign-in that tries a connection, in any state except retired. It asks for what every sign-in
    /// [asks for](Self::login_options). The answer is checked by every rule and
    /// shown on the [trial page](Self::trial_page), only to this browser. Nobody is signed in, and nothing is
    /// recorded. Until the request expires, a reload of that page shows the same result.
    ///
    /// Call it for an administrator of the connection, from a form on a page of the application.
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use vouchsafe::Connection;
    /// # use vouchsafe_web::SingleSignOn;
    /// async fn try_out(sso: &SingleSignOn, request: &Parts, draft: &Connection) -> Response<String> {
    ///     sso.start_trial(request, draft, "/settings").await
    /// }
    /// ```
    pub async fn start_trial(
        &self,
        request: &Parts,
        connection: &Connection,
        return_to: &str,
    ) -> Response<String> {
        let options = self.inner.options_for(request, connection).trial().return_to(return_to);
        let started = self.start(request, connection, options).await;
        started.unwrap_or_else(|error| self.refuse(&request.headers, error))
    }

    pub(crate) async fn tried_out(&self, tried: TriedOut) -> Response<String> {
        let code = tried.outcome.as_ref().err().map(Refusal::code);
        tracing::info!(connection = %tried.connection, code, "sign-in tried out");
        #[cfg(feature = "portal")]
        if let Some(set_up) = self.inner.set_up.as_ref().filter(|_| crate::set_up::is_of_set_up(&tried)) {
            return set_up.tried_out(self, &tried).await;
        }
        let body = (self.inner.trial_page.0)(tried).await;
        let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(OWN_FORMS));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

/// The policy allows inline styles, images and forms of the application's own, and nothing else.
const OWN_FORMS: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

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
