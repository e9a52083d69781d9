//! The agent's own files: whether they are closed to others, whole, and on a disk with room. Nothing is changed and nothing is taken
//! from an agent that runs.

use std::{fs, path::Path};

use anyhow::Result;

use super::finding::{Code, Finding};
use crate::{
    agent::{audit, features, journal, keys, mirror, state},
    base::{config, private},
};

/// Bytes free below which an agent should be looked after: it changes nothing while it cannot write.
const LOW: u64 = 256 << 20;

/// `now`: seconds since 1970.
pub fn check(settings: &config::Agent, config_file: Option<&Path>, now: i64) -> (Vec<Finding>, Option<state::Me>) {
    let mut found = Vec::new();
    if let Some(file) = config_file {
        let open = fs::metadata(file).ok().and_then(|meta| private::open_to_others(&meta));
        // A password that comes from a file of its own does not stand in it.
        let holds_secret =
            fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim_start().starts_with("bind_password")));
        if let Some(mode) = open.filter(|_| holds_secret) {
            let text = format!("holds the service account's password and can be read by others (mode {mode}).");
            let command = format!("chmod 600 {}", super::grants::posix(&file.display().to_string()));
            found.push(Finding::new(Code::ConfigOpen, file.display().to_string(), text).run("shell", command));
        }
    }
    found.extend(refuses_all(&settings.stop_file));
    let dir = &settings.state_dir;
    let about = dir.display().to_string();
    let me = match state::look(dir) {
        Ok(Some((me, _))) => me,
        Ok(None) => {
            let text = "holds no enrolled agent.";
            let finding = Finding::new(Code::AgentNotEnrolled, about, text)
                .run("in the cloud", "sspr agent token CONNECTOR > token          (sspr connector list tells which)")
                .run("here", format!("{} enrol --token-file token", sspr(config_file)));
            found.push(finding);
            return (found, None);
        }
        Err(error) => {
            found.push(
                Finding::new(Code::StateDamaged, about, format!("{error:#}."))
                    .say("Enrol this agent anew with another state directory, and revoke the old one."),
            );
            return (found, None);
        }
    };
    let before = found.len();
    found.extend(files(settings, dir, now));
    if found.len() == before {
        found.push(Finding::new(
            Code::StateOk,
            &about,
            format!("agent {}: files, journal and audit are whole, and closed to others.", me.agent),
        ));
    }
    found.extend(running(dir));
    found.extend(switched(dir, &me));
    found.extend(removals(dir, config_file));
    match keys::valid(dir, now) {
        Some(key) => {
            let id = key.key_id().unwrap_or_default();
            let text = format!("passwords are sealed to key {id}, epoch {}, until {}.", key.epoch, moment(key.not_after));
            found.push(Finding::new(Code::KeyOk, format!("agent {}", me.agent), text));
        }
        None => found.push(
            Finding::new(
                Code::KeyMissing,
                about,
                "there is no sealing key that was published and is good now, so no password can be sealed to this agent.",
            )
            .say("An agent that is confirmed and runs publishes one by itself within a minute; look at its log if it does not."),
        ),
    }
    (found, Some(me))
}

/// `2026-11-26 21:34:56 UTC`
fn moment(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .map_or_else(|_| "?".to_owned(), |at| format!("{} {:02}:{:02}:{:02} UTC", at.date(), at.hour(), at.minute(), at.second()))
}

fn files(settings: &config::Agent, dir: &Path, now: i64) -> Vec<Finding> {
    let mut found = Vec::new();
    let about = dir.display().to_string();
    let entries = fs::read_dir(dir).map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect::<Vec<_>>());
    for path in std::iter::once(dir.to_owned()).chain(entries.unwrap_or_default()) {
        if let Some(mode) = fs::metadata(&path).ok().and_then(|meta| private::open_to_others(&meta)) {
            let command =
                format!("chmod {} {}", if path == dir { "700" } else { "600" }, super::grants::posix(&path.display().to_string()));
            let text = format!("others may read or write it (mode {mode}): keys lie there.");
            found.push(
                Finding::new(Code::StateOpen, path.display().to_string(), text)
                    .run("shell", command)
                    .say("Somebody may have copied the keys: sspr agent rotate."),
            );
        }
    }
    // As the agent would: a file of its own.
    let trial = dir.join("doctor.tmp");
    let written = state::write(&trial.with_extension("trial"), b"x");
    let _ = fs::remove_file(trial.with_extension("trial"));
    if let Err(error) = written {
        found.push(
            Finding::new(Code::StateUnwritable, &about, format!("{error:#}."))
                .say("Run this as the account that the agent runs as; otherwise mend the rights or the disk."),
        );
    }
    if let Err(error) = journal::check(&dir.join("journal")) {
        found.push(Finding::new(Code::JournalDamaged, &about, format!("{error:#}.")).say(
            "The agent does not start with it, because it would forget what it has done. Revoke this agent and enrol another with an empty state directory.",
        ));
    }
    let path = audit::path(settings);
    let broken = match audit::check_file(&path, None) {
        _ if !path.exists() => None,
        Ok(Ok(_)) => None,
        Ok(Err(broken)) => Some(broken.to_string()),
        Err(error) => Some(format!("{error:#}")),
    };
    if let Some(why) = broken {
        found.push(
            Finding::new(Code::AuditBroken, path.display().to_string(), format!("the chain of the agent's audit does not hold: {why}."))
                .say("Find out who changed it. To begin another: stop the agent, move the file away, start it."),
        );
    }
    for place in [Some(dir), path.parent()].into_iter().flatten() {
        if let Some(free) = fs4::available_space(place).ok().filter(|free| *free < LOW) {
            let text = format!("{} MiB are free there. An agent that cannot write its journal and audit changes nothing.", free >> 20);
            found.push(Finding::new(Code::DiskLow, place.display().to_string(), text).say("Make room."));
            break;
        }
    }
    let _ = now;
    found
}

/// As it is called here, with the settings that are in use.
fn sspr(config_file: Option<&Path>) -> String {
    let config = config_file.map(|file| format!(" --config {}", super::grants::posix(&file.display().to_string())));
    format!("sspr{} agent", config.unwrap_or_default())
}

/// The kill switch, as the agent looks at it.
fn refuses_all(file: &Path) -> Option<Finding> {
    let is_on = !file.as_os_str().is_empty() && file.try_exists().unwrap_or(true);
    is_on.then(|| {
        let text = "the kill switch is on (agent.stop_file): while this file is there the agent refuses every job (switched_off).";
        let name = file.display().to_string();
        Finding::new(Code::KillSwitch, &name, text)
            .run("here, when the reason for it is gone", format!("rm {}", super::grants::posix(&name)))
    })
}

fn running(dir: &Path) -> Option<Finding> {
    let stopped = matches!(state::is_taken(dir), Ok(false));
    stopped.then(|| {
        Finding::new(Code::AgentStopped, dir.display().to_string(), "no agent runs with this state directory now.")
            .run("here", "systemctl start sspr-agent")
            .say("or, to see what it says: sspr agent")
    })
}

/// Whoever is missing and not removed.
fn removals(dir: &Path, config_file: Option<&Path>) -> Option<Finding> {
    let held = mirror::held(dir).ok().flatten()?;
    let text = format!(
        "{} of {} people are missing in the directory, since {}: nobody is removed in the cloud until that is confirmed{}.",
        held.people,
        held.known,
        moment(held.since),
        if mirror::is_accepted(dir) { ", which it is; the agent does it by itself" } else { "" }
    );
    Some(
        Finding::new(Code::MirrorHeld, "mirror", text)
            .say("Look at agent.directory.users_dn, agent.allow_groups and deny_groups, and at what the account may read.")
            .run("here, if so many really left", format!("{} mirror --accept-removals", sspr(config_file))),
    )
}

/// What is off, as the running agent was last told.
fn switched(dir: &Path, me: &state::Me) -> Vec<Finding> {
    let Ok(Some(features)) = features::last(dir) else { return Vec::new() };
    let mut found = Vec::new();
    if !features.writeback {
        let text = "writeback is off, so no job comes and no password is set.";
        found.push(
            Finding::new(Code::WritebackOff, "cloud", text).run("in the cloud", format!("sspr connector writeback {} on", me.connector)),
        );
    }
    if !features.self_service {
        let text = "self-service is off, so nobody is served.";
        found.push(
            Finding::new(Code::SelfServiceOff, "cloud", text)
                .run("in the cloud", format!("sspr tenant set {} --self-service true", me.tenant)),
        );
    }
    if !features.unlock {
        let text = "unlocking without a new password is off. It is optional.";
        found.push(
            Finding::new(Code::UnlockOff, "cloud", text)
                .run("in the cloud, if it is wanted", format!("sspr connector unlock {} on", me.connector)),
        );
    }
    found
}
