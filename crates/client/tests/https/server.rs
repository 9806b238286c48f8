//! An HTTPS server on this machine, with a certificate of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::StreamExt as _;
use tokio::sync::Barrier;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use vouchsafe::crypto::Certificate;

use crate::https::Listening;

/// The answer of the server.
#[derive(Clone)]
pub(crate) enum Answer {
    Document(String),
    Tagged(String, &'static str),
    Status(u16),
    /// A document that waits twice at the barrier: when it is requested, and before it is sent.
    Held(String, Arc<Barrier>),
    Redirect(String),
    /// No answer, without an end.
    Nothing,
    /// A byte from time to time, without an end.
    Drip,
    /// Half of the document, and then the connection breaks.
    Cut(String),
    /// This number of megabytes of spaces.
    Megabytes(usize),
    /// A body that is compressed already.
    Compressed(Bytes),
}

#[derive(Clone)]
pub(crate) struct Server {
    answer: Arc<Mutex<Answer>>,
    pub(crate) certificate: Certificate,
    port: u16,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Server {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = Certificate::from_der(made.cert.der()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let listening = Listening::start(made.cert.der().clone(), key).await;
        let port = listening.port();
        let server = Server { answer: Arc::new(Mutex::new(answer)), certificate, port };
        let router = Router::new().route("/metadata", get(respond)).with_state(server.clone());
        listening.serve(router);
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("https://localhost:{}/metadata", self.port)
    }

    pub(crate) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

async fn respond(State(server): State<Server>, headers: HeaderMap) -> Response {
    let answer = server.answer.lock().unwrap().clone();
    match answer {
        Answer::Document(document) => document.into_response(),
        Answer::Tagged(_, tag) if headers.get("if-none-match").is_some_and(|shown| shown == tag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        Answer::Tagged(document, tag) => ([("etag", tag)], document).into_response(),
        Answer::Held(document, barrier) => {
            barrier.wait().await;
            barrier.wait().await;
            document.into_response()
        }
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Redirect(to) => Redirect::to(&to).into_response(),
        Answer::Nothing => std::future::pending().await,
        Answer::Drip => Body::from_stream(futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"<")), ()))
        }))
        .into_response(),
        Answer::Cut(document) => {
            let (begin, _) = document.split_at(document.len() / 2);
            let broken = Err(std::io::Error::other("broken"));
            let body = futures_util::stream::iter([Ok(Bytes::from(begin.to_owned())), broken]);
            ([("content-length", document.len().to_string())], Body::from_stream(body)).into_response()
        }
        Answer::Megabytes(count) => {
            let megabyte = Bytes::from(vec![b' '; 1_000_000]);
            let body = futures_util::stream::repeat(megabyte).take(count).map(Ok::<_, std::io::Error>);
            Body::from_stream(body).into_response()
        }
        Answer::Compressed(body) => ([("content-encoding", "gzip")], body).into_response(),
    }
}

/// Returns `zeros` zeros in the form of RFC 1952, built from blocks of deflate that repeat the byte before.
pub(crate) fn compressed(zeros: usize) -> Bytes {
    let mut bits = Bits::default();
    // The last block has fixed codes: a zero, then copies of 258 bytes from one byte before.
    bits.put(1, 1);
    bits.put(1, 2);
    bits.put_code(0x30, 8);
    for _ in 0..zeros / 258 {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    bits.put_code(0, 7);
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.bytes);
    // The checksum is wrong, but no reader reaches it.
    gzip.extend([0; 8]);
    gzip.into()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    /// Writes bits, the lowest bit first.
    fn put(&mut self, value: u32, count: u32) {
        for place in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.last_mut().unwrap();
            *last |= u8::try_from(value >> place & 1).unwrap() << (self.used % 8);
            self.used += 1;
        }
    }

    /// Writes a Huffman code, the highest bit first.
    fn put_code(&mut self, code: u32, count: u32) {
        for place in (0..count).rev() {
            self.put(code >> place & 1, 1);
        }
    }
}
