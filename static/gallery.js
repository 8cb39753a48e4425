// The gallery of widgets: a preview follows the form beside it, and cases that are run behind the page show what came out.
//
// Without this file the form is sent by its button, and a link looks again.

const page = (id) => document.getElementById(id);

/** The part of a page with an id, fetched anew; `null` where there is none. */
async function fetched(url, id, signal) {
  const answer = await fetch(url, { signal, headers: { accept: "text/html" } });
  return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
}

/** Attaches to the page. `morph` and `tick` are those of hubs.js. */
export function gallery({ morph, tick }) {
  for (const form of document.querySelectorAll("form[data-preview]")) preview(form);
  watchCases();

  function preview(form) {
    let timer = 0;
    let asking = null;
    const show = async () => {
      asking?.abort();
      asking = new AbortController();
      const url = `${form.action}?${new URLSearchParams(new FormData(form))}`;
      try {
        const fresh = await fetched(url, "preview", asking.signal);
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

  function watchCases(wait = 500) {
    if (!page("cases")?.hasAttribute("data-running")) return;
    setTimeout(async () => {
      try {
        const fresh = await fetched(location.href, "cases");
        if (!fresh) return;
        morph(page("cases"), fresh);
      } catch {
        // The server is away: what is shown stays, and is asked for again.
      }
      watchCases(Math.min(wait * 1.5, 10_000));
    }, document.hidden ? 10_000 : wait);
  }
}
