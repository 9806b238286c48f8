//! The pages of the server. All text is written with `escape_markup` or `hidden`.

use super::directory::{AppView, slug};
use super::html::{hidden, page};
use super::model::User;
use vouchsafe_xml::escape_markup;

/// Returns the page "Sign in as". `return_to` is the local address where the user continues.
pub(super) fn choose_user(users: &[User], return_to: &str, why: &str) -> String {
    let tiles: String = users
        .iter()
        .map(|user| {
            let state = if user.suspended { "suspended" } else { user.login.as_str() };
            format!(
                "<li><form method=\"post\" action=\"/login\">{}{}<button class=\"tile\"><span class=\"icon\">{}</span>\
                 <span>{}</span><span class=\"soft\">{}</span></button></form></li>",
                hidden("user", &user.login),
                hidden("return", return_to),
                initial(&user.first_name),
                escape_markup(&full_name(user)),
                escape_markup(state),
            )
        })
        .collect();
    let none = if users.is_empty() { "<p>There are no users yet.</p>" } else { "" };
    page(
        "Sign in as",
        None,
        &format!("<p class=\"soft\">{}</p><ul class=\"tiles\">{tiles}</ul>{none}", escape_markup(why)),
    )
}

/// Returns the page with the applications of one user, each as an icon to click.
pub(super) fn dashboard(user: &User, apps: &[AppView]) -> String {
    let mine: String = apps
        .iter()
        .filter(|view| view.assigned.contains(&user.login))
        .map(|view| {
            format!(
                "<li><a class=\"tile\" href=\"/home/{}/{}\"><span class=\"icon\">{}</span><span>{}</span></a></li>",
                slug(&view.app.label),
                escape_markup(view.id.as_str()),
                initial(&view.app.label),
                escape_markup(&view.app.label),
            )
        })
        .collect();
    let body = if mine.is_empty() {
        "<p>No application is assigned to you. An administrator can <a href=\"/admin\">assign one</a>.</p>"
            .to_owned()
    } else {
        format!("<ul class=\"tiles\">{mine}</ul>")
    };
    page("My Apps", Some(&full_name(user)), &body)
}

/// Returns the page with the users, the applications and the assignments.
pub(super) fn admin(users: &[User], apps: &[AppView], base_url: &str) -> String {
    let rows: String = users.iter().map(|user| user_row(user, apps)).collect();
    let apps: String = apps.iter().map(|view| app_section(view, apps, base_url)).collect();
    let body = format!(
        "<h2>People</h2><table class=\"rows\"><tr><th>Person</th><th>Groups</th><th>Applications</th><th>State</th></tr>{rows}</table>\
         <p><form method=\"post\" action=\"/admin/users\"><input type=\"text\" name=\"email\" placeholder=\"e-mail address\" required> \
         <input type=\"text\" name=\"first_name\" placeholder=\"first name\"> \
         <input type=\"text\" name=\"last_name\" placeholder=\"last name\"> <button>Add person</button></form> <small>A new person may use every application.</small></p>{apps}"
    );
    page("Admin", None, &body)
}

/// Returns the page that posts a Response to the service provider by itself. Without scripts, it has a button (SAML
/// bindings, section 3.5.4).
pub(super) fn post_form(
    title: &'static str,
    action: &str,
    (field, message): (&str, &str),
    relay_state: Option<&str>,
    nonce: &str,
) -> String {
    let relay_state = relay_state.map_or_else(String::new, |value| hidden("RelayState", value));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body>\
         <form method=\"post\" action=\"{}\">{}{relay_state}<noscript><button>Continue</button></noscript></form>\
         <script nonce=\"{}\">document.forms[0].submit()</script></body></html>",
        escape_markup(action),
        hidden(field, message),
        escape_markup(nonce),
    )
}

/// Returns the page with Okta's text for an application that is not assigned.
pub(super) fn not_assigned(app: &str) -> String {
    let text = format!(
        "Sorry, you cannot access {app} because you are not assigned this app in Okta. If you're wondering why this is happening, please contact \
         your administrator."
    );
    let body = format!("<p>{}</p><p><a href=\"/admin\">Assign it</a> here.</p>", escape_markup(&text));
    page("App Not Assigned", None, &body)
}

pub(super) fn failure(title: &str, text: &str) -> String {
    page(title, None, &format!("<p>{}</p>", escape_markup(text)))
}

fn user_row(user: &User, apps: &[AppView]) -> String {
    let applications: String = apps
        .iter()
        .map(|view| {
            let (action, class, verb) = if view.assigned.contains(&user.login) {
                ("unassign", "quiet", "Unassign")
            } else {
                ("assign", "", "Assign")
            };
            format!(
                "<form method=\"post\" action=\"/admin/{action}\">{}{}<button class=\"{class}\">{verb} {}</button></form>{}",
                hidden("app", view.id.as_str()),
                hidden("user", &user.login),
                escape_markup(&view.app.label),
                signals(view, user),
            )
        })
        .collect();
    let (action, verb) = if user.suspended { ("activate", "Activate") } else { ("suspend", "Suspend") };
    format!(
        "<tr><td>{}<br><small>{}</small></td>\
         <td><form method=\"post\" action=\"/admin/groups\">{}<input type=\"text\" name=\"groups\" value=\"{}\"> \
         <button class=\"quiet\">Save</button></form></td><td>{applications}</td>\
         <td><form method=\"post\" action=\"/admin/{action}\">{}<button class=\"quiet\">{verb}</button></form></td></tr>",
        escape_markup(&full_name(user)),
        escape_markup(&user.login),
        hidden("user", &user.login),
        escape_markup(&user.groups.join(", ")),
        hidden("user", &user.login),
    )
}

/// Returns the buttons that tell an application that a person is signed out.
fn signals(view: &AppView, user: &User) -> String {
    if view.app.signals_url.is_none() {
        return String::new();
    }
    let button = |(signal, text): (&str, &str)| {
        format!(
            "<form method=\"post\" action=\"/admin/signal\">{}{}{}<button class=\"quiet\">{text}</button></form>",
            hidden("app", view.id.as_str()),
            hidden("user", &user.login),
            hidden("signal", signal),
        )
    };
    let kinds = [
        ("universal-logout", "Clear sessions (Universal Logout)"),
        ("session-revoked", "Session revoked (CAEP)"),
    ];
    kinds.map(button).concat()
}

/// Returns the form for the address of signals.
fn signals_settings(view: &AppView) -> String {
    format!(
        "<form method=\"post\" action=\"/admin/signals\">{}<input type=\"text\" name=\"base_url\" placeholder=\"address for signals\" value=\"{}\"> \
         <button>Save</button></form>",
        hidden("app", view.id.as_str()),
        escape_markup(view.app.signals_url.as_deref().unwrap_or_default()),
    )
}

/// Returns the form for the SCIM address, and a form for each group that can be pushed.
fn provisioning(view: &AppView) -> String {
    let app = hidden("app", view.id.as_str());
    let base_url = view.app.provisioning.as_ref().map(|scim| scim.base_url.as_str()).unwrap_or_default();
    let settings = format!(
        "<form method=\"post\" action=\"/admin/provisioning\">{app}<input type=\"text\" name=\"base_url\" placeholder=\"SCIM connector base URL\" \
         value=\"{}\"> <input type=\"text\" name=\"token\" placeholder=\"API token\" autocomplete=\"off\"> <button>Save</button></form>",
        escape_markup(base_url),
    );
    if base_url.is_empty() {
        return settings;
    }
    format!(
        "{settings}<form method=\"post\" action=\"/admin/push-group\">{app}<input type=\"text\" name=\"group\" placeholder=\"group\" required> \
         <button>Push group</button> <button class=\"quiet\" formaction=\"/admin/remove-group\">Remove pushed group</button></form>"
    )
}

fn app_section(view: &AppView, apps: &[AppView], base_url: &str) -> String {
    let id = escape_markup(view.id.as_str());
    let token = view.app.fixed_attributes.iter().find(|(name, _)| name == "token");
    let token = token.map(|(_, value)| value.as_str()).unwrap_or_default();
    let encrypted = if view.app.encryption_certificate.is_some() { "Encrypted" } else { "Unencrypted" };
    format!(
        "<h2>{}</h2><table><tr><th>Identity Provider metadata</th><td><a href=\"/app/{id}/sso/saml/metadata\"><code>{}/app/{id}/sso/saml/metadata</code></a></td></tr>\
         <tr><th>Identity Provider Issuer</th><td><code>http://www.okta.com/{id}</code></td></tr>\
         <tr><th>Single sign-on URL</th><td><code>{}</code></td></tr>\
         <tr><th>Audience URI (SP Entity ID)</th><td><code>{}</code></td></tr>\
         <tr><th>Assertion Encryption</th><td>{encrypted}</td></tr>\
         <tr><th>Attribute <code>token</code></th><td><form method=\"post\" action=\"/admin/token\">{}\
         <input type=\"text\" name=\"token\" value=\"{}\"> <button>Save</button></form></td></tr>\
         <tr><th>Provisioning (SCIM)</th><td>{}</td></tr>\
         <tr><th>Universal Logout, Shared Signals</th><td>{}</td></tr>\
         <tr><th>Certificate</th><td><form method=\"post\" action=\"/admin/key\">{}<button class=\"quiet\">Generate new certificate</button></form></td></tr>\
         <tr><th>Faults on purpose</th><td>{}</td></tr></table>",
        escape_markup(&view.app.label),
        escape_markup(base_url),
        escape_markup(&view.app.single_sign_on_url),
        escape_markup(&view.app.entity_id),
        hidden("app", view.id.as_str()),
        escape_markup(token),
        provisioning(view),
        signals_settings(view),
        hidden("app", view.id.as_str()),
        faults(view, apps),
    )
}

/// Returns the form for the deliberate faults at an application.
fn faults(view: &AppView, apps: &[AppView]) -> String {
    let others = apps.iter().filter(|other| other.id != view.id);
    let keys: String = others
        .map(|other| {
            let (id, label) = (escape_markup(other.id.as_str()), escape_markup(&other.app.label));
            format!("<option value=\"{id}\">sign with the key of {label}</option>")
        })
        .collect();
    let foreign = if view.faults.signs_with.is_some() { " (signs with another key now)" } else { "" };
    format!(
        "<form method=\"post\" action=\"/admin/faults\">{}\
         <input type=\"text\" name=\"audience\" placeholder=\"another audience\" value=\"{}\"> \
         <input type=\"text\" name=\"seconds_ahead\" placeholder=\"seconds that the clock is ahead\" value=\"{}\"> \
         <select name=\"signs_as\"><option value=\"\">sign with its own key</option>{keys}</select> <button class=\"quiet\">Do so</button>{foreign}</form>",
        hidden("app", view.id.as_str()),
        escape_markup(view.faults.audience.as_deref().unwrap_or_default()),
        match view.faults.clock.num_seconds() {
            0 => String::new(),
            seconds => seconds.to_string(),
        },
    )
}

fn full_name(user: &User) -> String {
    format!("{} {}", user.first_name, user.last_name).trim().to_owned()
}

fn initial(name: &str) -> String {
    escape_markup(&name.chars().next().unwrap_or('?').to_uppercase().to_string())
}
