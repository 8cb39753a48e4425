// Editing with less waiting: widgets are dragged or moved by arrow keys, forms are sent without leaving the page, what was
// done can be taken back at once, and a preview follows its form.
//
// Each of these pages works without this file. What is stored comes back by the page's own stream, as for everybody else.

const main = document.querySelector("main.edit");
const page = (id) => document.getElementById(id);
const csrf = document.querySelector('input[name="csrf"]')?.value ?? "";

/** Sends something to change; `null` where the server is away. */
async function send(path, body) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json", "x-csrf-token": csrf },
      body: JSON.stringify(body),
    });
    return { ok: answer.ok, status: answer.status, ...(await answer.json()) };
  } catch {
    return null;
  }
}

// ---- What was done, and taking it back ----

let barTimer = 0;

function bar(text, change) {
  const bar = page("undo");
  bar.hidden = false;
  bar.classList.toggle("bad", !change);
  bar.querySelector("p").textContent = text;
  const button = bar.querySelector("button");
  button.hidden = !change;
  button.onclick = async () => {
    bar.hidden = true;
    done(await send(`/${main.dataset.hub}/revert`, { change }), "Taken back");
  };
  clearTimeout(barTimer);
  barTimer = setTimeout(() => (bar.hidden = true), 15_000);
}

const said = (text) => (page("said").textContent = text);

/** Shows what came of something that was sent. */
function done(answer, words) {
  if (!answer) bar("The server can’t be reached. Nothing was changed.");
  else if (!answer.ok) bar(answer.error);
  else {
    main.dataset.version = answer.version;
    if (answer.change) bar(`${words}.`, answer.version);
    said(words);
    // Loaded again, the page is not to offer what was done before.
    if (location.search.includes("done=")) history.replaceState(null, "", location.pathname + location.hash);
  }
  // The page's stream tells of a change too; this is for when there is none.
  document.dispatchEvent(new Event("hubs:changed"));
  return answer?.ok ?? false;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-edit]");
  if (!form || !main) return;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form, event.submitter));
  delete fields.csrf;
  const words = event.submitter?.ariaLabel || event.submitter?.textContent.trim() || "Done";
  form.inert = true;
  const fine = done(await send(form.getAttribute("action"), fields), words);
  form.inert = false;
  if (fine && form.matches(".give")) form.reset();
  if (fine) form.closest(".done")?.remove();
});

// ---- Moving widgets ----

const columns = () => [...main.querySelectorAll(".column[data-column]")];
const idsOf = (column) => [...column.querySelectorAll(":scope > .place")].map((place) => Number(place.dataset.place));
const titleOf = (place) => place.querySelector(".tools b").textContent;

function layout() {
  const [left, right] = columns().map(idsOf);
  return { left, right };
}

/** Stores where the widgets are now. If somebody else moved some meanwhile, this one is moved once more among theirs. */
async function store(place, words) {
  const id = Number(place.dataset.place);
  const column = place.parentElement.dataset.column;
  const at = idsOf(place.parentElement).indexOf(id);
  let wanted = layout();
  let version = Number(main.dataset.version);
  for (let tries = 0; tries < 3; tries++) {
    const answer = await send(`/${main.dataset.hub}/layout`, { version, ...wanted });
    const theirs = answer?.status === 409 && answer.conflict?.clashes[0]?.theirs;
    if (!theirs) {
      // A redraw meanwhile may have cost the handle its focus.
      if (document.activeElement === document.body) place.querySelector("[data-handle]")?.focus({ preventScroll: true });
      return done(answer, words);
    }
    version = answer.conflict.version;
    wanted = { left: theirs.left.filter((one) => one !== id), right: theirs.right.filter((one) => one !== id) };
    if (wanted.left.length + wanted.right.length === theirs.left.length + theirs.right.length) break;
    wanted[column].splice(at, 0, id);
  }
  bar("Somebody else moves widgets here at this moment. Look where they are, and try again.");
  document.dispatchEvent(new Event("hubs:changed"));
}

function put(place, column, before) {
  if (column.moveBefore && place.isConnected) column.moveBefore(place, before);
  else column.insertBefore(place, before);
}

function drag(place, handle, event) {
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  const from = [place.parentElement, place.nextElementSibling];
  place.classList.add("dragged");
  const over = (move) => {
    const boxes = columns().map((column) => [column, column.getBoundingClientRect()]);
    const [column] = boxes.find(([, box]) => move.clientX >= box.left && move.clientX <= box.right && (boxes[0][1].top !== boxes[1][1].top ? move.clientY <= box.bottom : true)) ?? boxes.at(-1);
    const others = [...column.querySelectorAll(":scope > .place")].filter((other) => other !== place);
    const next = others.find((other) => {
      const box = other.getBoundingClientRect();
      return move.clientY < box.top + box.height / 2;
    });
    if (place.parentElement !== column || place.nextElementSibling !== (next ?? null)) put(place, column, next ?? null);
    if (move.clientY < 80) scrollBy(0, -12);
    else if (move.clientY > innerHeight - 60) scrollBy(0, 12);
  };
  const end = (last) => {
    place.classList.remove("dragged");
    for (const [name, act] of [["pointermove", over], ["pointerup", end], ["pointercancel", end]]) handle.removeEventListener(name, act);
    document.removeEventListener("keydown", cancel);
    if (last.type !== "pointerup") return put(place, ...from);
    if (place.parentElement === from[0] && place.nextElementSibling === from[1]) return;
    store(place, `Moved ${titleOf(place)}`);
  };
  const cancel = (key) => key.key === "Escape" && end(key);
  handle.addEventListener("pointermove", over);
  handle.addEventListener("pointerup", end);
  handle.addEventListener("pointercancel", end);
  document.addEventListener("keydown", cancel);
}

const waiting = new Map();

function step(place, handle, key) {
  const [left, right] = columns();
  const column = place.parentElement;
  const near = { ArrowUp: place.previousElementSibling, ArrowDown: place.nextElementSibling }[key];
  if (key === "ArrowUp" && near) put(place, column, near);
  else if (key === "ArrowDown" && near?.matches(".place")) put(place, column, near.nextElementSibling);
  else if (key === "ArrowLeft" && column === right) put(place, left, left.children[idsOf(right).indexOf(Number(place.dataset.place))] ?? null);
  else if (key === "ArrowRight" && column === left) put(place, right, right.children[idsOf(left).indexOf(Number(place.dataset.place))] ?? null);
  else return said(`${titleOf(place)} can’t go further`);
  handle.focus();
  const ids = idsOf(place.parentElement);
  const words = `${titleOf(place)}: ${place.parentElement.dataset.column} column, place ${ids.indexOf(Number(place.dataset.place)) + 1} of ${ids.length}`;
  said(words);
  // One change for a run of steps.
  clearTimeout(waiting.get(place));
  waiting.set(place, setTimeout(() => store(place, words), 400));
}

if (main) {
  const ready = () => main.querySelectorAll("[data-handle][hidden]").forEach((handle) => (handle.hidden = false));
  ready();
  new MutationObserver(ready).observe(main, { childList: true, subtree: true, attributeFilter: ["hidden"] });
  main.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    if (handle && event.button === 0) drag(handle.closest(".place"), handle, event);
  });
  main.addEventListener("keydown", (event) => {
    const handle = event.target.closest("[data-handle]");
    if (!handle || !event.key.startsWith("Arrow") || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    step(handle.closest(".place"), handle, event.key);
  });
  // While somebody types, what others change comes into the page, but not before their eyes: their form says what they saw.
  for (const form of main.querySelectorAll('form[action$="/details"]')) {
    let seen = null;
    form.addEventListener("input", () => (seen ??= form.elements.version.value));
    form.addEventListener("formdata", ({ formData }) => seen && formData.set("version", seen));
  }
  for (const field of main.querySelectorAll("[data-filter]")) {
    field.addEventListener("input", () => {
      const words = field.value.trim().toLowerCase();
      for (const one of main.querySelectorAll(`${field.dataset.filter} > li`)) one.hidden = !one.textContent.toLowerCase().includes(words);
    });
  }
}

// ---- A preview follows its form ----

for (const form of document.querySelectorAll("form[data-settings]")) {
  let timer = 0;
  let asking = null;
  const show = async () => {
    asking?.abort();
    asking = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("preview", "1");
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: asking.signal, headers: { accept: "text/html" } });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (fresh.getElementById("preview")) page("preview").replaceWith(fresh.getElementById("preview"));
      for (const help of fresh.querySelectorAll("form[data-settings] p[id^='help-']")) {
        const here = page(help.id);
        if (!here || here.isEqualNode(help)) continue;
        here.closest(".field").classList.toggle("wrong", Boolean(help.querySelector(".bad")));
        here.replaceWith(help);
      }
    } catch {
      // Aborted by the next letter, or the server is away: what is shown stays.
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 400);
  });
}
