//! What is logged of a sign-in that starts instead of using a response.

use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use vouchsafe::{ConnectionSettings, Unsolicited};

use crate::{connection, over, request, unasked};

/// The lines of one thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vouchsafe") && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {field}={value:?}");
    }
}

/// Whoever debugs a sign-in sees only a redirect otherwise.
#[tokio::test]
async fn a_new_sign_in_instead_of_a_response_is_logged() {
    let lines = Lines::default();
    let _logged = tracing::subscriber::set_default(lines.clone());
    let sso = over([connection("acme", ConnectionSettings::default().unsolicited(Unsolicited::Restart))]);
    assert_eq!(sso.accept(&request(&[]), &unasked("_1").body()).await.unwrap_err().status(), 303);
    assert_eq!(
        *lines.0.lock().unwrap(),
        [
            "INFO message=a response answers no request that waits in this browser: a new sign-in starts connection=acme"
        ]
    );
}
