//! Delivery over real SMTP and a real HTTP gateway call: what arrives, and what a refusal is taken for.

use sspr::{
    base::{config, id},
    carriers::{Carriers, Failure, mail::Mail},
    domain::notifications::{self, Channel, Content, Message},
    lab::inbox::{Inbox, Refusal},
};
use time::Duration;
use tokio::net::TcpListener;

use crate::support::Cloud;

fn carriers(inbox: &Inbox) -> Carriers {
    let mail = config::Mail { url: inbox.smtp_url().into(), from: "Zurücksetzen <reset@corp.example>".into(), timeout_seconds: 5 };
    let (account, token) = (inbox.sms_account().to_owned(), inbox.sms_token().into());
    let sms = config::Sms { url: inbox.sms_url(), account, token, from: "+15550199".into(), timeout_seconds: 5 };
    Carriers::new(&mail, &sms).unwrap()
}

#[tokio::test]
async fn mail_arrives_whole_and_refusals_are_told_apart() {
    let inbox = Inbox::start(0, 0).await.unwrap();
    let mailer = carriers(&inbox).mail.unwrap();
    mailer.check().await.unwrap();
    let mail =
        Mail { id: id::random(), to: "ann@corp.example", subject: "Ihr Code: 123 456", text: "Grüße\n.\nEnde", html: "<p>Grüße</p>" };
    mailer.send(&mail).await.unwrap();
    let got = inbox.wait_for("ann@corp.example", 0).await.unwrap();
    assert_eq!((got.subject.as_str(), got.text.as_str(), got.html.as_deref()), (mail.subject, mail.text, Some(mail.html)));
    let raw = String::from_utf8_lossy(&got.raw);
    assert!(raw.contains("Auto-Submitted: auto-generated") && raw.contains(&format!("Message-ID: <{}@corp.example>", mail.id)));

    inbox.refuse(mail.to, Refusal::ForGood);
    assert_eq!(mailer.send(&mail).await, Err(Failure::Fail("the mail server answered 550".into())));
    inbox.refuse(mail.to, Refusal::ForNow);
    assert_eq!(mailer.send(&mail).await, Err(Failure::Retry("the mail server answered 451".into())));
    drop(inbox);
    assert!(matches!(mailer.send(&mail).await, Err(Failure::Retry(_))));
}

#[tokio::test]
async fn text_messages_arrive_and_refusals_are_told_apart() {
    let inbox = Inbox::start(0, 0).await.unwrap();
    let gateway = carriers(&inbox).sms.unwrap();
    let send = async || gateway.send(id::random(), "+15550100", "123456 is your code").await;
    send().await.unwrap();
    assert_eq!(inbox.wait_for("+15550100", 0).await.unwrap().text, "123456 is your code");
    inbox.refuse("+15550100", Refusal::ForGood);
    assert_eq!(send().await, Err(Failure::Fail("the SMS gateway answered 400 with code 21211".into())));
    inbox.refuse("+15550100", Refusal::ForNow);
    assert_eq!(send().await, Err(Failure::Retry("the SMS gateway answered 503 with code 20503".into())));
    drop(inbox);
    assert_eq!(send().await, Err(Failure::Retry("no connection with the SMS gateway".into())));
}

/// It takes connections and says nothing: mails wait for it as many at once as may, and everything else goes on.
#[tokio::test]
async fn a_mail_server_that_hangs_holds_up_no_text_message() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cloud = Cloud::start_with(&[("SSPR_MAIL__URL", &format!("smtp://{}", silent.local_addr().unwrap()))]).await;
    let send = async |channel, to: &str, lifetime| {
        let content = Content::Code { code: "123456".into(), minutes: 10 };
        let message = Message { to: to.into(), name: "Ann".into(), language: "en".into(), content, only: false };
        let mut conn = cloud.app.db.acquire().await.unwrap();
        let (scope, clock) = (&cloud.tenant.scope, &cloud.clock);
        let id = notifications::enqueue(&mut conn, scope, clock, channel, &message, None, lifetime).await.unwrap();
        cloud.app.wake_outbox();
        id
    };
    for n in 0..40 {
        send(Channel::Email, &format!("ann{n}@corp.example"), Duration::HOUR).await;
    }
    cloud.until("select count(*) from messages where attempts = 1", 16).await;
    send(Channel::Sms, "+15550100", Duration::HOUR).await;
    assert!(cloud.inbox.wait_for("+15550100", 0).await.unwrap().text.contains("123456"));
    let mails = "select count(*) from messages where channel = 'email' and attempts = 1 and state = 'waiting'";
    assert_eq!(cloud.sql::<i64>(mails).await, 16, "and no more than that at the mail server");
    // Next is not what has waited longest but what is worth nothing soonest.
    let code = send(Channel::Email, "ann@corp.example", Duration::minutes(10)).await;
    let mut conn = cloud.app.db.acquire().await.unwrap();
    let next = notifications::take_due(&mut conn, &cloud.clock, &[(Channel::Email, 1)]).await.unwrap();
    assert_eq!(next.iter().map(|delivery| delivery.message_id).collect::<Vec<_>>(), [code]);
}

/// As many as may are under way at any moment: what comes after them waits for room, and not for the next look.
#[tokio::test]
async fn many_mails_go_as_soon_as_there_is_room() {
    let cloud = Cloud::start().await;
    let mut tx = cloud.app.begin().await.unwrap();
    for n in 0..400 {
        let content = Content::Code { code: "123456".into(), minutes: 10 };
        let message = Message { to: format!("ann{n}@corp.example"), name: "Ann".into(), language: "en".into(), content, only: false };
        let (scope, clock) = (&cloud.tenant.scope, &cloud.clock);
        notifications::enqueue(&mut tx, scope, clock, Channel::Email, &message, None, Duration::HOUR).await.unwrap();
    }
    tx.commit().await.unwrap();
    // Sixteen a look would take half a minute, and nobody here waits as long.
    cloud.until("select count(*) from messages where state = 'sent'", 400).await;
}
