//! The page on which a person chooses an identity provider.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use vouchsafe::ETag;
use vouchsafe::crypto::{base64_encode, own_sha256};
use vouchsafe::metadata::Logo;

use crate::answers::{answer, answer_with_tag, login_url, tag_text, wants_json};
use crate::choice::{Choice, is_own_image, is_web};
use crate::chooser_page;
use crate::chooser_view::{ChooserView, ShownChoice};
use crate::identity_provider_list::{FoundChoices, IdentityProviderList};
use crate::paths::LOGIN;

/// A page for choosing an identity provider, and the list of identity providers for choosers in JavaScript.
///
/// It works without JavaScript: it has a search form and links. With JavaScript the list follows the typed text, and
/// the arrow keys move through it. Each answer has at most 50 identity providers, whatever the size of the
/// federation. A link leads to the [login](crate::SingleSignOn::login) with the entityID as the person's input;
/// [`Federation`](crate::Federation) finds a connection by it.
///
/// Logos that are contained in the metadata (`data:`) are shown. Logos at other addresses are loaded only if
/// configured, because their owners then learn who looks at the page.
///
/// ```
/// # let metadata = vouchsafe_testkit::IdentityProvider::okta().metadata()?;
/// use vouchsafe::metadata::Aggregate;
/// use vouchsafe_web::{Chooser, IdentityProviderList};
///
/// let list = IdentityProviderList::of_aggregate(&Aggregate::read(metadata)?);
/// let chooser = Chooser::new(list).name("Example Analytics");
/// # let _ = chooser;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Chooser {
    shown: Arc<RwLock<Arc<Shown>>>,
    login_path: String,
    name: String,
    logos_of_others: bool,
    renderer: Option<Renderer>,
}

/// The list, and the forms of it that are computed once.
struct Shown {
    list: IdentityProviderList,
    feed: Arc<[u8]>,
    etag: ETag,
}

type Renderer = Arc<dyn Fn(&ChooserView<'_>) -> String + Send + Sync>;

/// The maximum number of choices on a page.
const MOST: usize = 50;

impl Chooser {
    /// Makes a chooser of these identity providers.
    #[must_use]
    pub fn new(list: IdentityProviderList) -> Chooser {
        Chooser {
            shown: Arc::new(RwLock::new(Arc::new(Shown::of(list)))),
            login_path: LOGIN.to_owned(),
            name: String::new(),
            logos_of_others: false,
            renderer: None,
        }
    }

    /// Sets the application's name on the page.
    #[must_use]
    pub fn name(self, name: &str) -> Chooser {
        Chooser { name: name.to_owned(), ..self }
    }

    /// Sets the path of the login, if it is not [`LOGIN`] or is nested.
    #[must_use]
    pub fn login_path(self, path: &str) -> Chooser {
        Chooser { login_path: path.to_owned(), ..self }
    }

    /// Allows logos to be loaded from the addresses in the metadata, over https. Their owners learn who looks at the
    /// page.
    #[must_use]
    pub fn load_logos_of_others(self) -> Chooser {
        Chooser { logos_of_others: true, ..self }
    }

    /// Sets a page that the application makes: HTML, sent with a Content-Security-Policy that allows inline styles,
    /// images of the application's own and those of the logos, a form that leads to the same site, and no script.
    #[must_use]
    pub fn rendered_by(self, render: impl Fn(&ChooserView<'_>) -> String + Send + Sync + 'static) -> Chooser {
        Chooser { renderer: Some(Arc::new(render)), ..self }
    }

    /// Replaces the list in all clones, for example after a refresh of the metadata.
    pub fn replace(&self, list: IdentityProviderList) {
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Shown::of(list));
    }

    /// Answers the page: `q` in the query is the search text, `return` a path of the application's. A client that
    /// asks for JSON receives the same choices as
    /// `{"total", "choices": [{"name", "entity_id", "is_ambiguous", "address", "logo"}]}`.
    #[must_use]
    pub fn page(&self, request: &Parts) -> Response<String> {
        let query = request.uri.query().unwrap_or_default();
        let field = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name).map(|(_, value)| value)
        };
        let search = field("q").unwrap_or_default();
        // The login checks whether it may lead there.
        let return_to = field("return");
        let languages = languages(&request.headers);
        let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
        let shown = Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner));
        let FoundChoices { choices, total, .. } = shown.list.search(&search, &languages, MOST);
        let choices: Vec<ShownChoice<'_>> = choices
            .into_iter()
            .map(|choice| {
                let is_ambiguous = shown.list.is_ambiguous(choice, &languages);
                ShownChoice { is_ambiguous, ..self.shown_choice(choice, &languages, return_to.as_deref()) }
            })
            .collect();
        let view = ChooserView {
            name: &self.name,
            search: &search,
            return_to: return_to.as_deref(),
            choices: &choices,
            total,
        };
        self.answer(request, &view)
    }

    fn answer(&self, request: &Parts, view: &ChooserView<'_>) -> Response<String> {
        let (mut response, script) = if wants_json(&request.headers) {
            (answer(StatusCode::OK, "application/json", chooser_page::json(view)), None)
        } else {
            let (page, script) = match &self.renderer {
                Some(render) => (render(view), None),
                None => (chooser_page::html(view), Some(chooser_page::SCRIPT)),
            };
            (answer(StatusCode::OK, "text/html; charset=utf-8", page), script)
        };
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&self.policy(script)) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
        response
    }

    /// The policy allows inline styles, this script only, and the images that may be shown.
    fn policy(&self, script: Option<&str>) -> String {
        let logos = if self.logos_of_others { " https:" } else { "" };
        let script = script.map_or_else(String::new, |script| {
            let digest = base64_encode(&own_sha256(script.as_bytes()));
            format!("script-src 'sha256-{digest}'; connect-src 'self'; ")
        });
        format!(
            "default-src 'none'; {script}style-src 'unsafe-inline'; img-src 'self' data:{logos}; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        )
    }

    /// Answers the [DiscoFeed](IdentityProviderList::feed): the whole list as JSON, for choosers in JavaScript. All
    /// answers share one copy of it, which a framework sends without copying it (`bytes::Bytes::from_owner`).
    ///
    /// It is not compressed here. A list of 3,300 identity providers has 5.6 MB, and 0.4 MB with gzip, so the reverse proxy or
    /// the application should compress it, as its other answers: there `Accept-Encoding` is read, and `Vary` is written. Such a
    /// layer compresses each whole answer anew, which takes 65 ms for that list, or 17 ms and 0.6 MB at the fastest level. A
    /// browser that has the list gets status 304.
    #[must_use]
    pub fn feed(&self, headers: &HeaderMap) -> Response<Arc<[u8]>> {
        let shown = Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner));
        let feed = || Ok(Arc::clone(&shown.feed));
        answer_with_tag(headers, &shown.etag, "application/json", feed)
            .unwrap_or_else(|never: Infallible| match never {})
    }

    fn shown_choice<'c>(
        &self,
        choice: &'c Choice,
        languages: &[&str],
        return_to: Option<&str>,
    ) -> ShownChoice<'c> {
        let is_loaded = |logo: &Logo| {
            self.logos_of_others && logo.address().starts_with("https://") && is_web(logo.address())
        };
        let may_be_shown = |logo: &&Logo| is_own_image(logo) || is_loaded(logo);
        let logos = choice.user_interface().logos().iter().filter(may_be_shown);
        // The logo whose height is closest to that of a row is used.
        let logo = logos.min_by_key(|logo| logo.height().abs_diff(ROW));
        let address = match return_to {
            Some(return_to) => login_url(&self.login_path, choice.entity_id(), return_to),
            None => crate::answers::with_query(&self.login_path, &[("organization", choice.entity_id())]),
        };
        let (name, entity_id) = (choice.name(languages), choice.entity_id());
        ShownChoice { name, entity_id, is_ambiguous: false, logo, address }
    }
}

/// The height of a row's logo in pixels.
const ROW: u32 = 32;

impl Shown {
    fn of(list: IdentityProviderList) -> Shown {
        let feed = list.feed();
        let etag = ETag::strong(&tag_text(&own_sha256(feed.as_bytes())));
        Shown { etag, feed: feed.into_bytes().into(), list }
    }
}

impl fmt::Debug for Chooser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chooser").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns the languages that the browser asks for, the most wanted first.
fn languages(headers: &HeaderMap) -> Vec<String> {
    let asked = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut wanted: Vec<(f32, &str)> = asked
        .flat_map(|value| value.split(','))
        .take(20)
        .filter_map(|one| {
            let (tag, parameters) = one.split_once(';').unwrap_or((one, ""));
            let quality =
                parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
            Some((quality, tag.trim()))
                .filter(|(quality, tag)| *quality > 0.0 && !tag.is_empty() && *tag != "*")
        })
        .collect();
    wanted.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    wanted.into_iter().map(|(_, tag)| tag.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_as_the_browser_asks_for_them() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(value).unwrap());
            languages(&headers)
        };
        assert_eq!(of("de-CH, fr;q=0.9, en;q=0.95, *;q=0.5"), ["de-CH", "en", "fr"]);
        assert_eq!(of("en;q=0, de;q=nothing, fr"), ["fr"]);
        assert!(languages(&HeaderMap::new()).is_empty());
    }
}
