//! `vouchsafe doctor --browse`: a page on this machine to paste texts and drop files.
//!
//! It listens on a loopback address, and answers only names of this machine and its own form. No data leave the
//! machine, and nothing is stored.

mod form;
mod marks;
mod pages;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use vouchsafe::doctor::{Diagnosis, Doctor};

use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::serve::answer::{names_only, page_with_script, with_headers};
use crate::serve::{PATIENCE, answering, until_told_to_stop};
use crate::text::{Line, Style};

/// The maximum size of a form in bytes: recordings of a browser are large, and their base64 is larger.
const FORM: usize = 128 * 1024 * 1024;
/// The maximum number of forms that are examined at the same time.
const TOGETHER: usize = 2;

/// The first line of JSON output.
#[derive(Serialize)]
struct Listening {
    listening: String,
}

/// The shared state of the handlers. Clones are cheap.
#[derive(Clone)]
struct Page(Arc<Inner>);

struct Inner {
    doctor: Doctor,
    /// The files that were named at the start.
    files: Vec<(String, Vec<u8>)>,
    port: u16,
    places: Semaphore,
}

pub(crate) fn run(
    doctor: Doctor,
    files: Vec<(String, Vec<u8>)>,
    listen: Option<SocketAddr>,
    output: &Output,
) -> Result<Answer, Failure> {
    let address = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
    let unusable = |reason: String| {
        Failure::usage("cli.listen", reason, "Give a loopback address, such as 127.0.0.1:8000, or none.")
    };
    if !address.ip().is_loopback() {
        return Err(unusable(format!("{address} is reached from other machines")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| unusable(format!("no threads to answer requests: {error}")))?;
    runtime.block_on(async {
        let unreachable = |error| unusable(format!("{address} cannot be listened at: {error}"));
        let listener = TcpListener::bind(address).await.map_err(unreachable)?;
        let address = listener.local_addr().map_err(unreachable)?;
        let stopped = until_told_to_stop()?;
        let listening = format!("http://{address}/");
        let line = Line::of("listening at ").then_styled(Style::Title, &listening);
        output.write_line(&Listening { listening }, Some(line))?;
        answering(listener, Page::new(doctor, files, address.port()).router(), stopped).await
    })?;
    runtime.shutdown_timeout(PATIENCE);
    Ok(Answer::Yes)
}

impl Page {
    fn new(doctor: Doctor, files: Vec<(String, Vec<u8>)>, port: u16) -> Page {
        let doctor = doctor.keeping_messages();
        Page(Arc::new(Inner { doctor, files, port, places: Semaphore::new(TOGETHER) }))
    }

    fn router(self) -> Router {
        Router::new()
            .route("/", get(start))
            .route("/examine", post(examine))
            .fallback(nothing_here)
            .layer(DefaultBodyLimit::max(FORM))
            .layer(from_fn_with_state(self.clone(), guard))
            .with_state(self)
    }

    /// Returns the names of the files that were named at the start.
    fn names(&self) -> Vec<&str> {
        self.0.files.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Examines the files of the form, followed by those that were named at the start.
    fn diagnosis(&self, given: &[(String, Vec<u8>)]) -> Diagnosis {
        let all = given.iter().chain(&self.0.files);
        let all: Vec<(&str, &[u8])> = all.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        self.0.doctor.examine(&all)
    }

    /// Returns whether a host is a name of this machine, with this port.
    fn answers_to(&self, host: &str) -> bool {
        let port = format!(":{}", self.0.port);
        let name = host.strip_suffix(&port).unwrap_or_default();
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Returns whether a form comes from the page itself. Browsers state this; a request without the headers does not
    /// come from a browser. Older browsers state it only by the Origin. The Origin is `null` for a page without a
    /// referrer, such as this one, so it counts only if there is no other header.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match (value("sec-fetch-site"), value(ORIGIN.as_str())) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => origin.strip_prefix("http://").is_some_and(|host| self.answers_to(host)),
            (None, None) => true,
        }
    }
}

/// Answers only names of this machine, and adds the headers.
async fn guard(State(page): State<Page>, request: Request, next: Next) -> Response {
    if !names_only(&request, |host| page.answers_to(host)) {
        return with_headers(failed(StatusCode::MISDIRECTED_REQUEST, "The request names another host."));
    }
    with_headers(next.run(request).await)
}

async fn start(State(page): State<Page>) -> Response {
    shown(StatusCode::OK, &pages::start(&page.names()))
}

async fn examine(State(page): State<Page>, headers: HeaderMap, body: Bytes) -> Response {
    if !page.is_own(&headers) {
        return failed(StatusCode::FORBIDDEN, "The form comes from another page.");
    }
    let Ok(_place) = page.0.places.acquire().await else {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "Try again.");
    };
    let looking = page.clone();
    let examined = tokio::task::spawn_blocking(move || {
        let given = form::files(&body);
        if given.is_empty() {
            return pages::start(&looking.names());
        }
        pages::diagnosis(&looking.diagnosis(&given), &looking.names())
    });
    match examined.await {
        Ok(html) => shown(StatusCode::OK, &html),
        Err(_) => failed(StatusCode::INTERNAL_SERVER_ERROR, "The examination was interrupted."),
    }
}

async fn nothing_here() -> Response {
    failed(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

fn failed(status: StatusCode, message: &str) -> Response {
    shown(status, &pages::failure(message))
}

fn shown(status: StatusCode, html: &str) -> Response {
    page_with_script(status, html.to_owned(), &pages::script_digest())
}
