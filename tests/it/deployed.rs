//! The systemd units: they name settings that there are, and are as closed as they say.

use std::{collections::BTreeMap, process::Command};

use sspr::base::config::Config;

const UNITS: [(&str, &str); 2] =
    [("sspr-agent", include_str!("../../deploy/systemd/sspr-agent.service")), ("sspr", include_str!("../../deploy/systemd/sspr.service"))];

fn lines(unit: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    unit.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='))
}

#[test]
fn units_hand_over_secrets_that_the_program_knows() {
    for (name, unit) in UNITS {
        let credentials = lines(unit).filter(|(key, _)| *key == "LoadCredential").map(|(_, value)| value.split(':').next().unwrap());
        let credentials = credentials.collect::<Vec<_>>();
        let dir = tempfile::tempdir().unwrap();
        let mut environment = BTreeMap::new();
        for (_, value) in lines(unit).filter(|(key, _)| *key == "Environment") {
            let (key, value) = value.split_once('=').unwrap();
            if let Some(credential) = value.strip_prefix("%d/") {
                assert!(key.ends_with("_FILE") && credentials.contains(&credential), "{name}: {key}={value}");
                std::fs::write(dir.path().join(credential), "secret\n").unwrap();
            }
            let value = value.replace("%d", &dir.path().display().to_string()).replace("%S", "/var/lib");
            environment.insert(key.to_owned(), value);
        }
        assert!(environment.len() > 2, "{name}");
        Config::from(None, environment).unwrap_or_else(|error| panic!("{name}: {error}"));
        let start = lines(unit).find(|(key, _)| *key == "ExecStart").unwrap().1;
        let file = start.split("${CREDENTIALS_DIRECTORY}/").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        assert!(credentials.contains(&file), "{name}: {start}");
    }
}

#[test]
fn units_are_closed() {
    for (name, unit) in UNITS {
        let all = lines(unit).collect::<Vec<_>>();
        for wanted in [
            ("DynamicUser", "yes"),
            ("NoNewPrivileges", "yes"),
            ("ProtectSystem", "strict"),
            ("ProtectHome", "yes"),
            ("PrivateTmp", "yes"),
            ("PrivateDevices", "yes"),
            ("MemoryDenyWriteExecute", "yes"),
            ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
            ("SystemCallFilter", "@system-service"),
            ("SystemCallArchitectures", "native"),
            ("UMask", "0077"),
            ("LimitCORE", "0"),
        ] {
            assert!(all.contains(&wanted), "{name} lacks {}={}", wanted.0, wanted.1);
        }
        // systemd's own judgement, where it is installed.
        let file = tempfile::Builder::new().prefix(name).suffix(".service").tempfile().unwrap();
        std::fs::write(file.path(), unit.replace("/usr/bin/sspr", "/bin/true")).unwrap();
        let Ok(judged) = Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(file.path()).output()
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&judged.stdout).into_owned();
        assert!(judged.status.success(), "{name}: {}", text.lines().last().unwrap_or_default());
    }
}
