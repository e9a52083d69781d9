//! A private OpenID provider: oidc-provider, which the OpenID Foundation has certified, with its own sign-in page. `bin/setup` fetches it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::watchdog::Watchdog;
use crate::base::id;

const PROGRAM: &str = include_str!("../../lab/oidc/provider.mjs");
const PACKAGES: &str = include_str!("../../lab/oidc/package-lock.json");

/// `$1` directory, rest: the program's arguments. It says its issuer in one line.
const SCRIPT: &str = r#"
dir=$1; shift
mkfifo "$dir/said"
node "$dir/provider.mjs" "$@" </dev/null >"$dir/said" 2>"$dir/complaints" &
server=$!
exec 3<"$dir/said"
read -r issuer <&3 || issuer=
while read -r word; do echo "$issuer"; done
kill -KILL "$server" 2>/dev/null
wait "$server"
rm -rf -- "$dir"
"#;

pub struct Oidc {
    pub issuer: String,
    _watchdog: Watchdog,
}

impl Oidc {
    /// `clients`: as OpenID Connect Dynamic Client Registration has them. `accounts`: by sign-in name, each `{ "claims": …, "login": … }`, what
    /// the provider says of them and how they have proven themselves (`amr`, `acr`); any password will do.
    pub fn start(clients: &Value, accounts: &Value) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("sspr-oidc-").tempdir().context("making a directory")?.keep();
        fs::write(dir.join("provider.mjs"), PROGRAM)?;
        let (modules, setup) = (modules()?, json!({ "clients": clients, "accounts": accounts }).to_string());
        let args = [dir.as_os_str(), modules.as_os_str(), OsStr::new(&setup)];
        let watchdog = Watchdog::start(SCRIPT, args, |_| ())?;
        let issuer = watchdog.ask("where")?;
        let complaints = || fs::read_to_string(dir.join("complaints")).unwrap_or_default();
        ensure!(issuer.starts_with("http://"), "the OpenID provider did not start: {}", complaints());
        Ok(Self { issuer, _watchdog: watchdog })
    }
}

/// Where `bin/setup` has put this very list of packages.
fn modules() -> Result<PathBuf> {
    let name = format!("sspr-lab/oidc-{}/node_modules", &data_encoding::HEXLOWER.encode(&id::sha256(PACKAGES.as_bytes()))[..16]);
    let own = std::env::home_dir().map(|home| home.join(".cache").join(&name));
    let mut places = [Some(Path::new("/var/cache").join(&name)), own].into_iter().flatten();
    places.find(|place| place.is_dir()).context("the OpenID provider of the tests is missing: run bin/setup")
}
