// A button with a menu, as the ARIA patterns have it: arrows, Home, End, Escape; a click elsewhere closes it.
export default {
  template: `<div class="menu" @focusout="left" @keydown="key">
    <button ref="opener" type="button" class="button primary" aria-haspopup="menu" :aria-expanded="open" @click="toggle">{{ label }}</button>
    <div v-show="open" class="menu-items" role="menu" :aria-label="label">
      <button v-for="(item, at) in items" :key="at" ref="items" type="button" role="menuitem" tabindex="-1" @click="choose(at)">
        <span>{{ item.text }}</span><span class="soft small">{{ item.note }}</span>
      </button>
    </div>
  </div>`,
  props: { label: String, items: Array },
  emits: ["chosen"],
  data: () => ({ open: false }),
  mounted() {
    this.elsewhere = (event) => this.$el.contains(event.target) || (this.open = false);
    addEventListener("pointerdown", this.elsewhere);
  },
  unmounted() {
    removeEventListener("pointerdown", this.elsewhere);
  },
  methods: {
    toggle() {
      if (this.open) this.open = false;
      else this.show(0);
    },
    show(at) {
      this.open = true;
      this.$nextTick(() => this.focus(at));
    },
    focus(at) {
      const all = this.$refs.items;
      all[(at + all.length) % all.length].focus();
    },
    close() {
      this.open = false;
      this.$refs.opener.focus();
    },
    choose(at) {
      this.close();
      this.$emit("chosen", at);
    },
    left(event) {
      if (event.relatedTarget && !this.$el.contains(event.relatedTarget)) this.open = false;
    },
    key(event) {
      const at = this.$refs.items.indexOf(document.activeElement);
      const moves = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 };
      if (event.key === "Escape" && this.open) this.close();
      else if (event.key in moves && (this.open || event.key.startsWith("Arrow")))
        this.open ? this.focus(moves[event.key]) : this.show(moves[event.key]);
      else return;
      event.preventDefault();
    },
  },
};
