//! The queue's statements against a model of what they promise, one after another in random order and two at once.

mod drive;
mod model;
mod pairs;
mod world;

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sspr::wire::ticket::Kind;
use sspr::{
    base::{clock::Clock, language::Language, secret::KeyRing},
    domain::{
        audit::{Lines, Source},
        fleet::{self, Agent, Status},
        notices::Letters,
        queue::{self, Ended, Posted, Settled, Submission, Submitted, Target},
        tenants::{self, New, Tenant},
    },
    wire::{
        b64, jws,
        keys::Identity,
        message::{JobResult, LeasedJob},
        seal::Envelope,
    },
};
use uuid::Uuid;

/// Three agents of one connector.
const AGENTS: usize = 3;
/// People whose passwords are at stake.
const PEOPLE: usize = 2;

/// What a queue needs to be there: a tenant, its connector, agents' keys.
pub struct Ground {
    pub tenant: Tenant,
    pub connector: Uuid,
    pub clock: Clock,
    pub agents: Vec<(Agent, Identity)>,
}

impl Ground {
    async fn lay(conn: &mut PgConnection) -> Self {
        let (clock, ring) = (Clock::system(), KeyRing::parse(&data_encoding::BASE64.encode(&[7; 32]).into()).unwrap());
        let new = New { name: "Corp", host: "localhost", language: Language::English, help: None };
        let tenant = tenants::create(conn, &ring, &clock, new).await.unwrap();
        let connector = fleet::create_connector(conn, &tenant.scope, &clock, "Office").await.unwrap();
        fleet::switch(conn, &tenant.scope, &clock, &Source::house("cli"), connector, (fleet::Feature::Writeback, true)).await.unwrap();
        let agents = (0..AGENTS).map(|n| {
            let identity = Identity::generate();
            let agent = Agent {
                agent_id: Uuid::from_u128(100 + n as u128),
                tenant_id: tenant.scope.id(),
                connector_id: connector,
                name: format!("agent {n}"),
                identity: identity.public().to_vec(),
                status: Status::Active,
                last_seen_at: None,
            };
            (agent, identity)
        });
        let agents: Vec<(Agent, Identity)> = agents.collect();
        for (agent, _) in &agents {
            // Trusted and with its directory, or it would get nothing; not heard of, so that nothing is handed over to it.
            let insert =
                "insert into agents (agent_id, tenant_id, connector_id, name, identity, status, version, health, enrolled_at, confirmed_at)
                          values ($1, $2, $3, $4, $5, 'active', '0', '{\"directory\": {\"reachable\": true}}', now(), now())";
            let insert = sqlx::query(insert).bind(agent.agent_id).bind(agent.tenant_id).bind(agent.connector_id);
            insert.bind(&agent.name).bind(&agent.identity).execute(&mut *conn).await.unwrap();
        }
        Self { tenant, connector, clock, agents }
    }

    fn target(&self, person: usize) -> Target {
        let id = |n: u128| Uuid::from_u128(n + person as u128);
        Target { connector_id: self.connector, user_id: id(1000), object_guid: id(2000), flow_id: id(3000) }
    }

    /// Sealed for the agents of the bit set; `body` tells one password from another.
    fn submission(&self, job: Uuid, person: usize, agents: u8, body: u8) -> Submission<'_> {
        let sealed = |n: usize| Envelope { key: b64(&[7; 32]), enc: b64(&[u8::try_from(n).unwrap()]), ct: b64(&[body]) };
        let envelopes: BTreeMap<_, _> =
            (0..AGENTS).filter(|n| agents & (1 << n) != 0).map(|n| (self.agents[n].0.agent_id, sealed(n))).collect();
        let flow_id = self.target(person).flow_id;
        Submission { scope: &self.tenant.scope, job_id: job, flow_id, kind: Kind::Reset, envelopes, origin: None, to: None }
    }

    async fn submit(&self, conn: &mut PgConnection, submission: Submission<'_>) -> Submitted {
        let (posted, lines) = (Posted::new(submission).unwrap(), Lines::new(&self.clock, Vec::new()));
        match queue::submit(conn, &self.clock, &[&posted], &lines).await.unwrap().remove(0) {
            Some(submitted) => submitted,
            None => queue::submit_closely(conn, &self.clock, &[&posted], &lines).await.unwrap().remove(0),
        }
    }

    async fn lease(&self, conn: &mut PgConnection, agent: usize, most: usize) -> Vec<LeasedJob> {
        let ask = queue::Ask { agent: &self.agents[agent].0, most: u16::try_from(most).unwrap() };
        queue::lease(conn, &self.clock, &[ask]).await.unwrap().remove(0)
    }

    async fn settle(&self, conn: &mut PgConnection, agent: usize, result: &JobResult) -> Settled {
        let (agent, identity) = &self.agents[agent];
        let signed = jws::sign(identity, jws::RESULT, None, false, result);
        let told = [queue::Told { scope: &self.tenant.scope, agent, result, signed: &signed }];
        if let Some(ended) = queue::settle(conn, &told).await.unwrap().remove(0)
            && self.record(conn, &ended).await
        {
            return ended.settled();
        }
        let (settled, ended) = queue::settle_closely(conn, &self.clock, &told).await.unwrap().remove(0);
        if let Some(ended) = ended {
            assert!(self.record(conn, &ended).await, "what is locked stays as it is");
        }
        settled
    }

    async fn record(&self, conn: &mut PgConnection, ended: &Ended) -> bool {
        let (lines, letters) = (Lines::new(&self.clock, Vec::new()), Letters::default());
        !queue::record(conn, &self.clock, &[ended], &lines, &letters).await.unwrap().is_empty()
    }
}
