//! Manages the virtual machines of standalone ESXi hosts over SSH.

mod exit;
mod installed;
mod options;
mod runtime;
mod variables;

mod commands;

mod cli;

#[cfg(test)]
mod reference;

use std::process::ExitCode;

use crate::cli::Command;
use crate::commands::{
    access, crawler, dashboard, demo, doctor, executor, generate, healthcheck, openapi, parse,
    trust, up,
};

fn main() -> ExitCode {
    if let Err(error) = installed::become_service() {
        exit::complain(&error);
        return ExitCode::from(error.exit_code());
    }
    let cli = cli::parse();
    let result = match cli.command {
        Command::Up(args) => up::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Dashboard(args) => dashboard::run(&args),
        Command::Crawler(args) => crawler::run(&args),
        Command::Executor(args) => executor::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Trust(args) => trust::run(&args),
        Command::Parse(args) => parse::run(&args),
        Command::Openapi(args) => openapi::run(&args),
        Command::User(args) => access::user(&args),
        Command::Token(args) => access::token(&args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Generate(args) => generate::run(&args, cli::command()),
    };
    result.unwrap_or_else(|error| {
        exit::complain(&error);
        ExitCode::from(error.exit_code())
    })
}
