//! What the reader of scripts finds, and what it leaves alone.

use super::*;
use crate::bindings;
use crate::config::{Limits, Sandbox};
use crate::script::{Interpreter, Tier, engine::Parts};
use std::sync::Arc;

fn read(text: &str, role: Role) -> Lint {
    read_with(text, role, &[])
}

fn read_with(text: &str, role: Role, modules: &[(&str, &str)]) -> Lint {
    let modules = modules.iter().map(|(path, text)| {
        let file = format!("widgets/{path}.rhai");
        Arc::new(crate::script::Module { path: (*path).into(), file, text: (*text).into() })
    });
    let source = Arc::new(Source::new("widgets/x.rhai", text, modules.collect()));
    let limits = Limits { deadline: std::time::Duration::from_secs(5), ..Limits::pure() };
    let mut interpreter = Interpreter::new(Tier::Pure, limits, Some(bindings::pure()));
    interpreter.check(&source).unwrap();
    interpreter.lint(&source, role)
}

fn said(lint: &Lint) -> Vec<String> {
    let words = |p: &Diagnostic| format!("{}: {}", p.line.unwrap_or(0), p.message);
    lint.problems.iter().map(words).collect()
}

#[test]
fn what_is_right_is_left_alone() {
    for text in [
        // Functions in variables and maps, closures that capture, names of functions as texts.
        "fn data(w) { let f = |x| x + 1; let m = #{ go: |x| x }; #{ a: f.call(1), b: m.go(2) } }",
        "fn data(w) { let n = 0; [1, 2].for_each(|x| n += x); #{ n: n } }",
        "fn data(w) { #{ a: [1].map(Fn(\"twice\")) } } fn twice(x) { x * 2 }",
        "fn data(w) { let list = []; list.push(1); for (x, at) in list { if at > x { break; } } #{ list: list } }",
        // Ways out that a reader of the whole file sees, and Rhai only when it runs.
        "fn should_invalidate(m, w) { switch m.category { \"git\" => true, _ => false } } fn data(w) { #{} }",
        "fn should_invalidate(m, w) { for u in m.usernames { if u == w.name { return true; } } false } fn data(w) { #{} }",
        "fn should_invalidate(m, w) { if m.category != \"git\" { return false } m.msg.id == w.id } fn data(w) { #{} }",
        "fn should_invalidate(m, w) { try { m.msg.id == 1 } catch (e) { false } } fn data(w) { #{} }",
        "fn data(w) { if w.hub.archived { throw \"no\"; } let m = #{}; m.a = 1; m }",
        "fn data(w) { let x = (); loop { x = 1; break; } #{ x: x } }",
        "fn data(w) { let m = if w.id == 1 { #{ a: 1 } } else { #{ b: 1 } }; m }",
        "fn data(w) { let s = http::get(\"https://a.org/\").json(); s }",
        // Conditions that can come true.
        "fn should_invalidate(m, w) { m.category == \"git\" || m.category == \"bodhi\" } fn data(w) { #{} }",
        "fn should_invalidate(m, w) { m.topic == \"org.fedoraproject.prod.git.receive\" } fn data(w) { #{} }",
        // `this`, and functions that call themselves.
        "fn data(w) { #{ n: down(3) } } fn down(n) { if n == 0 { 0 } else { down(n - 1) } }",
    ] {
        let lint = read(text, Role::Widget);
        assert!(lint.problems.is_empty(), "{text}\n{:#?}", said(&lint));
    }
}

#[test]
fn closures_are_followed_with_what_they_capture() {
    let lint = read(
        "fn data(widget) { let config = widget.config; #{ a: [1].map(|x| x + config.nuber), b: [1].map(|y| widget.hub.nam) } }",
        Role::Widget,
    );
    assert_eq!(lint.settings[0].name, "nuber");
    assert!(!lint.hands_on_config);
    assert_eq!(said(&lint).len(), 1);
    assert!(said(&lint)[0].contains("`widget.hub` has no `nam`; it has `name`"));
}

#[test]
fn a_config_that_is_handed_on_whole_may_be_read_anywhere() {
    let whole = |text: &str| read(text, Role::Widget).hands_on_config;
    assert!(whole("fn data(widget) { #{ all: widget.config } }"));
    assert!(whole("fn data(widget) { #{ all: widget.config.keys() } }"));
    assert!(whole("fn data(widget) { let k = \"a\"; #{ one: widget.config[k + k] } }"));
    assert!(!whole(
        "fn data(widget) { let c = widget.config; #{ one: of(c) } } fn of(c) { c.one }"
    ));
}

#[test]
fn a_pure_function_asks_nobody_by_way_of_a_module_either() {
    let module =
        ("lib/far", "fn ask(id) { inner(id) } fn inner(id) { http::get(id) } fn near(id) { id }");
    let lint = read_with(
        "import \"lib/far\" as far;\nfn should_invalidate(m, w) { far::near(1) == 1 && [1].some(|x| far::ask(x)) }\nfn data(w) { #{ a: far::ask(1) } }",
        Role::Widget,
        &[module],
    );
    assert_eq!(
        said(&lint),
        ["2: `far::ask`, which calls `http::get` can't be called from `should_invalidate`"]
    );
    assert!(lint.asks_elsewhere);
}

#[test]
fn what_data_returns_is_known_where_it_is_plain() {
    let shape = |text: &str| read(text, Role::Widget).data.map(|shape| format!("{shape:?}"));
    assert_eq!(
        shape("fn data(w) { if w.id == 1 { return #{ a: 1 }; } #{ b: [#{ c: 1 }] } }").unwrap(),
        r#"Map({"a": Leaf, "b": List(Map({"c": Leaf}))})"#
    );
    assert_eq!(
        shape("fn data(w) { let m = #{ a: 1 }; m.b = 2; m[\"c\"] = 3; m }").unwrap(),
        r#"Map({"a": Leaf, "b": Leaf, "c": Leaf})"#
    );
    assert_eq!(shape("fn data(w) { let m = #{ a: 1 }; m.mixin(#{ b: 1 }); m }"), None);
    assert_eq!(shape("fn data(w) { let m = #{ a: 1 }; let k = \"b\" + w.id; m[k] = 1; m }"), None);
    assert_eq!(shape("fn data(w) { let m = #{}; [1].for_each(|x| m[`${x}`] = x); m }"), None);
}

#[test]
fn a_module_may_have_functions_that_only_others_call() {
    let lint = read("fn open(a) { a }\nprivate fn shut(a) { a }", Role::Module);
    assert_eq!(said(&lint), ["2: nothing calls the function `shut`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_services_are_those_of_the_host() {
    let sandbox = Sandbox::default();
    let outbound = crate::outbound::Outbound::new(&sandbox).unwrap();
    let host = bindings::Host {
        fas: crate::outbound::Fas::new(&outbound, None),
        github: crate::outbound::Github::anonymous(&outbound),
        outbound,
        datanommer: crate::datanommer::Datanommer::open("sqlite::memory:").await.unwrap(),
        cache: crate::cache::Cache::memory(),
        store: crate::store::Store::open("sqlite::memory:").await.unwrap(),
        runtime: tokio::runtime::Handle::current(),
        sandbox,
    };
    let install = bindings::install(host);
    let has = |tier: Tier| {
        let parts = Parts::new(tier, install.tools(tier));
        Known::registered(&parts.engine(
            tier,
            &Limits::data(),
            &crate::script::watch::Watch::Nothing,
        ))
    };
    let (data, pure) = (has(Tier::Data), has(Tier::Pure));
    let listed =
        |arities: &[usize]| arities.iter().fold(known::Arities::default(), |all, n| all.with(*n));
    let mut only: Vec<_> =
        data.global.iter().filter(|(name, _)| !pure.global.contains_key(*name)).collect();
    only.sort_by_key(|(name, _)| *name);
    let globals = services::GLOBAL.map(|(name, arities)| (name.to_string(), listed(arities)));
    assert_eq!(only, globals.iter().map(|(name, takes)| (name, takes)).collect::<Vec<_>>());
    let modules = services::MODULES.map(|(module, functions)| {
        let functions = functions.iter().map(|(name, takes)| ((*name).to_string(), listed(takes)));
        (module.to_string(), functions.collect())
    });
    assert_eq!(data.modules, modules.into_iter().collect());
}
