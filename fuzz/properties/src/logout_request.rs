//! A message that is accepted is one that the identity provider's key signed, and says what it said.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use vouchsafe::metadata::Binding;
use vouchsafe::redirect::{decode_unverified, encode};
use vouchsafe::xml::{Document, namespace};
use vouchsafe::{
    Connection, ConnectionId, EntityId, ExpectMessage, IdentityProvider, Limits, LogoutJourney,
    LogoutRequest, LogoutStatus, Message, OutgoingMessage, Participant, PendingLogout, Provider, Refusal,
    SentMessage, ServiceProvider, SessionNameId,
};
use vouchsafe_testkit::{ASSERTION_CONSUMER, ISSUE_INSTANT, OKTA_ENTITY_ID, SERVICE_PROVIDER, SINGLE_LOGOUT};

use crate::message_recheck::{self, By};
use crate::message_seeds::{REQUEST, queries, signed_messages, zeroed};
use crate::{backend, keys, script};

const NOW: DateTime<Utc> = ISSUE_INSTANT;
const SOAP: &str = "https://app.example.com/saml/slo/soap";

/// The property of the target of that name.
pub fn check(data: &[u8]) {
    let _ = accepted(data);
}

/// How many receivers accept it, over all that it may come in: with real signatures, and with a backend that believes all.
#[must_use]
pub fn accepted(data: &[u8]) -> usize {
    let mut accepted = 0_usize;
    for (receiver, originals) in [(real(), signed_messages()), (credulous(), zeroed_messages())] {
        let text = script::document(data, originals);
        let mut count = |way: Way| {
            if let Some(message) = receiver.accept(&text, way) {
                receiver.recheck(&text, way, &message);
                accepted = accepted.saturating_add(1);
            }
        };
        [Way::Post, Way::Soap, Way::Query].into_iter().for_each(&mut count);
    }
    accepted
}

/// How a message comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Post,
    Soap,
    Query,
}

struct Receiver {
    saml: ServiceProvider,
    connection: Connection,
    is_credulous: bool,
}

fn zeroed_messages() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| zeroed(signed_messages()));
    &ALL
}

fn real() -> &'static Receiver {
    static RECEIVER: LazyLock<Receiver> = LazyLock::new(|| receiver(keys::provider(), false));
    &RECEIVER
}

fn credulous() -> &'static Receiver {
    static RECEIVER: LazyLock<Receiver> = LazyLock::new(|| receiver(backend::credulous(), true));
    &RECEIVER
}

fn receiver(provider: &Provider, is_credulous: bool) -> Receiver {
    let saml = ServiceProvider::builder(EntityId::new(SERVICE_PROVIDER).expect("an entity ID"))
        .assertion_consumer(ASSERTION_CONSUMER)
        .and_then(|builder| builder.single_logout(SINGLE_LOGOUT))
        .and_then(|builder| builder.single_logout_soap(SOAP))
        .expect("addresses")
        .provider(provider.clone())
        .signing_key(keys::ours().clone(), keys::our_certificate().clone())
        .build()
        .expect("a service provider");
    let okta = IdentityProvider::new(EntityId::new(OKTA_ENTITY_ID).expect("an entity ID"))
        .with_signing_certificate(keys::certificate().clone())
        .with_single_logout(Binding::HttpRedirect, "https://okta.example/slo")
        .and_then(|okta| okta.with_single_logout(Binding::HttpPost, "https://okta.example/slo/post"))
        .expect("an address");
    Receiver {
        saml,
        connection: Connection::new(ConnectionId::new("okta").expect("a name"), okta),
        is_credulous,
    }
}

impl Receiver {
    /// As a request of either kind, or else as the answer to ours.
    fn accept(&self, text: &[u8], way: Way) -> Option<Message> {
        let requests = [ExpectMessage::LogoutRequest, ExpectMessage::NameIdRequest];
        let mut outcomes = requests.into_iter().map(|expect| self.receive(text, way, expect));
        let is_of_the_kind = |outcome: &Result<Message, Refusal>| {
            outcome.as_ref().err().is_none_or(|refusal| refusal.code() != "message.kind")
        };
        match outcomes.find(is_of_the_kind) {
            None => {
                let pending = self.pending();
                let bound = pending.0.bind(Some(&pending.1), self.saml.provider()).ok()?;
                self.receive(text, way, ExpectMessage::LogoutReply(&bound)).ok()
            }
            Some(outcome) => outcome.ok(),
        }
    }

    fn receive(&self, text: &[u8], way: Way, expect: ExpectMessage<'_>) -> Result<Message, Refusal> {
        let (limits, connection) = (self.saml.limits(), std::slice::from_ref(&self.connection));
        let nothing = || Refusal::unknown_issuer("", []);
        let (sent, at) = match way {
            Way::Soap => (SentMessage::from_soap(text, limits), SOAP),
            Way::Query => {
                (SentMessage::from_query(str::from_utf8(text).map_err(|_| nothing())?, limits), SINGLE_LOGOUT)
            }
            Way::Post => {
                let is_answer = text.windows(9).take(200).any(|part| part == b"Response ");
                let parameter = if is_answer { "SAMLResponse" } else { "SAMLRequest" };
                let form =
                    vouchsafe_testkit::logout::form(parameter, &String::from_utf8_lossy(text), Some("s"));
                (SentMessage::from_form(form.as_bytes(), limits), SINGLE_LOGOUT)
            }
        };
        let incoming = self.saml.open_message(sent.map_err(|_| nothing())?, at)?;
        let valid = self.saml.receive_message(incoming, connection, expect, NOW);
        let valid = valid.inspect_err(|refusal| {
            assert!(
                refusal.code().contains('.') && !refusal.to_string().is_empty() && !refusal.hint().is_empty()
            );
        })?;
        let key = valid.replay_key();
        assert!(key.expires_at() > NOW, "the replay key is forgotten while a replay is accepted");
        valid.confirm(key.recorded(true))
    }

    fn recheck(&self, text: &[u8], way: Way, message: &Message) {
        let decoded;
        let (bytes, by, at) = match way {
            Way::Post => (text, By::Itself, SINGLE_LOGOUT),
            Way::Soap => (text, By::Itself, SOAP),
            Way::Query => {
                let query = str::from_utf8(text).expect("it was text before");
                decoded = decode_unverified(query, &Limits::default()).expect("it was read before");
                (decoded.bytes(), By::Query, SINGLE_LOGOUT)
            }
        };
        let lossy = String::from_utf8_lossy(bytes);
        let bytes = if way == Way::Post { lossy.as_bytes() } else { bytes };
        let document = Document::parse(bytes, &Limits::default()).expect("accepted without being XML");
        let root = document.root();
        let element = if way == Way::Soap {
            let body = root.elements().find(|one| one.is(namespace::SOAP_ENVELOPE, "Body")).expect("no body");
            body.elements().next().expect("an empty body")
        } else {
            root
        };
        assert_eq!(element.local_name(), message.kind().name());
        message_recheck::message(element, by, at, NOW.timestamp());
        assert_eq!(message.issuer().as_str(), OKTA_ENTITY_ID);
        if let Message::LogoutRequest(request) = message {
            self.answer_names(request);
        }
        if !self.is_credulous {
            assert!(is_one_that_was_signed(message), "the key never signed what was accepted");
        }
    }

    /// What is written as an answer to it is read as one.
    fn answer_names(&self, request: &LogoutRequest) {
        let answer = self.saml.answer_logout(&self.connection, request, None, LogoutStatus::Success, NOW);
        let message = match answer.expect("an answer can be written") {
            OutgoingMessage::Redirect(redirect) => {
                let query = redirect.url().split_once('?').expect("a query").1.to_owned();
                decode_unverified(&query, &Limits::default()).expect("our own query").bytes().to_vec()
            }
            OutgoingMessage::Form(form) => {
                let (_, value) = form.fields().first().expect("a message");
                vouchsafe::crypto::base64_decode(value).expect("our own base64")
            }
            _ => return,
        };
        let document = Document::parse(&message, &Limits::default()).expect("our own XML");
        assert!(document.root().is(namespace::SAML_PROTOCOL, "LogoutResponse"));
        assert_eq!(document.root().attribute("InResponseTo"), Some(request.id()));
    }

    fn pending(&self) -> (PendingLogout, String) {
        let participant = Participant::new(
            self.connection.id().clone(),
            SessionNameId::new("ada"),
            Some("_one".to_owned()),
        );
        let started = self.saml.start_logout(&self.connection, &participant, LogoutJourney::default(), NOW);
        let started = started.expect("a request can be written");
        let mut stored = started.pending.to_stored();
        REQUEST.clone_into(&mut stored.request_id);
        let pending = PendingLogout::from_stored(stored).expect("as it was stored");
        (pending, started.binding.reveal().to_owned())
    }
}

/// What a message says, in one text.
fn said(message: &Message) -> String {
    match message {
        Message::LogoutRequest(request) => format!(
            "{} {:?} {:?} {:?} {:?}",
            request.id(),
            SessionNameId::from(request.name_id()).value,
            (
                request.name_id().format(),
                request.name_id().name_qualifier(),
                request.name_id().sp_name_qualifier()
            ),
            request.session_indexes(),
            request.not_on_or_after()
        ),
        Message::LogoutResponse(answer) | Message::ManageNameIdResponse(answer) => {
            format!("{} {:?}", answer.in_response_to(), answer.codes().collect::<Vec<_>>())
        }
        Message::ManageNameIdRequest(request) => {
            format!(
                "{} {:?} {}",
                request.id(),
                request.name_id().value(),
                matches!(request.change(), vouchsafe::assertion::NameIdChange::New(name) if name == "countess")
            )
        }
        other => format!("{:?}", other.kind()),
    }
}

fn is_one_that_was_signed(message: &Message) -> bool {
    static SAID: LazyLock<Vec<String>> = LazyLock::new(|| {
        let posted = signed_messages().iter().filter_map(|text| real().accept(text.as_bytes(), Way::Post));
        let sent = queries().iter().filter_map(|text| real().accept(text.as_bytes(), Way::Query));
        posted.chain(sent).map(|message| said(&message)).collect()
    });
    SAID.contains(&said(message))
}

/// For the test that the property is reached: how an ordinary query is encoded again.
#[must_use]
pub fn encoded_again(query: &str) -> Option<String> {
    let decoded = decode_unverified(query, &Limits::default()).ok()?;
    let text = str::from_utf8(decoded.bytes()).ok()?.to_owned();
    Some(encode(decoded.field(), &text, decoded.relay_state()))
}
