//! How SCIM resources are found: by their own rows, and by the search values next to them.

use std::collections::BTreeSet;

use vouchsafe::ConnectionId;

use crate::{
    ScimFrom, ScimKey, ScimKind, ScimPage, ScimResource,
    sql::{
        Batch, Parameter, Sql,
        rows::{findable, is_findable},
    },
};

/// The three questions for one kind of key: from a position on, after a resource, and the number.
struct Questions {
    from_index: Sql,
    after_number: Sql,
    count: Sql,
}

/// The questions for a condition in addition to the connection and the kind. A key finds few resources: the `+`
/// prevents the engines from scanning all resources in the order of their numbers.
macro_rules! questions {
    ($condition:literal) => {
        questions!($condition, $condition)
    };
    ($sqlite:literal, $postgres:literal) => {
        questions!(
            $sqlite,
            $postgres,
            "ORDER BY +number LIMIT ? OFFSET ?",
            "AND +number > ? ORDER BY +number LIMIT ?"
        )
    };
    ($sqlite:literal, $postgres:literal, $from_index:literal, $after_number:literal) => {
        Questions {
            from_index: Sql {
                sqlite: questions!(of "number, record", $sqlite, $from_index),
                postgres: questions!(of "number, record", $postgres, $from_index),
            },
            after_number: Sql {
                sqlite: questions!(of "number, record", $sqlite, $after_number),
                postgres: questions!(of "number, record", $postgres, $after_number),
            },
            count: Sql {
                sqlite: questions!(of "count(*)", $sqlite, ""),
                postgres: questions!(of "count(*)", $postgres, ""),
            },
        }
    };
    (of $what:literal, $condition:literal, $end:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM vouchsafe_scim_resources WHERE connection = ? AND kind = ? ",
            $condition,
            " ",
            $end
        )
    };
}

const ALL: Questions =
    questions!("", "", "ORDER BY number LIMIT ? OFFSET ?", "AND number > ? ORDER BY number LIMIT ?");
const BY_IDS: Questions = questions!("AND id IN (SELECT value FROM json_each(?))", "AND id = ANY(?)");
const BY_NAME: Questions = questions!("AND name = ?");
const BY_EXTERNAL_ID: Questions = questions!("AND external_id = ?");
const BY_VALUE: Questions = questions!(
    "AND id IN (SELECT id FROM vouchsafe_scim_values WHERE connection = ? AND kind = 'User' AND attribute = ? AND value = ?)"
);
const BY_MEMBER: Questions = questions!(
    "AND kind = 'Group' AND id IN (SELECT group_id FROM vouchsafe_group_members WHERE account = ?)"
);
const INACTIVE: Questions = questions!(
    "AND kind = 'User' AND id IN (SELECT id FROM vouchsafe_accounts WHERE active = 0 AND organization =
        (SELECT organization FROM vouchsafe_organization_connections WHERE connection = ?))"
);

const DISPLAY_NAME: &str = "display_name";
const EMAIL: &str = "email";

/// The resources that a key finds.
pub(super) fn find(connection: &ConnectionId, kind: ScimKind, by: &ScimKey, page: ScimPage) -> Batch {
    let ScimPage { from, most } = page;
    let (questions, parameters) = questions_for(connection, by);
    match from {
        ScimFrom::Index(index) => {
            asked(questions.from_index, connection, kind, parameters).bind(most).bind(index)
        }
        ScimFrom::After(number) => {
            asked(questions.after_number, connection, kind, parameters).bind(number).bind(most)
        }
    }
}

/// The number of resources that a key finds.
pub(super) fn count(connection: &ConnectionId, kind: ScimKind, by: &ScimKey) -> Batch {
    let (questions, parameters) = questions_for(connection, by);
    asked(questions.count, connection, kind, parameters)
}

fn asked(sql: Sql, connection: &ConnectionId, kind: ScimKind, parameters: Vec<Parameter>) -> Batch {
    let batch = Batch::of(sql).bind(connection.as_str()).bind(kind.name());
    parameters.into_iter().fold(batch, Batch::bind)
}

fn questions_for(connection: &ConnectionId, by: &ScimKey) -> (Questions, Vec<Parameter>) {
    let value = |attribute: &str, text: &str| {
        let parts = [connection.as_str(), attribute, &ScimResource::search_key(text)];
        (BY_VALUE, parts.map(Parameter::from).into())
    };
    match by {
        ScimKey::All => (ALL, Vec::new()),
        ScimKey::Ids(ids) => (BY_IDS, vec![findable(ids).into()]),
        ScimKey::Name(name) => (BY_NAME, vec![if_findable(&ScimResource::name_key(name))]),
        ScimKey::ExternalId(id) => (BY_EXTERNAL_ID, vec![if_findable(id)]),
        ScimKey::DisplayName(name) => value(DISPLAY_NAME, name),
        ScimKey::Email(email) => value(EMAIL, email),
        ScimKey::Member(id) => (BY_MEMBER, vec![if_findable(id)]),
        ScimKey::Inactive => (INACTIVE, vec![connection.as_str().into()]),
    }
}

/// NULL equals nothing.
fn if_findable(text: &str) -> Parameter {
    if is_findable(text) { text.into() } else { Parameter::Null }
}

/// Writes the search values of a resource that have changed.
pub(super) fn index(
    batch: Batch,
    (connection, kind): (&str, ScimKind),
    written: Option<&ScimResource>,
    stored: Option<&ScimResource>,
) -> Batch {
    const FORGET: &str = "DELETE FROM vouchsafe_scim_values WHERE connection = ? AND kind = ? AND id = ?";
    const ADD: &str =
        "INSERT INTO vouchsafe_scim_values (connection, kind, attribute, value, id) VALUES (?, ?, ?, ?, ?)";
    let keys = |resource: Option<&ScimResource>| resource.map(keys).unwrap_or_default();
    if keys(written) == keys(stored) {
        return batch;
    }
    let batch = match stored {
        Some(stored) => batch.then(FORGET).bind(connection).bind(kind.name()).bind(stored.id.as_str()),
        None => batch,
    };
    let Some(written) = written else { return batch };
    keys(Some(written)).into_iter().fold(batch, |batch, (attribute, value)| {
        let batch = batch.then(ADD).bind(connection).bind(kind.name());
        batch.bind(attribute).bind(value).bind(written.id.as_str())
    })
}

fn keys(resource: &ScimResource) -> BTreeSet<(&'static str, String)> {
    let name = resource.display_name_key().map(|name| (DISPLAY_NAME, name));
    let emails = resource.email_keys().into_iter().map(|email| (EMAIL, email));
    name.into_iter().chain(emails).collect()
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::{Sqlite, sql::Engine as _};

    /// A look-up reads only what it finds, not all resources of its connection. A page does too, since it follows the
    /// index of the order.
    #[tokio::test]
    async fn look_ups_go_through_nothing() {
        let store = Sqlite::in_memory().await.unwrap();
        let connection = ConnectionId::new("acme").unwrap();
        let text = || "x".to_owned();
        for (by, is_look_up) in [
            (ScimKey::Ids(vec![text()]), true),
            (ScimKey::Name(text()), true),
            (ScimKey::ExternalId(text()), true),
            (ScimKey::DisplayName(text()), true),
            (ScimKey::Email(text()), true),
            (ScimKey::Member(text()), true),
            (ScimKey::Inactive, true),
            (ScimKey::All, false),
        ] {
            for from in [ScimFrom::Index(0), ScimFrom::After(1)] {
                let asked = find(&connection, ScimKind::User, &by, ScimPage { from, most: 10 });
                let (sql, parameters) = asked.statements().next().unwrap();
                let explained = format!("EXPLAIN QUERY PLAN {}", sql.sqlite).leak();
                let batch = parameters.iter().cloned().fold(Batch::of(&*explained), Batch::bind);
                let answered = store.ask(batch).await.unwrap();
                let steps: Vec<String> =
                    answered.rows.iter().map(|row| row.text(3).unwrap().to_owned()).collect();
                let resources = steps.iter().find(|step| step.contains("vouchsafe_scim_resources")).unwrap();
                assert!(resources.starts_with("SEARCH"), "{by:?}: {steps:#?}");
                let reads_all = resources.contains("(connection=? AND kind=?)")
                    || resources.contains("(connection=? AND kind=? AND number>?)");
                assert_eq!(!reads_all, is_look_up, "{by:?} {from:?}: {steps:#?}");
                let goes_through = |step: &String| {
                    step.starts_with("SCAN")
                        && !step.contains("VIRTUAL TABLE")
                        && !step.contains("LIST SUBQUERY")
                };
                assert!(!steps.iter().any(goes_through), "{by:?}: {steps:#?}");
            }
        }
    }
}
