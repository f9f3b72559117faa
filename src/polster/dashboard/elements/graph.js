// The pipeline as a graph: columns from left to right, drawn as SVG. Where things stand is
// computed by the server (layout.py); here they get their widths, follow the pointer and move.
import { markRaw, toRaw } from "vue";

const bare = (face) => markRaw(toRaw(face)); // a thousand faces need no proxies
const NODE = { width: 232, height: 64, radius: 9 };
const GAP = { least: 84, most: 230 };
const MARGIN = { x: 26, top: 14, bottom: 22 };
const SCALE = { least: 0.04, most: 2.5, first: 1.12, readable: 0.62, far: 0.42, small: 0.85 };
const CARD_MILLISECONDS = 220;
const CLOCK_MILLISECONDS = 30000;
const GLYPHS = { unusable: "◆", failed: "◆", stale: "□", running: "◔", waiting: "…", "never-built": "…" };
const STEP = 400; // how finely it is watched which nodes are in sight
const BUNDLE = 40; // edges that are one element
const UNITS = [["y", 31536000], ["mo", 2592000], ["d", 86400], ["h", 3600], ["min", 60]];
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const pen = document.createElement("canvas").getContext("2d");
const cuts = new Map();

// Cut a text in its middle so that it fits: names often differ at their ends.
function cut(text, width, font) {
  const known = cuts.get(text);
  if (known !== undefined) return known;
  pen.font = font;
  let kept = text.length;
  let shown = text;
  while (kept > 4 && pen.measureText(shown).width > width) {
    kept -= 1;
    shown = text.slice(0, Math.ceil(kept * 0.6)) + "…" + text.slice(text.length - Math.floor(kept * 0.4));
  }
  cuts.set(text, shown);
  return shown;
}

export default {
  template: `<div class="graph">
    <div class="graph-scroll" ref="scroll" @wheel="wheel" @scroll.passive="scrolled" @pointerdown="grab"
         @focusin="focus" @focusout="leave" @keydown="key" @click="click">
      <div class="graph-heads" :style="{ width: width * scale + 'px' }">
        <div v-for="layer in plan.layers" :key="layer.name" class="graph-head" :class="layer.name"
             :style="{ left: left(layer.first) * scale + 'px', width: (left(layer.last) + 232 - left(layer.first)) * scale + 'px' }">
          <strong>{{ layer.title }}</strong><span>{{ layer.count }}</span>
          <button type="button" :aria-expanded="String(!layer.collapsed)" :aria-label="(layer.collapsed ? 'Expand ' : 'Collapse ') + layer.name"
                  :title="(layer.collapsed ? 'Expand ' : 'Collapse ') + layer.name" @click="act('fold', layer.name)">{{ layer.collapsed ? '+' : '−' }}</button>
        </div>
      </div>
      <svg ref="svg" :width="width * scale" :height="height * scale" :viewBox="'0 0 ' + width + ' ' + height"
           role="group" aria-label="Pipeline, from bronze to gold"
           @pointerover="point" @pointerleave="leave">
        <g>
          <rect v-for="layer in plan.layers" :key="layer.name" class="band" :class="layer.name" rx="12" y="0" :height="height"
                :x="left(layer.first) - 14" :width="left(layer.last) + 232 - left(layer.first) + 28" />
        </g>
        <g class="edges"><path v-for="(way, index) in bundles" :key="index" :d="way" /></g>
        <path class="lit-edges" ref="lit" />
        <g class="nodes" ref="nodes">
          <g v-for="(node, index) in drawn.nodes" :key="node.key" :class="'node ' + node.layer + (node.key === plan.focus ? ' focus' : '')"
             :transform="'translate(' + left(node.column) + ',' + (node.middle + 14 - 32) + ')'" :data-index="index"
             :data-asset="node.href ? node.key : null" :data-layer="node.href ? null : node.key"
             v-memo="[node, index, now[index], left(node.column), near(node), far, clock, plan.focus]">
            <a v-if="node.href" class="body" :href="node.href" :aria-label="said(node, now[index])">
              <rect :class="'box ' + now[index].state" width="232" height="64" rx="9" />
              <text v-if="far" class="glyph" x="116" y="50">{{ glyph(now[index].state) }}</text>
              <template v-if="near(node)">
                <path class="stripe" d="M5 0.5 H9 V63.5 H5 A8.5 8.5 0 0 1 0.5 55 V9 A8.5 8.5 0 0 1 5 0.5" />
                <text class="name" x="20" y="20">{{ short(node.name) }}</text>
                <g :class="'mark ' + now[index].state">
                  <circle v-if="now[index].state === 'published'" class="solid" cx="25" cy="34" r="5" />
                  <rect v-else-if="now[index].state === 'failed'" class="solid" x="20.8" y="29.8" width="8.4" height="8.4" transform="rotate(45 25 34)" />
                  <rect v-else-if="now[index].state === 'stale'" x="20.7" y="29.7" width="8.6" height="8.6" rx="1.5" />
                  <path v-else-if="now[index].state === 'running'" class="turning" d="M25 29.5 A4.5 4.5 0 1 1 20.5 34" />
                  <circle v-else class="dotted" cx="25" cy="34" r="4.5" />
                  <text x="36" y="38">{{ now[index].word }}</text>
                </g>
                <text class="soft end" x="222" y="38">{{ age(now[index].at) }}</text>
                <text class="soft" x="20" y="55">{{ now[index].count === null ? '' : now[index].rows + (now[index].count === 1 ? ' row' : ' rows') }}</text>
                <text v-if="now[index].share" class="kept end" x="222" y="55">{{ now[index].share }} quarantined</text>
              </template>
            </a>
            <g v-else class="body" role="button" tabindex="0" :aria-label="said(node, now[index])">
              <rect class="box many" x="5" y="5" width="232" height="64" rx="9" />
              <rect class="box" width="232" height="64" rx="9" />
              <path class="stripe" d="M5 0.5 H9 V63.5 H5 A8.5 8.5 0 0 1 0.5 55 V9 A8.5 8.5 0 0 1 5 0.5" />
              <text class="name" x="20" y="20">{{ node.name }}: {{ now[index].assets }}</text>
              <g :class="'mark ' + now[index].state"><text x="20" y="38">{{ now[index].brief }}</text></g>
              <text class="soft" x="20" y="55">{{ now[index].rows }} rows</text>
              <text v-if="now[index].out" class="kept end" x="222" y="55">{{ now[index].out }}</text>
            </g>
            <g v-if="node.href && near(node)" class="more" role="button" tabindex="-1" :aria-label="'Run ' + node.key + ' and more'">
              <rect x="200" y="5" width="27" height="20" rx="6" /><path d="M210 10 L218 15 L210 20 Z" />
            </g>
          </g>
        </g>
      </svg>
      <p v-if="plan.nodes.length === 0" class="graph-none">No asset fits what is asked for above.</p>
    </div>
    <div class="graph-tools">
      <span class="soft small keys">Arrow keys move, Enter opens, R runs, O shows only what belongs to it; + − 0 zoom, F fits</span>
      <div class="graph-zoom" role="group" aria-label="Zoom">
        <button type="button" aria-label="Zoom out" title="Zoom out (−)" @click="zoom(scale / 1.25)">−</button>
        <button type="button" aria-label="Zoom to 100 %" title="Actual size (0)" @click="zoom(1)">{{ Math.round(scale * 100) }} %</button>
        <button type="button" aria-label="Zoom in" title="Zoom in (+)" @click="zoom(scale * 1.25)">+</button>
        <button type="button" title="Show all of it (F)" @click="fit">Fit</button>
      </div>
    </div>
    <div v-if="card" ref="card" class="graph-card" role="tooltip" :style="{ left: card.x + 'px', top: card.y + 'px' }">
      <strong class="mono">{{ card.node.key }}</strong>
      <span :class="'state ' + card.face.state">{{ card.face.word }}</span>
      <span v-for="(reason, index) in card.face.why" :key="index" class="why">{{ reason }}</span>
      <span v-if="card.face.count !== null">{{ card.face.exact }} {{ card.face.count === 1 ? 'row' : 'rows' }}<template v-if="card.face.share">; {{ card.face.kept }} ({{ card.face.share }}) quarantined</template></span>
      <span v-if="card.face.at" class="soft">published {{ local(card.face.at) }}</span>
      <span v-if="card.node.owner" class="soft">owner: {{ card.node.owner }}</span>
      <span v-if="card.node.tags.length" class="soft">tags: {{ card.node.tags.join(', ') }}</span>
    </div>
  </div>`,
  props: { plan: Object, faces: Array },
  emits: ["act"],
  data() {
    return { now: this.faces.map(bare), scale: 1, room: 1200, clock: Date.now(), card: null, far: false, top: 0, bottom: STEP * 4 };
  },
  watch: {
    faces(faces) {
      this.now = faces.map(bare);
    },
    plan() {
      this.dim();
      this.hide();
    },
  },
  created() {
    this.traced = null;
  },
  mounted() {
    this.font = "600 13.5px " + getComputedStyle(this.$el).fontFamily;
    this.room = this.$refs.scroll.clientWidth;
    this.scale = Math.min(SCALE.first, Math.max(SCALE.readable, this.room / this.width));
    this.sizes = new ResizeObserver(() => (this.room = this.$refs.scroll?.clientWidth ?? this.room));
    this.sizes.observe(this.$refs.scroll);
    this.timer = setInterval(() => (this.clock = Date.now()), CLOCK_MILLISECONDS);
    this.keys = (event) => this.shortcut(event);
    addEventListener("keydown", this.keys);
    this.$nextTick(this.look);
  },
  unmounted() {
    this.sizes.disconnect();
    clearInterval(this.timer);
    clearTimeout(this.waiting);
    removeEventListener("keydown", this.keys);
  },
  computed: {
    drawn() {
      return toRaw(this.plan);
    },
    columns() {
      return 1 + this.plan.layers.reduce((most, layer) => Math.max(most, layer.last), 0);
    },
    gap() {
      if (this.columns < 2) return GAP.least;
      const free = this.room / SCALE.first - 2 * MARGIN.x - this.columns * NODE.width;
      return Math.max(GAP.least, Math.min(GAP.most, free / (this.columns - 1)));
    },
    width() {
      return 2 * MARGIN.x + this.columns * NODE.width + (this.columns - 1) * this.gap;
    },
    height() {
      return this.plan.height + MARGIN.top + MARGIN.bottom;
    },
    ways() {
      return this.drawn.edges.map(([source, target, lanes]) => {
        const from = this.drawn.nodes[source];
        const to = this.drawn.nodes[target];
        let x = this.left(from.column) + NODE.width;
        let y = from.middle + MARGIN.top;
        let way = `M${x} ${y}`;
        const bend = (toX, toY) => {
          const half = (x + toX) / 2;
          way += ` C${half} ${y} ${half} ${toY} ${toX} ${toY}`;
        };
        lanes.forEach((lane, step) => {
          const start = this.left(from.column + step + 1);
          bend(start, lane + MARGIN.top);
          x = start + NODE.width;
          y = lane + MARGIN.top;
          way += ` H${x}`;
        });
        bend(this.left(to.column), to.middle + MARGIN.top);
        return way;
      });
    },
    bundles() {
      const ends = this.drawn.edges.map(([source], index) => [this.drawn.nodes[source], index]);
      ends.sort(([one], [other]) => one.column - other.column || one.middle - other.middle);
      const bundles = [];
      for (let start = 0; start < ends.length; start += BUNDLE) {
        bundles.push(ends.slice(start, start + BUNDLE).map(([, index]) => this.ways[index]).join(""));
      }
      return bundles;
    },
    beside() {
      const up = this.drawn.nodes.map(() => []);
      const down = this.drawn.nodes.map(() => []);
      this.drawn.edges.forEach(([source, target], edge) => {
        up[target].push([source, edge]);
        down[source].push([target, edge]);
      });
      return { up, down };
    },
  },
  methods: {
    // Only nodes in sight are drawn with all that stands on them.
    near(node) {
      return node.middle > this.top - STEP && node.middle < this.bottom + STEP;
    },
    look() {
      const scroll = this.$refs.scroll;
      const far = (this.far = this.scale < SCALE.far);
      this.$el.classList.toggle("far", far);
      this.$el.classList.toggle("small", this.scale < SCALE.small);
      this.top = far ? 0 : Math.floor(scroll.scrollTop / this.scale / STEP) * STEP;
      this.bottom = far ? -2 * STEP : Math.ceil((scroll.scrollTop + innerHeight) / this.scale / STEP) * STEP;
    },
    scrolled() {
      this.hide();
      this.frame ??= requestAnimationFrame(() => {
        this.frame = undefined;
        if (this.$refs.scroll) this.look();
      });
    },
    left(column) {
      return MARGIN.x + column * (NODE.width + this.gap);
    },
    short(name) {
      return cut(name, NODE.width - 40, this.font ?? "600 13.5px system-ui");
    },
    // From afar only what is not published has a sign.
    glyph(state) {
      return GLYPHS[state] ?? "";
    },
    age(at) {
      if (!at) return "";
      const seconds = (this.clock - new Date(at)) / 1000;
      const unit = UNITS.find(([, length]) => seconds >= length);
      return unit ? `${Math.floor(seconds / unit[1])} ${unit[0]} ago` : "just now";
    },
    local(at) {
      return exact.format(new Date(at));
    },
    said(node, face) {
      if (!node.href) return `Expand ${node.key}: ${face.assets}, ${face.word}`;
      const parts = [node.key, face.word, ...face.why];
      if (face.count !== null) parts.push(`${face.exact} ${face.count === 1 ? "row" : "rows"}`);
      if (face.share) parts.push(`${face.share} quarantined`);
      if (face.at) parts.push(`published ${this.age(face.at)}`);
      return parts.join(", ");
    },
    patch(changes) {
      for (const [index, face] of changes) if (index < this.now.length) this.now[index] = bare(face);
    },
    act(kind, key) {
      this.$emit("act", { kind, key });
    },
    // Highlighting works on the elements themselves: it must keep up with the pointer.
    index(target) {
      const node = target.closest?.(".node");
      return node ? Number(node.dataset.index) : null;
    },
    trace(start) {
      if (start === this.traced) return;
      this.dim();
      if (start === null || start >= this.plan.nodes.length) return;
      this.traced = start;
      const nodes = this.$refs.nodes.children;
      const edges = new Set();
      nodes[start].classList.add("lit");
      for (const way of [this.beside.up, this.beside.down]) {
        const seen = new Set([start]);
        const waiting = [start];
        while (waiting.length) {
          for (const [other, edge] of way[waiting.pop()]) {
            edges.add(edge);
            if (seen.has(other)) continue;
            seen.add(other);
            nodes[other].classList.add("lit");
            waiting.push(other);
          }
        }
      }
      this.$refs.lit.setAttribute("d", [...edges].map((edge) => this.ways[edge]).join(""));
      this.$el.classList.add("tracing");
    },
    dim() {
      this.traced = null;
      this.$el.classList.remove("tracing");
      this.$refs.lit.removeAttribute("d");
      for (const lit of this.$refs.nodes.querySelectorAll(".lit")) lit.classList.remove("lit");
    },
    point(event) {
      const index = this.index(event.target);
      if (index === null) return this.leave();
      this.trace(index);
      this.show(index, CARD_MILLISECONDS);
    },
    leave() {
      const kept = this.index(document.activeElement ?? document.body);
      if (kept !== null && this.$refs.svg.contains(document.activeElement)) this.trace(kept);
      else this.dim();
      this.hide();
    },
    focus(event) {
      const index = this.index(event.target);
      if (index === null || !event.target.matches(":focus-visible")) return;
      this.trace(index);
      this.show(index, 0);
    },
    show(index, delay) {
      if (this.card?.node === this.plan.nodes[index]) return;
      this.hide();
      this.waiting = setTimeout(() => {
        const node = this.plan.nodes[index];
        if (!node?.href || !this.$refs.nodes) return;
        const place = this.$refs.nodes.children[index].getBoundingClientRect();
        this.card = { node, face: this.now[index], x: place.left, y: place.bottom + 6 };
        this.$nextTick(() => {
          const box = this.$refs.card?.getBoundingClientRect();
          if (!box) return;
          const x = Math.max(8, Math.min(place.left, innerWidth - box.width - 8));
          const y = place.bottom + 6 + box.height > innerHeight ? place.top - box.height - 6 : place.bottom + 6;
          this.card = { ...this.card, x, y };
        });
      }, delay);
    },
    hide() {
      clearTimeout(this.waiting);
      if (this.card) this.card = null;
    },
    click(event) {
      const index = this.index(event.target);
      if (index === null) return;
      const node = this.plan.nodes[index];
      if (!node.href) this.act("fold", node.key);
      else if (event.target.closest(".more")) this.act("menu", node.key);
    },
    key(event) {
      const index = this.index(event.target);
      if (index === null || event.ctrlKey || event.metaKey || event.altKey) return;
      const node = this.plan.nodes[index];
      const other = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (other) this.go(this.plan.nodes[index + other]?.column === node.column ? index + other : null);
      else if (event.key === "ArrowLeft") this.go(this.beside.up[index][0]?.[0] ?? null);
      else if (event.key === "ArrowRight") this.go(this.beside.down[index][0]?.[0] ?? null);
      else if (event.key === "Escape") this.hide();
      else if (!node.href && (event.key === "Enter" || event.key === " ")) this.act("fold", node.key);
      else if (node.href && (event.key === "r" || event.key === "R")) this.act("menu", node.key);
      else if (node.href && (event.key === "o" || event.key === "O")) this.act("focus", node.key);
      else return;
      event.preventDefault();
    },
    go(index) {
      if (index === null) return;
      const body = this.$refs.nodes.children[index]?.querySelector(".body");
      body?.focus({ preventScroll: true });
      body?.scrollIntoView({ block: "nearest", inline: "nearest" });
    },
    shortcut(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector(".q-dialog")) return;
      if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
      if (event.key === "+" || event.key === "=") this.zoom(this.scale * 1.25);
      else if (event.key === "-") this.zoom(this.scale / 1.25);
      else if (event.key === "0") this.zoom(1);
      else if (event.key === "f" || event.key === "F") this.fit();
      else return;
      event.preventDefault();
    },
    // Zoom so that what is under the pointer, or in the middle, stays where it is.
    zoom(wanted, event) {
      const scroll = this.$refs.scroll;
      const scale = Math.max(SCALE.least, Math.min(SCALE.most, wanted));
      const box = scroll.getBoundingClientRect();
      const x = event ? event.clientX - box.left : box.width / 2;
      const y = event ? event.clientY - box.top : box.height / 2;
      const ratio = scale / this.scale;
      const [toX, toY] = [(scroll.scrollLeft + x) * ratio - x, (scroll.scrollTop + y) * ratio - y];
      this.scale = scale;
      this.hide();
      this.$nextTick(() => {
        scroll.scrollLeft = toX;
        scroll.scrollTop = toY;
        this.look();
      });
    },
    fit() {
      const scroll = this.$refs.scroll;
      const most = parseFloat(getComputedStyle(scroll).maxHeight) || scroll.clientHeight;
      const heads = scroll.firstElementChild.offsetHeight;
      this.zoom(Math.min(SCALE.first, scroll.clientWidth / this.width, (most - heads - 4) / this.height));
    },
    wheel(event) {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(this.scale * Math.exp(-event.deltaY / 300), event);
    },
    grab(event) {
      if (event.button !== 0 || event.pointerType === "touch" || event.target.closest(".node, .graph-heads")) return;
      const scroll = this.$refs.scroll;
      const start = { x: event.clientX + scroll.scrollLeft, y: event.clientY + scroll.scrollTop };
      const move = (moved) => {
        scroll.scrollLeft = start.x - moved.clientX;
        scroll.scrollTop = start.y - moved.clientY;
      };
      const stop = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", stop);
        removeEventListener("pointercancel", stop);
        scroll.classList.remove("grabbed");
      };
      scroll.classList.add("grabbed");
      addEventListener("pointermove", move);
      addEventListener("pointerup", stop);
      addEventListener("pointercancel", stop);
    },
  },
};
