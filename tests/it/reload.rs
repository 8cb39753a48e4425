//! Changed files, while the server runs.

use crate::harness::{Ear, TestHouse};

const HUBS: &str = "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"hello\"\n[[hub.widget]]\nwidget = \"other\"\n";

fn script(text: &str) -> String {
    format!(
        "import \"lib/words\" as words;\nconst REFRESH = \"1h\";\nfn data(widget) {{ #{{ text: words::loud(\"{text}\") }} }}\n"
    )
}

const MODULE: &str = "fn loud(text) { text.to_upper() }";

async fn house() -> TestHouse {
    let house = TestHouse::with(&[
        ("hubs.toml", HUBS),
        ("widgets/lib/words.rhai", MODULE),
        ("widgets/hello.rhai", &script("hello")),
        ("templates/widgets/hello.html", "<p>{{ text }}</p>"),
        ("widgets/other.rhai", "const REFRESH = \"1h\";\nfn data(widget) { #{ n: 1 } }\n"),
        ("templates/widgets/other.html", "<p>{{ n }}</p>"),
    ])
    .await;
    house.instance("x", "hello").await;
    house.instance("x", "other").await;
    house
}

async fn text(ear: &mut Ear) -> String {
    let event = ear.next().await;
    assert_eq!(event.data["widget"], "hello", "only what changed is drawn anew");
    event.data["html"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_script_redraws_its_widgets_and_no_others() {
    let house = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/hello.rhai", &script("good morning"));
    assert!(text(&mut ear).await.contains("<p>GOOD MORNING</p>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_module_redraws_those_who_import_it() {
    let house = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/lib/words.rhai", "fn loud(text) { text + \"!\" }");
    assert!(text(&mut ear).await.contains("<p>hello!</p>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_template_draws_the_same_data_anew() {
    let house = house().await;
    let id = house.instance("x", "hello").await;
    let before = house.json(&format!("/x/{id}/json")).await;
    let mut ear = house.listen("x").await;
    house.write("templates/widgets/hello.html", "<b>{{ text }}</b>");
    let event = ear.next().await.data;
    assert!(event["html"].as_str().unwrap().contains("<b>HELLO</b>"));
    assert_eq!(event["built_at"], before["built_at"], "data() was not called");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_script_never_replaces_one_that_works() {
    let house = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/hello.rhai", "fn data(widget) { #{ text: ");
    house.write("templates/widgets/other.html", "{{ n");
    // What comes next is heard only when the broken ones were taken up, or together with them.
    house.write("widgets/lib/words.rhai", "fn loud(text) { text + \"?\" }");
    house.write("widgets/hello.rhai", &script("mended"));
    let heard = ear.next_where(|data| data["widget"] == "hello").await;
    assert!(
        heard.data["html"].as_str().unwrap().contains("<p>mended?</p>"),
        "{}",
        heard.data["html"]
    );
    assert_eq!(heard.data["state"], "fresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_hub_in_hubs_toml_is_there_without_a_restart() {
    let house = house().await;
    let mut ear = house.listen("x").await;
    house.write("hubs.toml", &format!("{HUBS}\n[[hub]]\nname = \"y\"\nsummary = \"Why not\"\n"));
    // A change of a script is taken up after the file: then the hub must be there.
    house.write("widgets/hello.rhai", &script("later"));
    assert!(text(&mut ear).await.contains("LATER"));
    let (status, page) = house.get("/y").await;
    assert_eq!(status, 200);
    assert!(page.contains("Why not"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_stops_fitting_costs_no_data() {
    let house = house().await;
    let path = format!("/x/{}/json", house.instance("x", "hello").await);
    let before = house.json(&path).await;
    let mut ear = house.listen("x").await;
    let other = |n: u32| format!("const REFRESH = \"1h\";\nfn data(widget) {{ #{{ n: {n} }} }}\n");

    let demanding =
        format!("const PARAMETERS = #{{ who: #{{ kind: \"username\" }} }};\n{}", script("hello"));
    house.write("widgets/hello.rhai", &demanding);
    house.write("widgets/other.rhai", &other(2));
    ear.next_where(|data| data["data"]["n"] == 2).await;
    house.idle().await;
    let unfit = house.json(&path).await;
    assert_eq!(unfit["state"], "error");
    assert_eq!(unfit["error"], "widget `hello` needs `who`: a username, as in `ralph`");

    // It fits again, but gives nothing new: the last good data is what there is to show.
    house.write(
        "widgets/hello.rhai",
        "const REFRESH = \"1h\";\nfn data(widget) { throw \"not today\"; }\n",
    );
    house.write("widgets/other.rhai", &other(3));
    ear.next_where(|data| data["data"]["n"] == 3).await;
    house.idle().await;
    let after = house.json(&path).await;
    assert_eq!((&after["state"], &after["data"]), (&"stale".into(), &before["data"]));
}
