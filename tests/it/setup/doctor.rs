//! `doctor` beside an agent that runs: its files, its cloud, and what it exits with.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

use sspr::{
    agent::{
        audit, enrol, features,
        setup::{
            self, Extent,
            finding::{Code, Report, Severity},
        },
    },
    base::config,
    domain::{
        audit::Source,
        fleet::{self, Feature},
    },
    lab::samba::{Samba, SambaOptions},
    wire::checkup::{Checkup, Found},
};

use super::{command, the};
use crate::{
    agent::{both, guid},
    support::{Cloud, Office},
};

async fn examines(cloud: &Cloud, settings: &config::Agent) -> Report {
    setup::doctor(settings, Extent::default(), &cloud.clock).await
}

/// Codes from this severity on, but for the name server, which is not there.
fn at_least(report: &Report, severity: Severity) -> Vec<&'static str> {
    let all = report.findings.iter().filter(|finding| finding.code.severity() >= severity);
    all.map(|finding| finding.code.as_str()).filter(|code| !code.starts_with("dns_")).collect()
}

fn enrolled_key(settings: &config::Agent) -> String {
    let now = sspr::base::clock::Clock::system().seconds();
    sspr::agent::keys::valid(&settings.state_dir, now).unwrap().key_id().unwrap()
}

#[tokio::test]
async fn an_agent_that_serves_has_no_complaint_and_what_goes_wrong_is_found() {
    // A domain of its own: what others make in a shared one would be found as well.
    let samba = &Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let mut office = Office::start(&cloud, samba).await;
    office.settings.directory.dns_server = "127.0.0.1:9".into();
    let settings = office.settings.clone();
    let report = examines(&cloud, &settings).await;
    assert_eq!(at_least(&report, Severity::Note), ["unlock_off", "deletions_hidden"], "{}", report.text());
    let key = enrolled_key(&settings);
    assert!(the(&report, Code::KeyOk).text.starts_with(&format!("passwords are sealed to key {key}, epoch ")), "{}", report.text());
    assert!(the(&report, Code::ClockOk).text.contains("(+0 s; 60 are allowed)"), "{}", report.text());
    assert!(report.has(Code::StateOk) && report.has(Code::CloudOk) && report.has(Code::RightsOk), "{}", report.text());

    assert_eq!(command(the(&report, Code::UnlockOff), "in the cloud"), format!("sspr connector unlock {} on", cloud.connector));

    // What stops it, or would at its next start.
    let elsewhere = tempfile::tempdir().unwrap();
    let stopped = elsewhere.path().join("stop");
    fs::write(&stopped, "").unwrap();
    let wrong = config::Agent { stop_file: stopped.clone(), ..settings.clone() };
    assert_eq!(at_least(&examines(&cloud, &wrong).await, Severity::Warning), ["kill_switch"]);
    fs::remove_file(&stopped).unwrap();
    assert_eq!(at_least(&examines(&cloud, &wrong).await, Severity::Warning), [""; 0]);
    let person = samba.dn("user01").await.unwrap();
    let groups = vec![format!("CN=Nobody,{}", samba.base_dn), person.clone()];
    let wrong = config::Agent { allow_groups: groups.clone(), deny_groups: groups, ..settings.clone() };
    assert_eq!(at_least(&examines(&cloud, &wrong).await, Severity::Warning), ["group_missing"; 4]);
    let known = format!("CN=Domain Users,CN=Users,{}", samba.base_dn);
    let right = config::Agent { allow_groups: vec![known], ..settings.clone() };
    assert_eq!(at_least(&examines(&cloud, &right).await, Severity::Warning), [""; 0]);
    for (canary, told) in [("nobody", "settings_incomplete"), ("00000000-0000-0000-0000-000000000007", "canary_unusable")] {
        let wrong = config::Agent { canary: canary.into(), ..settings.clone() };
        assert_eq!(at_least(&examines(&cloud, &wrong).await, Severity::Warning), [told]);
    }
    let somebody = guid(samba, "user01").await.to_string();
    let report = examines(&cloud, &config::Agent { canary: somebody, ..settings.clone() }).await;
    assert!(the(&report, Code::CanaryUnusable).text.contains("may be somebody's"), "{}", report.text());

    // Switched off in the cloud.
    let mut tx = cloud.app.begin().await.unwrap();
    let (scope, source) = (&cloud.tenant.scope, Source::house("cli"));
    fleet::switch(&mut tx, scope, &cloud.clock, &source, cloud.connector, (Feature::Writeback, false)).await.unwrap();
    tx.commit().await.unwrap();
    office.stops().await;
    office.runs(&cloud);
    for _ in 0..150 {
        if features::last(&settings.state_dir).unwrap().is_some_and(|told| !told.writeback) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(at_least(&examines(&cloud, &settings).await, Severity::Warning), ["writeback_off"]);

    // Stopped, and its files spoilt one after another.
    office.stops().await;
    assert_eq!(at_least(&examines(&cloud, &settings).await, Severity::Warning), ["agent_stopped", "writeback_off"]);
    let file = settings.state_dir.join("identity.pkcs8");
    let mode = |mode| fs::set_permissions(&settings.state_dir, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    let report = examines(&cloud, &settings).await;
    let command = command(the(&report, Code::StateOpen), "shell");
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
    assert!(!examines(&cloud, &settings).await.has(Code::StateOpen));
    let audit = audit::path(&settings);
    let text = fs::read_to_string(&audit).unwrap();
    fs::write(&audit, text.replacen("\"started\"", "\"begun\"", 1)).unwrap();
    assert!(at_least(&examines(&cloud, &settings).await, Severity::Problem).contains(&"audit_broken"));
    fs::write(&audit, text).unwrap();
    let journal = settings.state_dir.join("journal");
    let text = fs::read(&journal).unwrap();
    fs::write(&journal, b"nonsense\n{}\n").unwrap();
    assert!(at_least(&examines(&cloud, &settings).await, Severity::Problem).contains(&"journal_damaged"));
    fs::write(&journal, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(at_least(&examines(&cloud, &settings).await, Severity::Problem).contains(&"state_damaged"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(at_least(&examines(&cloud, &settings).await, Severity::Problem), [""; 0]);

    // Time, and the cloud itself.
    let ours = sspr::base::clock::Clock::system();
    ours.advance(300);
    assert!(setup::doctor(&settings, Extent::default(), &ours).await.has(Code::ClockSkew));
    let mut tx = cloud.app.begin().await.unwrap();
    let agent = sspr::agent::state::look(&settings.state_dir).unwrap().unwrap().0.agent;
    fleet::revoke(&mut tx, scope, &cloud.clock, &source, agent).await.unwrap();
    tx.commit().await.unwrap();
    assert!(examines(&cloud, &settings).await.has(Code::AgentRevoked));
    cloud.stop().await;
}

/// Without being asked, and without a name of anybody.
#[tokio::test]
async fn an_agent_that_runs_tells_the_cloud_what_it_finds() {
    let samba = &Samba::start(&SambaOptions::default()).unwrap();
    let cut_off = samba.dn("user04").await.unwrap();
    super::rights::cut(samba, &cut_off).await;
    let cloud = Cloud::start().await;
    let _office = Office::start(&cloud, samba).await;
    let told = async || loop {
        let told = cloud.sql::<Option<serde_json::Value>>("select health -> 'checkup' from agents").await;
        match told.and_then(|told| serde_json::from_value::<Checkup>(told).ok()) {
            Some(checkup) => return checkup,
            None => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    };
    let checkup = tokio::time::timeout(std::time::Duration::from_mins(1), told()).await.expect("it looks by itself");
    let problems: Vec<_> = checkup.findings.iter().filter(|found| found.severity == Severity::Problem).collect();
    assert!(matches!(problems[..], [Found { code, count: 1, .. }] if code == "inheritance_off"), "{checkup:?}");
    assert!(checkup.has("rights_ok") && checkup.has("bind_ok") && checkup.has("tls_ok"), "{checkup:?}");
    let text = serde_json::to_string(&checkup).unwrap();
    assert!(!text.contains("user04") && !text.to_lowercase().contains("corp"), "{text}");
    assert!((checkup.at - cloud.clock.seconds()).abs() < 60);
    cloud.stop().await;
}

#[tokio::test]
async fn an_agent_that_waits_is_told_how_to_go_on() {
    // A domain of its own: what others make in a shared one would be found as well.
    let samba = &Samba::start(&SambaOptions::default()).unwrap();
    let cloud = Cloud::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut settings = super::settings(samba);
    (settings.cloud_url, settings.state_dir) = (cloud.url.clone(), state.path().join("agent"));
    let report = examines(&cloud, &settings).await;
    assert!(report.has(Code::CloudOk), "{}", report.text());
    assert_eq!(command(the(&report, Code::AgentNotEnrolled), "here"), "sspr agent enrol --token-file token");
    let token = cloud.enrolment_token().await;
    let enrolled = enrol::enrol(&settings, &token.into(), "a".into(), cloud.clock.clone()).await.unwrap();
    let report = examines(&cloud, &settings).await;
    let next = command(the(&report, Code::AgentPending), "in the cloud");
    assert_eq!(next, format!("sspr agent confirm {} --fingerprint {}", enrolled.me.agent, enrolled.fingerprint));
    assert!(cloud.confirm(enrolled.me.agent, &enrolled.fingerprint).await);
    assert!(!examines(&cloud, &settings).await.has(Code::AgentPending));
    // Its state directory at another service.
    let another = Cloud::start().await;
    settings.cloud_url.clone_from(&another.url);
    let mut me = sspr::agent::state::look(&settings.state_dir).unwrap().unwrap().0;
    me.cloud_url.clone_from(&another.url);
    sspr::agent::state::save(&settings.state_dir, &me).unwrap();
    assert!(examines(&another, &settings).await.has(Code::AgentUnknown));
}

#[tokio::test]
async fn the_command_exits_with_the_worst_and_speaks_json() {
    let samba = &both()[1].samba;
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("sspr.toml");
    let (url, ca, name) = (&samba.ldaps_url, samba.ca_file.display(), &samba.server_name);
    let (bind, base, users) = (&samba.bind_dn, &samba.base_dn, &samba.users_dn);
    let text = format!(
        "[agent]\ncloud_url = \"http://127.0.0.1:9\"\nstate_dir = \"{}\"\n[agent.directory]\ndns_server = \"127.0.0.1:9\"\nurl = \"{url}\"\nserver_name = \"{name}\"\n\
         ca_file = \"{ca}\"\nbind_dn = \"{bind}\"\nbind_password = \"{}\"\nbase_dn = \"{base}\"\nusers_dn = \"{users}\"\n",
        dir.path().join("state").display(),
        samba.bind_password().unwrap(),
    );
    fs::write(&config, text).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o644)).unwrap();
    let doctor = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
        command.arg("--config").arg(&config).args(["agent", "doctor"]).args(arguments).output().unwrap()
    };
    let done = doctor(&["--json"]);
    assert_eq!(done.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let codes = json["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect::<Vec<_>>();
    for code in ["config_open", "agent_not_enrolled", "cloud_unreachable", "tls_ok", "rights_ok"] {
        assert!(codes.contains(&code), "{code} of {codes:?}");
    }
    assert_eq!(json["worst"], "problem");
    let enrol = format!("sspr --config '{}' agent enrol --token-file token", config.display());
    assert!(json.to_string().contains(&enrol), "{json}");
    // Whoever reads stops reading: `doctor | head`.
    let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
    command.arg("--config").arg(&config).args(["agent", "doctor"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    drop(running.stdout.take());
    let done = running.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(1) && !complaint.contains("panicked"), "{complaint}");
    let text = String::from_utf8(doctor(&[]).stdout).unwrap();
    assert!(!text.contains("INFO") && text.contains(&format!("{} takes this account", url.trim_start_matches("ldaps://"))), "{text}");
    assert!(text.contains("PROBLEM") && text.contains("[rights_ok]") && !text.contains(&samba.bind_password().unwrap()), "{text}");

    // As beside the systemd unit: the password is in a file of its own, and nobody signs in without it.
    let written = fs::read_to_string(&config).unwrap();
    let without = written.lines().filter(|line| !line.starts_with("bind_password")).collect::<Vec<_>>().join("\n");
    fs::write(&config, without).unwrap();
    let text = String::from_utf8(doctor(&[]).stdout).unwrap();
    assert!(text.contains("agent.directory.bind_password is not set") && !text.contains("[bind_"), "{text}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sspr"));
    command.env("SSPR_AGENT__DIRECTORY__BIND_PASSWORD_FILE", &samba.bind_password_file).arg("--config").arg(&config);
    let text = String::from_utf8(command.args(["agent", "doctor"]).output().unwrap().stdout).unwrap();
    assert!(text.contains("[bind_ok]") && text.contains("[rights_ok]") && !text.contains("[config_open]"), "{text}");
}
