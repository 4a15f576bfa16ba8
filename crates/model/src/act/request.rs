//! Which act is requested, with its details.

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::clean_up::CleanUp;
use super::create::NewVm;
use super::declaration::{Act, Refusal};
use super::edit::Edit;
use super::hardware::{CdromChange, DiskGrow, NicMove};
use super::power::PowerChange;
use super::removal::{Destroy, Unregister};
use super::snapshot::{SnapshotCreate, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert};
use crate::TaskId;

/// What is asked of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TaskRequest {
    /// Change a VM's power.
    Power(PowerChange),
    /// Create a VM.
    Create(Box<NewVm>),
    /// Answer the question that a VM waits with.
    Answer(Answer),
    /// Remove what an interrupted creation has left.
    CleanUp(CleanUp),
    /// Take a snapshot.
    SnapshotCreate(SnapshotCreate),
    /// Go back to a snapshot.
    SnapshotRevert(SnapshotRevert),
    /// Remove a snapshot.
    SnapshotRemove(SnapshotRemove),
    /// Remove all snapshots of a VM.
    SnapshotRemoveAll(SnapshotRemoveAll),
    /// Change settings of a VM.
    Edit(Box<Edit>),
    /// Make a disk of a VM larger.
    DiskGrow(DiskGrow),
    /// Put an ISO image into a CD/DVD drive of a VM, or take it out.
    CdromChange(CdromChange),
    /// Move a network adapter of a VM to another port group.
    NicMove(NicMove),
    /// Take a VM off the node's inventory.
    Unregister(Unregister),
    /// Delete a VM with its files.
    Destroy(Destroy),
}

impl TaskRequest {
    /// The words of all acts ([`Act::kind`]).
    pub const KINDS: [&'static str; 14] = [
        "power",
        "create",
        "answer",
        "clean_up",
        "snapshot_create",
        "snapshot_revert",
        "snapshot_remove",
        "snapshot_remove_all",
        "edit",
        "disk_grow",
        "cdrom_change",
        "nic_move",
        "unregister",
        "destroy",
    ];

    /// The act, which declares everything that is decided by its kind.
    #[must_use]
    pub fn act(&self) -> &dyn Act {
        match self {
            Self::Power(act) => act,
            Self::Create(act) => act.as_ref(),
            Self::Answer(act) => act,
            Self::CleanUp(act) => act,
            Self::SnapshotCreate(act) => act,
            Self::SnapshotRevert(act) => act,
            Self::SnapshotRemove(act) => act,
            Self::SnapshotRemoveAll(act) => act,
            Self::Edit(act) => act.as_ref(),
            Self::DiskGrow(act) => act,
            Self::CdromChange(act) => act,
            Self::NicMove(act) => act,
            Self::Unregister(act) => act,
            Self::Destroy(act) => act,
        }
    }

    /// The clean-up that follows when the task `id` is interrupted: creating a VM may leave files that
    /// belong to nothing. `directory`: the one that the task had asked for.
    #[must_use]
    pub fn clean_up_after(&self, id: TaskId, directory: Option<&str>) -> Option<CleanUp> {
        self.new_vm().map(|vm| CleanUp {
            task: id,
            vm: Box::new(vm.clone()),
            directory: directory.map(str::to_owned),
        })
    }

    /// The change of power that it is, if it is one.
    #[must_use]
    pub fn power(&self) -> Option<&PowerChange> {
        match self {
            Self::Power(change) => Some(change),
            _ => None,
        }
    }

    /// The VM that it creates, if it creates one.
    #[must_use]
    pub fn new_vm(&self) -> Option<&NewVm> {
        match self {
            Self::Create(vm) => Some(vm),
            _ => None,
        }
    }

    /// The answer that it gives, if it gives one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    /// The change of settings that it is, if it is one.
    #[must_use]
    pub fn edit(&self) -> Option<&Edit> {
        match self {
            Self::Edit(edit) => Some(edit),
            _ => None,
        }
    }

    /// Whether it takes a VM off its node.
    #[must_use]
    pub fn removes_vm(&self) -> bool {
        matches!(self, Self::Unregister(_) | Self::Destroy(_))
    }

    /// The name that was typed to delete a VM, if it deletes one.
    ///
    /// # Errors
    ///
    /// `name`, that of the VM, is another one.
    pub fn removes(&self, name: Option<&str>) -> Result<(), Refusal> {
        match self {
            Self::Unregister(act) => act.is_of(name),
            Self::Destroy(act) => act.is_of(name),
            _ => Ok(()),
        }
    }

    /// The clean-up that it is, if it is one.
    #[must_use]
    pub fn clean_up(&self) -> Option<&CleanUp> {
        match self {
            Self::CleanUp(clean_up) => Some(clean_up),
            _ => None,
        }
    }
}

/// What utoipa derives for variants with named fields: an object per act, its fields beside `kind`.
/// It would refer to a newtype variant's struct instead, as it does here for [`NewVm`].
#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::schema::{AllOf, Object, OneOf, Schema, Type};
    use utoipa::openapi::{Ref, RefOr};
    use utoipa::{PartialSchema, ToSchema};

    use super::{
        Answer, CdromChange, CleanUp, Destroy, DiskGrow, Edit, NewVm, NicMove, PowerChange,
        SnapshotCreate, SnapshotRemove, SnapshotRemoveAll, SnapshotRevert, TaskRequest, Unregister,
    };

    impl PartialSchema for TaskRequest {
        fn schema() -> RefOr<Schema> {
            let create = AllOf::builder()
                .title(Some("CreateRequest"))
                .description(Some("Create a VM."))
                .item(
                    Ref::builder()
                        .ref_location_from_schema_name(NewVm::name())
                        .description(Some("Create a VM."))
                        .build(),
                )
                .item(with_kind(Object::new(), "create"));
            OneOf::builder()
                .description(Some("What is asked of a node."))
                .item(tagged::<PowerChange>("power"))
                .item(create)
                .item(tagged::<Answer>("answer"))
                .item(tagged::<CleanUp>("clean_up"))
                .item(tagged::<SnapshotCreate>("snapshot_create"))
                .item(tagged::<SnapshotRevert>("snapshot_revert"))
                .item(tagged::<SnapshotRemove>("snapshot_remove"))
                .item(tagged::<SnapshotRemoveAll>("snapshot_remove_all"))
                .item(tagged::<Edit>("edit"))
                .item(tagged::<DiskGrow>("disk_grow"))
                .item(tagged::<CdromChange>("cdrom_change"))
                .item(tagged::<NicMove>("nic_move"))
                .item(tagged::<Unregister>("unregister"))
                .item(tagged::<Destroy>("destroy"))
                .into()
        }
    }

    impl ToSchema for TaskRequest {
        fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            PowerChange::schemas(schemas);
            schemas.push((NewVm::name().into_owned(), NewVm::schema()));
            NewVm::schemas(schemas);
            Answer::schemas(schemas);
            CleanUp::schemas(schemas);
            SnapshotCreate::schemas(schemas);
            SnapshotRevert::schemas(schemas);
            SnapshotRemove::schemas(schemas);
            SnapshotRemoveAll::schemas(schemas);
            Edit::schemas(schemas);
            DiskGrow::schemas(schemas);
            CdromChange::schemas(schemas);
            NicMove::schemas(schemas);
            Unregister::schemas(schemas);
            Destroy::schemas(schemas);
        }
    }

    /// The schema of an act's struct with `kind` as one more property.
    fn tagged<A: ToSchema>(kind: &str) -> RefOr<Schema> {
        match A::schema() {
            RefOr::T(Schema::Object(object)) => with_kind(object, kind).into(),
            // An act without fields of its own would be another kind of schema.
            other => other,
        }
    }

    fn with_kind(mut object: Object, kind: &str) -> Object {
        let word = Object::builder()
            .schema_type(Type::String)
            .enum_values(Some([kind]));
        object.properties.insert("kind".to_owned(), word.into());
        object.required.push("kind".to_owned());
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_all_acts_are_known() {
        let error = serde_json::from_str::<TaskRequest>(r#"{"kind":""}"#).unwrap_err();
        let kinds = TaskRequest::KINDS.map(|kind| format!("`{kind}`"));
        let expected = format!("expected one of {}", kinds.join(", "));
        let error = error.to_string();
        let (_, listed) = error.split_once(", ").unwrap();
        // With some features of serde_json it adds the place.
        let listed = listed.split(" at ").next().unwrap();
        assert_eq!(listed, expected);
    }
}
