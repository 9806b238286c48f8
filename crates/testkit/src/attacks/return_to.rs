//! Attacks on the address that the browser is sent to after signing in. The sender of an unsolicited message chooses
//! the RelayState, and the link that starts a sign-in contains the return address. Neither may lead to another site.
//! The control shows that the return address reaches the service: otherwise nothing would be attacked.

use super::form::Ending;
use super::scene::{Made, Scene};
use super::step::{ReturnTo, Start};
use super::{Attack, Base, Kind, Needs};

const KNOWN: &str = "CVE-2026-11753 (Armeria), CVE-2026-123547 (OpenAM)";

/// A sign-in that begins without an address to return to, and one that begins with the address that the target allows.
pub(super) const CONTROL_STARTS: &[Start] = &[Start::first(0), Start::first(1).returning(ReturnTo::Allowed)];

/// The second sign-in must end at its address, and the first one at another.
pub(super) fn genuine(scene: &Scene<'_>) -> Made {
    let returning = scene.answering(1);
    let (first, second) = (scene.message().issue()?, returning.message().issue()?);
    Ok(vec![
        scene.genuine(scene.own(), first.xml()).ending(Ending::NotAtReturn),
        returning.genuine(scene.own(), second.xml()).by(1).ending(Ending::AtReturn),
    ])
}

fn relayed(scene: &Scene<'_>, to: &str) -> Made {
    Ok(vec![scene.bent(scene.message().issue()?.xml()).relayed(Some(to))])
}

fn started(scene: &Scene<'_>) -> Made {
    Ok(vec![scene.bent(scene.message().issue()?.xml())])
}

macro_rules! attacks {
    ($($relay_state:literal, $return:literal, $description:literal, $to:expr;)*) => {
        pub(super) const ATTACKS: &[Attack] = &[
            $(
                Attack::new($relay_state, Kind::Return, concat!("RelayState: ", $description), |scene| {
                    relayed(scene, $to)
                })
                .needs(&[Needs::Unsolicited, Needs::Location])
                .known_as(KNOWN),
                Attack::new($return, Kind::Return, concat!("the way back: ", $description), started)
                    .from(Base::Return)
                    .needs(&[Needs::Request, Needs::Location])
                    .starting(const { &[Start::first(0).returning(ReturnTo::Hostile($to))] })
                    .known_as(KNOWN),
            )*
        ];
    };
}

attacks! {
    "relay-state/absolute", "return/absolute", "an address of another site", "https://evil.example/";
    "relay-state/other-scheme", "return/other-scheme", "the same over http", "http://evil.example/";
    "relay-state/two-slashes", "return/two-slashes", "two slashes and another host", "//evil.example/";
    "relay-state/three-slashes", "return/three-slashes", "three slashes and another host", "///evil.example/";
    "relay-state/backslash", "return/backslash", "a slash, a backslash and another host", "/\\evil.example/";
    "relay-state/backslashes", "return/backslashes", "two backslashes and another host", "\\\\evil.example/";
    "relay-state/no-slashes", "return/no-slashes", "a scheme without slashes", "https:evil.example";
    "relay-state/user-info", "return/user-info", "our host as user name of another", "https://app.example.com@evil.example/";
    "relay-state/longer-host", "return/longer-host", "a host that begins like ours", "https://app.example.com.evil.example/";
    "relay-state/javascript", "return/javascript", "a script", "javascript:alert(1)//";
    "relay-state/javascript-tab", "return/javascript-tab", "a script with a tab in its scheme", "java\tscript:alert(1)//";
    "relay-state/data", "return/data", "a document", "data:text/html,<script>alert(1)</script>";
    "relay-state/tab", "return/tab", "a tab between two slashes", "/\t/evil.example/";
    "relay-state/space", "return/space", "a space before two slashes", " //evil.example/";
    "relay-state/control", "return/control", "a control character before two slashes", "\u{1}//evil.example/";
    "relay-state/line-break", "return/line-break", "a line break and a header", "/\r\nLocation: https://evil.example/";
    "relay-state/steps", "return/steps", "steps upwards and two slashes", "/a/..//evil.example/";
    "relay-state/escaped-slash", "return/escaped-slash", "an escaped slash after a slash", "/%2fevil.example/";
    "relay-state/our-path", "return/our-path", "a path of ours before another site's address", "/home@https://evil.example/";
}
