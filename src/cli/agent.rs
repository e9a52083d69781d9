//! `sspr agent`: without a subcommand the agent itself, on-premises; the other subcommands.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::{
        self, audit, enrol, mirror, rotation,
        setup::{
            self,
            finding::{Report, Severity},
        },
        state,
    },
    base::{
        clock::Clock,
        config::{Agent as Settings, Config},
    },
    cli::{conform, fleet, setup as cli_setup},
    wire::message::AuditHead,
};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// On-premises, once: make this agent's keys and enrol it with a one-time token.
    Enrol {
        /// File that holds the one-time token ("-": standard input).
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
        /// A name for people; the host's name if absent.
        #[arg(long)]
        name: Option<String>,
    },
    /// On-premises, first: a settings file, by questions or by flags; says what the directory lacks, and the commands that mend it.
    Setup(Box<cli_setup::Args>),
    /// On-premises, on Windows: as a service. Windows starts it.
    #[cfg(windows)]
    Service,
    /// On-premises: look at everything that must hold (settings, files, clocks, cloud, certificate, policy, rights), and say what to do
    /// where it does not. Changes nothing. Ends with 1 if there is a problem.
    Doctor {
        /// Look at every account that is served, not only at the first 5000.
        #[arg(long)]
        everybody: bool,
        /// For programs: codes, severities, texts and commands.
        #[arg(long)]
        json: bool,
    },
    /// On-premises: replace this agent's identity key now. A running agent is asked to, otherwise it is done here.
    Rotate,
    /// On-premises: whether the removal of very many people is held back, and let it happen.
    Mirror {
        /// It is meant: so many people really left. The running agent (or the next one) removes them in the cloud.
        #[arg(long)]
        accept_removals: bool,
    },
    /// On-premises: follow the chain of this agent's audit file, and say the first line that does not fit.
    Audit {
        /// What the cloud was last told (`sspr agent list --audit`): finds lines that were cut off at the end.
        #[arg(long, value_name = "LINES:HASH")]
        known: Option<String>,
    },
    /// Whether a server keeps the cloud's side of the protocol: the known answers and every rule, one line each.
    Conform(conform::Args),
    /// In the cloud.
    #[command(flatten)]
    Fleet(fleet::Command),
}

impl Args {
    /// Its findings are for somebody who reads them there and then: what goes well needs no log in between.
    pub const fn tells_a_person(&self) -> bool {
        matches!(self.command, Some(Command::Setup(_) | Command::Doctor { .. }))
    }

    /// Whether it must be begun before there is a runtime.
    #[cfg(windows)]
    pub const fn is_service(&self) -> bool {
        matches!(self.command, Some(Command::Service))
    }
}

pub async fn run(args: Args, config: Config, config_file: Option<PathBuf>) -> Result<()> {
    match args.command {
        None => {
            let stop = CancellationToken::new();
            let stopping = stop.clone();
            tokio::spawn(async move {
                super::asked_to_stop().await;
                stopping.cancel();
            });
            Box::pin(agent::run(config.agent, Clock::system(), stop)).await
        }
        Some(Command::Enrol { token_file, name }) => {
            let token = read_token(&token_file)?;
            let enrolled = enrol::enrol(&config.agent, &token, name.unwrap_or_else(host_name), Clock::system()).await?;
            println!("Enrolled as agent {}.\n", enrolled.me.agent);
            println!("Fingerprint of this machine's key:\n\n    {}\n", enrolled.fingerprint);
            println!("The agent serves nobody yet. Compare the fingerprint with the one the cloud shows, then confirm it there:\n");
            println!("    sspr agent confirm {} --fingerprint {}\n", enrolled.me.agent, enrolled.fingerprint);
            println!("Meanwhile start the agent here (it waits): sspr agent");
            Ok(())
        }
        Some(Command::Setup(args)) => Box::pin(cli_setup::run(*args)).await,
        Some(Command::Doctor { everybody, json }) => {
            let extent = setup::Extent { everybody, config_file: config_file.as_deref(), ..setup::Extent::default() };
            let report = setup::doctor(&config.agent, extent, &Clock::system()).await;
            tell(&report, json)?;
            ensure!(report.worst() < Severity::Problem, "{} of these must be mended", report.count(Severity::Problem));
            Ok(())
        }
        #[cfg(windows)]
        Some(Command::Service) => anyhow::bail!("Windows starts this"),
        Some(Command::Rotate) => {
            let fingerprint = rotation::rotate(&config.agent, Clock::system()).await?;
            println!("This agent has another identity key now. Its fingerprint, which the cloud shows too:\n\n    {fingerprint}");
            Ok(())
        }
        Some(Command::Mirror { accept_removals }) => removals(&config.agent, accept_removals),
        Some(Command::Audit { known }) => check_audit(&config.agent, known.as_deref()),
        Some(Command::Conform(args)) => Box::pin(conform::run(args)).await,
        Some(Command::Fleet(command)) => fleet::run(command, config).await,
    }
}

fn tell(report: &Report, json: bool) -> Result<()> {
    let text = if json {
        format!("{:#}\n", report.json())
    } else {
        let [problems, warnings] = [Severity::Problem, Severity::Warning].map(|severity| report.count(severity));
        format!("{}\n{problems} problems, {warnings} warnings. What each code means: docs/error-codes.md\n", report.text())
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing what was found"),
    }
}

fn removals(settings: &Settings, accept: bool) -> Result<()> {
    let dir = &settings.state_dir;
    ensure!(state::look(dir)?.is_some(), "{} holds no enrolled agent: is this its settings' agent.state_dir?", dir.display());
    let held = if accept { mirror::accept(dir)? } else { mirror::held(dir)? };
    let Some(mirror::Held { people, known, .. }) = held else {
        println!("Nobody's removal is held back.");
        return Ok(());
    };
    println!("{people} of {known} people are missing in the directory.");
    if accept || mirror::is_accepted(dir) {
        println!("Accepted: the agent removes them in the cloud when it has next counted who is there.");
    } else {
        println!("Nobody is removed in the cloud until that is confirmed: sspr agent mirror --accept-removals");
    }
    Ok(())
}

fn check_audit(settings: &Settings, known: Option<&str>) -> Result<()> {
    let known = known.map(|text| {
        let (lines, head) = text.split_once(':').context("--known must be as `sspr agent list --audit` shows it: LINES:HASH")?;
        anyhow::Ok(AuditHead { lines: lines.parse().context("--known: the number of lines")?, head: head.to_owned() })
    });
    let (path, known) = (audit::path(settings), known.transpose()?);
    let head = audit::check_file(&path, known.as_ref())?.with_context(|| format!("{} does not hold", path.display()))?;
    println!("{}: {} lines, each following from the one before. The last is {}:{}", path.display(), head.lines, head.lines, head.head);
    if known.is_none() {
        println!("Whether lines were cut off at the end shows only against what the cloud was told: --known");
    }
    Ok(())
}

fn read_token(file: &Path) -> Result<SecretString> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("reading the token from standard input")?;
    } else {
        text = fs::read_to_string(file).with_context(|| format!("reading the token from {}", file.display()))?;
    }
    let token = text.trim();
    ensure!(!token.is_empty(), "{} holds no token: it is empty (in the cloud: sspr agent token CONNECTOR > token)", file.display());
    Ok(SecretString::from(token.to_owned()))
}

/// As people know this machine.
fn host_name() -> String {
    let name = if cfg!(windows) {
        std::env::var_os("COMPUTERNAME").and_then(|name| name.into_string().ok()).unwrap_or_default()
    } else {
        fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default()
    };
    if name.trim().is_empty() { "agent".to_owned() } else { name.trim().to_owned() }
}
