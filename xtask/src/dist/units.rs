//! The units of systemd: one for everything, and one for each role.

use anyhow::{Result, ensure};

/// A unit, and in what it differs from the others.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) name: &'static str,
    command: &'static str,
    description: &'static str,
    /// Further lines of `[Unit]`.
    unit: &'static str,
    /// Further lines of `[Service]`.
    service: &'static str,
}

/// The units.
pub(crate) const UNITS: [Unit; 4] = [
    Unit {
        name: "ecoman.service",
        command: "up",
        description: "ECoMan: VMs of standalone ESXi nodes",
        unit: "ConditionPathExists=/etc/ecoman/hosts.yml",
        service: "",
    },
    Unit {
        name: "ecoman-crawler.service",
        command: "crawler",
        description: "ECoMan's crawler",
        unit: "ConditionPathExists=/etc/ecoman/hosts.yml\nConflicts=ecoman.service",
        service: "",
    },
    Unit {
        name: "ecoman-executor.service",
        command: "executor",
        description: "ECoMan's executor",
        unit: "ConditionPathExists=/etc/ecoman/hosts.yml\nConflicts=ecoman.service",
        service: "",
    },
    Unit {
        name: "ecoman-dashboard.service",
        command: "dashboard",
        description: "ECoMan's dashboard",
        unit: "Conflicts=ecoman.service",
        service: "# It speaks no SSH.\nInaccessiblePaths=-/etc/ecoman/ssh",
    },
];

impl Unit {
    /// Its file.
    ///
    /// # Errors
    ///
    /// The template asks for something that is not known.
    pub(crate) fn text(&self, template: &str) -> Result<String> {
        let mut text = template.to_owned();
        for (mark, value) in [
            ("@NAME@", self.name.trim_end_matches(".service")),
            ("@COMMAND@", self.command),
            ("@DESCRIPTION@", self.description),
            ("@UNIT@", self.unit),
            ("@SERVICE@", self.service),
        ] {
            ensure!(text.contains(mark), "the template of units lacks {mark}");
            text = text.replace(mark, value);
        }
        Ok(text.replace("\n\n\n", "\n\n"))
    }
}
