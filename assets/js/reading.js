// Findings on their scale: operating point, indeterminate band, interval and value, never a bare number.
function scale(row, data) {
  const W = 300, H = 34, left = 8, width = W - 16, y = 14;
  const x = (value) => left + width * value;
  const band0 = x(Math.max(0, row.threshold - row.margin)), band1 = x(Math.min(1, row.threshold + row.margin));
  const parts = [
    svg("rect", { x: left, y: y - 5, width, height: 10, rx: 2, class: "track" }),
    svg("rect", { x: band0, y: y - 5, width: Math.max(1.5, band1 - band0), height: 10, class: "band" }),
    svg("line", { x1: x(row.threshold), x2: x(row.threshold), y1: y - 9, y2: y + 9, class: "point" }),
    svg("line", { x1: x(row.low), x2: x(row.high), y1: y, y2: y, class: `interval ${row.status}` }),
    svg("circle", { cx: x(row.probability), cy: y, r: 5, class: `value ${row.status}` }),
  ];
  for (const tick of [0, 0.5, 1]) parts.push(svg("text", { x: x(tick), y: H - 1, class: "tick", "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, tick === 0.5 ? "0.5" : tick.toFixed(0)));
  return svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "scale", role: "img", "aria-label": row.spoken }, parts);
}
function finding(row, data) {
  return el("section", { class: "finding" },
    el("div", { class: "head" }, el("b", {}, row.title), chip(row.status, row.words)),
    scale(row, data),
    el("div", { class: "numbers num" }, el("span", { class: "big" }, row.probability.toFixed(2)), el("span", { class: "muted" }, row.interval), el("span", { class: "muted" }, row.point)),
    el("details", {}, el("summary", {}, data.texts.explain), el("p", {}, row.meaning), el("p", { class: "muted" }, row.source)));
}
export default function (component) {
  const { data, parentElement } = component;
  const parts = [el("div", { class: `decision ${data.decision.icon}`, "data-decision": data.decision.icon },
    icon(data.decision.icon, 22), el("div", {}, el("div", { class: "words" }, data.decision.words), el("div", { class: "sub" }, data.decision.detail)))];
  if (data.findings.length) parts.push(...data.findings.map((row) => finding(row, data)));
  if (data.others.length) parts.push(el("div", { class: "others" }, el("div", { class: "muted" }, data.texts.classes),
    el("dl", {}, data.others.map(([name, value, point]) => [el("dt", {}, name), el("dd", { class: "num" }, el("span", { class: "mini" }, el("i", { style: `width:${Math.round(value * 100)}%` }), point === null || point === undefined ? null : el("b", { style: `left:${Math.round(point * 100)}%`, title: point.toFixed(2) })), value.toFixed(2))]))));
  parts.push(el("div", { class: "made muted" }, data.made));
  themed(parentElement).replaceChildren(...parts);
}
