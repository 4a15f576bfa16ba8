//! Manages the virtual machines of many standalone ESXi nodes over SSH.

mod access;
mod cli;
mod crawler;
mod dashboard;
mod demo;
mod doctor;
mod executor;
mod healthcheck;
mod logging;
mod openapi;
mod parse;
mod shutdown;
mod store;
mod trust;
mod up;

use std::process::ExitCode;

use crate::cli::Command;

fn main() -> ExitCode {
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
    };
    result.unwrap_or_else(|error| {
        cli::complain(&error);
        ExitCode::from(error.exit_code())
    })
}
