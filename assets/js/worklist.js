// The worklist as a real table: rows open by click or Enter, arrows move between rows.
function cellsOf(row, data, send) {
  const t = data.texts;
  const none = () => el("span", { class: "muted" }, t.unknown);
  const value = (text, style) => el("td", { class: style || "" }, text === null || text === "" ? none() : text);
  const dash = () => el("span", { class: "muted", "aria-label": t.not_yet }, "–");
  const doubt = row.uncertainty === null ? dash() : [
    el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: `width:${Math.round(row.uncertainty * 100)}%` })),
    el("span", { class: "num" }, row.uncertainty.toFixed(2)),
  ];
  return [
    el("td", {}, chip(row.status.icon, row.status.words, "plain")),
    el("td", { class: "patient" },
      el("span", { class: "name" }, row.patient === null ? none() : row.patient), el("small", { class: "muted" }, row.patient_id || t.no_id)),
    value(row.modality, "mono"),
    el("td", { class: "wide" }, el("span", { class: "clip", title: row.description || "" }, row.description || none()),
      row.demo ? el("small", { class: "muted" }, t.demo) : null),
    value(row.date, "num"),
    el("td", {}, chip(row.flag.icon, row.flag.words)),
    el("td", { class: "doubt" }, doubt),
    el("td", {}, row.verdict ? chip(row.verdict.icon, row.verdict.words, "plain") : dash(), row.reader ? el("small", { class: "muted" }, row.reader) : null),
    el("td", { class: "act" }, el("button", {
      class: "remove", title: t.remove, "aria-label": `${t.remove}: ${row.patient || t.unknown}`,
      onclick: (event) => { event.stopPropagation(); send("remove", row.id); },
    }, svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" },
      svg("path", { d: "M6 1h4v1.4h4v1.4H2V2.4h4Z M3 5h10l-.8 10H3.8Z M6 6.6v6.8h1.2V6.6Z M8.8 6.6v6.8H10V6.6Z", fill: "currentColor", "fill-rule": "evenodd" })))),
  ];
}
function rowOf(row, data, send) {
  const open = () => send("open", row.id);
  return el("tr", {
    tabindex: "0", "data-study": row.id, class: ["present", "failed"].includes(row.flag.icon) ? "urgent" : "", onclick: open,
    onkeydown: (event) => {
      if (event.target !== event.currentTarget) return;
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); }
      if (event.key === "Delete") { event.preventDefault(); send("remove", row.id); }
      const next = event.key === "ArrowDown" ? event.currentTarget.nextElementSibling : event.key === "ArrowUp" ? event.currentTarget.previousElementSibling : null;
      if (next) { event.preventDefault(); next.focus(); }
    },
  }, cellsOf(row, data, send));
}
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const focused = parentElement.querySelector("tr:focus")?.dataset.study;
  const head = el("tr", {}, data.columns.map((name) => el("th", { scope: "col" }, name)), el("th", { scope: "col" }, el("span", { class: "hidden" }, data.texts.remove)));
  const table = el("table", {}, el("caption", { class: "hidden" }, data.texts.caption), el("thead", {}, head),
    el("tbody", {}, data.rows.map((row) => rowOf(row, data, setTriggerValue))));
  themed(parentElement).replaceChildren(table);
  if (focused) parentElement.querySelector(`tr[data-study="${CSS.escape(focused)}"]`)?.focus();
}
