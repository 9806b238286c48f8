//! An identity provider in a process of its own, and the browser that goes there.

use std::path::{Path, PathBuf};
use std::process::Command;

use vouchsafe::crypto::{base64_decode, base64_encode};

/// What the products name differently.
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// Path of the address that an app's icon leads to; `{entity}` stands for the service's entity ID.
    icon: &'static str,
    pub(crate) email: &'static str,
    pub(crate) given_name: &'static str,
}

pub(crate) const SAMLIFY: Product =
    Product { name: "samlify", icon: "/initiate?relay=", email: "email", given_name: "firstName" };
pub(crate) const LASSO: Product =
    Product { name: "lasso", icon: "/initiate?relay=", email: "email", given_name: "givenName" };
pub(crate) const PYSAML2: Product =
    Product { name: "pysaml2", icon: "/initiate?relay=", email: "email", given_name: "givenName" };
pub(crate) const SAML_IDP: Product =
    Product { name: "saml-idp", icon: "/", email: "email", given_name: "firstName" };
pub(crate) const SIMPLESAMLPHP: Product = Product {
    name: "simplesamlphp",
    icon: "/saml2/idp/SSOService.php?spentityid={entity}",
    email: "mail",
    given_name: "givenName",
};

/// The scripts, if these tests were asked for.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    if std::env::var_os("VOUCHSAFE_INTEROP").is_none() {
        println!("skipped: set VOUCHSAFE_INTEROP=1 to start identity providers");
        return None;
    }
    vouchsafe_testkit::shared::folder().map(|folder| folder.join("idps"))
}

/// A running identity provider. It ends with this value.
pub(crate) struct IdentityProviderProcess {
    scripts: PathBuf,
    name: &'static str,
    port: u16,
    icon: String,
    /// Where it answers with its metadata.
    pub(crate) metadata_url: String,
}

impl IdentityProviderProcess {
    pub(crate) fn start(
        scripts: &Path,
        product: &Product,
        port: u16,
        options: &[(&str, &str)],
        metadata: &str,
        entity_id: &str,
    ) -> IdentityProviderProcess {
        let ours = std::env::temp_dir().join(format!("vouchsafe-interop-{port}-{}.xml", std::process::id()));
        std::fs::write(&ours, metadata).unwrap();
        let output = Command::new(scripts.join(product.name).join("up.sh"))
            .arg(port.to_string())
            .env("SP_METADATA", &ours)
            .envs(options.iter().copied())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}: {printed}{}",
            product.name,
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata_url =
            printed.lines().find_map(|line| line.strip_prefix("metadata ")).unwrap().to_owned();
        std::fs::remove_file(&ours).unwrap();
        let icon = format!("http://127.0.0.1:{port}{}", product.icon.replace("{entity}", entity_id));
        IdentityProviderProcess { scripts: scripts.to_owned(), name: product.name, port, icon, metadata_url }
    }

    /// The address behind the app's icon.
    pub(crate) fn icon(&self) -> String {
        self.icon.clone()
    }

    /// Goes there, signs the test user in, and stops where the answer would be posted to the service.
    pub(crate) fn browse(&self, url: &str, consumer: &str) -> Landed {
        let output = Command::new("python3").arg(self.scripts.join("login.py")).arg(url).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {printed}{complained}", self.name);
        let landed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(landed["method"], "POST", "{}: {landed}", self.name);
        assert_eq!(landed["action"], consumer, "{}: {landed}", self.name);
        let field = |name: &str| landed["fields"][name].as_str().map(str::to_owned);
        Landed { response: field("SAMLResponse").unwrap(), relay_state: field("RelayState") }
    }
}

impl Drop for IdentityProviderProcess {
    fn drop(&mut self) {
        let down = self.scripts.join(self.name).join("down.sh");
        // Nothing to be done about a failure here; the next start replaces what runs.
        let _ = Command::new(down).arg(self.port.to_string()).output();
    }
}

/// What the browser is about to post to the service.
pub(crate) struct Landed {
    response: String,
    relay_state: Option<String>,
}

impl Landed {
    pub(crate) fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// The body of the POST.
    pub(crate) fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("SAMLResponse", &self.response);
        if let Some(relay_state) = &self.relay_state {
            form.append_pair("RelayState", relay_state);
        }
        form.finish()
    }

    /// The same with another person's address in it; in an encrypted one, with one octet of the ciphertext changed.
    pub(crate) fn tampered(&self) -> Landed {
        let xml = String::from_utf8(base64_decode(self.response.as_bytes()).unwrap()).unwrap();
        let changed = if xml.contains("user1@example.com") {
            xml.replace("user1@example.com", "user2@example.com")
        } else {
            let (before, after) = xml.rsplit_once("CipherValue>").unwrap();
            let place = before.len() - 40;
            let swapped = if before.as_bytes()[place] == b'A' { "B" } else { "A" };
            format!("{}{swapped}{}CipherValue>{after}", &before[..place], &before[place + 1..])
        };
        assert_ne!(xml, changed);
        Landed { response: base64_encode(changed.as_bytes()), relay_state: self.relay_state.clone() }
    }
}
