//! The names of what only `data` may call, for processes that check scripts and have nobody whom a script could ask.
//!
//! A test compares them with what the host really has.

/// A function's name, and the numbers of arguments that it takes.
type Function = (&'static str, &'static [usize]);

/// Functions by name, with the numbers of arguments that they take.
pub(super) const GLOBAL: [Function; 6] = [
    ("feed", &[1]),
    ("json", &[1]),
    ("markdown", &[1]),
    ("now", &[0]),
    ("page", &[1]),
    ("text", &[1]),
];

/// Modules, and what is in them.
pub(super) const MODULES: [(&str, &[Function]); 6] = [
    ("cache", &[("get", &[1]), ("get_or_set", &[3]), ("set", &[3])]),
    ("datanommer", &[("activity", &[1]), ("count", &[1]), ("grep", &[1]), ("grouped", &[1])]),
    (
        "fas",
        &[("group", &[1]), ("groups", &[1]), ("members", &[1]), ("sponsors", &[1]), ("user", &[1])],
    ),
    (
        "github",
        &[
            ("commits", &[1, 2]),
            ("events", &[1, 2]),
            ("get", &[1, 2]),
            ("graphql", &[1, 2]),
            ("issues", &[1, 2]),
            ("pulls", &[1, 2]),
            ("releases", &[1, 2]),
            ("repo", &[1]),
            ("search_issues", &[1, 2]),
            ("user", &[1]),
            ("workflow_runs", &[1, 2]),
        ],
    ),
    ("http", &[("get", &[1, 2]), ("get_all", &[1])]),
    ("hubs", &[("of", &[1])]),
];
