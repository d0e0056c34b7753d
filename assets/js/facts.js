// Labelled facts, notices and histories: whatever a file or a person wrote is shown literally.
function fact([label, value, style]) {
  return [el("dt", {}, label), el("dd", { class: style || "" }, value)];
}
function entry(item) {
  return el("li", {}, el("div", { class: "who" }, item.icon ? chip(item.icon, item.title) : el("b", {}, item.title), el("span", { class: "muted" }, item.meta)),
    item.text ? el("p", {}, item.text) : null);
}
function notice(item) {
  const lines = (item.lines || []).map((line) => el("li", {}, el("b", {}, line[0]), line[1] ? ` ${line[1]}` : ""));
  return el("div", { class: `notice ${item.kind}`, role: item.kind === "failed" ? "alert" : "status" }, icon(item.kind, 16),
    el("div", {}, el("div", { class: "say" }, item.text), lines.length ? el("ul", {}, lines) : null));
}
export default function (component) {
  const { data, parentElement } = component;
  const parts = [];
  if (data.notice) parts.push(notice(data.notice));
  if (data.chips) parts.push(el("div", { class: data.tight ? "chips tight" : "chips" }, data.chips.map(([name, words]) => chip(name, words))));
  if (data.title) parts.push(el("div", { class: "title" }, data.title));
  if (data.facts) parts.push(el("dl", { class: data.dense ? "dense" : "" }, data.facts.map(fact)));
  if (data.history) parts.push(el("ol", { class: "history" }, data.history.map(entry)));
  themed(parentElement).replaceChildren(...parts);
}
