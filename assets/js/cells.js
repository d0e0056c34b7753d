// A small table of facts: a cell is a text, or an icon with words and a note under them; whatever data wrote is shown literally.
function cellOf(cell) {
  if (cell === null || typeof cell !== "object") return el("td", {}, cell ?? "–");
  return el("td", { class: cell.style || "" }, cell.icon ? chip(cell.icon, cell.words) : el("span", {}, cell.words), cell.note ? el("small", { class: "muted" }, cell.note) : null);
}
export default function (component) {
  const { data, parentElement } = component, parts = [];
  const head = el("tr", {}, data.columns.map((name) => el("th", { scope: "col" }, name)));
  parts.push(el("table", {}, data.caption ? el("caption", { class: "hidden" }, data.caption) : null, el("thead", {}, head), el("tbody", {}, data.rows.map((row) => el("tr", {}, row.map(cellOf))))));
  if (data.sources?.length) parts.push(el("details", {}, el("summary", {}, data.sources_title), el("ol", {}, data.sources.map((source) => el("li", {}, source)))));
  themed(parentElement).replaceChildren(...parts);
}
