//! Requests from the identity provider to an application, each over its own connection.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::TestkitError;

/// The largest accepted answer in bytes.
const LONGEST_ANSWER: u64 = 4 * 1024 * 1024;

/// A request. Only `http` is supported, because it is for demos and tests on a loopback address.
#[derive(Clone)]
pub(super) struct Outgoing {
    method: &'static str,
    address: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Outgoing {
    pub(super) fn new(method: &'static str, address: impl Into<String>, body: impl Into<String>) -> Self {
        Self { method, address: address.into(), headers: Vec::new(), body: body.into() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends the request. Returns the body of the answer, or `null` if it is not JSON. Every status except success is
    /// an error.
    pub(super) async fn send(self) -> Result<Value, TestkitError> {
        Ok(serde_json::from_str(&self.send_for_text().await?).unwrap_or_default())
    }

    /// Sends the request, and returns the body of the answer. Every status except success is an error.
    pub(super) async fn send_for_text(self) -> Result<String, TestkitError> {
        let (_, path) = self.host_and_path()?;
        let request = format!("{} {}", self.method, path.split('?').next().unwrap_or_default());
        let unanswered =
            |detail: String| TestkitError::Unanswered { request: request.clone(), reason: detail };
        let answer = match tokio::time::timeout(Duration::from_secs(10), self.exchange()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(unanswered(error.to_string())),
            Err(_) => return Err(unanswered("no answer in ten seconds".to_owned())),
        };
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        match status {
            None => Err(unanswered("the answer is not HTTP".to_owned())),
            Some(200..=299) => Ok(body.to_owned()),
            Some(status) => {
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let said =
                    ["detail", "error", "description"].iter().find_map(|name| body.get(name)?.as_str());
                let detail = said.unwrap_or(head).to_owned();
                Err(TestkitError::Provisioning { request, status, detail })
            }
        }
    }

    async fn exchange(&self) -> std::io::Result<String> {
        let (host, path) = self.host_and_path().map_err(std::io::Error::other)?;
        let mut stream = TcpStream::connect(host).await?;
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
            self.method,
            self.body.len(),
            self.body,
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn host_and_path(&self) -> Result<(&str, &str), TestkitError> {
        let wrong = || {
            TestkitError::message(
                "the application",
                "an http:// address and headers of one line",
                &*self.address,
            )
        };
        let rest = self.address.strip_prefix("http://").ok_or_else(wrong)?;
        let has_line_end = |text: &str| text.chars().any(char::is_control);
        if rest.contains(char::is_whitespace)
            || has_line_end(rest)
            || self.headers.iter().any(|(_, value)| has_line_end(value))
        {
            return Err(wrong());
        }
        Ok(rest.find('/').map_or((rest, "/"), |place| rest.split_at(place)))
    }
}
