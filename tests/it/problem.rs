//! What is wrong with a widget, told to who may edit it while they edit it.

use crate::harness::{Ear, TestHouse};

const HUBS: &str = "[[hub]]\nname = \"x\"\n[[hub.widget]]\nwidget = \"hello\"\n";
const TEMPLATE: &str = "<p>{{ text }}</p>";
const MODULE: &str = "fn loud(text) { text.to_upper() }\n";

fn script(body: &str) -> String {
    format!("import \"lib/words\" as words;\nconst REFRESH = \"1h\";\n{body}\n")
}

fn good(text: &str) -> String {
    script(&format!("fn data(widget) {{ #{{ text: words::loud(\"{text}\") }} }}"))
}

async fn house() -> (TestHouse, u64) {
    let house = TestHouse::with(&[
        ("hubs.toml", HUBS),
        ("widgets/lib/words.rhai", MODULE),
        ("widgets/hello.rhai", &good("hello")),
        ("templates/widgets/hello.html", TEMPLATE),
    ])
    .await;
    let id = house.instance("x", "hello").await;
    (house, id)
}

/// Waits until an open page is told to look, and looks: until what is there fits.
async fn told(
    house: &TestHouse,
    ear: &mut Ear,
    id: u64,
    fits: impl Fn(u16, &str) -> bool,
) -> String {
    loop {
        let event = ear.next().await;
        if event.kind != "problem" {
            continue;
        }
        assert_eq!(event.data, serde_json::json!({ "id": id }), "every reader hears it");
        let (status, html) = house.get(&format!("/x/{id}/problem")).await;
        if fits(status, &html) {
            return html;
        }
    }
}

/// A fragment without what differs between two runs or two versions of the icons.
fn shape(html: &str, id: u64) -> String {
    let html = html.replace(&format!("problem-{id}"), "problem-[id]");
    let Some((before, icon)) = html.split_once("<svg") else { return html };
    let (_, after) = icon.split_once("</svg>").unwrap();
    let html = format!("{before}[icon]{after}");
    html.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

async fn broken(house: &TestHouse, ear: &mut Ear, id: u64, says: &str) -> String {
    told(house, ear, id, |status, html| status == 200 && html.contains(says)).await
}

async fn mended(house: &TestHouse, ear: &mut Ear, id: u64) {
    told(house, ear, id, |status, html| status == 204 && html.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_script_is_framed_below_what_it_last_showed_until_it_is_mended() {
    let (house, id) = house().await;
    assert_eq!(house.get(&format!("/x/{id}/problem")).await, (204, String::new()));
    let mut ear = house.listen("x").await;
    house.write(
        "widgets/hello.rhai",
        &script("fn data(widget) {\n    let ago = 1;\n    #{ text: words::laud(\"<script>\") }\n}"),
    );
    let html = broken(&house, &mut ear, id, "widgets/hello.rhai:5:").await;
    insta::assert_snapshot!("a broken script", shape(&html, id));
    let (_, page) = house.get("/x").await;
    assert!(page.contains("<p>HELLO</p>") && page.contains(html.trim()), "{page}");
    let (_, alone) = house.get_as_page(&format!("/x/{id}")).await;
    assert!(alone.contains("<p>HELLO</p>") && alone.contains(html.trim()), "{alone}");
    let (status, page) = house.get_as_page(&format!("/x/{id}/problem")).await;
    assert!(status == 200 && page.contains("<h1>What is wrong with Hello</h1>"), "{page}");

    house.write("widgets/hello.rhai", &good("hello").replace("1h", "often"));
    let html = broken(&house, &mut ear, id, "widgets/hello.rhai:2:7").await;
    let help =
        "<b>help:</b> a number and a unit, as in `const REFRESH = &quot;6h&quot;;` (s, m, h)";
    assert!(
        html.contains("<mark>REFRESH</mark> = &quot;often&quot;;") && html.contains(help),
        "{html}"
    );

    house.write("widgets/hello.rhai", &good("hello"));
    mended(&house, &mut ear, id).await;
    let (_, page) = house.get("/x").await;
    assert!(!page.contains("class=\"problem"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_module_is_framed_on_who_imports_it() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/lib/words.rhai", "fn loud(text) {\n    text.to_upper(\n}\n");
    broken(&house, &mut ear, id, "widgets/lib/words.rhai:").await;
    house.write("widgets/lib/words.rhai", MODULE);
    mended(&house, &mut ear, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_is_gone_is_told_and_one_that_never_worked_says_itself_why() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    std::fs::remove_file(house.path("widgets/hello.rhai")).unwrap();
    broken(&house, &mut ear, id, "there is no widget `hello`").await;
    house.write("widgets/hello.rhai", &good("hello").replace("1h", "often"));
    let html = broken(&house, &mut ear, id, "widgets/hello.rhai:2:7").await;
    assert!(!html.contains("there is no widget"), "{html}");
    house.write("widgets/hello.rhai", &good("hello"));
    mended(&house, &mut ear, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_is_no_error_and_is_still_there_after_one() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    let odd = good("hello") + "const PARAMETRS = #{};\n";
    for _ in 0..2 {
        house.write("widgets/hello.rhai", &odd);
        let html = broken(&house, &mut ear, id, "did you mean `PARAMETERS`?").await;
        assert!(html.contains("class=\"problem\"") && html.contains("role=\"status\""), "{html}");
        house.write("widgets/hello.rhai", &odd.replace("1h", "often"));
        broken(&house, &mut ear, id, "role=\"alert\"").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_template_is_framed_whether_it_fails_to_parse_or_to_draw() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    for wrong in ["<p>{{ text }</p>", "<p>{{ test }}</p>", "<p>{{ text | shout }}</p>"] {
        house.write("templates/widgets/hello.html", wrong);
        broken(&house, &mut ear, id, "templates/widgets/hello.html:1:").await;
        let (_, page) = house.get("/x").await;
        assert!(page.contains("<p>HELLO</p>"), "{wrong}: {page}");
        house.write("templates/widgets/hello.html", TEMPLATE);
        mended(&house, &mut ear, id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_and_a_configuration_that_does_not_fit_are_framed_too() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/hello.rhai", &script("fn data(widget) {\n    throw \"not today\";\n}"));
    broken(&house, &mut ear, id, "widgets/hello.rhai:4:").await;
    let elsewhere =
        "fn data(widget) {\n    throw #{ service: \"badges\", message: \"is down\" };\n}";
    house.write("widgets/hello.rhai", &script(elsewhere));
    let html = broken(&house, &mut ear, id, "is down").await;
    assert!(html.contains("role=\"status\"") && html.contains("widgets/hello.rhai:4:"), "{html}");
    let demanding = "const PARAMETERS = #{ who: #{ kind: \"username\" } };\n";
    house.write("widgets/hello.rhai", &format!("{demanding}{}", good("hello")));
    let unfit = broken(&house, &mut ear, id, "needs `who`").await;
    assert!(unfit.contains("change how this widget is configured"), "{unfit}");
    house.write("widgets/hello.rhai", &good("hello"));
    mended(&house, &mut ear, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_failed_in_a_run_is_run_again_when_it_is_mended() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    house.write("templates/widgets/hello.html", "<p>{{ test }}</p>");
    broken(&house, &mut ear, id, "templates/widgets/hello.html:1:").await;
    house.write("widgets/hello.rhai", &good("again"));
    ear.next_where(|data| data["state"] == "stale" && data["error"].is_string()).await;
    house.write("templates/widgets/hello.html", TEMPLATE);
    let drawn = ear.next_where(|data| data["state"] == "fresh").await;
    assert!(drawn.data["html"].as_str().unwrap().contains("<p>AGAIN</p>"));
    mended(&house, &mut ear, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_no_frame_and_learns_nothing_of_the_files() {
    let (house, id) = house().await;
    let mut ear = house.listen("x").await;
    house.write("widgets/hello.rhai", "fn data(widget) { secret_plan( }");
    broken(&house, &mut ear, id, "secret_plan").await;
    let stranger = |path: &str, accept: &str| {
        let request = house.client().get(house.url(path)).header("x-forwarded-for", "192.0.2.1");
        request.header("accept", accept.to_owned()).send()
    };
    let path = format!("/x/{id}/problem");
    let refused = stranger(&path, "application/json").await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["cache-control"]),
        (403, &"no-store".parse().unwrap())
    );
    assert_eq!(
        refused.text().await.unwrap(),
        r#"{"error":"What is wrong with a widget is shown to who may mend it: to the admins of this server, or on the machine that serves it while nobody needs a password."}"#
    );
    let refused = stranger(&path, "text/html").await.unwrap();
    assert_eq!(refused.status(), 403);
    let page = refused.text().await.unwrap();
    assert!(page.contains("Not open to you") && !page.contains("secret_plan"), "{page}");
    for path in ["/x".to_owned(), format!("/x/{id}")] {
        let page = stranger(&path, "text/html").await.unwrap().text().await.unwrap();
        assert!(page.contains("<p>HELLO</p>") && !page.contains("data-editor"), "{page}");
        assert!(!page.contains("secret_plan") && !page.contains("class=\"problem"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_of_a_widget_that_is_not_there_is_not_found() {
    let (house, id) = house().await;
    for path in
        [format!("/x/{}/problem", id + 7), format!("/y/{id}/problem"), "/x/7a/problem".into()]
    {
        let (status, said) = house.get(&path).await;
        assert!(status == 404 && said.contains("\"error\""), "{path}: {status} {said}");
    }
}
