// What the paper draws from. The signal comes in parts, only those a view needs: samples when near, least and greatest of 4, 16, 64 ... of them from afar.
const STEP = 4, PART = 2048, NEAR = 6144, DEEPEST = 9, GAP = -32768, MOST_PARTS = 160, AT_ONCE = 4;
async function bytes(url) {
  const answer = await fetch(url, { cache: "no-store", credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}
class Signal {
  constructor(url, meta, changed) { Object.assign(this, { url, meta, changed, failed: false }); this.parts = new Map(); this.asked = new Map(); this.under = 0; }
  levelOf(samples) {
    if (samples <= NEAR) return 0;
    let level = 1; while (level < DEEPEST && samples / STEP ** level > 2 * PART) level += 1;
    return level;
  }
  // The parts of `level` over samples first..last, those already here; the rest is fetched, and until then drawn from further away.
  over(first, last, level) {
    const stretch = STEP ** level, size = PART * stretch, found = [];
    const from = Math.max(0, Math.floor(first / size)), to = Math.min(Math.floor((this.meta.samples - 1) / size), Math.floor(last / size));
    for (let number = from; number <= to; number += 1) {
      const part = this.part(level, number);
      if (part) { found.push({ part, stretch, start: number * size, from: 0, to: part.count }); continue; }
      this.ask(level, number);
      const far = this.farther(level, number); if (far) found.push(far);
    }
    for (const number of [from - 1, to + 1]) if (number >= 0 && number * size < this.meta.samples && !this.part(level, number)) this.ask(level, number, true);
    return found;
  }
  farther(level, number) {
    for (let up = 1; up <= 3 && level + up <= DEEPEST; up += 1) {
      const share = STEP ** up, part = this.part(level + up, Math.floor(number / share)); if (!part) continue;
      const stretch = STEP ** (level + up), from = ((number % share) * PART) / share;
      return { part, stretch, start: Math.floor(number / share) * PART * stretch, from, to: Math.min(part.count, from + PART / share) };
    }
    return null;
  }
  part(level, number) {
    const key = `${level}/${number}`, held = this.parts.get(key);
    if (held) { this.parts.delete(key); this.parts.set(key, held); } // newest last
    return held;
  }
  ask(level, number, later = false) {
    const key = `${level}/${number}`; if (this.asked.get(key) === "running" || (this.asked.has(key) && later)) return;
    this.asked.delete(key); this.asked.set(key, later ? "later" : "now"); this.next();
  }
  next() {
    while (this.under < AT_ONCE) {
      const waiting = [...this.asked].filter(([, state]) => state !== "running").reverse();
      const key = (waiting.find(([, state]) => state === "now") || waiting[0])?.[0]; if (!key || this.failed) return;
      for (const [old] of waiting.slice(24)) this.asked.delete(old); // scrolled past long ago
      this.asked.set(key, "running"); this.under += 1; this.fetch(key);
    }
  }
  async fetch(key) {
    const [level, number] = key.split("/").map(Number), count = this.meta.rest.length;
    try {
      const body = await bytes(`${this.url}?first=${number * PART}&count=${PART}&level=${level}`);
      const data = new Int16Array(body, count * 4), each = data.length / count;
      this.parts.set(key, { scale: new Float32Array(body, 0, count), data, each, width: level ? 2 : 1, count: each / (level ? 2 : 1) });
      while (this.parts.size > MOST_PARTS) this.parts.delete(this.parts.keys().next().value);
    } catch { this.failed = true; }
    this.under -= 1; this.asked.delete(key); this.changed(); this.next();
  }
}
// The waves of a report by lead (-1: all leads together), in order of time; NONE where a bound is unknown.
const WAVES = ["P", "QRS", "T"], BEATS = ["N", "V", "?"], NONE = -1;
class Waves {
  constructor(body) {
    const n = body.byteLength / 15, wide = (at) => new Int32Array(body, at * 4 * n, n), small = (at) => new Int8Array(body, (12 + at) * n, n);
    Object.assign(this, { onset: wide(0), peak: wide(1), offset: wide(2), lead: small(0), wave: small(1), beat: small(2) });
    this.start = Int32Array.from({ length: n }, (_, i) => [this.onset[i], this.peak[i], this.offset[i]].find((at) => at >= 0) ?? NONE);
    this.byLead = new Map();
    for (let i = 0; i < n; i += 1) { if (!this.byLead.has(this.lead[i])) this.byLead.set(this.lead[i], []); if (this.start[i] >= 0) this.byLead.get(this.lead[i]).push(i); }
    this.odd = new Map(); // beats that are not normal, all that is drawn from afar
    for (const [lead, found] of this.byLead) { found.sort((a, b) => this.start[a] - this.start[b]); this.odd.set(lead, found.filter((i) => this.beat[i] > 0)); }
  }
  // Numbers of the marks of `lead`, else of all leads together, that begin within samples first..last; from afar those of odd beats alone.
  *within(lead, first, last, afar) {
    const marks = afar ? this.odd : this.byLead, found = marks.get(lead) || marks.get(-1) || [];
    let low = 0, high = found.length;
    while (low < high) { const middle = (low + high) >> 1; if (this.start[found[middle]] < first) low = middle + 1; else high = middle; }
    for (; low < found.length && this.start[found[low]] <= last; low += 1) yield found[low];
  }
}
// The average beat: number of beats, samples a lead, onset and offset of P, QRS and T in seconds from the R peak, then the leads.
function averageOf(body) {
  const all = new Float32Array(body), n = all[1];
  return { beats: all[0], length: n, waves: [0, 1, 2].map((at) => [all[2 + 2 * at], all[3 + 2 * at]]), lead: (number) => all.subarray(8 + number * n, 8 + (number + 1) * n) };
}
