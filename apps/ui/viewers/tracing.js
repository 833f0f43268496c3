// A signal on paper: electrocardiograms by millimetres, electroencephalograms by seconds a page, montages and a scroll bar.
const PARTS = `
  <div class="sl-tools" role="group" aria-label="How the signal is shown">
    <label class="sl-for-layout">Leads <select class="sl-layout"></select></label>
    <label>Speed <select class="sl-speed"></select></label>
    <label>Gain <select class="sl-gain"></select></label>
    <span class="sl-scroll"><button type="button" class="sl-back" aria-label="Back one page">&lsaquo;</button>
    <input class="sl-place" type="range" min="0" step="any" aria-label="Place in the recording">
    <button type="button" class="sl-on" aria-label="On one page">&rsaquo;</button></span>
  </div>
  <div class="sl-stage"><canvas role="img"></canvas></div>
  <div class="sl-legend"></div>`;
const PAGE = [["I", "aVR", "V1", "V4"], ["II", "aVL", "V2", "V5"], ["III", "aVF", "V3", "V6"]];
const PAPER = 250; // millimetres of signal across a page

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".sl-viewer");
  const v = (root.sidelight ??= build(root));
  const fresh = v.samples !== data.samples;
  v.data = data;
  if (fresh) {
    v.samples = data.samples;
    const bytes = Uint8Array.from(atob(data.samples), (c) => c.charCodeAt(0));
    v.values = new Int16Array(bytes.buffer);
    v.place.value = 0;
    offer(v);
  }
  v.draw();
}

function build(root) {
  root.innerHTML = PARTS;
  const at = (name) => root.querySelector(name);
  const v = {
    root, layout: at(".sl-layout"), speed: at(".sl-speed"), gain: at(".sl-gain"), place: at(".sl-place"),
    scroll: at(".sl-scroll"), canvas: at("canvas"), stage: at(".sl-stage"), legend: at(".sl-legend"), chosen: {},
  };
  v.draw = () => draw(v);
  const later = () => { if (!v.due) { v.due = requestAnimationFrame(() => { v.due = 0; v.draw(); }); } };
  for (const name of ["layout", "speed", "gain"]) {
    v[name].onchange = () => { v.chosen[`${v.data.kind}-${name}`] = v[name].value; v.draw(); };
  }
  v.place.oninput = later;
  const turn = (pages) => { v.place.value = +v.place.value + pages * v.page; v.draw(); };
  at(".sl-back").onclick = () => turn(-1);
  at(".sl-on").onclick = () => turn(1);
  new ResizeObserver(later).observe(v.stage);
  return v;
}

function offer(v) {
  const { kind, names, montages, twelve } = v.data;
  const fill = (box, name, entries, usual) => {
    box.replaceChildren(...entries.map(([value, words]) => new Option(words, value)));
    const kept = v.chosen[`${kind}-${name}`];
    box.value = entries.some(([value]) => `${value}` === kept) ? kept : usual;
  };
  if (kind === "ecg") {
    const whole = [...(twelve ? [["page", "3 × 4 and rhythm"]] : []), ["rows", "one below the other"]];
    fill(v.layout, "layout", [...whole, ...names.map((n) => [`lead:${n}`, n])], whole[0][0]);
    fill(v.speed, "speed", [12.5, 25, 50].map((x) => [x, `${x} mm/s`]), "25");
    fill(v.gain, "gain", [2.5, 5, 10, 20, 40].map((x) => [x, `${x} mm/mV`]), "10");
  } else {
    const rows = montages.length ? montages.map((m, n) => [n, m.name]) : [["plain", "as recorded"]];
    fill(v.layout, "layout", rows, rows[0][0]);
    fill(v.speed, "speed", [1, 2, 5, 10, 20, 30, 60].map((x) => [x, `${x} s a page`]), "10");
    if (kind === "eeg") fill(v.gain, "gain", [3, 5, 7, 10, 15, 20, 30, 50].map((x) => [x, `${x} µV/mm`]), "7");
    else fill(v.gain, "gain", [0.25, 0.5, 1, 2, 4].map((x) => [x, `${x} ×`]), "1");
  }
}

function draw(v) {
  const { data, canvas } = v;
  if (!data) return;
  const css = getComputedStyle(document.documentElement), colour = (name) => css.getPropertyValue(name).trim();
  const room = Math.max(320, v.stage.clientWidth), ecg = data.kind === "ecg";
  const left = ecg ? 15 : 20, mm = room / (PAPER + left + 5), total = data.n / data.rate;
  v.page = ecg ? PAPER / +v.speed.value : +v.speed.value;
  const last = Math.max(0, total - v.page);
  v.place.max = last;
  v.scroll.hidden = last <= 0.05;
  const start = last <= 0.05 ? 0 : Math.min(+v.place.value, last);
  const rows = rowsOf(v), each = heights(v, rows, start, ecg ? 0 : Math.max(11, Math.min(34, 170 / rows.length)));
  const height = each.reduce((sum, row) => sum + row.tall, 0), pixel = window.devicePixelRatio || 1;
  canvas.width = Math.round(room * pixel);
  canvas.height = Math.round((height + 6) * mm * pixel);
  canvas.style.width = `${room}px`;
  canvas.style.height = `${(height + 6) * mm}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(pixel * mm, 0, 0, pixel * mm, 0, 0);
  pen.fillStyle = colour(ecg ? "--ecg-paper" : "--panel");
  pen.fillRect(0, 0, room / mm, height + 6);
  if (ecg) { grid(pen, 1, 0.1, colour("--ecg-fine"), room / mm, height); grid(pen, 5, 0.2, colour("--ecg-bold"), room / mm, height); }
  else { seconds(pen, v, left, height, colour("--line")); }
  pen.lineJoin = "round";
  let top = 0;
  for (const [number, row] of rows.entries()) {
    const base = top + each[number].base;
    if (ecg) mark(pen, base, +v.gain.value, colour("--ecg-trace"));
    row.forEach((part, column) => {
      const from = start + (column * v.page) / row.length, to = start + ((column + 1) * v.page) / row.length;
      const x = left + (column * PAPER) / row.length;
      line(pen, v, part, from, Math.min(to, total), x, base, colour(ecg ? "--ecg-trace" : "--ink"), 1 / mm);
      text(pen, part.name, ecg ? x + 1 : 1, base - (ecg ? 6.5 : -1.2), Math.max(3.6, 11.5 / mm), colour(ecg ? "--ecg-trace" : "--ink"), colour(ecg ? "--ecg-paper" : "--panel"));
    });
    top += each[number].tall;
  }
  const clock = (s) => `${Math.floor(s / 60)}:${(s % 60).toFixed(s % 1 ? 1 : 0).padStart(s % 1 ? 4 : 2, "0")}`;
  const gain = v.gain.selectedOptions[0]?.text ?? "", speed = v.speed.selectedOptions[0]?.text ?? "";
  const where = `${clock(data.start + start)} to ${clock(data.start + Math.min(start + v.page, total))} of ${clock(data.start + total)}`;
  const units = ecg || data.kind === "eeg" ? gain : `gain ${gain}${data.units && ", " + data.units}`;
  canvas.setAttribute("aria-label", `${data.words}; ${speed}, ${units}, ${where}`);
  v.legend.textContent = `${speed} · ${units} · ${where} · ${+data.rate.toFixed(2)} Hz, unfiltered`;
}

function rowsOf(v) {
  const { data } = v, index = (name) => data.names.indexOf(name), plain = (name) => ({ name, plus: index(name), minus: -1 });
  if (data.kind === "ecg") {
    if (v.layout.value === "page") return [...PAGE.map((row) => row.map(plain)), [plain("II")]];
    if (v.layout.value.startsWith("lead:")) return [[plain(v.layout.value.slice(5))]];
    return data.names.map((name) => [plain(name)]);
  }
  if (!data.montages.length) return data.names.map((name) => [plain(name)]);
  return data.montages[+v.layout.value].rows.map(([name, plus, minus]) => [{ name, plus, minus }]);
}

function value(v, part, n) { // in units; NaN where nothing was recorded
  const { data, values } = v, own = values[part.plus * data.n + n];
  if (own === -32768) return NaN;
  let found = own * data.steps[part.plus];
  if (part.minus >= 0) {
    const other = values[part.minus * data.n + n];
    found = other === -32768 ? NaN : found - other * data.steps[part.minus];
  } else if (part.minus === -2) {
    let sum = 0, count = 0;
    for (const site of data.montages[1].rows) {
      const one = values[site[1] * data.n + n];
      if (one !== -32768) { sum += one * data.steps[site[1]]; count++; }
    }
    found -= sum / Math.max(count, 1);
  }
  return found;
}

function factor(v) { // millimetres a unit
  if (v.data.kind === "ecg") return +v.gain.value * (v.data.units === "uV" || v.data.units === "µV" ? 0.001 : 1);
  if (v.data.kind === "eeg") return 1 / +v.gain.value;
  return (8 * +v.gain.value) / Math.max(v.data.typical, 1e-12);
}

function heights(v, rows, start, fixed) {
  if (fixed) return rows.map(() => ({ tall: fixed, base: fixed / 2 }));
  const scale = factor(v);
  return rows.map((row) => {
    let up = 8, down = 6;
    row.forEach((part, column) => {
      const from = Math.round((start + (column * v.page) / row.length) * v.data.rate);
      const to = Math.min(v.data.n, Math.round((start + ((column + 1) * v.page) / row.length) * v.data.rate));
      for (let n = from; n < to; n++) {
        const y = value(v, part, n) * scale;
        if (y > up) up = y;
        if (-y > down) down = -y;
      }
    });
    const above = 5 * Math.ceil((Math.min(up, 40) + 1) / 5), below = 5 * Math.ceil((Math.min(down, 40) + 1) / 5);
    return { tall: above + below, base: above };
  });
}

function line(pen, v, part, from, to, x, base, colour, hair) {
  const { rate, n } = v.data, scale = factor(v), first = Math.max(0, Math.round(from * rate)), last = Math.min(n, Math.round(to * rate));
  const across = PAPER / (v.page * rate), every = hair / 2;
  pen.strokeStyle = colour;
  pen.lineWidth = hair * (v.data.kind === "ecg" ? 1.2 : 0.9);
  pen.beginPath();
  let down = false, column = -1, low = 0, high = 0;
  const move = (px, py) => { if (down) pen.lineTo(px, py); else pen.moveTo(px, py); down = true; };
  for (let place = first; place < last; place++) {
    const y = value(v, part, place);
    const px = x + (place - first) * across;
    if (Number.isNaN(y)) { down = false; column = -1; continue; }
    const py = base - y * scale;
    if (across >= every) { move(px, py); continue; }
    const here = Math.floor(px / every); // many samples a pixel: their extremes stand for them
    if (here !== column) {
      if (column >= 0) { move(column * every, low); pen.lineTo(column * every, high); }
      column = here; low = high = py;
    } else { low = Math.max(low, py); high = Math.min(high, py); }
  }
  if (column >= 0) { move(column * every, low); pen.lineTo(column * every, high); }
  pen.stroke();
}

function grid(pen, step, wide, colour, width, height) {
  pen.strokeStyle = colour;
  pen.lineWidth = wide;
  pen.beginPath();
  for (let x = 0; x <= width; x += step) { pen.moveTo(x, 0); pen.lineTo(x, height); }
  for (let y = 0; y <= height; y += step) { pen.moveTo(0, y); pen.lineTo(width, y); }
  pen.stroke();
}

function seconds(pen, v, left, height, colour) {
  const step = v.page > 20 ? 5 : 1;
  pen.strokeStyle = colour;
  pen.lineWidth = 0.25;
  pen.beginPath();
  for (let s = 0; s <= v.page + 1e-9; s += step) { const x = left + (s / v.page) * PAPER; pen.moveTo(x, 0); pen.lineTo(x, height); }
  pen.stroke();
}

function mark(pen, base, gain, colour) { // the mark every tracing starts with: one millivolt for a fifth of a second
  pen.strokeStyle = colour;
  pen.lineWidth = 0.3;
  pen.beginPath();
  [[4, 0], [5, 0], [5, gain], [10, gain], [10, 0], [11, 0]].forEach(([x, y], n) => (n ? pen.lineTo(x, base - y) : pen.moveTo(x, base - y)));
  pen.stroke();
}

function text(pen, words, x, y, size, colour, paper) {
  pen.font = `600 ${size}px "Source Sans", system-ui, sans-serif`;
  pen.lineWidth = 1;
  pen.strokeStyle = paper;
  pen.strokeText(words, x, y);
  pen.fillStyle = colour;
  pen.fillText(words, x, y);
}
