//! The JSON bodies of `/agent/v1`. Unknown fields are refused by the cloud and ignored by the agent, so that a newer cloud can
//! say more to an older agent and never the other way round.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{checkup::Checkup, keys::Signed, outcome::Code, seal::Envelope, ticket::Ticket};

/// `POST /agent/v1/enrolment`. The request bears a DPoP proof by `identity`, which proves possession of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The one-time token that an administrator made.
    pub token: String,
    /// A name for people: usually the host's. The cloud keeps 100 characters, without control characters.
    pub name: String,
    /// base64url Ed25519 public key.
    pub identity: String,
    /// Of the agent's program; the cloud keeps 50 characters.
    pub version: String,
}

/// 201. The agent stays *pending* until an administrator confirms its fingerprint.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrolled {
    pub agent: Uuid,
    pub tenant: Uuid,
    pub connector: Uuid,
    pub fingerprint: String,
}

/// `POST /agent/v1/token` (form, RFC 7523 §2.2) answers this.
#[derive(Debug, Serialize, Deserialize)]
pub struct Token {
    pub access_token: String,
    /// Always `DPoP` (RFC 9449 §5).
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
}

/// `POST /agent/v1/lease?wait=SECONDS`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// How many jobs at most.
    pub max: u16,
}

/// 200; nothing to do is 204 without a body.
#[derive(Debug, Serialize, Deserialize)]
pub struct Leased {
    pub jobs: Vec<LeasedJob>,
    /// The cloud's clock, seconds since 1970: tells the agent of its own skew.
    pub now: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeasedJob {
    /// Fencing token: every answer must bear it.
    pub lease: Uuid,
    /// Seconds that the lease lasts from the cloud's answer on: from [`Leased::now`], when it says so, not from when the agent asked,
    /// since a poll may hang longer than a lease lives.
    pub seconds: u32,
    /// How often the job was leased before, plus one. Above one, an agent that fell silent may have applied it.
    pub attempt: i16,
    pub ticket: Ticket,
    /// `None` for the kinds without a secret ([`super::ticket::Kind::is_sealed`]).
    pub envelope: Option<Envelope>,
}

impl LeasedJob {
    /// [`JobResult::ciphertext`] of it.
    pub fn hash(&self) -> String {
        self.envelope.as_ref().and_then(Envelope::hash).unwrap_or_default()
    }
}

/// `POST /agent/v1/jobs/{id}/result`: a compact JWS, typ [`super::jws::RESULT`], over [`JobResult`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedResult {
    pub jws: String,
}

/// `POST /agent/v1/results`: up to [`RESULTS`] compact JWS as in [`SignedResult`], each about another job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedResults {
    pub results: Vec<String>,
}

pub const RESULTS: usize = 50;

/// 200 to results.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// One for each result, in order: null where it was taken, else the code it was refused with.
    pub refused: Vec<Option<String>>,
    /// The next ones, if they were asked for.
    pub jobs: Vec<LeasedJob>,
    /// The cloud's clock, seconds since 1970.
    pub now: i64,
}

/// What the agent signs about a job. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobResult {
    pub job: Uuid,
    pub lease: Uuid,
    pub seq: i64,
    /// [`Envelope::hash`] of what was opened; empty when there was no envelope.
    pub ciphertext: String,
    pub code: Code,
    /// The domain controller last seen; empty when none was. At most 255 bytes.
    pub dc: String,
    pub started_at: i64,
    pub finished_at: i64,
    /// The account was locked and the change unlocked it.
    pub unlocked: bool,
    /// When a minimum age refused it: seconds since 1970 at which a change is allowed.
    pub allowed_at: Option<i64>,
    /// Answers `inspect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountState>,
}

/// An account as it is now, and what holds for its password. Times are seconds since 1970 by the directory's clock.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountState {
    /// The policy in effect; `None` when there is none or it may not be read.
    pub policy: Option<PasswordPolicy>,
    /// Which policy that is, also when it may not be read.
    pub policy_from: Option<PolicyFrom>,
    /// The directory refuses passwords that contain the account's names.
    pub names: bool,
    /// History and minimum age hold on resets, too, not only on changes.
    pub hints: bool,
    /// The minimum age forbids a change before this.
    pub allowed_at: Option<i64>,
    /// When the password runs out, or did; `None`: never, or not known.
    pub expires_at: Option<i64>,
    pub locked: bool,
    /// Locked by an administrator, for ever: nothing here unlocks it.
    pub locked_for_good: bool,
    pub disabled: bool,
    /// The account itself, not its password.
    pub account_expired: bool,
    /// At the next sign-in.
    pub must_change: bool,
    /// This agent never touches it.
    pub protected: bool,
    /// Whether the agent's account has the right to set this password; `None`: cannot be told beforehand.
    pub may_reset: Option<bool>,
    pub may_unlock: Option<bool>,
    pub may_require_change: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyFrom {
    /// The domain's.
    Domain,
    /// Of this account or its groups: fine-grained (AD), `pwdPolicySubentry` (OpenLDAP).
    Own,
    /// Of all who have no other (OpenLDAP).
    Default,
}

/// `POST /agent/v1/heartbeat`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    pub version: String,
    /// The agent's clock, seconds since 1970.
    pub clock: i64,
    pub directory: DirectoryHealth,
    /// Jobs opened since start.
    pub jobs: u64,
    /// Which process speaks: random, made at its start and kept in its memory only. By it a copy of the agent is told from a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Uuid>,
    /// How far the agent's own audit file goes. Kept, so that a cut at its end can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditHead>,
    /// So many people are missing in the directory at once that nobody is removed until an administrator confirms it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removals_held: Option<u32>,
    /// What came of the canary at each server, the last time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canary: Vec<CanaryRun>,
    /// What its own checks of the directory found, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkup: Option<Checkup>,
}

/// One change of the canary's password at one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryRun {
    /// Its own name. At most 255 bytes.
    pub server: String,
    /// When it began, seconds since 1970.
    pub at: i64,
    /// `applied`: set, and good for signing in.
    pub code: Code,
    /// That it took, signing in included.
    pub millis: u32,
}

/// The last line of the agent's audit file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    pub lines: u64,
    /// base64url SHA-256 of the last line, without its end; empty while there is none.
    pub head: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryHealth {
    pub reachable: bool,
    /// Domain controller in use; empty when none is reached.
    pub dc: String,
    /// OID of the policy-hints control found in the rootDSE.
    pub policy_hints: Option<String>,
    pub policy: Option<PasswordPolicy>,
    /// Every server of the directory that the agent knows, the most preferred first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerHealth>,
}

/// One server of a directory, as the agent last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerHealth {
    /// Its own name, or its address until it told one. At most 255 bytes.
    pub name: String,
    pub reachable: bool,
    /// Milliseconds that its last regular answer took.
    pub latency_ms: Option<u32>,
}

/// The domain's default policy. Durations are seconds; zero means "none".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordPolicy {
    pub min_length: u32,
    pub complexity: bool,
    pub history: u32,
    pub min_age: u64,
    pub max_age: u64,
}

/// 200 to a heartbeat: what the cloud wants the agent to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    pub now: i64,
    /// `pending`, `active` or `revoked`.
    pub status: String,
    /// Whether an administrator switched writeback on.
    pub writeback: bool,
    /// Whether people may unlock without a new password.
    #[serde(default)]
    pub unlock: bool,
    /// Whether the tenant serves people at all. A cloud that does not say is older than the question.
    #[serde(default = "yes")]
    pub self_service: bool,
    /// Fingerprint of the identity that an administrator wants replaced; one that has been by now is nobody's concern.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate: Option<String>,
}

fn yes() -> bool {
    true
}

/// `POST /agent/v1/keys`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    pub key: Signed,
}

/// `POST /agent/v1/identity`: another identity key, proven by the one it replaces.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewIdentity {
    /// base64url Ed25519 public key.
    pub identity: String,
    /// The new key's signature over [`super::keys::Succession`].
    pub signature: String,
    /// Every sealing key the agent holds that has not ended, signed anew by the new key. At most [`CARRIED`].
    pub keys: Vec<Signed>,
}

pub const CARRIED: usize = 8;

/// `POST /agent/v1/directory`: one batch of the mirror, at most [`MIRROR_BATCH`] people.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorBatch {
    /// Groups the batches of one pass. A full pass names every person it still sees.
    pub pass: Uuid,
    pub full: bool,
    /// Begins the pass. A full one that the cloud does not know of is refused in any other batch: who was named before is unknown.
    #[serde(default)]
    pub first: bool,
    /// Ends the pass: after a full one, whoever was not named is gone.
    pub last: bool,
    pub upserts: Vec<Person>,
    /// Object GUIDs.
    pub removals: Vec<Uuid>,
    /// All groups that are told, at most [`MIRROR_GROUPS`]: any other is gone, with who was in it. `None`: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<Group>>,
}

pub const MIRROR_BATCH: usize = 500;
pub const MIRROR_GROUPS: usize = 200;

/// A group whose members the cloud is told, with each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub guid: Uuid,
    /// For people.
    pub name: String,
}

/// One person as the directory has them. Which attributes these are is the agent's settings' choice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// `objectGUID` or `entryUUID`.
    pub guid: Uuid,
    /// `sAMAccountName` or `uid`.
    pub sign_in_name: String,
    /// `userPrincipalName`; empty if none.
    pub principal_name: String,
    pub display_name: String,
    pub mail: Option<String>,
    /// Another mailbox, which one reaches without the password in question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_mail: Option<String>,
    pub mobile: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// Whose object this person reports to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Uuid>,
    /// Those of the told groups that this person is in, directly or through other groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Uuid>,
    pub enabled: bool,
    /// `adminCount=1` and the like: the agent will refuse them.
    pub protected: bool,
    /// When the password runs out, by the policy that holds for this very person. Seconds since 1970; `None`: never, or nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_expires_at: Option<i64>,
}
