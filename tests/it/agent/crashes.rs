//! Crashes and lost answers: never a second effect, never a wrong word.

use std::sync::atomic::Ordering;

use sspr::{
    agent::journal::{Intent, Job, Record},
    wire::{message::LeasedJob, outcome::Code},
};

use super::{Bench, Domain, Someone, accepts, both, pwd_last_set};
use crate::support::Wire;

/// What a kill -9 leaves that came between writing the intent and the end.
async fn begun(bench: &Bench, job: &LeasedJob) {
    let account = bench.account(job.ticket.user).await;
    let intent = Intent {
        job: job.ticket.job,
        kind: job.ticket.kind,
        user: job.ticket.user,
        seq: job.ticket.seq,
        lease: job.lease,
        ciphertext: job.hash(),
        at: bench.clock.seconds(),
        expires_at: job.ticket.expires_at,
        before: account.pwd_last_set,
        dc: "dc1.corp.example".into(),
        locked: false,
    };
    bench.journal.write(Record::Intent(intent)).await.unwrap();
}

/// A bench and its user with a job begun.
async fn begun_for(domain: &Domain, password: &str) -> (Bench, Someone, LeasedJob) {
    let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
    let job = bench.job(pat.guid, password);
    begun(&bench, &job).await;
    (bench, pat, job)
}

#[tokio::test]
async fn a_crash_before_the_effect_is_made_good() {
    for domain in both() {
        let (bench, pat, job) = begun_for(domain, "Quite-New-1").await;
        let bench = bench.crashed();
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert!(accepts(&domain.samba, &pat, "Quite-New-1").await);
    }
}

#[tokio::test]
async fn a_crash_after_the_effect_is_found_and_not_repeated() {
    for domain in both() {
        let (bench, pat, job) = begun_for(domain, "Quite-New-1").await;
        domain.samba.set_password(&pat.dn, "Quite-New-1").await.unwrap();
        let changed = pwd_last_set(&domain.samba, &pat.name).await;
        let bench = bench.crashed();
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert_eq!(pwd_last_set(&domain.samba, &pat.name).await, changed);
    }
}

#[tokio::test]
async fn a_crash_and_somebody_elses_change_is_said_to_be_unknown() {
    for domain in both() {
        let (bench, pat, job) = begun_for(domain, "Quite-New-1").await;
        domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
        let bench = bench.crashed();
        assert_eq!(bench.run(&job).await.code, Code::Interrupted);
        assert!(accepts(&domain.samba, &pat, "Someone-Elses-1").await);
    }
}

#[tokio::test]
async fn a_begun_job_that_never_comes_back_is_settled_once_it_is_over() {
    let domain = both()[0];
    let (bench, _, nothing_happened) = begun_for(domain, "Quite-New-1").await;
    let quin = domain.somebody().await;
    let changed = bench.job(quin.guid, "Quite-New-1");
    begun(&bench, &changed).await;
    domain.samba.set_password(&quin.dn, "Quite-New-1").await.unwrap();

    let bench = bench.crashed();
    assert!(bench.executor.settle().await.is_empty(), "they may still come back");
    bench.clock.advance(121);
    let mut settled = bench.executor.settle().await.into_iter().map(|result| (result.job, result.code)).collect::<Vec<_>>();
    let mut expected = vec![(nothing_happened.ticket.job, Code::Expired), (changed.ticket.job, Code::Interrupted)];
    settled.sort_by_key(|(job, _)| *job);
    expected.sort_by_key(|(job, _)| *job);
    assert_eq!(settled, expected);
    assert_eq!(bench.journal.untold().len(), 2);
    assert_eq!(bench.run(&changed).await.code, Code::Interrupted, "and stays so");
}

/// Killed when the directory has done it and has not said so yet: what was begun is on the disk by then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_the_change_and_its_answer_leaves_what_was_begun() {
    for domain in both() {
        let (samba, vic) = (&domain.samba, domain.somebody().await);
        let wire = Wire::to(samba).await;
        let bench = Bench::with(samba, |settings| settings.directory.url = wire.url());
        let (job, before) = (bench.job(vic.guid, "Quite-New-1"), pwd_last_set(samba, &vic.name).await);
        wire.answers.store(0, Ordering::SeqCst);
        // One answer after the other, as far as the one to the change, which is not let through.
        let watch = async {
            loop {
                while wire.waiting.load(Ordering::SeqCst) == 0 {
                    tokio::task::yield_now().await;
                }
                if pwd_last_set(samba, &vic.name).await != before {
                    return;
                }
                wire.answers.store(1, Ordering::SeqCst);
                while wire.answers.load(Ordering::SeqCst) > 0 {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::select! {
            result = bench.run(&job) => panic!("it ended: {:?}", result.code),
            () = watch => {}
        }
        wire.answers.store(usize::MAX, Ordering::SeqCst);
        let changed = pwd_last_set(samba, &vic.name).await;
        let bench = bench.crashed();
        assert!(matches!(bench.journal.job(job.ticket.job), Some(Job::Open(_))));
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert_eq!(pwd_last_set(samba, &vic.name).await, changed, "not a second time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_on_the_way_is_found_out() {
    for domain in both() {
        let (samba, sue) = (&domain.samba, domain.somebody().await);
        let wire = Wire::to(samba).await;
        let bench = Bench::with(samba, |settings| settings.directory.url = wire.url());
        let job = bench.job(sue.guid, "Quite-New-1");
        let watch = async {
            // From the intent on, the next thing to come back is the answer to the change.
            while !matches!(bench.journal.job(job.ticket.job), Some(Job::Open(_))) {
                tokio::task::yield_now().await;
            }
            wire.deaf.store(true, Ordering::SeqCst);
        };
        let (result, ()) = tokio::join!(bench.run(&job), watch);
        assert!(!wire.deaf.load(Ordering::SeqCst), "an answer was lost");
        assert_eq!(result.code, Code::Applied);
        assert!(accepts(samba, &sue, "Quite-New-1").await);
    }
}
