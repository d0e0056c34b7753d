// The paper: millimetres, rows of leads, traces, and what lies under and over them. One CSS millimetre is 96 / 25.4 pixels.
const LIFE = 96 / 25.4, LEFT = 10, PULSE = 5, BIG = 5;
const INKS = {
  light: { paper: "#FFFAF8", fine: "#F8DEDA", bold: "#EDB4AC", trace: "#101820", label: "#101820", soft: "#5A4A48", caliper: "#0072B2", waves: ["#0072B2", "#B26A00", "#00796B"], ventricular: "#B42318", doubt: "#8A5A00", rate: "#0072B2", af: "#8A5A00", bad: "#9AA5B0" },
  dark: { paper: "#0F141A", fine: "#231E21", bold: "#46302F", trace: "#EAF0F5", label: "#EAF0F5", soft: "#B4A7A4", caliper: "#6CB6E8", waves: ["#6CB6E8", "#E9A23B", "#5CCBB9"], ventricular: "#FF9A90", doubt: "#E9B44C", rate: "#6CB6E8", af: "#E9B44C", bad: "#5B6875" },
};
const CIVIDIS = "00224e 123570 3b496c 575d6d 707173 8a8678 a59c74 c3b369 e1cc55 fee838".split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
function cividis(value) {
  const at = (value / 255) * (CIVIDIS.length - 1), low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  return CIVIDIS[low].map((channel, k) => Math.round(channel + (CIVIDIS[low + 1][k] - channel) * (at - low)));
}
// Rows of leads by layout; the last row of 3 x 4 is the rhythm strip. Standard order of AHA/ACC/HRS 2007 (doi 10.1016/j.jacc.2007.01.024).
const GRIDS = {
  "3x4": [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]],
  "6x2": [["I", "V1"], ["II", "V2"], ["III", "V3"], ["aVR", "V4"], ["aVL", "V5"], ["aVF", "V6"]],
};
function layoutsOf(leads) {
  const twelve = GRIDS["6x2"].flat().every((lead) => leads.includes(lead));
  return [...(twelve ? ["3x4", "6x2"] : []), ...(leads.length > 1 ? ["rows"] : []), "single"];
}
function rhythmLead(leads) { return Math.max(0, ["II", "MLII", "I"].map((lead) => leads.indexOf(lead)).find((at) => at >= 0) ?? 0); }
// Where each lead lies: rows of segments, each a lead from second t0 to t1 between pixels x0 and x1.
function arranged(view, meta) {
  const { layout, t0, unit, width, height, speed } = view, left = LEFT * unit, perSecond = speed * unit, room = width - left - 1;
  const whole = Math.min(room / perSecond, Math.max(meta.seconds - t0, 1e-3)), index = (lead) => meta.leads.indexOf(lead);
  const strip = (lead, from, span, rhythm) => ({ rhythm, segments: [{ lead, t0: from, t1: from + span, x0: left, x1: left + span * perSecond }] });
  let rows;
  if (GRIDS[layout]) {
    const columns = GRIDS[layout][0].length, span = whole / columns;
    rows = GRIDS[layout].map((leads) => ({ segments: leads.map((lead, at) => ({ lead: index(lead), t0: t0 + at * span, t1: t0 + (at + 1) * span, x0: left + at * span * perSecond, x1: left + (at + 1) * span * perSecond })) }));
    if (layout === "3x4") rows.push(strip(rhythmLead(meta.leads), t0, whole, true));
  } else if (layout === "rows") rows = meta.leads.map((_, lead) => strip(lead, t0, whole, lead === 0));
  else {
    const span = room / perSecond, lines = Math.max(1, Math.min(Math.floor(height / (24 * unit)), Math.ceil((meta.seconds - t0) / span)));
    rows = Array.from({ length: lines }, (_, line) => strip(view.lead, t0 + line * span, Math.min(span, Math.max(0, meta.seconds - t0 - line * span)), true));
  }
  const big = BIG * unit, pitch = Math.max(big, Math.floor(height / rows.length / big) * big), top = (height - pitch * rows.length) / 2;
  rows.forEach((row, at) => { row.middle = top + (at + 0.5) * pitch; row.pitch = pitch; });
  return { rows, left, perSecond, pitch, shown: layout === "single" ? rows.length * (room / perSecond) : whole, first: rows[0].middle };
}
function grid(ctx, view, plan, ink) {
  const { unit, width, height, speed, t0 } = view, big = BIG * unit;
  const across = (((plan.left - ((t0 * speed) % BIG) * unit) % big) + big) % big, down = ((plan.first % big) + big) % big;
  const lines = (step, colour) => {
    ctx.beginPath();
    for (let x = across - big; x <= width; x += step) { const at = Math.round(x * view.ratio) / view.ratio; ctx.moveTo(at, 0); ctx.lineTo(at, height); }
    for (let y = down - big; y <= height; y += step) { const at = Math.round(y * view.ratio) / view.ratio; ctx.moveTo(0, at); ctx.lineTo(width, at); }
    ctx.strokeStyle = colour; ctx.lineWidth = 1 / view.ratio; ctx.stroke();
  };
  if (unit >= 2.4) lines(unit, ink.fine);
  lines(big, ink.bold);
}
// Pixels above the resting level of a lead, for a value in the recording's unit.
function lifted(view, meta, lead, value) { return (value - meta.rest[lead]) * (meta.unit === "mV" ? view.gain * view.unit : ((view.gain / 10) * 12 * view.unit) / (meta.swing || 1)); }
function trace(ctx, view, meta, signal, row, segment) {
  const rate = meta.rate, first = Math.floor(segment.t0 * rate) - 1, last = Math.ceil(segment.t1 * rate) + 1, perSample = (segment.x1 - segment.x0) / Math.max(1e-9, segment.t1 - segment.t0) / rate;
  const factor = lifted(view, meta, segment.lead, meta.rest[segment.lead] + 1), rest = meta.rest[segment.lead];
  let complete = true, pen = false, before = 0; const seen = signal.over(Math.max(0, first), Math.max(0, last), view.level);
  ctx.beginPath();
  for (const { part, stretch, start, from, to } of seen) {
    if (stretch !== STEP ** view.level) complete = false;
    const base = segment.lead * part.each, scale = part.scale[segment.lead] * factor, zero = rest * factor;
    const low = Math.max(from, Math.floor((first - start) / stretch)), high = Math.min(to, Math.ceil((last - start) / stretch) + 1);
    for (let at = low; at < high; at += 1) {
      const a = part.data[base + at * part.width]; if (a === GAP) { pen = false; continue; }
      const x = segment.x0 + (start + (at + (part.width - 1) / 2) * stretch - segment.t0 * rate) * perSample, y = row.middle - (a * scale - zero);
      if (part.width === 1) { if (pen) ctx.lineTo(x, y); else ctx.moveTo(x, y); before = y; } else {
        const z = row.middle - (part.data[base + at * 2 + 1] * scale - zero), near = Math.abs(y - before) <= Math.abs(z - before) ? [y, z] : [z, y];
        if (pen) ctx.lineTo(x, near[0]); else ctx.moveTo(x, near[0]); ctx.lineTo(x, near[1]); before = near[1];
      }
      pen = true;
    }
  }
  const size = PART * STEP ** view.level, wanted = Math.floor(Math.min(last, meta.samples - 1) / size) - Math.floor(Math.max(0, first) / size) + 1;
  ctx.stroke(); return complete && (seen.length >= wanted || segment.t1 <= segment.t0);
}
function pulse(ctx, view, row, colour) {
  const x = (LEFT - PULSE - 3) * view.unit, high = view.gain * view.unit, at = [[x, 0], [x + view.unit, 0], [x + view.unit, high], [x + (1 + PULSE) * view.unit, high], [x + (1 + PULSE) * view.unit, 0], [x + (2 + PULSE) * view.unit, 0]];
  ctx.beginPath(); at.forEach(([px, py], n) => (n ? ctx.lineTo(px, row.middle - py) : ctx.moveTo(px, row.middle - py))); ctx.strokeStyle = colour; ctx.stroke();
}
function shade(ctx, view, meta, waves, row, segment, ink, faint) {
  const rate = meta.rate, x = (sample) => segment.x0 + (sample / rate - segment.t0) * (segment.x1 - segment.x0) / (segment.t1 - segment.t0), half = row.pitch / 2 - 1, perSecond = view.speed * view.unit;
  const inside = (px) => Math.max(segment.x0, Math.min(segment.x1, px));
  if (perSecond < 0.4) return; // the overview shows them better
  ctx.textAlign = "center";
  for (const i of waves.within(segment.lead, (segment.t0 - 1) * rate, segment.t1 * rate, perSecond < 12)) {
    const { onset, offset, peak, wave, beat } = waves, colour = ink.waves[wave[i]];
    if (perSecond >= 12 && onset[i] >= 0 && offset[i] >= 0 && x(offset[i]) > segment.x0) {
      const a = inside(x(onset[i])), b = inside(x(offset[i])), tall = Math.min(half, 11 * view.unit);
      ctx.globalAlpha = faint ? 0 : 0.15; ctx.fillStyle = colour; ctx.fillRect(a, row.middle - tall, Math.max(1, b - a), 2 * tall); ctx.globalAlpha = 1;
      if (row.rhythm && perSecond >= 50) { ctx.fillStyle = colour; ctx.font = "600 10.5px sans-serif"; ctx.fillText(WAVES[wave[i]], (a + b) / 2, row.middle + tall - (WAVES[wave[i]] === "QRS" ? 3 : 13)); }
    }
    const px = peak[i] >= 0 ? x(peak[i]) : NaN; if (!(px >= segment.x0 && px <= segment.x1) || WAVES[wave[i]] !== "QRS" || beat[i] < 0 || !row.rhythm) continue;
    const kind = BEATS[beat[i]]; ctx.fillStyle = kind === "V" ? ink.ventricular : kind === "?" ? ink.doubt : ink.soft;
    if (perSecond >= 24) { ctx.font = `${kind === "N" ? 500 : 700} 11px sans-serif`; ctx.fillText(kind, px, row.middle - half + 11); } else if (kind !== "N") ctx.fillRect(px - 0.6, row.middle - half, 1.2, 7);
  }
  ctx.textAlign = "left";
}
function influence(ctx, meta, heat, row, segment) {
  const { rows, columns, values, opacity, threshold } = heat, line = rows === meta.leads.length ? segment.lead : rows === 1 && segment.lead === rhythmLead(meta.leads) ? 0 : -1; if (line < 0) return;
  const perBin = (meta.seconds / columns) * ((segment.x1 - segment.x0) / (segment.t1 - segment.t0)), start = segment.x0 - (segment.t0 / meta.seconds) * columns * perBin, half = row.pitch * 0.46;
  const from = Math.max(0, Math.floor((segment.t0 / meta.seconds) * columns)), to = Math.min(columns, Math.ceil((segment.t1 / meta.seconds) * columns)), step = Math.max(1, Math.ceil(1 / perBin));
  ctx.globalAlpha = opacity;
  for (let bin = from; bin < to; bin += step) {
    let value = 0; for (let k = bin; k < Math.min(to, bin + step); k += 1) value = Math.max(value, values[line * columns + k]);
    if (value < threshold * 255) continue;
    const a = Math.round(Math.max(segment.x0, start + bin * perBin)), b = Math.round(Math.min(segment.x1, start + (bin + step) * perBin)); // whole pixels: no seams
    ctx.fillStyle = `rgb(${cividis(value).join(" ")})`; ctx.fillRect(a, row.middle - half, b - a, 2 * half);
  }
  ctx.globalAlpha = 1;
}
// The second of the day at which the recorder began, null where it does not say.
function begun(started) {
  const found = started && /T(\d\d):(\d\d):(\d\d(?:\.\d+)?)/.exec(started);
  return found ? Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3]) : null;
}
// "1:02:03" from the beginning, or the time of day where the recorder wrote one.
function clock(seconds, started, fine) {
  const start = begun(started), total = start === null ? seconds : (start + seconds) % 86400;
  const pad = (value) => String(Math.floor(value)).padStart(2, "0"), rest = fine ? (total % 60).toFixed(1).padStart(4, "0") : pad(total % 60 + 1e-6);
  return start !== null || total >= 3600 ? `${start !== null ? pad(total / 3600) : Math.floor(total / 3600)}:${pad((total / 60) % 60)}:${rest}` : `${Math.floor(total / 60)}:${rest}`;
}
// The overview: heart rate a minute, AF, ectopy and what could not be read; without a summary, the outline of the signal.
function overview(ctx, box, data, signal, ink) {
  const { meta, holter } = data, { width, height } = box, base = height - 13;
  ctx.fillStyle = ink.paper; ctx.fillRect(0, 0, width, height);
  if (holter) trend(ctx, holter, meta, width, base, ink); else outline(ctx, meta, signal, width, base, ink);
  ctx.fillStyle = ink.soft; ctx.font = "10px sans-serif"; ctx.textAlign = "center";
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 14400, 21600].find((s) => (s / meta.seconds) * width >= 76) || 43200;
  const start = begun(meta.started) || 0;
  for (let t = step - (start % step); t < meta.seconds - step / 3; t += step) { const x = (t / meta.seconds) * width; ctx.fillText(clock(t, meta.started), x, height - 3); ctx.fillRect(x, base, 1, 3); }
  ctx.textAlign = "left";
}
function trend(ctx, holter, meta, width, base, ink) {
  const n = holter.rate_mean.length, wide = (60 / meta.seconds) * width, x = (at) => at * wide, top = Math.max(120, ...holter.rate_max.filter((v) => v !== null)), y = (rate) => base - 3 - ((rate - 30) / Math.max(1, top - 30)) * (base - 8);
  for (let at = 0; at < n; at += 1) {
    if (holter.analysable[at] < 0.5) { ctx.globalAlpha = 0.35; ctx.fillStyle = ink.bad; ctx.fillRect(x(at), 0, wide + 0.4, base); }
    if (holter.af_share[at] > 0) { ctx.globalAlpha = 0.12 + 0.45 * holter.af_share[at]; ctx.fillStyle = ink.af; ctx.fillRect(x(at), 0, wide + 0.4, base); }
    if (holter.ectopic[at] > 0) { ctx.globalAlpha = 0.9; ctx.fillStyle = ink.ventricular; const tall = Math.min(16, 2 + holter.ectopic[at]); ctx.fillRect(x(at), base - tall, Math.max(1, wide), tall); }
    if (holter.rate_min[at] !== null && holter.rate_max[at] !== null) { ctx.globalAlpha = 0.25; ctx.fillStyle = ink.rate; ctx.fillRect(x(at), y(holter.rate_max[at]), Math.max(0.6, wide), Math.max(1, y(holter.rate_min[at]) - y(holter.rate_max[at]))); }
  }
  ctx.globalAlpha = 1; ctx.strokeStyle = ink.rate; ctx.lineWidth = 1.4; ctx.beginPath(); let pen = false;
  holter.rate_mean.forEach((rate, at) => { if (rate === null) { pen = false; return; } const px = x(at + 0.5); if (pen) ctx.lineTo(px, y(rate)); else { ctx.moveTo(px, y(rate)); ctx.lineTo(px + 0.5, y(rate)); } pen = true; });
  ctx.stroke(); ctx.fillStyle = ink.soft; ctx.font = "10px sans-serif"; for (const rate of [60, 100]) { ctx.globalAlpha = 0.5; ctx.fillRect(0, y(rate), width, 0.5); ctx.globalAlpha = 1; ctx.fillText(String(rate), 3, y(rate) - 2); }
}
function outline(ctx, meta, signal, width, base, ink) {
  const lead = rhythmLead(meta.leads), level = Math.max(1, signal.levelOf(meta.samples)), swing = Math.max(meta.swing * 2.4, 1e-6); ctx.fillStyle = ink.trace; ctx.globalAlpha = 0.75;
  for (const { part, stretch, start, from, to } of signal.over(0, meta.samples - 1, level)) for (let at = from; at < to; at += 1) {
    const a = part.data[lead * part.each + at * part.width], b = part.data[lead * part.each + at * part.width + part.width - 1]; if (a === GAP) continue;
    const y = (v) => base / 2 - Math.max(-1, Math.min(1, (v * part.scale[lead] - meta.rest[lead]) / swing)) * (base / 2 - 2), x = ((start + at * stretch) / meta.samples) * width;
    ctx.fillRect(x, y(b), Math.max(0.5, (stretch / meta.samples) * width), Math.max(0.8, y(a) - y(b)));
  }
  ctx.globalAlpha = 1;
}
