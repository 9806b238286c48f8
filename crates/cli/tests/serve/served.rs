//! The running command, and browsers for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Body, RequestBuilder, Response};
use serde_json::Value;
use vouchsafe_testkit::attacks::CookieJar;
use vouchsafe_testkit::{AuthnRequest, IdentityProvider, Issued, ResponseBuilder};

/// A running `vouchsafe serve`. It ends with the test.
pub struct Served {
    child: Mutex<Child>,
    pub base: String,
    pub listening: String,
    lines: Arc<Mutex<Vec<String>>>,
    client: reqwest::Client,
}

impl Drop for Served {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Served {
    /// Starts the command at a free port with these arguments.
    pub fn start(arguments: &[&str]) -> Served {
        Served::start_at("http://127.0.0.1:0", arguments).unwrap()
    }

    /// Starts the command at this base URL. If it does not start, returns its standard error.
    pub fn start_at(base_url: &str, arguments: &[&str]) -> Result<Served, String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vouchsafe"))
            .args(["--format", "json", "serve", "--base-url", base_url])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(first) = lines.next() else {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            return Err(String::from_utf8(output.stderr).unwrap());
        };
        let first: Value = serde_json::from_str(&first.unwrap()).unwrap();
        let kept = Arc::<Mutex<Vec<String>>>::default();
        let more = Arc::clone(&kept);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| more.lock().unwrap().push(line))
        });
        let policy = reqwest::redirect::Policy::none();
        Ok(Served {
            child: Mutex::new(child),
            base: first["base_url"].as_str().unwrap().to_owned(),
            listening: first["listening"].as_str().unwrap().to_owned(),
            lines: kept,
            client: reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap(),
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub async fn page(&self, path: &str) -> String {
        self.get(path).send().await.unwrap().text().await.unwrap()
    }

    /// A good response of the test kit's identity provider for this service.
    pub fn response(&self) -> ResponseBuilder {
        IdentityProvider::okta()
            .response()
            .at(Utc::now())
            .service_provider(self.url("/saml/metadata"), &self.url("/saml/acs"))
            .name_id("ada@example.com")
    }

    /// Returns the lines after the first, once there are `count` of them.
    pub fn printed(&self, count: usize) -> Vec<Value> {
        for _ in 0..100 {
            if self.lines.lock().unwrap().len() >= count {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        self.lines.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn printed_text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Stops the command like a service manager, waits, and returns its exit status.
    #[cfg(unix)]
    pub fn stop(&self) -> Option<i32> {
        let mut child = self.child.lock().unwrap();
        let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(told.success());
        child.wait().unwrap().code()
    }
}

/// One browser, which asks for JSON in some methods.
#[derive(Default)]
pub struct Browser {
    jar: Mutex<CookieJar>,
}

impl Browser {
    pub async fn send(&self, request: RequestBuilder) -> Response {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        let held = self.jar.lock().unwrap().header_with(body);
        request.headers_mut().insert(COOKIE, held.parse().unwrap());
        let response = client.execute(request).await.unwrap();
        let mut jar = self.jar.lock().unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            assert!(jar.keep(cookie.to_str().unwrap()), "{cookie:?} is no cookie");
        }
        response
    }

    /// Starts a sign-in.
    pub async fn ask(&self, served: &Served, query: &str) -> AuthnRequest {
        let response = self.send(served.get(&format!("/saml/login?{query}"))).await;
        assert_eq!(response.status(), 303);
        AuthnRequest::from_redirect(response.headers()[LOCATION].to_str().unwrap()).unwrap()
    }

    /// Posts a response, and returns the status and the JSON.
    pub async fn post(&self, served: &Served, issued: &Issued, relay_state: Option<&str>) -> (u16, Value) {
        let request = served.post("/saml/acs").header(ACCEPT, "application/json");
        let response = self.send(request.header(CONTENT_TYPE, FORM).body(form(issued, relay_state))).await;
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
        (response.status().as_u16(), json_of(response).await)
    }

    /// Posts a response like a browser, and returns the status and the page.
    pub async fn post_for_page(
        &self,
        served: &Served,
        issued: &Issued,
        relay_state: Option<&str>,
    ) -> (u16, String) {
        let request = served.post("/saml/acs").header(CONTENT_TYPE, FORM).body(form(issued, relay_state));
        let response = self.send(request.header(ACCEPT, "text/html,*/*;q=0.8")).await;
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn json(&self, served: &Served, path: &str) -> (u16, Value) {
        let response = self.send(served.get(path)).await;
        (response.status().as_u16(), json_of(response).await)
    }
}

/// Returns the JSON of an answer.
pub async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

pub const FORM: &str = "application/x-www-form-urlencoded";

pub fn form(issued: &Issued, relay_state: Option<&str>) -> String {
    let mut form = format!("SAMLResponse={}", encoded(&issued.to_base64()));
    if let Some(relay_state) = relay_state {
        form += &format!("&RelayState={}", encoded(relay_state));
    }
    form
}

pub fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
