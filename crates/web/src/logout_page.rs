//! The page at the end of a sign-out.

use std::fmt;
use std::sync::Arc;

use http::header::SET_COOKIE;
use http::{HeaderValue, Response, StatusCode};
use vouchsafe::xml::escape_markup;
use vouchsafe::{LogoutAnswer, ParticipantAnswer};

use crate::answers::answer_without_script;
use crate::page_look::PageLook;

/// The content of the page.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogoutView<'a> {
    /// The answer of each identity provider, in the order in which they were told. Empty if nobody was told, and if the
    /// page is loaded again: then it is not known any more what was answered.
    pub answers: &'a [ParticipantAnswer],
    /// The name of each of them, in the same order: from its metadata, or that of its connection. A customer writes the
    /// metadata: escape the name in HTML, as [`escape_markup`] does.
    pub names: &'a [String],
    /// A path of the application's, where the person can sign in again.
    pub back: &'a str,
}

impl LogoutView<'_> {
    /// Returns whether it is known that every identity provider ended every session: there are
    /// [`answers`](Self::answers), and all of them say so.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(|one| one.answer == LogoutAnswer::Complete)
    }
}

/// The page at the end of a sign-out: a plain one with the application's name and the colours of its
/// [`RefusalPage`](crate::RefusalPage), or one that the application makes.
///
/// ```
/// use vouchsafe_web::LogoutPage;
///
/// let own = LogoutPage::rendered_by(|shown| {
///     let bye = match shown.answers {
///         [] => "You are signed out here.",
///         _ if shown.is_complete() => "You are signed out here, and at your identity provider.",
///         _ => "You are signed out here. Close your browser to end the session at your identity provider.",
///     };
///     bye.to_owned()
/// });
/// # let _ = own;
/// ```
#[derive(Clone)]
pub struct LogoutPage(Kind);

type Renderer = Arc<dyn Fn(&LogoutView<'_>) -> String + Send + Sync>;

#[derive(Clone)]
enum Kind {
    Ours(String),
    Rendered(Renderer),
}

impl Default for LogoutPage {
    fn default() -> LogoutPage {
        LogoutPage::new("")
    }
}

impl fmt::Debug for LogoutPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogoutPage(…)")
    }
}

impl LogoutPage {
    /// Makes the plain page, with the application's name.
    #[must_use]
    pub fn new(name: &str) -> LogoutPage {
        LogoutPage(Kind::Ours(name.to_owned()))
    }

    /// Makes a page of the application: HTML, sent with a Content-Security-Policy that allows inline styles, images
    /// of the application's own, and no script. The [names](LogoutView::names) of identity providers are not escaped.
    ///
    /// ```
    /// use vouchsafe::xml::escape_markup;
    /// use vouchsafe_web::LogoutPage;
    ///
    /// let own = LogoutPage::rendered_by(|shown| {
    ///     let names: String = shown.names.iter().map(|name| format!("<li>{}</li>", escape_markup(name))).collect();
    ///     format!("<!DOCTYPE html><title>Signed out</title><p>You are signed out. We told:</p><ul>{names}</ul>")
    /// });
    /// # let _ = own;
    /// ```
    #[must_use]
    pub fn rendered_by(render: impl Fn(&LogoutView<'_>) -> String + Send + Sync + 'static) -> LogoutPage {
        LogoutPage(Kind::Rendered(Arc::new(render)))
    }

    pub(crate) fn answer(
        &self,
        shown: &LogoutView<'_>,
        look: PageLook,
        cookies: impl IntoIterator<Item = HeaderValue>,
    ) -> Response<String> {
        let (status, page) = (StatusCode::OK, self.render(shown, look));
        let mut response = answer_without_script(status, "text/html; charset=utf-8", page);
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    fn render(&self, shown: &LogoutView<'_>, look: PageLook) -> String {
        let name = match &self.0 {
            Kind::Rendered(render) => return render(shown),
            Kind::Ours(name) => name,
        };
        let told = match (shown.answers, shown.is_complete()) {
            ([], _) => String::new(),
            ([_], true) => "<p>Your identity provider has ended its session too.</p>".to_owned(),
            (_, true) => "<p>Your identity providers have ended their sessions too.</p>".to_owned(),
            (answers, false) => {
                let answers: String = answers
                    .iter()
                    .zip(shown.names)
                    .map(|(one, name)| {
                        format!("<dt>{}</dt><dd>{}</dd>", escape_markup(name), words(one.answer))
                    })
                    .collect();
                format!(
                    "<p>You may still be signed in elsewhere. On a computer that others use, close all windows of the browser.</p>\
                     <dl id=\"answers\">{answers}</dl>"
                )
            }
        };
        let content = format!(
            "<h1>You are signed out.</h1>{told}<p><a class=\"button\" href=\"{}\">Sign in again</a></p>",
            escape_markup(shown.back)
        );
        look.named(name).page("Signed out", &content)
    }
}

/// Returns what an answer means for the person.
fn words(answer: LogoutAnswer) -> &'static str {
    match answer {
        LogoutAnswer::Complete => "the session is over",
        LogoutAnswer::Partial => "it could not sign you out of every service",
        LogoutAnswer::NotAsked => "it cannot be asked to sign you out: your session there goes on",
        LogoutAnswer::Silent => "it did not answer",
        _ => "it did not confirm that its session is over",
    }
}
