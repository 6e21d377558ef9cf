"use strict";
// Theme, table and charts of the site. Reads data that sibling scripts assign; requests nothing, and puts text of
// submissions into pages as text only.
(() => {
  const THEME_KEY = "referee-theme";
  const CHUNK = 80;

  // ---- theme: set before the first paint, remembered where storage is allowed -------------------

  function storedTheme() {
    try { return localStorage.getItem(THEME_KEY); } catch { return null; }
  }
  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  const remembered = storedTheme();
  if (remembered === "dark" || remembered === "light") document.documentElement.dataset.theme = remembered;

  function setUpTheme(changed) {
    const button = document.getElementById("theme");
    const show = () => { button.setAttribute("aria-pressed", String(isDark())); changed(); };
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      try { localStorage.setItem(THEME_KEY, next); } catch { /* private windows forget */ }
      show();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  }

  // ---- small helpers ----------------------------------------------------------------------------

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  const plain = (call) => ({ NEEDS_AUTHOR_ACTION: "Author to act", NOTHING: "Nothing to audit" })[call]
    || (call.charAt(0) + call.slice(1).toLowerCase()).replaceAll("_", " ");
  const figure = (value, digits) => value === null ? "–"
    : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

  // ---- rows: the payload with its numbers turned back into names --------------------------------

  function readEntries() {
    const data = window.REFEREE_ENTRIES;
    const rows = data.rows.map((raw) => {
      const row = Object.fromEntries(data.columns.map((name, index) => [name, raw[index]]));
      row.trackName = data.tracks[row.track];
      row.patternNames = row.patterns.map((index) => data.patterns[index]);
      row.clusterName = row.cluster < 0 ? "" : data.clusters[row.cluster];
      row.url = `pr/${row.pr}.html` + (row.position > 0 ? `#folder-${row.position}` : "");
      row.text = [`#${row.pr}`, row.name, row.author, row.folder, row.trackName, row.clusterName, row.cause,
        row.smoke, ...row.patternNames].join("\n").toLowerCase();
      return row;
    });
    return { data, rows };
  }
  const callOf = (data, row, policy) => data.calls[Number(row.calls[policy])];
  const axisOf = (data, row, axis, policy) =>
    row.axes ? data.axisCalls[Number(row.axes[policy * data.axes.length + axis])] : "";

  // ---- the table --------------------------------------------------------------------------------

  const SORTS = {
    pr: ["PR", (row) => row.pr],
    name: ["Entry", (row) => (row.name || row.folder).toLowerCase() || null],
    verdict: ["Verdict", (row, policy) => Number(row.calls[policy])],
    claimed: ["Claimed", (row) => row.claimed],
    artifact: ["Bytes", (row) => row.artifact],
    train: ["Train s", (row) => row.train],
    eval: ["Eval s", (row) => row.eval],
    implied: ["Implied", (row) => row.implied],
    date: ["Date", (row) => row.date || null],
  };
  const FIELDS = ["q", "policy", "track", "pattern", "axis", "call", "rule", "ended", "smoke", "cluster"];

  function setUpTable() {
    const { data, rows } = readEntries();
    const form = document.getElementById("filters");
    const body = document.querySelector("#table tbody");
    const count = document.getElementById("count");
    const more = document.getElementById("more");
    let state = {};
    let shown = [];
    let drawn = 0;

    fillControls(form, data, rows);
    const heads = setUpSorting((key) => {
      const descending = state.sort === key;
      state.sort = descending ? `-${key}` : key;
      apply(true);
    });

    function fromAddress() {
      const given = new URLSearchParams(location.hash.slice(1));
      const next = { sort: given.get("sort") || "-pr", verdict: new Set((given.get("verdict") || "").split(",").filter(Boolean)) };
      if (!Object.hasOwn(SORTS, next.sort.replace(/^-/, ""))) next.sort = "-pr";
      for (const name of FIELDS) {
        const control = form.elements[name];
        control.value = given.get(name) || "";
        // A value that no option has would select nothing at all.
        if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = "";
        next[name] = control.value;
      }
      const folded = document.getElementById("f-more");
      if ([...folded.querySelectorAll("select, input")].some((control) => control.value)) folded.open = true;
      for (const box of form.querySelectorAll("[name=verdict]")) box.checked = next.verdict.has(box.value);
      return next;
    }
    function fromForm() {
      const next = { sort: state.sort, verdict: new Set() };
      for (const name of FIELDS) next[name] = form.elements[name].value;
      for (const box of form.querySelectorAll("[name=verdict]:checked")) next.verdict.add(box.value);
      return next;
    }
    function address() {
      const parts = new URLSearchParams();
      for (const name of FIELDS) if (state[name]) parts.set(name, state[name]);
      if (state.verdict.size) parts.set("verdict", [...state.verdict].join(","));
      if (state.sort !== "-pr") parts.set("sort", state.sort);
      return `#${parts}`;
    }
    function remember() {
      // Only the part behind # may change on a page opened from disk.
      history.replaceState({ drawn }, "", address());
    }

    function apply(write) {
      const policy = Math.max(0, data.policies.indexOf(state.policy));
      const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
      const track = state.track === "(none)" ? "" : state.track;
      const axis = data.axes.indexOf(state.axis);
      const rule = data.rules.indexOf(state.rule);
      const ended = String(data.statuses.indexOf(state.ended || "flagged"));
      const hasCall = (row) => axis >= 0 ? axisOf(data, row, axis, policy) === state.call
        : data.axes.some((_, index) => axisOf(data, row, index, policy) === state.call);
      shown = rows.filter((row) =>
        (!state.verdict.size || state.verdict.has(callOf(data, row, policy)))
        && (!state.track || row.trackName === track)
        && (!state.pattern || row.patternNames.includes(state.pattern))
        && (!state.smoke || row.smoke === state.smoke)
        && (!state.cluster || row.clusterName === state.cluster.trim())
        && (!state.call || hasCall(row))
        && (rule < 0 || row.statuses[rule] === ended)
        && words.every((word) => /^#\d+$/.test(word) ? `#${row.pr}` === word : row.text.includes(word)));
      sortRows(shown, state.sort, policy);
      body.replaceChildren();
      drawn = 0;
      draw(policy, CHUNK);
      showCount();
      showSort(heads, state.sort);
      if (write) remember();
    }
    function draw(policy, wanted) {
      const part = document.createDocumentFragment();
      for (const row of shown.slice(drawn, drawn + wanted)) part.append(line(data, row, policy));
      body.append(part);
      drawn = Math.min(shown.length, drawn + wanted);
      more.hidden = drawn >= shown.length;
      more.textContent = `Show ${Math.min(CHUNK, shown.length - drawn)} more of ${shown.length - drawn}`;
    }
    function showCount() {
      const pulls = new Set(shown.map((row) => row.pr)).size;
      count.textContent = shown.length
        ? `${figure(shown.length, 0)} of ${figure(rows.length, 0)} rows, ${figure(pulls, 0)} pull requests`
        : "No row fits. Clear a filter to see more.";
      document.getElementById("table").setAttribute("aria-rowcount", String(shown.length + 1));
    }
    function drawMore() {
      draw(Math.max(0, data.policies.indexOf(state.policy)), CHUNK);
      history.replaceState({ drawn }, "", address());
    }

    form.addEventListener("input", () => { state = fromForm(); apply(true); });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => { state = fromForm(); state.sort = "-pr"; apply(true); }));
    addEventListener("hashchange", () => { state = fromAddress(); apply(false); });
    more.addEventListener("click", () => {
      const next = drawn;
      drawMore();
      body.rows[next]?.querySelector("a")?.focus();
    });
    new IntersectionObserver((seen) => { if (seen[0].isIntersecting && !more.hidden) drawMore(); },
      { rootMargin: "600px" }).observe(more);

    state = fromAddress();
    apply(false);
    // Coming back to the page: draw as far as it had been drawn, so that the browser finds its place.
    const before = history.state?.drawn;
    if (before > drawn) draw(Math.max(0, data.policies.indexOf(state.policy)), before - drawn);
  }

  function fillControls(form, data, rows) {
    const select = (name, any, values, words = (value) => value) => {
      form.elements[name].append(make("option", { value: "" }, any),
        ...values.map((value) => make("option", { value }, words(value))));
    };
    const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
    select("policy", capital(data.policies[0]), data.policies.slice(1), capital);
    select("track", "Any", data.tracks.map((name) => name || "(none)").sort());
    select("pattern", "Any", [...data.patterns].sort());
    select("axis", "Any", [...data.axes], capital);
    select("call", "Any", [...data.axisCalls], plain);
    select("rule", "Any", [...data.rules].sort());
    select("ended", "Flagged", data.statuses.filter((name) => name !== "flagged"), (name) => capital(name.replaceAll("_", " ")));
    select("smoke", "Any", [...new Set(rows.map((row) => row.smoke).filter(Boolean))].sort());
    const used = data.calls.filter((call, index) => rows.some((row) => [...row.calls].some((digit) => Number(digit) === index)));
    document.getElementById("f-verdict").append(...used.map((call) =>
      make("label", { class: `pill c-${call}` }, make("input", { type: "checkbox", name: "verdict", value: call }), plain(call))));
  }

  function setUpSorting(chosen) {
    const heads = [...document.querySelectorAll("#table [data-sort]")];
    for (const head of heads) {
      const button = make("button", { type: "button" }, SORTS[head.dataset.sort][0]);
      button.addEventListener("click", () => chosen(head.dataset.sort));
      head.append(button);
    }
    return heads;
  }
  function showSort(heads, sort) {
    for (const head of heads) {
      if (head.dataset.sort === sort.replace(/^-/, "")) {
        head.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      } else head.removeAttribute("aria-sort");
    }
  }
  function sortRows(rows, sort, policy) {
    const sign = sort.startsWith("-") ? -1 : 1;
    const key = SORTS[sort.replace(/^-/, "")][1];
    const keyed = rows.map((row) => [key(row, policy), row]);
    // What is not stated comes last in either direction.
    keyed.sort(([a, x], [b, y]) => a === b ? y.pr - x.pr || x.position - y.position
      : a === null ? 1 : b === null ? -1 : a < b ? -sign : sign);
    keyed.forEach(([, row], index) => { rows[index] = row; });
  }

  function line(data, row, policy) {
    const call = callOf(data, row, policy);
    const title = row.name || row.folder;
    const smoke = row.smoke && `smoke ${row.smoke}`;
    const note = [row.author, row.trackName.replace(/^track_/, ""), smoke, row.cause].filter(Boolean).join(" · ");
    const axes = data.axes.map((name, index) => {
      const said = axisOf(data, row, index, policy);
      return make("span", { class: `dot c-${said || "NONE"}`, title: `${name}: ${plain(said || "NONE")}` },
        make("span", { class: "sr" }, `${name} ${plain(said || "NONE")}, `));
    });
    const cell = (text, name) => make("td", { class: name }, text);
    return make("tr", {},
      make("th", { scope: "row", class: "num" }, make("a", { href: row.url }, `#${row.pr}`)),
      make("td", { class: "entry" }, make("span", { class: "title" }, title), make("span", { class: "sub" }, note)),
      make("td", {}, make("span", { class: `call small c-${call}` }, plain(call))),
      make("td", { class: "axes" }, ...(row.axes ? axes : ["–"])),
      cell(figure(row.claimed, 4), "num"),
      cell(figure(row.artifact, 0), "num opt"),
      cell(figure(row.train, 0), "num opt"),
      cell(figure(row.eval, 0), "num opt"),
      cell(figure(row.implied, 0), "num opt rare"),
      cell(row.date, "date"),
      make("td", { class: "pats" }, make("span", {}, row.patternNames.join(", "))));
  }

  // A region that has nothing to scroll is no stop on the way through the page.
  function watchScrolling() {
    const watch = new ResizeObserver((seen) => {
      for (const { target } of seen) {
        if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
        else target.removeAttribute("tabindex");
      }
    });
    for (const region of document.querySelectorAll(".scroll")) watch.observe(region);
  }

  // ---- charts -----------------------------------------------------------------------------------

  function themeColour(name) {
    const probe = document.body.appendChild(make("span", { class: "probe" }));
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }
  function chartConfig(calls) {
    const [ink, muted, line, paper, low, high] = ["ink", "muted", "line", "paper", "ramp-low", "ramp-high"].map(themeColour);
    const font = getComputedStyle(document.body).fontFamily;
    const text = { labelColor: muted, titleColor: muted, labelFont: font, titleFont: font, titleFontWeight: "normal" };
    return {
      background: "transparent", font,
      view: { stroke: null },
      axis: { ...text, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 12 },
      legend: { ...text, labelFontSize: 12, orient: "bottom", symbolType: "circle", symbolSize: 70 },
      rule: { color: ink }, text: { color: ink, font },
      style: { halo: { fill: paper, stroke: paper, strokeWidth: 4, strokeJoin: "round" } },
      range: { category: calls.map((call) => themeColour(`c-${call}`)), ramp: [low, high], heatmap: [low, high] },
    };
  }
  function setUpCharts() {
    const { data, rows } = readEntries();
    const calls = data.calls.slice(0, 6);
    const entries = rows.filter((row) => row.axes).map((row) => ({
      date: row.date, claimed: row.claimed, artifact: row.artifact, train: row.train, eval: row.eval,
      implied: row.implied, tokens: row.tokens, verdict: callOf(data, row, 0), url: row.url,
      what: `#${row.pr} ${row.name || row.folder}`,
    }));
    const views = new Map();
    async function draw(place) {
      const spec = structuredClone(window.REFEREE_CHARTS[place.dataset.chart]);
      if (JSON.stringify(spec).includes('"entries"')) spec.datasets = { ...spec.datasets, entries };
      views.get(place)?.finalize();
      // Interpreted expressions: the page's policy forbids evaluating text as code.
      const told = place.getAttribute("aria-label");
      views.set(place, await window.vegaEmbed(place, spec, {
        actions: false, ast: true, config: chartConfig(calls), renderer: "canvas", defaultStyle: false,
        tooltip: { disableDefaultStyle: true, theme: "custom" },
      }));
      // The library names every picture alike; ours says what this one shows.
      place.setAttribute("aria-label", told);
      place.dataset.drawn = "yes";
    }
    const near = new IntersectionObserver((seen) => {
      for (const one of seen) {
        if (one.isIntersecting) { near.unobserve(one.target); draw(one.target); }
      }
    }, { rootMargin: "400px" });
    for (const place of document.querySelectorAll("[data-chart]")) near.observe(place);
    return () => { for (const place of views.keys()) draw(place); };
  }

  document.addEventListener("DOMContentLoaded", () => {
    let redraw = () => {};
    setUpTheme(() => redraw());
    watchScrolling();
    if (document.getElementById("table")) setUpTable();
    if (document.querySelector("[data-chart]")) redraw = setUpCharts();
  });
})();
