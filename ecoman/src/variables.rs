//! The variables, as the command line declares them: for the reference and the packages.

use std::collections::BTreeSet;

use clap::{Arg, Command};

use crate::options::secret_files;

/// All commands as `--help` shows them, on every terminal and in every environment alike.
pub(crate) fn plain(command: Command) -> Command {
    command
        .term_width(100)
        .mut_args(|argument| argument.hide_env_values(true))
        .mut_subcommands(plain)
}

/// The commands that do something, with their names: `user add`.
pub(crate) fn leaves(command: &Command) -> Vec<(String, &Command)> {
    fn below<'a>(command: &'a Command, before: &str, found: &mut Vec<(String, &'a Command)>) {
        let is_shown = |c: &&Command| c.get_name() != "help" && !c.is_hide_set();
        for command in command.get_subcommands().filter(is_shown) {
            let name = format!("{before}{}", command.get_name());
            if command.has_subcommands() {
                below(command, &format!("{name} "), found);
            } else {
                found.push((name, command));
            }
        }
    }
    let mut found = Vec::new();
    below(command, "", &mut found);
    found
}

/// A variable as one or several commands read it.
pub(crate) struct Variable {
    pub(crate) heading: String,
    pub(crate) name: String,
    /// In backticks where it is a value; words otherwise.
    pub(crate) default: String,
    pub(crate) meaning: String,
    /// The commands.
    pub(crate) read_by: BTreeSet<String>,
}

/// The variables in the order of the commands and of their options.
pub(crate) fn variables(program: &Command) -> Vec<Variable> {
    let mut variables: Vec<Variable> = Vec::new();
    for (command, options) in leaves(program) {
        let role = command.split(' ').next().unwrap_or_default();
        for option in secret_files::in_order(options) {
            let Some(name) = option.get_env() else {
                continue;
            };
            let name = name.to_string_lossy();
            let (meaning, default) = meaning(option);
            let known = variables.iter_mut().find(|known| {
                known.name == name && known.meaning == meaning && known.default == default
            });
            if let Some(known) = known {
                known.read_by.insert(role.to_owned());
                continue;
            }
            let heading = option.get_help_heading().unwrap_or("Health");
            variables.push(Variable {
                heading: heading.to_owned(),
                name: name.into_owned(),
                default,
                meaning,
                read_by: BTreeSet::from([role.to_owned()]),
            });
        }
    }
    variables
}

/// What a variable means, and its default.
fn meaning(option: &Arg) -> (String, String) {
    let help = option.get_help().map(ToString::to_string);
    let help = help.unwrap_or_default().replace('|', "\\|");
    let (help, named) = match help.split_once(" [default: ") {
        Some((help, default)) => (help, default.trim_end_matches(']')),
        None => (help.as_str(), ""),
    };
    let values: Vec<&str> = option
        .get_default_values()
        .iter()
        .filter_map(|value| value.to_str())
        .collect();
    let default = match values.join(",") {
        values if values.is_empty() => named.to_owned(),
        values => format!("`{values}`"),
    };
    let possible: Vec<String> = option
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let possible = match possible.as_slice() {
        [] => String::new(),
        values => format!(" ({})", values.join(", ")),
    };
    (format!("{help}{possible}"), default)
}

/// Their headings, each once.
pub(crate) fn headings(variables: &[Variable]) -> Vec<&str> {
    let mut headings: Vec<&str> = Vec::new();
    for variable in variables {
        if !headings.contains(&variable.heading.as_str()) {
            headings.push(&variable.heading);
        }
    }
    headings
}
