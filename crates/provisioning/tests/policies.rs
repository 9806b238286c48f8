//! A policy that cannot be read says where.

use vouchsafe_provisioning::{GroupMatch, Permission, Policy};

#[test]
fn errors_name_line_and_column() {
    let cases = [
        ("[default]\n", 1, 2, "unknown field `default`"),
        ("[admission]\ncreate = 'yes'\n", 2, 10, "invalid type"),
        ("[groups]\nsync = 'exclusive'\n", 2, 8, "unknown variant `exclusive`"),
        ("[[identity.takeovers]]\nfrom = 'a'\nto = 'b'\nby = 'name'\n", 4, 6, "unknown variant `name`"),
        ("[attributes]\npreset = 'google'\n", 2, 10, "unknown variant `google`"),
        ("[defaults]\nrole = 'owner'\n", 2, 8, "unknown variant `owner`"),
        ("[defaults]\n# é\nteams = [{ nom = 'A' }]\n", 3, 12, "unknown field `nom`"),
        ("[[groups.map]]\nteam = 'A'\n", 1, 1, "a rule names a group"),
        ("\n[[groups.map]]\ngroup = 'a'\ngroup_id = 'b'\nteam = 'A'\n", 2, 1, "a rule names one group"),
        ("[[groups.map]]\ngroup = 'a'\nteam = ' '\n", 1, 1, "the team has no name"),
        ("[[groups.map]]\nregex = 'a'\nteam = 'A'\n", 2, 1, "unknown field `regex`"),
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
    assert!(!policy.identity.link_by_email && !policy.groups.create_teams && policy.admission.create);
    assert_eq!(policy.groups.ignore, ["Everyone"]);
    assert_eq!(policy.attributes.token, "token");
    let policy =
        Policy::from_toml("[defaults]\nteams = [{ name = 'A' }]\nprojects = [{ name = 'B' }]").unwrap();
    assert_eq!(policy.defaults.teams[0].role, Permission::ReadOnly);
    assert_eq!(policy.defaults.projects[0].permission, Permission::ReadWrite);
}

#[test]
fn presets_give_names_and_keys_replace_them() {
    let policy = Policy::from_toml("[attributes]\npreset = 'entra'\ngroups = 'roles'").unwrap();
    assert!(policy.attributes.email.ends_with("/claims/emailaddress"));
    assert_eq!(policy.attributes.groups.as_deref(), Some("roles"));
    assert!(GroupMatch::Name("R&D ".to_owned()).is_met_by(" r&d"));
    assert!(!GroupMatch::Id("3f".to_owned()).is_met_by("3F"));
}
