// Source code, line by line; every piece of it is text.
export default {
  template: `
    <div class="listing" role="region" tabindex="0" :aria-label="label">
      <ol :style="{ '--digits': String(lines.length).length }">
        <li v-for="(pieces, index) in lines" :class="{ marked: index + 1 === marked }"><span
          v-for="[kind, text] in pieces" :class="kind">{{ text }}</span></li>
      </ol>
    </div>`,
  props: { lines: Array, marked: Number, label: String },
};
