//! The arguments of `vouchsafe metadata sp` for people and for the release of attributes.

use vouchsafe::metadata::{
    AttributeConsumingService, Contact, ContactKind, EntityAttributes, Organization, RequestedAttribute,
    ServiceInformation, SubjectIdRequirement, UserInterface,
};

use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Information {
    /// NameID format that the service accepts. Repeatable: the preferred first.
    #[arg(long, value_name = "URI")]
    name_id_format: Vec<String>,
    /// Name for people, in the language of --language.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// What the service is, in some sentences.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Page about the service.
    #[arg(long, value_name = "URL")]
    information_url: Option<String>,
    /// What the service does with personal data.
    #[arg(long, value_name = "URL")]
    privacy_url: Option<String>,
    /// Language of these texts.
    #[arg(long, value_name = "TAG", default_value = "en")]
    language: String,
    /// Organization that runs the service: its name, and with --organization-url its address.
    #[arg(long, value_name = "NAME", requires = "organization_url")]
    organization: Option<String>,
    /// Page of the organization.
    #[arg(long, value_name = "URL", requires = "organization")]
    organization_url: Option<String>,
    /// A contact, as KIND=ADDRESS. The kinds are technical, support, administrative, billing, security. Repeatable.
    #[arg(long, value_name = "KIND=E-MAIL", value_parser = contact)]
    contact: Vec<Contact>,
    /// A requested attribute, by its name. Repeatable. A ! at the end marks it as required.
    #[arg(long, value_name = "NAME[!]")]
    attribute: Vec<String>,
    /// Subject identifier that the service needs.
    #[arg(long, value_enum)]
    subject_id: Option<SubjectRequirement>,
    /// Entity category of the service. Repeatable.
    #[arg(long, value_name = "URI")]
    category: Vec<String>,
    /// Address to which a discovery service may send people back. Repeatable: the first is the default.
    #[arg(long, value_name = "URL")]
    discovery_response: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SubjectRequirement {
    SubjectId,
    PairwiseId,
    Any,
    None,
}

impl Information {
    pub(crate) fn read(&self) -> Result<ServiceInformation, Failure> {
        let mut information = ServiceInformation::default()
            .with_user_interface(self.user_interface())
            .with_entity_attributes(self.entity_attributes());
        for format in &self.name_id_format {
            information = information.with_name_id_format(format);
        }
        for contact in &self.contact {
            information = information.with_contact(contact.clone());
        }
        if let (Some(name), Some(url)) = (&self.organization, &self.organization_url) {
            information = information.with_organization(Organization::new(&self.language, name, name, url));
        }
        if !self.attribute.is_empty() {
            information = information.with_attribute_consuming_service(self.consuming_service());
        }
        for location in &self.discovery_response {
            information = information
                .with_discovery_response(location)
                .map_err(|error| Failure::unusable("--discovery-response", error))?;
        }
        Ok(information)
    }

    fn user_interface(&self) -> UserInterface {
        let language = &self.language;
        let mut shown = UserInterface::default();
        if let Some(text) = &self.display_name {
            shown = shown.with_display_name(language, text);
        }
        if let Some(text) = &self.description {
            shown = shown.with_description(language, text);
        }
        if let Some(url) = &self.information_url {
            shown = shown.with_information_url(language, url);
        }
        if let Some(url) = &self.privacy_url {
            shown = shown.with_privacy_statement_url(language, url);
        }
        shown
    }

    fn entity_attributes(&self) -> EntityAttributes {
        let mut attributes = EntityAttributes::default();
        if !self.category.is_empty() {
            attributes = attributes.with(EntityAttributes::CATEGORY, &self.category);
        }
        match self.subject_id {
            None => attributes,
            Some(SubjectRequirement::SubjectId) => {
                attributes.with_subject_id_requirement(SubjectIdRequirement::SubjectId)
            }
            Some(SubjectRequirement::PairwiseId) => {
                attributes.with_subject_id_requirement(SubjectIdRequirement::PairwiseId)
            }
            Some(SubjectRequirement::Any) => {
                attributes.with_subject_id_requirement(SubjectIdRequirement::Any)
            }
            Some(SubjectRequirement::None) => {
                attributes.with_subject_id_requirement(SubjectIdRequirement::None)
            }
        }
    }

    /// Makes the consuming service. The schema requires a name of the service.
    fn consuming_service(&self) -> AttributeConsumingService {
        let name = self.display_name.as_deref().unwrap_or("this service");
        let service = AttributeConsumingService::new(&self.language, name);
        self.attribute.iter().fold(service, |service, name| {
            service.with_attribute(match name.strip_suffix('!') {
                Some(name) => RequestedAttribute::new(name).required(),
                None => RequestedAttribute::new(name),
            })
        })
    }
}

fn contact(text: &str) -> Result<Contact, String> {
    let (kind, address) = text.split_once('=').ok_or("it is not of the form KIND=E-MAIL")?;
    let kind = match kind {
        "technical" => ContactKind::Technical,
        "support" => ContactKind::Support,
        "administrative" => ContactKind::Administrative,
        "billing" => ContactKind::Billing,
        "security" => ContactKind::Security,
        _ => return Err("the kind is technical, support, administrative, billing or security".to_owned()),
    };
    match address.contains('@') {
        true => Ok(Contact::new(kind, address)),
        false => Err("there is no e-mail address".to_owned()),
    }
}
