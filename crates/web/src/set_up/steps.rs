//! The steps of the portal, which stand at the top of each page.

use vouchsafe::console::Console;

use super::links::require_open;
use super::markup::Markup;
use super::settings::SetUp;
use super::visit::Visit;

/// A step of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Overview,
    Product,
    Values,
    Metadata,
    Trial,
    Activate,
    Domains,
}

impl Step {
    /// Returns the step of a path; the forms of a step have paths below it.
    pub(super) fn of(path: &str) -> Option<Step> {
        match path.split('/').next().unwrap_or_default() {
            "" | "staged" => Some(Step::Overview),
            "product" => Some(Step::Product),
            "values" | "token" => Some(Step::Values),
            "metadata" => Some(Step::Metadata),
            "trial" => Some(Step::Trial),
            "activate" => Some(Step::Activate),
            "domains" => Some(Step::Domains),
            _ => None,
        }
    }
}

impl SetUp {
    /// Adds the steps at the top of each page.
    pub(super) fn steps(&self, page: Markup, visit: &Visit<'_>, here: Step) -> Markup {
        if require_open(&visit.link, visit.now).is_err() {
            return page;
        }
        let said = |is_done: bool, text: &str| if is_done { text.to_owned() } else { String::new() };
        let draft = visit.draft();
        let mut steps = Vec::new();
        if visit.link.purpose.allows_connections() {
            let product = visit.console().map(Console::name).unwrap_or_default();
            steps.extend([
                ("Product", "product", product.to_owned(), Step::Product),
                ("Values", "values", String::new(), Step::Values),
                ("Metadata", "metadata", said(draft.is_some(), "given"), Step::Metadata),
                ("Trial", "trial", said(visit.is_tried(), "accepted"), Step::Trial),
                ("Activate", "activate", String::new(), Step::Activate),
            ]);
        }
        if visit.link.purpose.allows_domains() {
            let verified = visit.organization.verified_domains.len();
            steps.push((
                "Domains",
                "domains",
                said(verified > 0, &format!("{verified} verified")),
                Step::Domains,
            ));
        }
        let leads = |step: Step| match step {
            Step::Values | Step::Metadata => visit.console().is_some(),
            Step::Trial | Step::Activate => draft.is_some(),
            _ => true,
        };
        let shown: Vec<_> = steps
            .into_iter()
            .map(|(name, path, state, step)| (name, leads(step).then(|| self.at(path)), state, step == here))
            .collect();
        page.steps(&shown)
    }
}
