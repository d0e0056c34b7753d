// The forecast through history: "now" is dragged over the trace in the browser; only when it rests is the server told.
const REST_MS = 450, STEP_MS = 90, SPANS = [6, 12, 24], AHEAD = 0.3, LEFT = 46, STRIP = 15;
const INKS = {
  light: { ground: "#FFFFFF", text: "#18222D", muted: "#5A6773", grid: "#E6EBF0", target: "rgba(46,125,50,.09)", edge: "#2E7D32", low: "rgba(180,35,24,.08)", past: "#18222D", came: "#B42318", outer: "rgba(0,114,178,.17)", inner: "rgba(0,114,178,.33)", median: "#005288", now: "#0072B2", warn: "#B42318", carbs: "#8A5A00", insulin: "#6B4FA0" },
  dark: { ground: "#0F141A", text: "#E4EAF0", muted: "#A3B0BD", grid: "#232D37", target: "rgba(92,203,120,.09)", edge: "#6BBF73", low: "rgba(255,154,144,.10)", past: "#E4EAF0", came: "#FF9A90", outer: "rgba(108,182,232,.20)", inner: "rgba(108,182,232,.36)", median: "#A9D6F5", now: "#6CB6E8", warn: "#FF9A90", carbs: "#E9B44C", insulin: "#B7A3E3" },
};
const CIVIDIS = [[0, 32, 77], [61, 77, 109], [122, 123, 122], [187, 173, 108], [253, 234, 69]];
class Foreseen {
  constructor(body) {
    const head = new Int32Array(body, 0, 4); [this.readings, this.moments, this.horizons, this.levels] = head; let at = 16;
    const take = (Kind, count) => { const made = new Kind(body, at, count); at += made.byteLength; return made; };
    this.clock = take(Float64Array, this.readings); this.minutes = take(Float32Array, this.readings); this.glucose = take(Float32Array, this.readings);
    this.origins = take(Int32Array, this.moments); this.p = take(Float32Array, this.moments * 2); this.ahead = take(Float32Array, this.horizons); this.quantiles = take(Int16Array, this.moments * this.horizons * this.levels);
    this.top = this.glucose.reduce((most, value) => Math.max(most, value), 0) > 300 ? 400 : 300;
  }
  level(moment, horizon, level) { const value = this.quantiles[(moment * this.horizons + horizon) * this.levels + level]; return value === -32768 ? NaN : value / 10; }
  // The first number of an ascending array that is at least `wanted`.
  static first(values, wanted) { let low = 0, high = values.length; while (low < high) { const middle = (low + high) >> 1; if (values[middle] < wanted) low = middle + 1; else high = middle; } return low; }
  moment(reading) { const at = Foreseen.first(this.origins, reading); return Math.min(this.moments - 1, at > 0 && (at === this.moments || reading - this.origins[at - 1] < this.origins[at] - reading) ? at - 1 : at); }
  near(minute) {
    const at = Foreseen.first(this.minutes, minute), reading = at > 0 && (at === this.readings || minute - this.minutes[at - 1] < this.minutes[at] - minute) ? at - 1 : at;
    return this.moment(reading);
  }
  wall(minute) { const at = Math.max(0, Math.min(this.readings - 1, Foreseen.first(this.minutes, minute + 1e-3) - 1)); return this.clock[at] + (minute - this.minutes[at]) * 60; }
}
const two = (value) => String(value).padStart(2, "0");
function told(seconds, withDay) { const at = new Date(seconds * 1000), hour = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`; return withDay ? `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${hour}` : hour; }
function shade(share) { const at = Math.max(0, Math.min(1, share)) * (CIVIDIS.length - 1), low = Math.min(CIVIDIS.length - 2, Math.floor(at)); return `rgb(${CIVIDIS[low].map((one, n) => Math.round(one + (CIVIDIS[low + 1][n] - one) * (at - low))).join(" ")})`; }
class Replay {
  constructor(host) {
    this.host = host; this.span = 12; this.build();
  }
  build() {
    this.canvas = el("canvas", { "aria-hidden": "true" }); this.said = el("div", { class: "said", role: "status" }); this.message = el("div", { class: "message", role: "status" });
    this.bar = el("div", { class: "colourbar" });
    this.stage = el("div", { class: "stage", tabindex: "0", role: "slider", "aria-valuemin": "0" }, this.canvas, this.bar, this.message);
    this.tools = el("div", { class: "tools", role: "toolbar" }); this.legend = el("div", { class: "legend" });
    this.small = el("canvas", { "aria-hidden": "true" }); this.frame = el("i", {}); this.over = el("div", { class: "overview", "aria-hidden": "true" }, this.small, this.frame);
    this.log = el("div", { class: "log" });
    this.host.replaceChildren(this.tools, this.said, this.stage, this.over, this.legend, this.log);
    const on = (node, name, act, options) => node.addEventListener(name, act, options);
    on(this.stage, "keydown", (event) => this.key(event));
    on(this.stage, "pointerdown", (event) => { this.halt(); this.stage.focus({ preventScroll: true }); this.stage.setPointerCapture(event.pointerId); this.drag = { x: event.clientX, minute: this.minute }; });
    on(this.stage, "pointermove", (event) => { if (this.drag && this.seen) this.go(this.seen.near(this.drag.minute - (event.clientX - this.drag.x) / this.perMinute)); });
    for (const name of ["pointerup", "pointercancel"]) on(this.stage, name, () => { this.drag = null; });
    on(this.stage, "wheel", (event) => { event.preventDefault(); if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1 : -1); else this.by(Math.sign(event.deltaY || event.deltaX) * (event.shiftKey ? 12 : 1)); }, { passive: false });
    on(this.over, "pointerdown", (event) => { this.halt(); this.over.setPointerCapture(event.pointerId); this.jump(event); });
    on(this.over, "pointermove", (event) => { if (event.buttons) this.jump(event); });
    this.watch = new ResizeObserver(() => { this.outlined = false; this.draw(); }); this.watch.observe(this.stage);
  }
  update(data) {
    const old = this.data, fresh = !old || old.identity !== data.identity; this.data = data;
    if (fresh) { this.seen = null; this.failed = false; this.at = 0; this.fetch(data.url); }
    else if (this.failed && old.url !== data.url) { this.failed = false; this.fetch(data.url); }
    this.stage.setAttribute("aria-label", data.alt); this.tools.setAttribute("aria-label", data.texts.tools);
    if (data.influence && !fresh && old.influence?.at !== data.influence.at) this.tools.scrollIntoView({ block: "nearest" }); // asked for below, shown here
    this.outlined = false; this.toolbar(); this.list(); this.draw();
  }
  async fetch(url) {
    try {
      const answer = await fetch(url); if (!answer.ok) throw new Error(String(answer.status));
      this.seen = new Foreseen(await answer.arrayBuffer()); this.at = this.seen.moment(this.data.now - this.data.first); this.rested = this.at;
    } catch { this.failed = true; }
    this.outlined = false; this.toolbar(); this.draw();
  }
  get reading() { return this.seen.origins[this.at]; }
  get minute() { return this.seen ? this.seen.minutes[this.reading] : 0; }
  go(moment) {
    if (!this.seen) return;
    const next = Math.max(0, Math.min(this.seen.moments - 1, moment)); if (next === this.at) return;
    this.at = next; this.draw(); clearTimeout(this.timer);
    this.timer = setTimeout(() => this.rest(), REST_MS);
  }
  rest() { if (this.playing || this.drag || this.rested === this.at) { if (this.drag) this.timer = setTimeout(() => this.rest(), REST_MS); return; } this.rested = this.at; this.tell("now", this.data.first + this.reading); }
  by(steps) { this.go(this.at + steps); }
  hour(sign) { this.go(this.seen ? this.seen.near(this.minute + 60 * sign) : 0); }
  zoom(by) { const at = SPANS.indexOf(this.span); this.span = SPANS[Math.max(0, Math.min(SPANS.length - 1, at + by))]; this.toolbar(); this.draw(); }
  play() { if (this.playing) { this.halt(); return; } if (this.seen && this.at === this.seen.moments - 1) this.go(0); this.playing = setInterval(() => { if (this.at >= this.seen.moments - 1) this.halt(); else this.by(1); }, STEP_MS); this.toolbar(); }
  halt() { if (!this.playing) return; clearInterval(this.playing); this.playing = null; this.toolbar(); clearTimeout(this.timer); this.timer = setTimeout(() => this.rest(), REST_MS); }
  warning(sign) {
    const all = this.data.warnings.map((one) => one.at).filter((at) => (sign > 0 ? at > this.reading : at < this.reading)); if (!all.length) return;
    this.halt(); this.go(this.seen.moment(sign > 0 ? Math.min(...all) : Math.max(...all)));
  }
  key(event) {
    const act = {
      ArrowLeft: () => this.by(event.shiftKey ? -12 : -1), ArrowRight: () => this.by(event.shiftKey ? 12 : 1), ArrowDown: () => this.by(-1), ArrowUp: () => this.by(1), PageUp: () => this.hour(-1), PageDown: () => this.hour(1),
      Home: () => this.go(0), End: () => this.go(Infinity), " ": () => this.play(), n: () => this.warning(1), p: () => this.warning(-1), "+": () => this.zoom(-1), "=": () => this.zoom(-1), "-": () => this.zoom(1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.metaKey || event.altKey || event.ctrlKey || !this.seen) return;
    event.preventDefault(); event.stopPropagation(); if (event.key !== " ") this.halt(); act();
  }
  jump(event) {
    if (!this.seen) return; const box = this.over.getBoundingClientRect(), [from, until] = this.reach();
    this.go(this.seen.near(from + ((event.clientX - box.left) / box.width) * (until - from)));
  }
  reach() { const { minutes } = this.seen; return [minutes[0], minutes[minutes.length - 1]]; }
  toolbar() {
    const t = this.data.texts, off = !this.seen, none = off || !this.data.warnings.length;
    const tool = (words, label, key, act, pressed, disabled = off) => el("button", { class: "tool", title: key ? `${label} (${key})` : label, "aria-label": label, disabled, "aria-pressed": pressed === undefined ? null : String(pressed), onclick: act }, words);
    const parts = [
      tool("−1 h", t.hour_back, "PageUp", () => { this.halt(); this.hour(-1); }), tool("◀", t.back, "←", () => { this.halt(); this.by(-1); }),
      tool(this.playing ? t.pause : t.play, this.playing ? t.pause : t.play, t.space, () => this.play(), Boolean(this.playing)),
      tool("▶", t.on, "→", () => { this.halt(); this.by(1); }), tool("+1 h", t.hour_on, "PageDown", () => { this.halt(); this.hour(1); }),
      tool(t.previous_warning, t.previous_warning, "P", () => this.warning(-1), undefined, none), tool(t.next_warning, t.next_warning, "N", () => this.warning(1), undefined, none),
      el("span", { class: "grow" }), ...SPANS.map((hours) => tool(`${hours} h`, fill(t.span, { hours }), "", () => { this.span = hours; this.toolbar(); this.draw(); }, this.span === hours, false)),
    ];
    const focused = this.host.getRootNode().activeElement, at = focused?.closest?.(".tools") ? [...this.tools.children].indexOf(focused) : -1;
    this.tools.replaceChildren(...parts); if (at >= 0) this.tools.children[at]?.focus();
    const keys = [["past", t.legend_past], ["fan", t.legend_fan], ["came", t.legend_came], ...(this.data.events.length ? [["carbs", t.legend_carbs], ["insulin", t.legend_insulin]] : []), ...(this.data.warnings.length ? [["warn", t.legend_warning]] : [])];
    this.legend.replaceChildren(...keys.map(([name, words]) => el("span", { class: `key ${name}` }, el("i", {}), words)));
  }
  list() {
    const { warnings, texts: t, watch } = this.data; this.log.style.display = watch ? "" : "none"; if (!watch) return;
    const scroll = this.log.querySelector(".rows")?.scrollTop || 0, head = el("tr", {}, [t.time, t.probability, t.came].map((name) => el("th", { scope: "col" }, name)));
    const rows = [...warnings].reverse().map((one) => el("tr", { tabindex: "0", "data-warning": String(one.at), title: t.go, onclick: () => this.visit(one.at), onkeydown: (event) => { if (["Enter", " "].includes(event.key)) { event.preventDefault(); this.visit(one.at); } } },
      el("td", { class: "num" }, one.time), el("td", { class: "num" }, one.p), el("td", {}, chip(one.icon, one.came))));
    const table = el("table", {}, el("caption", { class: "hidden" }, t.log), el("thead", {}, head), el("tbody", {}, rows));
    this.log.replaceChildren(el("div", { class: "title" }, `${t.log} · ${watch.name} · ${fill(t.count, { count: warnings.length })}`), warnings.length ? el("div", { class: "rows" }, table) : el("p", { class: "muted" }, t.no_warnings));
    const box = this.log.querySelector(".rows"); if (box) box.scrollTop = scroll;
  }
  visit(at) { this.halt(); if (this.seen) this.go(this.seen.moment(at)); this.stage.focus({ preventScroll: true }); this.tools.scrollIntoView({ block: "nearest" }); }
  draw() { if (this.queued || !this.data) return; this.queued = requestAnimationFrame(() => { this.queued = null; this.paint(); }); }
  inks() { const ground = getComputedStyle(this.host).getPropertyValue("--st-background-color"); if (ground !== this.ground) { this.ground = ground; themed(this.host.parentNode); this.outlined = false; } return INKS[this.host.style.colorScheme === "dark" ? "dark" : "light"]; }
  sized(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1, wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    const ctx = canvas.getContext("2d"); ctx.setTransform(ratio, 0, 0, ratio, 0, 0); return ctx;
  }
  paint() {
    const width = this.stage.clientWidth, height = this.stage.clientHeight; if (!width || !height) return;
    const ink = this.inks(), ctx = this.sized(this.canvas, width, height), { texts: t } = this.data; ctx.fillStyle = ink.ground; ctx.fillRect(0, 0, width, height);
    this.message.textContent = this.failed ? t.expired : this.seen ? "" : t.loading; this.host.dataset.drawn = String(Boolean(this.seen)); if (!this.seen) return;
    const strip = this.strip(), foot = 24 + (strip ? 3 * STRIP + 8 : 0), box = { left: LEFT, right: width - 8, top: 12, bottom: height - foot }, top = this.seen.top;
    this.perMinute = (box.right - box.left) / (this.span * 60); const x = (minute) => box.left + (box.right - box.left) * (1 - AHEAD) + (minute - this.minute) * this.perMinute, y = (level) => box.bottom - (Math.max(0, Math.min(top, level)) / top) * (box.bottom - box.top);
    this.grounds(ctx, ink, box, x, y, top); ctx.save(); ctx.beginPath(); ctx.rect(box.left, box.top - 8, box.right - box.left, height); ctx.clip();
    this.fan(ctx, ink, x, y); this.curve(ctx, ink, box, x, y); this.eaten(ctx, ink, box, x); this.marks(ctx, ink, box, x); if (strip) this.heat(ctx, ink, strip, x, box.bottom + 24); ctx.restore();
    if (strip) this.names(ctx, ink, strip, box.bottom + 24);
    ctx.strokeStyle = ink.now; ctx.lineWidth = 2; ctx.beginPath(); ctx.moveTo(x(this.minute), box.top - 6); ctx.lineTo(x(this.minute), box.bottom); ctx.stroke();
    ctx.fillStyle = ink.now; ctx.beginPath(); ctx.arc(x(this.minute), y(this.seen.glucose[this.reading]), 5, 0, 7); ctx.fill();
    this.words(ink); this.colour(strip); this.overviewed(ink);
  }
  grounds(ctx, ink, box, x, y, top) {
    const { limits, factor, digits, unit } = this.data, [low, high] = limits.target, wide = box.right - box.left; ctx.font = "11px sans-serif";
    ctx.fillStyle = ink.target; ctx.fillRect(box.left, y(high), wide, y(low) - y(high)); ctx.fillStyle = ink.low; ctx.fillRect(box.left, y(limits.low), wide, box.bottom - y(limits.low));
    const hours = this.span <= 6 ? 1 : this.span <= 12 ? 2 : 4, from = this.minute - this.span * 60 * (1 - AHEAD), until = this.minute + this.span * 60 * AHEAD; ctx.textAlign = "center";
    const start = Math.ceil(this.seen.wall(from) / (hours * 3600)) * hours * 3600, offset = this.seen.wall(this.minute) - this.minute * 60;
    for (let clock = start, minute; (minute = (clock - offset) / 60) <= until; clock += hours * 3600) {
      ctx.strokeStyle = ink.grid; ctx.lineWidth = 1; ctx.beginPath(); ctx.moveTo(x(minute), box.top); ctx.lineTo(x(minute), box.bottom); ctx.stroke(); ctx.fillStyle = ink.muted;
      const midnight = clock % 86400 === 0; ctx.fillText(midnight ? told(clock, true).slice(5, 10) : told(clock), x(minute), box.bottom + 15);
    }
    ctx.textAlign = "right";
    for (const level of [low, high, 250, top].filter((one, n, all) => all.indexOf(one) === n)) {
      const target = limits.target.includes(level); ctx.strokeStyle = target ? ink.edge : ink.grid; ctx.lineWidth = target ? 1.4 : 1; ctx.beginPath(); ctx.moveTo(box.left, y(level)); ctx.lineTo(box.right, y(level)); ctx.stroke();
      ctx.fillStyle = target ? ink.edge : ink.muted; ctx.font = target ? "600 11px sans-serif" : "11px sans-serif"; ctx.fillText((level * factor).toFixed(digits), box.left - 6, y(level) + 4);
    }
    ctx.fillStyle = ink.muted; ctx.font = "11px sans-serif"; ctx.fillText(unit, box.left - 6, box.bottom + 2);
  }
  fan(ctx, ink, x, y) {
    const { seen } = this, last = seen.levels - 1, point = (horizon, level) => [x(this.minute + seen.ahead[horizon]), y(seen.level(this.at, horizon, level))];
    const start = [x(this.minute), y(seen.glucose[this.reading])], every = [...Array(seen.horizons).keys()];
    for (const [low, high, colour] of [[0, last, ink.outer], [1, last - 1, ink.inner]]) {
      ctx.fillStyle = colour; ctx.beginPath(); ctx.moveTo(...start); for (const n of every) ctx.lineTo(...point(n, high)); for (const n of [...every].reverse()) ctx.lineTo(...point(n, low)); ctx.closePath(); ctx.fill();
    }
    ctx.strokeStyle = ink.median; ctx.lineWidth = 2.4; ctx.beginPath(); ctx.moveTo(...start); for (const n of every) ctx.lineTo(...point(n, last >> 1)); ctx.stroke();
  }
  curve(ctx, ink, box, x, y) {
    const { seen } = this, from = Foreseen.first(seen.minutes, this.minute - this.span * 60) - 1, until = Foreseen.first(seen.minutes, this.minute + this.span * 60 * AHEAD + 60);
    ctx.strokeStyle = ink.past; ctx.lineWidth = 1.7; ctx.lineJoin = "round"; ctx.beginPath(); let pen = false;
    for (let n = Math.max(0, from); n <= this.reading; n += 1) { const joined = pen && seen.minutes[n] - seen.minutes[n - 1] <= this.data.gap; if (joined) ctx.lineTo(x(seen.minutes[n]), y(seen.glucose[n])); else ctx.moveTo(x(seen.minutes[n]), y(seen.glucose[n])); pen = true; }
    ctx.stroke(); ctx.fillStyle = ink.past; for (let n = Math.max(0, from); n <= this.reading; n += 1) { ctx.beginPath(); ctx.arc(x(seen.minutes[n]), y(seen.glucose[n]), 1.6, 0, 7); ctx.fill(); }
    ctx.fillStyle = ink.came; for (let n = this.reading + 1; n < until; n += 1) { ctx.beginPath(); ctx.arc(x(seen.minutes[n]), y(seen.glucose[n]), 2.6, 0, 7); ctx.fill(); }
  }
  eaten(ctx, ink, box, x) {
    ctx.font = "11px sans-serif"; ctx.textAlign = "left";
    for (const [minute, kind, words] of this.data.events) {
      const at = x(minute); if (at < box.left - 60 || at > box.right) continue;
      const carbs = kind === "carbs", high = box.top + (carbs ? 4 : 20), later = minute > this.minute; ctx.globalAlpha = later ? 0.5 : 1; ctx.fillStyle = carbs ? ink.carbs : ink.insulin; ctx.beginPath();
      if (carbs) ctx.arc(at, high, 4, 0, 7); else { ctx.moveTo(at, high - 5); ctx.lineTo(at + 5, high + 4); ctx.lineTo(at - 5, high + 4); } ctx.fill(); ctx.fillText(words, at + 8, high + 4); ctx.globalAlpha = 1;
    }
  }
  marks(ctx, ink, box, x) {
    for (const one of this.data.warnings) { const at = x(this.seen.minutes[one.at]); if (at < box.left || at > box.right) continue; ctx.fillStyle = ink.warn; ctx.beginPath(); ctx.moveTo(at, box.bottom - 9); ctx.lineTo(at + 5, box.bottom); ctx.lineTo(at - 5, box.bottom); ctx.fill(); }
  }
  strip() { const one = this.data.influence; return one && one.at === this.reading ? one : null; }
  heat(ctx, ink, strip, x, top) {
    strip.values.forEach((row, line) => row.forEach((value, n) => { const right = x(this.minute - (row.length - 1 - n) * strip.step); ctx.fillStyle = shade(value); ctx.fillRect(right - strip.step * this.perMinute, top + line * STRIP, strip.step * this.perMinute + 0.5, STRIP - 2); }));
  }
  names(ctx, ink, strip, top) { ctx.fillStyle = ink.text; ctx.font = "11px sans-serif"; ctx.textAlign = "left"; const right = LEFT + (this.stage.clientWidth - 8 - LEFT) * (1 - AHEAD) + 8; strip.rows.forEach((name, line) => ctx.fillText(name, right, top + line * STRIP + 10)); }
  // What came: the first low reading within the warning's time, none, or not known because readings are missing.
  came(minutes) {
    const { seen } = this, until = this.minute + minutes; let last = this.minute, whole = true;
    for (let n = this.reading + 1; n < seen.readings && seen.minutes[n] <= until + 1e-3; n += 1) { if (seen.glucose[n] < this.data.limits.low) return { low: seen.minutes[n] - this.minute }; whole = whole && seen.minutes[n] - last <= this.data.gap; last = seen.minutes[n]; }
    return { known: whole && until - last <= this.data.gap };
  }
  words() {
    const { seen, data } = this, { texts: t, watch, factor, digits, unit } = data, level = seen.glucose[this.reading], key = `${this.at}|${unit}|${watch?.threshold}|${watch?.column}|${t.now}`;
    if (this.saidFor === key && this.said.childNodes.length) return; this.saidFor = key;
    const parts = [el("span", { class: "when num" }, `${t.now} ${told(seen.clock[this.reading], true)}`), el("b", { class: "num" }, `${(level * factor).toFixed(digits)} ${unit}`)];
    if (watch) {
      const p = seen.p[this.at * 2 + watch.column], warned = p >= watch.threshold && level >= data.limits.low, came = this.came(watch.horizon), name = fill(t.chance, { name: watch.name, p: p.toFixed(2), threshold: watch.threshold.toFixed(2) });
      parts.push(chip(warned ? "present" : "none", `${name}: ${level < data.limits.low ? t.is_low : warned ? t.warns : t.silent}`), chip(came.low !== undefined ? "info" : came.known ? "none" : "indeterminate", came.low !== undefined ? fill(t.came_low, { minutes: Math.round(came.low) }) : came.known ? t.came_none : t.came_unknown, "plain"));
      this.host.dataset.warned = String(warned);
    }
    this.said.replaceChildren(...parts); Object.assign(this.host.dataset, { now: String(data.first + this.reading), moment: String(this.at) });
    this.stage.setAttribute("aria-valuemax", String(seen.moments - 1)); this.stage.setAttribute("aria-valuenow", String(this.at)); this.stage.setAttribute("aria-valuetext", this.said.textContent);
  }
  colour(strip) {
    this.bar.style.display = strip ? "" : "none"; this.host.dataset.influence = String(Boolean(strip)); if (!strip || this.barFor === strip.label + strip.at) return; this.barFor = strip.label + strip.at;
    const scale = el("i", {}); scale.style.background = `linear-gradient(to right, ${CIVIDIS.map((rgb) => `rgb(${rgb.join(" ")})`).join(",")})`;
    this.bar.replaceChildren(el("b", {}, strip.label), scale, el("div", {}, el("span", {}, strip.low), el("span", {}, strip.high)), el("em", {}, strip.stamp));
  }
  overviewed(ink) {
    const width = this.over.clientWidth, height = this.over.clientHeight, { seen } = this; if (!width) return; const [from, until] = this.reach(), x = (minute) => ((minute - from) / Math.max(1, until - from)) * width;
    if (!this.outlined) {
      this.outlined = true; const ctx = this.sized(this.small, width, height), y = (level) => height - (level / seen.top) * height; ctx.fillStyle = ink.ground; ctx.fillRect(0, 0, width, height);
      const [low, high] = this.data.limits.target; ctx.fillStyle = ink.target; ctx.fillRect(0, y(high), width, y(low) - y(high)); ctx.strokeStyle = ink.muted; ctx.lineWidth = 1; ctx.beginPath();
      for (let n = 0; n < seen.readings; n += 1) { if (n && seen.minutes[n] - seen.minutes[n - 1] <= this.data.gap) ctx.lineTo(x(seen.minutes[n]), y(seen.glucose[n])); else ctx.moveTo(x(seen.minutes[n]), y(seen.glucose[n])); } ctx.stroke();
      ctx.fillStyle = ink.warn; for (const one of this.data.warnings) ctx.fillRect(x(seen.minutes[one.at]) - 1, height - 7, 2, 7);
    }
    this.frame.style.left = `${(x(this.minute) / width) * 100}%`;
  }
  end() { this.watch.disconnect(); cancelAnimationFrame(this.queued); clearTimeout(this.timer); clearInterval(this.playing); }
}
export default function (component) {
  const { data, parentElement, setTriggerValue } = component, root = themed(parentElement);
  if (!root.replay) root.replay = new Replay(root);
  root.replay.tell = setTriggerValue; root.replay.update(data);
  return () => { root.replay?.end(); root.replay = null; };
}
