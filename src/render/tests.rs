//! The room as others use it: a site in, HTML and diagnostics out.

use super::*;
use crate::hub::{Cause, Column, HubKind, InstanceId, State, WidgetView};
use serde_json::json;
use std::fs;

struct House {
    folder: tempfile::TempDir,
    site: Site,
}

/// A site with these templates over the built-in ones.
fn house(templates: &[(&str, &str)]) -> House {
    let folder = tempfile::tempdir().unwrap();
    let house = House { site: Site::at(folder.path()), folder };
    for (name, text) in templates {
        house.write(name, text);
    }
    house
}

impl House {
    fn write(&self, name: &str, text: &str) {
        let file = self.folder.path().join("templates").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
}

fn noon() -> Timestamp {
    "2026-05-05T12:00:00Z".parse().unwrap()
}

fn name(text: &str) -> WidgetName {
    text.parse().unwrap()
}

fn render(renderer: &Renderer, widget: &str, data: &Value) -> Result<String, Diagnostic> {
    let placed = json!({ "id": 7, "name": widget, "config": {}, "hub": { "name": "ralph" } });
    renderer.widget(&WidgetHtml { name: &name(widget), data, widget: &placed })
}

/// The one template of a house, rendered.
fn check(template: &str, data: &Value) -> Result<String, Diagnostic> {
    let house = house(&[("widgets/probe.html", template)]);
    let (renderer, problems) = Renderer::new(&house.site);
    match problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => render(&renderer, "probe", data),
    }
}

fn view(state: State, data: Value) -> WidgetView {
    WidgetView {
        id: InstanceId(7),
        widget: name("badges"),
        title: "Badges".into(),
        description: "Open Badges".into(),
        hub: "ralph".parse().unwrap(),
        column: Column::Right,
        position: 0,
        config: crate::hub::Config::new(),
        state,
        version: "abc".into(),
        built_at: Some("2026-05-05T11:58:00Z".parse().unwrap()),
        invalidated_by: Some(Cause {
            id: "2026-x".into(),
            topic: "org.fedoraproject.prod.fedbadges.badge.award".into(),
        }),
        data,
        html: String::new(),
        error: None,
    }
}

#[test]
fn all_built_in_templates_work() {
    let (_, problems) = Renderer::new(&Site::built_in());
    assert_eq!(problems, []);
}

#[test]
fn data_is_at_the_top_level_and_escaped() {
    let html = check("{{ text }} in {{ widget.hub.name }}", &json!({ "text": "<b>&" })).unwrap();
    assert_eq!(html, "&lt;b&gt;&amp; in ralph");
}

#[test]
fn a_field_of_the_data_cannot_pose_as_the_widget() {
    assert_eq!(check("{{ widget.id }}", &json!({ "widget": { "id": 1 } })).unwrap(), "7");
}

#[test]
fn a_widget_cannot_make_html_of_data_safe_by_a_word() {
    let html = check("{{ text | safe }}", &json!({ "text": "<i>x</i><script>1</script>" }));
    assert_eq!(html.unwrap(), "<i>x</i>");
}

#[test]
fn filters_of_hubs_turn_values_into_words_and_pictures() {
    for (template, data, expected) in [
        ("{{ a | commas }}", json!({ "a": 1234 }), "1,234"),
        ("{{ a | series }}", json!({ "a": ["x", "y"] }), "x and y"),
        ("{{ a | url }}", json!({ "a": "javascript:alert(1)" }), "#"),
        ("{{ a | markdown }}", json!({ "a": "*x*" }), "<p><em>x</em></p>\n"),
        ("{{ a | strong(words=b) }}", json!({ "a": "x & y", "b": ["y"] }), "x &amp; <b>y</b>"),
        (
            "{{ a | ago }}",
            json!({ "a": 1_777_982_100 }),
            "<time data-ago datetime=\"2026-05-05T11:55:00Z\" title=\"5 May 2026, 11:55 UTC\">5 May 2026, 11:55 UTC</time>",
        ),
        (
            "{{ a | time(format=\"%-d %b\") }}",
            json!({ "a": "2026-05-04 10:00:00" }),
            "<time datetime=\"2026-05-04T10:00:00Z\">4 May</time>",
        ),
    ] {
        assert_eq!(check(template, &data).unwrap(), expected, "{template}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_place_and_what_fits() {
    let probe = "templates/widgets/probe.html";
    let endless =
        "{% for a in range(end=90000) %}{% for b in range(end=90000) %}x{% endfor %}{% endfor %}";
    for (template, data, place, message) in [
        ("a\n{% if %}", json!({}), ":2:7", "Found `%}` but expected one of: integer"),
        ("{{ a | shout }}", json!({ "a": 1 }), ":1:8", "Unknown filter `shout`"),
        (
            "{{ itms }}",
            json!({ "items": [] }),
            ":1:4",
            "Variable `itms` is not defined. Available variables: hubs_version, items, widget",
        ),
        (
            "{{ a | ago }}",
            json!({ "a": "soon" }),
            ":1:8",
            "`ago` was given string `soon`, which is no time; one is `2026-05-05T12:00:00Z` or seconds since 1970",
        ),
        (
            "{{ icon(name=\"clok\") }}",
            json!({}),
            ":1:4",
            "there is no icon `clok` in static/icons.svg; did you mean `clock`?",
        ),
        (
            "{{ asset(path=\"hub.css\") }}",
            json!({}),
            ":1:4",
            "there is no file `static/hub.css`; did you mean `hubs.css`?",
        ),
        ("{% include \"card-men.html\" %}", json!({}), ":1:12", "Unknown template `card-men.html`"),
        (
            "{% extends \"bas.html\" %}",
            json!({}),
            "",
            "`bas.html`, which `widgets/probe.html` extends, is not there",
        ),
        (endless, json!({}), "", "the HTML is longer than its limit of 262144 bytes"),
    ] {
        let said = check(template, &data).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{probe}{place}: {message}")), "{said}");
    }
    let said = check("{{ a }}", &json!([1])).unwrap_err();
    assert_eq!(said.to_string(), "`data` of widget `probe` returned no map");
    let frame = check("{{ a | shout }}", &json!({ "a": 1 })).unwrap_err().frame();
    assert_eq!(frame.as_deref(), Some("1 | {{ a | shout }}\n  |        ^^^^^"));
}

#[test]
fn a_widget_without_a_template_says_where_one_goes() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let found = render(&renderer, "zz.nothing", &json!({})).unwrap_err();
    assert_eq!(found.to_string(), "there is no template `templates/widgets/zz/nothing.html`");
}

#[test]
fn a_broken_template_never_replaces_one_that_works() {
    let house = house(&[
        ("frame.html", "<{% block inner %}{% endblock inner %}>"),
        (
            "widgets/probe.html",
            "{% extends \"frame.html\" %}{% block inner %}1{% endblock inner %}",
        ),
        ("widgets/other.html", "2"),
    ]);
    let (renderer, problems) = Renderer::new(&house.site);
    assert_eq!(problems, []);
    let both = || {
        let shown = |widget| render(&renderer, widget, &json!({})).unwrap();
        (shown("probe"), shown("other"))
    };
    house.write("widgets/probe.html", "{% if %}");
    house.write("widgets/other.html", "3");
    let reloaded = renderer.reload(&house.site);
    assert_eq!(reloaded.changed, ["widgets/other.html"]);
    assert_eq!(reloaded.problems.len(), 1);
    assert_eq!(reloaded.problems[0].file.as_deref(), Some("templates/widgets/probe.html"));
    assert_eq!(both(), ("<1>".into(), "3".into()));

    // The frame breaks: the new probe still goes with the old frame.
    house.write("frame.html", "{{ 1 | nonsense }}");
    house.write(
        "widgets/probe.html",
        "{% extends \"frame.html\" %}{% block inner %}4{% endblock inner %}",
    );
    let reloaded = renderer.reload(&house.site);
    assert_eq!(reloaded.changed, ["widgets/probe.html"]);
    assert_eq!(reloaded.problems.len(), 1, "{:?}", reloaded.problems);
    assert_eq!(both(), ("<4>".into(), "3".into()));

    house.write("frame.html", "[{% block inner %}{% endblock inner %}]");
    let reloaded = renderer.reload(&house.site);
    assert_eq!(reloaded.changed, ["frame.html", "widgets/probe.html"]);
    assert_eq!(both(), ("[4]".into(), "3".into()));
    assert!(reloaded.problems.is_empty());
}

#[test]
fn a_template_that_never_worked_says_why_when_it_is_asked_for() {
    let house = house(&[("widgets/probe.html", "{% if %}"), ("widgets/other.html", "2")]);
    let (renderer, problems) = Renderer::new(&house.site);
    assert_eq!(render(&renderer, "probe", &json!({})).unwrap_err(), problems[0]);
    assert_eq!(render(&renderer, "other", &json!({})).unwrap(), "2");
}

#[test]
fn the_hash_of_a_template_covers_all_that_it_leans_on() {
    let house = house(&[
        ("widgets/probe.html", "{% include \"part.html\" %}"),
        ("widgets/other.html", "2"),
        ("part.html", "{%- include 'deep.html' -%}"),
        ("deep.html", "1"),
    ]);
    let (renderer, _) = Renderer::new(&house.site);
    let hashes =
        || (renderer.template_hash(&name("probe")), renderer.template_hash(&name("other")));
    let (probe, other) = hashes();
    house.write("deep.html", "2");
    renderer.reload(&house.site);
    assert_ne!(hashes().0, probe);
    assert_eq!(hashes().1, other);
    house.write("card-menu.html", "");
    renderer.reload(&house.site);
    assert_ne!(hashes().1, other);
    assert_eq!(renderer.template_hash(&name("nothing")), None);
}

#[test]
fn every_widget_of_the_house_shows_what_its_script_returns() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let hub = json!({ "name": "infra", "summary": "The Infra Team" });
    let badge = json!({ "id": "egg", "name": "Egg", "description": "<d>", "image": "https://b.example/egg.png", "link": "https://b.example/egg" });
    let item = json!({ "id": "2026-1", "summary": "ralph did <it>", "link": "https://a.example/", "who": "ralph", "usernames": ["ralph"], "category": "git", "secondary_icon": "", "sent_at": "2026-05-05T11:00:00Z" });
    let nobody = json!({ "id": "2026-2", "summary": "it rains", "link": "", "who": "", "usernames": [], "category": "git", "secondary_icon": "https://a.example/i.png", "sent_at": "2026-05-05T10:00:00Z" });
    for (widget, data, part) in [
        ("about", json!({ "text": "*we*" }), "<em>we</em>"),
        ("sticky", json!({ "text": "# Now" }), "<h3>Now</h3>"),
        ("dummy", json!({ "text": "<lorem>" }), "&lt;lorem&gt;"),
        ("avatar", json!({ "username": "ralph", "avatar": avatar_url("ralph", 312) }), "s160"),
        (
            "badges",
            json!({ "username": "ralph", "total": 1234, "link": "https://b.example/", "assertions": [badge] }),
            "All 1,234 badges",
        ),
        (
            "badges",
            json!({ "username": "ralph", "total": 0, "assertions": [] }),
            "ralph has no badges yet",
        ),
        ("cobwebs", json!({ "old": true, "archived": true, "days": 3 }), "archived and locked"),
        (
            "cobwebs",
            json!({ "old": true, "archived": false, "days": 1234 }),
            "last active 1,234 days ago",
        ),
        (
            "rules",
            json!({ "owners": ["duffy"], "link": "", "schedule_text": "", "schedule_link": "", "minutes_link": "https://m.example/" }),
            "Past minutes",
        ),
        (
            "rules",
            json!({ "owners": [], "link": "https://r.example/", "schedule_text": "", "schedule_link": "", "minutes_link": "" }),
            "Nobody owns this hub yet",
        ),
        (
            "stats",
            json!({ "members": 1, "subscribers": 1243, "stars": 0 }),
            "<dt>Member</dt><dd>1</dd>",
        ),
        (
            "subscriptions",
            json!({ "username": "ralph", "associations": [{ "title": "Belongs to", "hubs": [hub] }] }),
            "href=\"/infra\"",
        ),
        (
            "subscriptions",
            json!({ "username": "ralph", "associations": [] }),
            "ralph belongs to no hub yet",
        ),
        ("feed", json!({ "items": [item, nobody] }), "<b>ralph</b> did &lt;it&gt;</a>"),
        ("feed", json!({ "items": [] }), "Nothing yet"),
    ] {
        let html = render(&renderer, widget, &data).unwrap();
        assert!(html.contains(part), "{part} in {widget}: {html}");
    }
}

#[test]
fn a_card_says_its_age_its_cause_and_its_state() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let chrome = Chrome { style: Style::Panel, hide_when_empty: None };
    let card = |view: &WidgetView, inner: &str| {
        let card = CardHtml { view, chrome: &chrome, inner };
        renderer.card(&card).unwrap()
    };
    let fresh = card(&view(State::Fresh, json!({})), "<p>in</p>");
    for part in [
        "id=\"widget-7\"",
        "data-version=\"abc\"",
        "data-state=\"fresh\"",
        "<p>in</p>",
        ">5 May 2026, 11:58 UTC</time>",
        "<code>fedbadges.badge.award</code>",
        "href=\"/ralph/7\"",
        "href=\"/source/badges\"",
    ] {
        assert!(fresh.contains(part), "{part} in {fresh}");
    }
    assert!(!fresh.contains("refreshing") && !fresh.contains(" hidden"));
    let mut late = view(State::Stale, json!({}));
    assert!(card(&late, "x").contains("refreshing"));
    late.error = Some("badges.fedoraproject.org answers 503".into());
    assert!(card(&late, "x").contains("out of date: badges.fedoraproject.org answers 503"));
    let mut never = view(State::Error, json!(null));
    (never.built_at, never.error) = (None, Some("<no>".into()));
    let never = card(&never, "");
    assert!(never.contains("Nothing to show yet.</b> &lt;no&gt;"), "{never}");
}

#[test]
fn a_card_hides_while_its_field_is_empty() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let chrome = Chrome { style: Style::Panel, hide_when_empty: Some("items".into()) };
    let hidden = |state: State, data: Value| {
        let view = view(state, data);
        let card = CardHtml { view: &view, chrome: &chrome, inner: "" };
        renderer.card(&card).unwrap().contains(" hidden>")
    };
    for empty in
        [json!({}), json!({ "items": [] }), json!({ "items": false }), json!({ "items": 0 })]
    {
        assert!(hidden(State::Fresh, empty.clone()), "{empty}");
    }
    assert!(!hidden(State::Fresh, json!({ "items": [1] })));
    assert!(!hidden(State::Error, json!(null)));
}

#[test]
fn a_page_has_its_cards_as_they_are_and_its_ages_as_of_now() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let card = "<article id=\"widget-1\"><time data-ago datetime=\"2026-05-05T10:00:00Z\">just now</time></article>";
    let hub = sample_hub();
    let page = HubPage {
        hub: &hub,
        days_idle: 0,
        left: &[card.into()],
        right: &[],
        cursor: "1-5",
        editor: false,
        deeds: vec![],
        may_edit: false,
        closed: false,
        has_feed: false,
        searchable: true,
        query: "",
        nothing: false,
    };
    let html = renderer.page("hub.html", &page, noon()).unwrap();
    for part in [
        "<article id=\"widget-1\">",
        ">2 h ago</time></article>",
        "data-hub=\"designteam\" data-cursor=\"1-5\"",
        "cols-8",
        "The &lt;Design&gt; Team",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    // The policy of the pages forbids both, so they would silently do nothing.
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("onclick"));
}

#[test]
fn every_page_renders_from_what_it_is_given() {
    let (renderer, _) = Renderer::new(&Site::built_in());
    let hub = sample_hub();
    let groups = [HubSummary::from(&hub)];
    let index = IndexPage { groups: &groups, users: &groups, widgets: &[], query: "<design>" };
    let html = renderer.page("index.html", &index, noon()).unwrap();
    assert!(html.contains("value=\"&lt;design&gt;\"") && html.contains("href=\"/designteam\""));
    let widget = name("badges");
    let source = SourcePage {
        widget: &widget,
        title: "Badges",
        description: "Open Badges",
        files: vec![SourceFile { file: "widgets/badges.rhai", lines: vec!["//! <x>", ""] }],
    };
    assert!(
        renderer
            .page("source.html", &source, noon())
            .unwrap()
            .contains("<code>//! &lt;x&gt;</code>")
    );
    let sorry = ErrorPage {
        status: 404,
        title: "Nobody is here",
        message: "There is no such hub.",
        may_log_in: false,
    };
    assert!(renderer.page("error.html", &sorry, noon()).unwrap().contains("Nobody is here"));
    let page = LoginPage {
        people: vec![Somebody { username: "ralph", full_name: "<Ralph>" }],
        next: "/?q=\"",
        problem: Some("<no>"),
    };
    let viewer = Some(Who { username: "duffy", full_name: "", is_admin: false });
    let frame = Frame { viewer, csrf: "a-token", bookmarks: &[], login: "/login".into() };
    let login = renderer.page("login.html", Framed { page, frame }, noon()).unwrap();
    assert!(login.contains("&lt;Ralph&gt;") && login.contains("&lt;no&gt;"), "{login}");
    assert_eq!(login.matches("name=\"csrf\" value=\"a-token\"").count(), 3, "also to log out");
    assert!(login.contains("name=\"next\" value=\"/?q=&quot;\"") && login.contains("> duffy</a>"));
    let alone = WidgetPage {
        hub: &hub,
        id: InstanceId(7),
        title: "Badges",
        description: "",
        card: "<article>",
        cursor: "1-5",
        editor: true,
    };
    let alone = renderer.page("widget.html", &alone, noon()).unwrap();
    assert!(alone.contains("data-alone=\"7\"") && alone.contains("\" data-editor>"));
    let skeleton = Skeleton { id: InstanceId(7), hub: &hub.name, widget: &widget, title: "Badges" };
    assert!(renderer.skeleton(&skeleton).unwrap().contains("data-state=\"loading\""));
}

fn sample_hub() -> crate::hub::Hub {
    crate::hub::Hub {
        name: "designteam".parse().unwrap(),
        kind: HubKind::Group,
        summary: "The <Design> Team".into(),
        avatar: String::new(),
        banner: String::new(),
        left_width: 8,
        visibility: crate::hub::Visibility::Public,
        archived: false,
        owners: vec!["duffy".into()],
        members: vec!["decause".into()],
        subscribers: vec![],
        stargazers: vec![],
        created_at: noon(),
        last_active: noon(),
    }
}
