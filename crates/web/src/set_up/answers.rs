//! Answers the requests of browsers to the portal.

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::error::SetUpError;
use super::fields::Fields;
use super::markup::STYLE;
use super::page::{Next, Page};
use super::response::later;
use super::settings::SetUp;
use super::visit::Visit;
use crate::answers::answer;
use crate::form_fields::parts_of;
use crate::single_sign_on::SingleSignOn;

impl SetUp {
    /// Answers a request. `step` is the path below that of the portal.
    pub(super) async fn answered(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        step: &str,
        body: &[u8],
    ) -> Response<String> {
        if let Err(error) = self.require_place(request.uri.path(), step) {
            tracing::error!(code = error.code(), reason = %error, hint = error.hint(), "the set-up portal is misplaced");
            return self.refused(sso, request, error);
        }
        let is_post = request.method == Method::POST;
        if !is_post && request.method != Method::GET && request.method != Method::HEAD {
            return answer(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", String::new());
        }
        if !is_post && step == "style.css" {
            return answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned());
        }
        let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let parts = match is_post {
            true => parts_of(content_type.unwrap_or_default(), body).map(|(_, parts)| parts),
            false => Some(Vec::new()),
        };
        let Some(parts) = parts else { return self.refused(sso, request, SetUpError::Form) };
        let fields = Fields::of(parts);
        let opened = match (is_post, step.split_once('/')) {
            (false, Some(("link", secret))) => self.landing(sso, secret).await,
            (true, _) if step == "begin" => self.begin(sso, request, &fields).await,
            _ => match self.visit(sso, request).await {
                Ok(mut visit) => return self.visited(&mut visit, step, is_post.then_some(&fields)).await,
                Err(error) => Err(error),
            },
        };
        match opened {
            Ok(next) => self.shown(sso, request, "", next),
            Err(error) => self.refused(sso, request, error),
        }
    }

    /// Answers a browser that opened a link. `fields` is the posted form.
    async fn visited(&self, visit: &mut Visit<'_>, step: &str, fields: Option<&Fields>) -> Response<String> {
        let outcome = match fields {
            None => match self.file(visit, step).await {
                Ok(None) => self.page(visit, step).await.map(Next::Page),
                Ok(Some(file)) => Ok(file),
                Err(error) => Err(error),
            },
            Some(fields) => match visit.may_post(fields) {
                Ok(()) => self.act(visit, step, fields).await,
                Err(error) => Err(error),
            },
        };
        let (sso, request) = (visit.sso, visit.request);
        let organization = visit.organization.name.clone();
        match outcome {
            Ok(next) => self.shown(sso, request, &organization, next),
            Err(error) if error.outage().is_some() => self.refused(sso, request, error),
            Err(error) => {
                tracing::info!(link = %visit.link.id, organization = %visit.organization.id, code = error.code(), step, "set-up step refused");
                // The page of the form is shown again, with the problem at its field.
                let page = match (&error, fields) {
                    (
                        SetUpError::LinkOver { .. }
                        | SetUpError::StepUnknown
                        | SetUpError::Purpose
                        // Nothing is parsed for somebody who comes too often.
                        | SetUpError::TooOften { .. },
                        _,
                    )
                    | (_, None) => None,
                    (_, Some(fields)) if self.0.limits.count_look(&visit.link, visit.now).is_ok() => {
                        self.page_again(visit, step, fields, &error).await.ok()
                    }
                    (_, Some(_)) => None,
                };
                let page = page.unwrap_or_else(|| Page::problem(&error, visit.console(), self.path()));
                let response = self.shown(sso, request, &organization, Next::Page(page.with(error.status())));
                later(response, &error)
            }
        }
    }

    /// Answers a problem of a browser without an opened link, a form that could not be read, or an outage, of which only
    /// the log has the details.
    pub(super) fn refused(&self, sso: &SingleSignOn, request: &Parts, error: SetUpError) -> Response<String> {
        let error = match error.outage() {
            Some(failure) => {
                tracing::error!(code = failure.code(), reason = %failure, "the set-up portal cannot answer");
                SetUpError::Unavailable
            }
            None => {
                tracing::info!(code = error.code(), "set-up link refused");
                error
            }
        };
        let back =
            if matches!(error, SetUpError::Unread(_) | SetUpError::Unavailable) { self.path() } else { "" };
        let page = Page::problem(&error, None, back).with(error.status());
        later(self.shown(sso, request, "", Next::Page(page)), &error)
    }
}
