//! `ecoman user` and `ecoman token`: who may use the dashboard.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use chrono::{SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand};
use ecoman_access::{Access, AccessError, NewToken, TokenFault, User, UserFault};
use ecoman_backend::AccessDirectoryArgs;
use ecoman_model::{Grant, NodeName, Role, Timestamp};
use uuid::Uuid;

use crate::exit::{Failure, chain};
use crate::options::store::DataArgs;

/// Where users and tokens are.
#[derive(Args, Clone, Debug)]
pub(crate) struct DirectoryArgs {
    #[command(flatten)]
    directory: AccessDirectoryArgs,

    #[command(flatten)]
    data: DataArgs,
}

/// The role and nodes to grant.
#[derive(Args, Clone, Debug)]
struct GrantArgs {
    /// viewer: read only; operator: + power; admin: + create VMs, users, tokens
    #[arg(long)]
    role: Role,

    /// Only on these hosts (names of hosts.yml), separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NODE")]
    nodes: Vec<NodeName>,
}

/// Users and their roles.
#[derive(Args, Debug)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Adds a user; prompts for the password, or reads it from standard input
    Add {
        /// 1 to 64 letters, digits and . _ - + @
        name: String,

        #[command(flatten)]
        grant: GrantArgs,

        /// For a user who signs in through the proxy, or only owns tokens
        #[arg(long)]
        no_password: bool,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Changes a user's role or hosts; takes effect at once, also for sessions and tokens
    Set {
        /// Name of the user
        name: String,

        #[command(flatten)]
        grant: GrantArgs,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Changes a user's password and ends their sessions; their API tokens stay valid
    Passwd {
        /// Name of the user
        name: String,

        /// Also revokes their API tokens
        #[arg(long)]
        revoke_tokens: bool,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Removes a user with their sessions and tokens
    Rm {
        /// Name of the user
        name: String,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Lists the users
    List {
        #[command(flatten)]
        directory: DirectoryArgs,
    },
}

/// API tokens.
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Creates a token and prints its secret, which is not shown again
    Create {
        /// Description, shown in the list
        name: String,

        /// User that it acts for
        #[arg(long)]
        user: String,

        /// Its role; never more than its user's
        #[arg(long, default_value = "viewer")]
        role: Role,

        /// Only on these hosts (names of hosts.yml), separated by commas [default: all of its
        /// user's]
        #[arg(long, value_delimiter = ',', value_name = "NODE")]
        nodes: Vec<NodeName>,

        /// Days until it expires
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Lists the tokens
    List {
        #[command(flatten)]
        directory: DirectoryArgs,
    },
    /// Revokes a token
    Revoke {
        /// Its ID, as in the list
        id: Uuid,

        #[command(flatten)]
        directory: DirectoryArgs,
    },
}

impl DirectoryArgs {
    fn open(&self) -> Access {
        Access::new(&self.directory.path(&self.data.ecoman_data))
    }
}

impl GrantArgs {
    fn grant(&self) -> Grant {
        grant(self.role, &self.nodes)
    }
}

/// Changes or lists users.
///
/// # Errors
///
/// A name, password or role that cannot be, exit code 2; files that cannot be read or written.
pub(crate) fn user(args: &UserArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        UserCommand::Add {
            name,
            grant,
            no_password,
            directory,
        } => {
            let access = directory.open();
            let password = match no_password {
                true => None,
                false => Some(new_password(name)?),
            };
            access
                .add_user(name, grant.grant(), password.as_deref(), Utc::now())
                .map_err(|fault| user_failure(&fault))?;
            say(format_args!(
                "User {name}: role {}.",
                described(&grant.grant())
            ))
        }
        UserCommand::Set {
            name,
            grant,
            directory,
        } => {
            directory
                .open()
                .change_user(name, Some(grant.grant()), None, Utc::now())
                .map_err(|fault| user_failure(&fault))?;
            say(format_args!(
                "User {name}: role {}.",
                described(&grant.grant())
            ))
        }
        UserCommand::Passwd {
            name,
            revoke_tokens,
            directory,
        } => {
            let access = directory.open();
            if access
                .user(name)
                .map_err(|error| failure(&error))?
                .is_none()
            {
                return Err(user_failure(&UserFault::Unknown(name.clone())));
            }
            let password = new_password(name)?;
            access
                .change_user(name, None, Some(&password), Utc::now())
                .map_err(|fault| user_failure(&fault))?;
            let tokens = tokens_after_passwd(&access, name, *revoke_tokens)?;
            say(format_args!(
                "User {name}: password changed, signed out everywhere.{tokens}"
            ))
        }
        UserCommand::Rm { name, directory } => {
            let access = directory.open();
            access
                .remove_user(name)
                .map_err(|fault| user_failure(&fault))?;
            say(format_args!("User {name} removed."))
        }
        UserCommand::List { directory } => {
            let users = directory.open().users().map_err(|error| failure(&error))?;
            let row = |(name, user): (String, User)| {
                [
                    name,
                    user.grant.role.to_string(),
                    nodes(&user.grant),
                    time(user.password_since),
                ]
            };
            let rows = users.into_iter().map(row).collect();
            table(["USER", "ROLE", "HOSTS", "PASSWORD CHANGED"], rows)
        }
    }
}

/// Changes or lists tokens.
///
/// # Errors
///
/// As [`user`].
pub(crate) fn token(args: &TokenArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        TokenCommand::Create {
            name,
            user,
            role,
            nodes,
            days,
            directory,
        } => {
            let access = directory.open();
            let owner = access.user(user).map_err(|error| failure(&error))?;
            let owner = owner.ok_or_else(|| user_failure(&UserFault::Unknown(user.clone())))?;
            let mut grant = grant(*role, nodes);
            if grant.nodes.is_none() {
                grant.nodes.clone_from(&owner.grant.nodes);
            }
            let now = Utc::now();
            let new = NewToken {
                made_by: None,
                name: name.clone(),
                owner: user.clone(),
                owner_is_listed: true,
                owner_grant: owner.grant,
                grant,
                expires_at: Some(now + TimeDelta::days((*days).into())),
            };
            let made = access.create_token(new, now);
            let (id, token, secret) = made.map_err(|fault| token_failure(&fault))?;
            note(format_args!(
                "Token {id} created for user {user}: {}, expires {}. Copy it now, it is not shown \
                 again:",
                described(&token.grant),
                time(token.expires_at)
            ));
            say(secret.reveal())
        }
        TokenCommand::List { directory } => {
            let tokens = directory.open().tokens();
            let tokens = tokens.map_err(|error| failure(&error))?;
            let rows = tokens
                .into_iter()
                .map(|(id, token)| {
                    [
                        id.to_string(),
                        token.name,
                        token.owner,
                        token.grant.role.to_string(),
                        nodes(&token.grant),
                        time(token.expires_at),
                        time(token.last_used_at),
                        token
                            .made_by
                            .map_or_else(|| "–".to_owned(), |id| id.to_string()),
                    ]
                })
                .collect();
            table(
                [
                    "ID",
                    "NAME",
                    "USER",
                    "ROLE",
                    "HOSTS",
                    "EXPIRES",
                    "LAST USED",
                    "CREATED WITH",
                ],
                rows,
            )
        }
        TokenCommand::Revoke { id, directory } => {
            let revoked = directory.open().revoke_token(*id);
            let revoked = revoked.map_err(|error| failure(&error))?;
            let Some((token, made)) = revoked.split_first() else {
                return Err(Failure::configuration(format!("no token with ID {id}")));
            };
            let made = match made.len() {
                0 => String::new(),
                count => format!(" Tokens created with it, also revoked: {count}."),
            };
            say(format_args!(
                "Token {:?} of user {} revoked.{made}",
                token.name, token.owner
            ))
        }
    }
}

/// What becomes of the tokens of a user with another password, in a sentence.
fn tokens_after_passwd(access: &Access, name: &str, revoke: bool) -> Result<String, Failure> {
    let count = if revoke {
        access.revoke_tokens_of(name)
    } else {
        let tokens = access.tokens();
        tokens.map(|tokens| tokens.values().filter(|token| token.owner == name).count())
    };
    Ok(match (count.map_err(|error| failure(&error))?, revoke) {
        (0, _) => String::new(),
        (count, true) => format!(" API tokens revoked: {count}."),
        (count, false) => format!(
            " API tokens still valid: {count}. List them with `ecoman token list`; revoke them \
             with `ecoman user passwd {name} --revoke-tokens`."
        ),
    })
}

/// A new password: asked for twice on a terminal, else the first line of standard input.
fn new_password(name: &str) -> Result<String, Failure> {
    let unreadable = |error| Failure::configuration(format!("cannot read the password: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin()
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let line = text.lines().next().unwrap_or_default().to_owned();
        if line.is_empty() {
            return Err(Failure::configuration(
                "no password on standard input; run this on a terminal, or pipe the password in",
            ));
        }
        return Ok(line);
    }
    let ask = |prompt: String| rpassword::prompt_password(prompt).map_err(unreadable);
    let password = ask(format!("New password for {name}: "))?;
    if ask("Repeat the password: ".to_owned())? != password {
        return Err(Failure::configuration("The passwords do not match."));
    }
    Ok(password)
}

fn grant(role: Role, nodes: &[NodeName]) -> Grant {
    Grant {
        role,
        nodes: (!nodes.is_empty()).then(|| nodes.iter().cloned().collect()),
    }
}

/// `operator on hoge, fuga`
fn described(grant: &Grant) -> String {
    match grant.nodes {
        None => grant.role.to_string(),
        Some(_) => format!("{} on {}", grant.role, nodes(grant)),
    }
}

fn nodes(grant: &Grant) -> String {
    match &grant.nodes {
        None => "all".to_owned(),
        Some(nodes) => {
            let names: Vec<_> = nodes.iter().map(NodeName::as_str).collect();
            names.join(", ")
        }
    }
}

fn time(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "–".to_owned(),
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

fn user_failure(fault: &UserFault) -> Failure {
    match fault {
        UserFault::Access(error) => failure(error),
        other => Failure::configuration(other),
    }
}

fn token_failure(fault: &TokenFault) -> Failure {
    match fault {
        TokenFault::Access(error) => failure(error),
        other => Failure::configuration(other),
    }
}

fn failure(error: &AccessError) -> Failure {
    Failure::runtime(chain(error))
}

/// Prints a result to standard output.
fn say(line: impl std::fmt::Display) -> Result<ExitCode, Failure> {
    writeln!(std::io::stdout(), "{line}")
        .map(|()| ExitCode::SUCCESS)
        .map_err(|error| Failure::runtime(format!("cannot write: {error}")))
}

/// Prints a note to standard error: it must not get into a script's variable.
#[expect(clippy::print_stderr, reason = "it is for the person at the terminal")]
fn note(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

/// Columns as wide as they have to be.
fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> Result<ExitCode, Failure> {
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    let mut widths = [0; N];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    say(text.trim_end())
}
