// Lines of a log; follows its end until one scrolls up, and again from the end on.
const NEAR_PIXELS = 24;

export default {
  template: `<pre ref="lines" class="block log" tabindex="0" role="log" aria-label="Log" @scroll="look">{{ text }}</pre>`,
  props: { text: String },
  data: () => ({ follows: true }),
  mounted() {
    this.end();
  },
  updated() {
    if (this.follows) this.end();
  },
  methods: {
    look() {
      const lines = this.$refs.lines;
      this.follows = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_PIXELS;
    },
    end() {
      this.$refs.lines.scrollTop = this.$refs.lines.scrollHeight;
    },
  },
};
