//! A request that goes to the identity provider as a form (SAML Bindings 3.5.4).

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

    /// The fields by name: SAMLRequest and RelayState.
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }

    /// A whole page with a button that posts the form. It holds no script: a page that is to post by itself needs a script that the
    /// service's Content-Security-Policy allows, which is for the service to write.
    pub fn to_html(&self) -> String {
        let fields: String = self
            .fields
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
            })
            .collect();
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in</title></head><body>\
             <form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Continue to your identity provider</button></form>\
             </body></html>",
            escape(&self.action)
        )
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, character| {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

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
        assert!(!html.contains("<script>"));
        assert!(html.contains("value=\"&quot;&#39;&lt;&gt;&amp;\""));
    }
}
