// The assets as a table that can be sorted: for narrow windows, and for those who listen to pages.
import { markRaw, toRaw } from "vue";

const bare = (face) => markRaw(toRaw(face)); // a thousand faces need no proxies
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const STATES = ["unusable", "failed", "never-built", "stale", "running", "waiting", "published"];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const names = new Intl.Collator("en", { numeric: true });
const MOST = 200; // rows at first
const COLUMNS = [
  { name: "asset", title: "Asset" },
  { name: "state", title: "State" },
  { name: "rows", title: "Rows", count: true },
  { name: "kept", title: "Quarantined", count: true },
  { name: "at", title: "Published" },
  { name: "owner", title: "Owner" },
  { name: "tags", title: "Tags" },
];

export default {
  template: `<div class="scroll assets">
    <table class="plain">
      <caption class="unseen">Assets</caption>
      <thead><tr>
        <th v-for="column in columns" :key="column.name" scope="col" :class="{ count: column.count }"
            :aria-sort="by === column.name ? (down ? 'descending' : 'ascending') : 'none'">
          <button type="button" @click="sort(column.name)">{{ column.title }}<span aria-hidden="true">{{ by === column.name ? (down ? ' ↓' : ' ↑') : '' }}</span></button>
        </th>
        <th scope="col"><span class="unseen">Action</span></th>
      </tr></thead>
      <tbody>
        <tr v-for="index in order.slice(0, most)" :key="plan.nodes[index].key" :data-asset="plan.nodes[index].key"
            v-memo="[plan.nodes[index], now[index], clock]">
          <th scope="row"><span :class="'layer ' + plan.nodes[index].layer">{{ plan.nodes[index].layer }}</span> <a :href="plan.nodes[index].href">{{ plan.nodes[index].name }}</a></th>
          <td data-title="State"><span :class="'state ' + now[index].state">{{ now[index].word }}</span>
            <span v-for="(reason, number) in now[index].why" :key="number" class="why soft small">{{ reason }}</span></td>
          <td data-title="Rows" class="count">{{ now[index].exact }}</td>
          <td data-title="Quarantined" :class="{ none: !now[index].share, count: true }">{{ now[index].share ? now[index].kept + ' (' + now[index].share + ')' : '–' }}</td>
          <td data-title="Published"><time v-if="now[index].at" :datetime="now[index].at" :title="utc(now[index].at)">{{ age(now[index].at) }}</time><span v-else>–</span></td>
          <td data-title="Owner" :class="{ none: !plan.nodes[index].owner }">{{ plan.nodes[index].owner || '–' }}</td>
          <td data-title="Tags" :class="{ none: !plan.nodes[index].tags.length }">{{ plan.nodes[index].tags.join(', ') || '–' }}</td>
          <td><button type="button" class="button small" :aria-label="'Run ' + plan.nodes[index].key + ' and more'" @click="$emit('act', { kind: 'menu', key: plan.nodes[index].key })">Run …</button></td>
        </tr>
      </tbody>
    </table>
    <p v-if="order.length > most" class="graph-none">
      <button type="button" class="button" @click="most = order.length">Show all {{ order.length.toLocaleString('en') }}</button>
    </p>
    <p v-if="plan.nodes.length === 0" class="graph-none">No asset fits what is asked for above.</p>
  </div>`,
  props: { plan: Object, faces: Array },
  emits: ["act"],
  data() {
    return { now: this.faces.map(bare), by: null, down: false, clock: Date.now(), columns: COLUMNS, most: MOST };
  },
  watch: {
    faces(faces) {
      this.now = faces.map(bare);
    },
  },
  mounted() {
    this.timer = setInterval(() => (this.clock = Date.now()), 10000);
  },
  unmounted() {
    clearInterval(this.timer);
  },
  computed: {
    order() {
      const order = this.plan.nodes.map((_, index) => index);
      const measure = this.by && this.measures()[this.by];
      if (!measure) return order;
      const sign = this.down ? -1 : 1;
      return order.sort((one, other) => sign * this.compare(measure(one), measure(other)) || one - other);
    },
  },
  methods: {
    measures() {
      const { nodes } = this.plan;
      const now = this.now;
      return {
        asset: (index) => nodes[index].name,
        state: (index) => STATES.indexOf(now[index].state),
        rows: (index) => now[index].count ?? -1,
        kept: (index) => now[index].part,
        at: (index) => (now[index].at ? Date.parse(now[index].at) : 0),
        owner: (index) => nodes[index].owner,
        tags: (index) => nodes[index].tags.join(),
      };
    },
    compare(one, other) {
      return typeof one === "string" ? names.compare(one, other) : one - other;
    },
    sort(name) {
      this.down = this.by === name ? !this.down : ["rows", "kept", "at"].includes(name);
      this.by = name;
    },
    patch(changes) {
      for (const [index, face] of changes) if (index < this.now.length) this.now[index] = bare(face);
    },
    age(at) {
      const seconds = (new Date(at) - this.clock) / 1000;
      const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
      return unit ? ago.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
    },
    utc(at) {
      return new Date(at).toISOString().replace("T", " ").replace("Z", " UTC");
    },
  },
};
