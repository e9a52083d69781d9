//! Somebody else changes the password between the person's ticket and the agent's modify: theirs stays.

use sspr::wire::{message::LeasedJob, outcome::Code};

use super::{Bench, Someone, accepts, both};

/// A job whose ticket was issued so many seconds ago.
fn asked_for(bench: &Bench, someone: &Someone, seconds: i64, password: &str) -> LeasedJob {
    let mut ticket = bench.ticket(someone.guid);
    ticket.issued_at -= seconds;
    bench.sealed(ticket, password)
}

#[tokio::test]
async fn somebody_elses_change_after_the_ticket_stays() {
    for domain in both() {
        // Whatever the domain controller's clock says: ten minutes behind ours, ahead, right.
        for skew in [600, -600, 0] {
            let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
            bench.clock.advance(skew);
            let job = asked_for(&bench, &pat, 10, "Quite-New-1");
            domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
            assert_eq!(bench.run(&job).await.code, Code::ChangedMeanwhile, "clock {skew} s ahead");
            assert!(accepts(&domain.samba, &pat, "Someone-Elses-1").await);
            // At once again, and the newest ticket counts.
            assert_eq!(bench.reset(pat.guid, "Quite-New-1").await, Code::Applied);
            assert!(accepts(&domain.samba, &pat, "Quite-New-1").await);
        }
    }
}

#[tokio::test]
async fn a_change_before_the_ticket_is_none_by_whatever_clock() {
    let domain = both()[0];
    for skew in [600, -600] {
        let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
        bench.clock.advance(skew);
        domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
        assert_eq!(bench.reset(pat.guid, "Quite-New-1").await, Code::Applied, "clock {skew} s ahead");
    }
}

#[tokio::test]
async fn an_earlier_job_of_ones_own_is_nobody_elses_change() {
    let domain = both()[0];
    let (bench, pat) = (Bench::new(&domain.samba), domain.somebody().await);
    // Pat is as old as this test; from here on every change is one that the agent knows.
    assert_eq!(bench.reset(pat.guid, "Oldest-One-0").await, Code::Applied);
    let (one, two) = (asked_for(&bench, &pat, 10, "Older-One-1"), asked_for(&bench, &pat, 10, "Newer-One-2"));
    assert_eq!(bench.run(&one).await.code, Code::Applied);
    let bench = bench.crashed();
    assert_eq!(bench.run(&two).await.code, Code::Applied, "the newest wins");
    // But not when somebody changed it after that.
    let (one, two) = (asked_for(&bench, &pat, 10, "Older-One-3"), asked_for(&bench, &pat, 10, "Newer-One-4"));
    assert_eq!(bench.run(&one).await.code, Code::Applied);
    domain.samba.set_password(&pat.dn, "Someone-Elses-1").await.unwrap();
    assert_eq!(bench.run(&two).await.code, Code::ChangedMeanwhile);
    assert!(accepts(&domain.samba, &pat, "Someone-Elses-1").await);
}
