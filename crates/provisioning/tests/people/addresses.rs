//! What an e-mail address may decide, and which domains it may have.

use std::collections::BTreeSet;

use vouchsafe_assertion::ConnectionId;
use vouchsafe_provisioning::{
    Account, DirectoryGroup, Domain, Fact, GroupId, Identity, LoginFacts, LookUp, Plan, Policy, Role,
    ScimChange, ScimFact, ScimRecord, ScimUser, Status,
};

use super::{account, acme, code, connection, login, now};

#[test]
fn an_address_that_ends_in_a_verified_domain_by_a_trick_is_refused() {
    let (mut snapshot, token) = acme();
    snapshot.accounts.push(account("1", "ada@example.com"));
    let link = Policy::from_toml("[identity]\nlink_by_email = true\n[admission]\ndomains = ['example.com']");
    let link = link.unwrap();
    for address in [
        "eve@evil.example,ada@example.com",
        "eve@evil.example@example.com",
        "\"eve@evil.example\"@example.com",
        "eve@evil.example ada@example.com",
        "eve@evil.example\u{0}@example.com",
        "<ada@example.com>",
    ] {
        let login = login(&token, "00u9").with_attribute("user.email", [address]);
        assert_eq!(code(link.plan(&login, &snapshot)), "provisioning.email_invalid", "{address:?}");
    }
}

#[test]
fn nobody_is_admitted_with_the_domain_of_another_organization() {
    let (mut snapshot, token) = acme();
    snapshot.domains_of_others = BTreeSet::from([Domain::parse("victim.example").unwrap()]);
    let ceo = login(&token, "00u9").with_attribute("user.email", ["CEO@Victim.example"]);
    for policy in ["", "[admission]\ndomains = ['victim.example']", "[identity]\nlink_by_email = true"] {
        let policy = Policy::from_toml(policy).unwrap();
        assert_eq!(code(policy.plan(&ceo, &snapshot)), "provisioning.domain_of_another");
    }
    let sub = login(&token, "00u9").with_attribute("user.email", ["ceo@mail.victim.example"]);
    let any = Policy::from_toml("[admission]\ndomains = 'any'").unwrap();
    assert!(any.plan(&sub, &snapshot).is_ok(), "a subdomain is another domain");
    assert_eq!(code(Policy::default().plan(&sub, &snapshot)), "provisioning.domain_not_verified");

    // A known person signs in all the same; only the address does not follow.
    let mut known = account("1", "eve@example.com");
    known.identities.push(Identity::new(connection(), "00u9"));
    snapshot.accounts.push(known);
    let plan = Policy::default().plan(&ceo, &snapshot).unwrap();
    assert!(plan.is_empty());
    assert_eq!(notes_on_the_address(&plan), 1);
    assert_eq!(snapshot.after(&plan).accounts[0].email, "eve@example.com");
    // A store that says so about an own domain has gone wrong: nothing is linked.
    snapshot.accounts = vec![account("1", "ada@example.com")];
    snapshot.domains_of_others = BTreeSet::from([Domain::parse("example.com").unwrap()]);
    let login = login(&token, "00u9").with_attribute("user.email", ["ada@example.com"]);
    let link = Policy::from_toml("[identity]\nlink_by_email = true").unwrap();
    assert_eq!(code(link.plan(&login, &snapshot)), "provisioning.email_taken");
}

/// Whoever may change the own address at the identity provider, or gets the address of somebody else, does not get the
/// account that SCIM made for that person.
#[test]
fn an_address_gives_nobody_the_account_that_scim_made_for_somebody_else() {
    let (mut snapshot, token) = acme();
    let ada = || {
        let mut ada = account("1", "ada@example.com");
        let mut record = ScimRecord::new(connection(), "ada.l");
        record.external_id = Some("E1".to_owned());
        ada.scim.push(record);
        ada
    };
    let sign_in = |subject: &str| login(&token, subject).with_attribute("user.email", ["ada@example.com"]);
    snapshot.accounts = vec![ada()];
    let (default, link) = (Policy::default(), Policy::from_toml("[identity]\nlink_by_email = true").unwrap());
    let refused = default.plan(sign_in("E9"), &snapshot).unwrap_err();
    assert_eq!(refused.code(), "provisioning.email_taken");
    assert!(refused.to_string().contains("userName and externalId are not this subject"), "{refused}");
    for subject in ["E1", "ada.l", "ADA.L"] {
        let plan = default.plan(sign_in(subject), &snapshot).unwrap();
        assert_eq!((plan.account(), plan.steps()[0].rule.as_str()), (Some(&ada().id), "identity.scim"));
        // The real one is not locked out by somebody who came before, nor replaced by somebody who comes after.
        let after = snapshot.after(&plan);
        for policy in [&default, &link] {
            assert_eq!(code(policy.plan(sign_in("E9"), &after)), "provisioning.email_taken");
        }
    }
    // Where the organization lets addresses decide, they decide here too, under the rules for addresses.
    let plan = link.plan(sign_in("E9"), &snapshot).unwrap();
    assert_eq!((plan.account(), plan.steps()[0].rule.as_str()), (Some(&ada().id), "identity.link_by_email"));
    let other = || ConnectionId::new("acme-other").unwrap();
    type Case<'c> = (&'static str, &'c dyn Fn(&mut Account));
    let never: [Case<'_>; 6] = [
        ("admin", &|ada| ada.role = Role::Admin),
        ("owner", &|ada| ada.role = Role::Owner),
        ("password", &|ada| ada.has_password = true),
        ("identity of another connection", &|ada| ada.identities.push(Identity::new(other(), "E1"))),
        ("record of another connection", &|ada| ada.scim.push(ScimRecord::new(other(), "ada.l"))),
        ("deleted", &|ada| ada.scim[0].deleted = true),
    ];
    for (name, change) in never {
        let mut changed = ada();
        change(&mut changed);
        snapshot.accounts = vec![changed];
        assert_eq!(code(link.plan(sign_in("E9"), &snapshot)), "provisioning.email_taken", "{name}");
    }
}

/// The same while an identity provider is replaced: SCIM over the new connection has said whose account it is.
#[test]
fn an_address_gives_nobody_the_account_that_scim_over_a_new_connection_gave_to_its_person() {
    let (mut snapshot, token) = acme();
    let [old, new] = ["acme-old", "acme-new"].map(|name| ConnectionId::new(name).unwrap());
    snapshot.organization.connections = [old.clone(), new.clone()].into();
    let mut ada = account("1", "ada@example.com");
    ada.identities.push(Identity::new(old, "E1"));
    let mut record = ScimRecord::new(new.clone(), "ada.l");
    record.external_id = Some("E1".to_owned());
    ada.scim.push(record);
    ada.role = Role::Admin;
    snapshot.accounts = vec![ada];
    for by in ["subject", "email"] {
        let takeover = format!("[[identity.takeovers]]\nfrom = 'acme-old'\nto = 'acme-new'\nby = '{by}'");
        let policy = Policy::from_toml(&takeover).unwrap();
        let sign_in = |subject: &str| {
            let mut login = login(&token, subject).with_attribute("user.email", ["ada@example.com"]);
            login.connection = new.clone();
            login
        };
        assert_eq!(code(policy.plan(sign_in("E9"), &snapshot)), "provisioning.email_taken", "{by}");
        assert!(policy.plan(sign_in("E1"), &snapshot).is_ok(), "{by}");
    }
}

/// SCIM with the address of somebody who signs in with another name is about another person, such as the next one with the
/// address: the account of the first is not given to the second.
#[test]
fn scim_with_an_address_alone_gets_no_account_of_somebody_who_signs_in() {
    let (mut snapshot, _) = acme();
    let create = |name: &str, id: &str| {
        let mut user = ScimUser::new(name);
        user.external_id = Some(id.to_owned());
        user.email = Some("ada@example.com".to_owned());
        user.active = Some(true);
        ScimFact::new(connection(), ScimChange::CreateUser(user), now())
    };
    let ada = |subject: &str| {
        let mut ada = account("1", "ada@example.com");
        ada.identities.push(Identity::new(connection(), subject));
        ada
    };
    let (default, link) = (Policy::default(), Policy::from_toml("[identity]\nlink_by_email = true").unwrap());
    snapshot.accounts = vec![ada("S-ada")];
    assert_eq!(code(default.plan(create("mallory", "E9"), &snapshot)), "provisioning.email_taken");
    for (name, id) in [("S-ada", "E1"), ("ada.l", "S-ada")] {
        assert_eq!(default.plan(create(name, id), &snapshot).unwrap().account(), Some(&ada("").id), "{name}");
    }
    assert_eq!(link.plan(create("ada.l", "E1"), &snapshot).unwrap().account(), Some(&ada("").id));
    // The address is the name with which she signs in.
    snapshot.accounts = vec![ada("ADA@example.com")];
    assert_eq!(default.plan(create("ada.l", "E1"), &snapshot).unwrap().account(), Some(&ada("").id));
    // By an address, never one with a password or a role.
    for policy in [&default, &link] {
        for change in
            [|ada: &mut Account| ada.role = Role::Owner, |ada: &mut Account| ada.has_password = true]
        {
            let mut changed = ada("ADA@example.com");
            change(&mut changed);
            snapshot.accounts = vec![changed];
            assert_eq!(code(policy.plan(create("ada.l", "E1"), &snapshot)), "provisioning.email_taken");
        }
    }
}

/// Whom SCIM speaks about has one account. With a second one, SCIM would suspend the wrong one.
#[test]
fn whom_scim_speaks_about_gets_no_second_account() {
    let (mut snapshot, token) = acme();
    let sign_in = |subject: &str, email: &str| login(&token, subject).with_attribute("user.email", [email]);
    let pushed = |change: &dyn Fn(&mut Account)| {
        let mut pushed = account("1", "ada@example.com");
        let mut record = ScimRecord::new(connection(), "mallory");
        record.external_id = Some("E9".to_owned());
        pushed.scim.push(record);
        change(&mut pushed);
        pushed
    };
    let taken = "provisioning.scim_account_taken";
    type Case<'c> = (&'static str, &'c dyn Fn(&mut Account), &'static str);
    let cases: [Case<'_>; 4] = [
        ("another signs in to it", &|it| it.identities.push(Identity::new(connection(), "S-ada")), taken),
        ("it has a password", &|it| it.has_password = true, taken),
        ("deleted and active", &|it| it.scim[0].deleted = true, taken),
        (
            "deleted",
            &|it| {
                it.scim[0].deleted = true;
                it.status = Status::Suspended;
            },
            "provisioning.account_suspended",
        ),
    ];
    for (name, change, expected) in cases {
        snapshot.accounts = vec![pushed(change)];
        for email in ["ada@example.com", "mallory@example.com"] {
            let refused = Policy::default().plan(sign_in("E9", email), &snapshot).unwrap_err();
            assert_eq!(refused.code(), expected, "{name}: {refused}");
        }
        // A link by the person who is signed in to another account would part the two as well.
        let other = account("2", "mallory@example.com");
        snapshot.accounts.push(other.clone());
        let link = Fact::link(sign_in("E9", "mallory@example.com"), other.id);
        assert_eq!(
            code(Policy::default().plan(link, &snapshot)),
            "provisioning.scim_account_taken",
            "{name}"
        );
    }
    // The name of somebody who was deleted may belong to the next person, if ids tell them apart.
    snapshot.accounts = vec![pushed(&|it| it.scim[0].deleted = true)];
    let next = sign_in("mallory", "mallory@example.com");
    assert!(Policy::default().plan(&next, &snapshot).is_ok());
}

/// Whoever can make groups does not get out of a blocked one by having many.
#[test]
fn many_groups_hide_no_blocked_one() {
    let (mut snapshot, token) = acme();
    let toml = "[attributes]\ngroups = 'department'\ngroups_overage = 'more'\n[admission]\nblocked_groups = ['Leavers']";
    let policy = Policy::from_toml(toml).unwrap();
    let many = |first: &str| {
        let names = (0..LoginFacts::MAX_GROUPS + 5).map(|number| format!("g{number}"));
        let names: Vec<String> = std::iter::once(first.to_owned()).chain(names).collect();
        login(&token, "E1")
            .with_attribute("user.email", ["ada@example.com"])
            .with_attribute("department", names)
    };
    let overage = login(&token, "E1")
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("more", ["https://graph.example/groups"]);
    let mut known = account("1", "ada@example.com");
    known.identities.push(Identity::new(connection(), "E1"));
    for accounts in [vec![], vec![known]] {
        snapshot.accounts = accounts;
        assert_eq!(code(policy.plan(many("leavers"), &snapshot)), "provisioning.group_blocked");
        assert!(policy.plan(many("Staff"), &snapshot).is_ok());
        let open = Policy::from_toml(&toml.replace("blocked_groups = ['Leavers']", "")).unwrap();
        assert!(open.plan(&overage, &snapshot).is_ok());
    }
}

/// Nobody new comes in unseen; whoever is known already is refused only for a blocked group that is known.
#[test]
fn groups_that_were_not_sent_keep_out_those_who_are_new() {
    let (mut snapshot, token) = acme();
    let toml = "[attributes]\ngroups = 'department'\ngroups_overage = 'more'\n[admission]\nblocked_groups = ['Leavers']";
    let policy = Policy::from_toml(toml).unwrap();
    let overage = login(&token, "E1")
        .with_attribute("user.email", ["ada@example.com"])
        .with_attribute("more", ["https://graph.example/groups"]);
    assert_eq!(code(policy.plan(&overage, &snapshot)), "provisioning.groups_not_sent");
    let mut known = account("1", "ada@example.com");
    known.identities.push(Identity::new(connection(), "E1"));
    let mut pushed = account("1", "ada@example.com");
    pushed.scim = vec![ScimRecord::new(connection(), "E1")];
    snapshot.accounts = vec![pushed.clone()];
    assert_eq!(code(policy.plan(&overage, &snapshot)), "provisioning.groups_not_sent", "no group is pushed");
    // The groups that SCIM pushes say what is asked, of new and known people.
    for mut account in [known.clone(), pushed] {
        account.scim_groups = [GroupId::new("g1")].into();
        for (name, expected) in [("leavers", Err("provisioning.group_blocked")), ("Staff", Ok(()))] {
            snapshot.groups = vec![DirectoryGroup::new(
                GroupId::new("g1"),
                snapshot.organization.id.clone(),
                connection(),
                name,
            )];
            snapshot.accounts = vec![account.clone()];
            let planned = policy.plan(&overage, &snapshot).map(|_| ()).map_err(|refused| refused.code());
            assert_eq!(planned, expected, "{name}");
        }
    }
    snapshot.accounts = vec![known];
    let plan = policy.plan(&overage, &snapshot).unwrap();
    assert!(plan.notes().iter().any(|note| note.rule.as_str() == "admission.blocked_groups"), "{plan}");
}

fn notes_on_the_address(plan: &Plan) -> usize {
    plan.notes().iter().filter(|note| note.rule.as_str() == "profile.email").count()
}

#[test]
fn a_known_person_with_an_unusable_address_is_let_in_and_keeps_the_old_one() {
    let (mut snapshot, token) = acme();
    let mut known = account("1", "ada@example.com");
    known.identities.push(Identity::new(connection(), "00u1"));
    snapshot.accounts.push(known);
    let login = login(&token, "00u1").with_attribute("user.email", ["jos\u{e9}@example.com"]);
    let plan = Policy::default().plan(&login, &snapshot).unwrap();
    assert!(plan.is_empty() && notes_on_the_address(&plan) == 1, "{plan}");
    assert!(!plan.to_string().contains("jos"), "the address that came is not repeated");
}

#[test]
fn a_policy_and_an_organization_have_domains_that_are_domains() {
    for wrong in ["*.example.com", "example.com.", "@example.com", "b\u{fc}cher.example", "example"] {
        let error = Policy::from_toml(&format!("[admission]\ndomains = ['{wrong}']")).unwrap_err();
        assert_eq!(error.line(), 2, "{error}");
        assert!(error.message().contains("not a usable mail domain"), "{error}");
        let (mut snapshot, _) = acme();
        snapshot.organization.verified_domains = vec![wrong.to_owned()];
        assert_eq!(snapshot.organization.domains().unwrap_err().code(), "provisioning.domain_invalid");
    }
    let (mut snapshot, _) = acme();
    snapshot.organization.verified_domains = vec![" Example.com".to_owned(), "example.COM".to_owned()];
    assert_eq!(snapshot.organization.domains().unwrap().len(), 1);
    assert!(snapshot.organization.owns(&Domain::parse("EXAMPLE.com").unwrap()));
    assert!(!snapshot.organization.owns(&Domain::parse("mail.example.com").unwrap()));
}

#[test]
fn a_plan_names_the_domains_of_the_addresses_that_it_gives() {
    let (mut snapshot, token) = acme();
    let ada = login(&token, "00u1").with_attribute("user.email", ["ada@Example.com"]);
    let plan = Policy::default().plan(&ada, &snapshot).unwrap();
    let domain = |text| BTreeSet::from([Domain::parse(text).unwrap()]);
    assert_eq!(plan.domains_taken(), domain("example.com"));
    snapshot = snapshot.after(&plan);
    assert!(Policy::default().plan(&ada, &snapshot).unwrap().domains_taken().is_empty());
    let moved = login(&token, "00u1").with_attribute("user.email", ["ada@other.example"]);
    assert!(Policy::default().plan(&moved, &snapshot).unwrap().domains_taken().is_empty());
    let any = Policy::from_toml("[admission]\ndomains = 'any'").unwrap();
    assert_eq!(any.plan(&moved, &snapshot).unwrap().domains_taken(), domain("other.example"));
}

/// Everything that a log line could be made of.
#[test]
fn no_address_is_in_an_error_or_in_debug() {
    let (mut snapshot, token) = acme();
    let mut known = account("1", "secret.person@example.com");
    known.first_name = Some("Secretia".to_owned());
    known.username = "secret.person".to_owned();
    known.identities.push(Identity::new(connection(), "secret.person@example.com"));
    snapshot.accounts.push(known);
    let secret = |subject: &str, email: &str| {
        login(&token, subject)
            .with_attribute("user.email", [email])
            .with_attribute("user.first_name", ["Secretia II"])
    };
    let policy = |text: &str| Policy::from_toml(text).unwrap();
    snapshot.domains_of_others = BTreeSet::from([Domain::parse("victim.example").unwrap()]);
    for (policy, login, code) in [
        (policy(""), secret("00u9", "secret.person@example.com"), "provisioning.email_taken"),
        (policy(""), secret("00u9", "secret.person@victim.example"), "provisioning.domain_of_another"),
        (policy(""), secret("00u9", "secret.person@other.example"), "provisioning.domain_not_verified"),
        (policy(""), secret("00u9", "secret.person(at)example.com"), "provisioning.email_invalid"),
        (
            policy("[admission]\ncreate = 'never'"),
            secret("00u9", "secret.one@example.com"),
            "provisioning.creation_off",
        ),
        (
            policy("[admission]\ndomains = ['example.org']"),
            secret("00u9", "secret.one@example.com"),
            "provisioning.domain_not_allowed",
        ),
    ] {
        let refused = policy.plan(&login, &snapshot).unwrap_err();
        assert_eq!(refused.code(), code);
        let shown = format!("{refused} {refused:?} {} {login:?}", refused.hint());
        assert!(!shown.to_lowercase().contains("secret"), "{shown}");
        let look_up = format!("{:?}", LookUp::of(&login).unwrap());
        assert!(!look_up.to_lowercase().contains("secret"), "{look_up}");
    }
    for login in [
        secret("secret.person@example.com", "secret.two@example.com"),
        secret("00u9", "secret.one@example.com"),
    ] {
        let plan = Policy::default().plan(&login, &snapshot).unwrap();
        let shown = format!("{plan:?} {:?}", snapshot.after(&plan));
        assert!(!shown.to_lowercase().contains("secret"), "{shown}");
        assert!(plan.to_string().contains("secret."), "the explanation for the customer's admin has it");
    }
}
