// The ECG as on paper: pan, zoom, calipers, marks, influence, average beat; and an overview of recordings longer than the paper.
const SPEEDS = [25, 50, 12.5], GAINS = [10, 20, 5], FASTEST = 400, SHORT = 12, DEFAULTS = { speed: 25, gain: 10 };
class Ecg {
  constructor(host) {
    this.host = host; this.marks = true; this.calipers = false; this.march = false; this.average = false;
    this.build();
  }
  build() {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.who = el("div", {}); this.when = el("div", {}); this.head = el("div", { class: "head" }, this.who, this.when);
    this.readout = el("div", { class: "plate readout", role: "status" });
    this.message = el("div", { class: "message", role: "status" });
    this.bar = el("div", { class: "colourbar" }); this.beats = el("div", { class: "beats" });
    this.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, this.canvas, this.readout, this.bar, this.beats, this.message);
    this.strip = el("div", { class: "strip num" });
    this.tools = el("div", { class: "tools", role: "toolbar" });
    this.small = el("canvas", { "aria-hidden": "true" }); this.frame = el("i", {});
    this.over = el("div", { class: "overview", role: "slider", tabindex: "0", "aria-valuemin": "0" }, this.small, this.frame);
    this.legend = el("div", { class: "legend" }); this.events = el("ol", { class: "events" });
    this.host.replaceChildren(this.tools, this.head, this.stage, this.strip, this.over, this.legend, this.events);
    const on = (node, name, act, options) => node.addEventListener(name, act, options);
    on(this.stage, "wheel", (event) => this.wheel(event), { passive: false });
    on(this.stage, "pointerdown", (event) => this.down(event)); on(this.stage, "pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) on(this.stage, name, () => { this.drag = null; });
    on(this.stage, "dblclick", () => { if (!this.calipers) this.reset(); });
    on(this.stage, "keydown", (event) => this.key(event)); on(this.over, "keydown", (event) => this.key(event));
    on(this.over, "pointerdown", (event) => { this.over.setPointerCapture(event.pointerId); this.jump(event); });
    on(this.over, "pointermove", (event) => { if (event.buttons) this.jump(event); });
    this.watch = new ResizeObserver(() => { this.fitted(); this.draw(); }); this.watch.observe(this.stage);
  }
  update(data) {
    const old = this.data, fresh = !old || old.identity !== data.identity; this.data = data;
    if (fresh) {
      this.signal = new Signal(data.url, data.meta, () => { this.outlined = false; this.draw(); }); this.layouts = layoutsOf(data.meta.leads); this.lead = rhythmLead(data.meta.leads);
      this.layout = this.layouts[0]; this.t0 = 0; this.measure = null; this.mag = 1; this.reset();
    } else if (this.signal.url !== data.url) { this.signal.url = data.url; this.signal.failed = false; } // a new grant heals what the old one's end broke
    if (fresh || old.marks !== data.marks) this.take("waves", data.marks, (body) => new Waves(body));
    if (fresh || old.beat !== data.beat) this.take("beat", data.beat, averageOf);
    const wanted = data.saliency; if (fresh || old.saliency?.url !== wanted?.url) this.take("heat", wanted?.url, (body) => new Uint8Array(body));
    this.stage.setAttribute("aria-label", data.alt); this.tools.setAttribute("aria-label", data.texts.tools); this.over.setAttribute("aria-label", data.texts.overview);
    this.who.textContent = data.patient.join(" · "); this.when.textContent = data.study.join(" · ");
    this.outlined = false; this.toolbar(); this.list(); this.fitted(); this.draw();
  }
  async take(name, url, made) {
    this[name] = null; if (!url) { this.draw(); return; }
    try { const body = await bytes(url); if ([this.data.marks, this.data.beat, this.data.saliency?.url].includes(url)) this[name] = made(body); } catch { this[name] = null; }
    this.toolbar(); this.draw();
  }
  get unit() { return this.base * this.mag; }
  get short() { return this.data.meta.seconds <= SHORT; }
  get shown() { return this.plan?.shown || 1; }
  // Life size where it fits; a short recording is made smaller rather than cut. How high the paper is follows from its rows.
  fitted() {
    if (!this.data) return;
    const width = this.stage.clientWidth, { leads, seconds } = this.data.meta;
    this.base = this.short ? Math.min(LIFE, (width - 2) / (LEFT + seconds * DEFAULTS.speed)) : LIFE;
    const rows = { "3x4": 4, "6x2": 6, rows: leads.length }[this.layout] || (this.short ? 2 : 5), each = rows <= 4 ? 34 : rows <= 6 ? 26 : 21;
    this.stage.style.height = `max(260px, min(${Math.round(rows * each * this.base + 26)}px, calc(100vh - ${this.long() ? 330 : 210}px)))`;
  }
  long() { return this.data.meta.seconds > SHORT * 1.7; }
  reset() { this.speed = DEFAULTS.speed; this.gain = DEFAULTS.gain; this.mag = 1; this.t0 = 0; this.measure = null; this.fitted(); this.draw(); }
  settle() {
    const room = Math.max(40, (this.stage.clientWidth || 600) - LEFT * (this.unit || LIFE)), { seconds } = this.data.meta;
    this.speed = Math.max(Math.min(SPEEDS.at(-1), room / this.unit / seconds), Math.min(FASTEST, this.speed));
    const span = this.layout === "single" ? this.shown : Math.min(seconds, room / (this.speed * this.unit));
    this.t0 = Math.max(0, Math.min(Math.max(0, seconds - span), this.t0));
  }
  pan(seconds) { this.t0 += seconds; this.draw(); }
  speedBy(factor, x) {
    const left = LEFT * this.unit, at = Math.max(0, (x ?? left) - left), before = at / (this.speed * this.unit);
    this.speed *= factor; this.settle(); this.t0 += before - at / (this.speed * this.unit); this.draw();
  }
  wheel(event) {
    event.preventDefault();
    if (event.ctrlKey) { this.mag = Math.max(0.5, Math.min(4, this.mag * Math.exp(-event.deltaY * 0.002))); this.draw(); return; }
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) { this.pan((event.deltaX || event.deltaY) / (this.speed * this.unit)); return; }
    this.speedBy(Math.exp(-event.deltaY * 0.0015), event.clientX - this.stage.getBoundingClientRect().left);
  }
  down(event) {
    this.stage.focus({ preventScroll: true }); this.stage.setPointerCapture(event.pointerId);
    const box = this.stage.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    this.drag = this.calipers && event.button === 0 ? this.hold(x, y) : { pan: true, x };
    this.draw();
  }
  move(event) {
    if (!this.drag) return;
    const box = this.stage.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (this.drag.pan) { this.pan((this.drag.x - x) / (this.speed * this.unit)); this.drag.x = x; return; }
    const { segment, row } = this.held(), at = segment.t0 + (Math.max(segment.x0, Math.min(segment.x1, x)) - segment.x0) / this.plan.perSecond;
    this.measure.t[this.drag.side] = at; if (!this.drag.line) this.measure.y[this.drag.side] = (row.middle - y) / this.unit;
    this.draw();
  }
  // The caliper line under the pointer, else a new pair of lines that begins there.
  hold(x, y) {
    const found = this.measure && this.held();
    if (found) for (const side of [0, 1]) if (Math.abs(found.segment.x0 + (this.measure.t[side] - found.segment.t0) * this.plan.perSecond - x) < 8 && Math.abs(y - found.row.middle) < found.row.pitch) return { side };
    const row = this.plan.rows.reduce((best, one) => (Math.abs(one.middle - y) < Math.abs(best.middle - y) ? one : best));
    const segment = row.segments.find((one) => x <= one.x1) || row.segments.at(-1), t = segment.t0 + (Math.max(segment.x0, x) - segment.x0) / this.plan.perSecond, high = (row.middle - y) / this.unit;
    this.measure = { row: this.plan.rows.indexOf(row), lead: segment.lead, t: [t, t], y: [high, high] };
    return { side: 1 };
  }
  held() {
    const { measure, plan } = this; if (!measure || !plan) return null;
    const middle = measure.t[0];
    for (const row of [plan.rows[measure.row], ...plan.rows].filter(Boolean)) for (const segment of row.segments) if (segment.lead === measure.lead && middle >= segment.t0 - 1e-9 && middle <= segment.t1 + 1e-9) return { row, segment };
    return null;
  }
  // The calipers by keyboard: the second line moves; from nothing, a pair a second apart in the middle of the first row.
  nudge(seconds, millimetres) {
    if (!this.measure || !this.held()) { const row = this.plan.rows[0], segment = row.segments[0], t = (segment.t0 + segment.t1) / 2; this.measure = { row: 0, lead: segment.lead, t: [t, Math.min(segment.t1, t + 1)], y: [0, 0] }; }
    this.measure.t[1] += seconds; this.measure.y[1] += millimetres; this.calipers = true;
  }
  key(event) {
    const step = event.shiftKey ? 0 : this.shown, minor = 1 / (this.data.meta.rate || 100);
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      event.preventDefault(); event.stopPropagation(); const fine = Math.max(minor, 0.25 / (this.speed * this.unit));
      this.nudge({ ArrowLeft: -fine, ArrowRight: fine }[event.key] || 0, { ArrowUp: 0.25, ArrowDown: -0.25 }[event.key] || 0); this.toolbar(); this.draw(); return;
    }
    const act = {
      m: () => { this.marks = !this.marks; }, c: () => { this.calipers = !this.calipers; }, a: () => { this.average = !this.average; }, " ": () => this.reset(),
      g: () => this.turn("gain", GAINS), s: () => this.turn("speed", SPEEDS), "+": () => this.speedBy(1.25), "=": () => this.speedBy(1.25), "-": () => this.speedBy(0.8),
      ArrowLeft: () => this.pan(-step * 0.1), ArrowRight: () => this.pan(step * 0.1), PageUp: () => this.pan(-step), PageDown: () => this.pan(step), Home: () => { this.t0 = 0; }, End: () => { this.t0 = Infinity; },
      ArrowUp: () => this.nextLead(-1), ArrowDown: () => this.nextLead(1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key] || (/^[1-4]$/.test(event.key) && this.layouts[Number(event.key) - 1] ? () => this.lay(this.layouts[Number(event.key) - 1]) : null);
    if (!act || event.metaKey || event.altKey || event.ctrlKey) return;
    event.preventDefault(); event.stopPropagation(); act(); this.toolbar(); this.draw();
  }
  turn(name, values) { this[name] = values[(values.indexOf(this[name]) + 1) % values.length]; }
  nextLead(by) { if (this.layout === "single") { const n = this.data.meta.leads.length; this.lead = (this.lead + by + n) % n; } else this.pan(by * this.shown); }
  lay(name) { this.layout = name; this.measure = null; this.plan = null; this.fitted(); }
  jump(event) {
    const box = this.over.getBoundingClientRect(); this.t0 = ((event.clientX - box.left) / box.width) * this.data.meta.seconds - this.shown / 2; this.draw();
  }
  toolbar() {
    const t = this.data.texts, tool = (words, key, act, pressed, off) => el("button", {
      class: "tool", title: key ? `${words} (${key})` : words, "aria-label": words, disabled: off, "aria-pressed": pressed === undefined ? null : String(Boolean(pressed)),
      onclick: () => { act(); this.toolbar(); this.draw(); },
    }, words);
    const select = (label, values, now, act) => el("select", { class: "tool", "aria-label": label, title: label, onchange: (event) => { act(values[event.target.selectedIndex][0]); this.toolbar(); this.draw(); } },
      values.map(([value, words]) => el("option", { value, selected: value === now }, words)), values.some(([value]) => value === now) ? null : el("option", { selected: true }, t.free));
    const names = { "3x4": t.layout_3x4, "6x2": t.layout_6x2, rows: fill(t.layout_rows, { count: this.data.meta.leads.length }), single: t.layout_single };
    const parts = [
      ...(this.layouts.length > 1 ? this.layouts.map((name, at) => tool(names[name], String(at + 1), () => this.lay(name), this.layout === name)) : []),
      this.layout === "single" && this.layouts.length > 1 ? select(t.lead, this.data.meta.leads.map((lead, at) => [at, lead]), this.lead, (lead) => { this.lead = lead; }) : null,
      select(t.speed, [50, 25, 12.5].map((value) => [value, `${value} mm/s`]), this.speed, (value) => { this.speed = value; }),
      this.data.meta.unit === "mV" ? select(t.gain, [5, 10, 20].map((value) => [value, `${value} mm/mV`]), this.gain, (value) => { this.gain = value; }) : select(t.gain, [5, 10, 20].map((value) => [value, `× ${value / 10}`]), this.gain, (value) => { this.gain = value; }),
      tool(t.marks, "M", () => { this.marks = !this.marks; }, this.marks && this.waves, !this.waves), tool(t.calipers, "C", () => { this.calipers = !this.calipers; }, this.calipers),
      this.calipers ? tool(t.march, "", () => { this.march = !this.march; }, this.march) : null,
      tool(t.average, "A", () => { this.average = !this.average; }, this.average && this.beat, !this.beat),
      tool("−", "-", () => this.speedBy(0.8)), tool("+", "+", () => this.speedBy(1.25)), tool(t.reset, t.space, () => this.reset()),
    ].filter(Boolean);
    parts.find((part) => part.textContent === "−").setAttribute("aria-label", t.zoom_out); parts.find((part) => part.textContent === "+").setAttribute("aria-label", t.zoom_in);
    const focused = this.host.getRootNode().activeElement, at = focused?.closest?.(".tools") ? [...this.tools.children].indexOf(focused) : -1;
    this.tools.replaceChildren(...parts); if (at >= 0) this.tools.children[at]?.focus();
  }
  list() {
    const { holter, texts: t, meta } = this.data, found = holter?.events || [];
    this.over.style.display = this.long() ? "" : "none"; this.legend.style.display = holter && this.long() ? "" : "none";
    this.legend.replaceChildren(...["rate", "af", "ectopic", "bad"].map((name) => el("span", { class: `key ${name}` }, el("i", {}), t[`legend_${name}`])));
    this.events.style.display = found.length ? "" : "none";
    this.events.replaceChildren(...found.map((event) => el("li", {}, el("button", { class: "event", "data-event": event.kind, onclick: () => this.visit(event) }, icon(event.icon, 13), el("b", {}, event.words), el("span", { class: "num" }, clock(event.start, meta.started)), el("span", { class: "num muted" }, event.value)))));
  }
  visit(event) {
    this.speed = DEFAULTS.speed; this.draw(); const long = event.end - event.start;
    this.t0 = long < this.shown ? event.start - (this.shown - long) / 2 : event.start - 1; this.stage.focus({ preventScroll: true }); this.toolbar(); this.draw();
  }
  draw() { if (this.queued || !this.data) return; this.queued = requestAnimationFrame(() => { this.queued = null; this.paint(); }); }
  inks() {
    const ground = getComputedStyle(this.host).getPropertyValue("--st-background-color");
    if (ground !== this.ground) { this.ground = ground; themed(this.host.parentNode); this.outlined = false; }
    return INKS[this.host.style.colorScheme === "dark" ? "dark" : "light"];
  }
  sized(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1, wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
    const ctx = canvas.getContext("2d"); ctx.setTransform(ratio, 0, 0, ratio, 0, 0); return ctx;
  }
  paint() {
    const width = this.stage.clientWidth, height = this.stage.clientHeight; if (!width || !height || !this.base) return;
    const ink = this.inks(), { meta } = this.data, ctx = this.sized(this.canvas, width, height), ratio = window.devicePixelRatio || 1; this.settle();
    const view = { layout: this.layout, lead: this.lead, t0: this.t0, speed: this.speed, gain: this.gain, unit: this.unit, width, height: height - 8, ratio };
    let plan = arranged(view, meta); this.plan = plan;
    if (this.layout === "single") { this.settle(); if (this.t0 !== view.t0) { view.t0 = this.t0; plan = arranged(view, meta); this.plan = plan; } }
    view.level = this.signal.levelOf(plan.shown * meta.rate);
    ctx.fillStyle = ink.paper; ctx.fillRect(0, 0, width, height);
    const each = (act) => plan.rows.forEach((row) => row.segments.forEach((segment) => { if (segment.t1 > segment.t0) act(row, segment); }));
    const heat = this.heat && this.data.saliency && this.heat.length === this.data.saliency.rows * this.data.saliency.columns ? { ...this.data.saliency, values: this.heat } : null;
    if (heat) each((row, segment) => influence(ctx, meta, heat, row, segment));
    grid(ctx, { ...view, height }, plan, ink);
    if (this.marks && this.waves) each((row, segment) => shade(ctx, view, meta, this.waves, row, segment, ink, heat));
    let whole = true; ctx.strokeStyle = ink.trace; ctx.lineWidth = 1.25; ctx.lineJoin = "round";
    each((row, segment) => { whole = trace(ctx, view, meta, this.signal, row, segment) && whole; });
    if (meta.unit === "mV") for (const row of plan.rows) pulse(ctx, view, row, ink.trace);
    this.labels(ctx, plan, ink); if (this.calipers) this.callipers(ctx, plan, ink, height);
    this.message.textContent = this.signal.failed ? this.data.texts.expired : whole ? "" : this.data.texts.loading;
    this.said(plan, whole); this.colourBar(heat); this.averaged(ink, ratio); this.overviewed(ink);
  }
  labels(ctx, plan, ink) {
    ctx.fillStyle = ink.label; const names = this.data.meta.leads;
    for (const row of plan.rows) for (const [at, segment] of row.segments.entries()) {
      ctx.font = "700 13px sans-serif"; const y = row.middle - Math.min(row.pitch / 2 - 14, 12 * this.unit); ctx.lineWidth = 3; ctx.strokeStyle = ink.paper; ctx.strokeText(names[segment.lead] ?? "", segment.x0 + 4, y); ctx.fillText(names[segment.lead] ?? "", segment.x0 + 4, y);
      if (this.layout === "single") { ctx.font = "11px sans-serif"; ctx.fillText(clock(segment.t0, this.data.meta.started, this.speed >= 5), segment.x0 + 4, row.middle + row.pitch / 2 - 4); }
      if (at) { ctx.fillRect(segment.x0 - 0.5, row.middle - 4 * this.unit, 1, 2.5 * this.unit); ctx.fillRect(segment.x0 - 0.5, row.middle + 1.5 * this.unit, 1, 2.5 * this.unit); }
    }
  }
  callipers(ctx, plan, ink, height) {
    const found = this.held(); if (!found) return;
    const { row, segment } = found, { t, y } = this.measure, x = (time) => segment.x0 + (time - segment.t0) * plan.perSecond, apart = Math.abs(t[1] - t[0]) * plan.perSecond;
    ctx.strokeStyle = ink.caliper; ctx.fillStyle = ink.caliper; ctx.lineWidth = 1; const line = (a, b, c, d) => { ctx.beginPath(); ctx.moveTo(a, b); ctx.lineTo(c, d); ctx.stroke(); };
    if (this.march && apart >= 6) { ctx.globalAlpha = 0.55; ctx.setLineDash([3, 3]); for (let px = x(t[0]) % apart; px < this.stage.clientWidth; px += apart) if (px > plan.left) line(px, row.middle - row.pitch / 2, px, row.middle + row.pitch / 2); ctx.setLineDash([]); ctx.globalAlpha = 1; }
    ctx.globalAlpha = 0.1; ctx.fillRect(Math.min(x(t[0]), x(t[1])), row.middle - row.pitch / 2, apart, row.pitch); ctx.globalAlpha = 1; ctx.lineWidth = 1.5;
    for (const side of [0, 1]) { line(x(t[side]), Math.max(0, row.middle - row.pitch / 2), x(t[side]), Math.min(height, row.middle + row.pitch / 2)); line(Math.min(x(t[0]), x(t[1])) - 6, row.middle - y[side] * this.unit, Math.max(x(t[0]), x(t[1])) + 6, row.middle - y[side] * this.unit); }
  }
  measured() {
    const { texts: t, meta } = this.data, { measure } = this; if (!this.calipers) return "";
    if (!measure || !this.held()) return t.calipers_hint;
    const ms = Math.abs(measure.t[1] - measure.t[0]) * 1000, parts = [`${Math.round(ms)} ms`];
    if (ms >= 100) parts.push(`${Math.round(60000 / ms)}/min`);
    if (meta.unit === "mV") parts.push(`${(Math.abs(measure.y[1] - measure.y[0]) / this.gain).toFixed(2)} mV`);
    return parts.join(" · ");
  }
  said(plan, whole) {
    const { texts: t, meta } = this.data, speed = this.speed >= 10 ? this.speed.toFixed(1).replace(/\.0$/, "") : this.speed.toPrecision(2), until = Math.min(meta.seconds, this.t0 + plan.shown), size = Math.round((this.unit / LIFE) * 100);
    const lines = [`${speed} mm/s`, meta.unit === "mV" ? `${this.gain} mm/mV` : t.uncalibrated, meta.filters, `${clock(this.t0, meta.started, true)} – ${clock(until, meta.started, true)}`, size === 100 ? t.life : fill(t.scaled, { percent: size })];
    const words = lines.filter(Boolean).join(" · "); if (this.strip.textContent !== words) this.strip.textContent = words;
    const reading = this.measured(); if (this.readout.textContent !== reading) this.readout.textContent = reading;
    Object.assign(this.host.dataset, { drawn: String(whole), layout: this.layout, speed, gain: String(this.gain), marks: String(Boolean(this.marks && this.waves)), calipers: String(this.calipers), average: String(Boolean(this.average && this.beat)), from: this.t0.toFixed(2) });
  }
  colourBar(heat) {
    this.bar.style.display = heat ? "" : "none"; const key = heat ? heat.label : null; if (this.barFor === key) return; this.barFor = key; if (!heat) return;
    const strip = el("i", {}); strip.style.background = `linear-gradient(to right, ${CIVIDIS.map((rgb) => `rgb(${rgb.join(" ")})`).join(",")})`;
    this.bar.replaceChildren(el("b", {}, heat.label), strip, el("div", {}, el("span", {}, heat.low), el("span", {}, heat.high)), el("em", {}, heat.stamp));
  }
  // The average beat of each lead on paper of its own, at the same millimetres, with where its waves begin and end.
  averaged(ink, ratio) {
    const show = this.average && this.beat; this.beats.style.display = show ? "" : "none"; if (!show) return;
    const { meta, texts: t } = this.data, order = GRIDS["3x4"].flat().every((lead) => meta.leads.includes(lead)) ? GRIDS["3x4"].flat().map((lead) => meta.leads.indexOf(lead)) : meta.leads.map((_, at) => at);
    const columns = Math.min(4, order.length), unit = LIFE * 0.9, speed = order.length <= 3 ? 50 : 25, wide = Math.ceil((this.beat.length / meta.rate) * speed * unit) + 6, high = Math.round(22 * unit), lines = Math.ceil(order.length / columns);
    if (!this.beatCanvas) { this.beatCanvas = el("canvas", { role: "img" }); this.beatWords = el("div", {}); this.beats.replaceChildren(this.beatWords, this.beatCanvas); }
    this.beatCanvas.style.width = `${wide * columns}px`; this.beatCanvas.style.height = `${high * lines}px`; this.beatCanvas.setAttribute("aria-label", t.average);
    this.beatWords.textContent = fill(t.average_of, { count: this.beat.beats, speed });
    const ctx = this.sized(this.beatCanvas, wide * columns, high * lines); ctx.fillStyle = ink.paper; ctx.fillRect(0, 0, wide * columns, high * lines);
    grid(ctx, { unit, width: wide * columns, height: high * lines, speed, t0: 0, ratio }, { left: 0, first: high / 2 }, ink);
    order.forEach((lead, at) => this.oneBeat(ctx, ink, lead, (at % columns) * wide + 3, Math.floor(at / columns) * high + high * 0.58, { unit, speed, high }));
  }
  oneBeat(ctx, ink, lead, x, y, { unit, speed, high }) {
    const { meta } = this.data, values = this.beat.lead(lead), across = (speed * unit) / meta.rate, zero = x + 0.3 * speed * unit, view = { gain: this.gain, unit }; // the R peak stands 0.3 s after the beginning
    this.beat.waves.forEach(([from, to], wave) => { if (from === from && to === to && this.marks) { ctx.globalAlpha = 0.18; ctx.fillStyle = ink.waves[wave]; ctx.fillRect(zero + from * speed * unit, y - high * 0.52, (to - from) * speed * unit, high * 0.9); ctx.globalAlpha = 1; } });
    ctx.beginPath(); let pen = false;
    values.forEach((value, at) => { if (value !== value) { pen = false; return; } const px = x + at * across, py = y - lifted(view, meta, lead, value + meta.rest[lead]); if (pen) ctx.lineTo(px, py); else ctx.moveTo(px, py); pen = true; });
    ctx.strokeStyle = ink.trace; ctx.lineWidth = 1.2; ctx.stroke(); ctx.fillStyle = ink.label; ctx.font = "700 11px sans-serif"; ctx.fillText(meta.leads[lead], x + 2, y - high * 0.4);
  }
  overviewed(ink) {
    if (!this.long()) return;
    const width = this.over.clientWidth, height = this.over.clientHeight, { meta } = this.data; if (!width) return;
    if (!this.outlined || this.overWidth !== width) { overview(this.sized(this.small, width, height), { width, height }, this.data, this.signal, ink); this.outlined = true; this.overWidth = width; }
    this.frame.style.left = `${(this.t0 / meta.seconds) * 100}%`; this.frame.style.width = `max(3px, ${Math.min(100, (this.shown / meta.seconds) * 100)}%)`;
    this.over.setAttribute("aria-valuemax", String(Math.round(meta.seconds))); this.over.setAttribute("aria-valuenow", String(Math.round(this.t0))); this.over.setAttribute("aria-valuetext", clock(this.t0, meta.started));
  }
  end() { this.watch.disconnect(); cancelAnimationFrame(this.queued); }
}
export default function (component) {
  const { data, parentElement } = component, root = themed(parentElement);
  if (!root.ecg) root.ecg = new Ecg(root);
  root.ecg.update(data);
  return () => { root.ecg?.end(); root.ecg = null; };
}
