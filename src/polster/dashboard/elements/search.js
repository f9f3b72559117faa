// A field to search in: says what is looked for once the typing rests; "/" leads to it.
const REST_MILLISECONDS = 120;

export default {
  template: `<label class="choice search"><span>{{ label }}</span>
    <input ref="field" type="search" v-model="text" :placeholder="hint" autocomplete="off" spellcheck="false" @input="later" @keydown.escape="clear" />
  </label>`,
  props: { label: String, hint: String, value: String },
  emits: ["searched"],
  data() {
    return { text: this.value };
  },
  watch: {
    value(value) {
      if (value !== this.said) this.text = value;
    },
  },
  mounted() {
    this.keys = (event) => {
      if (event.key !== "/" || event.target.closest?.("input, select, textarea, [contenteditable]")) return;
      event.preventDefault();
      this.$refs.field.focus();
    };
    addEventListener("keydown", this.keys);
  },
  unmounted() {
    removeEventListener("keydown", this.keys);
    clearTimeout(this.timer);
  },
  methods: {
    later() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.said = this.text;
        this.$emit("searched", this.text);
      }, REST_MILLISECONDS);
    },
    clear() {
      this.text = "";
      this.later();
    },
  },
};
