//! What a login is decided on: its organization and the rows there that it may refer to, and nothing else.

use std::collections::BTreeSet;

use vouchsafe::{
    ConnectionId, ConnectionState, ReplayKey,
    provisioning::{
        Account, AccountId, Domain, GroupId, Identity, LoginFacts, LookUp, OrganizationId, Policy, Role,
        Snapshot,
    },
};

use super::{
    Answered, Batch, Row, Runs, Sql, Transaction, connection_rows, locks, logouts, memoranda, rows, run_one,
};
use crate::{
    Decided, RememberedLogout, Session, SignInContext, StoreError, logout::Remembered,
    text::milliseconds_rounded_up,
};

/// The values that were read for a login.
#[derive(Debug)]
pub(super) struct AboutLogin {
    pub(super) snapshot: Snapshot,
    pub(super) policy: Policy,
    /// The domains for which the snapshot says whether another organization has verified them.
    pub(super) asked_domains: BTreeSet<Domain>,
    /// The state of the stored connection.
    pub(super) connection: Option<ConnectionState>,
    /// The time at which the latest relevant logout was issued.
    pub(super) latest_logout: Option<RememberedLogout>,
}

/// The values to look up.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedLogin<'a> {
    pub(super) login: &'a LoginFacts,
    /// The account to link.
    pub(super) links: Option<&'a AccountId>,
    /// The person whose latest logout counts, and the session index.
    pub(super) logouts_of: Option<(&'a Identity, &'a [String])>,
}

impl<'a> AskedLogin<'a> {
    pub(super) fn of(login: &'a LoginFacts) -> Self {
        Self { login, links: None, logouts_of: None }
    }

    /// The organization, and everything else that must not change while the login is decided on.
    pub(super) async fn lock(
        &self,
        turn: &mut dyn Transaction,
        organization: &OrganizationId,
    ) -> Result<(), StoreError> {
        let person = self.logouts_of.map(|(person, _)| person);
        locks::login(turn, organization, &self.login.connection, person).await
    }
}

/// An organization's row.
#[derive(Debug)]
pub(super) struct Known {
    id: OrganizationId,
    snapshot: Snapshot,
    policy: Policy,
}

/// The organization that signs in over a connection.
pub(crate) const OF_CONNECTION: &str = "
    SELECT organization.id, record, version, policy FROM vouchsafe_organization_connections AS own
    JOIN vouchsafe_organizations AS organization ON organization.id = own.organization WHERE own.connection = ?";

/// Records an assertion, finds the organization that signs in over its connection, and locks both in one round trip.
/// The replay record comes first, so that a transaction that waits for the same assertion holds no lock yet.
///
/// The organization was read before it was locked: [`MEANT`] tells whether it is still current.
const RECORD_AND_LOCK: &str = "
    WITH recorded AS (
        INSERT INTO vouchsafe_replays (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1),
    replay AS MATERIALIZED (SELECT count(*) AS is_first FROM recorded)
    SELECT organization.id, record, version, policy, replay.is_first, CASE WHEN organization.id IS NOT NULL THEN
        pg_advisory_xact_lock_shared(hashtextextended(current_schema() || 'organization ' || organization.id, 0)) END,
        CASE WHEN organization.id IS NOT NULL THEN
        pg_advisory_xact_lock_shared(hashtextextended(current_schema() || 'connection ' || $3, 0)) END
    FROM replay
    LEFT JOIN (vouchsafe_organization_connections AS own
        JOIN vouchsafe_organizations AS organization ON organization.id = own.organization) ON own.connection = $3";

/// Everything that a login refers to, as one row, since each row wakes its reader. The records of one kind are in one
/// column, separated by [`rows::BETWEEN_RECORDS`].
///
/// In SQLite `CROSS JOIN` fixes the order in which the tables are read: from the look-up values to the rows with that
/// name only, which SQLite does not find by itself. The `+` prevents it from scanning all rows of the organization.
pub(crate) const MEANT: Sql = Sql { sqlite: MEANT_IN_SQLITE, postgres: MEANT_IN_POSTGRES };

const MEANT_IN_SQLITE: &str = "
    WITH asked (connection, hashes, organization, names, emails, identities, domains, linked, seats_count, person, logout_keys)
        AS MATERIALIZED (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)),
    found AS MATERIALIZED (
        SELECT organization FROM (
            SELECT 1 AS rank, token.organization FROM asked CROSS JOIN json_each(asked.hashes) AS hash
            CROSS JOIN vouchsafe_tokens AS token ON token.hash = hash.value
            UNION ALL
            SELECT 2 AS rank, own.organization FROM asked
            CROSS JOIN vouchsafe_organization_connections AS own ON own.connection = asked.connection)
        ORDER BY rank, organization LIMIT 1),
    account_ids AS (
        SELECT account.id FROM asked CROSS JOIN json_each(asked.emails) AS email
        CROSS JOIN vouchsafe_accounts AS account ON account.organization = asked.organization AND account.email = email.value
        UNION
        SELECT known.account FROM asked CROSS JOIN json_each(asked.identities) AS identity
        CROSS JOIN vouchsafe_identities AS known
            ON known.organization = asked.organization AND known.identity = identity.value
        UNION
        SELECT linked FROM asked),
    accounts AS MATERIALIZED (
        SELECT account.record FROM asked CROSS JOIN account_ids
        CROSS JOIN vouchsafe_accounts AS account
            ON account.id = account_ids.id AND +account.organization = asked.organization),
    team_ids AS (
        SELECT team.id FROM asked CROSS JOIN json_each(asked.names) AS name
        CROSS JOIN vouchsafe_teams AS team ON team.organization = asked.organization AND team.name = name.value
        UNION
        SELECT membership.value ->> 'team' FROM accounts
        CROSS JOIN json_each(iif(json_valid(accounts.record), accounts.record, '{}'), '$.memberships') AS membership)
    SELECT
        (SELECT organization FROM found) AS organization,
        (SELECT token_required FROM asked CROSS JOIN vouchsafe_connections AS connection ON connection.id = asked.connection
            WHERE +connection.organization = (SELECT organization FROM found)) AS token_required,
        EXISTS (SELECT 1 FROM asked CROSS JOIN vouchsafe_connections AS connection ON connection.id = asked.connection
            WHERE connection.organization <> (SELECT organization FROM found)) AS is_of_another,
        (SELECT group_concat(record, char(30)) FROM accounts) AS accounts,
        (SELECT group_concat(team.record, char(30)) FROM asked CROSS JOIN team_ids
            CROSS JOIN vouchsafe_teams AS team
            ON team.id = team_ids.id AND +team.organization = asked.organization) AS teams,
        (SELECT group_concat(project.record, char(30)) FROM asked CROSS JOIN json_each(asked.names) AS name
            CROSS JOIN vouchsafe_projects AS project
            ON project.organization = asked.organization AND project.name = name.value) AS projects,
        (SELECT group_concat(verified.domain) FROM asked CROSS JOIN json_each(asked.domains) AS domain
            CROSS JOIN vouchsafe_domains AS verified ON verified.domain = domain.value
            WHERE +verified.organization <> asked.organization) AS domains_of_others,
        CASE WHEN (SELECT seats_count FROM asked) THEN (
            SELECT count(*) FROM asked CROSS JOIN vouchsafe_accounts AS account
            ON account.organization = asked.organization WHERE account.active = 1) END AS seats_taken,
        (SELECT version FROM vouchsafe_organizations WHERE id = (SELECT organization FROM found)) AS version,
        (SELECT connection.state FROM asked CROSS JOIN vouchsafe_connections AS connection
            ON connection.id = asked.connection) AS state,
        (SELECT max(logout.issued_at) FROM asked CROSS JOIN vouchsafe_logouts_remembered AS logout
            ON logout.identity IN (SELECT value FROM json_each(asked.person))
            AND logout.session_index IN (SELECT value FROM json_each(asked.logout_keys))) AS latest_logout,
        (SELECT max(logout.received_at) FROM asked CROSS JOIN vouchsafe_logouts_remembered AS logout
            ON logout.identity IN (SELECT value FROM json_each(asked.person))
            AND logout.session_index IN (SELECT value FROM json_each(asked.logout_keys))) AS latest_logout_received";

/// Rows that are looked up by id must be found by the id's index and not by the organization's, however few rows there
/// were when the statement was planned. `|| ''` excludes the index of the organization, and `OFFSET 0` makes PostgreSQL
/// look up each value by itself; otherwise it reads all rows of the organization until it has statistics of the table.
/// The parameters are those of SQLite: connection, hashes, organization, names, emails, identities, domains, linked,
/// whether seats are counted, the key of the person's connection, the places of logouts.
const MEANT_IN_POSTGRES: &str = "
    WITH found AS MATERIALIZED (
        SELECT organization FROM (
            SELECT 1 AS rank, organization FROM vouchsafe_tokens WHERE hash = ANY($2::text[])
            UNION ALL
            SELECT 2 AS rank, organization FROM vouchsafe_organization_connections WHERE connection = $1) AS ranked
        ORDER BY rank, organization LIMIT 1),
    account_ids AS (
        SELECT one.id FROM unnest($5::text[]) AS wanted CROSS JOIN LATERAL (
            SELECT id FROM vouchsafe_accounts WHERE organization = $3 AND email = wanted OFFSET 0) AS one
        UNION
        SELECT one.account FROM unnest($6::text[]) AS wanted CROSS JOIN LATERAL (
            SELECT account FROM vouchsafe_identities WHERE organization = $3 AND identity = wanted OFFSET 0) AS one
        UNION
        SELECT $8),
    accounts AS MATERIALIZED (
        SELECT account.record FROM vouchsafe_accounts AS account
        JOIN account_ids ON account_ids.id = account.id WHERE account.organization || '' = $3),
    team_ids AS (
        SELECT one.id FROM unnest($4::text[]) AS wanted CROSS JOIN LATERAL (
            SELECT id FROM vouchsafe_teams WHERE organization = $3 AND name = wanted OFFSET 0) AS one
        UNION
        SELECT membership ->> 'team' FROM accounts,
            json_array_elements(coalesce(accounts.record::json -> 'memberships', '[]')) AS membership)
    SELECT
        (SELECT organization FROM found),
        (SELECT token_required FROM vouchsafe_connections
            WHERE id = $1 AND organization = (SELECT organization FROM found)),
        CASE WHEN EXISTS (SELECT 1 FROM vouchsafe_connections
            WHERE id = $1 AND organization <> (SELECT organization FROM found)) THEN 1::bigint ELSE 0::bigint END,
        (SELECT string_agg(record, chr(30)) FROM accounts),
        (SELECT string_agg(team.record, chr(30)) FROM vouchsafe_teams AS team
            JOIN team_ids ON team_ids.id = team.id WHERE team.organization || '' = $3),
        (SELECT string_agg(one.record, chr(30)) FROM unnest($4::text[]) AS wanted CROSS JOIN LATERAL (
            SELECT record FROM vouchsafe_projects WHERE organization = $3 AND name = wanted OFFSET 0) AS one),
        (SELECT string_agg(domain, ',') FROM vouchsafe_domains
            WHERE domain = ANY($7::text[]) AND organization <> $3),
        CASE WHEN $9::bigint = 1 THEN (
            SELECT count(*) FROM vouchsafe_accounts WHERE organization = $3 AND active = 1) END,
        (SELECT version FROM vouchsafe_organizations WHERE id = (SELECT organization FROM found)),
        (SELECT state FROM vouchsafe_connections WHERE id = $1),
        (SELECT max(issued_at) FROM vouchsafe_logouts_remembered
            WHERE identity = ANY($10::text[]) AND session_index = ANY($11::text[])),
        (SELECT max(received_at) FROM vouchsafe_logouts_remembered
            WHERE identity = ANY($10::text[]) AND session_index = ANY($11::text[]))";

/// Records an assertion that came over this connection. Answers whether it is the first record, and the organization,
/// which is locked together with the connection.
pub(super) async fn record(
    turn: &mut dyn Transaction,
    key: &ReplayKey,
    connection: &ConnectionId,
) -> Result<(bool, Option<Known>), StoreError> {
    if turn.is_alone() {
        let first = memoranda::insert_once(key.hash(), key.expires_at());
        let answered = turn.run(first.then(OF_CONNECTION).bind(connection.as_str())).await?;
        let [recorded, known] = answered.as_slice() else {
            return Err(StoreError::damaged("answer", "it is not one for each statement"));
        };
        return Ok((recorded.changed == 1, organization_of(known)?));
    }
    let asked = Batch::of(RECORD_AND_LOCK)
        .bind(key.hash())
        .bind(milliseconds_rounded_up(key.expires_at()))
        .bind(connection.as_str());
    let answered = run_one(turn, asked).await?;
    let row = answered.rows.first().ok_or_else(|| StoreError::damaged("answer", "it has no row"))?;
    let known = row.optional_text(0)?.is_some().then(|| Known::read(row)).transpose()?;
    Ok((row.integer(4)? == 1, known))
}

fn organization_of(answered: &Answered) -> Result<Option<Known>, StoreError> {
    answered.rows.first().map(Known::read).transpose()
}

/// Reads what a login refers to, for display.
pub(super) async fn read(runs: &mut dyn Runs, login: &LoginFacts) -> Result<AboutLogin, StoreError> {
    let known = known(runs, login).await?;
    about(runs, known, &AskedLogin::of(login)).await
}

/// Reads what a login would refer to if its connection belonged to this organization, for the trial of a draft.
pub(super) async fn tried(
    runs: &mut dyn Runs,
    organization: &OrganizationId,
    policy: Policy,
    login: &LoginFacts,
) -> Result<Snapshot, StoreError> {
    let answered = run_one(runs, Batch::of(rows::BY_ID).bind(organization.as_str())).await?;
    let known = organization_of(&answered)?.ok_or_else(|| StoreError::organization_unknown(organization))?;
    let known = Known { policy, ..known };
    let mut look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
    look_up.token_hashes.clear();
    let answered = run_one(runs, ask(Some(&known), &AskedLogin::of(login), &look_up)?).await?;
    let row = answered.rows.first().ok_or_else(|| StoreError::damaged("answer", "it has no row"))?;
    let about = with_pushed_groups(runs, known.with(row, login, &look_up)?).await?;
    Ok(with_owners(runs, about).await?.snapshot)
}

/// The organization of its connection.
pub(super) async fn known(runs: &mut dyn Runs, login: &LoginFacts) -> Result<Option<Known>, StoreError> {
    let answered = run_one(runs, Batch::of(OF_CONNECTION).bind(login.connection.as_str())).await?;
    organization_of(&answered)
}

/// How far a transaction has come with a login.
#[derive(Debug)]
pub(super) enum Found {
    /// Its organization was looked up.
    Organization(Option<Box<Known>>),
    /// Everything was read after its organization was locked.
    Login(Box<AboutLogin>),
}

/// Reads what a login refers to and locks what `plan` says will be changed.
///
/// A plan is made without locks. Then what it changes is locked, and if somebody changed that meanwhile, everything is
/// read and planned again. A person who signs in as usual therefore locks only the row of their own account, and a
/// sign-in that creates a team locks the team's name.
pub(super) async fn settled(
    turn: &mut dyn Transaction,
    found: Found,
    asked: &AskedLogin<'_>,
    plan: &(dyn Fn(&Snapshot, &Policy) -> Option<Decided> + Sync),
) -> Result<AboutLogin, StoreError> {
    /// Each further round needs somebody else's change of the same account or name.
    const ROUNDS: usize = 16;
    let (mut known, mut read, mut locked) = (None, None, None);
    match found {
        Found::Organization(found) => known = found.map(|found| *found),
        Found::Login(found) => {
            locked = Some(found.snapshot.organization.id.clone());
            read = Some(*found);
        }
    }
    if turn.is_alone() {
        return about(turn, known, asked).await;
    }
    let mut held = locks::Held::default();
    if let (Some(known), None) = (&known, &locked) {
        asked.lock(turn, &known.id).await?;
        locked = Some(known.id.clone());
    }
    for _ in 0..ROUNDS {
        let about = match read.take() {
            Some(read) => read,
            None => about(turn, known.take(), asked).await?,
        };
        let organization = &about.snapshot.organization.id;
        if locked.as_ref() != Some(organization) {
            held.release(turn).await?;
            asked.lock(turn, organization).await?;
            locked = Some(organization.clone());
        } else {
            let Some(decided) = plan(&about.snapshot, &about.policy) else { return Ok(about) };
            if held.settles(turn, &decided, &about.snapshot).await? {
                return Ok(about);
            }
        }
        known = Some(about.into_known());
    }
    Err(StoreError::busy(std::io::Error::other("others change the same again and again")))
}

/// What a login refers to. `known` is the organization of its connection; a login with another organization's token is
/// rare.
pub(super) async fn about(
    runs: &mut dyn Runs,
    mut known: Option<Known>,
    asked: &AskedLogin<'_>,
) -> Result<AboutLogin, StoreError> {
    let login = asked.login;
    let look_up = LookUp::of(login).map_err(StoreError::cryptography)?;
    let no_organization = || StoreError::no_organization_for(&login.connection);
    loop {
        let answered = run_one(runs, ask(known.as_ref(), asked, &look_up)?).await?;
        let row = answered.rows.first().ok_or_else(no_organization)?;
        let found = OrganizationId::new(row.optional_text(0)?.ok_or_else(no_organization)?);
        let version = row.optional_integer(8)?.map(i64::unsigned_abs);
        match known {
            Some(known) if known.id == found && Some(known.snapshot.version) == version => {
                let about = with_pushed_groups(runs, known.with(row, login, &look_up)?).await?;
                return with_owners(runs, about).await;
            }
            _ => {
                let answered = run_one(runs, Batch::of(rows::BY_ID).bind(found.as_str())).await?;
                known = organization_of(&answered)?;
                if known.is_none() {
                    return Err(StoreError::organization_unknown(&found));
                }
            }
        }
    }
}

/// The SCIM groups of its accounts, if the policy's admission depends on groups.
async fn with_pushed_groups(runs: &mut dyn Runs, mut about: AboutLogin) -> Result<AboutLogin, StoreError> {
    const GROUPS: Sql = Sql {
        sqlite: "SELECT record FROM vouchsafe_groups
                 WHERE id IN (SELECT value FROM json_each(?)) AND +organization = ? ORDER BY number",
        postgres: "SELECT record FROM vouchsafe_groups WHERE id = ANY(?) AND organization = ? ORDER BY number",
    };
    let AboutLogin { snapshot, policy, .. } = &mut about;
    let groups = snapshot.accounts.iter().flat_map(|account| &account.scim_groups);
    let ids: BTreeSet<&str> = groups.map(GroupId::as_str).collect();
    if policy.admission.asks_for_groups() && !ids.is_empty() {
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let asked = Batch::of(GROUPS).bind(ids).bind(snapshot.organization.id.as_str());
        snapshot.groups = rows::all_records("group", &run_one(runs, asked).await?)?;
    }
    Ok(about)
}

/// The number of active owners, if an account is an owner only by a group: the sign-in may end that, and another owner
/// must remain.
async fn with_owners(runs: &mut dyn Runs, mut about: AboutLogin) -> Result<AboutLogin, StoreError> {
    const OWNERS: &str =
        "SELECT count(*) FROM vouchsafe_accounts WHERE organization = ? AND active = 1 AND is_owner = 1";
    let snapshot = &mut about.snapshot;
    let is_owner_by_group =
        |account: &Account| account.is_active_owner() && account.role_of_its_own() < Role::Owner;
    if snapshot.accounts.iter().any(is_owner_by_group) {
        let owners = run_one(runs, Batch::of(OWNERS).bind(snapshot.organization.id.as_str())).await?;
        snapshot.owners = Some(u32::try_from(owners.number()?).unwrap_or(u32::MAX));
    }
    Ok(about)
}

fn ask(known: Option<&Known>, asked: &AskedLogin<'_>, look_up: &LookUp) -> Result<Batch, StoreError> {
    let login = asked.login;
    let logouts =
        asked.logouts_of.map(|(person, session_indexes)| Remembered::that_mean(person, session_indexes));
    let (person, logout_keys) = logouts.map(|logouts| (vec![logouts.connection], logouts.places)).unzip();
    let hashes: Vec<String> = look_up.token_hashes.iter().map(|hash| hash.to_hex()).collect();
    let batch = Batch::of(MEANT).bind(login.connection.as_str()).bind(hashes);
    let nothing = Vec::<String>::new;
    // If the organization is not known yet, nothing else is found.
    let Some(known) = known else {
        let batch = batch.bind(None::<&str>).bind(nothing()).bind(nothing()).bind(nothing()).bind(nothing());
        return Ok(batch.bind(None::<&str>).bind(false).bind(person).bind(logout_keys));
    };
    let meant = look_up.clone().with_takeovers(&known.policy);
    let emails: Vec<String> = meant.emails.iter().map(|email| email.compared().to_owned()).collect();
    let identities: Vec<String> = meant.account_keys().into_iter().collect();
    let domains: Vec<String> = meant.domains().into_iter().map(|domain| domain.as_str().to_owned()).collect();
    let names: Vec<String> = known.policy.names_for(login).into_iter().collect();
    Ok(batch
        .bind(known.id.as_str())
        .bind(names)
        .bind(emails)
        .bind(identities)
        .bind(domains)
        .bind(asked.links.map(AccountId::as_str))
        // The number is needed only if there is a limit, and counting reads a row for each account.
        .bind(known.snapshot.organization.seat_limit.is_some())
        .bind(person)
        .bind(logout_keys))
}

impl Known {
    pub(super) fn organization(&self) -> &OrganizationId {
        &self.id
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let found = rows::organization(row)?;
        let policy = rows::policy(row)?;
        let mut snapshot = Snapshot::new(found.value);
        snapshot.version = found.version;
        Ok(Self { id: OrganizationId::new(row.text(0)?), snapshot, policy })
    }

    fn with(self, row: &Row, login: &LoginFacts, look_up: &LookUp) -> Result<AboutLogin, StoreError> {
        let (mut snapshot, policy) = (self.snapshot, self.policy);
        let is_of_another = row.integer(2)? != 0;
        // An account that only has the name which this organization would sign in over.
        if is_of_another && snapshot.organization.signs_in_over(&login.connection) {
            return Err(StoreError::no_organization_for(&login.connection));
        }
        if row.optional_integer(1)? == Some(0) {
            snapshot.token_not_required.insert(login.connection.clone());
        }
        snapshot.accounts = rows::records(row, 3, "account")?;
        snapshot.teams = rows::records(row, 4, "team")?;
        snapshot.projects = rows::records(row, 5, "project")?;
        let domains = row.optional_text(6)?;
        snapshot.domains_of_others =
            rows::parsed_domains(domains.into_iter().flat_map(|all| all.split(',')))?;
        let seats = row.optional_integer(7)?;
        snapshot.seats_taken = seats.map(|seats| u32::try_from(seats).unwrap_or(u32::MAX));
        let asked_domains = look_up.domains().into_iter().cloned().collect();
        let connection = row.optional_text(9)?.map(connection_rows::state_named).transpose()?;
        let latest_logout = logouts::remembered(row.optional_integer(10)?, row.optional_integer(11)?);
        Ok(AboutLogin { snapshot, policy, asked_domains, connection, latest_logout })
    }
}

impl AboutLogin {
    /// The values as a sign-in is decided on them.
    pub(super) fn as_read<'r>(&'r self, links_from: Option<&'r Session>) -> SignInContext<'r> {
        SignInContext::new(&self.snapshot, &self.policy, links_from, self.connection, self.latest_logout)
    }

    /// Its organization, to read the rest again.
    pub(super) fn into_known(self) -> Known {
        let mut snapshot = Snapshot::new(self.snapshot.organization);
        snapshot.version = self.snapshot.version;
        Known { id: snapshot.organization.id.clone(), snapshot, policy: self.policy }
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;
    use crate::Sqlite;

    /// A sign-in therefore costs the same in an organization of a hundred thousand accounts. Only counting the taken
    /// seats goes through all accounts.
    #[tokio::test]
    async fn no_table_is_read_but_by_what_is_asked_for() {
        let store = Sqlite::in_memory().await.unwrap();
        for (query, allowed) in [(MEANT.sqlite, 1), (OF_CONNECTION, 0), (rows::BY_ID, 0)] {
            let steps = store.steps_of(query).await;
            let are_all: Vec<_> = steps.iter().filter(|step| reads_all_of_a_table(step)).collect();
            assert_eq!(are_all.len(), allowed, "{are_all:?} of {steps:#?}");
        }
    }

    fn reads_all_of_a_table(step: &str) -> bool {
        const SOMEBODYS: [&str; 3] = ["vouchsafe_", "INDEX", "PRIMARY KEY"];
        let reads_a_table =
            SOMEBODYS.iter().any(|part| step.contains(part)) && !step.contains("VIRTUAL TABLE");
        reads_a_table && (step.starts_with("SCAN") || step.ends_with("(organization=?)"))
    }
}
