//! Forms that were posted without a session. They are kept until the person has signed in, and can then be posted
//! again.
//!
//! Without this, a long text is lost if the session ends before the person sends it.
//! [`SingleSignOn::sign_in_needed_for`] keeps the posted form and sends the browser to sign in;
//! [`SingleSignOn::kept_form`] answers a page with a button that posts it again. The page does not post
//! automatically, since it is not known who sent the form: on a shared computer, another person may have signed in.
//!
//! A kept form comes from a page of this service. It goes back only to the path to which it was posted, and only to
//! the browser that posted it: a random handle finds it, and a cookie of that browser decrypts it. It is posted once. It is
//! encrypted with a key in that cookie, so that the store and its backups contain nothing readable. Size, number and
//! time are limited. Files, SAML messages and posts to paths that a sign-in may not lead to are not kept: then the
//! browser is only sent to sign in.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use vouchsafe::crypto::{ContentCipher, SecretBytes, from_hexadecimal, hexadecimal};
use vouchsafe::xml::escape_markup;
use vouchsafe::{BindingError, Provider};
use vouchsafe_store::SealedForm;

use crate::answers::{answer, see_other, with_query};
use crate::error::HttpError;
use crate::form_fields::{FormKind, fields_of};
use crate::kept_forms::KeptForms;
use crate::page_look::PageLook;
use crate::same_origin::{Source, source};
use crate::single_sign_on::SingleSignOn;

/// The posted form.
#[derive(Serialize, Deserialize)]
struct KeptForm {
    kept_at: DateTime<Utc>,
    target: String,
    kind: FormKind,
    fields: Vec<(String, String)>,
}

/// The cipher that encrypts the form with a key that only the browser holds. It is authenticated, so an altered form
/// cannot be decrypted.
const CIPHER: ContentCipher = ContentCipher::Aes256Gcm;

impl KeptForm {
    fn sealed(&self, provider: &Provider, key: &SecretBytes) -> Result<Vec<u8>, HttpError> {
        let plain = serde_json::to_vec(self).map_err(|error| HttpError::unavailable("kept form", error))?;
        Ok(provider.encrypt_content(CIPHER, key.as_slice(), &plain).map_err(BindingError::from)?)
    }

    /// Decrypts a form; `None` if it was not encrypted with this key.
    fn opened(sealed: &[u8], provider: &Provider, key: &SecretBytes) -> Option<KeptForm> {
        let plain = provider.decrypt_content(CIPHER, key.as_slice(), sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

/// The browser's secret: the key in hexadecimal.
struct Secret(String);

impl Secret {
    fn new(provider: &Provider) -> Result<Secret, HttpError> {
        Ok(Secret(random::<32>(provider)?))
    }

    fn key(&self) -> Option<SecretBytes> {
        from_hexadecimal::<32>(&self.0).map(|key| SecretBytes::new(key.to_vec()))
    }

    /// The hash by which the store checks that the form belongs to this browser.
    fn hash(&self, provider: &Provider) -> Result<String, HttpError> {
        Ok(hexadecimal(&provider.sha256(self.0.as_bytes()).map_err(BindingError::from)?))
    }
}

/// The names of fields that contain SAML messages and no form of an application.
const SAML: [&str; 4] = ["SAMLRequest", "SAMLResponse", "SAMLart", "RelayState"];

impl SingleSignOn {
    /// Keeps forms that are posted without a session, for [`sign_in_needed_for`](Self::sign_in_needed_for). By
    /// default none are kept.
    #[must_use]
    pub fn keep_forms(self, forms: KeptForms) -> SingleSignOn {
        self.changed(|inner| {
            inner.return_paths = inner.return_paths.clone().and(forms.path());
            inner.kept_forms = Some(forms);
        })
    }

    /// The settings for kept forms, if they are kept.
    #[must_use]
    pub fn kept_forms(&self) -> Option<&KeptForms> {
        self.inner.kept_forms.as_ref()
    }

    /// Does the same as [`sign_in_needed`](Self::sign_in_needed) for a form that was posted without a session: the
    /// form is kept, if it may be, and can be posted again after the sign-in. A form that a script sends is not kept, and
    /// neither is one of a client that starts too much ([`StartLimiter`](crate::StartLimiter)). `request` has the address that the
    /// browser asked for, outside of any nesting, and `body` the whole posted body.
    ///
    /// ```
    /// # use http::{Response, request::Parts};
    /// # use vouchsafe_web::SingleSignOn;
    /// /// The handler of a form, for a browser that holds no session.
    /// async fn nobody(sso: &SingleSignOn, request: &Parts, body: &[u8]) -> Response<String> {
    ///     sso.sign_in_needed_for(request, body).await
    /// }
    /// ```
    pub async fn sign_in_needed_for(&self, request: &Parts, body: &[u8]) -> Response<String> {
        let kept = match self.form_to_keep(request, body) {
            // Anybody can post forms, as anybody can start a sign-in.
            Some((forms, form)) if self.count_start(request).is_ok() => {
                self.keep(forms, &form, self.inner.address_of(request)).await
            }
            _ => Ok(None),
        };
        match kept {
            Ok(Some(answered)) => answered,
            Ok(None) => self.sign_in_needed(&request.method, &request.uri, &request.headers),
            Err(error) => self.refuse(&request.headers, error),
        }
    }

    /// Returns the form to keep; `None` if it may not be kept.
    fn form_to_keep(&self, request: &Parts, body: &[u8]) -> Option<(&KeptForms, KeptForm)> {
        let forms = self.inner.kept_forms.as_ref()?;
        let is_ours = source(&request.headers, self.service_provider()) == Source::Own;
        let is_form = request.method == Method::POST && body.len() <= forms.most_bytes_each;
        if !is_ours || !is_form || !is_navigation(&request.headers) || crate::wants_json(&request.headers) {
            return None;
        }
        let target = request.uri.path_and_query().map(PathAndQuery::as_str)?;
        if self.inner.return_paths.choose(Some(target)).as_str() != target || target == forms.path.as_str() {
            return None;
        }
        let kind = request.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let (kind, mut fields) = fields_of(kind, body)?;
        if fields.iter().any(|(name, _)| SAML.contains(&name.as_str())) {
            return None;
        }
        fields.retain(|(name, _)| !forms.left_out.contains(name));
        Some((forms, KeptForm { kept_at: self.now(), target: target.to_owned(), kind, fields }))
    }

    /// Stores a form; `None` if it is larger than the limit, or if the cipher is not allowed.
    async fn keep(
        &self,
        forms: &KeptForms,
        form: &KeptForm,
        address: Option<IpAddr>,
    ) -> Result<Option<Response<String>>, HttpError> {
        let (provider, now, limits) = (self.service_provider().provider(), self.now(), forms.limits());
        let (handle, secret) = (random::<16>(provider)?, Secret::new(provider)?);
        let Some(key) = secret.key().filter(|_| provider.accepts_cipher(CIPHER)) else { return Ok(None) };
        let lifetime = TimeDelta::from_std(forms.lifetime).ok();
        let sealed = SealedForm {
            handle: handle.clone(),
            binding_hash: secret.hash(provider)?,
            sealed: form.sealed(provider, &key)?,
            expires_at: lifetime.and_then(|lifetime| now.checked_add_signed(lifetime)).unwrap_or(now),
            network: address.map(|address| forms.network_key.number(address, provider)).transpose()?,
        };
        if !limits.allow(&sealed) {
            return Ok(None);
        }
        forms.store.keep_form(&sealed, limits, now).await?;
        let cookie = self.cookies().bind_form(
            &handle,
            &secret.0,
            i64::try_from(forms.lifetime.as_secs()).unwrap_or(i64::MAX),
        );
        let cookie = cookie.ok_or(HttpError::Header { name: "Set-Cookie" })?;
        let back = with_query(forms.path.as_str(), &[("kept", &handle)]);
        see_other(&self.way_back(Some(&back), None), [cookie]).map(Some)
    }

    /// Answers a GET with a page with a button that posts a kept form again. The page can be reloaded until then. The
    /// button posts to this page first: a POST takes the form out of the store, so that it is posted once, and sends the
    /// browser on with its form (status 307). Another browser, or one that is late, is redirected to the default path of
    /// sign-ins. A request by another method, or not for this browser's form, leaves the form in the store. The page has the
    /// name and the colours of the [refusal page](Self::refusal_page), unless the application makes that page itself.
    ///
    /// Route both methods, and read the body of a POST before you call this; it is not used.
    pub async fn kept_form(&self, request: &Parts) -> Response<String> {
        let home = self.inner.return_paths.choose(None);
        let answered = match self.asked_form(request) {
            Some(asked) if request.method == Method::POST => self.send_on(request, asked).await,
            Some((forms, handle, secret)) => {
                let again = with_query(forms.path.as_str(), &[("kept", &handle)]);
                let (ways, look) = ((again.as_str(), home.as_str()), self.inner.refusal_page.look());
                let stored = self.stored_form(forms, &handle, &secret, false).await;
                stored.map(|form| form.map(|form| page(&form, ways, &look, self.now())))
            }
            None => Ok(None),
        };
        let answered = match answered {
            Ok(Some(answered)) => Ok(answered),
            Ok(None) => see_other(home.as_str(), []),
            // The form may still be stored, and the browser may try again.
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| self.refuse(&request.headers, error))
    }

    /// Takes the form out, and has the browser post it to where it was posted before.
    async fn send_on(
        &self,
        request: &Parts,
        (forms, handle, secret): (&KeptForms, String, Secret),
    ) -> Result<Option<Response<String>>, HttpError> {
        let Some(form) = self.stored_form(forms, &handle, &secret, true).await? else { return Ok(None) };
        let mut answered = see_other(&form.target, self.cookies().unbind_form(&request.headers))?;
        *answered.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        Ok(Some(answered))
    }

    /// Returns the handle and the secret of the requested form, if it is the one that this browser holds. A link of
    /// another site does not know the handle.
    fn asked_form(&self, request: &Parts) -> Option<(&KeptForms, String, Secret)> {
        let (handle, secret) = self.cookies().form(&request.headers)?;
        let query = request.uri.query().unwrap_or_default().as_bytes();
        let (_, asked) = form_urlencoded::parse(query).find(|(name, _)| name == "kept")?;
        let is_asked = [Method::GET, Method::POST].contains(&request.method) && asked == handle;
        let forms = self.inner.kept_forms.as_ref().filter(|_| is_asked)?;
        Some((forms, handle, Secret(secret)))
    }

    async fn stored_form(
        &self,
        forms: &KeptForms,
        handle: &str,
        secret: &Secret,
        takes_it: bool,
    ) -> Result<Option<KeptForm>, HttpError> {
        let provider = self.service_provider().provider();
        let Some(key) = secret.key() else { return Ok(None) };
        let binding_hash = secret.hash(provider)?;
        let sealed = match takes_it {
            true => forms.store.take_form(handle, &binding_hash, self.now()).await?,
            false => forms.store.find_form(handle, &binding_hash, self.now()).await?,
        };
        Ok(sealed.and_then(|sealed| KeptForm::opened(&sealed, provider, &key)))
    }
}

/// Returns whether the person sent the form, and not a script of a page, such as one that saves a draft or tells that the
/// page is open. Its answer is not shown, and its form would take the place of what a person wrote.
fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => headers
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

fn random<const BYTES: usize>(provider: &Provider) -> Result<String, HttpError> {
    let mut bytes = [0_u8; BYTES];
    provider.random(&mut bytes).map_err(BindingError::from)?;
    Ok(hexadecimal(&bytes))
}

/// Makes the page with the form. `again` is the address of the page, and `home` that of the default path.
fn page(
    form: &KeptForm,
    (again, home): (&str, &str),
    look: &PageLook,
    now: DateTime<Utc>,
) -> Response<String> {
    let fields: String = form
        .fields
        .iter()
        .map(|(name, value)| {
            let (name, value) = (escape_markup(name), escape_markup(value));
            format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
        })
        .collect();
    let path = form.target.split('?').next().unwrap_or_default();
    let when = match now.signed_duration_since(form.kept_at).num_minutes() {
        ..=0 => "a moment ago".to_owned(),
        1 => "a minute ago".to_owned(),
        minutes => format!("{minutes} minutes ago"),
    };
    let content = format!(
        "<h1>Send your form now?</h1>\
         <p>This browser sent a form to <code>{}</code> {when}, when nobody was signed in. What was written is still here.</p>\
         <p>Send it if it was you who wrote it: it is sent in your name.</p>\
         <form method=\"post\" action=\"{}\" enctype=\"{}\" accept-charset=\"utf-8\">{fields}<p><button type=\"submit\">Send it now</button></p></form>\
         <p><a href=\"{}\">Do not send it</a></p>",
        escape_markup(path),
        escape_markup(again),
        form.kind.enctype(),
        escape_markup(home),
    );
    let html = look.page("Your form", &content);
    let mut response = answer(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // The page sends its referrer only to its own origin, so that its form counts as one of ours.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// The policy allows no script, only a form to this service, and no frame around the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The order of the two settings does not matter.
    #[test]
    fn a_sign_in_may_lead_to_the_page() {
        let service_provider = vouchsafe::ServiceProvider::builder(
            vouchsafe::EntityId::new("https://app.example.com/saml/metadata").unwrap(),
        );
        let service_provider =
            service_provider.assertion_consumer("https://app.example.com/saml/acs").unwrap();
        let (connections, store) = (vouchsafe::Connections::new(), vouchsafe_store::Memory::new());
        let sso =
            SingleSignOn::new(service_provider.build().unwrap(), Arc::new(connections), Arc::new(store));
        let (forms, paths) =
            (KeptForms::at("/saml/form").unwrap(), crate::ReturnPaths::new("/home").unwrap());
        for sso in [
            sso.clone().keep_forms(forms.clone()).return_paths(paths.clone()),
            sso.return_paths(paths).keep_forms(forms),
        ] {
            let page = Some("/saml/form?kept=1");
            assert_eq!(sso.inner.return_paths.choose(page).as_str(), "/saml/form?kept=1");
        }
    }

    #[test]
    fn a_form_opens_with_its_own_key_alone() {
        let provider = Provider::rustcrypto();
        let fields = vec![("text".to_owned(), "a long text".to_owned())];
        let (kept_at, target) = (DateTime::UNIX_EPOCH, "/notes".to_owned());
        let form = KeptForm { kept_at, target, kind: FormKind::Multipart, fields };
        let (secret, other) = (Secret::new(&provider).unwrap(), Secret::new(&provider).unwrap());
        let (key, other_key) = (secret.key().unwrap(), other.key().unwrap());
        assert_eq!(key.as_slice().len(), CIPHER.key_length());
        let sealed = form.sealed(&provider, &key).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"a long"), "nothing can be read");
        let opened = KeptForm::opened(&sealed, &provider, &key).unwrap();
        assert_eq!((opened.target, opened.kind, opened.fields), (form.target, form.kind, form.fields));
        assert!(KeptForm::opened(&sealed, &provider, &other_key).is_none());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(KeptForm::opened(&altered, &provider, &key).is_none(), "{place}");
        }
        let hash = secret.hash(&provider).unwrap();
        assert_ne!(hash, secret.0);
        assert_ne!(hash, other.hash(&provider).unwrap());
        // Values that a browser could make up are refused.
        for made_up in ["", "0g", "00", "ff00ff00ff00ff00ff00ff00ff00ff00"] {
            let key = Secret(made_up.to_owned()).key();
            assert!(key.is_none_or(|key| KeptForm::opened(&sealed, &provider, &key).is_none()), "{made_up}");
        }
    }
}
