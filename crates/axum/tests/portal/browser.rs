//! A headless browser: it keeps cookies, and sends the forms of pages.

use reqwest::header::{CONTENT_TYPE, HeaderMap, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

/// One person's browser.
pub(crate) struct Browser {
    client: Client,
    /// The origin of the service.
    origin: String,
}

/// The received page.
pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn at(origin: &str) -> Browser {
        let client =
            Client::builder().cookie_store(true).no_proxy().redirect(Policy::none()).build().unwrap();
        Browser { client, origin: origin.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        let page = self.get_unfollowed(path).await;
        self.followed(page).await
    }

    /// Gets a page without following redirects.
    pub(crate) async fn get_unfollowed(&self, path: &str) -> Page {
        Page::of(self.client.get(self.address(path)).send().await.unwrap()).await
    }

    async fn followed(&self, mut page: Page) -> Page {
        for _ in 0..5 {
            if page.status != 303 {
                return page;
            }
            let place = page.header("location").to_owned();
            page = self.get_unfollowed(&place).await;
        }
        panic!("too many redirects");
    }

    /// Posts a form of the service's own pages.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(path, fields, Some("same-origin"), Some(&self.origin)).await
    }

    /// Posts a form with these headers of its origin.
    pub(crate) async fn post_from(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        site: Option<&str>,
        origin: Option<&str>,
    ) -> Page {
        let mut request = self.client.post(self.address(path)).form(fields);
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let page = Page::of(request.send().await.unwrap()).await;
        self.followed(page).await
    }

    /// Submits the page's form with this action and this typed text.
    pub(crate) async fn submit(&self, page: &Page, action: &str, typed: &[(&str, &str)]) -> Page {
        let mut fields = page.form(action);
        for (name, value) in typed {
            fields.retain(|(found, _)| found != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(action, &fields).await
    }

    /// Submits a form with a file, as browsers send it.
    pub(crate) async fn upload(&self, page: &Page, action: &str, name: &str, content: &[u8]) -> Page {
        let mut body = Vec::new();
        for (field, value) in page.form(action) {
            body.extend(
                format!("------x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n")
                    .bytes(),
            );
        }
        let head = format!(
            "------x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"idp.xml\"\r\nContent-Type: text/xml\r\n\r\n"
        );
        body.extend(head.bytes().chain(content.iter().copied()).chain(b"\r\n------x--\r\n".iter().copied()));
        let request = self
            .client
            .post(self.address(action))
            .header(CONTENT_TYPE, "multipart/form-data; boundary=----x")
            .header("sec-fetch-site", "same-origin")
            .header(ORIGIN, &self.origin)
            .body(body);
        let page = Page::of(request.send().await.unwrap()).await;
        self.followed(page).await
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.origin) }
    }
}

impl Page {
    async fn of(response: Response) -> Page {
        Page {
            url: response.url().to_string(),
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that the page contains this text.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Page {
        assert!(
            self.body.contains(text),
            "{} ({}) does not say {text:?}: {}",
            self.url,
            self.status,
            self.body
        );
        self
    }

    #[track_caller]
    pub(crate) fn says_not(&self, text: &str) -> &Page {
        assert!(!self.body.contains(text), "{} ({}) says {text:?}: {}", self.url, self.status, self.body);
        self
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> &Page {
        assert_eq!(self.status, status, "{}: {}", self.url, self.body);
        self
    }

    /// Returns the hidden and typed fields of the form with this action.
    #[track_caller]
    pub(crate) fn form(&self, action: &str) -> Vec<(String, String)> {
        let begin = format!("action=\"{action}\"");
        let form = self.body.split("<form").find(|form| form.contains(&begin));
        let form = form.unwrap_or_else(|| panic!("{} has no form {action}: {}", self.url, self.body));
        let form = form.split("</form>").next().unwrap();
        let inputs = form.split("<input").skip(1);
        let sent = inputs.filter(|input| {
            let is_choice = input.contains("type=\"radio\"") || input.contains("type=\"checkbox\"");
            !input.contains("type=\"file\"") && (!is_choice || input.contains(" checked"))
        });
        sent.filter_map(|input| {
            Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default()))
        })
        .collect()
    }

    /// Returns the address to which the page leads automatically.
    #[track_caller]
    pub(crate) fn leads_to(&self) -> String {
        self.header("refresh").strip_prefix("0; url=").unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }
}

fn attribute(markup: &str, name: &str) -> Option<String> {
    let (tag, _) = markup.split_once('>')?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = value.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&amp;", "&"))
}
