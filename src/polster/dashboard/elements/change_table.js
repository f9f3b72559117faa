// The tables of a release as one element: a thousand rows of elements would take seconds.
export default {
  template: `<div :class="['changes', { held: columns.length < 4 }]">
    <table class="plain">
      <caption class="unseen">{{ label }}</caption>
      <thead><tr>
        <th v-for="column in columns" :key="column.title" scope="col" :class="{ count: column.count }">{{ column.title }}</th>
      </tr></thead>
      <tbody>
        <tr v-for="row in rows" :key="row.name">
          <th scope="row"><a :href="row.href" class="mono">{{ row.name }}</a></th>
          <td v-for="(text, index) in row.cells" :key="index" :data-title="columns[index + 1].title"
              :class="{ count: columns[index + 1].count }">{{ text }}</td>
        </tr>
      </tbody>
    </table>
  </div>`,
  props: { label: String, columns: Array, rows: Array },
};
