//! Forms that were posted without a session, kept until the person has signed in, and posted again then.
//!
//! Somebody writes a long text, their session ends, they send it: without this it is lost. [`SingleSignOn::sign_in_needed_for`] keeps what was
//! posted and sends the browser to sign in; [`SingleSignOn::kept_form`] answers a page that posts it again, by itself or by a button.
//!
//! What is kept comes from a page of this service, goes back to the path that it was posted to, and to the browser that posted it: a random
//! handle leads to it and a cookie of that browser opens it, once. It is bounded in size, number and time. Files, messages of SAML and what is
//! posted to other places than sign-ins may lead to are not kept: then the browser is sent to sign in as always.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, StatusCode};
use vouchsafe::crypto::{constant_time_eq, hexadecimal};
use vouchsafe::xml::escape_markup;
use vouchsafe::{BindingError, Provider};

use crate::answers::{answer, see_other, with_query};
use crate::error::HttpError;
use crate::form_fields::{FormKind, fields_of};
use crate::same_origin::{Source, source};
use crate::single_sign_on::SingleSignOn;

/// How forms are kept: at which path the page is that posts them again, and how much is kept.
///
/// They are kept in the memory of the process. Of several processes behind one address, the browser has to come back to the same one.
///
/// ```
/// use vouchsafe_web::KeptForms;
///
/// let forms = KeptForms::at("/saml/form").octets_each(32 * 1024).count(100);
/// # let _ = forms;
/// ```
#[derive(Clone, Debug)]
pub struct KeptForms {
    path: String,
    most_octets_each: usize,
    most_octets: usize,
    most: usize,
    lifetime: TimeDelta,
    left_out: Vec<String>,
    kept: Arc<Mutex<Kept>>,
}

impl KeptForms {
    /// With the page at this path, as browsers see it: where [`KEPT_FORM`](crate::KEPT_FORM) is routed. By default 64 KiB each, 256 of them and
    /// 8 MiB altogether, for 10 minutes.
    #[must_use]
    pub fn at(path: &str) -> KeptForms {
        KeptForms {
            path: path.to_owned(),
            most_octets_each: 64 << 10,
            most_octets: 8 << 20,
            most: 256,
            lifetime: TimeDelta::minutes(10),
            left_out: Vec::new(),
            kept: Arc::default(),
        }
    }

    /// The most bytes that one may have as it was posted.
    #[must_use]
    pub fn octets_each(self, most: usize) -> KeptForms {
        KeptForms { most_octets_each: most, ..self }
    }

    /// The most bytes of all together. The oldest are forgotten for a new one.
    #[must_use]
    pub fn octets(self, most: usize) -> KeptForms {
        KeptForms { most_octets: most, ..self }
    }

    /// How many are kept at most. The oldest are forgotten for a new one.
    #[must_use]
    pub fn count(self, most: usize) -> KeptForms {
        KeptForms { most, ..self }
    }

    /// How long one is kept.
    #[must_use]
    pub fn lifetime(self, lifetime: TimeDelta) -> KeptForms {
        KeptForms { lifetime, ..self }
    }

    /// Leaves a field out, such as a password or a token that belongs to the session which is over.
    #[must_use]
    pub fn without_field(mut self, name: &str) -> KeptForms {
        self.left_out.push(name.to_owned());
        self
    }

    /// How many are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().by_handle.len()
    }

    /// Whether none is kept now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most bytes of a body that is worth reading for it.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.most_octets_each
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one more; older ones give way.
    fn keep(&self, handle: String, form: KeptForm, now: DateTime<Utc>) {
        let mut kept = self.lock();
        while let Some((oldest, expires_at)) = kept.in_order.front().cloned() {
            let is_full = kept.by_handle.len() >= self.most
                || kept.octets.saturating_add(form.octets) > self.most_octets;
            if now < expires_at && !is_full {
                break;
            }
            kept.in_order.pop_front();
            kept.forget(&oldest);
        }
        if form.octets > self.most_octets || self.most == 0 {
            return;
        }
        kept.octets = kept.octets.saturating_add(form.octets);
        kept.in_order.push_back((handle.clone(), form.expires_at));
        kept.by_handle.insert(handle, form);
    }

    /// Takes one out, for the browser that proves that it is its own.
    fn take(&self, handle: &str, binding: &str, now: DateTime<Utc>) -> Option<KeptForm> {
        let mut kept = self.lock();
        let form = kept.by_handle.get(handle)?;
        if !constant_time_eq(form.binding.as_bytes(), binding.as_bytes()) {
            return None;
        }
        let form = kept.forget(handle)?;
        kept.in_order.retain(|(other, _)| other != handle);
        (now < form.expires_at).then_some(form)
    }
}

#[derive(Default)]
struct Kept {
    by_handle: HashMap<String, KeptForm>,
    in_order: VecDeque<(String, DateTime<Utc>)>,
    octets: usize,
}

impl Kept {
    fn forget(&mut self, handle: &str) -> Option<KeptForm> {
        let form = self.by_handle.remove(handle)?;
        self.octets = self.octets.saturating_sub(form.octets);
        Some(form)
    }
}

impl fmt::Debug for Kept {
    /// What people wrote is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("count", &self.by_handle.len()).field("octets", &self.octets).finish()
    }
}

/// What was posted.
struct KeptForm {
    target: String,
    kind: FormKind,
    fields: Vec<(String, String)>,
    /// SHA-256 of what the browser holds, in hexadecimal.
    binding: String,
    octets: usize,
    expires_at: DateTime<Utc>,
}

/// Names of fields that are messages, and no form's of an application.
const SAML: [&str; 4] = ["SAMLRequest", "SAMLResponse", "SAMLart", "RelayState"];

impl SingleSignOn {
    /// Keeps forms that are posted without a session, for [`sign_in_needed_for`](Self::sign_in_needed_for). By default none is kept.
    #[must_use]
    pub fn keep_forms(self, forms: KeptForms) -> SingleSignOn {
        self.changed(|inner| {
            inner.return_paths = inner.return_paths.clone().exact(forms.path());
            inner.kept_forms = Some(forms);
        })
    }

    /// How forms are kept, if they are.
    #[must_use]
    pub fn kept_forms(&self) -> Option<&KeptForms> {
        self.inner.kept_forms.as_ref()
    }

    /// As [`sign_in_needed`](Self::sign_in_needed) for whoever posted a form without a session: the form is kept, if it may be, and posted again
    /// after the sign-in. `request` has the address that the browser asked for, above any nesting, and `body` all of what was posted.
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use vouchsafe_web::SingleSignOn;
    /// /// The handler of a form, for a browser that holds no session.
    /// fn nobody(sso: &SingleSignOn, request: &Parts, body: &[u8]) -> Response<String> {
    ///     sso.sign_in_needed_for(request, body)
    /// }
    /// ```
    #[must_use]
    pub fn sign_in_needed_for(&self, request: &Parts, body: &[u8]) -> Response<String> {
        let kept = self.inner.kept_forms.as_ref().and_then(|forms| self.keep_form(forms, request, body));
        match kept {
            Some(Ok(answered)) => answered,
            Some(Err(error)) => self.refuse(&request.headers, error),
            None => self.sign_in_needed(&request.method, &request.uri, &request.headers),
        }
    }

    /// `None` where it is nothing to keep.
    fn keep_form(
        &self,
        forms: &KeptForms,
        request: &Parts,
        body: &[u8],
    ) -> Option<Result<Response<String>, HttpError>> {
        let is_ours = source(&request.headers, self.service_provider()) == Source::Own;
        let is_form = request.method == Method::POST && body.len() <= forms.most_octets_each;
        if !is_ours || !is_form || crate::wants_json(&request.headers) {
            return None;
        }
        let target = request.uri.path_and_query().map(PathAndQuery::as_str)?;
        if self.inner.return_paths.choose(Some(target)).as_str() != target || target == forms.path {
            return None;
        }
        let kind = request.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let (kind, mut fields) = fields_of(kind, body)?;
        if fields.iter().any(|(name, _)| SAML.contains(&name.as_str())) {
            return None;
        }
        fields.retain(|(name, _)| !forms.left_out.contains(name));
        Some(self.kept(forms, target.to_owned(), kind, fields, body.len()))
    }

    fn kept(
        &self,
        forms: &KeptForms,
        target: String,
        kind: FormKind,
        fields: Vec<(String, String)>,
        octets: usize,
    ) -> Result<Response<String>, HttpError> {
        let (provider, now) = (self.service_provider().provider(), self.now());
        let (handle, secret) = (random(provider)?, random(provider)?);
        let expires_at = now.checked_add_signed(forms.lifetime).unwrap_or(now);
        let binding = hash(provider, &secret)?;
        forms.keep(handle.clone(), KeptForm { target, kind, fields, binding, octets, expires_at }, now);
        let cookie = self.cookies().bind_form(&handle, &secret, forms.lifetime.num_seconds());
        let cookie = cookie.ok_or(HttpError::Header { name: "Set-Cookie" })?;
        let back = with_query(&forms.path, &[("kept", &handle)]);
        see_other(&self.way_back(Some(&back), None), [cookie])
    }

    /// The page that posts a kept form again: by itself where scripts run, else by its button. Once; for another browser, or too late, the
    /// browser is sent to where sign-ins usually lead.
    #[must_use]
    pub fn kept_form(&self, request: &Parts) -> Response<String> {
        let found = self.take_form(request);
        let page = match found {
            Ok(Some(form)) => page(&form),
            Ok(None) => see_other(self.inner.return_paths.choose(None).as_str(), []),
            Err(error) => Err(error),
        };
        let mut page = page.unwrap_or_else(|error| self.refuse(&request.headers, error));
        let unbound = self.cookies().unbind_form(&request.headers);
        page.headers_mut().extend(unbound.map(|cookie| (SET_COOKIE, cookie)));
        page
    }

    fn take_form(&self, request: &Parts) -> Result<Option<KeptForm>, HttpError> {
        let (Some(forms), Some((handle, secret))) =
            (&self.inner.kept_forms, self.cookies().form(&request.headers))
        else {
            return Ok(None);
        };
        let query = request.uri.query().unwrap_or_default().as_bytes();
        let asked = form_urlencoded::parse(query).find(|(name, _)| name == "kept").map(|(_, value)| value);
        if asked.as_deref() != Some(&handle) {
            return Ok(None);
        }
        let binding = hash(self.service_provider().provider(), &secret)?;
        Ok(forms.take(&handle, &binding, self.now()))
    }
}

fn random(provider: &Provider) -> Result<String, HttpError> {
    let mut bytes = [0_u8; 16];
    provider.random(&mut bytes).map_err(BindingError::from)?;
    Ok(hexadecimal(&bytes))
}

fn hash(provider: &Provider, secret: &str) -> Result<String, HttpError> {
    Ok(hexadecimal(&provider.sha256(secret.as_bytes()).map_err(BindingError::from)?))
}

/// A field may have the name of the function.
const SUBMIT: &str = "HTMLFormElement.prototype.submit.call(document.forms[0])";

fn page(form: &KeptForm) -> Result<Response<String>, HttpError> {
    let fields: String = form
        .fields
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escape_markup(name), escape_markup(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Your form</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{}</style></head><body><main>\
         <h1>You are signed in again.</h1><p>You had been signed out when you sent a form. What you wrote is still here.</p>\
         <form method=\"post\" action=\"{}\" enctype=\"{}\" accept-charset=\"utf-8\">{fields}<button type=\"submit\">Send it now</button></form>\
         </main><script>{SUBMIT}</script></body></html>",
        crate::refusal_page::STYLE,
        escape_markup(&form.target),
        form.kind.enctype(),
    );
    let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", html);
    let policy = format!(
        "default-src 'none'; script-src '{SUBMIT_HASH}'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy =
        HeaderValue::from_str(&policy).map_err(|_| HttpError::Header { name: "Content-Security-Policy" })?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    // The page's own origin is told to itself alone, so that its form counts as one of ours.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// The SHA-256 of the script, as Content-Security-Policy writes it.
const SUBMIT_HASH: &str = "sha256-ox4bri+xTrW3kuLTyRoak73QX8KZGuyP3JlQYusbSlA=";

#[cfg(test)]
mod tests {
    use super::*;
    use vouchsafe::crypto::base64_encode;

    #[test]
    fn the_hash_is_that_of_the_script() {
        let digest = Provider::rustcrypto().sha256(SUBMIT.as_bytes()).unwrap();
        assert_eq!(SUBMIT_HASH, format!("sha256-{}", base64_encode(&digest)));
    }

    fn form(octets: usize, expires_at: &str) -> KeptForm {
        KeptForm {
            target: "/x".to_owned(),
            kind: FormKind::Urlencoded,
            fields: Vec::new(),
            binding: "b".to_owned(),
            octets,
            expires_at: expires_at.parse().unwrap(),
        }
    }

    #[test]
    fn the_oldest_give_way() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let later = "2026-01-01T00:10:00Z";
        let forms = KeptForms::at("/form").count(3).octets(100);
        for name in ["a", "b", "c", "d"] {
            forms.keep(name.to_owned(), form(10, later), now);
        }
        assert_eq!(forms.len(), 3);
        assert!(forms.take("a", "b", now).is_none() && forms.take("b", "b", now).is_some());
        forms.keep("e".to_owned(), form(95, later), now);
        assert_eq!((forms.len(), forms.lock().octets), (1, 95), "c and d had to go");
        forms.keep("f".to_owned(), form(101, later), now);
        assert!(forms.is_empty(), "what is larger than everything is not kept");
        assert_eq!(forms.lock().octets, 0);
    }

    #[test]
    fn a_form_is_taken_once_by_its_browser_and_in_time() {
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let forms = KeptForms::at("/form");
        forms.keep("a".to_owned(), form(10, "2026-01-01T00:10:00Z"), now);
        assert!(forms.take("a", "other", now).is_none(), "of another browser");
        assert!(forms.take("a", "b", now).is_some());
        assert!(forms.take("a", "b", now).is_none(), "once");
        forms.keep("l".to_owned(), form(10, "2026-01-01T00:10:00Z"), now);
        let late = "2026-01-01T00:10:00Z".parse().unwrap();
        assert!(forms.take("l", "b", late).is_none());
        assert!(forms.is_empty() && forms.lock().in_order.is_empty());
    }
}
