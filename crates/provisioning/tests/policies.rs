//! A policy that cannot be read says where.

use vouchsafe_assertion::ConnectionId;
use vouchsafe_metadata::EntityId;
use vouchsafe_provisioning::{
    AdmittedDomains, Create, GroupMatch, LoginFacts, LookUp, Organization, OrganizationId, Permission,
    Policy, Severity, Snapshot, Team, TeamId,
};

#[test]
fn errors_name_line_and_column() {
    let cases = [
        ("[default]\n", 1, 2, "did you mean `defaults`?"),
        ("[admission]\ncreate = 'yes'\n", 2, 10, "unknown variant `yes`"),
        ("[groups]\nsync = 'exclusiv'\n", 2, 8, "did you mean `exclusive`?"),
        ("[[identity.takeovers]]\nfrom = 'a'\nto = 'b'\nby = 'name'\n", 4, 6, "unknown variant `name`"),
        ("[attributes]\npreset = 'gogle'\n", 2, 10, "did you mean `google`?"),
        ("[defaults]\nrole = 'owner'\n", 2, 8, "unknown variant `owner`"),
        ("[defaults]\n# é\nteams = [{ nom = 'A' }]\n", 3, 12, "unknown field `nom`"),
        ("[[groups.map]]\nteam = 'A'\n", 1, 1, "a rule names a group"),
        (
            "\n[[groups.map]]\ngroup = 'a'\ngroup_id = 'b'\nteam = 'A'\n",
            4,
            1,
            "a rule names its groups once, and this one does by group already",
        ),
        ("[[groups.map]]\ngroup = 'a'\nteam = ' '\n", 3, 1, "the team has no name"),
        ("[[groups.map]]\nregex = 'a(.)'\n  team = '$2'\n", 3, 3, "the team asks for `$2`"),
        ("[[groups.map]]\nteam = 'A'\nregex = '('\n", 3, 1, "the regex cannot be read"),
        (
            "[[groups.map]]\ngroup = 'a'\nteam = 'A'\n[[groups.map]]\nteam = '$9'\nregex = 'a(.)'\n",
            5,
            1,
            "the team asks for `$9`",
        ),
        (
            "[[groups.map]]\ngroup = 'a'\nteam = 'A'\n[[groups.map]]\nteam = 'B'\n",
            4,
            1,
            "a rule names a group",
        ),
        (
            "[[groups.map]]\ngroup = 'a'\nteam = 'A'\n[[groups.map]]\ngroup = 'B'\n",
            4,
            1,
            "missing field `team`",
        ),
        ("[[groups.roles]]\nrole = 'admin'\nregex = '('\n", 3, 1, "the regex cannot be read"),
        (
            "[groups]\nmap = [{ group = 'a', team = 'A' }, { glob = 'k-*', team = '$1' }]\n",
            2,
            53,
            "a glob captures nothing",
        ),
        ("[groups]\nmax_removals = 'many'\n", 2, 16, "expected a whole number from 1 to 1000000"),
        ("[groups]\nmax_removals = 0\n", 2, 16, "expected a whole number from 1 to 1000000"),
        ("[groups]\nmax_removals = -1\n", 2, 16, "expected a whole number from 1 to 1000000"),
        ("[groups]\nmax_removals = 1_000_001\n", 2, 16, "expected a whole number from 1 to 1000000"),
        ("version = 2\n", 1, 11, "expected the number 1"),
        ("version = '1'\n", 1, 11, "expected the number 1"),
        ("groups = 1\n", 1, 10, "expected a table"),
        ("[groups]\nmap = 1\n", 2, 7, "expected a list"),
        ("[sessions]\nabsolute = '4m'\n", 2, 12, "at least \"5m\": people would be sent"),
        ("[sessions]\nidle = '299s'\n", 2, 8, "at least \"5m\": use is noted once a minute"),
        ("[offboarding]\nsuspend_after = '1s'\n", 2, 17, "at least \"1d\": everybody would be suspended"),
        ("[offboarding]\nsuspend_after = '23h'\n", 2, 17, "at least \"1d\""),
        ("[offboarding]\nsuspend_after = '0d'\n", 2, 17, "a duration must be longer than zero"),
        ("[enforcement]\nbreak_glass = ['a@b.example', 'olga']\n", 2, 31, "is named by its e-mail address"),
        ("[[groups.map]]\nregexp = 'a'\nteam = 'A'\n", 2, 1, "did you mean `regex`?"),
        ("[admission]\ndomains = ['a'\n", 2, 15, "unclosed array"),
    ];
    for (text, line, column, message) in cases {
        let error = Policy::from_toml(text).unwrap_err();
        assert_eq!((error.line(), error.column()), (line, column), "{text}: {error}");
        assert!(error.message().contains(message), "{text}: {error}");
        assert!(error.to_string().starts_with(&format!("line {line}, column {column}: ")));
        assert_eq!(error.code(), "provisioning.policy");
    }
}

#[test]
fn defaults_are_the_safe_ones() {
    let policy = Policy::from_toml("").unwrap();
    assert_eq!(policy, Policy::default());
    assert!(
        !policy.identity.link_by_email
            && !policy.groups.create_teams
            && policy.admission.create == Create::Always
    );
    assert_eq!(policy.admission.domains, AdmittedDomains::Verified);
    assert_eq!(policy.groups.ignore, ["Everyone"]);
    assert_eq!(policy.attributes.token, "token");
    let policy =
        Policy::from_toml("[defaults]\nteams = [{ name = 'A' }]\nprojects = [{ name = 'B' }]").unwrap();
    assert_eq!(policy.defaults.teams[0].role, Permission::ReadOnly);
    assert_eq!(policy.defaults.projects[0].permission, Permission::ReadWrite);
}

#[test]
fn durations_and_numbers_that_are_just_right_are_read() {
    let text = "[groups]\nmax_removals = 1\n[sessions]\nabsolute = '5m'\nidle = '300s'\n[offboarding]\nsuspend_after = '24h'\n";
    let policy = Policy::from_toml(text).unwrap();
    assert_eq!(policy.groups.max_removals, 1);
    assert_eq!(policy.offboarding.suspend_after.map(|after| after.to_string()).as_deref(), Some("1d"));
}

/// What can be read, and is probably not what was meant.
#[test]
fn what_adds_nothing_or_is_never_reached_is_a_warning() {
    let map = |rules: &[(&str, &str)]| {
        let rule = |(group, rest): &(&str, &str)| format!("[[groups.map]]\n{group}\nteam = {rest}\n");
        rules.iter().map(rule).collect::<String>()
    };
    let twice = "the rule groups.map[0] has the same groups and the same team: ";
    let cases = [
        (
            map(&[("group = 'A'", "'B'"), ("group = ' a'", "'b '")]),
            "groups.map[1]",
            format!("{twice}it adds nothing"),
        ),
        (
            map(&[("glob = 'a*'", "'B'"), ("glob = 'A*'", "'B'\nrole = 'admin'")]),
            "groups.map[1]",
            format!("{twice}the wider role counts, admin"),
        ),
        (
            map(&[("group = 'A'", "'$1'")]),
            "groups.map[0].team",
            "`$1` is a part of the team's name".to_owned(),
        ),
        (
            "[[groups.roles]]\ngroup = 'A'\nrole = 'admin'\n".repeat(2),
            "groups.roles[1]",
            "the rule groups.roles[0] has the same groups".to_owned(),
        ),
        (
            "[admission]\nblocked_groups = ['all', 'contractor-.*']".to_owned(),
            "admission.blocked_groups[1]",
            "perhaps “contractor-*” is meant".to_owned(),
        ),
        (
            "[admission]\nrequired_groups = ['^eng-.+$']".to_owned(),
            "admission.required_groups[0]",
            "perhaps “eng-?*” is meant".to_owned(),
        ),
        ("[groups]\nignore = ['a\\.b']".to_owned(), "groups.ignore[0]", "perhaps “a.b” is meant".to_owned()),
        (map(&[("glob = 'eng-.*'", "'B'")]), "groups.map[0].glob", "perhaps “eng-*” is meant".to_owned()),
        (
            "[[groups.roles]]\ngroup = '^admins'\nrole = 'admin'\n".to_owned(),
            "groups.roles[0].group",
            "perhaps “admins” is meant".to_owned(),
        ),
        (
            "[sessions]\nidle = '12h'\nabsolute = '12h'".to_owned(),
            "sessions.idle",
            "it is never reached".to_owned(),
        ),
        (
            "[sessions]\nabsolute = '31d'".to_owned(),
            "sessions.absolute",
            "stays signed in for up to 31d".to_owned(),
        ),
        (
            "[offboarding]\nsuspend_after = '13d'".to_owned(),
            "offboarding.suspend_after",
            "on holiday".to_owned(),
        ),
        (
            "[sessions]\nabsolute = '20d'\n[offboarding]\nsuspend_after = '20d'".to_owned(),
            "offboarding.suspend_after",
            "is suspended meanwhile".to_owned(),
        ),
    ];
    for (text, path, message) in cases {
        let findings = Policy::check(&text, None).unwrap();
        let [finding] = findings.as_slice() else { panic!("{text}: {findings:?}") };
        assert_eq!((finding.severity, finding.path.as_str()), (Severity::Warning, path), "{text}: {finding}");
        assert!(finding.message.contains(&message), "{text}: {finding}");
    }
    let nothing = [
        map(&[
            ("group = 'A'", "'B'"),
            ("group = 'A'", "'C'"),
            ("glob = 'A'", "'B'"),
            ("group_id = 'A'", "'B'"),
        ]),
        map(&[("regex = '(a)'", "'$1'"), ("group = 'A'", "'100 $'")]),
        map(&[("glob = 'a?*'", "'B'"), ("group = 'A (all) | R+D [1]'", "'C'")]),
        "[admission]\nblocked_groups = ['*.contractors', 'v1.2']".to_owned(),
        "[sessions]\nidle = '11h'\nabsolute = '12h'\n[offboarding]\nsuspend_after = '14d'".to_owned(),
    ];
    for text in nothing {
        assert_eq!(Policy::check(&text, None).unwrap(), [], "{text}");
    }
}

#[test]
fn presets_give_names_and_keys_replace_them() {
    let policy = Policy::from_toml("[attributes]\npreset = 'entra'\ngroups = 'roles'").unwrap();
    assert!(policy.attributes.email.ends_with("/claims/emailaddress"));
    assert_eq!(policy.attributes.groups.as_deref(), Some("roles"));
    assert!(GroupMatch::Name("R&D ".to_owned()).is_met_by(" r&d"));
    assert!(!GroupMatch::Id("3f".to_owned()).is_met_by("3F"));
}

/// Rules, takeovers, and what else is a list: 100 of each, and the first one too many is named.
#[test]
fn a_list_of_more_than_a_hundred_is_an_error_with_its_place() {
    let tables = [
        ("[[groups.map]]", "group = 'g'\nteam = 't'"),
        ("[[identity.takeovers]]", "from = 'a'\nto = 'b'\nby = 'email'"),
        ("[[defaults.teams]]", "name = 't'\nrole = 'admin'"),
        ("[[defaults.projects]]", "name = 'p'\n"),
    ];
    for (header, keys) in tables {
        let table = format!("{header}\n{keys}\n");
        assert!(Policy::from_toml(&table.repeat(100)).is_ok(), "{header}");
        let error = Policy::from_toml(&table.repeat(101)).unwrap_err();
        assert_eq!(error.line(), 100 * table.matches('\n').count() + 1, "{header}: {error}");
        assert!(error.message().contains("more than 100 entries"), "{error}");
    }
    for (table, key) in [("groups", "ignore"), ("admission", "domains")] {
        let list = |count| format!("[{table}]\n{key} = [\n{}]\n", "'x.example',\n".repeat(count));
        assert!(Policy::from_toml(&list(100)).is_ok(), "{key}");
        let error = Policy::from_toml(&list(101)).unwrap_err();
        assert_eq!((error.line(), error.column()), (103, 1), "{error}");
        assert!(error.message().contains("more than 100 entries"), "{error}");
    }
}

#[test]
fn a_policy_of_more_than_64_kibibytes_is_an_error_whatever_stands_in_it() {
    assert!(Policy::from_toml(&"#\n".repeat(Policy::MAX_BYTES / 2)).is_ok());
    let error = Policy::from_toml(&"#\u{e9}\n".repeat(Policy::MAX_BYTES / 4 + 1)).unwrap_err();
    assert_eq!((error.line(), error.column()), (16_385, 1), "{error}");
    assert!(error.message().contains("more than 65536 bytes"), "{error}");
    assert_eq!(error.code(), "provisioning.policy");
}

/// They are compiled at every sign-in, so what they weigh together is bounded, over both tables; one is refused before it is compiled.
#[test]
fn the_regexes_of_a_policy_have_one_budget() {
    let rules = |count: usize, table: &str, regex: &str, gives: &str| {
        let rule = |number| format!("[[groups.{table}]]\nregex = '{number}{regex}'\n{gives}\n");
        (0..count).map(rule).collect::<String>()
    };
    let (team, role) = ("team = 'x'", "role = 'admin'");
    let heavy = r"[\w]{3}(a|b)+[\w]{2}x?";
    let message = "the regexes of the policy are too large together";
    for one_table in [rules(60, "map", heavy, team), rules(60, "roles", heavy, role)] {
        let error = Policy::from_toml(&one_table).unwrap_err();
        assert!(error.message().contains(message), "{error}");
    }
    let both = |count| rules(count, "map", heavy, team) + &rules(count, "roles", heavy, role);
    assert!(Policy::from_toml(&both(10)).is_ok());
    let error = Policy::from_toml(&both(15)).unwrap_err();
    assert!(error.message().contains(message), "{error}");
    let usual = r"-(?<team>[a-z0-9-]+)-(rw|ro)";
    let usual = rules(100, "map", usual, "team = '$team'") + &rules(100, "roles", usual, role);
    assert!(Policy::from_toml(&usual).is_ok(), "so many usual ones as there may be rules");
    let error = Policy::from_toml(&rules(1, "map", r"\w{200}", team)).unwrap_err();
    assert!(error.message().contains("the regex is too large"), "{error}");
}

/// A login with many attributes, each of which could name the person under some policy.
#[test]
fn takeovers_look_up_only_whom_the_policy_means() {
    let now = "2026-01-15T09:00:00Z".parse().unwrap();
    let (connection, issuer) =
        (ConnectionId::new("new").unwrap(), EntityId::new("http://idp.example").unwrap());
    let mut login = LoginFacts::new(connection, issuer, "ada", now);
    for number in 0..200 {
        login = login.with_attribute(format!("a{number}"), [format!("v{number}")]);
    }
    let look_up = LookUp::of(&login).unwrap();
    for (subject, over) in [("", "ada"), ("[identity]\nsubject_attribute = 'a7'\n", "v7")] {
        let takeovers =
            |number| format!("[[identity.takeovers]]\nfrom = 'old-{number}'\nto = 'new'\nby = 'subject'\n");
        let policy =
            Policy::from_toml(&(0..100).fold(subject.to_owned(), |all, number| all + &takeovers(number)))
                .unwrap();
        let more = look_up.clone().with_takeovers(&policy).identities.split_off(look_up.identities.len());
        assert_eq!(more.len(), 100);
        assert!(more.iter().all(|identity| identity.subject == over), "{more:?}");
    }
}

/// The policies in `docs/POLICY.md`, and its table of presets.
#[test]
fn the_reference_says_what_is_so() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/POLICY.md");
    let text = std::fs::read_to_string(path).unwrap();
    let policies: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!policies.is_empty());
    for policy in policies {
        let findings = Policy::check(policy, None).unwrap();
        assert_eq!(findings, [], "{policy}");
    }
    let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
    for preset in ["okta", "entra", "adfs", "google", "keycloak", "onelogin", "jumpcloud", "pingone"] {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{preset}`"))).unwrap();
        let row = row.replace("\u{2026}/claims/", claims);
        let names = Policy::from_toml(&format!("[attributes]\npreset = '{preset}'")).unwrap().attributes;
        // So that what a console sends is what the policy looks at.
        let groups = names.groups.as_deref().unwrap();
        for name in [&names.email, &names.username, &names.first_name, &names.last_name, groups] {
            assert!(row.contains(name), "{preset}: {name}");
        }
        assert_eq!(names.token, "token");
    }
}

/// A rule whose teams nobody can join is said: with a regex it depends on what comes, but not where no team of the organization could be meant.
#[test]
fn a_captured_team_that_cannot_be_there_is_a_warning() {
    let acme = OrganizationId::new("acme");
    let mut snapshot = Snapshot::new(Organization::new(acme.clone(), "acme", "Acme"));
    snapshot.teams.push(Team::new(TeamId::new("t"), acme, "Team Red"));
    let check = |team: &str, more: &str| {
        let text = format!("[groups]\n{more}\n[[groups.map]]\nregex = 'k6-(?P<team>.+)'\nteam = '{team}'\n");
        let findings = Policy::check(&text, Some(&snapshot)).unwrap();
        findings.into_iter().filter(|finding| finding.path == "groups.map[0].team").collect::<Vec<_>>()
    };
    for team in ["$team", "team $1", "Team ${team}", "Team Red"] {
        assert_eq!(check(team, ""), [], "{team}");
    }
    for team in ["Squad $team", "${team}s"] {
        let findings = check(team, "");
        let [finding] = findings.as_slice() else { panic!("{team}: {findings:?}") };
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.message.contains("whatever the regex captures, and groups.create_teams is off"));
        assert_eq!(check(team, "create_teams = true"), [], "{team}");
    }
}
