//! The appearance of the set-up portal's pages: the application's name, logo, stylesheet and contact, or its own
//! layout.

use std::fmt;
use std::sync::Arc;

use vouchsafe::WebAddress;
use vouchsafe::metadata::MetadataError;
use vouchsafe::xml::escape_markup;

use crate::escaped_text::EscapedText;

/// The application's settings for the pages of the set-up portal.
///
/// ```
/// use vouchsafe_web::SetUpBrand;
///
/// let brand = SetUpBrand::new("Loadbench")
///     .logo("/static/logo.svg")?
///     .stylesheet("https://cdn.example.com/loadbench.css")?
///     .support("Write to support@loadbench.example, or call +49 30 123456.");
/// # let _ = brand;
/// # Ok::<(), vouchsafe::metadata::MetadataError>(())
/// ```
#[derive(Clone, Default)]
pub struct SetUpBrand {
    name: String,
    logo: Option<Source>,
    stylesheet: Option<Source>,
    support: String,
    layout: Option<Layout>,
}

type Layout = Arc<dyn Fn(&SetUpView<'_>) -> String + Send + Sync>;

/// An address of the application: a path of its own, or an absolute address.
#[derive(Clone)]
struct Source {
    address: String,
    /// The origin for the Content-Security-Policy, unless it is our own.
    origin: Option<String>,
}

impl Source {
    fn new(address: &str) -> Result<Source, MetadataError> {
        let is_own = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
        let origin = match is_own {
            true => None,
            false => Some(WebAddress::new(address)?.origin()),
        };
        Ok(Source { address: address.to_owned(), origin })
    }

    fn allowed(source: Option<&Source>) -> String {
        let origin = source.and_then(|source| source.origin.as_deref());
        origin.map(|origin| format!(" {origin}")).unwrap_or_default()
    }
}

/// A page of the set-up portal, for a layout of the application.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SetUpView<'a> {
    /// The title.
    pub title: EscapedText<'a>,
    /// The name of the organization; empty if no link was opened.
    pub organization: EscapedText<'a>,
    /// The content, as HTML, which begins with the heading `h1`.
    pub content: &'a str,
    /// The path of the stylesheet for the content.
    pub stylesheet: EscapedText<'a>,
}

impl SetUpBrand {
    /// Makes a brand with the name of the service.
    #[must_use]
    pub fn new(name: &str) -> SetUpBrand {
        SetUpBrand { name: name.to_owned(), ..SetUpBrand::default() }
    }

    /// Sets the address of a logo: a path of the application's own, or an absolute address.
    ///
    /// # Errors
    /// `metadata.web_address` if it is neither.
    pub fn logo(self, address: &str) -> Result<SetUpBrand, MetadataError> {
        Ok(SetUpBrand { logo: Some(Source::new(address)?), ..self })
    }

    /// Sets the address of a stylesheet, which is loaded after the portal's own. It may set the custom properties
    /// `--accent`, `--back`, `--card`, `--ink`, `--soft` and `--line`.
    ///
    /// # Errors
    /// `metadata.web_address` if it is neither a path of the application's own nor an absolute address.
    pub fn stylesheet(self, address: &str) -> Result<SetUpBrand, MetadataError> {
        Ok(SetUpBrand { stylesheet: Some(Source::new(address)?), ..self })
    }

    /// Sets the text that tells people where to get help.
    #[must_use]
    pub fn support(self, text: &str) -> SetUpBrand {
        SetUpBrand { support: text.to_owned(), ..self }
    }

    /// Lets the application make the whole page. It is sent with the Content-Security-Policy of the portal's own
    /// pages, which allows no script, the application's own styles and images, and those of
    /// [`stylesheet`](Self::stylesheet) and [`logo`](Self::logo).
    ///
    /// ```
    /// use vouchsafe_web::SetUpBrand;
    ///
    /// let brand = SetUpBrand::new("Loadbench").layout(|page| {
    ///     format!(
    ///         "<!DOCTYPE html><html lang=\"en\"><title>{}</title><link rel=\"stylesheet\" href=\"{}\"><main>{}</main></html>",
    ///         page.title, page.stylesheet, page.content
    ///     )
    /// });
    /// # let _ = brand;
    /// ```
    #[must_use]
    pub fn layout(self, layout: impl Fn(&SetUpView<'_>) -> String + Send + Sync + 'static) -> SetUpBrand {
        SetUpBrand { layout: Some(Arc::new(layout)), ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn content_security_policy(&self) -> String {
        format!(
            "default-src 'none'; style-src 'self'{}; img-src 'self'{}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            Source::allowed(self.stylesheet.as_ref()),
            Source::allowed(self.logo.as_ref()),
        )
    }

    pub(super) fn render(&self, view: &SetUpView<'_>) -> String {
        if let Some(layout) = &self.layout {
            return layout(view);
        }
        let own = self
            .stylesheet
            .iter()
            .map(|source| format!("<link rel=\"stylesheet\" href=\"{}\">", escape_markup(&source.address)));
        let logo = self.logo.iter().map(|source| {
            format!("<img class=\"logo\" src=\"{}\" alt=\"\">", escape_markup(&source.address))
        });
        let name = escape_markup(&self.name);
        let organization = match view.organization.is_empty() {
            true => String::new(),
            false => format!("<span class=\"organization\">{}</span>", view.organization),
        };
        let support = match self.support.is_empty() {
            true => String::new(),
            false => format!("<footer><p>{}</p></footer>", escape_markup(&self.support)),
        };
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}{}{name}</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"{}\">{}</head><body>\
             <header>{}<span class=\"name\">{name}</span>{organization}</header><main>{}</main>{support}</body></html>",
            view.title,
            if name.is_empty() { "" } else { " · " },
            view.stylesheet,
            own.collect::<String>(),
            logo.collect::<String>(),
            view.content,
        )
    }
}

impl fmt::Debug for SetUpBrand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetUpBrand").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "\"><script>alert('x')</script>";

    #[test]
    fn what_the_application_gives_stays_in_its_place() {
        let brand = SetUpBrand::new(NASTY)
            .support(NASTY)
            .logo("/logo.svg?\"><script>")
            .unwrap()
            .stylesheet("https://cdn.example.com/a.css")
            .unwrap();
        let view = SetUpView {
            title: EscapedText::new(NASTY),
            organization: EscapedText::new(NASTY),
            content: "<h1>x</h1>",
            stylesheet: EscapedText::new("/set-up/style.css"),
        };
        let page = brand.render(&view);
        assert!(!page.contains("<script>") && page.contains("<main><h1>x</h1></main>"), "{page}");
        let policy = brand.content_security_policy();
        assert!(policy.contains("style-src 'self' https://cdn.example.com;"), "{policy}");
        assert!(policy.contains("img-src 'self';") && !policy.contains("unsafe"), "{policy}");
    }

    #[test]
    fn an_address_is_a_path_of_ours_or_an_address() {
        for refused in
            ["", "logo.svg", "//evil.example/x", "/\\evil.example", "javascript:alert(1)", "data:image/png,"]
        {
            assert!(SetUpBrand::new("x").logo(refused).is_err(), "{refused}");
            assert!(SetUpBrand::new("x").stylesheet(refused).is_err(), "{refused}");
        }
        assert!(SetUpBrand::new("x").logo("/logo.svg").is_ok());
    }
}
