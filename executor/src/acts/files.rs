//! Where a new VM's files are, and how the node itself names that place.

use ecoman_esxi::Command;
use ecoman_esxi::parse::VmRow;
use ecoman_model::{Datastore, NewVm, NodeSettings};

const VOLUMES: &str = "/vmfs/volumes/";

/// Where a VM's files are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The directory that holds those of all new VMs.
    pub(crate) base: String,
    pub(crate) directory: String,
    pub(crate) vmx: String,
    pub(crate) disk: String,
    /// The VM's name, with which the names of its files begin.
    pub(crate) stem: String,
    /// The part of the path that is the volume: its name or its UUID.
    volume: String,
    /// `DIRECTORY/NAME.vmx` below the volume, as the node's own paths end.
    below_volume: String,
    /// What the node may call the volume in its own paths.
    labels: Vec<String>,
    /// Whether the volume is known to be one of vSAN or vVol.
    keeps_objects: bool,
}

impl Files {
    /// The files of a new VM: on its datastore, or in `datastore_path` of hosts.yml.
    pub(crate) fn of_new(settings: &NodeSettings, vm: &NewVm) -> Self {
        Self::of(&vm.parent_directory(settings), &vm.name)
    }

    /// The files of a VM in a directory for several.
    pub(crate) fn of(base: &str, name: &str) -> Self {
        // As the node writes it.
        let parts = base.split('/').filter(|part| !matches!(*part, "" | "."));
        let base: String = parts.map(|part| format!("/{part}")).collect();
        let directory = format!("{base}/{name}");
        let vmx = format!("{directory}/{name}.vmx");
        let path = vmx.strip_prefix(VOLUMES).unwrap_or(&vmx);
        let (volume, below_volume) = path.split_once('/').unwrap_or(("", path));
        Self {
            volume: volume.to_owned(),
            below_volume: below_volume.to_owned(),
            labels: vec![volume.to_owned()],
            keeps_objects: false,
            disk: format!("{directory}/{name}.vmdk"),
            stem: name.to_owned(),
            base,
            directory,
            vmx,
        }
    }

    /// The files of a VM in a directory of its own; `None` if that cannot be one.
    pub(crate) fn within(directory: &str, name: &str) -> Option<Self> {
        let base = directory.strip_suffix(name)?.strip_suffix('/')?;
        (base.starts_with(VOLUMES) && !base.contains("/../")).then(|| Self::of(base, name))
    }

    /// File name of the configuration.
    pub(crate) fn vmx_name(&self) -> String {
        format!("{}.vmx", self.stem)
    }

    /// File name of the disk's descriptor.
    pub(crate) fn disk_name(&self) -> String {
        format!("{}.vmdk", self.stem)
    }

    /// File names of the disk: its descriptor and its content.
    pub(crate) fn disk_names(&self) -> [String; 2] {
        [self.disk_name(), format!("{}-flat.vmdk", self.stem)]
    }

    /// Learns what the node calls the volume. False: it has none of the kind, or cannot use it.
    pub(crate) fn find_volume(&mut self, datastores: &[Datastore]) -> bool {
        let found = datastores.iter().find(|datastore| {
            let uuid = datastore.path.strip_prefix(VOLUMES);
            datastore.accessible
                && (datastore.name.as_deref() == Some(&self.volume) || uuid == Some(&self.volume))
        });
        let Some(found) = found else {
            return false;
        };
        let uuid = found.path.strip_prefix(VOLUMES).map(str::to_owned);
        self.labels = found.name.clone().into_iter().chain(uuid).collect();
        self.keeps_objects = found.keeps_objects();
        true
    }

    /// Whether the directory is an object of vSAN or vVol, which has commands of its own: those at
    /// the top of the volume are.
    fn is_object(&self) -> bool {
        self.keeps_objects && self.base.strip_prefix(VOLUMES) == Some(&self.volume)
    }

    /// Makes the directory.
    pub(crate) fn make_directory(&self) -> Command {
        if self.is_object() {
            Command::make_object_directory(&self.directory)
        } else {
            Command::make_directory(&self.directory)
        }
    }

    /// Removes the directory, which must be empty.
    pub(crate) fn remove_directory(&self) -> Command {
        if self.is_object() {
            Command::remove_object_directory(&self.directory)
        } else {
            Command::remove_directory(&self.directory)
        }
    }

    /// Whether a VM of the node's list is registered with them.
    pub(crate) fn are_of(&self, row: &VmRow) -> bool {
        let path = row.vmx_path.as_deref();
        path.is_some_and(|path| self.is_at(path))
    }

    /// Whether the node's own path (`[datastore1] web/web.vmx`) is that of this VM.
    fn is_at(&self, vmx_path: &str) -> bool {
        let volume = vmx_path
            .strip_suffix(&self.below_volume)
            .and_then(|volume| volume.strip_prefix('['))
            .and_then(|volume| volume.strip_suffix("] "));
        volume.is_some_and(|volume| self.labels.iter().any(|label| label == volume))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datastore(name: &str, uuid: &str, accessible: bool) -> Datastore {
        Datastore {
            name: Some(name.to_owned()),
            path: format!("{VOLUMES}{uuid}"),
            kind: "VMFS-6".to_owned(),
            accessible,
            capacity_bytes: None,
            free_bytes: None,
        }
    }

    #[test]
    fn a_node_names_the_files_by_its_volume() {
        let files = Files::of("/vmfs/volumes/datastore1/", "web");
        assert_eq!(files.vmx, "/vmfs/volumes/datastore1/web/web.vmx");
        assert!(files.is_at("[datastore1] web/web.vmx"));
        assert!(!files.is_at("[datastore1] web2/web.vmx"));
        assert!(!files.is_at("[datastore1] a/web/web.vmx"));
        assert!(!files.is_at("[datastore2] web/web.vmx"));
        let odd = Files::of("/vmfs//volumes/./datastore1//vms/", "web");
        assert_eq!(odd.directory, "/vmfs/volumes/datastore1/vms/web");
        assert!(odd.is_at("[datastore1] vms/web/web.vmx"));
        let below = Files::of("/vmfs/volumes/ds (1)/vms", "a] b");
        assert!(below.is_at("[ds (1)] vms/a] b/a] b.vmx"));
    }

    #[test]
    fn a_volume_is_known_by_its_name_and_its_uuid() {
        let volumes = [
            datastore("other", "5f-1", true),
            datastore("datastore1", "5f-2", true),
            datastore("gone", "5f-3", false),
        ];
        for path in ["/vmfs/volumes/datastore1", "/vmfs/volumes/5f-2"] {
            let mut files = Files::of(path, "web");
            assert!(files.find_volume(&volumes), "{path}");
            assert!(files.is_at("[datastore1] web/web.vmx"), "{path}");
            assert!(files.is_at("[5f-2] web/web.vmx"), "{path}");
            assert!(!files.is_at("[other] web/web.vmx"), "{path}");
        }
        assert!(!Files::of("/vmfs/volumes/gone", "web").find_volume(&volumes));
        assert!(!Files::of("/vmfs/volumes/nowhere", "web").find_volume(&volumes));
    }

    #[test]
    fn a_directory_at_the_top_of_vsan_has_commands_of_its_own() {
        let vsan = Datastore {
            kind: "vsan".to_owned(),
            ..datastore("vsanDatastore", "vsan:52fc1a2b", true)
        };
        let command = |base: &str, volume: &Datastore| {
            let mut files = Files::of(base, "web");
            assert!(files.find_volume(std::slice::from_ref(volume)), "{base}");
            let commands = [files.make_directory(), files.remove_directory()];
            commands.map(|command| command.to_string())
        };
        for base in [
            "/vmfs/volumes/vsanDatastore",
            "/vmfs/volumes/vsan:52fc1a2b/",
        ] {
            let [make, remove] = command(base, &vsan);
            assert!(
                make.starts_with("/usr/lib/vmware/osfs/bin/osfs-mkdir "),
                "{make}"
            );
            assert!(
                remove.starts_with("/usr/lib/vmware/osfs/bin/osfs-rmdir "),
                "{remove}"
            );
        }
        let [make, _] = command("/vmfs/volumes/vsanDatastore/vms", &vsan);
        assert_eq!(make, "mkdir /vmfs/volumes/vsanDatastore/vms/web");
        let [make, remove] = command("/vmfs/volumes/a", &datastore("a", "5f-1", true));
        assert_eq!(make, "mkdir /vmfs/volumes/a/web");
        assert_eq!(remove, "rmdir /vmfs/volumes/a/web");
    }

    #[test]
    fn a_directory_is_that_of_the_vm_on_a_volume() {
        let files = Files::within("/vmfs/volumes/a b/vms/web", "web").expect("one");
        assert_eq!(files.vmx, "/vmfs/volumes/a b/vms/web/web.vmx");
        for directory in [
            "/vmfs/volumes/a/other",
            "/vmfs/volumes/a/myweb",
            "/etc/web",
            "/vmfs/volumes/a/../../../etc/web",
            "web",
            "",
        ] {
            assert!(Files::within(directory, "web").is_none(), "{directory}");
        }
    }
}
