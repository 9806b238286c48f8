//! A message that goes to the identity provider as a form (SAML Bindings 3.5.4).

use std::fmt;

use vouchsafe_metadata::WebAddress;
use vouchsafe_xml::escape_markup;

/// A form that the browser posts to the identity provider. `Debug` does not show its fields: a message may name a
/// person.
#[derive(Clone, PartialEq, Eq)]
pub struct PostForm {
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl fmt::Debug for PostForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostForm").field("action", &self.action).finish_non_exhaustive()
    }
}

impl PostForm {
    pub(crate) fn new(action: String, fields: Vec<(&'static str, String)>) -> PostForm {
        PostForm { action, fields }
    }

    /// The address to which the form is posted.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The fields by name: the message and the RelayState.
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }

    /// Returns a whole page that posts the form automatically, and has a button for browsers without scripts. Serve
    /// it with [`content_security_policy`](Self::content_security_policy), which allows only the script of this page.
    pub fn to_html(&self) -> String {
        let fields: String = self
            .fields
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape_markup(value))
            })
            .collect();
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Identity provider</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body><main>\
             <h1>You are being sent to your identity provider.</h1><p>If nothing happens, press the button.</p>\
             <form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Continue to your identity provider</button></form>\
             </main><script>{SUBMIT}</script></body></html>",
            escape_markup(&self.action)
        )
    }

    /// Returns the value of `Content-Security-Policy` for the page. It allows the one script and the one style by
    /// their hashes, forms to `https` addresses, and nothing else. The host is not named, since browsers also apply
    /// the policy to redirects of the identity provider.
    pub fn content_security_policy(&self) -> String {
        self.policy("'none'")
    }

    /// Returns the value for a page that an identity provider may show in a frame: the answer to a logout request.
    /// Only pages of the origin that receives the form may frame it.
    pub fn content_security_policy_in_frame(&self) -> String {
        match WebAddress::new(&self.action) {
            Ok(action) => self.policy(&action.origin()),
            Err(_) => self.policy("'none'"),
        }
    }

    fn policy(&self, ancestors: &str) -> String {
        let schemes = if self.action.starts_with("https:") { "https:" } else { "https: http:" };
        format!(
            "default-src 'none'; script-src '{SUBMIT_HASH}'; style-src '{STYLE_HASH}'; form-action {schemes}; base-uri 'none'; frame-ancestors {ancestors}"
        )
    }
}

/// The script that posts the form. No field is named `submit`, which would replace the function.
const SUBMIT: &str = "document.forms[0].submit()";
/// The SHA-256 of the script, as Content-Security-Policy writes it.
const SUBMIT_HASH: &str = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

/// The style of the page, for browsers in which the form is not posted automatically.
const STYLE: &str = "\
:root{color-scheme:light dark}body{margin:0 auto;padding:12vh 1rem 2rem;max-width:30rem;font:16px/1.5 system-ui,sans-serif}\
h1{font-size:1.35rem;line-height:1.3;margin:0 0 .75rem}button{padding:.55rem 1.1rem;font:inherit}";
/// The SHA-256 of the style.
const STYLE_HASH: &str = "sha256-IjRKP8SlGHc6mb0xK5qjAdvDOIDvOSYBm48y8VsStqQ=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_attribute() {
        let form = PostForm::new(
            "https://i.example/?a&\"><script>".to_owned(),
            vec![("RelayState", "\"'<>&".to_owned())],
        );
        let html = form.to_html();
        assert_eq!(html.matches("<script>").count(), 1, "ours");
        assert!(html.contains("value=\"&quot;&#39;&lt;&gt;&amp;\""));
    }
    #[test]
    fn the_hashes_are_those_of_the_script_and_the_style() {
        for (text, hash) in [(SUBMIT, SUBMIT_HASH), (STYLE, STYLE_HASH)] {
            let digest = vouchsafe_crypto::Provider::rustcrypto().sha256(text.as_bytes()).unwrap();
            assert_eq!(hash, format!("sha256-{}", vouchsafe_crypto::base64_encode(&digest)));
        }
        let form = PostForm::new("https://i.example/".to_owned(), Vec::new());
        assert!(form.to_html().contains(&format!("<script>{SUBMIT}</script>")));
        assert!(form.content_security_policy().contains("form-action https:;"));
        let local = PostForm::new("http://127.0.0.1/".to_owned(), Vec::new());
        assert!(local.content_security_policy().contains("form-action https: http:;"));
    }
}
