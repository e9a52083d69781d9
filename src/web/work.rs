//! What stands before anything is done for a stranger: proof of work and the client address's own limit. Forms embed it:
//!
//! ```text
//! struct Form { name: String, #[serde(default)] work: Solved }                     // the field
//! struct SomePage { …, work: String }     work: visitor.work().await?              // the page
//! {% call bits::work(page, work) %}{% endcall %}  and js/work.js in its head       // the template
//! match visitor.admit(&form.work).await? { Admitted::Yes => …, Admitted::Work(error) => …, Admitted::Wait(until) => … }
//! ```

use serde::Deserialize;
use time::OffsetDateTime;

use super::{Result, Visitor};
use crate::domain::{
    limits::{self, Count, Limit, Verdict},
    work::{self, Checked},
};

/// The answer to a challenge, as a form's field has it.
#[derive(Default, Deserialize)]
pub struct Solved(String);

/// Whether the form may be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    Yes,
    /// The form again, with a new challenge and these words; 422.
    Work(&'static str),
    /// So much came from this address that it has to wait until then; 429.
    Wait(OffsetDateTime),
}

impl Visitor {
    /// A new challenge, for a form.
    pub async fn work(&self) -> Result<String> {
        let factor = self.app.load().await?.factor(&self.tenant.scope, &limits::network(self.source.address));
        Ok(work::ask(&self.tenant.scope, &self.app.clock, self.app.limits.work.max(1).saturating_mul(factor))?)
    }

    /// Use the answer up and count one for the address. Each is a statement that is committed by itself, before anything is done.
    pub async fn admit(&self, solved: &Solved) -> Result<Admitted> {
        let (app, scope) = (&self.app, &self.tenant.scope);
        let challenge = match work::check(scope, &app.clock, &solved.0) {
            Checked::Good(challenge) => challenge,
            Checked::Missing => return Ok(Admitted::Work("work-error-missing")),
            Checked::Wrong => return Ok(Admitted::Work("work-error-wrong")),
            Checked::Over => return Ok(Admitted::Work("work-error-over")),
        };
        let mut conn = self.acquire().await?;
        if !work::spend(&mut conn, scope, &app.clock, &challenge, &limits::network(self.source.address)).await? {
            return Ok(Admitted::Work("work-error-over"));
        }
        let counts = vec![Count::from(Limit::AddressBegin, &self.source)];
        Ok(match limits::take_all(&mut conn, scope, &app.clock, &self.source, counts).await? {
            Verdict::Allowed => Admitted::Yes,
            Verdict::Wait(until) => Admitted::Wait(until),
        })
    }
}
