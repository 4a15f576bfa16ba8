//! The `.vmx` of a VM on its node, and the changed one beside it.

use std::time::Duration;

use ecoman_esxi::{Command, FILE_CHANGED, NO_FILE_MADE};
use ecoman_model::{TaskError, TaskErrorKind, TaskId, split_datastore_path};

use crate::job::{Job, refused};
use crate::reading::on_volume;

/// How long writing may take: some kilobytes; a busy datastore takes longer.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the configuration is.
pub(super) struct Configuration {
    /// The `.vmx`.
    pub(super) path: String,
    /// The changed one, until it takes the place of that one. It has the id of the task in its name,
    /// so that it is known whose it is.
    beside: String,
}

impl Configuration {
    /// That of a VM, by the node's own path (`[datastore1] web/web.vmx`); `None`: it is on no
    /// datastore.
    pub(super) fn of(vmx_path: &str, task: TaskId) -> Option<Self> {
        let (volume, below) = split_datastore_path(vmx_path)?;
        let mut parts = below.split('/');
        let is_plain = !volume.contains('/') && !parts.any(|part| matches!(part, "" | "." | ".."));
        let path = on_volume(vmx_path)?;
        is_plain.then(|| Self {
            beside: format!("{path}.ecoman-{task}"),
            path,
        })
    }

    /// What is in it.
    pub(super) async fn read(&self, job: &Job) -> Result<Vec<u8>, TaskError> {
        let content = self.read_file(job, &self.path).await?;
        if content.contains(&0) {
            // No shell takes it back.
            return Err(refused(
                format!(
                    "{} on {} holds a NUL byte, so it is no configuration that can be changed.",
                    self.path,
                    job.name()
                ),
                "Look at the file.",
            ));
        }
        Ok(content)
    }

    async fn read_file(&self, job: &Job, path: &str) -> Result<Vec<u8>, TaskError> {
        let doing = format!("Reading {path}");
        let output = job.ask(&Command::read_private_file(path)).await;
        let output = output.map_err(|error| job.lost(&doing, &error))?;
        if output.exit != 0 {
            return Err(job.failed(&doing, &output, None));
        }
        Ok(output.stdout)
    }

    /// Writes a configuration beside the one that is there.
    pub(super) async fn write_beside(&self, job: &Job, content: &[u8]) -> Result<(), TaskError> {
        let doing = format!("Writing {}", self.beside);
        let write = Command::write_beside(&self.path, &self.beside, content.to_vec());
        let run = async || {
            let output = job.act(&write, STEP_TIMEOUT).await;
            output.map_err(|error| job.lost(&doing, &error))
        };
        let mut output = run().await?;
        if output.exit == NO_FILE_MADE && self.discard_leftover(job).await {
            output = run().await?;
        }
        if output.exit != 0 {
            return Err(job.failed(&doing, &output, None));
        }
        if self.read_file(job, &self.beside).await? == content {
            return Ok(());
        }
        Err(TaskError {
            kind: TaskErrorKind::Node,
            message: format!(
                "{} on {} does not hold what was written to it.",
                self.beside,
                job.name()
            ),
            hint: "Look at the datastore's free space and health.".to_owned(),
            left: Vec::new(),
        })
    }

    /// Puts `new`, which is written beside it, in the place of `old`.
    pub(super) async fn replace(&self, job: &Job, old: &[u8], new: &[u8]) -> Result<(), TaskError> {
        let doing = format!("Putting the changed configuration at {}", self.path);
        let command = Command::replace_file(&self.path, &self.beside, old.to_vec());
        let error = match job.act(&command, STEP_TIMEOUT).await {
            Ok(output) if output.exit == 0 => return Ok(()),
            Ok(output) if output.exit == FILE_CHANGED => TaskError {
                kind: TaskErrorKind::VmChanged,
                message: format!(
                    "{} on {} was changed by somebody else since it was read.",
                    self.path,
                    job.name()
                ),
                hint: "Look at the VM as it is now and ask again.".to_owned(),
                left: Vec::new(),
            },
            Ok(output) => job.failed(&doing, &output, None),
            Err(error) => job.lost(&doing, &error),
        };
        // Whatever it said: the file itself shows whether it was done.
        match self.read(job).await {
            Ok(content) if content == new => Ok(()),
            Ok(_) => Err(error),
            Err(unread) => Err(TaskError {
                left: vec![format!(
                    "{} on {}, with the change or without: {}",
                    self.path,
                    job.name(),
                    unread.message
                )],
                ..error
            }),
        }
    }

    /// Removes what this task has written beside the configuration, in this run or before. Returns
    /// whether it is gone.
    pub(super) async fn discard_leftover(&self, job: &Job) -> bool {
        let looked = job.ask(&Command::exists(&self.beside)).await;
        match looked {
            Ok(output) if output.exit == 1 => true,
            Ok(_) => {
                let removed = job.ask(&Command::remove_file(&self.beside)).await;
                removed.is_ok_and(|output| output.exit == 0)
            }
            Err(_) => false,
        }
    }

    /// The error of a change that was given up before the configuration was replaced.
    pub(super) async fn unchanged(&self, job: &Job, mut error: TaskError) -> TaskError {
        if error.left.is_empty() {
            error.message += " Nothing was changed.";
        }
        if !self.discard_leftover(job).await {
            error
                .left
                .push(format!("{} on {}, perhaps.", self.beside, job.name()));
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_on_a_datastore() {
        let task = TaskId(uuid::Uuid::nil());
        let path = |vmx: &str| Configuration::of(vmx, task).map(|it| it.path);
        assert_eq!(
            path("[ds (1)] a] b/it's.vmx").as_deref(),
            Some("/vmfs/volumes/ds (1)/a] b/it's.vmx")
        );
        for elsewhere in [
            "",
            "[] /var/run/crx/infra/a/a.vmx",
            "[a] ../../etc/passwd",
            "[a] /etc/passwd",
            "[a/b] c.vmx",
            "/vmfs/volumes/a/b.vmx",
        ] {
            assert_eq!(path(elsewhere), None, "{elsewhere}");
        }
        let file = Configuration::of("[a] b/b.vmx", task).unwrap();
        assert!(
            file.beside
                .starts_with("/vmfs/volumes/a/b/b.vmx.ecoman-0000")
        );
    }
}
