// Patterns as they were counted: each with its days, and each day a way to its curve.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component, t = data.texts, root = themed(parentElement);
  const open = new Set([...root.querySelectorAll("details[open]")].map((one) => one.dataset.pattern));
  const one = (pattern, n) => el("li", { class: "pattern", "data-kind": pattern.kind },
    el("div", { class: "what" }, chip(pattern.icon, pattern.name), el("span", { class: "counted num" }, pattern.counted)),
    el("details", { "data-pattern": String(n), open: n < 3 || open.has(String(n)) }, el("summary", {}, fill(t.evidence, { count: pattern.days.length })),
      el("div", { class: "days" }, pattern.days.map(([day, words]) => el("button", { class: "day num", "data-day": day, title: t.go, onclick: () => setTriggerValue("day", day) }, words)))));
  root.replaceChildren(el("ol", { class: "patterns" }, data.patterns.map(one)));
}
