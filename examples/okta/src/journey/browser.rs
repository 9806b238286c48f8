//! A browser without a screen: cookies, redirects, forms.

use reqwest::header::ORIGIN;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use vouchsafe::WebAddress;

use crate::failure::Failure;

/// One person's browser.
pub(super) struct Browser {
    client: Client,
}

/// A page that came.
pub(super) struct Visit {
    pub(super) url: String,
    pub(super) status: u16,
    pub(super) body: String,
}

/// The form of a page: where it goes and its hidden fields.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Browser {
    pub(super) fn new() -> Result<Browser, Failure> {
        let client = Client::builder().cookie_store(true).no_proxy().redirect(Policy::limited(10)).build()?;
        Ok(Browser { client })
    }

    pub(super) async fn get(&self, url: &str) -> Result<Visit, Failure> {
        Visit::of(self.client.get(url).send().await?).await
    }

    /// What a program asks with a bearer token, without the cookies of anybody.
    pub(super) async fn get_with_token(url: &str, token: &str) -> Result<Visit, Failure> {
        let client = Client::builder().no_proxy().build()?;
        Visit::of(client.get(url).bearer_auth(token).send().await?).await
    }

    /// A form on a page of the same server.
    pub(super) async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Result<Visit, Failure> {
        let origin = WebAddress::new(url)?.origin();
        self.post_saying(url, fields, "same-origin", &origin).await
    }

    /// A form on a page of another site.
    pub(super) async fn post_from_elsewhere(
        &self,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Result<Visit, Failure> {
        self.post_saying(url, fields, "cross-site", "https://evil.example").await
    }

    async fn post_saying(
        &self,
        url: &str,
        fields: &[(&str, &str)],
        site: &str,
        origin: &str,
    ) -> Result<Visit, Failure> {
        let request =
            self.client.post(url).form(fields).header("Sec-Fetch-Site", site).header(ORIGIN, origin);
        Visit::of(request.send().await?).await
    }

    pub(super) async fn submit(&self, form: &Form) -> Result<Visit, Failure> {
        Visit::of(self.client.post(&form.action).form(&form.fields).send().await?).await
    }
}

impl Visit {
    async fn of(response: Response) -> Result<Visit, Failure> {
        Ok(Visit {
            url: response.url().to_string(),
            status: response.status().as_u16(),
            body: response.text().await?,
        })
    }

    pub(super) fn shows(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// The form that carries a response to the service.
    pub(super) fn saml_form(&self) -> Result<Form, Failure> {
        let missing =
            || Failure::new(format!("{} (status {}) has no form with a SAMLResponse", self.url, self.status));
        self.body.split("<form").skip(1).find_map(Form::read).ok_or_else(missing)
    }

    /// The value of a hidden input.
    pub(super) fn hidden(&self, name: &str) -> Option<String> {
        self.body
            .split("<input")
            .skip(1)
            .find(|input| attribute(input, "name").as_deref() == Some(name))
            .and_then(|input| attribute(input, "value"))
    }

    /// Where a link of the page leads that begins so.
    pub(super) fn link_to(&self, place: &str) -> Option<String> {
        let links = self.body.split("<a ").skip(1);
        links
            .map(|link| format!("a {link}"))
            .filter_map(|link| attribute(&link, "href"))
            .find(|href| href.starts_with(place))
    }

    /// What stands between a marker and the next tag.
    pub(super) fn text_after(&self, marker: &str) -> Option<&str> {
        self.body.split_once(marker).and_then(|(_, rest)| rest.split_once('<')).map(|(text, _)| text)
    }
}

impl Form {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        for (_, old) in self.fields.iter_mut().filter(|(found, _)| found == name) {
            old.clone_from(&value);
        }
    }

    fn read(markup: &str) -> Option<Form> {
        let (markup, _) = markup.split_once("</form>")?;
        let fields: Vec<(String, String)> = markup
            .split("<input")
            .skip(1)
            .filter_map(|input| {
                Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
            })
            .collect();
        let form = Form { action: attribute(markup, "action")?, fields };
        let is_one = form.field("SAMLResponse").or(form.field("SAMLRequest")).is_some();
        is_one.then_some(form)
    }
}

/// The value of an attribute of the first tag of the text.
fn attribute(markup: &str, name: &str) -> Option<String> {
    let (tag, _) = markup.split_once('>')?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&#x27;", "'").replace("&#x2F;", "/").replace("&amp;", "&"))
}
