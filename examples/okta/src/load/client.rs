//! A client that costs little, so that the service is measured: HTTP/1.1 on one TCP connection, answers with a length.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::failure::Failure;

/// A request, as the bytes that are sent.
pub(super) struct Request(Vec<u8>);

/// What came back: the status, the headers with small names, the body.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// One connection, kept open.
pub(super) struct Client(BufReader<TcpStream>);

impl Request {
    pub(super) fn get(path: &str) -> Request {
        Request(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes())
    }

    /// With the cookies of a browser.
    pub(super) fn get_with(path: &str, cookies: &str) -> Request {
        Request(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n\r\n").into_bytes())
    }

    /// A form that a page of another site posts, as an identity provider's does.
    pub(super) fn post(path: &str, fields: &[(&str, String)], cookies: &str) -> Request {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let body = form.finish();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nContent-Length: {length}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        );
        Request([head.into_bytes(), body.into_bytes()].concat())
    }
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Result<Client, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client(BufReader::new(stream)))
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<Answer, Failure> {
        self.0.write_all(&request.0).await?;
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        answer.body.resize(length.unwrap_or_default(), 0);
        self.0.read_exact(&mut answer.body).await?;
        Ok(answer)
    }

    async fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.0.read_line(&mut line).await? {
            0 => Err(Failure::new("the service closed the connection")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The cookies that were set, as a browser sends them back.
    pub(super) fn cookies(&self) -> String {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        let pairs: Vec<&str> = set.filter_map(|(_, value)| value.split(';').next()).collect();
        pairs.join("; ")
    }
}

/// The browser was sent to the identity provider.
pub(super) fn is_redirect(answer: &Answer) -> bool {
    answer.status == 303 && answer.header("location").is_some_and(|place| place.contains("SAMLRequest="))
}

/// The browser was sent on, with a session.
pub(super) fn opens_session(answer: &Answer) -> bool {
    answer.status == 303 && answer.cookies().contains("vouchsafe-session=")
}
