//! A message that goes to the identity provider as a form (SAML Bindings 3.5.4).

use vouchsafe_metadata::WebAddress;
use vouchsafe_xml::escape_markup;

/// A form the browser posts to the identity provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm {
    action: String,
    fields: Vec<(&'static str, String)>,
}

impl PostForm {
    pub(crate) fn new(action: String, fields: Vec<(&'static str, String)>) -> PostForm {
        PostForm { action, fields }
    }

    /// Where it is posted.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The fields by name: the message and the RelayState.
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }

    /// A whole page that posts the form by itself, and has a button for browsers that run no scripts. Serve it with
    /// [`content_security_policy`](Self::content_security_policy): then its one script runs, and no other.
    pub fn to_html(&self) -> String {
        let fields: String = self
            .fields
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape_markup(value))
            })
            .collect();
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Identity provider</title></head><body>\
             <form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Continue to your identity provider</button></form>\
             <script>{SUBMIT}</script></body></html>",
            escape_markup(&self.action)
        )
    }

    /// The value of `Content-Security-Policy` for the page: the one script by its hash, forms to `https` addresses, and nothing else. The
    /// host is not named, since browsers hold redirects of the identity provider against it too.
    pub fn content_security_policy(&self) -> String {
        self.policy("'none'")
    }

    /// The same for a page that an identity provider may show in a frame of its own: the answer to a logout request. Only pages of the origin
    /// that the form goes to may frame it.
    pub fn content_security_policy_in_frame(&self) -> String {
        match WebAddress::new(&self.action) {
            Ok(action) => self.policy(&action.origin()),
            Err(_) => self.policy("'none'"),
        }
    }

    fn policy(&self, ancestors: &str) -> String {
        let schemes = if self.action.starts_with("https:") { "https:" } else { "https: http:" };
        format!(
            "default-src 'none'; script-src '{SUBMIT_HASH}'; form-action {schemes}; base-uri 'none'; frame-ancestors {ancestors}"
        )
    }
}

/// Posts the form. No field is named `submit`, which would take the place of the function.
const SUBMIT: &str = "document.forms[0].submit()";
/// Its SHA-256, as Content-Security-Policy writes it.
const SUBMIT_HASH: &str = "sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE=";

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
    fn the_hash_is_that_of_the_script() {
        let digest = vouchsafe_crypto::Provider::rustcrypto().sha256(SUBMIT.as_bytes()).unwrap();
        assert_eq!(SUBMIT_HASH, format!("sha256-{}", vouchsafe_crypto::base64_encode(&digest)));
        let form = PostForm::new("https://i.example/".to_owned(), Vec::new());
        assert!(form.to_html().contains(&format!("<script>{SUBMIT}</script>")));
        assert!(form.content_security_policy().contains("form-action https:;"));
        let local = PostForm::new("http://127.0.0.1/".to_owned(), Vec::new());
        assert!(local.content_security_policy().contains("form-action https: http:;"));
    }
}
