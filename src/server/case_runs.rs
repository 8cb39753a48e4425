//! The cases of a widget for its page: run as `hubs widget test` runs them, but on one thread beside the service.

use crate::cases::{self, CaseReport, Mode, Request};
use crate::config::{Sandbox, Site};
use crate::hub::WidgetName;
use crate::web::{CaseOutcome, CaseRuns};
use std::sync::Arc;

pub(super) fn case_runs(site: Site, sandbox: Sandbox) -> CaseRuns {
    CaseRuns::new(Arc::new(move |name: &WidgetName| {
        let names = std::slice::from_ref(name);
        let request = Request {
            site: &site,
            sandbox: &sandbox,
            fas: None,
            names,
            only: None,
            mode: Mode::Check,
            coverage: false,
            options: "",
            threads: Some(1),
        };
        match cases::run(&request) {
            Ok(report) => report.cases.iter().map(outcome).collect(),
            Err(error) => vec![CaseOutcome { case: None, wrong: Some(error.to_string()) }],
        }
    }))
}

fn outcome(report: &CaseReport) -> CaseOutcome {
    let wrong = report.failures.first().map(|failure| {
        let said = failure.diagnostic.to_string();
        said.lines().next().unwrap_or_default().to_owned()
    });
    CaseOutcome { case: report.case.clone(), wrong }
}
