//! The HTTP answer with a page of the portal.

use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Response};

use super::brand::SetUpView;
use super::error::SetUpError;
use super::page::Next;
use super::settings::SetUp;
use crate::answers::{answer, see_other};
use crate::error::HttpError;
use crate::escaped_text::EscapedText;
use crate::single_sign_on::SingleSignOn;

impl SetUp {
    /// Makes the answer with the result of a step. `organization` is empty if no link was opened.
    pub(super) fn shown(
        &self,
        sso: &SingleSignOn,
        request: &Parts,
        organization: &str,
        next: Next,
    ) -> Response<String> {
        let page = match next {
            Next::Answer(response) => return *response,
            Next::Step(step) => {
                let place = if step.is_empty() { self.path().to_owned() } else { self.at(step) };
                return see_other(&place, []).unwrap_or_else(|error| sso.refuse(&request.headers, error));
            }
            Next::Page(page) => page,
        };
        let stylesheet = self.at("style.css");
        let view = SetUpView {
            title: EscapedText::new(&page.title),
            organization: EscapedText::new(organization),
            content: &page.content.into_html(),
            stylesheet: EscapedText::new(&stylesheet),
        };
        let mut response = answer(page.status, "text/html; charset=utf-8", self.0.brand.render(&view));
        let headers = response.headers_mut();
        match HeaderValue::from_str(&self.0.brand.content_security_policy()) {
            Ok(policy) => headers.insert(CONTENT_SECURITY_POLICY, policy),
            Err(_) => {
                return sso.refuse(&request.headers, HttpError::Header { name: "Content-Security-Policy" });
            }
        };
        // Our own forms send a referrer, and other sites receive no address of these pages.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.extend(page.cookie.into_iter().map(|cookie| (http::header::SET_COOKIE, cookie)));
        response
    }
}

/// After how many seconds a request may be sent again that failed by an outage.
const AFTER_AN_OUTAGE: u64 = 5;

/// Says when the next attempt is useful, if that is known.
pub(super) fn later(mut response: Response<String>, error: &SetUpError) -> Response<String> {
    let seconds = match error {
        SetUpError::TooOften { retry_after } => *retry_after,
        SetUpError::Unavailable => AFTER_AN_OUTAGE,
        _ => return response,
    };
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
