//! The sides that do not speak for themselves: what the directory did, what stands in the database, what lies where it must not.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    process::Command,
    sync::PoisonError,
    time::Duration,
};

use serde_json::Value;
use sqlx::{PgConnection, Row};
use sspr::wire::{jws, message::JobResult};
use time::{OffsetDateTime, format_description::well_known::Iso8601};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    estate::REMEMBERED,
    hash,
    history::{Event, Recorder},
    world::World,
};

/// Look into the database again and again, for ever: whether somebody has several active jobs.
pub async fn look_for_several(world: &World) {
    loop {
        sleep(Duration::from_millis(400)).await;
        let Some(mut conn) = world.estate.database().await else { continue };
        for _ in 0..20 {
            let rows = sqlx::query(
                "select object_guid, array_agg(job_id) from jobs where state in ('submitted', 'leased') and kind <> 'inspect' group by 1 having count(*) > 1",
            )
            .fetch_all(&mut conn);
            // The session may have died with a server that was killed.
            let Ok(Ok(rows)) = tokio::time::timeout(Duration::from_secs(5), rows).await else { break };
            for row in rows {
                world.recorder.write(Event::Several { guid: row.get(0), jobs: row.get(1), at: world.recorder.now() });
            }
            sleep(Duration::from_millis(400)).await;
        }
    }
}

/// Wait until no job is open, for so long at most; those that stay so are written down.
pub async fn until_settled(world: &World, patience: Duration) {
    let begun = tokio::time::Instant::now();
    loop {
        let mut open: Vec<Uuid> = Vec::new();
        if let Some(mut conn) = world.estate.database().await {
            let query = sqlx::query_scalar("select job_id from jobs where state in ('submitted', 'leased')");
            open = query.fetch_all(&mut conn).await.unwrap();
        }
        if open.is_empty() {
            return;
        }
        if begun.elapsed() > patience {
            world.recorder.write(Event::Open { jobs: open });
            return;
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// The directory's side: its password history says what and in which order, its log says when.
pub fn directory(world: &World) {
    let dir = world.estate.samba.dir();
    let out = Command::new("/usr/bin/python3").arg(dir.join("samba-dc.py")).arg("past").arg(dir).output().unwrap();
    assert!(out.status.success(), "samba-dc past: {}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let times = times(&fs::read_to_string(dir.join("log/samba.log")).unwrap());
    let mut complete = true;
    for line in said.lines().filter_map(|line| line.strip_prefix("past ")) {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap();
        let Some(person) = world.people.iter().find(|person| person.name == name) else { continue };
        let mut past: Vec<&str> = words.collect();
        // Oldest first, without the one that the domain began with.
        past.reverse();
        let none = Vec::new();
        let known = times.get(&person.dn).unwrap_or(&none);
        assert!(past.len() < REMEMBERED as usize, "{name} had more passwords than the domain remembers");
        if known.len() != past.len() - 1 {
            complete = false;
        }
        for (nth, password) in past.iter().skip(1).enumerate() {
            let (at, peer) = known.get(nth).cloned().unwrap_or_default();
            world.recorder.write(Event::Effect { person: person.name.clone(), nth, password: (*password).to_owned(), at, peer });
        }
    }
    assert!(complete, "the directory's log and its password history differ");
}

/// Of every password that was taken, by distinguished name: when, and whose connection.
fn times(log: &str) -> HashMap<String, Vec<(i64, String)>> {
    let mut times: HashMap<String, Vec<(i64, String)>> = HashMap::new();
    for line in log.lines() {
        let Some(start) = line.find("{\"timestamp\"") else { continue };
        let Ok(line) = serde_json::from_str::<Value>(&line[start..]) else { continue };
        let change = &line["passwordChange"];
        if change["status"] != "Success" {
            continue;
        }
        let (Some(dn), Some(at)) = (change["dn"].as_str(), line["timestamp"].as_str()) else { continue };
        let at = OffsetDateTime::parse(at, &Iso8601::PARSING).unwrap();
        let at = i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
        let peer = change["remoteAddress"].as_str().unwrap_or_default().to_owned();
        times.entry(dn.to_owned()).or_default().push((at, peer));
    }
    times
}

/// The database's side.
pub async fn database(world: &World) {
    let mut conn = world.estate.database().await.expect("the database is up");
    // Also by a key that was replaced since.
    let query = "select agent_id, identity from agents union select agent_id, identity from former_identities";
    let mut identities = BTreeMap::<Uuid, Vec<Vec<u8>>>::new();
    for row in sqlx::query(query).fetch_all(&mut conn).await.unwrap() {
        identities.entry(row.get(0)).or_default().push(row.get(1));
    }
    // What only looked at an account changed nothing.
    for row in rows(&mut conn, "jobs").await.into_iter().filter(|row| row["kind"] != "inspect") {
        world.recorder.write(job(&row, &identities));
    }
    for row in rows(&mut conn, "audit_events").await {
        world.recorder.write(Event::Audit {
            job: uuid(&row["job_id"]),
            flow: uuid(&row["flow_id"]),
            actor: text(&row["actor"]),
            action: text(&row["action"]),
            outcome: text(&row["outcome"]),
        });
    }
}

fn job(row: &Value, identities: &BTreeMap<Uuid, Vec<Vec<u8>>>) -> Event {
    let (job, agent) = (uuid(&row["job_id"]).unwrap(), uuid(&row["agent_id"]));
    let signed = row["result"].as_str().map(|result| {
        let by = |identity: &Vec<u8>| jws::verify::<JobResult>(result, jws::RESULT, identity).ok();
        // The last holder's, or that of one who held it before.
        let kid = jws::unverified_kid(result).and_then(|kid| kid.parse().ok());
        kid.and_then(|kid: Uuid| identities.get(&kid)).and_then(|all| all.iter().find_map(by)).is_some_and(|result| {
            result.job == job && Some(result.seq) == row["seq"].as_i64() && Some(result.code.as_str()) == row["code"].as_str()
        })
    });
    Event::Row {
        job,
        guid: uuid(&row["object_guid"]).unwrap(),
        flow: uuid(&row["flow_id"]).unwrap(),
        seq: row["seq"].as_i64().unwrap(),
        state: text(&row["state"]),
        code: row["code"].as_str().map(str::to_owned),
        submitted: !row["submitted_at"].is_null(),
        sealed: !row["envelopes"].is_null(),
        attempts: row["attempts"].as_i64().unwrap_or_default(),
        signed,
        agent,
    }
}

async fn rows(conn: &mut PgConnection, table: &str) -> Vec<Value> {
    let query = format!("select to_jsonb(t) from {table} t order by 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(conn).await.unwrap()
}

fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|text| text.parse().ok())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Passwords in the database, its files, the logs and what the agents keep.
pub async fn leaks(world: &World) {
    let mut conn = world.estate.database().await.expect("the database is up");
    let tables: Vec<String> =
        sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'").fetch_all(&mut conn).await.unwrap();
    let mut dump = String::new();
    for table in tables {
        let query = format!("select coalesce(string_agg(t::text, chr(10)), '') from {table} t");
        dump += &sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(query)).fetch_one(&mut conn).await.unwrap();
    }
    drop(conn);
    let sealed = world.sealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let search = |place: &str, bytes: &[u8]| look_for(&world.recorder, place, bytes, &sealed);
    search("the tables", dump.as_bytes());
    files(world.estate.postgres.dir(), &mut |path, bytes| search(&format!("the database's file {}", path.display()), bytes));
    files(&world.estate.dir, &mut |path, bytes| {
        // Not our own: the history has hashes only, and stays out of this anyway.
        if path.extension().is_none_or(|kind| kind != "jsonl") {
            search(&path.display().to_string(), bytes);
        }
    });
}

/// One pass over the bytes, for what all passwords begin with, as UTF-8 and as UTF-16; a hit is looked at more closely.
fn look_for(recorder: &Recorder, place: &str, bytes: &[u8], sealed: &[String]) {
    for (start, &byte) in bytes.iter().enumerate() {
        if (byte | 0x20) != b'z' || !matches!(bytes.get(start + 1), Some(b'w' | 0)) {
            continue;
        }
        let rest = &bytes[start..];
        for (form, starts) in [("UTF-8", (|p| p.as_bytes().to_vec()) as fn(&String) -> Vec<u8>), ("UTF-16", |p| utf16(p))] {
            if let Some(password) = sealed.iter().find(|password| rest.starts_with(&starts(password))) {
                recorder.write(Event::Leak { place: place.to_owned(), form: form.to_owned(), password: hash::nt(password) });
            }
        }
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn files(dir: &Path, each: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), each),
            Ok(kind) if kind.is_file() => each(&entry.path(), &fs::read(entry.path()).unwrap_or_default()),
            _ => {}
        }
    }
}
