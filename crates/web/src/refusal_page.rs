//! The page that a browser sees after a refusal.
//!
//! It has one constant sentence, a reference, and a link back. The failed check, the identity provider and the person
//! appear only in the log.

use std::fmt;
use std::sync::Arc;

use vouchsafe::xml::escape_markup;

use crate::escaped_text::EscapedText;
use crate::page_look::PageLook;
use crate::reference::Reference;

/// The content of the page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefusalView<'a> {
    /// The one sentence, or that of [`HttpError::refused_with`](crate::HttpError::refused_with), which may contain text of
    /// an identity provider.
    pub message: EscapedText<'a>,
    /// The reference for the support.
    pub reference: &'a Reference,
    /// A path of the application's, where the person can start again; it includes the path to which they wanted to
    /// go.
    pub back: EscapedText<'a>,
    /// What was refused.
    pub attempt: RefusedAttempt,
}

/// The action that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum RefusedAttempt {
    /// A sign-in.
    #[default]
    SignIn,
    /// A sign-out. If the person started it here, the session in this service has ended anyway.
    SignOut,
    /// A sign-out here that has changed nothing yet: the session in this service may go on.
    SignOutHere,
    /// A change or an end of the person's name, requested by an identity provider or by this service.
    NameChange,
}

impl RefusedAttempt {
    /// Returns the name in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RefusedAttempt::SignIn => "sign-in",
            RefusedAttempt::SignOut | RefusedAttempt::SignOutHere => "sign-out",
            RefusedAttempt::NameChange => "change of a name",
        }
    }

    /// Returns the title, a further text for the person, the text before the reference, and that of the link back.
    fn words(self) -> [&'static str; 4] {
        match self {
            RefusedAttempt::SignIn => ["Not signed in", "", TRY_AGAIN, "Try again"],
            RefusedAttempt::SignOut => ["Not signed out", SIGNED_OUT_HERE, ASK, "Back"],
            RefusedAttempt::SignOutHere => ["Not signed out", STILL_SIGNED_IN, TRY_AGAIN, "Back"],
            RefusedAttempt::NameChange => ["Name not changed", "", ASK, "Back"],
        }
    }
}

/// The page of a refusal: a plain one in the application's colours, or one that the application makes.
///
/// ```
/// use vouchsafe_web::RefusalPage;
///
/// let page = RefusalPage::new("Loadbench").colors("#2f5bd8", "#f5f7f9");
/// // The texts are escaped when they are formatted.
/// let own = RefusalPage::rendered_by(|shown| format!("<p>{} {}</p>", shown.message, shown.reference.as_str()));
/// # let _ = (page, own);
/// ```
#[derive(Clone)]
pub struct RefusalPage(Kind);

type Renderer = Arc<dyn Fn(&RefusalView<'_>) -> String + Send + Sync>;

#[derive(Clone)]
enum Kind {
    Ours(PageLook),
    Rendered(Renderer),
}

impl Default for RefusalPage {
    fn default() -> RefusalPage {
        RefusalPage::new("")
    }
}

impl fmt::Debug for RefusalPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalPage(…)")
    }
}

impl RefusalPage {
    /// Makes the plain page, with the application's name above the sentence.
    #[must_use]
    pub fn new(name: &str) -> RefusalPage {
        RefusalPage(Kind::Ours(PageLook::new(name)))
    }

    /// Sets the colours of the link and of the page, each as `#` and 3 to 8 hexadecimal digits. Other values are
    /// ignored. The plain page at the end of a sign-out and that of a kept form have the same
    /// colours.
    #[must_use]
    pub fn colors(self, accent: &str, background: &str) -> RefusalPage {
        match self.0 {
            Kind::Ours(look) => RefusalPage(Kind::Ours(look.colors(accent, background))),
            rendered => RefusalPage(rendered),
        }
    }

    /// Makes a page of the application: HTML, sent with a Content-Security-Policy that allows inline styles, images
    /// of the application's own, and no script. The texts of the view are [escaped](EscapedText) when they are formatted;
    /// escape every other text.
    #[must_use]
    pub fn rendered_by(render: impl Fn(&RefusalView<'_>) -> String + Send + Sync + 'static) -> RefusalPage {
        RefusalPage(Kind::Rendered(Arc::new(render)))
    }

    /// Returns the look of the plain page, which other pages have too: the default one if the application makes the page.
    pub(crate) fn look(&self) -> PageLook {
        match &self.0 {
            Kind::Ours(look) => look.clone(),
            Kind::Rendered(_) => PageLook::new(""),
        }
    }

    pub(crate) fn render(&self, shown: &RefusalView<'_>) -> String {
        let look = match &self.0 {
            Kind::Rendered(render) => return render(shown),
            Kind::Ours(look) => look,
        };
        let [title, more, ask, way_back] = shown.attempt.words();
        let content = format!(
            "<h1>{}</h1>{more}<p>{ask}</p>\
             <p><code id=\"reference\">{}</code></p><p><a class=\"button\" href=\"{}\">{way_back}</a></p>",
            shown.message,
            escape_markup(shown.reference.as_str()),
            shown.back,
        );
        look.page(title, &content)
    }
}

const TRY_AGAIN: &str = "Try again, or ask your administrator and name this reference:";

/// The text for what the person did not begin, or what has its effect already.
const ASK: &str = "If you have questions, ask your administrator and name this reference:";

/// The text if the session in this service could not be ended.
const STILL_SIGNED_IN: &str = "<p>You may still be signed in to this service.</p>";

/// The text for every sign-out that was started here: the session in this service has ended, whatever an identity
/// provider answers.
const SIGNED_OUT_HERE: &str = "<p>If you signed out here, you are signed out of this service. Elsewhere your sessions may go on: on a computer \
                               that others use, close all windows of the browser.</p>";

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::Provider;

    #[test]
    fn nothing_leaves_its_place() {
        let reference = Reference::new(&Provider::rustcrypto());
        let nasty = "\"><script>alert('x')</script>";
        let shown = RefusalView {
            message: EscapedText::new("No."),
            reference: &reference,
            back: EscapedText::new(nasty),
            attempt: RefusedAttempt::SignOut,
        };
        let page = RefusalPage::new(nasty).colors("red;}</style><script>", "#12345g").render(&shown);
        assert!(!page.contains("<script>"));
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(page.contains("--accent:#2f5bd8;--back:#ffffff}"));
        assert!(page.contains(reference.as_str()));
        let own = RefusalPage::rendered_by(|shown| format!("{}{}", shown.message, shown.back)).render(&shown);
        assert!(!own.contains("<script>"), "{own}");
        let page = RefusalPage::new("Loadbench").colors("#abc", "#01020304").render(&shown);
        assert!(page.contains("--accent:#abc;--back:#01020304}"));
        assert!(page.contains("<p class=\"name\">Loadbench</p>"));
        assert!(
            page.contains("you are signed out of this service") && page.contains("<title>Not signed out")
        );
    }
}
