//! What a reader may see at all: everything, or what one agreement says. An empty list anywhere allows nothing.

use crate::config::{Agreement, Config};

/// The field that says where an entity belongs; always part of what leaves, as its id is.
pub(super) const COMMUNITY: &str = "community";

/// Whose eyes.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// An administrator's.
    All,
    /// A consumer's, under its agreement.
    Agreement(Agreement),
}

impl Scope {
    /// The scope of the agreement of that name; one that allows nothing where the configuration has none.
    pub fn of_agreement(config: &Config, id: &str) -> Self {
        let found = config.agreements.iter().find(|agreement| agreement.id == id);
        Self::Agreement(found.cloned().unwrap_or_default())
    }

    /// Whether entities of this kind may be seen, if they are of the right community.
    pub fn shows_kind(&self, kind: &str) -> bool {
        match self {
            Self::All => true,
            Self::Agreement(agreement) => {
                agreement.entities.iter().any(|entity| entity == kind)
                    && agreement.fields.get(kind).is_some_and(|fields| !fields.is_empty())
            }
        }
    }

    /// Whether entities of this community may be seen. One without a community is seen only by who sees all of them.
    pub fn shows_community(&self, community: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Agreement(agreement) => {
                agreement.communities.iter().any(|code| code == "*" || Some(code.as_str()) == community)
            }
        }
    }

    /// Whether this attribute of the kind may be seen.
    pub fn shows_field(&self, kind: &str, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Agreement(agreement) => {
                field == COMMUNITY
                    || agreement.fields.get(kind).is_some_and(|fields| fields.iter().any(|name| name == field))
            }
        }
    }

    /// The communities to look for: `None` for all of them.
    pub fn communities(&self) -> Option<&[String]> {
        match self {
            Self::Agreement(agreement) if !agreement.communities.iter().any(|code| code == "*") => {
                Some(&agreement.communities)
            }
            _ => None,
        }
    }
}
