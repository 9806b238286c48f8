//! A page of the portal, and the result of a step.

use http::{HeaderValue, Response, StatusCode};
use vouchsafe::console::Console;
use vouchsafe_store::SetUpLink;

use super::error::SetUpError;
use super::markup::{Markup, Problem, minute};
use super::settings::SetUp;

/// The result of a step.
pub(super) enum Next {
    Page(Page),
    /// A redirect to another step.
    Step(&'static str),
    /// An answer that was already made.
    Answer(Box<Response<String>>),
}

/// A page to show.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) content: Markup,
    pub(super) status: StatusCode,
    pub(super) cookie: Option<HeaderValue>,
}

impl Page {
    /// Makes a page whose title is its first heading.
    pub(super) fn new(title: &str, content: impl FnOnce(Markup) -> Markup) -> Page {
        let content = content(Markup::default().title(title));
        Page { title: title.to_owned(), content, status: StatusCode::OK, cookie: None }
    }

    pub(super) fn with(self, status: StatusCode) -> Page {
        Page { status, ..self }
    }

    /// Makes a page that shows only an error.
    pub(super) fn problem(error: &SetUpError, console: Option<Console>, back: &str) -> Page {
        let problem = Problem::of(error, console, None);
        Page::new("Set up single sign-on", |page| {
            let page = page.problem(&problem);
            if back.is_empty() { page } else { page.link("button quiet", back, "Back to the overview") }
        })
    }

    /// Makes the page to which a link leads.
    pub(super) fn landing(set_up: &SetUp, organization: &str, link: &SetUpLink, secret: &str) -> Page {
        let service = set_up.0.brand.name();
        let at = if service.is_empty() { String::new() } else { format!(" at {service}") };
        let until = minute(link.expires_at);
        Page::new(&format!("Set up single sign-on for {organization}{at}"), |page| {
            page.card("Before you begin", |card| {
                card.paragraph(&format!(
                    "This link is for an administrator of the identity provider of {organization}. Go on only if you expected it."
                ))
                .paragraph("You need access to the console of your identity provider. Nothing changes for anybody until you activate the connection at the end.")
                .note(&format!("The link works until {until}."))
                .form(&set_up.at("begin"), "", |form| form.hidden("secret", secret).button("Begin"))
            })
        })
    }

    /// Makes the page of a link with which a connection was activated.
    pub(super) fn done(organization: &str) -> Page {
        Page::new(&format!("Single sign-on is set up for {organization}"), |page| {
            page.success("The connection is active. People sign in over it from now on.")
                .paragraph("This link is used up. For a later change, such as a new certificate, ask whoever sent it to renew it.")
        })
    }
}

/// Adds the problem at the top of a page.
pub(super) fn shown(page: Markup, problem: Option<&Problem>) -> Markup {
    match problem {
        Some(problem) => page.problem(problem),
        None => page,
    }
}
