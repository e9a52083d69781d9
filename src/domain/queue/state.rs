//! The life of a job, pure: which event leads from which state to which. The statements in this noun follow it, and the schema's
//! checks hold what is left.

use anyhow::{Result, bail};

use crate::wire::outcome::Outcome;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A ticket was given; nothing is sealed yet.
    Offered,
    /// Sealed and durable; waits for the job that goes first.
    Held,
    /// Sealed and durable; waits for an agent.
    Submitted,
    Leased,
    Applied,
    Refused,
    Failed,
    /// Its time passed and no agent ever had it: nothing was changed.
    Expired,
    Superseded,
    Cancelled,
    /// An agent had it and no answer came in time.
    Unknown,
    /// The answer came after all.
    Reconciled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Submit,
    /// Submitted together with the job that it follows.
    Hold,
    /// That job has set the password.
    Release,
    Lease,
    /// The agent's signed verdict.
    Result(Outcome),
    /// A newer job of the same object.
    Supersede,
    Cancel,
    /// The holder could not even try, and says so: another may.
    HandOver,
    /// Every agent that could take it says that it does not reach the directory. `touched` as below.
    Strand {
        touched: bool,
    },
    /// The deadline passed. `touched`: an agent ever held it, so it may have been applied.
    Expire {
        touched: bool,
    },
}

impl State {
    pub const ALL: [Self; 12] = [
        Self::Offered,
        Self::Held,
        Self::Submitted,
        Self::Leased,
        Self::Applied,
        Self::Refused,
        Self::Failed,
        Self::Expired,
        Self::Superseded,
        Self::Cancelled,
        Self::Unknown,
        Self::Reconciled,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Held => "held",
            Self::Submitted => "submitted",
            Self::Leased => "leased",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Reconciled => "reconciled",
        }
    }

    pub fn parse(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|state| state.as_str() == text) {
            Some(state) => Ok(state),
            None => bail!("unknown job state {text}"),
        }
    }

    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Offered | Self::Held | Self::Submitted | Self::Leased)
    }

    /// Where `event` leads; `None` where it must not happen.
    pub const fn next(self, event: Event) -> Option<Self> {
        use State::{Applied, Cancelled, Expired, Failed, Held, Leased, Offered, Reconciled, Refused, Submitted, Superseded, Unknown};
        Some(match (self, event) {
            // Back from an agent that could not try: as if it had never been there.
            (Offered, Event::Submit) | (Leased, Event::HandOver) | (Held, Event::Release) => Submitted,
            (Offered, Event::Hold) => Held,
            // Leasing again is how a job leaves an agent that went silent.
            (Submitted | Leased, Event::Lease) => Leased,
            (Leased, Event::Result(Outcome::Applied)) => Applied,
            (Leased, Event::Result(Outcome::Refused)) => Refused,
            (Leased, Event::Result(Outcome::Failed)) | (Submitted, Event::Strand { touched: false }) => Failed,
            (Unknown, Event::Result(Outcome::Applied | Outcome::Refused | Outcome::Failed)) => Reconciled,
            // A leased job cannot be superseded: its agent may be applying it at this moment.
            (Offered | Held | Submitted, Event::Supersede) => Superseded,
            (Offered | Held | Submitted, Event::Cancel) => Cancelled,
            (Offered | Held | Submitted, Event::Expire { touched: false }) => Expired,
            // Submitted and touched: handed over by one agent after another fell silent.
            (Leased, Event::Result(Outcome::Unknown)) | (Held | Submitted | Leased, Event::Expire { touched: true }) => Unknown,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    const EVENTS: [Event; 14] = [
        Event::Submit,
        Event::Hold,
        Event::Release,
        Event::Lease,
        Event::HandOver,
        Event::Result(Outcome::Applied),
        Event::Result(Outcome::Refused),
        Event::Result(Outcome::Failed),
        Event::Result(Outcome::Unknown),
        Event::Supersede,
        Event::Cancel,
        Event::Strand { touched: false },
        Event::Expire { touched: false },
        Event::Expire { touched: true },
    ];

    #[test]
    fn what_ended_stays_ended_but_for_the_answer_that_came_late() {
        for state in State::ALL.into_iter().filter(|state| state.is_final()) {
            for event in EVENTS {
                let allowed = state == State::Unknown && matches!(event, Event::Result(outcome) if outcome != Outcome::Unknown);
                assert_eq!(state.next(event).is_some(), allowed, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn nothing_is_called_unchanged_once_an_agent_had_it() {
        for event in [Event::Supersede, Event::Cancel, Event::Strand { touched: false }, Event::Expire { touched: false }] {
            assert_eq!(State::Leased.next(event), None);
        }
        assert_eq!(State::Leased.next(Event::Expire { touched: true }), Some(State::Unknown));
    }

    #[test]
    fn only_a_result_of_a_leased_job_says_applied() {
        for state in State::ALL {
            for event in EVENTS {
                if state.next(event) == Some(State::Applied) {
                    assert_eq!((state, event), (State::Leased, Event::Result(Outcome::Applied)));
                }
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()).unwrap(), state);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        /// Whatever is tried in whatever order, what a job says of itself is what happened to it.
        #[test]
        fn any_life_tells_the_truth(tried in vec(select(&EVENTS[..]), 0..16)) {
            let (mut state, mut happened) = (State::Offered, Vec::new());
            for event in tried {
                let count = |wanted: Event| happened.iter().filter(|event| **event == wanted).count();
                let touched = count(Event::Lease) > count(Event::HandOver);
                // What the statements look at: whether an agent had it, and did not give it back untouched.
                let offered = match event {
                    Event::Supersede | Event::Cancel | Event::Strand { .. } => !touched,
                    Event::Expire { touched: said } => said == touched,
                    _ => true,
                };
                if !offered {
                    continue;
                }
                let Some(next) = state.next(event) else { continue };
                // One end, but for the answer that comes after all; and only forward.
                prop_assert!(!state.is_final() || (state, next) == (State::Unknown, State::Reconciled));
                prop_assert!(next != State::Offered && (next != State::Submitted || matches!(state, State::Offered | State::Held) || event == Event::HandOver));
                state = next;
                happened.push(event);
            }
            let did = |wanted: Event| happened.contains(&wanted);
            let verdicts = happened.iter().filter(|event| matches!(event, Event::Result(_))).count();
            let sealed = did(Event::Submit) || did(Event::Hold) && did(Event::Release);
            prop_assert!(!did(Event::Lease) || sealed, "nothing unsealed is leased, and nothing held");
            prop_assert!(verdicts == 0 || did(Event::Lease), "nobody speaks of what they never had");
            match state {
                State::Offered => prop_assert!(happened.is_empty()),
                State::Held => prop_assert_eq!(&happened, &[Event::Hold]),
                State::Submitted => prop_assert!(matches!(happened.last(), Some(Event::Submit | Event::Release | Event::HandOver))),
                State::Leased => prop_assert!(verdicts == 0 && did(Event::Lease)),
                State::Applied => prop_assert!(verdicts == 1 && did(Event::Result(Outcome::Applied))),
                State::Refused => prop_assert!(verdicts == 1 && did(Event::Result(Outcome::Refused))),
                State::Failed if verdicts == 1 => prop_assert!(did(Event::Result(Outcome::Failed))),
                State::Failed | State::Expired | State::Superseded | State::Cancelled => {
                    let count = |wanted: Event| happened.iter().filter(|event| **event == wanted).count();
                    prop_assert_eq!(count(Event::Lease), count(Event::HandOver), "it may have been applied");
                }
                State::Unknown => prop_assert_ne!(did(Event::Result(Outcome::Unknown)), did(Event::Expire { touched: true })),
                State::Reconciled => {
                    let doubted = did(Event::Result(Outcome::Unknown)) || did(Event::Expire { touched: true });
                    prop_assert!(doubted && !matches!(happened.last(), Some(Event::Result(Outcome::Unknown))));
                }
            }
        }
    }
}
