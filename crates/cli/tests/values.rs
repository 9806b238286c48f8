//! `vouchsafe values`: what to type into each console.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests fail by panicking, and use a part of what tests share"
)]

mod support;

use support::{schema, vouchsafe};

/// For every product: our entity ID and address unchanged, the attributes of its preset, and JSON of the same form.
/// Two products have Terraform.
#[test]
fn values_of_every_console() {
    use vouchsafe::provisioning::{AttributeMapping, Preset};
    let (entity_id, acs) = ("https://app.example.com/saml/metadata", "https://app.example.com/saml/acs");
    let slo = "https://app.example.com/saml/logout";
    for (product, name, preset, logout) in [
        ("okta", "Okta", Preset::Okta, true),
        ("entra", "Microsoft Entra ID", Preset::Entra, true),
        ("google", "Google Workspace", Preset::Google, false),
        ("adfs", "AD FS", Preset::Adfs, true),
        ("keycloak", "Keycloak", Preset::Keycloak, true),
        ("onelogin", "OneLogin", Preset::Onelogin, true),
        ("pingone", "PingOne", Preset::Pingone, true),
        ("jumpcloud", "JumpCloud", Preset::Jumpcloud, false),
    ] {
        let run = |more: &[&str]| {
            let arguments =
                ["values", "--product", product, "--entity-id", entity_id, "--acs", acs, "--format", "json"];
            vouchsafe(arguments.iter().chain(more))
        };
        let found = run(&["--slo", slo, "--encrypted"]).json();
        assert!(schema::misfits("values.json", &found).is_empty(), "{product}");
        assert_eq!(found["product"], name);
        assert!(!found["console"].as_str().unwrap().is_empty(), "{product}");
        let values: Vec<&str> = found["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["value"].as_str().unwrap())
            .collect();
        assert!(values.contains(&entity_id) && values.contains(&acs), "{product}: {values:?}");
        assert_eq!(values.contains(&slo), logout, "{product}: {values:?}");
        let names: Vec<&str> =
            found["attributes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        let preset = AttributeMapping::preset(preset);
        let wanted = [&preset.email, &preset.username, &preset.first_name, &preset.last_name, &preset.token];
        for one in wanted.into_iter().chain(&preset.groups) {
            assert!(names.contains(&one.as_str()), "{product}: no {one} in {names:?}");
        }
        let without = run(&[]).json();
        assert!(!without.to_string().contains(slo), "{product}");
        let terraform = run(&["--terraform", "--slo", slo]);
        if ["okta", "entra"].contains(&product) {
            let written = terraform.json();
            assert!(schema::misfits("values.json", &written).is_empty(), "{product}");
            let text = written["terraform"].as_str().unwrap();
            for value in [entity_id, acs, slo] {
                assert!(text.contains(&format!("\"{value}\"")), "{product}: {text}");
            }
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
        } else {
            assert_eq!(terraform.status, 2, "{product}");
            assert!(terraform.stderr.contains("cli.terraform"), "{terraform:?}");
        }
    }
    let both = ["--entity-id", entity_id, "--acs", acs].map(str::to_owned);
    let short = vouchsafe(["okta".to_owned(), "values".to_owned()].into_iter().chain(both.clone()));
    let long = ["values", "--product", "okta"].map(str::to_owned).into_iter().chain(both);
    assert_eq!(short.stdout, vouchsafe(long).stdout);
}

/// The token is asked for with `provisioned_routes` only, and the addresses are those that the service accepts.
#[test]
fn values_are_those_that_the_service_takes() {
    let values = |acs: &str, more: &[&str]| {
        let asked = ["values", "--product", "okta", "--entity-id", "urn:app", "--acs", acs];
        vouchsafe(asked.iter().chain(more))
    };
    let acs = "https://app.example.com/saml/acs";
    let row = |run: &support::Run| {
        run.stdout.lines().find(|line| line.trim_start().starts_with("token ")).map(str::to_owned)
    };
    assert!(row(&values(acs, &[])).is_some_and(|row| row.contains("only with `provisioned_routes`")));
    assert_eq!(row(&values(acs, &["--without-token"])), None);
    assert!(values(acs, &["--terraform"]).stdout.contains("organization_token"));
    let without = values(acs, &["--terraform", "--without-token"]).stdout;
    assert!(without.starts_with("resource ") && !without.contains("token"), "{without}");

    for (acs, more, option) in [
        ("http://app.example.com/saml/acs", vec![], "--acs: "),
        (acs, vec!["--slo", "http://app.example.com/saml/slo"], "--slo: "),
        ("app", vec![], "--acs: "),
    ] {
        let run = values(acs, &more);
        assert!(
            run.status == 2 && run.stderr.starts_with(&format!("error[binding.url]: {option}")),
            "{run:?}"
        );
    }
    assert_eq!(values("http://localhost:8080/saml/acs", &[]).status, 0);
}

/// The names of fields end where the values of their column begin, however long a name is.
#[test]
fn the_columns_of_values_are_apart() {
    let run = vouchsafe([
        "values",
        "--product",
        "entra",
        "--entity-id",
        "urn:app",
        "--acs",
        "https://app.example.com/saml/acs",
    ]);
    let option = "Token signing certificate > Edit > Signing Option  ";
    assert!(run.stdout.contains(option), "{}", run.stdout);
    let begins = |name: &str, value: &str| {
        let line = run.stdout.lines().find(|line| line.contains(name) && line.contains(value));
        line.and_then(|line| line.find(value))
    };
    assert_eq!(begins("Signing Option", "Sign SAML"), begins("Signing Algorithm", "SHA-256"));
}
