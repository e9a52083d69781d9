//! Which jobs are carried out: sealed to us, in time, in order, within limits, and not while the kill switch is on.

use std::{fs, time::Duration};

use sspr::wire::{b64, message::LeasedJob, outcome::Code, unb64};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Bench, accepts, both, pwd_last_set};

#[tokio::test]
async fn a_job_that_was_touched_on_the_way_does_not_open() {
    let domain = both()[0];
    let (samba, hal, other) = (&domain.samba, domain.somebody().await, domain.somebody().await);
    let bench = Bench::new(samba);
    let flip = |text: &mut String| {
        let mut bytes = unb64(text).unwrap();
        bytes[99] ^= 1;
        *text = b64(&bytes);
    };
    type Touch<'a> = &'a dyn Fn(&mut LeasedJob);
    let touches: [(&str, Touch<'_>, Code); 9] = [
        ("enc", &|job| flip(&mut job.envelope.as_mut().unwrap().enc), Code::CannotOpen),
        ("ct", &|job| flip(&mut job.envelope.as_mut().unwrap().ct), Code::CannotOpen),
        ("ct cut", &|job| job.envelope.as_mut().unwrap().ct.truncate(100), Code::CannotOpen),
        ("key", &|job| job.envelope.as_mut().unwrap().key = b64(&[7; 32]), Code::CannotOpen),
        ("user", &|job| job.ticket.user = other.guid, Code::CannotOpen),
        ("seq", &|job| job.ticket.seq += 1, Code::CannotOpen),
        ("expiry", &|job| job.ticket.expires_at += 60, Code::CannotOpen),
        ("tenant", &|job| job.ticket.tenant = Uuid::from_u128(99), Code::OutOfScope),
        ("connector", &|job| job.ticket.connector = Uuid::from_u128(99), Code::OutOfScope),
    ];
    for (what, touch, code) in touches {
        let mut job = bench.job(hal.guid, "Quite-New-1");
        touch(&mut job);
        assert_eq!(bench.run(&job).await.code, code, "{what}");
    }
    assert_eq!(bench.executor.opened(), 0);
    assert!(accepts(samba, &hal, &hal.password).await && accepts(samba, &other, &other.password).await);
    // None of them counts as seen.
    assert_eq!(bench.reset(hal.guid, "Quite-New-1").await, Code::Applied);
}

#[tokio::test]
async fn too_late_is_refused_by_our_own_clock() {
    let domain = both()[0];
    let (samba, ida) = (&domain.samba, domain.somebody().await);
    let bench = Bench::new(samba);
    let job = bench.job(ida.guid, "Quite-New-1");
    bench.clock.advance(121);
    assert_eq!(bench.run(&job).await.code, Code::Expired);
    // In time, but the lease is as good as over.
    let job = bench.job(ida.guid, "Quite-New-1");
    assert_eq!(bench.executor.run(&job, Instant::now() + Duration::from_secs(1)).await.code, Code::Expired);
    assert!(accepts(samba, &ida, &ida.password).await);
}

#[tokio::test]
async fn the_newest_job_of_a_user_wins() {
    for domain in both() {
        let (samba, joe) = (&domain.samba, domain.somebody().await);
        let bench = Bench::new(samba);
        let (old, new) = (bench.job(joe.guid, "Older-One-1"), bench.job(joe.guid, "Newer-One-2"));
        assert_eq!(bench.run(&new).await.code, Code::Applied);
        assert_eq!(bench.run(&old).await.code, Code::Stale);
        let bench = bench.crashed();
        assert_eq!(bench.run(&old).await.code, Code::Stale);
        assert!(accepts(samba, &joe, "Newer-One-2").await);
    }
}

#[tokio::test]
async fn jobs_of_one_user_at_once_end_with_the_newest() {
    let domain = both()[0];
    let (samba, kim) = (&domain.samba, domain.somebody().await);
    let bench = Bench::new(samba);
    let jobs = (1..=6).map(|n| bench.job(kim.guid, &format!("At-Once-{n}"))).collect::<Vec<_>>();
    let run = async |at: usize| bench.run(&jobs[at]).await.code;
    let codes = tokio::join!(run(0), run(3), run(1), run(5), run(2), run(4));
    assert_eq!(codes.3, Code::Applied, "the newest");
    for code in [codes.0, codes.1, codes.2, codes.4, codes.5] {
        assert!(matches!(code, Code::Applied | Code::Stale), "{codes:?}");
    }
    assert!(accepts(samba, &kim, "At-Once-6").await);
}

#[tokio::test]
async fn a_job_offered_again_gets_its_answer_again() {
    for domain in both() {
        let (samba, lea) = (&domain.samba, domain.somebody().await);
        let bench = Bench::new(samba);
        let job = bench.job(lea.guid, "Quite-New-1");
        let (first, twin) = tokio::join!(bench.run(&job), bench.run(&job));
        assert_eq!((first.code, &first), (Code::Applied, &twin));
        let changed = pwd_last_set(samba, &lea.name).await;

        let bench = bench.crashed();
        let again = bench.run(&job).await;
        assert_eq!(bench.executor.sign(&again), bench.executor.sign(&first));
        // Under another lease: the same verdict, for that lease.
        let leased_again = LeasedJob { lease: Uuid::from_u128(5), ..job };
        let again = bench.run(&leased_again).await;
        assert_eq!(again, sspr::wire::message::JobResult { lease: leased_again.lease, ..first });
        assert_eq!(pwd_last_set(samba, &lea.name).await, changed, "no second effect");
    }
}

#[tokio::test]
async fn limits_count_what_was_changed_and_survive_a_crash() {
    let domain = both()[0];
    let (samba, max, ned) = (&domain.samba, domain.somebody().await, domain.somebody().await);
    let bench = Bench::with(samba, |settings| {
        settings.directory.max_per_user_per_hour = 1;
        settings.directory.max_per_hour = 2;
    });
    assert_eq!(bench.reset(max.guid, "Sh0rt!").await, Code::PolicyLength, "does not count");
    assert_eq!(bench.reset(max.guid, "Quite-New-1").await, Code::Applied);
    assert_eq!(bench.reset(max.guid, "Quite-New-2").await, Code::LimitReached);
    let bench = bench.crashed();
    assert_eq!(bench.reset(max.guid, "Quite-New-2").await, Code::LimitReached);
    assert_eq!(bench.reset(ned.guid, "Quite-New-1").await, Code::Applied);
    bench.clock.advance(3601);
    assert_eq!(bench.reset(max.guid, "Quite-New-2").await, Code::Applied);
}

#[tokio::test]
async fn the_kill_switch_refuses_everything() {
    let domain = both()[0];
    let (samba, ola) = (&domain.samba, domain.somebody().await);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stop");
    let bench = Bench::with(samba, |settings| settings.stop_file = file.clone());
    fs::write(&file, "").unwrap();
    let job = bench.job(ola.guid, "Quite-New-1");
    assert_eq!(bench.run(&job).await.code, Code::SwitchedOff);
    fs::remove_file(&file).unwrap();
    assert_eq!(bench.run(&job).await.code, Code::Applied, "nothing had happened");
}
