//! Nobody in between can read it: the passwords that people chose are not in the database's files, the logs, or the memory of the
//! server, in any of the forms that a program would give them.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use sspr::lab::{
    postgres::Postgres,
    samba::{BindOutcome, Samba, SambaOptions},
};

use crate::support::{Cloud, Office, Person, cloud::Server};

/// A form of a secret, by name.
fn encodings(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    // base64 of a text inside another text: what does not depend on the neighbours, at each of the three alignments.
    let inner = |pad: usize| {
        let text = data_encoding::BASE64.encode(&[vec![b'x'; pad], secret.as_bytes().to_vec()].concat());
        text.as_bytes()[(pad * 8).div_ceil(6)..text.trim_end_matches('=').len() - 1].to_vec()
    };
    let url: String =
        secret.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    vec![
        ("UTF-8", secret.as_bytes().to_vec()),
        ("UTF-16", utf16(secret)),
        ("hex", data_encoding::HEXLOWER.encode(secret.as_bytes()).into_bytes()),
        ("base64", inner(0)),
        ("base64 at 1", inner(1)),
        ("base64 at 2", inner(2)),
        ("URL", url.into_bytes()),
        ("JSON", serde_json::to_string(secret).unwrap().trim_matches('"').as_bytes().to_vec()),
    ]
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((&first, rest)) = needle.split_first() else { return false };
    let mut at = 0;
    while let Some(found) = haystack[at..].iter().position(|&byte| byte == first) {
        at += found + 1;
        if haystack[at..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// Everything a process has in memory that can be read.
fn memory_of(pid: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        // Writable memory only: the program's own code is in the repository.
        if !rights.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut part = vec![0; usize::try_from(to - from).unwrap()];
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut part).is_ok() {
            all.append(&mut part);
        }
    }
    all
}

/// Every file below `dir`.
fn files_of(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all.append(&mut files_of(&entry.path())),
            Ok(kind) if kind.is_file() => all.append(&mut fs::read(entry.path()).unwrap_or_default()),
            _ => {}
        }
    }
    all
}

#[tokio::test]
async fn nobody_in_between_has_the_passwords() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let (postgres, dir) = (Postgres::start().unwrap(), tempfile::tempdir().unwrap());
    let log = dir.path().join("log");
    let (cloud, server) = Cloud::start_apart(&postgres.url("postgres"), &log).await;
    let _office = Office::start(&cloud, &samba).await;
    let (user, refused, applied) = (&samba.users[0], "only lower case, \u{e4} \"quoted\"", "Zr\u{fc}ck/Wort+7-unique & more");
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    // One that the directory refuses, one that it takes: both went through.
    for (password, state) in [(refused, "refused"), (applied, "applied")] {
        person.sets(password).await;
        let told = person.is_told().await;
        assert_eq!(told["state"], state, "{told}");
    }
    assert_eq!(samba.bind_as(&user.principal_name, applied).await.unwrap(), BindOutcome::Accepted);

    // First what must be there, or the search itself proves nothing: the tenant's name in all three places.
    let dump = cloud.dump().await.into_bytes();
    let memory = memory_of(server.pid());
    postgres.restart().unwrap();
    let (files, log) = (files_of(postgres.dir()), fs::read(&log).unwrap());
    for (place, bytes, known) in
        [("dump", &dump, "Corp Example"), ("files", &files, "Corp Example"), ("log", &log, "reset/jobs"), ("memory", &memory, &cloud.url)]
    {
        assert!(contains(bytes, known.as_bytes()), "the search does not see {place}");
        for password in [refused, applied] {
            for (form, needle) in encodings(password) {
                assert!(!contains(bytes, &needle), "a password lies in the {place} as {form}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_killed_between_submit_and_answer_loses_nothing() {
    let samba = Samba::start(&SambaOptions::default()).unwrap();
    let (postgres, dir) = (Postgres::start().unwrap(), tempfile::tempdir().unwrap());
    let log = dir.path().join("log");
    let (cloud, server) = Cloud::start_apart(&postgres.url("postgres"), &log).await;
    let mut office = Office::start(&cloud, &samba).await;
    let user = &samba.users[1];
    let mut person = Person::at(&cloud);
    person.proves_at(&cloud, &user.sign_in_name, user.mail.as_deref().unwrap()).await;
    let job = person.seals("Correct-Horse-7").await;
    // The job is durable and nobody hears so: the server dies as soon as it is. No agent may take it before.
    office.stops().await;
    let durable = cloud.until("select count(*) from active_jobs", 1);
    tokio::select! {
        biased;
        () = durable => {}
        () = async { let _ = person.browser.post_json("/reset/jobs", &job).await; std::future::pending::<()>().await } => {}
    }
    server.kill();
    let port = cloud.url.rsplit(':').next().unwrap().parse().unwrap();
    let _server = Server::start(&cloud, port, &log).await;
    // The browser does what its script does: post the same again.
    assert_eq!(person.posts(&job).await.0, 202);
    office.runs(&cloud);
    assert_eq!(person.is_told().await["state"], "applied");
    assert_eq!(samba.bind_as(&user.principal_name, "Correct-Horse-7").await.unwrap(), BindOutcome::Accepted);
    assert_eq!(cloud.sql::<i64>("select count(*) from jobs where kind = 'reset' and state = 'applied'").await, 1);
}
