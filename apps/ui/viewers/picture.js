// A picture seen through a window: drag sideways for the width, up and down for the level, scroll wheel to look closer.
const PARTS = `
  <div class="sl-tools" role="group" aria-label="How the picture is shown">
    <label>Window <select class="sl-preset"></select></label>
    <label>Level <input class="sl-level" type="range" step="any"></label>
    <label>Width <input class="sl-width" type="range" step="any"></label>
    <button type="button" class="sl-invert" aria-pressed="false">Invert</button>
    <button type="button" class="sl-out" aria-label="Smaller">&minus;</button>
    <button type="button" class="sl-in" aria-label="Larger">+</button>
    <button type="button" class="sl-reset">Reset</button>
  </div>
  <div class="sl-stage sl-dark" tabindex="0" role="group" aria-label="Picture, scrolls when it is larger than its frame">
    <canvas role="img"></canvas>
  </div>
  <div class="sl-legend"></div>`;

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".sl-viewer");
  const v = (root.sidelight ??= build(root));
  if (v.pixels !== data.pixels) {
    const bytes = Uint8Array.from(atob(data.pixels), (c) => c.charCodeAt(0));
    v.pixels = data.pixels;
    v.values = data.channels === 3 ? bytes : new Uint16Array(bytes.buffer);
    v.data = data;
    v.preset.replaceChildren(...data.windows.map(([name], n) => new Option(name, n)), new Option("own", -1));
    const low = data.low, high = data.high, span = high - low;
    Object.assign(v.level, { min: low - span / 4, max: high + span / 4 });
    Object.assign(v.width, { min: span / 200, max: Math.max(span * 1.5, ...data.windows.map((w) => w[2])) });
    v.canvas.width = data.width;
    v.canvas.height = data.height;
    v.zoom = 1;
    v.turn(data.inverted);
    v.through(0);
  }
  v.data = data;
  v.draw();
}

function build(root) {
  root.innerHTML = PARTS;
  const at = (name) => root.querySelector(name);
  const v = {
    preset: at(".sl-preset"), level: at(".sl-level"), width: at(".sl-width"), canvas: at("canvas"),
    stage: at(".sl-stage"), legend: at(".sl-legend"), invert: at(".sl-invert"), zoom: 1, inverted: false,
  };
  v.through = (n) => {
    const [, level, width] = v.data.windows[n];
    v.preset.value = n;
    v.level.value = level;
    v.width.value = width;
    v.draw();
  };
  v.turn = (inverted) => {
    v.inverted = inverted;
    v.invert.setAttribute("aria-pressed", inverted);
  };
  v.draw = () => draw(v);
  const later = () => { if (!v.due) { v.due = requestAnimationFrame(() => { v.due = 0; v.draw(); }); } };
  v.preset.onchange = () => (+v.preset.value < 0 ? v.draw() : v.through(+v.preset.value));
  for (const slider of [v.level, v.width]) slider.oninput = () => { v.preset.value = -1; later(); };
  v.invert.onclick = () => { v.turn(!v.inverted); v.draw(); };
  const closer = (factor) => { v.zoom = Math.min(6, Math.max(1, v.zoom * factor)); v.draw(); };
  at(".sl-in").onclick = () => closer(1.4);
  at(".sl-out").onclick = () => closer(1 / 1.4);
  at(".sl-reset").onclick = () => { v.zoom = 1; v.turn(v.data.inverted); v.through(0); };
  v.stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    closer(event.deltaY < 0 ? 1.15 : 1 / 1.15);
  }, { passive: false });
  v.canvas.onpointerdown = (event) => {
    v.canvas.setPointerCapture(event.pointerId);
    v.from = { x: event.clientX, y: event.clientY, level: +v.level.value, width: +v.width.value };
  };
  v.canvas.onpointermove = (event) => {
    if (!v.from) return;
    const step = (v.data.high - v.data.low) / 500;
    v.width.value = v.from.width + (event.clientX - v.from.x) * step;
    v.level.value = v.from.level + (event.clientY - v.from.y) * step;
    v.preset.value = -1;
    later();
  };
  v.canvas.onpointerup = v.canvas.onpointercancel = () => { v.from = null; };
  new ResizeObserver(later).observe(v.stage);
  return v;
}

function draw(v) {
  const { data, canvas } = v;
  if (!data) return;
  const level = +v.level.value, width = Math.max(+v.width.value, 1e-9);
  const top = data.channels === 3 ? 255 : 65535, table = new Uint8ClampedArray(top + 1);
  for (let n = 0; n <= top; n++) {
    const value = data.low + (n / top) * (data.high - data.low);
    const grey = 255 * ((value - level) / width + 0.5);
    table[n] = v.inverted ? 255 - Math.max(0, Math.min(255, grey)) : grey;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(data.width, data.height), out = image.data, values = v.values;
  for (let n = 0, to = 0; n < data.width * data.height; n++, to += 4) {
    if (data.channels === 3) {
      out[to] = table[values[3 * n]]; out[to + 1] = table[values[3 * n + 1]]; out[to + 2] = table[values[3 * n + 2]];
    } else { out[to] = out[to + 1] = out[to + 2] = table[values[n]]; }
    out[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const room = v.stage.clientWidth || 600, tall = Math.max(360, Math.min(720, window.innerHeight - 330));
  const fit = Math.min(room / data.width, tall / data.height);
  canvas.style.width = `${Math.round(data.width * fit * v.zoom)}px`;
  canvas.style.height = `${Math.round(data.height * fit * v.zoom)}px`;
  v.stage.style.maxHeight = `${tall + 2}px`;
  const shown = (x) => (Math.abs(x) < 10 && data.high - data.low < 10 ? x.toFixed(2) : Math.round(x));
  const small = data.full[0] === data.width ? "" : `, sent at ${data.width} × ${data.height}`;
  const level_words = `level ${shown(level)}${data.units && " " + data.units}, width ${shown(width)}`;
  canvas.setAttribute("aria-label", `${data.words}; ${level_words}`);
  v.legend.textContent = `${level_words} · ${data.full[0]} × ${data.full[1]} pixels${small} · ${Math.round(v.zoom * 100)} %`;
}
