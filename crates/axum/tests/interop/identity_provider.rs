//! An identity provider in a process of its own, and a browser for it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use vouchsafe::crypto::{base64_decode, base64_encode};

/// The properties in which the products differ.
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// The path of the address of an app's icon; `{entity}` stands for the service's entity ID.
    icon: &'static str,
    pub(crate) email: &'static str,
    pub(crate) given_name: &'static str,
    /// The text of its page at the end of a sign-out that started there.
    pub(crate) signed_out: &'static str,
}

pub(crate) const SAMLIFY: Product = Product {
    name: "samlify",
    icon: "/initiate?relay=",
    email: "email",
    given_name: "firstName",
    signed_out: "the service provider confirmed",
};
pub(crate) const LASSO: Product = Product {
    name: "lasso",
    icon: "/initiate?relay=",
    email: "email",
    given_name: "givenName",
    signed_out: "the service provider confirmed",
};
pub(crate) const PYSAML2: Product = Product {
    name: "pysaml2",
    icon: "/initiate?relay=",
    email: "email",
    given_name: "givenName",
    signed_out: "the service provider confirmed",
};
pub(crate) const SAML_IDP: Product =
    Product { name: "saml-idp", icon: "/", email: "email", given_name: "firstName", signed_out: "OK" };
pub(crate) const SIMPLESAMLPHP: Product = Product {
    name: "simplesamlphp",
    icon: "/saml2/idp/SSOService.php?spentityid={entity}",
    email: "mail",
    given_name: "givenName",
    signed_out: "SimpleSAMLphp",
};

/// Returns the folder of the scripts, if these tests are enabled.
pub(crate) fn shared_folder() -> Option<PathBuf> {
    if std::env::var_os("VOUCHSAFE_INTEROP").is_none() {
        println!("skipped: set VOUCHSAFE_INTEROP=1 to start identity providers");
        return None;
    }
    vouchsafe_testkit::shared::folder().map(|folder| folder.join("idps"))
}

/// A running identity provider. Dropping the value stops it.
pub(crate) struct IdentityProviderProcess {
    scripts: PathBuf,
    name: &'static str,
    port: u16,
    icon: String,
    /// The address of its metadata.
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

    /// Returns the address of the app's icon.
    pub(crate) fn icon(&self) -> String {
        self.icon.clone()
    }

    /// Returns the address at which a person signs out there, if the product has one.
    pub(crate) fn sign_out(&self, by_post: bool) -> String {
        let path = match (self.name, by_post) {
            ("simplesamlphp", _) => "/saml2/idp/initSLO.php?RelayState=/",
            ("saml-idp", _) => "/saml/slo",
            (_, true) => "/slo/initiate?binding=post",
            (_, false) => "/slo/initiate",
        };
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the address at which the identity provider starts to change a name, or to end it.
    pub(crate) fn change_name(&self, new: Option<&str>) -> String {
        let query = new.map(|new| format!("?new={new}")).unwrap_or_default();
        format!("http://127.0.0.1:{}/mni/initiate{query}", self.port)
    }

    /// A browser for this identity provider, without cookies.
    pub(crate) fn browser(&self) -> SignedInThere<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vouchsafe-interop-{}-{number}-{}.jar", self.port, std::process::id());
        SignedInThere { process: self, jar: std::env::temp_dir().join(name) }
    }

    /// Opens the address, signs the test user in, and stops before the answer is posted to the service.
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

/// A message that a browser carries.
#[derive(Clone, Debug)]
pub(crate) enum Carried {
    Get(String),
    /// A form to this address, with these fields.
    Post(String, Vec<(String, String)>),
}

impl Carried {
    /// Returns the same message with an invalid signature.
    pub(crate) fn tampered(&self) -> Carried {
        match self {
            Carried::Get(url) => {
                let (before, after) = url.split_once("Signature=").unwrap();
                let (signature, rest) = after.split_once('&').unwrap_or((after, ""));
                let swapped = if signature.starts_with('A') { "B" } else { "A" };
                let rest = if rest.is_empty() { String::new() } else { format!("&{rest}") };
                Carried::Get(format!("{before}Signature={swapped}{}{rest}", &signature[1..]))
            }
            Carried::Post(action, fields) => {
                let changed = fields.iter().map(|(name, value)| match name.as_str() {
                    "SAMLRequest" | "SAMLResponse" => (name.clone(), changed(value)),
                    _ => (name.clone(), value.clone()),
                });
                Carried::Post(action.clone(), changed.collect())
            }
        }
    }
}

/// Returns a message with another status, or with one more letter in its name identifier.
fn changed(message: &str) -> String {
    let compact: String = message.split_whitespace().collect();
    let xml = String::from_utf8(base64_decode(compact.as_bytes()).unwrap()).unwrap();
    let changed = match xml.rfind("NameID>").or_else(|| xml.rfind("EncryptedID>")) {
        None => xml.replace("2.0:status:Success", "2.0:status:Responder"),
        Some(end) => {
            let place = xml[..end].rfind("</").unwrap();
            format!("{}x{}", &xml[..place], &xml[place..])
        }
    };
    assert_ne!(xml, changed);
    base64_encode(changed.as_bytes())
}

/// A browser at the identity provider that keeps its cookies. Dropping the value removes them.
pub(crate) struct SignedInThere<'p> {
    process: &'p IdentityProviderProcess,
    jar: PathBuf,
}

impl SignedInThere<'_> {
    /// Carries a message to the identity provider. Returns what comes back to the service, or the text of the last
    /// page.
    pub(crate) fn carry(&self, carried: &Carried) -> Result<Carried, String> {
        self.carry_with(carried, "user1pass")
    }

    /// Returns whether the identity provider answers without asking for the password.
    pub(crate) fn is_signed_in(&self, url: &str) -> bool {
        self.carry_with(&Carried::Get(url.to_owned()), "not-the-password").is_ok()
    }

    fn carry_with(&self, carried: &Carried, password: &str) -> Result<Carried, String> {
        let mut command = Command::new("python3");
        command.arg(self.process.scripts.join("login.py")).arg("--jar").arg(&self.jar);
        command.arg("--password").arg(password);
        let posted = self.jar.with_extension("json");
        match carried {
            Carried::Get(url) => command.arg(url),
            Carried::Post(action, fields) => {
                let fields: serde_json::Map<String, serde_json::Value> =
                    fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
                let form = serde_json::json!({"action": action, "fields": fields});
                std::fs::write(&posted, form.to_string()).unwrap();
                command.arg("--post").arg(&posted)
            }
        };
        let output = command.output().unwrap();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        let Ok(landed) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
            return Err(complained);
        };
        match landed["method"].as_str() {
            Some("GET") => Ok(Carried::Get(landed["url"].as_str().unwrap().to_owned())),
            Some("POST") => {
                let fields = landed["fields"].as_object().unwrap().iter();
                let fields = fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
                Ok(Carried::Post(landed["action"].as_str().unwrap().to_owned(), fields.collect()))
            }
            _ => Err(landed.to_string()),
        }
    }
}

impl Drop for SignedInThere<'_> {
    fn drop(&mut self) {
        for path in [self.jar.clone(), self.jar.with_extension("json")] {
            // The file may never have been written.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for IdentityProviderProcess {
    fn drop(&mut self) {
        let down = self.scripts.join(self.name).join("down.sh");
        // A failure here cannot be handled; the next start replaces the running process.
        let _ = Command::new(down).arg(self.port.to_string()).output();
    }
}

/// The form that the browser is about to post to the service.
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

    /// Returns the same with another person's address; in an encrypted response, one byte of the ciphertext is
    /// changed.
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
