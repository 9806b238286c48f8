//! The refusals: each is logged and kept, and the browser gets a page, or the way to the sign-in page.

use http::header::RETRY_AFTER;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use vouchsafe::ConnectionId;
use vouchsafe::xml::Quoted;

use crate::answers::{Context, answer, answer_without_script, see_other, wants_json, with_query};
use crate::error::HttpError;
use crate::escaped_text::EscapedText;
use crate::reference::Reference;
use crate::refusal_log::RefusalRecord;
use crate::refusal_page::{RefusalView, RefusedAttempt};
use crate::single_sign_on::SingleSignOn;

impl SingleSignOn {
    /// Logs a refusal, keeps it, calls the hook, and makes the answer: the refusal page, or JSON (`error`,
    /// `reference`) for a client that asks for JSON.
    #[must_use]
    pub fn refuse(&self, headers: &HeaderMap, error: impl Into<HttpError>) -> Response<String> {
        self.refuse_in(&Context::of(headers), &error.into())
    }

    /// Does the same for a sign-out.
    pub(crate) fn refuse_sign_out(&self, headers: &HeaderMap, error: HttpError) -> Response<String> {
        self.refuse_in(&Context::of_sign_out(headers), &error)
    }

    pub(crate) fn refuse_in(&self, context: &Context, error: &HttpError) -> Response<String> {
        let reference = self.record(context, error);
        let message = match context.attempt {
            RefusedAttempt::SignIn => error.shown_message(),
            RefusedAttempt::SignOut | RefusedAttempt::SignOutHere => "The sign-out could not be completed.",
            RefusedAttempt::NameChange => "The change of the name could not be completed.",
        };
        let back = self.way_back(context.return_to.as_deref(), None);
        let (content_type, body) = if context.is_enhanced_client {
            ("text/xml; charset=utf-8", self.service_provider().soap_fault().unwrap_or_default())
        } else if context.wants_json {
            let body = serde_json::json!({ "error": message, "reference": reference.as_str() });
            ("application/json", body.to_string())
        } else {
            let attempt = context.attempt;
            let (message, back) = (EscapedText::new(message), EscapedText::new(&back));
            let shown = RefusalView { message, reference: &reference, back, attempt };
            ("text/html; charset=utf-8", self.inner.refusal_page.render(&shown))
        };
        let mut response = answer_without_script(error.status(), content_type, body);
        if let Some(seconds) = error.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(reference);
        response
    }

    /// Writes one log event and one record for each refusal. Errors contain no e-mail addresses and no secrets. Only
    /// the failed checks of the ledger are logged, with personal values redacted.
    pub(crate) fn record(&self, context: &Context, error: &HttpError) -> Reference {
        let record = RefusalRecord {
            reference: Reference::new(self.service_provider().provider()),
            at: self.now(),
            connection: context.connection.as_ref().or(error.connection()).cloned(),
            issuer: context.issuer.clone(),
            code: error.code(),
            message: error.to_string(),
            hint: error.hint(),
            ledger: error.ledger().cloned(),
        };
        let failed: Vec<String> = record
            .ledger
            .iter()
            .flat_map(|ledger| ledger.failed())
            .map(|check| {
                let (expected, actual) = (check.expected_text(), check.actual_text());
                format!(
                    "{}: expected {}, actual {}",
                    check.rule(),
                    Quoted::new(&expected),
                    Quoted::new(&actual)
                )
            })
            .collect();
        tracing::warn!(
            // Operators filter by it.
            target: "vouchsafe_web::answers",
            reference = record.reference.as_str(),
            connection = record.connection.as_ref().map(ConnectionId::as_str),
            issuer = record.issuer.as_deref().map(|issuer| display(Quoted::new(issuer))),
            code = record.code,
            reason = %record.message,
            hint = record.hint,
            cause = error.cause(),
            failed_checks = (!failed.is_empty()).then(|| display(failed.join("; "))),
            "{} refused",
            context.attempt.name()
        );
        self.inner.tell(&record);
        let reference = record.reference.clone();
        self.inner.refusals.keep(record);
        reference
    }

    /// Returns the address of the sign-in page, with the wanted path if a sign-in may lead there.
    #[must_use]
    pub fn way_back(&self, wanted: Option<&str>, said: Option<(&str, &str)>) -> String {
        let paths = &self.inner.return_paths;
        let allowed = wanted.filter(|wanted| paths.choose(Some(wanted)).as_str() == *wanted);
        let query: Vec<_> = said.into_iter().chain(allowed.map(|wanted| ("return", wanted))).collect();
        with_query(&self.inner.sign_in_page, &query)
    }

    /// The answer for a browser that asks for a page without a session: a redirect to the sign-in page, with the path
    /// to return to if that is allowed; status 401 for a client that asks for JSON. `uri` is the address that the
    /// browser asked for, outside of any nesting.
    #[must_use]
    pub fn sign_in_needed(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<String> {
        if wants_json(headers) {
            let body = serde_json::json!({ "error": "Nobody is signed in." });
            return answer(StatusCode::UNAUTHORIZED, "application/json", body.to_string());
        }
        let asked = uri.path_and_query().map(PathAndQuery::as_str).filter(|_| method == Method::GET);
        see_other(&self.way_back(asked, None), []).unwrap_or_else(|error| self.refuse(headers, error))
    }
}
