// Start the page: language, search, the address bar's views.

import { byId, el } from "./dom.js";
import { Overview } from "./live.js";
import { switchLanguage, t, translatePage } from "./text.js";
import { nothing, refused, search, show } from "./views.js";

const overview = new Overview();
let route = 0;

function present(content) {
  byId("result").replaceChildren(content);
  byId("result").hidden = false;
  byId("dashboard").hidden = true;
  content.querySelector("h1")?.focus();
}

/** Shows what the address bar names: `#/view/key`, `#/search/text` or the overview. */
async function follow() {
  route += 1;
  const mine = route;
  const [, view, ...rest] = location.hash.split("/");
  const key = decodeURIComponent(rest.join("/"));
  if (!view) {
    byId("result").hidden = true;
    byId("dashboard").hidden = false;
    overview.render();
    return;
  }
  present(el("p", { class: "quiet" }, t("searching")));
  let content;
  try {
    content = view === "search" ? await lookUp(key) : await show(view, key, overview);
  } catch (error) {
    content = refused(error);
  }
  // A slow answer must not replace the view that the reader has gone on to.
  if (content && mine === route) present(content);
}

async function lookUp(query) {
  const found = await search(query);
  if (!found) return nothing(query);
  // The found thing gets its own address, so that Back leads past the search.
  const [view, key] = found;
  location.replace(`#/${view}/${encodeURIComponent(key)}`);
  return null;
}

function translate() {
  translatePage();
  byId("language").textContent = t("other_language");
  byId("language").lang = t("other_language") === "English" ? "en" : "zh-CN";
  overview.render();
}

byId("language").addEventListener("click", () => {
  switchLanguage();
  translate();
  follow();
});

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const query = byId("query").value.trim();
  const target = query ? `#/search/${encodeURIComponent(query)}` : "#/";
  if (location.hash === target) follow();
  else location.hash = target;
});

window.addEventListener("hashchange", follow);
translate();
overview.start().finally(follow);
