// A time in the viewer's zone; the exact time in UTC stands in the title.
const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const time = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export default {
  template: `<time :datetime="iso" :title="exact">{{ text }}</time>`,
  props: { iso: String, shown: String },
  data: () => ({ now: Date.now() }),
  mounted() {
    if (this.shown === "ago") this.timer = setInterval(() => (this.now = Date.now()), 5000);
  },
  unmounted() {
    clearInterval(this.timer);
  },
  computed: {
    at() {
      return new Date(this.iso);
    },
    exact() {
      return this.at.toISOString().replace("T", " ").replace("Z", " UTC");
    },
    text() {
      if (this.shown === "date") return date.format(this.at);
      if (this.shown === "day") {
        const midnight = (at) => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
        const days = Math.round((midnight(this.at) - midnight(new Date(this.now))) / 86400000);
        return days < -1 || days > 0 ? date.format(this.at) : `${ago.format(days, "day")} ${time.format(this.at)}`;
      }
      const seconds = (this.at - this.now) / 1000;
      const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
      return unit ? ago.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
    },
  },
};
