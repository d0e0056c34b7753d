// Shared by every component: elements are made with textContent alone, so a DICOM string is never read as HTML.
const SVG = "http://www.w3.org/2000/svg";
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  for (const child of children.flat(Infinity)) node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  return node;
}
// A component in a dialog stands outside the app's own colour scheme, so each takes it from the theme's background.
function themed(parent) {
  const root = parent.querySelector(".root"), ground = getComputedStyle(root).getPropertyValue("--st-background-color");
  const probe = document.createElement("canvas").getContext("2d"); probe.fillStyle = ground.trim() || "#fff";
  const hex = probe.fillStyle, light = [1, 3, 5].reduce((sum, at) => sum + parseInt(hex.slice(at, at + 2), 16), 0) > 382;
  root.style.colorScheme = light ? "light" : "dark";
  return root;
}
// One shape per status, so that colour is never the only sign.
const SHAPES = {
  present: "M8 1.6 15 14H1L8 1.6Z M7.2 6v4.2h1.6V6Z M7.2 11.2v1.6h1.6v-1.6Z",
  indeterminate: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M8 2.6v10.8a5.4 5.4 0 0 0 0-10.8Z",
  absent: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M4.2 8.2 7 11l5-5.4-1.2-1.1L7 8.7 5.4 7.1Z",
  refused: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M3.6 7.1h8.8v1.8H3.6Z",
  failed: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M5.6 4.4 4.4 5.6 6.8 8l-2.4 2.4 1.2 1.2L8 9.2l2.4 2.4 1.2-1.2L9.2 8l2.4-2.4-1.2-1.2L8 6.8Z",
  cancelled: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M5.2 5.2h5.6v5.6H5.2Z",
  running: "M8 1a7 7 0 0 1 7 7h-2a5 5 0 1 1-5-5Z",
  queued: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M7.2 3.8v4.6l3.2 2 .8-1.2-2.5-1.6V3.8Z",
  none: "M3 7.2h10v1.6H3Z",
  signed: "M3 13h10v1.6H3Z M11 1.4 13.6 4 6.4 11.2 3 12l.8-3.4Z",
  info: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z M7.2 7v5h1.6V7Z M7.2 4v1.7h1.6V4Z",
};
function icon(name, size = 14) {
  const path = svg("path", { d: SHAPES[name] || SHAPES.none, fill: "currentColor", "fill-rule": "evenodd" });
  return svg("svg", { viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true", class: `icon ${name}` }, path);
}
function chip(name, words, extra = "") {
  return el("span", { class: `chip ${name} ${extra}` }, icon(name), el("span", {}, words));
}
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
