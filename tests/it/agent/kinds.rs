//! Jobs of other kinds than a reset pass the same gates; what a crash leaves of them; and looks, which stand in nobody's way.

use sspr::{
    agent::journal::{Intent, Job, Record},
    wire::{message::LeasedJob, outcome::Code, ticket::Kind},
};

use super::{Bench, Someone, accepts, both, times_set, without_hints};

/// Lock somebody out.
async fn lock(bench: &super::Domain, someone: &Someone) {
    for _ in 0..6 {
        bench.samba.bind_as(&someone.dn, "not-the-password").await.unwrap();
    }
}

async fn is_locked(domain: &super::Domain, someone: &Someone) -> bool {
    let entry = domain.samba.entry(&someone.name, &["lockoutTime"]).await.unwrap();
    entry.attrs.get("lockoutTime").is_some_and(|values| values[0] != "0")
}

/// What a kill -9 leaves between intent and end.
async fn begun(bench: &Bench, job: &LeasedJob, locked: bool) {
    let intent = Intent {
        job: job.ticket.job,
        kind: job.ticket.kind,
        user: job.ticket.user,
        seq: job.ticket.seq,
        lease: job.lease,
        ciphertext: job.hash(),
        at: bench.clock.seconds(),
        expires_at: job.ticket.expires_at,
        before: bench.account(job.ticket.user).await.pwd_last_set,
        dc: "dc1.corp.example".into(),
        locked,
    };
    bench.journal.write(Record::Intent(intent)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_done_to_the_powerful_and_nothing_tried_on_them() {
    let domain = without_hints();
    let (bench, gil) = (Bench::new(&domain.samba), domain.somebody().await);
    lock(domain, &gil).await;
    domain.samba.set(&gil.dn, "adminCount", "1").await.unwrap();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Inspect) {
        assert_eq!(bench.run(&bench.order(kind, gil.guid, "wrong", "Quite-New-1")).await.code, Code::AccountProtected, "{kind}");
    }
    assert!(is_locked(domain, &gil).await);
    let max = domain.someone("gone").await;
    domain.samba.set(&max.dn, "adminCount", "1").await.unwrap();
    bench.run(&bench.order(Kind::Verify, max.guid, "wrong", "")).await;
    let tried = domain.samba.entry(&max.name, &["badPwdCount"]).await.unwrap();
    assert!(tried.attrs.get("badPwdCount").is_none_or(|values| values[0] == "0"), "no password of theirs was tried");
}

#[tokio::test]
async fn an_envelope_comes_with_the_kinds_that_have_a_secret_and_with_no_others() {
    let domain = without_hints();
    let (bench, ida) = (Bench::new(&domain.samba), domain.somebody().await);
    for kind in Kind::ALL {
        let job = bench.order(kind, ida.guid, &ida.password, "Quite-New-1");
        let envelope = job.envelope.is_none().then(|| bench.job(ida.guid, "Quite-New-1").envelope).flatten();
        assert_eq!(bench.run(&LeasedJob { envelope, ..job }).await.code, Code::CannotOpen, "{kind}");
    }
    // Nor does what was sealed for one kind open for another.
    let mut job = bench.job(ida.guid, "Quite-New-1");
    job.ticket.kind = Kind::Temporary;
    assert_eq!(bench.run(&job).await.code, Code::CannotOpen);
    assert!(accepts(&domain.samba, &ida, &ida.password).await);
}

#[tokio::test]
async fn nobody_is_verified_by_an_empty_password() {
    let domain = without_hints();
    let (bench, ida) = (Bench::new(&domain.samba), domain.somebody().await);
    for kind in [Kind::Verify, Kind::Change] {
        assert_eq!(bench.run(&bench.order(kind, ida.guid, "", "Quite-New-1")).await.code, Code::PasswordUnusable, "{kind}");
    }
}

#[tokio::test]
async fn looks_take_no_number_and_stand_in_nobodys_way() {
    let domain = without_hints();
    let (bench, ann) = (Bench::new(&domain.samba), domain.somebody().await);
    let reset = bench.job(ann.guid, "Quite-New-1");
    for kind in [Kind::Inspect, Kind::Verify] {
        let job = bench.order(kind, ann.guid, &ann.password, "");
        let result = bench.run(&job).await;
        assert_eq!(result.code, if kind == Kind::Inspect { Code::Inspected } else { Code::Verified });
        assert_eq!((result.seq, bench.journal.job(job.ticket.job)), (0, None));
        // The same again is looked at again.
        assert_eq!(bench.run(&job).await.code, result.code);
    }
    assert_eq!(bench.run(&reset).await.code, Code::Applied, "an older job than they");
    let bench = bench.crashed();
    let result = bench.run(&bench.order(Kind::Verify, ann.guid, "Quite-New-1", "")).await;
    assert_eq!((result.code, result.account), (Code::Verified, None));
    assert_eq!(bench.journal.untold().len(), 1, "the reset's");
}

#[tokio::test]
async fn tries_are_few_and_do_not_use_up_changes() {
    let domain = without_hints();
    let ann = domain.somebody().await;
    let bench = Bench::with(&domain.samba, |settings| settings.directory.max_per_user_per_hour = 2);
    let verify = async |password: &str| bench.run(&bench.order(Kind::Verify, ann.guid, password, "")).await.code;
    assert_eq!(verify("wrong").await, Code::WrongPassword);
    assert_eq!(verify(&ann.password).await, Code::Verified);
    assert_eq!(verify(&ann.password).await, Code::LimitReached);
    // A wrong old password counts in the directory, so it counts here; a refused new one does not.
    let change = async |old: &str, new: &str| bench.run(&bench.order(Kind::Change, ann.guid, old, new)).await.code;
    assert_eq!(change(&ann.password, "short").await, Code::PolicyLength);
    assert_eq!(change("wrong", "Quite-New-1").await, Code::WrongPassword);
    assert_eq!(change("wrong", "Quite-New-1").await, Code::WrongPassword);
    assert_eq!(change(&ann.password, "Quite-New-1").await, Code::LimitReached);
}

#[tokio::test]
async fn a_crash_in_the_middle_is_looked_into_by_what_the_job_was_to_do() {
    let domain = without_hints();
    // What was to be done, whether it was, and what is told.
    for (kind, was_done, code) in [
        (Kind::Unlock, false, Code::Unlocked),
        (Kind::Unlock, true, Code::Unlocked),
        (Kind::RequireChange, false, Code::ChangeRequired),
        (Kind::RequireChange, true, Code::ChangeRequired),
        (Kind::Change, false, Code::Applied),
        (Kind::Change, true, Code::Applied),
        (Kind::Temporary, true, Code::Applied),
    ] {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        if kind == Kind::Unlock && !was_done {
            lock(domain, &pat).await;
        }
        let job = bench.order(kind, pat.guid, &pat.password, "Quite-New-1");
        begun(&bench, &job, kind == Kind::Unlock).await;
        if was_done && kind.has_new() {
            domain.samba.set_password(&pat.dn, "Quite-New-1").await.unwrap();
        }
        if was_done && matches!(kind, Kind::RequireChange | Kind::Temporary) {
            domain.samba.set(&pat.dn, "pwdLastSet", "0").await.unwrap();
        }
        let before = times_set(&domain.samba, &pat.name).await;
        let bench = bench.crashed();
        let result = bench.run(&job).await;
        assert_eq!((result.code, result.unlocked), (code, kind == Kind::Unlock), "{kind}, done: {was_done}");
        let again = times_set(&domain.samba, &pat.name).await - before;
        assert_eq!(again, u32::from(kind.has_new() && !was_done), "{kind}, done: {was_done}");
        assert!(!is_locked(domain, &pat).await);
    }
}

#[tokio::test]
async fn a_crash_and_nobody_coming_back_is_told_by_what_is_so() {
    let domain = without_hints();
    let bench = Bench::new(&domain.samba);
    let (kim, lea) = (domain.somebody().await, domain.somebody().await);
    lock(domain, &lea).await;
    let jobs = [bench.order(Kind::Unlock, kim.guid, "", ""), bench.order(Kind::Unlock, lea.guid, "", "")];
    for job in &jobs {
        begun(&bench, job, true).await;
    }
    let bench = bench.crashed();
    bench.clock.advance(121);
    let settled = bench.executor.settle().await;
    let code = |job: &LeasedJob| settled.iter().find(|result| result.job == job.ticket.job).unwrap().code;
    assert_eq!((code(&jobs[0]), code(&jobs[1])), (Code::Unlocked, Code::Expired));
    assert!(is_locked(domain, &lea).await, "nothing is done after its time");
    assert!(jobs.iter().all(|job| matches!(bench.journal.job(job.ticket.job), Some(Job::Done { kind: Kind::Unlock, .. }))));
}

#[tokio::test]
async fn what_another_agent_may_have_done_is_looked_at() {
    for domain in both() {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        let job = LeasedJob { attempt: 2, ..bench.order(Kind::Unlock, pat.guid, "", "") };
        assert_eq!(bench.run(&job).await.code, Code::NotLocked);
        lock(domain, &pat).await;
        let job = LeasedJob { attempt: 2, ..bench.order(Kind::Unlock, pat.guid, "", "") };
        assert_eq!(bench.run(&job).await.code, Code::Unlocked);
        // The other agent changed it, so the old password is wrong now: no refusal, but the truth.
        let job = LeasedJob { attempt: 2, ..bench.order(Kind::Change, pat.guid, &pat.password, "Quite-New-1") };
        domain.samba.set_password(&pat.dn, "Quite-New-1").await.unwrap();
        let before = times_set(&domain.samba, &pat.name).await;
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert_eq!(times_set(&domain.samba, &pat.name).await, before, "set once, by the other");
    }
}

#[tokio::test]
async fn a_change_meanwhile_forbids_only_what_would_overwrite_it() {
    let domain = without_hints();
    for (kind, code) in [
        (Kind::Temporary, Code::ChangedMeanwhile),
        (Kind::Change, Code::ChangedMeanwhile),
        (Kind::RequireChange, Code::ChangedMeanwhile),
        (Kind::Unlock, Code::NotLocked),
        (Kind::WaiveChange, Code::ChangeWaived),
    ] {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        // The ticket is issued ten seconds ago; the change comes now.
        let clock = &bench.clock;
        clock.advance(-10);
        let job = bench.order(kind, pat.guid, &pat.password, "Quite-New-1");
        clock.advance(10);
        domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
        assert_eq!(bench.run(&job).await.code, code, "{kind}");
        assert!(accepts(&domain.samba, &pat, "Someone-Elses-1").await);
    }
}
