// One of several, by the browser's own list: keyboard, search by typing and small screens for free.
const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

export default {
  template: `<label class="choice">
    <span>{{ label }}</span>
    <select :value="value" @change="$emit('chosen', $event.target.value)">
      <option v-for="each in options" :key="each.value" :value="each.value">{{ named(each) }}</option>
    </select>
  </label>`,
  props: { label: String, value: String, options: Array },
  methods: {
    named(option) {
      return option.at ? `${when.format(new Date(option.at))} · ${option.text}` : option.text;
    },
  },
};
