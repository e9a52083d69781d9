//! An agent driven by hand: the real protocol with real keys, one call at a time, so that a test can stop between any two, repeat
//! one, or lie.

use reqwest::{Client, Response, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sspr::{
    base::id,
    wire::{
        b64,
        checkup::Checkup,
        jws,
        keys::{Identity, Signed, Statement, Succession, fingerprint},
        message::{
            AccountState, DirectoryHealth, Enrolled, Enrolment, Group, Heartbeat, HeartbeatAnswer, JobResult, LeaseRequest, Leased,
            LeasedJob, MirrorBatch, NewIdentity, NewKey, PasswordPolicy, Person as DirectoryPerson, SignedResult, Token,
        },
        outcome::Code,
        seal::{self, KeyPair, SUITE},
        ticket::Kind,
    },
};
use uuid::Uuid;

use super::Cloud;

pub struct HandAgent {
    http: Client,
    pub url: String,
    clock: sspr::base::clock::Clock,
    pub identity: Identity,
    pub sealing: KeyPair,
    pub epoch: i64,
    pub id: Uuid,
    pub connector: Uuid,
    pub fingerprint: String,
    /// Told in heartbeats; `None` as of an older agent.
    pub instance: Option<Uuid>,
    pub published: Option<Statement>,
    /// What its own checks found.
    pub checkup: Option<Checkup>,
    /// What it says of every account that it is asked about; `None`: it is asked as a test wants.
    pub account: Option<AccountState>,
    /// An access token and when it was got.
    token: Option<(String, i64)>,
}

impl HandAgent {
    /// Enrolled, and pending.
    pub async fn enrol(cloud: &Cloud) -> Self {
        Self::enrol_by(cloud, &cloud.enrolment_token().await).await
    }

    pub async fn enrol_by(cloud: &Cloud, token: &str) -> Self {
        let (agent, answer) = Self::try_enrol(cloud, token).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let enrolled: Enrolled = answer.json().await.unwrap();
        assert_eq!(enrolled.fingerprint, agent.fingerprint);
        Self { id: enrolled.agent, connector: enrolled.connector, ..agent }
    }

    pub async fn try_enrol(cloud: &Cloud, token: &str) -> (Self, Response) {
        let identity = Identity::generate();
        let agent = Self {
            http: Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            url: cloud.url.clone(),
            clock: cloud.clock.clone(),
            fingerprint: fingerprint(identity.public()),
            identity,
            sealing: KeyPair::generate(),
            epoch: 1,
            id: Uuid::nil(),
            connector: Uuid::nil(),
            instance: None,
            published: None,
            checkup: None,
            account: Some(AccountState::default()),
            token: None,
        };
        let answer = agent.enrol_with(token).await;
        (agent, answer)
    }

    pub async fn enrol_with(&self, token: &str) -> Response {
        let body = Enrolment { token: token.to_owned(), name: "hand".into(), identity: b64(self.identity.public()), version: "0".into() };
        self.send("/agent/v1/enrolment", &serde_json::to_vec(&body).unwrap(), "application/json", None).await
    }

    pub fn proof(&self, path: &str, body: &[u8], access: Option<&str>) -> String {
        let path = path.split('?').next().unwrap_or(path);
        jws::prove(&self.identity, "POST", &format!("{}{path}", self.url), body, access, id::token(), self.clock.seconds())
    }

    async fn send(&self, path: &str, body: &[u8], kind: &str, access: Option<&str>) -> Response {
        self.send_with(path, body, kind, access, &self.proof(path, body, access)).await
    }

    pub async fn send_with(&self, path: &str, body: &[u8], kind: &str, access: Option<&str>, proof: &str) -> Response {
        let mut request =
            self.http.post(format!("{}{path}", self.url)).header(header::CONTENT_TYPE, kind).header("dpop", proof).body(body.to_vec());
        if let Some(access) = access {
            request = request.header(header::AUTHORIZATION, format!("DPoP {access}"));
        }
        request.send().await.unwrap()
    }

    pub async fn try_token(&self) -> Response {
        self.try_token_with(&self.assertion(|_| ())).await
    }

    /// What asks for a token, with one thing about it changed.
    pub fn assertion(&self, change: impl FnOnce(&mut jws::Assertion)) -> String {
        let now = self.clock.seconds();
        let mut claims = jws::Assertion {
            iss: self.id.to_string(),
            sub: self.id.to_string(),
            aud: format!("{}/agent/v1/token", self.url),
            jti: id::token(),
            iat: now,
            exp: now + 60,
            nbf: None,
        };
        change(&mut claims);
        jws::sign(&self.identity, jws::ASSERTION, Some(&self.id.to_string()), false, &claims)
    }

    pub async fn try_token_with(&self, assertion: &str) -> Response {
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
        );
        self.send("/agent/v1/token", body.as_bytes(), "application/x-www-form-urlencoded", None).await
    }

    pub async fn token(&mut self) -> String {
        if let Some((token, _)) = self.token.as_ref().filter(|(_, at)| self.clock.seconds() - at < 240) {
            return token.clone();
        }
        let answer = self.try_token().await;
        assert_eq!(answer.status(), StatusCode::OK);
        let token: Token = answer.json().await.unwrap();
        assert_eq!(token.token_type, "DPoP");
        self.token.insert((token.access_token, self.clock.seconds())).0.clone()
    }

    /// A signed call with whatever bytes.
    pub async fn post_raw(&mut self, path: &str, body: &[u8], kind: &str) -> Response {
        let token = self.token().await;
        self.send(path, body, kind, Some(&token)).await
    }

    /// A call without an access token: enrolment and token requests.
    pub async fn post_bare(&self, path: &str, body: &[u8], kind: &str) -> Response {
        self.send(path, body, kind, None).await
    }

    /// A signed call with JSON.
    pub async fn post(&mut self, path: &str, body: &impl Serialize) -> Response {
        let token = self.token().await;
        self.send(path, &serde_json::to_vec(body).unwrap(), "application/json", Some(&token)).await
    }

    pub async fn publish_key(&mut self) {
        let now = self.clock.seconds();
        let statement = Statement {
            agent: self.id,
            connector: self.connector,
            suite: SUITE.to_owned(),
            key: b64(&self.sealing.public),
            epoch: self.epoch,
            not_before: now - 60,
            not_after: now + 12 * 3600,
        };
        let key = self.identity.sign(statement.clone());
        assert_eq!(self.try_publish(key).await.status(), StatusCode::NO_CONTENT);
        self.published = Some(statement);
    }

    /// What takes `new` in the place of this identity.
    pub fn succession(&self, new: &Identity) -> NewIdentity {
        NewIdentity {
            identity: b64(new.public()),
            signature: new.succeed(&Succession::of(self.id, self.identity.public(), new.public())),
            keys: self.published.iter().map(|statement| new.sign(statement.clone())).collect(),
        }
    }

    /// From now on it speaks from this address of the machine.
    pub fn speaks_from(&mut self, address: std::net::IpAddr) {
        self.http = Client::builder().no_proxy().tls_certs_only([]).local_address(address).build().unwrap();
    }

    /// From now on it signs with `new`, and has no token.
    pub fn becomes(&mut self, new: Identity) {
        (self.identity, self.token) = (new, None);
    }

    pub async fn try_publish(&mut self, key: Signed) -> Response {
        self.post("/agent/v1/keys", &NewKey { key }).await
    }

    pub async fn beat(&mut self, reachable: bool) {
        self.reports(reachable).await;
    }

    /// The answer to a heartbeat.
    pub async fn beats(&mut self) -> HeartbeatAnswer {
        self.reports(true).await.json().await.expect("an answer")
    }

    async fn reports(&mut self, reachable: bool) -> Response {
        let policy = PasswordPolicy { min_length: 8, complexity: true, history: 5, min_age: 0, max_age: 0 };
        let directory = DirectoryHealth { reachable, dc: "dc1.corp.example".into(), policy: Some(policy), ..DirectoryHealth::default() };
        let beat = Heartbeat {
            version: "0".into(),
            clock: self.clock.seconds(),
            directory,
            jobs: 0,
            instance: self.instance,
            audit: None,
            removals_held: None,
            checkup: self.checkup.clone(),
            canary: Vec::new(),
        };
        let answer = self.post("/agent/v1/heartbeat", &beat).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    }

    /// The whole directory, and these groups of it.
    pub async fn tells(&mut self, groups: &[(Uuid, &str)], people: Vec<DirectoryPerson>) {
        let groups = groups.iter().map(|(guid, name)| Group { guid: *guid, name: (*name).to_owned() }).collect();
        let pass = id::random();
        let batch =
            MirrorBatch { pass, full: true, first: true, last: true, upserts: people, groups: Some(groups), ..MirrorBatch::default() };
        assert_eq!(self.post("/agent/v1/directory", &batch).await.status(), 204);
    }

    /// Make `people` the whole directory.
    pub async fn mirror(&mut self, people: Vec<DirectoryPerson>) {
        let batch = MirrorBatch { pass: id::random(), full: true, first: true, last: true, upserts: people, ..MirrorBatch::default() };
        assert_eq!(self.post("/agent/v1/directory", &batch).await.status(), StatusCode::NO_CONTENT);
    }

    /// Up to ten jobs, waiting so many seconds for the first. How an account stands is answered at once, and is not among them.
    pub async fn lease(&mut self, wait: u32) -> Vec<LeasedJob> {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(wait.into());
        loop {
            let left = until.saturating_duration_since(std::time::Instant::now());
            let jobs = self.lease_any(u32::try_from(left.as_secs()).unwrap()).await;
            let none = jobs.is_empty();
            let mut others = Vec::new();
            for job in jobs {
                match (job.ticket.kind, self.account.clone()) {
                    (Kind::Inspect, Some(account)) => self.says(&job, account).await,
                    _ => others.push(job),
                }
            }
            if none || !others.is_empty() {
                return others;
            }
        }
    }

    /// How the account of this job stands.
    pub async fn says(&mut self, job: &LeasedJob, account: AccountState) {
        let result = JobResult { account: Some(account), ..self.result_of(job, Code::Inspected) };
        assert_eq!(self.tell(&result).await.status(), StatusCode::NO_CONTENT);
    }

    pub async fn lease_any(&mut self, wait: u32) -> Vec<LeasedJob> {
        let answer = self.post(&format!("/agent/v1/lease?wait={wait}"), &LeaseRequest { max: 10 }).await;
        if answer.status() == StatusCode::NO_CONTENT {
            return Vec::new();
        }
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Leased>().await.unwrap().jobs
    }

    pub fn open(&self, job: &LeasedJob) -> Result<String, seal::Broken> {
        seal::open(job.envelope.as_ref().expect("a sealed job"), &job.ticket, &self.sealing.private).map(|secrets| secrets.new.to_string())
    }

    pub fn result_of(&self, job: &LeasedJob, code: Code) -> JobResult {
        JobResult {
            job: job.ticket.job,
            lease: job.lease,
            seq: job.ticket.seq,
            ciphertext: job.hash(),
            code,
            dc: "dc1.corp.example".into(),
            started_at: self.clock.millis(),
            finished_at: self.clock.millis(),
            unlocked: false,
            allowed_at: None,
            account: None,
        }
    }

    pub async fn tell(&mut self, result: &JobResult) -> Response {
        let jws = jws::sign(&self.identity, jws::RESULT, Some(&self.id.to_string()), false, result);
        self.post(&format!("/agent/v1/jobs/{}/result", result.job), &SignedResult { jws }).await
    }

    pub async fn ends(&mut self, job: &LeasedJob, code: Code) -> Response {
        let result = self.result_of(job, code);
        self.tell(&result).await
    }

    /// Lease one job and end it so.
    pub async fn work(&mut self, code: Code) -> LeasedJob {
        let mut jobs = self.lease(10).await;
        assert_eq!(jobs.len(), 1);
        let job = jobs.remove(0);
        let result = self.result_of(&job, code);
        assert_eq!(self.tell(&result).await.status(), StatusCode::NO_CONTENT);
        job
    }
}

/// The stable code of a refusal.
pub async fn code_of(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// In these groups besides.
pub fn in_groups(name: &str, groups: &[Uuid]) -> DirectoryPerson {
    DirectoryPerson { groups: groups.to_vec(), ..somebody(name) }
}

/// Somebody in the directory; the GUID follows from the name.
pub fn somebody(name: &str) -> DirectoryPerson {
    let mut guid = [0; 16];
    guid.copy_from_slice(&sspr::wire::sha256(name.as_bytes())[..16]);
    DirectoryPerson {
        guid: Uuid::from_bytes(guid),
        sign_in_name: name.to_owned(),
        principal_name: format!("{name}@corp.example"),
        display_name: format!("Person {name}"),
        mail: Some(format!("{name}@mail.example")),
        mobile: Some(format!("+4917012345{:02}", guid[0] % 100)),
        enabled: true,
        ..DirectoryPerson::default()
    }
}
