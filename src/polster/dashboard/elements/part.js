// A part of a page with an address (#anchor), which says when it first comes into view.
const HOLD_MILLISECONDS = 5000;
const MOVES = ["wheel", "touchstart", "pointerdown", "keydown"];

export default {
  template: `<section><slot></slot></section>`,
  emits: ["seen"],
  mounted() {
    this.seeing = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        this.seeing.disconnect();
        this.$emit("seen");
      },
      { rootMargin: "150px" },
    );
    this.seeing.observe(this.$el);
    this.go = () => location.hash === "#" + this.$el.id && this.hold();
    addEventListener("hashchange", this.go);
    this.go();
  },
  unmounted() {
    this.seeing.disconnect();
    removeEventListener("hashchange", this.go);
    this.release?.();
  },
  methods: {
    // Stay where the address says while the parts above grow, until the reader moves on.
    hold() {
      this.release?.();
      const stay = () => (location.hash === "#" + this.$el.id ? this.$el.scrollIntoView() : this.release());
      const growing = new ResizeObserver(stay);
      const ending = setTimeout(() => this.release(), HOLD_MILLISECONDS);
      this.release = () => {
        growing.disconnect();
        clearTimeout(ending);
        for (const move of MOVES) removeEventListener(move, this.release);
        this.release = undefined;
      };
      for (const move of MOVES) addEventListener(move, this.release, { passive: true });
      growing.observe(this.$el.closest("main") ?? document.body);
      stay();
    },
  },
};
