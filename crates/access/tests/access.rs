//! The files as dashboards and the command use them: from several handles at the same time.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "what goes wrong in a helper of a test fails the test"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use chrono::TimeDelta;
use ecoman_access::{
    Access, AccessError, NewToken, PasswordFault, Token, TokenFault, TokenUse, UserFault,
};
use ecoman_model::{Grant, Role, Timestamp};

const PASSWORD: &str = "correct horse";

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    now() + TimeDelta::minutes(minutes)
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A directory with an admin "root" in it.
fn with_admin() -> (tempfile::TempDir, Access) {
    let directory = directory();
    let access = Access::new(&directory.path().join("access"));
    access
        .add_user("root", Grant::ALL, Some(PASSWORD), now())
        .unwrap();
    (directory, access)
}

fn on(role: Role, nodes: &[&str]) -> Grant {
    Grant {
        role,
        nodes: Some(nodes.iter().map(|name| name.parse().unwrap()).collect()),
    }
}

fn token(owner: &str, grant: Grant) -> NewToken {
    NewToken {
        made_by: None,
        name: "ci".to_owned(),
        owner: owner.to_owned(),
        owner_is_listed: owner == "root",
        owner_grant: Grant::ALL,
        grant,
        expires_at: Some(later(60)),
    }
}

fn files(directory: &Path) -> String {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect()
}

/// The files in `tests/records/` as the first release wrote them, with these secrets; every later one
/// must read them. They never change.
#[test]
fn the_files_of_the_first_release_are_read() {
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["users.json", "tokens.json", "sessions.json"] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records");
        let copy = directory.path().join(name);
        fs::copy(golden.join(name), &copy).unwrap();
        fs::set_permissions(copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let access = Access::new(directory.path());
    let made: Timestamp = "2026-03-01T12:00:00.123456Z".parse().unwrap();

    let operator = on(Role::Operator, &["hoge", "ノード 1"]);
    let users: Vec<_> = access
        .users()
        .unwrap()
        .into_iter()
        .map(|(name, user)| (name, user.grant, user.created_at, user.password_since))
        .collect();
    let user = |name: &str, grant, since| (name.to_owned(), grant, made, since);
    assert_eq!(
        users,
        [
            user("operator@example.org", operator, Some(made)),
            user("proxied", on(Role::Viewer, &[]), None),
            user("root", Grant::ALL, Some(made)),
        ]
    );
    for (name, password, is_right) in [
        ("root", PASSWORD, true),
        ("operator@example.org", "正しい馬の電池 staple", true),
        ("operator@example.org", PASSWORD, false),
        ("proxied", "", false),
    ] {
        let user = access.check_password(name, password).unwrap();
        assert_eq!(user.is_some(), is_right, "{name}");
    }

    let token = |secret| match access.token(secret, now()).unwrap() {
        TokenUse::Good(_, token) => *token,
        other => panic!("{other:?}"),
    };
    let own = token("ecoman_7LCm3P6mvzO9pVrXC0S9jo0EBVt77n7VsOUBOrfRi4s");
    assert_eq!((&*own.name, &*own.owner), ("ci \"nightly\" 夜", "root"));
    assert_eq!(own.grant, on(Role::Operator, &["hoge"]));
    assert_eq!((own.owner_grant, own.expires_at), (None, None));
    let proxied = token("ecoman_xe97ShnL41d71EvsbxvMEQRusi2vlJ1bImg5H09dUM8");
    assert_eq!(proxied.owner_grant, Some(on(Role::Operator, &["hoge"])));
    assert_eq!(proxied.expires_at, Some(made + TimeDelta::days(3650)));
    assert_eq!((proxied.made_by, proxied.last_used_at), (None, None));

    let session = access.session("j_xLkZM-HfbWg5TZBqmnOT8kxedp9aY9nAxmTxIeCcM", now());
    assert_eq!(session.unwrap().map(|it| it.user), Some("root".to_owned()));
    // What is written now is read as well.
    access.add_user("new", Grant::ALL, None, now()).unwrap();
    assert_eq!(access.users().unwrap().len(), 4);
}

#[test]
fn a_password_lets_its_user_in_and_nobody_else() {
    let (_directory, access) = with_admin();
    let is_in = |name, password| access.check_password(name, password).unwrap().is_some();
    assert!(is_in("root", PASSWORD));
    assert!(!is_in("root", "correct horsf"));
    assert!(!is_in("root", ""));
    assert!(!is_in("nobody", PASSWORD));
    assert!(!is_in("nobody", ""));

    access
        .add_user("robot", Grant::everywhere(Role::Viewer), None, now())
        .unwrap();
    assert!(!is_in("robot", ""));
    assert!(!is_in("robot", PASSWORD));
}

#[test]
fn names_and_passwords_have_rules() {
    let (_directory, access) = with_admin();
    let add = |name: &str, password: &str| {
        access
            .add_user(name, Grant::ALL, Some(password), now())
            .map(|_| ())
    };
    for name in ["", " a", "a b", "-a", "a/b", "a\nb", "é", &"a".repeat(65)] {
        assert!(
            matches!(add(name, PASSWORD), Err(UserFault::Name(_))),
            "{name:?}"
        );
    }
    for name in ["a", "alice@example.org", "A.b_c-d+e", &"a".repeat(64)] {
        add(name, PASSWORD).unwrap();
    }
    assert!(matches!(add("root", PASSWORD), Err(UserFault::Taken(_))));
    for (password, fault) in [
        ("seven c", PasswordFault::Length),
        (&*"x".repeat(257), PasswordFault::Length),
        ("Mallory-1", PasswordFault::Name),
    ] {
        let refused = add("mallory-1", password);
        assert!(
            matches!(&refused, Err(UserFault::Password(found)) if *found == fault),
            "{password:?}: {refused:?}"
        );
    }
}

#[test]
fn a_new_password_ends_the_sessions() {
    let (_directory, access) = with_admin();
    let hours = TimeDelta::hours(12);
    let (session, secret) = access.open_session("root", hours, later(1)).unwrap();
    assert_eq!(session.user, "root");
    let is_open = |secret: &str, at| access.session(secret, at).unwrap().is_some();
    assert!(is_open(secret.reveal(), later(2)));
    assert!(!is_open("", later(2)));
    assert!(!is_open(secret.reveal(), later(1) + hours));

    access
        .change_user("root", None, Some("another password"), later(5))
        .unwrap();
    assert!(!is_open(secret.reveal(), later(6)));
    let (_, second) = access.open_session("root", hours, later(7)).unwrap();
    assert!(is_open(second.reveal(), later(8)));
    access.close_session(second.reveal()).unwrap();
    assert!(!is_open(second.reveal(), later(8)));
}

#[test]
fn a_user_who_is_removed_is_out() {
    let (_directory, access) = with_admin();
    let grant = Grant::everywhere(Role::Operator);
    access
        .add_user("oper", grant.clone(), Some(PASSWORD), now())
        .unwrap();
    let (_, session) = access
        .open_session("oper", TimeDelta::hours(1), later(1))
        .unwrap();
    let (_, _, secret) = access
        .create_token(token("oper", grant.clone()), now())
        .unwrap();
    access.remove_user("oper").unwrap();
    assert_eq!(access.session(session.reveal(), later(2)).unwrap(), None);
    assert!(matches!(
        access.token(secret.reveal(), later(2)).unwrap(),
        TokenUse::Unknown
    ));
    assert!(matches!(
        access.remove_user("oper"),
        Err(UserFault::Unknown(_))
    ));

    // A new user of the same name does not get what the removed one had.
    access
        .add_user("oper", grant, Some(PASSWORD), later(3))
        .unwrap();
    assert_eq!(access.session(session.reveal(), later(4)).unwrap(), None);
}

#[test]
fn the_last_admin_stays() {
    let (_directory, access) = with_admin();
    let viewer = Grant::everywhere(Role::Viewer);
    access
        .add_user("look", viewer.clone(), None, now())
        .unwrap();
    for limited in [viewer, on(Role::Admin, &["a"])] {
        assert!(matches!(
            access.change_user("root", Some(limited), Some("another password"), now()),
            Err(UserFault::LastAdmin(_))
        ));
    }
    assert!(matches!(
        access.remove_user("root"),
        Err(UserFault::LastAdmin(_))
    ));
    assert_eq!(access.user("root").unwrap().unwrap().grant, Grant::ALL);
    assert!(access.check_password("root", PASSWORD).unwrap().is_some());

    access
        .change_user("look", Some(Grant::ALL), Some(PASSWORD), now())
        .unwrap();
    access.remove_user("root").unwrap();
    access.remove_user("look").unwrap();
}

#[test]
fn a_token_is_good_until_it_expires_or_is_revoked() {
    let (_directory, access) = with_admin();
    let (id, made, secret) = access
        .create_token(token("root", Grant::everywhere(Role::Viewer)), now())
        .unwrap();
    assert!(secret.reveal().starts_with("ecoman_"));
    assert_eq!(secret.reveal().len(), "ecoman_".len() + 43);
    let used = |at| access.token(secret.reveal(), at).unwrap();
    assert!(matches!(used(later(59)), TokenUse::Good(found, _) if found == id));
    assert!(matches!(used(later(60)), TokenUse::Expired(..)));
    assert!(matches!(
        access
            .token(&secret.reveal().replace("ecoman_", ""), now())
            .unwrap(),
        TokenUse::Unknown
    ));
    assert_eq!(made.last_used_at, None);

    let last_used = || {
        access
            .tokens()
            .unwrap()
            .remove(&id)
            .map(|it| it.last_used_at)
    };
    access.token_used(id, later(10)).unwrap();
    assert_eq!(last_used(), Some(Some(later(10))));
    let seconds = later(10) + TimeDelta::seconds(59);
    access.token_used(id, seconds).unwrap();
    assert_eq!(last_used(), Some(Some(later(10))));
    access.token_used(id, later(11)).unwrap();
    assert_eq!(last_used(), Some(Some(later(11))));

    let revoked = access.revoke_token(id).unwrap();
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].name, "ci");
    assert!(matches!(used(later(12)), TokenUse::Unknown));
    assert!(access.revoke_token(id).unwrap().is_empty());
    access.token_used(id, later(20)).unwrap();
    assert!(access.tokens().unwrap().is_empty());
}

#[test]
fn a_token_is_revoked_with_those_that_it_has_made() {
    let (_directory, access) = with_admin();
    let make = |made_by| {
        let new = NewToken {
            made_by,
            ..token("root", Grant::ALL)
        };
        access.create_token(new, later(0)).map(|(id, ..)| id)
    };
    let first = make(None).unwrap();
    let child = make(Some(first)).unwrap();
    let grandchild = make(Some(child)).unwrap();
    let other = make(None).unwrap();
    assert_eq!(access.tokens().unwrap()[&grandchild].made_by, Some(child));
    assert_eq!(access.revoke_token(first).unwrap().len(), 3);
    let left: Vec<_> = access.tokens().unwrap().into_keys().collect();
    assert_eq!(left, [other]);
    // Made at the very moment that its maker is revoked.
    let late = make(Some(first)).unwrap_err();
    assert!(matches!(late, TokenFault::MakerRevoked), "{late:?}");
    assert_eq!(access.revoke_tokens_of("root").unwrap(), 1);
    assert!(access.tokens().unwrap().is_empty());
}

#[test]
fn a_token_holds_no_more_than_its_owner() {
    let (_directory, access) = with_admin();
    let make = |owner_grant: Grant, grant: Grant| {
        let new = NewToken {
            made_by: None,
            owner_grant,
            ..token("root", grant)
        };
        access.create_token(new, now()).map(|_| ())
    };
    let operator_on_a = on(Role::Operator, &["a"]);
    for grant in [
        Grant::everywhere(Role::Viewer),
        on(Role::Admin, &["a"]),
        on(Role::Viewer, &["a", "b"]),
    ] {
        let refused = make(operator_on_a.clone(), grant);
        let Err(error @ TokenFault::Exceeds { .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(
            error.to_string(),
            "a token cannot have more permissions than its user (operator on a)"
        );
    }
    make(operator_on_a.clone(), on(Role::Viewer, &["a"])).unwrap();
    make(operator_on_a, on(Role::Operator, &["a"])).unwrap();

    for (name, expires_at, fault) in [
        ("", None, "name"),
        ("a\nb", None, "name"),
        (&*"x".repeat(101), None, "name"),
        ("late", Some(now()), "past"),
    ] {
        let refused = access.create_token(
            NewToken {
                made_by: None,
                name: name.to_owned(),
                expires_at,
                ..token("root", Grant::ALL)
            },
            now(),
        );
        match fault {
            "name" => assert!(matches!(refused, Err(TokenFault::Name)), "{name:?}"),
            _ => assert!(matches!(refused, Err(TokenFault::Past)), "{name:?}"),
        }
    }
}

#[test]
fn who_was_removed_gets_no_token_any_more() {
    let (_directory, access) = with_admin();
    access
        .add_user("oper", Grant::ALL, Some(PASSWORD), now())
        .unwrap();
    // Somebody asks for one while they are removed.
    let asked = NewToken {
        made_by: None,
        owner_is_listed: true,
        ..token("oper", Grant::ALL)
    };
    access.remove_user("oper").unwrap();
    let refused = access.create_token(asked, now());
    assert!(matches!(refused, Err(TokenFault::NoOwner(name)) if name == "oper"));
    assert!(access.tokens().unwrap().is_empty());
}

#[test]
fn the_last_admin_with_a_password_stays() {
    let (_directory, access) = with_admin();
    access.add_user("proxied", Grant::ALL, None, now()).unwrap();
    assert!(matches!(
        access.remove_user("root"),
        Err(UserFault::LastAdmin(_))
    ));
    access
        .add_user("second", Grant::ALL, Some(PASSWORD), now())
        .unwrap();
    access.remove_user("root").unwrap();
    access.remove_user("proxied").unwrap();
}

#[test]
fn what_the_proxy_says_of_an_owner_reaches_the_tokens() {
    let (_directory, access) = with_admin();
    let (id, ..) = access
        .create_token(token("proxied", Grant::ALL), now())
        .unwrap();
    let (other, ..) = access
        .create_token(token("root", Grant::ALL), now())
        .unwrap();
    let viewer = Grant::everywhere(Role::Viewer);
    access.owner_holds("proxied", Some(&viewer)).unwrap();
    let tokens = access.tokens().unwrap();
    let holds = |id| tokens.get(&id).map(|it: &Token| it.owner_grant.clone());
    assert_eq!(holds(id), Some(Some(viewer)));
    assert_eq!(holds(other), Some(None));
}

#[test]
fn no_secret_is_in_the_files_and_nobody_else_can_read_them() {
    let (_directory, access) = with_admin();
    let (_, session) = access
        .open_session("root", TimeDelta::hours(1), now())
        .unwrap();
    let (_, _, secret) = access
        .create_token(token("root", Grant::ALL), now())
        .unwrap();
    let text = files(access.directory());
    assert!(text.contains("root") && text.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    for kept in [
        PASSWORD,
        session.reveal(),
        secret.reveal(),
        &secret.reveal()[7..],
    ] {
        assert!(!text.contains(kept));
    }
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(access.directory()), 0o700);
    for entry in fs::read_dir(access.directory()).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }

    let users = access.directory().join("users.json");
    fs::set_permissions(&users, fs::Permissions::from_mode(0o640)).unwrap();
    let again = Access::new(access.directory());
    let error = again.users().unwrap_err();
    assert!(
        matches!(error, AccessError::Open { mode: 0o640, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn a_broken_file_is_an_error_and_stays_as_it_is() {
    let (_directory, access) = with_admin();
    let users = access.directory().join("users.json");
    let whole = fs::read_to_string(&users).unwrap();
    fs::write(&users, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(access.users(), Err(AccessError::Format { .. })));
    assert!(matches!(
        access.add_user("new", Grant::ALL, None, now()),
        Err(UserFault::Access(AccessError::Format { .. }))
    ));
    assert_eq!(
        fs::read_to_string(&users).unwrap(),
        whole[..whole.len() / 2]
    );
}

#[test]
fn what_one_process_changes_the_others_see_and_nothing_is_lost() {
    let (_directory, access) = with_admin();
    let path = access.directory();
    thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                let access = Access::new(path);
                for number in 0..10 {
                    let name = format!("user-{writer}-{number}");
                    let viewer = Grant::everywhere(Role::Viewer);
                    access.add_user(&name, viewer, None, now()).unwrap();
                    assert!(access.users().unwrap().contains_key(&name));
                }
            });
        }
    });
    assert_eq!(access.users().unwrap().len(), 41);
}

#[test]
fn a_user_has_so_many_sessions_and_the_oldest_goes() {
    let (_directory, access) = with_admin();
    let hours = TimeDelta::hours(12);
    let (_, first) = access.open_session("root", hours, now()).unwrap();
    let mut last = None;
    for minute in 1..=20 {
        last = Some(access.open_session("root", hours, later(minute)).unwrap().1);
    }
    assert_eq!(access.session(first.reveal(), later(30)).unwrap(), None);
    let last = last.unwrap();
    assert!(access.session(last.reveal(), later(30)).unwrap().is_some());
}
