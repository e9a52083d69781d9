//! What stands around every page of the console: where one can go, and who one is.

use super::guard::{Desk, Fleet, Govern, Permission, Rules, Serve, Staff, Trail};
use crate::domain::operators::Role;

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    Overview,
    People,
    Policies,
    Connectors,
    Jobs,
    Approvals,
    Audit,
    Support,
    Operators,
    Texts,
    Settings,
    Branding,
    Me,
}

pub struct Item {
    pub href: &'static str,
    /// Of its words.
    pub key: &'static str,
    pub icon: &'static str,
    pub here: bool,
    /// So many things wait there for whoever looks.
    pub count: i64,
}

/// Every console template's `rail`.
pub struct Rail {
    pub name: String,
    /// Of the role's words.
    pub role: &'static str,
    pub items: Vec<Item>,
    /// One's own page is the one in hand.
    pub me: bool,
}

pub const fn role_key(role: Role) -> &'static str {
    match role {
        Role::Owner => "console-role-owner",
        Role::Administrator => "console-role-administrator",
        Role::HelpDesk => "console-role-help-desk",
        Role::Auditor => "console-role-auditor",
    }
}

impl Desk {
    /// Only what this operator may see.
    pub fn rail(&self, at: Here) -> Rail {
        let mut items = Vec::new();
        let mut offer = |may: &[Role], here: Here, href, key, icon| {
            if may.contains(&self.operator.role) {
                let count = if here == Here::Approvals { self.waiting } else { 0 };
                items.push(Item { href, key, icon, here: here == at, count });
            }
        };
        offer(&Role::ALL, Here::Overview, "/console", "console-nav-overview", "home");
        offer(Serve::ROLES, Here::People, "/console/people", "console-nav-people", "person");
        offer(Rules::ROLES, Here::Policies, "/console/policies", "console-nav-policies", "shield");
        offer(Serve::ROLES, Here::Jobs, "/console/jobs", "console-nav-jobs", "bolt");
        offer(Serve::ROLES, Here::Approvals, "/console/approvals", "console-nav-approvals", "check");
        offer(Fleet::ROLES, Here::Connectors, "/console/connectors", "console-nav-connectors", "plug");
        offer(Trail::ROLES, Here::Audit, "/console/audit", "console-nav-audit", "paper");
        offer(&Role::ALL, Here::Support, "/console/support", "support-title", "search");
        offer(Staff::ROLES, Here::Operators, "/console/operators", "console-nav-operators", "key");
        offer(Govern::ROLES, Here::Texts, "/console/texts", "texts-title", "letter");
        offer(Govern::ROLES, Here::Settings, "/console/settings", "console-nav-settings", "gear");
        offer(Govern::ROLES, Here::Branding, "/console/branding", "console-nav-branding", "brush");
        Rail { name: self.operator.name.clone(), role: role_key(self.operator.role), items, me: at == Here::Me }
    }
}
