//! How records are stored: as the model's own serde types, in JSON in the embedded store and in
//! BSON in MongoDB.
//!
//! Fields that this version does not know are skipped; a missing one is "not known". A record
//! that is read and is not as this version writes it is upgraded first, by [`upgrade`].
//! `tests/records/` holds what each format looked like; every later version must read it.

use chrono::{Datelike, SecondsFormat};
use ecoman_model::{AuditEntry, Task, TaskRequest, Timestamp};
use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Error, Value, json};

/// The format that this version writes: the number in the embedded store's file, and in each
/// document of MongoDB (where it is missing, 1 is meant). One table or field more is the same
/// format, since older versions skip it. A change that they would misread takes the next number
/// and an arm in [`upgrade`].
pub(crate) const FORMAT: u64 = 1;

/// The fields that format 1 has as decimal text where the number is above 2⁶³ − 1, which BSON's
/// integers are not. Parsers take such a number as not said now, so the list does not grow.
const NUMBERS_AS_TEXT: [&str; 17] = [
    "bytes",
    "capacity_bytes",
    "cpu_mhz",
    "cpu_usage_mhz",
    "disk_gb",
    "free_bytes",
    "guest_memory_mb",
    "host_memory_mb",
    "interval_seconds",
    "memory_bytes",
    "memory_mb",
    "memory_usage_mb",
    "millis",
    "round_millis",
    "storage_bytes",
    "storage_uncommitted_bytes",
    "uptime_seconds",
];

/// A task as it is stored. A new VM stands in a field of its own, `request.vm`, where the model
/// has its fields beside `kind`, as the executor's API does.
pub(crate) struct StoredTask<'a>(pub(crate) &'a Task);

impl Serialize for StoredTask<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(task) = self;
        let mut record = serde_json::to_value(task).map_err(S::Error::custom)?;
        if let TaskRequest::Create(vm) = &task.request
            && let Some(request) = record.get_mut("request")
        {
            *request = json!({ "kind": task.request.act().kind(), "vm": vm });
        }
        record.serialize(serializer)
    }
}

/// An entry of the audit log as it is stored: its time is a text that sorts as times do.
pub(crate) struct StoredAuditEntry<'a>(pub(crate) &'a AuditEntry);

impl Serialize for StoredAuditEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(entry) = self;
        let mut record = serde_json::to_value(entry).map_err(S::Error::custom)?;
        if let Some(at) = record.get_mut("at") {
            *at = sortable(entry.at).into();
        }
        record.serialize(serializer)
    }
}

/// The text that the times of audit entries compare to as `at` does. Entries lie in the years of
/// four digits; a time outside of those is below or above all of theirs.
#[must_use]
pub(crate) fn time_bound(at: Timestamp) -> String {
    match at.year() {
        ..0 => String::new(),
        0..=9999 => sortable(at),
        10_000.. => "~".to_owned(),
    }
}

/// Always nine digits after the point.
fn sortable(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// Reads a record out of JSON.
///
/// # Errors
///
/// It is no such record in any format.
pub(crate) fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(json).or_else(|error| upgraded(serde_json::from_slice(json)?, error))
}

/// Reads a record that is not as the model has it. `error` says why it is not, and is returned
/// where no older version wrote it so either.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn upgraded<T: DeserializeOwned, E: From<Error>>(
    mut record: Value,
    error: E,
) -> Result<T, E> {
    if upgrade(&mut record) {
        serde_json::from_value(record).map_err(E::from)
    } else {
        Err(error)
    }
}

/// Makes what an older version wrote what the model reads; whether there was anything to do.
fn upgrade(record: &mut Value) -> bool {
    let numbers = read_numbers(record);
    lift_new_vm(record) || numbers
}

/// The VM of a create task takes its place beside `kind`.
fn lift_new_vm(record: &mut Value) -> bool {
    let Some(request) = record.get_mut("request").and_then(Value::as_object_mut) else {
        return false;
    };
    if request.get("kind").is_none_or(|kind| kind != "create") {
        return false;
    }
    let Some(Value::Object(vm)) = request.remove("vm") else {
        return false;
    };
    request.extend(vm);
    true
}

/// Numbers that stand as text become numbers, wherever they are in a record.
fn read_numbers(value: &mut Value) -> bool {
    let mut found = false;
    match value {
        Value::Array(values) => {
            for value in values {
                found |= read_numbers(value);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let number = value.as_str().and_then(|text| text.parse::<u64>().ok());
                if let Some(number) = number.filter(|_| NUMBERS_AS_TEXT.contains(&name.as_str())) {
                    *value = number.into();
                    found = true;
                } else {
                    found |= read_numbers(value);
                }
            }
        }
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use ecoman_model::{Answer, TaskState, VmRecord, Vmid};

    use super::*;

    /// As format 1 has them: they must stay readable.
    const VM: &str = r#"{
        "node": "hoge",
        "vmid": 14,
        "facts": {"name": "metrics-b", "power": "on", "memory_mb": 4096},
        "observed_at": "2026-11-22T10:00:00.000001Z",
        "failure": null
    }"#;
    const CREATE: &str = r#"{
        "id": "0190c0de-0000-7000-8000-000000000001",
        "node": "hoge",
        "request": {"kind": "create", "vm": {
            "name": "18446744073709551615", "cpus": 1, "memory_mb": "18446744073709551612",
            "disk_gb": 30, "comment": "", "guest_os": "ubuntu-64", "power_on": true
        }},
        "request_id": "r-1",
        "created_at": "2026-11-22T10:00:00.000001Z",
        "progress": {"state": "running", "steps": [], "commands": []}
    }"#;
    const ENTRY: &str = r#"{
        "id": "019ac0de-0000-7000-8000-000000000001",
        "at": "2026-11-22T10:00:00.000000000Z",
        "actor": {"name": "alice", "by": "token", "token": "ci", "address": "2001:db8::7"},
        "operation": "setPower",
        "summary": "shutdown",
        "node": "hoge",
        "vmid": 14,
        "name": "web-1",
        "task": "019ac0de-0000-7000-8000-000000000001",
        "outcome": "refused",
        "detail": "the node is read-only",
        "request_id": "01JD"
    }"#;

    fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
        from_json(json.as_bytes())
    }

    #[test]
    fn a_missing_field_is_not_known() {
        let vm: VmRecord = read(VM).unwrap();
        assert_eq!(vm.key.to_string(), "hoge/14");
        assert_eq!(vm.facts.memory_mb, Some(4096));
        assert_eq!(vm.facts.storage_bytes, None);
        assert_eq!(vm.facts.comment, None);
        let task: Task = read(CREATE).unwrap();
        assert_eq!(task.progress.state, TaskState::Running);
        assert_eq!(task.idempotency_key, None);
        let entry: AuditEntry = read(&ENTRY.replace(r#""vmid": 14,"#, "")).unwrap();
        assert_eq!(entry.vmid, None);
    }

    #[test]
    fn a_field_that_this_version_does_not_know_is_skipped() {
        let newer = VM.replace(r#""name""#, r#""encrypted": true, "name""#);
        assert_eq!(read::<VmRecord>(&newer).unwrap(), read(VM).unwrap());
        let newer = CREATE.replace(r#""kind""#, r#""gently": true, "kind""#);
        assert_eq!(read::<Task>(&newer).unwrap(), read(CREATE).unwrap());
    }

    #[test]
    fn a_word_that_this_version_does_not_know_is_an_error_that_names_it() {
        let newer = VM.replace(r#""on""#, r#""hibernated""#);
        let error = read::<VmRecord>(&newer).unwrap_err().to_string();
        assert!(error.contains("hibernated"), "{error}");
        let newer = CREATE.replace(r#""running""#, r#""paused""#);
        let error = read::<Task>(&newer).unwrap_err().to_string();
        assert!(error.contains("paused"), "{error}");
        for (word, unknown) in [
            ("refused", "postponed"),
            ("\"token\", ", "\"passkey\", "),
            ("2001:db8::7", "router"),
        ] {
            let newer = ENTRY.replacen(word, unknown, 1);
            assert!(read::<AuditEntry>(&newer).is_err(), "{newer}");
        }
    }

    #[test]
    fn a_number_that_stands_as_text_is_read() {
        let vm = VM.replace("4096", r#""18446744073709551615""#);
        let vm: VmRecord = read(&vm).unwrap();
        assert_eq!(vm.facts.memory_mb, Some(u64::MAX));
        for wrong in [r#""-1""#, "-1", "1.5", r#""""#, r#""18446744073709551616""#] {
            let vm = VM.replace("4096", wrong);
            assert!(read::<VmRecord>(&vm).is_err(), "{wrong}");
        }
        // A text that looks like one stays a text.
        let task: Task = read(CREATE).unwrap();
        let TaskRequest::Create(vm) = task.request else {
            panic!("{task:?}");
        };
        assert_eq!(vm.memory_mb, u64::MAX - 3);
        assert_eq!(vm.name, "18446744073709551615");
    }

    #[test]
    fn tasks_and_audit_entries_are_written_as_format_1_has_them() {
        let mut task: Task = read(&CREATE.replace("\"18446744073709551612\"", "1024")).unwrap();
        let written = serde_json::to_value(StoredTask(&task)).unwrap();
        assert_eq!(written["request"]["kind"], "create");
        assert_eq!(written["request"]["vm"]["memory_mb"], 1024);
        assert_eq!(serde_json::from_value::<Task>(written.clone()).ok(), None);
        assert_eq!(read::<Task>(&written.to_string()).unwrap(), task);
        task.request = TaskRequest::Answer(Answer {
            vmid: Vmid(14),
            question: "_vmx1".to_owned(),
            choice: 2,
        });
        let written = serde_json::to_value(StoredTask(&task)).unwrap();
        assert_eq!(written, serde_json::to_value(&task).unwrap());

        let entry: AuditEntry = read(ENTRY).unwrap();
        let written = serde_json::to_value(StoredAuditEntry(&entry)).unwrap();
        assert_eq!(written, read::<Value>(ENTRY).unwrap());
    }

    #[test]
    fn what_is_written_is_what_format_1_had() {
        macro_rules! check {
            ($file:literal, $type:ty, $stored:expr) => {
                for golden in include_str!(concat!("../tests/records/format-1/", $file)).lines() {
                    let record: $type = read(golden).unwrap();
                    let written = serde_json::to_value($stored(&record)).unwrap();
                    let mut golden: Value = read(golden).unwrap();
                    read_numbers(&mut golden);
                    check_same(&written, &golden);
                }
            };
        }
        /// All that a record had is there; fields may have come since.
        fn check_same(written: &Value, golden: &Value) {
            match (written, golden) {
                (_, Value::Object(golden)) => {
                    for (name, golden) in golden {
                        check_same(written.get(name).unwrap_or(&Value::Null), golden);
                    }
                }
                (Value::Array(written), Value::Array(golden)) => {
                    assert_eq!(written.len(), golden.len());
                    for (written, golden) in written.iter().zip(golden) {
                        check_same(written, golden);
                    }
                }
                _ => assert_eq!(written, golden),
            }
        }
        check!(
            "nodes.jsonl",
            ecoman_model::NodeRecord,
            std::convert::identity
        );
        check!("vms.jsonl", VmRecord, std::convert::identity);
        check!("tasks.jsonl", Task, StoredTask);
        check!(
            "notes.jsonl",
            ecoman_model::RefreshRequest,
            std::convert::identity
        );
        check!("audit.jsonl", AuditEntry, StoredAuditEntry);
    }

    #[test]
    fn the_texts_of_times_sort_as_the_times_do() {
        let mut times: Vec<Timestamp> = [
            "0000-01-01T00:00:00Z",
            "2026-11-22T09:59:59.999999999Z",
            "2026-11-22T10:00:00Z",
            "2026-11-22T10:00:00.000000001Z",
            "2026-11-22T10:00:00.5Z",
            "2026-11-22T10:00:01Z",
            "9999-12-31T23:59:59.999999999Z",
        ]
        .map(|text| text.parse().unwrap())
        .to_vec();
        times.insert(0, Timestamp::MIN_UTC);
        times.push(Timestamp::MAX_UTC);
        let texts: Vec<_> = times.into_iter().map(time_bound).collect();
        assert!(texts.is_sorted_by(|a, b| a < b), "{texts:?}");
    }
}
