//! The overview: the first page of the service.

use super::app::Inner;
use super::html::{self, code, definitions, text};
use super::pages::event;
use super::sessions::Session;

/// The maximum number of identity providers that are listed; an aggregate may have thousands.
const LISTED: usize = 50;

/// Makes the overview: the trusted identity providers, our own data, and the last events.
pub(super) fn page(app: &Inner, session: Option<&Session>) -> String {
    let events: String = app.history.all().iter().map(event).collect();
    let none = "<p class=\"soft\">None yet.</p>";
    let body = format!(
        "{}{}{}<h2>Last sign-ins and logouts</h2>{}",
        identity_providers(app),
        ourselves(app),
        session.map(|session| signed_in(app, session)).unwrap_or_default(),
        if events.is_empty() { none } else { &events }
    );
    html::page(&app.base.path("/"), "Try an identity provider", &body)
}

fn identity_providers(app: &Inner) -> String {
    let names = app.trusted.names();
    let left = names.len().saturating_sub(LISTED);
    let link = |name: &str| {
        let query: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let address = app.base.path(&format!("/saml/login?idp={query}"));
        format!("<li><a href=\"{}\">{}</a></li>", text(&address), text(name))
    };
    let listed: String = names.take(LISTED).map(|name| link(name.as_str())).collect();
    let more = if left == 0 { String::new() } else { format!("<p class=\"soft\">And {left} more.</p>") };
    format!("<section><h2>Sign in at</h2><ul>{listed}</ul>{more}</section>")
}

fn ourselves(app: &Inner) -> String {
    let service_provider = app.sso.service_provider();
    let metadata = app.base.url("/saml/metadata");
    let logout = service_provider.single_logout().map(code);
    let rows = [
        ("Entity ID", code(service_provider.entity_id().as_str())),
        ("Assertion consumer", code(service_provider.assertion_consumer())),
        (
            "Metadata",
            format!("<a href=\"{}\">{}</a>", text(&app.base.path("/saml/metadata")), text(&metadata)),
        ),
        ("Single logout", logout.unwrap_or_else(|| "none: give --key and --certificate".to_owned())),
    ];
    format!("<section><h2>What the identity provider must know</h2>{}</section>", definitions(&rows))
}

fn signed_in(app: &Inner, session: &Session) -> String {
    format!(
        "<section><h2>This browser's session</h2><p>From {} since {} (<a href=\"{}\">as JSON</a>).</p>\
         <form method=\"post\" action=\"{}\"><button>Sign out</button></form>{}</section>",
        text(&session.issuer),
        text(&session.since),
        text(&app.base.path("/session")),
        text(&app.base.path("/saml/logout")),
        end_of_name(app, session)
    )
}

/// The button that asks the identity provider to end the name, where it has an address for that.
fn end_of_name(app: &Inner, session: &Session) -> String {
    let manages = app.sso.service_provider().name_id_management().is_some() && session.participant.is_some();
    match manages {
        true => format!(
            "<form method=\"post\" action=\"{}\"><button>End the name at the identity provider</button></form>",
            text(&app.base.path("/saml/name-id/end"))
        ),
        false => String::new(),
    }
}
