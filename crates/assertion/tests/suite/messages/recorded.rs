//! Artifacts of other makers' identity providers, and their recorded answers.

use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;
use vouchsafe_assertion::{
    Artifact, ClaimedMessage, Login, Message, MessageExpectations, MessageId, OutstandingRequest, Refusal,
    authenticate_message, unsigned_artifact_response,
};
use vouchsafe_metadata::Binding;

use super::code;
use crate::common::{Receiver, at};
use crate::recorded::{metadata_of, receiver};

/// A recorded exchange.
struct Exchange {
    receiver: Receiver,
    artifact: Artifact,
    name_id: String,
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

fn attribute(text: &str, element: &str, name: &str) -> String {
    let element = text.split_once(element).unwrap().1;
    element.split_once(&format!(" {name}=\"")).unwrap().1.split_once('"').unwrap().0.to_owned()
}

fn exchange(folder: &Path) -> Exchange {
    let manifest: Value = serde_json::from_str(&read(folder, "samples.json")).unwrap();
    let samples = manifest["samples"].as_array().unwrap();
    let sample =
        samples.iter().find(|sample| sample["file"] == "artifact.artifactresponse.soap.xml").unwrap();
    let url = read(folder, "artifact.artifact.url");
    let value = url.split_once("SAMLart=").unwrap().1.split(['&', '\n']).next().unwrap();
    let value = value.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    Exchange {
        receiver: receiver(folder, &manifest, sample),
        artifact: Artifact::parse(&value).unwrap(),
        name_id: sample["nameid"].as_str().unwrap().to_owned(),
    }
}

impl Exchange {
    /// Resolves with the answer in this file to the request with this ID, a second after it was issued.
    fn resolve(&self, answer: &str, question: &str, takes_unsigned: bool) -> Result<Login, Refusal> {
        let Receiver { trust, limits, expectations, .. } = &self.receiver;
        let issued = at(&attribute(answer, "ArtifactResponse", "IssueInstant"));
        let now = issued + TimeDelta::seconds(1);
        let request = OutstandingRequest::new(MessageId::new(question).unwrap(), issued);
        let expected = MessageExpectations::new(expectations.entity_id().clone(), "").answering(request);
        let claimed = ClaimedMessage::in_soap(answer.as_bytes(), limits)?;
        let resolved = if takes_unsigned {
            let trust = trust.clone().danger_accept_unsigned_artifact_responses();
            unsigned_artifact_response(claimed, &trust, &expected, now, limits)?
        } else {
            let valid = authenticate_message(claimed, trust, limits)?.read()?.validate(&expected, now)?;
            let recorded = valid.replay_key().recorded(true);
            let Message::ArtifactResponse(resolved) = valid.confirm(recorded)? else {
                panic!("another message")
            };
            resolved.into_response(limits)?
        };
        self.receiver.judge(resolved.claimed)
    }
}

#[test]
fn every_recorded_artifact_is_resolved() {
    let Some(shared) = vouchsafe_testkit::shared::folder() else { return };
    for (name, signs) in [("lasso", true), ("simplesamlphp", true), ("pysaml2", false)] {
        let folder = shared.join("idps/samples").join(name);
        let recorded = exchange(&folder);
        let identity_provider = metadata_of(&folder);
        assert!(recorded.artifact.is_of(identity_provider.entity_id()), "{name}");
        let services = identity_provider.artifact_resolution();
        let found = services.iter().any(|one| {
            *one.binding() == Binding::Soap && one.index() == Some(recorded.artifact.endpoint_index())
        });
        // pysaml2 writes the index as two digits in text, so its artifacts name a service that its metadata does not
        // have.
        assert_eq!(found, signs, "{name}: {:?}", recorded.artifact);

        let answer = read(&folder, "artifact.artifactresponse.soap.xml");
        let question =
            attribute(&read(&folder, "artifact.artifactresolve.soap.xml"), "ArtifactResolve", "ID");
        let login = recorded.resolve(&answer, &question, !signs).unwrap();
        assert_eq!(login.name_id().map(|name| name.value()), Some(recorded.name_id.as_str()), "{name}");
        let strictly = code(recorded.resolve(&answer, &question, false));
        assert_eq!(strictly, if signs { "accepted" } else { "message.unsigned" }, "{name}");
        assert_eq!(code(recorded.resolve(&answer, "_another", !signs)), "message.in_response_to", "{name}");
        let other = answer.replace("user1@example.com", "user2@example.com");
        assert_ne!(code(recorded.resolve(&other, &question, !signs)), "accepted", "{name}");

        // The artifact was resolved a second time.
        let file = folder.join("artifact.artifactresponse-second.soap.xml");
        if let Ok(second) = std::fs::read_to_string(file) {
            let question = attribute(&second, "ArtifactResponse", "InResponseTo");
            assert_eq!(code(recorded.resolve(&second, &question, !signs)), "message.no_response", "{name}");
        }
    }
}
