//! All that a tenant's policies say, and what becomes of it by a change: worked out before anything is written, so that a change that is
//! shown, saved or undone is the same one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Draft, Group, Policy, Refused};
use crate::base::id;

/// The policies in the order in which they are asked, and the groups whose members prove more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub policies: Vec<Policy>,
    pub privileged: Vec<Group>,
}

/// One thing that an administrator wants.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new policy, or another shape of one.
    Save(Option<Uuid>, Draft),
    Remove(Uuid),
    /// It is the so many-th that is asked, from 0 on.
    Move(Uuid, usize),
    /// These groups are privileged and no others.
    Privilege(Vec<Group>),
    /// As it once was.
    Restore(Rules),
}

impl Rules {
    /// By which somebody tells whether they are still what was looked at. Names of groups are the directory's and do not count.
    pub fn mark(&self) -> String {
        let all = serde_json::to_vec(&self.clone().sorted()).expect("plain data");
        data_encoding::HEXLOWER.encode(&id::sha256(&all)[..16])
    }

    /// With the names that these groups have.
    #[must_use]
    pub fn called(mut self, known: &[Group]) -> Self {
        let name = |group: &mut Group| group.name = known.iter().find(|one| one.is(group)).and_then(|one| one.name.clone());
        for Policy { terms, .. } in &mut self.policies {
            terms.groups.iter_mut().chain(&mut terms.exceptions).for_each(name);
        }
        self.privileged.iter_mut().for_each(name);
        self
    }

    pub fn policy(&self, policy: Uuid) -> Option<&Policy> {
        self.policies.iter().find(|one| one.policy_id == policy)
    }

    /// A priority that is free, for a policy that comes first unless somebody says otherwise.
    pub fn free(&self) -> i32 {
        (1..).step_by(10).find(|n| self.policies.iter().all(|policy| policy.terms.priority != *n)).unwrap_or(1)
    }

    /// What they are after it; a new policy gets this id.
    pub fn with(&self, change: &Change, fresh: Uuid) -> Result<Self, Refused> {
        let mut after = self.clone();
        match change {
            Change::Save(policy, draft) => {
                let at = policy.map(|id| after.place(id)).transpose()?;
                let policy = Policy { policy_id: policy.unwrap_or(fresh), terms: draft.clone() };
                match at {
                    Some(at) => after.policies[at] = policy,
                    None => after.policies.push(policy),
                }
            }
            Change::Remove(policy) => {
                let at = after.place(*policy)?;
                after.policies.remove(at);
            }
            Change::Move(policy, place) => {
                let priorities: Vec<i32> = after.policies.iter().map(|one| one.terms.priority).collect();
                let moved = after.policies.remove(after.place(*policy)?);
                after.policies.insert((*place).min(after.policies.len()), moved);
                for (one, priority) in after.policies.iter_mut().zip(priorities) {
                    one.terms.priority = priority;
                }
            }
            Change::Privilege(groups) => after.privileged.clone_from(groups),
            Change::Restore(rules) => after.clone_from(rules),
        }
        after = after.sorted();
        after.check()?;
        Ok(after)
    }

    fn place(&self, policy: Uuid) -> Result<usize, Refused> {
        self.policies.iter().position(|one| one.policy_id == policy).ok_or(Refused::Gone)
    }

    /// As they are stored: an exception beats the group that is named as both.
    fn sorted(mut self) -> Self {
        let tidy = |groups: &mut Vec<Group>| {
            groups.sort_by_key(|group| (group.connector_id, group.object_guid));
            groups.dedup_by_key(|group| (group.connector_id, group.object_guid));
        };
        for Policy { terms, .. } in &mut self.policies {
            let Draft { groups, exceptions, methods, countries, .. } = terms;
            let excepted = |group: &Group| exceptions.iter().any(|other| other.is(group));
            groups.retain(|group| !excepted(group));
            tidy(groups);
            tidy(exceptions);
            methods.dedup();
            countries.sort_unstable();
            countries.dedup();
        }
        tidy(&mut self.privileged);
        self.policies.sort_by_key(|policy| (policy.terms.priority, policy.policy_id));
        self
    }

    fn check(&self) -> Result<(), Refused> {
        for (at, Policy { terms, .. }) in self.policies.iter().enumerate() {
            terms.check()?;
            for other in &self.policies[..at] {
                if other.terms.priority == terms.priority {
                    return Err(Refused::PriorityTaken);
                }
                if other.terms.name == terms.name {
                    return Err(Refused::NameTaken);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(names: &[&str]) -> Rules {
        let policy = |(n, name): (usize, &&str)| Policy {
            policy_id: Uuid::from_u128(u128::try_from(n).unwrap()),
            terms: Draft { everybody: true, ..Draft::new(name, i32::try_from(10 * n + 10).unwrap()) },
        };
        Rules { policies: names.iter().enumerate().map(policy).collect(), privileged: Vec::new() }
    }

    fn names(rules: &Rules) -> Vec<&str> {
        rules.policies.iter().map(|policy| policy.terms.name.as_str()).collect()
    }

    #[test]
    fn they_are_asked_in_another_order() {
        let (all, fresh) = (rules(&["a", "b", "c"]), Uuid::from_u128(9));
        let after = |change| all.with(&change, fresh).unwrap();
        assert_eq!(names(&after(Change::Move(Uuid::from_u128(1), 0))), ["b", "a", "c"]);
        assert_eq!(names(&after(Change::Move(Uuid::from_u128(0), 2))), ["b", "c", "a"]);
        assert_eq!(after(Change::Move(Uuid::from_u128(2), 99)), all, "it is the last one");
        assert_eq!(all.with(&Change::Remove(fresh), fresh), Err(Refused::Gone));
    }

    #[test]
    fn an_older_entry_of_the_history_says_what_was_usual_then() {
        let all = rules(&["a"]);
        let mut entry = serde_json::to_value(&all).unwrap();
        let terms = entry["policies"][0]["terms"].as_object_mut().unwrap();
        for since in ["countries", "tries", "sends", "passwords"] {
            assert!(terms.remove(since).is_some(), "{since}");
        }
        assert_eq!(serde_json::from_value::<Rules>(entry).unwrap(), all);
    }

    #[test]
    fn the_mark_tells_what_they_say_and_not_what_groups_are_called() {
        let one = |name: Option<&str>| Group { connector_id: Uuid::nil(), object_guid: Uuid::nil(), name: name.map(str::to_owned) };
        let all = rules(&["a"]);
        let mark = |group: Group| Rules { privileged: vec![group], ..all.clone() }.mark();
        assert_eq!(mark(one(Some("Staff"))), mark(one(None)));
        assert_ne!(mark(one(None)), all.mark());
        assert_ne!(all.with(&Change::Save(None, Draft { everybody: true, ..Draft::new("b", 1) }), Uuid::nil()).unwrap().mark(), all.mark());
    }

    #[test]
    fn an_exception_beats_the_group_that_is_named_as_both() {
        let staff = Group { connector_id: Uuid::nil(), object_guid: Uuid::nil(), name: None };
        let draft = Draft { everybody: true, groups: vec![staff.clone()], exceptions: vec![staff.clone(), staff], ..Draft::new("b", 1) };
        let after = rules(&["a"]).with(&Change::Save(None, draft), Uuid::from_u128(7)).unwrap();
        assert_eq!((after.policies[0].terms.groups.len(), after.policies[0].terms.exceptions.len()), (0, 1));
    }
}
