// Keeps a page alive: fetches what is missing, listens for what changes, and redraws only that.
//
// A page works without this file. What a reader is doing (focus, selection, typed text, scroll, an open menu) is never
// lost to a redraw. HTML comes from the server's templates alone and is parsed, never run: the policy of the page
// forbids inline scripts.

const main = document.querySelector("main[data-hub]");
const page = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the reader is at something that nothing may move beside: typing, or selecting text. */
const busy = () => document.activeElement?.matches("input, textarea, select") || !getSelection().isCollapsed;
/** What looks over the cards once they are redrawn: a search that is on. */
let redrawn = () => {};

// ---- What is said: in English, unless the page brings the words of its language along ----

const WORDS = {
  "ago-day": "1 day",
  "ago-days": "{n} days",
  "ago-future": "in {amount}",
  "ago-hours": "{n} h",
  "ago-minutes": "{n} min",
  "ago-now": "just now",
  "ago-past": "{amount} ago",
  "ago-soon": "in a moment",
  boxes: "{n} of {all} boxes",
  "caught-up": "Caught up, {n} changes",
  "caught-up-none": "Caught up, nothing had changed",
  "caught-up-one": "Caught up, 1 change",
  changed: "{titles} changed",
  "changed-others": "{titles} and others changed",
  "go-on": "Go on",
  "live-off": "connecting",
  "live-on": "live",
  "new-since": "new since {time}",
  "not-fetched": "It could not be fetched.",
  "open-it-alone": "Open it alone",
  pause: "Pause",
  stopped: "Live updates stopped at {time}. What you see is from then.",
};
const root = document.documentElement;
if (root.dataset.words) Object.assign(WORDS, JSON.parse(root.dataset.words));
const say = (key, filled = {}) => WORDS[key].replace(/\{(\w+)\}/g, (_, name) => filled[name]);
const locale = root.lang === "en" ? "en-GB" : root.lang;

/** A card that comes by the stream is in English around what its widget says. */
function localise(card) {
  if (!root.dataset.words) return;
  for (const mark of card.querySelectorAll("[data-say]")) mark.textContent = WORDS[mark.dataset.say] ?? mark.textContent;
}

// ---- Ages. The same words as `Language::ago` in src/render/catalogue. ----

function ago(then, now = Date.now()) {
  const seconds = Math.floor(now / 1000) - Math.floor(then / 1000);
  const distance = Math.abs(seconds);
  const rounded = (unit) => Math.floor((distance + unit / 2) / unit);
  let amount;
  if (distance < 45) return say(seconds >= 0 ? "ago-now" : "ago-soon");
  if (rounded(60) < 60) amount = say("ago-minutes", { n: Math.max(rounded(60), 1) });
  else if (rounded(3600) < 24) amount = say("ago-hours", { n: rounded(3600) });
  else if (rounded(86400) < 30) amount = say(rounded(86400) === 1 ? "ago-day" : "ago-days", { n: rounded(86400) });
  else {
    const date = new Date(then);
    const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
    return date.toLocaleDateString(locale, { day: "numeric", month: "short", year });
  }
  return say(seconds >= 0 ? "ago-past" : "ago-future", { amount });
}

function tick(root = document) {
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const then = Date.parse(time.dateTime);
    if (Number.isNaN(then)) continue;
    const words = ago(then);
    if (time.textContent !== words) time.textContent = words;
    time.title = new Date(then).toLocaleString(locale);
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
    if (old.nodeValue !== fresh.nodeValue) rewrite(old, fresh.nodeValue);
    return changed;
  }
  // An age of the same instant differs only in how far it has ticked.
  if (old.matches("time[data-ago]") && old.dateTime === fresh.dateTime) return changed;
  morphAttributes(old, fresh);
  morphChildren(old, fresh, changed);
  return changed;
}

function morphAttributes(old, fresh) {
  // Whether a `<details>` is open is the reader's business, and so is what they search for and have not seen yet.
  // And a handle that was taken out of hiding has the focus, which hiding it would cost.
  const theirs = (name) =>
    /^data-(out|off|since)$/.test(name) || (name === "open" && old.localName === "details") || (name === "hidden" && "handle" in old.dataset);
  for (const { name, value } of fresh.attributes) {
    if (!theirs(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!theirs(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
}

const NUMBER = /^\d{1,3}(,?\d{3})*$/;
const counting = new WeakMap();

/** A number that stands alone counts to its new value within a quarter of a second; any other text is just replaced. */
function rewrite(node, text) {
  counting.delete(node);
  const value = (digits) => Number(digits.replaceAll(",", ""));
  const [from, to] = [node.nodeValue, text];
  const still = calm.matches || document.hidden || busy() || !NUMBER.test(from) || !NUMBER.test(to);
  if (still) return void (node.nodeValue = text);
  const begun = performance.now();
  counting.set(node, begun);
  const step = (now) => {
    if (counting.get(node) !== begun) return;
    const share = Math.min((now - begun) / 250, 1);
    const shown = Math.round(value(from) + (value(to) - value(from)) * share);
    node.nodeValue = share < 1 ? shown.toLocaleString("en-US") : text;
    if (share < 1) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
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
      if (key && made.dataset.key) {
        made.classList.add("arrived");
        changed.push(made);
      }
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
    copy.classList.remove("changed", "arrived");
    copy.removeAttribute("data-out");
    copy.removeAttribute("data-since");
    if (!copy.getAttribute("class")) copy.removeAttribute("class");
    return copy;
  };
  return plain(old).isEqualNode(plain(fresh));
}

/** Runs a redraw, and gives the focus back if its element was moved or taken out. */
function keepFocus(card, redraw) {
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  redraw();
  if (!focused || document.activeElement === focused) return;
  if (!focused.isConnected) card.tabIndex = -1;
  (focused.isConnected ? focused : card).focus({ preventScroll: true });
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
  localise(fresh);
  // What is wrong with it is not of its HTML, which is the same for every viewer.
  const problem = problemOf(card);
  if (problem) fresh.append(problem.cloneNode(true));
  const first = card.dataset.state === "loading";
  let changed = [];
  keepFocus(card, () => (changed = morph(card, fresh)));
  tick(card);
  if (document.hidden) mark(changed);
  outline(first ? [] : changed.length ? changed : [card], changed);
  redrawn();
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

/** Outlines what changed, once, and lets new rows slide in; not while the reader selects or types. */
function outline(elements, rows) {
  const still = calm.matches || busy();
  for (const element of new Set([...elements, ...rows])) {
    const over = () => element.classList.remove("changed", "arrived");
    if (still || !elements.includes(element)) {
      over();
      continue;
    }
    if (!element.classList.contains("arrived")) element.classList.add("changed");
    element.addEventListener("animationend", over, { once: true });
  }
}

const hour = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
let leftAt = Date.now();

/** Rows that came while nobody looked stand above a line that says since when; it goes when the reader leaves again. */
function mark(rows) {
  for (const row of rows.filter((row) => row.classList.contains("arrived"))) {
    const next = row.nextElementSibling;
    const isTop = !row.previousElementSibling || row.previousElementSibling.classList.contains("arrived");
    if (!isTop || !next || next.classList.contains("arrived") || row.parentNode.querySelector("[data-since]")) continue;
    next.dataset.since = say("new-since", { time: hour(leftAt) });
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
    link.textContent = say("open-it-alone");
    sentence.className = "trouble";
    sentence.append(say("not-fetched"), " ", link);
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
  redrawn();
  await loadMissing();
}

// ---- What is said aloud: politely, at most once in ten seconds ----

const news = { titles: new Set(), last: 0, timer: 0 };

function announce(title) {
  news.titles.add(title);
  news.timer ||= setTimeout(() => {
    const titles = [...news.titles];
    const few = titles.slice(0, 3).join(", ");
    page("announce").textContent = say(titles.length > 3 ? "changed-others" : "changed", { titles: few });
    news.titles.clear();
    news.last = Date.now();
    news.timer = 0;
  }, Math.max(0, news.last + 10_000 - Date.now()));
}

// ---- The stream: one for all tabs of a hub, since browsers allow only six connections to a server ----

const HIDDEN_FOR = 5 * 60_000;
const SILENT_FOR = 75_000;

/** Whether one cursor is of an earlier moment than the other, as far as that can be told. */
function isBehind(one, other) {
  const [[epoch, sequence], [ours, latest]] = [one.split("-"), other.split("-")];
  return epoch !== ours || Number(sequence) < Number(latest);
}

/** What happens on the hub. The tab that holds a lock has the stream and passes on all that it hears; where there are
 * no locks (without HTTPS) each tab has a stream of its own. */
class Stream {
  #cursor = main.dataset.cursor;
  #source = null;
  #channel = null;
  #turn = null;
  #heard = Date.now();
  #lostAt = 0;
  #tries = 0;
  #missed = 0;
  #timers = { bar: 0, again: 0, caughtUp: 0 };

  join() {
    this.leave();
    if (!navigator.locks || !self.BroadcastChannel) return this.#connect();
    this.#channel = new BroadcastChannel(`hubs:${main.dataset.hub}`);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#wait();
    this.check();
  }

  leave() {
    this.#turn?.abort();
    this.#turn = null;
    this.#channel?.close();
    this.#channel = null;
    this.#disconnect();
  }

  get isIn() {
    return Boolean(this.#source || this.#channel);
  }

  /** Asks the tab that has the stream whether something was missed. */
  check() {
    this.#heard = Date.now();
    if (!this.#source) this.#channel?.postMessage({ hello: this.#cursor });
  }

  retry() {
    if (this.#source) this.#connect();
    else this.#channel?.postMessage({ retry: true });
  }

  /** A sign of life for the others; after a sleep a connection may look open for minutes though it is dead. */
  beat(slept) {
    if (this.#source && slept) this.#connect();
    else if (this.#source) this.#channel?.postMessage({ lostAt: this.#lostAt });
    else if (slept) this.check();
    else if (this.#channel && Date.now() - this.#heard > SILENT_FOR) this.#wait(true);
  }

  lose() {
    if (this.#source) this.#tell({ lostAt: this.#lostAt || Date.now() });
  }

  /** In line for the stream, or past all others when the tab that has it is silent: it may be frozen. */
  #wait(steal = false) {
    this.#turn?.abort();
    this.#heard = Date.now();
    const turn = (this.#turn = new AbortController());
    const held = () =>
      new Promise((release) => {
        if (turn.signal.aborted) return release();
        turn.signal.addEventListener("abort", release);
        this.#connect();
        this.#channel.postMessage({ leads: true });
      });
    navigator.locks
      .request(`hubs:${main.dataset.hub}`, steal ? { steal } : { signal: turn.signal }, held)
      .catch(() => {
        // Given up by ourselves, or taken by another tab.
        if (turn.signal.aborted) return;
        this.#disconnect();
        this.#wait();
      });
  }

  #disconnect() {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timers.again);
  }

  #connect() {
    this.#disconnect();
    const source = new EventSource(`/${main.dataset.hub}/events?since=${encodeURIComponent(this.#cursor)}`);
    this.#source = source;
    source.onopen = () => {
      this.#tries = 0;
      this.#tell({ lostAt: 0 });
    };
    source.onerror = () => {
      this.#tell({ lostAt: this.#lostAt || Date.now() });
      // The browser tries again by itself, unless the server answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      const wait = Math.min(1000 * 2 ** this.#tries++, 30_000) * (0.5 + Math.random() / 2);
      clearTimeout(this.#timers.again);
      this.#timers.again = setTimeout(() => this.#connect(), wait);
    };
    for (const name of ["widget", "problem", "removed", "hub"]) {
      source.addEventListener(name, ({ data, lastEventId }) => this.#tell({ name, data, id: lastEventId }));
    }
  }

  #tell(what) {
    this.#channel?.postMessage(what);
    this.#hear(what);
  }

  #hear({ hello, leads, retry, name, data, id, lostAt }) {
    this.#heard = Date.now();
    if (leads) return this.check();
    if (retry) return this.#source && this.#connect();
    if (hello) return this.#source && this.#answer(hello);
    if (name) return this.#event(name, data, id);
    if (lostAt) this.#lost(lostAt);
    else this.#found();
  }

  /** To a tab that has just come, or come back: what it has missed is told once more, to all. */
  #answer(cursor) {
    if (!isBehind(cursor, this.#cursor)) return this.#channel.postMessage({ lostAt: this.#lostAt });
    this.#cursor = cursor;
    this.#connect();
  }

  #event(name, data, id) {
    this.#cursor = id || this.#cursor;
    let told = null;
    try {
      told = JSON.parse(data);
    } catch {
      return;
    }
    if (name === "problem") look(told.id).catch(() => {});
    if (name === "removed") (page(`place-${told.id}`) ?? cardOf(told.id))?.remove();
    if (name === "hub") reloadPage().catch(() => {});
    if (name === "widget" && (main.dataset.alone ?? String(told.id)) === String(told.id) && show(told)) {
      this.#missed += 1;
      announce(told.title);
    }
  }

  #found() {
    this.#mark("live");
    clearTimeout(this.#timers.bar);
    this.#timers.bar = 0;
    if (!this.#lostAt) return;
    this.#lostAt = 0;
    this.#missed = 0;
    loadMissing();
    if (page("lost").hidden) return;
    // What was missed comes right behind the connection; then it is counted.
    clearTimeout(this.#timers.caughtUp);
    this.#timers.caughtUp = setTimeout(() => {
      const key = this.#missed === 0 ? "caught-up-none" : this.#missed === 1 ? "caught-up-one" : "caught-up";
      this.#bar(say(key, { n: this.#missed }), true);
      this.#timers.caughtUp = setTimeout(() => (page("lost").hidden = true), 4000);
    }, 800);
  }

  #lost(since) {
    this.#lostAt ||= since;
    this.#mark("lost");
    clearTimeout(this.#timers.caughtUp);
    this.#timers.bar ||= setTimeout(() => {
      this.#bar(say("stopped", { time: hour(this.#lostAt) }), false);
    }, Math.max(0, this.#lostAt + 5000 - Date.now()));
  }

  #mark(state) {
    const mark = page("live");
    mark.hidden = false;
    mark.dataset.state = state;
    mark.querySelector("span").textContent = say(state === "live" ? "live-on" : "live-off");
  }

  #bar(text, good) {
    const bar = page("lost");
    bar.hidden = false;
    bar.classList.toggle("good", good);
    bar.querySelector("p").textContent = text;
    bar.querySelector("button").hidden = good;
  }
}

/** Joins the stream, and leaves it while nobody looks for long. */
function follow() {
  const stream = new Stream();
  stream.join();
  page("lost").querySelector("button").addEventListener("click", () => stream.retry());
  let hiddenTimer = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
      leftAt = Date.now();
      for (const line of main.querySelectorAll("[data-since]")) line.removeAttribute("data-since");
      hiddenTimer = setTimeout(() => stream.leave(), HIDDEN_FOR);
      return;
    }
    if (stream.isIn) stream.check();
    else stream.join();
    tick();
  });
  addEventListener("pagehide", () => stream.leave());
  addEventListener("pageshow", (event) => event.persisted && stream.join());
  addEventListener("offline", () => stream.lose());
  addEventListener("online", () => stream.beat(true));
  // What was changed here comes by the stream; without one it is fetched.
  document.addEventListener("hubs:changed", () => stream.isIn || reloadPage().catch(() => {}));
  let last = Date.now();
  setInterval(() => {
    stream.beat(Date.now() - last > 30_000 && !document.hidden);
    last = Date.now();
    tick();
  }, 10_000);
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
const gallery = document.querySelector("main[data-gallery]");
if (gallery) import(gallery.dataset.gallery).then((its) => its.gallery({ morph, tick }));
if (main) {
  follow();
  loadMissing();
  // What only some readers use comes when the page is done with the rest.
  const later = self.requestIdleCallback ?? ((act) => setTimeout(act, 200));
  if (main.dataset.search) later(async () => (redrawn = (await import(main.dataset.search)).search(main, say)));
  if (main.dataset.tv) later(async () => (await import(main.dataset.tv)).rotate(main, say));
} else {
  setInterval(tick, 10_000);
}
