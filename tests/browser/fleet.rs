//! Connectors and agents in real Chromium: from a new directory to an agent that serves it, wide and narrow, light and dark.

use sspr::{
    domain::operators::Role,
    wire::{
        checkup::{Checkup, Found, Severity},
        message::{DirectoryHealth, Heartbeat, PasswordPolicy, ServerHealth},
    },
};

use crate::{
    console::{is_at_console, pictures},
    journey::real::{Cloud, HandAgent},
    support::browser::story,
};

fn beat(cloud: &Cloud, evil: &str) -> Heartbeat {
    let found = |code: &str, severity, count| Found { code: code.to_owned(), severity, count };
    let server = |name: &str, reachable, latency_ms| ServerHealth { name: name.to_owned(), reachable, latency_ms };
    Heartbeat {
        version: "1.4.0".to_owned(),
        clock: cloud.clock.seconds() + 90,
        directory: DirectoryHealth {
            reachable: true,
            dc: "dc1.corp.example".to_owned(),
            policy_hints: Some("1.2.840.113556.1.4.2239".to_owned()),
            policy: Some(PasswordPolicy { min_length: 12, complexity: true, history: 24, min_age: 86400, max_age: 42 * 86400 }),
            servers: vec![server("dc1.corp.example", true, Some(9)), server(evil, false, None)],
        },
        jobs: 128,
        instance: None,
        audit: None,
        removals_held: Some(77),
        checkup: Some(Checkup {
            at: cloud.clock.seconds() - 600,
            findings: vec![
                found("right_missing_unlock", Severity::Problem, 2),
                found("tls_expires_soon", Severity::Warning, 1),
                found("of_tomorrow", Severity::Warning, 1),
                found("account_protected", Severity::Note, 4),
                found("rights_ok", Severity::Ok, 1),
            ],
        }),
        canary: Vec::new(),
    }
}

/// A day of a canary at two servers, one of them away now.
async fn sings(cloud: &Cloud, evil: &str) {
    sqlx::query(
        "insert into canary_runs (tenant_id, connector_id, server, at, agent_id, code, millis)
         select a.tenant_id, a.connector_id, s.server, now() - n * interval '15 minutes', a.agent_id,
             case when s.away and n < 2 or n = 40 and s.away then 'directory_unreachable' else 'applied' end, 60 + (n * 37) % 90
         from agents a, (values ('dc1.corp.example', false), ($1, true)) s (server, away), generate_series(1, 95) n",
    )
    .bind(evil)
    .execute(&cloud.app.db)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_directory_is_made_and_its_agent_confirmed() {
    let cloud = Cloud::start().await;
    let mut first = cloud.agent().await;
    // A script that a directory's name brings does not run.
    let evil = "<img src=x onerror=document.body.remove()>";
    assert_eq!(first.post("/agent/v1/heartbeat", &beat(&cloud, evil)).await.status(), 200);
    let admin = cloud.operator(Role::Administrator).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &admin).await;
        browser.opens(&format!("{}/console", cloud.url)).await;
        browser.clicks("Connectors").await;
        browser.sees("Its clock is wrong").await;
        pictures(&browser, "connectors").await;
        browser.clicks("hand").await;
        browser.sees(evil).await;
        pictures(&browser, "agent").await;
        sings(&cloud, evil).await;
        browser.opens(&format!("{}/console/connectors/{}", cloud.url, cloud.connector)).await;
        browser.sees("95 runs, 2 failed").await;
        pictures(&browser, "connector-canary").await;
        browser.opens(&format!("{}/console/connectors", cloud.url)).await;
        browser.clicks("New connector").await;
        browser.types("Name", "Lab").await;
        pictures(&browser, "connector-new").await;
        browser.clicks("Create").await;
        browser.sees("Nobody reaches this directory yet").await;
        pictures(&browser, "connector").await;
        browser.clicks("Enrol an agent").await;
        browser.sees("shown this once").await;
    })
    .await;
    let token = cloud.token_of(cloud.connector).await;
    let agent = HandAgent::enrol_by(&cloud, &token).await;
    story(async |browser| {
        is_at_console(&browser, &cloud, &admin).await;
        browser.opens(&format!("{}/console/connectors/{}?lang=de", cloud.url, cloud.connector)).await;
        browser.sees("Wartet auf Ihre Bestätigung").await;
        pictures(&browser, "connector-de").await;
        browser.clicks("Einen Agenten anmelden").await;
        browser.sees("nur dieses eine Mal gezeigt").await;
        pictures(&browser, "enrol-de").await;
        browser.opens(&format!("{}/console/agents/{}", cloud.url, agent.id)).await;
        browser.types("Fingerabdruck", "AAAA-BBBB-CCCC-DDDD").await;
        browser.clicks("Den Agenten bestätigen").await;
        browser.sees("Das ist nicht der Fingerabdruck").await;
        pictures(&browser, "agent-pending-de").await;
        browser.types("Fingerabdruck", &agent.fingerprint).await;
        browser.clicks("Den Agenten bestätigen").await;
        browser.sees(&agent.fingerprint).await;
        browser.has_nothing_to_complain_of().await;
    })
    .await;
}
