//! How MongoDB is reached.

use std::fmt;

use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::{ConnectionString, Credential, HostInfo, ServerAddress};

use crate::StoreError;

/// How MongoDB is reached: the variables of the same names.
#[derive(Clone)]
pub struct MongoSettings {
    /// `MONGO_URI`: the whole connection string. It wins over all the other parts; only where it
    /// names no database, `dbname` does.
    pub uri: Option<String>,
    /// `MONGO_HOST`: `host` or `host:port`; the port is 27017 unless given.
    pub host: String,
    /// `MONGO_USERNAME`: a user of the database `admin`; empty: no authentication.
    pub username: String,
    /// `MONGO_PASSWORD`, as it is, nothing encoded.
    pub password: String,
    /// `MONGO_DBNAME`: the database.
    pub dbname: String,
}

/// Which database, and where.
pub(super) struct Target {
    pub(super) connection_string: ConnectionString,
    /// Addresses, for messages.
    pub(super) server: String,
    pub(super) database: String,
}

impl Target {
    /// In which database the user is looked up, and how to name another one.
    pub(super) fn user_database(&self) -> String {
        let Some(credential) = &self.connection_string.credential else {
            return "It requires a login: set MONGO_USERNAME and MONGO_PASSWORD.".to_owned();
        };
        let user = credential.username.as_deref().unwrap_or_default();
        let source = credential.source.as_deref();
        let source = source.or(self.connection_string.default_database.as_deref());
        format!(
            "The user {user} is looked up in the database {}; for a user of another database set \
             MONGO_URI=mongodb://USER:PASSWORD@{}/{}?authSource=DATABASE",
            source.unwrap_or("admin"),
            self.server.replace(", ", ","),
            self.database
        )
    }
}

impl MongoSettings {
    pub(super) fn target(&self) -> Result<Target, StoreError> {
        let (connection_string, variable) = match &self.uri {
            Some(uri) => (parse_uri(uri)?, "MONGO_URI"),
            None => (self.connection_string()?, "MONGO_DBNAME"),
        };
        let (database, variable) = match &connection_string.default_database {
            Some(database) => (database.clone(), variable),
            None => (self.dbname.clone(), "MONGO_DBNAME"),
        };
        if let Some(problem) = wrong_with_database(&database) {
            return Err(StoreError::Setting { variable, problem });
        }
        let server = match &connection_string.host_info {
            HostInfo::HostIdentifiers(hosts) => {
                let hosts: Vec<_> = hosts.iter().map(ServerAddress::to_string).collect();
                hosts.join(", ")
            }
            HostInfo::DnsRecord(name) => name.clone(),
            _ => "the servers of MONGO_URI".to_owned(),
        };
        Ok(Target {
            connection_string,
            server,
            database,
        })
    }

    fn connection_string(&self) -> Result<ConnectionString, StoreError> {
        let host = parse_host(&self.host).map_err(|problem| StoreError::Setting {
            variable: "MONGO_HOST",
            problem,
        })?;
        let mut connection_string = ConnectionString::default();
        connection_string.host_info = HostInfo::HostIdentifiers(vec![host]);
        if self.username.is_empty() {
            if !self.password.is_empty() {
                tracing::warn!("MONGO_PASSWORD is ignored, because MONGO_USERNAME is empty");
            }
        } else {
            connection_string.credential = Some(
                Credential::builder()
                    .username(self.username.clone())
                    .password(self.password.clone())
                    .build(),
            );
        }
        Ok(connection_string)
    }
}

/// Reads `MONGO_HOST`; otherwise says what is wrong with it.
fn parse_host(host: &str) -> Result<ServerAddress, String> {
    let allowed = "it must be HOST or HOST:PORT; several hosts and options go into MONGO_URI";
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || ",/@?".contains(c)) {
        return Err(format!("{host:?} is not an address: {allowed}"));
    }
    ServerAddress::parse(host).map_err(|error| match *error.kind {
        ErrorKind::InvalidArgument { message, .. } => format!("{message}; {allowed}"),
        kind => format!("{host:?} is not an address: {kind}; {allowed}"),
    })
}

/// Reads `MONGO_URI`; the error never shows a part of the password, not even of one that was put
/// in without encoding it and so landed in another part of the address.
fn parse_uri(uri: &str) -> Result<ConnectionString, StoreError> {
    let wrong = |problem: &str| StoreError::Setting {
        variable: "MONGO_URI",
        problem: problem.to_owned(),
    };
    let explain = |error: DriverError| match *error.kind {
        ErrorKind::InvalidArgument { message, .. } => wrong(&message),
        kind => wrong(&kind.to_string()),
    };
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err(wrong(
            "it must begin with mongodb:// or mongodb+srv://; a host alone goes into MONGO_HOST",
        ));
    };
    let Some((login, without_login)) = rest.rsplit_once('@') else {
        return ConnectionString::parse(uri).map_err(explain);
    };
    ConnectionString::parse(format!("{scheme}://{without_login}")).map_err(explain)?;
    let encoded = |part: &str| {
        let hex = |at: usize| part.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
        part.bytes().enumerate().all(|(at, byte)| match byte {
            b'%' => hex(at + 1) && hex(at + 2),
            byte => byte.is_ascii_graphic() && !b":/?#[]@".contains(&byte),
        })
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let parsed = ConnectionString::parse(uri);
    match parsed {
        Ok(connection_string) if encoded(user) && encoded(password) => Ok(connection_string),
        _ => Err(wrong(
            "percent-encode special characters of user name and password (`@` as `%40`), or use \
             MONGO_USERNAME and MONGO_PASSWORD, which take them unchanged",
        )),
    }
}

/// What is wrong with the name of a database, if anything is.
fn wrong_with_database(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("the database must have a name".to_owned())
    } else if name.len() > 63 {
        Some(format!("the database name {name:?} has more than 63 bytes"))
    } else if name.contains(|c: char| "/\\. \"$*<>:|?".contains(c) || c.is_control()) {
        Some(format!(
            "the database name {name:?} has a character that MongoDB does not allow \
             (/\\. \"$*<>:|? and control characters)"
        ))
    } else if ["admin", "local", "config"].contains(&name) {
        Some(format!(
            "{name} is a database of MongoDB itself; use another one (for users of admin: \
             ?authSource=admin)"
        ))
    } else {
        None
    }
}

impl fmt::Debug for MongoSettings {
    /// Everything but the password, which may also be part of the connection string.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoSettings")
            .field("uri", &self.uri.as_ref().map(|_| "(hidden)"))
            .field("host", &self.host)
            .field("username", &self.username)
            .field("password", &"(hidden)")
            .field("dbname", &self.dbname)
            .finish()
    }
}
