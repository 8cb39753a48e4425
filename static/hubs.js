// Keeps a page alive: fetches what is missing, listens for what changes, and redraws only that.
//
// A page works without this file. What a reader is doing (focus, selection, typed text, scroll, an open menu) is never
// lost to a redraw. HTML comes from the server's templates alone and is parsed, never run: the policy of the page
// forbids inline scripts.

const main = document.querySelector("main[data-hub]");
const page = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// ---- Ages. The same words as `ago` in src/render/words.rs. ----

function ago(then, now = Date.now()) {
  const seconds = Math.floor(now / 1000) - Math.floor(then / 1000);
  const distance = Math.abs(seconds);
  const rounded = (unit) => Math.floor((distance + unit / 2) / unit);
  let amount;
  if (distance < 45) return seconds >= 0 ? "just now" : "in a moment";
  if (rounded(60) < 60) amount = `${Math.max(rounded(60), 1)} min`;
  else if (rounded(3600) < 24) amount = `${rounded(3600)} h`;
  else if (rounded(86400) < 30) amount = `${rounded(86400)} day${rounded(86400) === 1 ? "" : "s"}`;
  else {
    const date = new Date(then);
    const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
    return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year });
  }
  return seconds >= 0 ? `${amount} ago` : `in ${amount}`;
}

function tick(root = document) {
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const then = Date.parse(time.dateTime);
    if (Number.isNaN(then)) continue;
    const words = ago(then);
    if (time.textContent !== words) time.textContent = words;
    time.title = new Date(then).toLocaleString();
  }
  for (const time of root.querySelectorAll("time[data-zone]")) {
    const words = clock(time.dataset.zone);
    if (words && time.textContent !== words) time.textContent = words;
  }
}

/** What a clock shows in a zone; nothing for a zone that the browser does not know. */
function clock(timeZone) {
  try {
    return new Date().toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" });
  } catch {
    return "";
  }
}

// ---- Morphing: makes one tree like another, touching only what differs. ----

/** What says that two elements are the same thing: `data-key` within a list, an id, or a field's name. */
const keyOf = (node) => (node.nodeType === 1 ? node.dataset?.key || node.id || node.getAttribute("name") : null);

/** Makes `old` like `fresh`. Returns the keyed rows that are new or differ. */
function morph(old, fresh, changed = []) {
  // A page that was made before a card's data says less than the card does.
  if (old.isEqualNode(fresh) || fresh.dataset?.state === "loading") return changed;
  if (old.nodeType !== 1) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return changed;
  }
  // An age of the same instant differs only in how far it has ticked.
  if (old.matches("time[data-ago]") && old.dateTime === fresh.dateTime) return changed;
  morphAttributes(old, fresh);
  morphChildren(old, fresh, changed);
  return changed;
}

function morphAttributes(old, fresh) {
  // Whether a `<details>` is open is the reader's business.
  const theirs = (name) => name === "open" && old.localName === "details";
  for (const { name, value } of fresh.attributes) {
    if (!theirs(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!theirs(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

function morphChildren(old, fresh, changed) {
  const wanted = new Set([...fresh.children].map(keyOf).filter(Boolean));
  // A key should be there once; where a template repeats one, the rows meet in their order.
  const known = new Map();
  for (const child of [...old.children]) {
    const key = keyOf(child);
    if (key && !wanted.has(key)) child.remove();
    else if (key) known.set(key, [...(known.get(key) ?? []), child]);
  }
  let here = old.firstChild;
  for (const want of [...fresh.childNodes]) {
    const key = keyOf(want);
    let have = key ? known.get(key)?.shift() : here;
    if (have && (have.nodeName !== want.nodeName || (!key && keyOf(have)))) have = null;
    if (!have) {
      const made = document.importNode(want, true);
      old.insertBefore(made, here);
      if (key && made.dataset.key) changed.push(made);
      continue;
    }
    if (have === here) here = here.nextSibling;
    else move(old, have, here);
    if (key && have.dataset.key && !sameButForAges(have, want)) changed.push(have);
    morph(have, want, changed);
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

/** Where the browser can, a node moves without losing its focus and state. */
function move(parent, node, before) {
  if (parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

function sameButForAges(old, fresh) {
  const plain = (node) => {
    const copy = node.cloneNode(true);
    for (const time of copy.querySelectorAll("time[data-ago], time[data-zone]")) time.replaceChildren(), time.removeAttribute("title");
    copy.classList.remove("changed");
    if (!copy.getAttribute("class")) copy.removeAttribute("class");
    return copy;
  };
  return plain(old).isEqualNode(plain(fresh));
}

/** Runs a redraw, and gives the focus back if its element was taken out. */
function keepFocus(card, redraw) {
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  redraw();
  if (focused && !focused.isConnected) {
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
  }
}

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

// ---- Cards ----

const cardOf = (id) => page(`widget-${id}`);

/** Shows a widget object, from `/json` or an event. What is older than what is shown is left. */
function show(view) {
  const card = cardOf(view.id);
  if (!card || (view.version === card.dataset.version && (view.built_at ?? "") === card.dataset.built)) return false;
  if (Date.parse(view.built_at) < Date.parse(card.dataset.built)) return false;
  const fresh = parse(view.html).querySelector("article");
  if (!fresh) return false;
  // What is wrong with it is not of its HTML, which is the same for every viewer.
  const problem = problemOf(card);
  if (problem) fresh.append(problem.cloneNode(true));
  const first = card.dataset.state === "loading";
  let changed = [];
  keepFocus(card, () => (changed = morph(card, fresh)));
  tick(card);
  if (!first) outline(changed.length ? changed : [card]);
  return !first;
}

const problemOf = (card) => card.querySelector(":scope > .problem");
const looks = new Map();

/** For who may edit: shows what is wrong with a card's script, template or last run, or takes that away when it is mended. */
async function look(id) {
  if (!("editor" in document.body.dataset) || !cardOf(id)) return;
  const turn = (looks.get(id) ?? 0) + 1;
  looks.set(id, turn);
  const answer = await fetch(`/${main.dataset.hub}/${id}/problem`);
  const text = await answer.text();
  const card = cardOf(id);
  // A later look knows better; one that failed knows nothing.
  if (!card || !answer.ok || looks.get(id) !== turn) return;
  const fresh = parse(text).querySelector(".problem");
  const shown = problemOf(card);
  keepFocus(card, () => {
    if (fresh && shown) morph(shown, fresh);
    else if (fresh) card.append(fresh);
    else shown?.remove();
  });
}

/** Outlines what changed, once; not while the reader selects or types. */
function outline(elements) {
  const busy = document.activeElement?.matches("input, textarea, select") || !getSelection().isCollapsed;
  if (calm.matches || busy) return;
  for (const element of elements) {
    element.classList.add("changed");
    element.addEventListener("animationend", () => element.classList.remove("changed"), { once: true });
  }
}

/** Fetches every card that the page came without, four at a time: the stream needs one of the browser's six connections. */
async function loadMissing() {
  const waiting = [...main.querySelectorAll('.card[data-state="loading"]')];
  const worker = async () => {
    for (let card = waiting.shift(); card; card = waiting.shift()) await load(card);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

async function load(card) {
  try {
    const answer = await fetch(`/${main.dataset.hub}/${card.dataset.id}/json`, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
  } catch {
    // Its event, or the next connection, brings it; until then the reader has a link.
    if (card.dataset.state !== "loading" || card.querySelector(".trouble")) return;
    const sentence = document.createElement("p");
    const link = document.createElement("a");
    link.href = `/${main.dataset.hub}/${card.dataset.id}`;
    link.textContent = "Open it alone";
    sentence.className = "trouble";
    sentence.append("It could not be fetched. ", link);
    card.querySelector(".card-body").replaceChildren(sentence);
  }
}

/** The layout changed: the page is fetched again and morphed as a whole. */
async function reloadPage() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (answer.status === 404 || answer.status === 403) return location.reload();
  if (!answer.ok) return;
  const fresh = parse(await answer.text()).querySelector("main[data-hub]");
  if (!fresh) return;
  // A card that is in the other column now is taken there, with what its reader does in it.
  for (const column of fresh.querySelectorAll(".column[data-key]")) {
    const here = main.querySelector(`.column[data-key="${column.dataset.key}"]`);
    for (const { id } of column.children) {
      const card = id && page(id);
      if (here && card && card.parentElement !== here && card.parentElement.matches(".column")) move(here, card, null);
    }
  }
  keepFocus(main, () => morph(main, fresh));
  tick(main);
  await loadMissing();
}

// ---- What is said aloud: politely, at most once in ten seconds ----

const news = { titles: new Set(), last: 0, timer: 0 };

function announce(title) {
  news.titles.add(title);
  news.timer ||= setTimeout(() => {
    const titles = [...news.titles];
    page("announce").textContent = `${titles.slice(0, 3).join(", ")}${titles.length > 3 ? " and others" : ""} changed`;
    news.titles.clear();
    news.last = Date.now();
    news.timer = 0;
  }, Math.max(0, news.last + 10_000 - Date.now()));
}

// ---- The stream ----

class Stream {
  #source = null;
  #cursor = main.dataset.cursor;
  #lostAt = 0;
  #tries = 0;
  #missed = 0;
  #timers = { bar: 0, again: 0, caughtUp: 0 };

  open() {
    this.close();
    const source = new EventSource(`/${main.dataset.hub}/events?since=${encodeURIComponent(this.#cursor)}`);
    this.#source = source;
    source.onopen = () => this.#found();
    source.onerror = () => this.#lost();
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        this.#cursor = event.lastEventId || this.#cursor;
        let data = null;
        try {
          data = JSON.parse(event.data);
        } catch {
          return;
        }
        this.#missed += 1;
        act(data);
      });
    on("widget", (view) => {
      if (main.dataset.alone && main.dataset.alone !== String(view.id)) return;
      if (show(view)) announce(view.title);
    });
    on("problem", ({ id }) => look(id).catch(() => {}));
    on("removed", ({ id }) => (page(`place-${id}`) ?? cardOf(id))?.remove());
    on("hub", () => reloadPage().catch(() => {}));
  }

  close() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timers.again);
  }

  get isOpen() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  #found() {
    this.#tries = 0;
    this.#mark("live");
    clearTimeout(this.#timers.bar);
    this.#timers.bar = 0;
    const barShown = !page("lost").hidden;
    this.#lostAt = 0;
    this.#missed = 0;
    if (!barShown) return;
    // What was missed comes right behind the connection; then it is counted.
    clearTimeout(this.#timers.caughtUp);
    this.#timers.caughtUp = setTimeout(() => {
      const changes = this.#missed === 0 ? "nothing had changed" : `${this.#missed} change${this.#missed === 1 ? "" : "s"}`;
      this.#bar(`Caught up, ${changes}`, true);
      this.#timers.caughtUp = setTimeout(() => (page("lost").hidden = true), 4000);
    }, 800);
    loadMissing();
  }

  #lost() {
    this.#lostAt ||= Date.now();
    this.#mark("lost");
    clearTimeout(this.#timers.caughtUp);
    this.#timers.bar ||= setTimeout(() => {
      const time = new Date(this.#lostAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      this.#bar(`Live updates stopped at ${time}. What you see is from then.`, false);
    }, 5000);
    // The browser tries again by itself, unless the server answered with an error.
    if (this.#source?.readyState === EventSource.CLOSED) {
      const wait = Math.min(1000 * 2 ** this.#tries++, 30_000) * (0.5 + Math.random() / 2);
      clearTimeout(this.#timers.again);
      this.#timers.again = setTimeout(() => this.open(), wait);
    }
  }

  #mark(state) {
    const mark = page("live");
    mark.hidden = false;
    mark.dataset.state = state;
    mark.querySelector("span").textContent = state === "live" ? "live" : "connecting";
  }

  #bar(text, good) {
    const bar = page("lost");
    bar.hidden = false;
    bar.classList.toggle("good", good);
    bar.querySelector("p").textContent = text;
    bar.querySelector("button").hidden = good;
  }
}

/** Opens the stream, and closes it while nobody looks: browsers allow only six connections to a server. */
function follow() {
  const stream = new Stream();
  stream.open();
  page("lost").querySelector("button").addEventListener("click", () => stream.open());
  let hiddenTimer = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => stream.close(), 5 * 60_000);
    else if (!stream.isOpen) stream.open();
    if (!document.hidden) tick();
  });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && stream.open());
  addEventListener("online", () => stream.open());
  // What was changed here comes by the stream; without one it is fetched.
  document.addEventListener("hubs:changed", () => stream.isOpen || reloadPage().catch(() => {}));
  // After sleep a dead connection may look open for minutes.
  let beat = Date.now();
  setInterval(() => {
    if (Date.now() - beat > 30_000 && !document.hidden) stream.open();
    beat = Date.now();
    tick();
  }, 10_000);
}

// ---- A preview of a widget follows its form. Without this the form is sent by its button. ----

function preview(form) {
  let timer = 0;
  let asking = null;
  const show = async () => {
    asking?.abort();
    asking = new AbortController();
    const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    try {
      const answer = await fetch(url, { signal: asking.signal, headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
      if (!fresh) return;
      morph(page("preview"), fresh);
      history.replaceState(null, "", url);
      tick();
    } catch {
      // Aborted by the next letter, or the server is away: what is shown stays.
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 300);
  });
}

// ---- Cases that are run behind the page: it looks again until they are done. Without this a link does. ----

function watchCases(wait = 500) {
  if (!page("cases")?.hasAttribute("data-running")) return;
  setTimeout(async () => {
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("cases");
      if (!fresh) return;
      morph(page("cases"), fresh);
    } catch {
      // The server is away: what is shown stays, and is asked for again.
    }
    watchCases(Math.min(wait * 1.5, 10_000));
  }, document.hidden ? 10_000 : wait);
}

// ---- The page ----

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.querySelector(".search input").focus();
  }
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
tick();
for (const form of document.querySelectorAll("form[data-preview]")) preview(form);
watchCases();
if (main) {
  follow();
  loadMissing();
} else {
  setInterval(tick, 10_000);
}
