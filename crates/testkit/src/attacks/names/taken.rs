//! Attacks by genuine requests that give a person the name of somebody else.

use super::super::delivery::{Answered, Door};
use super::super::endpoint_report::{EndpointAttack, EndpointVerdict};
use super::super::requests::{self, Attacked as _, Place, Scene};
use super::{NameService, Names, end, new_id};

/// An attack, which is made at each door.
struct Row {
    what: &'static str,
    description: &'static str,
    /// Returns the changes that the request states, from the name of somebody else.
    changes: fn(&str) -> Vec<String>,
}

const ROWS: &[Row] = &[
    Row {
        what: "taken",
        description: "a genuine request that gives the person the name of somebody else",
        changes: |name| vec![new_id(name)],
    },
    Row {
        what: "taken-padded",
        description: "the same, with white space around the name",
        changes: |name| vec![new_id(&format!(" {name}\n"))],
    },
    Row {
        what: "taken-comment",
        description: "the same, with a comment within the name",
        changes: |name| {
            let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
            vec![new_id(name).replacen(name, &format!("{first}<!-- -->{rest}"), 1)]
        },
    },
    Row {
        what: "taken-and-ended",
        description: "a genuine request that ends the name and gives the person that of somebody else",
        changes: |name| vec![end(), new_id(name)],
    },
];

pub(super) fn all() -> impl Iterator<Item = EndpointAttack> {
    ROWS.iter().flat_map(|row| Door::ALL.iter().map(|door| attack(row, *door)))
}

fn attack(row: &Row, door: Door) -> EndpointAttack {
    EndpointAttack::new("new-name", row.what, door.name(), row.description)
}

pub(super) async fn run<S: NameService>(
    names: &Names<'_, S>,
    place: Place<'_>,
) -> Vec<(String, EndpointVerdict)> {
    let mut entries = Vec::new();
    for door in place.doors() {
        let mut verdicts = Vec::new();
        for row in ROWS {
            let verdict = attempt(names, row, place, door).await;
            verdicts.push((attack(row, door).name().to_owned(), verdict));
        }
        let works = requests::works(names, place, door).await;
        entries.extend(verdicts.into_iter().map(|(name, verdict)| (name, verdict.proven_by(works))));
    }
    entries
}

/// The request may be accepted, and answered with the status that the name is somebody else's. The sessions of the person
/// may end. But the name must still lead to the account of the other, and to no other one.
async fn attempt<S: NameService>(
    names: &Names<'_, S>,
    row: &Row,
    place: Place<'_>,
    door: Door,
) -> EndpointVerdict {
    let victim = names.target.fresh("victim");
    names.sign_in(&victim).await;
    let before = names.before();
    if before.bystander.is_none() || before.victim.is_none() {
        return EndpointVerdict::Inconclusive; // nobody has an account
    }
    let request = names.target.request(&victim, "");
    let request =
        (row.changes)(&names.bystander).into_iter().fold(request, |request, change| request.with_raw(change));
    let scene = Scene::new(place, door, request);
    let Ok(deliveries) = scene.signed(&scene.genuine()) else { return EndpointVerdict::Inconclusive };
    let mut answered = Answered::Unavailable;
    for delivery in &deliveries {
        answered = names.deliver(delivery).await;
    }
    let after = names.now(&victim).await;
    let is_taken = after.bystander != before.bystander || after.victim == before.bystander;
    EndpointVerdict::of(is_taken, answered, true)
}
