//! An organization and its connections: how it becomes a SAML organization, and how it stops being one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use vouchsafe_assertion::ConnectionId;
use vouchsafe_metadata::EntityId;

use crate::{Conversion, Organization, PlanRefusal, TokenHash, TokenRecord};

impl Organization {
    /// Fails if the plan does not include SAML SSO.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotEntitled`].
    pub fn require_entitlement(&self) -> Result<(), PlanRefusal> {
        match self.entitled {
            true => Ok(()),
            false => Err(PlanRefusal::NotEntitled { organization: self.name.clone() }),
        }
    }

    /// Makes this a SAML organization with its first connection.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::AlreadyConverted`], [`PlanRefusal::NotEntitled`].
    pub fn convert_over(
        &mut self,
        connection: ConnectionId,
        identity_provider: EntityId,
        now: DateTime<Utc>,
    ) -> Result<(), PlanRefusal> {
        match self.conversion {
            Some(_) => Err(PlanRefusal::AlreadyConverted { organization: self.name.clone() }),
            None => self.connect(connection, identity_provider, now),
        }
    }

    /// Lets people sign in over one more connection. The first one makes this a SAML organization.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::NotEntitled`].
    ///
    /// ```
    /// use vouchsafe_assertion::ConnectionId;
    /// use vouchsafe_metadata::EntityId;
    /// use vouchsafe_provisioning::{Organization, OrganizationId};
    ///
    /// let (id, now) = (ConnectionId::new("acme-okta")?, "2026-01-15T09:00:00Z".parse()?);
    /// let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
    /// acme.entitled = true;
    /// acme.connect(id.clone(), EntityId::new("http://www.okta.com/exk1")?, now)?;
    /// assert!(acme.signs_in_over(&id));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(
        &mut self,
        connection: ConnectionId,
        identity_provider: EntityId,
        now: DateTime<Utc>,
    ) -> Result<(), PlanRefusal> {
        self.require_entitlement()?;
        // An organization that was converted without a connection's id keeps that connection.
        let before = self.conversion.as_ref().map(|conversion| conversion.at);
        if before.is_some() {
            self.connections = self.own_connections();
        }
        self.connections.insert(connection);
        self.conversion = Some(Conversion { identity_provider, at: before.unwrap_or(now) });
        Ok(())
    }

    /// Ends the sign-ins over a connection. Another connection must remain.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::LastConnection`]. To end the last one, [disconnect](Self::disconnect) the organization.
    pub fn end_connection(&mut self, connection: &ConnectionId) -> Result<(), PlanRefusal> {
        if self.conversion.is_none() || !self.signs_in_over(connection) {
            return Ok(());
        }
        let mut remaining = self.own_connections();
        remaining.remove(connection);
        if remaining.is_empty() {
            return Err(PlanRefusal::LastConnection {
                organization: self.name.clone(),
                connection: connection.clone(),
            });
        }
        self.connections = remaining;
        Ok(())
    }

    /// Makes this an organization without SAML again: nobody signs in over any connection, and all tokens are revoked.
    pub fn disconnect(&mut self, now: DateTime<Utc>) {
        self.connections.clear();
        self.conversion = None;
        for record in &mut self.tokens {
            record.revoked_at = Some(record.revoked_at.map_or(now, |earlier| earlier.min(now)));
        }
    }

    /// Adds a token that was just [issued](crate::OrganizationToken::issue), by its hash. The valid tokens remain valid
    /// for `overlap`, and no longer than they would have been anyway. Without an overlap all of them end at once, as is
    /// right after one was stolen.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::TokenLimit`] if [`MAX_TOKENS`](Self::MAX_TOKENS) would remain valid.
    pub fn rotate_to(
        &mut self,
        hash: TokenHash,
        now: DateTime<Utc>,
        overlap: Duration,
    ) -> Result<(), PlanRefusal> {
        if !overlap.is_zero() {
            self.require_fewer_tokens(Self::MAX_TOKENS, now)?;
        }
        self.end_tokens_after(overlap, now, |_| true);
        self.add_token(hash, now)
    }

    /// Ends tokens after this time, if they do not end sooner.
    fn end_tokens_after(
        &mut self,
        overlap: Duration,
        now: DateTime<Utc>,
        ends: impl Fn(&TokenRecord) -> bool,
    ) {
        // A time that no clock can show is no end.
        let end = TimeDelta::from_std(overlap).ok().and_then(|overlap| now.checked_add_signed(overlap));
        let Some(end) = end else { return };
        for record in self.tokens.iter_mut().filter(|record| ends(record)) {
            record.expires_at = Some(record.expires_at.map_or(end, |earlier| earlier.min(end)));
        }
    }

    /// Adds a token that was just [issued](crate::OrganizationToken::issue) in the place of one of the others, which
    /// remains valid for `overlap`, and no longer than it would have been anyway. All the others stay as they are.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::TokenLimit`] if [`MAX_TOKENS`](Self::MAX_TOKENS) would remain valid.
    pub fn replace_token(
        &mut self,
        replaced: &TokenHash,
        hash: TokenHash,
        now: DateTime<Utc>,
        overlap: Duration,
    ) -> Result<(), PlanRefusal> {
        self.require_fewer_tokens(Self::MAX_TOKENS, now)?;
        self.end_tokens_after(overlap, now, |record| record.hash == *replaced);
        self.add_token(hash, now)
    }

    /// Adds a token that was just [issued](crate::OrganizationToken::issue), by its hash. If there are more than
    /// [`MAX_TOKENS`](Self::MAX_TOKENS) then, the oldest that are no longer valid are forgotten.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::TokenLimit`] if [`MAX_TOKENS`](Self::MAX_TOKENS) are valid: none that the identity provider may still
    /// send is forgotten.
    pub fn add_token(&mut self, hash: TokenHash, now: DateTime<Utc>) -> Result<(), PlanRefusal> {
        self.require_fewer_tokens(Self::MAX_TOKENS, now)?;
        self.tokens.push(TokenRecord::new(hash, now));
        while self.tokens.len() > Self::MAX_TOKENS
            && let Some(ended) = self.tokens.iter().position(|record| !record.works_at(now))
        {
            self.tokens.remove(ended);
        }
        Ok(())
    }

    /// Fails if so many tokens are valid, or more. For whoever may issue only some of the
    /// [`MAX_TOKENS`](Self::MAX_TOKENS), such as the holder of a set-up link.
    ///
    /// # Errors
    ///
    /// [`PlanRefusal::TokenLimit`].
    pub fn require_fewer_tokens(&self, most: usize, now: DateTime<Utc>) -> Result<(), PlanRefusal> {
        match self.tokens.iter().filter(|record| record.works_at(now)).count() < most {
            true => Ok(()),
            false => Err(PlanRefusal::TokenLimit { organization: self.name.clone(), most }),
        }
    }

    /// The most tokens that are kept, valid or not. All of them are read at each sign-in.
    pub const MAX_TOKENS: usize = 16;
}
