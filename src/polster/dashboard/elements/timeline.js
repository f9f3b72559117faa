// One row an asset: its name, and a bar from when it began to when it ended.
export default {
  template: `
    <div class="timeline" role="group" aria-label="What ran when">
      <div class="timeline-axis" aria-hidden="true">
        <span v-for="tick in ticks" :key="tick.at" :style="{ left: share(tick.at) }">{{ tick.text }}</span>
      </div>
      <ol class="timeline-rows">
        <li v-for="bar in bars" :key="bar.asset">
          <a :href="bar.href" :title="bar.says" :aria-label="bar.says">
            <span :class="['timeline-name', bar.layer]">{{ bar.asset }}</span>
            <span class="timeline-track">
              <i v-for="tick in ticks" :key="tick.at" :style="{ left: share(tick.at) }"></i>
              <span :class="['timeline-bar', bar.status]" :style="place(bar)"></span>
              <span class="timeline-took" :style="behind(bar)">{{ bar.took }}</span>
            </span>
          </a>
        </li>
      </ol>
    </div>`,
  props: { bars: Array, ticks: Array, seconds: Number },
  methods: {
    share(seconds) {
      return (100 * seconds) / this.seconds + "%";
    },
    place(bar) {
      return { left: this.share(bar.start), width: `max(3px, ${this.share(bar.seconds)})` };
    },
    behind(bar) {
      const end = (bar.start + bar.seconds) / this.seconds;
      return end < 0.85 ? { left: `calc(${100 * end}% + 8px)` } : { right: `calc(${100 - (100 * bar.start) / this.seconds}% + 6px)` };
    },
  },
};
