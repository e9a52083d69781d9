//! §4 to §6.6 with a real job: what is handed out, and which results are taken. The job is refused with `switched_off`, which is true:
//! nothing here can set a password.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    Run,
    call::{Answer, sign},
};
use crate::{
    base::id,
    wire::{
        b64, jws,
        keys::Identity,
        message::{Leased, LeasedJob},
        seal,
    },
};

/// Seconds of one poll; between two a heartbeat is sent.
const POLL: u64 = 5;

pub async fn job(run: &mut Run, wait: Duration) {
    if run.aloud {
        println!("\nWaiting {} s for a job: have somebody reset a password now. It will be refused.\n", wait.as_secs());
    }
    let job = match taken(run, wait).await {
        Ok((job, now)) => {
            run.note("§6.5", "a job comes, in its shape", Ok(()));
            handed_out(run, &job, now);
            job
        }
        Err(why) => return run.note("§6.5", "a job comes, in its shape", Err(why)),
    };
    let again = poll(run, 0).await.and_then(|answer| leased(&answer)).map(|leased| leased.map_or_else(Vec::new, |leased| leased.jobs));
    let held = again.and_then(|jobs| {
        let twice = jobs.iter().any(|again| again.ticket.job == job.ticket.job);
        if twice { Err("it was handed out again while its lease runs".to_owned()) } else { Ok(()) }
    });
    run.note("§6.5", "a job has one holder at a time", held);
    results(run, &job).await;
}

/// A job and the answer's `now`, with heartbeats and a key that is good until then.
async fn taken(run: &mut Run, wait: Duration) -> Result<(LeasedJob, i64), String> {
    let begun = Instant::now();
    // One key for the whole wait: whatever is sealed meanwhile opens with it.
    run.pair = seal::KeyPair::generate();
    let mut statement = run.statement();
    statement.epoch += 2;
    statement.not_after += i64::try_from(wait.as_secs()).unwrap_or(0);
    let key = run.identity.sign(statement);
    let draft = run.publish(&key).await;
    run.send(&draft).await?.is(204)?;
    while begun.elapsed() < wait {
        let beat = run.draft("/agent/v1/heartbeat", run.heartbeat(true)).await;
        run.send(&beat).await?.is(200)?;
        let answer = poll(run, POLL.min(wait.as_secs())).await?;
        if let Some(mut leased) = leased(&answer)? {
            if leased.jobs.is_empty() {
                return Err("it answered 200 without a job".to_owned());
            }
            let job = leased.jobs.remove(0);
            // Whoever resets a password has the account looked at first; that one can wait for its end.
            if job.ticket.kind.is_sealed() {
                return Ok((job, leased.now));
            }
        }
    }
    Err(format!("none came within {} s", wait.as_secs()))
}

async fn poll(run: &mut Run, wait: u64) -> Result<Answer, String> {
    let mut draft = run.draft(&format!("/agent/v1/lease?wait={wait}"), br#"{"max":1}"#.to_vec()).await;
    draft.wait = Duration::from_secs(wait + 20);
    run.send(&draft).await
}

fn leased(answer: &Answer) -> Result<Option<Leased>, String> {
    if answer.status == 204 {
        return Ok(None);
    }
    answer.is(200)?;
    serde_json::from_value(answer.json()?).map(Some).map_err(|error| format!("its answer is of another shape: {error}"))
}

fn handed_out(run: &mut Run, job: &LeasedJob, now: i64) {
    let ticket = &job.ticket;
    let told = |holds: bool, what: &dyn std::fmt::Debug| if holds { Ok(()) } else { Err(format!("{what:?}")) };
    let soon = now.abs_diff(run.line.now()) < 30;
    run.note("§6.5", "`now` is the cloud's clock", told(soon, &now));
    run.note(
        "§6.5",
        "the lease lasts 15 s, and this is the first",
        told(job.seconds == 15 && job.attempt == 1, &(job.seconds, job.attempt)),
    );
    let own = (ticket.tenant, ticket.connector) == (run.me.tenant, run.me.connector);
    run.note("§4", "tenant and connector of the ticket are the agent's own", told(own, &(ticket.tenant, ticket.connector)));
    let lives =
        ticket.issued_at < ticket.expires_at && ticket.expires_at > run.line.now() - 30 && ticket.expires_at - ticket.issued_at <= 600;
    run.note("§4", "the ticket is of now, and for at most 600 s", told(lives, &(ticket.issued_at, ticket.expires_at)));
    let Some(envelope) = &job.envelope else {
        return run.note("§6.5", "a kind without a secret has no envelope", told(!ticket.kind.is_sealed(), &ticket.kind));
    };
    run.note("§5", "the envelope has its form", told(envelope.is_well_formed(), &envelope.key));
    let opened = seal::open(envelope, ticket, &run.pair.private).map(drop).map_err(|error| error.to_string());
    run.note("§5", "the envelope opens with the published key, for this very ticket", opened);
}

async fn results(run: &mut Run, job: &LeasedJob) {
    let (id_of, now) = (job.ticket.job, run.line.now() * 1000);
    let path = format!("/agent/v1/jobs/{id_of}/result");
    let result = json!({ "job": id_of, "lease": job.lease, "seq": job.ticket.seq, "ciphertext": job.hash(), "code": "switched_off",
        "dc": "", "started_at": now, "finished_at": now, "unlocked": false, "allowed_at": null });
    let header = json!({ "typ": jws::RESULT, "alg": "EdDSA", "kid": run.me.agent });
    let body = |jws: String| json!({ "jws": jws }).to_string().into_bytes();
    let with = |name: &str, value: Value| {
        let mut changed = result.clone();
        changed[name] = value;
        body(sign(&run.identity, &header, &changed))
    };
    let bad = [
        ("of another lease", with("lease", json!(id::random()))),
        ("of another number", with("seq", json!(job.ticket.seq + 1))),
        ("about another ciphertext", with("ciphertext", json!(b64(&[7; 32])))),
    ];
    let forged = body(sign(&Identity::generate(), &header, &result));
    let (good, other) = (body(sign(&run.identity, &header, &result)), with("code", json!("expired")));
    for (what, body) in bad {
        let draft = run.draft(&path, body).await;
        run.refused("§6.6", format!("a result {what} is refused"), &draft, 409, &["contradicts"]).await;
    }
    let draft = run.draft(&path, forged).await;
    run.refused("§6.6", "a result of the holder, signed by somebody else, is refused", &draft, 403, &["bad_result"]).await;
    let draft = run.draft(&path, good.clone()).await;
    run.taken("§6.6", "the holder's result is taken", &draft, 204).await;
    let draft = run.draft(&path, good).await;
    run.taken("§6.6", "the same again is fine", &draft, 204).await;
    let several = json!({ "results": [sign(&run.identity, &header, &result), "x"] }).to_string().into_bytes();
    let draft = run.draft("/agent/v1/results", several).await;
    let told = run.send(&draft).await.and_then(|answer| {
        answer.is(200)?;
        let refused = answer.json()?["refused"].clone();
        if refused == json!([null, "bad_result"]) { Ok(()) } else { Err(refused.to_string()) }
    });
    run.note("§6.6", "so it is among several, whatever the others are", told);
    let draft = run.draft(&path, other).await;
    run.refused("§6.6", "another end than the one that was told is refused", &draft, 409, &["contradicts"]).await;
}
