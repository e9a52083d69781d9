//! What the demo says when it is ready: to people on the terminal, to programs in a file.

use std::{io::Write, os::unix::fs::PermissionsExt, path::Path};

use anyhow::{Context, Result};
use serde_json::json;

use super::estate::Estate;

/// How many people the terminal names.
const SHOWN: usize = 5;

pub fn print(estate: &Estate) {
    let dc = &estate.dc;
    println!("\n  Portal   {}    reset a forgotten password here", estate.portal_url);
    println!("  Console  {}    run it: choose a password and a second factor", estate.console_url);
    println!("  Inbox    {}    the e-mails and text messages it sends\n", estate.inbox.url());
    println!("Forget the password of one of {} people of corp.example, for instance", dc.users.len());
    for user in dc.users.iter().take(SHOWN) {
        println!("  {:<16} {}", user.sign_in_name, user.display_name);
    }
    println!("  (all, with their first passwords: {})\n", dc.dir().join("users.csv").display());
    println!("Then sign in with the new one to the domain controller (Samba {}):", dc.version);
    let name = dc.users.first().map(|user| user.principal_name.as_str()).unwrap_or_default();
    println!("  LDAPTLS_CACERT={} ldapwhoami -x -W -H {} -D {name}\n", dc.ca_file.display(), dc.ldaps_url);
    println!("^C ends it.");
}

/// For other programs: appears whole, when all is ready, readable by us only.
pub fn write(file: &Path, estate: &Estate) -> Result<()> {
    let dc = &estate.dc;
    let user = |user: &crate::lab::samba::SampleUser| {
        json!({
            "sign_in_name": user.sign_in_name, "principal_name": user.principal_name, "display_name": user.display_name,
            "mail": user.mail, "mobile": user.mobile, "password": user.password,
            "disabled": user.disabled, "must_change": user.must_change,
        })
    };
    let content = json!({
        "portal_url": estate.portal_url,
        "console_url": estate.console_url,
        "inbox_url": estate.inbox.url(),
        "messages_url": format!("{}/messages.json", estate.inbox.url()),
        "users": dc.users.iter().map(user).collect::<Vec<_>>(),
        "directory": {
            "ldaps_url": dc.ldaps_url, "ca_file": dc.ca_file, "server_name": dc.server_name, "base_dn": dc.base_dn, "users_dn": dc.users_dn,
            "admin_upn": dc.admin_upn, "admin_password_file": dc.admin_password_file,
            "bind_dn": dc.bind_dn, "bind_password_file": dc.bind_password_file,
        },
        "pid": std::process::id(),
    });
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> Result<()> {
        // Made with 0600.
        let mut fresh = tempfile::NamedTempFile::new_in(parent)?;
        fresh.as_file().set_permissions(std::fs::Permissions::from_mode(0o600))?;
        serde_json::to_writer_pretty(&mut fresh, &content)?;
        fresh.write_all(b"\n")?;
        fresh.persist(file)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", file.display()))
}
