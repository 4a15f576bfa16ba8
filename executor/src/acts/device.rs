//! Changing what a device of a VM is connected to: the ISO image in its CD/DVD drive, the port group of a
//! network adapter.

use ecoman_api::text::EN;
use ecoman_esxi::{Command, VmxCdrom, parse, vmx_devices, vmx_value};
use ecoman_model::{Act, CdromChange, FieldFault, NicMove, Situation, StepState, TaskError, Vmid};

use super::last_look::changed;
use super::vmx_change::{self, Before, Change, LOOK, READ, STEPS, Shown, carry_out};
use crate::job::{Job, refused};
use crate::volumes::Volumes;

/// Puts an ISO image into a CD/DVD drive, or takes it out.
pub(super) async fn change_cdrom(job: &Job, act: &CdromChange) -> Result<(), TaskError> {
    check(act.clone().check())?;
    change(job, act, act.vmid, async |vm, old| {
        cdrom_values(job, act, vm, old).await
    })
    .await
}

/// Moves a network adapter to another port group.
pub(super) async fn move_nic(job: &Job, act: &NicMove) -> Result<(), TaskError> {
    check(act.clone().check())?;
    change(job, act, act.vmid, async |vm, old| {
        nic_values(job, act, vm, old).await
    })
    .await
}

/// Looks, and gives the keys of the `.vmx` the values that `wanted` finds for them.
async fn change(
    job: &Job,
    act: &(dyn Act + Sync),
    vmid: Vmid,
    wanted: impl AsyncFnOnce(&Before, &[u8]) -> Result<Vec<(String, String)>, TaskError>,
) -> Result<(), TaskError> {
    job.plan(STEPS);
    let doing = format!("The change of VM {vmid} on {}", job.name());
    let preparing = async {
        let (vm, old) = begin(job, act, vmid).await?;
        let values = wanted(&vm, &old).await?;
        Ok((vm, old, values))
    };
    let (vm, old, values) = job.unless_cancelled(&doing, preparing).await?;
    finish(job, &vm, old, values, &doing).await
}

/// The dashboard has checked it too; this is the last check before the node.
fn check<T>(checked: Result<T, Vec<FieldFault>>) -> Result<(), TaskError> {
    checked.map(|_| ()).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        cannot(&faults.join("; "))
    })
}

fn cannot(why: &str) -> TaskError {
    refused(
        format!("The VM cannot be changed: {why}. Nothing was changed."),
        "Change what is named and ask again.",
    )
}

/// Looks at the VM, and reads its `.vmx`.
async fn begin(
    job: &Job,
    act: &(dyn Act + Sync),
    vmid: Vmid,
) -> Result<(Before, Vec<u8>), TaskError> {
    job.begin(LOOK);
    let vm = vmx_change::look(job, vmid).await?;
    // Of a run that has died since, or nothing.
    vm.file.discard_leftover(job).await;
    let situation = Situation {
        power: vm.power,
        connection_state: vm.facts.connection_state.as_deref(),
        ..Situation::default()
    };
    act.may(&situation).map_err(|refusal| {
        let why = (EN.refusals.sentence)(&refusal);
        refused(
            format!("{} on {}: {why}", vm.name, job.name()),
            "Look at the VM as it is now and decide again.",
        )
    })?;
    job.step(LOOK, StepState::Done, Some(format!("It is {}.", vm.power)));
    job.begin(READ);
    let old = vm.file.read(job).await?;
    Ok((vm, old))
}

/// Makes the change of these keys.
async fn finish(
    job: &Job,
    vm: &Before,
    old: Vec<u8>,
    values: Vec<(String, String)>,
    doing: &str,
) -> Result<(), TaskError> {
    let former = values.iter().map(|(key, _)| {
        let value = vmx_value(&old, key).unwrap_or_default();
        (key.clone(), value)
    });
    let keys = Keys {
        former: former.collect(),
        wanted: values,
    };
    let detail = match keys.changes().join("; ") {
        none if none.is_empty() => "It is so already.".to_owned(),
        changes => changes,
    };
    let change = Change::of(job, vm, old, &keys.wanted)?;
    job.step(READ, StepState::Done, Some(detail));
    carry_out(job, vm, &change, &keys, doing).await
}

/// Keys of a `.vmx` with their values: the node writes the file again where it does not like it.
struct Keys {
    former: Vec<(String, String)>,
    wanted: Vec<(String, String)>,
}

impl Keys {
    fn changes(&self) -> Vec<String> {
        let both = self.former.iter().zip(&self.wanted);
        both.filter(|((_, former), (_, wanted))| former != wanted)
            .map(|((key, former), (_, wanted))| format!("{key}: {former:?} → {wanted:?}"))
            .collect()
    }
}

/// Which keys have another value in the file now.
async fn differing(
    job: &Job,
    vm: &Before,
    values: &[(String, String)],
) -> Result<Vec<String>, TaskError> {
    let content = vm.file.read(job).await?;
    let differing = values.iter().filter_map(|(key, value)| {
        let now = vmx_value(&content, key).unwrap_or_default();
        (now != *value).then(|| format!("{key}: {now:?} → {value:?}"))
    });
    Ok(differing.collect())
}

impl Shown for Keys {
    /// No command shows devices, so the node is made to read the file.
    fn is_shown(&self) -> bool {
        false
    }

    fn is_asked_of_node(&self) -> bool {
        false
    }

    async fn differs(&self, job: &Job, vm: &Before) -> Result<Vec<String>, TaskError> {
        differing(job, vm, &self.wanted).await
    }

    async fn is_not_back(&self, job: &Job, vm: &Before) -> Result<Vec<String>, TaskError> {
        differing(job, vm, &self.former).await
    }
}

/// What an image in the drive, or none, is in a `.vmx`.
async fn cdrom_values(
    job: &Job,
    act: &CdromChange,
    vm: &Before,
    old: &[u8],
) -> Result<Vec<(String, String)>, TaskError> {
    let devices = vmx_devices(old);
    let mut drives = devices.cdroms.iter();
    let drive = match &act.drive {
        Some(key) => drives.find(|drive| drive.key == *key),
        None => drives.next(),
    };
    let Some(drive) = drive else {
        let which = act.drive.as_ref().map(|key| format!(" {key}"));
        let which = which.unwrap_or_default();
        let name = &vm.name;
        return Err(cannot(&format!(
            "{name} on {} has no CD/DVD drive{which}",
            job.name()
        )));
    };
    let doing = format!("Looking at the images of {}", job.name());
    let lost = |error| job.lost(&doing, &error);
    let volumes = job.ask(&Command::filesystems()).await.map_err(lost)?;
    let read = parse::filesystem_list(&volumes.stdout);
    let read = read.map_err(|error| job.failed(&doing, &volumes, Some(&error)))?;
    let now = image(&Volumes(read.rows), vm, drive);
    let wanted = act.iso_path.clone().filter(|path| !path.is_empty());
    let seen = act.if_iso_path.as_ref();
    if seen.is_some_and(|seen| *seen != now.clone().unwrap_or_default()) && now != wanted {
        let now = now.as_deref().unwrap_or("no image");
        return Err(changed(
            job,
            &format!("The drive {}, with {now} in it now,", drive.key),
        ));
    }
    if let Some(path) = &wanted {
        let looked = job.ask(&Command::is_file(path)).await.map_err(lost)?;
        if looked.exit != 0 {
            return Err(cannot(&format!(
                "there is no ISO image {path} on {}",
                job.name()
            )));
        }
    }
    let key = |name: &str| format!("{}.{name}", drive.key);
    let mut values = match wanted {
        Some(path) => vec![
            (key("deviceType"), "cdrom-image".to_owned()),
            (key("fileName"), path),
            (key("startConnected"), "TRUE".to_owned()),
        ],
        // Empty already, in whichever way.
        None if drive.image.is_none() => vec![],
        None => {
            let is_scsi = drive.key.as_str().starts_with("scsi");
            let kind = if is_scsi { "cdrom-raw" } else { "atapi-cdrom" };
            vec![
                (key("deviceType"), kind.to_owned()),
                (key("fileName"), "auto detect".to_owned()),
                (key("startConnected"), "FALSE".to_owned()),
            ]
        }
    };
    // A drive of the client that shows the console has no image.
    let of_client = vmx_value(old, &key("clientDevice"));
    if !values.is_empty() && of_client.is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        values.push((key("clientDevice"), "FALSE".to_owned()));
    }
    Ok(values)
}

/// The image in a drive, as the hardware of the VM shows it.
fn image(volumes: &Volumes, vm: &Before, drive: &VmxCdrom) -> Option<String> {
    let directory = vm
        .file
        .path
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let image = drive.image.as_ref()?;
    Some(volumes.shown(&volumes.resolved(image, directory)))
}

async fn nic_values(
    job: &Job,
    act: &NicMove,
    vm: &Before,
    old: &[u8],
) -> Result<Vec<(String, String)>, TaskError> {
    let devices = vmx_devices(old);
    let nic = devices.nics.iter().find(|nic| nic.key == act.nic);
    let Some(nic) = nic else {
        let (name, key) = (&vm.name, &act.nic);
        return Err(cannot(&format!(
            "{name} on {} has no network adapter {key}",
            job.name()
        )));
    };
    let now = nic.network.clone().unwrap_or_default();
    if act.if_network.as_ref().is_some_and(|seen| *seen != now) && now != act.network {
        return Err(changed(
            job,
            &format!("The adapter {}, in {now:?} now,", nic.key),
        ));
    }
    if nic.is_of_other_switch {
        return Err(cannot(&format!(
            "{} is not on a standard switch of the host",
            nic.key
        )));
    }
    let doing = format!("Looking at the port groups of {}", job.name());
    let groups = job.ask(&Command::port_groups()).await;
    let groups = groups.map_err(|error| job.lost(&doing, &error))?;
    let read = parse::port_groups(&groups.stdout);
    let read = read.map_err(|error| job.failed(&doing, &groups, Some(&error)))?;
    if !read.rows.iter().any(|group| group.name == act.network) {
        let known: Vec<&str> = read.rows.iter().map(|group| group.name.as_str()).collect();
        return Err(cannot(&format!(
            "{} has no port group {:?}; it has {}",
            job.name(),
            act.network,
            known.join(", ")
        )));
    }
    Ok(vec![(
        format!("{}.networkName", nic.key),
        act.network.clone(),
    )])
}
