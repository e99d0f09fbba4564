"use strict";
// Filters what the page shows. Without it the page shows all.
const form = document.querySelector("form");
const records = [...document.querySelectorAll(".record")];
const groups = [...document.querySelectorAll("main section, section > details")];
const opened = new Map(groups.map(each => [each, each.open]));
const texts = new Map();
const text = record => {
  if (!texts.has(record)) texts.set(record, record.textContent.toLowerCase());
  return texts.get(record);
};
const names = record => [...record.querySelectorAll("dt")].map(each => each.dataset.field);
const fields = [...new Set(records.flatMap(names))].sort();
for (const field of fields) form.elements.field.add(new Option(field));

const filter = () => {
  const { search, stream, action, field } = Object.fromEntries(new FormData(form));
  const isOn = Boolean(search || stream || action || field);
  let found = 0;
  for (const record of records) {
    const part = record.closest("details[data-action]");
    record.hidden = !(
      (!stream || record.closest("section").dataset.stream === stream) &&
      (!action || part.dataset.action === action) &&
      (!field || names(record).includes(field)) &&
      (!search || text(record).includes(search.toLowerCase()))
    );
    found += !record.hidden;
  }
  for (const group of groups) {
    group.hidden = isOn && !group.querySelector(".record:not([hidden])");
    if (opened.get(group) !== undefined) group.open = isOn ? !group.hidden : opened.get(group);
  }
  form.elements.count.value = isOn ? `${found} of ${records.length} shown` : "";
};
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
addEventListener("beforeprint", () => groups.forEach(each => { if ("open" in each) each.open = true; }));
form.hidden = records.length < 2;
