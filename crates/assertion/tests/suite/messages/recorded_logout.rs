//! Logout messages and messages about names that identity providers of other makers sent, replayed a second after they were issued.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;
use vouchsafe_assertion::{
    ClaimedMessage, LogoutOutcome, Message, MessageExpectations, MessageId, NameIdChange, OutstandingRequest,
    Refusal, authenticate_message,
};
use vouchsafe_metadata::EntityId;
use vouchsafe_signature::MessageParameter;
use vouchsafe_xml::Limits;

use super::code;
use crate::common::Receiver;
use crate::recorded::receiver;

/// The folders, and the number of messages in each.
const FOLDERS: [(&str, usize); 5] =
    [("lasso", 8), ("pysaml2", 7), ("saml-idp", 3), ("samlify", 4), ("simplesamlphp", 4)];

/// The recorded messages that are refused, with the code: pysaml2 names no issuer in answers about names.
const REFUSED: [(&str, &str); 2] = [
    ("pysaml2/mni-new-id.managenameidresponse.soap.xml", "message.issuer"),
    ("pysaml2/mni-terminate.managenameidresponse.soap.xml", "message.issuer"),
];

/// A recorded message, and its receiver.
struct Recorded {
    receiver: Receiver,
    entity_id: EntityId,
    /// The address at which it came.
    destination: String,
    via: String,
    parameter: MessageParameter,
    /// The content of the message: a query, or XML.
    content: String,
    answers: Option<String>,
}

fn recorded(folder: &Path, manifest: &Value, sample: &Value) -> Recorded {
    let file = sample["file"].as_str().unwrap();
    let via = sample["via"].as_str().unwrap().to_owned();
    let content = if via == "GET" {
        let url = std::fs::read_to_string(folder.join(file.replace(".xml", ".url"))).unwrap();
        url.trim_end().split_once('?').unwrap().1.to_owned()
    } else {
        std::fs::read_to_string(folder.join(file)).unwrap()
    };
    let is_answer = sample["message"].as_str().unwrap().ends_with("Response");
    Recorded {
        receiver: receiver(folder, manifest, sample),
        entity_id: EntityId::new(manifest["sp"]["entity_id"].as_str().unwrap()).unwrap(),
        destination: sample["destination"].as_str().unwrap_or_default().to_owned(),
        via,
        parameter: if is_answer { MessageParameter::Response } else { MessageParameter::Request },
        content,
        answers: sample["in_response_to"].as_str().map(str::to_owned),
    }
}

impl Recorded {
    fn receive(&self, content: &str, answers: Option<&str>, late: TimeDelta) -> Result<Message, Refusal> {
        let limits = Limits::default();
        let claimed = match self.via.as_str() {
            "GET" => ClaimedMessage::in_query(content, &limits)?,
            "POST" => ClaimedMessage::posted(self.parameter, content.as_bytes(), None, &limits)?,
            _ => ClaimedMessage::in_soap(content.as_bytes(), &limits)?,
        };
        let mut expected = MessageExpectations::new(self.entity_id.clone(), self.destination.as_str());
        if let Some(id) = answers {
            let request = OutstandingRequest::new(MessageId::new(id).unwrap(), self.receiver.now);
            expected = expected.answering(request);
        }
        let read = authenticate_message(claimed, &self.receiver.trust, &limits)?.read()?;
        let valid = read.validate(&expected, self.receiver.now + late)?;
        let recorded = valid.replay_key().recorded(true);
        valid.confirm(recorded)
    }

    fn received(&self) -> Result<Message, Refusal> {
        self.receive(&self.content, self.answers.as_deref(), TimeDelta::zero())
    }
}

#[test]
fn every_recorded_logout_message_is_accepted_once_in_time() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    for (name, count) in FOLDERS {
        let folder = shared.join("idps/samples").join(name);
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("samples.json")).unwrap()).unwrap();
        let samples = manifest["samples"].as_array().unwrap();
        let messages: Vec<&Value> = samples.iter().filter(|sample| sample["message"].is_string()).collect();
        assert_eq!(messages.len(), count, "{name}");
        for sample in messages {
            let file = format!("{name}/{}", sample["file"].as_str().unwrap());
            let recorded = recorded(&folder, &manifest, sample);
            let expected = REFUSED.iter().find(|(refused, _)| *refused == file);
            let received = recorded.received();
            if let Some((_, refused)) = expected {
                assert_eq!(code(received), *refused, "{file}");
                continue;
            }
            is_as_recorded(&file, &received.unwrap_or_else(|refusal| panic!("{file}: {refusal}")), sample);
            refuses_what_was_changed(&file, &recorded);
        }
    }
}

/// Checks that the content of the message is what its recorder read.
fn is_as_recorded(file: &str, message: &Message, sample: &Value) {
    let kind = sample["message"].as_str().unwrap();
    assert_eq!(message.kind().name(), kind, "{file}");
    match message {
        Message::LogoutRequest(request) => {
            assert_eq!(request.name_id().value(), "user1@example.com", "{file}");
        }
        Message::LogoutResponse(answer) => {
            assert_eq!(sample["status"][0], "Success", "{file}");
            assert_eq!(answer.logout_outcome(), LogoutOutcome::Complete, "{file}");
        }
        Message::ManageNameIdRequest(request) => {
            assert!(matches!(request.change(), NameIdChange::New(_)), "{file}");
        }
        Message::ManageNameIdResponse(answer) => assert!(answer.is_success(), "{file}"),
        other => panic!("{file}: {other:?}"),
    }
}

fn refuses_what_was_changed(file: &str, recorded: &Recorded) {
    let hour = TimeDelta::hours(1);
    let late = recorded.receive(&recorded.content, recorded.answers.as_deref(), hour);
    assert_eq!(code(late), "message.issue_instant", "{file}: an hour later");
    let early = recorded.receive(&recorded.content, recorded.answers.as_deref(), -hour);
    assert_eq!(code(early), "message.issue_instant", "{file}: an hour before");
    if recorded.answers.is_some() {
        for other in [None, Some("_another")] {
            let unasked = recorded.receive(&recorded.content, other, TimeDelta::zero());
            assert_eq!(code(unasked), "message.in_response_to", "{file}: {other:?}");
        }
    }
    // Changes a character of the message or of its signature, at a position where it matters.
    let signed = if recorded.via == "GET" { "Signature=" } else { "SignatureValue>" };
    let place = recorded.content.find(signed).unwrap() + signed.len() + 5;
    let swapped = if &recorded.content[place..=place] == "A" { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &recorded.content[..place], &recorded.content[place + 1..]);
    let changed = recorded.receive(&changed, recorded.answers.as_deref(), TimeDelta::zero());
    assert!(code(changed).starts_with("signature."), "{file}");
    let elsewhere = Recorded { destination: "https://other.example/slo".to_owned(), ..copy(recorded) };
    let elsewhere = code(elsewhere.received());
    // An answer over SOAP comes back on the connection of its request.
    let expected = if recorded.via == "SOAP" { "accepted" } else { "message.destination" };
    assert_eq!(elsewhere, expected, "{file}");
}

fn copy(recorded: &Recorded) -> Recorded {
    Recorded {
        receiver: recorded.receiver.clone(),
        entity_id: recorded.entity_id.clone(),
        destination: recorded.destination.clone(),
        via: recorded.via.clone(),
        parameter: recorded.parameter,
        content: recorded.content.clone(),
        answers: recorded.answers.clone(),
    }
}
