//! An organization signs its people in over its own connections, whatever entity ID another customer's identity provider claims.

use vouchsafe::{Connection, ConnectionId, ConnectionSettings, IdentityProvider, Unsolicited};
use vouchsafe_testkit::{self as testkit, keys};

use crate::app::{App, Browser};

/// Another customer configures the victim's entity ID with keys of its own, and knows the victim's token: everybody
/// who ever signed in at the victim's identity provider can read it in a response.
#[tokio::test]
async fn a_customer_with_anothers_entity_id_and_token_signs_nobody_in_there() {
    let app = App::start().await;
    let acs = format!("{}/saml/acs", app.address);
    let genuine = app.response().issue().unwrap().to_base64();
    let ada = Browser::new().post(&acs, &[("SAMLResponse", genuine.as_str())]).await;
    assert_eq!(ada.status, 303, "ada has an account");

    let thief = testkit::IdentityProvider::okta().with_key(keys::attacker());
    let theirs = IdentityProvider::from_metadata(thief.metadata().unwrap().as_bytes()).unwrap();
    let theirs = Connection::new(ConnectionId::new("thief").unwrap(), theirs)
        .with_settings(ConnectionSettings::default().unsolicited(Unsolicited::Accept))
        .unwrap();
    app.connections.put(theirs);

    let forged = app.response().assertion_id("_forged").key(keys::attacker()).issue().unwrap();
    let browser = Browser::new();
    let answer = browser.post(&acs, &[("SAMLResponse", forged.to_base64().as_str())]).await;
    assert_eq!(answer.status, 403, "{answer:?}", answer = answer.location);
    assert_eq!(app.last_refusal().1, "provisioning.other_connection");
    assert_eq!(browser.cookies(), 0);
    assert_eq!(app.sign_ins().len(), 1);
}
