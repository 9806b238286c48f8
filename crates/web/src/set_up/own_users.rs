//! Services that keep their users themselves: for them the portal plans no changes of accounts.

use vouchsafe::Trial;
use vouchsafe_store::{SetUpLink, StoredSettings};

use super::markup::Markup;
use super::settings::SetUp;

/// What the page of a trial says if no name came.
const NAMELESS: &str = "No Name ID came. Let your identity provider send one, unless the service told you that it finds people by an attribute.";

/// What the page of a trial says if the name that came is transient.
const TRANSIENT: &str = "The Name ID is transient: it is another one at each sign-in, so the service cannot find the person again by it. \
     Let your identity provider send another format of the Name ID, such as persistent or emailAddress, \
     unless the service told you that it finds people by an attribute.";

impl SetUp {
    /// Says that the service keeps its users itself: it has the `routes` of `vouchsafe-axum` or `vouchsafe-actix`, and not
    /// those of [`Provisioned`](crate::Provisioned).
    ///
    /// By default a trial is judged by the organization's policy, too, and its page shows which accounts, teams and roles
    /// the sign-in would change. A service with users of its own does not ask that policy at a sign-in. So a trial then
    /// shows the checks of the response, the name and the attributes that came, and is accepted if the response is. No
    /// connection is said to need the [organization's token](vouchsafe_store::StoredSettings::token_required), since the
    /// policy is what compares it. A verified domain admits nobody; it leads people to their identity provider
    /// ([`OrganizationDiscovery`](crate::OrganizationDiscovery)).
    ///
    /// Do not set it with [`Provisioned`](crate::Provisioned): its sign-ins ask the policy, so a trial would accept whom they
    /// refuse.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use vouchsafe_store::Memory;
    /// use vouchsafe_web::{SetUp, SetUpBrand};
    ///
    /// let set_up = SetUp::new(Arc::new(Memory::new()), "/set-up").brand(SetUpBrand::new("Loadbench")).own_users();
    /// # let _ = set_up;
    /// ```
    #[must_use]
    pub fn own_users(self) -> SetUp {
        self.changed(|inner| inner.own_users = true)
    }

    /// Returns whether sign-ins with these settings need the organization's token.
    pub(super) fn needs_token(&self, settings: &StoredSettings) -> bool {
        settings.token_required && !self.0.own_users
    }

    /// Says what a verified domain is for.
    pub(super) fn use_of_domains(&self) -> &'static str {
        match self.0.own_users {
            true => {
                "People with addresses of a verified domain are sent to your identity provider when they sign in."
            }
            false => {
                "People with addresses of a verified domain are admitted, and sent to your identity provider when they sign in."
            }
        }
    }

    /// Says what a trial shows.
    pub(super) fn use_of_a_trial(&self) -> &'static str {
        match self.0.own_users {
            true => {
                "We show what came, and how it was checked. Nobody is signed in here, and nothing is changed."
            }
            false => {
                "We show what came, how it was checked, and what the sign-in would change. Nobody is signed in here, and nothing is changed."
            }
        }
    }

    /// Says whose accounts people of the present connection have over another one, if the policy does not.
    pub(super) fn without_takeover(&self) -> &'static str {
        match self.0.own_users {
            true => {
                "Ask the service whether people of the present connection keep their accounts over the new one before you replace it: \
                 the same person may be somebody new there."
            }
            false => {
                "The organization's rules do not say that people of the present connection keep their accounts over the new one. \
                 Ask the service to add that (identity.takeovers) before you replace it, or people may get new accounts or be refused."
            }
        }
    }

    /// Says what ends with a connection that is replaced. Sessions that a service keeps itself do not end by it.
    pub(super) fn end_of_the_replaced(&self) -> &'static str {
        match self.0.own_users {
            true => {
                "People sign in over another identity provider until now. Nobody signs in any more over a connection that is replaced."
            }
            false => {
                "People sign in over another identity provider until now. A connection that is replaced ends at once, and its sessions with it."
            }
        }
    }

    /// Says what nobody knows of a connection that was not tried.
    pub(super) fn untried(&self) -> Vec<&'static str> {
        let mut unknown = vec![
            "whether your identity provider signs what it sends with the keys of its metadata",
            "whether the addresses and the entity ID in your console are ours",
            "whether the attributes and the groups come, under their names",
        ];
        if !self.0.own_users {
            unknown.push("whom the organization's rules would let in");
        }
        unknown
    }

    /// Says that the response of a trial is accepted. The service decides by itself what follows.
    pub(super) fn accepted_for_own_users(&self, page: Markup, trial: &Trial) -> Markup {
        let page = page.success("The response is good. Nobody was signed in, and nothing was changed.");
        match trial.name_id() {
            None => page.note(NAMELESS),
            Some(name) if name.is_transient() => page.note(TRANSIENT),
            Some(_) => page,
        }
    }

    /// Adds the link to the page on which a domain is verified, if a trial was refused for want of that.
    pub(super) fn way_to_domains(&self, card: Markup, refused: Option<&str>, link: &SetUpLink) -> Markup {
        match refused {
            Some("provisioning.domain_not_verified") if link.purpose.allows_domains() => {
                card.link("button", &self.at("domains"), "Verify a domain")
            }
            _ => card,
        }
    }
}
