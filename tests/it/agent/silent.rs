//! Two agents serve one directory; one falls silent about a job, and the other gets it. Whatever the first did, the second's
//! word is true.

use std::sync::atomic::Ordering;

use sspr::{
    agent::journal::Job,
    lab::samba::Samba,
    wire::{message::LeasedJob, outcome::Code},
};
use tokio::time::{Duration, sleep, timeout};

use super::{Bench, Domain, HINTS, Someone, accepts, both, times_set};
use crate::support::Wire;

/// The same job as another agent gets it: the same ticket, sealed to that agent's key, under another lease.
fn again(other: &Bench, job: &LeasedJob, password: &str) -> LeasedJob {
    LeasedJob { attempt: job.attempt + 1, ..other.sealed(job.ticket.clone(), password) }
}

/// A job that was leased before, of which nothing is known here. `later`: so many seconds after the user's last change.
async fn second(domain: &Domain, password: &str, later: i64) -> (Bench, Someone, LeasedJob) {
    let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
    bench.clock.advance(later);
    let job = LeasedJob { attempt: 2, ..bench.job(pat.guid, password) };
    (bench, pat, job)
}

async fn bad_binds(samba: &Samba, name: &str) -> u32 {
    samba.entry(name, &["badPwdCount"]).await.unwrap().attrs.get("badPwdCount").map_or(0, |values| values[0].parse().unwrap())
}

async fn begun(bench: &Bench, job: &LeasedJob) {
    let begins = async {
        while !matches!(bench.journal.job(job.ticket.job), Some(Job::Open(_))) {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(20), begins).await.expect("the job was never begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_frozen_agent_did_is_found_by_the_next() {
    for domain in both() {
        let (samba, sue) = (&domain.samba, domain.somebody().await);
        let wire = Wire::to(samba).await;
        let one = Bench::with(samba, |settings| settings.directory.url = wire.url());
        let two = Bench::new(samba);
        let before = times_set(samba, &sue.name).await;
        let job = one.job(sue.guid, "Quite-New-1");
        let takes_over = async {
            begun(&one, &job).await;
            wire.frozen.store(true, Ordering::SeqCst);
            while times_set(samba, &sue.name).await == before {
                sleep(Duration::from_millis(10)).await;
            }
            two.run(&again(&two, &job, "Quite-New-1")).await
        };
        let result = tokio::select! {
            result = takes_over => result,
            result = one.run(&job) => panic!("the first was to hang: {:?}", result.code),
        };
        assert_eq!(result.code, Code::Applied);
        assert!(matches!(two.journal.job(job.ticket.job), Some(Job::Done { .. })));
        assert!(accepts(samba, &sue, "Quite-New-1").await);
        assert_eq!((times_set(samba, &sue.name).await, bad_binds(samba, &sue.name).await), (before + 1, 0));
    }
}

#[tokio::test]
async fn what_a_silent_agent_did_not_do_is_done() {
    for domain in both() {
        let (bench, pat, job) = second(domain, "Quite-New-1", 60).await;
        let before = times_set(&domain.samba, &pat.name).await;
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert!(accepts(&domain.samba, &pat, "Quite-New-1").await);
        // The password was not tried, which would count towards the lockout.
        assert_eq!((times_set(&domain.samba, &pat.name).await, bad_binds(&domain.samba, &pat.name).await), (before + 1, 0));
    }
}

#[tokio::test]
async fn an_earlier_change_of_our_own_is_not_taken_for_the_silent_agents() {
    for domain in both() {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        assert_eq!(bench.reset(pat.guid, "Quite-New-1").await, Code::Applied);
        let before = times_set(&domain.samba, &pat.name).await;
        let job = LeasedJob { attempt: 2, ..bench.job(pat.guid, "Quite-New-2") };
        assert_eq!(bench.run(&job).await.code, Code::Applied);
        assert!(accepts(&domain.samba, &pat, "Quite-New-2").await);
        assert_eq!((times_set(&domain.samba, &pat.name).await, bad_binds(&domain.samba, &pat.name).await), (before + 1, 0));
    }
}

#[tokio::test]
async fn somebody_elses_change_since_makes_it_unknown() {
    for domain in both() {
        let (bench, pat, job) = second(domain, "Quite-New-1", 0).await;
        domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
        assert_eq!(bench.run(&job).await.code, Code::Interrupted);
        let third = LeasedJob { attempt: 3, ..job };
        assert_eq!(bench.run(&third).await.code, Code::Interrupted);
        assert_eq!(bad_binds(&domain.samba, &pat.name).await, 1, "tried once");
        assert!(accepts(&domain.samba, &pat, "Someone-Elses-1").await);
    }
}

#[tokio::test]
async fn a_refusal_promises_nothing_that_another_agent_may_have_broken() {
    let domain = both()[0];
    // `None` is the user's own password, which history refuses.
    let cases = [(60, Some("Sh0rt!"), Code::PolicyLength), (0, Some("Sh0rt!"), Code::Interrupted), (60, None, Code::Interrupted)];
    for (later, password, code) in cases {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        bench.clock.advance(later);
        let job = LeasedJob { attempt: 2, ..bench.job(pat.guid, password.unwrap_or(&pat.password)) };
        if later == 0 {
            domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
        }
        assert_eq!(bench.run(&job).await.code, code, "{later} s later: {password:?}");
    }
    // Neither does one that was decided without asking the directory.
    let (bench, pat, job) = second(domain, "Quite-New-1", 0).await;
    domain.samba.set_password(&pat.dn, "Quite-New-1").await.unwrap();
    bench.clock.advance(121);
    assert_eq!(bench.run(&job).await.code, Code::Interrupted);
    let (bench, _, job) = second(domain, "Quite-New-1", 60).await;
    bench.clock.advance(121);
    assert_eq!(bench.run(&job).await.code, Code::Expired);
}

/// The first agent's change arrives between the second's look and its modify, which history then refuses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_arrives_late_is_no_refusal() {
    let domain: &Domain = &HINTS;
    let samba = &domain.samba;
    for (arrives, code) in
        [(&["Quite-New-1"][..], Code::Applied), (&["Quite-New-1", "Someone-Elses-1", "Someone-Elses-2"][..], Code::Interrupted)]
    {
        let (wire, sue) = (Wire::to(samba).await, domain.somebody().await);
        let bench = Bench::with(samba, |settings| settings.directory.url = wire.url());
        bench.clock.advance(60);
        let job = LeasedJob { attempt: 2, ..bench.job(sue.guid, "Quite-New-1") };
        bench.account(sue.guid).await;
        // The two looks pass (at the server in use, and at every one), the modify waits.
        wire.requests.store(2, Ordering::SeqCst);
        let meanwhile = async {
            begun(&bench, &job).await;
            for password in arrives {
                samba.set_password(&sue.dn, password).await.unwrap();
            }
            wire.requests.store(usize::MAX, Ordering::SeqCst);
        };
        let (result, ()) = tokio::join!(bench.run(&job), meanwhile);
        assert_eq!(result.code, code);
        assert!(accepts(samba, &sue, arrives.last().unwrap()).await);
    }
}
