//! What every store has to do with changes that wait until a VM is off.

use ecoman_model::{
    Actor, Authentication, Grant, PendingChange, Role, Timestamp, VmKey, VmSettings, Vmid,
};
use ecoman_store::{Store, StoreError};
use uuid::Uuid;

use super::{Place, name, node, record, state, vm};

fn change(of: &str, vmid: u32, comment: &str) -> PendingChange {
    PendingChange {
        id: Uuid::now_v7(),
        key: VmKey {
            node: name(of),
            vmid: Vmid(vmid),
        },
        uuid: Some("564d71c3-1111-2222-3333-5b0e92d7a4c6".to_owned()),
        settings: VmSettings {
            name: Some("ウェブ $(reboot)".to_owned()),
            comment: Some(comment.to_owned()),
            ..VmSettings::default()
        },
        seen: VmSettings {
            comment: Some(String::new()),
            ..VmSettings::default()
        },
        actor: Actor {
            name: Some("alice".to_owned()),
            by: Authentication::Token,
            token: Some("ci".to_owned()),
            address: Some([192, 0, 2, 7].into()),
        },
        grant: Grant::everywhere(Role::Operator),
        request_id: "r-1".to_owned(),
        at: Timestamp::UNIX_EPOCH,
    }
}

async fn pending(store: &dyn Store, of: &str) -> Vec<PendingChange> {
    state(store, of).await.pending
}

pub(crate) async fn a_change_that_waits_comes_with_its_node_until_it_is_taken_back(
    place: &mut impl Place,
) {
    let store = place.handle().await;
    let unknown = store.set_pending(&change("hoge", 1, "a")).await;
    assert!(
        matches!(unknown, Err(StoreError::UnknownNode(_))),
        "{unknown:?}"
    );
    record(
        &*store,
        node("hoge", 0),
        vec![vm("hoge", 1, "a"), vm("hoge", 12, "b")],
    )
    .await;
    record(&*store, node("hoge-2", 0), vec![vm("hoge-2", 1, "a")]).await;
    let before = store.revisions().await.unwrap();
    let first = change("hoge", 12, "new\n\"notes\"");
    let second = change("hoge", 1, "");
    store.set_pending(&first).await.unwrap();
    store.set_pending(&second).await.unwrap();
    assert_eq!(
        pending(&*store, "hoge").await,
        [second.clone(), first.clone()]
    );
    assert_eq!(pending(&*store, "hoge-2").await, []);
    // Who waits for changes hears of it, and of no other node.
    let after = store.revisions().await.unwrap();
    assert_ne!(after[&name("hoge")], before[&name("hoge")]);
    assert_eq!(after[&name("hoge-2")], before[&name("hoge-2")]);

    drop(store);
    place.reopen().await;
    let store = place.handle().await;
    assert_eq!(pending(&*store, "hoge").await, [second, first.clone()]);
    assert!(store.remove_pending(&first.key, first.id).await.unwrap());
    assert!(!store.remove_pending(&first.key, first.id).await.unwrap());
    assert_eq!(pending(&*store, "hoge").await.len(), 1);
    assert_ne!(
        store.revisions().await.unwrap()[&name("hoge")],
        after[&name("hoge")]
    );
}

pub(crate) async fn a_change_that_waits_goes_with_its_vm(place: &mut impl Place) {
    let store = place.handle().await;
    record(
        &*store,
        node("hoge", 0),
        vec![vm("hoge", 1, "a"), vm("hoge", 2, "b")],
    )
    .await;
    record(&*store, node("fuga", 0), vec![vm("fuga", 1, "a")]).await;
    for waits in [
        change("hoge", 1, "x"),
        change("hoge", 2, "x"),
        change("fuga", 1, "x"),
    ] {
        store.set_pending(&waits).await.unwrap();
    }
    record(&*store, node("hoge", 1), vec![vm("hoge", 2, "b")]).await;
    let left = pending(&*store, "hoge").await;
    assert_eq!(left.iter().map(|it| it.key.vmid.0).collect::<Vec<_>>(), [2]);
    store.retain_nodes(&[name("hoge")]).await.unwrap();
    record(&*store, node("fuga", 2), vec![vm("fuga", 1, "a")]).await;
    assert_eq!(pending(&*store, "fuga").await, []);
}

pub(crate) async fn only_the_change_that_is_meant_is_taken_back(place: &mut impl Place) {
    let store = place.handle().await;
    record(&*store, node("hoge", 0), vec![vm("hoge", 1, "a")]).await;
    let (old, new) = (change("hoge", 1, "old"), change("hoge", 1, "new"));
    store.set_pending(&old).await.unwrap();
    store.set_pending(&new).await.unwrap();
    assert!(!store.remove_pending(&old.key, old.id).await.unwrap());
    assert_eq!(pending(&*store, "hoge").await, [new]);
}
