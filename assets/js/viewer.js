// The reading canvas. Samples come once, by token, and are windowed here: no server round trip to scroll, zoom or window.
const CHUNK = 8 * 1024 * 1024;
const ARRAYS = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array };
const MAPS = {
  cividis: "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838",
  viridis: "440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725",
};
function colours(name) {
  const stops = MAPS[name].split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, index) => {
    const at = (index / 255) * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2), part = at - low;
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * part));
  });
}
class Viewer {
  constructor(host, send) {
    this.host = host; this.send = send; this.slices = []; this.keys = {};
    this.frame = document.createElement("canvas");
    this.heat = document.createElement("canvas");
    this.build();
  }
  build() {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.corners = Object.fromEntries(["nw", "ne", "sw", "se"].map((name) => [name, el("div", { class: `corner ${name}` })]));
    this.letters = Object.fromEntries(["left", "right", "top", "bottom"].map((name) => [name, el("div", { class: `letter ${name}` })]));
    this.ruler = el("div", { class: "ruler" }, el("i", {}), el("span", {}));
    this.bar = el("div", { class: "colourbar" });
    this.message = el("div", { class: "message", role: "status" });
    this.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, this.canvas, Object.values(this.corners), Object.values(this.letters), this.ruler, this.bar, this.message);
    this.tools = el("div", { class: "tools", role: "toolbar" });
    this.rail = el("input", { type: "range", class: "rail", min: "0", step: "1", oninput: () => this.go(Number(this.rail.value)) });
    this.host.replaceChildren(this.tools, el("div", { class: "field" }, this.stage, this.rail));
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.down(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, () => { this.drag = null; });
    this.stage.addEventListener("contextmenu", (event) => event.preventDefault());
    this.stage.addEventListener("dblclick", () => this.reset());
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.stage);
  }
  update(data) {
    const fresh = !this.data || this.data.identity !== data.identity;
    const heat = JSON.stringify(data.saliency) !== JSON.stringify(this.data?.saliency);
    this.data = data; this.meta = data.meta;
    if (fresh) { this.slices = new Array(this.meta.slices); this.index = Math.min(data.index, this.meta.slices - 1); this.failed = false; this.dirty = true; this.reset(); this.load(); }
    if (heat || fresh) this.loadHeat();
    this.stage.setAttribute("aria-label", data.alt);
    this.rail.max = String(this.meta.slices - 1);
    this.rail.setAttribute("aria-label", data.texts.slice);
    this.rail.style.display = this.meta.slices > 1 ? "" : "none";
    this.toolbar(); this.draw();
  }
  async load() {
    const meta = this.meta, identity = this.data.identity, size = meta.rows * meta.columns * meta.channels;
    const kind = ARRAYS[meta.dtype], step = Math.max(1, Math.floor(CHUNK / (size * kind.BYTES_PER_ELEMENT)));
    const starts = []; for (let first = 0; first < meta.slices; first += step) starts.push(first);
    const here = Math.floor(this.index / step); starts.sort((a, b) => Math.abs(a / step - here) - Math.abs(b / step - here));
    for (const first of starts) {
      try {
        const answer = await fetch(`${this.data.url}?first=${first}&count=${step}`, { cache: "no-store", credentials: "same-origin" });
        if (this.data.identity !== identity) return;
        if (!answer.ok) throw new Error(String(answer.status));
        const all = new kind(await answer.arrayBuffer());
        for (let at = 0; at * size < all.length; at += 1) this.slices[first + at] = all.subarray(at * size, (at + 1) * size);
      } catch { this.failed = true; this.draw(); return; }
      this.dirty = true; this.draw();
    }
    this.host.dataset.loaded = "true";
  }
  async loadHeat() {
    const wanted = this.data.saliency; this.heatValues = wanted ? this.heatValues : null;
    if (!wanted) { this.draw(); return; }
    if (this.heatUrl !== wanted.url || !this.heatValues) {
      try {
        const answer = await fetch(wanted.url, { cache: "no-store", credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        this.heatValues = new Uint8Array(await answer.arrayBuffer()); this.heatUrl = wanted.url;
      } catch { this.heatValues = null; this.draw(); return; }
    }
    if (this.data.saliency !== wanted && this.data.saliency?.url !== wanted.url) return;
    this.paintHeat(); this.draw();
  }
  paintHeat() {
    const wanted = this.data.saliency; if (!wanted || !this.heatValues) return;
    const { rows, columns } = wanted; if (this.heatValues.length !== rows * columns) return;
    this.heat.width = columns; this.heat.height = rows;
    const image = new ImageData(columns, rows), palette = colours(wanted.map), limit = wanted.threshold * 255, alpha = Math.round(wanted.opacity * 255);
    for (let i = 0, at = 0; i < this.heatValues.length; i += 1, at += 4) {
      const value = this.heatValues[i]; if (value < limit) continue;
      const rgb = palette[value]; image.data[at] = rgb[0]; image.data[at + 1] = rgb[1]; image.data[at + 2] = rgb[2]; image.data[at + 3] = alpha;
    }
    this.heat.getContext("2d").putImageData(image, 0, 0);
  }
  reset() {
    const meta = this.meta; if (!meta) return;
    const auto = meta.window || { center: (meta.low + meta.high + 1) / 2, width: Math.max(1e-6, meta.high - meta.low) + 1 };
    this.center = auto.center; this.width = auto.width; this.zoom = 1; this.x = 0; this.y = 0;
    this.inverted = false; this.flipH = false; this.flipV = false; this.turns = 0; this.dirty = true; this.draw();
  }
  preset(number) {
    const wanted = this.data.presets[number]; if (!wanted) return;
    this.center = wanted.center; this.width = wanted.width; this.dirty = true; this.draw();
  }
  go(index) {
    const next = Math.max(0, Math.min(this.meta.slices - 1, index)); if (next === this.index) return;
    this.index = next; this.dirty = true; this.draw();
  }
  wheel(event) {
    event.preventDefault();
    if (this.meta.slices > 1 && !event.ctrlKey) { this.go(this.index + Math.sign(event.deltaY)); return; }
    this.zoomBy(Math.exp(-event.deltaY * 0.0015), event);
  }
  zoomBy(factor, event) {
    const box = this.stage.getBoundingClientRect(), next = Math.max(0.2, Math.min(40, this.zoom * factor));
    const px = event ? event.clientX - box.left - box.width / 2 : 0, py = event ? event.clientY - box.top - box.height / 2 : 0;
    this.x = px - ((px - this.x) * next) / this.zoom; this.y = py - ((py - this.y) * next) / this.zoom; this.zoom = next; this.draw();
  }
  down(event) {
    this.stage.focus({ preventScroll: true }); this.stage.setPointerCapture(event.pointerId);
    const pan = event.button !== 0 || event.shiftKey || event.ctrlKey || this.hand;
    this.drag = { pan, x: event.clientX, y: event.clientY };
  }
  move(event) {
    if (!this.drag) return;
    const dx = event.clientX - this.drag.x, dy = event.clientY - this.drag.y; this.drag.x = event.clientX; this.drag.y = event.clientY;
    if (this.drag.pan) { this.x += dx; this.y += dy; }
    else if (this.meta.channels === 1) {
      const step = Math.max((this.meta.high - this.meta.low) / 1500, this.width / 400);
      this.width = Math.max((this.meta.high - this.meta.low) / 65535 || 1e-6, this.width + dx * step); this.center += dy * step; this.dirty = true;
    }
    this.draw();
  }
  key(event) {
    const act = {
      i: () => { this.inverted = !this.inverted; this.dirty = true; }, " ": () => this.reset(), h: () => { this.flipH = !this.flipH; }, v: () => { this.flipV = !this.flipV; },
      r: () => { this.turns = (this.turns + 1) % 4; }, c: () => this.cine(), "+": () => this.zoomBy(1.2), "=": () => this.zoomBy(1.2), "-": () => this.zoomBy(1 / 1.2),
      ArrowUp: () => this.go(this.index - 1), ArrowDown: () => this.go(this.index + 1), ArrowLeft: () => this.go(this.index - 1), ArrowRight: () => this.go(this.index + 1),
      PageUp: () => this.go(this.index - 10), PageDown: () => this.go(this.index + 10), Home: () => this.go(0), End: () => this.go(this.meta.slices - 1),
    }[event.key] || (/^[1-7]$/.test(event.key) ? () => this.preset(Number(event.key) - 1) : null);
    if (!act || event.metaKey || event.altKey || event.ctrlKey) return;
    event.preventDefault(); event.stopPropagation(); act(); this.toolbar(); this.draw();
  }
  cine() {
    if (this.timer) { clearInterval(this.timer); this.timer = null; return; }
    if (this.meta.slices > 1) this.timer = setInterval(() => this.go((this.index + 1) % this.meta.slices), 80);
  }
  toolbar() {
    const t = this.data.texts, tool = (words, key, act, pressed) => el("button", {
      class: "tool", title: key ? `${words} (${key})` : words, "aria-label": words, "aria-pressed": pressed === undefined ? null : String(Boolean(pressed)),
      onclick: () => { act(); this.toolbar(); this.draw(); },
    }, words);
    const toggle = (name) => () => { this[name] = !this[name]; this.dirty = true; };
    const parts = [
      tool(t.pan, "", toggle("hand"), this.hand), tool(t.invert, "I", toggle("inverted"), this.inverted), tool(t.flip_h, "H", toggle("flipH"), this.flipH),
      tool(t.flip_v, "V", toggle("flipV"), this.flipV), tool(t.rotate, "R", () => { this.turns = (this.turns + 1) % 4; }), tool(t.reset, t.space, () => this.reset()),
    ];
    if (this.meta.slices > 1) parts.push(tool(t.cine, "C", () => this.cine(), this.timer));
    if (this.data.presets.length) parts.push(el("select", { class: "tool", "aria-label": t.presets, onchange: (event) => { this.preset(Number(event.target.value)); event.target.selectedIndex = 0; } },
      el("option", {}, t.presets), this.data.presets.map((preset, at) => el("option", { value: at }, `${at + 1}  ${preset.name}  ${preset.width}/${preset.center}`))));
    if (this.data.choose_slice) parts.push(el("button", { class: "tool strong", onclick: () => this.send("read_slice", this.index) }, t.read_slice));
    if (this.host.getRootNode().activeElement?.closest?.(".tools")) {
      const at = [...this.tools.children].indexOf(this.host.getRootNode().activeElement); this.tools.replaceChildren(...parts); this.tools.children[at]?.focus();
    } else this.tools.replaceChildren(...parts);
  }
  window() {
    const { rows, columns, channels, slope, intercept } = this.meta, samples = this.slices[this.index];
    this.frame.width = columns; this.frame.height = rows;
    const image = new ImageData(columns, rows), out = new Uint32Array(image.data.buffer), flip = this.inverted ? 255 : 0;
    if (channels === 3) for (let i = 0, at = 0; i < out.length; i += 1, at += 3) out[i] = 0xff000000 | ((samples[at + 2] ^ flip) << 16) | ((samples[at + 1] ^ flip) << 8) | (samples[at] ^ flip);
    else {
      const signed = this.meta.dtype === "int16" ? 32768 : 0, table = new Uint32Array(this.meta.dtype === "uint8" ? 256 : 65536), span = Math.max(this.width - 1, 1e-6); // DICOM PS3.3 C.11.2.1.2.1
      for (let value = 0; value < table.length; value += 1) {
        const grey = Math.max(0, Math.min(255, Math.round((((value - signed) * slope + intercept - this.center + 0.5) / span + 0.5) * 255))) ^ flip;
        table[value] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
      }
      for (let i = 0; i < out.length; i += 1) out[i] = table[samples[i] + signed];
    }
    this.frame.getContext("2d").putImageData(image, 0, 0); this.dirty = false;
  }
  draw() {
    if (this.queued || !this.data) return;
    this.queued = requestAnimationFrame(() => { this.queued = null; this.paint(); });
  }
  fit() {
    const box = this.stage.getBoundingClientRect(), turned = this.turns % 2, [sy, sx] = this.aspect();
    const wide = (turned ? this.meta.rows * sy : this.meta.columns * sx), high = (turned ? this.meta.columns * sx : this.meta.rows * sy);
    return { box, sx, sy, scale: Math.min(box.width / wide, box.height / high) * this.zoom };
  }
  aspect() {
    const spacing = this.meta.spacing; return spacing ? [spacing[0] / Math.min(...spacing), spacing[1] / Math.min(...spacing)] : [1, 1];
  }
  paint() {
    const { box, sx, sy, scale } = this.fit(); if (!box.width) return;
    const ratio = window.devicePixelRatio || 1, wide = Math.round(box.width * ratio), high = Math.round(box.height * ratio);
    if (this.canvas.width !== wide || this.canvas.height !== high) { this.canvas.width = wide; this.canvas.height = high; }
    const ctx = this.canvas.getContext("2d"); ctx.setTransform(1, 0, 0, 1, 0, 0); ctx.fillStyle = "#000"; ctx.fillRect(0, 0, wide, high);
    const ready = Boolean(this.slices[this.index]);
    this.message.textContent = this.failed ? this.data.texts.expired : ready ? "" : this.data.texts.loading;
    this.host.dataset.drawn = String(ready);
    if (ready) {
      if (this.dirty) this.window();
      ctx.translate((box.width / 2 + this.x) * ratio, (box.height / 2 + this.y) * ratio); ctx.rotate((this.turns * Math.PI) / 2);
      ctx.scale(scale * sx * ratio * (this.flipH ? -1 : 1), scale * sy * ratio * (this.flipV ? -1 : 1));
      ctx.imageSmoothingEnabled = scale < 4; ctx.imageSmoothingQuality = "high";
      const at = [-this.meta.columns / 2, -this.meta.rows / 2]; ctx.drawImage(this.frame, ...at);
      if (this.showsHeat()) { ctx.imageSmoothingEnabled = true; ctx.drawImage(this.heat, ...at, this.meta.columns, this.meta.rows); }
    }
    this.overlay(scale);
  }
  showsHeat() { return Boolean(this.data.saliency && this.heatValues && this.data.saliency.index === this.index); }
  overlay(scale) {
    const { texts: t, overlay, meta } = this.data, lines = (node, items) => node.replaceChildren(...items.filter(Boolean).map((item) => el("div", {}, item)));
    lines(this.corners.nw, overlay.patient); lines(this.corners.ne, overlay.study);
    lines(this.corners.sw, [meta.slices > 1 ? `${t.slice} ${this.index + 1}/${meta.slices}` : null, this.showsHeat() ? this.data.saliency.stamp : null]);
    const digits = Math.abs(this.width) < 10 ? 2 : 0, unit = meta.unit === "HU" ? " HU" : "";
    lines(this.corners.se, [meta.channels === 1 ? `W ${this.width.toFixed(digits)}  L ${this.center.toFixed(digits)}${unit}` : null, `${t.zoom} ${Math.round(scale * 100)} %`]);
    const letters = this.turned(); for (const [name, node] of Object.entries(this.letters)) node.textContent = letters ? letters[name] : "";
    this.rail.value = String(this.index); this.rail.setAttribute("aria-valuetext", `${this.index + 1}/${meta.slices}`);
    this.scaleBar(scale); this.colourBar();
  }
  turned() {
    let e = this.meta.edges; if (!e) return null;
    if (this.flipH) e = { ...e, left: e.right, right: e.left };
    if (this.flipV) e = { ...e, top: e.bottom, bottom: e.top };
    for (let n = 0; n < this.turns; n += 1) e = { top: e.left, right: e.top, bottom: e.right, left: e.bottom };
    return e;
  }
  scaleBar(scale) {
    const spacing = this.meta.spacing; this.ruler.style.display = spacing ? "" : "none"; if (!spacing) return;
    const perMm = scale / Math.min(...spacing), length = [1, 2, 5, 10, 20, 50, 100, 200].findLast((mm) => mm * perMm <= 140) || 1;
    this.ruler.firstChild.style.width = `${length * perMm}px`; this.ruler.lastChild.textContent = `${length} mm`;
  }
  colourBar() {
    const wanted = this.showsHeat() ? this.data.saliency : null; this.bar.style.display = wanted ? "" : "none"; if (!wanted) { this.barFor = null; return; }
    if (this.barFor === wanted.map + wanted.label) return; this.barFor = wanted.map + wanted.label;
    const stops = MAPS[wanted.map].split(" ").map((hex) => `#${hex}`).join(",");
    const strip = el("i", {}); strip.style.background = `linear-gradient(to right, ${stops})`;
    this.bar.replaceChildren(el("b", {}, wanted.label), strip, el("div", {}, el("span", {}, wanted.low), el("span", {}, wanted.high)));
  }
  end() { this.watch.disconnect(); clearInterval(this.timer); cancelAnimationFrame(this.queued); }
}
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = themed(parentElement);
  if (!root.viewer) root.viewer = new Viewer(root, setTriggerValue);
  root.viewer.update(data);
  return () => { root.viewer?.end(); root.viewer = null; };
}
