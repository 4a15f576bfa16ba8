//! Which entries of the audit log are shown, as the address says.

use ecoman_api::AuditOutcome;
#[cfg(doc)]
use ecoman_api::text::deferred::AUDITED;
use form_urlencoded::Serializer;

use crate::route::Route;

/// In the order on the page.
pub const OUTCOMES: [AuditOutcome; 4] = [
    AuditOutcome::Succeeded,
    AuditOutcome::Failed,
    AuditOutcome::Refused,
    AuditOutcome::Pending,
];

/// What the log is narrowed down to, as the address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Empty: with any outcome.
    pub outcomes: Vec<AuditOutcome>,
    /// `None`: of every user.
    pub actor: Option<String>,
    /// `None`: of every node.
    pub node: Option<String>,
    /// `None`: every operation; else one of [`AUDITED`], or others with commas between them.
    pub operation: Option<String>,
}

impl AuditFilter {
    /// Reads the query of an address; what it does not know is left out.
    pub fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            match key.as_ref() {
                "outcome" => {
                    let named = |outcome: &AuditOutcome| {
                        value.split(',').any(|word| word == outcome.as_str())
                    };
                    filter.outcomes = OUTCOMES.into_iter().filter(named).collect();
                }
                "actor" if !value.is_empty() => filter.actor = Some(value.into_owned()),
                "operation" if !value.is_empty() => filter.operation = Some(value.into_owned()),
                "node" if !value.is_empty() => filter.node = Some(value.into_owned()),
                _ => {}
            }
        }
        filter
    }

    /// The parameters, for the address and for the API alike.
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        if !self.outcomes.is_empty() {
            let words: Vec<_> = self.outcomes.iter().map(|it| it.as_str()).collect();
            query.append_pair("outcome", &words.join(","));
        }
        for (key, value) in [
            ("operation", &self.operation),
            ("actor", &self.actor),
            ("node", &self.node),
        ] {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        query.finish()
    }

    /// The address of the log with this filter.
    pub fn to_url(&self) -> String {
        let path = Route::Audit.path();
        match self.query() {
            query if query.is_empty() => path,
            query => format!("{path}?{query}"),
        }
    }

    /// The filter with this outcome added, or without it if it is there.
    pub fn toggled(mut self, outcome: AuditOutcome) -> Self {
        if self.outcomes.contains(&outcome) {
            self.outcomes.retain(|known| *known != outcome);
        } else {
            self.outcomes.push(outcome);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use ecoman_api::text::deferred::AUDITED;

    use super::*;

    #[test]
    fn every_change_of_the_api_can_be_chosen() {
        let document = include_str!("../../../openapi/ecoman.json");
        let document: serde_json::Value = serde_json::from_str(document).expect("JSON");
        let chosen: Vec<_> = AUDITED.iter().flat_map(|it| it.split(',')).collect();
        let paths = document["paths"].as_object().expect("paths");
        for operations in paths.values().filter_map(|path| path.as_object()) {
            for (method, operation) in operations {
                let Some(id) = operation["operationId"].as_str() else {
                    continue;
                };
                // What a user has seen is no change of anything.
                if method != "get" && id != "markTasksSeen" {
                    assert!(chosen.contains(&id), "{id}");
                }
            }
        }
        let all = document.to_string();
        for id in chosen {
            assert!(all.contains(&format!("\"{id}\"")), "{id}");
        }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for filter in [
            AuditFilter::default(),
            AuditFilter {
                outcomes: vec![AuditOutcome::Failed, AuditOutcome::Refused],
                actor: Some(String::from("a&b=c")),
                node: Some(String::from("ノード 1")),
                operation: Some(String::from("createVm,createMachine")),
            },
        ] {
            assert_eq!(AuditFilter::parse(&filter.query()), filter);
        }
        assert_eq!(AuditFilter::default().to_url(), "/audit");
    }
}
