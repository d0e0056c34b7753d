// Times in ranges as the consensus draws them: a stacked bar with a line to each range's words, and the goals beside it.
function spread(middles, least, top, bottom) {
  const at = [];
  for (const middle of middles) at.push(Math.max(middle, at.length ? at.at(-1) + least : top + least / 2));
  let limit = bottom - least / 2;
  for (let n = at.length - 1; n >= 0; n -= 1) { at[n] = Math.min(at[n], limit); limit = at[n] - least; }
  return at;
}
function bar(data) {
  const W = 340, H = 214, x = 0, wide = 44, top = 4, high = H - 8, whole = data.parts.reduce((sum, part) => sum + part.share, 0);
  const parts = [...data.parts].reverse(); let y = top;
  if (!whole) return el("p", { class: "muted" }, data.texts.none);
  const boxes = parts.map((part) => { const tall = (high * part.share) / whole, box = { ...part, y, tall, middle: y + tall / 2 }; y += tall; return box; });
  const label = spread(boxes.map((box) => box.middle), 38, top, top + high);
  return svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "bar", role: "img", "aria-label": data.alt },
    boxes.map((box) => svg("rect", { x, y: box.y, width: wide, height: Math.max(0, box.tall - (box.tall > 3 ? 1 : 0)), class: box.code })),
    boxes.map((box, n) => [
      svg("polyline", { points: `${wide + 2},${box.middle} ${wide + 14},${label[n]} ${wide + 20},${label[n]}`, class: "lead" }),
      svg("text", { x: wide + 26, y: label[n] - 2, class: "name" }, box.name),
      svg("text", { x: wide + 26, y: label[n] + 13, class: "range" }, `${box.range} ${data.unit}`),
      svg("text", { x: W - 84, y: label[n] + 5, class: "share", "text-anchor": "end" }, box.told),
      svg("text", { x: W, y: label[n] + 4, class: "range", "text-anchor": "end" }, box.time),
    ]));
}
export default function (component) {
  const { data, parentElement } = component, t = data.texts;
  const head = el("tr", {}, [t.goal, t.limit, t.measured, t.met].map((name) => el("th", { scope: "col" }, name)));
  const rows = data.goals.map((goal) => el("tr", { "data-met": String(goal.met) },
    el("td", {}, goal.name, goal.range ? el("small", { class: "muted" }, goal.range) : null), el("td", { class: "num" }, goal.goal), el("td", { class: "num strong" }, goal.share), el("td", {}, chip(goal.icon, goal.words))));
  const notes = [...data.notes, data.limited].filter(Boolean).map((note) => el("p", { class: "note" }, note));
  themed(parentElement).replaceChildren(el("div", { class: "both" }, bar(data),
    el("div", { class: "goals" }, el("table", {}, el("caption", { class: "hidden" }, t.goals), el("thead", {}, head), el("tbody", {}, rows)), notes,
      el("details", {}, el("summary", {}, t.source), el("p", { class: "muted" }, data.source)))));
}
